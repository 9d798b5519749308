/* net/client_dial.c - a new connection: look-up, check of the address, TCP, TLS.
 *
 * The addresses are tried one after another; each gets its share of the time that is left. What
 * is connected to is the very address that was checked.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fault.h"
#include "net/client_parts.h"
#include "net/socket_reason.h"

#define SHARE_MIN_MS 250u /* of the time for one of several addresses */

/* A connection in the making. */
struct dial {
    struct channel *channel;
    struct dns_query *query; /* NULL: answered */
    struct timer timer;      /* gives the present address up, if there are more */
    unsigned n;
    unsigned next;    /* the address that comes after the present one */
    char reason[200]; /* why the last address did not do */
    struct sockaddr_storage addresses[DNS_ADDRESSES];
};

void
dial_free(struct dial **ptr)
{
    struct dial *d = *ptr;
    if (d == NULL)
        return;
    *ptr = NULL;
    if (d->query != NULL)
        dns_cancel(&d->query);
    timer_unset(d->channel->upstream->client->shard, &d->timer);
    free(d);
}

static void
set_port(struct sockaddr_storage *a, unsigned port)
{
    if (a->ss_family == AF_INET6)
        ((struct sockaddr_in6 *)a)->sin6_port = htons((uint16_t)port);
    else
        ((struct sockaddr_in *)a)->sin_port = htons((uint16_t)port);
}

static socklen_t
address_len(const struct sockaddr_storage *a)
{
    return a->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
}

/* A socket; if there is no descriptor for it, idle channels give theirs. */
static int
open_socket(struct client *c, int family)
{
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 || (errno != EMFILE && errno != ENFILE))
        return fd;
    client_trim(c);
    return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/* Gives up the present address. */
static void
drop_socket(struct channel *ch)
{
    watch_free(&ch->watch);
    if (ch->fd >= 0)
        close(ch->fd);
    ch->fd = -1;
}

static void
set_reason(struct dial *d, const struct sockaddr_storage *a, const char *text)
{
    char name[64] = "";
    address_text((const struct sockaddr *)a, name, sizeof name);
    const struct weir_text host = d->channel->upstream->host;
    struct weir_error err;
    if (text_is(host, name))
        err_set(&err, WEIR_UPSTREAM, "%s", text);
    else
        err_set(&err, WEIR_UPSTREAM, "%s %s", name, text);
    memcpy(d->reason, err.text, sizeof d->reason - 1);
}

/* Begins to connect to the next address. False: it failed at once. */
static bool
connect_next(struct channel *ch)
{
    struct dial *d = ch->dial;
    struct weir_shard *s = ch->upstream->client->shard;
    const struct sockaddr_storage *a = &d->addresses[d->next++];
    ch->fd = open_socket(ch->upstream->client, a->ss_family);
    const int on = 1;
    if (ch->fd < 0 || setsockopt(ch->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0 ||
        (connect(ch->fd, (const struct sockaddr *)a, address_len(a)) != 0 &&
         errno != EINPROGRESS)) {
        set_reason(d, a, socket_reason(errno));
        drop_socket(ch);
        return false;
    }
    ch->public = address_is_public((const struct sockaddr *)a);
    ch->watch = watch_new(s, ch->fd, WEIR_WRITE, channel_on_ready, ch);
    timer_unset(s, &d->timer);
    if (d->next < d->n) {
        uint64_t now_ms = shard_now(s);
        uint64_t phase_ms = ch->call->phase_ms;
        uint64_t share = (phase_ms > now_ms ? phase_ms - now_ms : 0) / (d->n - d->next + 1);
        timer_set(s, &d->timer, now_ms + (share > SHARE_MIN_MS ? share : SHARE_MIN_MS));
    }
    return true;
}

/* Tries the addresses that are left; the last reason is the call's. */
static void
connect_some(struct channel *ch)
{
    struct dial *d = ch->dial;
    while (d->next < d->n)
        if (connect_next(ch))
            return;
    client_fail_with(ch->call, WEIR_UPSTREAM, "%s", d->reason);
}

static void
on_share(void *arg)
{
    struct dial *d = arg;
    set_reason(d, &d->addresses[d->next - 1], "does not answer the connection");
    drop_socket(d->channel);
    connect_some(d->channel);
}

static void
on_addresses(void *arg, const struct sockaddr_storage *addresses, unsigned n,
             const struct weir_error *err)
{
    struct dial *d = arg;
    struct channel *ch = d->channel;
    d->query = NULL;
    if (n == 0) {
        client_fail_with(ch->call, (enum weir_code)err->code, "%s", err->text);
        return;
    }
    for (unsigned i = 0; i < n && i < DNS_ADDRESSES; i++) {
        if (ch->call->untrusted && !address_is_public((const struct sockaddr *)&addresses[i]))
            continue;
        d->addresses[d->n] = addresses[i];
        set_port(&d->addresses[d->n++], ch->upstream->port);
    }
    if (d->n == 0)
        client_fail_with(ch->call, WEIR_FORBIDDEN,
                         "its address is not a public one, and the host comes from outside");
    else
        connect_some(ch);
}

void
channel_dial(struct client_call *call)
{
    struct upstream *u = call->upstream;
    struct client *c = call->client;
    client_enter(call, CALL_DIALING);
    call->phase_ms = shard_now(c->shard) + call->connect_ms;
    client_arm(call);
    if (fault(POOL_CONNECT)) {
        client_fail_with(call, WEIR_UPSTREAM, "%s", socket_reason(ECONNREFUSED));
        return;
    }

    struct channel *ch = calloc(1, sizeof *ch);
    struct dial *d = calloc(1, sizeof *d);
    if (ch == NULL || d == NULL)
        abort();
    ch->upstream = u;
    ch->call = call;
    ch->dial = d;
    ch->fd = -1;
    list_init(&ch->link);
    timer_init(&ch->idle, channel_on_idle, ch);
    soon_init(&ch->start, channel_on_start, ch);
    buf_init(&ch->in, http_answer_limits.head + CLIENT_READ);
    buf_init(&ch->wire, SIZE_MAX - 1);
    call->channel = ch;
    u->n_channels++;
    c->n_busy++;
    d->channel = ch;
    timer_init(&d->timer, on_share, d);
    d->query = dns_find(c->dns, u->host, on_addresses, d);
}

/* The connection stands. */
static void
finish(struct channel *ch)
{
    dial_free(&ch->dial);
    channel_use(ch, ch->call);
}

static void
begin_tls(struct channel *ch)
{
    struct upstream *u = ch->upstream;
    struct weir_error err;
    timer_unset(u->client->shard, &ch->dial->timer);
    if (tls_client_new(u->tls->context, u->host, &ch->tls, &err) != WEIR_OK ||
        tls_write(ch->tls, TEXT(""), &ch->wire, &err) != WEIR_OK) {
        client_fail_with(ch->call, (enum weir_code)err.code, "%s", err.text);
        return;
    }
    (void)channel_flush(ch);
    channel_want(ch);
}

/* The TCP connection stands, or has failed. */
static void
on_connected(struct channel *ch)
{
    int number = 0;
    socklen_t len = sizeof number;
    if (getsockopt(ch->fd, SOL_SOCKET, SO_ERROR, &number, &len) != 0)
        number = errno;
    if (number != 0) {
        set_reason(ch->dial, &ch->dial->addresses[ch->dial->next - 1],
                   socket_reason(number));
        drop_socket(ch);
        connect_some(ch);
    } else if (ch->upstream->tls != NULL) {
        begin_tls(ch);
    } else {
        finish(ch);
    }
}

/* Goes on with the TLS handshake. */
static void
read_handshake(struct channel *ch)
{
    struct client *c = ch->upstream->client;
    ssize_t n = recv(ch->fd, c->scratch, fault(READ_ONE_BYTE) ? 1 : CLIENT_READ, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        client_fail_with(ch->call, WEIR_UPSTREAM, "%s in the TLS handshake",
                         n < 0 ? socket_reason(errno) : "closed the connection");
        return;
    }
    struct weir_error err;
    bool ended;
    buf_reset(&c->plain);
    enum weir_code code = tls_read(ch->tls, (struct weir_text){ c->scratch, (size_t)n },
                                   &c->plain, &ch->wire, &ended, &err);
    if (ch->wire.len > 0)
        (void)channel_flush(ch); /* also an alert that says what is wrong */
    if (code == WEIR_OK && (ended || c->plain.len > 0))
        code = err_set(&err, WEIR_UPSTREAM, "spoke before it was asked");
    if (code != WEIR_OK)
        client_fail_with(ch->call, code, "%s", err.text);
    else if (tls_ready(ch->tls))
        finish(ch);
    else
        channel_want(ch);
}

void
dial_on_ready(struct channel *ch, unsigned ready)
{
    if (ch->tls == NULL) {
        on_connected(ch);
        return;
    }
    if (ready & WEIR_WRITE && channel_flush(ch))
        channel_want(ch);
    if (ready & WEIR_READ)
        read_handshake(ch);
}

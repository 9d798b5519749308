/* net/redis_dial.c - a new connection to a Redis server: look-up, socket, TLS, greeting.
 *
 * The connection is up when PING was answered; what comes before it was good then too. A dial
 * that fails is tried again with full jitter, as long as there is anyone who uses the server.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/random.h"
#include "net/redis_parts.h"
#include "net/socket_reason.h"
#include "net/url.h"

#define CONNECT_MS 1000u
#define GREETING_MS 1000u
#define PROBE_MS 300u    /* for the greeting, while it is known to be away */
#define PROBES 4u        /* so many times; then it may just be slow */
#define PAUSE_MIN_MS 50u /* between two tries: a random part of this, doubled each time */
#define PAUSE_MAX_MS 500u
#define GIVE_UP_MS 60000u /* nobody has sent a command for so long */

void
redis_dial_stop(struct redis_conn *c)
{
    if (c->query != NULL)
        dns_cancel(&c->query);
    timer_unset(c->owner->shard, &c->share);
    c->n_addresses = c->next_address = 0;
}

static void
rest(struct redis_conn *c, uint64_t now_ms)
{
    uint64_t most = PAUSE_MIN_MS << (c->tries < 5 ? c->tries : 5);
    c->tries++;
    c->phase_ms = now_ms + random_below((most < PAUSE_MAX_MS ? most : PAUSE_MAX_MS) + 1);
}

void
redis_dial_failed(struct redis_conn *c, const char *reason)
{
    uint64_t now_ms = shard_now(c->owner->shard);
    redis_close(c, reason);
    redis_commands_fail(c, true, reason);
    if (now_ms >= c->used_ms + GIVE_UP_MS) {
        redis_enter(c, REDIS_IDLE); /* the next command finds out how things are */
        redis_unset_away(c, false);
        return;
    }
    redis_set_away(c, reason);
    redis_enter(c, REDIS_PAUSING);
    rest(c, now_ms);
    redis_arm(c);
}

static void
add(struct redis_conn *c, const char *const *texts, unsigned n, enum redis_greeting which)
{
    struct weir_text args[4];
    for (unsigned i = 0; i < n; i++)
        args[i] = text_of(texts[i]);
    const struct weir_redis_request r = { .size = sizeof r, .args = args, .n_args = n };
    char *begin = buf_reserve(&c->out, redis_encode_size(&r));
    buf_seal(&c->out, (size_t)(redis_encode(begin, &r, true) - begin));
    c->greetings[c->n_greetings++] = (uint8_t)which;
}

/* AUTH, whose password may hold any byte. */
static void
add_auth(struct redis_conn *c)
{
    const struct redis_url *u = &c->server->url;
    struct weir_text args[3] = { TEXT("AUTH"), u->password, { 0 } };
    if (u->user.bytes != NULL) {
        args[1] = u->user;
        args[2] = u->password;
    }
    const struct weir_redis_request r = { .size = sizeof r, .args = args,
                                          .n_args = u->user.bytes != NULL ? 3 : 2 };
    char *begin = buf_reserve(&c->out, redis_encode_size(&r));
    buf_seal(&c->out, (size_t)(redis_encode(begin, &r, true) - begin));
    c->greetings[c->n_greetings++] = GREET_AUTH;
}

void
redis_greet(struct redis_conn *c)
{
    const struct redis_url *u = &c->server->url;
    redis_dial_stop(c);
    redis_enter(c, REDIS_GREETING);
    c->n_greetings = c->greeted = 0;
    if (u->password.bytes != NULL)
        add_auth(c);
    if (u->db != 0) {
        char db[16];
        snprintf(db, sizeof db, "%u", u->db);
        add(c, (const char *[]){ "SELECT", db }, 2, GREET_SELECT);
    }
    add(c, (const char *[]){ "CLIENT", "SETNAME", "weir" }, 3, GREET_NAME);
    add(c, (const char *[]){ "PING" }, 1, GREET_PING);
    c->appended = c->out.len;
    bool probe = c->away && c->tries < PROBES;
    c->phase_ms = shard_now(c->owner->shard) + (probe ? PROBE_MS : GREETING_MS);
    redis_arm(c);
    redis_put(c);
}

/* All is good: commands may go. */
static void
come_up(struct redis_conn *c)
{
    redis_enter(c, REDIS_UP);
    if (c->been_up)
        atomic_fetch_add_explicit(&redis_counts(c)->reconnects, 1, memory_order_relaxed);
    c->been_up = true;
    c->up_ms = shard_now(c->owner->shard);
    c->phase_ms = UINT64_MAX;
    c->tries = 0;
    redis_unset_away(c, true);
    redis_commands_send(c);
    if (c->listener != NULL)
        redis_listener_up(c);
}

bool
redis_greeting_reply(struct redis_conn *c, struct weir_text text, bool error)
{
    enum redis_greeting which = c->greetings[c->greeted++];
    char clean[160];
    redis_clean(text, clean, sizeof clean);
    if (error && which != GREET_NAME) {
        char reason[REDIS_REASON];
        snprintf(reason, sizeof reason, "says: %s", clean);
        redis_dial_failed(c, reason);
        return false;
    }
    if (which != GREET_PING)
        return true;
    if (!text_is(text, "PONG")) {
        redis_dial_failed(c, "does not answer as Redis does");
        return false;
    }
    come_up(c);
    return true;
}

/* The length of an address; for unix sockets that of the struct. */
static socklen_t
address_len(const struct sockaddr_storage *a)
{
    if (a->ss_family == AF_UNIX)
        return sizeof(struct sockaddr_un);
    return a->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
}

/* Small packets go at once, and a silent connection is looked at now and then, so that nothing on the
 * way forgets it. */
static void
set_options(int fd)
{
    const int on = 1, idle_s = 60, between_s = 10, times = 3;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &between_s, sizeof between_s);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &times, sizeof times);
}

static void
drop_socket(struct redis_conn *c)
{
    watch_free(&c->watch);
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
}

/* Begins to connect to the next address; *ret_number says why it failed at once. */
static bool
connect_next(struct redis_conn *c, int *ret_number)
{
    struct weir_shard *s = c->owner->shard;
    const struct sockaddr_storage *a = &c->addresses[c->next_address++];
    c->fd = socket(a->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd >= 0 && a->ss_family != AF_UNIX)
        set_options(c->fd);
    if (c->fd < 0 || (connect(c->fd, (const struct sockaddr *)a, address_len(a)) != 0 &&
                      errno != EINPROGRESS)) {
        *ret_number = errno;
        drop_socket(c);
        return false;
    }
    c->watch = watch_new(s, c->fd, WEIR_WRITE, redis_on_ready, c);
    timer_unset(s, &c->share);
    unsigned left = c->n_addresses - c->next_address;
    uint64_t now_ms = shard_now(s);
    if (left > 0 && c->phase_ms > now_ms)
        timer_set(s, &c->share, now_ms + (c->phase_ms - now_ms) / (left + 1));
    return true;
}

/* Tries the addresses that are left; NUMBER is why the last one did not do. */
static void
connect_some(struct redis_conn *c, int number)
{
    while (c->next_address < c->n_addresses)
        if (connect_next(c, &number))
            return;
    redis_dial_failed(c, socket_reason(number));
}

static void
on_share(void *arg)
{
    struct redis_conn *c = arg;
    drop_socket(c);
    connect_some(c, ETIMEDOUT);
}

static void
on_addresses(void *arg, const struct sockaddr_storage *addresses, unsigned n,
             const struct weir_error *err)
{
    struct redis_conn *c = arg;
    c->query = NULL;
    if (n == 0) {
        char reason[REDIS_REASON];
        snprintf(reason, sizeof reason, "cannot be reached: %.200s", err->text);
        redis_dial_failed(c, reason);
        return;
    }
    in_port_t port = htons((uint16_t)c->server->url.port);
    c->n_addresses = n < DNS_ADDRESSES ? n : DNS_ADDRESSES;
    for (unsigned i = 0; i < c->n_addresses; i++) {
        struct sockaddr_storage *a = &c->addresses[i];
        *a = addresses[i];
        if (a->ss_family == AF_INET6)
            ((struct sockaddr_in6 *)a)->sin6_port = port;
        else
            ((struct sockaddr_in *)a)->sin_port = port;
    }
    connect_some(c, 0);
}

void
redis_dial_init(struct redis_conn *c)
{
    timer_init(&c->share, on_share, c);
}

static void
dial_unix(struct redis_conn *c)
{
    struct sockaddr_un *a = (struct sockaddr_un *)&c->addresses[0];
    *a = (struct sockaddr_un){ .sun_family = AF_UNIX };
    memcpy(a->sun_path, c->server->url.path.bytes, c->server->url.path.len);
    c->n_addresses = 1;
    connect_some(c, 0);
}

void
redis_dial(struct redis_conn *c)
{
    struct redis_shard *owner = c->owner;
    const struct redis_url *u = &c->server->url;
    struct weir_error err;
    redis_enter(c, REDIS_DIALING);
    c->phase_ms = shard_now(owner->shard) + CONNECT_MS;
    redis_arm(c);
    if (fault(POOL_CONNECT)) {
        redis_dial_failed(c, socket_reason(ECONNREFUSED));
    } else if (u->path.bytes != NULL) {
        dial_unix(c);
    } else if (owner->dns == NULL && dns_new(owner->shard, &owner->dns, &err) != WEIR_OK) {
        redis_dial_failed(c, err.text);
    } else {
        c->query = dns_find(owner->dns, u->host, on_addresses, c);
    }
}

static void
begin_tls(struct redis_conn *c)
{
    struct weir_error err;
    timer_unset(c->owner->shard, &c->share);
    if (tls_client_new(c->server->tls, c->server->url.host, &c->tls, &err) != WEIR_OK ||
        tls_write(c->tls, TEXT(""), &c->wire, &err) != WEIR_OK) {
        (void)err_in(&err, "cannot be spoken to");
        redis_dial_failed(c, err.text);
        return;
    }
    redis_put(c);
}

void
redis_dial_connected(struct redis_conn *c)
{
    int number = 0;
    socklen_t len = sizeof number;
    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &number, &len) != 0)
        number = errno;
    if (number != 0) {
        drop_socket(c);
        connect_some(c, number);
    } else if (c->server->tls != NULL) {
        begin_tls(c);
    } else {
        redis_greet(c);
    }
}

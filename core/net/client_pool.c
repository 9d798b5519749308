/* net/client_pool.c - upstreams, their idle channels, and the calls that wait for one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/client_parts.h"

/* Serves those who wait while there are channels for them. */
static void
on_next(void *arg)
{
    struct upstream *u = arg;
    for (unsigned left = u->n_waiting; left > 0 && !list_empty(&u->waiting); left--) {
        struct client_call *call = list_entry(u->waiting.next, struct client_call, waiting);
        if (list_empty(&u->idle) && u->n_channels >= call->pool)
            return;
        list_remove(&call->waiting);
        u->n_waiting--;
        upstream_serve(call, call->retried);
    }
}

void
upstream_wake(struct upstream *u)
{
    if (u->n_waiting > 0)
        soon_add(u->client->shard, &u->next);
}

/* Lower case, for the letters of ASCII. */
static void
copy_lower(char *ret, struct weir_text text)
{
    for (size_t i = 0; i < text.len; i++)
        ret[i] = text.bytes[i] >= 'A' && text.bytes[i] <= 'Z' ? (char)(text.bytes[i] | 0x20)
                                                              : text.bytes[i];
}

/* KEY: the id of the TLS options, the port, the host. */
#define KEY_HOST (sizeof(uint32_t) + sizeof(uint16_t))
#define KEY_MAX (KEY_HOST + CLIENT_HOST_MAX)

static size_t
make_key(char ret[KEY_MAX], const struct client_tls *tls, const struct url *url)
{
    uint32_t id = tls != NULL ? tls->id : 0;
    uint16_t port = (uint16_t)url->port;
    memcpy(ret, &id, sizeof id);
    memcpy(ret + sizeof id, &port, sizeof port);
    copy_lower(ret + KEY_HOST, url->host);
    return KEY_HOST + url->host.len;
}

static struct upstream *
upstream_new(struct client *c, struct client_tls *tls, const char *key, size_t key_len,
             unsigned port)
{
    size_t host_len = key_len - KEY_HOST;
    size_t server_room = host_len + sizeof "[]:65535";
    struct upstream *u = calloc(1, sizeof *u + key_len + server_room);
    if (u == NULL)
        abort();
    u->client = c;
    u->tls = tls;
    u->port = port;
    u->key_len = key_len;
    memcpy(u->key, key, key_len);
    u->host = (struct weir_text){ u->key + KEY_HOST, host_len };
    bool v6 = memchr(u->host.bytes, ':', host_len) != NULL;
    int len = snprintf(u->key + key_len, server_room, v6 ? "[%.*s]:%u" : "%.*s:%u",
                       (int)host_len, u->host.bytes, port);
    u->server = (struct weir_text){ u->key + key_len, (size_t)len };
    list_init(&u->unused);
    list_init(&u->idle);
    list_init(&u->waiting);
    soon_init(&u->next, on_next, u);
    if (tls != NULL)
        tls->upstreams++;
    map_set(&c->upstreams, u->key, key_len, u);
    return u;
}

void
upstream_trim(struct upstream *u)
{
    list_each(link, next, &u->idle) channel_close(list_entry(link, struct channel, link));
}

void
upstream_free(struct upstream *u)
{
    assert(u->calls == 0);
    upstream_trim(u);
    assert(u->n_channels == 0);
    soon_remove(&u->next);
    list_remove(&u->unused);
    if (u->tls != NULL)
        u->tls->upstreams--;
    map_remove(&u->client->upstreams, u->key, u->key_len);
    free(u);
}

/* Makes room for one more upstream: the one that was not used for the longest time goes. */
static bool
make_room(struct client *c)
{
    if (c->upstreams.count < CLIENT_UPSTREAMS_MAX)
        return true;
    if (list_empty(&c->unused))
        return false;
    upstream_free(list_entry(c->unused.next, struct upstream, unused));
    return true;
}

enum weir_code
upstream_join(struct client *c, const struct url *url, const struct weir_value *tls,
              struct upstream **ret, struct weir_error *err)
{
    if (url->host.len == 0 || url->host.len > CLIENT_HOST_MAX)
        return err_set(err, WEIR_INVALID, "the host of the url must have 1 to %u bytes",
                       CLIENT_HOST_MAX);
    struct client_tls *options = NULL;
    if (url->tls && client_tls_find(c, tls, &options, err) != WEIR_OK)
        return (enum weir_code)err->code;

    char key[KEY_MAX];
    size_t key_len = make_key(key, options, url);
    struct upstream *u = map_get(&c->upstreams, key, key_len);
    if (u == NULL && !make_room(c))
        return err_set(err, WEIR_UNAVAILABLE, "more than %u servers are called at once",
                       CLIENT_UPSTREAMS_MAX);
    if (u == NULL)
        u = upstream_new(c, options, key, key_len, url->port);
    u->calls++;
    list_remove(&u->unused);
    *ret = u;
    return WEIR_OK;
}

void
upstream_leave(struct upstream **ptr)
{
    struct upstream *u = *ptr;
    if (u == NULL)
        return;
    *ptr = NULL;
    assert(u->calls > 0);
    if (--u->calls == 0)
        list_push(&u->client->unused, &u->unused);
}

/* The idle channel that was used last and suits CALL; NULL if there is none. Those that turn
 * out to be dead are closed. */
static struct channel *
take_idle(struct upstream *u, const struct client_call *call)
{
    list_each(link, next, &u->idle)
    {
        struct channel *ch = list_entry(link, struct channel, link);
        if (call->untrusted && !ch->public)
            continue;
        if (channel_alive(ch))
            return ch;
        channel_close(ch);
    }
    return NULL;
}

/* Lets CALL wait for a channel; one that has waited stays the first. */
static void
wait(struct upstream *u, struct client_call *call)
{
    if (call->state == CALL_WAITING) {
        list_unshift(&u->waiting, &call->waiting);
        u->n_waiting++;
        return;
    }
    if (u->n_waiting >= CLIENT_WAITING_MAX) {
        client_fail_with(call, WEIR_UNAVAILABLE,
                         "all %u connections are busy and %u requests wait for one", call->pool,
                         u->n_waiting);
        return;
    }
    client_enter(call, CALL_WAITING);
    list_push(&u->waiting, &call->waiting);
    u->n_waiting++;
}

void
upstream_serve(struct client_call *call, bool fresh)
{
    struct upstream *u = call->upstream;
    bool first = call->state == CALL_WAITING || u->n_waiting == 0;
    struct channel *ch = first && !fresh ? take_idle(u, call) : NULL;
    if (ch != NULL) {
        channel_use(ch, call);
        return;
    }
    /* An idle channel that does not suit this call makes room for one that does. */
    if (first && u->n_channels >= call->pool && !list_empty(&u->idle))
        channel_close(list_entry(u->idle.prev, struct channel, link));
    if (first && u->n_channels < call->pool)
        channel_dial(call);
    else
        wait(u, call);
}

/* net/redis_conn.c - one connection to a Redis server: bytes, states, time; see redis_parts.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fault.h"
#include "net/redis_parts.h"
#include "net/socket_reason.h"

#define YOUNG_MS 1000u   /* lost so soon after it came up: not tried again at once */
#define UNUSED_MS 10000u /* a connection that is lost and was not used for so long is left alone */
#define ENCRYPT_AT_ONCE (64u << 10)
#define IDLE_BUFFER (64u << 10) /* larger buffers are freed when they are empty */

void
redis_enter(struct redis_conn *c, enum redis_state next)
{
#define MAY(state) (1u << REDIS_##state)
    static const unsigned may[] = {
        [REDIS_IDLE] = MAY(DIALING),
        [REDIS_DIALING] = MAY(GREETING) | MAY(PAUSING) | MAY(IDLE),
        [REDIS_GREETING] = MAY(UP) | MAY(PAUSING) | MAY(IDLE),
        [REDIS_UP] = MAY(DIALING) | MAY(PAUSING) | MAY(IDLE),
        [REDIS_PAUSING] = MAY(DIALING) | MAY(IDLE),
    };
#undef MAY
    assert(may[c->state] & 1u << next);
    if (c->state == REDIS_UP || next == REDIS_UP)
        atomic_fetch_add_explicit(&redis_counts(c)->up, next == REDIS_UP ? 1 : -1,
                                  memory_order_relaxed);
    c->state = next;
    if (next == REDIS_IDLE)
        c->phase_ms = UINT64_MAX;
}

void
redis_set_away(struct redis_conn *c, const char *reason)
{
    char copy[REDIS_REASON]; /* REASON may be the one that is there */
    snprintf(copy, sizeof copy, "%s", reason);
    memcpy(c->reason, copy, sizeof copy);
    if (!c->away)
        redis_place_away(c->server->place, 1, c->reason);
    c->away = true;
}

void
redis_unset_away(struct redis_conn *c, bool up)
{
    if (c->away)
        redis_place_away(c->server->place, -1, up ? "" : NULL);
    c->away = false;
}

void
redis_arm(struct redis_conn *c)
{
    const struct heap_link *first = heap_first(&c->deadlines);
    uint64_t at_ms = first != NULL && first->key < c->phase_ms ? first->key : c->phase_ms;
    if (at_ms != UINT64_MAX && (!timer_armed(&c->timer) || c->timer.link.key > at_ms))
        timer_set(c->owner->shard, &c->timer, at_ms);
}

void
redis_close(struct redis_conn *c, const char *reason)
{
    redis_dial_stop(c);
    redis_commands_fail(c, false, reason);
    watch_free(&c->watch);
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
    tls_free(&c->tls);
    buf_reset(&c->out);
    buf_reset(&c->wire);
    c->out_sent = c->wire_sent = 0;
    c->appended = c->written = 0;
    redis_reader_fini(&c->reader);
    c->phase_ms = UINT64_MAX;
    c->generation++;
    c->mute = c->stalled = c->multi = c->broken = false;
}

/* A connection that was up is gone. */
static void
lost(struct redis_conn *c, const char *reason)
{
    uint64_t now_ms = shard_now(c->owner->shard);
    bool stalled = c->stalled;
    bool young = now_ms < c->up_ms + YOUNG_MS;
    bool unused = c->n == 0 && now_ms >= c->used_ms + UNUSED_MS;
    if (young && !stalled) {
        redis_dial_failed(c, reason);
        return;
    }
    redis_close(c, reason);
    if (stalled)
        redis_set_away(c, reason);
    if (unused)
        redis_enter(c, REDIS_IDLE);
    else
        redis_dial(c);
}

/* The connection is gone, for REASON: a phrase whose subject is the server. */
static void
ended(struct redis_conn *c, const char *reason)
{
    char copy[REDIS_REASON];
    snprintf(copy, sizeof copy, "%s", reason);
    if (c->state == REDIS_UP)
        lost(c, copy);
    else
        redis_dial_failed(c, copy);
}

static bool
would_block(int number)
{
    return number == EAGAIN || number == EWOULDBLOCK || number == EINTR;
}

/* Sends some of B from *at on. False: the socket takes no more now, or it has failed: what was
 * received before may still be read, and that there is no more the watch will tell. */
static bool
put_some(struct redis_conn *c, const struct buf *b, size_t *at)
{
    size_t len = fault(WRITE_ONE_BYTE) ? 1 : b->len - *at;
    ssize_t n = send(c->fd, b->bytes + *at, len, MSG_NOSIGNAL);
    if (n < 0 && !would_block(errno)) {
        c->mute = true;
        shutdown(c->fd, SHUT_RDWR);
    }
    if (n <= 0)
        return false;
    *at += (size_t)n;
    return true;
}

/* Encrypts the next part of what is to be sent. */
static bool
encrypt_some(struct redis_conn *c)
{
    struct weir_text part = { c->out.bytes + c->out_sent, c->out.len - c->out_sent };
    if (part.len > ENCRYPT_AT_ONCE)
        part.len = ENCRYPT_AT_ONCE;
    buf_reset(&c->wire);
    c->wire_sent = 0;
    if (tls_write(c->tls, part, &c->wire, NULL) != WEIR_OK) {
        c->mute = true;
        shutdown(c->fd, SHUT_RDWR);
        return false;
    }
    c->out_sent += part.len;
    c->written += part.len;
    return true;
}

/* Sends, or encrypts, the next part. False: no more can be done now. */
static bool
put_next(struct redis_conn *c)
{
    if (c->mute)
        return false;
    if (c->wire_sent < c->wire.len)
        return put_some(c, &c->wire, &c->wire_sent);
    if (c->out_sent == c->out.len)
        return false;
    if (c->tls != NULL)
        return encrypt_some(c);
    size_t before = c->out_sent;
    bool good = put_some(c, &c->out, &c->out_sent);
    c->written += c->out_sent - before;
    return good;
}

/* Forgets what is sent of B. */
static void
drop_sent(struct buf *b, size_t *sent)
{
    if (*sent == b->len) {
        size_t max = b->max;
        buf_reset(b);
        *sent = 0;
        if (b->room > IDLE_BUFFER) {
            buf_fini(b);
            buf_init(b, max);
        }
    } else if (*sent > b->len / 2) {
        buf_shift(b, *sent);
        *sent = 0;
    }
}

void
redis_put(struct redis_conn *c)
{
    if (c->fd < 0)
        return;
    while (put_next(c))
        continue;
    drop_sent(&c->out, &c->out_sent);
    drop_sent(&c->wire, &c->wire_sent);
    redis_want(c);
}

void
redis_want(struct redis_conn *c)
{
    bool left = c->out_sent < c->out.len || c->wire_sent < c->wire.len;
    watch_want(c->watch, !c->mute && left ? WEIR_READ | WEIR_WRITE : WEIR_READ);
}

/* Hands the replies that are whole to their commands. */
static void
take_replies(struct redis_conn *c)
{
    for (;;) {
        const struct weir_value *reply;
        bool error;
        struct weir_error err;
        if (redis_reader_next(&c->reader, &reply, &error, &err) != WEIR_OK) {
            ended(c, err.text);
            return;
        }
        if (reply == NULL)
            return;
        if (c->state == REDIS_GREETING) {
            bool on = redis_greeting_reply(c, value_as_text(reply), error);
            value_unref(&reply);
            if (!on)
                return;
        } else if (c->listener != NULL && redis_listener_takes(c, reply)) {
            value_unref(&reply);
        } else if (!redis_command_reply(c, &reply, error)) {
            ended(c, "sent a reply that nobody asked for");
            return;
        }
    }
}

/* Decrypts; false: the connection is gone. */
static bool
read_tls(struct redis_conn *c, const char *bytes, size_t len)
{
    struct buf *plain = &c->owner->plain;
    struct weir_error err;
    bool closed;
    buf_reset(plain);
    enum weir_code code = tls_read(c->tls, (struct weir_text){ bytes, len }, plain, &c->wire,
                                   &closed, &err);
    redis_put(c); /* also an alert that says what is wrong */
    if (code == WEIR_OK && c->state == REDIS_DIALING && tls_ready(c->tls))
        redis_greet(c);
    if (code == WEIR_OK && plain->len > 0 && c->state == REDIS_DIALING)
        code = err_set(&err, WEIR_UPSTREAM, "spoke before it was asked");
    if (code == WEIR_OK && plain->len > 0) {
        uint32_t generation = c->generation;
        redis_reader_feed(&c->reader, plain->bytes, plain->len);
        take_replies(c);
        if (c->generation != generation)
            return false;
    }
    if (code == WEIR_OK && !closed)
        return true;
    if (code != WEIR_OK)
        (void)err_in(&err, "cannot be spoken to");
    ended(c, code == WEIR_OK ? "closed the connection" : err.text);
    return false;
}

static void
read_some(struct redis_conn *c)
{
    char *room = c->owner->scratch;
    ssize_t n = recv(c->fd, room, fault(READ_ONE_BYTE) ? 1 : REDIS_READ, 0);
    if (n < 0 && would_block(errno))
        return;
    if (n <= 0) {
        ended(c, n < 0 ? socket_reason(errno) : "closed the connection");
        return;
    }
    c->reads++;
    if (c->stalled)
        c->phase_ms = UINT64_MAX;
    c->stalled = false;
    if (c->tls != NULL) {
        (void)read_tls(c, room, (size_t)n);
        return;
    }
    redis_reader_feed(&c->reader, room, (size_t)n);
    take_replies(c);
}

void
redis_on_ready(void *arg, int fd, unsigned ready)
{
    (void)fd;
    struct redis_conn *c = arg;
    if (c->state == REDIS_DIALING && c->tls == NULL) {
        redis_dial_connected(c);
    } else {
        if (ready & WEIR_WRITE)
            redis_put(c);
        if (ready & WEIR_READ)
            read_some(c);
    }
    redis_arm(c);
}

/* What the connection was given to do has taken too long, or a pause is over. */
static void
phase_over(struct redis_conn *c)
{
    c->phase_ms = UINT64_MAX;
    switch (c->state) {
    case REDIS_DIALING:
        redis_dial_failed(c, c->query != NULL ? "has no address that could be looked up in time"
                                              : "does not answer the connection");
        return;
    case REDIS_PAUSING:
        redis_dial(c);
        return;
    default:
        ended(c, "does not answer");
    }
}

static void
on_timer(void *arg)
{
    struct redis_conn *c = arg;
    uint64_t now_ms = shard_now(c->owner->shard);
    redis_commands_time(c, now_ms);
    if (now_ms >= c->phase_ms)
        phase_over(c);
    redis_arm(c);
}

void
redis_discard(struct redis_conn *c)
{
    const struct weir_text discard = TEXT("DISCARD");
    const struct weir_redis_request r = { .size = sizeof r, .args = &discard, .n_args = 1 };
    if (c->multi)
        (void)redis_command_add(c, &r, NULL, NULL);
    c->multi = c->broken = false;
}

/* The end of a turn of the loop in which commands came. */
static void
on_flush(void *arg)
{
    struct redis_conn *c = arg;
    redis_discard(c); /* who opened one cannot end it any more, and others come now */
    soon_remove(&c->flush);
    if (c->state == REDIS_UP)
        redis_put(c);
    redis_arm(c);
}

struct redis_conn *
redis_conn_new(struct redis_shard *owner, struct weir_redis *server)
{
    struct redis_conn *c = calloc(1, sizeof *c);
    if (c == NULL)
        abort();
    c->owner = owner;
    c->server = server;
    c->fd = -1;
    c->generation = 1;
    c->phase_ms = UINT64_MAX;
    list_init(&c->link);
    list_init(&c->waiting);
    list_init(&c->sent);
    list_init(&c->ended);
    list_init(&c->scripts);
    heap_init(&c->deadlines);
    buf_init(&c->out, SIZE_MAX / 2); /* what may be unanswered is bounded */
    buf_init(&c->wire, SIZE_MAX / 2);
    redis_reader_init(&c->reader);
    timer_init(&c->timer, on_timer, c);
    soon_init(&c->flush, on_flush, c);
    soon_init(&c->tell, redis_commands_tell, c);
    redis_dial_init(c);
    return c;
}

void
redis_conn_free(struct redis_conn *c)
{
    redis_commands_drop(c);
    redis_close(c, "is not asked any more");
    if (c->state != REDIS_IDLE)
        redis_enter(c, REDIS_IDLE);
    redis_unset_away(c, false);
    timer_unset(c->owner->shard, &c->timer);
    soon_remove(&c->flush);
    soon_remove(&c->tell);
    redis_scripts_free(c);
    heap_fini(&c->deadlines);
    buf_fini(&c->out);
    buf_fini(&c->wire);
    list_remove(&c->link);
    free(c);
}

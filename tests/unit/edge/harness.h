/* unit/edge/harness.h - an edge on a shard with a clock that stands, and callers in one thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UNIT_EDGE_HARNESS_H
#define UNIT_EDGE_HARNESS_H

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fault.h"
#include "edge/edge.h"
#include "loop/stream.h"

#define START_MS 1000000u

/* What the stub of an engine was asked, and what it is to do. */
static struct {
    struct weir_shard *shard;
    struct edge *edge;
    struct edge_config config;
    struct edge_addresses addresses;
    void *tree;
    void (*on_offer)(struct weir_event *e);
    struct weir_event *event; /* the last one that was offered */
    unsigned offers;
    unsigned gone;
    unsigned sent;
    bool sent_failed;
    char got[1 << 21]; /* what a caller received */
    size_t got_len;
    bool closed; /* ... and the connection ended */
} h;

static inline void
answer_text(struct weir_event *e, unsigned status, const char *text)
{
    const struct weir_value *body = value_text(text);
    struct event_reply r = { .status = status,
                             .content_type = TEXT("text/plain"),
                             .body = body };
    (void)event_answer(e, &r);
    value_unref(&body);
}

/* Answers with the body, or "METHOD PATH", and lets go. */
static inline void
echo(struct weir_event *e)
{
    char text[512];
    struct weir_text body =
        e->raw != NULL ? value_as_text(e->raw) : (struct weir_text){ "", 0 };
    if (body.len > 0 && body.len < sizeof(text))
        snprintf(text, sizeof(text), "%.*s", (int)body.len, body.bytes);
    else if (body.len > 0)
        snprintf(text, sizeof(text), "%zu bytes", body.len);
    else
        snprintf(text, sizeof(text), "%.*s %.*s", (int)e->method.len, e->method.bytes,
                 (int)e->path.len, e->path.bytes);
    answer_text(e, 200, text);
    e->ops->release(e);
}

/* Keeps the event for later. */
static inline void
hold(struct weir_event *e)
{
    (void)e;
}

static inline void *
stub_routes(struct weir_shard *s)
{
    (void)s;
    return h.tree;
}

static inline void
stub_offer(struct weir_event *e, struct trigger_unit *t)
{
    e->trigger = t;
    h.event = e;
    h.offers++;
    h.on_offer(e);
}

static inline void
stub_gone(struct weir_event *e)
{
    (void)e;
    h.gone++;
}

static inline void
stub_sent(struct weir_event *e, const struct weir_error *err)
{
    h.sent++;
    h.sent_failed = err != NULL;
    e->ops->release(e);
}

static inline void
no_complaint(void *arg, const struct engine_route *at, const struct engine_route *other,
             const char *message)
{
    (void)arg;
    (void)other;
    fail_msg("%s: %s", at->path, message);
}

static inline void
set_routes(const struct engine_route *routes, unsigned n)
{
    edge_routes_port.drop(h.tree);
    h.tree = edge_routes_port.make(routes, n, no_complaint, NULL);
}

static inline void
start_edge(void)
{
    struct weir_error err;
    if (edge_new(h.shard, &h.config, &h.edge, &err) != WEIR_OK)
        fail_msg("%s", err.text);
}

/* Routes: any method of /any/{rest*} and GET /get, POST /post with a body of 1,000 bytes. */
static inline int
setup(void **state)
{
    (void)state;
    static const struct edge_port port = { stub_routes, stub_offer, stub_gone, stub_sent, NULL, NULL };
    static const struct weir_text get[] = { { "GET", 3 } };
    static const struct weir_text post[] = { { "POST", 4 }, { "PUT", 3 } };
    struct engine_route routes[] = {
        { .path = "/any/{rest*}", .max_body = 1 << 20 },
        { .path = "/get", .methods = get, .n_methods = 1, .max_body = 1000 },
        { .path = "/post", .methods = post, .n_methods = 2, .max_body = 1000 },
    };
    struct weir_error err;
    memset(&h, 0, sizeof(h));
    h.on_offer = echo;
    set_routes(routes, 3);
    assert_int_equal(shard_new(0, &h.shard, &err), WEIR_OK);
    shard_set_clock(h.shard, START_MS);
    assert_int_equal(edge_addresses_parse(TEXT("127.0.0.1:0"), &h.addresses, &err), WEIR_OK);
    assert_int_equal(edge_addresses_reserve(&h.addresses, &err), WEIR_OK);
    h.config = edge_defaults;
    h.config.addresses = &h.addresses;
    h.config.port = &port;
    h.config.access_log = false;
    return 0;
}

static inline int
setup_started(void **state)
{
    setup(state);
    start_edge();
    return 0;
}

static inline void
turn(void)
{
    (void)shard_turn(h.shard, 1);
}

static inline void
turns(unsigned n)
{
    while (n-- > 0)
        turn();
}

/* Until that many events were offered. */
static inline void
turn_until_offered(unsigned n)
{
    for (unsigned i = 0; i < 1000 && h.offers < n; i++)
        turn();
    assert_int_equal(h.offers, n);
}

static inline int
teardown(void **state)
{
    (void)state;
    edge_free(&h.edge);
    turns(3);
    edge_routes_port.drop(h.tree);
    edge_addresses_close(&h.addresses);
    shard_free(&h.shard);
    return 0;
}

/* Moves the clock on, and lets what is due happen. */
static inline void
pass(uint64_t ms)
{
    shard_set_clock(h.shard, h.shard->manual_ms + ms);
    turn();
    turn();
}

static inline int
dial(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1;
    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)), 0);
    assert_int_equal(
        connect(fd, (struct sockaddr *)&h.addresses.items[0].address, h.addresses.items[0].len),
        0);
    turn();
    return fd;
}

static inline void
put_bytes(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n > 0) {
            bytes += n;
            len -= (size_t)n;
        } else if (errno != EAGAIN) {
            return;
        }
        turn();
    }
}

static inline void
put(int fd, const char *text)
{
    put_bytes(fd, text, strlen(text));
}

/* Receives until nothing comes any more; for the first byte it waits a little longer. */
static inline const char *
take(int fd)
{
    h.got_len = 0;
    h.closed = false;
    for (unsigned quiet = 0; quiet < (h.got_len > 0 ? 5 : 15) && !h.closed;) {
        turn();
        ssize_t n = recv(fd, h.got + h.got_len, sizeof(h.got) - 1 - h.got_len, MSG_DONTWAIT);
        h.closed = n == 0 || (n < 0 && errno != EAGAIN);
        if (n > 0)
            h.got_len += (size_t)n;
        quiet = n > 0 ? 0 : quiet + 1;
    }
    h.got[h.got_len] = '\0';
    return h.got;
}

static inline const char *
ask(int fd, const char *text)
{
    put(fd, text);
    return take(fd);
}

static inline unsigned
status_of(const char *answer)
{
    return strncmp(answer, "HTTP/1.1 ", 9) == 0 ? (unsigned)atoi(answer + 9) : 0;
}

static inline bool
has(const char *text)
{
    return memmem(h.got, h.got_len, text, strlen(text)) != NULL;
}

/* How often TEXT occurs in what was received. */
static inline unsigned
times(const char *text)
{
    unsigned n = 0;
    for (const char *at = h.got; (at = strstr(at, text)) != NULL; at++)
        n++;
    return n;
}

static inline const char *
body_of(const char *answer)
{
    const char *end = strstr(answer, "\r\n\r\n");
    return end != NULL ? end + 4 : "";
}

#endif

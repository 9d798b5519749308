/* edge_fuzz.c - a connection of the edge: whatever comes in, and however it is answered.
 * room: edge
 *
 * The first bytes choose in which pieces the rest comes, and how each request is answered.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "edge/connection.h"
#include "loop/stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

enum manner { AT_ONCE, LATER, STREAM_AT_ONCE, STREAM_LATER, STREAM_FAILS, EMPTY, MANNERS };

#define CONTROL 8

static struct weir_shard *shard;
static struct edge *edge;
static void *tree;
static uint8_t control[CONTROL];
static unsigned offers;
static struct weir_event *waiting; /* answered later */
static unsigned held;

static struct source {
    struct stream *stream;
    unsigned left;
    bool fails;
    bool asked;
    bool later;
    bool open;
} source;

static void
check(bool holds)
{
    if (!holds)
        abort();
}

static void
give(void)
{
    source.asked = false;
    struct weir_error err;
    if (source.left-- > 0) {
        stream_give(source.stream, "some bytes", 10, NULL);
        return;
    }
    err_set(&err, WEIR_UPSTREAM, "it broke");
    stream_give(source.stream, "", 0, source.fails ? &err : NULL);
}

static void
on_pull(void *arg)
{
    (void)arg;
    source.asked = true;
    if (!source.later)
        give();
}

static void
on_close(void *arg)
{
    (void)arg;
    source.open = false;
    source.asked = false;
}

static void
answer(struct weir_event *e, enum manner how)
{
    static const struct stream_source ways = { on_pull, on_close };
    struct event_reply r = { .status = 200, .content_type = TEXT("text/plain") };
    bool streams = how >= STREAM_AT_ONCE && how <= STREAM_FAILS && !source.open;
    if (streams) {
        source = (struct source){
            .left = 40, .later = how == STREAM_LATER, .fails = how == STREAM_FAILS, .open = true
        };
        r.body = stream_new(&ways, &source, e->path.len % 2 ? UINT64_MAX : 400, &source.stream);
    } else if (how != EMPTY) {
        r.body = e->raw != NULL ? value_ref(e->raw) : value_text("hello");
    } else {
        r.status = 204;
    }
    check(event_answer(e, &r));
    value_unref(&r.body);
    if (!streams) {
        held--;
        e->ops->release(e);
    }
}

static void *
on_routes(struct weir_shard *s)
{
    (void)s;
    return tree;
}

static void
on_offer(struct weir_event *e, struct trigger_unit *t)
{
    (void)t;
    held++;
    enum manner how = control[offers++ % CONTROL] % MANNERS;
    if (how == LATER)
        waiting = e;
    else
        answer(e, how);
}

static void
on_gone(struct weir_event *e)
{
    check(e == waiting);
}

static void
on_sent(struct weir_event *e, const struct weir_error *err)
{
    (void)err;
    held--;
    e->ops->release(e);
}

static void
on_complaint(void *arg, const struct engine_route *at, const struct engine_route *other,
             const char *message)
{
    (void)arg;
    (void)at;
    (void)other;
    (void)message;
    abort();
}

static void
start(void)
{
    static const struct edge_port port = { on_routes, on_offer, on_gone, on_sent };
    static const struct edge_addresses nowhere;
    static const struct weir_text post[] = { { "POST", 4 } };
    const struct engine_route routes[] = {
        { .path = "/a", .max_body = 100 },
        { .path = "/b/{x}/{y*}", .max_body = 100000 },
        { .path = "/p", .methods = post, .n_methods = 1, .max_body = 10 },
    };
    struct weir_error err;
    log_start(2, LOG_TEXT, WEIR_ERROR);
    tree = edge_routes_port.make(routes, 3, on_complaint, NULL);
    check(shard_new(0, &shard, &err) == WEIR_OK);
    shard_set_clock(shard, 1000);
    struct edge_config config = edge_defaults;
    config.addresses = &nowhere;
    config.port = &port;
    config.access_log = false;
    check(edge_new(shard, &config, &edge, &err) == WEIR_OK);
}

/* One turn, and all that comes back is read. */
static void
turn(int fd)
{
    static char back[1 << 16];
    (void)shard_turn(shard, 0);
    if (waiting != NULL && offers % 2) {
        struct weir_event *e = waiting;
        waiting = NULL;
        answer(e, AT_ONCE);
    }
    if (source.open && source.asked && source.later)
        give();
    while (recv(fd, back, sizeof(back), MSG_DONTWAIT) > 0)
        continue;
}

static void
finish(int fd)
{
    close(fd);
    for (unsigned i = 0; i < 100 && (edge_connections(edge) > 0 || held > 0); i++) {
        (void)shard_turn(shard, 0);
        if (waiting != NULL) {
            struct weir_event *e = waiting;
            waiting = NULL;
            answer(e, AT_ONCE);
        }
        if (source.open && source.asked && source.later)
            give();
    }
    check(edge_connections(edge) == 0);
    check(held == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    if (shard == NULL)
        start();
    if (len < CONTROL + 1 || len > 70000)
        return 0;
    memcpy(control, bytes, CONTROL);
    size_t piece = 1u + bytes[CONTROL] * bytes[CONTROL];
    bytes += CONTROL + 1;
    len -= CONTROL + 1;
    offers = 0;
    int pair[2];
    check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0);
    struct sockaddr_storage peer = { .ss_family = AF_INET };
    connection_open(edge, pair[1], &peer, EDGE_PLAIN);
    for (size_t at = 0; at < len;) {
        size_t n = len - at < piece ? len - at : piece;
        ssize_t put = send(pair[0], bytes + at, n, MSG_NOSIGNAL);
        if (put < 0)
            break;
        at += (size_t)put;
        turn(pair[0]);
    }
    for (unsigned i = 0; i < 4; i++)
        turn(pair[0]);
    finish(pair[0]);
    return 0;
}

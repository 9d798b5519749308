/* h2_fuzz.c - a session of HTTP/2 on the edge: whatever frames come, and however they are
 * answered.
 * room: edge
 *
 * The first bytes choose in which pieces the rest comes, how each request is answered, and
 * whether the caller reads. The preface and SETTINGS stand in front of the rest, unless the
 * control says otherwise.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "edge/h2.h"
#include "loop/stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

enum manner { AT_ONCE, LATER, STREAM_AT_ONCE, STREAM_LATER, STREAM_FAILS, EMPTY, MANNERS };

/* control[CONTROL - 2]: the size of pieces; control[CONTROL - 1]: bits below. */
#define CONTROL 8
#define BARE 1u    /* no preface in front */
#define DEAF 2u    /* what comes back is not read until the end */
#define CLOCK 4u   /* the clock goes on between pieces */
#define WAITING 64 /* events that are answered later */
#define SOURCES 8

static struct weir_shard *shard;
static struct edge *edge;
static void *tree;
static uint8_t control[CONTROL];
static uint64_t now_ms = 1000;
static unsigned offers;
static struct weir_event *waiting[WAITING];
static unsigned held;

static struct source {
    struct stream *stream;
    unsigned left;
    bool fails;
    bool asked;
    bool later;
    bool open;
} sources[SOURCES];

static void
check(bool holds)
{
    if (!holds)
        abort();
}

static void
give(struct source *s)
{
    s->asked = false;
    struct weir_error err;
    if (s->left-- > 0) {
        static const char bytes[20000] = "some bytes";
        stream_give(s->stream, bytes, s->left % 2 ? 10 : sizeof(bytes), NULL);
        return;
    }
    err_set(&err, WEIR_UPSTREAM, "it broke");
    stream_give(s->stream, "", 0, s->fails ? &err : NULL);
}

static void
on_pull(void *arg)
{
    struct source *s = arg;
    s->asked = true;
    if (!s->later)
        give(s);
}

static void
on_close(void *arg)
{
    struct source *s = arg;
    s->open = s->asked = false;
}

static struct source *
free_source(void)
{
    for (unsigned i = 0; i < SOURCES; i++)
        if (!sources[i].open)
            return &sources[i];
    return NULL;
}

static void
answer(struct weir_event *e, enum manner how)
{
    static const struct stream_source ways = { on_pull, on_close };
    struct event_reply r = { .status = 200, .content_type = TEXT("text/plain") };
    struct source *s = how >= STREAM_AT_ONCE && how <= STREAM_FAILS ? free_source() : NULL;
    if (s != NULL) {
        *s = (struct source){
            .left = 10, .later = how == STREAM_LATER, .fails = how == STREAM_FAILS, .open = true
        };
        r.body = stream_new(&ways, s, e->path.len % 2 ? UINT64_MAX : 400, &s->stream);
    } else if (how != EMPTY) {
        r.body = e->raw != NULL ? value_ref(e->raw) : value_text("hello");
    } else {
        r.status = 204;
    }
    check(event_answer(e, &r));
    value_unref(&r.body);
    if (s == NULL) {
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
    enum manner how = control[offers++ % (CONTROL - 2)] % MANNERS;
    unsigned at = 0;
    while (how == LATER && at < WAITING && waiting[at] != NULL)
        at++;
    if (how == LATER && at < WAITING)
        waiting[at] = e;
    else
        answer(e, how == LATER ? AT_ONCE : how);
}

static void
on_gone(struct weir_event *e)
{
    for (unsigned i = 0; i < WAITING; i++)
        if (waiting[i] == e)
            return;
    abort();
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
    shard_set_clock(shard, now_ms);
    struct edge_config config = edge_defaults;
    config.addresses = &nowhere;
    config.port = &port;
    config.access_log = false;
    config.h2c = true;
    check(edge_new(shard, &config, &edge, &err) == WEIR_OK);
}

static void
answer_waiting(void)
{
    for (unsigned i = 0; i < WAITING; i++) {
        struct weir_event *e = waiting[i];
        waiting[i] = NULL;
        if (e != NULL)
            answer(e, AT_ONCE);
    }
    for (unsigned i = 0; i < SOURCES; i++)
        if (sources[i].open && sources[i].asked && sources[i].later)
            give(&sources[i]);
}

/* One turn, and all that comes back is read, if anything is. */
static void
turn(int fd)
{
    static char back[1 << 16];
    if (control[CONTROL - 1] & CLOCK)
        shard_set_clock(shard, now_ms += 700);
    (void)shard_turn(shard, 0);
    if (offers % 2)
        answer_waiting();
    while (!(control[CONTROL - 1] & DEAF) && recv(fd, back, sizeof(back), MSG_DONTWAIT) > 0)
        continue;
}

static void
finish(int fd)
{
    close(fd);
    for (unsigned i = 0; i < 100 && (edge_connections(edge) > 0 || held > 0); i++) {
        (void)shard_turn(shard, 0);
        answer_waiting();
    }
    check(edge_connections(edge) == 0);
    check(held == 0);
}

static void
put(int fd, const void *bytes, size_t len, size_t piece)
{
    for (size_t at = 0; at < len;) {
        size_t n = len - at < piece ? len - at : piece;
        ssize_t sent = send(fd, (const char *)bytes + at, n, MSG_NOSIGNAL);
        if (sent < 0)
            return;
        at += (size_t)sent;
        turn(fd);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static const char greeting[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    if (shard == NULL)
        start();
    if (len < CONTROL || len > 70000)
        return 0;
    memcpy(control, bytes, CONTROL);
    size_t piece = 1u + control[CONTROL - 2] * control[CONTROL - 2];
    offers = 0;
    int pair[2];
    check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0);
    struct sockaddr_storage peer = { .ss_family = AF_INET };
    connection_open(edge, pair[1], &peer, EDGE_PLAIN);
    if (!(control[CONTROL - 1] & BARE))
        put(pair[0], greeting, sizeof(greeting) - 1, sizeof(greeting));
    put(pair[0], bytes + CONTROL, len - CONTROL, piece);
    for (unsigned i = 0; i < 4; i++)
        turn(pair[0]);
    finish(pair[0]);
    return 0;
}

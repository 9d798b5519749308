/* edge/h2.c - a session of HTTP/2 from start to end: input, output, deadlines; see h2.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "edge/h2.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "edge/h2_parts.h"

/* Reads, and writes of H2_GATHER bytes, in one go; then other connections have their turn. */
#define READS_MAX 4
#define WRITES_MAX 16

/* A frame with its header: SETTINGS_MAX_FRAME_SIZE is left as it is. */
#define FRAME_MAX (16384u + 9u)

/* How long requests are taken behind the first GOAWAY: a caller may not have read it yet. */
#define RETIRE_MS 1000

/* What nghttp2 itself allows: RST_STREAM at once and a second, CONTINUATION behind a HEADERS,
 * entries of a SETTINGS, acknowledgements that wait to be sent. */
#define RESETS 1000
#define RESETS_RATE 33
#define CONTINUATIONS 8
#define SETTINGS_ENTRIES 32
#define ACKS 1000

static nghttp2_option *options;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void
make_options(void)
{
    if (nghttp2_option_new(&options) != 0)
        abort();
    nghttp2_option_set_no_auto_window_update(options, 1);
    nghttp2_option_set_no_closed_streams(options, 1);
    nghttp2_option_set_stream_reset_rate_limit(options, RESETS, RESETS_RATE);
    nghttp2_option_set_max_continuations(options, CONTINUATIONS);
    nghttp2_option_set_max_settings(options, SETTINGS_ENTRIES);
    nghttp2_option_set_max_outbound_ack(options, ACKS);
    nghttp2_option_set_max_send_header_block_length(options, 128 * 1024);
}

/* -- streams -- */

struct h2_stream *
h2_stream_get(struct h2_session *h, int32_t id)
{
    return nghttp2_session_get_stream_user_data(h->ng, id);
}

/* The request of S, which does not belong to it any more; or NULL. */
static struct request *
take_request(struct h2_stream *s)
{
    struct request *r = s->request;
    s->request = NULL;
    s->deadline_ms = UINT64_MAX;
    list_remove(&s->hungry);
    if (r != NULL)
        r->h2 = NULL;
    return r;
}

void
h2_answered(struct h2_stream *s)
{
    struct h2_session *h = s->session;
    struct request *r = take_request(s);
    if (r == NULL)
        return;
    h->connection->served++;
    h2_let_go(s);
    request_done(r);
    /* What is still to come of the body is not wanted (RFC 9113 8.1). */
    if (!s->ended)
        (void)nghttp2_submit_rst_stream(h->ng, NGHTTP2_FLAG_NONE, s->id, NGHTTP2_NO_ERROR);
}

void
h2_reset(struct h2_stream *s, uint32_t code)
{
    struct request *r = take_request(s);
    (void)nghttp2_submit_rst_stream(s->session->ng, NGHTTP2_FLAG_NONE, s->id, code);
    h2_let_go(s);
    h2_wake(s->session);
    if (r != NULL)
        request_abandon(r);
}

void
h2_stream_free(struct h2_stream *s)
{
    struct h2_session *h = s->session;
    struct request *r = take_request(s);
    (void)nghttp2_session_set_stream_user_data(h->ng, s->id, NULL);
    h2_let_go(s);
    list_remove(&s->link);
    h->n_streams--;
    free(s);
    if (r != NULL)
        request_abandon(r);
}

/* -- deadlines -- */

void
h2_look_at(struct h2_session *h, uint64_t at_ms)
{
    if (at_ms < h->connection->deadline_ms)
        connection_deadline(h->connection, at_ms);
}

void
h2_deadline(struct h2_stream *s, uint64_t at_ms)
{
    s->deadline_ms = at_ms;
    h2_look_at(s->session, at_ms);
}

static void
set_idle(struct h2_session *h)
{
    struct connection *c = h->connection;
    const struct edge_config *config = &c->edge->config;
    h->idle_ms = c->served > 0 ? shard_now(c->edge->shard) + config->idle_ms
                               : c->opened_ms + config->head_ms;
    h2_look_at(h, h->idle_ms);
}

static void
expire_stream(struct h2_stream *s, uint64_t now_ms)
{
    struct edge *e = s->session->connection->edge;
    struct weir_error err;
    if (s->request == NULL)
        return;
    if (!s->takes) {
        edge_refused(e, REFUSAL_SLOW_READER);
        h2_reset(s, NGHTTP2_CANCEL);
        return;
    }
    s->deadline_ms = request_body_deadline(s->request);
    if (s->deadline_ms > now_ms)
        return;
    err_set(&err, WEIR_TIMEOUT, "the body of the request took too long");
    err.status = 408;
    s->takes = false;
    request_refuse(s->request, &err, REFUSAL_BODY_DEADLINE);
}

static void
say_last(struct h2_session *h)
{
    int32_t last = nghttp2_session_get_last_proc_stream_id(h->ng);
    h->last = true;
    h->retire_ms = UINT64_MAX;
    (void)nghttp2_submit_goaway(h->ng, NGHTTP2_FLAG_NONE, last, NGHTTP2_NO_ERROR, NULL, 0);
}

/* When the connection has to look again. */
static uint64_t
next_deadline(const struct h2_session *h)
{
    uint64_t at_ms = h->n_streams == 0 ? h->idle_ms : UINT64_MAX;
    if (h->rest != NULL && h->write_ms < at_ms)
        at_ms = h->write_ms;
    if (h->head_ms < at_ms)
        at_ms = h->head_ms;
    if (h->retire_ms < at_ms)
        at_ms = h->retire_ms;
    for (const struct list *l = h->streams.next; l != &h->streams; l = l->next) {
        const struct h2_stream *s = list_entry(l, const struct h2_stream, link);
        if (s->deadline_ms < at_ms)
            at_ms = s->deadline_ms;
    }
    return at_ms;
}

/* -- output -- */

/* All is said: lets the caller read it, and ends. */
static void
finish(struct h2_session *h)
{
    list_each(link, next, &h->streams)
    {
        struct request *r = take_request(list_entry(link, struct h2_stream, link));
        if (r != NULL)
            request_abandon(r);
    }
    connection_linger(h->connection);
}

/* What is to become of the connection, now that all is sent that can be. */
static void
settle(struct h2_session *h)
{
    struct connection *c = h->connection;
    bool over = h->broken || (h->last && h->n_streams == 0) ||
                (!nghttp2_session_want_read(h->ng) && !nghttp2_session_want_write(h->ng));
    if (over && h->rest == NULL) {
        finish(h);
        return;
    }
    if (h->n_streams > 0 && c->state == CONNECTION_IDLE) {
        connection_go(c, CONNECTION_STREAMS);
    } else if (h->n_streams == 0 && c->state == CONNECTION_STREAMS) {
        connection_go(c, CONNECTION_IDLE);
        set_idle(h);
    }
    unsigned want = h->rest != NULL ? WEIR_READ | WEIR_WRITE : WEIR_READ;
    connection_want(c, want);
}

/* Gathers frames in the edge's WIRE; returns how many bytes. The connection may be closed. */
static size_t
gather(struct h2_session *h)
{
    struct edge *e = h->connection->edge;
    size_t len = 0;
    if (e->wire == NULL)
        e->wire = malloc(H2_GATHER);
    if (e->wire == NULL)
        abort();
    h->inside = true;
    while (len + FRAME_MAX <= H2_GATHER) {
        const uint8_t *bytes;
        ssize_t n = nghttp2_session_mem_send(h->ng, &bytes);
        if (n <= 0) {
            h->broken |= n < 0;
            break;
        }
        assert(len + (size_t)n <= H2_GATHER);
        memcpy(e->wire + len, bytes, (size_t)n);
        len += (size_t)n;
    }
    h->inside = false;
    return len;
}

/* Writes LEN bytes; what the kernel does not take is the rest. False: the connection is closed.
 */
static bool
put(struct h2_session *h, const char *bytes, size_t len)
{
    struct connection *c = h->connection;
    while (len > 0) {
        struct iovec part = { (void *)(uintptr_t)bytes, len };
        bool gone;
        size_t n = connection_write(c, &part, 1, &gone);
        if (gone)
            return false;
        if (n == 0)
            break;
        bytes += n;
        len -= n;
    }
    if (len == 0)
        return true;
    h->rest = malloc(len);
    if (h->rest == NULL)
        abort();
    memcpy(h->rest, bytes, len);
    h->rest_len = len;
    h->rest_at = 0;
    h->write_ms = shard_now(c->edge->shard) + c->edge->config.write_ms;
    h2_look_at(h, h->write_ms);
    return true;
}

/* Sends what can be sent. */
static void
flush(struct h2_session *h)
{
    struct connection *c = h->connection;
    bool outer = h->busy;
    h->busy = true;
    for (unsigned i = 0; h->rest == NULL; i++) {
        if (i == WRITES_MAX) {
            soon_add(c->edge->shard, &c->soon);
            break;
        }
        size_t len = gather(h);
        if (c->state == CONNECTION_CLOSED || !put(h, c->edge->wire, len))
            break;
        bool fed = h->rest == NULL && h2_feed(h);
        if (c->state == CONNECTION_CLOSED || (len == 0 && !fed))
            break;
    }
    h->busy = outer;
    if (c->state != CONNECTION_CLOSED)
        settle(h);
}

void
h2_wake(struct h2_session *h)
{
    struct connection *c = h->connection;
    bool open = c->state == CONNECTION_IDLE || c->state == CONNECTION_STREAMS;
    if (!h->busy && !h->inside && open)
        soon_add(c->edge->shard, &c->soon);
}

void
h2_give_up(struct h2_session *h, uint32_t code, enum refusal why)
{
    if (h->broken)
        return;
    h->broken = true;
    edge_refused(h->connection->edge, why);
    (void)nghttp2_session_terminate_session(h->ng, code);
    h2_wake(h);
}

/* -- input -- */

/* What the caller did that made nghttp2 stop for good. */
static void
fail(struct h2_session *h, ssize_t error)
{
    switch (error) {
    case NGHTTP2_ERR_FLOODED:
    case NGHTTP2_ERR_TOO_MANY_CONTINUATIONS:
    case NGHTTP2_ERR_NOMEM:
        h2_give_up(h, NGHTTP2_ENHANCE_YOUR_CALM, REFUSAL_FLOOD);
        break;
    default:
        h2_give_up(h, NGHTTP2_PROTOCOL_ERROR, REFUSAL_MALFORMED);
        break;
    }
}

static void
take_input(struct h2_session *h, const char *bytes, size_t len)
{
    h->inside = true;
    ssize_t used = nghttp2_session_mem_recv(h->ng, (const uint8_t *)bytes, len);
    h->inside = false;
    if (used < 0)
        fail(h, used);
}

static void
readable(struct connection *c)
{
    struct h2_session *h = c->h2;
    if (c->state == CONNECTION_LINGER) {
        connection_discard(c);
        return;
    }
    struct buffer *b = buffer_new(&c->edge->buffers, BUFFER_LARGE);
    h->busy = true;
    for (unsigned i = 0; i < READS_MAX && !h->broken; i++) {
        ssize_t n = connection_receive(c, b->bytes, b->room);
        if (n > 0)
            take_input(h, b->bytes, (size_t)n);
        else if (n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR))
            connection_close(c, false);
        if (n < (ssize_t)b->room || c->state == CONNECTION_CLOSED)
            break;
    }
    h->busy = false;
    buffer_unref(&c->edge->buffers, &b);
    if (c->state != CONNECTION_CLOSED)
        flush(h);
}

static void
writable(struct connection *c)
{
    struct h2_session *h = c->h2;
    if (h->rest == NULL || c->state == CONNECTION_LINGER)
        return;
    char *rest = h->rest;
    h->rest = NULL;
    bool open = put(h, rest + h->rest_at, h->rest_len - h->rest_at);
    free(rest);
    if (open)
        flush(h);
}

static void
soon(struct connection *c)
{
    if (c->state == CONNECTION_IDLE || c->state == CONNECTION_STREAMS)
        flush(c->h2);
}

/* -- the rest of a life -- */

static void
retire(struct connection *c)
{
    struct h2_session *h = c->h2;
    bool open = c->state == CONNECTION_IDLE || c->state == CONNECTION_STREAMS;
    if (!open || h->last || h->retire_ms != UINT64_MAX)
        return;
    if (c->state == CONNECTION_IDLE) {
        if (c->served == 0)
            return; /* its first request may be on its way */
        say_last(h);
    } else {
        (void)nghttp2_submit_shutdown_notice(h->ng);
        h->retire_ms = shard_now(c->edge->shard) + RETIRE_MS;
        h2_look_at(h, h->retire_ms);
    }
    h2_wake(h);
}

void
h2_retire(struct h2_session *h)
{
    retire(h->connection);
}

static void
expire(struct connection *c)
{
    struct h2_session *h = c->h2;
    uint64_t now_ms = shard_now(c->edge->shard);
    if (c->state == CONNECTION_LINGER) {
        connection_close(c, true);
        return;
    }
    if (h->rest != NULL && h->write_ms <= now_ms) {
        edge_refused(c->edge, REFUSAL_SLOW_READER);
        connection_close(c, true);
        return;
    }
    if (h->n_streams == 0 && h->idle_ms <= now_ms) {
        connection_close(c, false);
        return;
    }
    if (h->head_ms <= now_ms)
        h2_give_up(h, NGHTTP2_ENHANCE_YOUR_CALM, REFUSAL_HEAD_DEADLINE);
    if (h->retire_ms <= now_ms)
        say_last(h);
    list_each(link, next, &h->streams)
    {
        struct h2_stream *s = list_entry(link, struct h2_stream, link);
        if (s->deadline_ms <= now_ms)
            expire_stream(s, now_ms);
    }
    flush(h);
    if (c->state == CONNECTION_IDLE || c->state == CONNECTION_STREAMS)
        connection_deadline(c, next_deadline(h));
}

static void
closing(struct connection *c, bool hard)
{
    struct h2_session *h = c->h2;
    if (!hard && !h->inside && !h->last && !h->broken && h->rest == NULL) {
        say_last(h);
        size_t len = gather(h);
        struct iovec part = { c->edge->wire, len };
        bool gone;
        if (len > 0)
            (void)connection_write(c, &part, 1, &gone); /* if it goes at once, good */
    }
    list_each(link, next, &h->streams)
    {
        struct request *r = take_request(list_entry(link, struct h2_stream, link));
        if (r != NULL)
            request_abandon(r);
    }
}

static void
offered(struct request *r)
{
    r->h2->takes = false;
    r->h2->deadline_ms = UINT64_MAX;
}

const struct protocol protocol_http2 = {
    .readable = readable,
    .writable = writable,
    .soon = soon,
    .expire = expire,
    .retire = retire,
    .closing = closing,
    .framed = h2_framed,
    .proceed = h2_proceed,
    .take_body = h2_take_body,
    .offered = offered,
    .frame = h2_frame,
    .send = h2_send,
    .send_stream = h2_send_stream,
    .on_piece = h2_on_piece,
    .cut = h2_cut,
};

bool
h2_begins(const char *bytes, size_t len)
{
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    return memcmp(bytes, preface, len < H2_PREFACE ? len : H2_PREFACE) == 0;
}

static void
start_session(struct h2_session *h)
{
    pthread_once(&once, make_options);
    const nghttp2_settings_entry entries[] = {
        { NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, H2_STREAMS_MAX },
        { NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, H2_STREAM_WINDOW },
        { NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE,
          (uint32_t)h->connection->edge->config.head.head },
        { NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1 },
    };
    nghttp2_mem memory = h2_memory(h);
    if (nghttp2_session_server_new3(&h->ng, h2_callbacks(), h, options, &memory) != 0 ||
        nghttp2_submit_settings(h->ng, NGHTTP2_FLAG_NONE, entries,
                                sizeof(entries) / sizeof(entries[0])) != 0 ||
        nghttp2_session_set_local_window_size(h->ng, NGHTTP2_FLAG_NONE, 0, H2_WINDOW) != 0)
        abort(); /* only for want of memory */
}

void
h2_start(struct connection *c)
{
    assert(c->h2 == NULL && c->request == NULL && c->served == 0);
    struct h2_session *h = calloc(1, sizeof(*h));
    if (h == NULL)
        abort();
    h->connection = c;
    h->retire_ms = h->head_ms = UINT64_MAX;
    list_init(&h->streams);
    list_init(&h->hungry);
    buf_init(&h->head.cookie, c->edge->config.head.head);
    start_session(h);
    c->h2 = h;
    c->protocol = &protocol_http2;
    if (c->state != CONNECTION_IDLE)
        connection_go(c, CONNECTION_IDLE);
    connection_deadline(c, UINT64_MAX);
    set_idle(h);
    struct buffer *in = c->in;
    c->in = NULL;
    h->busy = true;
    if (c->start < c->end)
        take_input(h, in->bytes + c->start, c->end - c->start);
    h->busy = false;
    c->start = c->end = c->seen = 0;
    buffer_unref(&c->edge->buffers, &in);
    if (c->state != CONNECTION_CLOSED)
        flush(h);
}

void
h2_free(struct h2_session **session)
{
    struct h2_session *h = *session;
    if (h == NULL)
        return;
    *session = NULL;
    h2_head_drop(h);
    struct list *link;
    while ((link = list_shift(&h->streams)) != NULL)
        free(list_entry(link, struct h2_stream, link));
    nghttp2_session_del(h->ng);
    assert(h->memory == 0);
    buf_fini(&h->head.cookie);
    free(h->rest);
    free(h);
}

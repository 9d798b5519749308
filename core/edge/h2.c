/* edge/h2.c - a session of HTTP/2 from start to end: input, output, deadlines; see h2.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "edge/h2.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "edge/h2_parts.h"

/* How long requests are taken behind the first GOAWAY: a caller may not have read it yet. */
#define RETIRE_MS 1000

/* What nghttp2 itself allows: CONTINUATION behind a HEADERS, entries of a SETTINGS, acknowledgements that wait
 * to be sent. Of RST_STREAM as many as come: h2_guard.c counts them, and says what for. */
#define RESETS (UINT64_C(1) << 62)
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
    nghttp2_option_set_stream_reset_rate_limit(options, RESETS, RESETS);
    nghttp2_option_set_max_continuations(options, CONTINUATIONS);
    nghttp2_option_set_max_settings(options, SETTINGS_ENTRIES);
    nghttp2_option_set_max_outbound_ack(options, ACKS);
    nghttp2_option_set_max_send_header_block_length(options, 128 * 1024);
}

void
h2_set_idle(struct h2_session *h)
{
    struct connection *c = h->connection;
    const struct edge_config *config = &c->edge->config;
    uint64_t now_ms = shard_now(c->edge->shard);
    h->idle_ms = now_ms + (c->served > 0 ? config->idle_ms : config->head_ms);
    h2_look_at(h, h->idle_ms);
}

static void
say_last(struct h2_session *h)
{
    int32_t last = nghttp2_session_get_last_proc_stream_id(h2_ng(h));
    h->last = true;
    h->retire_ms = UINT64_MAX;
    (void)nghttp2_submit_goaway(h2_ng(h), NGHTTP2_FLAG_NONE, last, NGHTTP2_NO_ERROR, NULL, 0);
}

/* When the connection has to look again. */
static uint64_t
next_deadline(const struct h2_session *h)
{
    uint64_t at_ms = UINT64_MAX;
    if (h->n_streams == 0)
        at_ms = h->idle_ms;
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

static void
retire(struct connection *c)
{
    struct h2_session *h = c->h2;
    bool open = c->state == CONNECTION_IDLE || c->state == CONNECTION_STREAMS;
    if (!open || h->last || h->retire_ms != UINT64_MAX)
        return;
    if (h->n_streams == 0) {
        if (c->served == 0)
            return; /* its first request may be on its way */
        say_last(h);
    } else {
        (void)nghttp2_submit_shutdown_notice(h2_ng(h));
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
    if (h->n_streams == 0 && (h->idle_ms <= now_ms || c->edge->draining)) {
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
            h2_stream_expire(s, now_ms);
    }
    h2_flush(h);
    if (c->state == CONNECTION_IDLE || c->state == CONNECTION_STREAMS)
        connection_deadline(c, next_deadline(h));
}

static void
closing(struct connection *c, bool hard)
{
    struct h2_session *h = c->h2;
    if (!hard && !h->inside && !h->last && !h->broken && h->rest == NULL) {
        say_last(h);
        size_t len = h2_gather(h);
        struct iovec part = { c->edge->wire, len };
        bool gone;
        if (len > 0)
            (void)connection_write(c, &part, 1, &gone); /* if it goes at once, good */
    }
    h2_abandon(h);
}

static void
offered(struct request *r)
{
    h2_body_over(r->h2);
    r->h2->deadline_ms = UINT64_MAX;
}

const struct protocol protocol_http2 = {
    .name = { "HTTP/2", 6 },
    .readable = h2_readable,
    .writable = h2_writable,
    .soon = h2_soon,
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
    if (nghttp2_session_server_new3(&h->folded, h2_callbacks(), h, options, &memory) != 0 ||
        nghttp2_submit_settings(h2_ng(h), NGHTTP2_FLAG_NONE, entries,
                                sizeof(entries) / sizeof(entries[0])) != 0 ||
        nghttp2_session_set_local_window_size(h2_ng(h), NGHTTP2_FLAG_NONE, 0, H2_WINDOW) != 0)
        abort(); /* only for want of memory */
    h->started = true;
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
    connection_may_rest(c);
    if (c->state != CONNECTION_IDLE)
        connection_go(c, CONNECTION_IDLE);
    connection_deadline(c, UINT64_MAX);
    h2_set_idle(h);
    struct buffer *in = c->in;
    c->in = NULL;
    h->busy = true;
    if (c->start < c->end)
        h2_take_input(h, in->bytes + c->start, c->end - c->start);
    h->busy = false;
    c->start = c->end = c->seen = 0;
    buffer_unref(&c->edge->buffers, &in);
    h2_flush(h);
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
    nghttp2_session_del(h2_ng(h));
    assert(h->memory == 0);
    h2_still_end(h);
    buf_fini(&h->head.cookie);
    free(h->rest);
    free(h);
}

/* admin/events.c - live events as a stream (server-sent events, HTML Living Standard 9.2).
 *
 * The tail is on while somebody watches. Who reads too slowly loses events, and is told how many.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "admin/parts.h"
#include "engine/tail.h"
#include "loop/stream.h"
#include "value/json.h"

#define WATCHERS_MAX 64u
#define QUEUE_MAX (256u << 10)
#define MAILBOX_MAX 10000u
#define PING_MS 15000u

/* One who watches. */
struct watcher {
    struct admin *admin;
    struct stream *stream;
    struct buf queue; /* what is not yet taken */
    bool pulled;      /* the consumer waits for a piece */
    uint64_t lost;
    char *pipeline;   /* filters; NULL: all */
    char *event;
    char *outcome;
    struct list link;
};

static bool
passes(const char *filter, const struct weir_value *message, const char *key)
{
    if (filter == NULL)
        return true;
    const struct weir_value *v = value_field(message, key);
    return v && text_is(value_as_text(v), filter);
}

/* Hands out what is queued, if it is wanted now. */
static void
flush(struct watcher *w)
{
    if (!w->pulled || w->queue.len == 0)
        return;
    w->pulled = false;
    struct buf piece = w->queue;
    buf_init(&w->queue, QUEUE_MAX);
    stream_give(w->stream, piece.bytes, piece.len, NULL); /* W may be gone after this */
    buf_fini(&piece);
}

static void
queue(struct watcher *w, struct weir_text json)
{
    if (json.len + 64 > QUEUE_MAX - w->queue.len) {
        w->lost++;
        return;
    }
    if (w->lost) {
        (void)buf_printf(&w->queue, ": %llu events were lost\n\n", (unsigned long long)w->lost);
        w->lost = 0;
    }
    (void)buf_puts(&w->queue, "data: ");
    (void)buf_text(&w->queue, json);
    (void)buf_puts(&w->queue, "\n\n");
}

static void
told(void *arg, const struct weir_value *message)
{
    struct admin *a = arg;
    struct buf json;
    struct weir_error err;
    buf_init(&json, 128u << 10);
    bool whole = json_write(&json, message, &err) == WEIR_OK;
    const struct generation *g = engine_generation(a->shard);
    if (g) /* an upstream may have echoed one, and then it bears no mark */
        secrets_mask(generation_secrets(g), &json);
    if (whole)
        list_each(link, next, &a->watchers)
        {
            struct watcher *w = list_entry(link, struct watcher, link);
            if (!passes(w->pipeline, message, "pipeline") || !passes(w->event, message, "event") ||
                !passes(w->outcome, message, "outcome"))
                continue;
            queue(w, buf_content(&json));
            flush(w);
        }
    buf_fini(&json);
}

static void
ping(void *arg)
{
    struct admin *a = arg;
    list_each(link, next, &a->watchers)
    {
        struct watcher *w = list_entry(link, struct watcher, link);
        (void)buf_puts(&w->queue, ": still here\n\n");
        flush(w);
    }
    if (a->n_watchers > 0) /* a write may have shown that the last one is gone */
        timer_set(a->shard, &a->ping, shard_now(a->shard) + PING_MS);
}

static void
pull(void *source)
{
    struct watcher *w = source;
    w->pulled = true;
    flush(w);
}

static void
close_watcher(void *source)
{
    struct watcher *w = source;
    struct admin *a = w->admin;
    list_remove(&w->link);
    buf_fini(&w->queue);
    free(w->pipeline);
    free(w->event);
    free(w->outcome);
    free(w);
    if (--a->n_watchers > 0)
        return;
    tail_end();
    timer_unset(a->shard, &a->ping);
    mailbox_close(&a->tail);
}

static const struct stream_source source = { .pull = pull, .close = close_watcher };

/* The first one opens the mailbox that the shards write to. */
static enum weir_code
begin(struct admin *a, struct weir_error *err)
{
    if (a->n_watchers > 0)
        return WEIR_OK;
    if (mailbox_open(a->shard, TAIL_MAILBOX, MAILBOX_MAX, told, a, &a->tail, err) != WEIR_OK)
        return (enum weir_code)err->code;
    timer_init(&a->ping, ping, a);
    timer_set(a->shard, &a->ping, shard_now(a->shard) + PING_MS);
    tail_begin();
    return WEIR_OK;
}

static char *
filter(struct weir_event *e, const char *name)
{
    struct weir_text t = query_get(e, name);
    return t.len ? strndup(t.bytes, t.len) : NULL;
}

void
watch_events(struct admin *a, struct weir_event *e)
{
    struct weir_error err = { 0 };
    if (a->n_watchers == WATCHERS_MAX) {
        answer_problem(e, WEIR_UNAVAILABLE, "%u watch already", WATCHERS_MAX);
        return;
    }
    if (begin(a, &err) != WEIR_OK) {
        event_answer_error(e, &err);
        return;
    }
    struct watcher *w = calloc(1, sizeof *w);
    if (w == NULL)
        abort();
    w->admin = a;
    buf_init(&w->queue, QUEUE_MAX);
    (void)buf_puts(&w->queue, ": watching\n\n");
    w->pipeline = filter(e, "pipeline");
    w->event = filter(e, "event");
    w->outcome = filter(e, "outcome");
    list_push(&a->watchers, &w->link);
    a->n_watchers++;
    const struct weir_value *body = stream_new(&source, w, UINT64_MAX, &w->stream);
    struct weir_header no_store = { TEXT("Cache-Control"), TEXT("no-store") };
    struct event_reply r = { .status = 200,
                             .content_type = TEXT("text/event-stream"),
                             .headers = &no_store,
                             .n_headers = 1,
                             .body = body };
    event_answer(e, &r);
    value_unref(&body);
}

void
watchers_end(struct admin *a)
{
    list_each(link, next, &a->watchers)
        stream_give(list_entry(link, struct watcher, link)->stream, NULL, 0, NULL);
}

/* admin/metrics.c - GET /metrics. With thousands of pipelines that is megabytes: they are written piece
 * by piece as the caller takes them, so that no request of this shard waits for a reading.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "admin/parts.h"
#include "engine/metrics.h"
#include "loop/stream.h"

#define PIECE (64u << 10)
#define REST_MS 1u /* a timer that is due at once would run again in the same turn */
#define PIECE_MAX (256u << 20) /* what collectors tell of one family comes at once */

/* A reading that somebody takes. */
struct reading {
    struct weir_shard *shard;
    struct metric_walk *walk; /* NULL: all was given */
    struct stream *stream;
    struct buf first;   /* the piece that was made before the answer */
    struct timer turn; /* a piece is wanted: it comes in the loop's next turn */
};

static enum weir_code
too_large(struct weir_error *err)
{
    return err_set(err, WEIR_TOO_LARGE, "the metrics of one name have more than %u bytes", PIECE_MAX);
}

static void
give(void *arg)
{
    struct reading *r = arg;
    struct buf piece = r->first;
    struct weir_error err = { .code = WEIR_OK };
    buf_init(&r->first, PIECE_MAX);
    if (piece.len == 0 && r->walk != NULL && !metrics_more(r->walk, PIECE, &piece) &&
        !metrics_end(&r->walk)) {
        (void)too_large(&err);
        piece.len = 0; /* who reads half of it must not take it for all */
    }
    stream_give(r->stream, piece.bytes, piece.len, err.code != WEIR_OK ? &err : NULL); /* R may be gone */
    buf_fini(&piece);
}

/* A caller that reads fast would have it all in one turn, and everybody else wait. */
static void
pull(void *source)
{
    struct reading *r = source;
    timer_set(r->shard, &r->turn, shard_now(r->shard) + REST_MS);
}

static void
close_reading(void *source)
{
    struct reading *r = source;
    timer_unset(r->shard, &r->turn);
    if (r->walk != NULL)
        (void)metrics_end(&r->walk);
    buf_fini(&r->first);
    free(r);
}

static void
answer_stream(struct weir_event *e, const char *type, struct metric_walk *walk, struct buf *take_first)
{
    static const struct stream_source source = { .pull = pull, .close = close_reading };
    struct reading *r = calloc(1, sizeof *r);
    if (r == NULL)
        abort();
    r->shard = e->shard;
    timer_init(&r->turn, give, r);
    r->walk = walk;
    r->first = *take_first;
    buf_init(take_first, PIECE_MAX);
    const struct weir_value *body = stream_new(&source, r, UINT64_MAX, &r->stream);
    struct event_reply reply = { .status = 200, .content_type = text_of(type), .body = body };
    event_answer(e, &reply);
    value_unref(&body);
}

void
show_metrics(struct admin *a, struct weir_event *e)
{
    (void)a;
    struct weir_text accept = event_header(e, TEXT("accept"));
    bool open = accept.len && memmem(accept.bytes, accept.len, "application/openmetrics-text", 28) != NULL;
    const char *type = open ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                            : "text/plain; version=0.0.4; charset=utf-8";
    struct metric_walk *walk = metrics_begin(open);
    struct buf first;
    buf_init(&first, PIECE_MAX);
    struct weir_error err = { .code = WEIR_OK };
    if (metrics_more(walk, PIECE, &first)) {
        answer_stream(e, type, walk, &first);
    } else if (metrics_end(&walk)) {
        answer_text(e, 200, type, buf_content(&first));
    } else {
        (void)too_large(&err);
        event_answer_error(e, &err);
    }
    buf_fini(&first);
}

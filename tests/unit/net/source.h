/* source.h - a stream for tests: N pieces, which come at once, later, or when they are told to.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_NET_SOURCE_H
#define TESTS_NET_SOURCE_H

#include "loop/stream.h"
#include "peer.h"

/* A source of N pieces, which come at once or one a turn. */
struct source {
    struct stream *stream;
    struct weir_shard *shard;
    struct soon soon;
    unsigned left;
    size_t size;
    bool later;
    bool fails;
    bool closed;
    unsigned pulls;
};

static inline void
source_give(void *arg)
{
    static const char bytes[65536] = "piece";
    struct source *f = arg;
    if (f->left == 0) {
        struct weir_error err;
        err_set(&err, WEIR_UPSTREAM, "the source is dry");
        stream_give(f->stream, "", 0, f->fails ? &err : NULL);
        return;
    }
    f->left--;
    stream_give(f->stream, bytes, f->size, NULL);
}

static inline void
source_pull(void *arg)
{
    struct source *f = arg;
    f->pulls++;
    if (f->later)
        soon_add(f->shard, &f->soon);
    else
        source_give(f);
}

/* Gives nothing by itself. */
static inline void
source_hold(void *arg)
{
    struct source *f = arg;
    f->pulls++;
}

static inline void
source_close(void *arg)
{
    struct source *f = arg;
    soon_remove(&f->soon);
    f->closed = true;
}

static inline const struct weir_value *
source_new(struct source *f, struct side *s, uint64_t length)
{
    static const struct stream_source how = { source_pull, source_close };
    f->shard = s->shard;
    soon_init(&f->soon, source_give, f);
    return stream_new(&how, f, length, &f->stream);
}

#endif

/* loop/stream.h - bytes that arrive as they are read: what a value of type stream holds.
 *
 * A source (an answer of an upstream) is read by one consumer (a reply), on one shard. The
 * consumer pulls: the source delivers nothing while it is not asked, so back-pressure holds.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LOOP_STREAM_H
#define LOOP_STREAM_H

#include "value/value.h"

struct stream;

/* A piece has come: LEN > 0 bytes (lent); LEN = 0: the end, with ERR if it failed. After the
 * end nothing more is called. */
typedef void stream_fn(void *arg, const char *bytes, size_t len, const struct weir_error *err);

/* How a source is asked. */
struct stream_source {
    /* Deliver the next piece, now or later, by stream_give. One pull, one piece. */
    void (*pull)(void *source);
    /* Nobody wants the rest (or all was read): free SOURCE. Called exactly once. */
    void (*close)(void *source);
};

/* A new stream value over SOURCE; owned. LENGTH: bytes to come, or UINT64_MAX if unknown.
 * *ret_stream is for stream_give and is valid until close. */
const struct weir_value *stream_new(const struct stream_source *how, void *source, uint64_t length,
                                    struct stream **ret_stream);

/* The source's side: hands over a piece, or the end (LEN 0). Only after a pull; the end may
 * come without one. */
void stream_give(struct stream *s, const char *bytes, size_t len, const struct weir_error *err);

/* The consumer's side: takes the stream of V. False if somebody has it already. */
bool stream_take(const struct weir_value *v, stream_fn *fn, void *arg, struct stream **ret);

/* Asks for the next piece. */
void stream_pull(struct stream *s);

/* Gives the stream up, read to its end or not; leaves NULL. */
void stream_drop(struct stream **s);

/* Bytes to come, as given to stream_new. */
uint64_t stream_length(const struct weir_value *v);

#endif

/* loop/stream.c - see stream.h.
 *
 * A stream is held by its value and by its consumer, and lives until both are gone. The source
 * is closed when the consumer drops it, or when the value goes and nobody took it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "loop/stream.h"

#include <assert.h>
#include <stdlib.h>

struct stream {
    struct stream_source how;
    void *source;
    uint64_t length;
    unsigned refs;
    stream_fn *fn; /* the consumer's; NULL: nobody has it */
    void *arg;
    struct weir_error *err; /* of an end that nobody was there to hear; owned */
    bool taken;
    bool closed;  /* the source is gone */
    bool ended;   /* the source has given the end */
    bool told;    /* the consumer knows of the end */
    bool asked;   /* a pull that has not been answered */
    bool pulling; /* the source's pull is on the stack */
    bool again;   /* a pull came while PULLING */
};

static void
stream_unref(struct stream *s)
{
    if (--s->refs > 0)
        return;
    assert(s->closed);
    if (s->err != NULL)
        value_unref(&s->err->detail);
    free(s->err);
    free(s);
}

static void
close_source(struct stream *s)
{
    if (s->closed)
        return;
    s->closed = true;
    s->how.close(s->source);
}

static void
on_value_gone(void *stream)
{
    struct stream *s = stream;
    if (!s->taken)
        close_source(s);
    stream_unref(s);
}

const struct weir_value *
stream_new(const struct stream_source *how, void *source, uint64_t length,
           struct stream **ret_stream)
{
    struct stream *s = calloc(1, sizeof(*s));
    if (s == NULL)
        abort();
    *s = (struct stream){ .how = *how, .source = source, .length = length, .refs = 1 };
    *ret_stream = s;
    return value_stream(s, on_value_gone);
}

/* Tells the consumer of the end, once. */
static void
tell_end(struct stream *s, const struct weir_error *err)
{
    s->told = true;
    s->fn(s->arg, "", 0, err);
}

void
stream_give(struct stream *s, const char *bytes, size_t len, const struct weir_error *err)
{
    assert(!s->ended && !s->closed);
    if (len > 0) {
        assert(s->asked && s->fn != NULL);
        s->asked = false;
        s->fn(s->arg, bytes, len, NULL);
        return;
    }
    s->ended = true;
    s->asked = false;
    if (s->fn != NULL) {
        tell_end(s, err);
        return;
    }
    if (err == NULL)
        return;
    s->err = malloc(sizeof(*s->err));
    if (s->err == NULL)
        abort();
    *s->err = *err;
    if (s->err->detail != NULL)
        (void)value_ref(s->err->detail);
}

bool
stream_take(const struct weir_value *v, stream_fn *fn, void *arg, struct stream **ret)
{
    assert(v->type == WEIR_STREAM);
    struct stream *s = v->stream;
    if (s->taken)
        return false;
    s->taken = true;
    s->fn = fn;
    s->arg = arg;
    s->refs++;
    *ret = s;
    return true;
}

void
stream_pull(struct stream *s)
{
    assert(s->fn != NULL);
    if (s->told || s->asked)
        return;
    if (s->ended) {
        tell_end(s, s->err);
        return;
    }
    s->asked = true;
    /* A source that answers inside its pull, to a consumer that pulls inside its callback:
     * the stack stays flat, since the pull that is under way does it again. */
    if (s->pulling) {
        s->again = true;
        return;
    }
    s->refs++;
    s->pulling = true;
    do {
        s->again = false;
        s->how.pull(s->source);
    } while (s->again && !s->closed && !s->ended);
    s->pulling = false;
    stream_unref(s);
}

void
stream_drop(struct stream **stream)
{
    struct stream *s = *stream;
    if (s == NULL)
        return;
    *stream = NULL;
    s->fn = NULL;
    close_source(s);
    stream_unref(s);
}

uint64_t
stream_length(const struct weir_value *v)
{
    assert(v->type == WEIR_STREAM);
    const struct stream *s = v->stream;
    return s->length;
}

/* fuzz/edge_answers.h - how the requests of a fuzz target are answered: at once, later, as a stream,
 * as bytes of the input say. For targets on edge_stand.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FUZZ_EDGE_ANSWERS_H
#define FUZZ_EDGE_ANSWERS_H

#include "edge_stand.h"
#include "loop/stream.h"

enum manner { AT_ONCE, LATER, STREAM_AT_ONCE, STREAM_LATER, STREAM_FAILS, EMPTY, MANNERS };

#define MANNERS_GIVEN 8
#define WAITING 64 /* events that are answered later */
#define SOURCES 8

struct source {
    struct stream *stream;
    unsigned left;
    bool fails;
    bool asked;
    bool later;
    bool open;
};

static struct {
    uint8_t manners[MANNERS_GIVEN]; /* one for each request, in turn */
    unsigned n_manners;
    unsigned offers;
    struct weir_event *waiting[WAITING];
    unsigned held; /* events that are not released yet */
    struct source sources[SOURCES];
} answers;

static inline void
source_give(struct source *s)
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

static inline void
source_on_pull(void *arg)
{
    struct source *s = arg;
    s->asked = true;
    if (!s->later)
        source_give(s);
}

static inline void
source_on_close(void *arg)
{
    struct source *s = arg;
    s->open = s->asked = false;
}

static inline struct source *
source_free(void)
{
    for (unsigned i = 0; i < SOURCES; i++)
        if (!answers.sources[i].open)
            return &answers.sources[i];
    return NULL;
}

static inline void
answer(struct weir_event *e, enum manner how)
{
    static const struct stream_source ways = { source_on_pull, source_on_close };
    struct event_reply r = { .status = 200, .content_type = TEXT("text/plain") };
    struct source *s = how >= STREAM_AT_ONCE && how <= STREAM_FAILS ? source_free() : NULL;
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
        answers.held--;
        e->ops->release(e);
    }
}

static inline void
answers_on_offer(struct weir_event *e, struct trigger_unit *t)
{
    (void)t;
    answers.held++;
    enum manner how = answers.manners[answers.offers++ % answers.n_manners] % MANNERS;
    unsigned at = 0;
    while (how == LATER && at < WAITING && answers.waiting[at] != NULL)
        at++;
    if (how == LATER && at < WAITING)
        answers.waiting[at] = e;
    else
        answer(e, how == LATER ? AT_ONCE : how);
}

static inline void
answers_on_gone(struct weir_event *e)
{
    for (unsigned i = 0; i < WAITING; i++)
        if (answers.waiting[i] == e)
            return;
    abort();
}

static inline void
answers_on_sent(struct weir_event *e, const struct weir_error *err)
{
    (void)err;
    answers.held--;
    e->ops->release(e);
}

/* Starts the stand with routes of three kinds: a plain one, one with parameters, one for POST alone. */
static inline void
answers_start(bool h2c)
{
    static const struct edge_port port = { stand_routes, answers_on_offer, answers_on_gone,
                                           answers_on_sent };
    static const struct weir_text post[] = { { "POST", 4 } };
    const struct engine_route routes[] = {
        { .path = "/a", .max_body = 100 },
        { .path = "/b/{x}/{y*}", .max_body = 100000 },
        { .path = "/p", .methods = post, .n_methods = 1, .max_body = 10 },
    };
    stand_start(routes, 3, &port, h2c);
}

/* The N bytes (at most MANNERS_GIVEN) at BYTES say how the requests to come are answered. */
static inline void
answers_choose(const uint8_t *bytes, unsigned n)
{
    check(n <= MANNERS_GIVEN);
    memcpy(answers.manners, bytes, n);
    answers.n_manners = n;
    answers.offers = 0;
}

/* Answers what waits, and gives what streams were asked for. */
static inline void
answers_go_on(void)
{
    for (unsigned i = 0; i < WAITING; i++) {
        struct weir_event *e = answers.waiting[i];
        answers.waiting[i] = NULL;
        if (e != NULL)
            answer(e, AT_ONCE);
    }
    for (unsigned i = 0; i < SOURCES; i++)
        if (answers.sources[i].open && answers.sources[i].asked && answers.sources[i].later)
            source_give(&answers.sources[i]);
}

/* The caller leaves; soon nothing is left of it. */
static inline void
answers_finish(int fd)
{
    close(fd);
    for (unsigned i = 0; i < 100 && (edge_connections(stand.edge) > 0 || answers.held > 0); i++) {
        (void)shard_turn(stand.shard, 0);
        answers_go_on();
    }
    check(edge_connections(stand.edge) == 0);
    check(answers.held == 0);
}

#endif

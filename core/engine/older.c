/* engine/older.c - see older.h. SPDX-License-Identifier: Apache-2.0 */
#include "engine/older.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "engine/job.h"
#include "loop/worker.h"
#include "store/asks.h"

#define KEPT 8u /* that nobody uses, on a shard */
#define AGAIN_MS 3000u /* until a job is tried again whose pipeline could not be had just now */

/* LATER: a moment's trouble; nothing is known. */
enum older_state { OLDER_COMES, OLDER_READY, OLDER_GONE, OLDER_LATER };

/* One revision of one pipeline on this shard. */
struct older {
    struct engine *engine;
    struct list link;               /* in engine.olders, that used last first */
    char *pipeline;
    char revision[17];
    enum older_state state;
    bool stale;                     /* made for a generation before today's: not for jobs that come now */
    struct generation_part *part;   /* of READY */
    char why[256];                  /* of GONE: or empty, if its text is not kept */
    struct job_claimed *waiting;    /* owned, oldest first */
    struct making *making;          /* NULL: the main thread is not at it */
};

/* -- texts -- */

static void
put_text(struct weir_builder *b, const char *key, struct weir_text t)
{
    const struct weir_value *v = value_string(t.bytes, t.len);
    builder_set(b, key, strlen(key), &v);
}

static void
noted(struct store_op *op, const struct weir_error *err)
{
    struct store_ask *ask = (struct store_ask *)(void *)op;
    (void)job_op_told(op);
    if (err)
        log_say(WEIR_WARN, "the texts of the pipelines could not be noted: %s", err->text);
    value_unref(&ask->with);
    value_unref(&ask->answer);
    free(ask);
}

/* Hands a question to the store; WITH is taken. False: it can't be. */
static bool
ask(struct engine *e, struct store_ask *a, const char *what, store_done_fn *done, struct weir_builder **with)
{
    struct weir_error err;
    a->op = (struct store_op){ .shard = e->shard, .done = done, .kind = STORE_ASK };
    a->what = what;
    a->with = builder_end(with);
    if (job_submit(e, &a->op, &err) == WEIR_OK)
        return true;
    value_unref(&a->with);
    return false;
}

void
older_note(struct engine *e, const struct generation *g)
{
    struct weir_builder *list = builder_list(), *with = builder_map();
    struct store_ask *a = calloc(1, sizeof *a);
    if (a == NULL)
        abort();
    for (unsigned i = 0; i < g->pipelines.n; i++) {
        const struct pipeline *p = g->pipelines.items[i];
        struct weir_builder *one = builder_map();
        put_text(one, "pipeline", text_of(p->name));
        put_text(one, "revision", text_of(p->revision));
        put_text(one, "file", text_of(p->file));
        put_text(one, "text", text_of(p->text));
        const struct weir_value *v = builder_end(&one);
        builder_add(list, &v);
    }
    const struct weir_value *v = builder_end(&list);
    builder_set(with, "revisions", 9, &v);
    if (ask(e, a, "revisions.note", noted, &with))
        return;
    log_say(WEIR_WARN, "the texts of the pipelines could not be noted");
    free(a);
}

/* -- jobs that get no run: each is the caller's, and goes -- */

static void
ended(struct store_op *op, const struct weir_error *err)
{
    struct job_finish *f = (struct job_finish *)(void *)op;
    struct engine *e = job_op_told(op);
    if (err)
        log_say(WEIR_WARN, "job %s: its end was not stored: %s", f->id, err->text);
    free(f);
    jobs_look(e);
}

static struct job_finish *
end_of(const struct engine *e, const struct job_claimed *c, enum job_state state)
{
    struct job_finish *f = calloc(1, sizeof *f);
    if (f == NULL)
        abort();
    f->op = (struct store_op){ .shard = e->shard, .done = ended, .kind = STORE_FINISH };
    memcpy(f->id, c->id, sizeof f->id);
    f->attempt = c->attempt;
    f->state = state;
    f->ended_ms = clock_wall_ms();
    return f;
}

/* F is the store's then, and C goes. */
static void
hand_in(struct engine *e, struct job_finish *f, struct job_claimed *c)
{
    struct weir_error err;
    if (job_submit(e, &f->op, &err) != WEIR_OK) {
        log_say(WEIR_WARN, "job %s: its end is not stored: %s", c->id, err.text);
        free(f);
    }
    job_claimed_end(e, &c);
}

static void
give_back_later(struct engine *e, struct job_claimed *c)
{
    struct job_finish *f = end_of(e, c, JOB_READY);
    f->due_ms = f->ended_ms + AGAIN_MS;
    log_say(WEIR_WARN, "job %s: the pipeline that it began with can't be had now; it is tried again in %u s", c->id,
            AGAIN_MS / 1000);
    hand_in(e, f, c);
}

/* -- making one: the shard asks, the main thread makes, the shard takes -- */

struct making {
    struct store_ask ask;
    struct weir_shard *shard;
    struct older *older;          /* NULL: nobody wants it any more. The shard's, until it has ended */
    struct older_pipeline text;   /* in ASK's answer, and NAME */
    char *name;
    struct generation *generation; /* what came of it: a reference; or WHY */
    char why[256];
};

static void
making_free(struct making *m)
{
    value_unref(&m->ask.with);
    value_unref(&m->ask.answer);
    free(m->name);
    free(m);
}

static void
older_free(struct older *o)
{
    list_remove(&o->link);
    o->engine->n_olders--;
    if (o->making)
        o->making->older = NULL;
    if (o->part)
        part_retire(o->part);
    free(o->pipeline);
    free(o);
}

/* Lets go of those that nobody uses, but for some that were used last. */
static void
trim(struct engine *e)
{
    unsigned spare = 0;
    list_each(link, next, &e->olders)
    {
        struct older *o = list_entry(link, struct older, link);
        if (o->state == OLDER_COMES || (o->part && o->part->pins > 0))
            continue;
        if (++spare > KEPT)
            older_free(o);
    }
}

static void
start_or_bury(struct older *o, struct job_claimed *c)
{
    if (o->state == OLDER_READY) {
        job_start(o->engine, c, o->part);
        return;
    }
    if (o->state == OLDER_LATER) {
        give_back_later(o->engine, c);
        return;
    }
    /* Without a record nothing of what it began with is left: today's will do. A replay was to have
     * its own. */
    if (o->why[0] == '\0' && c->records == NULL && c->replay_of.len == 0 && o->engine->current) {
        job_start(o->engine, c, o->engine->current);
        return;
    }
    job_bury(o->engine, c, JOB_DEFINITION_GONE_REASON,
             o->why[0] ? o->why : "the text of the pipeline that it began with is not kept");
    job_claimed_end(o->engine, &c);
}

/* What became of O is known. It may be gone afterwards. */
static void
settle(struct older *o, enum older_state state)
{
    struct engine *e = o->engine;
    struct job_claimed *c;
    o->state = state;
    while ((c = o->waiting) != NULL) {
        o->waiting = c->next;
        c->next = NULL;
        job_share_less(e->jobs, c->pipeline); /* it was counted while it waited */
        start_or_bury(o, c);
    }
    if (o->state == OLDER_LATER || o->stale)
        older_free(o);
    trim(e);
}

/* What is to be said of it when its generation can't be taken: LATER, or GONE and why. */
static enum older_state
not_taken(struct older *o, const struct weir_error *err)
{
    snprintf(o->why, sizeof o->why, "the pipeline that it began with can't be had any more: %.150s", err->text);
    return code_is_later(err->code) ? OLDER_LATER : OLDER_GONE;
}

/* On the shard: the main thread has done what it could. */
static void
take(void *arg)
{
    struct making *m = arg;
    struct older *o = m->older;
    struct weir_error err = { 0 };
    if (o) {
        o->making = NULL;
        snprintf(o->why, sizeof o->why, "%s", m->why);
        enum older_state state = m->generation ? OLDER_READY : OLDER_GONE;
        if (m->generation && part_new(m->shard, m->generation, &o->part, &err) != WEIR_OK)
            state = not_taken(o, &err);
        value_unref(&err.detail);
        settle(o, state);
    }
    generation_unref(&m->generation);
    making_free(m);
}

/* On the main thread. At the end of the process the shards are gone by now, and with them who wants
 * it. */
static void
make(void *arg)
{
    struct making *m = arg;
    if (generation_keeper_shard() == NULL) {
        making_free(m);
        return;
    }
    struct diags d;
    diags_init(&d);
    m->generation = generation_older(&m->text, &d);
    const char *first = "it is refused";
    for (unsigned i = d.n; i-- > 0;)
        if (diag_is_error(d.items[i].code))
            first = d.items[i].message;
    if (m->generation == NULL)
        snprintf(m->why, sizeof m->why, "the pipeline that it began with can't be loaded any more: %.150s", first);
    diags_fini(&d);
    shard_post(m->shard, take, m);
}

/* The store has told the text, or that it has none. */
static void
told(struct store_op *op, const struct weir_error *err)
{
    struct making *m = (struct making *)(void *)op;
    struct weir_shard *keeper = generation_keeper_shard();
    (void)job_op_told(op);
    if (m->older == NULL) {
        making_free(m);
        return;
    }
    if (err || keeper == NULL) {
        struct older *o = m->older;
        o->making = NULL;
        making_free(m);
        settle(o, err && err->code == WEIR_NOT_FOUND ? OLDER_GONE : OLDER_LATER);
        return;
    }
    const struct weir_value *file = value_field(m->ask.answer, "file");
    const struct weir_value *text = value_field(m->ask.answer, "text");
    m->text = (struct older_pipeline){ .name = text_of(m->name),
                                       .file = file ? value_as_text(file) : TEXT(""),
                                       .text = text ? value_as_text(text) : TEXT("") };
    shard_post(keeper, make, m);
}

/* NULL: the store takes no question now. */
static struct older *
older_new(struct engine *e, const struct job_claimed *c)
{
    struct older *o = calloc(1, sizeof *o);
    struct making *m = calloc(1, sizeof *m);
    if (o == NULL || m == NULL)
        abort();
    o->engine = e;
    o->pipeline = strndup(c->pipeline.bytes, c->pipeline.len);
    snprintf(o->revision, sizeof o->revision, "%.*s", (int)c->revision.len, c->revision.bytes);
    list_unshift(&e->olders, &o->link);
    e->n_olders++;
    m->shard = e->shard;
    m->older = o;
    m->name = strndup(c->pipeline.bytes, c->pipeline.len);
    if (o->pipeline == NULL || m->name == NULL)
        abort();
    struct weir_builder *with = builder_map();
    put_text(with, "pipeline", c->pipeline);
    put_text(with, "revision", c->revision);
    if (ask(e, &m->ask, "revisions.get", told, &with)) {
        o->making = m;
        return o;
    }
    making_free(m);
    older_free(o);
    return NULL;
}

static struct older *
find(struct engine *e, const struct job_claimed *c)
{
    list_each(link, next, &e->olders)
    {
        struct older *o = list_entry(link, struct older, link);
        if (o->stale || !text_is(c->revision, o->revision) || !text_is(c->pipeline, o->pipeline))
            continue;
        list_remove(&o->link);
        list_unshift(&e->olders, &o->link);
        return o;
    }
    return NULL;
}

void
older_start(struct engine *e, struct job_claimed *c)
{
    struct older *o = find(e, c);
    if (o == NULL)
        o = older_new(e, c);
    if (o == NULL) {
        give_back_later(e, c);
        return;
    }
    if (o->state != OLDER_COMES) {
        start_or_bury(o, c);
        return;
    }
    struct job_claimed **last = &o->waiting;
    while (*last)
        last = &(*last)->next;
    c->next = NULL;
    *last = c;
    job_share_add(e->jobs, c->pipeline);
}

/* Takes the job ID out of those that wait for O; NULL: it is not one of them. */
static struct job_claimed *
take_out(struct older *o, const char *id)
{
    for (struct job_claimed **at = &o->waiting; *at; at = &(*at)->next) {
        struct job_claimed *c = *at;
        if (strcmp(c->id, id) != 0)
            continue;
        *at = c->next;
        c->next = NULL;
        return c;
    }
    return NULL;
}

bool
older_cancel(struct engine *e, const char *id, const char *why)
{
    list_each(link, next, &e->olders)
    {
        struct job_claimed *c = take_out(list_entry(link, struct older, link), id);
        if (c == NULL)
            continue;
        struct job_finish *f = end_of(e, c, JOB_CANCELLED);
        f->started_ms = f->ended_ms;
        f->failure.code = WEIR_CANCELLED;
        f->failure.message = text_of(why);
        job_share_less(e->jobs, c->pipeline);
        hand_in(e, f, c);
        return true;
    }
    return false;
}

void
olders_renew(struct engine *e)
{
    list_each(link, next, &e->olders)
    {
        struct older *o = list_entry(link, struct older, link);
        if (o->state == OLDER_COMES)
            o->stale = true;
        else
            older_free(o);
    }
}

void
olders_give_back(struct engine *e)
{
    list_each(link, next, &e->olders)
    {
        struct older *o = list_entry(link, struct older, link);
        for (struct job_claimed *c; (c = o->waiting) != NULL;) {
            o->waiting = c->next;
            job_share_less(e->jobs, c->pipeline);
            job_return(e, c);
            job_claimed_end(e, &c);
        }
    }
}

void
olders_end(struct engine *e)
{
    olders_give_back(e);
    while (!list_empty(&e->olders))
        older_free(list_entry(e->olders.next, struct older, link));
}

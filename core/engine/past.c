/* engine/past.c - see past.h. SPDX-License-Identifier: Apache-2.0 */
#include "engine/past.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/job_event.h"
#include "engine/outcome.h"
#include "pipeline/load.h"

static struct weir_text
text_at(const struct weir_value *map, const char *key)
{
    const struct weir_value *v = value_field(map, key);
    return v ? value_as_text(v) : TEXT("");
}

static uint64_t
number_at(const struct weir_value *map, const char *key)
{
    const struct weir_value *v = value_field(map, key);
    return v && v->type == WEIR_INT && v->integer > 0 ? (uint64_t)v->integer : 0;
}

/* -- the pipeline and the event -- */

/* The pipeline that the job OF has run with. */
static void
find_pipeline(struct past *past, const struct generation *g, const struct weir_value *of)
{
    struct weir_text name = text_at(of, "pipeline"), revision = text_at(of, "revision");
    const struct flow *f = map_get(&g->by_name, name.bytes, name.len);
    if (revision.len == 0) {
        past->why = "the job has not run yet";
        return;
    }
    if (f && text_is(revision, f->pipeline->revision)) {
        past->p = f->pipeline;
        return;
    }
    const struct weir_value *kept = value_field(of, "definition");
    struct load_options options = *generation_load(g);
    options.uses = NULL;
    struct diags d;
    diags_init(&d);
    struct weir_text file = text_at(kept, "file");
    char *path = strndup(file.bytes, file.len);
    if (path == NULL)
        abort();
    if (kept)
        past->own = pipeline_load_text(path, text_at(kept, "text"), &options, &d);
    past->p = past->own;
    past->why = kept ? "the pipeline that it ran with can't be loaded any more"
                     : "the text of the pipeline that it ran with is not kept";
    free(path);
    diags_fini(&d);
}

static void
find_event(struct past *past, struct weir_shard *s, const struct weir_value *of)
{
    struct weir_error err;
    unsigned trigger;
    const struct weir_value *event = value_field(of, "event");
    if (event == NULL || job_event_of(value_ref(event), s, &past->run.event, &trigger, &err) != WEIR_OK) {
        past->why = "the event of the job is not kept any more";
        past->p = NULL;
        return;
    }
    struct job *j = &past->job;
    struct weir_text id = text_at(of, "id"), root = text_at(of, "root"), replayed = text_at(of, "replay_of");
    (void)snprintf(j->id, sizeof j->id, "%.*s", (int)id.len, id.bytes);
    (void)snprintf(j->root, sizeof j->root, "%.*s", (int)root.len, root.bytes);
    (void)snprintf(j->replay_of, sizeof j->replay_of, "%.*s", (int)replayed.len, replayed.bytes);
    memcpy(past->run.id, j->id, sizeof past->run.id);
    past->run.event->job = j;
}

/* -- the outputs -- */

/* Whether N may run many times in one run, each time with its own input. */
static bool
is_repeated(const struct node *n)
{
    for (; n; n = n->in->owner)
        if (n->in->owner && n->in != n->in->owner->catch && (n->in->type == NULL || n->in->type->runs == WEIR_MANY))
            return true;
    return false;
}

const struct node *
past_node(const struct past *past, struct weir_text path)
{
    size_t len = 0;
    while (len < path.len && path.bytes[len] != '~' && path.bytes[len] != '/')
        len++;
    return pipeline_node(past->p, (struct weir_text){ path.bytes, len });
}

/* Takes what STEP, of the records or of a trace, tells of N. */
static void
take_output(struct past *past, const struct node *n, const struct weir_value *step)
{
    const struct weir_value *output = value_field(step, "output"), *begun = value_field(step, "begun");
    if (n == NULL || is_repeated(n))
        return;
    const struct weir_value **place = &past->run.outputs[n->index];
    bool open = (begun && begun->type == WEIR_BOOL && begun->boolean) || value_field(step, "bytes");
    if (output == NULL && value_field(step, "code"))
        past->have[n->index] = HAVE_NOT;
    else if (output == NULL && (open || begun == NULL))
        past->have[n->index] = open ? HAVE_LOST : past->have[n->index];
    else {
        value_unref(place);
        *place = output ? value_ref(output) : &value_null;
        past->have[n->index] = HAVE_IT;
    }
}

/* Sets out what is known of the outputs in the attempt with TRACE, which may be NULL. */
static void
take_outputs(struct past *past, const struct weir_value *of, const struct weir_value *trace)
{
    const struct weir_value *one;
    bool recorded = pipeline_records(past->p);
    for (unsigned i = 0; i < past->p->n_nodes; i++) {
        const struct node *n = past->p->nodes[i];
        bool known = !is_repeated(n) && (trace || (recorded && n->n_children == 0));
        value_unref(&past->run.outputs[i]);
        past->have[i] = known ? HAVE_NOT : HAVE_LOST; /* unless it is told of */
    }
    for (size_t i = 0; (one = value_at(value_field(of, "steps"), i)) != NULL; i++)
        take_output(past, past_node(past, text_at(one, "path")), one);
    for (size_t i = 0; (one = value_at(value_field(trace, "steps"), i)) != NULL; i++)
        take_output(past, past_node(past, text_at(one, "id")), one);
}

/* -- what expressions see -- */

const char *
past_lost(struct past *past, const struct node *n)
{
    (void)snprintf(past->lost, sizeof past->lost, "the output of '%s' is not kept", n->id);
    return past->lost;
}

const char *
past_input(struct past *past, const struct node *n, const struct weir_value **ret)
{
    struct weir_error err = { 0 };
    const struct block *b;
    for (;; n = b->owner) {
        b = n->in;
        unsigned at = 0;
        while (at < b->n && b->nodes[at] != n)
            at++;
        while (at-- > 0) {
            const struct node *before = b->nodes[at];
            if (before->type->abi.flags & WEIR_TAP || past->have[before->index] == HAVE_NOT)
                continue;
            if (past->have[before->index] == HAVE_LOST)
                return past_lost(past, before);
            *ret = value_ref(past->run.outputs[before->index]);
            return NULL;
        }
        if (b->owner == NULL)
            break;
        if (b != b->owner->catch && (b->type == NULL || b->type->runs == WEIR_MANY))
            return "it is what its block was given, of which there may be many";
    }
    if (b == past->p->finally)
        return "what flowed at the end of the run is not kept";
    const struct weir_value *body;
    enum weir_code code = request_body(&past->run, &body, &err);
    value_unref(&err.detail);
    if (code != WEIR_OK)
        return "the body of the event can't be read";
    *ret = value_ref(body);
    return NULL;
}

/* Why what PATH leads to can't be had again; NULL: it can. */
static const char *
why_not(struct past *past, const struct expr_path *path)
{
    struct expr_known known = path->known;
    if (known.what == KNOWN_NOTHING)
        known = known_of(past->p, path->keys, path->n);
    switch ((enum known)known.what) {
    case KNOWN_VARIABLE:
        return "it is made of what its block was given, of which there may be many";
    case KNOWN_ERROR:
        return "it is made of an error, which is kept as a text alone";
    case KNOWN_REPLY:
        return "it is made of the reply";
    case KNOWN_STEPS:
        return "it is made of all outputs at once";
    case KNOWN_STEP:
        return known.index < past->p->n_nodes && past->have[known.index] == HAVE_LOST
                   ? past_lost(past, past->p->nodes[known.index])
                   : NULL;
    default:
        return NULL;
    }
}

static enum weir_code
find(struct expr_env *env, const struct expr_path *path, struct weir_value *ret, unsigned *used, struct weir_error *err)
{
    struct past *past = env->arg;
    const struct weir_value *input = NULL;
    const char *why = why_not(past, path);
    *used = 1;
    if (why == NULL && text_is(path->keys[0], "input")) {
        why = past_input(past, past->at, &input);
        if (why == NULL) {
            *ret = *input;
            outcome_keep(&past->run, input); /* until the past is over */
            return WEIR_OK;
        }
    }
    if (why == NULL)
        return past->find(env, path, ret, used, err);
    past->s.why = why;
    return WEIR_NOT_FOUND;
}

static const char remade[] = "it is made of the time or of chance, and would be another one now";

static uint64_t
now_ms(struct expr_env *env)
{
    ((struct past *)env->arg)->s.why = remade;
    return expr_now_ms(env);
}

static void
uuid(struct expr_env *env, char ret[ID_UUID])
{
    ((struct past *)env->arg)->s.why = remade;
    expr_uuid(env, ret);
}

/* -- a past -- */

void
past_free(struct past **p)
{
    struct past *past = *p;
    if (past->run.event) {
        past->run.event->job = NULL;
        run_forget(&past->run);
        past->run.event->ops->release(past->run.event);
        arena_fini(&past->run.arena);
    }
    free(past->run.outputs);
    free(past->have);
    pipeline_free(&past->own);
    free(past);
    *p = NULL;
}

struct past *
past_new(struct weir_shard *s, const struct weir_value *of)
{
    struct past *past = calloc(1, sizeof *past);
    struct engine *e = engine_of(s);
    if (past == NULL)
        abort();
    if (e->current == NULL) {
        past->why = "no pipelines are loaded";
        return past;
    }
    find_pipeline(past, e->current->generation, of);
    if (past->p)
        find_event(past, s, of);
    if (past->p == NULL)
        return past;
    struct run *r = &past->run;
    past->flow.pipeline = past->p;
    past->flow.generation = e->current->generation;
    r->engine = e;
    r->part = e->current;
    r->flow = &past->flow;
    list_init(&r->failures);
    arena_init(&r->arena, 1024, 16u << 20);
    r->outputs = calloc(past->p->n_nodes + 1, sizeof *r->outputs);
    past->have = calloc(past->p->n_nodes + 1, sizeof *past->have);
    if (r->outputs == NULL || past->have == NULL)
        abort();
    scope_init(&past->s.scope, r, NULL);
    past->find = past->s.scope.env.find;
    past->s.scope.env.find = find;
    past->s.scope.env.now_ms = now_ms;
    past->s.scope.env.uuid = uuid;
    return past;
}

/* The trace of the attempt of that number, the latest one if it is 0; NULL: it has none. */
static const struct weir_value *
trace_of(const struct weir_value *of, uint64_t attempt)
{
    const struct weir_value *one;
    for (size_t i = 0; (one = value_at(value_field(of, "attempts"), i)) != NULL; i++)
        if (attempt == 0 || number_at(one, "attempt") == attempt)
            return value_field(one, "trace");
    return NULL;
}

void
past_go_to(struct past *past, const struct weir_value *of, uint64_t attempt)
{
    const struct weir_value *one;
    take_outputs(past, of, trace_of(of, attempt));
    value_unref(&past->run.self);
    past->job.attempt = (uint32_t)(attempt ? attempt : number_at(of, "attempt"));
    past->run.started_wall_ms = 0;
    for (size_t i = 0; (one = value_at(value_field(of, "attempts"), i)) != NULL; i++)
        if (number_at(one, "attempt") == past->job.attempt)
            past->run.started_wall_ms = number_at(one, "started_ms");
}

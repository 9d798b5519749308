/* engine/scope.c - what the names of an expression mean in a frame. See run.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/run.h"

#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "base/encode.h"
#include "base/clock.h"
#include "engine/job.h"
#include "engine/outcome.h"

enum weir_code
scope_input(struct run *r, struct frame *f, const struct weir_value **ret, struct weir_error *err)
{
    for (; f; f = f->parent)
        if (f->input) {
            *ret = f->input;
            return WEIR_OK;
        }
    return request_body(r, ret, err);
}

/* The output of the node that steps.ID names, seen from F; NULL if it has none. */
static const struct weir_value *
step_output(const struct run *r, const struct frame *f, struct weir_text id)
{
    const struct node *n = map_get(&r->flow->pipeline->ids, id.bytes, id.len);
    if (n == NULL)
        return NULL;
    for (; f; f = f->parent)
        if (f->n_outputs && n->index >= f->first && n->index - f->first < f->n_outputs)
            return f->outputs[n->index - f->first];
    return r->outputs[n->index];
}

/* All outputs that are visible, for the rare bare "steps". */
static const struct weir_value *
all_steps(struct run *r, const struct frame *f)
{
    struct weir_builder *b = builder_map();
    const struct pipeline *p = r->flow->pipeline;
    for (unsigned i = 0; i < p->n_nodes; i++) {
        const struct weir_value *v = step_output(r, f, text_of(p->nodes[i]->id));
        if (v)
            builder_put(b, p->nodes[i]->id, v);
    }
    const struct weir_value *all = builder_end(&b);
    outcome_keep(r, all);
    return all;
}

static enum weir_code
found(struct weir_value *ret, const struct weir_value *v, unsigned *ret_used, unsigned used)
{
    *ret_used = used;
    if (v == NULL)
        return WEIR_NOT_FOUND;
    *ret = *v;
    return WEIR_OK;
}

/* A text on the stack that lives as long as the run. */
static enum weir_code
found_text(struct weir_value *ret, struct weir_text t, unsigned *ret_used, unsigned used)
{
    *ret = (struct weir_value){ .type = WEIR_STRING, .len = (uint32_t)t.len, .bytes = t.bytes };
    *ret_used = used;
    return WEIR_OK;
}

static enum weir_code
found_int(struct weir_value *ret, int64_t i, unsigned *ret_used, unsigned used)
{
    *ret = (struct weir_value){ .type = WEIR_INT, .integer = i };
    *ret_used = used;
    return WEIR_OK;
}

/* run: what is known of this run, as a map. */
static const struct weir_value *
run_value(struct run *r)
{
    if (r->self)
        return r->self;
    char started[CLOCK_TEXT];
    clock_text(r->started_wall_ms, started);
    struct weir_builder *b = builder_map();
    const struct weir_value *v = value_text(r->id);
    builder_set(b, "id", 2, &v);
    v = value_text(r->flow->pipeline->name);
    builder_set(b, "pipeline", 8, &v);
    const struct job *j = r->event->job;
    v = value_int(j ? j->attempt : 1);
    builder_set(b, "attempt", 7, &v);
    v = value_text(started);
    builder_set(b, "started_at", 10, &v);
    v = j && j->replay_of[0] ? value_text(j->replay_of) : value_ref(&value_null);
    builder_set(b, "replay_of", 9, &v);
    r->self = builder_end(&b);
    return r->self;
}

static enum weir_code
find_run(struct run *r, const struct weir_text *path, unsigned n, struct weir_value *ret, unsigned *used)
{
    if (n == 1)
        return found(ret, run_value(r), used, 1);
    if (text_is(path[1], "id"))
        return found_text(ret, text_of(r->id), used, 2);
    if (text_is(path[1], "pipeline"))
        return found_text(ret, text_of(r->flow->pipeline->name), used, 2);
    if (text_is(path[1], "attempt"))
        return found_int(ret, r->event->job ? r->event->job->attempt : 1, used, 2);
    if (text_is(path[1], "started_at"))
        return found(ret, value_field(run_value(r), "started_at"), used, 2);
    if (text_is(path[1], "replay_of"))
        return found(ret, value_field(run_value(r), "replay_of"), used, 2);
    return found(ret, NULL, used, 2);
}

/* A variable that the block of F brings: item, index and the like; NULL if it brings none such. */
static const struct weir_value *
own_variable(const struct frame *f, struct weir_text name)
{
    for (unsigned i = 0; f->vars && i < f->block->n_names; i++)
        if (text_equal(f->block->names[i], name))
            return f->vars[i];
    return NULL;
}

/* The error of the nearest catch, or of the nearest block that brings one, such as a fallback. */
static enum weir_code
find_error(struct scope *s, struct weir_value *ret, unsigned *used)
{
    for (struct frame *f = s->frame; f; f = f->parent) {
        if (f->error)
            return found(ret, outcome_error(f->error), used, 1);
        const struct weir_value *brought = own_variable(f, TEXT("error"));
        if (brought)
            return found(ret, brought, used, 1);
    }
    return found(ret, NULL, used, 1);
}

static const struct weir_value *
find_variable(const struct frame *f, struct weir_text name)
{
    for (; f; f = f->parent) {
        const struct weir_value *v = own_variable(f, name);
        if (v)
            return v;
    }
    return NULL;
}

static enum weir_code
find_secret(struct run *r, const struct weir_text *path, unsigned n, struct weir_value *ret, unsigned *used,
            struct weir_error *err)
{
    if (n == 1)
        return err_set(err, WEIR_SCRIPT, "secrets can only be read one by one: secrets.NAME");
    return found(ret, secrets_get(r->part->generation->secrets, path[1]), used, 2);
}

static enum weir_code
find_env(struct run *r, const struct weir_text *path, unsigned n, struct weir_value *ret, unsigned *used,
         struct weir_error *err)
{
    if (n == 1)
        return err_set(err, WEIR_SCRIPT, "the environment can only be read one by one: env.NAME");
    return found(ret, map_get(&r->part->generation->env, path[1].bytes, path[1].len), used, 2);
}

static enum weir_code
find_reply(struct run *r, const struct weir_text *path, unsigned n, struct weir_value *ret, unsigned *used)
{
    if (n > 1 && text_is(path[1], "status"))
        return found_int(ret, r->reply_status, used, 2);
    if (n > 1 && text_is(path[1], "duration")) {
        *ret = (struct weir_value){ .type = WEIR_DOUBLE, .number = outcome_seconds(r) };
        *used = 2;
        return WEIR_OK;
    }
    const struct weir_value *v = outcome_reply(r);
    outcome_keep(r, v);
    return found(ret, v, used, 1);
}

/* The roots are few and differ in their first letters. */
static enum weir_code
find(struct expr_env *env, const struct weir_text *path, unsigned n, struct weir_value *ret, unsigned *used,
     struct weir_error *err)
{
    struct scope *s = env->arg;
    struct run *r = s->run;
    struct weir_text root = path[0];
    if (text_is(root, "request"))
        return request_find(r, path, n, ret, used, err);
    if (text_is(root, "steps")) {
        if (n == 1)
            return found(ret, all_steps(r, s->frame), used, 1);
        return found(ret, step_output(r, s->frame, path[1]), used, 2);
    }
    if (text_is(root, "input")) {
        const struct weir_value *v;
        enum weir_code code = scope_input(r, s->frame, &v, err);
        return code == WEIR_OK ? found(ret, v, used, 1) : code;
    }
    if (text_is(root, "env"))
        return find_env(r, path, n, ret, used, err);
    if (text_is(root, "vars"))
        return found(ret, r->flow->pipeline->vars ? r->flow->pipeline->vars : &value_empty_map, used, 1);
    if (text_is(root, "secrets"))
        return find_secret(r, path, n, ret, used, err);
    if (text_is(root, "run"))
        return find_run(r, path, n, ret, used);
    if (text_is(root, "error"))
        return find_error(s, ret, used);
    if (text_is(root, "reply") && r->stage == RUN_FINALLY)
        return find_reply(r, path, n, ret, used);
    return found(ret, find_variable(s->frame, root), used, 1);
}

/* A run that is taken up again gets the same ones. */
static void
uuid(struct expr_env *env, char ret[ID_UUID])
{
    struct scope *s = env->arg;
    struct frame *f = s->frame;
    if (s->run->event->job && f && f->at < f->block->n)
        job_step_uuid(f, ret);
    else
        expr_uuid(env, ret);
}

/* The same. */
static uint64_t
now_ms(struct expr_env *env)
{
    const struct scope *s = env->arg;
    return s->run->event->job && s->frame ? job_step_now(s->frame) : expr_now_ms(env);
}

void
scope_init(struct scope *s, struct run *r, struct frame *f)
{
    s->env = (struct expr_env){ .find = find, .now_ms = now_ms, .uuid = uuid, .arg = s };
    s->run = r;
    s->frame = f;
}

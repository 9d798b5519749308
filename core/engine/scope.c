/* engine/scope.c - what the names of an expression mean in a frame. See run.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/run.h"

#include <assert.h>
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

/* The output of the node of that index, seen from F; NULL if it has none, or there is no such node. */
static const struct weir_value *
step_output(const struct run *r, const struct frame *f, uint32_t index)
{
    if (index >= r->flow->pipeline->n_nodes)
        return NULL;
    for (; f; f = f->parent)
        if (f->n_outputs && index >= f->first && index - f->first < f->n_outputs)
            return f->outputs[index - f->first];
    return r->outputs[index];
}

/* All outputs that are visible, for the rare bare "steps". */
static const struct weir_value *
all_steps(struct run *r, const struct frame *f)
{
    struct weir_builder *b = builder_map();
    const struct pipeline *p = r->flow->pipeline;
    for (unsigned i = 0; i < p->n_nodes; i++) {
        const struct weir_value *v = step_output(r, f, i);
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
find_run(struct scope *s, const struct expr_path *path, struct weir_value *ret, unsigned *used,
         struct weir_error *err)
{
    (void)err;
    struct run *r = s->run;
    if (path->n == 1)
        return found(ret, run_value(r), used, 1);
    struct weir_text field = path->keys[1];
    if (text_is(field, "id"))
        return found_text(ret, text_of(r->id), used, 2);
    if (text_is(field, "pipeline"))
        return found_text(ret, text_of(r->flow->pipeline->name), used, 2);
    if (text_is(field, "attempt"))
        return found_int(ret, r->event->job ? r->event->job->attempt : 1, used, 2);
    if (text_is(field, "started_at"))
        return found(ret, value_field(run_value(r), "started_at"), used, 2);
    if (text_is(field, "replay_of"))
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
find_error(struct scope *s, const struct expr_path *path, struct weir_value *ret, unsigned *used,
           struct weir_error *err)
{
    (void)path;
    (void)err;
    for (struct frame *f = s->frame; f; f = f->parent) {
        if (f->error)
            return found(ret, outcome_error(f->error), used, 1);
        const struct weir_value *brought = own_variable(f, TEXT("error"));
        if (brought)
            return found(ret, brought, used, 1);
    }
    return found(ret, NULL, used, 1);
}

static enum weir_code
find_variable(struct scope *s, const struct expr_path *path, struct weir_value *ret, unsigned *used,
              struct weir_error *err)
{
    (void)err;
    const struct weir_value *v = NULL;
    for (const struct frame *f = s->frame; f && v == NULL; f = f->parent)
        v = own_variable(f, path->keys[0]);
    return found(ret, v, used, 1);
}

static enum weir_code
find_secret(struct scope *s, const struct expr_path *path, struct weir_value *ret, unsigned *used,
            struct weir_error *err)
{
    if (path->n == 1)
        return err_set(err, WEIR_SCRIPT, "secrets can only be read one by one: secrets.NAME");
    return found(ret, secrets_get(s->run->part->generation->secrets, path->keys[1]), used, 2);
}

static enum weir_code
find_env(struct scope *s, const struct expr_path *path, struct weir_value *ret, unsigned *used,
         struct weir_error *err)
{
    if (path->n == 1)
        return err_set(err, WEIR_SCRIPT, "the environment can only be read one by one: env.NAME");
    struct weir_text name = path->keys[1];
    return found(ret, map_get(&s->run->part->generation->env, name.bytes, name.len), used, 2);
}

static enum weir_code
find_reply(struct scope *s, const struct expr_path *path, struct weir_value *ret, unsigned *used,
           struct weir_error *err)
{
    struct run *r = s->run;
    if (r->stage != RUN_FINALLY)
        return find_variable(s, path, ret, used, err);
    if (path->n > 1 && text_is(path->keys[1], "status"))
        return found_int(ret, r->reply_status, used, 2);
    if (path->n > 1 && text_is(path->keys[1], "duration")) {
        *ret = (struct weir_value){ .type = WEIR_DOUBLE, .number = outcome_seconds(r) };
        *used = 2;
        return WEIR_OK;
    }
    const struct weir_value *v = outcome_reply(r);
    outcome_keep(r, v);
    return found(ret, v, used, 1);
}

static enum weir_code
find_input(struct scope *s, const struct expr_path *path, struct weir_value *ret, unsigned *used,
           struct weir_error *err)
{
    (void)path;
    const struct weir_value *v;
    enum weir_code code = scope_input(s->run, s->frame, &v, err);
    return code == WEIR_OK ? found(ret, v, used, 1) : code;
}

static enum weir_code
find_steps(struct scope *s, const struct expr_path *path, struct weir_value *ret, unsigned *used,
           struct weir_error *err)
{
    (void)path;
    (void)err;
    return found(ret, all_steps(s->run, s->frame), used, 1);
}

static enum weir_code
find_step(struct scope *s, const struct expr_path *path, struct weir_value *ret, unsigned *used,
          struct weir_error *err)
{
    (void)err;
    return found(ret, step_output(s->run, s->frame, path->known.index), used, 2);
}

static enum weir_code
find_vars(struct scope *s, const struct expr_path *path, struct weir_value *ret, unsigned *used,
          struct weir_error *err)
{
    (void)path;
    (void)err;
    const struct weir_value *vars = s->run->flow->pipeline->vars;
    return found(ret, vars ? vars : &value_empty_map, used, 1);
}

static enum weir_code
find_request(struct scope *s, const struct expr_path *path, struct weir_value *ret, unsigned *used,
             struct weir_error *err)
{
    return request_find(s->run, path, ret, used, err);
}

/* A path that was not there at the load: a plugin's, or one of a test. */
static enum weir_code
find_untold(struct scope *s, const struct expr_path *path, struct weir_value *ret, unsigned *used,
            struct weir_error *err)
{
    struct expr_path told = *path;
    told.known = known_of(s->run->flow->pipeline, path->keys, path->n);
    assert(told.known.what != KNOWN_NOTHING);
    return s->env.find(&s->env, &told, ret, used, err);
}

static enum weir_code
find(struct expr_env *env, const struct expr_path *path, struct weir_value *ret, unsigned *used,
     struct weir_error *err)
{
    typedef enum weir_code finder(struct scope *s, const struct expr_path *path, struct weir_value *ret,
                                  unsigned *used, struct weir_error *err);
    static finder *const by_what[KNOWN_REQUEST] = {
        [KNOWN_NOTHING] = find_untold, [KNOWN_VARIABLE] = find_variable,
        [KNOWN_INPUT] = find_input,    [KNOWN_STEPS] = find_steps,
        [KNOWN_STEP] = find_step,      [KNOWN_VARS] = find_vars,
        [KNOWN_ENV] = find_env,        [KNOWN_SECRETS] = find_secret,
        [KNOWN_RUN] = find_run,        [KNOWN_ERROR] = find_error,
        [KNOWN_REPLY] = find_reply,
    };
    finder *finds = path->known.what >= KNOWN_REQUEST ? find_request : by_what[path->known.what];
    return finds(env->arg, path, ret, used, err);
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

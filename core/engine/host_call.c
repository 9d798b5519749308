/* engine/host_call.c - the host table for calls. See host.h. SPDX-License-Identifier: Apache-2.0 */
#include "engine/host.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "engine/blocking.h"
#include "engine/job.h"
#include "engine/job_trace.h"
#include "engine/metrics.h"
#include "engine/run.h"
#include "value/json.h"

#define TEXT_MAX (16u << 20)

static bool
on_its_thread(const struct weir_call *c)
{
    return pthread_equal(pthread_self(), c->run->engine->shard->thread);
}

static void
done(struct weir_call *c, const struct weir_value **output)
{
    if (on_its_thread(c))
        call_answer(c, output, NULL);
    else
        blocking_answer(c, output, NULL);
}

/* The failure that a plugin hands on as it was told to it by a block keeps its origin. */
static struct failure *
same_failure(const struct weir_call *c, const struct weir_error *err)
{
    if (c->unit->node->n_children == 0)
        return NULL;
    struct failure *f = (struct failure *)(void *)((char *)(uintptr_t)err - offsetof(struct failure, error));
    list_each(link, next, &c->run->failures)
        if (list_entry(link, struct failure, link) == f)
            return f;
    return f == &c->run->spare ? f : NULL;
}

static void
fail(struct weir_call *c, const struct weir_error *err)
{
    struct failure *f = on_its_thread(c) ? same_failure(c, err) : NULL;
    if (f) {
        call_answer(c, NULL, f);
        return;
    }
    struct weir_error copy = *err;
    if (copy.code == WEIR_OK || copy.code > WEIR_CANCELLED)
        copy.code = WEIR_INTERNAL; /* there is no such failure */
    if (!on_its_thread(c)) {
        blocking_answer(c, NULL, &copy);
        return;
    }
    copy.detail = err->detail ? value_ref(err->detail) : NULL;
    call_answer(c, NULL, run_failure(c->run, &copy, c->unit->node->id, c->attempt));
}

static void *
alloc(struct weir_call *c, size_t size)
{
    void *p = arena_alloc(c->arena, size);
    if (p == NULL && c->arena != &c->own) { /* others have used up the run's */
        arena_init(&c->own, 512, OWN_ARENA_MAX);
        c->arena = &c->own;
        p = arena_alloc(c->arena, size);
    }
    if (p == NULL) { /* a plugin has no way to go on without it */
        log_say(WEIR_ERROR, "node type '%s' asked for %zu bytes more than a run may have",
                c->unit->type->name, size);
        abort();
    }
    return p;
}

static void
set_data(struct weir_call *c, void *data)
{
    c->data = data;
}

static void *
data(const struct weir_call *c)
{
    return c->data;
}

static struct weir_shard *
shard(const struct weir_call *c)
{
    return c->run->engine->shard;
}

static uint64_t
deadline_ms(const struct weir_call *c)
{
    return c->deadline_ms;
}

static uint32_t
attempt(const struct weir_call *c)
{
    return c->attempt;
}

static uint32_t
input(struct weir_call *c, const struct weir_value **ret, struct weir_error *err)
{
    const struct weir_value *v = c->prepared_input;
    if (v == NULL) {
        if (c->frame == NULL)
            return err_set(err, WEIR_CANCELLED, "the call was cancelled");
        enum weir_code code = scope_input(c->run, c->frame, &v, err);
        if (code != WEIR_OK)
            return code;
    }
    *ret = value_ref(v);
    return WEIR_OK;
}

static const struct weir_value *
lent(struct weir_call *c, struct weir_text key)
{
    const struct frame *f = c->frame;
    if (f == NULL || f->owner == NULL || f->block->type != NULL || f->input == NULL)
        return NULL;
    if (key.len == 0)
        return f->input;
    return value_type(f->input) == WEIR_MAP ? value_get(f->input, key.bytes, key.len) : NULL;
}

/* Derived from the run, the step and the iterations around it, so that attempts agree. */
static struct weir_text
step_key(struct weir_call *c)
{
    if (c->frame == NULL)
        return (struct weir_text){ "", 0 };
    char path[600], key[JOB_KEY];
    size_t len = job_step_path(c->frame, c->unit, path, sizeof path);
    job_step_key(job_root(c->run), (struct weir_text){ path, len }, key);
    char *copy = arena_copy(c->arena, key, JOB_KEY - 1);
    return (struct weir_text){ copy ? copy : "", copy ? JOB_KEY - 1 : 0 };
}

static struct weir_text
idempotency_key(struct weir_call *c)
{
    if (c->unit->effect != WEIR_EFFECT_IDEMPOTENT)
        return (struct weir_text){ "", 0 };
    return step_key(c);
}

static void
uuid(struct weir_call *c, char ret[ID_UUID])
{
    if (c->frame && c->run->event->job)
        job_step_uuid(c->frame, ret);
    else
        id_uuid4(ret);
}

static uint32_t
eval(struct weir_call *c, uint32_t handle, const struct weir_value **ret, struct weir_error *err)
{
    const struct slots *s = &c->unit->slots;
    if (handle == 0 || handle > s->n) {
        *ret = value_ref(&value_null);
        return WEIR_OK;
    }
    if (c->prepared) {
        *ret = value_ref(c->prepared[handle - 1]);
        return WEIR_OK;
    }
    if (c->frame == NULL)
        return err_set(err, WEIR_CANCELLED, "the call was cancelled");
    const struct part *p = s->parts[handle - 1];
    if (p->kind == PART_CONSTANT) {
        *ret = value_ref(p->constant);
        return WEIR_OK;
    }
    struct scope scope;
    scope_init(&scope, c->run, c->frame);
    enum weir_code code = part_eval(p, &scope.env, ret, err);
    if (code == WEIR_NOT_FOUND) {
        *ret = value_ref(&value_null);
        return WEIR_OK;
    }
    return code;
}

/* The text of what is no more than a field of the request: it stays where it is as long as the run, and need not be
 * copied. False: it is something else, or not to be had, and evaluated as all others. */
static bool
lent_text(const struct weir_call *c, const struct part *p, struct weir_text *ret)
{
    static const bool stays[KNOWN_COUNT] = {
        [KNOWN_METHOD] = true, [KNOWN_PATH] = true,  [KNOWN_CLIENT_IP] = true,
        [KNOWN_ID] = true,     [KNOWN_PARAM] = true, [KNOWN_HEADER] = true,
    };
    struct weir_value v;
    struct weir_error err;
    unsigned used;
    if (p->path == NULL || p->format != NULL || !stays[p->path->known.what] || c->prepared || c->frame == NULL ||
        request_find(c->run, p->path, &v, &used, &err) != WEIR_OK || used != p->path->n ||
        v.type != WEIR_STRING || v.len == 0 || !part_takes(p, &v))
        return false;
    *ret = value_as_text(&v);
    return true;
}

static uint32_t
eval_text(struct weir_call *c, uint32_t handle, struct weir_text *ret, struct weir_error *err)
{
    const struct slots *s = &c->unit->slots;
    *ret = (struct weir_text){ "", 0 };
    if (handle == 0 || handle > s->n)
        return WEIR_OK;
    const struct part *p = s->parts[handle - 1];
    if (p->kind == PART_CONSTANT && p->constant->type == WEIR_STRING) {
        *ret = value_as_text(p->constant);
        return WEIR_OK;
    }
    if (lent_text(c, p, ret))
        return WEIR_OK;
    struct buf b;
    char room[BUF_USUAL];
    buf_init_in(&b, TEXT_MAX, room, sizeof room);
    enum weir_code code;
    if (c->prepared) {
        code = text_of_value(c->prepared[handle - 1], &b, err);
    } else if (c->frame == NULL) {
        code = err_set(err, WEIR_CANCELLED, "the call was cancelled");
    } else {
        struct scope scope;
        scope_init(&scope, c->run, c->frame);
        code = part_eval_text(p, &scope.env, &b, err);
    }
    if (code == WEIR_OK) {
        char *copy = arena_copy(c->arena, b.bytes, b.len);
        if (copy)
            *ret = (struct weir_text){ copy, b.len };
        else
            code = err_set(err, WEIR_TOO_LARGE, "the run needs more memory than it may have");
    }
    buf_fini(&b);
    return code;
}

static uint32_t
lookup(struct weir_call *c, const struct weir_text *path, uint32_t n, const struct weir_value **ret,
       struct weir_error *err)
{
    if (c->frame == NULL)
        return err_set(err, WEIR_CANCELLED, "the call was cancelled");
    if (n == 0)
        return err_set(err, WEIR_NOT_FOUND, "the path is empty");
    struct scope scope;
    scope_init(&scope, c->run, c->frame);
    struct weir_value at;
    unsigned used;
    enum weir_code code = scope.env.find(&scope.env, &(struct expr_path){ .keys = path, .n = n }, &at, &used, err);
    if (code != WEIR_OK)
        return code;
    const struct weir_value *v = &at;
    for (; used < n && v; used++)
        v = value_get(v, path[used].bytes, path[used].len);
    if (v == NULL)
        return err_set(err, WEIR_NOT_FOUND, "there is no '%.*s'", (int)path[used - 1].len,
                       path[used - 1].bytes);
    *ret = value_box(v);
    return WEIR_OK;
}

static void
pipeline(struct weir_call *c, uint32_t number, const struct weir_value *body, weir_answer_fn *fn, void *arg)
{
    assert(number < c->unit->n_callees);
    const struct weir_value *own = NULL;
    struct weir_error err = { 0 };
    call_enter(c);
    if (body == NULL && input(c, &own, &err) != WEIR_OK)
        call_tell(c, fn, arg, NULL, &err);
    else
        run_call(c, c->unit->callees[number], body ? body : own, fn, arg);
    call_leave_quietly(c);
    value_unref(&own);
}

static bool
is_answer(const struct weir_call *c, const struct weir_value *output)
{
    return output && output == c->run->answer;
}

static void
pass_answer(struct weir_call *c, const struct weir_value *output)
{
    const struct weir_value *old = c->run->answer;
    c->run->answer = value_ref(output);
    value_unref(&old);
}

static const void *
whole_run(const struct weir_call *c)
{
    const struct run *r = c->run;
    while (r->caller)
        r = r->caller->run;
    return r;
}

static bool
reply(struct weir_call *c, const struct weir_reply *r)
{
    return run_reply(c->run, r);
}

static void
header_set(struct weir_call *c, struct weir_text name, struct weir_text value)
{
    event_add_header(c->run->event, name, value, false);
}

static void
header_add(struct weir_call *c, struct weir_text name, struct weir_text value)
{
    event_add_header(c->run->event, name, value, true);
}

static void
write_log(struct weir_call *c, uint32_t level, const char *message, struct weir_text fields)
{
    struct log_field all[] = {
        LOG_S("pipeline", text_of(c->run->flow->pipeline->name)),
        LOG_S("node", text_of(c->unit->node->id)),
        LOG_S("run", text_of(c->run->id)),
        LOG_S("request", c->run->event->id),
        LOG_J("fields", fields),
    };
    size_t n = sizeof all / sizeof *all - (fields.len == 0);
    log_line((enum weir_level)level, message, all, n);
}

static void
log_text(struct weir_call *c, uint32_t level, const char *fmt, ...)
{
    if (level > WEIR_ERROR || !log_wanted((enum weir_level)level))
        return;
    char text[1024];
    struct buf message;
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    buf_init(&message, sizeof text);
    (void)buf_puts(&message, text);
    run_hide_text(c->run, &message);
    write_log(c, level, message.bytes, (struct weir_text){ NULL, 0 });
    buf_fini(&message);
}

/* FIELDS without what is secret. */
static const struct weir_value *
log_shown(const struct weir_call *c, const struct weir_value *fields)
{
    const struct weir_value *unmarked = value_masked(fields), *shown = run_hide_value(c->run, unmarked);
    value_unref(&unmarked);
    return shown;
}

static void
log_fields(struct weir_call *c, uint32_t level, struct weir_text text, const struct weir_value *fields)
{
    if (level > WEIR_ERROR || !log_wanted((enum weir_level)level))
        return;
    struct buf message, json;
    struct weir_error err;
    buf_init(&message, 8192);
    buf_init(&json, 8192);
    size_t len = text.len < 8000 ? text.len : 8000;
    (void)buf_add(&message, text.bytes, len, NULL);
    run_hide_text(c->run, &message);
    const struct weir_value *shown = fields ? log_shown(c, fields) : NULL;
    if (shown && json_write(&json, shown, &err) != WEIR_OK) {
        buf_reset(&json);
        (void)buf_puts(&json, "\"(more than a line of the log holds)\"");
    }
    secrets_mask(c->run->part->generation->secrets, &json); /* a field may hold what an upstream echoed */
    write_log(c, level, message.bytes, buf_content(&json));
    value_unref(&shown);
    buf_fini(&message);
    buf_fini(&json);
}

static void
count(struct weir_call *c, uint32_t index, double by)
{
    assert(index < c->unit->type->n_metrics);
    metric_add(c->run->engine->shard->index, c->unit->counts[index], by);
}

static void
measure(struct weir_call *c, uint32_t family, const struct weir_text *labels, double by)
{
    unsigned index = c->run->engine->shard->index;
    host_measure(index, c->run->part->generation->secrets, run_hidden(c->run), family, labels, by);
}

void
host_fill_call(struct weir_host *h)
{
    h->done = done;
    h->fail = fail;
    h->alloc = alloc;
    h->set_data = set_data;
    h->data = data;
    h->shard = shard;
    h->deadline_ms = deadline_ms;
    h->attempt = attempt;
    h->input = input;
    h->idempotency_key = idempotency_key;
    h->step_key = step_key;
    h->uuid = uuid;
    h->eval = eval;
    h->eval_text = eval_text;
    h->lookup = lookup;
    h->block = call_block;
    h->block_cancel = call_block_cancel;
    h->pipeline = pipeline;
    h->reply = reply;
    h->is_answer = is_answer;
    h->pass_answer = pass_answer;
    h->whole_run = whole_run;
    h->lent = lent;
    h->wait_open = job_wait_open;
    h->wait = job_wait;
    h->header_set = header_set;
    h->header_add = header_add;
    h->log = log_text;
    h->log_fields = log_fields;
    h->count = count;
    h->measure = measure;
}

/* cli/test_scene.c - inside the process that plays one test: a shard, and a clock in the hand. See test.h.
 *
 * The clock of the shard stands; when nothing is left to be done it is put to the next timer, and the wall
 * clock with it. What waits in the store is waited for in the same way. So an hour takes no time, and the
 * same test gives the same result.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/id.h"
#include "base/log.h"
#include "cli/test.h"
#include "cli/test_scene.h"
#include "edge/route_tree.h"
#include "engine/blocking.h"
#include "engine/engine.h"
#include "engine/stand_in.h"
#include "engine/table.h"
#include "expr/moment.h"
#include "loop/mail.h"
#include "store/store.h"
#include "value/json.h"

#define RESULT_MAX (256u << 20)
#define START_WALL_MS UINT64_C(1767225600000) /* 2026-01-01T00:00:00Z, if a test says nothing */
#define START_MONO_MS UINT64_C(1000000)
#define LONGEST_MS (UINT64_C(1000) * 24 * 3600 * 1000) /* of the clock in the hand */
#define PATIENCE_MS 20000u                             /* of the real one */

const struct weir_value *
scene_member(const struct weir_value *map, const char *key)
{
    const struct weir_value *v = value_field(map, key);
    return v && value_type(v) != WEIR_NULL ? v : NULL;
}

struct weir_text
scene_text(const struct weir_value *map, const char *key)
{
    const struct weir_value *v = value_field(map, key);
    return v && value_type(v) == WEIR_STRING ? value_as_text(v) : TEXT("");
}

/* The trigger that the test means: of the request's path, or the first that takes no requests. */
static struct trigger_unit *
find_trigger(struct play *p)
{
    struct route_match match;
    if (value_field(p->test->value, "event"))
        return engine_trigger_of_events(p->shard, p->tested->name);
    if (route_find(engine_routes(p->shard), p->event.method, p->event.path, &match) != ROUTE_FOUND)
        return NULL;
    for (unsigned i = 0; i < match.n_params; i++)
        p->params[i] = (struct weir_header){ match.param_names[i], match.params[i] };
    p->event.params = p->params;
    p->event.n_params = match.n_params;
    return match.trigger;
}

/* -- the clock -- */

/* Both clocks go on by MS. */
static void
advance(struct play *p, uint64_t ms)
{
    shard_set_clock(p->shard, shard_now(p->shard) + ms);
    clock_wall_hold(clock_wall_ms() + ms);
}


/* -- the store -- */

struct asking {
    struct store_ask ask;
    bool told;
};

static void
told(struct store_op *op, const struct weir_error *err)
{
    (void)err;
    ((struct asking *)(void *)op)->told = true;
}

/* What the store answers, owned by the caller; NULL after an error. */
static const struct weir_value *
ask(struct play *p, const char *what, struct weir_builder **with)
{
    struct weir_error err;
    struct asking a = { .ask = { .op = { .shard = p->shard, .done = told, .kind = STORE_ASK }, .what = what } };
    const struct weir_value *parameters = builder_end(with);
    a.ask.with = parameters;
    if (store_submit(p->store, &a.ask.op, &err) == WEIR_OK)
        while (!a.told)
            shard_turn(p->shard, 100);
    value_unref(&parameters);
    return a.ask.answer;
}

/* Its thread looks what is due by now. */
static void
wake_store(struct play *p)
{
    struct weir_builder *with = builder_map();
    builder_take(with, "name", value_text("weir test"));
    builder_take(with, "from", value_int(0));
    builder_take(with, "to", value_int(1));
    const struct weir_value *v = ask(p, "marks.advance", &with);
    value_unref(&v);
}

/* The job of the test, as jobs.list tells it; NULL: there is none. */
static const struct weir_value *
find_job(struct play *p)
{
    struct weir_builder *with = builder_map();
    builder_take(with, "limit", value_int(1));
    const struct weir_value *page = ask(p, "jobs.list", &with);
    const struct weir_value *job = value_at(value_field(page, "jobs"), 0);
    if (job)
        (void)value_ref(job);
    value_unref(&page);
    return job;
}

static bool
is_final(struct weir_text state)
{
    return text_is(state, "completed") || text_is(state, "dead") || text_is(state, "cancelled");
}

/* -- until it is over -- */

static bool
is_durable(const struct play *p)
{
    return p->store && p->tested->durable != DURABLE_NO;
}

/* Looks at the job, and puts the clock to where it is due. True: it is over. */
static bool
look_at_job(struct play *p)
{
    const struct weir_value *job = find_job(p), *due = value_field(job, "due_ms");
    struct weir_text state = scene_text(job, "state");
    bool over = job == NULL ? p->status != 0 : is_final(state);
    bool waits = text_is(state, "waiting") || text_is(state, "retryable") || text_is(state, "scheduled");
    if (waits && due && due->integer > (int64_t)clock_wall_ms())
        advance(p, (uint64_t)due->integer - clock_wall_ms());
    if (!over)
        wake_store(p);
    value_unref(&job);
    return over;
}

/* What is left to be done now is done. */
static void
settle(struct play *p)
{
    for (unsigned i = 0; i < 4; i++)
        shard_turn(p->shard, 0);
    while (engine_waits(p->shard) && clock_mono_ms() < p->patience_ms)
        shard_turn(p->shard, 20);
}

static void
drive(struct play *p)
{
    bool durable = is_durable(p);
    p->patience_ms = clock_mono_ms() + PATIENCE_MS;
    for (;;) {
        settle(p);
        bool idle = engine_runs(p->shard) == 0;
        if (idle && (p->released || p->before) && (!durable ? test_mocks_over(p->mocks) || p->status : look_at_job(p)))
            return;
        uint64_t next = shard_next_timer(p->shard), now = shard_now(p->shard);
        if (clock_mono_ms() >= p->patience_ms || now - START_MONO_MS > LONGEST_MS) {
            snprintf(p->problem, sizeof p->problem, "the run does not end");
            return;
        }
        if (durable && idle)
            shard_turn(p->shard, 5);
        else if (next == UINT64_MAX)
            shard_turn(p->shard, 5);
        else if (next > now)
            advance(p, next - now);
    }
}

/* -- the result -- */

static void
put_body(const struct play *p, struct weir_builder *b)
{
    struct weir_text body = p->body ? value_as_text(p->body) : TEXT("");
    const struct weir_value *json = NULL;
    struct weir_error err;
    if (body.len > 0 && strstr(p->type, "json") && json_read(body, NULL, NULL, &json, &err) == WEIR_OK)
        builder_take(b, "json", json);
    builder_take(b, "text", utf8_valid(body) ? value_string(body.bytes, body.len) : value_bytes(body.bytes, body.len));
}

/* Writes what happened, as JSON, to the pipe. */
static void
tell(struct play *p)
{
    struct weir_builder *b = builder_map(), *headers = p->headers;
    struct buf out;
    struct weir_error err;
    const char *problem = p->problem[0] ? p->problem : test_mocks_problem(p->mocks);
    if (problem[0])
        builder_take(b, "problem", value_text(problem));
    if (problem[0] && !p->played)
        builder_take(b, "unplayed", value_ref(&value_true));
    builder_take(b, "status", value_int(p->status));
    for (const struct reply_header *h = p->event.reply_headers; h; h = h->next) {
        char name[128];
        snprintf(name, sizeof name, "%.*s", (int)h->header.name.len, h->header.name.bytes);
        for (char *c = name; *c; c++)
            *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
        const struct weir_value *v = value_string(h->header.value.bytes, h->header.value.len);
        builder_set(headers, name, strlen(name), &v);
    }
    if (p->type[0])
        builder_take(headers, "content-type", value_text(p->type));
    builder_take(b, "headers", builder_end(&headers));
    p->headers = NULL;
    put_body(p, b);
    builder_take(b, "took_ms", value_int((int64_t)(clock_wall_ms() - p->start_ms)));
    builder_take(b, "wall_ms", value_int((int64_t)clock_wall_ms()));
    test_mocks_tell(p->mocks, b);
    const struct weir_value *job = p->store && p->shard && !p->cut ? find_job(p) : NULL;
    if (job)
        builder_take(b, "job", job);
    const struct weir_value *v = builder_end(&b);
    buf_init(&out, RESULT_MAX);
    if (json_write(&out, v, &err) != WEIR_OK)
        (void)buf_printf(&out, "{\"problem\":\"what happened is too large to be told\"}");
    for (size_t at = 0; at < out.len;) {
        ssize_t n = write(p->out, out.bytes + at, out.len - at);
        if (n <= 0)
            break;
        at += (size_t)n;
    }
    buf_fini(&out);
    value_unref(&v);
}

/* The process ends here as a crash would end it. */
static void
cut(void *arg)
{
    struct play *p = arg;
    p->cut = true;
    tell(p);
    _exit(TEST_CUT_EXIT);
}

/* -- beginning and end -- */

static void
begin_clock(struct play *p)
{
    int64_t at = (int64_t)START_WALL_MS;
    struct weir_error err;
    struct weir_text text = scene_text(p->test->value, "at"), usual = scene_text(p->test->file->document, "at");
    if (text.len == 0)
        text = usual;
    if (text.len > 0 && moment_parse(text, TEXT("rfc3339"), &at, &err) != WEIR_OK)
        snprintf(p->problem, sizeof p->problem, "at: %.300s", err.text);
    p->start_ms = (uint64_t)at;
    const struct weir_value *went_on = value_field(p->before, "wall_ms");
    clock_wall_hold(went_on ? (uint64_t)went_on->integer : p->start_ms);
}

static bool
find_tested(struct play *p)
{
    const struct pipelines *all = generation_pipelines(p->generation);
    struct weir_text name = scene_text(p->test->file->document, "pipeline");
    for (unsigned i = 0; i < all->n; i++) {
        struct weir_text file = text_of(all->items[i]->file);
        if (file.len >= name.len && memcmp(file.bytes + file.len - name.len, name.bytes, name.len) == 0)
            p->tested = all->items[i];
    }
    if (p->tested == NULL)
        snprintf(p->problem, sizeof p->problem, "pipeline: there is no %.*s", (int)name.len, name.bytes);
    return p->tested != NULL;
}

/* The only http step inside N; NULL: there is none, or more than one (*RET_N). */
static const struct node *
only_http(const struct node *n, unsigned *ret_n)
{
    const struct node *found = NULL, *one;
    for (unsigned k = 0; k < n->n_children; k++)
        for (unsigned i = 0; i < n->children[k].block->n; i++) {
            const struct node *inner = n->children[k].block->nodes[i];
            bool http = strcmp(inner->type->abi.name, "http") == 0;
            one = http ? inner : only_http(inner, ret_n);
            *ret_n += http;
            found = one ? one : found;
        }
    return *ret_n == 1 ? found : NULL;
}

/* A lent step goes by the name under which it is lent. */
static void
rename_lent(struct play *p, const struct child *c)
{
    if (strncmp(c->path, "uses/", 5) == 0 && c->block->n > 0 && !c->block->nodes[0]->id_given)
        test_mocks_rename(p->mocks, c->block->nodes[0]->id, c->path + 5);
}

/* A step around one http step stands for it, so that nobody has to write names that are derived from places. */
static bool
rename_inner(struct play *p)
{
    for (unsigned i = 0; i < p->tested->n_nodes; i++) {
        const struct node *n = p->tested->nodes[i];
        unsigned count = 0;
        const struct node *inner = n->id_given ? only_http(n, &count) : NULL;
        if (inner && !inner->id_given)
            test_mocks_rename(p->mocks, inner->id, n->id);
        for (unsigned k = 0; k < n->n_children; k++)
            rename_lent(p, &n->children[k]);
    }
    return true;
}

/* Whether a step of one of the pipelines that were loaded goes by that name. */
static bool
is_step(const struct play *p, struct weir_text id)
{
    const struct pipelines *all = generation_pipelines(p->generation);
    bool there = test_mocks_knows(p->mocks, id);
    for (unsigned k = 0; k < all->n; k++)
        there |= pipeline_node(all->items[k], id) != NULL;
    return there;
}

/* Whether every mock is of a step that there is. */
static bool
check_mocks(struct play *p)
{
    const struct weir_value *mocks = scene_member(p->test->value, "mock"), *v;
    struct weir_text id;
    for (size_t i = 0; value_member(mocks, i, &id, &v); i++) {
        if (is_step(p, id))
            continue;
        int len = snprintf(p->problem, sizeof p->problem, "mock: there is no step '%.*s'; the author has named",
                           (int)(id.len < 100 ? id.len : 100), id.bytes);
        for (unsigned k = 0; k < p->tested->n_nodes && len < 800; k++)
            if (strcmp(p->tested->nodes[k]->type->abi.name, "http") == 0 && p->tested->nodes[k]->id_given)
                len += snprintf(p->problem + len, sizeof p->problem - (size_t)len, " %.100s", p->tested->nodes[k]->id);
        return false;
    }
    return true;
}

/* Whether what CRASH names is there, and a run of the pipeline outlives one. */
static bool
check_crash(struct play *p)
{
    const struct weir_value *crash = scene_member(p->test->value, "crash");
    struct weir_text id = scene_text(crash, scene_member(crash, "during") ? "during" : "after");
    if (crash == NULL)
        return true;
    if (p->tested->durable == DURABLE_NO)
        snprintf(p->problem, sizeof p->problem,
                 "crash: a run of this pipeline ends with its process; durable: true or steps keeps it");
    else if (!is_step(p, id))
        snprintf(p->problem, sizeof p->problem, "crash: there is no step '%.*s'", (int)(id.len < 100 ? id.len : 100),
                 id.bytes);
    return p->problem[0] == '\0';
}

static bool
open_store(struct play *p, const char *folder)
{
    char url[4200];
    struct weir_error err;
    snprintf(url, sizeof url, "sqlite:%s/weir.db", folder);
    struct store_config config = { .url = url };
    bool wanted = p->tested->durable != DURABLE_NO || scene_member(value_field(p->test->value, "expect"), "job");
    if (!wanted || store_open(&config, &p->store, &err) == WEIR_OK)
        return true;
    snprintf(p->problem, sizeof p->problem, "the store of the test: %.300s", err.text);
    return false;
}

/* Signs the request of the test, if it says so; false: it can't be. */
static bool
sign_event(struct play *p, struct trigger_unit *t)
{
    struct weir_error err = { 0 };
    const struct weir_value *v = scene_member(scene_member(p->test->value, "request"), "signed");
    if (v == NULL || value_type(v) != WEIR_BOOL || !v->boolean || engine_sign(&p->event, t, &err) == WEIR_OK)
        return true;
    snprintf(p->problem, sizeof p->problem, "request.signed: %s", err.text);
    p->released = true;
    return false;
}

/* Runs the event through the pipelines; what went wrong is in PROBLEM. */
static void
run(struct play *p)
{
    struct engine_limits limits = { .max_runs = 10000, .store = p->store, .public_url = "http://weir.test" };
    struct weir_error err = { 0 };
    if (shard_new(0, &p->shard, &err) != WEIR_OK || engine_shard_new(p->shard, &limits, &err) != WEIR_OK) {
        snprintf(p->problem, sizeof p->problem, "%.300s", err.text);
        return;
    }
    shard_set_clock(p->shard, START_MONO_MS);
    engine_stand_in(p->shard, test_mocks_stand_in(p->mocks));
    if (engine_prepare(p->shard, p->generation, &err) != WEIR_OK) {
        snprintf(p->problem, sizeof p->problem, "%.300s", err.text);
        return;
    }
    engine_commit(p->shard, p->generation);
    if (p->before) {
        p->played = true;
        drive(p);
        return;
    }
    scene_event(p);
    struct trigger_unit *t = find_trigger(p);
    if (t == NULL) {
        snprintf(p->problem, sizeof p->problem, "no trigger takes %.*s %.*s", (int)p->event.method.len,
                 p->event.method.bytes, (int)p->event.path.len, p->event.path.bytes);
        p->released = true;
        return;
    }
    if (!sign_event(p, t))
        return;
    p->played = true;
    engine_offer(&p->event, t);
    drive(p);
}

void
test_scene(const struct setup *s, const struct test_case *t, const struct weir_value *before, const char *folder, int out)
{
    struct play p = { .test = t, .before = before, .out = out };
    struct diags d;
    arena_init(&p.arena, 4096, RESULT_MAX);
    p.headers = builder_map();
    p.mocks = test_mocks_new(t->value, before, cut, &p);
    begin_clock(&p);
    if (!args_given(s->args, "show-log"))
        log_start(open("/dev/null", O_WRONLY | O_CLOEXEC), LOG_TEXT, WEIR_ERROR);
    mail_begin();
    diags_init(&d);
    p.generation = test_generation(s, t, &d);
    if (p.generation == NULL) {
        struct buf b;
        buf_init(&b, 1u << 20);
        diags_text(&d, false, &b);
        snprintf(p.problem, sizeof p.problem, "the pipeline can't be loaded:\n%.900s", b.bytes);
        buf_fini(&b);
    } else if (p.problem[0] == '\0' && find_tested(&p) && rename_inner(&p) && check_mocks(&p) && check_crash(&p) &&
               open_store(&p, folder)) {
        run(&p);
        if (p.played && p.problem[0] == '\0')
            test_mocks_settle(p.mocks);
    }
    tell(&p);
    _exit(0); /* the process goes, and all with it */
}

/* admin/jobs.c - what operators ask of the store, and tell it: /api/v1/jobs, incidents, audit,
 * store.
 *
 * A question is the store's from submit until it is told, and outlives who asked: at the end of
 * the admin those who wait are answered 503, and what the store tells later is dropped.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "admin/parts.h"
#include "base/encode.h"
#include "engine/job_given.h"
#include "value/json.h"

#define ASKS_MAX 64u
#define BODY_MAX (64u << 10)
#define TEXT_MAX 4096u /* bytes of a reason, a name, a filter */
#define JOBS "/api/v1/jobs"
#define BATCHES "/api/v1/batches"
#define GIVEN_SHORT 4096u /* bytes of what a step was given, where all steps of a job are told */

/* A question, and the request that it came by. */
struct asking {
    struct store_ask ask;
    struct admin *admin;      /* NULL: it has ended, and nobody waits */
    struct weir_event *event; /* that is still owed its answer */
    struct list link;         /* in admin->asking */
    asked_fn *then;           /* NULL: the answer is the caller's */
    void *arg;
    struct seer *seer;        /* what is hidden from who asks; owned */
};

static void
asking_free(struct asking *k)
{
    value_unref(&k->ask.answer);
    value_unref(&k->ask.with);
    seer_free(&k->seer);
    free(k);
}

static const struct weir_value *
text_value(struct weir_text t)
{
    return value_string(t.bytes, t.len);
}

static bool
makes_something(const char *what)
{
    return strcmp(what, "jobs.replay") == 0 || strcmp(what, "jobs.edit") == 0 ||
           strcmp(what, "batches.make") == 0;
}

/* A step in whole. The event goes along until what it hides is known. */
static void
answer_step(const struct asking *k, const struct weir_value *v)
{
    const struct weir_value *of = value_field(v, "of"), *event = of ? value_field(of, "event") : NULL;
    const struct weir_value *given = of ? job_given(k->admin->shard, v, of, SIZE_MAX) : value_ref(v), *member;
    struct weir_builder *b = builder_map(), *rest = builder_map();
    struct weir_text key;
    for (size_t i = 0; value_member(given, i, &key, &member); i++)
        builder_set_lent(b, key.bytes, key.len, member);
    if (event)
        builder_put(b, "event", event);
    const struct weir_value *whole = builder_end(&b), *shown = step_shown(k->seer, whole);
    for (size_t i = 0; value_member(shown, i, &key, &member); i++)
        if (!text_is(key, "event"))
            builder_set_lent(rest, key.bytes, key.len, member);
    answer_unmarked(k->admin, k->event, 200, builder_end(&rest));
    value_unref(&shown);
    value_unref(&whole);
    value_unref(&given);
}

/* What the store told, as the one who asked may see it. V is lent. */
static void
answer_told(const struct asking *k, const struct weir_value *v)
{
    struct weir_event *e = k->event;
    if (strcmp(k->ask.what, "jobs.show") == 0) {
        const struct weir_value *given = job_given(k->admin->shard, v, v, GIVEN_SHORT);
        answer_unmarked(k->admin, e, 200, job_shown(k->seer, given));
        value_unref(&given);
    } else if (strcmp(k->ask.what, "jobs.step") == 0) {
        answer_step(k, v);
    } else if (strcmp(k->ask.what, "jobs.export") == 0) {
        answer_unmarked(k->admin, e, 200, jobs_shown(k->seer, v));
    } else if (strcmp(k->ask.what, "store.compact") == 0 ||
               strcmp(k->ask.what, "store.backup") == 0) {
        answer_json(e, 202, value_ref(v));
    } else if (value_field(v, "cancelling") != NULL) { /* told to do so, and not over yet */
        answer_json(e, 202, value_ref(v));
    } else if (makes_something(k->ask.what)) {
        const struct weir_value *id = value_field(v, "id");
        const char *jobs = strcmp(k->ask.what, "batches.make") != 0 ? JOBS "/" : BATCHES "/";
        struct buf at;
        buf_init(&at, 256);
        if (id && buf_puts(&at, jobs) && buf_text(&at, value_as_text(id)))
            event_add_header(e, TEXT("Location"), buf_content(&at), false);
        buf_fini(&at);
        answer_unmarked(k->admin, e, 201, value_ref(v));
    } else {
        answer_unmarked(k->admin, e, 200, value_ref(v));
    }
}

/* ERR as who asked reads it: the name of the question, which is the store's, is left out. */
static const struct weir_error *
plain_error(const struct asking *k, const struct weir_error *err, struct weir_error *room)
{
    size_t len = strlen(k->ask.what);
    const char *text = err ? err->text : "";
    const char *colon = strncmp(text, k->ask.what, strcspn(k->ask.what, ".")) == 0 ? strstr(text, ": ") : NULL;
    if (colon == NULL || (size_t)(colon - text) > len || memchr(text, ' ', (size_t)(colon - text)) != NULL)
        return err;
    *room = *err;
    memmove(room->text, err->text + (colon + 2 - text), strlen(colon + 2) + 1);
    return room;
}

static void
told(struct store_op *op, const struct weir_error *failed)
{
    struct asking *k = (struct asking *)(void *)op;
    struct weir_error room;
    const struct weir_error *err = plain_error(k, failed, &room);
    if (k->admin != NULL) {
        list_remove(&k->link);
        k->admin->n_asking--;
    }
    if (k->then) {
        k->then(k->admin, k->event, k->arg, err ? NULL : k->ask.answer, err);
    } else if (k->admin != NULL) {
        if (err != NULL)
            event_answer_error(k->event, err);
        else
            answer_told(k, k->ask.answer ? k->ask.answer : &value_null);
    }
    asking_free(k);
}

void
ask_store(struct admin *a, struct weir_event *e, const char *what, const struct weir_value *take_with)
{
    ask_store_then(a, e, what, take_with, NULL, NULL);
}

void
ask_store_then(struct admin *a, struct weir_event *e, const char *what, const struct weir_value *take_with,
               asked_fn *then, void *arg)
{
    struct weir_error err = { 0 };
    struct asking *k = calloc(1, sizeof *k);
    if (k == NULL)
        abort();
    k->ask.op = (struct store_op){ .shard = a->shard, .done = told, .kind = STORE_ASK };
    k->ask.what = what;
    k->ask.with = admin_signed(e, take_with);
    k->seer = seer_new(engine_generation(a->shard));
    k->ask.shown = job_seen;
    k->ask.shown_arg = k->seer;
    k->admin = a;
    k->event = e;
    k->then = then;
    k->arg = arg;
    list_push(&a->asking, &k->link);
    a->n_asking++;
    enum weir_code code =
        a->n_asking <= ASKS_MAX
            ? store_submit(a->config.store, &k->ask.op, &err)
            : err_set(&err, WEIR_UNAVAILABLE, "too many questions wait for the store");
    if (code == WEIR_OK)
        return;
    list_remove(&k->link);
    a->n_asking--;
    event_answer_error(e, &err);
    if (then)
        then(NULL, NULL, arg, NULL, &err);
    asking_free(k);
}

bool
has_store(const struct admin *a, struct weir_event *e)
{
    if (a->config.store == NULL)
        answer_problem(e, WEIR_UNAVAILABLE,
                       "this weir keeps no jobs: store.url is none, or the store could not be "
                       "opened when it "
                       "started (the log says why)");
    return a->config.store != NULL;
}

/* -- a job's path and orders -- */

bool
split_path(struct weir_text path, const char *prefix, struct weir_text *ret_id,
           struct weir_text *ret_verb)
{
    size_t skip = path.len > strlen(prefix) ? strlen(prefix) + 1 : path.len;
    struct weir_text rest = { path.bytes + skip, path.len - skip };
    const char *slash = rest.len > 0 ? memchr(rest.bytes, '/', rest.len) : NULL;
    *ret_id = rest;
    *ret_verb = TEXT("");
    if (slash == NULL)
        return true;
    ret_id->len = (size_t)(slash - rest.bytes);
    *ret_verb = (struct weir_text){ slash + 1, rest.len - ret_id->len - 1 };
    return ret_id->len > 0 && ret_verb->len > 0 &&
           memchr(ret_verb->bytes, '/', ret_verb->len) == NULL;
}

bool
is_id(struct weir_event *e, struct weir_text id, const char *what)
{
    bool good = id.len == ID_UUID - 1;
    for (size_t i = 0; good && i < id.len; i++) {
        char c = id.bytes[i];
        good = i == 8 || i == 13 || i == 18 || i == 23
                   ? c == '-'
                   : (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    }
    if (!good)
        answer_problem(e, WEIR_NOT_FOUND,
                       "'%.*s' is not the id of a %s: 36 characters such as "
                       "01890a5d-ac96-774b-bcce-b302099a8057",
                       (int)utf8_prefix(id, 60), id.bytes, what);
    return good;
}

void
wrong_method(struct weir_event *e, const char *allow, const char *why)
{
    struct weir_error err = { 0 };
    err_set(&err, WEIR_INVALID, "%s", why);
    err.status = 405;
    event_add_header(e, TEXT("Allow"), text_of(allow), false);
    event_answer_error(e, &err);
}

static const struct {
    const char *verb;
    const char *what;
} verbs[] = { { "replay", "jobs.replay" },
              { "plan", "jobs.plan" },
              { "edit", "jobs.edit" },
              { "cancel", "jobs.cancel" },
              { "discard", "jobs.discard" } };

/* The question of a verb; NULL after answering that there is none. */
static const char *
find_verb(struct weir_event *e, struct weir_text verb)
{
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (text_is(verb, verbs[i].verb))
            return verbs[i].what;
    answer_problem(e, WEIR_NOT_FOUND,
                   "a job can't be told to '%.*s'; what it can be told: replay plan edit cancel discard",
                   (int)utf8_prefix(verb, 60), verb.bytes);
    return NULL;
}

/* Asks WHAT of the job ID, which may have a STEP. */
static void
ask_job(struct admin *a, struct weir_event *e, const char *what, struct weir_text id, struct weir_text step)
{
    const struct weir_value *with = is_id(e, id, "job") && has_store(a, e) ? read_query(e, "") : NULL;
    if (with == NULL)
        return;
    struct weir_builder *b = builder_map();
    const struct weir_value *v = text_value(id);
    builder_set(b, "id", 2, &v);
    value_unref(&with);
    builder_put(b, "definition", &value_true);
    if (step.len > 0) {
        v = text_value(step);
        builder_set(b, "step", 4, &v);
    }
    ask_store(a, e, what, builder_end(&b));
}

/* Whether E asks for a step of a job, .../ID/steps/STEP, whose path may have slashes; answers it then. */
static bool
show_step(struct admin *a, struct weir_event *e)
{
    static const char between[] = "/steps/";
    size_t at = sizeof JOBS + ID_UUID - 1, skip = at + sizeof between - 1;
    if (e->path.len <= skip || memcmp(e->path.bytes + at, between, sizeof between - 1) != 0)
        return false;
    struct buf step;
    struct weir_error err = { 0 };
    buf_init(&step, e->path.len + 1);
    if (url_decode(&step, (struct weir_text){ e->path.bytes + skip, e->path.len - skip }, false, &err) != WEIR_OK)
        event_answer_error(e, &err);
    else
        ask_job(a, e, "jobs.step", (struct weir_text){ e->path.bytes + sizeof JOBS, ID_UUID - 1 }, buf_content(&step));
    buf_fini(&step);
    return true;
}

void
show_jobs(struct admin *a, struct weir_event *e)
{
    struct weir_text id, verb;
    if (show_step(a, e))
        return;
    bool good = split_path(e->path, JOBS, &id, &verb);
    if (good && id.len == 0) {
        ask_query(a, e, "jobs.list", "state pipeline code node since key fingerprint where after limit");
        return;
    }
    if (good && verb.len > 0) {
        if (find_verb(e, verb) != NULL)
            wrong_method(e, "POST",
                         "a job is told something with POST; GET without the verb looks at it");
        return;
    }
    if (!good) {
        answer_problem(e, WEIR_NOT_FOUND,
                       "there is " JOBS ", " JOBS "/ID, " JOBS "/ID/steps/STEP and " JOBS "/ID/VERB");
        return;
    }
    ask_job(a, e, "jobs.show", id, TEXT(""));
}

/* Takes one member of an order's body. */
static enum weir_code
put_order(struct weir_builder *b, struct weir_text key, const struct weir_value *v,
          struct weir_error *err)
{
    bool force = text_is(key, "force");
    if (!force && !text_is(key, "reason") && !text_is(key, "who"))
        return err_set(err, WEIR_INVALID,
                       "there is no '%.*s' in the body; there are reason, who and force",
                       (int)utf8_prefix(key, 60), key.bytes);
    if (force ? v->type != WEIR_BOOL : v->type != WEIR_STRING)
        return err_set(err, WEIR_INVALID, "'%.*s' is not a %s", (int)key.len, key.bytes,
                       force ? "boolean" : "string");
    if (!force && v->len > TEXT_MAX)
        return err_set(err, WEIR_INVALID, "'%.*s' has more than %u bytes", (int)key.len,
                       key.bytes, TEXT_MAX);
    const struct weir_value *copy = value_ref(v);
    builder_set(b, key.bytes, key.len, &copy);
    return WEIR_OK;
}

enum weir_code
body_map(const struct weir_event *e, const struct weir_value **ret, struct weir_error *err)
{
    return body_map_of(e, BODY_MAX, ret, err);
}

enum weir_code
body_map_of(const struct weir_event *e, size_t max, const struct weir_value **ret,
            struct weir_error *err)
{
    struct weir_text raw = e->raw ? value_as_text(e->raw) : TEXT("");
    const struct weir_value *body = NULL;
    *ret = NULL;
    if (raw.len == 0)
        return WEIR_OK;
    if (raw.len > max)
        return err_set(err, WEIR_TOO_LARGE, "the body has more than %zu KiB", max >> 10);
    if (json_read(raw, NULL, NULL, &body, err) != WEIR_OK) {
        err->status = 400;
        return err_in(err, "the body is not JSON");
    }
    if (value_type(body) == WEIR_MAP) {
        *ret = body;
        return WEIR_OK;
    }
    value_unref(&body);
    return err_set(err, WEIR_INVALID,
                   "the body is not an object such as {\"reason\": \"...\", \"who\": \"...\"}");
}

/* Puts the body of an order, { reason, who, force }, into B; the last two may be left out. */
static enum weir_code
read_order(const struct weir_event *e, struct weir_builder *b, struct weir_error *err)
{
    struct weir_text key;
    const struct weir_value *body, *v = value_text("api");
    builder_set(b, "who", 3, &v);
    enum weir_code code = body_map(e, &body, err);
    for (size_t i = 0; code == WEIR_OK && body && value_member(body, i, &key, &v); i++)
        code = put_order(b, key, v, err);
    if (code == WEIR_OK)
        code = need_reason(body, err);
    value_unref(&body);
    return code;
}

void
tell_job(struct admin *a, struct weir_event *e)
{
    struct weir_text id, verb;
    bool good = split_path(e->path, JOBS, &id, &verb);
    if (good && verb.len == 0 && text_is(id, "discard")) {
        if (has_store(a, e))
            discard_jobs(a, e);
        return;
    }
    if (!good || verb.len == 0) {
        wrong_method(e, "GET, HEAD",
                     "jobs are looked at with GET; POST takes a verb: " JOBS "/ID/replay, or " JOBS "/discard");
        return;
    }
    const char *what = find_verb(e, verb);
    if (what == NULL || !is_id(e, id, "job") || !has_store(a, e))
        return;
    bool plan = strcmp(what, "jobs.plan") == 0;
    if (plan || strcmp(what, "jobs.replay") == 0) {
        replay_job(a, e, id, plan);
        return;
    }
    if (strcmp(what, "jobs.edit") == 0) {
        edit_job(a, e, id);
        return;
    }
    struct weir_error err = { 0 };
    struct weir_builder *b = builder_map();
    const struct weir_value *v = text_value(id);
    builder_set(b, "id", 2, &v);
    if (read_order(e, b, &err) == WEIR_OK) {
        ask_store(a, e, what, builder_end(&b));
        return;
    }
    builder_free(&b);
    event_answer_error(e, &err);
}

void
show_incidents(struct admin *a, struct weir_event *e)
{
    ask_query(a, e, "incidents.list", "pipeline limit after");
}

void
show_audit(struct admin *a, struct weir_event *e)
{
    ask_query(a, e, "audit.list", "limit after");
}

void
show_store(struct admin *a, struct weir_event *e)
{
    ask_query(a, e, "store.stats", "");
}

void
asking_end(struct admin *a)
{
    bool some = a->n_asking > 0;
    list_each(link, next, &a->asking)
    {
        struct asking *k = list_entry(link, struct asking, link);
        struct weir_event *e = k->event;
        k->event = NULL;
        k->admin = NULL;
        list_remove(&k->link);
        answer_problem(e, WEIR_UNAVAILABLE, "this server is shutting down");
    }
    a->n_asking = 0;
    if (some) /* what it tells is posted to this shard, which runs that before it goes */
        store_sync(a->config.store);
}

/* admin/job_replay.c - POST /api/v1/jobs/ID/replay and .../plan: one job's event once more; and whether one
 * that is edited (job_edit.c) may run.
 *
 * The store is asked for the job, then for the text of the pipeline that it ran with, if that is not
 * today's; then the plan is made, and shown or carried out.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "admin/parts.h"
#include "admin/replay_plan.h"
#include "base/encode.h"
#include "net/problem.h"
#include "value/json.h"

#define ORDER_MAX (16u << 20) /* of a body: outputs may be large */
#define TEXT_MAX 4096u

/* A request on its way. */
struct replaying {
    const struct weir_value *order; /* its body; owned; NULL: empty */
    const struct weir_value *job;   /* owned; what the store has told of it */
    const struct weir_value *was;   /* owned; { file, text } */
    const struct weir_value *edit;  /* owned; for jobs.edit, if that is what is wanted; or NULL */
    bool dry;
};

static void
replaying_free(struct replaying *r)
{
    value_unref(&r->order);
    value_unref(&r->job);
    value_unref(&r->was);
    value_unref(&r->edit);
    free(r);
}

/* Answers with the problem document of ERR, which has its detail as members of its own (RFC 9457 3.2). */
static void
answer_with_members(struct weir_event *e, const struct weir_error *err)
{
    struct buf b, members;
    struct weir_error plain = *err;
    buf_init(&b, ORDER_MAX);
    buf_init(&members, ORDER_MAX);
    plain.detail = NULL;
    if (problem_write(&b, &plain, e->id) && json_write(&members, err->detail, NULL) == WEIR_OK && members.len > 2) {
        b.bytes[b.len - 1] = ','; /* in place of the closing brace */
        (void)buf_add(&b, members.bytes + 1, members.len - 1, NULL);
    }
    answer_text(e, problem_status(err), "application/problem+json", buf_content(&b));
    buf_fini(&b);
    buf_fini(&members);
}

static void
refuse(struct weir_event *e, struct weir_error *err, struct replaying *r)
{
    if (err->detail && value_type(err->detail) == WEIR_MAP)
        answer_with_members(e, err);
    else
        event_answer_error(e, err);
    value_unref(&err->detail);
    replaying_free(r);
}

static struct weir_text
text_at(const struct weir_value *map, const char *key)
{
    const struct weir_value *v = value_field(map, key);
    return v && value_type(v) == WEIR_STRING ? value_as_text(v) : TEXT("");
}

static bool
true_at(const struct weir_value *map, const char *key)
{
    const struct weir_value *v = value_field(map, key);
    return v && value_type(v) == WEIR_BOOL && v->boolean;
}

/* -- the body -- */

static const struct {
    const char *name;
    enum weir_type type;
    const char *what;
} members[] = {
    { "reason", WEIR_STRING, "a string" },     { "who", WEIR_STRING, "a string" },
    { "force", WEIR_BOOL, "a boolean" },       { "from", WEIR_STRING, "a string" },
    { "original", WEIR_BOOL, "a boolean" },    { "new_keys", WEIR_BOOL, "a boolean" },
    { "ack", WEIR_LIST, "a list of steps" },   { "outputs", WEIR_MAP, "a map of steps" },
    { "plan", WEIR_STRING, "a string" },
};

static enum weir_code
check_member(struct weir_text key, const struct weir_value *v, struct weir_error *err)
{
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        if (!text_is(key, members[i].name))
            continue;
        if (value_type(v) != members[i].type)
            return err_set(err, WEIR_INVALID, "'%s' is not %s", members[i].name, members[i].what);
        if (members[i].type == WEIR_STRING && v->len > TEXT_MAX)
            return err_set(err, WEIR_INVALID, "'%s' has more than %u bytes", members[i].name, TEXT_MAX);
        return WEIR_OK;
    }
    return err_set(err, WEIR_INVALID,
                   "there is no '%.*s' in the body; there are reason, who, force, from, original, ack, outputs, "
                   "new_keys and plan",
                   (int)utf8_prefix(key, 60), key.bytes);
}

static enum weir_code
read_order(const struct weir_event *e, const struct weir_value **ret, struct weir_error *err)
{
    struct weir_text key;
    const struct weir_value *v;
    enum weir_code code = body_map_of(e, ORDER_MAX, ret, err);
    for (size_t i = 0; code == WEIR_OK && *ret && value_member(*ret, i, &key, &v); i++)
        code = check_member(key, v, err);
    if (code != WEIR_OK)
        value_unref(ret);
    return code;
}

/* -- carrying it out -- */

/* What the store is told. */
static const struct weir_value *
store_order(const struct replaying *r, const struct replay_plan *p)
{
    static const char *const as_they_are[] = { "reason", "force", "outputs", "new_keys" };
    struct weir_builder *b = builder_map();
    struct weir_text id = text_at(r->job, "id"), who = text_at(r->order, "who");
    builder_take(b, "id", value_string(id.bytes, id.len));
    builder_take(b, "who", who.len > 0 ? value_string(who.bytes, who.len) : value_text("api"));
    for (size_t i = 0; i < sizeof as_they_are / sizeof *as_they_are; i++) {
        const struct weir_value *v = value_field(r->order, as_they_are[i]);
        if (v != NULL)
            builder_put(b, as_they_are[i], v);
    }
    if (p->keep)
        builder_put(b, "keep", p->keep);
    /* Records fit the definition that was looked at: it runs, whatever is loaded until the job is claimed. */
    if (true_at(r->order, "original") || p->keep || value_field(r->order, "outputs"))
        builder_put(b, "revision", value_field(p->value, "revision"));
    return builder_end(&b);
}

/* Whether all is said that has to be. */
static enum weir_code
check_said(const struct replaying *r, const struct replay_plan *p, struct weir_error *err)
{
    struct weir_text plan = text_at(r->order, "plan");
    if (p->missing_ack)
        return err_set(err, WEIR_CONFLICT,
                       "the step %s is not safe to repeat, and may have acted already: ack it (--ack %s) to let it act again%s",
                       p->missing_ack, p->missing_ack,
                       r->edit ? "" : ", or give its output (outputs, --output STEP=JSON)");
    if (r->edit)
        return need_reason(r->edit, err);
    if (plan.len > 0 && !text_is(plan, p->hash))
        return err_set(err, WEIR_CONFLICT, "the plan is another one by now: %s", p->hash);
    if (plan.len == 0)
        return err_set(err, WEIR_INVALID,
                       "the hash of the plan is needed, as plan: POST .../plan with the same body tells it");
    return need_reason(r->order, err);
}

static void
carry_out(struct admin *a, struct weir_event *e, struct replaying *r, const struct pipeline *was)
{
    struct weir_error err = { 0 };
    struct replay_plan plan = { 0 };
    struct weir_text name = text_at(r->job, "pipeline"), from = text_at(r->order, "from");
    const struct generation *g = engine_generation(a->shard);
    const struct pipelines *all = g ? generation_pipelines(g) : NULL;
    struct replay_order o = { .job = r->job,
                              .today = all ? map_get(&all->by_name, name.bytes, name.len) : NULL,
                              .was = was,
                              .was_text = text_at(r->was, "text"),
                              .from = from.len > 0 ? from : TEXT("start"),
                              .original = true_at(r->order, "original"),
                              .ack = value_field(r->order, "ack"),
                              .outputs = value_field(r->order, "outputs") };
    enum weir_code code = r->edit && o.today == NULL
                              ? err_set(&err, WEIR_CONFLICT, "there is no pipeline %.*s any more", (int)name.len, name.bytes)
                              : replay_plan_make(&o, &plan, &err);
    if (code == WEIR_OK && !r->dry)
        code = check_said(r, &plan, &err);
    if (code != WEIR_OK) {
        refuse(e, &err, r);
    } else if (r->dry) {
        answer_json(e, 200, value_ref(plan.value));
        replaying_free(r);
    } else {
        ask_store(a, e, r->edit ? "jobs.edit" : "jobs.replay", r->edit ? value_ref(r->edit) : store_order(r, &plan));
        replaying_free(r);
    }
    replay_plan_free(&plan);
}

/* The text that the job ran with is there, or is not kept. */
static void
take_text(struct admin *a, struct weir_event *e, void *arg, const struct weir_value *answer, const struct weir_error *err)
{
    struct replaying *r = arg;
    struct pipeline *was = NULL;
    (void)err; /* not kept: the plan says what follows */
    if (a == NULL) {
        replaying_free(r);
        return;
    }
    r->was = answer ? value_ref(answer) : NULL;
    if (r->was) {
        const struct generation *g = engine_generation(a->shard);
        struct diags d;
        char file[4096];
        struct weir_text name = text_at(r->was, "file");
        size_t len = name.len < sizeof file - 1 ? name.len : sizeof file - 1;
        memcpy(file, name.bytes, len);
        file[len] = '\0';
        diags_init(&d);
        was = g ? pipeline_load_text(file, text_at(r->was, "text"), generation_load(g), &d) : NULL;
        diags_fini(&d);
    }
    carry_out(a, e, r, was);
    pipeline_free(&was);
}

static void
take_job(struct admin *a, struct weir_event *e, void *arg, const struct weir_value *answer, const struct weir_error *err)
{
    struct replaying *r = arg;
    if (a == NULL) {
        replaying_free(r);
        return;
    }
    if (err) {
        struct weir_error copy = *err;
        copy.detail = NULL;
        refuse(e, &copy, r);
        return;
    }
    r->job = value_ref(answer);
    const struct generation *g = engine_generation(a->shard);
    struct weir_text name = text_at(r->job, "pipeline"), revision = text_at(r->job, "revision");
    const struct pipeline *today = g ? map_get(&generation_pipelines(g)->by_name, name.bytes, name.len) : NULL;
    if (revision.len == 0 || (today && text_is(revision, today->revision))) {
        carry_out(a, e, r, NULL);
        return;
    }
    struct weir_builder *b = builder_map();
    builder_take(b, "pipeline", value_string(name.bytes, name.len));
    builder_take(b, "revision", value_string(revision.bytes, revision.len));
    ask_store_then(a, e, "revisions.get", builder_end(&b), take_text, r);
}

/* Asks for the job ID, with which R goes on. */
static void
look_up(struct admin *a, struct weir_event *e, struct weir_text id, struct replaying *r)
{
    struct weir_builder *b = builder_map();
    builder_take(b, "id", value_string(id.bytes, id.len));
    builder_put(b, "known", &value_true);
    ask_store_then(a, e, "jobs.show", builder_end(&b), take_job, r);
}

void
replay_job(struct admin *a, struct weir_event *e, struct weir_text id, bool dry)
{
    struct weir_error err = { 0 };
    struct replaying *r = calloc(1, sizeof *r);
    if (r == NULL)
        abort();
    r->dry = dry;
    if (read_order(e, &r->order, &err) == WEIR_OK)
        look_up(a, e, id, r);
    else
        refuse(e, &err, r);
}

void
replay_edited(struct admin *a, struct weir_event *e, const struct weir_value *take_edit, const struct weir_value *ack)
{
    struct replaying *r = calloc(1, sizeof *r);
    if (r == NULL)
        abort();
    struct weir_builder *b = builder_map();
    if (ack)
        builder_put(b, "ack", ack);
    r->order = builder_end(&b);
    r->edit = take_edit;
    look_up(a, e, text_at(r->edit, "id"), r);
}

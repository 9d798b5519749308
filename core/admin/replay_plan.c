/* admin/replay_plan.c - see replay_plan.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "admin/replay_plan.h"

#include <stdio.h>
#include <string.h>

#include "author/change.h"
#include "author/diff.h"
#include "base/digest.h"
#include "base/encode.h"
#include "value/json.h"

#define DIFF_MAX (256u << 10)

static const char *const effects[] = { "none", "idempotent", "unsafe" };

/* A plan in the making. */
struct making {
    const struct replay_order *o;
    const struct pipeline *p;  /* that it runs through */
    const struct node *from;   /* NULL: from the start, or from wherever it failed */
    bool failed;               /* from where it failed */
    bool has_records;          /* all that has begun is known */
    struct weir_builder *steps;
    struct weir_builder *keep;
    struct weir_builder *acks; /* that are needed */
    struct weir_builder *missing; /* of them */
    struct replay_plan *plan;
};

static struct weir_text
member(const struct weir_value *map, const char *key)
{
    const struct weir_value *v = value_field(map, key);
    return v && value_type(v) == WEIR_STRING ? value_as_text(v) : TEXT("");
}

/* The step's id in the path of a record: what stands before the numbers of rounds. */
static struct weir_text
path_id(struct weir_text path)
{
    const char *slash = path.len > 0 ? memchr(path.bytes, '/', path.len) : NULL;
    return slash ? (struct weir_text){ path.bytes, (size_t)(slash - path.bytes) } : path;
}

/* -- what is known of the job -- */

enum known { KNOWN_NOT, KNOWN_TOUCHED, KNOWN_DONE };

static enum known
known_of(const struct weir_value *job, struct weir_text id)
{
    const struct weir_value *all = value_field(job, "known"), *one = all ? value_get(all, id.bytes, id.len) : NULL;
    if (one == NULL)
        return KNOWN_NOT;
    return text_is(value_as_text(one), "done") ? KNOWN_DONE : KNOWN_TOUCHED; /* in one of its rounds at least */
}

static bool
in_trace(const struct weir_value *job, struct weir_text id)
{
    const struct weir_value *trace = value_field(value_at(value_field(job, "attempts"), 0), "trace"), *one;
    for (size_t i = 0; (one = value_at(value_field(trace, "steps"), i)) != NULL; i++)
        if (text_equal(member(one, "id"), id))
            return true;
    return false;
}

/* The node of the top block in which N is, or N itself. */
static const struct node *
top_of(const struct node *n)
{
    while (n->in->owner)
        n = n->in->owner;
    return n;
}

bool
replay_reached(const struct pipeline *p, struct weir_text failed, const struct node *n)
{
    const struct node *at = pipeline_node(p, path_id(failed));
    if (at == NULL || top_of(at)->in != p->steps)
        return true;
    /* Within one node of the top block anything may come before anything: branches, rounds. */
    return top_of(n)->index <= top_of(at)->index;
}

/* Whether N may have acted already. Where not all is recorded, what stands behind the step that
 * failed has not. */
static bool
may_have_acted(const struct making *m, const struct node *n)
{
    const struct weir_value *job = m->o->job;
    struct weir_text id = text_of(n->id), failed = member(job, "node");
    if (known_of(job, id) != KNOWN_NOT || in_trace(job, id) || text_equal(id, path_id(failed)))
        return true;
    return !m->has_records && replay_reached(m->p, failed, n);
}

enum weir_effect
replay_effect(const struct node *n)
{
    return n->n_children > 0 ? WEIR_EFFECT_NONE : node_effect(n);
}

static bool
has_text(const struct weir_value *list, struct weir_text text)
{
    const struct weir_value *one;
    for (size_t i = 0; (one = value_at(list, i)) != NULL; i++)
        if (value_type(one) == WEIR_STRING && text_equal(value_as_text(one), text))
            return true;
    return false;
}

/* -- the plan -- */

static bool
is_kept(const struct making *m, const struct node *n)
{
    return m->failed || (m->from && n->index < m->from->index);
}

/* Whether N stands in steps: what is in catch and finally runs if it is needed, as ever. */
static bool
is_main(const struct making *m, const struct node *n)
{
    return top_of(n)->in == m->p->steps;
}

static void
add_step(struct making *m, const struct node *n)
{
    struct weir_text id = text_of(n->id);
    bool kept = is_kept(m, n), given = m->o->outputs && value_get(m->o->outputs, id.bytes, id.len);
    bool reused = kept && known_of(m->o->job, id) == KNOWN_DONE;
    enum weir_effect effect = replay_effect(n);
    bool acts = effect == WEIR_EFFECT_UNSAFE && !reused && !given && may_have_acted(m, n);
    const struct weir_value *v = value_text(n->id);
    if (kept)
        builder_add(m->keep, &v);
    value_unref(&v);
    if (n->n_children > 0 && !(n->type->abi.flags & WEIR_WAITS))
        return; /* what is in it is told instead */
    struct weir_builder *b = builder_map();
    builder_take(b, "id", value_text(n->id));
    builder_take(b, "type", value_text(n->type->abi.name));
    builder_take(b, "effect", value_text(effects[effect]));
    builder_take(b, "does", value_text(given ? "output" : reused ? "reused" : "runs"));
    if (acts) {
        bool acked = has_text(m->o->ack, id);
        builder_take(b, "ack", value_ref(&value_true));
            if (!acked && m->plan->missing_ack == NULL)
            m->plan->missing_ack = n->id;
        v = value_text(n->id);
        builder_add(m->acks, &v);
        v = value_text(n->id);
        if (!acked)
            builder_add(m->missing, &v);
        value_unref(&v);
    }
    v = builder_end(&b);
    builder_add(m->steps, &v);
}

/* The diff of what the job ran with and today's. */
static const struct weir_value *
diff_of(const struct replay_order *o)
{
    struct buf b;
    buf_init(&b, DIFF_MAX);
    diff_text(o->was_text, text_of(o->today->text), o->today->file, false, &b);
    const struct weir_value *v = value_string(b.bytes, b.len);
    buf_fini(&b);
    return v;
}

static enum weir_code
refuse_changed(const struct making *m, struct weir_error *err)
{
    const struct replay_order *o = m->o;
    err_set(err, WEIR_CONFLICT,
            "the pipeline %s has changed before the step from which it is to go on; replay it from the start, or with "
            "the original definition", o->today->name);
    if (o->was_text.len > 0) {
        struct weir_builder *b = builder_map();
        builder_take(b, "diff", diff_of(o));
        err->detail = builder_end(&b);
    }
    return WEIR_CONFLICT;
}

/* Finds the step from which it goes on, and whether it can. */
static enum weir_code
find_from(struct making *m, struct weir_error *err)
{
    const struct replay_order *o = m->o;
    struct weir_text node = path_id(member(o->job, "node"));
    if (text_is(o->from, "start"))
        return WEIR_OK;
    m->failed = text_is(o->from, "failed");
    struct weir_text id = m->failed ? node : o->from;
    const struct node *n = id.len > 0 ? pipeline_node(m->p, id) : NULL;
    if (!m->failed && n == NULL)
        return err_set(err, WEIR_INVALID, "the pipeline %s has no step '%.*s'", m->p->name, (int)id.len, id.bytes);
    if (n && !is_main(m, n))
        return err_set(err, WEIR_CONFLICT, "'%s' is in catch or finally; a run can't go on from there", n->id);
    if (value_at(value_field(o->job, "steps"), 0) == NULL && o->outputs == NULL)
        return err_set(err, WEIR_CONFLICT,
                       "the steps of this job have no records (they have with durable: steps), so it can only be "
                       "replayed from the start");
    m->from = n;
    bool todays = !o->original && o->today;
    if (todays && text_equal(member(o->job, "revision"), text_of(o->today->revision)))
        return WEIR_OK;
    if (todays && (o->was_text.len == 0 || change_before(o->was_text, o->today, n)))
        return refuse_changed(m, err);
    return WEIR_OK;
}

static enum weir_code
find_pipeline(struct making *m, struct weir_error *err)
{
    const struct replay_order *o = m->o;
    struct weir_text name = member(o->job, "pipeline");
    m->p = o->original && o->was ? o->was : o->today;
    if (m->p == NULL)
        return err_set(err, WEIR_CONFLICT,
                       "there is no pipeline %.*s any more; the original (--original) is run as it was, if its text is kept",
                       (int)name.len, name.bytes);
    bool same = o->today && text_equal(member(o->job, "revision"), text_of(o->today->revision));
    if (o->original && o->was == NULL && !same)
        return err_set(err, WEIR_CONFLICT, "what the pipeline %.*s was when the job ran is not kept", (int)name.len,
                       name.bytes);
    const struct pipeline *ran = o->was ? o->was : m->p;
    m->has_records = ran->durable != DURABLE_NO && !text_is(member(o->job, "state"), "completed") &&
                     value_field(o->job, "revision") != NULL;
    return WEIR_OK;
}

static void
set_hash(struct replay_plan *plan, const struct weir_value *v)
{
    struct buf b;
    struct weir_error err;
    uint8_t sum[DIGEST_MAX] = { 0 };
    buf_init(&b, 64u << 20);
    if (json_write(&b, v, &err) == WEIR_OK)
        (void)digest(WEIR_SHA256, buf_content(&b), sum);
    for (unsigned i = 0; i < 8; i++)
        (void)snprintf(plan->hash + 2 * i, 3, "%02x", sum[i]);
    buf_fini(&b);
}

/* All that is shown but for the hash, which is made of it, and what is missing. */
static struct weir_builder *
describe(struct making *m)
{
    const struct replay_order *o = m->o;
    struct weir_builder *b = builder_map();
    struct weir_text job = member(o->job, "id"), revision = member(o->job, "revision"), by = member(o->job, "superseded_by");
    bool changed = o->today && revision.len > 0 && !text_equal(revision, text_of(o->today->revision));
    builder_take(b, "job", value_string(job.bytes, job.len));
    builder_take(b, "pipeline", value_text(m->p->name));
    builder_take(b, "from", value_string(o->from.bytes, o->from.len));
    if (m->from)
        builder_take(b, "step", value_text(m->from->id));
    builder_take(b, "definition", value_text(m->p == o->today ? "today" : "original"));
    builder_take(b, "revision", value_text(m->p->revision));
    builder_take(b, "changed", value_ref(changed ? &value_true : &value_false));
    if (changed && o->was_text.len > 0)
        builder_take(b, "diff", diff_of(o));
    if (by.len > 0)
        builder_take(b, "superseded_by", value_string(by.bytes, by.len));
    builder_take(b, "steps", builder_end(&m->steps));
    builder_take(b, "acks", builder_end(&m->acks));
    return b;
}

static enum weir_code
check_name(const struct pipeline *p, struct weir_text id, struct weir_error *err)
{
    if (id.len > 0 && pipeline_node(p, id) != NULL)
        return WEIR_OK;
    return err_set(err, WEIR_INVALID, "the pipeline %s has no step '%.*s'", p->name, (int)utf8_prefix(id, 60), id.bytes);
}

/* Acks and outputs are for steps that there are: a name written wrong would say nothing. */
static enum weir_code
check_names(const struct making *m, struct weir_error *err)
{
    const struct weir_value *one;
    struct weir_text id;
    enum weir_code code = WEIR_OK;
    for (size_t i = 0; code == WEIR_OK && (one = value_at(m->o->ack, i)) != NULL; i++)
        code = check_name(m->p, value_type(one) == WEIR_STRING ? value_as_text(one) : TEXT(""), err);
    for (size_t i = 0; code == WEIR_OK && m->o->outputs && value_member(m->o->outputs, i, &id, &one); i++)
        code = check_name(m->p, id, err);
    return code;
}

enum weir_code
replay_plan_make(const struct replay_order *o, struct replay_plan *ret, struct weir_error *err)
{
    struct making m = { .o = o, .plan = ret };
    *ret = (struct replay_plan){ 0 };
    enum weir_code code = find_pipeline(&m, err);
    if (code == WEIR_OK)
        code = check_names(&m, err);
    if (code == WEIR_OK)
        code = find_from(&m, err);
    if (code != WEIR_OK)
        return code;
    m.steps = builder_list();
    m.keep = builder_list();
    m.acks = builder_list();
    m.missing = builder_list();
    for (unsigned i = 0; i < m.p->n_nodes; i++)
        if (is_main(&m, m.p->nodes[i]))
            add_step(&m, m.p->nodes[i]);
    struct weir_builder *b = describe(&m);
    const struct weir_value *v = builder_end(&b);
    set_hash(ret, v);
    b = builder_map();
    builder_put_all(b, v);
    builder_take(b, "missing", builder_end(&m.missing));
    builder_take(b, "plan", value_text(ret->hash));
    value_unref(&v);
    ret->value = builder_end(&b);
    v = builder_end(&m.keep);
    if (m.from || m.failed)
        ret->keep = value_ref(v);
    value_unref(&v);
    return WEIR_OK;
}

void
replay_plan_free(struct replay_plan *p)
{
    value_unref(&p->value);
    value_unref(&p->keep);
}

/* admin/batch_acks.c - POST /api/v1/batches: whether all is said that has to be, then the batch is made.
 *
 * A batch replays from the start. A step that is not safe to repeat, and may have acted in some of its jobs, has
 * to be acked, as for one job (replay_plan.h).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "admin/parts.h"
#include "admin/replay_plan.h"
#include "base/encode.h"

#define FILTER "state pipeline code node since key fingerprint where"

/* A batch on its way. */
struct batch_order {
    const struct weir_value *with; /* for the store; owned */
    const struct weir_value *ack;  /* owned; NULL: none */
};

static void
order_free(struct batch_order *o)
{
    value_unref(&o->with);
    value_unref(&o->ack);
    free(o);
}

static struct weir_text
text_at(const struct weir_value *map, const char *key)
{
    const struct weir_value *v = value_field(map, key);
    return v && value_type(v) == WEIR_STRING ? value_as_text(v) : TEXT("");
}

static bool
is_acked(const struct batch_order *o, const char *id)
{
    const struct weir_value *one;
    for (size_t i = 0; (one = value_at(o->ack, i)) != NULL; i++)
        if (value_type(one) == WEIR_STRING && text_is(value_as_text(one), id))
            return true;
    return false;
}

/* The first step of P that needs an ack and has none, for jobs that failed in FAILED (empty: anywhere). */
static const struct node *
missing_ack(const struct batch_order *o, const struct pipeline *p, struct weir_text failed)
{
    for (unsigned i = 0; i < p->n_nodes; i++) {
        const struct node *n = p->nodes[i];
        if (replay_effect(n) == WEIR_EFFECT_UNSAFE && !is_acked(o, n->id) &&
            replay_reached(p, failed, n))
            return n;
    }
    return NULL;
}

static const struct pipeline *
find_pipeline(const struct generation *g, const struct weir_value *group)
{
    struct weir_text name = text_at(group, "pipeline");
    return map_get(&generation_pipelines(g)->by_name, name.bytes, name.len);
}

/* Whether each ack is of a step of one of the pipelines of PLAN: a name written wrong would say nothing. */
static enum weir_code
check_acks(const struct generation *g, const struct batch_order *o, const struct weir_value *plan, struct weir_error *err)
{
    const struct weir_value *one, *group;
    for (size_t i = 0; (one = value_at(o->ack, i)) != NULL; i++) {
        struct weir_text id = value_type(one) == WEIR_STRING ? value_as_text(one) : TEXT("");
        bool found = false;
        for (size_t k = 0; !found && (group = value_at(value_field(plan, "groups"), k)) != NULL; k++) {
            const struct pipeline *p = find_pipeline(g, group);
            found = p && id.len > 0 && pipeline_node(p, id) != NULL;
        }
        if (!found)
            return err_set(err, WEIR_INVALID, "no pipeline of these jobs has a step '%.*s'", (int)utf8_prefix(id, 60),
                           id.bytes);
    }
    return WEIR_OK;
}

/* Whether the batch of PLAN, an answer to batches.plan, may be made. */
static enum weir_code
check_plan(struct admin *a, const struct batch_order *o, const struct weir_value *plan, struct weir_error *err)
{
    const struct generation *g = engine_generation(a->shard);
    const struct weir_value *group;
    if (value_field(plan, "more"))
        return err_set(err, WEIR_CONFLICT,
                       "these jobs failed in more ways than can be looked at (1000); a pipeline, node, code or since "
                       "makes them fewer");
    if (g == NULL)
        return err_set(err, WEIR_UNAVAILABLE, "no pipelines are loaded yet, so nobody knows what the batch would do");
    for (size_t i = 0; (group = value_at(value_field(plan, "groups"), i)) != NULL; i++) {
        const struct pipeline *p = find_pipeline(g, group);
        const struct node *n = p ? missing_ack(o, p, text_at(group, "node")) : NULL;
        if (n)
            return err_set(err, WEIR_CONFLICT,
                           "the step %s of %s is not safe to repeat, and may have acted already: ack it (--ack %s) to let "
                           "it act again", n->id, p->name, n->id);
    }
    return value_at(value_field(plan, "groups"), 0) ? check_acks(g, o, plan, err) : WEIR_OK;
}

/* The order with the hash of PLAN, so that what was checked is what is made. */
static const struct weir_value *
bound_to(const struct weir_value *with, const struct weir_value *plan)
{
    struct weir_builder *b = builder_map();
    builder_put_all(b, with);
    if (value_field(with, "plan") == NULL)
        builder_put(b, "plan", value_field(plan, "plan"));
    return builder_end(&b);
}

static void
take_plan(struct admin *a, struct weir_event *e, void *arg, const struct weir_value *plan, const struct weir_error *err)
{
    struct batch_order *o = arg;
    struct weir_error wrong = { 0 };
    if (a == NULL) {
        order_free(o);
        return;
    }
    if (err) {
        wrong = *err;
        wrong.detail = NULL;
    } else {
        (void)check_plan(a, o, plan, &wrong); /* its code is in WRONG */
    }
    if (wrong.code != WEIR_OK)
        event_answer_error(e, &wrong);
    else
        ask_store(a, e, "batches.make", bound_to(o->with, plan));
    order_free(o);
}

/* The parameters of the plan that WITH has. */
static const struct weir_value *
plan_of(const struct weir_value *with)
{
    struct weir_builder *b = builder_map();
    struct weir_text key;
    const struct weir_value *v;
    for (size_t i = 0; value_member(with, i, &key, &v); i++) {
        const struct weir_value *same = value_ref(v);
        if (has_name(FILTER " since_ms max", key))
            builder_set(b, key.bytes, key.len, &same);
        value_unref(&same);
    }
    return builder_end(&b);
}

void
make_batch(struct admin *a, struct weir_event *e)
{
    struct weir_error err = { 0 };
    struct weir_text key;
    struct weir_builder *b = builder_map();
    struct batch_order *o = calloc(1, sizeof *o);
    const struct weir_value *body, *v = value_text("api");
    if (o == NULL)
        abort();
    builder_set(b, "who", 3, &v);
    enum weir_code code = body_map(e, &body, &err);
    for (size_t i = 0; code == WEIR_OK && body && value_member(body, i, &key, &v); i++) {
        if (!text_is(key, "ack"))
            code = put_member(b, key, v, FILTER " rate plan reason who", "max concurrency canary stop_on_failures", &err);
        else if (value_type(v) == WEIR_LIST)
            o->ack = value_ref(v);
        else
            code = err_set(&err, WEIR_INVALID, "'ack' is not a list of steps");
    }
    if (code == WEIR_OK)
        code = need_reason(body, &err);
    value_unref(&body);
    o->with = builder_end(&b);
    if (code != WEIR_OK) {
        order_free(o);
        event_answer_error(e, &err);
        return;
    }
    ask_store_then(a, e, "batches.plan", plan_of(o->with), take_plan, o);
}

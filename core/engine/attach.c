/* engine/attach.c - a shard's part of a generation: it comes and goes in turns of the loop. See flow.h.
 *
 * Attaching a node may take a while (a state of Lua, a connection), and there may be ten thousand of
 * them: so a reload attaches for a millisecond and rests for one, and what is retired is detached in the same
 * way, while requests go on. What is small is done at once.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "engine/run.h"

#define TURN_NS 1000000u
#define REST_MS 2u /* from the begin of a turn: about as long as it worked */
#define LARGER 4096u

static uint64_t
turn_ends(void)
{
    return clock_mono_ns() + TURN_NS;
}

static void
detach_flow(struct generation_part *part, struct flow *f)
{
    for (unsigned k = 0; k < f->pipeline->n_triggers; k++) {
        struct trigger_unit *t = &f->triggers[k];
        if (t->opened && t->number < part->n_attached_triggers && t->type->attach && t->type->detach)
            t->type->detach(part->trigger_states[t->number]);
    }
    for (unsigned k = 0; k < f->pipeline->n_nodes; k++) {
        struct unit *u = &f->units[k];
        if (u->opened && u->number < part->n_attached && u->type->attach && u->type->detach)
            u->type->detach(part->states[u->number]);
    }
}

/* The C library keeps small pieces that were freed as they are, and joins all of them when a larger one is
 * asked for: after ten thousand states of Lua that would take a third of a second, for whoever asks. */
static void
join_freed(void)
{
    void *volatile larger = malloc(LARGER);
    free(larger);
}

/* Detaches until END_NS, the flows attached last first; frees PART once nothing is attached. */
static bool
leave_until(struct generation_part *part, uint64_t end_ns)
{
    while (part->n_flows > 0) {
        detach_flow(part, part->generation->opened[--part->n_flows]);
        if (part->n_flows > 0 && clock_mono_ns() >= end_ns) {
            join_freed();
            return false;
        }
    }
    timer_unset(part->shard, &part->turn);
    list_remove(&part->leaving);
    generation_unref(&part->generation);
    free(part->states);
    free(part->trigger_states);
    free(part);
    return true;
}

static void
leave_on(void *arg)
{
    struct generation_part *part = arg;
    if (!leave_until(part, turn_ends()))
        timer_set(part->shard, &part->turn, shard_now(part->shard) + REST_MS);
}

/* Nobody needs PART any more. */
static void
leave(struct generation_part *part)
{
    timer_unset(part->shard, &part->turn);
    timer_init(&part->turn, leave_on, part);
    list_push(&engine_of(part->shard)->leaving, &part->leaving);
    leave_on(part);
}

void
parts_end(struct engine *e)
{
    while (!list_empty(&e->leaving))
        (void)leave_until(list_entry(e->leaving.next, struct generation_part, leaving), UINT64_MAX);
}

void
part_pin(struct generation_part *part)
{
    part->pins++;
}

void
part_unpin(struct generation_part *part)
{
    assert(part->pins > 0);
    if (--part->pins == 0 && part->retired)
        leave(part);
}

void
part_retire(struct generation_part *part)
{
    part->retired = true;
    if (part->pins == 0)
        leave(part);
}

/* Attaches the nodes and triggers of one flow, in the order of their numbers, but for those whose
 * open was refused. */
static enum weir_code
attach_flow(struct generation_part *part, struct flow *f, struct weir_error *err)
{
    for (unsigned k = 0; k < f->pipeline->n_nodes; k++) {
        struct unit *u = &f->units[k];
        part->states[u->number] = u->conf;
        if (u->opened && u->type->attach &&
            u->type->attach(part->shard, u->conf, &part->states[u->number], err) != WEIR_OK)
            return err_in(err, "pipeline %s: node %s", f->pipeline->name, u->node->id);
        part->n_attached = u->number + 1;
    }
    for (unsigned k = 0; k < f->pipeline->n_triggers; k++) {
        struct trigger_unit *t = &f->triggers[k];
        part->trigger_states[t->number] = t->conf;
        if (t->opened && t->type->attach &&
            t->type->attach(part->shard, t->conf, &part->trigger_states[t->number], err) != WEIR_OK)
            return err_in(err, "pipeline %s: trigger %s", f->pipeline->name, t->type->name);
        part->n_attached_triggers = t->number + 1;
    }
    return WEIR_OK;
}

/* Attaches until END_NS; *ret_all: nothing is left to do. */
static enum weir_code
attach_until(struct generation_part *part, uint64_t end_ns, bool *ret_all, struct weir_error *err)
{
    const struct generation *g = part->generation;
    while (part->n_flows < g->n_opened) {
        struct flow *f = g->opened[part->n_flows++];
        if (attach_flow(part, f, err) != WEIR_OK)
            return (enum weir_code)err->code;
        if (clock_mono_ns() >= end_ns)
            break;
    }
    *ret_all = part->n_flows == g->n_opened;
    return WEIR_OK;
}

static struct generation_part *
part_make(struct weir_shard *s, struct generation *g)
{
    struct generation_part *part = calloc(1, sizeof *part);
    if (part == NULL)
        abort();
    part->shard = s;
    part->generation = g;
    generation_ref(g);
    part->states = calloc(g->n_units + 1, sizeof *part->states);
    part->trigger_states = calloc(g->n_triggers + 1, sizeof *part->trigger_states);
    if (part->states == NULL || part->trigger_states == NULL)
        abort();
    list_init(&part->leaving);
    return part;
}

enum weir_code
part_new(struct weir_shard *s, struct generation *g, struct generation_part **ret, struct weir_error *err)
{
    struct generation_part *part = part_make(s, g);
    bool all;
    if (attach_until(part, UINT64_MAX, &all, err) != WEIR_OK) {
        leave(part);
        return (enum weir_code)err->code;
    }
    *ret = part;
    return WEIR_OK;
}

static void
attach_on(void *arg)
{
    struct generation_part *part = arg;
    struct engine *e = engine_of(part->shard);
    struct weir_error err = { 0 };
    bool all = false;
    enum weir_code code = attach_until(part, turn_ends(), &all, &err);
    if (code == WEIR_OK && !all) {
        timer_set(part->shard, &part->turn, shard_now(part->shard) + REST_MS);
        return;
    }
    part_fn *fn = part->prepared;
    if (code != WEIR_OK) {
        e->prepared = NULL;
        leave(part);
    }
    fn(e->prepared_arg, code == WEIR_OK ? NULL : &err);
    value_unref(&err.detail);
}

void
part_begin(struct engine *e, struct generation *g, part_fn *fn, void *arg)
{
    struct generation_part *part = part_make(e->shard, g);
    timer_init(&part->turn, attach_on, part);
    part->prepared = fn;
    e->prepared = part;
    e->prepared_arg = arg;
    attach_on(part);
}

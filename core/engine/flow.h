/* engine/flow.h - a generation from inside: pipelines whose nodes and triggers were opened.
 *
 * A node becomes a unit, a trigger a trigger_unit, a pipeline a flow. All is made on the main
 * thread by generation.c and never changes after that. What plugins keep per shard (attach)
 * is in a generation_part, which belongs to its shard.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ENGINE_FLOW_H
#define ENGINE_FLOW_H

#include <stdatomic.h>

#include "engine/generation.h"
#include "loop/shard.h"

struct engine;

/* Parts of a configuration that a plugin has named in its open, by handle - 1. */
struct slots {
    const struct part **parts;
    unsigned n;
};

/* One configured node. CONF and its state are NULL if it is not OPENED. */
struct unit {
    const struct node *node;
    const struct weir_node_type *type;
    struct flow *flow;
    unsigned number; /* within the generation */
    unsigned last;   /* index of the last node inside its blocks; its own if it has none */
    enum weir_effect effect;
    bool opened;
    void *conf;
    struct slots slots;
    uint32_t *counts;       /* series of the metrics that its type declares */
    struct flow **callees;  /* what pipeline_find gave, by handle */
    unsigned n_callees;
    uint32_t duration;      /* the family weir_node_duration_seconds */
    uint32_t duration_ok;   /* a series of it; most nodes never need the one of failures */
};

/* One configured trigger. */
struct trigger_unit {
    const struct trigger *trigger;
    const struct weir_trigger_type *type;
    struct flow *flow;
    struct warm *warm; /* what a run reads first, the flow's; NULL: it is not fetched ahead */
    unsigned number; /* within the generation */
    bool opened;
    bool hides_path; /* a part of the path of its events is hidden by mask: */
    bool hides_auth; /* the same of the caller's name */
    void *conf;
    struct slots slots;
    uint32_t *counts;
};

/* One pipeline. */
struct flow {
    const struct pipeline *pipeline;
    struct generation *generation;
    struct unit *units; /* by the node's index; NULL: it was not opened */
    struct trigger_unit *triggers;
    bool broken;        /* its open had errors, which only an older generation lives with */
    struct gate *gate;  /* its concurrency; NULL: no limit. Outlives generations */
    struct weir_redis *once_redis; /* where its idempotency keys are; NULL: in this process */
    uint32_t runs_completed; /* series of weir_runs_total */
    uint32_t runs_failed;
    uint32_t runs_cancelled;
    uint32_t run_duration;
    struct warm *warm; /* what a run reads first; owned; NULL: it is not fetched ahead */
};

struct generation {
    atomic_uint refs;
    struct arena arena; /* of the routes */
    uint64_t number;
    struct load_options load; /* its resources are a reference */
    struct pipelines pipelines;
    struct flow *flows; /* in the order of pipelines */
    struct flow **opened; /* those of them that were opened, in that order: all, but of an older one */
    unsigned n_opened;
    unsigned n_units;
    unsigned n_triggers;
    struct map by_name;   /* to struct flow */
    struct map env;       /* the environment as it was: to struct weir_value, owned */
    struct secrets *secrets;
    const struct routes_port *port;
    void *routes;
    struct engine_route *route_list; /* collected in open */
    unsigned n_routes;
};

/* All of a part is attached, or ERR says why not. */
typedef void part_fn(void *arg, const struct weir_error *err);

/* A shard's part of a generation. */
struct generation_part {
    struct generation *generation; /* a reference */
    struct weir_shard *shard;
    void **states;         /* of units by number: what attach gave */
    void **trigger_states; /* of triggers by number */
    unsigned n_attached;   /* units up to here are attached */
    unsigned n_attached_triggers;
    unsigned n_flows;      /* of those that the generation has opened; the last one may be attached in part */
    unsigned pins;         /* events and runs that use it */
    bool retired;          /* a newer one is current: goes with its last pin */
    struct timer turn;     /* more is attached, or detached */
    part_fn *prepared;     /* is told when all is attached; part_begin's */
    struct list leaving;   /* of the engine */
};

/* The state that UNIT (TRIGGER) has on the shard of PART. */
static inline void *
unit_state(const struct generation_part *part, const struct unit *u)
{
    return part->states[u->number];
}

static inline void *
trigger_state(const struct generation_part *part, const struct trigger_unit *t)
{
    return part->trigger_states[t->number];
}

/* Attaches all that G has to S. On an error nothing stays attached. The shard's thread. */
enum weir_code part_new(struct weir_shard *s, struct generation *g, struct generation_part **ret,
                        struct weir_error *err) MUST_USE;

/* The same in turns of the loop, so that no request waits for it; the part is E's prepared one from now
 * on. FN is told of the end, perhaps at once; on an error nothing stays attached. */
void part_begin(struct engine *e, struct generation *g, part_fn *fn, void *arg);

/* PART is nobody's any more: it goes with its last pin, in turns of the loop if it is large. */
void part_retire(struct generation_part *part);

/* Holds PART while an event or a run uses it; the last unpin of a retired one detaches it. */
void part_pin(struct generation_part *part);
void part_unpin(struct generation_part *part);

/* Detaches at once what is left of those that go. */
void parts_end(struct engine *e);

/* Opens every node and trigger of FLOW; what is refused is a diagnostic. Main thread. */
void flow_open(struct flow *f, struct diags *d);

/* The series of weir_node_duration_seconds for failures of U, made at the first one. SHARD is the
 * caller's. */
uint32_t unit_failures(const struct unit *u, unsigned shard);

/* Closes what was opened. Main thread. */
void flow_close(struct flow *f);

#endif

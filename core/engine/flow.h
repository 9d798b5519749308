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
    uint32_t duration_ok;   /* series of weir_node_duration_seconds */
    uint32_t duration_failed;
};

/* One configured trigger. */
struct trigger_unit {
    const struct trigger *trigger;
    const struct weir_trigger_type *type;
    struct flow *flow;
    unsigned number; /* within the generation */
    bool opened;
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
    uint32_t runs_completed; /* series of weir_runs_total */
    uint32_t runs_failed;
    uint32_t runs_cancelled;
    uint32_t run_duration;
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

/* A shard's part of a generation. */
struct generation_part {
    struct generation *generation; /* a reference */
    struct weir_shard *shard;
    void **states;         /* of units by number: what attach gave */
    void **trigger_states; /* of triggers by number */
    unsigned n_attached;   /* units up to here are attached */
    unsigned n_attached_triggers;
    unsigned pins;         /* events and runs that use it */
    bool retired;          /* a newer one is current: goes with its last pin */
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

/* PART is nobody's any more: it goes with its last pin. */
void part_retire(struct generation_part *part);

/* Holds PART while an event or a run uses it; the last unpin of a retired one detaches it. */
void part_pin(struct generation_part *part);
void part_unpin(struct generation_part *part);

/* Opens every node and trigger of FLOW; what is refused is a diagnostic. Main thread. */
void flow_open(struct flow *f, struct diags *d);

/* Closes what was opened. Main thread. */
void flow_close(struct flow *f);

#endif

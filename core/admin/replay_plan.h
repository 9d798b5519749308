/* admin/replay_plan.h - what a replay of a job would do: which steps run again, which answer from their
 * records, and what has to be said before it may begin.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ADMIN_REPLAY_PLAN_H
#define ADMIN_REPLAY_PLAN_H

#include "pipeline/model.h"

/* What is to be replayed, and how. All is borrowed. */
struct replay_order {
    const struct weir_value *job;   /* the store's answer to jobs.show with KNOWN */
    const struct pipeline *today;   /* NULL: there is no such pipeline any more */
    const struct pipeline *was;     /* that the job ran with; NULL: unknown, or as TODAY */
    struct weir_text was_text;      /* its text; empty: not kept, or as TODAY */
    struct weir_text from;          /* "start", "failed", or the id of a step */
    bool original;                  /* with WAS */
    const struct weir_value *ack;   /* a list of steps that may act a second time; or NULL */
    const struct weir_value *outputs; /* a map: steps that count as done; or NULL */
};

struct replay_plan {
    const struct weir_value *value; /* what is shown; owned */
    const struct weir_value *keep;  /* for jobs.replay; owned; NULL: from the start */
    const char *missing_ack;        /* a step that needs an ack and has none; of the pipeline; NULL: none */
    char hash[17];
};

/* Whether a run of P that failed in FAILED, a step's id or the path of a round (empty or unknown: anywhere),
 * may have come to the step N of P. Any thread. */
bool replay_reached(const struct pipeline *p, struct weir_text failed, const struct node *n);

/* What N does by itself: what a block does, the steps in it do, which are told and acked by themselves. Any thread. */
enum weir_effect replay_effect(const struct node *n);

/* Works the plan out. WEIR_CONFLICT: it can't be, and why, with a "diff" as detail if the pipeline has
 * changed before the step; WEIR_INVALID: a step that there isn't. */
enum weir_code replay_plan_make(const struct replay_order *o, struct replay_plan *ret, struct weir_error *err) MUST_USE;
void replay_plan_free(struct replay_plan *p);

#endif

/* engine/past.h - a run that is over, as far as its expressions can see it again: from the event, the outputs that
 * are kept, and the pipeline as it was. What can't be had so is told, and why.
 *
 * The shard's thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ENGINE_PAST_H
#define ENGINE_PAST_H

#include "engine/given.h"
#include "engine/job.h"

/* What is known of a step's output. */
enum have { HAVE_NOT, HAVE_IT, HAVE_LOST };

/* A run as it was, as far as expressions can see it again. */
struct past {
    struct given_scope s; /* first: what its env points to */
    struct run run;
    struct flow flow;
    struct job job;
    struct pipeline *own;     /* of an older text; owned; NULL: today's is the same */
    const struct pipeline *p; /* NULL: it can't be had */
    const char *why;          /* then, or if there is no event */
    enum have *have;          /* by the node's index */
    const struct node *at;    /* whose options are worked out */
    enum weir_code (*find)(struct expr_env *env, const struct expr_path *path, struct weir_value *ret, unsigned *used,
                           struct weir_error *err);
    char lost[256]; /* the text of s.why, if it is about a step */
};

/* What is known of the run of the job OF, an answer of the store to jobs.show with its definition. Its P is NULL if
 * that is nothing. */
struct past *past_new(struct weir_shard *s, const struct weir_value *of);

/* Frees. */
void past_free(struct past **p);

/* Sets P to the attempt of that number of OF, the latest one if it is 0. */
void past_go_to(struct past *p, const struct weir_value *of, uint64_t attempt);

/* The node of a step's path or id; NULL: the pipeline has none such. */
const struct node *past_node(const struct past *p, struct weir_text path);

/* What flowed into N; *RET is owned. Returns NULL, or why it is not known. */
const char *past_input(struct past *p, const struct node *n, const struct weir_value **ret);

/* That the output of N is not kept. */
const char *past_lost(struct past *p, const struct node *n);

#endif

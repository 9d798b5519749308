/* cli/way.h - what is known of each step of a job.
 *
 * The steps are those of the pipeline as it is loaded now. What each came to is told by the
 * trace of the last attempt, and by the records of steps that the store keeps.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLI_WAY_H
#define CLI_WAY_H

#include "author/graph.h"
#include "cli/args.h"

/* One step of the pipeline. */
struct way_step {
    struct weir_text id;
    struct weir_text type;
    int in; /* the step in whose block it stands; -1: none */
    enum step_mark mark;
    unsigned times;                  /* records of it: rounds of a loop */
    const struct weir_value *output; /* the last one; borrowed; NULL: not kept */
    double bytes;                    /* of an output that was too large to be kept */
    double until_ms;                 /* of one that waits */
    double tries;                    /* of its latest time; 0: not known */
    double took_ms;                  /* its latest try; -1: not known */
};

/* The way of a job; its texts belong to the job and to the pipeline that it holds. */
struct way {
    struct way_step *steps; /* owned */
    unsigned n;
    struct weir_text failed; /* the step in which the job failed */
    struct weir_text message;
    bool known;                        /* something is known of single steps */
    const struct weir_value *pipeline; /* as it is now; owned; NULL: there is none any more */
};

/* Finds the way of JOB (an answer to jobs.show), which must outlive it. Asks the running weir
 * that the options of A name for the pipeline. */
void way_init(struct way *w, const struct args *a, const struct weir_value *job);
void way_fini(struct way *w);

/* Why nothing is known of the single steps of JOB: a sentence without its end. */
const char *way_unknown(const struct weir_value *job);

/* The step of that id; NULL if there is none. */
const struct way_step *way_find(const struct way *w, struct weir_text id);

#endif

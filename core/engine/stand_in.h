/* engine/stand_in.h - in tests of pipelines: who answers in place of upstreams and steps, and is told of
 * all that happens.
 *
 * A shard that has one reaches nothing outside of the process: requests and steps that nobody stands in
 * for fail.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ENGINE_STAND_IN_H
#define ENGINE_STAND_IN_H

#include "abi/weir.h"

/* Which step, and how often it is tried for its run. */
struct stand_in_step {
    const char *pipeline;
    const char *id;
    bool id_given; /* by the author; else derived from the place */
    uint32_t attempt;
    const char *type;
    bool repeated; /* it did not run: its answer is that of an earlier attempt of the job */
};

/* An answer; all values are the engine's then. */
struct stand_in_answer {
    const struct weir_value *output; /* of a step */
    uint32_t status;                 /* of an upstream, with HEADERS (a map, or NULL) and BODY (bytes) */
    const struct weir_value *headers;
    const struct weir_value *body;
    struct weir_error error; /* code other than 0: this instead */
    uint64_t delay_ms;
    bool never; /* the deadline will end it */
};

struct stand_in {
    void *arg;
    /* Whether somebody stands in for the step; it does not run then. */
    bool (*step)(void *arg, const struct stand_in_step *s, struct stand_in_answer *ret);
    /* The step sends a request. */
    void (*http)(void *arg, const struct stand_in_step *s, const struct weir_http_request *r, struct stand_in_answer *ret);
    /* An attempt of a step is over: OUTPUT, or ERR if it is NULL; both are lent. */
    void (*ended)(void *arg, const struct stand_in_step *s, const struct weir_value *output, const struct weir_error *err);
    /* A run is over: ERR NULL, it completed. */
    void (*over)(void *arg, const struct weir_error *err);
};

/* IN, which has to live as long as S, stands in from now on. The shard's thread. */
void engine_stand_in(struct weir_shard *s, const struct stand_in *in);

struct trigger_unit;
/* The first trigger of the pipeline NAME that takes no requests. NULL: there is none. */
struct trigger_unit *engine_trigger_of_events(struct weir_shard *s, const char *name);

/* Whether something goes on on S that no clock of its own tells of: with the store. */
bool engine_waits(struct weir_shard *s);

#endif

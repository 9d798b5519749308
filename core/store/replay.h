/* store/replay.h - a job's event once more, as a new job: whether it may be, and making it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STORE_REPLAY_H
#define STORE_REPLAY_H

#include "store/impl.h"
#include "store/job.h"

/* A job that is there, as far as orders to it go. */
struct source {
    uint8_t id[JOB_ID];
    char name[ID_UUID]; /* the id as text */
    int64_t seq;
    unsigned state;
    bool cancelling; /* it runs, and is to be cancelled */
    bool superseded; /* it was replayed: */
    uint8_t by[JOB_ID];
    bool replays; /* it is a replay itself: */
    uint8_t of[JOB_ID];
};

/* Finds the job ID; false: there is none. */
bool source_find(struct db *db, const uint8_t id[JOB_ID], struct source *ret);

/* Whether SRC may run again. WEIR_CONFLICT: it is not over, was replayed, or its event is not
 * kept; WEIR_UNAVAILABLE: the file has no room. FORCE: it may be completed. */
enum weir_code replay_check(struct writing *w, const struct source *src, bool force,
                            struct weir_error *err) MUST_USE;

/* How an event runs again. */
struct replay_how {
    /* Steps whose records the new job takes over, with what their nodes chose: a list of ids; NULL:
     * none of them, it runs from the start. */
    const struct weir_value *keep;
    const struct weir_value *outputs; /* a map: steps that count as done, with these; or NULL */
    struct weir_text revision;        /* of the pipeline that it runs with; empty: today's */
    bool new_keys;                    /* its idempotency keys are not those of SRC */
};

/* Makes the new job of SRC and notes it there; its id, as bytes and as text. */
void replay_write(struct writing *w, const struct source *src, const struct replay_how *how,
                  uint8_t ret_id[JOB_ID], char ret_name[ID_UUID]);

#endif

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

/* Makes the new job of SRC and notes it there; its id, as bytes and as text. */
void replay_write(struct writing *w, const struct source *src, uint8_t ret_id[JOB_ID],
                  char ret_name[ID_UUID]);

#endif

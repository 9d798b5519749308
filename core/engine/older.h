/* engine/older.h - pipelines as they were: a job that has begun goes on with what it began with.
 *
 * Their texts are in the store, noted when a generation comes into force. A shard that claims a job
 * of another revision than today's has it made: the text is read, the main thread makes a generation
 * of it, and the shard its part. Some stay for the next job; those that nobody uses go.
 *
 * All functions: the shard's thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ENGINE_OLDER_H
#define ENGINE_OLDER_H

#include "engine/run.h"
#include "store/jobs.h"

/* Notes the texts of G, which is in force from now on. */
void older_note(struct engine *e, const struct generation *g);

/* Another generation is in force: jobs that come from now on have theirs made anew, with what is
 * true now of secrets and of what was not kept. Those that run keep what they have. */
void olders_renew(struct engine *e);

/* Starts C, which is taken, with its own revision, now or later: job_start, or it is dead if that is
 * not kept or does not load. If there is a moment's trouble it goes back to the store, due in some
 * seconds. */
void older_start(struct engine *e, struct job_claimed *c);

/* Ends the job ID as cancelled if it waits for its revision; false: it does not. WHY is a constant. */
bool older_cancel(struct engine *e, const char *id, const char *why);

/* Jobs that wait for theirs are given back to the store. */
void olders_give_back(struct engine *e);

/* The same, and all are forgotten. */
void olders_end(struct engine *e);

#endif

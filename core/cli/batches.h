/* cli/batches.h - what weir replay and weir batches have in common.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLI_BATCHES_H
#define CLI_BATCHES_H

#include <stdint.h>

#include "base/buf.h"
#include "cli/args.h"
#include "value/value.h"

/* weir replay plan, weir replay run (with --wait: for at most LONGEST_MS): what they end with.
 */
int replay_plan(const struct args *a);
int replay_run(const struct args *a, uint64_t longest_ms);

/* weir replay ID and weir replay plan ID: what they end with. */
int replay_one(const struct args *a, const char *id, uint64_t longest_ms);
int replay_one_plan(const struct args *a, const char *id);

/* Appends the member "ack" to the object that B is in, which has another before, if there is --ack. */
void replay_put_acks(const struct args *a, struct buf *b);

/* Prints the steps of PIPELINE with that effect, after WHAT; nothing if there are none. */
void replay_print_steps(const struct weir_value *pipeline, const char *effect,
                        const char *what);

/* Whether somebody is there to be asked; and asks: true if the answer is yes, or nobody is. */
bool replay_asks(const struct args *a);
bool replay_agreed(const struct args *a, const char *question);

/* Shows how the batch ID goes on until it does no more. EXIT_GOOD if all its replays completed.
 */
int batch_wait(const struct args *a, const char *id, uint64_t longest_ms);

/* Says what the replay of JOB will do with WHAT ("Its event"). False after saying why it can't be. */
bool replay_say(const struct args *a, const struct weir_value *job, const char *what);

/* Waits until the job ID is over, for at most LONGEST_MS, and shows its states. EXIT_GOOD if it is
 * completed. */
int replay_wait(const struct args *a, const char *id, uint64_t longest_ms);

/* Shows ANSWER, which is about the job that a replay made, and gives it back; with --wait the same as
 * replay_wait. */
int replay_made(const struct args *a, const struct weir_value *answer, uint64_t longest_ms);

#endif

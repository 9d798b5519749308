/* engine/once.h - events that come again, of pipelines that are not durable: the first one's answer
 * is given to the others.
 *
 * What is known is in the memory of this process, for all shards and generations: a restart
 * forgets it. It is cut into parts, each with its mutex; nothing waits or calls back while one is
 * held. A key whose first event runs is never forgotten; of the others those go first that were
 * used longest ago, when there are too many or they take too many bytes.
 *
 * Where several gateways share a Redis the first one here asks there as well: once_claim.h.
 *
 * A run that failed has its key freed: its sender may try again. Who waited for it gets its answer.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ENGINE_ONCE_H
#define ENGINE_ONCE_H

#include "engine/once_claim.h"

struct once_entry;
struct once_waiter;

/* How long the idempotency key of E holds, by its pipeline or by its trigger; 0: it has none. */
uint64_t once_ttl(const struct weir_event *e);

/* The key that E's pipeline asks for, or that its trigger gave it, and what has to be the same of events with that key: digests,
 * of which ONCE_BYTES count. False: it asks for none, or E has none (ERR: the expression failed). */
bool once_key(struct weir_event *e, uint8_t *key, uint8_t *content, struct weir_error *err);

/* How many bytes all that is remembered may take. Before the first event. */
void once_configure(uint64_t max_bytes);

/* Whether E goes on: it is the first one of its key, or has none. Else it waits for the first one's answer (and
 * may be offered once more then) or for other gateways (then once_decided comes), or *RET_ANSWERED: it was
 * answered, and the caller lets go of it. */
bool once_enter(struct weir_event *e, bool *ret_answered);

/* What came of claim_ask (once_claim.h) for E, the first one here: it goes on, or is answered and let go of.
 * ANSWER, of CLAIM_AGAIN, is as job_answer.c has it (empty: none was kept) and holds for LEFT_MS more. */
void once_decided(struct weir_event *e, enum claim_verdict v, struct weir_text answer, uint64_t left_ms);

/* E, which was let in, is answered by R. */
void once_answered(struct weir_event *e, const struct event_reply *r);

/* E is over. GOOD: its key is kept with its answer; else the next one with that key is the first. */
void once_end(struct weir_event *e, bool good);

/* E does not wait any more: its caller went away. False if it does not wait. */
bool once_forget(struct weir_event *e);

/* Refuses all that wait on this shard. */
void once_refuse_all(struct engine *e);

/* What was on its way to this shard when that began to end has arrived when this returns. */
void once_settle(struct engine *e);

/* For metrics; any thread. */
struct once_usage {
    uint64_t entries;
    uint64_t bytes;
    uint64_t waiting;   /* events */
    uint64_t forgotten; /* that made room before their time */
};
void once_usage(struct once_usage *ret);

/* Forgets all, at the end of the process: no shard is left. */
void once_free(void);

#endif

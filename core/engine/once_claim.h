/* engine/once_claim.h - idempotency keys that several gateways share: who works on one says so in a Redis.
 *
 * The first event of a key in this process (once.h) claims the key there before it goes on: a claim is a
 * lease, which is renewed while the event is worked on, so that what a gateway that died has begun may
 * be begun anew soon. What was answered takes the claim's place for as long as the key holds; what came to
 * nothing is taken away. An event whose key another gateway has waits for the answer there, or is refused,
 * as within one process.
 *
 * Without its Redis a pipeline goes on with what this process knows (on_store_error: open), or refuses
 * (closed). All is the shard's; the memory of a claim is its own, since its last command outlives the event.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ENGINE_ONCE_CLAIM_H
#define ENGINE_ONCE_CLAIM_H

#include "engine/run.h"

#define ONCE_BYTES 16 /* of a key, of a content: digests */

struct once_claim;

/* What is counted in weir_idempotency_store_total. */
#define CLAIM_VERDICTS(X)                                                                        \
    X(FIRST, "first")     /* the key is this gateway's */                                        \
    X(AGAIN, "again")     /* it was worked on before */                                          \
    X(CONTENT, "content") /* ... with another content */                                         \
    X(RUNS, "running")    /* another gateway works on it, and nobody waits for that */           \
    X(OPEN, "open")       /* Redis was away: it is worked on */                                  \
    X(CLOSED, "closed")   /* ... or refused */                                                   \
    X(LOST, "lost")       /* the claim or the answer could not be kept there: no verdict */

enum claim_verdict {
#define X(name, text) CLAIM_##name,
    CLAIM_VERDICTS(X)
#undef X
};

/* Whether other gateways have to be asked for the idempotency key of E, if it has one. */
bool claim_wanted(const struct weir_event *e);

/* Asks for KEY and CONTENT (ONCE_BYTES each) of E, the first one here: once_decided is called later, never
 * in here, unless E is forgotten. False: too many are asked for. */
bool claim_ask(struct weir_event *e, const uint8_t *key, const uint8_t *content);

/* Nobody waits for the answer of claim_ask any more; E keeps its claim for claim_end. False if E does not
 * wait for one. */
bool claim_forget(struct weir_event *e);

/* E is a job of the store: whatever becomes of it here, another gateway gets ANSWER (msgpack, as
 * job_answer.c has it) from now on. Nothing happens if E has no claim. */
void claim_commit(struct weir_event *e, struct weir_text answer);

/* E is over, and its claim not E's any more. GOOD: ANSWER is kept (empty: there is none to keep); else the
 * key is free, unless E was committed. Nothing happens if E has no claim. */
void claim_end(struct weir_event *e, bool good, struct weir_text answer);

/* An event of this shard that waits for another gateway; NULL: none. */
struct weir_event *claim_waiting(const struct engine *e);

/* The last commands of claims are not waited for any more: the shard ends. No event has a claim. */
void claims_free(struct engine *e);

#endif

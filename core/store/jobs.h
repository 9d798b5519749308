/* store/jobs.h - jobs as the store keeps them: states, and the operations of shards on them.
 *
 * A job is an accepted event with its attempts. A state is changed only here; each change is
 * checked against the state that the job has in the store, and an owner's token, so that a late
 * writer changes nothing.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STORE_JOBS_H
#define STORE_JOBS_H

#include "base/id.h"
#include "store/store.h"

/* name, number, word. The numbers are in the file: append only. */
#define JOB_STATES(X)                                                                   \
    X(SCHEDULED, 1, "scheduled") /* for a later time */                                 \
    X(READY, 2, "ready")         /* for the next free place */                          \
    X(HELD, 3, "held")           /* its pipeline or key is paused */                    \
    X(RUNNING, 4, "running")     /* an attempt is under way */                          \
    X(WAITING, 5, "waiting")     /* inside the flow, for a time or a callback */        \
    X(RETRYABLE, 6, "retryable") /* an attempt failed, the next one is due at a time */ \
    X(COMPLETED, 7, "completed")                                                        \
    X(DEAD, 8, "dead")                                                                  \
    X(CANCELLED, 9, "cancelled")                                                        \
    X(DISCARDED, 10, "discarded")                                                       \
    X(BLOCKED, 11, "blocked")    /* another job of its order key comes first */

enum job_state {
#define X(name, number, word) JOB_##name = number,
    JOB_STATES(X)
#undef X
};

/* Why a job is dead. */
#define JOB_REASONS(X)                                                                        \
    X(EXHAUSTED, 1, "exhausted")         /* its attempts are used up */                       \
    X(UNRECOVERABLE, 2, "unrecoverable") /* trying again can't help */                        \
    X(TIMEOUT, 3, "timeout")                                                                  \
    X(CRASH_LOOP, 4, "crash loop")         /* it took the process down too often */           \
    X(UNKNOWN_EFFECT, 5, "unknown effect") /* an unsafe step was cut in the middle */         \
    X(DIVERGED, 6, "diverged")             /* another way through the pipeline than before */ \
    X(DEFINITION_GONE, 7, "definition gone") /* there is no such pipeline any more */

enum job_reason {
#define X(name, number, word) JOB_##name##_REASON = number,
    JOB_REASONS(X)
#undef X
};

/* The word of a state or reason ("dead"); "?" for an unknown one. Any thread. */
const char *job_state_word(unsigned state);
const char *job_reason_word(unsigned reason);
/* The state of a word; 0 if there is none. */
unsigned job_state_find(struct weir_text word);

/* How an attempt ended, or a step. Texts are borrowed. */
struct job_failure {
    uint32_t code;         /* enum weir_code; 0: it did not fail */
    struct weir_text node; /* empty: the run as a whole */
    struct weir_text message;
};

/* A failure that is told of: no job has become dead so before, or none for a while. */
struct job_incident {
    bool is;
    unsigned alike;       /* dead jobs that failed so and were not replayed, this one too; to 1000 */
    char fingerprint[17]; /* with NUL */
};

/* What happens to an event that comes again while the first one's attempt runs. */
enum once_running {
    ONCE_TELL,  /* DONE comes at once */
    ONCE_WAIT,  /* DONE comes when the attempt is over */
    ONCE_REFUSE /* WEIR_CONFLICT */
};

/* A new job: STORE_ACCEPT. It is RUNNING at once, as the first attempt of the shard that hands
 * it in, or waits as READY or SCHEDULED, or is DEAD already (a run that was not durable). */
struct job_accept {
    struct store_op op;
    char id[ID_UUID]; /* a UUID version 7 with NUL, made by the caller */
    enum job_state state;
    bool waits; /* a RUNNING one has no place yet: STORE_BEGIN follows; until then a crash does not count */
    struct weir_text pipeline;
    struct weir_text revision; /* of the pipeline's file; kept if it runs or has run */
    struct weir_text event;    /* msgpack; all bytes are the caller's */
    struct weir_text key;      /* of its concurrency; may be empty */
    /* An event that comes again makes no job: JOB_ONCE bytes that stand for its idempotency
     * key, and that many for what must be the same then (else WEIR_INVALID). NULL: it has
     * none. */
    const uint8_t *once;
    const uint8_t *content;
    uint64_t once_until_ms; /* wall */
    enum once_running once_running;
    struct weir_text order_key; /* jobs of one run one after another; empty: it has none */
    bool order_hold;            /* if it dies the others wait until it is replayed or discarded */
    int64_t seq;  /* set: its number in the store, for its end */
    bool blocked; /* set: it is not the first one of its order key, and waits as BLOCKED */
    bool held; /* set: its pipeline or key is paused, and it waits as HELD, not in STATE */
    bool repeated;          /* set: there is a first one, and nothing was stored */
    char first[ID_UUID];    /* set then: its id */
    enum job_state first_state;
    struct weir_text first_result; /* msgpack; freed by job_accept_free */
    uint64_t created_ms;       /* wall */
    uint64_t due_ms;           /* wall; of a SCHEDULED one */
    /* of a DEAD one */
    enum job_reason reason;
    struct job_failure failure;
    struct weir_text trace; /* msgpack: what its attempt did; may be empty */
    uint64_t started_ms;
    uint64_t ended_ms;
    uint64_t keep_ms; /* how long it is kept, if it is DEAD; 0: as the store says */
    uint64_t payload_keep_ms; /* the same for what it holds; 0: as long as the job */
    struct job_incident incident; /* set of a DEAD one */
};

#define JOB_ONCE 16

/* Frees what DONE was given. */
void job_accept_free(struct job_accept *a);

/* A RUNNING job that waited in memory has its place and begins: STORE_BEGIN. WEIR_CONFLICT: it does not wait
 * any more. */
struct job_begin {
    struct store_op op;
    char id[ID_UUID];
    bool held; /* set: its pipeline or key is paused by now; it is HELD and does not begin */
};

/* What a record says of its step: name, number, word. The numbers are in the file: append only. */
#define RECORD_KINDS(X)                                                               \
    X(OVER, 0, "over")     /* finished, with an output or a failure */                \
    X(BEGUN, 1, "begun")   /* an unsafe one, and nothing known of its end */          \
    X(WAITS, 2, "waiting") /* for a time or a callback */                             \
    X(CHOSE, 3, "chose")   /* no step: which block a node ran, or what its if: gave */

enum record_kind {
#define X(name, number, word) RECORD_##name = number,
    RECORD_KINDS(X)
#undef X
};

#define JOB_TOKEN 33 /* characters of a wait's token and the NUL */

/* A choice that comes with the next record. */
struct job_choice {
    struct job_choice *next;
    struct weir_text path; /* "route?0": the first block that route ran; "clean?if" */
    struct weir_text output; /* msgpack: an integer */
};

/* The record of a step: STORE_STEP. */
struct job_step {
    struct store_op op;
    char id[ID_UUID];
    uint32_t attempt;           /* of the job: fences off a late writer (WEIR_CONFLICT) */
    struct weir_text path;      /* the step and the iterations around it: its key */
    enum record_kind kind;
    uint64_t at_ms;             /* wall */
    uint64_t started_ms;        /* wall: when its latest try began; 0: unknown */
    uint32_t tries;             /* 0: none has begun */
    uint32_t effect;            /* enum weir_effect */
    uint64_t until_ms;          /* of WAITS: wall */
    const char *token;          /* of WAITS for a callback: what it has to bring; else NULL */
    const struct job_choice *choices; /* since the record before; borrowed */
    struct job_failure failure; /* of a finished one */
    struct weir_text output;    /* msgpack */
    struct weir_text revision;  /* that the job runs with, if it has none yet; may be empty */
};

/* The end of an attempt: STORE_FINISH. WEIR_CONFLICT: the job has another attempt by now. READY
 * gives a job back as if the attempt had not been: it does not count; nor does an UNTRIED one, or one that
 * comes to a wait, which goes on with the same number. A callback that has come meanwhile makes the job
 * due at once. */
struct job_finish {
    struct store_op op;
    char id[ID_UUID];
    int64_t seq; /* its number, from accept or claim; 0: it is looked for by ID */
    uint32_t attempt;
    enum job_state state;   /* COMPLETED, DEAD, RETRYABLE, CANCELLED, WAITING, or READY: not begun */
    enum job_reason reason; /* of DEAD */
    bool untried;           /* of RETRYABLE: the attempt does not count */
    uint64_t due_ms;        /* wall; of RETRYABLE and WAITING; of READY: 0 keeps its place */
    uint64_t started_ms;
    uint64_t ended_ms;
    struct job_failure failure;
    struct weir_text trace;    /* msgpack; may be empty */
    struct weir_text result;   /* msgpack: what was answered; may be empty */
    struct weir_text revision; /* that the job ran with, if it has none yet; may be empty */
    bool keep_steps;          /* of COMPLETED: the records of its steps stay as long as what it holds */
    uint64_t keep_ms;         /* how long it is kept from now on; 0: as the store says */
    uint64_t keep_least_ms;   /* but not shorter than this */
    uint64_t payload_keep_ms; /* the same for what it holds; 0: as long as the job */
    struct job_incident incident; /* set of a DEAD one */
};

/* A step record as a claimed job brings it. */
struct job_record {
    struct job_record *next;
    struct weir_text path;
    enum record_kind kind;
    uint64_t at_ms;
    uint64_t until_ms;       /* of a wait */
    struct weir_text token;  /* of a wait for a callback, also of one that is over; else empty */
    uint32_t code;           /* of its failure; 0: none */
    struct weir_text message;
    struct weir_text output; /* msgpack; of a failed one as the caller wants it */
};

/* A job that the caller has to run now. */
struct job_claimed {
    struct job_claimed *next;
    char id[ID_UUID];
    int64_t seq;      /* its number in the store, for its end */
    uint32_t attempt; /* the one that begins, from 1 */
    uint32_t crashes;
    uint64_t created_ms;
    struct weir_text pipeline;
    struct weir_text key; /* of its concurrency, from when it was accepted; may be empty */
    bool placed; /* it has a place under KEY, which is whose the job is */
    struct weir_text revision; /* that its first attempt ran with; empty: none ran yet */
    struct weir_text event;
    struct weir_text replay_of; /* a job's id; empty: it is no replay */
    struct weir_text root;      /* the first job with that event; empty: it is the first itself */
    struct job_record *records; /* of its steps, oldest first */
};

/* Whether a job may begin. */
enum enter_answer {
    ENTER_FREE,   /* yes: it needs no place */
    ENTER_PLACED, /* yes: it has a place now, which has to be left */
    ENTER_CLOSED, /* no: there is none for its key */
    ENTER_FULL    /* no, nor may any other of its pipeline */
};

/* Who has the places. Both are called on the store's thread. */
struct claim_gate {
    enum enter_answer (*enter)(struct weir_text pipeline, struct weir_text key);
    /* The job was not claimed after all. True: the place is free, and was refused to another one. */
    bool (*leave)(struct weir_text pipeline, struct weir_text key);
};

/* Takes up to MAX jobs that are due and find a place, oldest first, and makes them RUNNING: STORE_CLAIM. A job
 * that was cut by a second crash is claimed only while no other such one runs: then the next crash shows
 * whose fault it is. */
struct job_claim {
    struct store_op op;
    unsigned max;
    const struct claim_gate *gate; /* NULL: none needs a place */
    const struct weir_text *skip; /* pipelines of which none is wanted; borrowed */
    unsigned n_skip;
    struct job_claimed *jobs; /* set when DONE is called; free by job_claim_free */
    unsigned n;
};

/* Frees one job of a claim; NULL is left. */
void job_claimed_free(struct job_claimed **job);

/* Frees the jobs that a claim brought. */
void job_claim_free(struct job_claim *c);

#endif

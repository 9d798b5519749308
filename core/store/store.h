/* store/store.h - the journal: what has to outlive a crash, on SQLite, written by one thread.
 *
 * Shards hand in operations and go on; the writer takes all that came while its last commit was
 * on the way into the next one (group commit), and each operation is told on its shard after
 * the commit that holds it, never before. A commit is on the disk: WAL, synchronous=FULL. What
 * operators ask is answered by a thread of its own on a connection that only reads, so that it
 * delays no commit.
 *
 * One process has a store at a time: the file is locked.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/list.h"
#include "loop/shard.h"
#include "value/value.h"

struct store;

/* How long jobs are kept that are over; what is 0 has no limit. */
struct store_keep {
    uint64_t completed_ms;
    uint64_t cancelled_ms;
    uint64_t discarded_ms;
    uint64_t dead_ms;
    uint64_t audit_ms;
    uint64_t batches_ms; /* of replays */
    uint64_t jobs;             /* of all that are over: the oldest completed ones go first */
    uint64_t bytes;            /* of their payloads: the same */
    uint64_t look_ms;          /* how often is looked at least; 0: 10 s */
    uint64_t (*wall_ms)(void); /* the clock of all this; NULL: the wall's */
};

struct store_config {
    const char *url;      /* "sqlite:PATH"; folders of PATH are made */
    uint64_t max_waiting; /* bytes of operations that wait for a commit; 0: 64 MiB */
    uint64_t max_size;    /* bytes of the file, beyond which new jobs are refused; 0: none */
    unsigned crashes_max; /* how often a job may take its process down with it; 0: 5 */
    bool from_outside;    /* the process before was ended by something else than its work, as far as anybody saw */
    struct store_keep keep;
    uint64_t incident_ms; /* how long a failure has to be silent to be told of again; 0: 1 h */
};

/* Opens, migrates and locks the store, takes up what a crash left behind (a job that ran
 * becomes ready again, or dead: jobs.h), and starts its threads. WEIR_CONFLICT: another process
 * has it; WEIR_INVALID: the URL, a newer schema, or no database; WEIR_UNAVAILABLE: the disk.
 * Main thread. */
enum weir_code store_open(const struct store_config *config, struct store **ret,
                          struct weir_error *err) MUST_USE;

/* Commits what is waiting, ends the threads, closes. Nothing may be submitted any more, and the
 * shards of operations that are not told yet must still be there. NULL is accepted and left. */
void store_close(struct store **s);

/* Waits until every operation that was submitted before is committed (or failed) and posted to
 * its shard. Any thread but the store's own; blocks. */
void store_sync(struct store *s);

/* -- operations -- */

struct store_op;

/* The operation is committed (ERR NULL), or failed and nothing of it is stored:
 * WEIR_UNAVAILABLE (the disk), or what its kind says. Called once on OP's shard; OP is the
 * caller's again. */
typedef void store_done_fn(struct store_op *op, const struct weir_error *err);

enum store_kind {
    STORE_ACCEPT, /* struct job_accept */
    STORE_CLAIM,  /* struct job_claim */
    STORE_BEGIN,  /* struct job_begin */
    STORE_STEP,   /* struct job_step */
    STORE_FINISH, /* struct job_finish */
    STORE_ASK     /* struct store_ask */
};

/* The head of each operation. The caller fills SHARD, DONE and KIND and keeps the memory, and
 * all that it points to, until DONE. */
struct store_op {
    struct list link;
    struct weir_shard *shard;
    store_done_fn *done;
    enum store_kind kind;
    bool barred;   /* internal: its commit would fail because of it */
    uint32_t code; /* internal: how it ended */
    size_t bytes;  /* internal: what it counts as in the queue */
    char *text;    /* internal: the error's text; owned by the store */
    bool parked;   /* internal: it waits for the end of a job */
};

/* Hands OP in. WEIR_UNAVAILABLE, and DONE is not called, if too much is waiting (only a
 * STORE_ACCEPT and a STORE_ASK are refused so: what is accepted has to be able to end) or the
 * store is closing. OP's shard's thread. */
enum weir_code store_submit(struct store *s, struct store_op *op,
                            struct weir_error *err) MUST_USE;

/* Who waits for the end of a job (ONCE_WAIT) is told now, WEIR_UNAVAILABLE, and nobody
 * waits from now on: the process ends. Any thread. */
void store_unpark(struct store *s);

/* The process ends and has waited long enough for the disk: what can't be written from now on
 * fails, and is not tried again. Any thread. */
void store_give_up(struct store *s);

/* A question or a command of an operator. */
struct store_ask {
    struct store_op op;            /* kind STORE_ASK */
    const char *what;              /* "jobs.list": asks.h has all */
    const struct weir_value *with; /* a map of parameters; borrowed */
    /* JOB (members of jobs.list, or an event alone) as who asks may see it, owned by the caller. A where is worked
     * out on that: on what is stored, it would tell what is hidden. NULL: as it is stored. Any thread. */
    const struct weir_value *(*shown)(void *arg, const struct weir_value *job);
    void *shown_arg;
    const struct weir_value
        *answer; /* set when DONE is called without an error; the caller's */
    bool cancels;       /* internal: a job that runs is to be cancelled: */
    uint8_t cancel[16]; /* internal: its identity */
    int64_t batch;      /* internal: the number of a batch that is being made; 0: none */
};

/* -- what others have to know -- */

/* Jobs may be there to be claimed, FN(arg) is called on S once: when one is ready now, or
 * becomes so. A second call replaces the first. OP's shard's thread. */
void store_wait(struct store *s, struct weir_shard *shard, void (*fn)(void *arg), void *arg);
/* FN is not called any more. */
void store_wait_end(struct store *s, struct weir_shard *shard);

/* A place is free that a claim did not get: jobs of PIPELINE are looked at again, and who waits is told. KEY is the
 * one that has it; may be empty. Any thread. */
void store_place_free(struct store *s, struct weir_text pipeline, struct weir_text key);

/* FN(arg, ID) is called on SHARD for each job of this process that an operator cancels while it
 * runs, on whatever shard that is. What is claimed or accepted in the same commit is told before.
 * Once a shard; SHARD's thread. */
typedef void store_cancel_fn(void *arg, const char *id);
void store_listen(struct store *s, struct weir_shard *shard, store_cancel_fn *fn, void *arg);
/* FN is not called any more. SHARD's thread. */
void store_listen_end(struct store *s, struct weir_shard *shard);

/* What is removed when it is over: name, word. */
#define STORE_REMOVED(X)                                                          \
    X(JOBS, "jobs")         /* with all that belongs to them */                   \
    X(PAYLOADS, "payloads") /* of jobs that stay: event, result, steps, traces */ \
    X(KEYS, "keys")         /* idempotency keys */                                \
    X(AUDIT, "audit")       /* its entries */                                     \
    X(BATCHES, "batches")   /* of replays, with their items */                    \
    X(MARKS, "marks")       /* numbers under names */

enum store_removal {
#define X(name, word) STORE_REMOVED_##name,
    STORE_REMOVED(X)
#undef X
        STORE_REMOVALS
};

/* Upper bounds of histograms: of what a commit took, in seconds, and of how many operations were in it. */
#define STORE_COMMIT_BOUNDS 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5
#define STORE_BATCH_BOUNDS 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096
enum { STORE_N_COMMIT_BOUNDS = 14, STORE_N_BATCH_BOUNDS = 13 };

/* For metrics; any thread. */
struct store_stats {
    uint64_t commits;
    uint64_t operations; /* that were committed */
    uint64_t failures;   /* commits that failed */
    uint64_t waiting;    /* operations that wait */
    uint64_t waiting_bytes;
    uint64_t commit_ns; /* all commits together */
    uint64_t replays;   /* that were made */
    uint64_t batch_max;
    uint64_t commits_by_ns[STORE_N_COMMIT_BOUNDS + 1]; /* how many took so long: STORE_COMMIT_BOUNDS */
    uint64_t batches_by_size[STORE_N_BATCH_BOUNDS + 1]; /* the same: STORE_BATCH_BOUNDS */
    uint64_t file_bytes; /* of the database with its WAL */
    uint64_t jobs[16];   /* by enum job_state: how many there are */
    uint64_t over_bytes; /* payloads of jobs that are over */
    uint64_t removed[STORE_REMOVALS];
    uint64_t removing_ns;     /* what that took, all together */
    uint64_t removing_max_ns; /* the longest piece of it */
};
void store_stats(const struct store *s, struct store_stats *ret);

/* Calls FN for each pipeline and state (enum job_state) in which it has jobs, or had some since the start; of more than
 * 255 pipelines the others come together, as "other". Any thread; FN is quick. */
typedef void store_jobs_fn(void *arg, struct weir_text pipeline, unsigned state, uint64_t n);
void store_jobs(const struct store *s, store_jobs_fn *fn, void *arg);

/* Calls FN for each pipeline with jobs that wait for a place or a time (256 at most), with for how long the oldest
 * one has been due, 0 if none is; as of a second ago. Any thread; FN is quick. */
typedef void store_oldest_fn(void *arg, struct weir_text pipeline, uint64_t age_ms);
void store_oldest(const struct store *s, store_oldest_fn *fn, void *arg);

#endif

/* store/impl.h - the store inside this room: its parts, and who has them.
 *
 * The writer's thread alone has WRITES, the reader's READS; both are used by the main thread
 * before they start and after they have ended.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STORE_IMPL_H
#define STORE_IMPL_H

#include "store/db.h"
#include "store/jobs.h"
#include "store/queue.h"

#define STORE_SCHEMA 7      /* of the file: migrate.c */
#define STORE_STATES 16     /* more than there are states */
#define STORE_FSYNC_EXIT 74 /* EX_IOERR: how the process ends when an fsync has failed */
#define STORE_EVENT_MAX \
    (512u << 20) /* bytes of an event, of a step's output; SQLite takes 1 GB */

struct store {
    char *path;     /* absolute; owned */
    int lock;       /* descriptor of PATH.lock */
    uint64_t owner; /* of the jobs that run in this process */
    uint64_t max_waiting;
    uint64_t max_size;
    unsigned crashes_max;
    bool from_outside;
    uint64_t incident_ms;
    uint64_t n_incidents; /* rows; the writer's, and a little wrong after a failed commit */
    struct db writes;
    struct db reads;
    struct queue to_write;
    struct queue to_read;
    pthread_t writer;
    pthread_t reader;
    bool writer_runs;
    bool reader_runs;
    struct list waits;        /* struct wait, under a lock of wait.c */
    struct list makings;      /* struct making of batch_make.c: the writer's */
    bool batches_due;         /* a batch wants a turn of the writer, whose this is */
    struct stuck *stuck;      /* stuck.c */
    struct keys *keys;        /* look.c */
    char suspect[ID_UUID];    /* the job that runs now and was cut often: claim.c; "": none. The writer's */
    uint64_t suspect_ms;      /* monotonic: since when */
    struct list listeners;    /* struct listener, under a lock of notice.c */
    bool given_up;            /* atomic: what can't be written is not tried again */
    bool unparked;            /* atomic: nobody waits for the end of a job any more */
    struct store_stats stats; /* atomic; the writer changes it */
    struct store_keep keep;
    struct retention *retention; /* the writer's; retention.h */
    struct oldest *oldest;       /* oldest.c */
    struct tally *tally;         /* tally.c */
    struct bulk *bulk;           /* the writer's; bulk.h */
    struct task *task;           /* the latest one; task.h */
    int64_t ahead_ms;    /* the wall clock, of the monotonic one, at the last look: step.c; 0: none was */
    int64_t ended_bytes; /* payloads of the jobs that the open transaction has ended */
};

/* What belongs to one batch of the writer. */
struct writing {
    struct store *store;
    struct db *db;
    uint64_t now_ms;             /* wall */
    bool no_room;                /* the file has its maximal size */
    bool paused;                 /* some pipeline is: pause.c */
    bool singly;                 /* each operation by itself: bulk.h */
    int64_t moved[STORE_STATES]; /* how many jobs more there are in each state */
    uint64_t removed_batches;
    uint64_t replays; /* that were made */
};

/* -- file.c, migrate.c, recover.c: opening -- */

/* Finds the path of URL, makes its folders and an empty file that only its owner may read, and
 * locks it. */
enum weir_code store_lock(struct store *s, const char *url, struct weir_error *err) MUST_USE;

/* Ends the lock. */
void store_unlock(struct store *s);

/* Brings the file to the schema of today. */
enum weir_code store_migrate(struct db *db, struct weir_error *err) MUST_USE;

/* Takes up the jobs that were running when the process before ended, and loads the counts. */
enum weir_code store_recover(struct store *s, struct weir_error *err) MUST_USE;

/* -- writer.c, reader.c: the threads -- */

/* The writer's thread, until its queue is ended and empty. ARG is the store. */
void *store_writer(void *arg);

/* The reader's thread, until its queue is ended; what is in it then is answered, too. */
void *store_reader(void *arg);

/* Makes the WAL short, if enough was written since it was made so the last time; else false. */
bool store_shorten(struct store *s);

/* If an fsync has failed, says so and ends the process: what SQLite believes to be on the disk
 * need not be there, and a second try that succeeds would prove nothing. */
void store_check_lost(const struct db *db);

/* Makes the WAL short, if it is long enough or ALL is set. */
void store_checkpoint(struct store *s, bool all);

/* -- writing.c: a transaction of the writer -- */

/* Begins one: fills W but for its store and DB. db->rc says whether it is open. */
void writing_begin(struct writing *w);

/* Adds to the figures what W has changed, now that it is committed, in NS. */
void writing_counted(const struct writing *w, uint64_t ns);

/* The same of N operations that were committed together. */
void writing_batch_counted(struct store *s, uint64_t n);

/* Commits what the store does by itself. False: nothing of it has happened; that was logged. */
bool writing_end(struct writing *w, uint64_t start_ns);

/* Writes the changes of the counts: state 0 stands for the payloads of jobs that are over. */
void store_count(struct writing *w);

/* -- writing_batch.c -- */

/* Writes BATCH without the operations that break it, which are failed; db->rc says whether it is
 * committed. */
void writing_batch(struct writing *w, struct list *batch);
/* Rolls BATCH back, and takes BROKE (may be NULL) out of further tries. */
void writing_undo(struct writing *w, struct list *batch, struct store_op *broke);

/* -- writer.c: telling -- */

/* Fails OP with ERR, or takes its failure away (NULL). */
void op_fail(struct store_op *op, const struct weir_error *err);

/* Tells all OPS on their shards, one post a shard, in order; the list is empty then. */
void store_tell(struct queue *q, struct list *ops);

/* -- job_write.c, claim.c: what operations do, on the writer's thread --
 *
 * Each returns its error before it has written anything. After an error of the connection
 * (db->rc) the result means nothing: the batch is rolled back. */

/* A job of PIPELINE goes from state FROM (0: it is new) to TO: counts it. The same of the job SEQ, whose pipeline is
 * looked up; and of one that a statement has completed which has completed() in it. */
void job_moved(struct writing *w, struct weir_text pipeline, unsigned from, unsigned to);
void job_moved_of(struct writing *w, int64_t seq, unsigned from, unsigned to);
void job_completed(struct writing *w);

/* Whether A can be stored, by what it holds and by the room there is. */
enum weir_code job_accept_check(const struct writing *w, const struct job_accept *a,
                                struct weir_error *err) MUST_USE;
/* For how long the job of F is kept; 0: as the store says. */
uint64_t job_keep_ms(const struct writing *w, const struct job_finish *f);

/* STORE_ACCEPT. */
enum weir_code job_accept_write(struct writing *w, struct job_accept *a,
                                struct weir_error *err) MUST_USE;
/* STORE_STEP. */
enum weir_code job_step_write(struct writing *w, const struct job_step *step,
                              struct weir_error *err) MUST_USE;
/* STORE_FINISH. */
enum weir_code job_finish_write(struct writing *w, struct job_finish *f,
                                struct weir_error *err) MUST_USE;
/* STORE_BEGIN. */
enum weir_code job_begin_write(struct writing *w, struct job_begin *b,
                               struct weir_error *err) MUST_USE;

/* STORE_CLAIM. */
enum weir_code job_claim_write(struct writing *w, struct job_claim *c,
                               struct weir_error *err) MUST_USE;

/* -- once.c: events that come again -- */

/* If A's key is known: sets what A is told (or parks it) and *RET_FOUND. */
enum weir_code once_find(struct writing *w, struct job_accept *a, bool *ret_found,
                         struct weir_error *err) MUST_USE;
/* Notes A's key for the job of those bytes, which was made for it. */
void once_note(struct writing *w, const struct job_accept *a, const uint8_t *id);
/* Whether A, which is parked, can be told by now; sets what it is told. */
bool once_over(struct store *s, struct job_accept *a);

/* Looks whether the wall clock was put back: then what waits for a time is due earlier. The writer's. */
void store_look_clock(struct store *s);

/* DUE_MS, which was worked out when the wall clock said SAID_MS (0: unknown), by the clock as it is now. */
uint64_t store_due(const struct writing *w, uint64_t due_ms, uint64_t said_ms);

/* The wall time at which the next job is due that waits for one and may find a place; UINT64_MAX: there is none. */
uint64_t job_next_due(struct store *s);

/* Takes back what C was given, places included, since its batch is rolled back. */
void job_claim_undo(struct store *s, struct job_claim *c);

/* The job ID does not run any more. */
void job_suspect_over(struct store *s, const char *id);

/* -- stuck.c: pipelines whose due jobs have no place. Any thread -- */

/* Owned by the caller. */
struct stuck *stuck_new(void);
/* NULL is accepted, and left. */
void stuck_free(struct stuck **s);
/* A number that changes whenever a place is freed. */
uint64_t stuck_look(struct stuck *s);
/* PIPELINE has due jobs that can't begin now, unless a place was freed since stuck_look gave LOOKED: none has a place,
 * and it is looked for one again in CLOSED_MS; or 0: who claimed wants no more of them. */
void stuck_note(struct stuck *s, struct weir_text pipeline, uint64_t looked, uint64_t closed_ms);
/* A job of PIPELINE has begun to wait, or waits for another time: it may have a place where no other has. */
void stuck_changed(struct stuck *s, struct weir_text pipeline);
/* For how many milliseconds nobody need be told of PIPELINE's jobs; CLAIMS: a claim need not look at them. 0: they
 * may begin. */
uint64_t stuck_for(struct stuck *s, struct weir_text pipeline, bool claims);

/* -- line.c: jobs of one order key -- */

/* Whether a job of that order key is not over, or holds it. */
bool line_has(struct writing *w, struct weir_text pipeline, struct weir_text key);
/* The new job SEQ stands at the end of its line. */
void line_join(struct writing *w, int64_t seq, struct weir_text key, bool hold);
/* The job SEQ is over in STATE: it leaves its line, unless it died and holds it, and the next one
 * goes on. It may stand in none. */
void line_leave(struct writing *w, int64_t seq, unsigned state);
/* The new job SEQ, a replay of SRC, would have STATE: it takes SRC's place, also if another replay of
 * the same event holds it now, or one at the end.
 * Returns the state that it has. */
unsigned line_replay(struct writing *w, int64_t src, int64_t seq, unsigned state);
/* After a crash: what is over leaves, and who is first goes on. */
void lines_settle(struct writing *w);

/* -- pause.c: pipelines and keys whose jobs are held -- */

/* Whether there are any. */
bool pause_any(struct db *db);
/* Whether jobs of PIPELINE and KEY (may be empty) are held; the same of the job SEQ. */
bool pause_has(struct writing *w, struct weir_text pipeline, struct weir_text key);
bool pause_has_job(struct writing *w, int64_t seq);
/* Holds all that waits and is paused: after a crash. */
void pauses_hold(struct writing *w);

/* -- tally.c: jobs by pipeline and state. The writer's -- */

/* Nothing is known yet; owned by the caller. */
struct tally *tally_new(void);
/* NULL is accepted, and left. */
void tally_free(struct tally **t);
/* Takes what the file has, and adds it up in the figures of S: once, before the threads start. */
void tally_load(struct store *s, struct db *db);
/* N jobs of PIPELINE go from state FROM (0: they are new) to TO (0: they are removed), if the open transaction is
 * committed. */
void tally_move(struct tally *t, struct weir_text pipeline, unsigned from, unsigned to, int64_t n);
/* Writes what the open transaction has moved, and that there are BYTES of payloads more of jobs that are over. */
void tally_write(struct tally *t, struct db *db, int64_t bytes);
/* It is committed; or was not, and nothing has moved. */
void tally_committed(struct tally *t);
void tally_clear(struct tally *t);

/* -- oldest.c -- */

/* One that nothing is known of yet. */
struct oldest *oldest_new(void);
/* Frees it; NULL is left. */
void oldest_free(struct oldest **o);
/* Looks, if something was written since; no transaction is open. Returns in how many milliseconds it is time for
 * that; UINT64_MAX: not before something is written. The writer's. */
uint64_t oldest_turn(struct store *s);

/* -- incident.c -- */

/* A job has failed for good in a way that bears FINGERPRINT: notes that, and whether it is told. */
void incident_note(struct writing *w, const char *fingerprint, struct job_incident *ret);
/* Forgets failures that have been silent for so long that they would be told of as new; false:
 * there may be more. */
bool incidents_forget(struct store *s, struct db *db, uint64_t now_ms);

/* -- batch.c -- */

/* Works on batches of replays, in a commit of its own. Returns in how many milliseconds there is
 * more to do; UINT64_MAX: there are none. No transaction is open. */
uint64_t batches_turn(struct store *s);

/* -- wait.c -- */

/* Tells the shards that wait, if a job is due. Returns for how many milliseconds nothing has to
 * be looked at again; UINT64_MAX: until something is written. The writer's thread. */
uint64_t waits_tell(struct store *s);

/* Forgets all; what was posted is not called any more. */
void waits_end(struct store *s);

/* -- notice.c -- */

/* The jobs that operations of a batch have cancelled while they run; NULL: none. */
struct cancels *cancels_take(const struct list *batch);

/* Says so to all shards that listen, and frees. The writer's thread, after the commit and when
 * the batch was told: who has one of the jobs knows of it by then. */
void cancels_tell(struct store *s, struct cancels **c);

/* Forgets all who listen. */
void listeners_end(struct store *s);

/* -- ask.c -- */

/* Answers one that only reads (W is NULL), or carries one out. */
enum weir_code ask_do(struct store *s, struct db *db, struct writing *w, struct store_ask *ask,
                      struct weir_error *err) MUST_USE;

#endif

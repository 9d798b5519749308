/* engine/job.h - durable runs: an event is in the store before anybody hears of it, and its job
 * ends there.
 *
 * A job of this shard is either new (its event came here, and its first attempt follows the commit
 * at once) or claimed (what waits in the store: retries, replays, what a crash cut, what found no
 * place). At most JOBS_MAX are under way on a shard; what comes beyond that, and has its answer
 * already, waits in the store and not in memory.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ENGINE_JOB_H
#define ENGINE_JOB_H

#include "base/map.h"
#include "engine/run.h"
#include "store/jobs.h"

#define JOBS_MAX 256u /* claimed ones under way on a shard */

struct gate;

/* The job of an event; the event's until its run, or its end. */
struct job {
    char id[ID_UUID];
    int64_t seq;           /* its number in the store */
    uint32_t attempt;      /* 0: it waits in memory for its place, and has not begun */
    bool claimed;          /* it came from there */
    bool retrying;         /* its failed attempt will be followed by another */
    bool untried;          /* and does not count: what it was to call was not called, as with an open breaker */
    bool cancelled;        /* an operator has cancelled it */
    unsigned open_unsafe;  /* unsafe steps that have begun, and nothing is known of their end */
    unsigned cut_unsafe;   /* those of them that are not awaited any more */
    uint64_t wait_ms;      /* how long after this one */
    char replay_of[ID_UUID]; /* "": it is no replay */
    char root[ID_UUID]; /* the first job with that event, which keys are derived from; "": this one */
    bool once;             /* its answer is kept, for events with the same idempotency key */
    char *answer;          /* msgpack of it: job_answer.c; owned; NULL: none yet */
    size_t answer_len;
    struct job_memory *memory;  /* what the store knows of its steps; owned; NULL: nothing */
    struct job_choice *choices; /* which the next record takes along; owned: job_choice.c */
    struct job_choice **choices_end; /* NULL: there are none */
    unsigned n_choices;
    uint64_t accepted_ms;       /* wall: what now() is before the first record */
    uint64_t due_ms;            /* of a run that is suspended: when its first wait is over */
    const char *diverged;       /* where it went another way than before; NULL: nowhere; in the event's arena */
};

/* All records of an earlier attempt. */
struct job_memory {
    struct arena arena;
    struct map by_path;      /* to struct job_known */
    struct job_known *known; /* newest first */
};

/* How a failed step may be answered later: in the output of its record. The numbers are in the file. */
enum job_failed_step {
    JOB_FAILED_UNSENT, /* it surely did nothing: it is done again */
    JOB_FAILED_SENT,   /* it may have acted, and is not safe to repeat: it fails again */
    JOB_FAILED_CAUGHT  /* until the job is tried anew, it fails again, so that its catch goes the same way */
};

/* What an earlier attempt has left of a step: its output is owned. */
struct job_known {
    struct job_known *next;
    struct weir_text path;
    enum record_kind kind; /* OVER, WAITS, CHOSE */
    uint32_t code;         /* of a failure that holds; 0: it has OUTPUT */
    struct weir_text message;
    uint64_t at_ms;
    uint64_t until_ms;              /* of a wait */
    char token[JOB_TOKEN];          /* of a wait for a callback; else "" */
    const struct weir_value *output; /* of CHOSE: an integer */
};

/* How fast a shard takes jobs up: job_pace.c. */
struct job_pace {
    int fd; /* of what the kernel says about its thread, once OPENED; -1: it says nothing */
    bool opened;
    uint64_t at_ns;   /* monotonic: the last look; 0: none yet */
    uint64_t busy_ns; /* then */
    unsigned pause_ms;
    uint64_t piece_ms; /* monotonic: the millisecond of the latest beginnings */
    uint64_t piece_ns; /* that they have taken */
};

/* The jobs of a shard. */
struct jobs {
    struct engine *engine;
    struct store *store;    /* NULL: there is none */
    unsigned n;             /* claimed ones under way */
    struct map shares;      /* of pipelines in them: job_share.c */
    unsigned kept_failed;   /* dead jobs made of runs that were not durable, this second */
    uint64_t kept_second;
    unsigned incidents;     /* that were told of, or would have been, in this minute */
    uint64_t incident_minute;
    unsigned n_ops;         /* operations that the store has not told yet */
    struct soon idle;       /* nothing is with the store any more */
    struct weir_subscription *breakers; /* to what they publish when they open */
    bool begun;
    bool waits;             /* for the store to say that there is something */
    bool claiming; /* also while those of a claim are not all begun */
    bool stopped;
    bool more;                   /* the latest claim brought as many as it could */
    bool some;                   /* it brought some */
    struct job_claimed *arrived; /* of that claim, not begun yet; owned */
    struct timer turn;           /* for the rest of them, or the next claim */
    struct job_pace pace;
};

/* Gives the engine its store; before the first generation. Jobs are claimed from jobs_begin on. */
void jobs_init(struct engine *e, struct store *store);
void jobs_begin(struct engine *e);
/* Claims more, if there is room. */
void jobs_look(struct engine *e);
/* No more jobs are claimed; what is cut from now on is given back to the store. */
void jobs_stop(struct engine *e);
/* Waits until the store has told all, and frees. No run is left. */
void jobs_free(struct engine *e);

/* Hands OP to the store; its DONE has to begin with job_op_told. */
enum weir_code job_submit(struct engine *e, struct store_op *op, struct weir_error *err) MUST_USE;
struct engine *job_op_told(const struct store_op *op);

/* Whether events of F are made durable here. */
bool job_wanted(const struct engine *e, const struct flow *f);

/* Puts E into the store and goes on when it is there. PLACED: it has its place in GATE (NULL:
 * there is none) under KEY, and takes it along. */
void job_accept(struct weir_event *e, struct gate *gate, struct weir_text key, bool placed);

/* Frees C, which has its run or gets none here, and leaves its place, if it still has one. */
void job_claimed_end(struct engine *e, struct job_claimed **c);

/* E, whose job has waited in memory, has its place in GATE: it begins once that is in the store, unless its pipeline
 * is paused by now. */
void job_begin(struct weir_event *e, struct gate *gate, struct weir_text key);

/* Starts C, which is taken, with what PART has. Before: jobs_look. */
void job_start(struct engine *e, struct job_claimed *c, struct generation_part *part);

/* If the job ID has arrived, and was not begun, begins it. */
void job_start_arrived(struct engine *e, const char *id);

/* One more claimed job of PIPELINE is under way, or one less: job_share.c. */
void job_share_add(struct jobs *j, struct weir_text pipeline);
void job_share_less(struct jobs *j, struct weir_text pipeline);
/* PIPELINE was left out of a claim: if it has its share no more, the store is told, which may not know it. */
void job_share_look(struct jobs *j, struct weir_text pipeline);
/* The pipelines that have their share: one allocation, which the caller frees; NULL: none has. */
struct weir_text *job_share_full(struct jobs *j, unsigned *ret_n);
void job_shares_end(struct jobs *j);

/* For how many milliseconds no job is claimed now, so that the share IDLE of the time stays idle. */
uint64_t job_pace_ms(struct job_pace *p, double idle);
/* A caller has come at NOW_MS, to any shard; and whether there are callers to leave time to. From any thread. */
void job_pace_call(uint64_t now_ms);
bool job_pace_called(uint64_t now_ms);
void job_pace_end(struct job_pace *p);
/* Whether one more claimed job may begin in this millisecond, for callers wait for that, and for what it brings
 * about; and that one took so long to begin. */
bool job_pace_may_begin(const struct job_pace *p, uint64_t now_ms);
void job_pace_began(struct job_pace *p, uint64_t now_ms, uint64_t took_ns);

/* C, which was not begun, goes back to the store. */
void job_return(struct engine *e, const struct job_claimed *c);

/* A claimed or accepted job that can't run now is given back: E has no run. */
void job_give_back(struct weir_event *e);

/* Ends a claimed job that can't be run at all: it is dead. */
void job_bury(struct engine *e, const struct job_claimed *c, enum job_reason reason, const char *why);

/* What follows the failed attempt of R, which is about to answer: sets job.retrying. */
void job_decide(struct run *r);

/* Whether R would be kept as a dead job if it failed with CODE; R has no job. */
bool job_may_keep(const struct run *r, uint32_t code);

/* The run is over: its job's attempt ends in the store. A failed run without a job is kept as a
 * dead one, if its pipeline and the rate allow. */
void job_finish(struct run *r);

/* Answers E's caller 202 with { job, status_url } for the job ID. */
void job_reply_accepted(struct weir_event *e, const char *id);

/* -- what operators cancel: job_cancel.c -- */

/* From now on runs of jobs end that operators cancel in the store; and no longer. */
void job_cancel_begin(struct engine *e);
void job_cancel_end(struct engine *e);

/* A step of R's job has ended that must not be cut: if nothing else keeps it, R ends now. */
void job_cancel_go_on(struct run *r);

/* The job of E is cancelled before it had a run. E stays the caller's. */
void job_cancel_waiting(struct weir_event *e, const char *why);

/* From now on batches are paused when a breaker opens that their jobs meet; and no longer. */
void job_breaker_begin(struct engine *e);
void job_breaker_end(struct engine *e);

/* -- answers that are kept: job_answer.c -- */

/* Notes what E's caller is answered, if its job wants that. */
void job_answer_note(struct weir_event *e, const struct event_reply *r);
/* R as it is kept, in MessagePack; the caller frees it. NULL: it is a stream, or too large. */
char *job_answer_pack(const struct event_reply *r, size_t *ret_len);
/* Answers E with what was noted for the first event of its key; false if BYTES hold no answer. */
bool job_answer_again(struct weir_event *e, struct weir_text bytes);

/* -- records of steps: job_step.c -- */

enum job_step_is {
    JOB_STEP_GO,    /* start it */
    JOB_STEP_KNOWN, /* an earlier attempt has finished it: FRAME has its answer, or failure */
    JOB_STEP_WAIT   /* until its start is in the store: then FRAME is walked on */
};

/* Before the first attempt of U, F's node at hand. */
enum job_step_is job_step_begin(struct frame *f, const struct unit *u);

/* Begins the record of the wait of C, for a callback if TOKEN: job_wait_opened follows. False: the
 * run is being cancelled. */
bool job_step_waits(struct weir_call *c, uint64_t until_ms, const char *token);

/* U has F's output, which has to be in the store before the next step: true, and F is walked on
 * then. */
bool job_step_end(struct frame *f, const struct unit *u);

/* U has failed for good. */
void job_step_failed(struct frame *f, const struct unit *u, const struct failure *failure);

/* F is cancelled with its node at hand: if that is an unsafe step which has begun, nobody will know
 * how it ends. */
void job_step_cut(struct frame *f);

/* F is not to be walked on any more. */
void job_step_forget(struct frame *f);

/* Notes the RECORDS of earlier attempts in J. */
void job_remember(struct job *j, const struct job_record *records);
void job_memory_free(struct job *j);

/* What is known of the step of that name; NULL: nothing. */
const struct job_known *job_known_find(const struct job *j, struct weir_text path);

/* What now() is for F's node at hand: the time of the record before it, and before the first one that
 * of the event. So it is the same in each attempt. */
uint64_t job_step_now(const struct frame *f);

/* -- choices: job_choice.c -- */

/* Whether U's if:, seen from F, may give HOLDS; the same for the TURN-th block of C's node, which is
 * to be BLOCK. False: an earlier attempt went another way, and what it did there is known. The run
 * is being cancelled then. */
bool job_choose_if(struct frame *f, const struct unit *u, bool holds);
bool job_choose_block(struct weir_call *c, uint32_t turn, uint32_t block);
/* Frees a list of choices; it is empty then. */
void job_choices_free(struct job_choice **list);

/* -- waits: job_wait.c -- */

/* wait_open and wait of the host table. */
void job_wait_open(struct weir_call *c, uint64_t until_ms, uint32_t flags, weir_answer_fn *fn, void *arg);
void job_wait(struct weir_call *c, weir_answer_fn *fn, void *arg);
/* The record of the wait of C is in the store, or can't be (ERR). */
void job_wait_opened(struct weir_call *c, const struct weir_error *err);
/* C is answered: it does not wait any more. */
void job_wait_forget(struct weir_call *c);
/* A frame of R stands still: lets go of R if all of it does. */
void job_wait_look(struct run *r);

/* Answers a request for a callback: POST /_weir/wait/JOB/TOKEN, of which BELOW is what follows
 * /_weir/wait/. */
void job_callback(struct weir_event *e, struct weir_text below);

/* The next uuid() of F's node at hand: the same in each attempt of the job. */
void job_step_uuid(struct frame *f, char ret[ID_UUID]);

/* The id that keys are derived from: that of the first job of a chain of replays, or of the last one
 * whose event was edited. */
const char *job_root(const struct run *r);

/* The name of a step of a run: its id and the iterations around it, the same in all attempts. Returns the
 * length. */
size_t job_step_path(const struct frame *f, const struct unit *u, char *ret, size_t size);
/* The same for its record: when the blocks around it are tried again, it has another one. */
size_t job_record_path(const struct frame *f, const struct unit *u, char *ret, size_t size);

#endif

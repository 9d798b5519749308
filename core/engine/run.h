/* engine/run.h - one run of a pipeline from inside: frames that walk blocks, calls of nodes.
 *
 * A frame walks one block: it has the node at hand, its attempt, its pause before the next
 * attempt or the frame of its catch. A call is one attempt of one node. A node that holds blocks
 * starts child frames through host->block; their answers come to it by ready lists, so that
 * stacks stay flat however many of them end at once.
 *
 * A call that is no longer waited for (deadline, cancellation) is an orphan: it still owes its
 * answer, which is dropped, and keeps the memory of its run until then.
 *
 * Everything here belongs to the shard's thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ENGINE_RUN_H
#define ENGINE_RUN_H

#include "engine/engine.h"
#include "engine/flow.h"
#include "engine/topic.h"
#include "pipeline/known.h"

/* What went wrong, and where. In the run's arena. It goes with the run, or when nobody can ask for
 * it any more: a loop over many items may fail in many places. */
struct failure {
    struct list link; /* in run.failures, or free_failures */
    struct weir_error error; /* the detail is owned */
    const char *node; /* the id of the node; NULL: the run as a whole */
    uint32_t attempt;
    const struct weir_value *value; /* as expressions see it; made when first asked for; owned */
    const struct weir_value *options; /* what the node was given: given.h; owned; NULL: not taken down */
    const struct weir_value *unknown;
    const struct weir_value *input; /* NULL besides: the event's body */
};

#define OWN_ARENA_MAX (64u << 20) /* of one call */

#define CALL_STATES(X) X(RUNNING) X(CANCELLING) X(ANSWERED)
enum call_state {
#define X(name) CALL_##name,
    CALL_STATES(X)
#undef X
};

struct waiting_call; /* job_wait.c */
struct standing;  /* stand_in.c */
struct lent_turn; /* call_block.c */
struct kept;      /* a value that a run keeps: outcome.c */
struct recording; /* a record of a step on its way: job_step.c */


struct weir_call {
    struct run *run;
    struct frame *frame; /* NULL: an orphan */
    const struct unit *unit;
    enum call_state state;
    bool asked;          /* an orphan whose plugin was asked to end */
    unsigned inside;     /* how many functions of the plugin are on the stack */
    const void *outside; /* what crash_at was before the first of them */
    uint32_t attempt;
    uint64_t deadline_ms;
    uint32_t blocks;     /* child frames that it has begun */
    uint32_t lenders;    /* calls around it that it has its deadline from */
    const struct weir_value *output; /* owned; the answer */
    struct failure *failure;         /* or this */
    void *data;
    const struct weir_value **prepared; /* of a blocking node: its slots, evaluated; owned */
    const struct weir_value *prepared_input;
    struct arena *arena;  /* the run's, or its own inside blocks that run many times */
    struct arena own;
    struct timer timer;   /* the deadline; armed while it waits */
    struct list frames;   /* child frames that run */
    struct list ready;    /* child frames that ended and were not told yet */
    struct list answers;  /* other answers that were not told yet: call_tell */
    struct list uses;     /* struct weir_http: requests that run */
    struct list children; /* runs of other pipelines: run.sibling */
    struct waiting_call *wait; /* NULL: it has opened none */
    struct lent_turn *lent;     /* what lent nodes were asked, in a durable run: call_block.c */
    struct standing *standing; /* its plugin does not run: this answers */
    struct soon tell;     /* tells ready frames when no function of the plugin is on the stack */
    struct list link;     /* in run.calls */
};

/* A frame has come to its end: its result (borrowed) or failure is in it. Whoever is told frees it. */
typedef void frame_end_fn(struct frame *f);

struct frame {
    struct run *run;
    const struct block *block;
    struct frame *parent;       /* whose scope it sees besides; NULL: a top block */
    struct weir_call *owner;    /* the call that started it through host->block; else NULL */
    unsigned at;                /* the node at hand */
    bool started;               /* its condition and deadline are worked out */
    bool answered;              /* its attempt is over: OUTPUT or NODE_FAILURE */
    bool cancelled;             /* it ends with FAILURE as soon as it can */
    bool ended;
    bool has_output;            /* a node of it has set the flow */
    bool running;               /* frame_walk is on the stack */
    const struct weir_value *input; /* owned; NULL: request.body, when it is asked for */
    const struct weir_value **vars; /* of block->names; owned references */
    const struct weir_value **outputs; /* by index - first: of a block that runs many times */
    unsigned first;
    unsigned n_outputs;         /* 0: not its own: outputs are the parent's */
    struct failure *error;      /* what error means inside; NULL: look outward */
    uint64_t deadline_ms;
    /* the node at hand */
    uint64_t node_deadline_ms;
    uint64_t attempt_started_ns;
    uint32_t attempt;
    bool unsent;                /* ... of which the budget for retries did not let a request through */
    struct weir_call *call;     /* NULL: pausing, or in its catch */
    struct frame *catching;
    struct recording *recording; /* what the store is being told of it: waits for that */
    bool recorded;              /* of the node at hand: its start need not be told any more */
    bool repeated;              /* ... its answer is that of an earlier attempt of the job */
    bool ended_record;          /* ... its end was told */
    uint64_t recorded_ms;       /* of the latest record before the node at hand; 0: PARENT's */
    unsigned uuids;             /* ... how many its attempt has asked for, in a durable run */
    struct timer pause;
    const struct weir_value *output; /* owned */
    struct failure *node_failure;
    /* how it ends */
    struct failure *failure;    /* NULL: it ended well, with RESULT */
    const struct weir_value *result; /* owned; NULL: request.body */
    frame_end_fn *end;
    weir_answer_fn *fn;         /* of owner */
    void *arg;
    uint32_t number;            /* for block_cancel */
    uint64_t turn;              /* how many blocks OWNER had begun before, or, of a lent node, what stands for
                                   what it was asked: the same in each attempt */
    struct list link;           /* in owner's frames or ready */
};

/* Whether the block of F may run many times for one call: one of type WEIR_MANY, or a lent node. */
static inline bool
frame_repeats(const struct frame *f)
{
    return f->owner && (f->block->type == NULL || f->block->type->runs == WEIR_MANY);
}

/* What a node's latest time came to, for the trace of a run that fails. */
struct run_step {
    uint64_t began_ns; /* its latest try */
    uint32_t took_us;
    uint16_t tries;    /* 0: it has not run */
    uint16_t code;     /* enum weir_code: how it failed */
};

enum run_stage { RUN_STEPS, RUN_CATCH, RUN_SENDING, RUN_FINALLY, RUN_OVER };

struct run {
    struct engine *engine;
    struct generation_part *part; /* pinned */
    const struct flow *flow;
    struct weir_event *event;
    struct arena arena;
    enum run_stage stage;
    struct frame *top;            /* the frame of the stage */
    struct failure *failure;      /* what made it fail; NULL: nothing yet */
    struct list failures;         /* all that are known, newest first */
    struct list free_failures;
    struct failure spare;         /* for when there is no memory left for another one */
    struct kept *kept;            /* values that go when the run goes: outcome.c */
    const struct weir_value **outputs; /* by node index; owned */
    struct run_step *steps;       /* by node index */
    const struct weir_value *answer;   /* the latest output of a WEIR_ANSWER node; owned */
    const struct weir_value *heard_of; /* an output, and the bytes that came for its body; owned */
    const struct weir_value *heard;
    const struct weir_value *result;   /* the flow at the end of the steps; owned */
    char id[ID_UUID];
    uint64_t started_wall_ms;
    uint64_t started_ns;
    bool cancelled;
    struct weir_error *cancel_error; /* why it is to be cancelled soon */
    struct soon cancel;
    unsigned n_waits;             /* calls that do nothing but wait */
    struct soon still;            /* looks whether that is all that goes on */
    bool suspended;               /* it is: the run ends, and its job waits in the store */
    bool streaming;               /* the reply's stream is being sent */
    bool sent;                    /* ... and has come to its end */
    /* the reply as finally sees it */
    unsigned reply_status;
    uint64_t replied_ns;
    const struct weir_value *reply_body; /* of a called pipeline; owned */
    /* request.*, made when first asked for; owned */
    const struct weir_value *self; /* run */
    const struct weir_value *request;
    const struct weir_value *body;
    const struct weir_value *headers;
    const struct weir_value *params;
    const struct weir_value *query;
    const struct weir_value *query_all;
    struct hidden *hidden;        /* the texts that mask: hides, once they were asked for; owned */
    struct weir_call *caller;     /* the call of another run that started this one; else NULL */
    weir_answer_fn *fn;
    void *arg;
    unsigned depth;               /* of calls from pipeline to pipeline */
    struct weir_call *free_calls; /* chained by arg of timer */
    struct frame *free_frames;
    uint32_t frames_made;
    unsigned owed;                /* calls that are not answered */
    struct list calls;
    struct list link;             /* in engine.runs */
    struct list sibling;          /* in caller's children */
};

/* The engine of a shard. */
struct engine {
    struct weir_shard *shard;
    struct engine_limits limits;
    struct client *client;
    struct generation_part *current;
    struct generation_part *prepared; /* NULL: none */
    void *prepared_arg;               /* of who waits for it */
    struct list leaving;              /* parts that are detached: attach.c */
    struct list runs;
    atomic_uint n_runs;
    struct run *free_runs[32];
    unsigned n_free_runs;
    struct list waiting; /* gate_wait.mine of events that wait for a place however long: admission_line.c */
    struct list unsure;  /* the same of those that wait for so long only, and joined a line without a pace just now, */
    struct list patient; /* and of all others; both by look_ms */
    struct timer first_look; /* at the first of UNSURE */
    struct timer impatience; /* the same of PATIENT */
    unsigned n_waiting;
    struct list placed;  /* gate_wait.link of those that got one, and have not started */
    struct soon start_placed;
    struct timer later_placed; /* for those that had to wait for the next turn */
    struct list kept;    /* struct kept: admission_keep.c */
    struct timer kept_over;
    atomic_uint placing; /* gate_waits that have got a place and not heard of it */
    struct topics topics; /* what plugins tell each other */
    struct list fetches; /* requests outside of calls: host_fetch.c */
    struct jobs *jobs;   /* owned; NULL: there is no store */
    const struct stand_in *stand_in; /* tests of pipelines; else NULL */
    struct list olders;  /* pipelines as they were: older.c */
    unsigned n_olders;
    unsigned n_once_waiting; /* events that wait for another one's answer: once.h */
    atomic_uint once_posts;  /* answers on their way to them */
    struct list claims;      /* of idempotency keys: once_claim.c */
    unsigned n_claims;
    unsigned n_claims_ending; /* their last commands are under way */
    unsigned walks;      /* of frame_walk that are on the stack */
    uint64_t lately_ns;  /* when the latest attempt began or ended, while nothing but the engine has run
                            since; 0: read the clock */
    bool draining;
    bool ending;         /* runs end at once */
    void (*when_idle)(void *arg);
    void *idle_arg;
    uint32_t client_family; /* http_client_request_duration_seconds */
    uint32_t error_family;  /* weir_node_errors_total */
    uint32_t retry_family;  /* weir_retries_total */
    uint32_t refusal_family; /* weir_admission_refused_total */
    uint32_t claim_family;  /* weir_idempotency_store_total */
};

static inline struct engine *
engine_of(struct weir_shard *s)
{
    return s->slots[SHARD_ENGINE];
}

/* Tells who waits for the end of a drain, if nothing is under way any more: engine.c. */
void engine_look_idle(struct engine *e);

/* Tells everybody who fetches something outside of a call that the server ends: host_fetch.c. */
void host_fetches_end(struct engine *e);

/* -- run.c: the life of a run -- */

/* Starts a run for event E (its trigger and part are set), which is answered by it. */
void run_start(struct weir_event *e);

/* A run that has not begun yet, in E's list; PART is pinned. */
struct run *run_new(struct engine *e, struct generation_part *part, const struct flow *f, struct weir_event *event);

/* Starts its steps. R may be over, and gone, when this returns. */
void run_begin(struct run *r);

/* Runs FLOW inside CALL with BODY as its request.body; FN is told of the end: run_call.c. */
void run_call(struct weir_call *call, const struct flow *f, const struct weir_value *body,
              weir_answer_fn *fn, void *arg);

/* Ends a run now, without its catch and finally: the process ends. Nothing of it is on the stack. */
void run_end(struct run *r);

/* Ends a run early, soon: what runs is cancelled, CODE and WHY are what made it end. */
void run_cancel(struct run *r, enum weir_code code, const char *why);

/* Sends the reply of a node, if none was sent; false if one was. */
bool run_reply(struct run *r, const struct weir_reply *reply);

/* The stream that was sent as the reply has come to its end. */
void run_reply_sent(struct run *r, const struct weir_error *err);

/* Lets go of every value that R holds; its memory stays. */
void run_forget(struct run *r);

/* Gives the memory back once the run is over and no call is owed. */
void run_settle(struct run *r);

/* A failure in the run's arena with the content of ERR (its detail is taken). */
struct failure *run_failure(struct run *r, struct weir_error *err, const char *node, uint32_t attempt);

/* Nobody needs F any more. NULL is accepted. */
void run_failure_free(struct run *r, struct failure *f);

/* -- frame.c: walking blocks -- */

/* A new frame for BLOCK; INPUT is referenced (NULL: PARENT's; without one request.body). */
struct frame *frame_new(struct run *r, const struct block *b, struct frame *parent,
                        const struct weir_value *input, uint64_t deadline_ms, frame_end_fn *end);

/* Walks on until something is waited for, or the block ends: then its end function is called. */
void frame_walk(struct frame *f);

/* Ends a frame early with the failure WHY: at once, or when it is off the stack. */
void frame_cancel(struct frame *f, struct failure *why);

/* The attempt of F's node at hand is over: OUTPUT is taken, or FAILURE. Walks on, unless
 * frame_walk is on the stack. */
void frame_answered(struct frame *f, const struct weir_value *output, struct failure *failure);

/* Gives the frame's references and memory back to the run. */
void frame_free(struct frame *f);

/* -- call.c: one attempt of a node -- */

/* Starts the attempt of F's node at hand; the answer comes by frame_answered, now or later. */
void call_start(struct frame *f, const struct unit *u);

/* Whether F's node at hand is not to be started any more, since the deadline of a call around it
 * has passed, which is about to find that out. */
bool call_is_late(const struct frame *f);

/* The plugin has answered: OUTPUT is taken, or FAILURE. */
void call_answer(struct weir_call *c, const struct weir_value **output, struct failure *failure);

/* Nobody waits for it any more: asks the plugin to end. */
void call_orphan(struct weir_call *c);

/* Brackets around each function of a plugin that may answer the call: enter before, leave
 * after. Leaving tells child frames that became ready, and hands an answer on. */
void call_enter(struct weir_call *c);
void call_leave(struct weir_call *c);

/* Leaves a host function that may have answers for its caller: they are told soon, not inside it. */
void call_leave_quietly(struct weir_call *c);

/* Tells FN an answer that is not a child frame's, as soon as no function of C's plugin is on the
 * stack: OUTPUT (lent), or ERR if it is NULL, whose detail is taken. Forgotten if C is answered first. */
void call_tell(struct weir_call *c, weir_answer_fn *fn, void *arg, const struct weir_value *output,
               struct weir_error *err);

/* Frees a child frame that has ended, and its failure, unless that is C's own. */
void call_forget_frame(struct weir_call *c, struct frame *f);

/* Runs child BLOCK of C (host->block): call_block.c. */
uint32_t call_block(struct weir_call *c, uint32_t block, const struct weir_value *input,
                    const struct weir_value *const *vars, uint64_t deadline_ms, weir_answer_fn *fn,
                    void *arg);

/* Asks the child frame of that number to end early (host->block_cancel). */
void call_block_cancel(struct weir_call *c, uint32_t number);

/* -- scope.c: what names mean -- */

/* An environment for expressions evaluated in frame F of run R. */
struct scope {
    struct expr_env env;
    struct run *run;
    struct frame *frame; /* NULL: at the level of the event, before the first frame */
};
void scope_init(struct scope *s, struct run *r, struct frame *f);

/* What flows into F's node at hand: borrowed; parses the body at the first asking. */
enum weir_code scope_input(struct run *r, struct frame *f, const struct weir_value **ret,
                           struct weir_error *err) MUST_USE;

/* -- request.c: the event as expressions see it -- */

/* request.body, borrowed. */
enum weir_code request_body(struct run *r, const struct weir_value **ret, struct weir_error *err) MUST_USE;

/* Finds what PATH, which is known to begin with request, leads to: as expr_env.find. */
enum weir_code request_find(struct run *r, const struct expr_path *path, struct weir_value *ret,
                            unsigned *ret_used, struct weir_error *err) MUST_USE;

/* -- hide.c: what mask: hides of an event, and of those of the runs that called it -- */

/* The texts that are not to be seen; NULL: nothing is marked. Made at the first asking, which has to be the shard's;
 * then any thread may ask. */
const struct hidden *run_hidden(struct run *r);

/* Whether a part of the path is hidden. */
bool run_hides_path(const struct run *r);

/* Masks B, whose end may have been cut off, and in which there are no secrets then either; ERR with its detail, which
 * is then another one; V, owned. */
void run_hide_text(struct run *r, struct buf *b);
void run_hide_error(struct run *r, struct weir_error *err);
const struct weir_value *run_hide_value(struct run *r, const struct weir_value *v);

/* -- tail.c: telling those who watch -- */

/* Whether anybody watches; cheap. */
bool tail_wanted(void);
void tail_run(struct run *r, const char *what, const char *outcome);
void tail_node(const struct frame *f, const struct unit *u, uint64_t duration_ns,
               const struct weir_value *output, const struct failure *failure);

#endif

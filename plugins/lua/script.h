/* lua/script.h - the parts of this plugin: scripts, their states, calls of them, and values.
 *
 * A script is made in open and never changes; a vm is one Lua state of it, on one shard; a call
 * is one run of its function, made of strands: coroutines, of which the first is the function
 * and the others are those of ctx.all. What a call can ask of the world is behind struct world,
 * since tests of scripts play the world themselves.
 *
 * Functions that are marked "throws" leave by a Lua error: what they hold has to be Lua's, or
 * to be found again. All of it is for the thread of its shard.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LUA_SCRIPT_H
#define LUA_SCRIPT_H

#include <lauxlib.h>
#include <lua.h>

#include "heap.h"
#include "places.h"
#include "plugin.h"
#include "values.h"

/* -- limits -- */

/* Why a script was ended: the values of the label of weir_lua_aborts_total, and what is said.
 */
#define ABORTS(X)                                                        \
    X(INSTRUCTIONS, "instructions", "it ran more than its instructions") \
    X(MEMORY, "memory", "it needs more memory than it may have")         \
    X(TIME, "time", "it computed for longer than it may")                \
    X(STEPS, "steps", "its patterns took more than their steps")         \
    X(DEPTH, "depth", "its values or calls are nested too deep")         \
    X(LOG, "log", "it logged more lines than it may")

enum abort_reason {
    ABORT_NONE,
#define X(name, label, text) ABORT_##name,
    ABORTS(X)
#undef X
};

struct limits {
    uint64_t instructions;
    uint64_t memory;  /* bytes */
    uint64_t time_ms; /* of computing, waiting for its turn included */
    uint64_t steps;   /* of patterns */
    uint64_t keys;    /* of one table */
    uint64_t items;   /* of its sequence */
    uint64_t log_lines;
};

#define VALUE_DEPTH 64u
/* Bytes that value_weight counts for each value, beside its text. */
#define VALUE_WEIGHT 48u
/* Bytes of one file. */
#define SOURCE_MAX (256u * 1024)

/* What is left to one call. */
struct budget {
    uint64_t instructions;
    uint64_t steps;
    uint64_t time_ns;
    uint64_t since_ns; /* when it began to compute */
    uint64_t
        half_cpu_ns; /* the thread's own clock when half of the time was over; 0: not yet */
    enum abort_reason reason;
};

/* -- scripts -- */

struct lend {
    char *name;     /* owned */
    uint32_t block; /* index of the child block */
};

/* One file that a script requires. */
struct module {
    char *name;
    char *shown; /* what errors call it: "@lua/std/csv.lua" */
    char *source;
    size_t len;
    struct module *next;
};

struct script {
    char *source; /* owned */
    size_t len;
    char *name; /* what errors call it: "=orders/enrich" */
    bool body; /* the source is the body of run(ctx, input, config); else a chunk that returns a
                  node */
    bool typed; /* a node type of its own: the engine checks its configuration */
    struct limits limits;
    struct lend *lends;
    unsigned n_lends;
    uint32_t config_slot;                     /* 0: there is none */
    const struct weir_value *config_constant; /* owned; NULL: the slot has expressions */
    const struct weir_value *config_schema;   /* owned; NULL: anything */
    void *config_check;                       /* compiled; NULL: anything */
    struct module *modules;
    char *folders[3]; /* where modules are looked for, NULL behind the last; owned */
    bool sealed;      /* modules are not read from files any more */
    uint32_t metric;  /* weir_lua_aborts_total */
};

/* Frees what the script owns, and it. */
void script_free(struct script *s);

/* -- states -- */

struct call;
struct origin;
struct strand;

#define IDLE_MAX 16u

struct vm {
    struct heap heap; /* first: it is the allocator's argument */
    lua_State *L;
    const struct script *script;
    struct budget *budget; /* of what runs now */
    struct strand *strand; /* that runs now; NULL: loading */
    lua_State *running;    /* its thread; NULL: none */
    uint32_t stride;       /* instructions between two looks at the budget */
    uint64_t debt;         /* work of C functions, in instructions, not yet taken off */
    uint64_t slice_ns;     /* when the slice began */
    uint64_t slice_max_ns;
    lua_State *loader;     /* that loads the script; NULL: it is loaded */
    struct budget loading; /* what it may take for that */
    unsigned
        passes; /* of the collector, until one that is stripped can be freed; 0: it is not */
    bool preempted; /* it yielded because its slice is over */
    bool spoilt;    /* it has run out of memory: replaced by a fresh one */
    bool module;    /* what the file has returned is no node */
    unsigned calls;
    int idle[IDLE_MAX]; /* references of coroutines that can be used again */
    unsigned n_idle;
    struct origin *ended;   /* what proxies have kept of calls that have ended: value.c */
    const void *value_meta; /* metatable of proxies */
    const void *array_meta; /* of weir.array's tables */
    const void *error_meta;
};

/* The vm that a thread belongs to. */
static inline struct vm *
vm_of(lua_State *L)
{
    return *(struct vm **)lua_getextraspace(L);
}

/* Milliseconds that a script may take to load. */
#define LOAD_MS 1000u

/* Makes a state with the script loaded in it, in at most MAX_MS milliseconds (or as many as a
 * call may take, if those are more). NULL and ERR (WEIR_SCRIPT or WEIR_INVALID) if the script
 * does not load. */
struct vm *vm_new(const struct script *s, uint64_t max_ms, struct weir_error *err);

/* The same in pieces: makes the state, without the script. NULL and ERR if that can't be. */
struct vm *vm_begin(const struct script *s, uint64_t max_ms, struct weir_error *err);

/* Goes on with loading for about as long as until UNTIL_NS of clock_ns. ERR is filled if the
 * script does not load; then the state can only be freed. */
enum loading { LOADING, LOADED, LOAD_FAILED };
enum loading vm_load(struct vm *vm, uint64_t until_ns, struct weir_error *err);

/* Frees a state that has no calls; accepts NULL and leaves it. That takes long if there is much
 * in it. */
void vm_free(struct vm **vm);

/* Takes from a state that has no calls all that a script has put there: now it can only be
 * collected, and freed. */
void vm_strip(struct vm *vm);

/* Collects garbage until UNTIL_NS if that was asked for: true when there is nothing more to do.
 * It is work of the call that runs next. */
bool vm_collect(struct vm *vm, uint64_t until_ns);

/* Resumes CO, whose function and N_ARGS arguments are on its stack, until it ends in some way,
 * without a call: what it computes is taken off B. Returns the status of lua_resume. */
int vm_run_here(struct vm *vm, lua_State *co, int n_args, struct budget *b);

/* Has the chunk on the top see the names that scripts see. */
void vm_set_env(lua_State *L);

/* Names in the registry for what a loaded script left there. */
extern const char vm_modules_key, vm_run_key, vm_node_key, vm_ctx_key, vm_config_key,
    vm_meta_key;

/* -- budgets: budget.c -- */

/* Now, in nanoseconds, on the monotonic clock. */
uint64_t clock_ns(void);

/* A full budget. */
void budget_fill(struct budget *b, const struct limits *l);

/* Whether what has computed since B's since_ns has had its time; on the thread that computes.
 */
bool budget_time_is_up(struct budget *b);

/* Notes the first reason to end, and that the next instruction is the last. */
void budget_end(struct vm *vm, enum abort_reason reason);

/* Counts a reason that fails one value and does not end the script. */
void budget_note(struct vm *vm, enum abort_reason reason);

/* What is said of a reason. */
const char *abort_text(enum abort_reason reason);
const char *abort_label(enum abort_reason reason);

/* Whether it is somebody else's turn. */
bool slice_is_over(const struct vm *vm);

/* Has L look at the budget from time to time. */
void budget_watch(struct vm *vm, lua_State *L);

/* Work of a C function that would be so many instructions. False if the budget is used up: then
 * the caller has to end soon. */
bool charge_gently(struct vm *vm, uint64_t work);

/* The same; throws if the budget is used up. */
void charge(lua_State *L, uint64_t work);

/* Throws the error of a used-up budget. */
int throw_abort(lua_State *L);

/* Takes steps of patterns off; throws if they are used up (pattern.h). */
void charge_steps(lua_State *L, uint64_t left);

/* For the heap of a vm. */
void budget_on_top(void *vm);
void budget_on_asked(void *vm);
void budget_on_limit(void *vm);
void budget_on_refused(void *vm);

/* -- errors: fault.c -- */

void fault_open(lua_State *L);

/* Pushes an error object. Throws. */
void fault_push(lua_State *L, const struct weir_error *err);

/* Fills ERR from the error object or text at INDEX. Does not throw; allocates nothing of Lua.
 */
void fault_read(lua_State *L, int index, struct weir_error *err);

/* A map { traceback } for the detail of an error; owned by the caller. */
const struct weir_value *fault_traceback(lua_State *L);

/* weir.fail */
int fault_throw(lua_State *L);

/* The code of that name in lower case; 0: none. The name of a code, in ROOM. */
uint32_t fault_code(const char *name, size_t len);
const char *fault_code_name(uint32_t code, char room[32]);

/* -- libraries -- */

/* Each pushes a table with functions; throws. */
void base_open(lua_State *L);   /* into the table on the top */
void string_open(lua_State *L); /* finds tostring in the table on the top */
void utf8_open(lua_State *L);
void math_open(lua_State *L);
void table_open(lua_State *L); /* table */
void weir_open_library(lua_State *L);
void uuid_random(char ret[37]); /* with a NUL */
void json_open(lua_State *L);
int json_encode(lua_State *L); /* is one of them */
void ctx_open(lua_State *L);

/* What ctx has itself, whatever is lent; NULL at the end. */
extern const char *const ctx_names[];

/* find, match, gmatch and gsub: into the table on the top. */
void match_open(lua_State *L);

/* Wraps the table on the top: reads go to it, writes are errors. Throws. */
void freeze(lua_State *L, const char *name);

/* Takes all fields out of the table on the top, and the table off the stack. */
void table_drain(lua_State *L);

/* require, while SCRIPT loads. */
int module_require(lua_State *L);

/* The chunks of what is written in Lua itself. */
extern const char prelude[], helpers[];

/* What helpers gives, in its order. */
enum helper { HELP_STEP, HELP_JOIN, HELP_PIECES, HELP_COUNT, HELP_MERGE, N_HELPERS };
void vm_push_helper(lua_State *L, enum helper h);

/* Calls a helper with all of the stack: gives what the C function has to return. Throws. */
int vm_help(lua_State *L, enum helper h);

/* -- calls -- */

/* What a call can ask for. All owe what they say by strand_answer or strand_wake, later. */
struct world {
    /* Asks the lent node for its answer to INPUT. */
    void (*ask)(struct strand *, unsigned lend, const struct weir_value *input);
    void (*sleep)(struct strand *, uint64_t ms);
    /* Has RUN done on another thread, and DONE called here then, whatever becomes of the
     * strand. False: nobody does it. */
    bool (*work)(struct strand *, weir_work_fn *run, weir_worked_fn *done, void *arg);
    /* Ends what a strand waits for; its answer may still come and is dropped. */
    void (*stop)(struct strand *);
    uint64_t (*wall_ms)(struct call *);
    /* Milliseconds that are left; UINT64_MAX: no deadline. */
    uint64_t (*left_ms)(struct call *);
    void (*uuid)(struct call *, char ret[37]);
    void (*log)(struct call *, uint32_t level, struct weir_text text,
                const struct weir_value *fields);
    uint32_t (*lookup)(struct call *, const struct weir_text *path, uint32_t n,
                       const struct weir_value **ret, struct weir_error *err);
    /* The slice is over: call_turn is owed when others had their turn. Until then the call does
     * nothing, unless it is dropped. */
    void (*turn)(struct call *);
    /* The end: OUTPUT, or ERR if it is NULL. Both are lent. */
    void (*end)(struct call *, const struct weir_value *output, const struct weir_error *err);
    /* A script was ended for this reason. */
    void (*aborted)(struct call *, enum abort_reason reason);
};

enum strand_state { STRAND_READY, STRAND_WAITING, STRAND_OVER };

struct strand {
    struct call *call;
    struct strand *next;   /* all strands of the call */
    struct strand *queued; /* the next one that is ready */
    struct strand *parent; /* that waits in ctx.all; NULL: none */
    struct strand **children;
    unsigned n_children;
    unsigned n_left; /* children that are not over */
    unsigned index;  /* among its parent's */
    lua_State *co;
    int reference;
    enum strand_state state;
    bool joins;     /* it waits in ctx.all for its children, and for nothing else */
    bool asked;     /* an answer is owed to it, maybe after its end */
    bool failed;    /* it ended in an error */
    uint32_t block; /* of host->block */
    struct weir_timer *timer;
    const struct weir_value *answer; /* owned */
    struct weir_error error;         /* owns its detail; code 0: none */
    struct work *work;               /* that it waits for; NULL: none */
    uint64_t weight;                 /* of what that has read (value_weight) */
    void *own;                       /* of the world */
};

struct call {
    const struct world *world;
    struct vm *vm;
    struct weir_call *host; /* NULL in tests */
    struct weir_shard *shard;
    const struct weir_value *input;  /* owned */
    const struct weir_value *config; /* owned; NULL: the script's constant one */
    struct budget budget;
    struct strand *strands;
    struct strand *first; /* ready ones */
    struct strand *last;
    unsigned n_strands;
    uint64_t log_lines;
    const struct weir_value *output; /* owned */
    struct weir_error error;
    struct origin *origins; /* what proxies show of what it has lent: value.c */
    bool running;           /* inside call_go_on */
    bool waits_turn;
    uint64_t slice_ns; /* when its slice began */
    uint64_t left_ns;  /* when it was left; 0: others had their turn */
    bool over;
    struct call *next; /* that wait for their turn */
    void *own;         /* of the world */
};

/* -- work on another thread: work.c -- */

/* Whether going over so many bytes is for a worker. */
bool work_is_large(lua_State *L, size_t len);

/* Reads JSON whose values weigh WEIGHT at least, and goes on in THEN: its strand has the
 * answer, or the error. Throws. */
int work_json(lua_State *L, struct weir_text text, uint64_t weight, lua_KFunction then);

/* The digest of TEXT, or its HMAC with KEY if that isn't NULL: what the C function has to
 * return that returns this. Throws. */
int work_digest(lua_State *L, uint32_t algorithm, const struct weir_text *key,
                struct weir_text text);

/* The strand does not wait for its work any more. */
void work_forget(struct strand *s);

/* Begins a call: C has world, vm, input and config. It may be over when this returns. */
void call_begin(struct call *c);

/* Goes on with what is ready, unless it waits for its turn. */
void call_go_on(struct call *c);

/* It is the call's turn. */
void call_turn(struct call *c);

/* Ends without an answer to anybody: its strands are dropped. */
void call_drop(struct call *c);

/* Frees what belongs to a call that is over; its own memory stays. */
void call_fini(struct call *c);

/* The strand has what it waited for: an answer of a lent node (OUTPUT or ERR, both lent), or
 * the end of its sleep. Goes on with the call, unless it is running. */
void strand_answer(struct strand *s, const struct weir_value *output,
                   const struct weir_error *err);
void strand_wake(struct strand *s);

/* A strand of C, begun by PARENT (NULL: the first); NULL: there is no memory. */
struct strand *strand_make(struct call *c, struct strand *parent);

/* Has the call go on with S when it is its turn among the strands. */
void strand_ready(struct strand *s);

/* Whether C may have N strands more. */
bool strands_fit(const struct call *c, size_t n);

/* A strand for the function on the top of FROM, which is popped. Throws, and ends the script,
 * if there is no memory. */
struct strand *strand_new(lua_State *from, struct strand *parent);

/* Ends the strands that S has begun, and forgets them. */
void strand_drop_children(struct strand *s);

/* Ends a strand that nobody needs any more. */
void strand_drop(struct strand *s);

/* The engine as a world, and the node types that run there: engine.c. */
extern const struct world engine_world;
uint32_t engine_attach(struct weir_shard *, void *conf, void **ret_state,
                       struct weir_error *err);
void engine_run(struct weir_call *, void *state);
void engine_cancel(struct weir_call *, void *state);
void engine_detach(void *state);

/* The limits of a script that says nothing. */
extern const struct limits script_default_limits;

/* Loads a script once, to see whether it loads, takes what it says of itself, and seals what it
 * requires. CONFIG: that of the node, for its limits; or NULL. */
uint32_t script_try(struct script *s, const struct weir_value *config, struct weir_error *err);

/* Checks a configuration against the schema of the script's file, and fills in defaults. Takes
 * *config; *ret is owned by the caller. */
uint32_t script_complete(const struct script *s, const struct weir_value **config,
                         const struct weir_value **ret, struct weir_error *err);

/* What node types do with the functions of the same names. */
uint32_t script_open(struct weir_open *, const struct weir_value *config, void **ret_conf,
                     struct weir_error *err);
void script_close(void *conf);

/* Says in the detail of an error of open where the author finds what is wrong: an option, and a line
 * of its text (0: none). */
void fault_at(struct weir_error *err, const char *pointer, int64_t line);

/* Puts WHERE in front of the text of ERR; returns its code. */
uint32_t err_before(struct weir_error *err, const char *where);

#endif

/* lua/stage.c - see tester.h: a node on the stage of a test.
 *
 * Nothing is thrown while the node's state is on the stack: what the test's functions do wrong
 * is caught, and thrown on when the node is gone.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tester.h"

#define WAITS_MAX 256u

const char never_key;

/* Something that a strand of the node waits for. */
struct wait {
    struct strand *strand;          /* NULL: free */
    const struct weir_value *input; /* of a lent node, owned; NULL: a sleep, or asked already */
    uint64_t at_ms;                 /* end of the sleep; UINT64_MAX: it never comes */
    unsigned lend;
};

struct stage {
    lua_State *T; /* the test's */
    int lend;     /* index of its table of lent nodes */
    struct call call;
    struct wait waits[WAITS_MAX];
    uint64_t now_ms;
    uint64_t deadline_ms;
    uint64_t advance_ms; /* what the test wants the clock to go on by; 0: as far as it has to */
    bool turn;
    bool ended;
    bool threw; /* a function of the test threw; its error is on the top of T */
    const struct weir_value *output;
    struct weir_error error;
    const struct weir_value *steps; /* owned */
    struct weir_builder *log;
};

static struct stage *
stage_of(const struct strand *s)
{
    return s->call->own;
}

/* -- the world of a node on the stage -- */

static void
add_wait(struct strand *s, struct wait w)
{
    struct stage *st = stage_of(s);
    w.strand = s;
    for (unsigned i = 0; i < WAITS_MAX; i++)
        if (st->waits[i].strand == NULL) {
            st->waits[i] = w;
            return;
        }
    abort(); /* there are no more strands than that */
}

static void
ask(struct strand *s, unsigned lend, const struct weir_value *input)
{
    add_wait(s, (struct wait){ .input = host->ref(input), .lend = lend });
}

static void
sleep_for(struct strand *s, uint64_t ms)
{
    add_wait(s, (struct wait){ .at_ms = stage_of(s)->now_ms + ms });
}

static bool
work(struct strand *s, weir_work_fn *run, weir_worked_fn *done, void *arg)
{
    (void)s;
    (void)run;
    (void)done;
    (void)arg;
    return false; /* a test has no other thread */
}

static void
stop(struct strand *s)
{
    struct stage *st = stage_of(s);
    for (unsigned i = 0; i < WAITS_MAX; i++)
        if (st->waits[i].strand == s) {
            host->unref(&st->waits[i].input);
            st->waits[i].strand = NULL;
        }
}

static uint64_t
wall_ms(struct call *c)
{
    const struct stage *st = c->own;
    return 1767225600000u + st->now_ms; /* 2026-01-01 */
}

static uint64_t
left_ms(struct call *c)
{
    const struct stage *st = c->own;
    if (st->deadline_ms == UINT64_MAX)
        return UINT64_MAX;
    return st->deadline_ms > st->now_ms ? st->deadline_ms - st->now_ms : 0;
}

static void
uuid(struct call *c, char ret[37])
{
    (void)c;
    uuid_random(ret);
}

static void
log_line(struct call *c, uint32_t level, struct weir_text text, const struct weir_value *fields)
{
    static const char *const levels[] = { "debug", "info", "warn", "error" };
    struct stage *st = c->own;
    struct weir_builder *b = host->map_new();
    const struct weir_value *v =
        host->string((struct weir_text){ levels[level], strlen(levels[level]) });
    host->map_set(b, WEIR_TEXT("level"), &v);
    v = host->string(text);
    if (v == NULL)
        v = host->bytes(text);
    map_take(b, WEIR_TEXT("text"), v);
    if (fields != NULL)
        map_take(b, WEIR_TEXT("fields"), host->ref(fields));
    v = host->build(&b);
    host->list_add(st->log, &v);
}

static uint32_t
lookup(struct call *c, const struct weir_text *path, uint32_t n, const struct weir_value **ret,
       struct weir_error *err)
{
    const struct stage *st = c->own;
    const struct weir_value *v = NULL;
    if (n == 2)
        v = host->get(st->steps, path[1]);
    if (n == 1)
        return host->json_read(
            WEIR_TEXT("{\"id\":\"test\",\"pipeline\":\"test\",\"attempt\":1}"), ret, err);
    if (v == NULL)
        return refuse(err, WEIR_NOT_FOUND, "there is none");
    *ret = host->ref(v);
    return WEIR_OK;
}

static void
wait_for_turn(struct call *c)
{
    struct stage *st = c->own;
    st->turn = true;
}

static void
end(struct call *c, const struct weir_value *output, const struct weir_error *err)
{
    struct stage *st = c->own;
    st->ended = true;
    if (output != NULL) {
        st->output = host->ref(output);
    } else {
        st->error = *err;
        st->error.detail = err->detail ? host->ref(err->detail) : NULL;
    }
}

static void
aborted(struct call *c, enum abort_reason reason)
{
    (void)c;
    (void)reason;
}

static const struct world stage_world = {
    .ask = ask,
    .sleep = sleep_for,
    .work = work,
    .stop = stop,
    .wall_ms = wall_ms,
    .left_ms = left_ms,
    .uuid = uuid,
    .log = log_line,
    .lookup = lookup,
    .turn = wait_for_turn,
    .end = end,
    .aborted = aborted,
};

/* -- lent nodes -- */

/* Calls the test's function, which is on the top of T, with the input that stands below it in a
 * box. Leaves two results; protected. */
static int
call_lent(lua_State *T)
{
    const struct weir_value *input = lua_touserdata(T, 2);
    lua_settop(T, 1);
    if (lua_type(T, 1) == LUA_TFUNCTION) {
        value_push(T, input, 0);
        lua_call(T, 1, 2);
    } else {
        lua_pushnil(T);
    }
    return 2;
}

/* Answers one ask by the test's function; false if that threw. */
static bool
answer_one(struct stage *st, struct wait *w)
{
    lua_State *T = st->T;
    struct strand *s = w->strand;
    const struct weir_value *input = w->input, *output = NULL;
    struct weir_error err = { 0 };
    w->input = NULL;
    w->at_ms = UINT64_MAX;
    lua_pushcfunction(T, call_lent);
    lua_pushstring(T, st->call.vm->script->lends[w->lend].name);
    lua_rawget(T, st->lend);
    if (lua_touserdata(T, -1) == &never_key) {
        lua_pop(T, 2);
        host->unref(&input);
        return true;
    }
    lua_pushlightuserdata(T, (void *)(uintptr_t)input);
    int status = lua_pcall(T, 2, 2, 0);
    host->unref(&input);
    if (status != LUA_OK) {
        st->threw = true;
        return false;
    }
    w->strand = NULL;
    if (lua_isnil(T, -2) && !lua_isnil(T, -1))
        fault_read(T, -1, &err);
    else if (value_make(T, -2, &output, &err) != WEIR_OK)
        err.code = WEIR_SCRIPT;
    lua_pop(T, 2);
    strand_answer(s, output, &err);
    host->unref(&output);
    host->unref(&err.detail);
    return true;
}

/* -- time -- */

/* Sets the clock on: to the first end of a sleep, to the deadline, or as the test wants. False
 * if nothing would ever come. */
static bool
set_clock_on(struct stage *st)
{
    uint64_t next = st->deadline_ms;
    for (unsigned i = 0; i < WAITS_MAX; i++)
        if (st->waits[i].strand != NULL && st->waits[i].at_ms < next)
            next = st->waits[i].at_ms;
    if (st->advance_ms > 0)
        next = st->now_ms + st->advance_ms;
    st->advance_ms = 0;
    if (next == UINT64_MAX)
        return false;
    st->now_ms = next;
    return true;
}

static struct wait *
due(struct stage *st)
{
    for (unsigned i = 0; i < WAITS_MAX; i++) {
        struct wait *w = &st->waits[i];
        if (w->strand != NULL && w->input == NULL && w->at_ms <= st->now_ms)
            return w;
    }
    return NULL;
}

static struct wait *
asked(struct stage *st)
{
    for (unsigned i = 0; i < WAITS_MAX; i++)
        if (st->waits[i].strand != NULL && st->waits[i].input != NULL)
            return &st->waits[i];
    return NULL;
}

static void
give_up(struct stage *st, uint32_t code, const char *why)
{
    call_drop(&st->call);
    st->ended = true;
    refuse(&st->error, code, "%s", why);
}

/* Plays the node to its end. */
static void
play(struct stage *st)
{
    struct wait *w;
    call_begin(&st->call);
    while (!st->ended) {
        if (st->turn) {
            st->turn = false;
            call_turn(&st->call);
        } else if ((w = asked(st)) != NULL) {
            if (!answer_one(st, w))
                give_up(st, WEIR_SCRIPT, "the test threw");
        } else if (st->now_ms >= st->deadline_ms) {
            give_up(st, WEIR_TIMEOUT, "the deadline has passed");
        } else if ((w = due(st)) != NULL) {
            struct strand *s = w->strand;
            w->strand = NULL;
            strand_wake(s);
        } else if (!set_clock_on(st)) {
            give_up(st, WEIR_SCRIPT, "it waits for what never comes");
        }
    }
}

/* -- from the test -- */

/* The number under KEY of the table at INDEX, else USUAL. */
static uint64_t
number_field(lua_State *L, int index, const char *key, uint64_t usual)
{
    if (!lua_istable(L, index))
        return usual;
    lua_getfield(L, index, key);
    lua_Integer n = luaL_optinteger(L, -1, -1);
    lua_pop(L, 1);
    return n >= 0 ? (uint64_t)n : usual;
}

/* Names of the lent nodes are the keys of the table at INDEX. */
static void
take_lends(lua_State *L, int index, struct script *s)
{
    lua_pushnil(L);
    while (lua_next(L, index)) {
        lua_pop(L, 1);
        if (lua_type(L, -1) != LUA_TSTRING)
            continue;
        s->lends = realloc(s->lends, (s->n_lends + 1) * sizeof *s->lends);
        char *name = strdup(lua_tostring(L, -1));
        if (s->lends == NULL || name == NULL)
            abort();
        s->lends[s->n_lends] = (struct lend){ name, s->n_lends };
        s->n_lends++;
    }
}

/* The script of the file with its configuration, as open would make it; without one if that is
 * nil. */
static struct script *
make_script(lua_State *L, const char *path, struct weir_error *err)
{
    struct script *s = script_from_file(path, err);
    const struct weir_value *config = NULL;
    if (s == NULL)
        return NULL;
    take_lends(L, 5, s);
    if (script_try(s, NULL, err) == WEIR_OK && !lua_isnil(L, 2) &&
        value_make(L, 2, &config, err) == WEIR_OK)
        (void)script_complete(s, &config, &s->config_constant, err);
    if (err->code == WEIR_OK)
        return s;
    script_free(s);
    return NULL;
}

static void
push_results(lua_State *L, struct stage *st)
{
    if (st->error.code != WEIR_OK) {
        lua_pushnil(L);
        fault_push(L, &st->error);
    } else {
        value_push(L, st->output, 0);
        lua_pushnil(L);
    }
    const struct weir_value *log = host->build(&st->log);
    value_push(L, log, 0);
    host->unref(&log);
    host->unref(&st->output);
    host->unref(&st->error.detail);
}

int
stage_run(lua_State *L)
{
    struct weir_error err = { 0 };
    const char *path = luaL_checkstring(L, 1);
    lua_settop(L, 6);
    luaL_checktype(L, 5, LUA_TTABLE);
    uint64_t deadline = number_field(L, 4, "deadline", UINT64_MAX);
    uint64_t advance = number_field(L, 4, "at", 0);
    struct script *script = make_script(L, path, &err);
    struct vm *vm = script ? vm_new(script, LOAD_MS, &err) : NULL;
    struct stage *st = zeroed(1, sizeof *st);
    *st = (struct stage){ .T = L, .lend = 5, .deadline_ms = deadline, .advance_ms = advance };
    st->log = host->list_new();
    st->call = (struct call){ .world = &stage_world, .vm = vm, .own = st };
    if (vm != NULL && value_make(L, 3, &st->call.input, &err) == WEIR_OK &&
        value_make(L, 6, &st->steps, &err) == WEIR_OK)
        play(st);
    else
        st->error = err;
    host->unref(&st->steps);
    if (!st->ended)
        host->unref(&st->call.input);
    vm_free(&vm);
    script_free(script);
    bool threw = st->threw;
    if (!threw)
        push_results(L, st);
    else
        host->builder_free(&st->log);
    free(st);
    return threw ? lua_error(L) : 3;
}

int
stage_load(lua_State *L)
{
    struct weir_error err = { 0 };
    const char *path = luaL_checkstring(L, 1);
    lua_settop(L, 4);
    lua_newtable(L); /* nothing is lent */
    script_free(make_script(L, path, &err));
    host->unref(&err.detail);
    if (err.code == WEIR_OK)
        return 0;
    fault_show(L, path, err.text);
    return 1;
}

/* unit/store/stage.h - a store in a folder of its own, and operations that are waited for.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef UNIT_STORE_STAGE_H
#define UNIT_STORE_STAGE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above */
#include <cmocka.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/asks.h"
#include "store/jobs.h"
#include "value/json.h"

#define STAGE static inline __attribute__((unused))

static struct weir_shard *shard;
static struct store *store;
static struct store_config config;
static struct weir_error err; /* of the latest operation; code 0: it went well */
static char folder[64], path[96], url[112];
static unsigned n_told;

STAGE void
store_up(void)
{
    config.url = url;
    if (store_open(&config, &store, &err) != WEIR_OK)
        fail_msg("%s", err.text);
}

/* A new folder and a shard; no store yet. */
STAGE int
set_up_empty(void **state)
{
    (void)state;
    config = (struct store_config){ 0 };
    n_told = 0;
    snprintf(folder, sizeof(folder), "/tmp/weir-store-XXXXXX");
    if (mkdtemp(folder) == NULL || shard_new(0, &shard, &err) != WEIR_OK)
        return -1;
    snprintf(path, sizeof(path), "%s/weir.db", folder);
    snprintf(url, sizeof(url), "sqlite:%s", path);
    return 0;
}

STAGE int
set_up(void **state)
{
    if (set_up_empty(state) != 0)
        return -1;
    store_up();
    return 0;
}

STAGE int64_t number_of(const char *sql);

/* What is counted by pipeline and state is what there is. */
STAGE void
check_counts(void)
{
    static const char there[] = "SELECT pipeline, state, count(*) FROM jobs GROUP BY pipeline, state",
                      counted[] = "SELECT pipeline, state, n FROM counts WHERE n <> 0 AND state > 0";
    char sql[512];
    snprintf(sql, sizeof(sql), "SELECT (SELECT count(*) FROM (%s EXCEPT %s)) + (SELECT count(*) FROM (%s EXCEPT %s))", there,
             counted, counted, there);
    if (number_of(sql) != 0)
        fail_msg("the counts are wrong");
}

/* Counts anew what a test has written by SQL. */
STAGE void
count_anew(void)
{
    store_close(&store);
    (void)number_of("DELETE FROM counts WHERE state > 0");
    (void)number_of("INSERT INTO counts(pipeline, state, n) SELECT pipeline, state, count(*) FROM jobs"
                    " GROUP BY pipeline, state");
    store_up();
}

STAGE int
tear_down(void **state)
{
    (void)state;
    if (store != NULL) {
        store_close(&store);
        check_counts();
    }
    shard_free(&shard);
    char command[128];
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    return system(command) == 0 ? 0 : -1;
}

/* Ends the store as a process would, and opens it again. */
STAGE void
store_again(void)
{
    store_close(&store);
    store_up();
}

STAGE void
on_told(struct store_op *op, const struct weir_error *e)
{
    (void)op;
    err = e != NULL ? *e : (struct weir_error){ 0 };
    n_told++;
}

STAGE void
await_told(unsigned n)
{
    while (n_told < n)
        shard_turn(shard, 10000);
}

/* Hands OP in and waits for its end; its code, with ERR. */
STAGE enum weir_code
run_op(struct store_op *op, enum store_kind kind)
{
    op->shard = shard;
    op->done = on_told;
    op->kind = kind;
    unsigned n = n_told;
    enum weir_code code = store_submit(store, op, &err);
    if (code != WEIR_OK)
        return code;
    await_told(n + 1);
    return (enum weir_code)err.code;
}

/* A job of "orders"; its event is {"n": 1}. */
STAGE struct job_accept
new_job(enum job_state state)
{
    struct job_accept a = { .state = state,
                            .pipeline = TEXT("orders"),
                            .revision = TEXT("r1"),
                            .event = TEXT("\x81\xa1n\x01"),
                            .created_ms = clock_wall_ms() };
    id_uuid7(a.created_ms, a.id);
    return a;
}

STAGE void
accept_job(struct job_accept *a)
{
    if (run_op(&a->op, STORE_ACCEPT) != WEIR_OK)
        fail_msg("%s", err.text);
}

STAGE enum weir_code
end_job(const char *id, uint32_t attempt, enum job_state state, struct job_failure failure)
{
    struct job_finish f = { .attempt = attempt,
                            .state = state,
                            .failure = failure,
                            .started_ms = 1000,
                            .ended_ms = clock_wall_ms() };
    if (state == JOB_DEAD)
        f.reason = JOB_EXHAUSTED_REASON;
    snprintf(f.id, sizeof(f.id), "%.36s", id);
    return run_op(&f.op, STORE_FINISH);
}

/* A job that is dead: its failure is of the node "book", with MESSAGE. */
STAGE void
dead_job(struct job_accept *a, const char *message)
{
    *a = new_job(JOB_RUNNING);
    accept_job(a);
    struct job_failure f = { WEIR_UPSTREAM, TEXT("book"), text_of(message) };
    assert_int_equal(end_job(a->id, 1, JOB_DEAD, f), WEIR_OK);
}

STAGE enum weir_code
record_step(const char *id, uint32_t attempt, const char *step, bool begun)
{
    struct job_step s = { .attempt = attempt,
                          .path = text_of(step),
                          .kind = begun ? RECORD_BEGUN : RECORD_OVER,
                          .at_ms = 2000,
                          .started_ms = 1900,
                          .tries = begun ? 0 : 2,
                          .effect = WEIR_EFFECT_UNSAFE,
                          .output = begun ? TEXT("") : TEXT("\x07") };
    snprintf(s.id, sizeof(s.id), "%s", id);
    return run_op(&s.op, STORE_STEP);
}

/* Asks WHAT with parameters in JSON; the answer, owned by the caller, or NULL with ERR. */
STAGE const struct weir_value *
ask(const char *what, const char *json)
{
    struct store_ask a = { .what = what };
    assert_int_equal(json_read(text_of(json), NULL, NULL, &a.with, &err), WEIR_OK);
    enum weir_code code = run_op(&a.op, STORE_ASK);
    value_unref(&a.with);
    if (code != WEIR_OK)
        assert_null(a.answer);
    return a.answer;
}

/* The same with an id, a person and a reason. */
STAGE const struct weir_value *
ask_of(const char *what, const char *id, const char *more)
{
    char json[256];
    snprintf(json, sizeof(json), "{\"id\":\"%s\"%s}", id, more);
    return ask(what, json);
}
#define BY_ANN ",\"who\":\"ann\",\"reason\":\"she knows why\""

/* The text (number) of a member; "" (-1) if it is not there. */
STAGE struct weir_text
text_in(const struct weir_value *v, const char *key)
{
    const struct weir_value *member = value_field(v, key);
    return member != NULL ? value_as_text(member) : TEXT("");
}

STAGE int64_t
number_in(const struct weir_value *v, const char *key)
{
    const struct weir_value *member = value_field(v, key);
    return member != NULL && value_type(member) == WEIR_INT ? member->integer : -1;
}

#define assert_text(text, expected) assert_true(text_is((text), (expected)))

/* The word of a job's state. */
STAGE void
assert_state(const char *id, const char *word)
{
    const struct weir_value *v = ask_of("jobs.show", id, "");
    assert_non_null(v);
    struct weir_text state = text_in(v, "state");
    if (!text_is(state, word))
        fail_msg("job %s is %.*s, not %s", id, (int)state.len, state.bytes, word);
    value_unref(&v);
}

/* What another program reads from the file with SQL: a number, -1 if there is none. */
STAGE int64_t
number_of(const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *s = NULL;
    int64_t n = -1;
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    sqlite3_busy_timeout(db, 5000);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &s, NULL), SQLITE_OK);
    int rc = sqlite3_step(s);
    if (rc == SQLITE_ROW)
        n = sqlite3_column_int64(s, 0);
    else
        assert_int_equal(rc, SQLITE_DONE);
    sqlite3_finalize(s);
    sqlite3_close(db);
    return n;
}

/* The whole of a job's claim. */
STAGE void
claim(struct job_claim *c, unsigned max)
{
    *c = (struct job_claim){ .max = max, .skip = c->skip, .n_skip = c->n_skip };
    if (run_op(&c->op, STORE_CLAIM) != WEIR_OK)
        fail_msg("%s", err.text);
}

/* Asks WHAT, which fails with CODE and a text that has WORD in it. */
STAGE void
ask_fails(const char *what, const char *json, enum weir_code code, const char *word)
{
    assert_null(ask(what, json));
    assert_int_equal(err.code, code);
    if (strstr(err.text, word) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", err.text, word);
}

STAGE void
ask_fails_of(const char *what, const char *id, const char *more, enum weir_code code,
             const char *word)
{
    char json[256];
    snprintf(json, sizeof(json), "{\"id\":\"%s\"%s}", id, more);
    ask_fails(what, json, code, word);
}

#endif

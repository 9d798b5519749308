/* unit/admin/jobs_test.c - questions to the store: each is answered once, also if the admin ends
 * before the store tells; and how many may wait.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "admin/parts.h"
#include "base/fault.h"
#include "engine/run.h"

#define REQUESTS 66 /* more than may wait */

static struct arena arena;
static struct admin admin;
static struct engine engine; /* of a shard without pipelines */
static char folder[] = "/tmp/weir-jobs-XXXXXX";

/* Requests, and their answers. */
static struct weir_event events[REQUESTS];
static unsigned status[REQUESTS];
static unsigned replies[REQUESTS];
static char body[2048]; /* of the last answer */

static void
reply(struct weir_event *e, const struct event_reply *r)
{
    struct weir_text text = r->body ? value_as_text(r->body) : (struct weir_text){ "", 0 };
    replies[e - events]++;
    status[e - events] = r->status;
    snprintf(body, sizeof body, "%.*s", (int)text.len, text.bytes);
}

static const struct event_ops event_ops = { .reply = reply };

static struct weir_event *
request(unsigned i, const char *path)
{
    events[i] = (struct weir_event){ .ops = &event_ops,
                                     .arena = &arena,
                                     .method = TEXT("GET"),
                                     .path = text_of(path),
                                     .id = TEXT("r1") };
    status[i] = replies[i] = 0;
    return &events[i];
}

/* The order of a batch, with the reason that it needs. */
static struct weir_event *
batch_order(unsigned i)
{
    static const char text[] = "{\"reason\":\"x\"}";
    static const struct weir_value raw = { .type = WEIR_STRING, .bytes = text, .len = sizeof text - 1 };
    struct weir_event *e = request(i, "/api/v1/batches");
    e->raw = &raw;
    return e;
}

static void
turn_until_told(void)
{
    while (admin.n_asking > 0) {
        store_sync(admin.config.store);
        shard_turn(admin.shard, 10);
    }
}

static void
the_store_answers(void **state)
{
    (void)state;
    show_jobs(&admin, request(0, "/api/v1/jobs"));
    assert_int_equal(replies[0], 0);
    turn_until_told();
    assert_int_equal(status[0], 200);
    assert_string_equal(body, "{\n  \"jobs\": [],\n  \"total\": 0\n}\n");
    assert_int_equal(replies[0], 1);
}

static void
only_so_many_may_wait(void **state)
{
    (void)state;
    for (unsigned i = 0; i < REQUESTS; i++)
        show_jobs(&admin, request(i, "/api/v1/jobs"));
    for (unsigned i = 0; i < 64; i++)
        assert_int_equal(replies[i], 0);
    for (unsigned i = 64; i < REQUESTS; i++)
        assert_int_equal(status[i], 503);
    assert_non_null(strstr(body, "too many questions"));
    turn_until_told();
    for (unsigned i = 0; i < 64; i++)
        assert_int_equal(status[i], 200);
    for (unsigned i = 0; i < REQUESTS; i++)
        assert_int_equal(replies[i], 1);
}

static void
at_the_end_who_waits_is_answered_and_the_late_answer_dropped(void **state)
{
    (void)state;
    show_jobs(&admin, request(0, "/api/v1/jobs"));
    show_store(&admin, request(1, "/api/v1/store"));
    asking_end(&admin);
    assert_int_equal(status[0], 503);
    assert_int_equal(status[1], 503);
    assert_non_null(strstr(body, "shutting down"));
    assert_true(list_empty(&admin.asking));
    /* The store has posted by now: this runs it. */
    shard_turn(admin.shard, 0);
    assert_int_equal(replies[0], 1);
    assert_int_equal(replies[1], 1);
    asking_end(&admin);
}

static void
without_a_store_nothing_is_asked(void **state)
{
    (void)state;
    struct store *store = admin.config.store;
    admin.config.store = NULL;
    show_incidents(&admin, request(0, "/api/v1/incidents"));
    admin.config.store = store;
    assert_int_equal(status[0], 503);
    assert_non_null(strstr(body, "keeps no jobs"));
    assert_int_equal(replies[0], 1);
}

/* What is not known must not be taken for good: the batch could let something act a second time. */
static void
a_batch_whose_plan_cannot_be_had_is_not_made(void **state)
{
    (void)state;
    make_batch(&admin, batch_order(0));
    turn_until_told();
    assert_int_equal(status[0], 503);
    assert_non_null(strstr(body, "no pipelines are loaded"));
#ifdef WEIR_FAULTS
    assert_true(fault_set("QUESTION_LATE", 1));
    make_batch(&admin, batch_order(1));
    turn_until_told();
    assert_int_equal(status[1], 504);
    assert_non_null(strstr(body, "that took too long"));
#endif
    assert_int_equal(replies[0], 1);
}

/* Writes N dead jobs, each of which failed in another step, as another program would. */
static void
fill_dead(unsigned n)
{
    sqlite3 *db;
    char path[128], sql[512];
    snprintf(path, sizeof path, "%s/weir.db", folder);
    snprintf(sql, sizeof sql,
             "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %u)"
             " INSERT INTO jobs(id, pipeline, state, created_ms, updated_ms, code, node)"
             " SELECT randomblob(16), 'pay', 8, 1, 1, 5, 'n' || i FROM n;"
             "INSERT INTO events SELECT seq, x'80' FROM jobs",
             n);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s", sqlite3_errmsg(db));
    sqlite3_close(db);
}

static void
a_batch_that_failed_in_too_many_ways_to_be_looked_at_is_not_made(void **state)
{
    (void)state;
    fill_dead(1001);
    make_batch(&admin, batch_order(0));
    turn_until_told();
    assert_int_equal(status[0], 409);
    assert_non_null(strstr(body, "in more ways than can be looked at (1000)"));
}

static void
remove_file(const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    (void)unlink(path);
}

static int
begin(void **state)
{
    (void)state;
    struct weir_error err = { 0 };
    char url[128];
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(url, sizeof url, "sqlite:%s/weir.db", folder);
    struct store_config config = { .url = url };
    if (store_open(&config, &admin.config.store, &err) != WEIR_OK ||
        shard_new(0, &admin.shard, &err) != WEIR_OK)
        fail_msg("%s", err.text);
    admin.shard->slots[SHARD_ENGINE] = &engine;
    list_init(&admin.asking);
    arena_init(&arena, 4096, 1 << 20);
    return 0;
}

static int
end(void **state)
{
    (void)state;
    store_close(&admin.config.store);
    shard_free(&admin.shard);
    arena_fini(&arena);
    static const char *const files[] = { "weir.db", "weir.db-wal", "weir.db-shm", "weir.db.lock" };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        remove_file(files[i]);
    return rmdir(folder);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_store_answers),
        cmocka_unit_test(only_so_many_may_wait),
        cmocka_unit_test(at_the_end_who_waits_is_answered_and_the_late_answer_dropped),
        cmocka_unit_test(without_a_store_nothing_is_asked),
        cmocka_unit_test(a_batch_whose_plan_cannot_be_had_is_not_made),
        cmocka_unit_test(a_batch_that_failed_in_too_many_ways_to_be_looked_at_is_not_made),
    };
    return cmocka_run_group_tests_name("admin/jobs", tests, begin, end);
}

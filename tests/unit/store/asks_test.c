/* What operators ask and do: lists and their pages, replays, incidents, the audit.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stage.h"

#include "base/buf.h"

static const struct job_failure none;

static int64_t
total_of(const char *json)
{
    const struct weir_value *v = ask("jobs.list", json);
    assert_non_null(v);
    int64_t total = number_in(v, "total"), listed = 0;
    while (value_at(value_field(v, "jobs"), (size_t)listed) != NULL)
        listed++;
    assert_int_equal(listed, total);
    value_unref(&v);
    v = ask("jobs.count", json);
    assert_int_equal(number_in(v, "total"), total);
    value_unref(&v);
    return total;
}

static void
lists_are_filtered(void **state)
{
    (void)state;
    struct job_accept a = new_job(JOB_READY), b = new_job(JOB_RUNNING), c;
    a.pipeline = TEXT("mails");
    a.key = TEXT("customer-7");
    a.created_ms = 5000;
    accept_job(&a);
    accept_job(&b);
    dead_job(&c, "it said 503");
    assert_int_equal(total_of("{}"), 3);
    assert_int_equal(total_of("null"), 3);
    assert_int_equal(total_of("{\"state\":\"dead\"}"), 1);
    assert_int_equal(total_of("{\"state\":\"completed\"}"), 0);
    assert_int_equal(total_of("{\"pipeline\":\"orders\"}"), 2);
    assert_int_equal(total_of("{\"pipeline\":\"orders\",\"state\":\"running\"}"), 1);
    assert_int_equal(total_of("{\"code\":\"upstream\",\"node\":\"book\"}"), 1);
    assert_int_equal(total_of("{\"code\":\"timeout\"}"), 0);
    assert_int_equal(total_of("{\"key\":\"customer-7\"}"), 1);
    assert_int_equal(total_of("{\"since_ms\":\"5001\"}"), 2);
    assert_int_equal(total_of("{\"pipeline\":\"o' OR 1=1 --\"}"), 0);
    assert_int_equal(total_of("{\"pipeline\":\"orders\",\"limit\":\"1000\"}"), 2);
}

static void
wrong_parameters_are_named(void **state)
{
    (void)state;
    ask_fails("jobs.list", "{\"state\":\"dread\"}", WEIR_INVALID, "state must be scheduled");
    ask_fails("jobs.list", "{\"stat\":\"dead\"}", WEIR_INVALID, "no parameter \"stat\"");
    ask_fails("jobs.list", "{\"code\":\"x\"}", WEIR_INVALID, "code must be");
    ask_fails("jobs.list", "{\"limit\":0}", WEIR_INVALID, "limit must be a whole number from 1");
    ask_fails("jobs.list", "{\"limit\":1001}", WEIR_INVALID, "limit must be");
    ask_fails("jobs.list", "{\"limit\":-1}", WEIR_INVALID, "limit must be");
    ask_fails("jobs.list", "{\"limit\":99999999999999999999}", WEIR_INVALID, "limit must be");
    ask_fails("jobs.list", "{\"after\":\"x\"}", WEIR_INVALID, "after must be");
    ask_fails("jobs.list", "{\"since_ms\":true}", WEIR_INVALID, "since_ms must be");
    ask_fails("jobs.list", "{\"node\":7}", WEIR_INVALID, "node must be a string");
    ask_fails("jobs.list", "[]", WEIR_INVALID, "must be a map");
    ask_fails("jobs.show", "{}", WEIR_INVALID, "id must be a job's UUID");
    ask_fails("jobs.show", "{\"id\":\"0190-\"}", WEIR_INVALID, "id must be a job's UUID");
    ask_fails("incidents.list", "{\"after\":\"x\"}", WEIR_INVALID, "after must be");
    ask_fails("jobs.sing", "{}", WEIR_NOT_FOUND, "jobs.sing");
    ask_fails("jobs.show", "{\"id\":\"01900000-0000-7000-8000-000000000000\"}", WEIR_NOT_FOUND,
            "there is no job 01900000-0000-7000-8000-000000000000");
    ask_fails("jobs.cancel", "{\"id\":\"01900000-0000-7000-8000-000000000000\"}", WEIR_INVALID,
            "who must say who does it");
    ask_fails("jobs.cancel", "{\"id\":\"01900000-0000-7000-8000-000000000000\",\"who\":\"ann\"}",
            WEIR_NOT_FOUND, "there is no job");
}

enum { PAGED = 25 };

static void
pages_hold_each_job_once_while_others_come(void **state)
{
    (void)state;
    char ids[PAGED][ID_UUID];
    for (int i = 0; i < PAGED; i++) {
        struct job_accept a = new_job(JOB_READY);
        accept_job(&a);
        memcpy(ids[i], a.id, ID_UUID);
    }
    int at = PAGED;
    char json[96] = "{\"limit\":10}";
    for (int page = 0; page < 3; page++) {
        const struct weir_value *v = ask("jobs.list", json), *job;
        assert_int_equal(number_in(v, "total"), PAGED + page);
        for (size_t i = 0; (job = value_at(value_field(v, "jobs"), i)) != NULL; i++)
            assert_text(text_in(job, "id"), ids[--at]);
        struct weir_text next = text_in(v, "next");
        assert_int_equal(next.len > 0, page < 2);
        snprintf(json, sizeof(json), "{\"limit\":10,\"after\":\"%.*s\"}", (int)next.len,
                 next.bytes);
        value_unref(&v);
        struct job_accept a = new_job(JOB_READY);
        accept_job(&a);
    }
    assert_int_equal(at, 0);
}

/* Claims the one job that is due; it must be ID. */
static uint32_t
claim_one(const char *id)
{
    struct job_claim c = { 0 };
    claim(&c, 10);
    assert_int_equal(c.n, 1);
    assert_string_equal(c.jobs->id, id);
    uint32_t attempt = c.jobs->attempt;
    job_claim_free(&c);
    return attempt;
}

static void
replay(const char *id, char ret_id[ID_UUID])
{
    const struct weir_value *v = ask_of("jobs.replay", id, BY_ANN);
    if (v == NULL)
        fail_msg("%s", err.text);
    struct weir_text text = text_in(v, "id");
    snprintf(ret_id, ID_UUID, "%.*s", (int)text.len, text.bytes);
    assert_text(text_in(v, "replay_of"), id);
    value_unref(&v);
}

static void
a_dead_job_is_replayed_once_at_a_time(void **state)
{
    (void)state;
    struct job_accept a;
    char first[ID_UUID], second[ID_UUID], third[ID_UUID];
    dead_job(&a, "503");
    replay(a.id, first);
    ask_fails_of("jobs.replay", a.id, BY_ANN, WEIR_CONFLICT, "which is ready");

    const struct weir_value *v = ask_of("jobs.show", a.id, "");
    assert_text(text_in(v, "state"), "dead");
    assert_text(text_in(v, "superseded_by"), first);
    value_unref(&v);
    struct job_claim c = { 0 };
    claim(&c, 10);
    assert_int_equal(c.n, 1);
    assert_text(c.jobs->replay_of, a.id);
    assert_text(c.jobs->event, "\x81\xa1n\x01");
    assert_int_equal(c.jobs->revision.len, 0);
    job_claim_free(&c);
    ask_fails_of("jobs.replay", a.id, BY_ANN, WEIR_CONFLICT, "which is running");

    /* It fails as well: both may be replayed, but not both at once. */
    struct job_failure f = { WEIR_UPSTREAM, TEXT("book"), TEXT("503") };
    assert_int_equal(end_job(first, 1, JOB_DEAD, f), WEIR_OK);
    replay(first, second);
    ask_fails_of("jobs.replay", a.id, BY_ANN, WEIR_CONFLICT, second);
    assert_int_equal(claim_one(second), 1);
    assert_int_equal(end_job(second, 1, JOB_DEAD, f), WEIR_OK);
    replay(a.id, third);
    assert_int_equal(claim_one(third), 1);
    assert_int_equal(end_job(third, 1, JOB_COMPLETED, none), WEIR_OK);
    ask_fails_of("jobs.replay", a.id, BY_ANN, WEIR_CONFLICT, "which is completed");
}

static void
only_what_is_over_is_replayed(void **state)
{
    (void)state;
    struct job_accept a = new_job(JOB_RUNNING);
    accept_job(&a);
    ask_fails_of("jobs.replay", a.id, BY_ANN, WEIR_CONFLICT, "is running; only one that is over");
    assert_int_equal(end_job(a.id, 1, JOB_COMPLETED, none), WEIR_OK);
    ask_fails_of("jobs.replay", a.id, BY_ANN, WEIR_CONFLICT, "with force (--force)");
    ask_fails_of("jobs.replay", a.id, BY_ANN ",\"force\":1", WEIR_INVALID, "force must be");
    const struct weir_value *v = ask_of("jobs.replay", a.id, BY_ANN ",\"force\":true");
    assert_non_null(v);
    value_unref(&v);
    assert_int_equal(number_of("SELECT count(*) FROM events"), 2);
}

static void
what_is_known_of_steps_is_of_all_their_records(void **state)
{
    (void)state;
    struct job_accept a = new_job(JOB_READY);
    assert_int_equal(run_op(&a.op, STORE_ACCEPT), WEIR_OK);
    (void)number_of("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)"
                    " INSERT INTO steps(job, path, begun, at_ms)"
                    " SELECT (SELECT max(seq) FROM jobs), 'item/' || i, 0, 1 FROM n");
    (void)number_of("INSERT INTO steps(job, path, begun, at_ms, code)"
                    " SELECT max(seq), 'charge', 1, 1, NULL FROM jobs"
                    " UNION ALL SELECT max(seq), 'mail/1', 0, 1, 5 FROM jobs"
                    " UNION ALL SELECT max(seq), 'mail/2', 0, 1, NULL FROM jobs"
                    " UNION ALL SELECT max(seq), 'late?if', 3, 1, NULL FROM jobs");
    const struct weir_value *v = ask_of("jobs.show", a.id, ",\"known\":true");
    const struct weir_value *known = value_field(v, "known");
    assert_text(text_in(known, "item"), "done");
    assert_text(text_in(known, "charge"), "begun");
    assert_text(text_in(known, "mail"), "begun");
    assert_int_equal(known->len, 3);
    assert_int_equal(value_field(v, "steps")->len, 10000);
    value_unref(&v);
}

static void
two_replays_at_once_make_one_job(void **state)
{
    (void)state;
    struct job_accept a;
    dead_job(&a, "503");
    enum { TIMES = 20 };
    static struct store_ask asks[TIMES];
    char json[256];
    snprintf(json, sizeof(json), "{\"id\":\"%s\"" BY_ANN "}", a.id);
    const struct weir_value *with;
    assert_int_equal(json_read(text_of(json), NULL, NULL, &with, &err), WEIR_OK);
    unsigned before = n_told, answered = 0;
    for (int i = 0; i < TIMES; i++) {
        asks[i] = (struct store_ask){
            .op = { .shard = shard, .done = on_told, .kind = STORE_ASK },
            .what = "jobs.replay",
            .with = with,
        };
        assert_int_equal(store_submit(store, &asks[i].op, &err), WEIR_OK);
    }
    await_told(before + TIMES);
    for (int i = 0; i < TIMES; i++) {
        answered += asks[i].answer != NULL;
        value_unref(&asks[i].answer);
    }
    value_unref(&with);
    assert_int_equal(answered, 1);
    assert_int_equal(number_of("SELECT count(*) FROM jobs"), 2);
}

static void
jobs_are_cancelled_and_discarded(void **state)
{
    (void)state;
    struct job_accept a = new_job(JOB_READY), b = new_job(JOB_RUNNING), c;
    accept_job(&a);
    accept_job(&b);
    dead_job(&c, "503");
    const struct weir_value *v = ask_of("jobs.cancel", a.id, BY_ANN);
    assert_text(text_in(v, "state"), "cancelled");
    value_unref(&v);
    assert_state(a.id, "cancelled");
    ask_fails_of("jobs.cancel", a.id, BY_ANN, WEIR_CONFLICT, "is cancelled");
    ask_fails_of("jobs.cancel", c.id, BY_ANN, WEIR_CONFLICT, "is dead");
    struct job_claim nothing = { 0 };
    claim(&nothing, 10);
    assert_int_equal(nothing.n, 0);

    ask_fails_of("jobs.discard", c.id, ",\"who\":\"ann\"", WEIR_INVALID, "reason must say");
    ask_fails_of("jobs.discard", a.id, BY_ANN, WEIR_CONFLICT, "only a dead one");
    v = ask_of("jobs.discard", c.id, BY_ANN);
    assert_text(text_in(v, "state"), "discarded");
    value_unref(&v);
    v = ask("incidents.list", "{}");
    assert_null(value_at(value_field(v, "incidents"), 0));
    value_unref(&v);
    struct store_stats stats;
    store_stats(store, &stats);
    assert_int_equal(stats.jobs[JOB_CANCELLED], 1);
    assert_int_equal(stats.jobs[JOB_DISCARDED], 1);
    assert_int_equal(stats.jobs[JOB_DEAD], 0);
    assert_int_equal(stats.jobs[JOB_RUNNING], 1);
}

static void
the_audit_has_each_change(void **state)
{
    (void)state;
    struct job_accept a, b = new_job(JOB_READY);
    char again[ID_UUID];
    dead_job(&a, "503");
    accept_job(&b);
    replay(a.id, again);
    ask_fails_of("jobs.replay", a.id, BY_ANN, WEIR_CONFLICT, "which is ready");
    const struct weir_value *v = ask_of("jobs.cancel", b.id, BY_ANN);
    value_unref(&v);

    v = ask("audit.list", "{\"limit\":1}");
    const struct weir_value *entry = value_at(value_field(v, "entries"), 0);
    assert_text(text_in(entry, "who"), "ann");
    assert_text(text_in(entry, "what"), "jobs.cancel");
    assert_text(text_in(entry, "job"), b.id);
    assert_text(text_in(entry, "why"), "she knows why");
    assert_text(text_in(entry, "before"), "ready");
    assert_text(text_in(entry, "after"), "cancelled");
    assert_true(number_in(entry, "at_ms") > 0);
    char json[64];
    struct weir_text next = text_in(v, "next");
    snprintf(json, sizeof(json), "{\"after\":\"%.*s\"}", (int)next.len, next.bytes);
    value_unref(&v);
    v = ask("audit.list", json);
    entry = value_at(value_field(v, "entries"), 0);
    assert_text(text_in(entry, "what"), "jobs.replay");
    assert_text(text_in(entry, "replay"), again);
    assert_null(value_at(value_field(v, "entries"), 1));
    assert_null(value_field(v, "next"));
    value_unref(&v);
}

static void
failures_that_look_alike_are_one_incident(void **state)
{
    (void)state;
    struct job_accept a, last;
    dead_job(
        &a, "order 17 of 0190d6a2-7b1c-7f3e-8a55-0123456789ab: 10.0.0.7 said 503 (a1b2c3d4e5)");
    dead_job(&a, "order 4711 of 0190d6a2-7b1c-7f3e-8a55-fedcba987654: 10.11.12.13 said 502 "
                 "(0f9e8d7c6b)");
    dead_job(
        &a, "order 1,000.5 of 0190D6A2-7B1C-7F3E-8A55-FEDCBA987654: 1.1.1.1 said 1 (00000000)");
    dead_job(&a, "no route to host");
    for (uint64_t then = clock_wall_ms(); clock_wall_ms() == then;) /* what was seen last comes first */
        continue;
    dead_job(&last,
             "order 5 of 0190d6a2-7b1c-7f3e-8a55-0123456789ab: 10.0.0.7 said 503 (a1b2c3d4e5)");
    const struct weir_value *v = ask("incidents.list", "{\"limit\":1}");
    const struct weir_value *one = value_at(value_field(v, "incidents"), 0);
    assert_int_equal(number_in(one, "count"), 4);
    assert_text(text_in(one, "pipeline"), "orders");
    assert_text(text_in(one, "node"), "book");
    assert_text(text_in(one, "code"), "upstream");
    assert_text(text_in(one, "sample"), last.id);
    assert_true(number_in(one, "first_seen_ms") <= number_in(one, "last_seen_ms"));
    char json[96];
    struct weir_text next = text_in(v, "next");
    snprintf(json, sizeof(json), "{\"after\":\"%.*s\"}", (int)next.len, next.bytes);
    value_unref(&v);

    v = ask("incidents.list", json);
    assert_int_equal(number_in(value_at(value_field(v, "incidents"), 0), "count"), 1);
    assert_null(value_at(value_field(v, "incidents"), 1));
    assert_null(value_field(v, "next"));
    value_unref(&v);
    v = ask("incidents.list", "{\"pipeline\":\"mails\"}");
    assert_null(value_at(value_field(v, "incidents"), 0));
    value_unref(&v);
}

static void
the_store_tells_of_itself(void **state)
{
    (void)state;
    struct job_accept a = new_job(JOB_READY);
    accept_job(&a);
    const struct weir_value *v = ask("store.stats", "{}");
    assert_text(text_in(v, "path"), path);
    assert_int_equal(number_in(v, "operations"), 1);
    assert_int_equal(number_in(value_field(v, "jobs"), "ready"), 1);
    assert_true(number_in(v, "file_bytes") > 0);
    value_unref(&v);
    assert_true(store_ask_writes("jobs.replay"));
    assert_false(store_ask_writes("jobs.list"));
    assert_false(store_ask_writes("jobs.sing"));
}

/* Notes texts N to TO - 1 of "orders", in a later millisecond than all before. */
static void
note_texts(unsigned n, unsigned to)
{
    struct buf b;
    buf_init(&b, 1 << 20);
    (void)buf_printf(&b, "{\"revisions\":[");
    for (unsigned i = n; i < to; i++)
        (void)buf_printf(&b,
                         "%s{\"pipeline\":\"orders\",\"revision\":\"r%u\",\"file\":\"o.yaml\",\"text\":\"steps: []\"}",
                         i > n ? "," : "", i);
    (void)buf_printf(&b, "]}%c", '\0');
    for (uint64_t now = clock_wall_ms(); clock_wall_ms() == now;)
        continue;
    const struct weir_value *v = ask("revisions.note", b.bytes);
    assert_non_null(v);
    value_unref(&v);
    buf_fini(&b);
}

static bool
keeps_text(const char *revision)
{
    char json[96];
    snprintf(json, sizeof(json), "{\"pipeline\":\"orders\",\"revision\":\"%s\"}", revision);
    const struct weir_value *v = ask("revisions.get", json);
    bool has = v != NULL;
    assert_true(has || err.code == WEIR_NOT_FOUND);
    value_unref(&v);
    return has;
}

static void
texts_that_jobs_need_are_kept(void **state)
{
    (void)state;
    note_texts(0, 2);
    struct job_accept a = new_job(JOB_RUNNING); /* with r1 */
    accept_job(&a);
    note_texts(2, 1003);
    assert_false(keeps_text("r0"));
    assert_true(keeps_text("r1"));
    assert_true(keeps_text("r2"));
    assert_int_equal(end_job(a.id, 1, JOB_COMPLETED, (struct job_failure){ 0 }), WEIR_OK);
    note_texts(1003, 1004);
    assert_false(keeps_text("r1"));
    assert_true(keeps_text("r1003"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(lists_are_filtered),
        TEST(wrong_parameters_are_named),
        TEST(pages_hold_each_job_once_while_others_come),
        TEST(a_dead_job_is_replayed_once_at_a_time),
        TEST(only_what_is_over_is_replayed),
        TEST(what_is_known_of_steps_is_of_all_their_records),
        TEST(two_replays_at_once_make_one_job),
        TEST(jobs_are_cancelled_and_discarded),
        TEST(the_audit_has_each_change),
        TEST(failures_that_look_alike_are_one_incident),
        TEST(texts_that_jobs_need_are_kept),
        TEST(the_store_tells_of_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

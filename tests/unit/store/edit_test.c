/* Jobs are replayed with another body: what changes, what stays, and what is noted.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stage.h"

#include "value/msgpack.h"

/* The event of EVENT, in JSON; its raw, a string there, becomes bytes. */
static struct buf
packed(const char *json)
{
    struct buf b;
    const struct weir_value *v, *raw;
    buf_init(&b, 4096);
    assert_int_equal(json_read(text_of(json), NULL, NULL, &v, &err), WEIR_OK);
    if ((raw = value_field(v, "raw")) != NULL) {
        struct weir_builder *m = builder_map();
        struct weir_text key;
        const struct weir_value *one;
        for (size_t i = 0; value_member(v, i, &key, &one); i++) {
            one = one == raw ? value_bytes(raw->bytes, raw->len) : value_ref(one);
            builder_set(m, key.bytes, key.len, &one);
        }
        value_unref(&v);
        v = builder_end(&m);
    }
    assert_int_equal(msgpack_write(&b, v, &err), WEIR_OK);
    value_unref(&v);
    return b;
}

/* A dead job with that event. */
static struct job_accept
dead_with(const char *json)
{
    struct buf b = packed(json);
    struct job_accept a = new_job(JOB_RUNNING);
    a.event = buf_content(&b);
    accept_job(&a);
    buf_fini(&b);
    assert_int_equal(end_job(a.id, 1, JOB_DEAD, (struct job_failure){ .code = WEIR_UPSTREAM }),
                     WEIR_OK);
    return a;
}

#define ORDER                                                                       \
    "{\"v\":1,\"headers\":[[\"content-type\",\"application/json\"],"                \
    "[\"content-length\",\"99\"]],\"raw\":\"{\\\"amount\\\": 7, \\\"who\\\": \\\"ada\\\"}\"}"

/* The member KEY of the event of the job ID, as JSON. */
static void
assert_event(const char *id, const char *key, const char *expected)
{
    struct buf b;
    buf_init(&b, 4096);
    const struct weir_value *job = ask_of("jobs.show", id, "");
    const struct weir_value *v = value_field(value_field(job, "event"), key);
    assert_non_null(v);
    if (value_type(v) == WEIR_BYTES)
        (void)buf_text(&b, value_as_text(v));
    else
        assert_int_equal(json_write(&b, v, &err), WEIR_OK);
    assert_string_equal(b.bytes, expected);
    value_unref(&job);
    buf_fini(&b);
}

static void
id_in(const struct weir_value *v, char id[ID_UUID])
{
    assert_non_null(v);
    snprintf(id, ID_UUID, "%.*s", (int)text_in(v, "id").len, text_in(v, "id").bytes);
}

static void
the_new_job_has_the_new_body(void **state)
{
    (void)state;
    char id[ID_UUID];
    struct job_accept a = dead_with(ORDER);
    const struct weir_value *v = ask_of("jobs.edit", a.id, BY_ANN ",\"set\":{\"/amount\":8}");
    id_in(v, id);
    assert_text(text_in(v, "replay_of"), a.id);
    assert_true(value_field(v, "edited")->boolean);
    const struct weir_value *change = value_at(value_field(v, "changes"), 0);
    assert_text(text_in(change, "path"), "/amount");
    assert_int_equal(number_in(change, "before"), 7);
    assert_int_equal(number_in(change, "after"), 8);
    assert_null(value_at(value_field(v, "changes"), 1));
    value_unref(&v);

    assert_event(id, "raw", "{\"amount\":8,\"who\":\"ada\"}");
    assert_event(id, "headers",
                 "[[\"content-type\",\"application/json\"],[\"content-length\",\"24\"]]");
    assert_event(id, "v", "1");
    assert_event(a.id, "raw", "{\"amount\": 7, \"who\": \"ada\"}");
    assert_state(a.id, "dead");
    assert_state(id, "ready");
    v = ask_of("jobs.show", a.id, "");
    assert_text(text_in(v, "superseded_by"), id);
    assert_null(value_field(v, "edited"));
    value_unref(&v);
    assert_int_equal(number_of("SELECT count(*) FROM audit WHERE what = 'jobs.edit' AND"
                               " who = 'ann' AND before = '{\"/amount\":7}' AND"
                               " after = '{\"/amount\":8}' AND replay IS NOT NULL"),
                     1);
    assert_int_equal(number_of("SELECT sum(bytes) - (SELECT sum(length(event)) FROM events)"
                               " FROM jobs"),
                     0);
    assert_null(ask_of("jobs.edit", a.id, BY_ANN ",\"set\":{\"/amount\":9}"));
    assert_int_equal(err.code, WEIR_CONFLICT); /* one live replay */
}

/* Claims the one job that is ready, ends it as dead, and compares its root. */
static void
run_with_root(const char *id, const char *root)
{
    struct job_claim c = { 0 };
    claim(&c, 10);
    assert_int_equal(c.n, 1);
    assert_string_equal(c.jobs->id, id);
    assert_text(c.jobs->root, root);
    job_claim_free(&c);
    assert_int_equal(end_job(id, 1, JOB_DEAD, (struct job_failure){ .code = WEIR_UPSTREAM }),
                     WEIR_OK);
}

static void
keys_come_of_the_first_job_with_that_event(void **state)
{
    (void)state;
    char first[ID_UUID], second[ID_UUID], third[ID_UUID];
    struct job_accept a = dead_with(ORDER);
    const struct weir_value *v = ask_of("jobs.replay", a.id, BY_ANN);
    id_in(v, first);
    value_unref(&v);
    run_with_root(first, a.id);
    v = ask_of("jobs.replay", first, BY_ANN);
    id_in(v, second);
    value_unref(&v);
    run_with_root(second, a.id); /* of a chain, not of the job before */
    v = ask_of("jobs.edit", second, BY_ANN ",\"remove\":[\"/who\"]");
    id_in(v, third);
    value_unref(&v);
    run_with_root(third, third);
    v = ask_of("jobs.replay", third, BY_ANN);
    id_in(v, first);
    value_unref(&v);
    assert_event(first, "raw", "{\"amount\":7}");
    run_with_root(first, third);
    v = ask_of("jobs.show", first, "");
    assert_true(value_field(v, "edited")->boolean); /* its event is not the one that came */
    value_unref(&v);
}

static void
a_plan_changes_nothing(void **state)
{
    (void)state;
    struct job_accept a = dead_with(ORDER);
    const struct weir_value *v = ask_of(
        "jobs.edit.plan", a.id, ",\"body\":{\"who\":\"ada\",\"l\":[1]},\"set\":{\"/l/-\":2}");
    const struct weir_value *changes = value_field(v, "changes");
    assert_int_equal(changes->len, 2);
    assert_text(text_in(value_at(changes, 0), "path"), "/amount");
    assert_null(value_field(value_at(changes, 0), "after"));
    assert_text(text_in(value_at(changes, 1), "path"), "/l");
    assert_null(value_field(value_at(changes, 1), "before"));
    value_unref(&v);
    v = ask_of("jobs.edit.plan", a.id, ",\"set\":{\"/amount\":7}");
    assert_int_equal(value_field(v, "changes")->len, 0);
    value_unref(&v);
    assert_int_equal(number_of("SELECT count(*) FROM jobs"), 1);
    assert_false(store_ask_writes("jobs.edit.plan"));
}

static void
bodies_that_are_values_stay_so(void **state)
{
    (void)state;
    char id[ID_UUID];
    struct job_accept a = dead_with("{\"v\":1,\"body\":{\"breaker\":\"pay\"}}"),
                      none = dead_with("{\"v\":1}");
    const struct weir_value *v = ask_of("jobs.edit", a.id, BY_ANN ",\"set\":{\"/n\":1}");
    id_in(v, id);
    value_unref(&v);
    assert_event(id, "body", "{\"breaker\":\"pay\",\"n\":1}");
    v = ask_of("jobs.edit", none.id, BY_ANN ",\"body\":[]");
    id_in(v, id);
    value_unref(&v);
    assert_event(id, "raw", "[]");
}

static void
much_is_told_in_part(void **state)
{
    (void)state;
    struct job_accept a = dead_with("{\"v\":1,\"raw\":\"[]\"}");
    static char json[64000];
    size_t len = (size_t)snprintf(json, sizeof(json), "{\"id\":\"%s\"" BY_ANN ",\"body\":[\"",
                                  a.id);
    memset(json + len, 'x', 5000);
    len += 5000;
    len += (size_t)snprintf(json + len, sizeof(json) - len, "\"");
    for (int i = 0; i < 1500; i++)
        len += (size_t)snprintf(json + len, sizeof(json) - len, ",%d", i);
    snprintf(json + len, sizeof(json) - len, "]}");
    const struct weir_value *v = ask("jobs.edit", json);
    assert_non_null(v);
    assert_int_equal(value_field(v, "changes")->len, 200);
    assert_int_equal(number_in(v, "more"), 1301);
    assert_text(text_in(value_at(value_field(v, "changes"), 0), "after"),
                "(larger than is shown)");
    value_unref(&v);
    assert_int_equal(number_of("SELECT json_valid(before) AND json_valid(after) AND"
                               " length(after) < 8200 FROM audit"),
                     1);
}

static void
refused_of(const char *id, const char *more, enum weir_code code, const char *why)
{
    assert_null(ask_of("jobs.edit", id, more));
    if (err.code != code || strstr(err.text, why) == NULL)
        fail_msg("%u: %s", err.code, err.text);
}

static void
what_can_not_be_edited_is_told(void **state)
{
    (void)state;
    struct job_accept a = dead_with(ORDER), text = dead_with("{\"v\":1,\"raw\":\"a=1&b=2\"}"),
                      runs = new_job(JOB_RUNNING);
    accept_job(&runs);
    refused_of(a.id, BY_ANN ",\"set\":{\"/amount\":7}", WEIR_INVALID, "nothing changes");
    refused_of(a.id, BY_ANN ",\"set\":{\"/a/b\":7}", WEIR_INVALID, "set: there is no '/a/b'");
    refused_of(a.id, BY_ANN ",\"set\":[]", WEIR_INVALID, "set must be a map");
    refused_of(a.id, BY_ANN ",\"remove\":{}", WEIR_INVALID, "remove must be a list");
    refused_of(a.id, BY_ANN ",\"remove\":[1]", WEIR_INVALID, "remove must be a list");
    refused_of(a.id, BY_ANN ",\"remove\":[\"/b\"]", WEIR_INVALID, "remove: there is no '/b'");
    refused_of(a.id, BY_ANN ",\"force\":1", WEIR_INVALID, "force must be");
    refused_of(a.id, ",\"body\":1", WEIR_INVALID, "who must say");
    refused_of(text.id, BY_ANN ",\"body\":1", WEIR_INVALID, "is not JSON");
    refused_of(runs.id, BY_ANN ",\"body\":1", WEIR_CONFLICT, "is running");
    refused_of("01900000-0000-7000-8000-000000000000", BY_ANN ",\"body\":1", WEIR_NOT_FOUND,
               "there is no job");
    assert_int_equal(number_of("SELECT count(*) FROM jobs"), 3);
    assert_int_equal(number_of("SELECT count(*) FROM audit"), 0);
}

/* That the plan of WITH tells CHANGES. */
static void
assert_plan(const char *id, const char *with, const char *changes)
{
    struct buf b;
    buf_init(&b, 4096);
    const struct weir_value *v = ask_of("jobs.edit.plan", id, with);
    assert_non_null(v);
    assert_int_equal(json_write(&b, value_field(v, "changes"), &err), WEIR_OK);
    assert_string_equal(b.bytes, changes);
    value_unref(&v);
    buf_fini(&b);
}

static void
what_is_hidden_is_not_found_out_by_trying(void **state)
{
    (void)state;
    static const char pin[] = "[{\"path\":\"/card/pin\",\"before\":\"***\",\"after\":\"***\"}]";
    struct job_accept a = dead_with("{\"v\":1,\"mask\":[\"body.card.pin\"],\"body\":{\"card\":{\"pin\":1234,\"of\":\"ada\"},\"n\":7}}");
    assert_plan(a.id, ",\"set\":{\"/card/pin\":1234}", pin);
    assert_plan(a.id, ",\"set\":{\"/card/pin\":1235}", pin);
    assert_plan(a.id, ",\"set\":{\"/card\":{\"pin\":1234,\"of\":\"ada\"}}", pin);
    assert_plan(a.id, ",\"body\":{\"card\":{\"pin\":1234,\"of\":\"ada\"},\"n\":7}", pin);
    assert_plan(a.id, ",\"set\":{\"/n\":7,\"/card/of\":\"ada\"}", "[]");
    assert_plan(a.id, ",\"set\":{\"/card/of\":\"eve\"}", "[{\"path\":\"/card/of\",\"before\":\"ada\",\"after\":\"eve\"}]");
    assert_plan(a.id, ",\"set\":{\"/of\":1234}", "[{\"path\":\"/of\",\"after\":1234}]");
    assert_plan(a.id, ",\"set\":{\"/card\":{\"pin\":5,\"of\":\"1234\"}}",
                "[{\"path\":\"/card/pin\",\"before\":\"***\",\"after\":\"***\"},{\"path\":\"/card/of\",\"before\":\"ada\",\"after\":\"1234\"}]");
    const struct weir_value *made = ask_of("jobs.edit", a.id, BY_ANN ",\"set\":{\"/n\":\"of 1234\"}");
    value_unref(&made);
    assert_int_equal(number_of("SELECT count(*) FROM audit WHERE after = '{\"/n\":\"of ***\"}'"), 1);
    assert_null(ask_of("jobs.edit.plan", a.id, ",\"set\":{\"/card/pin\":\"***\"}"));
    assert_null(ask_of("jobs.edit.plan", a.id, ",\"body\":{\"card\":{\"pin\":\"***\"}}"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(the_new_job_has_the_new_body),
        TEST(keys_come_of_the_first_job_with_that_event),
        TEST(a_plan_changes_nothing),
        TEST(bodies_that_are_values_stay_so),
        TEST(much_is_told_in_part),
        TEST(what_can_not_be_edited_is_told),
        TEST(what_is_hidden_is_not_found_out_by_trying),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

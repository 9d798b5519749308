/* ratelimit/tests/ratelimit_test.c - what ratelimit/README.md promises, in one process.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define DECISIONS "weir_ratelimit_decisions_total"

/* Loads a pipeline NAME with the options MORE; each test has a name, and so buckets, of its
 * own. */
static void
load(const char *name, const char *more)
{
    char yaml[1024];
    snprintf(yaml, sizeof yaml,
             "name: %s\ntrigger: { webhook: { path: \"/{who}\" } }\nsteps:\n"
             "  - id: limit\n    ratelimit: { key: \"${ request.params.who }\", %s }\n"
             "  - reply: { json: \"${ steps.limit.remaining }\" }\n",
             name, more);
    stage_load(yaml, NULL);
}

/* Fails unless a refused LINE is answered 429; returns the seconds of its Retry-After. */
static int
refused(const char *line, const char *body)
{
    struct play *p = stage_play(line, body);
    assert_int_equal(p->status, 429);
    int seconds = atoi(stage_header(p, "Retry-After"));
    stage_end(&p);
    return seconds;
}

/* The first test of the process: keys of others must not come and go beside the counted one. */
static void
expired_keys_are_given_back(void **state)
{
    (void)state;
    load("short", "limit: 1/s");
    assert_true(stage_metric("weir_ratelimit_keys") == 0);
    stage_expect("POST /gone", NULL, 200, NULL);
    assert_true(stage_metric("weir_ratelimit_keys") == 1);
    assert_true(stage_metric("weir_ratelimit_bytes") >= 48);
    uint64_t end = clock_mono_ms() + 60000;
    while (stage_metric("weir_ratelimit_keys") > 0 && clock_mono_ms() < end)
        stage_turn(20);
    assert_true(stage_metric("weir_ratelimit_keys") == 0);
}

static void
as_many_as_the_limit_pass_for_each_key(void **state)
{
    (void)state;
    load("many", "limit: 3/60s");
    stage_expect("POST /a", NULL, 200, "2");
    stage_expect("POST /a", NULL, 200, "1");
    stage_expect("POST /a", NULL, 200, "0");
    assert_in_range(refused("POST /a", NULL), 59, 60);
    stage_expect("POST /b", NULL, 200, "2");
    assert_true(stage_metric(DECISIONS "{policy=\"many/limit\",decision=\"allowed\"}") == 4);
    assert_true(stage_metric(DECISIONS "{policy=\"many/limit\",decision=\"limited\"}") == 1);
}

static void
each_algorithm_refuses_what_is_too_much(void **state)
{
    (void)state;
    load("windows", "limit: 2/1h, algorithm: sliding-window");
    stage_expect("POST /a", NULL, 200, "1");
    stage_expect("POST /a", NULL, 200, "0");
    assert_in_range(refused("POST /a", NULL), 1, 7200);
    load("bucket", "limit: 1/60s, algorithm: token-bucket, burst: 2");
    stage_expect("POST /a", NULL, 200, "1");
    stage_expect("POST /a", NULL, 200, "0");
    assert_in_range(refused("POST /a", NULL), 59, 60);
}

static void
headers_of_both_kinds_stand_on_every_reply(void **state)
{
    (void)state;
    load("heads", "limit: 2/60s, name: my policy");
    uint64_t now_s = clock_wall_ms() / 1000;
    for (unsigned i = 0; i < 3; i++) {
        struct play *p = stage_play("POST /a", NULL);
        assert_int_equal(p->status, i < 2 ? 200 : 429);
        assert_string_equal(stage_header(p, "RateLimit-Policy"), "\"my policy\";q=2;w=60");
        assert_non_null(strstr(stage_header(p, "RateLimit"),
                               i == 0 ? "\"my policy\";r=1;t=" : "\"my policy\";r=0;t="));
        assert_string_equal(stage_header(p, "X-RateLimit-Limit"), "2");
        assert_string_equal(stage_header(p, "X-RateLimit-Remaining"), i == 0 ? "1" : "0");
        uint64_t reset_s = strtoull(stage_header(p, "X-RateLimit-Reset"), NULL, 10);
        assert_in_range(reset_s, now_s + 58, now_s + 70);
        stage_end(&p);
    }
}

static void
headers_can_be_chosen_and_reset_be_iso(void **state)
{
    (void)state;
    load("ietf", "limit: 2/1500ms, headers: ietf");
    struct play *p = stage_play("POST /a", NULL);
    assert_string_equal(stage_header(p, "RateLimit"), "\"ietf/limit\";r=1;t=2");
    assert_string_equal(stage_header(p, "RateLimit-Policy"), "\"ietf/limit\";q=2;w=2");
    assert_string_equal(stage_header(p, "X-RateLimit-Limit"), "");
    stage_end(&p);
    load("legacy", "limit: 2/60s, headers: legacy, reset: iso");
    p = stage_play("POST /a", NULL);
    const char *reset = stage_header(p, "X-RateLimit-Reset");
    assert_int_equal(strlen(reset), 24);
    assert_true(reset[10] == 'T' && reset[19] == '.' && reset[23] == 'Z');
    assert_string_equal(stage_header(p, "RateLimit"), "");
    stage_end(&p);
    load("none", "limit: 2/60s, headers: none");
    p = stage_play("POST /a", NULL);
    assert_null(strstr(p->headers, "RateLimit"));
    stage_end(&p);
}

static void
keys_of_any_length_count_by_all_their_bytes(void **state)
{
    char line[1100] = "POST /";
    (void)state;
    load("long", "limit: 1/60s");
    for (size_t len = 479; len < 483; len++) { /* up to 480 bytes stand for themselves */
        memset(line + 6, 'k', len);
        line[6 + len] = '\0';
        stage_expect(line, NULL, 200, "0");
        (void)refused(line, NULL);
        line[5 + len] = 'x';
        stage_expect(line, NULL, 200, "0");
    }
}

static void
select_chooses_and_the_others_share_default(void **state)
{
    (void)state;
    stage_load("name: picks\ntrigger: { webhook: { path: \"/{service}\" } }\nsteps:\n"
               "  - id: limit\n    ratelimit:\n      key: everybody\n"
               "      limits: { llama: 1/60s, default: 2/60s }\n"
               "      select: ${ request.params.service }\n"
               "  - reply: { json: \"${ steps.limit.name }\" }\n",
               NULL);
    struct play *p = stage_play("POST /llama", NULL);
    assert_string_equal(p->body, "\"llama\"");
    assert_string_equal(stage_header(p, "RateLimit-Policy"), "\"picks/limit/llama\";q=1;w=60");
    stage_end(&p);
    (void)refused("POST /llama", NULL);
    stage_expect("POST /x", NULL, 200, "\"default\"");
    stage_expect("POST /y", NULL, 200, "\"default\"");
    (void)refused("POST /z", NULL);
}

static void
key_limit_and_cost_can_be_expressions(void **state)
{
    (void)state;
    load("words", "limit: \"${ request.body.limit }\", cost: \"${ request.body.cost }\"");
    stage_expect("POST /a", "{\"limit\":\"10/60s\",\"cost\":7}", 200, "3");
    stage_expect("POST /a", "{\"limit\":\"10/60s\",\"cost\":0}", 200, "3");
    (void)refused("POST /a", "{\"limit\":\"10/60s\",\"cost\":4}");
    assert_int_equal(refused("POST /a", "{\"limit\":\"10/60s\",\"cost\":11}"), 0);
    stage_expect("POST /a", "{\"limit\":\"20/60s\",\"cost\":1}", 200, "12");
    struct play *p = stage_play("POST /a", "{\"limit\":\"30/90s\",\"cost\":0}");
    assert_string_equal(stage_header(p, "RateLimit-Policy"), "\"words/limit\";q=30;w=90");
    stage_end(&p);
    stage_expect("POST /a", "{\"limit\":\"many\",\"cost\":1}", 400, NULL);
    stage_expect("POST /a", "{\"limit\":\"10/60s\",\"cost\":-1}", 422, NULL);
    stage_expect("POST /a", "{\"limit\":\"10/60s\",\"cost\":1.5}", 422, NULL);
    stage_expect("POST /a", "{\"limit\":\"10/900d\",\"cost\":1}", 400, NULL);
    stage_expect("POST /a", "{\"limit\":\"1000000/60s\",\"cost\":10001}", 400, NULL);
}

static void
an_empty_key_is_refused(void **state)
{
    (void)state;
    stage_load(
        "name: empty\ntrigger: { webhook: /x }\nsteps:\n"
        "  - ratelimit: { key: \"${ request.headers['x-api-key'] ?? '' }\", limit: 1/s }\n"
        "  - reply: 204\n",
        NULL);
    stage_expect("POST /x", NULL, 400, NULL);
}

static void
nodes_of_one_name_count_together_and_over_a_reload(void **state)
{
    (void)state;
    load("first", "limit: 3/60s, name: shared");
    stage_expect("POST /a", NULL, 200, "2");
    load("second", "limit: 3/60s, name: shared");
    stage_expect("POST /a", NULL, 200, "1");
}

static void
a_refusal_tells_catch_what_is_left(void **state)
{
    (void)state;
    stage_load("name: caught\ntrigger: { webhook: /x }\nsteps:\n"
               "  - id: limit\n    ratelimit: { key: a, limit: 1/60s, cost: 2, name: caught }\n"
               "catch:\n  - reply: { status: 429, json: \"${ error.detail }\" }\n",
               NULL);
    struct play *p = stage_play("POST /x", NULL);
    assert_non_null(
        strstr(p->body, "{\"allowed\":false,\"limit\":1,\"remaining\":1,\"reset\":"));
    assert_non_null(strstr(p->body, "\"policy\":\"caught\",\"name\":\"default\""));
    assert_string_equal(stage_header(p, "X-RateLimit-Remaining"), "1");
    stage_end(&p);
}

static void
expect_refused(const char *options, const char *why)
{
    stage_refuses(why, "name: x\ntrigger: { webhook: /x }\nsteps:\n  - ratelimit: { %s }\n", options);
}

static void
what_makes_no_sense_is_refused_at_load(void **state)
{
    (void)state;
    expect_refused("key: a", "one of 'limit' and 'limits'");
    expect_refused("key: a, limit: 1/s, limits: { default: 1/s }",
                   "one of 'limit' and 'limits'");
    expect_refused("key: a, limit: 1/s, select: b", "chooses from 'limits'");
    expect_refused("key: a, limits: { a: 1/s }, select: b", "needs a 'default'");
    expect_refused("key: a, limits: { default: 1/s }", "needs 'select'");
    expect_refused("limit: 1/s", "key");
    expect_refused("key: a, limit: often", "100/60s");
    expect_refused("key: a, limit: 1/32d", "31 days");
    expect_refused("key: a, limit: 1/s, burst: 2", "only a token-bucket");
    expect_refused("key: a, limit: 1/31d, burst: 2, algorithm: token-bucket", "31 days");
    expect_refused("key: a, limit: 1/s, store: \"http://x\"", "redis://");
    expect_refused("key: a, limit: 1/s, store_timeout: 51ms", "5ms to 50ms");
    expect_refused("key: a, limits: { \"a/b\": 1/s, default: 1/s }, select: b", "limits");
}

static void
no_redis_is_open_or_closed(void **state)
{
    (void)state;
    load("open", "limit: 5/60s, store: \"redis://127.0.0.1:1\"");
    struct play *p = stage_play("POST /a", NULL);
    assert_int_equal(p->status, 200);
    assert_string_equal(stage_header(p, "X-RateLimit-Remaining"), "5");
    stage_end(&p);
    load("closed", "limit: 5/60s, store: \"redis://127.0.0.1:1\", on_store_error: closed");
    p = stage_play("POST /a", NULL);
    assert_int_equal(p->status, 503);
    assert_string_equal(stage_header(p, "Retry-After"), "1");
    assert_string_equal(stage_header(p, "X-RateLimit-Remaining"), "0");
    stage_end(&p);
    assert_true(stage_metric(DECISIONS "{policy=\"open/limit\",decision=\"error\"}") == 1);
    assert_true(stage_metric(DECISIONS "{policy=\"closed/limit\",decision=\"error\"}") == 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expired_keys_are_given_back),
        cmocka_unit_test(as_many_as_the_limit_pass_for_each_key),
        cmocka_unit_test(each_algorithm_refuses_what_is_too_much),
        cmocka_unit_test(headers_of_both_kinds_stand_on_every_reply),
        cmocka_unit_test(headers_can_be_chosen_and_reset_be_iso),
        cmocka_unit_test(keys_of_any_length_count_by_all_their_bytes),
        cmocka_unit_test(select_chooses_and_the_others_share_default),
        cmocka_unit_test(key_limit_and_cost_can_be_expressions),
        cmocka_unit_test(an_empty_key_is_refused),
        cmocka_unit_test(nodes_of_one_name_count_together_and_over_a_reload),
        cmocka_unit_test(a_refusal_tells_catch_what_is_left),
        cmocka_unit_test(what_makes_no_sense_is_refused_at_load),
        cmocka_unit_test(no_redis_is_open_or_closed),
    };
    return cmocka_run_group_tests(tests, stage_open, stage_close);
}

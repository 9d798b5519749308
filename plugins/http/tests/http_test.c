/* http/tests/http_test.c - what http/README.md promises of answers, and of asking again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "http_stage.h"

#include "base/clock.h"

static void
expect_output(const char *answer, const char *config, const char *output)
{
    char all[512];
    upstream_says(answer, NULL);
    snprintf(all, sizeof all,
             "{ url: \"${ env.UP }\"%s }\n  - set: ${ [type(input.body), input.body] }",
             config);
    load(all);
    stage_expect("POST /x/1", NULL, 200, output);
}

static void
bodies_of_answers_are_read_by_their_type(void **state)
{
    (void)state;
    expect_output(ANSWER("200 OK\r\nContent-Type: application/json\r\n", "{\"a\":1}"), "",
                  "[\"map\",{\"a\":1}]");
    expect_output(ANSWER("200 OK\r\nContent-Type: application/problem+json; x=y\r\n", "[1]"),
                  "", "[\"list\",[1]]");
    expect_output(ANSWER("200 OK\r\nContent-Type: text/plain\r\n", "hi"), "",
                  "[\"string\",\"hi\"]");
    expect_output(ANSWER("200 OK\r\nContent-Type: text/html; charset=\"UTF-8\"\r\n", "hi"), "",
                  "[\"string\",\"hi\"]");
    expect_output(ANSWER("200 OK\r\nContent-Type: text/plain; charset=latin1\r\n", "hi"), "",
                  "[\"bytes\",\"aGk=\"]");
    expect_output(ANSWER("200 OK\r\nContent-Type: text/plain\r\n", "\xff"), "",
                  "[\"bytes\",\"/w==\"]");
    expect_output(ANSWER("200 OK\r\nContent-Type: image/png\r\n", "hi"), "",
                  "[\"bytes\",\"aGk=\"]");
    expect_output(ANSWER("200 OK\r\n", "hi"), "", "[\"bytes\",\"aGk=\"]");
    expect_output(ANSWER("200 OK\r\nContent-Type: application/json\r\n", ""), "",
                  "[\"null\",null]");
    expect_output(ANSWER("200 OK\r\n", "5"), ", parse: json", "[\"int\",5]");
    expect_output(ANSWER("200 OK\r\nContent-Type: application/json\r\n", "5"), ", parse: text",
                  "[\"string\",\"5\"]");
    expect_output(ANSWER("200 OK\r\nContent-Type: application/json\r\n", "5"), ", parse: bytes",
                  "[\"bytes\",\"NQ==\"]");
}

static void
a_body_that_is_not_what_it_says_is_an_upstream_error(void **state)
{
    (void)state;
    upstream_says(ANSWER("200 OK\r\nContent-Type: application/json\r\n", "{oops"), NULL);
    load("${ env.UP }");
    struct play *p = stage_play("POST /x/1", NULL);
    assert_int_equal(p->status, 502);
    assert_non_null(strstr(p->body, "the body of the answer is not JSON: line 1"));
    stage_end(&p);
}

static void
an_answer_as_last_output_passes_through(void **state)
{
    (void)state;
    upstream_says(ANSWER("404 Not Found\r\nContent-Type: text/x\r\n", "nope"), NULL);
    load("${ env.UP }");
    struct play *p = stage_play("POST /x/1", NULL);
    assert_int_equal(p->status, 404);
    assert_string_equal(p->body, "nope");
    assert_string_equal(stage_header(p, "Content-Type"), "text/x");
    stage_end(&p);
}

/* The answer ANSWER of the upstream is passed on by CONFIG as BODY, which is of TYPE. */
static void
expect_passed(const char *answer, const char *config, const char *type, const char *body)
{
    upstream_says(answer, NULL);
    load(config);
    struct play *p = stage_play("POST /x/1", NULL);
    assert_int_equal(p->status, 200);
    assert_string_equal(p->body, body);
    assert_string_equal(stage_header(p, "Content-Type"), type);
    stage_end(&p);
}

static void
what_passes_through_is_byte_by_byte_what_came(void **state)
{
    (void)state;
#define JSON "application/json; x=y"
#define SPACED "{ \"b\" : 1.50,\r\n \"a\":\"\\u0041\", \"c\":12345678901234567890 }\n"
    static const char spaced[] = ANSWER("200 OK\r\nContent-Type: " JSON "\r\n", SPACED);
    expect_passed(spaced, "${ env.UP }", JSON, SPACED);
    expect_passed(spaced, "${ env.UP }\n  - if: ${ input.body.b > 1 }\n    metrics: { counter: a_total }", JSON, SPACED);
    expect_passed(spaced, "${ env.UP }\n  - set: ${ input.body }", "application/json",
                  "{\"b\":1.5,\"a\":\"A\",\"c\":12345678901234567000.0}");
    expect_passed(spaced, "${ env.UP }\n  - set: { status: 200, headers: \"${ input.headers }\", body: \"${ input.body.a }\" }\n  - set: ${ input.body }",
                  "application/json", "\"A\"");
    expect_passed(ANSWER("200 OK\r\n", "[ 5 ]"), "{ url: \"${ env.UP }\", parse: json }", "application/json", "[ 5 ]");
    expect_passed(ANSWER("200 OK\r\nContent-Type: application/json\r\n", "\"a\""), "${ env.UP }", "application/json", "\"a\"");
    expect_passed(ANSWER("200 OK\r\nContent-Type: application/json\r\n", "null"), "${ env.UP }", "application/json", "null");
}

/* Of several answers it is the body of the one that is the reply. */
static void
each_answer_has_the_body_that_came_with_it(void **state)
{
    (void)state;
    static const char first[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5\r\n\r\n[ 1 ]";
    static const char second[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5\r\n\r\n[ 2 ]";
    upstream_says(first, second);
    load("${ env.UP }\n  - id: b\n    http: ${ env.UP }");
    stage_expect("POST /x/1", NULL, 200, "[ 2 ]");
}

static void
statuses_are_errors_from_500_on_or_if_they_are_listed(void **state)
{
    (void)state;
    static const char catching[] =
        "\n    catch:\n      - set: { code: \"${ error.code }\", status: \"${ "
        "error.status }\", body: \"${ error.detail.body }\" }";
    char config[512];
    upstream_says(ANSWER("503 Unavailable\r\nContent-Type: text/plain\r\n", "down"), NULL);
    snprintf(config, sizeof config, "${ env.UP }%s", catching);
    load(config);
    stage_expect("POST /x/1", NULL, 200,
                 "{\"code\":\"upstream\",\"status\":503,\"body\":\"down\"}");
    load("{ url: \"${ env.UP }\" }");
    stage_expect("POST /x/1", NULL, 502, NULL);
    load("{ url: \"${ env.UP }\", ok: [5xx] }");
    stage_expect("POST /x/1", NULL, 503, "down");
    upstream_says(ANSWER("404 Not Found\r\n", ""), NULL);
    load("{ url: \"${ env.UP }\", fail_on: [\"400-404\", 429] }");
    stage_expect("POST /x/1", NULL, 502, NULL);
    load("{ url: \"${ env.UP }\", fail_on: [4xx], ok: [404] }");
    stage_expect("POST /x/1", NULL, 404, NULL);
}

static void
retries_wait_as_long_as_retry_after_says(void **state)
{
    (void)state;
    upstream_says(ANSWER("503 Unavailable\r\nRetry-After: 1\r\n", ""), OK);
    load("${ env.UP }\n    retry: { attempts: 2, initial: 1ms }");
    struct play *p = stage_begin("POST /x/1", NULL, NULL);
    uint64_t begin = shard_now(stage_shard());
    stage_finish(p);
    assert_int_equal(p->status, 200);
    assert_true(shard_now(stage_shard()) - begin >= 1000);
    assert_int_equal(requests_seen(), 2);
    stage_end(&p);
}

static void
retry_after_can_be_a_date(void **state)
{
    (void)state;
    static char answer[256]; /* the upstream's thread reads it */
    char date[CLOCK_HTTP];
    clock_http(clock_wall_ms() + 2000, date);
    snprintf(answer, sizeof answer,
             "HTTP/1.1 503 Unavailable\r\nRetry-After: %s\r\nConnection: close\r\n\r\n", date);
    upstream_says(answer, OK);
    load("${ env.UP }\n    retry: { attempts: 2, initial: 1ms }");
    struct play *p = stage_begin("POST /x/1", NULL, NULL);
    uint64_t begin = shard_now(stage_shard());
    stage_finish(p);
    uint64_t waited = shard_now(stage_shard()) - begin;
    assert_int_equal(p->status, 200);
    assert_true(waited >= 500 && waited <= 3000);
    stage_end(&p);
}

static void
an_unsafe_request_is_not_sent_twice(void **state)
{
    (void)state;
    upstream_says(ANSWER("503 Unavailable\r\n", ""), OK);
    load("{ url: \"${ env.UP }\", json: 1 }\n    retry: { attempts: 3, initial: 1ms }");
    stage_expect("POST /x/1", NULL, 502, NULL);
    assert_int_equal(requests_seen(), 1);
}

/* The Idempotency-Key of the latest request. */
static void
key_of(char ret[64])
{
    const char *at = strstr(latest(), "Idempotency-Key: \"");
    assert_non_null(at);
    snprintf(ret, 64, "%.*s", (int)strcspn(at, "\r"), at);
}

static void
an_idempotent_request_has_the_same_key_each_time(void **state)
{
    (void)state;
    char first[64], second[64];
    upstream_says(ANSWER("503 Unavailable\r\n", ""), NULL);
    load("{ method: PUT, url: \"${ env.UP }\", json: 1 }\n    retry: { attempts: 2, initial: "
         "50ms }");
    struct play *p = stage_begin("POST /x/1", NULL, NULL);
    for (unsigned i = 0; i < 1000 && requests_seen() < 1; i++)
        stage_turn(1);
    key_of(first);
    stage_finish(p);
    stage_end(&p);
    assert_int_equal(requests_seen(), 2);
    key_of(second);
    assert_string_equal(first, second);
    stage_expect("POST /x/1", NULL, 502, NULL);
    key_of(second);
    assert_string_not_equal(first, second);

    upstream_says(OK, NULL);
    load("{ url: \"${ env.UP }\", json: 1 }");
    stage_expect("POST /x/1", NULL, 200, NULL);
    not_sent("Idempotency-Key");
}

static void
a_caller_that_goes_away_ends_the_request(void **state)
{
    (void)state;
    upstream_says("", NULL); /* never answers */
    load("${ env.UP }");
    struct play *p = stage_begin("POST /x/1", NULL, NULL);
    for (unsigned i = 0; i < 1000 && requests_seen() < 1; i++)
        stage_turn(1);
    engine_gone(&p->event);
    stage_finish(p);
    stage_end(&p);
    load("{ url: \"${ env.UP }\", timeouts: { first_byte: 30ms } }");
    stage_expect("POST /x/1", NULL, 504, NULL);
    load("${ env.UP }\n    timeout: 30ms");
    stage_expect("POST /x/1", NULL, 504, NULL);
}

static void
a_stream_passes_through(void **state)
{
    (void)state;
    upstream_says(ANSWER("200 OK\r\nContent-Type: text/plain\r\n", "hello"), NULL);
    load("{ url: \"${ env.UP }\", stream: true }");
    stage_expect("POST /x/1", NULL, 200, "(stream)");
    upstream_says(ANSWER("500 Oops\r\n", "hello"), NULL);
    stage_expect("POST /x/1", NULL, 502, NULL);
}

static void
an_answer_that_is_too_large_is_refused(void **state)
{
    (void)state;
    upstream_says(ANSWER("200 OK\r\n", "hello"), NULL);
    load("{ url: \"${ env.UP }\", max_body: 4 }");
    stage_expect("POST /x/1", NULL, 413, NULL);
    load("{ url: \"${ env.UP }\", max_body: 5 }");
    stage_expect("POST /x/1", NULL, 200, "hello");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_of_answers_are_read_by_their_type),
        cmocka_unit_test(a_body_that_is_not_what_it_says_is_an_upstream_error),
        cmocka_unit_test(an_answer_as_last_output_passes_through),
        cmocka_unit_test(what_passes_through_is_byte_by_byte_what_came),
        cmocka_unit_test(each_answer_has_the_body_that_came_with_it),
        cmocka_unit_test(statuses_are_errors_from_500_on_or_if_they_are_listed),
        cmocka_unit_test(retries_wait_as_long_as_retry_after_says),
        cmocka_unit_test(retry_after_can_be_a_date),
        cmocka_unit_test(an_unsafe_request_is_not_sent_twice),
        cmocka_unit_test(an_idempotent_request_has_the_same_key_each_time),
        cmocka_unit_test(a_caller_that_goes_away_ends_the_request),
        cmocka_unit_test(a_stream_passes_through),
        cmocka_unit_test(an_answer_that_is_too_large_is_refused),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}

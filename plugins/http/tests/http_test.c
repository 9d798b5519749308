/* http/tests/http_test.c - what http/README.md promises.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "peer.h"

/* The upstream: what it says to each request, one after another (the last answer goes on), and
 * the latest request. Its connections are threads. */
static struct peer *upstream;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *answers[2];
static char last[16384];
static unsigned requests;

/* Reads a request with its body into TEXT (sizeof last); false at the end of the connection. */
static bool
read_request(int fd, char *text)
{
    size_t len = 0;
    for (;;) {
        ssize_t n = recv(fd, text + len, sizeof last - 1 - len, 0);
        if (n <= 0)
            return false;
        len += (size_t)n;
        text[len] = '\0';
        const char *end = strstr(text, "\r\n\r\n");
        const char *length = strstr(text, "content-length: ");
        size_t body = length && end && length < end ? strtoul(length + 16, NULL, 10) : 0;
        if (end != NULL && len >= (size_t)(end + 4 - text) + body)
            return true;
    }
}

static void
say_answers(struct peer *p, int fd, unsigned n)
{
    (void)p;
    (void)n;
    char text[sizeof last];
    while (read_request(fd, text)) {
        pthread_mutex_lock(&lock);
        strcpy(last, text);
        const char *answer = answers[requests > 0 && answers[1] ? 1 : 0];
        requests++;
        pthread_mutex_unlock(&lock);
        peer_say(fd, answer);
        if (strstr(answer, "Connection: close") != NULL)
            return;
    }
}

/* How many requests there were. */
static unsigned
requests_seen(void)
{
    pthread_mutex_lock(&lock);
    unsigned n = requests;
    pthread_mutex_unlock(&lock);
    return n;
}

/* The latest request. */
static const char *
latest(void)
{
    static char copy[sizeof last];
    pthread_mutex_lock(&lock);
    strcpy(copy, last);
    pthread_mutex_unlock(&lock);
    return copy;
}

#define ANSWER(head, body) "HTTP/1.1 " head "Connection: close\r\n\r\n" body

static void
load(const char *config)
{
    char yaml[4096];
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%u", upstream->port);
    setenv("UP", url, 1);
    snprintf(yaml, sizeof yaml,
             "name: proxies\ntrigger: { webhook: { path: \"/x/{a}\", methods: [GET, POST] } }\n"
             "steps:\n  - id: up\n    http: %s\n",
             config);
    stage_load(yaml, NULL);
}

/* Starts over with these answers. */
static void
upstream_says(const char *first, const char *second)
{
    pthread_mutex_lock(&lock);
    answers[0] = first;
    answers[1] = second;
    requests = 0;
    last[0] = '\0';
    pthread_mutex_unlock(&lock);
}

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

/* Whether the latest request holds PART. */
static void
sent(const char *part)
{
    if (strstr(latest(), part) == NULL)
        fail_msg("'%s' is not in:\n%s", part, latest());
}

static void
not_sent(const char *part)
{
    if (strstr(latest(), part) != NULL)
        fail_msg("'%s' is in:\n%s", part, latest());
}

static int
open_all(void **state)
{
    upstream = peer_start(say_answers, NULL);
    return stage_open(state);
}

static int
close_all(void **state)
{
    int result = stage_close(state);
    peer_stop(upstream);
    return result;
}

static void
the_request_is_what_the_configuration_says(void **state)
{
    (void)state;
    upstream_says(OK, NULL);
    load("\n"
         "      method: PATCH\n"
         "      url: ${ env.UP }/a/${ request.params.a }?x=${ request.body.q }\n"
         "      query: { n: 5, none: null, tags: [a b, \"${ request.body.q }\"], yes: true, d: "
         "0.1 }\n"
         "      headers: { X-A: \"${ request.body.q }\", X-N: 7, X-None: null, X-L: [1, b] }\n"
         "      json: { q: \"${ request.body.q }\" }");
    stage_expect("POST /x/s%20t", "{\"q\":\"a&b/c\"}", 200, "");
    sent("PATCH /a/s%2520t?x=a%26b%2Fc&n=5&tags=a%20b&tags=a%26b%2Fc&yes=true&d=0.1 "
         "HTTP/1.1\r\n");
    sent("X-A: a&b/c\r\nX-N: 7\r\nX-L: 1\r\nX-L: b\r\n");
    sent("Content-Type: application/json\r\n");
    sent("\r\n\r\n{\"q\":\"a&b/c\"}");
    not_sent("X-None");
}

static void
headers_are_the_same_by_name_and_as_a_map(void **state)
{
    (void)state;
    upstream_says(OK, NULL);
    load("\n"
         "      url: ${ env.UP }\n"
         "      headers:\n"
         "        X-Text: $${ x }\n"
         "        X-Empty: \"\"\n"
         "        X-Half: \"<${ request.body.q }>\"\n"
         "        X~Odd~1: ${ request.body.q }\n"
         "        X-Yes: true\n"
         "        X-Absent: ${ request.body?.nothing }\n"
         "        X-Null: ${ request.body?.nothing ?? null }\n"
         "        X-List: ${ request.body.l }\n"
         "        X-Last: 1.5");
    stage_expect("POST /x/1", "{\"q\":\"a b\",\"l\":[1,true,\"c\"]}", 200, "");
    sent("X-Text: ${ x }\r\nX-Empty: \r\nX-Half: <a b>\r\nX~Odd~1: a b\r\nX-Yes: true\r\n"
         "X-List: 1\r\nX-List: true\r\nX-List: c\r\nX-Last: 1.5\r\n");
    load("{ url: \"${ env.UP }\", headers: \"${ request.body }\" }");
    stage_expect("POST /x/1", "{\"X-B\":\"b\",\"X-N\":null,\"X-L\":[1,2]}", 200, "");
    sent("X-B: b\r\nX-L: 1\r\nX-L: 2\r\n");
    not_sent("X-N");
    load("{ url: \"${ env.UP }\", headers: { X-A: a, X-Wrong: \"${ request.body }\" } }");
    stage_expect("POST /x/1", "{\"a\":1}", 422, NULL);
}

static void
a_request_has_no_more_headers_than_it_may(void **state)
{
    (void)state;
    upstream_says(OK, NULL);
    load("{ url: \"${ env.UP }\", headers: { X-A: a, X-Many: \"${ request.body }\" } }");
    char list[1024] = "[";
    for (unsigned i = 0; i < 199; i++)
        strcat(list, "1,");
    list[strlen(list) - 1] = ']';
    stage_expect("POST /x/1", list, 200, "");
    strcpy(list + strlen(list) - 1, ",1]");
    stage_expect("POST /x/1", list, 413, NULL);
}

static void
nothing_else_of_the_event_is_sent(void **state)
{
    (void)state;
    upstream_says(OK, NULL);
    load("${ env.UP }/a");
    struct play *p =
        stage_begin("POST /x/1", "{\"secret\":1}", "Authorization: a\nCookie: b\n");
    stage_finish(p);
    stage_end(&p);
    sent("GET /a HTTP/1.1\r\n");
    not_sent("secret");
    not_sent("uthorization");
    not_sent("ookie");
}

static void
bodies_have_their_types(void **state)
{
    (void)state;
    upstream_says(OK, NULL);
    load("{ url: \"${ env.UP }\", form: { a: \"b c\", n: 1, l: [x, y], none: null } }");
    stage_expect("POST /x/1", NULL, 200, NULL);
    sent("POST / HTTP/1.1");
    sent("Content-Type: application/x-www-form-urlencoded\r\n");
    sent("\r\n\r\na=b%20c&n=1&l=x&l=y");
    load("{ url: \"${ env.UP }\", text: \"hello ${ request.body }\" }");
    stage_expect("POST /x/1", "\"you\"", 200, NULL);
    sent("Content-Type: text/plain; charset=utf-8\r\n");
    sent("\r\n\r\nhello you");
    load("{ url: \"${ env.UP }\", body: \"${ request.raw }\" }");
    stage_expect("POST /x/1", "{\"a\": 1}", 200, NULL);
    sent("Content-Type: application/octet-stream\r\n");
    sent("\r\n\r\n{\"a\": 1}");
    load("{ url: \"${ env.UP }\", body: \"${ request.body }\", headers: { content-type: a/b } "
         "}");
    stage_expect("POST /x/1", "{\"a\": 1}", 200, NULL);
    sent("content-type: a/b\r\n");
    not_sent("Content-Type:");
    sent("\r\n\r\n{\"a\":1}");
    load("{ url: \"${ env.UP }\", json: hello }");
    stage_expect("POST /x/1", NULL, 200, NULL);
    sent("\r\n\r\n\"hello\"");
    load("{ url: \"${ env.UP }\", body: null }");
    stage_expect("POST /x/1", NULL, 200, NULL);
    not_sent("Content-Type");
}

static void
base_and_path_are_joined_and_values_encoded(void **state)
{
    (void)state;
    upstream_says(OK, NULL);
    load("{ base_url: \"${ env.UP }/v1/\", path: \"/users/${ request.body }/x\" }");
    stage_expect("POST /x/1", "\"a/b?c\"", 200, NULL);
    sent("GET /v1/users/a%2Fb%3Fc/x HTTP/1.1");
    stage_expect("POST /x/1", "\"..\"", 400, NULL);
    load("{ base_url: \"${ env.UP }\", path: \"${ request.body }\" }");
    stage_expect("POST /x/1", "\"@evil.example/\"", 400, NULL);
}

/* A field of the request as the whole of a text is found by a shorter way; the schema holds all the same. */
static void
a_lent_text_is_checked_like_any_other(void **state)
{
    (void)state;
    upstream_says(OK, NULL);
    load("{ url: \"${ env.UP }\", method: \"${ request.params.a }\" }");
    stage_expect("POST /x/PUT", NULL, 200, NULL);
    sent("PUT / HTTP/1.1");
    stage_expect("POST /x/AN-UNUSUAL-METHOD-OF-31-LETTERS", NULL, 200, NULL);
    struct play *p = stage_play("POST /x/AN-UNUSUAL-METHOD-OF-032-LETTERS", NULL);
    assert_int_equal(p->status, 422);
    assert_non_null(strstr(p->body, "/method: must have at most 31 characters"));
    stage_end(&p);
    load("{ base_url: \"${ env.UP }\", path: \"${ request.path }\", method: \"${ request.method }\" }");
    stage_expect("POST /x/y", NULL, 200, NULL);
    sent("POST /x/y HTTP/1.1");
}

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
a_host_made_of_event_data_has_to_be_allowed(void **state)
{
    (void)state;
    upstream_says(OK, NULL);
    load("{ url: \"http://${ request.body }/\" }");
    char host[64];
    snprintf(host, sizeof host, "\"127.0.0.1:%u\"", upstream->port);
    stage_expect("POST /x/1", host, 403, NULL);
    load("{ url: \"http://${ request.body }/\", allow_hosts: [127.0.0.1] }");
    stage_expect("POST /x/1", host, 403, NULL); /* and to be public */
    assert_int_equal(requests_seen(), 0);
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

static void
what_a_value_may_not_do_is_refused(void **state)
{
    (void)state;
    upstream_says(OK, NULL);
    load("{ url: \"${ env.UP }\", headers: { X-A: \"${ request.body }\" } }");
    stage_expect("POST /x/1", "\"a\\r\\nX-Evil: 1\"", 400, NULL);
    load("{ url: \"${ env.UP }\", method: \"${ request.body }\" }");
    stage_expect("POST /x/1", "\"GET / HTTP/1.1\\r\\n\"", 400, NULL);
    load("{ url: \"${ env.UP }\", query: \"${ request.body }\" }");
    stage_expect("POST /x/1", "{\"a\":{}}", 422, NULL);
    assert_int_equal(requests_seen(), 0);
}

static void
refused(const char *config, const char *why)
{
    char yaml[512];
    snprintf(yaml, sizeof yaml, "trigger: { webhook: /x }\nsteps:\n  - http: %s\n", config);
    char *text = stage_refused(yaml);
    if (strstr(text, why) == NULL)
        fail_msg("'%s' is not in:\n%s", why, text);
    free(text);
}

static void
what_can_never_work_is_refused_at_load(void **state)
{
    (void)state;
    refused("{ json: 1 }", "one of 'url' and 'base_url'");
    refused("{ url: \"http://a\", base_url: \"http://a\" }", "one of 'url' and 'base_url'");
    refused("{ url: \"http://a\", path: /b }", "'path' belongs to 'base_url'");
    refused("{ url: \"http://a\", json: 1, text: a }", "not two");
    refused("{ url: \"http://a\", fail_on: [4xy] }", "http.fail_on");
    refused("{ url: \"http://a\", fail_on: [404-400] }", "a status must be one such as");
    refused("{ url: \"http://a\", stream: \"${ input }\" }", "http.stream");
    refused("{ url: \"http://a\", form: { a: { b: 1 } } }", "http.form");
    refused("{ url: \"http://a\", timeouts: { connect: 5 } }", "duration");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_request_is_what_the_configuration_says),
        cmocka_unit_test(headers_are_the_same_by_name_and_as_a_map),
        cmocka_unit_test(a_request_has_no_more_headers_than_it_may),
        cmocka_unit_test(nothing_else_of_the_event_is_sent),
        cmocka_unit_test(bodies_have_their_types),
        cmocka_unit_test(base_and_path_are_joined_and_values_encoded),
        cmocka_unit_test(a_lent_text_is_checked_like_any_other),
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
        cmocka_unit_test(a_host_made_of_event_data_has_to_be_allowed),
        cmocka_unit_test(a_caller_that_goes_away_ends_the_request),
        cmocka_unit_test(a_stream_passes_through),
        cmocka_unit_test(an_answer_that_is_too_large_is_refused),
        cmocka_unit_test(what_a_value_may_not_do_is_refused),
        cmocka_unit_test(what_can_never_work_is_refused_at_load),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}

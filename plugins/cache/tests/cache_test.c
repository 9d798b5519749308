/* cache/tests/cache_test.c - what cache/README.md promises, in one process.
 *
 * The block of most tests counts its runs under a name of the test's own, and its output is
 * another one each time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "peer.h"

#define REQUESTS "weir_cache_requests_total"
#define SKIPPED "weir_cache_skipped_total"
#define CALLS 50u

/* A pipeline NAME at /NAME/{key}: a cache of the options MORE around BLOCK, which is indented
 * by six. */
static void
write_yaml(char *ret, size_t room, const char *name, const char *more, const char *block)
{
    snprintf(ret, room,
             "name: %s\ntrigger: { webhook: { path: \"/%s/{key}\", methods: [GET, POST] } "
             "}\nsteps:\n"
             "  - id: kept\n    cache: { name: %s, key: \"${ request.params.key }\", %s }\n"
             "    do:\n      - metrics: { counter: runs_%s_total }\n%s",
             name, name, name, more, name, block);
}

static void
load(const char *name, const char *more, const char *block)
{
    char yaml[2048];
    write_yaml(yaml, sizeof yaml, name, more, block);
    stage_load(yaml, NULL);
}

#define FRESH "      - set: ${ uuid() }\n"
/* Waits at the gate, and fails, if the body says so. */
#define SLOW                                         \
    "      - if: ${ request.body?.gate ?? false }\n" \
    "        gate: {}\n"                             \
    "      - if: ${ request.body?.fail ?? false }\n" \
    "        set: ${ request.body.missing }\n" FRESH

static unsigned
runs_of(const char *name)
{
    char series[128];
    snprintf(series, sizeof series, "runs_%s_total", name);
    double n = stage_metric(series);
    return n < 0 ? 0 : (unsigned)n;
}

static unsigned
count_of(const char *family, const char *name, const char *label, const char *value)
{
    char series[192];
    snprintf(series, sizeof series, "%s{cache=\"%s\",%s=\"%s\"}", family, name, label, value);
    double n = stage_metric(series);
    return n < 0 ? 0 : (unsigned)n;
}

#define RESULT(name, value) count_of(REQUESTS, name, "result", value)
#define REASON(name, value) count_of(SKIPPED, name, "reason", value)

/* -- node types of this test -- */

static struct weir_call *held[CALLS]; /* at the gate */
static unsigned n_held;

static void
gate_run(struct weir_call *call, void *state)
{
    (void)state;
    assert_true(n_held < CALLS);
    held[n_held++] = call;
}

static void
gate_cancel(struct weir_call *call, void *state)
{
    (void)state;
    unsigned i = 0;
    while (held[i] != call)
        i++;
    held[i] = held[--n_held];
    struct weir_error err = { .code = WEIR_CANCELLED, .text = "cut short" };
    (host_table()->fail)(call, &err); /* cmocka has a macro of that name */
}

/* Waits until N calls are at the gate. */
static void
await_held(unsigned n)
{
    uint64_t end = clock_mono_ms() + 10000;
    while (n_held < n) {
        assert_true(clock_mono_ms() < end);
        stage_turn(1);
    }
    assert_int_equal(n_held, n);
}

/* Lets all go on that are at the gate. */
static void
open_gate(void)
{
    while (n_held > 0)
        host_table()->done(held[--n_held], NULL);
}

/* Fails with not_found, and counts how often. */
static unsigned absences;

static void
absent_run(struct weir_call *call, void *state)
{
    (void)state;
    const struct weir_host *host = host_table();
    const struct weir_value *detail = host->string(WEIR_TEXT("looked everywhere"));
    struct weir_error err = { .code = WEIR_NOT_FOUND,
                              .status = 451,
                              .detail = detail,
                              .text = "nothing, said the first" };
    (host->fail)(call, &err);
    host->unref(&detail);
    absences++;
}

static const struct weir_node_type types[] = {
    {
        .size = sizeof(struct weir_node_type),
        .name = "absent",
        .summary = "Fails.",
        .config_schema = "{\"type\":\"object\"}",
        .example = "- absent:\n",
        .output = "none",
        .run = absent_run,
    },
    {
        .size = sizeof(struct weir_node_type),
        .flags = WEIR_TAP,
        .name = "gate",
        .summary = "Waits.",
        .config_schema = "{\"type\":\"object\"}",
        .example = "- gate:\n",
        .output = "null",
        .run = gate_run,
        .cancel = gate_cancel,
    },
};

static const struct weir_plugin test_plugin = {
    .abi_major = WEIR_ABI_MAJOR,
    .abi_minor = WEIR_ABI_MINOR,
    .size = sizeof test_plugin,
    .n_nodes = 2,
    .name = "cache_test",
    .version = "1.0.0",
    .nodes = types,
};

/* The body of an answer of STATUS; the caller frees it. */
static char *
answer(const char *line, const char *body, unsigned status)
{
    struct play *p = stage_play(line, body);
    if (p->status != status)
        fail_msg("%s: %u instead of %u: %s", line, p->status, status, p->body);
    char *text = strdup(p->body ? p->body : "");
    stage_end(&p);
    return text;
}

static void
expect_same(const char *line, const char *body, const char *expected, bool same)
{
    char *text = answer(line, body, 200);
    if ((strcmp(text, expected) == 0) != same)
        fail_msg("%s: %s and %s", line, text, expected);
    free(text);
}

/* Turns the loop until the wall clock has moved by MS. */
static void
let_pass(uint64_t ms)
{
    uint64_t end = clock_wall_ms() + ms;
    while (clock_wall_ms() <= end)
        stage_turn(1);
}

static void
a_hit_answers_without_the_block(void **state)
{
    (void)state;
    load("hits", "ttl: 1h", FRESH);
    char *first = answer("POST /hits/a", NULL, 200);
    expect_same("POST /hits/a", NULL, first, true);
    expect_same("POST /hits/b", NULL, first, false);
    expect_same("POST /hits/a", NULL, first, true);
    assert_int_equal(runs_of("hits"), 2);
    assert_int_equal(RESULT("hits", "hit"), 2);
    assert_int_equal(RESULT("hits", "miss"), 2);
    free(first);
}

static void
what_is_past_its_ttl_is_made_anew(void **state)
{
    (void)state;
    load("short", "ttl: 40ms", FRESH);
    char *first = answer("POST /short/a", NULL, 200);
    let_pass(40);
    expect_same("POST /short/a", NULL, first, false);
    assert_int_equal(runs_of("short"), 2);
    free(first);
}

static void
any_value_comes_back_as_it_was(void **state)
{
    (void)state;
    load("values", "ttl: 1h",
         "      - set: { i: 9007199254740993, d: 1.0, n: null, s: \"\\0\\u20ac\", "
         "l: [true, {}], b: \"${ base64.decode('AP8=') }\" }\n");
    char *first = answer("POST /values/a", NULL, 200);
    assert_non_null(strstr(first, "\"i\":9007199254740993,\"d\":1.0,\"n\":null"));
    assert_non_null(strstr(first, "\"b\":\"AP8=\""));
    expect_same("POST /values/a", NULL, first, true);
    assert_int_equal(runs_of("values"), 1);
    free(first);
    load("nothing", "ttl: 1h", "      - set: ${ request.body?.none ?? null }\n");
    free(answer("POST /nothing/a", "{}", 204));
    free(answer("POST /nothing/a", "{}", 204));
    assert_int_equal(runs_of("nothing"), 1);
}

/* Starts CALLS calls of LINE, each with BODY. */
static void
begin_all(struct play *ret[CALLS], const char *line, const char *body)
{
    for (unsigned i = 0; i < CALLS; i++)
        ret[i] = stage_begin(line, body, NULL);
}

static void
finish_all(struct play *p[CALLS], unsigned status, bool same)
{
    char *first = NULL;
    for (unsigned i = 0; i < CALLS; i++) {
        stage_finish(p[i]);
        assert_int_equal(p[i]->status, status);
        if (first == NULL)
            first = strdup(p[i]->body);
        else if (same)
            assert_string_equal(p[i]->body, first);
        stage_end(&p[i]);
    }
    free(first);
}

static void
fifty_calls_at_once_run_the_block_once(void **state)
{
    (void)state;
    struct play *p[CALLS];
    load("many", "ttl: 1h", SLOW);
    begin_all(p, "POST /many/a", "{\"gate\":true}");
    await_held(1);
    open_gate();
    finish_all(p, 200, true);
    assert_int_equal(runs_of("many"), 1);
    assert_int_equal(RESULT("many", "miss"), 1);
    assert_int_equal(RESULT("many", "wait"), CALLS - 1);
}

static void
a_failure_is_that_of_all_who_wait_and_is_not_kept(void **state)
{
    (void)state;
    struct play *p[CALLS];
    load("fails", "ttl: 1h", SLOW);
    begin_all(p, "POST /fails/a", "{\"gate\":true,\"fail\":true}");
    await_held(1);
    open_gate();
    finish_all(p, 500, false);
    assert_int_equal(runs_of("fails"), 1);
    free(answer("POST /fails/a", "{}", 200));
    assert_int_equal(runs_of("fails"), 2);
}

static void
if_the_leader_goes_the_next_one_leads(void **state)
{
    (void)state;
    struct play *p[3];
    load("leader", "ttl: 1h", SLOW);
    for (unsigned i = 0; i < 3; i++)
        p[i] = stage_begin("POST /leader/a", "{\"gate\":true}", NULL);
    await_held(1);
    engine_gone(&p[1]->event); /* a waiter only leaves */
    stage_finish(p[1]);
    assert_int_equal(runs_of("leader"), 1);
    engine_gone(&p[0]->event);
    stage_finish(p[0]);
    await_held(1);
    assert_int_equal(runs_of("leader"), 2);
    open_gate();
    stage_finish(p[2]);
    assert_int_equal(p[2]->status, 200);
    for (unsigned i = 0; i < 3; i++)
        stage_end(&p[i]);
    assert_int_equal(RESULT("leader", "miss"), 1);
}

static void
all_may_go_and_the_next_call_begins_anew(void **state)
{
    (void)state;
    struct play *p[CALLS];
    load("gone", "ttl: 1h", SLOW);
    for (unsigned order = 0; order < 2; order++) {
        begin_all(p, "POST /gone/a", "{\"gate\":true}");
        await_held(1);
        for (unsigned i = 0; i < CALLS; i++)
            engine_gone(&p[order ? CALLS - 1 - i : i]->event);
        for (unsigned i = 0; i < CALLS; i++) {
            stage_finish(p[i]);
            stage_end(&p[i]);
        }
    }
    free(answer("POST /gone/a", "{}", 200));
}

static void
a_leader_out_of_time_hands_the_lead_on(void **state)
{
    (void)state;
    struct play *p[2];
#define LATE(name, more)                                                \
    "name: " name "\ntrigger: { webhook: /" name " }\nsteps:\n"         \
    "  - cache: { name: late, key: k, ttl: 1h }\n" more "    do:\n"     \
    "      - metrics: { counter: runs_late_total }\n      - gate: {}\n" \
    "      - set: done\n"
    stage_load(LATE("late", "    timeout: 30ms\n"), LATE("patient", ""), NULL);
    p[0] = stage_begin("POST /late", NULL, NULL);
    p[1] = stage_begin("POST /patient", NULL, NULL);
    stage_finish(p[0]);
    assert_int_equal(p[0]->status, 504);
    await_held(1);
    open_gate();
    stage_finish(p[1]);
    assert_int_equal(p[1]->status, 200);
    assert_int_equal(runs_of("late"), 2);
    stage_end(&p[0]);
    stage_end(&p[1]);
}

static void
a_stale_value_answers_when_the_block_fails(void **state)
{
    (void)state;
    struct play *p[CALLS];
    load("stale", "ttl: 20ms, stale_if_error: 1h", SLOW);
    char *first = answer("POST /stale/a", "{}", 200);
    let_pass(20);
    expect_same("POST /stale/a", "{\"fail\":true}", first, true);
    begin_all(p, "POST /stale/a", "{\"gate\":true,\"fail\":true}");
    await_held(1);
    open_gate();
    finish_all(p, 200, true);
    assert_int_equal(RESULT("stale", "stale"), 1 + CALLS);
    expect_same("POST /stale/a", "{}", first, false);
    free(first);
    load("nostale", "ttl: 20ms", SLOW);
    free(answer("POST /nostale/a", "{}", 200));
    let_pass(20);
    free(answer("POST /nostale/a", "{\"fail\":true}", 500));
    load("staler", "ttl: 20ms, stale_if_error: 20ms", SLOW);
    free(answer("POST /staler/a", "{}", 200));
    let_pass(40);
    free(answer("POST /staler/a", "{\"fail\":true}", 500));
}

static void
an_error_of_the_caller_has_no_stale_answer(void **state)
{
    (void)state;
    load("callers", "ttl: 20ms, stale_if_error: 1h",
         "      - foreach: ${ request.body }\n        do: [ { set: 1 } ]\n");
    free(answer("POST /callers/a", "[1]", 200));
    let_pass(20);
    struct play *p = stage_play("POST /callers/a", "{}"); /* no list: invalid */
    assert_true(p->status == 400 || p->status == 422);
    stage_end(&p);
}

/* -- answers of an upstream -- */

static struct peer *upstream;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *says;
static unsigned asked;

static void
say(struct peer *p, int fd, unsigned n)
{
    (void)p;
    (void)n;
    char head[4096] = "";
    size_t len = 0;
    while (strstr(head, "\r\n\r\n") == NULL) {
        ssize_t got = recv(fd, head + len, sizeof head - 1 - len, 0);
        if (got <= 0)
            return;
        len += (size_t)got;
        head[len] = '\0';
    }
    pthread_mutex_lock(&lock);
    asked++;
    const char *text = says;
    pthread_mutex_unlock(&lock);
    peer_say(fd, text);
}

static void
upstream_says(const char *text)
{
    pthread_mutex_lock(&lock);
    says = text;
    asked = 0;
    pthread_mutex_unlock(&lock);
}

static unsigned
requests_seen(void)
{
    pthread_mutex_lock(&lock);
    unsigned n = asked;
    pthread_mutex_unlock(&lock);
    return n;
}

#define ANSWER(head, body) "HTTP/1.1 " head "\r\nConnection: close\r\n\r\n" body

/* A cache around an http node with the options HTTP, and MORE behind it. */
static void
load_http(const char *name, const char *more, const char *http)
{
    char yaml[2048];
    snprintf(yaml, sizeof yaml,
             "name: %s\ntrigger: { webhook: { path: \"/%s\", methods: [GET] } }\nsteps:\n"
             "  - cache: { name: %s, key: k, %s }\n    do:\n"
             "      - http: { url: \"http://127.0.0.1:%u/\"%s }\n",
             name, name, name, more, upstream->port, http);
    stage_load(yaml, NULL);
}

static void
expect_page(const char *line, unsigned status, const char *type, const char *body)
{
    struct play *p = stage_play(line, NULL);
    assert_int_equal(p->status, status);
    assert_string_equal(stage_header(p, "Content-Type"), type);
    assert_string_equal(p->body, body);
    stage_end(&p);
}

static void
a_hit_answers_as_the_upstream_did(void **state)
{
    (void)state;
    struct play *p[CALLS];
    upstream_says(ANSWER("201 Created\r\nContent-Type: text/css; charset=utf-8", "a { }"));
    load_http("passes", "ttl: 1h", "");
    begin_all(p, "GET /passes", NULL);
    for (unsigned i = 0; i < CALLS; i++) {
        stage_finish(p[i]);
        assert_int_equal(p[i]->status, 201);
        assert_string_equal(stage_header(p[i], "Content-Type"), "text/css; charset=utf-8");
        assert_string_equal(p[i]->body, "a { }");
        stage_end(&p[i]);
    }
    expect_page("GET /passes", 201, "text/css; charset=utf-8", "a { }");
    assert_int_equal(requests_seen(), 1);
    assert_int_equal(RESULT("passes", "miss"), 1);
    assert_int_equal(RESULT("passes", "wait") + RESULT("passes", "hit"), CALLS);
}

static void
what_only_looks_like_an_answer_is_a_value(void **state)
{
    (void)state;
    load("looks", "ttl: 1h", "      - set: { status: 404, headers: {}, body: x }\n");
    for (unsigned i = 0; i < 2; i++)
        stage_expect("GET /looks/a", NULL, 200,
                     "{\"status\":404,\"headers\":{},\"body\":\"x\"}");
    assert_int_equal(runs_of("looks"), 1);
}

static void
answers_of_400_and_above_are_not_kept(void **state)
{
    (void)state;
    upstream_says(ANSWER("403 Forbidden\r\nContent-Type: text/plain", "no"));
    load_http("forbids", "ttl: 1h, negative_ttl: 1h", "");
    expect_page("GET /forbids", 403, "text/plain", "no");
    expect_page("GET /forbids", 403, "text/plain", "no");
    assert_int_equal(requests_seen(), 2);
    assert_int_equal(REASON("forbids", "status"), 2);
    upstream_says(ANSWER("404 Not Found\r\nContent-Type: text/plain", "none"));
    load_http("unknown", "ttl: 1h", "");
    expect_page("GET /unknown", 404, "text/plain", "none");
    expect_page("GET /unknown", 404, "text/plain", "none");
    assert_int_equal(requests_seen(), 2);
}

static void
that_there_is_nothing_is_remembered(void **state)
{
    (void)state;
    upstream_says(ANSWER("410 Gone\r\nContent-Type: text/plain", "gone"));
    load_http("negative", "ttl: 1h, negative_ttl: 1h", "");
    expect_page("GET /negative", 410, "text/plain", "gone");
    expect_page("GET /negative", 410, "text/plain", "gone");
    assert_int_equal(requests_seen(), 1);
    assert_int_equal(RESULT("negative", "negative"), 1);
    load_http("denies", "ttl: 1h, negative_ttl: 30ms", "");
    expect_page("GET /denies", 410, "text/plain", "gone");
    let_pass(30);
    expect_page("GET /denies", 410, "text/plain", "gone");
    assert_int_equal(requests_seen(), 3);
}

static void
a_stream_is_for_one_and_is_not_kept(void **state)
{
    (void)state;
    struct play *p[CALLS];
    upstream_says(ANSWER("200 OK\r\nContent-Type: text/plain", "flows"));
    load_http("streams", "ttl: 1h", ", stream: true");
    begin_all(p, "GET /streams", NULL);
    for (unsigned i = 0; i < CALLS; i++) {
        stage_finish(p[i]);
        assert_int_equal(p[i]->status, 200);
        assert_string_equal(p[i]->body, "(stream)");
        stage_end(&p[i]);
    }
    assert_int_equal(requests_seen(), CALLS);
    assert_int_equal(REASON("streams", "stream"), CALLS);
}

static void
load_absent(const char *name, const char *more)
{
    char yaml[1024];
    snprintf(
        yaml, sizeof yaml,
        "name: %s\ntrigger: { webhook: /absent }\nsteps:\n"
        "  - cache: { key: k, %s }\n    do: [ { gate: {} }, { absent: {} } ]\n"
        "    catch:\n      - set: \"${ error.code }/${ error.status }: ${ error.message }, "
        "${ error.detail }\"\n",
        name, more);
    stage_load(yaml, NULL);
    absences = 0;
}

static void
a_failure_not_found_is_remembered_as_it_was(void **state)
{
    (void)state;
    struct play *p[CALLS];
    const char *text = "\"not_found/451: nothing, said the first, looked everywhere\"";
    load_absent("absent", "ttl: 1h, negative_ttl: 1h");
    begin_all(p, "POST /absent", "{}");
    await_held(1);
    open_gate();
    finish_all(p, 200, true);
    stage_expect("POST /absent", "{}", 200, text);
    assert_int_equal(absences, 1);
    load_absent("forgets", "ttl: 1h");
    for (unsigned i = 1; i <= 2; i++) {
        struct play *one = stage_begin("POST /absent", "{}", NULL);
        await_held(1);
        open_gate();
        stage_finish(one);
        assert_string_equal(one->body, text);
        stage_end(&one);
        assert_int_equal(absences, i);
    }
}

/* -- bounds -- */

static void
what_is_too_large_is_not_kept(void **state)
{
    (void)state;
    load("large", "ttl: 1h, max_entry: 200", "      - set: ${ request.body }\n");
    char body[300];
    memset(body, 'x', sizeof body);
    body[0] = body[250] = '"';
    body[251] = '\0';
    free(answer("POST /large/a", body, 200));
    free(answer("POST /large/a", body, 200));
    assert_int_equal(runs_of("large"), 2);
    assert_int_equal(REASON("large", "large"), 2);
    free(answer("POST /large/b", "\"small\"", 200));
    free(answer("POST /large/b", "\"small\"", 200));
    assert_int_equal(runs_of("large"), 3);
}

static void
what_was_used_longest_ago_makes_room(void **state)
{
    (void)state;
    char line[64];
    load("room", "ttl: 1h, max_bytes: 8KiB", FRESH);
    for (unsigned i = 0; i < 100; i++) {
        snprintf(line, sizeof line, "POST /room/k%u", i);
        free(answer(line, NULL, 200));
        free(answer("POST /room/k0", NULL, 200));
    }
    assert_int_equal(runs_of("room"), 100); /* k0 was always in use */
    free(answer("POST /room/k1", NULL, 200));
    assert_int_equal(runs_of("room"), 101);
}

/* -- nesting, sharing -- */

static void
a_cache_in_itself_does_not_wait_for_itself(void **state)
{
    (void)state;
    const char *inner = "name: inner\ntrigger: { webhook: /inner }\nsteps:\n"
                        "  - cache: { name: self, key: k }\n    do: [ { set: 7 } ]\n";
    stage_load("name: nested\ntrigger: { webhook: /nested }\nsteps:\n"
               "  - cache: { name: self, key: k }\n    do:\n      - call: inner\n",
               inner, NULL);
    stage_expect("POST /nested", "{}", 200, "7");
}

static void
two_runs_do_not_wait_for_each_other(void **state)
{
    (void)state;
    struct play *p[2];
    stage_load("name: crossed\ntrigger: { webhook: /crossed }\nsteps:\n"
               "  - cache: { name: crossed, key: \"${ request.body.a }\" }\n    do:\n"
               "      - gate: {}\n"
               "      - cache: { name: crossed, key: \"${ request.body.b }\" }\n        do:\n"
               "          - set: 8\n",
               NULL);
    p[0] = stage_begin("POST /crossed", "{\"a\":1,\"b\":2}", NULL);
    p[1] = stage_begin("POST /crossed", "{\"a\":2,\"b\":1}", NULL);
    await_held(2);
    open_gate();
    for (unsigned i = 0; i < 2; i++) {
        stage_finish(p[i]);
        assert_string_equal(p[i]->body, "8");
        stage_end(&p[i]);
    }
}

static void
pipelines_share_by_name_and_over_a_reload(void **state)
{
    (void)state;
    char one[1024], two[1024];
    write_yaml(one, sizeof one, "shared", "ttl: 1h", FRESH);
    snprintf(two, sizeof two,
             "name: other\ntrigger: { webhook: /other }\nsteps:\n"
             "  - cache_get: { name: shared, key: a }\n");
    stage_load(one, two, NULL);
    char *first = answer("POST /shared/a", NULL, 200);
    expect_same("POST /other", NULL, first, true);
    stage_load(one, NULL);
    expect_same("POST /shared/a", NULL, first, true);
    free(first);
    stage_load("name: unnamed\ntrigger: { webhook: /u }\nsteps:\n"
               "  - id: step\n    cache: { key: k }\n    do: [ { set: 1 } ]\n",
               NULL);
    stage_expect("POST /u", NULL, 200, "1");
    assert_int_equal(RESULT("unnamed/step", "miss"), 1);
}

/* -- cache_get, cache_set, cache_drop -- */

#define AT(path) \
    "trigger: { webhook: { path: \"/" path "/{key}\", methods: [POST] } }\nsteps:\n"

static void
load_access(void)
{
    stage_load(
        "name: put\n" AT(
            "put") "  - id: put\n    cache_set: { name: acc, "
                   "key: \"${ request.params.key }\", ttl: \"${ type(input) == 'map' ? "
                   "request.body.ttl ?? '1h' : '1h' }\", "
                   "keep: \"${ type(input) == 'map' ? request.body.keep ?? 0 : 0 }ms\" }\n"
                   "  - reply: { json: [ \"${ steps.put }\", \"${ input }\" ] }\n",
        "name: take\n" AT(
            "take") "  - cache_get: { name: acc, "
                    "key: \"${ request.params.key }\" }\n  - set: { got: \"${ input }\" }\n",
        "name: old\n" AT(
            "old") "  - cache_get: { name: acc, stale: true, "
                   "key: \"${ request.params.key }\" }\n  - set: { got: \"${ input }\" }\n",
        "name: drop\n" AT("drop") "  - id: drop\n    cache_drop: { name: acc, "
                                  "key: \"${ request.params.key }\" }\n  - reply: { json: \"${ "
                                  "steps.drop }\" }\n",
        "name: acc\n" AT(
            "acc") "  - cache: { name: acc, "
                   "key: \"${ request.params.key }\" }\n    do:\n      - gate: {}\n"
                   "      - set: from the block\n",
        NULL);
}

static void
values_are_set_read_and_dropped(void **state)
{
    (void)state;
    load_access();
    stage_expect("POST /take/a", NULL, 200, "{\"got\":null}");
    stage_expect("POST /put/a", "{\"x\":1}", 200, "[{\"kept\":true},{\"x\":1}]");
    stage_expect("POST /take/a", NULL, 200, "{\"got\":{\"x\":1}}");
    stage_expect("POST /acc/a", NULL, 200, "{\"x\":1}");
    stage_expect("POST /drop/a", NULL, 200, "{\"dropped\":true}");
    stage_expect("POST /drop/a", NULL, 200, "{\"dropped\":false}");
    stage_expect("POST /take/a", NULL, 200, "{\"got\":null}");
    stage_expect("POST /put/b", "{\"ttl\":\"20ms\",\"keep\":3600000}", 200, NULL);
    let_pass(20);
    stage_expect("POST /take/b", NULL, 200, "{\"got\":null}");
    stage_expect("POST /old/b", NULL, 200, "{\"got\":{\"ttl\":\"20ms\",\"keep\":3600000}}");
    stage_expect("POST /put/c", "{\"ttl\":\"soon\"}", 400, NULL);
    stage_expect("POST /put/c", "{\"ttl\":\"0s\"}", 400, NULL);
    stage_expect("POST /put/c", "{\"ttl\":\"400d\"}", 400, NULL);
}

static void
what_a_block_saw_before_a_drop_is_not_kept(void **state)
{
    (void)state;
    load_access();
    struct play *before = stage_begin("POST /acc/e", NULL, NULL);
    await_held(1);
    stage_expect("POST /drop/e", NULL, 200, "{\"dropped\":false}");
    struct play *after = stage_begin("POST /acc/e", NULL, NULL);
    await_held(2); /* it didn't wait for the one before */
    open_gate();
    stage_finish(before);
    stage_finish(after);
    assert_int_equal(REASON("acc", "changed"), 1);
    stage_end(&before);
    stage_end(&after);
    stage_expect("POST /take/e", NULL, 200, "{\"got\":\"from the block\"}"); /* of AFTER */
    struct play *late = stage_begin("POST /acc/f", NULL, NULL);
    await_held(1);
    stage_expect("POST /put/f", "[\"newer\"]", 200, NULL);
    open_gate();
    stage_finish(late);
    stage_end(&late);
    stage_expect("POST /take/f", NULL, 200, "{\"got\":[\"newer\"]}");
}

static void
a_stream_cannot_be_set(void **state)
{
    (void)state;
    char yaml[1024];
    upstream_says(ANSWER("200 OK", "flows"));
    snprintf(yaml, sizeof yaml,
             "name: put\ntrigger: { webhook: /put }\nsteps:\n"
             "  - http: { url: \"http://127.0.0.1:%u/\", stream: true }\n"
             "  - cache_set: { name: put, key: k }\n",
             upstream->port);
    stage_load(yaml, NULL);
    struct play *p = stage_play("POST /put", NULL);
    assert_true(p->status == 400 || p->status == 422);
    assert_non_null(strstr(p->body, "a stream can't be kept"));
    stage_end(&p);
}

/* -- Redis away; the rest of it is in tests/e2e -- */

static void
without_redis_the_block_runs_and_nothing_is_kept(void **state)
{
    (void)state;
    struct play *p[CALLS];
    load("away", "ttl: 1h, store: \"redis://127.0.0.1:1\"", SLOW);
    free(answer("POST /away/a", NULL, 200));
    free(answer("POST /away/a", NULL, 200));
    assert_int_equal(runs_of("away"), 2);
    assert_int_equal(RESULT("away", "error"), 2);
    assert_int_equal(REASON("away", "store"), 2);
    begin_all(p, "POST /away/b", "{\"gate\":true}");
    await_held(1);
    open_gate();
    finish_all(p, 200, true);
    assert_int_equal(runs_of("away"), 3);
    stage_load(
        "name: put\n" AT(
            "put") "  - id: put\n    cache_set: { name: away, key: k, "
                   "value: 1, store: \"redis://127.0.0.1:1\" }\n"
                   "  - id: drop\n    cache_drop: { name: away, key: k, "
                   "store: \"redis://127.0.0.1:1\" }\n"
                   "  - id: get\n    cache_get: { name: away, key: k, "
                   "store: \"redis://127.0.0.1:1\" }\n"
                   "  - reply: { json: [ \"${ steps.put.kept }\", \"${ steps.drop.dropped }\", "
                   "\"${ steps.get }\" ] }\n",
        "name: must\n" AT("must") "  - cache_set: { name: away, key: k, value: 1, "
                                  "required: true, store: \"redis://127.0.0.1:1\" }\n",
        NULL);
    stage_expect("POST /put/a", NULL, 200, "[false,false,null]");
    stage_expect("POST /must/a", NULL, 503, NULL);
}

/* -- what is refused -- */

static void
expect_refused(const char *step, const char *why)
{
    char yaml[512];
    snprintf(yaml, sizeof yaml, "name: x\ntrigger: { webhook: /x }\nsteps:\n  - %s\n", step);
    char *text = stage_refused(yaml);
    if (strstr(text, why) == NULL)
        fail_msg("%s\n is refused by\n%s", step, text);
    free(text);
}

static void
what_makes_no_sense_is_refused(void **state)
{
    (void)state;
    static const char *const bad[][2] = {
        { "{ cache: { ttl: 1s }, do: [ { set: 1 } ] }", "key" },
        { "{ cache: { key: k } }", "do" },
        { "{ cache: { key: k, ttl: 0s }, do: [ { set: 1 } ] }", "longer than 0s" },
        { "{ cache: { key: k, ttl: 400d }, do: [ { set: 1 } ] }", "366d" },
        { "{ cache: { key: k, stale_if_error: 400d }, do: [ { set: 1 } ] }", "366d" },
        { "{ cache: { key: k, store: \"http://x\" }, do: [ { set: 1 } ] }", "redis://" },
        { "{ cache: { key: k, max_bytes: 1 }, do: [ { set: 1 } ] }", "max_bytes" },
        { "{ cache: { key: k, tll: 1s }, do: [ { set: 1 } ] }", "did you mean 'ttl'" },
        { "{ cache_get: { key: k } }", "name" },
        { "{ cache_set: { name: n } }", "key" },
        { "{ cache_drop: { key: k } }", "name" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        expect_refused(bad[i][0], bad[i][1]);
}

static void
an_empty_key_is_an_error(void **state)
{
    (void)state;
    stage_load("name: empty\ntrigger: { webhook: /x }\nsteps:\n"
               "  - cache: { key: \"${ request.body?.key ?? '' }\" }\n    do: [ { set: 1 } ]\n",
               NULL);
    struct play *p = stage_play("POST /x", "{}");
    assert_int_equal(p->status, 400);
    assert_non_null(strstr(p->body, "the 'key' of the cache is empty"));
    stage_end(&p);
}

static int
open_all(void **state)
{
    upstream = peer_start(say, NULL);
    int result = stage_open(state);
    stage_add(&test_plugin);
    return result;
}

static int
close_all(void **state)
{
    int result = stage_close(state);
    peer_stop(upstream);
    return result;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hit_answers_without_the_block),
        cmocka_unit_test(what_is_past_its_ttl_is_made_anew),
        cmocka_unit_test(any_value_comes_back_as_it_was),
        cmocka_unit_test(fifty_calls_at_once_run_the_block_once),
        cmocka_unit_test(a_failure_is_that_of_all_who_wait_and_is_not_kept),
        cmocka_unit_test(if_the_leader_goes_the_next_one_leads),
        cmocka_unit_test(all_may_go_and_the_next_call_begins_anew),
        cmocka_unit_test(a_leader_out_of_time_hands_the_lead_on),
        cmocka_unit_test(a_stale_value_answers_when_the_block_fails),
        cmocka_unit_test(an_error_of_the_caller_has_no_stale_answer),
        cmocka_unit_test(a_hit_answers_as_the_upstream_did),
        cmocka_unit_test(what_only_looks_like_an_answer_is_a_value),
        cmocka_unit_test(answers_of_400_and_above_are_not_kept),
        cmocka_unit_test(that_there_is_nothing_is_remembered),
        cmocka_unit_test(a_failure_not_found_is_remembered_as_it_was),
        cmocka_unit_test(a_stream_is_for_one_and_is_not_kept),
        cmocka_unit_test(what_is_too_large_is_not_kept),
        cmocka_unit_test(what_was_used_longest_ago_makes_room),
        cmocka_unit_test(a_cache_in_itself_does_not_wait_for_itself),
        cmocka_unit_test(two_runs_do_not_wait_for_each_other),
        cmocka_unit_test(pipelines_share_by_name_and_over_a_reload),
        cmocka_unit_test(values_are_set_read_and_dropped),
        cmocka_unit_test(what_a_block_saw_before_a_drop_is_not_kept),
        cmocka_unit_test(a_stream_cannot_be_set),
        cmocka_unit_test(without_redis_the_block_runs_and_nothing_is_kept),
        cmocka_unit_test(what_makes_no_sense_is_refused),
        cmocka_unit_test(an_empty_key_is_an_error),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}

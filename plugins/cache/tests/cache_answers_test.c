/* cache/tests/cache_answers_test.c - what an upstream answered, and that there is nothing: what is kept
 * of it, and how a hit gives it again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cache_stage.h"
#include "peer.h"

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

static const struct weir_node_type absent_type = {
    .size = sizeof(struct weir_node_type),
    .name = "absent",
    .summary = "Fails.",
    .config_schema = "{\"type\":\"object\"}",
    .example = "- absent:\n",
    .output = "none",
    .run = absent_run,
};

static const struct weir_plugin absent_plugin = {
    .abi_major = WEIR_ABI_MAJOR,
    .abi_minor = WEIR_ABI_MINOR,
    .size = sizeof absent_plugin,
    .n_nodes = 1,
    .name = "absent",
    .version = "1.0.0",
    .nodes = &absent_type,
};

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

/* -- failures -- */

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

static int
open_all(void **state)
{
    upstream = peer_start(say, NULL);
    int result = open_stage(state);
    stage_add(&absent_plugin);
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
        cmocka_unit_test(a_hit_answers_as_the_upstream_did),
        cmocka_unit_test(answers_of_400_and_above_are_not_kept),
        cmocka_unit_test(that_there_is_nothing_is_remembered),
        cmocka_unit_test(a_failure_not_found_is_remembered_as_it_was),
        cmocka_unit_test(a_stream_is_for_one_and_is_not_kept),
        cmocka_unit_test(a_stream_cannot_be_set),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}

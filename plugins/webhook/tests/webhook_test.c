/* webhook/tests/webhook_test.c - what webhook/README.md promises.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOAD(config)                                                                      \
    stage_load("name: hooks\ntrigger:\n  webhook:\n    path: \"/x/{a}/{rest*}\"\n" config \
               "steps:\n  - reply: { json: { a: \"${ request.params.a }\", rest: \"${ "   \
               "request.params.rest }\" } }\n",                                           \
               NULL)

static struct play *
play(const char *line, const char *body, const char *headers)
{
    struct play *p = stage_begin(line, body, headers);
    stage_finish(p);
    assert_int_equal(p->replies, 1);
    return p;
}

static void
expect(const char *body, const char *headers, unsigned status)
{
    struct play *p = play("POST /x/1/", body, headers);
    if (p->status != status)
        fail_msg("%s answers %u %s", headers, p->status, p->body);
    stage_end(&p);
}

static void
parameters_of_the_path_are_in_the_request(void **state)
{
    (void)state;
    LOAD("");
    stage_expect("POST /x/1/b/c", NULL, 200, "{\"a\":\"1\",\"rest\":\"b/c\"}");
    stage_load("name: short\ntrigger: { webhook: /short }\nsteps:\n  - reply: 204\n", NULL);
    stage_expect("POST /short", NULL, 204, "");
}

static void
other_content_types_are_refused_with_415(void **state)
{
    (void)state;
    LOAD("    content_types: [application/json, text/*, \"application/*+xml\"]\n");
    expect("{}", "Content-Type: application/json\n", 200);
    expect("{}", "Content-Type: Application/JSON ; charset=utf-8\n", 200);
    expect("a", "Content-Type: text/csv\n", 200);
    expect("a", "Content-Type: application/atom+xml\n", 200);
    expect("a", "Content-Type: application/xml\n", 415);
    expect("a", "Content-Type: application/jsonp\n", 415);
    expect("a", "Content-Type: xtext/csv\n", 415);
    expect("a", "Content-Type: ;\n", 415);
    expect(NULL, NULL, 200);
    struct play *p = play("POST /x/1/", "a", "Content-Type: image/png\n");
    assert_string_equal(stage_header(p, "Accept"),
                        "application/json, text/*, application/*+xml");
    stage_end(&p);
}

static void
response_headers_stand_on_every_reply(void **state)
{
    (void)state;
    LOAD("    content_types: [application/json]\n"
         "    response_headers: { Cache-Control: no-store, X-A: b }\n");
    struct play *p = play("POST /x/1/", "{}", NULL);
    assert_string_equal(stage_header(p, "cache-control"), "no-store");
    assert_string_equal(stage_header(p, "x-a"), "b");
    stage_end(&p);
    p = play("POST /x/1/", "a", "Content-Type: image/png\n");
    assert_int_equal(p->status, 415);
    assert_string_equal(stage_header(p, "cache-control"), "no-store");
    stage_end(&p);
}

#define PREFLIGHT "Access-Control-Request-Method: POST\nAccess-Control-Request-Headers: x-b\n"

static void
a_preflight_is_answered_without_a_run(void **state)
{
    (void)state;
    LOAD("    methods: [POST, PUT]\n"
         "    cors: { origins: [\"https://a.example\", \"https://*.b.example\"], max_age: 1h "
         "}\n");
    struct play *p = play("OPTIONS /x/1/", NULL, "Origin: https://a.example\n" PREFLIGHT);
    assert_int_equal(p->status, 204);
    assert_string_equal(stage_header(p, "Access-Control-Allow-Origin"), "https://a.example");
    assert_string_equal(stage_header(p, "Access-Control-Allow-Methods"), "POST, PUT");
    assert_string_equal(stage_header(p, "Access-Control-Allow-Headers"), "Content-Type");
    assert_string_equal(stage_header(p, "Access-Control-Max-Age"), "3600");
    assert_string_equal(stage_header(p, "Access-Control-Allow-Credentials"), "");
    assert_non_null(strstr(stage_header(p, "Vary"), "Origin"));
    stage_end(&p);
    p = play("OPTIONS /x/1/", NULL, "Origin: https://x.b.example\n" PREFLIGHT);
    assert_int_equal(p->status, 204);
    stage_end(&p);
    p = play("OPTIONS /x/1/", NULL, "Origin: https://b.example.evil\n" PREFLIGHT);
    assert_int_equal(p->status, 403);
    assert_string_equal(stage_header(p, "Access-Control-Allow-Origin"), "");
    stage_end(&p);
    p = play("OPTIONS /x/1/", NULL, PREFLIGHT);
    assert_int_equal(p->status, 403);
    stage_end(&p);
}

static void
cors_headers_stand_on_replies_to_allowed_origins(void **state)
{
    (void)state;
    LOAD("    content_types: [application/json]\n"
         "    cors:\n"
         "      origins: [\"https://a.example\"]\n"
         "      expose: [X-A, X-B]\n"
         "      credentials: true\n");
    struct play *p = play("POST /x/1/", "{}", "Origin: https://a.example\n");
    assert_int_equal(p->status, 200);
    assert_string_equal(stage_header(p, "Access-Control-Allow-Origin"), "https://a.example");
    assert_string_equal(stage_header(p, "Access-Control-Allow-Credentials"), "true");
    assert_string_equal(stage_header(p, "Access-Control-Expose-Headers"), "X-A, X-B");
    assert_string_equal(stage_header(p, "Vary"), "Origin");
    stage_end(&p);
    p = play("POST /x/1/", "a", "Origin: https://a.example\nContent-Type: image/png\n");
    assert_int_equal(p->status, 415); /* a page can read why */
    assert_string_equal(stage_header(p, "Access-Control-Allow-Origin"), "https://a.example");
    stage_end(&p);
    p = play("POST /x/1/", "{}", "Origin: https://evil.example\n");
    assert_int_equal(p->status, 200);
    assert_string_equal(stage_header(p, "Access-Control-Allow-Origin"), "");
    assert_string_equal(stage_header(p, "Vary"), "Origin");
    stage_end(&p);
    p = play("POST /x/1/", "{}", NULL);
    assert_string_equal(stage_header(p, "Access-Control-Allow-Origin"), "");
    stage_end(&p);
}

static void
every_origin_and_every_header_can_be_allowed(void **state)
{
    (void)state;
    LOAD("    cors: { origins: [\"*\"], headers: [\"*\"] }\n");
    struct play *p = play("OPTIONS /x/1/", NULL, "Origin: https://any.example\n" PREFLIGHT);
    assert_string_equal(stage_header(p, "Access-Control-Allow-Origin"), "*");
    assert_string_equal(stage_header(p, "Access-Control-Allow-Headers"), "x-b");
    stage_end(&p);
    p = play("POST /x/1/", "{}", "Origin: null\n");
    assert_string_equal(stage_header(p, "Access-Control-Allow-Origin"), "*");
    assert_string_equal(stage_header(p, "Vary"), "");
    stage_end(&p);
}

static void
options_that_is_no_preflight_is_405_unless_it_is_listed(void **state)
{
    (void)state;
    LOAD("    methods: [POST, PUT]\n    cors: { origins: [\"*\"] }\n");
    struct play *p = play("OPTIONS /x/1/", NULL, NULL);
    assert_int_equal(p->status, 405);
    assert_string_equal(stage_header(p, "Allow"), "POST, PUT");
    stage_end(&p);
    LOAD("    methods: [OPTIONS]\n    cors: { origins: [\"*\"] }\n");
    stage_expect("OPTIONS /x/1/", NULL, 200, NULL);
}

static void
refused(const char *webhook, const char *why)
{
    stage_refuses(why, "trigger:\n  webhook: %s\nsteps:\n  - reply: 204\n", webhook);
}

static void
what_can_never_work_is_refused_at_load(void **state)
{
    (void)state;
    refused("{ path: orders }", "webhook.path");
    refused("{ path: /a, methods: [get] }", "webhook.methods");
    refused("{ path: /a, methods: [] }", "webhook.methods");
    refused("{ path: /a, cors: { origins: [\"*\"], credentials: true } }", "by name");
    refused("{ path: /a, cors: {} }", "origins");
    refused("{ path: /a, response_headers: { a: \"b\\nc\" } }", "line break");
    refused("{ path: \"/${ env.HOME }\" }", "no expression");
    refused("{ path: \"/{a\" }", "/{a");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameters_of_the_path_are_in_the_request),
        cmocka_unit_test(other_content_types_are_refused_with_415),
        cmocka_unit_test(response_headers_stand_on_every_reply),
        cmocka_unit_test(a_preflight_is_answered_without_a_run),
        cmocka_unit_test(cors_headers_stand_on_replies_to_allowed_origins),
        cmocka_unit_test(every_origin_and_every_header_can_be_allowed),
        cmocka_unit_test(options_that_is_no_preflight_is_405_unless_it_is_listed),
        cmocka_unit_test(what_can_never_work_is_refused_at_load),
    };
    return cmocka_run_group_tests(tests, stage_open, stage_close);
}

/* http/tests/http_request_test.c - what http/README.md promises of the requests that are made.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "http_stage.h"

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
    stage_refuses(why, "trigger: { webhook: /x }\nsteps:\n  - http: %s\n", config);
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
        cmocka_unit_test(a_host_made_of_event_data_has_to_be_allowed),
        cmocka_unit_test(what_a_value_may_not_do_is_refused),
        cmocka_unit_test(what_can_never_work_is_refused_at_load),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}

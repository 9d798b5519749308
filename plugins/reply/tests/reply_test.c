/* reply/tests/reply_test.c - what reply/README.md promises.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
load(const char *steps)
{
    char yaml[2048];
    snprintf(yaml, sizeof yaml, "name: replies\ntrigger: { webhook: /x }\nsteps:\n%s", steps);
    stage_load(yaml, NULL);
}

static void
expect(const char *body, unsigned status, const char *type, const char *answer)
{
    struct play *p = stage_play("POST /x", body);
    assert_int_equal(p->status, status);
    assert_string_equal(stage_header(p, "Content-Type"), type);
    assert_string_equal(p->body, answer);
    stage_end(&p);
}

static void
json_text_and_bodies_have_their_types(void **state)
{
    (void)state;
    load("  - reply: { json: { a: 1 } }\n");
    expect(NULL, 200, "application/json", "{\"a\":1}");
    load("  - reply: { json: hello }\n");
    expect(NULL, 200, "application/json", "\"hello\"");
    load("  - reply: { json: null }\n");
    expect(NULL, 200, "application/json", "null");
    load("  - reply: { json: \"${ request.body.a }\" }\n");
    expect("{\"a\":\"b\"}", 200, "application/json", "\"b\"");
    load("  - reply: { text: hello }\n");
    expect(NULL, 200, "text/plain; charset=utf-8", "hello");
    load("  - reply: { body: \"${ request.body }\" }\n");
    expect("{\"a\":1}", 200, "application/json", "{\"a\":1}");
    load("  - reply: { body: null }\n");
    expect(NULL, 200, "", "");
    load("  - reply: { text: <b>, content_type: text/html }\n");
    expect(NULL, 200, "text/html", "<b>");
    load("  - reply: { json: 1, headers: { content-type: application/x } }\n");
    expect(NULL, 200, "application/x", "1");
}

static void
a_status_alone_is_a_reply(void **state)
{
    (void)state;
    load("  - reply: 204\n");
    expect(NULL, 204, "", "");
    load("  - reply:\n");
    expect(NULL, 200, "", "");
    load("  - reply: { status: \"${ request.body }\" }\n");
    expect("418", 418, "", "");
    struct play *p = stage_play("POST /x", "99");
    assert_true(p->status == 400 || p->status == 422);
    stage_end(&p);
}

static void
headers_are_sent_lists_repeat_and_null_is_left_out(void **state)
{
    (void)state;
    load("  - reply:\n"
         "      headers:\n"
         "        X-A: \"${ request.body.a }\"\n"
         "        X-Number: 5\n"
         "        X-None: null\n"
         "        Set-Cookie: [\"a=1\", \"${ request.body.a }=2\"]\n");
    struct play *p = stage_play("POST /x", "{\"a\":\"b\"}");
    assert_string_equal(p->headers, "X-A: b\nX-Number: 5\nSet-Cookie: a=1\nSet-Cookie: b=2\n");
    stage_end(&p);
    load("  - reply: { headers: { X-A: true, X-B: [1, two] } }\n");
    p = stage_play("POST /x", NULL);
    assert_string_equal(p->headers, "X-A: true\nX-B: 1\nX-B: two\n");
    stage_end(&p);
}

static void
no_value_can_begin_a_line_of_its_own(void **state)
{
    (void)state;
    load("  - reply: { headers: { X-A: \"${ request.body }\" } }\n");
    struct play *p = stage_play("POST /x", "\"a\\r\\nX-Evil: 1\"");
    assert_int_equal(p->status, 400);
    assert_string_equal(stage_header(p, "X-Evil"), "");
    stage_end(&p);
    load("  - reply: { text: a, content_type: \"${ request.body }\" }\n");
    stage_expect("POST /x", "\"a\\nX-Evil: 1\"", 400, NULL);
    load("  - reply: { headers: \"${ request.body }\" }\n");
    stage_expect("POST /x", "{\"X-A\":\"b\"}", 200, "");
    stage_expect("POST /x", "{\"X A\":\"b\"}", 400, NULL);
    stage_expect("POST /x", "{\"Content-Length\":\"5\"}", 400, NULL);
}

static void
only_the_first_reply_is_sent_and_the_pipeline_goes_on(void **state)
{
    (void)state;
    load("  - reply: { json: 1 }\n"
         "  - reply: { json: 2 }\n"
         "  - metrics: { counter: after_reply_total }\n");
    stage_expect("POST /x", NULL, 200, "1");
    assert_true(stage_metric("after_reply_total") == 1);
}

static void
a_failing_expression_sends_nothing(void **state)
{
    (void)state;
    load("  - reply: { status: 201, json: { a: \"${ request.body.nope }\" } }\n"
         "    catch:\n"
         "      - reply: { status: 202, json: caught }\n");
    stage_expect("POST /x", "{}", 202, "\"caught\"");
}

static void
refused(const char *reply, const char *why)
{
    stage_refuses(why, "trigger: { webhook: /x }\nsteps:\n  - reply: %s\n", reply);
}

static void
what_can_never_be_sent_is_refused_at_load(void **state)
{
    (void)state;
    refused("{ json: 1, text: a }", "not two");
    refused("{ status: 99 }", "reply.status");
    refused("{ headers: { Content-Length: 5 } }", "written by the edge");
    refused("{ headers: { \"a b\": c } }", "can't be the name of a header");
    refused("{ headers: { a: \"b\\nc\" } }", "control character");
    refused("{ jsn: 1 }", "did you mean 'json'");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_text_and_bodies_have_their_types),
        cmocka_unit_test(a_status_alone_is_a_reply),
        cmocka_unit_test(headers_are_sent_lists_repeat_and_null_is_left_out),
        cmocka_unit_test(no_value_can_begin_a_line_of_its_own),
        cmocka_unit_test(only_the_first_reply_is_sent_and_the_pipeline_goes_on),
        cmocka_unit_test(a_failing_expression_sends_nothing),
        cmocka_unit_test(what_can_never_be_sent_is_refused_at_load),
    };
    return cmocka_run_group_tests(tests, stage_open, stage_close);
}

/* tests/unit/pipeline/config_test.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "expect.h"

#include "value/json.h"

/* The configuration of the only node of TEXT as JSON. */
static void
assert_config(const char *text, const char *expected)
{
    struct registry *r = fake_registry();
    struct buf out;
    struct weir_error err;
    buf_init(&out, 4096);
    struct pipeline *p = load_said_with(r, false, text, "");
    assert_int_equal(json_write(&out, p->nodes[0]->config_value, &err), WEIR_OK);
    assert_string_equal(out.bytes, expected);
    pipeline_free(&p);
    buf_fini(&out);
    registry_free(&r);
}

static void
shorthands_are_written_out(void **state)
{
    (void)state;
    assert_config("steps: [ { delay: 5s } ]", "{\"for\":5000}");
    assert_config("steps:\n  - log: hi\n", "{\"message\":\"hi\",\"level\":\"info\"}");
    assert_config("steps:\n  - foreach: [1, 2]\n    do: []\n", "{\"items\":[1,2]}");
    assert_config("steps:\n  - switch:\n    default: []\n", "{}");
    assert_config("steps:\n  - parallel: ~\n    branches: {}\n", "{}");
    assert_config("steps:\n  - set: [a]\n", "[\"a\"]");
    assert_config("steps:\n  - set:\n", "{}");
    assert_said("steps:\n  - parallel: 5\n    branches: {}\n",
                "2:15+1 W0208 parallel must be an object\n");
}

static void
defaults_are_filled_in_at_every_level(void **state)
{
    (void)state;
    assert_config(
        "steps:\n  - http: { url: \"http://x\", tls: { name: ab } }\n",
        "{\"url\":\"http://x\",\"tls\":{\"name\":\"ab\",\"verify\":true},\"method\":\"GET\","
        "\"stream\":false}");
    assert_config("steps:\n  - breaker:\n    do: []\n    fallback: []\n",
                  "{\"error_threshold\":0.5}");
    assert_config("steps:\n  - validate:\n", "{\"value\":\"${ input }\",\"max\":1024}");
}

static void
formats_become_numbers(void **state)
{
    (void)state;
    assert_config("steps:\n  - breaker: { timeout: 1.5s, error_threshold: 20% }\n    do: []\n"
                  "    fallback: []\n",
                  "{\"timeout\":1500,\"error_threshold\":0.2}");
    assert_config("steps:\n  - ratelimit: { limits: { a: 10/60s, b: 5/s } }\n",
                  "{\"limits\":{\"a\":{\"count\":10,\"per_ms\":60000},"
                  "\"b\":{\"count\":5,\"per_ms\":1000}}}");
    assert_config("steps:\n  - validate: { value: 1, max: 64KiB }\n",
                  "{\"value\":1,\"max\":65536}");
    assert_said("steps:\n  - delay: 5\n",
                "2:12+1 W0207 delay.for must be a duration such as 5s | write '5s'\n");
    assert_said("steps:\n  - delay: soon\n", "2:12+4 W0207 delay.for: \"soon\" is not a "
                                             "duration such as 250ms, 5s, 1.5m, 2h or 3d\n");
    assert_said("steps:\n  - delay: { for: [5s] }\n",
                "2:14+3 W0208 delay.for must be a string\n");
}

static void
the_schema_is_checked_with_marks(void **state)
{
    (void)state;
    assert_said("steps:\n  - http: { method: GET }\n", "2:5+4 W0208 http.url is required\n");
    assert_said("steps:\n  - http: { urll: \"http://x\" }\n",
                "2:13+4 W0204 unknown key 'urll' in 'http' | did you mean 'url'?\n");
    assert_said(
        "steps:\n  - http: { url: \"http://x\", timeout: 3, tls: { vrfy: true, name: a } }\n",
        "2:39+1 W0207 http.timeout must be a duration such as 5s | write '3s'\n"
        "2:49+4 W0204 unknown key 'vrfy' in 'http.tls' | did you mean 'verify'?\n"
        "2:67+1 W0208 http.tls.name must have at least 2 characters\n");
    assert_said("steps:\n  - http: { url: \"http://x\", retry: 3, catch: [] }\n",
                "2:30+5 W0204 unknown key 'retry' in 'http'"
                " | 'retry' belongs beside 'http', not under it\n"
                "2:40+5 W0204 unknown key 'catch' in 'http'"
                " | 'catch' belongs beside 'http', not under it\n");
    assert_said("steps:\n  - breaker: { do: [] }\n    do: []\n    fallback: []\n",
                "2:16+2 W0204 unknown key 'do' in 'breaker'"
                " | 'do' belongs beside 'breaker', not under it\n");
    assert_said("steps:\n  - reply: { status: 99 }\n",
                "2:22+2 W0208 reply.status must be at least 100\n");
    assert_said("trigger:\n  webhook:\n    path: /a\n    auth: none\n    methods: [POST, "
                "5]\nsteps: []\n",
                "5:21+1 W0208 webhook.methods.1 must be a string\n");
}

static void
expressions_satisfy_any_schema(void **state)
{
    (void)state;
    assert_fine("steps:\n  - reply: { status: \"${ request.body.status }\" }\n");
    assert_fine("steps:\n  - delay: ${ vars.pause }\nvars: { pause: 5s }\n");
    assert_fine("steps:\n  - http: { url: \"http://x/${ request.id }\", method: \"${ "
                "request.method }\" }\n");
}

static void
texts_that_are_literal_hold_no_expressions(void **state)
{
    (void)state;
    assert_config("steps:\n  - lua: \"return '${ x }'\"\n", "{\"script\":\"return '${ x }'\"}");
    assert_config("steps:\n  - validate: { value: 1, max: \"1\", schema: { const: \"${\" } }\n",
                  "{\"value\":1,\"max\":1,\"schema\":{\"const\":\"${\"}}");
    assert_config("steps:\n  - set: { a: \"$${ x } $$${ y }\" }\n",
                  "{\"a\":\"${ x } $${ y }\"}");
}

static void
keys_hold_no_expressions(void **state)
{
    (void)state;
    assert_said("steps:\n  - set: { \"${ input }\": 1 }\n",
                "2:12+12 W0403 a key is a fixed text: no expression can stand here\n");
}

static void
faulty_expressions_have_their_place(void **state)
{
    (void)state;
    assert_said("steps:\n  - set: ${ 1 + }\n", "2:17+1 W0401 expected a value, found '}'\n");
    assert_said("steps:\n  - set: { a: \"x \\u00e9 ${ 1 + }\" }\n",
                "2:32+1 W0401 expected a value, found '}'\n");
    assert_said("steps:\n  - set: ${ input.a ? 'x # y' : 1 }\n",
                "2:10+26 W0404 YAML cuts a bare expression here; it must be quoted"
                " | write: - set: \"${ input.a ? 'x # y' : 1 }\"\n");
}

static const struct node *
load_one(struct registry *r, struct pipeline **ret, const char *text)
{
    *ret = load_said_with(r, false, text, "");
    return (*ret)->nodes[0];
}

static void
parts_follow_the_configuration(void **state)
{
    (void)state;
    struct registry *r = fake_registry();
    struct pipeline *p;
    const struct node *n =
        load_one(r, &p,
                 "steps:\n"
                 "  - http:\n"
                 "      url: ${ request.params.host }/x\n"
                 "      method: POST\n"
                 "      headers: { x-a: \"${ env.REGION }\", x-b: c }\n"
                 "      json: { a/b: [ 1, \"${ input.x ?? 1 }\" ], \"~\": 2 }\n"
                 "    effect: none\n");
    const struct part *c = n->config;
    assert_int_equal(c->kind, PART_MAP);
    assert_true(c->reads_event);
    assert_ptr_equal(part_find(c, ""), c);
    const struct part *url = part_find(c, "/url");
    assert_int_equal(url->kind, PART_TEMPLATE);
    assert_true(url->url);
    assert_true(url->reads_event);
    assert_true(url->authority_event);
    assert_string_equal(url->pointer, "/url");
    assert_int_equal(url->mark.line, 3);
    assert_int_equal(part_find(c, "/method")->kind, PART_CONSTANT);
    assert_true(part_is_constant(part_find(c, "/headers/x-b")));
    const struct part *header = part_find(c, "/headers/x-a");
    assert_int_equal(header->kind, PART_TEMPLATE);
    assert_false(header->reads_event);
    assert_true(header->may_be_secret);
    assert_false(url->may_be_secret);
    const struct part *item = part_find(c, "/json/a~1b/1");
    assert_int_equal(item->kind, PART_TEMPLATE);
    assert_string_equal(item->pointer, "/json/a~1b/1");
    assert_non_null(part_find(c, "/json/~0"));
    assert_null(part_find(c, "/json/a~1b/2"));
    assert_null(part_find(c, "/json/a~1b/x"));
    assert_null(part_find(c, "/nope"));
    assert_null(part_find(c, "/url/x"));
    pipeline_free(&p);
    registry_free(&r);
}

static void
constant_parts_can_be_found_too(void **state)
{
    (void)state;
    struct registry *r = fake_registry();
    struct pipeline *p;
    const struct node *n = load_one(
        r, &p, "steps:\n  - http: { url: \"http://x\", timeout: 5s, headers: { a: b } }\n");
    assert_true(part_is_constant(n->config));
    assert_int_equal(part_find(n->config, "/timeout")->constant->integer, 5000);
    assert_true(part_is_constant(part_find(n->config, "/headers/a")));
    assert_true(part_is_constant(part_find(n->config, "/method")));
    pipeline_free(&p);
    registry_free(&r);
}

static void
long_pointers_are_cut_to_whole_segments(void **state)
{
    (void)state;
    char text[1024];
    char key[600];
    memset(key, 'k', sizeof key - 1);
    key[sizeof key - 1] = '\0';
    (void)snprintf(text, sizeof text,
                   "steps: [ { set: { a: { %s: { b: \"${ input }\" } } } } ]\n", key);
    struct registry *r = fake_registry();
    struct pipeline *p;
    const struct part *at = load_one(r, &p, text)->config;
    while (at->kind == PART_MAP)
        at = at->items[0];
    assert_string_equal(at->pointer, "/a");
    pipeline_free(&p);
    registry_free(&r);
}

static void
checks_are_there_only_where_the_schema_says_something(void **state)
{
    (void)state;
    struct registry *r = fake_registry();
    struct pipeline *p;
    const struct node *n = load_one(r, &p,
                                    "steps:\n"
                                    "  - http:\n"
                                    "      url: http://x/${ request.id }\n"
                                    "      method: ${ request.method }\n"
                                    "      json: ${ input }\n"
                                    "      timeout: ${ request.body.t }\n"
                                    "      tls: { name: \"x${ request.id }\" }\n"
                                    "    effect: none\n");
    assert_null(part_find(n->config, "/url")->check);
    assert_null(part_find(n->config, "/json")->check);
    assert_non_null(part_find(n->config, "/method")->check);
    assert_non_null(part_find(n->config, "/timeout")->check);
    assert_string_equal(part_find(n->config, "/timeout")->format, "duration");
    assert_non_null(part_find(n->config, "/tls/name")->check);
    pipeline_free(&p);
    registry_free(&r);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shorthands_are_written_out),
        cmocka_unit_test(defaults_are_filled_in_at_every_level),
        cmocka_unit_test(formats_become_numbers),
        cmocka_unit_test(the_schema_is_checked_with_marks),
        cmocka_unit_test(expressions_satisfy_any_schema),
        cmocka_unit_test(texts_that_are_literal_hold_no_expressions),
        cmocka_unit_test(keys_hold_no_expressions),
        cmocka_unit_test(faulty_expressions_have_their_place),
        cmocka_unit_test(parts_follow_the_configuration),
        cmocka_unit_test(constant_parts_can_be_found_too),
        cmocka_unit_test(long_pointers_are_cut_to_whole_segments),
        cmocka_unit_test(checks_are_there_only_where_the_schema_says_something),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

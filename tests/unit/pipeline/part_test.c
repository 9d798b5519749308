/* tests/unit/pipeline/part_test.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "expect.h"

#include "value/json.h"

/* An environment whose only names are members of one map. */
static enum weir_code
find(struct expr_env *env, const struct expr_path *path, struct weir_value *ret,
     unsigned *ret_used, struct weir_error *err)
{
    (void)err;
    const struct weir_value *v = value_get(env->arg, path->keys[0].bytes, path->keys[0].len);
    *ret_used = 1;
    if (v == NULL)
        return WEIR_NOT_FOUND;
    *ret = *v;
    return WEIR_OK;
}

static uint64_t
now(struct expr_env *env)
{
    (void)env;
    return 1;
}

static void
uuid(struct expr_env *env, char ret[ID_UUID])
{
    (void)env;
    memset(ret, 0, ID_UUID);
}

/* Evaluates the part at POINTER of the first node of TEXT with INPUT (JSON) as input. */
static void
assert_evaluates(const char *text, const char *pointer, const char *input, const char *expected)
{
    struct registry *r = fake_registry();
    struct pipeline *p = load_said_with(r, false, text, "");
    struct weir_error err = { 0 };
    const struct weir_value *in = NULL;
    assert_int_equal(json_read(text_of(input), NULL, NULL, &in, &err), WEIR_OK);
    const struct weir_value *secret = value_text("hush");
    secret = value_flagged(&secret, VALUE_SECRET);
    struct weir_builder *b = builder_map();
    builder_put(b, "input", in);
    builder_put(b, "run", secret);
    const struct weir_value *names = builder_end(&b);
    struct expr_env env = { find, now, uuid, (void *)names };

    struct buf out;
    buf_init(&out, 4096);
    const struct part *part = part_find(p->nodes[0]->config, pointer);
    assert_non_null(part);
    const struct weir_value *v = NULL;
    enum weir_code code = part_eval(part, &env, &v, &err);
    if (code == WEIR_OK)
        assert_int_equal(json_write(&out, v, &err), WEIR_OK);
    else
        buf_printf(&out, "%s: %s", code_name(code), err.text);
    if (strcmp(out.bytes, expected) != 0)
        fail_msg("%s with %s\nis: %s\nexpected: %s", text, input, out.bytes, expected);

    if (code == WEIR_OK) {
        struct buf text_buf;
        buf_init(&text_buf, 4096);
        assert_int_equal(part_eval_text(part, &env, &text_buf, &err), WEIR_OK);
        if (value_type(v) == WEIR_STRING)
            assert_true(text_equal(buf_content(&text_buf), value_as_text(v)));
        buf_fini(&text_buf);
    } else if (part->kind == PART_TEMPLATE) { /* as a text it fails in the same way */
        struct weir_error same = { 0 };
        struct buf text_buf;
        buf_init(&text_buf, 4096);
        assert_int_equal(part_eval_text(part, &env, &text_buf, &same), code);
        assert_string_equal(same.text, err.text);
        value_unref(&same.detail);
        buf_fini(&text_buf);
    }
    value_unref(&v);
    value_unref(&err.detail);
    value_unref(&names);
    value_unref(&secret);
    value_unref(&in);
    buf_fini(&out);
    pipeline_free(&p);
    registry_free(&r);
}

static void
maps_and_lists_are_built(void **state)
{
    (void)state;
    const char *text =
        "steps: [ { set: { a: \"${ input.x }\", b: [ 1, \"${ input.y }z\" ], c: d } } ]\n";
    assert_evaluates(text, "", "{\"x\":[1],\"y\":2}",
                     "{\"a\":[1],\"b\":[1,\"2z\"],\"c\":\"d\"}");
    assert_evaluates("steps: [ { set: { a: \"${ input.x }\" } } ]\n", "/a", "{\"x\":null}",
                     "null");
    assert_evaluates("steps: [ { set: { a: 1 } } ]\n", "", "{}", "{\"a\":1}");
}

static void
absent_members_are_left_out(void **state)
{
    (void)state;
    assert_evaluates("steps: [ { set: { a: \"${ input.x?.y }\", b: 1 } } ]\n", "", "{}",
                     "{\"b\":1}");
    assert_evaluates("steps: [ { set: [ \"${ input.x?.y }\" ] } ]\n", "", "{}",
                     "script: /0: it is absent; in a list every item needs a value");
    assert_evaluates("steps: [ { set: \"${ input.x?.y }\" } ]\n", "", "{}",
                     "not_found: input.x?.y: nothing is there");
}

static void
errors_have_their_pointer(void **state)
{
    (void)state;
    assert_evaluates("steps: [ { set: { a: { b: [ \"${ input.x }\" ] } } } ]\n", "", "{}",
                     "script: /a/b/0: input has no field 'x'");
}

static void
values_are_checked_against_their_place(void **state)
{
    (void)state;
    const char *reply = "steps: [ { reply: { status: \"${ input.s }\" } } ]\n";
    assert_evaluates(reply, "/status", "{\"s\":201}", "201");
    assert_evaluates(reply, "/status", "{\"s\":99}", "invalid: /status: must be at least 100");
    assert_evaluates(reply, "/status", "{\"s\":\"x\"}", "invalid: /status: must be an integer");
    const char *limit = "steps: [ { ratelimit: { key: \"k${ input.k }\" } } ]\n";
    assert_evaluates(limit, "/key", "{\"k\":1}", "\"k1\"");
    assert_evaluates(limit, "/key", "{\"k\":1234567890}",
                     "invalid: /key: must have at most 10 characters");
    const char *max = "steps: [ { validate: { max: \"${ input.m }\" } } ]\n";
    assert_evaluates(max, "/max", "{\"m\":\"2KiB\"}", "2048");
    assert_evaluates(max, "/max", "{\"m\":5}", "invalid: /max: must be a string");
}

static void
formats_become_numbers_when_evaluated(void **state)
{
    (void)state;
    const char *delay = "steps: [ { delay: \"${ input.d }\" } ]\n";
    assert_evaluates(delay, "/for", "{\"d\":\"1.5s\"}", "1500");
    assert_evaluates(
        delay, "/for", "{\"d\":\"x\"}",
        "invalid: /for: \"x\" is not a duration such as 250ms, 5s, 1.5m, 2h or 3d");
    assert_evaluates("steps: [ { delay: \"${ input.n }s\" } ]\n", "/for", "{\"n\":3}", "3000");
    assert_evaluates("steps: [ { ratelimit: { limits: { a: \"${ input.n }/m\" } } } ]\n",
                     "/limits", "{\"n\":3}", "{\"a\":{\"count\":3,\"per_ms\":60000}}");
}

static void
secrets_stay_out_of_places_that_want_none(void **state)
{
    (void)state;
    assert_evaluates("steps: [ { set: { a: \"${ run }\" } } ]\n", "", "{}",
                     "script: /a: a secret may not flow in here");
    assert_evaluates(
        "steps: [ { http: { url: \"http://x\", headers: { a: \"b ${ run }\" } } } ]\n",
        "/headers", "{}", "{\"a\":\"b hush\"}");
    assert_evaluates("steps: [ { delay: \"${ run }\" } ]\n", "/for", "{}",
                     "script: /for: a secret may not flow in here");
}

static void
urls_are_encoded(void **state)
{
    (void)state;
    assert_evaluates("steps: [ { http: \"http://x/${ input.a }?q=${ input.a }\" } ]\n", "/url",
                     "{\"a\":\"b/c d\"}", "\"http://x/b%2Fc%20d?q=b%2Fc%20d\"");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(maps_and_lists_are_built),
        cmocka_unit_test(absent_members_are_left_out),
        cmocka_unit_test(errors_have_their_pointer),
        cmocka_unit_test(values_are_checked_against_their_place),
        cmocka_unit_test(formats_become_numbers_when_evaluated),
        cmocka_unit_test(secrets_stay_out_of_places_that_want_none),
        cmocka_unit_test(urls_are_encoded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

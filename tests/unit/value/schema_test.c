/* unit/value/schema_test.c - what schema checks say, and what they hold against; the official
 * tests are in schema_suite_test.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "given.h"

#include "value/schema.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))

static struct schema *
compiled(const char *json)
{
    const struct weir_value *doc = given(json);
    struct schema *s;
    struct weir_error err;
    if (schema_new(doc, NULL, NULL, &s, &err) != WEIR_OK)
        fail_msg("%s: %s", json, err.text);
    value_unref(&doc);
    return s;
}

static bool
accepts(const char *schema, const char *json)
{
    struct schema *s = compiled(schema);
    const struct weir_value *v = given(json);
    bool ok = schema_check(s, v, NULL, NULL);
    value_unref(&v);
    schema_free(&s);
    assert_null(s);
    return ok;
}

/* Puts "pointer: detail" lines one behind the other. */
static void
note(void *arg, const char *pointer, size_t pointer_len, const char *detail)
{
    struct buf *b = arg;
    assert_int_equal(strlen(pointer), pointer_len);
    assert_true(buf_printf(b, "%s%s: %s", b->len > 0 ? "\n" : "", pointer, detail));
}

static void
assert_told(const char *schema, const char *json, const char *expected)
{
    struct schema *s = compiled(schema);
    const struct weir_value *v = given(json);
    struct buf told;
    buf_init(&told, 1 << 20);
    assert_false(schema_check(s, v, NULL, NULL));
    assert_false(schema_check(s, v, note, &told));
    if (strcmp(told.bytes, expected) != 0)
        fail_msg("%s\non %s told\n%s\nnot\n%s", schema, json, told.bytes, expected);
    buf_fini(&told);
    value_unref(&v);
    schema_free(&s);
}

struct sample {
    const char *schema;
    const char *value;
    const char *told;
};

static const struct sample sentences[] = {
    { "{'type':'string'}", "1", ": must be a string" },
    { "{'type':['string','null']}", "1", ": must be null or a string" },
    { "{'type':['integer','number','array','object','boolean']}", "''",
      ": must be true or false, a number, an array or an object" },
    { "{'type':'integer'}", "1.5", ": must be an integer" },
    { "{'const':'x'}", "1", ": must be 'x'" },
    { "{'const':{'a':[1,2.5,null]}}", "1", ": must be {'a':[1,2.5,null]}" },
    { "{'enum':['a','b',3,true]}", "'c'", ": must be one of: 'a', 'b', 3, true" },
    { "{'enum':['constant','exponential']}", "'constent'",
      ": must be one of: 'constant', 'exponential'; did you mean 'constant'?" },
    { "{'enum':['a']}", "1", ": must be 'a'" },
    { "{'minimum':1}", "0", ": must be at least 1" },
    { "{'maximum':1.5}", "2", ": must be at most 1.5" },
    { "{'exclusiveMinimum':1}", "1", ": must be more than 1" },
    { "{'exclusiveMaximum':1}", "1.0", ": must be less than 1" },
    { "{'multipleOf':0.01}", "0.075", ": must be a multiple of 0.01" },
    { "{'minLength':1}", "''", ": must not be empty" },
    { "{'minLength':3}", "'\\u00e9\\u00e9'", ": must have at least 3 characters" },
    { "{'maxLength':1}", "'ab'", ": must have at most 1 character" },
    { "{'pattern':'^a+$'}", "'b'", ": must match the pattern '^a+$'" },
    { "{'minItems':1}", "[]", ": must have at least 1 item" },
    { "{'maxItems':2}", "[1,2,3]", ": must have at most 2 items" },
    { "{'uniqueItems':true}", "[1,2,1.0]", ": must not have equal items: number 0 and 2 are" },
    { "{'prefixItems':[true],'items':false}", "[1,2]", "/1: is not allowed" },
    { "{'contains':{'type':'string'}}", "[1]",
      ": must have at least 1 item of the required form" },
    { "{'contains':{'type':'string'},'maxContains':1}", "['a','b']",
      ": must have at most 1 item of the limited form" },
    { "{'minProperties':1}", "{}", ": must have at least 1 property" },
    { "{'maxProperties':0}", "{'a':1}", ": must have at most 0 properties" },
    { "{'required':['a','b']}", "{}", "/a: is required\n/b: is required" },
    { "{'properties':{'x':{'required':['a/b~c']}}}", "{'x':{}}", "/x/a~1b~0c: is required" },
    { "{'dependentRequired':{'a':['b']}}", "{'a':1}", "/b: is required beside 'a'" },
    { "{'propertyNames':{'maxLength':1}}", "{'abc':1}",
      "/abc: its name must have at most 1 character" },
    { "{'properties':{'a':false}}", "{'a':1}", "/a: is not allowed" },
    { "{'properties':{'timeout':{},'url':{}},'additionalProperties':false}", "{'timout':1}",
      "/timout: unknown property 'timout'; did you mean 'timeout'?" },
    { "{'properties':{'timeout':{}},'additionalProperties':false}", "{'zzz':1}",
      "/zzz: unknown property 'zzz'" },
    { "{'additionalProperties':{'type':'string'}}", "{'a':1}", "/a: must be a string" },
    { "{'patternProperties':{'^x-':{'type':'string'}}}", "{'x-a':1}",
      "/x-a: must be a string" },
    { "{'allOf':[{'properties':{'timeout':{}}}],'unevaluatedProperties':false}", "{'timout':1}",
      "/timout: unknown property 'timout'; did you mean 'timeout'?" },
    { "{'prefixItems':[true],'unevaluatedItems':false}", "[1,2]", "/1: is not allowed" },
    { "{'not':{'type':'string'}}", "'a'", ": is of a form that is not allowed" },
    { "{'oneOf':[{'type':'integer'},{'minimum':2}]}", "3",
      ": must be of one form only: it is of form 1 and of form 2" },
    { "{'if':{'required':['a']},'then':{'required':['b']},'else':{'required':['c']}}",
      "{'a':1}", "/b: is required" },
    { "{'dependentSchemas':{'a':{'required':['b']}}}", "{'a':1}", "/b: is required" },
    { "{'properties':{'a':{'items':{'type':'string'}}}}", "{'a':['x',1,2]}",
      "/a/1: must be a string\n/a/2: must be a string" },
};

static void
violations_are_sentences_with_places(void **state)
{
    (void)state;
    for (size_t i = 0; i < N(sentences); i++) {
        char schema[300];
        char value[300];
        char told[300];
        snprintf(schema, sizeof(schema), "%s", sentences[i].schema);
        snprintf(value, sizeof(value), "%s", sentences[i].value);
        snprintf(told, sizeof(told), "%s", sentences[i].told);
        for (char *c = schema; (c = strchr(c, '\'')) != NULL;)
            *c = '"';
        for (char *c = value; (c = strchr(c, '\'')) != NULL;)
            *c = '"';
        for (char *c = strstr(told, "{'a'"); c != NULL && (c = strchr(c, '\'')) != NULL;)
            *c = '"';
        assert_told(schema, value, told);
    }
}

#define BACKOFF                                                                 \
    "{\"type\":\"object\",\"properties\":{\"attempts\":{\"type\":\"integer\"}," \
    "\"backoff\":{\"enum\":[\"constant\",\"exponential\"]}},\"additionalProperties\":false}"
#define SHAPES                                                                       \
    "{\"anyOf\":["                                                                   \
    "{\"properties\":{\"kind\":{\"const\":\"circle\"},\"r\":{\"type\":\"number\"}}," \
    "\"required\":[\"kind\",\"r\"]},"                                                \
    "{\"properties\":{\"kind\":{\"const\":\"box\"},\"w\":{\"type\":\"number\"},"     \
    "\"h\":{\"type\":\"number\"}},\"required\":[\"kind\",\"w\",\"h\"]}]}"

static void
of_several_forms_the_nearest_is_told(void **state)
{
    (void)state;
    static const struct sample samples[] = {
        { "{\"anyOf\":[{\"type\":\"integer\"}," BACKOFF "]}", "{\"atempts\":3}",
          "/atempts: unknown property 'atempts'; did you mean 'attempts'?" },
        { "{\"oneOf\":[{\"type\":\"integer\"}," BACKOFF "]}", "true",
          ": must be an integer or an object" },
        { "{\"oneOf\":[{\"type\":\"integer\",\"minimum\":1}," BACKOFF "]}", "0",
          ": must be at least 1" },
        { "{\"anyOf\":[{\"const\":\"auto\"},{\"enum\":[\"none\",\"all\"]},{\"type\":"
          "\"integer\"}]}",
          "\"x\"", ": must be an integer, or one of: 'auto', 'none', 'all'" },
        { "{\"$defs\":{\"i\":{\"type\":\"integer\"}},\"anyOf\":[{\"$ref\":\"#/$defs/"
          "i\"},{\"type\":\"null\"}]}",
          "\"x\"", ": must be null or an integer" },
        { SHAPES, "{\"kind\":\"box\",\"w\":\"3\",\"h\":1}", "/w: must be a number" },
        { SHAPES, "{\"kind\":\"circle\"}", "/r: is required" },
        { "{\"anyOf\":[{\"not\":{\"type\":\"string\"}},{\"maxLength\":1}]}", "\"ab\"",
          ": is of a form that is not allowed" },
        { "{\"items\":{\"anyOf\":[{\"anyOf\":[{\"type\":\"null\"},{\"type\":\"integer\","
          "\"maximum\":3}]},"
          "{\"type\":\"string\"}]}}",
          "[4]", "/0: must be at most 3" },
    };
    for (size_t i = 0; i < N(samples); i++)
        assert_told(samples[i].schema, samples[i].value, samples[i].told);
}

static void
at_most_a_hundred_violations_are_told(void **state)
{
    (void)state;
    struct schema *s = compiled("{\"items\":{\"type\":\"string\"}}");
    struct weir_builder *b = builder_list();
    for (int i = 0; i < 500; i++) {
        const struct weir_value *item = value_int(i);
        builder_add(b, &item);
    }
    const struct weir_value *list = builder_end(&b);
    struct buf told;
    buf_init(&told, 1 << 20);
    assert_false(schema_check(s, list, note, &told));
    unsigned lines = 1;
    for (const char *c = told.bytes; (c = strchr(c, '\n')) != NULL; c++)
        lines++;
    assert_int_equal(lines, 100);
    buf_fini(&told);
    value_unref(&list);
    schema_free(&s);
}

static void
verify_puts_the_violations_into_the_error(void **state)
{
    (void)state;
    struct schema *s =
        compiled("{\"properties\":{\"a\":{\"type\":\"string\"},\"b\":{\"minimum\":2}}}");
    const struct weir_value *v = given("{\"a\":1,\"b\":1}");
    struct weir_error err;
    assert_int_equal(schema_verify(s, v, &err), WEIR_INVALID);
    assert_int_equal(err.code, WEIR_INVALID);
    assert_int_equal(err.status, 422);
    assert_string_equal(err.text, "2 problems, the first: /a: must be a string");
    assert_written(err.detail, "[{\"detail\":\"must be a string\",\"pointer\":\"/a\"},"
                               "{\"detail\":\"must be at least 2\",\"pointer\":\"/b\"}]");
    value_unref(&err.detail);
    value_unref(&v);

    v = given("{\"a\":1}");
    assert_int_equal(schema_verify(s, v, &err), WEIR_INVALID);
    assert_string_equal(err.text, "/a: must be a string");
    value_unref(&err.detail);
    assert_int_equal(schema_verify(s, v, NULL), WEIR_INVALID);
    value_unref(&v);
    assert_int_equal(schema_verify(s, &value_true, &err), WEIR_OK);
    schema_free(&s);
    schema_free(&s);
}

static void
numbers_are_compared_and_divided_exactly(void **state)
{
    (void)state;
    static const struct {
        const char *schema;
        const char *value;
        bool good;
    } samples[] = {
        { "{\"maximum\":9007199254740992}", "9007199254740993", false },
        { "{\"maximum\":9007199254740992.0}", "9007199254740993", false },
        { "{\"const\":9007199254740992.0}", "9007199254740993", false },
        { "{\"const\":1}", "1.0", true },
        { "{\"enum\":[0,1,2,3,4,5,6,7,8,9]}", "9.0", true },
        { "{\"enum\":[0,1,2,3,4,5,6,7,8,-0.0]}", "0", true },
        { "{\"type\":\"integer\"}", "1e300", true },
        { "{\"multipleOf\":0.01}", "0.07", true },
        { "{\"multipleOf\":0.01}", "4.35", true },
        { "{\"multipleOf\":0.01}", "4.351", false },
        { "{\"multipleOf\":0.1}", "1e22", true },
        { "{\"multipleOf\":3}", "1e22", false },
        { "{\"multipleOf\":1e21}", "3e21", true },
        { "{\"multipleOf\":3e10}", "90000000000", true },
        { "{\"multipleOf\":7}", "-9223372036854775808", false },
        { "{\"multipleOf\":2}", "-9223372036854775808", true },
        { "{\"multipleOf\":5e-324}", "1", true },
        { "{\"multipleOf\":1e308}", "1e-300", false },
        { "{\"multipleOf\":1.7976931348623157e308}", "0", true },
        { "{\"minLength\":2.0}", "\"ab\"", true },
        { "{\"maxItems\":1e300}", "[1]", true },
    };
    for (size_t i = 0; i < N(samples); i++)
        if (accepts(samples[i].schema, samples[i].value) != samples[i].good)
            fail_msg("%s on %s", samples[i].schema, samples[i].value);
}

static void
long_choices_are_looked_up(void **state)
{
    (void)state;
    const char *schema = "{\"enum\":[\"a\",\"b\",\"c\",\"d\",\"e\",\"f\",1,2.5,null,true,[1,{"
                         "\"x\":1,\"y\":2}]]}";
    static const char *const good[] = {
        "\"a\"", "\"f\"", "1.0", "2.5", "null", "true", "[1.0,{\"y\":2,\"x\":1}]"
    };
    static const char *const bad[] = {
        "\"\"", "\"g\"", "2", "false", "[]", "{}", "[1,{\"x\":1,\"y\":3}]"
    };
    for (size_t i = 0; i < N(good); i++)
        assert_true(accepts(schema, good[i]));
    for (size_t i = 0; i < N(bad); i++)
        assert_false(accepts(schema, bad[i]));
}

/* -- expressions of a configuration -- */

/* The value of JSON in which each string "$" is an expression. */
static const struct weir_value *
with_expressions(const struct weir_value *v)
{
    if (v->type == WEIR_STRING && text_is(value_as_text(v), "$")) {
        const struct weir_value *copy = value_string("$", 1);
        return value_flagged(&copy, VALUE_DYNAMIC);
    }
    if (v->type != WEIR_LIST && v->type != WEIR_MAP)
        return value_ref(v);
    struct weir_builder *b = v->type == WEIR_LIST ? builder_list() : builder_map();
    for (uint32_t i = 0; i < v->len; i++) {
        struct weir_text key = { NULL, 0 };
        const struct weir_value *child = value_at(v, i);
        (void)value_member(v, i, &key, &child);
        child = with_expressions(child);
        if (v->type == WEIR_LIST)
            builder_add(b, &child);
        else
            builder_set(b, key.bytes, key.len, &child);
    }
    return builder_end(&b);
}

static void
an_expression_satisfies_what_some_value_would(void **state)
{
    (void)state;
    static const struct {
        const char *schema;
        const char *value;
        bool good;
    } samples[] = {
        { "{\"type\":\"integer\",\"minimum\":3}", "\"$\"", true },
        { "{\"properties\":{\"a\":{\"type\":\"integer\"}}}", "{\"a\":\"$\"}", true },
        { "{\"properties\":{\"a\":{\"type\":\"integer\"}}}", "{\"a\":\"x\"}", false },
        { "{\"not\":{\"const\":1}}", "\"$\"", true },
        { "{\"not\":{\"properties\":{\"a\":{\"const\":1}},\"required\":[\"a\"]}}",
          "{\"a\":\"$\"}", true },
        { "{\"not\":{\"required\":[\"a\"]}}", "{\"a\":\"$\"}", false },
        { "{\"const\":{\"a\":1,\"b\":2}}", "{\"a\":\"$\",\"b\":2}", true },
        { "{\"const\":[1]}", "[\"$\",2]", false },
        { "{\"enum\":[[1],[2]]}", "[\"$\"]", true },
        { "{\"uniqueItems\":true}", "[\"$\",\"$\"]", true },
        { "{\"uniqueItems\":true}", "[1,1,\"$\"]", false },
        { "{\"uniqueItems\":true}", "[\"$\",\"$\",0,1,2,3,4,5,6,7]", true },
        { "{\"oneOf\":[{\"properties\":{\"k\":{\"const\":1}}},{\"properties\":{\"k\":{"
          "\"const\":2}}}]}",
          "{\"k\":\"$\"}", true },
        { "{\"oneOf\":[{\"required\":[\"k\"]},{\"minProperties\":1}]}", "{\"k\":\"$\"}",
          false },
        { "{\"if\":{\"properties\":{\"k\":{\"const\":1}}},\"then\":{\"required\":[\"a\"]},"
          "\"else\":{\"required\":[\"b\"]}}",
          "{\"k\":\"$\",\"a\":1}", true },
        { "{\"if\":{\"properties\":{\"k\":{\"const\":1}}},\"then\":{\"required\":[\"a\"]},"
          "\"else\":{\"required\":[\"b\"]}}",
          "{\"k\":\"$\",\"b\":1}", true },
        { "{\"if\":{\"properties\":{\"k\":{\"const\":1}}},\"then\":{\"required\":[\"a\"]},"
          "\"else\":{\"required\":[\"b\"]}}",
          "{\"k\":\"$\"}", false },
        { "{\"contains\":{\"const\":1},\"maxContains\":1}", "[1,\"$\",\"$\"]", true },
        { "{\"contains\":{\"const\":1},\"maxContains\":1}", "[1,1,\"$\"]", false },
        { "{\"contains\":{\"const\":1},\"minContains\":2}", "[1,\"$\"]", true },
        { "{\"additionalProperties\":false}", "{\"a\":\"$\"}", false },
        { "{\"unevaluatedProperties\":false}", "{\"a\":\"$\"}", false },
        { "false", "\"$\"", false },
    };
    for (size_t i = 0; i < N(samples); i++) {
        struct schema *s = compiled(samples[i].schema);
        const struct weir_value *plain = given(samples[i].value);
        const struct weir_value *v = with_expressions(plain);
        if (schema_check(s, v, NULL, NULL) != samples[i].good)
            fail_msg("%s on %s", samples[i].schema, samples[i].value);
        value_unref(&v);
        value_unref(&plain);
        schema_free(&s);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(violations_are_sentences_with_places),
        cmocka_unit_test(of_several_forms_the_nearest_is_told),
        cmocka_unit_test(at_most_a_hundred_violations_are_told),
        cmocka_unit_test(verify_puts_the_violations_into_the_error),
        cmocka_unit_test(numbers_are_compared_and_divided_exactly),
        cmocka_unit_test(long_choices_are_looked_up),
        cmocka_unit_test(an_expression_satisfies_what_some_value_would),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

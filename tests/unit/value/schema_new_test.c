/* unit/value/schema_new_test.c - which schemas are taken, what is said of the others, and where
 * references lead.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "given.h"

#include "value/schema.h"

#define N(array) (sizeof(array) / sizeof((array)[0]))
#define META "https://json-schema.org/draft/2020-12/schema"

struct sample {
    const char *schema;
    const char *text; /* of the error */
};

/* The documents that can be loaded, as a map from URI to schema. */
static const struct weir_value *
load(void *arg, struct weir_text uri)
{
    return value_get(arg, uri.bytes, uri.len);
}

static void
assert_refused(const char *json, const struct weir_value *docs, const char *text)
{
    const struct weir_value *doc = given(json);
    struct schema *s = NULL;
    struct weir_error err;
    if (schema_new(doc, load, (void *)docs, &s, &err) != WEIR_INVALID)
        fail_msg("%s is taken", json);
    if (strcmp(err.text, text) != 0)
        fail_msg("%s gives\n%s\nnot\n%s", json, err.text, text);
    assert_null(s);
    assert_int_equal(schema_new(doc, load, (void *)docs, &s, NULL), WEIR_INVALID);
    value_unref(&doc);
}

static const struct sample wrong[] = {
    { "1", "#: must be a schema (an object, true or false)" },
    { "{\"properties\":{\"age\":{\"minimum\":\"1\"}}}",
      "#/properties/age/minimum: must be a number" },
    { "{\"properties\":{\"a/b~\":{\"minLength\":-1}}}",
      "#/properties/a~1b~0/minLength: must be an integer, at least 0" },
    { "{\"properties\":[]}", "#/properties: must be an object of schemas" },
    { "{\"properties\":{\"a\":1}}",
      "#/properties/a: must be a schema (an object, true or false)" },
    { "{\"$defs\":{\"unused\":{\"type\":\"strnig\"}}}",
      "#/$defs/unused/type: must be one of: 'null', 'boolean', 'integer', 'number', "
      "'string', "
      "'array', 'object'" },
    { "{\"type\":[]}", "#/type: must name a type" },
    { "{\"type\":[\"string\",\"string\"]}", "#/type/1: is there twice" },
    { "{\"allOf\":[]}", "#/allOf: must be an array of schemas, not empty" },
    { "{\"allOf\":[true,{\"maxItems\":1.5}]}",
      "#/allOf/1/maxItems: must be an integer, at least 0" },
    { "{\"items\":[{}]}", "#/items: must be a schema (an object, true or false); a list of "
                          "them is called prefixItems" },
    { "{\"multipleOf\":0}", "#/multipleOf: must be a number above 0" },
    { "{\"enum\":1}", "#/enum: must be an array" },
    { "{\"required\":\"a\"}", "#/required: must be an array of strings" },
    { "{\"required\":[\"a\",1]}", "#/required: must be an array of strings: number 1 is none" },
    { "{\"required\":[\"a\",\"a\"]}", "#/required: names 'a' twice" },
    { "{\"dependentRequired\":{\"a\":1}}",
      "#/dependentRequired/a: must be an array of strings" },
    { "{\"dependentSchemas\":1}", "#/dependentSchemas: must be an object of schemas" },
    { "{\"uniqueItems\":1}", "#/uniqueItems: must be true or false" },
    { "{\"title\":1}", "#/title: must be a string" },
    { "{\"deprecated\":\"no\"}", "#/deprecated: must be true or false" },
    { "{\"examples\":{}}", "#/examples: must be an array" },
    { "{\"pattern\":\"a(\"}", "#/pattern: at offset 2: missing closing parenthesis" },
    { "{\"patternProperties\":{\"\\\\Z\":true}}",
      "#/patternProperties/\\Z: at offset 0: ECMA-262 has no such escape" },
    { "{\"$ref\":1}", "#/$ref: must be a string" },
    { "{\"$ref\":\"#/$defs/no\"}", "#/$ref: there is nothing at '#/$defs/no'" },
    { "{\"$ref\":\"#no\"}", "#/$ref: there is no anchor 'no' in ''" },
    { "{\"$ref\":\"http://h/no\"}", "#/$ref: there is no schema 'http://h/no'" },
    { "{\"$ref\":\"no\"}", "#/$ref: there is no schema 'no'" },
    { "{\"$ref\":\"#/enum\",\"enum\":[]}",
      "#/enum: must be a schema (an object, true or false)" },
    { "{\"$ref\":\"#/%zz\"}", "#/$ref: % must be followed by two hex digits" },
    { "{\"$ref\":\"#/%ff\"}", "#/$ref: its escapes are not well-formed UTF-8" },
    { "{\"$id\":\"a#b\"}", "#/$id: must be a URI without a fragment" },
    { "{\"$defs\":{\"a\":{\"$id\":\"x\"},\"b\":{\"$id\":\"x\"}}}",
      "#/$defs/b/$id: is the $id of another place, too" },
    { "{\"$defs\":{\"a\":{\"$anchor\":\"x\"},\"b\":{\"$anchor\":\"x\"}}}",
      "#/$defs/b/$anchor: is the anchor of another place, too" },
    { "{\"$anchor\":\"1\"}", "#/$anchor: must be a name of letters, digits and . - _" },
    { "{\"$vocabulary\":{\"a\":1}}", "#/$vocabulary/a: must be true or false" },
    { "{\"$schema\":\"http://json-schema.org/draft-07/schema#\"}",
      "#/$schema: 'http://json-schema.org/draft-07/schema' is unknown; known is " META },
    { "{\"$schema\":1}", "#/$schema: must be a string" },
    { "{\"$ref\":\"#\"}", "#: leads back to itself without going into the value" },
    { "{\"$dynamicRef\":\"#\"}", "#: leads back to itself without going into the value" },
    { "{\"$defs\":{\"a\":{\"anyOf\":[true,{\"$ref\":\"#/$defs/"
      "b\"}]},\"b\":{\"not\":{\"$ref\":\"#/$defs/a\"}}}}",
      "#/$defs/a: leads back to itself without going into the value" },
};

static void
a_wrong_schema_is_refused_with_its_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < N(wrong); i++)
        assert_refused(wrong[i].schema, NULL, wrong[i].text);
}

static void
what_is_wrong_elsewhere_is_named_with_its_uri(void **state)
{
    (void)state;
    const struct weir_value *docs =
        given("{\"http://h/a\":{\"$defs\":{\"x\":{\"maximum\":true}}},"
              "\"http://h/b\":{\"unknown\":{\"x\":{\"maximum\":true}}},"
              "\"http://h/meta\":{\"$id\":\"http://h/meta\",\"required\":[\"title\"],"
              "\"$vocabulary\":{\"https://json-schema.org/draft/2020-12/vocab/core\":true}},"
              "\"http://h/odd\":{\"$vocabulary\":{\"http://h/vocab\":true}},"
              "\"http://h/self\":{\"$schema\":\"http://h/self\"}}");
    static const struct sample samples[] = {
        { "{\"$ref\":\"http://h/a#/$defs/x\"}",
          "http://h/a#/$defs/x/maximum: must be a number" },
        { "{\"$ref\":\"http://h/b#/unknown/x\"}",
          "http://h/b#/unknown/x/maximum: must be a number" },
        { "{\"$schema\":\"http://h/meta\"}", "#/$schema: by this one, #/title is required" },
        { "{\"$schema\":\"http://h/odd\"}",
          "#/$schema: needs the vocabulary 'http://h/vocab', which is unknown here" },
        { "{\"$schema\":\"http://h/self\"}",
          "#/$schema: http://h/self#/$schema: http://h/self#/$schema: http://h/self#/$schema: "
          "leads "
          "through more than 4 meta-schemas" },
    };
    for (size_t i = 0; i < N(samples); i++)
        assert_refused(samples[i].schema, docs, samples[i].text);

    struct schema *s;
    struct weir_error err;
    const struct weir_value *doc =
        given("{\"$schema\":\"http://h/meta\",\"title\":\"t\",\"type\":\"null\"}");
    assert_int_equal(schema_new(doc, load, (void *)docs, &s, &err), WEIR_OK);
    assert_true(schema_check(s, &value_true, NULL, NULL)); /* "type" means nothing there */
    schema_free(&s);
    value_unref(&doc);
    value_unref(&docs);
}

static bool
accepts(const char *schema, const struct weir_value *docs, const char *json)
{
    const struct weir_value *doc = given(schema);
    struct schema *s;
    struct weir_error err;
    if (schema_new(doc, load, (void *)docs, &s, &err) != WEIR_OK)
        fail_msg("%s: %s", schema, err.text);
    value_unref(&doc); /* the schema has its own reference */
    const struct weir_value *v = given(json);
    bool ok = schema_check(s, v, NULL, NULL);
    value_unref(&v);
    schema_free(&s);
    return ok;
}

static void
references_lead_through_documents(void **state)
{
    (void)state;
    const struct weir_value *docs = given(
        "{\"http://h/dir/a\":{\"$id\":\"http://h/other/\",\"$ref\":\"b#x\"},"
        "\"http://h/other/b\":{\"$defs\":{\"q\":{\"$anchor\":\"x\",\"type\":\"string\"}}},"
        "\"urn:x:y\":{\"items\":{\"$ref\":\"#\"},\"type\":[\"array\",\"null\"]}}");
    static const struct {
        const char *schema;
        const char *value;
        bool good;
    } samples[] = {
        { "{\"$ref\":\"http://h/dir/a\"}", "\"s\"", true },
        { "{\"$ref\":\"http://h/dir/./x/../a\"}", "1", false },
        { "{\"$id\":\"http://h/dir/z?q#\",\"$ref\":\"a\"}", "1", false },
        { "{\"$id\":\"http://h/q/w/e\",\"$ref\":\"../../dir/a\"}", "1", false },
        { "{\"$id\":\"http://h/q\",\"$ref\":\"//h/dir/a\"}", "1", false },
        { "{\"$id\":\"http://h/q\",\"$ref\":\"/dir/a\"}", "\"\"", true },
        { "{\"$ref\":\"urn:x:y\"}", "[[null,[]]]", true },
        { "{\"$ref\":\"urn:x:y\"}", "[[null,[1]]]", false },
        { "{\"$ref\":\"#/definitions/a/deep\",\"definitions\":{\"a\":{\"deep\":{\"$ref\":\"#/"
          "definitions/b\"}},"
          "\"b\":{\"type\":\"null\"}}}",
          "1", false },
        { "{\"$ref\":\"" META "\"}", "{\"minLength\":-1}", false },
        { "{\"$ref\":\"" META "\"}", "{\"properties\":{\"a\":{\"type\":\"nul\"}}}", false },
        { "{\"$ref\":\"" META "\"}", "{\"properties\":{\"a\":{\"type\":\"null\"}}}", true },
        { "{\"$ref\":\"" META "\"}", "{\"definitions\":{\"a\":{\"type\":1}}}", false },
        { "{\"$ref\":\"https://json-schema.org/draft/2020-12/meta/content\"}",
          "{\"contentSchema\":1}", false },
        { "{\"$schema\":\"" META "#\",\"format\":\"email\",\"contentEncoding\":\"base64\"}",
          "\"!\"", true },
        { "{\"requried\":[\"a\"],\"x-weir-literal\":true}", "{}", true },
        { "{\"then\":false,\"else\":false,\"minContains\":3}", "[]", true },
    };
    for (size_t i = 0; i < N(samples); i++)
        if (accepts(samples[i].schema, docs, samples[i].value) != samples[i].good)
            fail_msg("%s on %s", samples[i].schema, samples[i].value);
    value_unref(&docs);
}

/* Wraps VALUE in N maps with the key KEY. */
static const struct weir_value *
nested(const struct weir_value *value, const char *key, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        struct weir_builder *b = builder_map();
        builder_set(b, key, strlen(key), &value);
        value = builder_end(&b);
    }
    return value;
}

static void
a_schema_has_a_greatest_depth_and_size(void **state)
{
    (void)state;
    struct schema *s;
    struct weir_error err;
    const struct weir_value *deep = nested(given("true"), "not", 300);
    assert_int_equal(schema_new(deep, NULL, NULL, &s, &err), WEIR_INVALID);
    assert_non_null(strstr(err.text, "#.../not/not"));
    assert_non_null(strstr(err.text, "/not: schemas are nested more than 256 deep"));
    value_unref(&deep);

    /* 20 levels that each have the one below twice: by two $ids 2^20 places, else 20. */
    const struct weir_value *shared = given("{\"type\":\"null\"}");
    const struct weir_value *wide = given("{\"type\":\"null\"}");
    for (int i = 0; i < 20; i++) {
        struct weir_builder *both = builder_list();
        const struct weir_value *again = value_ref(shared);
        builder_add(both, &shared);
        builder_add(both, &again);
        const struct weir_value *list = builder_end(&both);
        struct weir_builder *b = builder_map();
        builder_set(b, "allOf", 5, &list);
        shared = builder_end(&b);

        struct weir_builder *parts = builder_map();
        for (int k = 0; k < 2; k++) {
            struct weir_builder *part = builder_map();
            const struct weir_value *id = value_text(k == 0 ? "a/" : "b/");
            builder_set(part, "$id", 3, &id);
            builder_put(part, "not", wide);
            const struct weir_value *done = builder_end(&part);
            builder_set(parts, k == 0 ? "x" : "y", 1, &done);
        }
        value_unref(&wide);
        struct weir_builder *outer = builder_map();
        const struct weir_value *map = builder_end(&parts);
        builder_set(outer, "properties", 10, &map);
        wide = builder_end(&outer);
    }
    assert_int_equal(schema_new(shared, NULL, NULL, &s, &err), WEIR_OK);
    assert_false(schema_check(s, &value_true, NULL, NULL)); /* and 2^20 steps are cut off */
    schema_free(&s);
    assert_int_equal(schema_new(wide, NULL, NULL, &s, &err), WEIR_TOO_LARGE);
    value_unref(&shared);
    value_unref(&wide);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wrong_schema_is_refused_with_its_place),
        cmocka_unit_test(what_is_wrong_elsewhere_is_named_with_its_uri),
        cmocka_unit_test(references_lead_through_documents),
        cmocka_unit_test(a_schema_has_a_greatest_depth_and_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

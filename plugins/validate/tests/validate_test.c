/* validate/tests/validate_test.c - what validate/README.md promises.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Loads a pipeline whose only step validates with OPTIONS. */
static void
load(const char *options)
{
    char yaml[2048];
    snprintf(yaml, sizeof yaml, "trigger: { webhook: /x }\nsteps:\n  - validate: { %s }\n",
             options);
    stage_load(yaml, NULL);
}

/* Fails unless BODY ends as 422 with PART in the answer. */
static void
refused(const char *body, const char *part)
{
    struct play *p = stage_play("POST /x", body);
    assert_int_equal(p->status, 422);
    assert_non_null(strstr(p->body, "urn:weir:problem:invalid"));
    if (strstr(p->body, part) == NULL)
        fail_msg("no %s in %s", part, p->body);
    stage_end(&p);
}

static void
a_schema_is_checked_and_every_violation_told(void **state)
{
    (void)state;
    load(
        "schema: { type: object, required: [a], properties: { b: { type: integer }, c: { type: "
        "string } } }");
    stage_expect("POST /x", "{\"a\":null,\"b\":1}", 200, "{\"a\":null,\"b\":1}");
    refused("{\"b\":\"x\",\"c\":1}", "\"pointer\":\"#/b\"");
    refused("{\"b\":\"x\",\"c\":1}", "\"pointer\":\"#/c\"");
    refused("{\"b\":\"x\",\"c\":1}", "3 problems");
}

static void
required_wants_something_in_the_field(void **state)
{
    (void)state;
    load("required: [text, /order/items/1, 'a/b']");
    const char *good = "{\"text\":\"x\",\"order\":{\"items\":[0,false]},\"a/b\":0}";
    stage_expect("POST /x", good, 200, good);
    refused("{\"text\":\"\",\"order\":{\"items\":[0,1]},\"a/b\":0}",
            "\"errors\":[{\"detail\":\"is required\",\"pointer\":\"#/text\"}]");
    refused("{\"text\":null,\"order\":{\"items\":[0,null]},\"a/b\":0}", "\"#/order/items/1\"");
    refused("{\"text\":\"x\",\"order\":{\"items\":[0]}}", "\"#/a~1b\"");
    refused("{}", "3 problems, the first: /text: is required");
    refused("[1]", "3 problems");
    refused("\"text\"", "3 problems");
    refused(NULL, "3 problems");
}

static void
fields_and_schema_are_told_together(void **state)
{
    (void)state;
    load("required: [a], schema: { properties: { b: { type: integer } } }");
    refused("{\"b\":\"x\"}", "\"pointer\":\"#/a\"},{\"detail\":");
    refused("{\"b\":\"x\"}", "\"pointer\":\"#/b\"");
}

static void
rules_are_chosen_by_name(void **state)
{
    (void)state;
    load("select: '${ request.body.kind }', required: { llama: [prompt, model], other: [text] "
         "}, "
         "schemas: { llama: { maxProperties: 3 }, none: false, default: true }");
    stage_expect("POST /x", "{\"kind\":\"llama\",\"prompt\":\"p\",\"model\":\"m\"}", 200, NULL);
    refused("{\"kind\":\"llama\",\"prompt\":\"p\"}", "#/model");
    refused("{\"kind\":\"llama\",\"prompt\":\"p\",\"model\":\"m\",\"more\":1}", "properties");
    refused("{\"kind\":\"other\"}", "#/text");
    refused("{\"kind\":\"none\"}", "\"status\":422");
    stage_expect("POST /x", "{\"kind\":\"unknown\"}", 200, "{\"kind\":\"unknown\"}");
    stage_expect("POST /x", "{\"kind\":\"defaul\"}", 200, NULL);
}

static void
a_value_can_be_said(void **state)
{
    (void)state;
    load("value: '${ request.body.inner }', required: [q], sanitize: true");
    stage_expect("POST /x", "{\"inner\":{\"q\":\" a<b> \"}}", 200, "{\"q\":\"a\"}");
    refused("{\"inner\":{}}", "#/q");
}

static void
texts_are_cleaned_at_any_depth_and_before_they_are_checked(void **state)
{
    (void)state;
    load("sanitize: true, required: [a]");
    stage_expect("POST /x", "{\"a\":[1,{\"b\":\"<b>hi</b>\",\"c\":2.0}],\"<k>\":\" v \"}", 200,
                 "{\"a\":[1,{\"b\":\"hi\",\"c\":2.0}],\"<k>\":\"v\"}");
    refused("{\"a\":\" \\t \"}", "#/a");
    refused("{\"a\":\"<script>alert(1)</script>\"}", "#/a");
}

static void
html_becomes_its_text(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to;
    } cases[] = {
        { "a & b > c", "a & b > c" },
        { "a < b & c", "a &lt; b &amp; c" },
        { "<p>one<p>two &amp; three", "onetwo &amp; three" },
        { "x<script>y</script>z<style>u</style>v", "xzv" },
        { "<svg><style>u</style>v<script>w</script></svg>", "v" },
        { "<img src=x onerror=alert(1)>ok", "ok" },
        { "<<b>script>x", "&lt;script&gt;x" },
        { "&lt;b&gt;<i>x</i>", "&lt;b&gt;x" },
        { "<!-- c -->t<![CDATA[d]]>", "t" },
        { "<title>t</title><textarea><b></textarea>", "t&lt;b&gt;" },
        { "<table>a<tr><td>b</table>", "ab" },
        { "<scr<script>ipt>alert(1)</script>", "ipt&gt;alert(1)" },
        { "<b", "" },
        { "<a href='", "" },
        { "<", "&lt;" },
        { "<iframe><b>x</b></iframe>", "&lt;b&gt;x&lt;/b&gt;" },
    };
    char body[400], want[400];
    load("sanitize: { strip_html: true, trim: false }");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(body, sizeof body, "{\"t\":\"%s\"}", cases[i].from);
        snprintf(want, sizeof want, "{\"t\":\"%s\"}", cases[i].to);
        stage_expect("POST /x", body, 200, want);
    }
}

static void
each_way_to_clean_can_be_left_out(void **state)
{
    (void)state;
    const char *body = "\" <b>e\xCC\x81</b> '\\\"x\\\"' \"";
    load("sanitize: { strip_html: false, nfc: false, trim: false }");
    stage_expect("POST /x", body, 200, body);
    load("sanitize: { strip_html: false }");
    stage_expect("POST /x", body, 200, "\"<b>\xC3\xA9</b> '\\\"x\\\"'\"");
    load("sanitize: { nfc: false, escape_quotes: true }");
    stage_expect("POST /x", body, 200, "\"e\xCC\x81 &#39;&quot;x&quot;&#39;\"");
    load("sanitize: false, schema: true");
    stage_expect("POST /x", body, 200, body);
}

static void
what_has_to_be_changed_is_found_anywhere(void **state)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
    char body[80], want[80];
    (void)state;
    load("sanitize: { escape_quotes: true }");
    for (int before = 0; before < 20; before++) {
        snprintf(body, sizeof body, "\"%.*se\xCC\x81z\"", before, letters);
        snprintf(want, sizeof want, "\"%.*s\xC3\xA9z\"", before, letters);
        stage_expect("POST /x", body, 200, want);
        snprintf(body, sizeof body, "\"%.*s'\\u3000 \\u00a0\"", before, letters);
        snprintf(want, sizeof want, "\"%.*s&#39;\"", before, letters);
        stage_expect("POST /x", body, 200, want);
        snprintf(body, sizeof body, "\"%.*s\\\"z\"", before, letters);
        snprintf(want, sizeof want, "\"%.*s&quot;z\"", before, letters);
        stage_expect("POST /x", body, 200, want);
    }
}

static void
blanks_of_any_script_are_trimmed(void **state)
{
    (void)state;
    load("sanitize: true");
    stage_expect(
        "POST /x",
        "\"\\u00a0\\u2003\\u3000\\ufeff\\u2028 a\\u00a0b \\u1680\\u202f\\u205f\\n\\u000b\"",
        200,
        "\"a\xC2\xA0"
        "b\"");
    stage_expect("POST /x", "\" \\u2009 \"", 200, "\"\"");
    stage_expect("POST /x", "\"\\u00a0\"", 200, "\"\"");
    stage_expect("POST /x", "\"\"", 200, "\"\"");
}

static void
long_texts_are_cut_in_code_points(void **state)
{
    (void)state;
    load("sanitize: { max_length: 3 }");
    stage_expect("POST /x", "\"abc\"", 200, "\"abc\"");
    stage_expect("POST /x", "\"abcd\"", 200, "\"abc\"");
    stage_expect("POST /x", "\"\xF0\x9F\x98\x80\xE2\x82\xAC\xC3\xA9x\"", 200,
                 "\"\xF0\x9F\x98\x80\xE2\x82\xAC\xC3\xA9\"");
    stage_expect("POST /x",
                 "\"e\xCC\x81"
                 "e\xCC\x81"
                 "e\xCC\x81\"",
                 200, "\"\xC3\xA9\xC3\xA9\xC3\xA9\"");
    stage_expect("POST /x", "\"a<b>&b\"", 200, "\"a\"");
    stage_expect("POST /x", "\"a&bc\"", 200, "\"a&b\"");
    load("sanitize: { max_length: 0 }");
    stage_expect("POST /x", "{\"a\":\"x\",\"b\":1}", 200, "{\"a\":\"\",\"b\":1}");
}

/* N times UNIT, in quotes; the caller frees it. */
static char *
many(const char *unit, size_t n)
{
    size_t len = strlen(unit);
    char *text = malloc(n * len + 3);
    assert_non_null(text);
    text[0] = '"';
    for (size_t i = 0; i < n; i++)
        memcpy(text + 1 + i * len, unit, len);
    memcpy(text + 1 + n * len, "\"", 2);
    return text;
}

static void
hostile_html_ends_soon(void **state)
{
    (void)state;
    static const char *const units[] = {
        "<b>",
        "<div>",
        "<b id=1><b id=2><b id=3><p>",
        "<div><table><td></div></table>",
        "<",
        "<a><p>",
        "<font size=1><p>",
        "<table>",
        "<svg><g>",
        "<select><option>",
        "</p>",
        "<i></b>",
        "<!--",
        "<b a=b c=d e=f>",
        "&lt;<",
        "<template>",
        "<ul><li><dl><dt>",
    };
    load("sanitize: true");
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        char *body = many(units[i], 500000 / strlen(units[i]));
        struct play *p = stage_play("POST /x", body);
        if (p->status != 200) {
            assert_int_equal(p->status, 422);
            assert_non_null(strstr(p->body, "entangled"));
        }
        assert_null(strchr(p->body, '<'));
        stage_end(&p);
        free(body);
    }
    /* and those that are not are served as before */
    stage_expect("POST /x", "\"<b>x</b>\"", 200, "\"x\"");
}

static void
deep_values_are_cleaned_too(void **state)
{
    (void)state;
    char body[200] = "";
    for (unsigned i = 0; i < 60; i++)
        strcat(body, "[");
    strcat(body, "\"<b>x\"");
    for (unsigned i = 0; i < 60; i++)
        strcat(body, "]");
    load("sanitize: true");
    struct play *p = stage_play("POST /x", body);
    assert_int_equal(p->status, 200);
    assert_non_null(strstr(p->body, "[[[[[\"x\"]]]]]"));
    stage_end(&p);
}

/* What is found to be too much for a shard halfway through is cleaned all the same, from its beginning. */
static void
many_texts_are_cleaned_wherever_it_is_done(void **state)
{
    (void)state;
    static const char begin[] = "{\"first\":[\" <i>a</i> \"],\"plain\":\" b \",\"all\":[";
    static const char dirty[] = "\"<b>%0100u</b>\"", clean[] = "\"%0100u\"";
    load("sanitize: true");
    for (unsigned n = 100; n <= 200; n += 20) { /* 16 KiB are a hundred and fifty-three */
        char body[32768], want[32768];
        int at = snprintf(body, sizeof body, "%s", begin);
        int to = snprintf(want, sizeof want, "{\"first\":[\"a\"],\"plain\":\"b\",\"all\":[");
        for (unsigned i = 0; i < n; i++) {
            at += snprintf(body + at, sizeof body - (size_t)at, "%s", i > 0 ? "," : "");
            at += snprintf(body + at, sizeof body - (size_t)at, dirty, i);
            to += snprintf(want + to, sizeof want - (size_t)to, "%s", i > 0 ? "," : "");
            to += snprintf(want + to, sizeof want - (size_t)to, clean, i);
        }
        (void)snprintf(body + at, sizeof body - (size_t)at, "]}");
        (void)snprintf(want + to, sizeof want - (size_t)to, "]}");
        stage_expect("POST /x", body, 200, want);
    }
}

static void
mistakes_are_found_at_load(void **state)
{
    (void)state;
    static const struct {
        const char *options, *says;
    } cases[] = {
        { "{}", "there is nothing to do" },
        { "{ schema: { type: 7 } }", "type" },
        { "{ schema: no-such.json }", "no-such.json" },
        { "{ schema: .. }", "it is not a file" },
        { "{ schema: true, schemas: { default: true } }", "don't go together" },
        { "{ schemas: { a: true, default: true } }", "needs 'select'" },
        { "{ select: a, schemas: { a: true } }", "needs a 'default'" },
        { "{ select: a, schema: true }", "'select' chooses from" },
        { "{ required: { a: [b] } }", "needs 'select'" },
        { "{ required: [''] }", "needs a name" },
        { "{ required: [/a~2] }", "no JSON pointer" },
        { "{ required: [/a/b/c/d/e/f/g/h/i] }", "at most 8 steps" },
        { "{ required: text }", "required" },
        { "{ sanitize: { strip: true } }", "strip" },
        { "{ sanitize: { max_length: -1 } }", "max_length" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        stage_refuses(cases[i].says, "trigger: { webhook: /x }\nsteps:\n  - validate: %s\n",
                      cases[i].options);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_schema_is_checked_and_every_violation_told),
        cmocka_unit_test(required_wants_something_in_the_field),
        cmocka_unit_test(fields_and_schema_are_told_together),
        cmocka_unit_test(rules_are_chosen_by_name),
        cmocka_unit_test(a_value_can_be_said),
        cmocka_unit_test(texts_are_cleaned_at_any_depth_and_before_they_are_checked),
        cmocka_unit_test(html_becomes_its_text),
        cmocka_unit_test(each_way_to_clean_can_be_left_out),
        cmocka_unit_test(what_has_to_be_changed_is_found_anywhere),
        cmocka_unit_test(blanks_of_any_script_are_trimmed),
        cmocka_unit_test(long_texts_are_cut_in_code_points),
        cmocka_unit_test(hostile_html_ends_soon),
        cmocka_unit_test(deep_values_are_cleaned_too),
        cmocka_unit_test(many_texts_are_cleaned_wherever_it_is_done),
        cmocka_unit_test(mistakes_are_found_at_load),
    };
    return cmocka_run_group_tests(tests, stage_open, stage_close);
}

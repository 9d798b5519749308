/* unit/net/body_test.c - bodies as values, by their content type.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/body.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "value/json.h"

static struct weir_error err;

/* The value of a body of LEN bytes as JSON with its type in front; or the error. */
static const char *
parse_bytes(const char *type, const char *bytes, size_t len)
{
    static char ret[4096];
    const struct weir_value *raw = value_bytes(bytes, len);
    const struct weir_value *v;
    enum weir_code code = body_parse(text_of(type), raw, &v, &err);
    value_unref(&raw); /* what borrows from it keeps it */
    if (code != WEIR_OK) {
        assert_int_equal(code, WEIR_INVALID);
        assert_int_equal(err.status, 400);
        snprintf(ret, sizeof(ret), "error: %s", err.text);
        return ret;
    }
    struct buf out;
    buf_init(&out, 1 << 20);
    assert_int_equal(json_write(&out, v, &err), WEIR_OK);
    snprintf(ret, sizeof(ret), "%s %s", value_type_name(value_type(v)), out.bytes);
    buf_fini(&out);
    value_unref(&v);
    return ret;
}

static const char *
parse(const char *type, const char *text)
{
    return parse_bytes(type, text, strlen(text));
}

static void
an_empty_body_is_null(void **state)
{
    (void)state;
    const struct weir_value *v;
    assert_int_equal(body_parse(TEXT("application/json"), NULL, &v, &err), WEIR_OK);
    assert_int_equal(value_type(v), WEIR_NULL);
    assert_string_equal(parse("application/json", ""), "null null");
    assert_string_equal(parse("multipart/form-data", ""), "null null");
}

static void
json_is_read(void **state)
{
    (void)state;
    static const char *const types[] = {
        "application/json",
        "APPLICATION/JSON",
        "application/json; charset=utf-8",
        "application/json;charset=\"UTF-8\"",
        "application/problem+json",
        "text/json",
        "application/vnd.api+json ; x=y",
    };
    for (unsigned i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        assert_string_equal(parse(types[i], "{\"a\":[1,\"x\"]}"), "map {\"a\":[1,\"x\"]}");
    assert_memory_equal(parse("application/json", "{\"a\":"), "error: the body is not JSON",
                        27);
    assert_memory_equal(parse("application/json; charset=latin1", "{}"), "error: ", 7);
}

static void
text_is_a_string(void **state)
{
    (void)state;
    assert_string_equal(parse("text/plain", "gr\xc3\xbc\xc3\x9f"),
                        "string \"gr\xc3\xbc\xc3\x9f\"");
    assert_string_equal(parse("text/html; charset=utf-8", "<b>"), "string \"<b>\"");
    assert_string_equal(parse("text/plain; charset=ISO-8859-1", "gr\xfc\xdf"),
                        "string \"gr\xc3\xbc\xc3\x9f\"");
    assert_string_equal(parse("text/plain", "gr\xfc\xdf"), "error: the body: not UTF-8");
    assert_string_equal(parse("text/plain; charset=koi8-r", "x"),
                        "error: the body: its charset must be utf-8 or iso-8859-1");
    assert_memory_equal(parse("text/plain; charset=utf-8; charset=latin1", "x"), "error", 5);
}

static void
other_types_are_bytes(void **state)
{
    (void)state;
    assert_string_equal(parse("application/octet-stream", "abc"), "bytes \"YWJj\"");
    assert_string_equal(parse("image/png", "\xff"), "bytes \"/w==\"");
    assert_string_equal(parse("", "{}"), "bytes \"e30=\"");
    assert_string_equal(parse("nonsense", "{}"), "bytes \"e30=\"");
}

static void
forms_are_maps(void **state)
{
    (void)state;
    const char *type = "application/x-www-form-urlencoded";
    assert_string_equal(parse(type, "a=1&b=two+words&c=%C3%BC%26"),
                        "map {\"a\":\"1\",\"b\":\"two words\",\"c\":\"\xc3\xbc&\"}");
    assert_string_equal(parse(type, "a=1&b=2&a=3&a="),
                        "map {\"a\":[\"1\",\"3\",\"\"],\"b\":\"2\"}");
    assert_string_equal(parse(type, "a&=b&&c=d=e"),
                        "map {\"a\":\"\",\"\":\"b\",\"c\":\"d=e\"}");
    assert_string_equal(parse(type, "a%5B%5D=1"), "map {\"a[]\":\"1\"}");
    assert_memory_equal(parse(type, "a=%zz"), "error", 5);
    assert_memory_equal(parse(type, "a=%ff"), "error", 5);
    assert_memory_equal(parse(type, "%ff=a"), "error", 5);
    assert_memory_equal(parse(type, "a=\xff"), "error", 5);
}

static void
a_form_has_at_most_a_thousand_fields(void **state)
{
    (void)state;
    char text[8192] = "";
    for (unsigned i = 0; i < BODY_FIELDS; i++)
        strcat(text, "a=b&");
    const char *type = "application/x-www-form-urlencoded";
    assert_memory_equal(parse(type, text), "map {\"a\":[\"b\",", 13);
    strcat(text, "c=d");
    assert_string_equal(parse(type, text), "error: more than 1000 fields");
}

#define MULTI "multipart/form-data; boundary=XX"

static void
multipart_fields_are_strings_and_files_are_maps(void **state)
{
    (void)state;
    assert_string_equal(
        parse(MULTI,
              "--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\none\r\n"
              "--XX\r\ncontent-disposition: form-data; name=b\r\n\r\n\r\n"
              "--XX\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x.png\"\r\n"
              "Content-Type: image/png\r\n\r\n\xff\r\n--X\r\n"
              "--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\ntwo\r\n"
              "--XX--\r\n"),
        "map {\"a\":[\"one\",\"two\"],\"b\":\"\",\"f\":{\"filename\":\"x.png\","
        "\"content_type\":\"image/png\",\"data\":\"/w0KLS1Y\"}}");
    assert_string_equal(
        parse(MULTI, "preamble\r\n--XX  \r\nContent-Disposition: form-data; name=\"a\"; "
                     "filename=\"\"\r\n\r\nx\r\n--XX--epilogue"),
        "map {\"a\":{\"filename\":\"\",\"content_type\":\"text/plain\",\"data\":\"eA==\"}}");
    assert_string_equal(parse(MULTI, "--XX--"), "map {}");
    assert_string_equal(parse("multipart/form-data; charset=utf-8; boundary=\"X X\"",
                              "--X X\r\nContent-Disposition: form-data; "
                              "name=\"q\\\"\\\\\\x\"\r\n\r\n\r\n--X X--"),
                        "map {\"q\\\"\\\\\\\\x\":\"\"}");
    /* An empty part whose delimiter follows its header at once. */
    assert_string_equal(
        parse(MULTI, "--XX\r\nContent-Disposition: form-data; name=a\r\n\r\n--XX--"),
        "map {\"a\":\"\"}");
    /* What is no text is bytes. */
    assert_string_equal(
        parse(MULTI, "--XX\r\nContent-Disposition: form-data; name=a\r\n\r\n\xff\r\n--XX--"),
        "map {\"a\":\"/w==\"}");
}

static void
broken_multipart_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "x",
        "--XY\r\n",
        "--XX",
        "--XX\r\n",
        "--XXContent-Disposition: form-data; name=a\r\n\r\n--XX--",
        "--XX\nContent-Disposition: form-data; name=a\n\n1\n--XX--",
        "--XX\r\nContent-Disposition: form-data; name=a\r\n\r\n",
        "--XX\r\nContent-Disposition: form-data; name=a\r\n\r\n1",
        "--XX\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--XX",
        "--XX\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--XX-",
        "--XX\r\n\r\n1\r\n--XX--",
        "--XX\r\nContent-Type: text/plain\r\n\r\n1\r\n--XX--",
        "--XX\r\nContent-Disposition: attachment; name=a\r\n\r\n1\r\n--XX--",
        "--XX\r\nContent-Disposition: form-data\r\n\r\n1\r\n--XX--",
        "--XX\r\nContent-Disposition: form-data; name=\"a\r\n\r\n1\r\n--XX--",
        "--XX\r\nContent-Disposition: form-data; name=a; name=b\r\n\r\n1\r\n--XX--",
        "--XX\r\nContent-Disposition: form-data; name=a; filename=b; "
        "filename=c\r\n\r\n1\r\n--XX--",
        "--XX\r\nContent-Disposition: form-data; name=a\r\nContent-Disposition: form-data; "
        "name=b\r\n\r\n"
        "1\r\n--XX--",
        "--XX\r\nContent-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: "
        "base64\r\n\r\n"
        "1\r\n--XX--",
        "--XX\r\nno colon\r\n\r\n1\r\n--XX--",
        "--XX\r\nContent-Disposition: form-data; name=\"\xff\"\r\n\r\n1\r\n--XX--",
        "--XX\r\nContent-Disposition: form-data; name=a; filename=\"\xff\"\r\n\r\n1\r\n--XX--",
    };
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (strncmp(parse(MULTI, bad[i]), "error", 5) != 0)
            fail_msg("%u: %s", i, parse(MULTI, bad[i]));
    assert_memory_equal(parse("multipart/form-data", "--\r\n"), "error", 5);
    assert_memory_equal(parse("multipart/form-data; boundary=", "--\r\n"), "error", 5);
    char type[128];
    for (int len = 70; len <= 71; len++) {
        char body[128];
        snprintf(type, sizeof(type), "multipart/form-data; boundary=%0*u", len, 0u);
        snprintf(body, sizeof(body), "--%0*u--", len, 0u);
        assert_memory_equal(parse(type, body), len == 70 ? "map" : "err", 3);
    }
}

static void
parts_are_bounded(void **state)
{
    (void)state;
    static char text[200000] = "";
    size_t at = 0;
    for (unsigned i = 0; i < BODY_FIELDS + 1; i++)
        at += (size_t)sprintf(text + at,
                              "--XX\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n");
    strcpy(text + at, "--XX--");
    assert_string_equal(parse(MULTI, text), "error: more than 1000 fields");
    sprintf(text,
            "--XX\r\nContent-Disposition: form-data; name=a\r\nX: %09000u\r\n\r\n1\r\n--XX--",
            1u);
    assert_memory_equal(parse(MULTI, text), "error: multipart: the header of a part", 38);
}

static void
query_is(const char *query, const char *last, const char *all)
{
    const struct weir_value *v[2];
    assert_int_equal(query_parse(text_of(query), &v[0], &v[1], &err), WEIR_OK);
    for (unsigned i = 0; i < 2; i++) {
        struct buf out;
        buf_init(&out, 4096);
        assert_int_equal(json_write(&out, v[i], &err), WEIR_OK);
        assert_string_equal(out.bytes, i == 0 ? last : all);
        buf_fini(&out);
        value_unref(&v[i]);
    }
}

static void
queries_give_the_last_and_all(void **state)
{
    (void)state;
    query_is("", "{}", "{}");
    query_is("a=1", "{\"a\":\"1\"}", "{\"a\":[\"1\"]}");
    query_is("a=1&b=x+y&a=%32", "{\"a\":\"2\",\"b\":\"x y\"}",
             "{\"a\":[\"1\",\"2\"],\"b\":[\"x y\"]}");
    const struct weir_value *last;
    const struct weir_value *all;
    assert_int_equal(query_parse(TEXT("a=100%"), &last, &all, &err), WEIR_INVALID);
    assert_int_equal(err.status, 400);
    assert_memory_equal(err.text, "the query: ", 11);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_body_is_null),
        cmocka_unit_test(json_is_read),
        cmocka_unit_test(text_is_a_string),
        cmocka_unit_test(other_types_are_bytes),
        cmocka_unit_test(forms_are_maps),
        cmocka_unit_test(a_form_has_at_most_a_thousand_fields),
        cmocka_unit_test(multipart_fields_are_strings_and_files_are_maps),
        cmocka_unit_test(broken_multipart_is_refused),
        cmocka_unit_test(parts_are_bounded),
        cmocka_unit_test(queries_give_the_last_and_all),
    };
    return cmocka_run_group_tests_name("net/body", tests, NULL, NULL);
}

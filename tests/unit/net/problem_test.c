/* unit/net/problem_test.c - errors as problem documents.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/problem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "value/json.h"

static struct buf out;

static const char *
document(const struct weir_error *err, const char *instance)
{
    buf_reset(&out);
    assert_true(problem_write(&out, err, text_of(instance)));
    return out.bytes;
}

static void
a_document_has_its_members(void **state)
{
    (void)state;
    struct weir_error err;
    err_set(&err, WEIR_LIMITED, "at most \"10\" a second");
    assert_string_equal(document(&err, "req-1"),
                        "{\"type\":\"urn:weir:problem:limited\",\"title\":\"a limit is "
                        "reached\",\"status\":429,"
                        "\"detail\":\"at most \\\"10\\\" a second\",\"instance\":\"req-1\"}");
    assert_null(strstr(document(&err, ""), "instance"));
}

static void
the_status_is_that_of_the_answer(void **state)
{
    (void)state;
    struct weir_error err;
    err_set(&err, WEIR_INVALID, "x");
    assert_int_equal(problem_status(&err), 400);
    err.status = 422;
    assert_int_equal(problem_status(&err), 422);
    err.status = 200;
    assert_int_equal(problem_status(&err), 400);
    err_set(&err, WEIR_UPSTREAM, "x");
    err.status = 500; /* what the upstream said */
    assert_int_equal(problem_status(&err), 502);
}

static void
errors_of_a_schema_have_fragments(void **state)
{
    (void)state;
    struct weir_error err;
    err_set(&err, WEIR_INVALID, "2 problems");
    const char *list = "[{\"detail\":\"must be > "
                       "0\",\"pointer\":\"/age\"},{\"pointer\":\"\",\"detail\":\"x\"},"
                       "{\"pointer\":\"#/a\",\"detail\":\"y\"},{\"other\":1},7]";
    assert_int_equal(json_read(text_of(list), NULL, NULL, &err.detail, NULL), WEIR_OK);
    assert_non_null(
        strstr(document(&err, ""),
               ",\"errors\":[{\"detail\":\"must be > 0\",\"pointer\":\"#/age\"},"
               "{\"detail\":\"x\",\"pointer\":\"#\"},{\"detail\":\"y\",\"pointer\":\"#/a\"},"
               "{\"other\":1},7]}"));
    value_unref(&err.detail);
}

static void
secrets_are_masked(void **state)
{
    (void)state;
    struct weir_error err;
    err_set(&err, WEIR_INVALID, "x");
    const struct weir_value *secret = value_text("hunter2");
    secret = value_flagged(&secret, VALUE_SECRET);
    struct weir_builder *list = builder_list();
    builder_add(list, &secret);
    err.detail = builder_end(&list);
    assert_non_null(strstr(document(&err, ""), "\"errors\":[\"***\"]"));
    value_unref(&err.detail);
}

static void
what_is_too_much_is_left_out(void **state)
{
    (void)state;
    struct weir_error err;
    err_set(&err, WEIR_INVALID, "x");
    struct weir_builder *list = builder_list();
    for (unsigned i = 0; i < 1000; i++) {
        char text[200];
        memset(text, 'x', sizeof(text));
        const struct weir_value *v = value_string(text, sizeof(text));
        builder_add(list, &v);
    }
    err.detail = builder_end(&list);
    document(&err, "");
    const struct weir_value *v;
    assert_int_equal(json_read(buf_content(&out), NULL, NULL, &v, NULL), WEIR_OK);
    size_t n = 0;
    while (value_at(value_field(v, "errors"), n) != NULL)
        n++;
    assert_true(n > 200 && n < 300);
    value_unref(&v);
    value_unref(&err.detail);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_document_has_its_members),
        cmocka_unit_test(the_status_is_that_of_the_answer),
        cmocka_unit_test(errors_of_a_schema_have_fragments),
        cmocka_unit_test(secrets_are_masked),
        cmocka_unit_test(what_is_too_much_is_left_out),
    };
    buf_init(&out, PROBLEM_MAX);
    int failed = cmocka_run_group_tests_name("net/problem", tests, NULL, NULL);
    buf_fini(&out);
    return failed;
}

/* tests/unit/pipeline/secrets_test.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "expect.h"

#include "pipeline/secrets.h"

static void
secrets_come_from_the_environment(void **state)
{
    (void)state;
    setenv("WEIR_SECRET_API_KEY", "hush hush", 1);
    setenv("WEIR_SECRET_api_key2", "x", 1);
    setenv("WEIR_SECRET_EMPTY", "", 1);
    setenv("WEIR_SECRET_RAW", "a\xff", 1);
    struct secrets *s = secrets_new();
    const struct weir_value *v = secrets_get(s, TEXT("API_KEY"));
    assert_non_null(v);
    assert_true(text_is(value_as_text(v), "hush hush"));
    assert_true(value_is_secret(v));
    assert_ptr_equal(secrets_get(s, TEXT("api_key")), v);
    assert_non_null(secrets_get(s, TEXT("api_key2")));
    assert_null(secrets_get(s, TEXT("API_KEY2")));
    assert_null(secrets_get(s, TEXT("EMPTY")));
    assert_null(secrets_get(s, TEXT("nope")));
    assert_int_equal(value_type(secrets_get(s, TEXT("RAW"))), WEIR_BYTES);
    char long_name[600];
    memset(long_name, 'a', sizeof long_name);
    assert_null(secrets_get(s, (struct weir_text){ long_name, sizeof long_name }));
    secrets_free(&s);
    assert_null(s);
    secrets_free(&s);
}

static void
they_are_masked_wherever_they_stand(void **state)
{
    (void)state;
    setenv("WEIR_SECRET_A", "hush", 1);
    setenv("WEIR_SECRET_B", "hush-hush", 1);
    setenv("WEIR_SECRET_C", "abc", 1);
    struct secrets *s = secrets_new();
    struct buf b;
    buf_init(&b, 1000);
    secrets_mask(s, &b);
    assert_int_equal(b.len, 0);
    buf_puts(&b, "hush, hush-hush-hush abc hushhush hus");
    secrets_mask(s, &b);
    assert_string_equal(b.bytes, "***, ***-*** abc ****** hus");
    assert_int_equal(b.len, strlen(b.bytes));
    buf_fini(&b);
    secrets_free(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(secrets_come_from_the_environment),
        cmocka_unit_test(they_are_masked_wherever_they_stand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

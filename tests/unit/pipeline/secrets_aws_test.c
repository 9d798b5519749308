/* tests/unit/pipeline/secrets_aws_test.c - where AWS is, who asks, and the cache; that a fetch works
 * is for tests/e2e/secrets_sources.test.mjs.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "expect.h"

#include "pipeline/secrets_aws.h"

static int
clean(void **state)
{
    (void)state;
    (void)clearenv();
    setenv("AWS_ACCESS_KEY_ID", "AKID", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
    setenv("AWS_REGION", "eu-central-1", 1);
    return 0;
}

/* The source of these variables; TEXT is what is wrong with it, "": nothing. */
static struct aws_source
source_of(const char *region, const char *endpoint, const char *text)
{
    struct settings *s = settings_new();
    struct aws_source a = { .region = "" };
    struct weir_error err = { 0 };
    setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", endpoint, 1);
    assert_int_equal(settings_set(s, "secrets.aws.region", region, &err), WEIR_OK);
    assert_int_equal(settings_set(s, "secrets.aws.prefix", "prod/", &err), WEIR_OK);
    assert_false(aws_wanted(s));
    enum weir_code code = aws_source_read(&a, s, &err);
    if (text[0] == '\0')
        assert_int_equal(code, WEIR_OK);
    else if (strstr(err.text, text) == NULL)
        fail_msg("'%s' does not say '%s'", err.text, text);
    settings_free(&s);
    return a;
}

static void
the_endpoint_is_that_of_the_region_unless_it_is_set(void **state)
{
    (void)state;
    struct aws_source a = source_of("", "", "");
    assert_string_equal(a.endpoint, "https://secretsmanager.eu-central-1.amazonaws.com");
    assert_string_equal(a.host, "secretsmanager.eu-central-1.amazonaws.com");
    assert_string_equal(a.prefix, "prod/");
    assert_null(a.session_token);
    a = source_of("us-east-1", "https://vpce-1.example.org:8443/", "");
    assert_string_equal(a.region, "us-east-1");
    assert_string_equal(a.endpoint, "https://vpce-1.example.org:8443");
    assert_string_equal(a.host, "vpce-1.example.org:8443");
    a = source_of("", "http://[::1]:4566", "");
    assert_string_equal(a.host, "[::1]:4566");
    a = source_of("", "https://example.org:443", "");
    assert_string_equal(a.host, "example.org");
}

static void
secrets_travel_in_clear_to_this_machine_alone(void **state)
{
    (void)state;
    (void)source_of("", "http://127.0.0.1:1", "");
    (void)source_of("", "http://localhost", "");
    (void)source_of("", "http://127.0.0.1.example.org", "http is for 127.0.0.1 only");
    (void)source_of("", "http://10.0.0.1", "http is for 127.0.0.1 only");
    (void)source_of("", "ftp://127.0.0.1", "secrets.aws: AWS_ENDPOINT_URL_SECRETS_MANAGER: ");
    (void)source_of("", "https://example.org/path", "a scheme, a host and a port only");
    (void)source_of("", "https://example.org?x=1", "a scheme, a host and a port only");
}

static void
what_is_missing_is_said(void **state)
{
    (void)state;
    (void)source_of("eu/../x", "", "'eu/../x' is no region");
    unsetenv("AWS_REGION");
    (void)source_of("", "", "Set AWS_REGION or secrets.aws.region");
    setenv("AWS_DEFAULT_REGION", "eu-west-1", 1);
    assert_string_equal(source_of("", "", "").region, "eu-west-1");
    unsetenv("AWS_SECRET_ACCESS_KEY");
    (void)source_of("", "", "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
}

static void
the_cache_knows_news(void **state)
{
    (void)state;
    static const struct weir_text none = { NULL, 0 };
    struct secrets_cache *c = secrets_cache_new();
    assert_false(secrets_cache_knows(c, TEXT("a")));
    assert_false(secrets_cache_put(c, TEXT("a"), none, "")); /* as before: there is none */
    assert_true(secrets_cache_knows(c, TEXT("a")));
    assert_true(secrets_cache_put(c, TEXT("a"), TEXT("1"), "prod/a"));
    assert_false(secrets_cache_put(c, TEXT("a"), TEXT("1"), "prod/a"));
    assert_true(secrets_cache_put(c, TEXT("a"), TEXT("2"), "prod/a"));
    assert_true(secrets_cache_put(c, TEXT("b"), TEXT("3"), "prod/b"));

    struct secrets_from from = { .file = "", .cache = c };
    struct secret_info info;
    setenv("WEIR_SECRET_b", "stronger", 1);
    struct secrets *s = secrets_read(&from, NULL);
    assert_true(text_is(value_as_text(secrets_get(s, TEXT("a"))), "2"));
    assert_true(text_is(value_as_text(secrets_get(s, TEXT("b"))), "stronger"));
    assert_true(secrets_info(s, 1, &info));
    assert_int_equal(info.source, SECRET_AWS);
    assert_string_equal(info.place, "prod/a");
    assert_true(secrets_cache_put(c, TEXT("a"), none, ""));
    struct secrets *later = secrets_read(&from, NULL);
    assert_null(secrets_get(later, TEXT("a")));
    assert_true(text_is(value_as_text(secrets_get(s, TEXT("a"))), "2"));
    secrets_unref(&s);
    secrets_unref(&later);
    secrets_cache_free(&c);
    assert_null(c);
    secrets_cache_free(&c);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_endpoint_is_that_of_the_region_unless_it_is_set, clean),
        cmocka_unit_test_setup(secrets_travel_in_clear_to_this_machine_alone, clean),
        cmocka_unit_test_setup(what_is_missing_is_said, clean),
        cmocka_unit_test_setup(the_cache_knows_news, clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* redis_url_test.c - the URLs of Redis servers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "redis_side.h"

#include "net/redis_parts.h"

static void
expect(const char *url, const char *expected)
{
    struct redis_url u;
    struct weir_error err = { 0 };
    char text[400];
    if (redis_url_parse(text_of(url), &u, &err) != WEIR_OK)
        fail_msg("%s: %s", url, err.text);
    snprintf(text, sizeof text, "%s%s|%s|%s|%s|%u|%u", u.tls ? "tls|" : "",
             u.path.bytes ? u.path.bytes : "-", u.host.bytes ? u.host.bytes : "-",
             u.user.bytes ? u.user.bytes : "-", u.password.bytes ? u.password.bytes : "-", u.port,
             u.db);
    redis_url_fini(&u);
    assert_string_equal(text, expected);
}

static void
expect_error(const char *url, const char *part)
{
    struct redis_url u;
    struct weir_error err = { 0 };
    assert_int_equal(redis_url_parse(text_of(url), &u, &err), WEIR_INVALID);
    if (strstr(err.text, part) == NULL)
        fail_msg("%s: %s", url, err.text);
    assert_null(strstr(err.text, "hush"));
}

static void
urls_are_taken_apart(void **state)
{
    (void)state;
    expect("redis://localhost", "-|localhost|-|-|6379|0");
    expect("redis://LocalHost:6380/3", "-|localhost|-|-|6380|3");
    expect("REDIS://h:80", "-|h|-|-|80|0");
    expect("redis://h:443/", "-|h|-|-|443|0");
    expect("redis://[::1]:7000", "-|::1|-|-|7000|0");
    expect("redis://[::1]", "-|::1|-|-|6379|0");
    expect("redis://:hush@h", "-|h|-|hush|6379|0");
    expect("redis://:@h", "-|h|-|-|6379|0");
    expect("redis://joe:hush@h:1/15", "-|h|joe|hush|1|15");
    expect("redis://joe:@h", "-|h|joe||6379|0");
    expect("redis://j%40e:p%3a%2f%25@h", "-|h|j@e|p:/%|6379|0");
    expect("redis://a:b:c@h", "-|h|a|b:c|6379|0");
    expect("redis://h?db=4", "-|h|-|-|6379|4");
    expect("rediss://h", "tls|-|h|-|-|6379|0");
    expect("unix:///run/redis.sock", "/run/redis.sock|-|-|-|0|0");
    expect("unix:///run/a%20b?db=2", "/run/a b|-|-|-|0|2");
}

static void
what_is_wrong_is_named_without_the_password(void **state)
{
    (void)state;
    expect_error("", "begins with redis://");
    expect_error("http://:hush@h", "begins with redis://");
    expect_error("redis://", "names no host");
    expect_error("redis://:hush@", "names no host");
    expect_error("redis://hush@h", "user:password or :password");
    expect_error("redis://:hush@h:port", "host or port");
    expect_error("redis://:hush@h:0", "host or port");
    expect_error("redis://:hush@h:70000", "host or port");
    expect_error("redis://:hu/sh@h", "database");
    expect_error("redis://:hush%zz@h", "password of the Redis URL has a bad %-escape");
    expect_error("redis://h%2g:hush@h", "user of the Redis URL");
    expect_error("redis://:hush@h/one", "database");
    expect_error("redis://:hush@h/-1", "database");
    expect_error("redis://:hush@h/1234567", "database");
    expect_error("redis://:hush@h?x=1", "db=N");
    expect_error("redis://:hush@h?db=1&db=2", "db=N");
    expect_error("redis://:hush@h?db=", "database");
    expect_error("redis://:hush@h#x", "no #");
    expect_error("redis://:hush@h h", "host or port");
    expect_error("unix://run/redis.sock", "whole path");
    expect_error("unix:///", "whole path");
    expect_error("unix:///a%00b", "too long or malformed");
    expect_error("unix:///0123456789012345678901234567890123456789012345678901234567890123456789"
                 "0123456789012345678901234567890123456789",
                 "too long");
}

static void
the_same_url_is_the_same_server(void **state)
{
    (void)state;
    struct weir_redis *a, *b, *c;
    struct weir_error err;
    struct redis_figures f;
    assert_int_equal(redis_server(TEXT("redis://:x@H"), &a, &err), WEIR_OK);
    assert_int_equal(redis_server(TEXT("redis://:x@H"), &b, &err), WEIR_OK);
    assert_int_equal(redis_server(TEXT("redis://:y@h/1"), &c, &err), WEIR_OK);
    assert_ptr_equal(a, b);
    assert_ptr_not_equal(a, c);
    assert_int_equal(redis_server(TEXT("redis:/x"), &b, &err), WEIR_INVALID);
    assert_ptr_equal(a, b);
    assert_true(redis_figures(0, &f));
    assert_text(f.server, "h:6379");
    assert_false(redis_figures(1, &f)); /* one place, whatever the credentials */
    redis_servers_free();
}

static void
there_are_not_too_many_servers(void **state)
{
    (void)state;
    struct weir_redis *r;
    struct weir_error err;
    char url[64];
    for (unsigned i = 0; i < REDIS_SERVERS_MAX; i++) {
        snprintf(url, sizeof url, "redis://h/%u", i);
        assert_int_equal(redis_server(text_of(url), &r, &err), WEIR_OK);
    }
    assert_int_equal(redis_server(TEXT("redis://other"), &r, &err), WEIR_UNAVAILABLE);
    redis_servers_free();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urls_are_taken_apart),
        cmocka_unit_test(what_is_wrong_is_named_without_the_password),
        cmocka_unit_test(the_same_url_is_the_same_server),
        cmocka_unit_test(there_are_not_too_many_servers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

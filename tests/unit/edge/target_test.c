/* unit/edge/target_test.c - targets of requests in one form, or refused.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "edge/target.h"

static struct arena arena;
static char bytes[512];
static struct target target;
static struct weir_error err;

static enum weir_code
read_text(const char *text)
{
    snprintf(bytes, sizeof(bytes), "%s", text);
    return target_read(bytes, strlen(bytes), &arena, &target, &err);
}

static void
good_targets_come_in_one_form(void **state)
{
    (void)state;
    static const struct {
        const char *target;
        const char *path;
        const char *decoded;
        const char *query;
    } cases[] = {
        { "/", "/", "/", "" },
        { "/a/b", "/a/b", "/a/b", "" },
        { "/a?x=1&y=/../", "/a", "/a", "x=1&y=/../" },
        { "/?", "/", "/", "" },
        { "/a%20b", "/a%20b", "/a b", "" },
        { "/%61%2d%7E%5f", "/a-~_", "/a-~_", "" },
        { "/%c3%bc", "/%C3%BC", "/\xc3\xbc", "" },
        { "/\xc3\xbc", "/\xc3\xbc", "/\xc3\xbc", "" },
        { "/a%3fb?c", "/a%3Fb", "/a?b", "c" },
        { "/a%23%25", "/a%23%25", "/a#%", "" },
        { "//a//b/", "//a//b/", "//a//b/", "" },
        { "/.well-known/x", "/.well-known/x", "/.well-known/x", "" },
        { "/a..b/c.", "/a..b/c.", "/a..b/c.", "" },
        { "/...", "/...", "/...", "" },
        { "/file%2etxt", "/file.txt", "/file.txt", "" },
        { "/a;b=c/d", "/a;b=c/d", "/a;b=c/d", "" },
        { "http://example.com/a/b?c", "/a/b", "/a/b", "c" },
        { "HTTPS://example.com:8443/%41", "/A", "/A", "" },
        { "http://example.com", "/", "/", "" },
        { "http://example.com?q", "/", "/", "q" },
        { "*", "*", "*", "" },
    };
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (read_text(cases[i].target) != WEIR_OK)
            fail_msg("%s: %s", cases[i].target, err.text);
        assert_true(text_is(target.path, cases[i].path));
        assert_true(text_is(target.decoded, cases[i].decoded));
        assert_true(text_is(target.query, cases[i].query));
        assert_int_equal(target.asterisk, cases[i].target[0] == '*');
    }
}

static void
what_could_change_the_route_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "a",
        "a/b",
        "/..",
        "/../a",
        "/a/..",
        "/a/../b",
        "/.",
        "/a/./b",
        "/a/.",
        "/%2e%2e/a",
        "/.%2E/a",
        "/%2e",
        "/a/..;x/b",
        "/a/.;/b",
        "/a%2fb",
        "/a%2Fb",
        "/a%5cb",
        "/a\\b",
        "/a%00b",
        "/a%0a",
        "/a%0d%0aX",
        "/a%7f",
        "/a%",
        "/a%4",
        "/a%zz",
        "/a%u0041",
        "/a#b",
        "/a b",
        "/\x01",
        "/\x7f",
        "/\xff",
        "/%ff",
        "/%c3",
        "/%c0%af",
        "/%ed%a0%80",
        "**",
        "http:/a",
        "ftp://x/a",
        "http://x/..",
        "example.com:80",
        "/%c3\xbc%bc",
        "/a/%2e%2E;y",
    };
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (read_text(bad[i]) == WEIR_OK)
            fail_msg("%s is taken as %.*s", bad[i], (int)target.path.len, target.path.bytes);
        assert_int_equal(err.code, WEIR_INVALID);
        assert_int_equal(err.status, 400);
    }
}

static void
a_nul_is_refused(void **state)
{
    (void)state;
    memcpy(bytes, "/a\0b", 4);
    assert_int_equal(target_read(bytes, 4, &arena, &target, &err), WEIR_INVALID);
}

static void
an_encoded_slash_stays_for_who_asks_for_it(void **state)
{
    (void)state;
    snprintf(bytes, sizeof(bytes), "/a%%2fb/%%c3%%bc");
    assert_int_equal(target_read_slashes(bytes, strlen(bytes), &arena, &target, &err), WEIR_OK);
    assert_int_equal(target.path.len, strlen("/a%2Fb/%C3%BC"));
    assert_memory_equal(target.path.bytes, "/a%2Fb/%C3%BC", target.path.len);
    snprintf(bytes, sizeof(bytes), "/a%%5cb");
    assert_int_equal(target_read_slashes(bytes, strlen(bytes), &arena, &target, &err), WEIR_INVALID);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_targets_come_in_one_form),
        cmocka_unit_test(what_could_change_the_route_is_refused),
        cmocka_unit_test(a_nul_is_refused),
        cmocka_unit_test(an_encoded_slash_stays_for_who_asks_for_it),
    };
    arena_init(&arena, 0, 1 << 20);
    int failed = cmocka_run_group_tests_name("edge/target", tests, NULL, NULL);
    arena_fini(&arena);
    return failed;
}

/* unit/expr/cost_test.c - whatever an author writes and a stranger sends, it ends soon.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "world.h"

#include <time.h>

/* A world with a list of N numbers, "n", and a text of LEN letters, "text". */
static void
large_world(struct world *w, size_t n, size_t len)
{
    world_init(w, false);
    struct weir_builder *list = builder_list();
    for (size_t i = 0; i < n; i++) {
        const struct weir_value *v = value_int((int64_t)i);
        builder_add(list, &v);
    }
    char *text = malloc(len);
    assert_non_null(text);
    memset(text, 'a', len);
    const struct weir_value *numbers = builder_end(&list);
    const struct weir_value *letters = value_take(WEIR_STRING, text, len);
    struct weir_builder *map = builder_map();
    builder_set(map, "n", 1, &numbers);
    builder_set(map, "text", 4, &letters);
    value_unref(&w->root);
    w->root = builder_end(&map);
}

static void
is_too_costly(struct world *w, const char *text)
{
    const char *gives = world_eval(w, text);
    if (strstr(gives, "too costly: an expression may take 100000 steps and make 16 MiB") ==
        NULL)
        fail_msg("%s gives %.200s", text, gives);
}

static void
loops_in_loops_end(void **state)
{
    (void)state;
    struct world w;
    large_world(&w, 1000, 10);
    is_too_costly(&w, "n.map(x, n.map(y, n.map(z, x)))");
    is_too_costly(&w, "n.all(x, n.all(y, n.all(z, true)))");
    is_too_costly(&w, "n.exists_one(x, n.exists_one(y, x == y && y > x))");
    is_too_costly(&w, "n.filter(x, n.filter(y, n.filter(z, false) == []) == [])");
    is_too_costly(&w, "n.map(x, n + n)");
    is_too_costly(&w, "n.map(x, n == n && n == n)");
    is_too_costly(&w, "n.map(x, min(n) + max(n))");
    is_too_costly(&w, "n.map(x, -1 in n || -2 in n)");
    is_too_costly(&w, "n.map(x, n.map(y, 'x')).map(l, l.join(''))");
    world_fini(&w);
}

static void
nothing_catches_that_the_cost_is_too_high(void **state)
{
    (void)state;
    struct world w;
    large_world(&w, 1000, 10);
    is_too_costly(&w, "n.all(x, n.all(y, n.all(z, true))) || true");
    is_too_costly(&w, "true && n.all(x, n.all(y, n.all(z, true))) || n == n");
    is_too_costly(&w, "nope || n.all(x, n.all(y, n.all(z, true))) || true");
    is_too_costly(&w, "n.exists(a, n.all(x, n.all(y, n.all(z, true)))) || true");
    is_too_costly(&w, "n.exists(a, nope || n.all(y, n.all(z, true)))");
    is_too_costly(&w, "(n.map(x, n.map(y, n.map(z, x)))[0] ?? 1) == 1 || true");
    world_fini(&w);
}

static void
texts_that_grow_end(void **state)
{
    (void)state;
    struct world w;
    large_world(&w, 1000, 1 << 20);
    is_too_costly(&w, "text.replace('a', text)");
    is_too_costly(&w, "text.replace('', text)");
    is_too_costly(&w, "n.map(x, text).join(text)");
    is_too_costly(&w, "n.map(x, text + text)");
    is_too_costly(&w, "text.split('')");
    is_too_costly(&w, "n.map(x, text.upperAscii())");
    is_too_costly(&w, "n.map(x, json.encode([text, text]))");
    is_too_costly(&w, "n.map(x, base64.encode(text))");
    is_too_costly(&w, "json.encode(n.map(x, n.map(y, text)))");
    is_too_costly(&w, "text + text + text + text + text + text + text + text");
    is_too_costly(&w, "n.map(x, sha256(text))");
    is_too_costly(&w, "n.map(x, text.contains('b'))");
    is_too_costly(&w, "n.map(x, text.matches('b'))");
    is_too_costly(&w, "n.map(x, text == text.substring(0))");
    is_too_costly(&w, "[text, text, text].map(x, url.encode(x + ' ').replace('a', 'aaaaaa'))");
    world_fini(&w);
}

static void
regular_expressions_end(void **state)
{
    (void)state;
    struct world w;
    large_world(&w, 100000, 10000);
    is_too_costly(&w, "n.exists(x, string(x).matches('(x+x+)+y'))");
    is_too_costly(&w, "n.exists(x, 'abc'.matches(string(x) + 'y'))");
    world_fini(&w);
}

static void
what_is_reasonable_is_allowed(void **state)
{
    (void)state;
    struct world w;
    large_world(&w, 10000, 4 << 20);
    assert_string_equal(world_eval(&w, "n.map(x, x * 2)[9999]"), "19998");
    assert_string_equal(world_eval(&w, "9999 in n"), "true");
    assert_string_equal(world_eval(&w, "n.filter(x, x % 2 == 0).size()"), "5000");
    assert_string_equal(world_eval(&w, "text.contains('b')"), "false");
    assert_string_equal(world_eval(&w, "(text + text).size()"), "8388608");
    assert_string_equal(world_eval(&w, "hex.encode(sha256(text)).size()"), "64");
    assert_string_equal(world_eval(&w, "base64.decode(base64.encode(text)).size()"), "4194304");
    world_fini(&w);
}

static void
the_dearest_expressions_take_less_than_a_second(void **state)
{
    (void)state;
    static const char *const dear[] = {
        "n.map(x, n.map(y, [x, y, 'abcdefgh' + string(x)]))",
        "n.map(x, sha256(text))",
        "n.map(x, text.matches('(a+)+b'))",
        "n.map(x, text.split('a', 10))",
        "n.map(x, text.indexOf('b'))",
        "n.map(x, {'a': x, 'b': [x], 'c': {'d': x}})",
        "n.map(x, uuid() + time.format(now()))",
    };
    struct world w;
    large_world(&w, 100000, 1 << 20);
    for (size_t i = 0; i < N(dear); i++) {
        struct timespec start;
        struct timespec end;
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
        is_too_costly(&w, dear[i]);
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
        double s =
            (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9;
        print_message("%-60s %.3f s\n", dear[i], s);
        assert_true(s < 5); /* sanitizers make it slow */
    }
    world_fini(&w);
}

static void
constants_that_are_dear_are_left_for_later(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, false);
    assert_string_equal(world_eval(&w, "('aaaaaaaaaaaaaaaa'.replace('', 'bbbbbbbbbbbbbbbb')"
                                       ".replace('', 'cccccccccccccccc')"
                                       ".replace('', 'dddddddddddddddd')).size()"),
                        "83520");
    is_too_costly(&w,
                  "('aaaaaaaaaaaaaaaa'.replace('', 'bbbbbbbbbbbbbbbb')"
                  ".replace('', 'cccccccccccccccc').replace('', 'dddddddddddddddd')"
                  ".replace('', 'eeeeeeeeeeeeeeee').replace('', 'ffffffffffffffff')).size()");
    world_fini(&w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loops_in_loops_end),
        cmocka_unit_test(nothing_catches_that_the_cost_is_too_high),
        cmocka_unit_test(texts_that_grow_end),
        cmocka_unit_test(regular_expressions_end),
        cmocka_unit_test(what_is_reasonable_is_allowed),
        cmocka_unit_test(the_dearest_expressions_take_less_than_a_second),
        cmocka_unit_test(constants_that_are_dear_are_left_for_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

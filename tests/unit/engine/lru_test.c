/* unit/engine/lru_test.c - what engine/lru.h promises.
 *
 * Caches live as long as the process: each test has one of its own.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/lru.h"
#include "value/value.h"

/* Sets KEY to a text of LEN bytes. */
static bool
set(struct weir_lru *l, const char *key, size_t len, uint64_t mark)
{
    char *bytes = malloc(len + 1);
    assert_non_null(bytes);
    memset(bytes, 'x', len);
    const struct weir_value *v = value_take(WEIR_STRING, bytes, len);
    bool kept = lru_set(l, text_of(key), v, mark);
    value_unref(&v);
    return kept;
}

/* The length of what KEY holds; -1: nothing. */
static long
get(struct weir_lru *l, const char *key, uint64_t *ret_mark)
{
    const struct weir_value *v;
    uint64_t mark = 0;
    if (!lru_get(l, text_of(key), &v, &mark))
        return -1;
    if (ret_mark)
        *ret_mark = mark;
    long len = (long)v->len;
    value_unref(&v);
    return len;
}

static void
what_is_set_is_there_with_its_mark_until_it_is_dropped(void **state)
{
    (void)state;
    struct weir_lru *l = lru_open("a", 1u << 20);
    assert_ptr_equal(lru_open("a", 1u << 20), l);
    assert_int_equal(get(l, "k", NULL), -1);
    assert_true(set(l, "k", 100, 7));
    uint64_t mark;
    assert_int_equal(get(l, "k", &mark), 100);
    assert_int_equal(mark, 7);
    assert_true(set(l, "k", 200, 8));
    assert_int_equal(get(l, "k", &mark), 200);
    assert_int_equal(mark, 8);
    assert_true(lru_drop(l, TEXT("k")));
    assert_false(lru_drop(l, TEXT("k")));
    uint64_t n, bytes;
    lru_usage(l, &n, &bytes);
    assert_int_equal(n, 0);
    assert_int_equal(bytes, 0);
}

static void
what_was_used_longest_ago_makes_room(void **state)
{
    (void)state;
    struct weir_lru *l = lru_open("b", 10000);
    for (unsigned i = 0; i < 4; i++) {
        char key[8];
        snprintf(key, sizeof key, "k%u", i);
        assert_true(set(l, key, 2000, i));
    }
    assert_int_equal(get(l, "k0", NULL), 2000); /* used: k1 is the oldest now */
    assert_true(set(l, "k4", 2000, 4));
    assert_int_equal(get(l, "k1", NULL), -1);
    assert_int_equal(get(l, "k0", NULL), 2000);
    uint64_t n, bytes;
    lru_usage(l, &n, &bytes);
    assert_int_equal(n, 4);
    assert_true(bytes <= 10000);
}

static void
what_is_larger_than_the_cache_is_refused_and_takes_the_former_away(void **state)
{
    (void)state;
    struct weir_lru *l = lru_open("c", 10000);
    assert_true(set(l, "k", 10, 1));
    assert_false(set(l, "k", 20000, 2));
    assert_int_equal(get(l, "k", NULL), -1);
}

static void
bytes_that_a_value_borrows_count(void **state)
{
    (void)state;
    struct weir_lru *l = lru_open("d", 10000);
    char *bytes = calloc(1, 50001);
    memset(bytes, 'x', 50000);
    const struct weir_value *large = value_take(WEIR_STRING, bytes, 50000);
    const struct weir_value *slice = value_slice(large, WEIR_STRING, large->bytes, 100);
    assert_false(lru_set(l, TEXT("k"), slice, 0));
    value_unref(&slice);
    value_unref(&large);
}

static void
a_smaller_figure_counts_from_then_on(void **state)
{
    (void)state;
    struct weir_lru *l = lru_open("e", 10000);
    for (unsigned i = 0; i < 4; i++)
        assert_true(set(l, (const char[]){ (char)('a' + i), 0 }, 2000, i));
    lru_open("e", 5000);
    assert_true(set(l, "z", 2000, 9));
    uint64_t n, bytes;
    lru_usage(l, &n, &bytes);
    assert_int_equal(n, 2);
}

static void *
hammer(void *arg)
{
    struct weir_lru *l = arg;
    for (unsigned i = 0; i < 20000; i++) {
        char key[16];
        snprintf(key, sizeof key, "k%u", i * 7919 % 500);
        if (i % 3 == 0)
            set(l, key, i % 300, i);
        else if (i % 50 == 1)
            lru_drop(l, text_of(key));
        else
            get(l, key, NULL);
    }
    return NULL;
}

static void
threads_share_a_cache(void **state)
{
    (void)state;
    struct weir_lru *l = lru_open("f", 32u << 20);
    pthread_t threads[4];
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hammer, l), 0);
    for (unsigned i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    uint64_t n, bytes;
    lru_usage(l, &n, &bytes);
    assert_true(n > 0 && n <= 500);
}

static int
end(void **state)
{
    (void)state;
    lrus_free();
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_set_is_there_with_its_mark_until_it_is_dropped),
        cmocka_unit_test(what_was_used_longest_ago_makes_room),
        cmocka_unit_test(what_is_larger_than_the_cache_is_refused_and_takes_the_former_away),
        cmocka_unit_test(bytes_that_a_value_borrows_count),
        cmocka_unit_test(a_smaller_figure_counts_from_then_on),
        cmocka_unit_test(threads_share_a_cache),
    };
    return cmocka_run_group_tests(tests, NULL, end);
}

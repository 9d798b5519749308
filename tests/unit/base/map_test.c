/* unit/base/map_test.c - what base/map.h promises.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/map.h"

#define N 5000

static size_t
key_of(unsigned i, char ret[16])
{
    return (size_t)snprintf(ret, 16, "key-%u", i);
}

static void
an_empty_map_has_nothing(void **state)
{
    (void)state;
    struct map m;
    uint32_t at = 0;
    map_init(&m);
    assert_null(map_get(&m, "a", 1));
    assert_null(map_remove(&m, "a", 1));
    assert_null(map_next(&m, &at));
    map_fini(&m);
    map_fini(&m);
}

static void
setting_again_gives_the_old_value_back(void **state)
{
    (void)state;
    struct map m;
    int one, two;
    map_init(&m);
    assert_null(map_set(&m, "a", 1, &one));
    assert_ptr_equal(map_set(&m, "a", 1, &two), &one);
    assert_ptr_equal(map_get(&m, "a", 1), &two);
    assert_int_equal(m.count, 1);
    assert_ptr_equal(map_remove(&m, "a", 1), &two);
    assert_null(map_get(&m, "a", 1));
    assert_int_equal(m.count, 0);
    map_fini(&m);
}

static void
keys_are_copied_bytes_of_any_kind(void **state)
{
    (void)state;
    struct map m;
    int one, two, three;
    char key[] = "abc";
    uint32_t at = 0;
    map_init(&m);
    map_set(&m, key, 3, &one);
    memset(key, 'x', 3);
    map_set(&m, "a\0c", 3, &two);
    map_set(&m, NULL, 0, &three);
    assert_ptr_equal(map_get(&m, "abc", 3), &one);
    assert_ptr_equal(map_get(&m, "a\0c", 3), &two);
    assert_ptr_equal(map_get(&m, "", 0), &three);
    assert_null(map_get(&m, "ab", 2));
    assert_string_equal(map_next(&m, &at)->key, "abc");
    map_fini(&m);
}

static void
many_keys_come_and_go_and_keep_their_order(void **state)
{
    (void)state;
    static int values[N];
    struct map m;
    char key[16];
    map_init(&m);
    for (unsigned i = 0; i < N; i++)
        assert_null(map_set(&m, key, key_of(i, key), &values[i]));
    for (unsigned i = 0; i < N; i += 3)
        assert_ptr_equal(map_remove(&m, key, key_of(i, key)), &values[i]);
    for (unsigned i = 0; i < N; i++)
        assert_ptr_equal(map_get(&m, key, key_of(i, key)), i % 3 == 0 ? NULL : &values[i]);
    for (unsigned i = 0; i < N; i += 3)
        map_set(&m, key, key_of(i, key), &values[i]);

    uint32_t at = 0;
    unsigned n = 0;
    const int *last = NULL;
    for (const struct map_entry *e; (e = map_next(&m, &at)) != NULL; n++) {
        const int *value = e->value;
        if (n > 0 && n != N - (N + 2) / 3)
            assert_true(value > last);
        last = value;
    }
    assert_int_equal(n, N);
    map_fini(&m);
}

static void
the_entry_at_hand_may_be_removed(void **state)
{
    (void)state;
    static int values[N];
    struct map m;
    char key[16];
    map_init(&m);
    for (unsigned i = 0; i < N; i++)
        map_set(&m, key, key_of(i, key), &values[i]);
    uint32_t at = 0;
    unsigned n = 0;
    for (const struct map_entry *e; (e = map_next(&m, &at)) != NULL; n++)
        assert_non_null(map_remove(&m, e->key, e->len));
    assert_int_equal(n, N);
    assert_int_equal(m.count, 0);
    map_fini(&m);
}

static void
coming_and_going_for_ever_does_not_grow(void **state)
{
    (void)state;
    struct map m;
    char key[16];
    int value;
    map_init(&m);
    for (unsigned i = 0; i < 100000; i++) {
        map_set(&m, key, key_of(i, key), &value);
        if (i >= 10)
            assert_non_null(map_remove(&m, key, key_of(i - 10, key)));
    }
    assert_true(m.room <= 32);
    map_fini(&m);
}

static void
a_map_that_was_large_shrinks_again(void **state)
{
    (void)state;
    struct map m;
    char key[16];
    int value;
    map_init(&m);
    for (unsigned i = 0; i < N; i++)
        map_set(&m, key, key_of(i, key), &value);
    for (unsigned i = 0; i < 100 * N; i++) {
        map_set(&m, key, key_of(i + N, key), &value);
        map_remove(&m, key, key_of(i + N, key));
        if (i < N)
            map_remove(&m, key, key_of(i, key));
    }
    assert_true(m.room < 100);
    map_fini(&m);
}

static void
the_hash_depends_on_every_byte_and_on_the_length(void **state)
{
    (void)state;
    char bytes[40] = { 0 };
    for (size_t len = 1; len < sizeof(bytes); len++) {
        uint64_t hash = map_hash(bytes, len);
        assert_int_equal(hash, map_hash(bytes, len));
        assert_int_not_equal(hash, map_hash(bytes, len - 1));
        for (size_t i = 0; i < len; i++) {
            bytes[i] = 1;
            assert_int_not_equal(hash, map_hash(bytes, len));
            bytes[i] = 0;
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_map_has_nothing),
        cmocka_unit_test(setting_again_gives_the_old_value_back),
        cmocka_unit_test(keys_are_copied_bytes_of_any_kind),
        cmocka_unit_test(many_keys_come_and_go_and_keep_their_order),
        cmocka_unit_test(the_entry_at_hand_may_be_removed),
        cmocka_unit_test(coming_and_going_for_ever_does_not_grow),
        cmocka_unit_test(a_map_that_was_large_shrinks_again),
        cmocka_unit_test(the_hash_depends_on_every_byte_and_on_the_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

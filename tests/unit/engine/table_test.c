/* unit/engine/table_test.c - what engine/table.h promises.
 *
 * Tables live as long as the process: each test has one of its own.
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
#include <string.h>

#include "engine/table.h"

struct entry {
    uint64_t n;
    char room[24];
};

static uint32_t
add(void *entry, bool fresh, void *arg)
{
    struct entry *e = entry;
    if (fresh)
        assert_int_equal(e->n, 0);
    e->n += *(const unsigned *)arg;
    return (uint32_t)e->n;
}

static uint32_t
is_even(void *entry, bool fresh, void *arg)
{
    (void)arg;
    assert_false(fresh);
    return ((struct entry *)entry)->n % 2 == 0;
}

static uint32_t
touch(void *entry, bool fresh, void *arg)
{
    (void)entry;
    (void)arg;
    assert_true(fresh);
    return 1;
}

/* The value of KEY after BY was added; UINT32_MAX: there is no room, or no entry. */
static uint32_t
added(struct weir_table *t, const char *key, unsigned by, bool create)
{
    uint32_t answer = UINT32_MAX;
    bool there = table_entry(t, text_of(key), create, add, &by, &answer);
    assert_int_equal(there, answer != UINT32_MAX);
    return answer;
}

static void
entries_are_made_when_asked_for_and_keep_what_is_in_them(void **state)
{
    (void)state;
    struct weir_table *t = table_open("a", sizeof(struct entry), 1u << 20);
    assert_int_equal(added(t, "x", 1, false), UINT32_MAX);
    assert_int_equal(added(t, "x", 1, true), 1);
    assert_int_equal(added(t, "x", 2, false), 3);
    assert_int_equal(added(t, "y", 5, true), 5);
    unsigned by = 1;
    assert_true(table_entry(t, (struct weir_text){ "x\0y", 3 }, true, add, &by, NULL));
    assert_int_equal(added(t, "x", 0, false), 3);
}

static void
a_name_is_one_table_whoever_opens_it(void **state)
{
    (void)state;
    struct weir_table *t = table_open("b", sizeof(struct entry), 1u << 20);
    assert_ptr_equal(table_open("b", sizeof(struct entry), 5), t);
    assert_null(table_open("b", 8, 1u << 20));
    assert_ptr_not_equal(table_open("c", 8, 1u << 20), t);
}

static void
a_full_table_takes_no_more_until_it_is_swept(void **state)
{
    (void)state;
    uint64_t entries, bytes, max = 256u * 1024;
    struct weir_table *t = table_open("d", sizeof(struct entry), max);
    unsigned refused = 0;
    char key[32];
    for (unsigned i = 0; i < 10000; i++) {
        snprintf(key, sizeof key, "key-%u", i);
        refused += added(t, key, i % 2, true) == UINT32_MAX;
    }
    assert_int_not_equal(refused, 0);
    table_usage(t, &entries, &bytes);
    assert_int_equal(entries, 10000 - refused);
    assert_in_range(bytes, max / 2, max);

    table_sweep(t, is_even, NULL);
    uint64_t left, left_bytes;
    table_usage(t, &left, &left_bytes);
    assert_in_range(left, entries / 3, entries * 2 / 3);
    assert_true(left_bytes < bytes);
    for (unsigned i = 0; i < 10000; i++) {
        uint32_t value;
        unsigned none = 0;
        snprintf(key, sizeof key, "key-%u", i);
        if (table_entry(t, text_of(key), false, add, &none, &value))
            assert_int_equal(value, 1);
    }
    table_sweep(t, is_even, NULL);
    for (unsigned i = 0; i < 100; i++) { /* room that was given back is there again */
        snprintf(key, sizeof key, "new-%u", i);
        (void)added(t, key, 1, true);
    }
    uint64_t now;
    table_usage(t, &now, &bytes);
    assert_true(now > left);
}

static void
what_is_swept_away_gives_all_its_bytes_back(void **state)
{
    (void)state;
    struct weir_table *t = table_open("e", sizeof(struct entry), 1u << 20);
    uint64_t entries, bytes;
    for (unsigned round = 0; round < 50; round++) {
        char key[32];
        for (unsigned i = 0; i < 100; i++) {
            snprintf(key, sizeof key, "%u/%u", round, i);
            assert_int_equal(added(t, key, 2, true), 2);
        }
        table_sweep(t, is_even, NULL);
        table_usage(t, &entries, &bytes);
        assert_int_equal(entries, 0);
        assert_int_equal(bytes, 0);
    }
}

struct grown {
    uint32_t *items;
    uint32_t n;
};

/* Appends one item to the entry; 0: there is no room. */
static uint32_t
grow(void *entry, bool fresh, void *arg)
{
    (void)fresh;
    struct grown *g = entry;
    uint32_t *items = table_realloc(arg, g->items, g->n * sizeof *items, (g->n + 1) * sizeof *items);
    if (items == NULL)
        return 0;
    g->items = items;
    g->items[g->n] = g->n;
    g->n++;
    return g->n;
}

static struct weir_table *swept;

static uint32_t
drop(void *entry, bool fresh, void *arg)
{
    (void)fresh;
    (void)arg;
    struct grown *g = entry;
    g->items = table_realloc(swept, g->items, g->n * sizeof *g->items, 0);
    return 1;
}

static void
what_entries_grow_by_is_counted_bounded_and_given_back(void **state)
{
    (void)state;
    swept = table_open("g", sizeof(struct grown), 256 * 4096);
    uint32_t n = 0, last = 0;
    while (table_entry(swept, TEXT("k"), true, grow, swept, &n) && n != 0)
        last = n;
    assert_true(last > 500 && last * sizeof(uint32_t) < 4096);
    uint64_t entries, bytes;
    table_usage(swept, &entries, &bytes);
    assert_int_equal(entries, 1);
    assert_true(bytes > last * sizeof(uint32_t) && bytes <= 4096);
    for (unsigned i = 0; i < 256; i++)
        table_sweep_part(swept, i, drop, NULL);
    table_usage(swept, &entries, &bytes);
    assert_int_equal(entries, 0);
    assert_int_equal(bytes, 0);
    /* What is left at the end is freed by the function for that. */
    table_dropped(swept, drop);
    assert_true(table_entry(swept, TEXT("left"), true, grow, swept, &n));
}

static void
a_million_small_keys_fit_into_64_mib(void **state)
{
    (void)state;
    struct weir_table *t = table_open("h", 16, 64u << 20);
    for (uint64_t i = 0; i < 1000000; i++) {
        char key[15] = { 0 };
        memcpy(key, &i, sizeof i);
        uint32_t n;
        assert_true(table_entry(t, (struct weir_text){ key, sizeof key }, true, touch, NULL, &n));
    }
    uint64_t entries, bytes;
    table_usage(t, &entries, &bytes);
    assert_int_equal(entries, 1000000);
    assert_true(bytes <= 64u << 20);
}

static void
keys_of_every_length_are_told_apart(void **state)
{
    (void)state;
    struct weir_table *t = table_open("i", sizeof(struct entry), 64u << 20);
    char key[600];
    memset(key, 'k', sizeof key);
    for (unsigned len = 0; len < sizeof key; len++) {
        uint32_t n;
        assert_true(table_entry(t, (struct weir_text){ key, len }, true, add, &(unsigned){ len + 1 }, &n));
        assert_int_equal(n, len + 1);
    }
    for (unsigned len = 0; len < sizeof key; len++) {
        uint32_t n;
        assert_true(table_entry(t, (struct weir_text){ key, len }, false, add, &(unsigned){ 0 }, &n));
        assert_int_equal(n, len + 1);
    }
}

static void *
count(void *arg)
{
    for (unsigned i = 0; i < 20000; i++) {
        char key[16];
        unsigned one = 1;
        snprintf(key, sizeof key, "%u", i % 100);
        (void)table_entry(arg, text_of(key), true, add, &one, NULL);
    }
    return NULL;
}

static void
threads_lose_nothing_of_each_other(void **state)
{
    (void)state;
    struct weir_table *t = table_open("f", sizeof(struct entry), 1u << 20);
    pthread_t threads[4];
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count, t), 0);
    for (unsigned i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    for (unsigned i = 0; i < 100; i++) {
        char key[16];
        snprintf(key, sizeof key, "%u", i);
        assert_int_equal(added(t, key, 0, false), 800);
    }
}

static int
free_all(void **state)
{
    (void)state;
    tables_free();
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_are_made_when_asked_for_and_keep_what_is_in_them),
        cmocka_unit_test(a_name_is_one_table_whoever_opens_it),
        cmocka_unit_test(a_full_table_takes_no_more_until_it_is_swept),
        cmocka_unit_test(what_is_swept_away_gives_all_its_bytes_back),
        cmocka_unit_test(what_entries_grow_by_is_counted_bounded_and_given_back),
        cmocka_unit_test(a_million_small_keys_fit_into_64_mib),
        cmocka_unit_test(keys_of_every_length_are_told_apart),
        cmocka_unit_test(threads_lose_nothing_of_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, free_all);
}

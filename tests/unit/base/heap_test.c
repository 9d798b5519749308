/* unit/base/heap_test.c - what base/heap.h promises.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>

#include <stdbool.h>

#include "base/heap.h"
#include "base/random.h"

#define N 300

/* The links are in order, know their places, and are COUNT. */
static void
check(const struct heap *h, uint32_t count)
{
    assert_int_equal(h->count, count);
    for (uint32_t i = 0; i < h->count; i++) {
        assert_int_equal(h->links[i]->place, i + 1);
        if (i > 0)
            assert_true(h->links[(i - 1) / 2]->key <= h->links[i]->key);
    }
}

static void
an_empty_heap_has_no_first(void **state)
{
    (void)state;
    struct heap h;
    heap_init(&h);
    assert_null(heap_first(&h));
    heap_fini(&h);
}

static void
the_smallest_comes_first(void **state)
{
    (void)state;
    struct heap h;
    static struct heap_link links[N];
    random_seed(1);
    heap_init(&h);
    for (uint32_t i = 0; i < N; i++) {
        heap_set(&h, &links[i], random_below(100));
        check(&h, i + 1);
    }
    uint64_t last = 0;
    for (uint32_t i = 0; i < N; i++) {
        struct heap_link *first = heap_first(&h);
        assert_true(first->key >= last);
        last = first->key;
        heap_remove(&h, first);
        assert_int_equal(first->place, 0);
        check(&h, N - i - 1);
    }
    heap_fini(&h);
}

static void
links_move_and_leave_from_anywhere(void **state)
{
    (void)state;
    struct heap h;
    static struct heap_link links[N];
    random_seed(2);
    heap_init(&h);
    uint32_t count = 0;
    for (int round = 0; round < 20000; round++) {
        struct heap_link *link = &links[random_below(N)];
        bool in = link->place != 0;
        if (random_below(3) == 0) {
            heap_remove(&h, link);
            count -= in;
        } else {
            heap_set(&h, link, random_below(1000));
            count += !in;
        }
        if (round % 50 == 0)
            check(&h, count);
    }
    check(&h, count);
    heap_fini(&h);
}

static void
removing_what_is_not_in_does_nothing(void **state)
{
    (void)state;
    struct heap h;
    struct heap_link in = { 0 };
    struct heap_link out = { 0 };
    heap_init(&h);
    heap_set(&h, &in, 1);
    heap_remove(&h, &out);
    assert_ptr_equal(heap_first(&h), &in);
    heap_remove(&h, &in);
    heap_remove(&h, &in);
    assert_null(heap_first(&h));
    heap_fini(&h);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_heap_has_no_first),
        cmocka_unit_test(the_smallest_comes_first),
        cmocka_unit_test(links_move_and_leave_from_anywhere),
        cmocka_unit_test(removing_what_is_not_in_does_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

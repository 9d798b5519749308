/* unit/base/recycle_test.c - what base/recycle.h promises.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <string.h>

#include "base/recycle.h"

static void
pieces_of_all_sizes_are_apart_and_whole(void **state)
{
    (void)state;
    enum { N = 200, LARGEST = RECYCLE_MAX + 300 };
    unsigned char *pieces[N];
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < N; i++) {
            size_t size = (size_t)i * 37 % LARGEST;
            pieces[i] = recycle_take(size);
            memset(pieces[i], (int)i, size);
        }
        for (unsigned i = 0; i < N; i++) {
            size_t size = (size_t)i * 37 % LARGEST;
            for (size_t k = 0; k < size; k++)
                assert_int_equal(pieces[i][k], i);
            recycle_give(pieces[i], size);
        }
    }
}

static void *
give_all(void *arg)
{
    void **pieces = arg;
    for (unsigned i = 0; i < 100; i++)
        recycle_give(pieces[i], 100);
    void *one = recycle_take(100);
    memset(one, 1, 100);
    recycle_give(one, 100);
    return NULL;
}

/* The leak checker of the sanitized build sees what the end of a thread would lose. */
static void
another_thread_may_give_back_and_end(void **state)
{
    (void)state;
    void *pieces[100];
    for (unsigned i = 0; i < 100; i++)
        pieces[i] = recycle_take(100);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, give_all, pieces), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_of_all_sizes_are_apart_and_whole),
        cmocka_unit_test(another_thread_may_give_back_and_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

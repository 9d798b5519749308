/* unit/base/fold_test.c - pages that are folded come back as they were.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/fold.h"

#define SIZE 8192u

/* Pages of F that are there. */
static unsigned
resident(const struct fold *f)
{
    unsigned char there[16];
    assert_int_equal(mincore(f->start, f->size, there), 0);
    unsigned n = 0;
    for (unsigned i = 0; i < f->size / 4096; i++)
        n += there[i] & 1;
    return n;
}

static void
what_is_sparse_is_folded_and_comes_back(void **state)
{
    (void)state;
    struct fold f = { 0 };
    unsigned char before[SIZE] = { 0 };
    assert_true(fold_make(&f, SIZE - 100));
    assert_int_equal(f.size, SIZE);
    srand(1);
    for (unsigned i = 0; i < 300; i++)
        before[(unsigned)rand() % SIZE] = (unsigned char)rand();
    before[0] = before[SIZE - 1] = 1;
    memcpy(f.start, before, SIZE);
    for (unsigned i = 0; i < 3; i++) {
        fold_away(&f);
        assert_non_null(f.folded);
        assert_true(f.len <= 302 * 8 + SIZE / 64);
        assert_int_equal(resident(&f), 0);
        fold_away(&f); /* it is already */
        fold_open(&f);
        assert_null(f.folded);
        assert_memory_equal(f.start, before, SIZE);
    }
    fold_away(&f);
    fold_free(&f);
    assert_null(f.start);
}

static void
what_is_full_stays(void **state)
{
    (void)state;
    struct fold f = { 0 };
    assert_true(fold_make(&f, SIZE));
    memset(f.start, 7, SIZE);
    fold_away(&f);
    assert_null(f.folded);
    assert_int_equal(resident(&f), 2);
    memset(f.start, 0, SIZE);
    fold_away(&f);
    assert_int_equal(f.len, SIZE / 64);
    fold_open(&f);
    for (unsigned i = 0; i < SIZE; i++)
        assert_int_equal(((unsigned char *)f.start)[i], 0);
    fold_free(&f);
}

static void
nothing_is_nothing(void **state)
{
    (void)state;
    struct fold f = { 0 };
    fold_away(&f);
    fold_open(&f);
    fold_free(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_sparse_is_folded_and_comes_back),
        cmocka_unit_test(what_is_full_stays),
        cmocka_unit_test(nothing_is_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

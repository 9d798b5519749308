/* SPDX-License-Identifier: Apache-2.0 */
#include "base/resident.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define LARGE (4u << 20)
#define PAGE 4096u

static const unsigned char large[LARGE] = { 1 };
static int written = 1;

static int
seven(void)
{
    return 7;
}

/* Needs relocations, in a page that is read-only by now. */
static int (*const table[])(void) = { seven, seven };

static unsigned
sum_of_large(void)
{
    unsigned sum = 0;
    for (size_t i = 0; i < LARGE; i += PAGE)
        sum += ((const volatile unsigned char *)large)[i];
    return sum;
}

static long
resident_kib(void)
{
    FILE *f = fopen("/proc/self/smaps_rollup", "re");
    assert_non_null(f);
    char line[256];
    long kib = -1;
    while (kib < 0 && fgets(line, sizeof(line), f) != NULL)
        (void)sscanf(line, "Rss: %ld", &kib);
    fclose(f);
    assert_true(kib > 0);
    return kib;
}

static void
constants_go_and_come_again(void **state)
{
    (void)state;
    assert_int_equal(sum_of_large(), 1);
    long before = resident_kib();
    resident_release();
    assert_true(resident_kib() <= before - (long)(LARGE / 1024));
    assert_int_equal(sum_of_large(), 1);
}

static void
what_was_written_stays(void **state)
{
    (void)state;
    written = 42;
    resident_release();
    assert_int_equal(written, 42);
    assert_int_equal(((int (*const volatile *)(void))table)[1](), 7);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(constants_go_and_come_again),
        cmocka_unit_test(what_was_written_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* unit/base/id_test.c - what base/id.h promises.
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

#include "base/id.h"

/* ID has the form of a UUID of VERSION. */
static void
check_uuid(const char *id, char version)
{
    assert_int_equal(strlen(id), 36);
    for (size_t i = 0; i < 36; i++) {
        if (i == 8 || i == 13 || i == 18 || i == 23)
            assert_int_equal(id[i], '-');
        else
            assert_non_null(strchr("0123456789abcdef", id[i]));
    }
    assert_int_equal(id[14], version);
    assert_non_null(strchr("89ab", id[19]));
}

static void
uuids_have_their_form(void **state)
{
    (void)state;
    char id[ID_UUID];
    for (int i = 0; i < 1000; i++) {
        id_uuid7((uint64_t)i * 1000000007, id);
        check_uuid(id, '7');
        id_uuid4(id);
        check_uuid(id, '4');
    }
}

static void
version_7_begins_with_the_time(void **state)
{
    (void)state;
    char id[ID_UUID];
    id_uuid7(0x017f22e279b0, id); /* the example of RFC 9562, A.6 */
    assert_memory_equal(id, "017f22e2-79b0-7", 15);
}

static void
version_7_sorts_by_time(void **state)
{
    (void)state;
    char last[ID_UUID];
    char id[ID_UUID];
    id_uuid7(0, last);
    for (uint64_t ms = 1; ms < 1ull << 47; ms *= 3) {
        id_uuid7(ms, id);
        assert_true(strcmp(last, id) < 0);
        memcpy(last, id, sizeof(id));
    }
}

static void
no_two_are_the_same(void **state)
{
    (void)state;
    static char ids[3000][ID_UUID];
    for (size_t i = 0; i < 3000; i += 2) {
        id_uuid7(1, ids[i]);
        id_uuid4(ids[i + 1]);
    }
    qsort(ids, 3000, ID_UUID, (int (*)(const void *, const void *))strcmp);
    for (size_t i = 1; i < 3000; i++)
        assert_string_not_equal(ids[i - 1], ids[i]);
}

static void
hex_has_two_digits_a_byte_and_a_nul(void **state)
{
    (void)state;
    char text[202];
    for (size_t n = 0; n <= 100; n++) {
        text[2 * n + 1] = 'x';
        id_hex(text, n);
        assert_int_equal(strlen(text), 2 * n);
        assert_int_equal(strspn(text, "0123456789abcdef"), 2 * n);
        assert_int_equal(text[2 * n + 1], 'x');
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uuids_have_their_form),
        cmocka_unit_test(version_7_begins_with_the_time),
        cmocka_unit_test(version_7_sorts_by_time),
        cmocka_unit_test(no_two_are_the_same),
        cmocka_unit_test(hex_has_two_digits_a_byte_and_a_nul),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

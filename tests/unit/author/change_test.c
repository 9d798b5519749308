/* author/change_test.c - whether a pipeline has changed where it matters.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "author/change.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"

static const char now[] = "name: a\n"
                          "vars: { x: 1 }\n"
                          "steps:\n"
                          "  - id: one\n"
                          "    set: 1\n"
                          "  - id: two\n"
                          "    set: 2\n"
                          "  - id: three\n"
                          "    set: 3\n"
                          "catch: []\n";

/* Whether WAS has changed before the step on that line and column of NOW. */
static bool
changed(const char *was, unsigned line, unsigned column)
{
    struct pipeline p = { .text = now };
    struct node n = { .mark = { line, column, 3 } };
    return change_before(text_of(was), &p, line ? &n : NULL);
}

#define HEAD "name: a\nvars: { x: 1 }\nsteps:\n  - id: one\n    set: 1\n"

static void
what_stands_behind_the_step_does_not_matter(void **state)
{
    (void)state;
    assert_false(changed(now, 0, 0));
    const char *behind = HEAD "  - id: two\n    set: 2\n  - id: four\n    set: 4\ncatch: []\n";
    assert_false(changed(behind, 7, 5));
    assert_true(changed(behind, 0, 0));
    assert_true(changed(behind, 9, 5));
}

static void
what_stands_before_it_does(void **state)
{
    (void)state;
    assert_true(changed("name: a\nvars: { x: 1 }\nsteps:\n  - id: one\n    set: 9\n  - id: two\n    set: 2\n", 7, 5));
    assert_true(changed("name: a\nvars: { x: 2 }\nsteps:\n  - id: one\n    set: 1\n  - id: two\n    set: 2\n", 7, 5));
    assert_true(changed("name: a\nsteps:\n  - id: one\n    set: 1\n  - id: two\n    set: 2\n", 7, 5));
    assert_true(changed("name: a\nvars: { x: 1 }\nsteps:\n  - id: two\n    set: 2\n", 7, 5));
}

static void
comments_and_blanks_do_not_and_nor_do_other_keys(void **state)
{
    (void)state;
    assert_false(changed("name: b\ntimeout: 5s\nvars: { x: 1 }\n\nsteps:   \n  # said\n\n  - id: one\n    set: 1  \n  - id: two\n    set: 7\n", 7, 5));
    assert_true(changed("{ name: a, steps: [] }\n", 7, 5));
    assert_true(changed("", 7, 5));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_stands_behind_the_step_does_not_matter),
        cmocka_unit_test(what_stands_before_it_does),
        cmocka_unit_test(comments_and_blanks_do_not_and_nor_do_other_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

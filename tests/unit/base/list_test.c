/* unit/base/list_test.c - what base/list.h promises.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>

#include "base/list.h"

struct member {
    int n;
    struct list link;
};

/* The members' numbers in order, as digits of one number. */
static int
digits_of(struct list *head)
{
    int digits = 0;
    list_each(at, next, head) digits = digits * 10 + list_entry(at, struct member, link)->n;
    return digits;
}

static void
members_stand_in_the_order_of_adding(void **state)
{
    (void)state;
    struct list head;
    struct member m[3] = { { .n = 1 }, { .n = 2 }, { .n = 3 } };
    list_init(&head);
    assert_true(list_empty(&head));
    assert_null(list_shift(&head));
    list_push(&head, &m[1].link);
    list_push(&head, &m[2].link);
    list_unshift(&head, &m[0].link);
    assert_int_equal(digits_of(&head), 123);
    assert_ptr_equal(list_shift(&head), &m[0].link);
    assert_int_equal(digits_of(&head), 23);
    assert_true(list_empty(&m[0].link));
}

static void
the_member_at_hand_may_be_removed(void **state)
{
    (void)state;
    struct list head;
    struct member m[4] = { { .n = 1 }, { .n = 2 }, { .n = 3 }, { .n = 4 } };
    list_init(&head);
    for (int i = 0; i < 4; i++)
        list_push(&head, &m[i].link);
    list_each(at, next, &head) if (list_entry(at, struct member, link)->n % 2 == 0)
        list_remove(at);
    assert_int_equal(digits_of(&head), 13);
}

static void
a_link_may_be_removed_twice_and_added_again(void **state)
{
    (void)state;
    struct list head;
    struct member m = { .n = 7 };
    list_init(&head);
    list_init(&m.link);
    list_remove(&m.link);
    list_push(&head, &m.link);
    list_remove(&m.link);
    list_remove(&m.link);
    assert_true(list_empty(&head));
    list_push(&head, &m.link);
    assert_int_equal(digits_of(&head), 7);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_stand_in_the_order_of_adding),
        cmocka_unit_test(the_member_at_hand_may_be_removed),
        cmocka_unit_test(a_link_may_be_removed_twice_and_added_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

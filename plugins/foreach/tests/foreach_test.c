/* foreach/tests/foreach_test.c - what foreach/README.md promises.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOAD(config, steps)                                                          \
    stage_load("name: loops\ntrigger: { webhook: /x }\nsteps:\n  - foreach: " config \
               "\n    do:\n" steps,                                                  \
               NULL)

static void
outputs_stand_in_the_order_of_the_items(void **state)
{
    (void)state;
    LOAD("{ items: \"${ request.body }\", concurrency: 3 }",
         "      - delay: ${ item }ms\n"
         "      - set: ${ [index, item] }\n");
    stage_expect("POST /x", "[9,1,5]", 200, "[[0,9],[1,1],[2,5]]");
    stage_expect("POST /x", "[]", 200, "[]");
}

static void
the_item_is_the_input_of_its_block(void **state)
{
    (void)state;
    LOAD("${ request.body }", "      - set: ${ input + 1 }\n");
    stage_expect("POST /x", "[1,2,3]", 200, "[2,3,4]");
    LOAD("[a, b]", "      - log: ${ item }\n");
    stage_expect("POST /x", NULL, 200, "[\"a\",\"b\"]");
}

static void
the_first_error_stops_the_loop(void **state)
{
    (void)state;
    LOAD("{ items: \"${ request.body }\", concurrency: 2 }",
         "      - if: ${ item == 'slow' }\n        delay: 1h\n      - set: ${ item.nope }\n");
    struct play *p = stage_play("POST /x", "[\"slow\",{}]");
    assert_int_equal(p->status, 500);
    stage_end(&p);
}

static void
errors_can_be_collected(void **state)
{
    (void)state;
    LOAD("{ items: \"${ request.body }\", concurrency: 2, on_error: collect }",
         "      - set: ${ item.a }\n");
    stage_expect(
        "POST /x", "[{\"a\":1},{},{\"a\":2}]", 200,
        "[1,{\"error\":{\"code\":\"script\",\"message\":\"item has no field 'a'\"}},2]");
}

static void
no_more_than_concurrency_run_at_once(void **state)
{
    (void)state;
    LOAD("{ items: \"${ request.body }\", concurrency: 2 }",
         "      - id: pause\n        delay: 5ms\n");
    struct play *p = stage_begin("POST /x", "[1,2,3,4,5,6]", NULL);
    while (!p->released) {
        double now = stage_metric("weir_delay_waiting{pipeline=\"loops\",node=\"pause\"}");
        assert_true(now <= 2);
        stage_turn(1);
    }
    assert_int_equal(p->status, 200);
    stage_end(&p);
}

static void
what_is_no_list_or_too_long_is_refused(void **state)
{
    (void)state;
    LOAD("{ items: \"${ request.body }\", max_items: 3 }", "      - set: 1\n");
    stage_expect("POST /x", "[1,2,3]", 200, "[1,1,1]");
    struct play *p = stage_play("POST /x", "[1,2,3,4]");
    assert_int_equal(p->status, 413);
    assert_non_null(strstr(p->body, "4 items, more than max_items, 3"));
    stage_end(&p);
    p = stage_play("POST /x", "{}");
    assert_true(p->status == 400 || p->status == 422);
    stage_end(&p);
}

static void
ten_thousand_items_that_answer_at_once_are_fine(void **state)
{
    (void)state;
    LOAD("${ request.body }", "      - set: ${ index }\n");
    char body[20002] = "[";
    size_t len = 1;
    for (unsigned i = 0; i < 10000; i++) {
        body[len++] = '1';
        body[len++] = i < 9999 ? ',' : ']';
    }
    body[len] = '\0';
    struct play *p = stage_play("POST /x", body);
    assert_int_equal(p->status, 200);
    assert_non_null(strstr(p->body, ",9998,9999]"));
    stage_end(&p);
}

static void
loops_stand_in_each_other(void **state)
{
    (void)state;
    LOAD("${ request.body }", "      - id: row\n        set: ${ item }\n"
                              "      - foreach: ${ steps.row }\n"
                              "        do:\n"
                              "          - set: ${ item * 10 + size(steps.row) }\n");
    stage_expect("POST /x", "[[1,2],[3]]", 200, "[[12,22],[31]]");
}

static void
a_caller_that_goes_away_ends_all_turns(void **state)
{
    (void)state;
    LOAD("{ items: \"${ request.body }\", concurrency: 4 }",
         "      - set: 1\n      - delay: 1h\n");
    stage_leave("POST /x", "[1,2,3,4,5]");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outputs_stand_in_the_order_of_the_items),
        cmocka_unit_test(the_item_is_the_input_of_its_block),
        cmocka_unit_test(the_first_error_stops_the_loop),
        cmocka_unit_test(errors_can_be_collected),
        cmocka_unit_test(no_more_than_concurrency_run_at_once),
        cmocka_unit_test(what_is_no_list_or_too_long_is_refused),
        cmocka_unit_test(ten_thousand_items_that_answer_at_once_are_fine),
        cmocka_unit_test(loops_stand_in_each_other),
        cmocka_unit_test(a_caller_that_goes_away_ends_all_turns),
    };
    return cmocka_run_group_tests(tests, stage_open, stage_close);
}

/* Callbacks that jobs wait for: looked up, taken once, and counted with what they bring.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stage.h"

#include "base/buf.h"

static void
a_callback_is_looked_up_as_it_is_taken(void **state)
{
    (void)state;
    struct job_accept a = new_job(JOB_RUNNING);
    accept_job(&a);
    struct job_step s = { .attempt = 1, .path = TEXT("wait"), .kind = RECORD_WAITS, .token = "t0" };
    memcpy(s.id, a.id, sizeof(s.id));
    assert_int_equal(run_op(&s.op, STORE_STEP), WEIR_OK);
    ask_fails_of("jobs.callback.check", a.id, ",\"token\":\"t1\"", WEIR_NOT_FOUND, "nothing waits");
    const struct weir_value *v = ask_of("jobs.callback.check", a.id, ",\"token\":\"t0\"");
    assert_non_null(v);
    value_unref(&v);
    v = ask_of("jobs.callback", a.id, ",\"token\":\"t0\",\"output\":5");
    assert_non_null(v);
    value_unref(&v);
    ask_fails_of("jobs.callback.check", a.id, ",\"token\":\"t0\"", WEIR_CONFLICT, "it works once");
}

static void
a_callback_counts_with_what_it_brings(void **state)
{
    (void)state;
    store_close(&store);
    config.max_waiting = 1 << 20;
    store_up();
    struct buf b;
    buf_init(&b, 1 << 20);
    (void)buf_printf(&b, "{\"id\":\"01890a5d-ac96-774b-bcce-b302099a8057\",\"token\":\"t\",\"output\":\"%0*d\"}",
                     700 << 10, 0);
    bool full = false;
    for (unsigned i = 0; i < 1000 && !full; i++) {
        struct store_ask two[2];
        unsigned told = n_told, n = 0;
        for (unsigned k = 0; k < 2; k++) {
            two[k] = (struct store_ask){ .what = "jobs.callback",
                                         .op = { .shard = shard, .done = on_told, .kind = STORE_ASK } };
            assert_int_equal(json_read(buf_content(&b), NULL, NULL, &two[k].with, &err), WEIR_OK);
        }
        for (unsigned k = 0; k < 2; k++)
            n += store_submit(store, &two[k].op, &err) == WEIR_OK;
        full = n < 2; /* the writer may have been quicker than we */
        await_told(told + n);
        value_unref(&two[0].with);
        value_unref(&two[1].with);
    }
    assert_true(full);
    buf_fini(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(a_callback_is_looked_up_as_it_is_taken),
        TEST(a_callback_counts_with_what_it_brings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Numbers under names: each goes on from what it is, once, and outlives the process.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stage.h"

/* Whether NAME went from FROM to TO; *RET_NOW is what it is afterwards. */
static bool
advance(const char *name, uint64_t from, uint64_t to, uint64_t *ret_now)
{
    char json[256];
    snprintf(json, sizeof(json), "{\"name\":\"%s\",\"from\":%llu,\"to\":%llu}", name,
             (unsigned long long)from, (unsigned long long)to);
    const struct weir_value *v = ask("marks.advance", json);
    if (v == NULL)
        fail_msg("%s", err.text);
    const struct weir_value *did = value_field(v, "did");
    assert_non_null(did);
    assert_int_equal(value_type(did), WEIR_BOOL);
    bool result = did->boolean;
    *ret_now = (uint64_t)number_in(v, "now");
    value_unref(&v);
    return result;
}

static void
a_mark_goes_on_from_what_it_is(void **state)
{
    (void)state;
    uint64_t now;
    assert_false(advance("a", 1, 2, &now)); /* there is none yet */
    assert_int_equal(now, 0);
    assert_true(advance("a", 0, 5, &now));
    assert_int_equal(now, 5);
    assert_false(advance("a", 0, 9, &now));
    assert_int_equal(now, 5);
    assert_true(advance("a", 5, INT64_MAX, &now));
    assert_int_equal(now, INT64_MAX);
    assert_true(advance("a", INT64_MAX, 5, &now)); /* given back */
    assert_true(advance("b", 0, 7, &now));
    assert_false(advance("a", 7, 8, &now));
    assert_int_equal(now, 5);
}

static void
a_mark_outlives_the_process(void **state)
{
    (void)state;
    uint64_t now;
    assert_true(advance("a", 0, 5, &now));
    store_close(&store);
    store_up();
    assert_false(advance("a", 0, 1, &now));
    assert_int_equal(now, 5);
}

static void
there_is_a_bound_on_marks(void **state)
{
    (void)state;
    store_close(&store);
    (void)number_of("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10100)"
                    " INSERT INTO marks SELECT 'mark ' || i, i, i FROM n");
    config.keep.look_ms = 20;
    store_up();
    for (uint64_t end = clock_mono_ms() + 20000; number_of("SELECT count(*) FROM marks") > 10000;)
        if (clock_mono_ms() > end)
            fail_msg("there are too many");
    assert_int_equal(number_of("SELECT min(n) FROM marks"), 101); /* those of long ago have gone */
}

static void
what_is_no_mark_is_refused(void **state)
{
    (void)state;
    static char long_name[700];
    memset(long_name, 'x', 513);
    static const char *const wrong[] = { "{\"from\":0,\"to\":1}",
                                         "{\"name\":\"\",\"to\":1}",
                                         "{\"name\":\"a\"}",
                                         "{\"name\":\"a\",\"to\":0}",
                                         "{\"name\":\"a\",\"from\":-1,\"to\":1}",
                                         "{\"name\":\"a\",\"to\":1,\"by\":2}" };
    for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_null(ask("marks.advance", wrong[i]));
        assert_int_equal(err.code, WEIR_INVALID);
    }
    char json[800];
    snprintf(json, sizeof(json), "{\"name\":\"%s\",\"to\":1}", long_name);
    assert_null(ask("marks.advance", json));
    assert_int_equal(err.code, WEIR_INVALID);
    assert_true(store_ask_writes("marks.advance"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(a_mark_goes_on_from_what_it_is),
        TEST(a_mark_outlives_the_process),
        TEST(there_is_a_bound_on_marks),
        TEST(what_is_no_mark_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* cache/tests/cache_access_test.c - cache_get, cache_set and cache_drop; and all of them while Redis is away,
 * the rest of which is in tests/e2e.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cache_stage.h"

#define AT(path) \
    "trigger: { webhook: { path: \"/" path "/{key}\", methods: [POST] } }\nsteps:\n"

static void
load_access(void)
{
    stage_load(
        "name: put\n" AT(
            "put") "  - id: put\n    cache_set: { name: acc, "
                   "key: \"${ request.params.key }\", ttl: \"${ type(input) == 'map' ? "
                   "request.body.ttl ?? '1h' : '1h' }\", "
                   "keep: \"${ type(input) == 'map' ? request.body.keep ?? 0 : 0 }ms\" }\n"
                   "  - reply: { json: [ \"${ steps.put }\", \"${ input }\" ] }\n",
        "name: take\n" AT(
            "take") "  - cache_get: { name: acc, "
                    "key: \"${ request.params.key }\" }\n  - set: { got: \"${ input }\" }\n",
        "name: old\n" AT(
            "old") "  - cache_get: { name: acc, stale: true, "
                   "key: \"${ request.params.key }\" }\n  - set: { got: \"${ input }\" }\n",
        "name: drop\n" AT("drop") "  - id: drop\n    cache_drop: { name: acc, "
                                  "key: \"${ request.params.key }\" }\n  - reply: { json: \"${ "
                                  "steps.drop }\" }\n",
        "name: acc\n" AT(
            "acc") "  - cache: { name: acc, "
                   "key: \"${ request.params.key }\" }\n    do:\n      - gate: {}\n"
                   "      - set: from the block\n",
        NULL);
}

static void
values_are_set_read_and_dropped(void **state)
{
    (void)state;
    load_access();
    stage_expect("POST /take/a", NULL, 200, "{\"got\":null}");
    stage_expect("POST /put/a", "{\"x\":1}", 200, "[{\"kept\":true},{\"x\":1}]");
    stage_expect("POST /take/a", NULL, 200, "{\"got\":{\"x\":1}}");
    stage_expect("POST /acc/a", NULL, 200, "{\"x\":1}");
    stage_expect("POST /drop/a", NULL, 200, "{\"dropped\":true}");
    stage_expect("POST /drop/a", NULL, 200, "{\"dropped\":false}");
    stage_expect("POST /take/a", NULL, 200, "{\"got\":null}");
    stage_expect("POST /put/b", "{\"ttl\":\"20ms\",\"keep\":3600000}", 200, NULL);
    let_pass(20);
    stage_expect("POST /take/b", NULL, 200, "{\"got\":null}");
    stage_expect("POST /old/b", NULL, 200, "{\"got\":{\"ttl\":\"20ms\",\"keep\":3600000}}");
    stage_expect("POST /put/c", "{\"ttl\":\"soon\"}", 400, NULL);
    stage_expect("POST /put/c", "{\"ttl\":\"0s\"}", 400, NULL);
    stage_expect("POST /put/c", "{\"ttl\":\"400d\"}", 400, NULL);
}

static void
what_a_block_saw_before_a_drop_is_not_kept(void **state)
{
    (void)state;
    load_access();
    struct play *before = stage_begin("POST /acc/e", NULL, NULL);
    await_held(1);
    stage_expect("POST /drop/e", NULL, 200, "{\"dropped\":false}");
    struct play *after = stage_begin("POST /acc/e", NULL, NULL);
    await_held(2); /* it didn't wait for the one before */
    open_gate();
    stage_finish(before);
    stage_finish(after);
    assert_int_equal(REASON("acc", "changed"), 1);
    stage_end(&before);
    stage_end(&after);
    stage_expect("POST /take/e", NULL, 200, "{\"got\":\"from the block\"}"); /* of AFTER */
    struct play *late = stage_begin("POST /acc/f", NULL, NULL);
    await_held(1);
    stage_expect("POST /put/f", "[\"newer\"]", 200, NULL);
    open_gate();
    stage_finish(late);
    stage_end(&late);
    stage_expect("POST /take/f", NULL, 200, "{\"got\":[\"newer\"]}");
}

static void
without_redis_the_block_runs_and_nothing_is_kept(void **state)
{
    (void)state;
    struct play *p[CALLS];
    load("away", "ttl: 1h, store: \"redis://127.0.0.1:1\"", SLOW);
    free(answer("POST /away/a", NULL, 200));
    free(answer("POST /away/a", NULL, 200));
    assert_int_equal(runs_of("away"), 2);
    assert_int_equal(RESULT("away", "error"), 2);
    assert_int_equal(REASON("away", "store"), 2);
    begin_all(p, "POST /away/b", "{\"gate\":true}");
    await_held(1);
    open_gate();
    finish_all(p, 200, true);
    assert_int_equal(runs_of("away"), 3);
    stage_load(
        "name: put\n" AT(
            "put") "  - id: put\n    cache_set: { name: away, key: k, "
                   "value: 1, store: \"redis://127.0.0.1:1\" }\n"
                   "  - id: drop\n    cache_drop: { name: away, key: k, "
                   "store: \"redis://127.0.0.1:1\" }\n"
                   "  - id: get\n    cache_get: { name: away, key: k, "
                   "store: \"redis://127.0.0.1:1\" }\n"
                   "  - reply: { json: [ \"${ steps.put.kept }\", \"${ steps.drop.dropped }\", "
                   "\"${ steps.get }\" ] }\n",
        "name: must\n" AT("must") "  - cache_set: { name: away, key: k, value: 1, "
                                  "required: true, store: \"redis://127.0.0.1:1\" }\n",
        NULL);
    stage_expect("POST /put/a", NULL, 200, "[false,false,null]");
    stage_expect("POST /must/a", NULL, 503, NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_set_read_and_dropped),
        cmocka_unit_test(what_a_block_saw_before_a_drop_is_not_kept),
        cmocka_unit_test(without_redis_the_block_runs_and_nothing_is_kept),
    };
    return cmocka_run_group_tests(tests, open_stage, stage_close);
}

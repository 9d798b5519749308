/* plugin/blocks_test.c - what the engine promises to node types that answer each other's calls.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stage.h"

#include <stdlib.h>
#include <string.h>

#undef fail /* cmocka's: host->fail is meant */

static const struct weir_host *host;

/* The call that waits; and whether it was asked to end. */
static struct weir_call *waiting;
static unsigned cancels;

static void
run_waits(struct weir_call *call, void *state)
{
    (void)state;
    waiting = call;
}

static void
cancel_waits(struct weir_call *call, void *state)
{
    (void)state;
    cancels++;
    waiting = NULL;
    host->fail(call, &(struct weir_error){ .code = WEIR_CANCELLED, .text = "cut short" });
}

/* Fails the call that waits, then answers. */
static void
run_breaks(struct weir_call *call, void *state)
{
    (void)state;
    struct weir_call *other = waiting;
    waiting = NULL;
    if (other)
        host->fail(other, &(struct weir_error){ .code = WEIR_CONFLICT, .text = "broken" });
    host->done(call, NULL);
}

static void
run_header(struct weir_call *call, void *state)
{
    (void)state;
    host->header_set(call, WEIR_TEXT("X-Mark"), WEIR_TEXT("first"));
    host->header_set(call, WEIR_TEXT("x-mark"), WEIR_TEXT("last"));
    host->done(call, NULL);
}

/* Fails with a code that there is not. */
static void
run_strange(struct weir_call *call, void *state)
{
    (void)state;
    host->fail(call, &(struct weir_error){ .code = 77, .text = "strange" });
}

static unsigned counted;

static void
run_count(struct weir_call *call, void *state)
{
    (void)state;
    const struct weir_value *v = host->integer(++counted);
    host->done(call, &v);
}

static void
run_later(struct weir_call *call, void *state)
{
    (void)state;
    host->fail(call, &(struct weir_error){ .code = WEIR_UNAVAILABLE, .text = "not now" });
}

/* Runs the pipeline "inner" and notes whether its answer came inside the host function. */
static bool in_host_function, told_inside;

static void
run_told(void *arg, const struct weir_value *output, const struct weir_error *err)
{
    struct weir_call *call = arg;
    told_inside = in_host_function;
    if (err) {
        host->fail(call, err);
        return;
    }
    const struct weir_value *v = host->ref(output);
    host->done(call, &v);
}

static uint32_t inner;

static uint32_t
open_runs(struct weir_open *o, const struct weir_value *config, void **ret_conf, struct weir_error *err)
{
    (void)config;
    (void)ret_conf;
    (void)err;
    inner = host->pipeline_find(o, WEIR_TEXT("inner"));
    return WEIR_OK;
}

static void
run_runs(struct weir_call *call, void *state)
{
    (void)state;
    in_host_function = true;
    host->pipeline(call, inner, NULL, run_told, call);
    in_host_function = false;
}

#define NODE(name_, ...)                                                                       \
    {                                                                                          \
        .size = sizeof(struct weir_node_type), .name = name_, .summary = "For a test.",        \
        .config_schema = "{}", __VA_ARGS__                                                     \
    }

static const struct weir_node_type nodes[] = {
    NODE("waits", .run = run_waits, .cancel = cancel_waits),
    NODE("breaks", .run = run_breaks),
    NODE("header", .run = run_header, .flags = WEIR_TAP),
    NODE("strange", .run = run_strange),
    NODE("count", .run = run_count),
    NODE("later", .run = run_later),
    NODE("runs", .open = open_runs, .run = run_runs),
};

static const struct weir_plugin plugin = {
    .abi_major = WEIR_ABI_MAJOR,
    .abi_minor = WEIR_ABI_MINOR,
    .size = sizeof plugin,
    .n_nodes = sizeof nodes / sizeof *nodes,
    .name = "blocks",
    .version = "1.0.0",
    .nodes = nodes,
};

static int
open_all(void **state)
{
    int result = stage_open(state);
    host = host_table();
    stage_add(&plugin);
    return result;
}

static void
a_branch_may_end_the_node_around_it_from_inside(void **state)
{
    (void)state;
    stage_load("trigger: { webhook: /x }\n"
               "steps:\n"
               "  - parallel:\n"
               "    branches:\n"
               "      a: [{ waits: {} }]\n"
               "      b: [{ delay: 1ms }, { breaks: {} }, { set: 1 }]\n",
               NULL);
    stage_expect("POST /x", "{}", 409, NULL);
}

static void
a_catch_may_end_the_node_around_it_from_inside(void **state)
{
    (void)state;
    stage_load("trigger: { webhook: /x }\n"
               "steps:\n"
               "  - parallel:\n"
               "    branches:\n"
               "      a: [{ waits: {} }]\n"
               "      b: [{ set: \"${ 1 / request.body }\", catch: [{ delay: 1ms }, { breaks: {} }] }]\n",
               NULL);
    stage_expect("POST /x", "0", 409, NULL);
}

static void
the_end_of_a_branch_cancels_the_others_once(void **state)
{
    (void)state;
    cancels = 0;
    stage_load("trigger: { webhook: /x }\n"
               "steps:\n"
               "  - parallel:\n"
               "    branches:\n"
               "      a: [{ waits: {} }]\n"
               "      b: [{ delay: 1ms }, { set: \"${ 1 / request.body }\" }]\n",
               NULL);
    stage_expect("POST /x", "0", 500, NULL);
    assert_int_equal(cancels, 1);
}

static void
finally_sees_the_header_that_was_set_last(void **state)
{
    (void)state;
    stage_load("trigger: { webhook: /x }\n"
               "steps:\n  - header: {}\n  - set: 1\n"
               "finally:\n  - log: \"mark ${ reply.headers['x-mark'] }\"\n",
               NULL);
    free(stage_log());
    stage_expect("POST /x", "{}", 200, "1");
    char *log = stage_log();
    assert_non_null(strstr(log, "mark last"));
    free(log);
}

static void
a_code_that_there_is_not_is_internal(void **state)
{
    (void)state;
    stage_load("trigger: { webhook: /x }\nsteps:\n  - strange: {}\n"
               "    retry: { attempts: 2, initial: 1ms, on: [timeout] }\n", NULL);
    stage_expect("POST /x", "{}", 500, NULL);
}

static void
a_second_attempt_does_not_see_the_steps_of_the_first(void **state)
{
    (void)state;
    counted = 0;
    stage_load("trigger: { webhook: /x }\n"
               "steps:\n"
               "  - try:\n"
               "    do:\n"
               "      - { id: n, count: {} }\n"
               "      - { id: one, if: \"${ steps.n == 1 }\", set: stale }\n"
               "      - { if: \"${ steps.n == 1 }\", later: {} }\n"
               "      - { set: \"${ steps.one ?? 'none' }\" }\n"
               "    retry: { attempts: 2, initial: 1ms }\n",
               NULL);
    stage_expect("POST /x", "{}", 200, "\"none\"");
}

static void
a_pipeline_that_ends_at_once_is_told_after_the_host_function(void **state)
{
    (void)state;
    told_inside = true;
    stage_load("name: outer\ntrigger: { webhook: /x }\nsteps:\n  - runs: {}\n",
               "name: inner\nsteps:\n  - set: ${ request.body.n + 1 }\n", NULL);
    stage_expect("POST /x", "{\"n\": 1}", 200, "2");
    assert_false(told_inside);
    told_inside = true;
    stage_expect("POST /x", "not JSON", 400, NULL);
    assert_false(told_inside);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_branch_may_end_the_node_around_it_from_inside),
        cmocka_unit_test(a_catch_may_end_the_node_around_it_from_inside),
        cmocka_unit_test(the_end_of_a_branch_cancels_the_others_once),
        cmocka_unit_test(finally_sees_the_header_that_was_set_last),
        cmocka_unit_test(a_code_that_there_is_not_is_internal),
        cmocka_unit_test(a_second_attempt_does_not_see_the_steps_of_the_first),
        cmocka_unit_test(a_pipeline_that_ends_at_once_is_told_after_the_host_function),
    };
    return cmocka_run_group_tests(tests, open_all, stage_close);
}

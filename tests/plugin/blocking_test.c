/* plugin/blocking_test.c - node types that block: they run on a worker, and their host is
 * there.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stage.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#undef fail /* cmocka's: host->fail is meant */

static const struct weir_host *host;
static pthread_t shard_thread;
static atomic_uint on_the_shard; /* calls that ran on the shard's thread */

static uint32_t
open_blocks(struct weir_open *open, const struct weir_value *config, void **ret_conf,
            struct weir_error *err)
{
    (void)config;
    (void)err;
    uint32_t *slot = malloc(sizeof *slot);
    assert_non_null(slot);
    *slot = host->slot(open, "/text");
    *ret_conf = slot;
    return WEIR_OK;
}

/* Answers { text, size } after a while: text by eval_text, size of the input. */
static void
run_blocks(struct weir_call *call, void *state)
{
    struct weir_error err = { 0 };
    struct weir_text text;
    const struct weir_value *input = NULL;
    on_the_shard += pthread_equal(pthread_self(), shard_thread) != 0;
    usleep(2000);
    if (host->eval_text(call, *(uint32_t *)state, &text, &err) != WEIR_OK ||
        host->input(call, &input, &err) != WEIR_OK) {
        host->fail(call, &err);
        host->unref(&err.detail);
        return;
    }
    char *memory = host->alloc(call, 100);
    memset(memory, 'x', 100);
    struct weir_builder *map = host->map_new();
    const struct weir_value *v = host->string(text);
    host->map_set(map, WEIR_TEXT("text"), &v);
    v = host->integer((int64_t)host->len(input));
    host->map_set(map, WEIR_TEXT("size"), &v);
    host->unref(&input);
    v = host->build(&map);
    if (text.len == 3 && memcmp(text.bytes, "bad", 3) == 0) {
        host->unref(&v);
        host->fail(call, &(struct weir_error){ .code = WEIR_CONFLICT, .text = "it is bad" });
        return;
    }
    host->done(call, &v);
}

static const struct weir_node_type nodes[] = {
    {
        .size = sizeof(struct weir_node_type),
        .flags = WEIR_BLOCKING,
        .name = "blocks",
        .summary = "Blocks its thread for a while.",
        .config_schema =
            WEIR_JSON({ "x-weir-shorthand" : "text", "properties" : { "text" : {} } }),
        .open = open_blocks,
        .run = run_blocks,
        .close = free,
    },
};

static const struct weir_plugin plugin = {
    .abi_major = WEIR_ABI_MAJOR,
    .abi_minor = WEIR_ABI_MINOR,
    .size = sizeof plugin,
    .n_nodes = 1,
    .name = "blocks",
    .version = "1.0.0",
    .nodes = nodes,
};

static int
open_all(void **state)
{
    int result = stage_open(state);
    host = host_table();
    shard_thread = pthread_self();
    stage_add(&plugin);
    return result;
}

static void
it_runs_on_a_worker_with_what_it_may_ask_for(void **state)
{
    (void)state;
    stage_load("trigger: { webhook: /x }\nsteps:\n  - blocks: hello ${ request.body[0] }\n",
               NULL);
    stage_expect("POST /x", "[1,2]", 200, "{\"text\":\"hello 1\",\"size\":2}");
    assert_int_equal(on_the_shard, 0);
}

static void
an_error_of_it_or_of_its_expressions_is_the_nodes(void **state)
{
    (void)state;
    stage_load("trigger: { webhook: /x }\nsteps:\n  - blocks: ${ request.body }\n", NULL);
    stage_expect("POST /x", "\"bad\"", 409, NULL);
    stage_load("trigger: { webhook: /x }\nsteps:\n  - blocks: ${ request.body.nope }\n", NULL);
    stage_expect("POST /x", "{}", 500, NULL);
}

static void
several_run_beside_what_the_shard_does(void **state)
{
    (void)state;
    stage_load("trigger: { webhook: /x }\n"
               "steps:\n"
               "  - id: both\n"
               "    parallel:\n"
               "    branches:\n"
               "      a: [{ blocks: one }, { blocks: two }]\n"
               "      b: [{ foreach: \"${ request.body }\", do: [{ set: \"${ string(item) + "
               "'x' }\" }] }]\n"
               "      c: [{ blocks: five }]\n"
               "  - set: ${ [steps.both.a.text, steps.both.c.size] }\n",
               NULL);
    stage_expect("POST /x", "[1,2,3]", 200, NULL);
    struct play *p[20];
    for (unsigned i = 0; i < 20; i++)
        p[i] = stage_begin("POST /x", "[1,2,3]", NULL);
    for (unsigned i = 0; i < 20; i++) {
        stage_finish(p[i]);
        assert_string_equal(p[i]->body, "[\"two\",3]");
        stage_end(&p[i]);
    }
}

static void
a_caller_that_goes_away_does_not_wait_for_it(void **state)
{
    (void)state;
    stage_load("trigger: { webhook: /x }\nsteps:\n  - blocks: hello\n", NULL);
    struct play *p = stage_begin("POST /x", NULL, NULL);
    engine_gone(&p->event);
    stage_finish(p); /* its memory stays until the answer has come */
    stage_end(&p);
    assert_int_equal(engine_runs(stage_shard()), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_runs_on_a_worker_with_what_it_may_ask_for),
        cmocka_unit_test(an_error_of_it_or_of_its_expressions_is_the_nodes),
        cmocka_unit_test(several_run_beside_what_the_shard_does),
        cmocka_unit_test(a_caller_that_goes_away_does_not_wait_for_it),
    };
    return cmocka_run_group_tests(tests, open_all, stage_close);
}

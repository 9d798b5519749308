/* tests/unit/pipeline/load_errors_test.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "expect.h"

static void
keys_at_the_top_are_known(void **state)
{
    (void)state;
    assert_said(
        "stepps: []\nsteps: []\n",
        "1:1+6 W0204 unknown key 'stepps' at the top of the file | did you mean 'steps'?\n");
    assert_said(
        "http: {}\nwebhook: {}\nif: x\nsteps: []\n",
        "1:1+4 W0204 unknown key 'http' at the top of the file"
        " | 'http' is a node: it belongs in the list under 'steps:'\n"
        "2:1+7 W0204 unknown key 'webhook' at the top of the file"
        " | 'webhook' belongs under 'trigger:'\n"
        "3:1+2 W0204 unknown key 'if' at the top of the file | 'if' belongs to a node\n");
    assert_said("name: x\n", "1:1+4 W0202 a pipeline needs 'steps'\n");
    assert_said("", "W0201 a pipeline must be a map with 'steps', not an empty file\n");
    assert_said("- a\n", "1:3+1 W0201 a pipeline must be a map with 'steps', not a list\n");
    assert_said(
        "name: My Pipe\nsteps: []\n",
        "1:7+7 W0213 a pipeline's name is a lower-case letter, then letters, digits, _ and -, "
        "at most 64 in all\n");
}

static void
values_at_the_top_are_of_their_kind(void **state)
{
    (void)state;
    assert_said("steps: {}\n", "1:1+5 W0201 'steps' must be a list of nodes, not a map"
                               " | begin each node with '- '\n");
    assert_said("steps:\n", "1:1+5 W0201 'steps' must be a list of nodes, not nothing"
                            " | an empty block is written []\n");
    assert_said("timeout: 5\nsteps: []\n",
                "1:10+1 W0207 'timeout' must be a duration such as 5s | write '5s' or '5ms'\n");
    assert_said(
        "timeout: ${ vars.x }\nsteps: []\n",
        "1:10+11 W0403 'timeout' must be known at load: no expression can stand here\n");
    assert_said("timeout: 0s\nsteps: []\n",
                "1:10+2 W0207 'timeout' must be longer than nothing\n");
    assert_said("keep_failed: no\nsteps: []\n",
                "1:14+2 W0207 'keep_failed' must be true or false\n");
    assert_said("concurrency: { limt: 1 }\nsteps: []\n",
                "1:16+4 W0204 unknown key 'limt' in 'concurrency' | did you mean 'limit'?\n");
    assert_said("concurrency: { limit: 0, when_full: wait }\nsteps: []\n",
                "1:23+1 W0207 'limit' must be a whole number from 1 to 1000000\n"
                "1:37+4 W0207 'when_full' must be queue or reject\n");
    assert_said("concurrency: { limit: 1, key: fixed }\nsteps: []\n",
                "1:31+5 W0402 the key of 'concurrency' must be an expression in ${ }\n");
    assert_said(
        "vars: { a: \"${ env.REGION }\" }\nsteps: []\n",
        "1:12+17 W0403 'vars' holds constants only | write it where the value is used\n");
    assert_said("vars: { a: \"$${ x }\" }\nsteps: []\n", "");
    assert_said("tags: [1]\nsteps: []\n",
                "1:8+1 W0201 'tags' must be a string, not a number | put it in quotes\n");
}

static void
what_needs_a_store_says_so(void **state)
{
    (void)state;
    assert_said("durable: true\nrespond: accepted\norder_by: ${ request.body.id }\n"
                "idempotency: ${ request.id }\nretry: { schedule: [5s, 5m] }\nsteps: []\n",
                "1:1+7 W0212 'durable' needs a store, and none is configured\n"
                "2:1+7 W0212 'respond' needs a store, and none is configured\n"
                "3:1+8 W0212 'order_by' needs a store, and none is configured\n"
                "5:1+5 W0212 'retry' needs a store, and none is configured\n");
    struct registry *r = fake_registry();
    struct pipeline *p = load_said_with(
        r, true,
        "respond: accepted\norder_by: { key: \"${ request.body.id }\", on_dead: hold }\n"
        "idempotency: { key: \"${ request.id }\", while_running: refuse, ttl: 1h }\n"
        "retry: { schedule: [5s, 5m] }\nretention: { completed: 7d, payloads: 1h }\nsteps: []\n",
        "");
    assert_int_equal(p->durable, DURABLE_YES);
    assert_int_equal(p->respond, RESPOND_ACCEPTED);
    assert_true(p->order_hold);
    assert_int_equal(p->order_by->kind, PART_TEMPLATE);
    assert_true(p->idempotency_refuse);
    assert_int_equal(p->idempotency_ttl_ms, 3600000);
    assert_non_null(p->job_retry);
    assert_int_equal(p->retention.completed_ms, 7 * 86400000);
    assert_int_equal(p->retention.payloads_ms, 3600000);
    assert_int_equal(p->retention.dead_ms, 0);
    pipeline_free(&p);
    p = load_said_with(
        r, true, "idempotency: ${ request.id }\nsteps: []\n",
        "1:1+11 W0806 without 'durable: true' the keys are kept in the memory of this "
        "process only: a restart forgets them\n");
    pipeline_free(&p);
    p = load_said_with(
        r, true, "idempotency: { key: \"${ request.id }\", store: \"${ env.R ?? 'memory' }\", on_store_error: closed }\nsteps: []\n",
        "");
    assert_int_equal(p->idempotency_store->kind, PART_TEMPLATE);
    assert_true(p->idempotency_closed);
    pipeline_free(&p);
    p = load_said_with(
        r, true, "idempotency: { key: \"${ request.id }\", store: 1, on_store_error: opne }\nsteps: []\n",
        "1:1+11 W0806 without 'durable: true' the keys are kept in the memory of this "
        "process only: a restart forgets them\n"
        "1:47+1 W0201 the 'store' of 'idempotency' must be memory, or the URL of a Redis\n"
        "1:66+4 W0207 'on_store_error' must be open or closed | did you mean 'open'?\n");
    pipeline_free(&p);
    p = load_said_with(
        r, true, "idempotency: { key: \"${ request.id }\", store: \"${ request.id }\" }\nsteps: []\n",
        "1:51+7 W0304 'request' is not there yet: here are vars, env and secrets only\n");
    pipeline_free(&p);
    p = load_said_with(r, true, "order_by: ${ request.id }\nsteps: []\n",
                       "1:1+8 W0207 'order_by' needs a durable pipeline | add 'durable: true'\n");
    pipeline_free(&p);
    p = load_said_with(r, true, "retry: { schedule: [5s] }\nsteps: []\n",
                       "1:1+5 W0207 'retry' of a pipeline needs a durable one: nothing else outlives the attempt | "
                       "add 'durable: true', or give the 'retry' to a step\n");
    pipeline_free(&p);
    p = load_said_with(r, true, "durable: false\nrespond: accepted\nsteps: []\n",
                       "1:10+5 W0207 'respond: accepted' needs 'durable: true'\n");
    registry_free(&r);
}

static void
triggers_have_one_known_type(void **state)
{
    (void)state;
    assert_said("trigger: { webhok: /a }\nsteps: []\n",
                "1:12+6 W0211 unknown trigger type 'webhok' | did you mean 'webhook'?\n");
    assert_said("trigger: { set: 1 }\nsteps: []\n",
                "1:12+3 W0211 unknown trigger type 'set' | 'set' is a node: it belongs under "
                "'steps:'\n");
    assert_said("trigger:\n  webhook: { path: /a, auth: none }\n  cron: {}\nsteps: []\n",
                "3:3+4 W0218 'cron' can't stand beside the trigger's type\n");
    assert_said("trigger: webhook\nsteps: []\n",
                "1:10+7 W0201 a trigger must be a map with its type, such as webhook: { path: "
                "/orders }\n");
    assert_said("trigger: { webhook: { pth: /a, auth: none } }\nsteps: []\n",
                "1:23+3 W0204 unknown key 'pth' in 'webhook' | did you mean 'path'?\n");
}

static void
nodes_have_one_known_type(void **state)
{
    (void)state;
    assert_said("steps:\n  - htpp: http://x\n",
                "2:5+4 W0203 unknown node type 'htpp' | did you mean 'http'?\n");
    assert_said("steps:\n  - frobnicate: 1\n    id: a\n",
                "2:5+10 W0203 unknown node type 'frobnicate'\n");
    assert_said("steps:\n  - id: a\n    retry: 3\n",
                "2:5+2 W0205 a node needs a type, such as http or set\n");
    assert_said("steps:\n  - {}\n", "2:5+1 W0205 a node needs a type, such as http or set\n");
    assert_said("steps:\n  - set: 1\n    log: x\n",
                "3:5+3 W0206 a node has one type; this has 'set' and 'log'"
                " | two nodes are two items of the list, each with its '-'\n");
    assert_said("steps:\n  - webhook: /a\n",
                "2:5+7 W0203 'webhook' is a trigger, not a node"
                " | it belongs under 'trigger:' at the top of the file\n");
    assert_said("steps:\n  - reply\n  - 5\n  - []\n",
                "2:5+5 W0201 a node must be a map, not a string | write 'reply: {}'\n"
                "3:5+1 W0201 a node must be a map, not a number\n"
                "4:5+1 W0201 a node must be a map, not a list\n");
}

static void
keys_of_nodes_are_known(void **state)
{
    (void)state;
    assert_said("steps:\n  - id: book\n    http: http://x\n    timout: 10s\n",
                "4:5+6 W0204 unknown key 'timout' in step 'book' | did you mean 'timeout'?\n");
    assert_said("steps:\n  - http: http://x\n    json: {}\n    headrs: {}\n    xyz: 1\n",
                "3:5+4 W0204 unknown key 'json' in a node of type 'http' | 'json' belongs "
                "under 'http:'\n"
                "4:5+6 W0204 unknown key 'headrs' in a node of type 'http'"
                " | did you mean 'headers' under 'http:'?\n"
                "5:5+3 W0204 unknown key 'xyz' in a node of type 'http'\n");
    assert_said("steps:\n  - http: http://x\n    fallback: []\n    vars: {}\n",
                "3:5+8 W0204 unknown key 'fallback' in a node of type 'http'"
                " | 'http' has no such block\n"
                "4:5+4 W0204 unknown key 'vars' in a node of type 'http'"
                " | 'vars' belongs at the top of the file\n");
    assert_said("steps:\n  - set: 1\n    uses: { a: { set: 1 } }\n",
                "3:5+4 W0204 'set' takes no lent nodes\n");
}

static void
values_of_common_keys_are_of_their_kind(void **state)
{
    (void)state;
    assert_said("steps:\n  - set: 1\n    if: request.body.a\n",
                "3:9+14 W0402 'if' must be an expression in ${ } | write it in ${ }\n");
    assert_said("steps:\n  - set: 1\n    if: ${ input } x\n",
                "3:9+12 W0402 'if' must be one whole expression in ${ }\n");
    assert_said("steps:\n  - set: 1\n    if: true\n",
                "3:9+4 W0402 'if' must be an expression in ${ }\n");
    assert_said(
        "steps:\n  - set: 1\n    timeout: fast\n    effect: nones\n",
        "3:14+4 W0207 'timeout': \"fast\" is not a duration such as 250ms, 5s, 1.5m, 2h or 3d\n"
        "4:13+5 W0207 'effect' must be none, idempotent or unsafe | did you mean 'none'?\n");
    assert_said(
        "steps:\n  - set: 1\n    retry: { attempts: 0, on: [timeot, 99], max: 1ms, x: 1 }\n",
        "3:24+1 W0207 'attempts' must be a whole number from 1 to 100\n"
        "3:32+6 W0207 'on' takes error codes such as timeout, and HTTP statuses from 100 to 599"
        " | did you mean 'timeout'?\n"
        "3:40+2 W0207 'on' takes error codes such as timeout, and HTTP statuses from 100 to "
        "599\n"
        "3:50+3 W0207 'max' is less than 'initial'\n"
        "3:55+1 W0204 unknown key 'x' in 'retry'\n");
    assert_said("steps:\n  - set: 1\n    retry: { on: [] }\n",
                "3:18+1 W0207 'on' is empty: nothing would be tried again\n");
    assert_said(
        "steps:\n  - set: 1\n    catch: { log: x }\n",
        "3:5+5 W0201 'catch' must be a list of nodes, not a map | begin each node with '- '\n");
}

static void
ids_are_well_formed_and_unique(void **state)
{
    (void)state;
    assert_said(
        "steps:\n  - { id: A, set: 1 }\n  - { id: 1, set: 1 }\n  - { id: a-b, set: 1 }\n",
        "2:11+1 W0302 an id is a lower-case letter, then letters, digits and _, at most 64 in "
        "all\n"
        "3:11+1 W0302 an id is a lower-case letter, then letters, digits and _, at most 64 in "
        "all\n"
        "4:11+3 W0302 an id is a lower-case letter, then letters, digits and _, at most 64 in "
        "all\n");
    assert_said("steps:\n  - { id: a, set: 1 }\n  - try:\n    do: [ { id: a, set: 1 } ]\n",
                "4:17+1 W0301 the id 'a' is taken by the node in line 2\n");
}

static void
blocks_are_of_their_form(void **state)
{
    (void)state;
    assert_said("steps:\n  - foreach: ${ vars }\n",
                "2:5+7 W0209 'foreach' needs a block 'do'\n");
    assert_said(
        "steps:\n  - try:\n    do: { set: 1 }\n",
        "3:5+2 W0201 'do' must be a list of nodes, not a map | begin each node with '- '\n");
    assert_said(
        "steps:\n  - switch: ${ input }\n    cases: 5\n    default: []\n",
        "3:12+1 W0201 'cases' must be a map from values to lists of nodes, or a list of maps, "
        "not a number\n");
    assert_said(
        "steps:\n  - switch: ${ input }\n    cases: { a: { set: 1 }, b: }\n    default: []\n",
        "3:14+1 W0201 'a' must be a list of nodes, not a map | begin each node with '- '\n"
        "3:29+1 W0201 'b' must be a list of nodes, not nothing | an empty block is written "
        "[]\n");
    assert_said("steps:\n  - switch:\n    cases:\n      - { whn: 1, do: [] }\n      - { when: "
                "\"${ input }\" }\n"
                "      - 5\n      - { when: yes, do: [] }\n    default: []\n",
                "4:9+1 W0202 'when' is missing\n"
                "4:11+3 W0204 unknown key 'whn' in 'the item' | did you mean 'when'?\n"
                "5:9+1 W0202 'do' is missing\n"
                "6:9+1 W0201 'the item' must be a map, not a number\n"
                "7:17+3 W0402 'when' must be an expression in ${ } | write it in ${ }\n");
    assert_said(
        "steps:\n  - lua: x\n    uses: { Bad: { set: 1 }, ok: 5 }\n",
        "3:13+3 W0302 a lent node's name is a lower-case letter, then letters, digits and _\n"
        "3:34+1 W0201 a node must be a map, not a number\n");
}

static void
depth_and_number_are_bounded(void **state)
{
    (void)state;
    struct buf b;
    buf_init(&b, 1u << 20);
    buf_puts(&b, "steps:");
    for (unsigned i = 0; i < 33; i++)
        buf_puts(&b, " [ { try: , do:");
    buf_puts(&b, " []");
    for (unsigned i = 0; i < 33; i++)
        buf_puts(&b, " } ]");
    assert_said(b.bytes, "1:484+2 W0210 blocks more than 32 deep in each other"
                         " | move the inner part into a pipeline of its own and use call\n");
    buf_reset(&b);
    buf_puts(&b, "steps:\n");
    for (unsigned i = 0; i < 10002; i++)
        buf_puts(&b, "- set: 1\n");
    assert_said(b.bytes, "10002:3+3 W0210 more than 10,000 nodes\n");
    buf_fini(&b);
}

static void
the_message_shows_the_line_as_it_stands(void **state)
{
    (void)state;
    struct registry *r = fake_registry();
    const struct load_options o = { .registry = r };
    struct diags d;
    struct buf out;
    diags_init(&d);
    buf_init(&out, 4096);
    struct pipeline *p = pipeline_load_text(
        "pipelines/orders.yaml",
        TEXT("steps:\n  - id: book\n    http: http://x\n    timout: 10s\n"), &o, &d);
    assert_null(p);
    diags_text(&d, false, &out);
    assert_string_equal(
        out.bytes,
        "pipelines/orders.yaml:4:5: error[W0204]: unknown key 'timout' in step 'book'\n"
        "    4 |     timout: 10s\n"
        "      |     ^^^^^^ did you mean 'timeout'?\n");
    buf_fini(&out);
    diags_fini(&d);
    registry_free(&r);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_at_the_top_are_known),
        cmocka_unit_test(values_at_the_top_are_of_their_kind),
        cmocka_unit_test(what_needs_a_store_says_so),
        cmocka_unit_test(triggers_have_one_known_type),
        cmocka_unit_test(nodes_have_one_known_type),
        cmocka_unit_test(keys_of_nodes_are_known),
        cmocka_unit_test(values_of_common_keys_are_of_their_kind),
        cmocka_unit_test(ids_are_well_formed_and_unique),
        cmocka_unit_test(blocks_are_of_their_form),
        cmocka_unit_test(depth_and_number_are_bounded),
        cmocka_unit_test(the_message_shows_the_line_as_it_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

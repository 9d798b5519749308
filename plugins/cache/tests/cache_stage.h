/* cache/tests/cache_stage.h - pipelines around a cache: what the tests of caches have in common.
 *
 * The block of most tests counts its runs under a name of the test's own, and its output is
 * another one each time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#ifndef CACHE_TESTS_CACHE_STAGE_H
#define CACHE_TESTS_CACHE_STAGE_H

#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define REQUESTS "weir_cache_requests_total"
#define SKIPPED "weir_cache_skipped_total"
#define CALLS 50u

/* A pipeline NAME at /NAME/{key}: a cache of the options MORE around BLOCK, which is indented
 * by six. */
static inline void
write_yaml(char *ret, size_t room, const char *name, const char *more, const char *block)
{
    snprintf(ret, room,
             "name: %s\ntrigger: { webhook: { path: \"/%s/{key}\", methods: [GET, POST] } "
             "}\nsteps:\n"
             "  - id: kept\n    cache: { name: %s, key: \"${ request.params.key }\", %s }\n"
             "    do:\n      - metrics: { counter: runs_%s_total }\n%s",
             name, name, name, more, name, block);
}

static inline void
load(const char *name, const char *more, const char *block)
{
    char yaml[2048];
    write_yaml(yaml, sizeof yaml, name, more, block);
    stage_load(yaml, NULL);
}

#define FRESH "      - set: ${ uuid() }\n"
/* Waits at the gate, and fails, if the body says so. */
#define SLOW                                         \
    "      - if: ${ request.body?.gate ?? false }\n" \
    "        gate: {}\n"                             \
    "      - if: ${ request.body?.fail ?? false }\n" \
    "        set: ${ request.body.missing }\n" FRESH

static inline unsigned
runs_of(const char *name)
{
    char series[128];
    snprintf(series, sizeof series, "runs_%s_total", name);
    double n = stage_metric(series);
    return n < 0 ? 0 : (unsigned)n;
}

static inline unsigned
count_of(const char *family, const char *name, const char *label, const char *value)
{
    char series[192];
    snprintf(series, sizeof series, "%s{cache=\"%s\",%s=\"%s\"}", family, name, label, value);
    double n = stage_metric(series);
    return n < 0 ? 0 : (unsigned)n;
}

#define RESULT(name, value) count_of(REQUESTS, name, "result", value)
#define REASON(name, value) count_of(SKIPPED, name, "reason", value)

/* -- a node that waits -- */

static struct weir_call *held[CALLS]; /* at the gate */
static unsigned n_held;

static inline void
gate_run(struct weir_call *call, void *state)
{
    (void)state;
    assert_true(n_held < CALLS);
    held[n_held++] = call;
}

static inline void
gate_cancel(struct weir_call *call, void *state)
{
    (void)state;
    unsigned i = 0;
    while (held[i] != call)
        i++;
    held[i] = held[--n_held];
    struct weir_error err = { .code = WEIR_CANCELLED, .text = "cut short" };
    (host_table()->fail)(call, &err); /* cmocka has a macro of that name */
}

/* Waits until N calls are at the gate. */
static inline void
await_held(unsigned n)
{
    uint64_t end = clock_mono_ms() + 10000;
    while (n_held < n) {
        assert_true(clock_mono_ms() < end);
        stage_turn(1);
    }
    assert_int_equal(n_held, n);
}

/* Lets all go on that are at the gate. */
static inline void
open_gate(void)
{
    while (n_held > 0)
        host_table()->done(held[--n_held], NULL);
}

static const struct weir_node_type gate_type = {
    .size = sizeof(struct weir_node_type),
    .flags = WEIR_TAP,
    .name = "gate",
    .summary = "Waits.",
    .config_schema = "{\"type\":\"object\"}",
    .example = "- gate:\n",
    .output = "null",
    .run = gate_run,
    .cancel = gate_cancel,
};

static const struct weir_plugin gate_plugin = {
    .abi_major = WEIR_ABI_MAJOR,
    .abi_minor = WEIR_ABI_MINOR,
    .size = sizeof gate_plugin,
    .n_nodes = 1,
    .name = "gate",
    .version = "1.0.0",
    .nodes = &gate_type,
};

/* The body of an answer of STATUS; the caller frees it. */
static inline char *
answer(const char *line, const char *body, unsigned status)
{
    struct play *p = stage_play(line, body);
    if (p->status != status)
        fail_msg("%s: %u instead of %u: %s", line, p->status, status, p->body);
    char *text = strdup(p->body ? p->body : "");
    stage_end(&p);
    return text;
}

static inline void
expect_same(const char *line, const char *body, const char *expected, bool same)
{
    char *text = answer(line, body, 200);
    if ((strcmp(text, expected) == 0) != same)
        fail_msg("%s: %s and %s", line, text, expected);
    free(text);
}

/* Turns the loop until the wall clock has moved by MS. */
static inline void
let_pass(uint64_t ms)
{
    uint64_t end = clock_wall_ms() + ms;
    while (clock_wall_ms() <= end)
        stage_turn(1);
}

/* Starts CALLS calls of LINE, each with BODY. */
static inline void
begin_all(struct play *ret[CALLS], const char *line, const char *body)
{
    for (unsigned i = 0; i < CALLS; i++)
        ret[i] = stage_begin(line, body, NULL);
}

static inline void
finish_all(struct play *p[CALLS], unsigned status, bool same)
{
    char *first = NULL;
    for (unsigned i = 0; i < CALLS; i++) {
        stage_finish(p[i]);
        assert_int_equal(p[i]->status, status);
        if (first == NULL)
            first = strdup(p[i]->body);
        else if (same)
            assert_string_equal(p[i]->body, first);
        stage_end(&p[i]);
    }
    free(first);
}

/* The stage with the node that waits. */
static inline int
open_stage(void **state)
{
    int result = stage_open(state);
    stage_add(&gate_plugin);
    return result;
}

#endif

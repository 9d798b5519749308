/* lua/tests/lua_cost_test.c - what library functions do is paid for, and takes no more than the
 * script may have.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stage.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Puts a pipeline on the stage whose one node runs the line SCRIPT; MORE are its limits. */
static void
load_with(const char *script, const char *more)
{
    char yaml[4096];
    snprintf(yaml, sizeof yaml,
             "name: scripts\ntrigger: { webhook: /x }\nsteps:\n  - id: it\n    lua:\n"
             "      max_time: 20s\n%s      script: |\n        %s\n",
             more, script);
    stage_load(yaml, NULL);
}

/* The script ends with an error in which PART stands. */
static void
fails(const char *script, const char *more, const char *part)
{
    load_with(script, more);
    struct play *p = stage_play("POST /x", "{}");
    if (p->status != 500 || strstr(p->body, part) == NULL)
        fail_msg("%s\n is answered %u %s", script, p->status, p->body);
    stage_end(&p);
}

/* What is short to write and long to do is paid for by what it does. */
static void
library_functions_count_for_their_work(void **state)
{
    (void)state;
    static const char *const scripts[] = {
        "local t = {} for i = 1, 50 do t[i] = 1e308 end "
        "for i = 1, 20 do string.format(('%f'):rep(50), table.unpack(t)) end",
        "local s = ('x'):rep(12000) string.format('\\0%q', s)",
        "weir.json.encode(('\\1'):rep(200000))",
        "weir.json.decode('[' .. ('1,'):rep(50000) .. '1]')",
    };
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++)
        fails(scripts[i], "      max_instructions: 60000\n", "(max_instructions");
}

/* -- memory of the host -- */

/* Of the sanitizer, where there is one. */
int __sanitizer_install_malloc_and_free_hooks(void (*)(const volatile void *, size_t),
                                              void (*)(const volatile void *))
    __attribute__((weak));
size_t __sanitizer_get_allocated_size(const volatile void *) __attribute__((weak));

static _Atomic long long live, peak;

static void
on_malloc(const volatile void *block, size_t size)
{
    (void)block;
    long long now = atomic_fetch_add(&live, (long long)size) + (long long)size;
    if (now > peak)
        peak = now;
}

static void
on_free(const volatile void *block)
{
    if (block != NULL)
        live -= (long long)__sanitizer_get_allocated_size(block);
}

/* What does not fit into the memory of the script is not made in that of the host either. */
static void
json_takes_no_more_memory_than_the_script_has(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        { "weir.json.encode(('\\1'):rep(2000000))", "" },
        { "weir.json.decode('[' .. ('[],'):rep(600000) .. '1]')", "" },
        { "weir.json.decode('[' .. (' [ {\"a,b\\\\\":\"]\\\\u0041\"} ] , '):rep(50000) .. "
          "'1]')",
          "      max_memory: 8MiB\n" },
    };
    if (__sanitizer_install_malloc_and_free_hooks == NULL)
        skip();
    assert_true(__sanitizer_install_malloc_and_free_hooks(on_malloc, on_free) > 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        long long before = live;
        peak = before;
        fails(cases[i][0], cases[i][1], "(max_memory");
        if (peak - before > 10 << 20)
            fail_msg("%s\n takes %lld bytes", cases[i][0], peak - before);
    }
}

/* What JSON makes larger or smaller is not refused for what it only might be. */
static void
json_that_fits_is_read_and_written(void **state)
{
    (void)state;
    load_with("return { #weir.json.encode(('\\1'):rep(340000)), "
              "#weir.json.encode(('\\n'):rep(1000000)), "
              "#weir.json.encode(('x'):rep(2097000)), "
              "#weir.json.decode('[' .. ('1,'):rep(250000) .. '1]'), "
              "#weir.json.decode('\"' .. (',[,'):rep(600000) .. '\"'), "
              "#weir.json.decode('\"' .. ('\\\\u0041'):rep(300000) .. '\"') }",
              "");
    stage_expect("POST /x", "{}", 200, "[2040002,2000002,2097002,250001,1800000,300000]");
}

/* Those of a file are the same: tests/e2e/lua.test.mjs. */
static void
limits_have_a_range(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        { "max_instructions", "999", "100000000001" },
        { "max_memory", "255KiB", "4097MiB" },
        { "max_time", "0", "61m" },
        { "max_steps", "999", "1000000001" },
        { "max_keys", "63", "1048577" },
        { "max_items", "1023", "16777217" },
        { "max_log_lines", "0", "100001" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases * 2; i++)
        stage_refuses(cases[i / 2][0],
                      "name: a\ntrigger: { webhook: /x }\nsteps:\n"
                      "  - lua: { script: \"return 1\", %s: %s }\n",
                      cases[i / 2][0], cases[i / 2][1 + i % 2]);
    load_with("return 1", "      max_memory: 256KiB\n");
    stage_expect("POST /x", "{}", 200, "1");
    load_with("return 1", "      max_memory: 4GiB\n      max_instructions: 100000000000\n");
    stage_expect("POST /x", "{}", 200, "1");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(library_functions_count_for_their_work),
        cmocka_unit_test(json_takes_no_more_memory_than_the_script_has),
        cmocka_unit_test(json_that_fits_is_read_and_written),
        cmocka_unit_test(limits_have_a_range),
    };
    return cmocka_run_group_tests(tests, stage_open, stage_close);
}

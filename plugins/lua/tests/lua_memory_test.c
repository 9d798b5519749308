/* lua/tests/lua_memory_test.c - memory that scripts keep alive: it is given back, and counted.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stage.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MIB (1024.0 * 1024)

/* Sanitizers count what their malloc gives. */
size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static double
allocated(void)
{
    if (__sanitizer_get_current_allocated_bytes)
        return (double)__sanitizer_get_current_allocated_bytes();
    struct mallinfo2 m = mallinfo2();
    return (double)m.uordblks + (double)m.hblkhd;
}

/* Puts a pipeline on the stage whose one node runs SCRIPT, a line. */
static void
load(const char *script)
{
    char yaml[4096];
    snprintf(
        yaml, sizeof yaml,
        "name: memory\ntrigger: { webhook: /x }\nsteps:\n"
        "  - id: body\n    set: ${ request.body }\n"
        "  - lua:\n      max_time: 20s\n      max_items: 262144\n      script: |\n        %s\n",
        script);
    stage_load(yaml, NULL);
}

/* What decoding leaves behind fills the memory again and again; collecting it needs some. */
static void
garbage_is_given_back_when_the_memory_is_full(void **state)
{
    (void)state;
    load("local text = '[' .. ('[],'):rep(30000) .. '0]' local head "
         "for i = 1, 20000 do head = { head } end "
         "for i = 1, 40 do local v = weir.json.decode(text) end return 1");
    for (unsigned i = 0; i < 10; i++)
        stage_expect("POST /x", "{}", 200, "1");
}

/* Lua itself collects without finalizers when it wants memory for something of its own. */
static void
garbage_of_the_host_leaves_room_for_what_is_of_lua(void **state)
{
    (void)state;
    load("local text = '[' .. ('[],'):rep(30000) .. '0]' local kept = {} "
         "for i = 1, 60000 do kept[i] = {} end "
         "for i = 1, 15 do local v = weir.json.decode(text) end "
         "for i = 60001, 90000 do kept[i] = { i } end return #kept");
    for (unsigned i = 0; i < 5; i++)
        stage_expect("POST /x", "{}", 200, "90000");
}

/* {"a":["0123456789",...]}, of 780 KB; the caller frees it. */
static char *
large_body(void)
{
    enum { N = 60000 };
    char *body = malloc(N * 13 + 16);
    assert_non_null(body);
    char *at = stpcpy(body, "{\"a\":[");
    for (unsigned i = 0; i < N; i++)
        at = stpcpy(at, i == 0 ? "\"0123456789\"" : ",\"0123456789\"");
    strcpy(at, "]}");
    return body;
}

/* Scripts that leave little garbage of their own: what they read is collected nevertheless. */
static void
what_ended_calls_were_lent_does_not_pile_up(void **state)
{
    (void)state;
    static const char *const scripts[] = {
        "return #input.a",
        "local a = input.a input = nil return #a",
        "return #weir.merge(input, { b = 1 }).a",
        "return #ctx.steps.body.a",
    };
    char *body = large_body();
    for (unsigned i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        load(scripts[i]);
        stage_expect("POST /x", body, 200, "60000");
        double before = allocated();
        for (unsigned n = 0; n < 40; n++)
            stage_expect("POST /x", body, 200, "60000");
        assert_true(allocated() - before < 16 * MIB);
    }
    free(body);
}

/* Writes a file into FOLDER. */
static void
write_file(const char *folder, const char *name, const char *text)
{
    char path[200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void
remove_file(const char *folder, const char *name)
{
    char path[200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(unlink(path), 0);
}

/* A state that has kept more than its memory fails one call, and begins anew. */
static void
what_is_kept_of_ended_calls_is_counted(void **state)
{
    (void)state;
    char folder[] = "/tmp/weir-lua-XXXXXX";
    assert_non_null(mkdtemp(folder));
    write_file(
        folder, "keep.lua",
        "local kept = {}\n"
        "return { run = function(_, input) kept[#kept + 1] = input.a return #kept end }");
    write_file(folder, "keep.yaml",
               "name: memory\ntrigger: { webhook: /x }\nsteps:\n  - set: ${ request.body }\n"
               "  - lua: { file: keep.lua, max_time: 20s }\n");
    char path[200];
    snprintf(path, sizeof path, "%s/keep.yaml", folder);
    stage_load_file(path);
    char *body = large_body();
    double before = allocated();
    unsigned failed = 0;
    for (unsigned n = 0; n < 60; n++) {
        struct play *p = stage_play("POST /x", body);
        assert_true(p->status == 200 || strstr(p->body, "(max_memory") != NULL);
        failed += p->status != 200;
        stage_end(&p);
        assert_true(allocated() - before < 40 * MIB);
    }
    assert_true(failed > 0 && failed <= 15);
    stage_expect("POST /x", "{\"a\":[]}", 200, NULL);
    free(body);
    remove_file(folder, "keep.lua");
    remove_file(folder, "keep.yaml");
    assert_int_equal(rmdir(folder), 0);
}

/* Fails unless SCRIPT ends by the limit of that name. */
static void
ends_by(const char *script, const char *limit)
{
    load(script);
    struct play *p = stage_play("POST /x", "{}");
    if (p->status != 500 || strstr(p->body, limit) == NULL)
        print_error("%s: %u %s\n", script, p->status, p->body);
    assert_int_equal(p->status, 500);
    assert_non_null(strstr(p->body, limit));
    stage_end(&p);
}

/* So much lives that decoding has to collect again and again. */
static void
collecting_is_work(void **state)
{
    (void)state;
    ends_by("local text = '[' .. ('[],'):rep(1700) .. '0]' local head "
            "for i = 1, 230000 do head = { head } end "
            "for i = 1, 400 do local v = weir.json.decode(text) end return 1",
            "(max_instructions");
}

static void
a_merged_value_costs_what_its_original_costs(void **state)
{
    (void)state;
    ends_by("local text = '[' .. ('[],'):rep(3000) .. '0]' local kept = {} "
            "text = '{\"a\":' .. text .. '}' "
            "for i = 1, 200 do kept[i] = weir.merge(weir.json.decode(text), {}) end return 1",
            "(max_memory");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(garbage_is_given_back_when_the_memory_is_full),
        cmocka_unit_test(garbage_of_the_host_leaves_room_for_what_is_of_lua),
        cmocka_unit_test(what_ended_calls_were_lent_does_not_pile_up),
        cmocka_unit_test(what_is_kept_of_ended_calls_is_counted),
        cmocka_unit_test(collecting_is_work),
        cmocka_unit_test(a_merged_value_costs_what_its_original_costs),
    };
    return cmocka_run_group_tests(tests, stage_open, stage_close);
}

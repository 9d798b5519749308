/* lua/tests/lua_turns_test.c - what takes a script long is done in pieces, also within one
 * function of the library: others have their turn between them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/weir-lua-XXXXXX";

static void
write_file(const char *name, const char *text)
{
    char path[200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

/* Puts a pipeline on the stage whose one node is the file SOURCE, with MORE as its limits. */
static void
load(const char *source, const char *more)
{
    char text[1000];
    write_file("it.lua", source);
    snprintf(
        text, sizeof text,
        "name: turns\ntrigger: { webhook: /x }\nsteps:\n  - set: ${ request.body }\n"
        "  - lua: { file: it.lua, max_time: 20s%s }\n  - reply: { json: \"${ input }\" }\n",
        more);
    write_file("turns.yaml", text);
    snprintf(text, sizeof text, "%s/turns.yaml", folder);
    stage_load_file(text);
}

/* Turns of the loop until a call with BODY has ended. */
static unsigned
turns_of(const char *body, uint32_t status)
{
    unsigned n = 0;
    struct play *p = stage_begin("POST /x", body, NULL);
    for (; !p->released; n++)
        stage_turn(0);
    if (p->status != status)
        print_error("%u %.300s\n", p->status, p->body);
    assert_int_equal(p->status, status);
    stage_end(&p);
    return n;
}

/* A list of so many items was made when the script was loaded: a call has only to do what is
 * said. */
#define LIST "local t = {} for i = 1, 100000 do t[i] = i end "
#define RUN(what) "return { run = function(ctx, input) " what " end }"

static void
others_have_their_turn_within_functions_of_the_library(void **state)
{
    (void)state;
    static const char *const sources[] = {
        LIST RUN("return t"),
        LIST RUN("return #weir.json.encode(t)"),
        LIST RUN("return #table.concat(t)"),
        LIST RUN("return #table.move(t, 1, #t, 1, {})"),
        LIST RUN("return #weir.merge(t, {})"),
        LIST RUN("ctx.log('debug', 'x', { t = t })"),
        RUN("local t = setmetatable({}, { __index = function(_, i) "
            "if i == 2 then for k = 1, 1000000 do end return end return i end }) "
            "for i in ipairs(t) do end"),
        RUN("local t = setmetatable({}, { __add = function() for i = 1, 1000000 do end return "
            "1 end }) "
            "return '1' + t"),
        "local s = '[' .. ('1,'):rep(100000) .. '1]' " RUN(
            "local v = weir.json.decode(s) v[1] = 2 return v[1]"),
        "local s = ('x'):rep(1000000) " RUN(
            "return #weir.base64.decode(weir.base64.encode(s))"),
        "local s = ('x'):rep(1000000) " RUN("return #weir.hex.decode(weir.hex.encode(s))"),
        "local s = ('x'):rep(2000000) " RUN("return utf8.len(s)"),
        "local keep = {} for i = 1, 60000 do keep[i] = { i } end " RUN(
            "for i = 1, 4 do local s = ('x'):rep(2000000) .. i end return #keep"),
    };
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
        load(sources[i], ", max_instructions: 100000000, max_items: 262144");
        unsigned n = turns_of("{}", 200);
        if (n < 4)
            fail_msg("%s\n has taken %u turns", sources[i], n);
    }
}

/* -- states whose memory has run out -- */

#define COUNTED                                                                \
    "local n = 0 return { run = function(_, input) n = n + 1 "                 \
    "if input.burst then local t = {} for i = 1, 1e9 do t[i] = { i } end end " \
    "return n end }"

static unsigned
count(void)
{
    struct play *p = stage_play("POST /x", "{}");
    assert_int_equal(p->status, 200);
    unsigned n = (unsigned)strtoul(p->body, NULL, 10);
    stage_end(&p);
    return n;
}

static void
a_state_whose_memory_has_run_out_is_replaced(void **state)
{
    (void)state;
    load(COUNTED, "");
    for (unsigned round = 0; round < 3; round++) {
        assert_int_equal(count(), 1);
        assert_int_equal(count(), 2);
        (void)turns_of("{\"burst\":true}", 500);
        for (unsigned i = 0; i < 1000; i++) /* nobody waits for that */
            stage_turn(0);
    }
}

/* It would have the others wait, again and again. */
static void
a_state_that_takes_long_to_load_stays(void **state)
{
    (void)state;
    load("for i = 1, 60000000 do end " COUNTED, ", max_instructions: 1000000000");
    assert_int_equal(count(), 1);
    (void)turns_of("{\"burst\":true}", 500);
    for (unsigned i = 0; i < 1000; i++)
        stage_turn(0);
    assert_int_equal(count(), 3);
    assert_int_equal(count(), 4);
}

static int
open_folder(void **state)
{
    return mkdtemp(folder) == NULL ? -1 : stage_open(state);
}

static int
close_folder(void **state)
{
    char path[200];
    snprintf(path, sizeof path, "%s/it.lua", folder);
    (void)unlink(path);
    snprintf(path, sizeof path, "%s/turns.yaml", folder);
    (void)unlink(path);
    (void)rmdir(folder);
    return stage_close(state);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(others_have_their_turn_within_functions_of_the_library),
        cmocka_unit_test(a_state_whose_memory_has_run_out_is_replaced),
        cmocka_unit_test(a_state_that_takes_long_to_load_stays),
    };
    return cmocka_run_group_tests(tests, open_folder, close_folder);
}

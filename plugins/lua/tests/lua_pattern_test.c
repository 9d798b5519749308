/* lua/tests/lua_pattern_test.c - patterns find what Lua's own find: compared with the library
 * itself, on patterns and subjects that chance makes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../pattern.c"
#include "../pattern_compile.c"

#define CASES 30000u

/* What is needed of Lua, which this test is not linked with. */
static struct {
    void *(*newstate)(void);
    void (*openlibs)(void *);
    int (*loadstring)(void *, const char *);
    int (*pcallk)(void *, int, int, int, intptr_t, void *);
    const char *(*pushlstring)(void *, const char *, size_t);
    const char *(*tolstring)(void *, int, size_t *);
    void (*settop)(void *, int);
    void (*pushvalue)(void *, int);
    void (*close)(void *);
} lua;

static void *
symbol(void *library, const char *name)
{
    void *s = dlsym(library, name);
    assert_non_null(s);
    return s;
}

static void
open_lua(void)
{
    void *library = dlopen("liblua5.4.so.0", RTLD_NOW | RTLD_LOCAL);
    assert_non_null(library);
    *(void **)&lua.newstate = symbol(library, "luaL_newstate");
    *(void **)&lua.openlibs = symbol(library, "luaL_openlibs");
    *(void **)&lua.loadstring = symbol(library, "luaL_loadstring");
    *(void **)&lua.pcallk = symbol(library, "lua_pcallk");
    *(void **)&lua.pushlstring = symbol(library, "lua_pushlstring");
    *(void **)&lua.tolstring = symbol(library, "lua_tolstring");
    *(void **)&lua.settop = symbol(library, "lua_settop");
    *(void **)&lua.pushvalue = symbol(library, "lua_pushvalue");
    *(void **)&lua.close = symbol(library, "lua_close");
}

/* Gives the match as text: from, to and the captures; "none", or "refused". */
static const char program[] =
    "local s, p = ...\n"
    "local ok, all = pcall(function() return table.pack(string.find(s, p)) end)\n"
    "if not ok then return 'refused' end\n"
    "if not all[1] then return 'none' end\n"
    "for i = 1, all.n do all[i] = math.type(all[i]) and '#' .. all[i] or '\"' .. all[i] end\n"
    "return table.concat(all, ' ')\n";

static uint64_t seed = 88172645463325252u;

static unsigned
chance(unsigned n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)(seed % n);
}

static void
make_pattern(char *ret)
{
    static const char *const parts[] = { "a",     "b",     "c",    ".",    "%a",    "%d",
                                         "[ab]",  "[^a]",  "(",    ")",    "()",    "%1",
                                         "%b()",  "%f[a]", "$",    "^",    "[a-c]", "%W",
                                         "[%d_]", "%%",    "[]a]", "[a-]", "x",     "%s" };
    static const char *const repeats[] = { "", "", "", "*", "+", "-", "?" };
    ret[0] = '\0';
    for (unsigned i = 0, n = 1 + chance(7); i < n; i++) {
        strcat(ret, parts[chance(sizeof parts / sizeof *parts)]);
        strcat(ret, repeats[chance(7)]);
    }
}

static void
make_subject(char *ret)
{
    static const char letters[] = "aabbc1_ ()x%";
    unsigned n = chance(14);
    for (unsigned i = 0; i < n; i++)
        ret[i] = letters[chance(sizeof letters - 1)];
    ret[n] = '\0';
}

/* The same text by our own. */
static void
find_ours(const char *text, const char *subject, char *ret)
{
    static struct pattern p;
    const char *why;
    struct pattern_match m = { .subject = subject,
                               .end = subject + strlen(subject),
                               .steps = 1000000 };
    if (!pattern_compile(&p, text, strlen(text), &why)) {
        strcpy(ret, "refused");
        return;
    }
    enum pattern_result r = pattern_find(&p, &m, subject);
    while (r == PATTERN_PAUSED)
        r = pattern_go_on(&p, &m);
    if (r != PATTERN_YES) {
        strcpy(ret, "none");
        return;
    }
    ret += sprintf(ret, "#%td #%td", m.from - subject + 1, m.to - subject);
    for (unsigned i = 0; i < p.n_captures; i++) {
        const struct pattern_capture *c = &m.captures[i];
        if (c->position)
            ret += sprintf(ret, " #%td", c->at - subject + 1);
        else
            ret += sprintf(ret, " \"%.*s", (int)c->len, c->at);
    }
}

/* Lua refuses a pattern only when it comes to what is wrong in it; ours does so at once. */
static void
the_same_is_found_as_by_lua_itself(void **state)
{
    (void)state;
    unsigned found = 0;
    open_lua();
    void *L = lua.newstate();
    lua.openlibs(L);
    assert_int_equal(lua.loadstring(L, program), 0);
    for (unsigned i = 0; i < CASES; i++) {
        char pattern[128], subject[32], ours[512];
        make_pattern(pattern);
        make_subject(subject);
        if (strpbrk(pattern, "^$*+?.([%-") == NULL)
            continue; /* to string.find that is plain text */
        lua.pushvalue(L, 1);
        lua.pushlstring(L, subject, strlen(subject));
        lua.pushlstring(L, pattern, strlen(pattern));
        assert_int_equal(lua.pcallk(L, 2, 1, 0, 0, NULL), 0);
        const char *theirs = lua.tolstring(L, -1, NULL);
        find_ours(pattern, subject, ours);
        found += ours[0] == '#';
        if (strcmp(ours, theirs) != 0 && strcmp(ours, "refused") != 0)
            fail_msg("'%s' on '%s': %s instead of %s", pattern, subject, ours, theirs);
        if (strcmp(ours, "refused") == 0 && theirs[0] == '#')
            fail_msg("'%s' on '%s' is refused; Lua finds %s", pattern, subject, theirs);
        lua.settop(L, 1);
    }
    lua.close(L);
    assert_true(found > CASES / 10);
}

static void
classes_are_those_of_ascii(void **state)
{
    (void)state;
    static struct pattern p;
    const char *why;
    assert_true(pattern_compile(&p, "%a", 2, &why));
    for (unsigned i = 0; i < 256; i++) {
        char byte = (char)i;
        struct pattern_match m = { .subject = &byte, .end = &byte + 1, .steps = 100 };
        bool letter = (i | 0x20) >= 'a' && (i | 0x20) <= 'z' && i < 128;
        assert_int_equal(pattern_find(&p, &m, &byte), letter ? PATTERN_YES : PATTERN_NO);
    }
}

static void
steps_run_out(void **state)
{
    (void)state;
    static struct pattern p;
    const char *why;
    char subject[200];
    memset(subject, 'a', sizeof subject);
    assert_true(pattern_compile(&p, ".-.-.-b", 7, &why));
    struct pattern_match m = { .subject = subject,
                               .end = subject + sizeof subject,
                               .steps = 10000 };
    assert_int_equal(pattern_find(&p, &m, subject), PATTERN_SPENT);
    assert_int_equal(m.steps, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_is_found_as_by_lua_itself),
        cmocka_unit_test(classes_are_those_of_ascii),
        cmocka_unit_test(steps_run_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

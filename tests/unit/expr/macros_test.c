/* unit/expr/macros_test.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "world.h"

static void
all_and_exists_stop_at_the_item_that_decides(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "l.all(x, x > 0)", "true" },
        { "l.all(x, x > 1)", "false" },
        { "[].all(x, nope)", "true" },
        { "l.exists(x, x == 2)", "true" },
        { "l.exists(x, x == 9)", "false" },
        { "[].exists(x, true)", "false" },
        { "l.exists(x, x == 3 || nope)", "true" },
        { "l.exists(x, x == 9 || nope)", "script: there is no 'nope' here" },
        { "l.all(x, x < 3 && nope)", "false" },
        { "l.all(x, x < 9 && nope)", "script: there is no 'nope' here" },
        { "l.all(x, x < 9 && broken)", "invalid: the body is no JSON" },
        { "l.all(x, x < 3 && broken)", "false" },
        { "l.all(x, l.all(y, x * y < 9 && broken)) || t", "true" },
        { "l.all(x, x)", "script: x: must be a bool, and is an int" },
        { "mm.all(k, k.startsWith('k'))", "true" },
        { "mm.exists(k, mm[k] == 2)", "true" },
    };
    check_rows(rows, N(rows));
}

static void
exists_one_counts_and_forgives_nothing(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "l.exists_one(x, x == 2)", "true" },
        { "l.exists_one(x, x > 1)", "false" },
        { "l.exists_one(x, x > 9)", "false" },
        { "l.exists_one(x, x == 2 || x > 2 && nope)", "script: there is no 'nope' here" },
    };
    check_rows(rows, N(rows));
}

static void
map_and_filter_make_lists(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "l.map(x, x * 2)", "[2,4,6]" },
        { "l.map(x, x > 1, x * 2)", "[4,6]" },
        { "l.filter(x, x != 2)", "[1,3]" },
        { "mm.map(k, k)", "[\"k1\",\"k2\"]" },
        { "mm.map(k, {'name': k, 'value': mm[k]})",
          "[{\"name\":\"k1\",\"value\":1},{\"name\":\"k2\",\"value\":2}]" },
        { "mm.filter(k, mm[k] > 1)", "[\"k2\"]" },
        { "[].map(x, x)", "[]" },
        { "l.map(x, s + string(x)).join('|')",
          "\"Hello, W\xc3\xb6rld1|Hello, W\xc3\xb6rld2|Hello, W\xc3\xb6rld3\"" },
        { "l.map(x, l.map(y, x * y))", "[[1,2,3],[2,4,6],[3,6,9]]" },
        { "l.map(x, l.filter(x, x > 1))", "[[2,3],[2,3],[2,3]]" },
        { "l.map(x, x).map(x, x + 1)", "[2,3,4]" },
        { "steps.rows.filter(r, r.id > 1)[0].id", "2" },
        { "[m].map(x, x.x.y)", "[2]" },
        { "ls.map(url, url.size())", "[1,1]" },
        { "ls.map(json, json.upperAscii())", "[\"X\",\"Y\"]" },
        { "l.map(x, nope)", "script: there is no 'nope' here" },
        { "l.map(x, x > 1, nope)", "script: there is no 'nope' here" },
        { "l.filter(x, x)", "script: x: must be a bool, and is an int" },
        { "l.map(x, x) + [x]", "script: there is no 'x' here" },
    };
    check_rows(rows, N(rows));
}

/* Lists of few items stand on the stack, those of many do not; what comes out is the same. */
static void
short_and_long_lists_are_alike(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "[a, 2, a + 2].filter(x, x != 2)", "[1,3]" },
        { "[a, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16].filter(x, x > 15)", "[16]" },
        { "[a, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17].filter(x, x > 15)",
          "[16,17]" },
        { "[[a, 2, 3, 4, 5, 6, 7, 8], [a, 2, 3, 4, 5, 6, 7, 8, 9], [b]].map(x, x.size())",
          "[8,9,1]" },
        { "[[a], l, []].filter(x, x.size() > 0)", "[[1],[1,2,3]]" },
        { "[s + s, 'k' + s].filter(x, x.startsWith('k'))[0]", "\"kHello, W\xc3\xb6rld\"" },
        { "[m, mm].filter(x, 'k1' in x)[0].k2", "2" },
        { "[a, [b, [a, [b]]]][1][1][1][0]", "2" },
        { "mm.filter(k, t) + ['k' + string(a)]", "[\"k1\",\"k2\",\"k1\"]" },
        { "l.map(x, [x, x * x].filter(y, y > 2))", "[[],[4],[3,9]]" },
        { "l.map(x, [s, x, [x]])[2]", "[\"Hello, W\xc3\xb6rld\",3,[3]]" },
        { "l.filter(x, [x, a].filter(y, y == 1).size() == 2)", "[1]" },
        { "l.exists(x, [x, b] == [3, 2]) ? [l, [a]] : []", "[[1,2,3],[1]]" },
        { "{'a': [a, 'x' + s], 'b': []}", "{\"a\":[1,\"xHello, W\xc3\xb6rld\"],\"b\":[]}" },
        { "[[nul, e]].filter(x, t)", "[[null,\"\"]]" },
        { "[raw, a][1]", "1" },
        { "[lent, 'x'].filter(x, x == 'lent')", "[\"lent\"]" },
        { "[a, nope]", "script: there is no 'nope' here" },
        { "[a, m?.nope]", "script: m?.nope: nothing is there; give it a default with ??" },
        { "[a, b].filter(x, x)", "script: x: must be a bool, and is an int" },
        { "[a, b][2]", "script: [a, b] has no item 2, only 2" },
    };
    check_rows(rows, N(rows));
}

static void
only_lists_and_maps_are_looped_over(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "s.map(x, x)", "script: s: must be a list or a map, and is a string" },
        { "a.all(x, t)", "script: a: must be a list or a map, and is an int" },
        { "nul.map(x, x)", "script: nul: must be a list or a map, and is null" },
        { "nul?.map(x, x) ?? []", "[]" },
        { "m?.nope.map(x, x) ?? []", "[]" },
        { "m.nope.map(x, x)", "script: m has no field 'nope'" },
        { "nope.map(x, x)", "script: there is no 'nope' here" },
    };
    check_rows(rows, N(rows));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_and_exists_stop_at_the_item_that_decides),
        cmocka_unit_test(exists_one_counts_and_forgives_nothing),
        cmocka_unit_test(map_and_filter_make_lists),
        cmocka_unit_test(short_and_long_lists_are_alike),
        cmocka_unit_test(only_lists_and_maps_are_looped_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* unit/expr/eval_access_test.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "world.h"

static void
chains_reach_fields_and_items(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "m.x.y", "2" },
        { "m['x'][\"y\"]", "2" },
        { "m[\"with-dash\"]", "7" },
        { "l[0]", "1" },
        { "l[size(l) - 1]", "3" },
        { "l[d * 2.0 - 1.0]", "3" },
        { "m[ls[0]].y", "2" },
        { "steps.rows[1].id", "2" },
        { "[10, 20][b - 1]", "20" },
        { "{'a': {'b': 5}}.a.b", "5" },
        { "json.decode('{\"q\":[1,2]}').q[1]", "2" },
        { "(m).x.y", "2" },
        { "m.x .y", "2" },
        { "lent", "\"lent\"" },
        { "lent + lent", "\"lentlent\"" },
        { "{'in': 1}.in", "1" },
        { "{'if': {'true': 2}}.if.true", "2" },
    };
    check_rows(rows, N(rows));
}

static void
a_field_that_is_not_there_is_an_error_that_names_the_path(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "nope", "script: there is no 'nope' here" },
        { "nope.x", "script: there is no 'nope' here" },
        { "steps.user.name", "script: steps.user has no field 'name'; did you mean 'nmae'?" },
        { "m.x.zzzz", "script: m.x has no field 'zzzz'" },
        { "m[\"x\"].zzzz", "script: m[\"x\"] has no field 'zzzz'" },
        { "m[s]", "script: m has no field 'Hello, W\xc3\xb6rld'" },
        { "l[3]", "script: l has no item 3, only 3" },
        { "l[a - 2]", "script: l: an index can't be negative" },
        { "steps.rows[2].id", "script: steps.rows has no item 2, only 2" },
        { "steps.rows[0].idd", "script: steps.rows[0] has no field 'idd'; did you mean 'id'?" },
        { "l.map(x, x.id)", "script: x is an int and has no field 'id'" },
        { "steps.rows.map(row, row.di)", "script: row has no field 'di'" },
        { "l['x']", "script: l is a list and has no field 'x'; its items are reached by [0]" },
        { "m[0]", "script: m is a map and has no items; its fields are reached by [\"key\"]" },
        { "s.x", "script: s is a string and has no field 'x'" },
        { "s[0]", "script: s is a string and has no items" },
        { "l[t]", "script: t: an index is an int or a string, and this is a bool" },
        { "l[d]", "script: d: an index is an int or a string, and this is a double" },
        { "l[m?.nope]", "script: m?.nope: nothing is there; give it a default with ??" },
        { "broken.x", "invalid: the body is no JSON" },
        { "broken ?? 1", "invalid: the body is no JSON" },
    };
    check_rows(rows, N(rows));
}

static void
null_has_no_parts(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, false);
    assert_string_equal(world_eval(&w, "nul.x"),
                        "script: nul is null and has no parts; ?. allows for that");
    assert_string_equal(world_eval(&w, "m.nul[0]"),
                        "script: m.nul is null and has no parts; ?. allows for that");
    world_fini(&w);
}

static void
optional_access_gives_what_is_there_or_nothing(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "m?.x", "{\"y\":2}" },
        { "m?.x.y", "2" },
        { "m?.x?.y", "2" },
        { "m?.nope", "absent" },
        { "m?.nope.y.z", "absent" },
        { "m.nope?.y", "absent" },
        { "m.nope?.y.z[0]", "absent" },
        { "nope?.x", "absent" },
        { "nul?.x", "absent" },
        { "steps.none?.body", "absent" },
        { "steps.gone?.body", "absent" },
        { "steps?.gone", "absent" },
        { "m?.[\"x\"].y", "2" },
        { "m?.[\"nope\"]", "absent" },
        { "l?.[7]", "absent" },
        { "(m?.nope).z", "absent" },
        { "m?.nope.trim()", "absent" },
        { "m?.nope?.trim()", "absent" },
        { "m.nope?.trim()", "absent" },
        { "nul?.trim()", "absent" },
        { "m?.nope.map(x, x)", "absent" },
        { "m.nul?.map(x, x)", "absent" },
        { "m?.x.nope", "script: m?.x has no field 'nope'" },
        { "m.x?.y.z", "script: m.x?.y is an int and has no field 'z'" },
        { "s?.x", "script: s is a string and has no field 'x'" },
        { "a?.1:2", "script: a: must be a bool, and is an int" },
    };
    check_rows(rows, N(rows));
}

static void
a_default_stands_in_for_what_is_absent_or_null(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "m.x.y ?? 9", "2" },
        { "m.nope ?? 9", "9" },
        { "m.nope.deep.er ?? 9", "9" },
        { "nope ?? 9", "9" },
        { "nul ?? 9", "9" },
        { "nul.x.y ?? 9", "9" },
        { "m.nul ?? 9", "9" },
        { "m?.nope ?? 9", "9" },
        { "l[7] ?? 9", "9" },
        { "m[s] ?? 9", "9" },
        { "nope ?? m.nope ?? 9", "9" },
        { "nope ?? m.nope ?? l[0]", "1" },
        { "(nope ?? m.nope) ?? 9", "9" },
        { "(m.nope).z ?? 9", "9" },
        { "f ? 1 : nope ?? 9", "9" },
        { "nope ?? t ? 1 : 2", "1" },
        { "a + (m.nope ?? 1)", "2" },
        { "t || nope ?? f",
          "parse 0+9: 't || nope' can't be absent or null; ?? binds loosely, so "
          "put it in parentheses: x + (a.b ?? c)" },
        { "nul?.trim() ?? 'd'", "\"d\"" },
        { "json.decode('{\"a\":null}').a ?? 9", "9" },
        { "json.decode('{\"a\":null}').b.c ?? 9", "9" },
        { "{'a': 1}.b ?? 9", "9" },
        { "null ?? 9", "9" },
        { "nope ?? m.nope", "script: m has no field 'nope'" },
        { "nope ?? m?.nope", "absent" },
        { "s.x ?? 9", "script: s is a string and has no field 'x'" },
        { "m.nope.trim() ?? 9", "script: m has no field 'nope'" },
        { "(1 / (a - 1)) ?? 9",
          "parse 1+11: '1 / (a - 1)' can't be absent or null; ?? needs an "
          "access on its left, such as a.b ?? c" },
        { "'x' ?? 9",
          "parse 0+3: ''x'' can't be absent or null; ?? needs an access on its left, "
          "such as a.b ?? c" },
    };
    check_rows(rows, N(rows));
}

static void
has_tells_whether_a_field_is_there(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "has(m.x)", "true" },
        { "has(m.nul)", "true" },
        { "has(m.nope)", "false" },
        { "has(m.nope.deep)", "false" },
        { "has(nope.x)", "false" },
        { "has(nul.x)", "false" },
        { "has(m[\"with-dash\"])", "true" },
        { "has(l[2])", "true" },
        { "has(l[3])", "false" },
        { "has({'a': 1}.a)", "true" },
        { "has({'a': 1}.b)", "false" },
        { "!has(m.x) || m.x.y == 2", "true" },
        { "has(broken.x)", "invalid: the body is no JSON" },
        { "has(m)", "parse 4+1: has() needs a field, such as has(a.b)" },
        { "has(1)", "parse 4+1: has() needs a field, such as has(a.b)" },
        { "has(m.x.y == 1)", "parse 4+10: has() needs a field, such as has(a.b)" },
        { "has(m.x, 1)", "parse 0+3: has takes 1 argument: has(a.b)" },
    };
    check_rows(rows, N(rows));
}

static void
an_absent_result_leaves_a_key_out_and_is_an_error_elsewhere(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "{'a': 1, 'b': m?.nope, 'c': 2}", "{\"a\":1,\"c\":2}" },
        { "{'a': {'b': m?.nope}}", "{\"a\":{}}" },
        { "{'a': t ? m?.nope : 1}", "{}" },
        { "[m?.nope]", "script: m?.nope: nothing is there; give it a default with ??" },
        { "size(m?.nope)", "script: m?.nope: nothing is there; give it a default with ??" },
        { "m?.nope + 1", "script: m?.nope: nothing is there; give it a default with ??" },
        { "m?.nope ? 1 : 2", "script: m?.nope: nothing is there; give it a default with ??" },
        { "{(m?.nope): 1}", "script: m?.nope: nothing is there; give it a default with ??" },
        { "l.map(x, m?.nope)", "script: m?.nope: nothing is there; give it a default with ??" },
    };
    check_rows(rows, N(rows));
}

static void
maps_are_made_with_keys_that_are_strings(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "{}", "{}" },
        { "{'a': 1, \"b\": [a, b],}", "{\"a\":1,\"b\":[1,2]}" },
        { "{s: a}", "{\"Hello, W\xc3\xb6rld\":1}" },
        { "{'a' + 'b': 1}", "{\"ab\":1}" },
        { "{lent: 1, lent: 2}", "{\"lent\":2}" },
        { "{a: 1}", "script: a: a key must be a string, this is an int" },
        { "{1: 1}", "parse 1+1: a key must be a string, such as \"key\"" },
        { "{'a': 1, 'a': 2}", "parse 9+3: this key is there twice" },
    };
    check_rows(rows, N(rows));
}

static void
the_environment_is_asked_once_for_a_chain_of_constant_keys(void **state)
{
    (void)state;
    struct world w;
    world_init(&w, true);
    assert_string_equal(world_eval(&w, "m.x[\"y\"] == 2"), "true");
    assert_int_equal(w.finds, 1);
    world_fini(&w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chains_reach_fields_and_items),
        cmocka_unit_test(a_field_that_is_not_there_is_an_error_that_names_the_path),
        cmocka_unit_test(null_has_no_parts),
        cmocka_unit_test(optional_access_gives_what_is_there_or_nothing),
        cmocka_unit_test(a_default_stands_in_for_what_is_absent_or_null),
        cmocka_unit_test(has_tells_whether_a_field_is_there),
        cmocka_unit_test(an_absent_result_leaves_a_key_out_and_is_an_error_elsewhere),
        cmocka_unit_test(maps_are_made_with_keys_that_are_strings),
        cmocka_unit_test(the_environment_is_asked_once_for_a_chain_of_constant_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* unit/pipeline/named_test.c - parts of a configuration that stand under a name in weir.yaml.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "expect.h"

#include "pipeline/settings.h"
#include "value/json.h"

static const struct weir_node_type nodes[] = {
    TYPE("send", WEIR_JSON({
        "type": "object",
        "additionalProperties": false,
        "$defs": {
            "people": {
                "x-weir-named": { "kind": "people" },
                "type": "array",
                "items": { "type": "object", "additionalProperties": false, "required": ["name"],
                           "properties": { "name": { "type": "string" }, "wait": { "type": "string", "format": "duration" } } }
            }
        },
        "properties": {
            "to": { "$ref": "#/$defs/people" },
            "style": {
                "x-weir-named": { "kind": "styles", "built_in": { "plain": { "bold": false } } },
                "type": "object",
                "additionalProperties": false,
                "properties": { "bold": { "type": "boolean" }, "to": { "$ref": "#/$defs/people" } }
            }
        }
    })),
};

static const struct weir_plugin plugin = {
    .abi_major = WEIR_ABI_MAJOR,
    .abi_minor = WEIR_ABI_MINOR,
    .size = sizeof plugin,
    .name = "send",
    .version = "1.0.0",
    .nodes = nodes,
    .n_nodes = 1,
};

static struct registry *
with_send(void)
{
    struct registry *r = fake_registry();
    struct weir_error err;
    assert_int_equal(registry_add(r, &plugin, &err), WEIR_OK);
    return r;
}

static const char usual[] = "resources:\n"
                            "  people:\n"
                            "    team: [{ name: \"${ vars.a }\", wait: 5s }, { name: bob }]\n";

static void
assert_with(const char *settings, const char *yaml, const char *said, const char *json)
{
    struct registry *r = with_send();
    expect_with(&r, settings, yaml, said, json);
}

static void
a_name_stands_for_what_weir_yaml_has(void **state)
{
    (void)state;
    assert_with(usual, "vars: { a: ada }\nsteps:\n  - send: { to: team }\n", "",
                "{\"to\":[{\"name\":\"${ vars.a }\",\"wait\":5000},{\"name\":\"bob\"}]}");
    assert_with("", "steps:\n  - send: { to: [{ name: ada }] }\n", "", "{\"to\":[{\"name\":\"ada\"}]}");
}

static void
a_name_may_stand_deep_in_a_configuration(void **state)
{
    (void)state;
    assert_with("resources:\n  people: { team: [{ name: bob }] }\n", "steps:\n  - send: { style: { bold: true, to: team } }\n", "",
                "{\"style\":{\"bold\":true,\"to\":[{\"name\":\"bob\"}]}}");
}

static void
some_are_always_there_unless_they_are_described_anew(void **state)
{
    (void)state;
    assert_with("", "steps:\n  - send: { style: plain }\n", "", "{\"style\":{\"bold\":false}}");
    assert_with("resources:\n  styles: { plain: { bold: true } }\n", "steps:\n  - send: { style: plain }\n", "", "{\"style\":{\"bold\":true}}");
}

static void
a_name_that_nothing_has_is_one_error_at_its_place(void **state)
{
    (void)state;
    assert_with("resources:\n  people: { team: [] }\n", "steps:\n  - send: { to: teem, style: plan }\n",
                "2:17+4 W0510 nothing under resources.people has the name 'teem' | did you mean 'team'?\n"
                "2:30+4 W0510 nothing under resources.styles has the name 'plan' | did you mean 'plain'?\n", NULL);
    assert_with("", "steps:\n  - send: { to: everybody }\n",
                "2:17+9 W0510 nothing under resources.people has the name 'everybody' | describe it in weir.yaml: "
                "resources.people.everybody\n", NULL);
}

static void
what_is_wrong_with_a_part_is_said_in_weir_yaml(void **state)
{
    (void)state;
    assert_with("resources:\n  people:\n    team: [{ nam: bob }]\n  style: {}\n", "steps: []\n",
                "3:14+3 W0204 unknown key 'nam' in 'resources.people.team.0' | did you mean 'name'?\n"
                "4:3+5 W0503 unknown kind of resource 'style' | did you mean 'styles'?\n"
                , NULL);
    assert_with("resources:\n  people:\n    team: [{ name: 5 }]\n  styles:\n    loud: { to: team }\n", "steps: []\n",
                "3:20+1 W0208 resources.people.team.0.name must be a string\n"
                "5:17+4 W0208 resources.styles.loud.to must be an array\n", NULL); /* no name within one */
}

static void
editors_are_told_of_names(void **state)
{
    (void)state;
    struct registry *r = with_send();
    struct buf out;
    struct weir_error err;
    buf_init(&out, 1u << 22);
    const struct weir_value *v = settings_schema(r);
    assert_int_equal(json_write(&out, v, &err), WEIR_OK);
    assert_non_null(strstr(out.bytes, "\"people\":{\"description\":\"What may stand under a name in send.\""));
    assert_null(strstr(out.bytes, "x-weir-named"));
    value_unref(&v);
    buf_fini(&out);
    registry_free(&r);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_stands_for_what_weir_yaml_has),
        cmocka_unit_test(a_name_may_stand_deep_in_a_configuration),
        cmocka_unit_test(some_are_always_there_unless_they_are_described_anew),
        cmocka_unit_test(a_name_that_nothing_has_is_one_error_at_its_place),
        cmocka_unit_test(what_is_wrong_with_a_part_is_said_in_weir_yaml),
        cmocka_unit_test(editors_are_told_of_names),
    };
    return cmocka_run_group_tests_name("pipeline/named", tests, NULL, NULL);
}

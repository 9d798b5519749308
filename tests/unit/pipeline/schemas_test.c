/* tests/unit/pipeline/schemas_test.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "expect.h"

#include "pipeline/schemas.h"
#include "pipeline/yaml.h"
#include "value/json.h"

static bool
conforms(const struct schema *s, const char *yaml)
{
    struct diags d;
    diags_init(&d);
    struct yaml *y = yaml_read("a", text_of(yaml), &d);
    assert_non_null(y);
    const struct weir_value *v = yaml_value(y->root);
    bool good = schema_check(s, v, NULL, NULL);
    value_unref(&v);
    yaml_free(&y);
    diags_fini(&d);
    return good;
}

static void
editors_get_a_schema_of_all_types(void **state)
{
    (void)state;
    struct registry *r = fake_registry();
    const struct weir_value *doc = pipeline_schema(r);
    struct weir_error err;
    struct schema *s = NULL;
    if (schema_new(doc, NULL, NULL, &s, &err) != WEIR_OK)
        fail_msg("%s", err.text);

    assert_true(conforms(s, "steps: []"));
    assert_true(conforms(
        s,
        "name: a\ntrigger: { webhook: { path: /a } }\nsteps:\n"
        "  - id: a\n    http: { url: \"http://x\", method: \"${ input.m }\", timeout: 5s }\n"
        "    retry: { attempts: 3, on: [timeout, 503] }\n    timeout: 5s\n"
        "    catch: [ { log: x } ]\n"
        "  - switch: ${ input }\n    cases: { a: [ { set: 1 } ] }\n    default: []\n"
        "  - switch:\n    cases: [ { when: \"${ input }\", do: [] } ]\n"
        "  - delay: 5s\n  - parallel:\n    branches: { a: [] }\n"
        "  - lua: x\n    uses: { a: { set: 1 } }\n"
        "  - reply: { status: \"${ input.s }\" }\n  - validate: { max: \"${ input.m }\" }\n"));
    assert_true(conforms(s, "trigger: [ { webhook: /a }, { cron: {} } ]\nsteps: []"));
    assert_false(conforms(s, "name: a"));
    assert_false(conforms(s, "stepps: []\nsteps: []"));
    assert_false(conforms(s, "steps:\n  - htpp: {}"));
    assert_false(conforms(s, "steps:\n  - http: { urll: x }"));
    assert_false(conforms(s, "steps:\n  - http: { url: \"http://x\", method: 5 }"));
    assert_false(conforms(s, "steps:\n  - set: 1\n    timeout: 5"));
    assert_false(conforms(s, "steps:\n  - set: 1\n    do: []"));
    assert_false(conforms(s, "steps:\n  - reply: { status: 1 }"));
    assert_false(conforms(s, "steps:\n  - try:\n    do: [ { nope: 1 } ]"));

    const struct weir_value *url =
        value_pointer(doc, "/$defs/config.http/properties/method", 36);
    assert_non_null(value_field(url, "anyOf"));
    assert_non_null(value_field(url, "default"));
    schema_free(&s);
    value_unref(&doc);
    registry_free(&r);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(editors_get_a_schema_of_all_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

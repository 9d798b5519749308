/* unit/pipeline/resources_test.c - what nodes share by name: merged from weir.yaml, and described
 * alike by all.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "expect.h"

#include <unistd.h>

#include "pipeline/settings.h"
#include "value/json.h"

static const char weir_yaml[] =
    "resources:\n"
    "  breakers:\n"
    "    payment: { timeout: 5s, error_threshold: 20% }\n"
    "  limits:\n"
    "    front: { limits: { a: 10/60s } }\n"
    "  clients:\n"
    "    crm: { headers: { A: \"${ vars.a }\", B: b }, tls: { name: crm } }\n";

/* Loads TEXT with the resources above; compares what is said, and the first node as JSON. */
static void
assert_with(const char *text, const char *said, const char *json)
{
    struct registry *r = fake_registry();
    expect_with(&r, weir_yaml, text, said, json);
}

static void
a_node_gets_what_its_resource_has(void **state)
{
    (void)state;
    assert_with("steps:\n  - breaker: payment\n    do: []\n    fallback: []\n", "",
                "{\"name\":\"payment\",\"timeout\":5000,\"error_threshold\":0.2}");
    assert_with("steps:\n  - ratelimit: { name: front, key: k }\n", "",
                "{\"name\":\"front\",\"key\":\"k\",\"limits\":{\"a\":{\"count\":10,\"per_ms\":60000}}}");
    assert_with("steps:\n  - breaker: other\n    do: []\n    fallback: []\n", "",
                "{\"name\":\"other\",\"error_threshold\":0.5}");
}

static void
maps_of_its_own_are_joined(void **state)
{
    (void)state;
    assert_with("vars: { a: 1 }\nsteps:\n  - http: { client: crm, url: \"http://x\", headers: { B: c } }\n", "",
                "{\"client\":\"crm\",\"url\":\"http://x\",\"headers\":{\"B\":\"c\",\"A\":\"${ vars.a }\"},"
                "\"tls\":{\"name\":\"crm\",\"verify\":true},\"method\":\"GET\",\"stream\":false}");
}

static void
what_the_resource_has_is_not_the_nodes_to_set(void **state)
{
    (void)state;
    assert_with("steps:\n  - breaker: { name: payment, error_threshold: 20% }\n    do: []\n    fallback: []\n",
                "2:31+15 W0504 'error_threshold' of the breaker 'payment' is set in weir.yaml "
                "(resources.breakers.payment) | leave it out here, or there\n",
                NULL);
}

static void
a_name_that_has_to_be_defined_is_looked_for(void **state)
{
    (void)state;
    assert_with("steps:\n  - http: { client: crn, url: \"http://x\" }\n",
                "2:21+3 W0510 there is no client 'crn' | did you mean 'crm'?\n", NULL);
    assert_with("steps:\n  - http: { client: billing, url: \"http://x\" }\n",
                "2:21+7 W0510 there is no client 'billing' | describe it in weir.yaml: "
                "resources.clients.billing\n",
                NULL);
}

static void
an_expression_of_a_resource_sees_what_the_node_sees(void **state)
{
    (void)state;
    assert_with("steps:\n  - http: { client: crm, url: \"http://x\" }\n",
                "2:21+3 W0311 there is no 'a' in 'vars'\n", NULL);
}

static void
two_descriptions_of_one_thing_are_refused(void **state)
{
    (void)state;
    assert_fine("steps:\n"
                "  - breaker: { name: a, timeout: 5s }\n    do: []\n    fallback: []\n"
                "  - breaker: { name: a, timeout: 5000ms, error_threshold: 50% }\n    do: []\n    fallback: []\n"
                "  - breaker: { name: b, timeout: 6s }\n    do: []\n    fallback: []\n");
    assert_said("steps:\n"
                "  - breaker: { name: a, timeout: 5s }\n    do: []\n    fallback: []\n"
                "  - breaker: { name: a, timeout: 6s }\n    do: []\n    fallback: []\n",
                "5:25+7 W0504 'timeout' of the breaker 'a' is not as in p.yaml:2 | describe it once, in "
                "weir.yaml: resources.breakers.a\n");
    assert_said("steps:\n"
                "  - breaker: { name: a, timeout: 5s }\n    do: []\n    fallback: []\n"
                "  - breaker: a\n    do: []\n    fallback: []\n",
                "5:14+1 W0504 'timeout' of the breaker 'a' is not as in p.yaml:2 | describe it once, in "
                "weir.yaml: resources.breakers.a\n");
    assert_fine("steps:\n"
                "  - ratelimit: { name: a, key: x }\n"
                "  - ratelimit: { name: a, key: y }\n"
                "  - breaker: a\n    do: []\n    fallback: []\n"
                "  - breaker: { name: \"${ request.path }\", timeout: 1s }\n    do: []\n    fallback: []\n"
                "  - breaker: { name: \"${ request.path }\", timeout: 2s }\n    do: []\n    fallback: []\n");
}

static void
that_holds_over_all_files(void **state)
{
    (void)state;
    char folder[] = "/tmp/weir-resources-XXXXXX", names[2][64];
    assert_non_null(mkdtemp(folder));
    const char *files[2] = { names[0], names[1] };
    for (int i = 0; i < 2; i++) {
        snprintf(names[i], sizeof names[i], "%s/%d.yaml", folder, i);
        FILE *f = fopen(names[i], "w");
        assert_non_null(f);
        fprintf(f, "name: p%d\nsteps:\n  - breaker: { name: a, timeout: %ds }\n    do: []\n    fallback: []\n", i, i + 1);
        fclose(f);
    }
    struct registry *r = fake_registry();
    const struct load_options o = { .registry = r, .env_names = fake_environment };
    struct pipelines all;
    struct diags d;
    diags_init(&d);
    pipelines_load(files, 2, &o, &all, &d);
    assert_int_equal(d.n, 1);
    assert_int_equal(d.items[0].code, DIAG_RESOURCE_TWICE);
    assert_string_equal(d.items[0].file, names[1]);
    assert_non_null(strstr(d.items[0].message, "/0.yaml:3"));
    pipelines_free(&all);
    diags_fini(&d);
    registry_free(&r);
    for (int i = 0; i < 2; i++)
        (void)unlink(names[i]);
    (void)rmdir(folder);
}

/* What is said of weir.yaml itself. */
static void
assert_settings(const char *text, const char *said)
{
    struct registry *r = fake_registry();
    struct settings *s = settings_new();
    struct diags d;
    struct buf out;
    diags_init(&d);
    buf_init(&out, 65536);
    settings_read_text(s, "weir.yaml", text_of(text), &d);
    assert_int_equal(d.n, 0);
    settings_check_resources(s, r, &d);
    diags_sort(&d);
    write_diags(&d, &out);
    assert_string_equal(out.bytes, said);
    buf_fini(&out);
    diags_fini(&d);
    settings_free(&s);
    registry_free(&r);
}

static void
resources_are_checked_where_they_stand(void **state)
{
    (void)state;
    assert_settings("resources:\n  breakers:\n    payment: { timeot: 5s, error_threshold: 20 }\n",
                    "3:16+6 W0204 unknown key 'timeot' in 'resources.breakers.payment' | did you mean 'timeout'?\n"
                    "3:45+2 W0207 resources.breakers.payment.error_threshold must be a percentage such as 50% | "
                    "write '20%'\n");
    assert_settings("resources:\n  clients:\n    crm: { method: PATCH, client: x }\n",
                    "3:20+5 W0208 resources.clients.crm.method must be one of: 'GET', 'PUT', 'POST'\n"
                    "3:27+6 W0204 unknown key 'client' in 'resources.clients.crm'\n");
    assert_settings("resources:\n  breaker: { a: {} }\n  others: {}\n",
                    "2:3+7 W0503 unknown kind of resource 'breaker' | did you mean 'breakers'?\n"
                    "3:3+6 W0503 unknown kind of resource 'others' | known are breakers, clients, limits\n");
    assert_settings("shards: 1\n", "");
}

static void
editors_are_told_of_them(void **state)
{
    (void)state;
    struct registry *r = fake_registry();
    const struct weir_value *doc = settings_schema(r), *v = NULL;
    struct schema *schema = NULL;
    struct weir_error err;
    assert_int_equal(schema_new(doc, NULL, NULL, &schema, &err), WEIR_OK);
    static const struct {
        const char *json;
        bool good;
    } cases[] = {
        { "{\"resources\":{\"breakers\":{\"a\":{\"timeout\":\"5s\"}}}}", true },
        { "{\"resources\":{\"limits\":{\"a\":{\"limits\":{\"x\":\"1/s\"}}}}}", true },
        { "{\"resources\":{\"clients\":{\"a\":{\"stream\":\"${ vars.x }\"}}}}", true },
        { "{\"resources\":{\"clients\":{\"a\":{\"stream\":\"x\"}}}}", false },
        { "{\"resources\":{\"breakers\":{\"a\":{\"timeot\":\"5s\"}}}}", false },
        { "{\"resources\":{\"breaker\":{}}}", false },
    };
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(json_read(text_of(cases[i].json), NULL, NULL, &v, &err), WEIR_OK);
        if (schema_check(schema, v, NULL, NULL) != cases[i].good)
            fail_msg("%s", cases[i].json);
        value_unref(&v);
    }
    schema_free(&schema);
    value_unref(&doc);
    registry_free(&r);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_node_gets_what_its_resource_has),
        cmocka_unit_test(maps_of_its_own_are_joined),
        cmocka_unit_test(what_the_resource_has_is_not_the_nodes_to_set),
        cmocka_unit_test(a_name_that_has_to_be_defined_is_looked_for),
        cmocka_unit_test(an_expression_of_a_resource_sees_what_the_node_sees),
        cmocka_unit_test(two_descriptions_of_one_thing_are_refused),
        cmocka_unit_test(that_holds_over_all_files),
        cmocka_unit_test(resources_are_checked_where_they_stand),
        cmocka_unit_test(editors_are_told_of_them),
    };
    return cmocka_run_group_tests_name("pipeline/resources", tests, NULL, NULL);
}

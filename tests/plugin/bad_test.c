/* plugin/bad_test.c - plugins that are not right are refused, by name and reason, and the
 * others go on.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stage.h"

#include <stdio.h>
#include <string.h>

#include "engine/generation.h"

#define FOLDER WEIR_BUILD "/tests/bad_plugins"

static const struct {
    const char *name;
    const char *why;
} bad[] = {
    { "other_major", "it was built for ABI 2." },
    { "newer_minor", ": use a newer weir" },
    { "larger", "its descriptor has " },
    { "larger_type", "its node types have " },
    { "no_json", "node type nothing: its configuration schema is not JSON" },
    { "no_schema", "node type nothing: its configuration schema" },
    { "bad_pattern", "node type nothing: its configuration schema" },
    { "bad_name", "its name is not of the form" },
    { "taken_name", "the type name 'set' is taken by set" },
    { "bad_collection", "collection pipelines: its name is one of the admin's own" },
    { "no_symbol", "it has no symbol weir_plugin_entry" },
    { "null_entry", "weir_plugin_entry returned NULL" },
    { "undefined", "it can't be loaded" },
};

#define N_BAD (sizeof bad / sizeof *bad)

static void
each_is_refused_by_name_and_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_BAD; i++) {
        struct registry *r = registry_new(host_table());
        struct weir_error err = { 0 };
        const struct node_type *const *nodes;
        char path[512];
        assert_int_equal(registry_load(r, WEIR_BUILD "/plugins/set.so", &err), WEIR_OK);
        snprintf(path, sizeof path, FOLDER "/%s.so", bad[i].name);
        assert_int_not_equal(registry_load(r, path, &err), WEIR_OK);
        if (strstr(err.text, path) == NULL || strstr(err.text, bad[i].why) == NULL)
            fail_msg("%s: %s", bad[i].name, err.text);
        assert_int_equal(registry_nodes(r, &nodes), 1);
        registry_free(&r);
    }
}

static void
count(void *arg, const char *path, const struct weir_error *err)
{
    unsigned *n = arg;
    assert_non_null(strstr(err->text, path));
    ++*n;
}

static void
a_folder_of_bad_ones_is_gone_through_to_its_end(void **state)
{
    (void)state;
    struct registry *r = registry_new(host_table());
    struct weir_error err = { 0 };
    unsigned refused = 0;
    assert_int_equal(registry_load(r, WEIR_BUILD "/plugins/set.so", &err), WEIR_OK);
    assert_int_equal(registry_load_folder(r, FOLDER, count, &refused, &err), 0);
    assert_int_equal(refused, N_BAD);
    registry_free(&r);
}

static void
what_is_no_shared_object_is_refused(void **state)
{
    (void)state;
    struct registry *r = registry_new(host_table());
    struct weir_error err = { 0 };
    assert_int_not_equal(registry_load(r, WEIR_SOURCE "/packages.txt", &err), WEIR_OK);
    assert_non_null(strstr(err.text, "it can't be loaded: "));
    assert_non_null(strstr(err.text, WEIR_SOURCE "/packages.txt"));
    assert_int_not_equal(registry_load(r, "/nowhere/x.so", &err), WEIR_OK);
    assert_int_equal(registry_load_folder(r, "/nowhere", count, NULL, &err), 0);
    assert_int_equal(err.code, WEIR_NOT_FOUND);
    registry_free(&r);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_refused_by_name_and_reason),
        cmocka_unit_test(a_folder_of_bad_ones_is_gone_through_to_its_end),
        cmocka_unit_test(what_is_no_shared_object_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

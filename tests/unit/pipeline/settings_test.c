/* tests/unit/pipeline/settings_test.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "expect.h"

#include <unistd.h>

#include "pipeline/settings.h"
#include "value/json.h"

static void
assert_read(const char *text, const char *said, struct settings *s)
{
    struct diags d;
    struct buf out;
    diags_init(&d);
    buf_init(&out, 8192);
    settings_read_text(s, "weir.yaml", text_of(text), &d);
    diags_sort(&d);
    write_diags(&d, &out);
    if (strcmp(out.bytes, said) != 0)
        fail_msg("%s\nsaid:\n%s\nexpected:\n%s", text, out.bytes, said);
    buf_fini(&out);
    diags_fini(&d);
}

static void
defaults_are_those_of_the_limits(void **state)
{
    (void)state;
    struct settings *s = settings_new();
    assert_string_equal(settings_text(s, "edge.listen"), "127.0.0.1:8080");
    assert_string_equal(settings_text(s, "admin.listen"), "127.0.0.1:8081");
    assert_int_equal(settings_number(s, "edge.max_header_bytes"), 32768);
    assert_int_equal(settings_number(s, "edge.header_timeout"), 10000);
    assert_int_equal(settings_number(s, "edge.max_age"), 3600000);
    assert_int_equal(settings_number(s, "edge.min_body_rate"), 500);
    assert_int_equal(settings_number(s, "client.max_body"), 10 << 20);
    assert_int_equal(settings_number(s, "workers"), 4);
    assert_true(settings_bool(s, "log.access"));
    assert_true(settings_fraction(s, "client.retry_budget") == 0.2);
    assert_string_equal(settings_text(s, "log.format"), "auto");
    assert_null(settings_resources(s));
    settings_free(&s);
    assert_null(s);
}

static void
keys_may_be_nested_or_written_with_points(void **state)
{
    (void)state;
    struct settings *s = settings_new();
    assert_read(
        "edge:\n  listen: [127.0.0.1:1, \"[::1]:2\"]\n  max_body: 2MiB\nlog.level: debug\n"
        "log: { access: false }\nshards: 3\ntrusted_proxies: [10.0.0.0/8, \"::1\"]\n"
        "drain_timeout: 1m\nclient: { retry_budget: 5% }\n",
        "", s);
    assert_string_equal(settings_text(s, "edge.listen"), "127.0.0.1:1,[::1]:2");
    assert_int_equal(settings_number(s, "edge.max_body"), 2 << 20);
    assert_string_equal(settings_text(s, "log.level"), "debug");
    assert_false(settings_bool(s, "log.access"));
    assert_int_equal(settings_number(s, "shards"), 3);
    assert_int_equal(settings_number(s, "drain_timeout"), 60000);
    struct weir_text item;
    assert_true(settings_item(settings_text(s, "edge.listen"), 1, &item));
    assert_true(text_is(item, "[::1]:2"));
    assert_false(settings_item(settings_text(s, "edge.listen"), 2, &item));
    assert_true(settings_item(" a , b ", 1, &item));
    assert_true(text_is(item, "b"));
    assert_false(settings_item("", 0, &item));
    settings_free(&s);
}

static void
wrong_settings_are_told_with_their_place(void **state)
{
    (void)state;
    struct settings *s = settings_new();
    assert_read(
        "edge: { lisen: x, listen: \"nowhere\", max_headers: 0, body_timeout: 5 }\n"
        "shard: 1\nlog: { level: loud, access: 5 }\nadmin: 5\ntrusted_proxies: 10.0.0.0/33\n"
        "workers: [1]\n",
        "1:9+5 W0505 unknown setting 'edge.lisen' | did you mean 'edge.listen'?\n"
        "1:27+9 W0506 edge.listen: 'nowhere' is no address such as 127.0.0.1:8080\n"
        "1:51+1 W0506 edge.max_headers: must be a whole number from 1 to 128\n"
        "1:68+1 W0506 edge.body_timeout: \"5\" is not a duration such as 250ms, 5s, 1.5m, 2h "
        "or 3d"
        " | write '5s'\n"
        "2:1+5 W0505 unknown setting 'shard' | did you mean 'shards'?\n"
        "3:15+4 W0506 log.level: must be one of debug|info|warn|error\n"
        "3:29+1 W0506 log.access: must be true or false\n"
        "4:1+5 W0505 unknown setting 'admin'\n"
        "5:18+11 W0506 trusted_proxies: '10.0.0.0/33' is no address range such as 10.0.0.0/8\n"
        "6:1+7 W0506 workers: must be a number\n",
        s);
    assert_string_equal(settings_text(s, "edge.listen"), "127.0.0.1:8080");
    assert_read("- a\n", "1:3+1 W0201 the settings must be a map\n", s);
    assert_read("", "", s);
    settings_free(&s);
}

static void
resources_have_known_kinds(void **state)
{
    (void)state;
    struct settings *s = settings_new();
    assert_read("resources:\n  clients: { crm: { base_url: \"http://x\" } }\n", "", s);
    assert_non_null(value_field(value_field(settings_resources(s), "clients"), "crm"));
    assert_read(
        "resources:\n  clients: {}\n  limits: []\n  caches: { A: {}, b: 1 }\n",
        "3:3+6 W0503 a kind of resources must be a map from names to maps\n"
        "4:13+1 W0503 a resource's name is a lower-case letter, then letters, digits, _ and -\n"
        "4:20+1 W0503 a resource must be a map, or a list if its kind is one of lists\n",
        s);
    settings_free(&s);
}

static void
flags_set_one_key(void **state)
{
    (void)state;
    struct settings *s = settings_new();
    struct weir_error err;
    assert_int_equal(settings_set(s, "edge.listen", ":80,[::]:80", &err), WEIR_OK);
    assert_string_equal(settings_text(s, "edge.listen"), ":80,[::]:80");
    assert_int_equal(settings_set(s, "edge.lisen", "x", &err), WEIR_INVALID);
    assert_string_equal(err.text, "unknown setting 'edge.lisen'; did you mean 'edge.listen'?");
    assert_int_equal(settings_set(s, "shards", "-1", &err), WEIR_INVALID);
    assert_string_equal(err.text, "shards: must be a whole number from 0 to 62");
    assert_int_equal(settings_set(s, "edge.listen", "127.0.0.1:70000", &err), WEIR_INVALID);
    assert_int_equal(settings_set(s, "edge.listen", "::1:80", &err), WEIR_INVALID);
    settings_free(&s);
}

static void
the_environment_is_read(void **state)
{
    (void)state;
    char path[] = "/tmp/weir-token-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "hush\n", 5), 5);
    close(fd);
    setenv("WEIR_EDGE_MAX_BODY", "5KiB", 1);
    setenv("WEIR_ADMIN_TOKEN_FILE", path, 1);
    setenv("WEIR_SHARDS", "many", 1);
    setenv("WEIR_EDGE_LISTN", "x", 1);
    setenv("WEIR_SECRET_EDGE_LISTEN", "x", 1);
    struct settings *s = settings_new();
    struct diags d;
    struct buf out;
    diags_init(&d);
    buf_init(&out, 4096);
    settings_environment(s, &d);
    diags_sort(&d);
    write_diags(&d, &out);
    assert_string_equal(out.bytes,
                        "W0506 WEIR_SHARDS: shards: must be a whole number from 0 to 62\n"
                        "W0507 WEIR_EDGE_LISTN: is no setting"
                        " | did you mean 'WEIR_EDGE_LISTEN'?\n");
    assert_int_equal(settings_number(s, "edge.max_body"), 5120);
    assert_string_equal(settings_text(s, "admin.token"), "hush");
    unsetenv("WEIR_EDGE_MAX_BODY");
    unsetenv("WEIR_ADMIN_TOKEN_FILE");
    unsetenv("WEIR_SHARDS");
    unsetenv("WEIR_EDGE_LISTN");
    unsetenv("WEIR_SECRET_EDGE_LISTEN");
    unlink(path);
    buf_fini(&out);
    diags_fini(&d);
    settings_free(&s);
}

static void
a_change_is_found(void **state)
{
    (void)state;
    struct settings *a = settings_new();
    struct settings *b = settings_new();
    struct weir_error err;
    assert_null(settings_changed(a, b));
    assert_int_equal(settings_set(b, "shards", "2", &err), WEIR_OK);
    assert_string_equal(settings_changed(a, b), "shards");
    settings_free(&a);
    settings_free(&b);
}

static void
the_table_is_walked_and_makes_a_schema(void **state)
{
    (void)state;
    struct setting_info info;
    unsigned n = 0;
    bool listen = false;
    for (; settings_info(n, &info); n++) {
        assert_memory_equal(info.environment, "WEIR_", 5);
        assert_true(strlen(info.summary) > 10);
        listen |= strcmp(info.environment, "WEIR_EDGE_LISTEN") == 0;
    }
    assert_true(listen);
    assert_true(n > 30);

    struct weir_error err;
    struct schema *schema = NULL;
    const struct weir_value *doc = settings_schema(NULL);
    assert_int_equal(schema_new(doc, NULL, NULL, &schema, &err), WEIR_OK);
    const struct weir_value *v = NULL;
    assert_int_equal(
        json_read(TEXT("{\"edge\":{\"listen\":[\"127.0.0.1:1\"],\"max_body\":5},\"shards\":2,"
                       "\"log\":{\"level\":\"info\"},\"resources\":{\"limits\":{\"a\":{}}}}"),
                  NULL, NULL, &v, &err),
        WEIR_OK);
    assert_true(schema_check(schema, v, NULL, NULL));
    value_unref(&v);
    assert_int_equal(json_read(TEXT("{\"edge\":{\"lisen\":1}}"), NULL, NULL, &v, &err),
                     WEIR_OK);
    assert_false(schema_check(schema, v, NULL, NULL));
    value_unref(&v);
    schema_free(&schema);
    value_unref(&doc);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_those_of_the_limits),
        cmocka_unit_test(keys_may_be_nested_or_written_with_points),
        cmocka_unit_test(wrong_settings_are_told_with_their_place),
        cmocka_unit_test(resources_have_known_kinds),
        cmocka_unit_test(flags_set_one_key),
        cmocka_unit_test(the_environment_is_read),
        cmocka_unit_test(a_change_is_found),
        cmocka_unit_test(the_table_is_walked_and_makes_a_schema),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

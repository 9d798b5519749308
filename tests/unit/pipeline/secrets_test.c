/* tests/unit/pipeline/secrets_test.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "expect.h"

#include <sys/stat.h>
#include <unistd.h>

#include "pipeline/secrets.h"

static void
secrets_come_from_the_environment(void **state)
{
    (void)state;
    setenv("WEIR_SECRET_API_KEY", "hush hush", 1);
    setenv("WEIR_SECRET_api_key2", "x", 1);
    setenv("WEIR_SECRET_EMPTY", "", 1);
    setenv("WEIR_SECRET_RAW", "a\xff", 1);
    struct secrets *s = secrets_read(NULL, NULL);
    const struct weir_value *v = secrets_get(s, TEXT("API_KEY"));
    assert_non_null(v);
    assert_true(text_is(value_as_text(v), "hush hush"));
    assert_true(value_is_secret(v));
    assert_ptr_equal(secrets_get(s, TEXT("api_key")), v);
    assert_non_null(secrets_get(s, TEXT("api_key2")));
    assert_null(secrets_get(s, TEXT("API_KEY2")));
    assert_null(secrets_get(s, TEXT("EMPTY")));
    assert_null(secrets_get(s, TEXT("nope")));
    assert_int_equal(value_type(secrets_get(s, TEXT("RAW"))), WEIR_BYTES);
    char long_name[600];
    memset(long_name, 'a', sizeof long_name);
    assert_null(secrets_get(s, (struct weir_text){ long_name, sizeof long_name }));
    secrets_unref(&s);
    assert_null(s);
    secrets_unref(&s);
}

static void
they_are_masked_wherever_they_stand(void **state)
{
    (void)state;
    setenv("WEIR_SECRET_A", "hush", 1);
    setenv("WEIR_SECRET_B", "hush-hush", 1);
    setenv("WEIR_SECRET_C", "abc", 1);
    struct secrets *s = secrets_read(NULL, NULL);
    struct buf b;
    buf_init(&b, 1000);
    secrets_mask(s, &b);
    assert_int_equal(b.len, 0);
    buf_puts(&b, "hush, hush-hush-hush abc hushhush hus");
    secrets_mask(s, &b);
    assert_string_equal(b.bytes, "***, ***-*** abc ****** hus");
    assert_int_equal(b.len, strlen(b.bytes));
    buf_fini(&b);
    secrets_unref(&s);
}

static char folder[64];

static void
put(const char *name, const void *bytes, size_t len)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

static const char *
path_of(const char *name)
{
    static char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static int
clean(void **state)
{
    (void)state;
    (void)clearenv();
    strcpy(folder, "/tmp/weir-secrets-XXXXXX");
    return mkdtemp(folder) == NULL;
}

static int
sweep(void **state)
{
    char command[128];
    (void)state;
    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static const struct secrets_from no_file = { .file = "" };

static void
assert_secret(const struct secrets *s, const char *name, const char *value)
{
    const struct weir_value *v = secrets_get(s, text_of(name));
    assert_non_null(v);
    assert_true(value_is_secret(v));
    assert_true(text_is(value_as_text(v), value));
}

static void
a_file_that_a_variable_names_is_a_secret_without_its_last_line_end(void **state)
{
    (void)state;
    put("one", "hush\n", 5);
    put("two", "hush\n\n", 6);
    put("dos", "hush\r\n", 6);
    put("none", "hush", 4);
    put("empty", "\n", 1);
    static const char *const names[] = { "one", "two", "dos", "none", "empty" };
    for (unsigned i = 0; i < 5; i++) {
        char variable[64];
        (void)snprintf(variable, sizeof variable, "WEIR_SECRET_%s_FILE", names[i]);
        setenv(variable, path_of(names[i]), 1);
    }
    struct diags d;
    diags_init(&d);
    struct secrets *s = secrets_read(&no_file, &d);
    assert_int_equal(d.n, 0);
    assert_secret(s, "one", "hush");
    assert_secret(s, "two", "hush\n");
    assert_secret(s, "dos", "hush");
    assert_secret(s, "none", "hush");
    assert_null(secrets_get(s, TEXT("empty")));
    assert_null(secrets_get(s, TEXT("one_FILE")));
    secrets_unref(&s);
    diags_fini(&d);
}

static void
a_file_that_cannot_be_read_is_said_and_the_rest_is_there(void **state)
{
    static char much[SECRET_MAX + 1];
    (void)state;
    memset(much, 'x', sizeof much);
    put("much", much, sizeof much);
    put("most", much, sizeof much - 1);
    setenv("WEIR_SECRET_GONE_FILE", path_of("nowhere"), 1);
    setenv("WEIR_SECRET_FOLDER_FILE", folder, 1);
    setenv("WEIR_SECRET_MUCH_FILE", path_of("much"), 1);
    setenv("WEIR_SECRET_MOST_FILE", path_of("most"), 1);
    assert_int_equal(mkfifo(path_of("pipe"), 0600), 0);
    setenv("WEIR_SECRET_PIPE_FILE", path_of("pipe"), 1);
    struct diags d;
    struct buf text;
    diags_init(&d);
    buf_init(&text, 1u << 16);
    struct secrets *s = secrets_read(&no_file, &d);
    diags_text(&d, false, &text);
    assert_int_equal(d.errors, 4);
    assert_non_null(strstr(text.bytes, "WEIR_SECRET_GONE_FILE (/tmp/"));
    assert_non_null(strstr(text.bytes, "No such file"));
    assert_non_null(strstr(text.bytes, "a secret has at most 65536 bytes"));
    assert_non_null(secrets_get(s, TEXT("MOST")));
    assert_null(secrets_get(s, TEXT("MUCH")));
    buf_fini(&text);
    secrets_unref(&s);
    diags_fini(&d);
}

static void
credentials_are_secrets_of_their_file_names(void **state)
{
    (void)state;
    put("stripe", "sk_1\n", 5);
    put("raw", "a\0b", 3);
    put(".hidden", "x", 1);
    put("tls.key", "k", 1);
    put("9lives", "x", 1);
    put("WEIR_MASTER_KEY", "x", 1);
    put("WEIR_ADMIN_READ_TOKEN", "x", 1);
    put("AWS_SECRET_ACCESS_KEY", "of a pipeline", 13);
    setenv("CREDENTIALS_DIRECTORY", folder, 1);
    struct secret_info info;
    struct secrets *s = secrets_read(&no_file, NULL);
    assert_secret(s, "stripe", "sk_1");
    assert_secret(s, "tls.key", "k");
    assert_int_equal(value_as_text(secrets_get(s, TEXT("raw"))).len, 3);
    assert_null(secrets_get(s, TEXT("WEIR_MASTER_KEY")));
    assert_null(secrets_get(s, TEXT("WEIR_ADMIN_READ_TOKEN")));
    assert_secret(s, "AWS_SECRET_ACCESS_KEY", "of a pipeline");
    assert_true(secrets_info(s, 3, &info));
    assert_false(secrets_info(s, 4, &info));
    secrets_unref(&s);

    setenv("CREDENTIALS_DIRECTORY", "/nowhere/at/all", 1);
    struct diags d;
    diags_init(&d);
    s = secrets_read(&no_file, &d);
    assert_int_equal(d.errors, 1);
    secrets_unref(&s);
    diags_fini(&d);
}

static void
the_stronger_source_wins_and_says_what_it_hides(void **state)
{
    (void)state;
    put("a", "from credentials", 16);
    put("b", "from credentials", 16);
    put("c", "from credentials", 16);
    put("d", "from credentials", 16);
    put("file", "from file", 9);
    setenv("CREDENTIALS_DIRECTORY", folder, 1);
    setenv("WEIR_SECRET_a", "from variable", 1);
    setenv("WEIR_SECRET_a_FILE", path_of("file"), 1);
    setenv("WEIR_SECRET_b_FILE", path_of("file"), 1);
    setenv("WEIR_SECRET_C", "from variable", 1);
    struct secrets *s = secrets_read(&no_file, NULL);
    assert_secret(s, "a", "from variable");
    assert_secret(s, "b", "from file");
    assert_secret(s, "c", "from variable"); /* C is stronger than the credential c */
    assert_secret(s, "d", "from credentials");
    struct secret_info info;
    for (unsigned i = 0; secrets_info(s, i, &info); i++) {
        if (text_is(info.name, "a")) {
            assert_int_equal(info.source, SECRET_ENVIRONMENT);
            assert_int_equal(info.hides, 1u << SECRET_VARIABLE_FILE | 1u << SECRET_CREDENTIALS);
        }
        if (text_is(info.name, "b"))
            assert_int_equal(info.hides, 1u << SECRET_CREDENTIALS);
        assert_int_equal(info.hidden, text_is(info.name, "c"));
    }
    assert_int_equal(info.name.len, 4); /* the last one: the file "file" itself */
    secrets_unref(&s);
}

static void
a_changed_file_makes_a_set_stale_and_the_same_content_makes_equal_sets(void **state)
{
    (void)state;
    put("key", "one", 3);
    put("other", "1", 1);
    setenv("WEIR_SECRET_KEY_FILE", path_of("key"), 1);
    setenv("CREDENTIALS_DIRECTORY", folder, 1);
    struct secrets *a = secrets_read(&no_file, NULL);
    assert_false(secrets_stale(a));
    assert_true(secrets_equal(a, a));

    assert_int_equal(unlink(path_of("key")), 0);
    assert_true(secrets_stale(a));
    put("key", "one", 3);
    struct secrets *same = secrets_read(&no_file, NULL);
    assert_true(secrets_stale(a));
    assert_true(secrets_equal(a, same));
    assert_false(secrets_stale(same));

    put("key", "three", 5);
    struct secrets *b = secrets_read(&no_file, NULL);
    assert_true(secrets_stale(same));
    assert_false(secrets_equal(same, b));
    put("more", "1", 1);
    assert_true(secrets_stale(b));
    struct secrets *c = secrets_read(&no_file, NULL);
    assert_false(secrets_equal(b, c));
    assert_secret(a, "KEY", "one"); /* a set keeps its values */
    secrets_unref(&a);
    secrets_unref(&same);
    secrets_unref(&b);
    secrets_unref(&c);
}

static void
names_of_secrets_have_a_form(void **state)
{
    (void)state;
    assert_true(secret_name_valid(TEXT("a")));
    assert_true(secret_name_valid(TEXT("_a.B-9")));
    assert_false(secret_name_valid(TEXT("")));
    assert_false(secret_name_valid(TEXT("9a")));
    assert_false(secret_name_valid(TEXT("a/b")));
    assert_false(secret_name_valid(TEXT("a b")));
    assert_true(secrets_own_variable(TEXT("WEIR_SECRET_X")));
    assert_true(secrets_own_variable(TEXT("WEIR_MASTER_KEY")));
    assert_true(secrets_own_variable(TEXT("WEIR_ADMIN_TOKEN")));
    assert_true(secrets_own_variable(TEXT("WEIR_ADMIN_READ_TOKEN")));
    assert_true(secrets_own_variable(TEXT("WEIR_WS_REDIS")));
    assert_true(secrets_own_variable(TEXT("AWS_SECRET_ACCESS_KEY")));
    assert_true(secrets_own_variable(TEXT("AWS_SESSION_TOKEN")));
    assert_false(secrets_own_variable(TEXT("AWS_REGION")));
    assert_false(secrets_own_variable(TEXT("WEIR_EDGE_LISTEN")));
    assert_false(secrets_own_variable(TEXT("WEIR_SECRET_")));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(secrets_come_from_the_environment, clean, sweep),
        cmocka_unit_test_setup_teardown(they_are_masked_wherever_they_stand, clean, sweep),
        cmocka_unit_test_setup_teardown(a_file_that_a_variable_names_is_a_secret_without_its_last_line_end, clean, sweep),
        cmocka_unit_test_setup_teardown(a_file_that_cannot_be_read_is_said_and_the_rest_is_there, clean, sweep),
        cmocka_unit_test_setup_teardown(credentials_are_secrets_of_their_file_names, clean, sweep),
        cmocka_unit_test_setup_teardown(the_stronger_source_wins_and_says_what_it_hides, clean, sweep),
        cmocka_unit_test_setup_teardown(a_changed_file_makes_a_set_stale_and_the_same_content_makes_equal_sets, clean, sweep),
        cmocka_unit_test(names_of_secrets_have_a_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

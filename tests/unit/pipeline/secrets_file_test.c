/* tests/unit/pipeline/secrets_file_test.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "expect.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pipeline/secrets.h"
#include "pipeline/secrets_file.h"

#define KEY TEXT("0123456789abcdef")

static char folder[64];
static char path[128];

static int
clean(void **state)
{
    (void)state;
    (void)clearenv();
    strcpy(folder, "/tmp/weir-secrets-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return 1;
    (void)snprintf(path, sizeof path, "%s/var/secrets.enc", folder);
    return 0;
}

static int
sweep(void **state)
{
    char command[128];
    (void)state;
    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static const struct weir_value *
two_secrets(void)
{
    struct weir_builder *b = builder_map();
    const struct weir_value *v = value_text("sk_live_1");
    builder_set(b, "stripe", 6, &v);
    v = value_bytes("a\0\xff", 3);
    builder_set(b, "raw", 3, &v);
    return builder_end(&b);
}

/* Makes the folder and writes MAP. */
static void
write_map(const struct weir_value *map)
{
    struct weir_error err = { 0 };
    int lock = -1;
    assert_int_equal(secrets_file_lock(path, 0, &lock, &err), WEIR_OK);
    assert_int_equal(secrets_file_write(path, KEY, map, &err), WEIR_OK);
    secrets_file_unlock(&lock);
    assert_int_equal(lock, -1);
}

static unsigned
files_in(const char *where)
{
    unsigned n = 0;
    DIR *d = opendir(where);
    assert_non_null(d);
    while (readdir(d) != NULL)
        n++;
    closedir(d);
    return n - 2;
}

static void
what_was_written_is_read_and_is_for_its_owner_alone(void **state)
{
    (void)state;
    struct weir_error err = { 0 };
    struct stat st;
    const struct weir_value *map = two_secrets(), *back = NULL;
    write_map(map);
    write_map(map);
    assert_int_equal(secrets_file_read(path, KEY, &back, &err), WEIR_OK);
    assert_true(value_equal(map, back));
    assert_int_equal(value_type(value_field(back, "raw")), WEIR_BYTES);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    (void)snprintf(folder + strlen(folder), 8, "/var");
    assert_int_equal(files_in(folder), 2); /* it and its lock: nothing temporary stays */
    folder[strlen(folder) - 4] = '\0';
    value_unref(&map);
    value_unref(&back);
}

static void
errors_say_what_is_wrong(void **state)
{
    (void)state;
    struct weir_error err = { 0 };
    const struct weir_value *map = two_secrets(), *back = NULL;
    assert_int_equal(secrets_file_read(path, KEY, &back, &err), WEIR_NOT_FOUND);
    write_map(map);
    assert_int_equal(secrets_file_read(path, TEXT("0123456789abcdeF"), &back, &err), WEIR_FORBIDDEN);
    assert_int_equal(secrets_file_write(path, TEXT("short"), map, &err), WEIR_INVALID);
    assert_non_null(strstr(err.text, "the key is too short: 16 bytes at least"));
    assert_int_equal(truncate(path, 70), 0);
    assert_int_equal(secrets_file_read(path, KEY, &back, &err), WEIR_INVALID);
    assert_non_null(strstr(err.text, "it is cut off: 6 of "));
    assert_int_equal(truncate(path, 0), 0);
    assert_int_equal(secrets_file_read(path, KEY, &back, &err), WEIR_INVALID);
    assert_null(back);
    value_unref(&map);
}

static void
what_cannot_be_written_leaves_what_was_there(void **state)
{
    (void)state;
    struct weir_error err = { 0 };
    struct stat st;
    int lock = -1;
    assert_int_equal(secrets_file_lock(path, 0, &lock, &err), WEIR_OK);
    assert_int_equal(mkdir(path, 0700), 0); /* not even root renames a file over a folder */
    assert_int_equal(secrets_file_write(path, KEY, &value_empty_map, &err), WEIR_UNAVAILABLE);
    assert_non_null(strstr(err.text, "secrets.enc can't be written: Is a directory"));
    assert_int_equal(stat(path, &st), 0);
    assert_true(S_ISDIR(st.st_mode));
    (void)snprintf(folder + strlen(folder), 8, "/var");
    assert_int_equal(files_in(folder), 2);
    folder[strlen(folder) - 4] = '\0';
    secrets_file_unlock(&lock);
}

static void
only_one_holds_the_lock(void **state)
{
    (void)state;
    struct weir_error err = { 0 };
    int one = -1, two = -1;
    assert_int_equal(secrets_file_lock(path, 0, &one, &err), WEIR_OK);
    assert_int_equal(secrets_file_lock(path, 60, &two, &err), WEIR_CONFLICT);
    assert_int_equal(two, -1);
    assert_non_null(strstr(err.text, "another weir secrets is changing"));
    secrets_file_unlock(&one);
    assert_int_equal(secrets_file_lock(path, 0, &two, &err), WEIR_OK);
    secrets_file_unlock(&two);
    secrets_file_unlock(&two);
}

static void
assert_key(const char *text)
{
    struct weir_error err = { 0 };
    struct buf key;
    buf_init(&key, MASTER_KEY_MAX);
    assert_int_equal(secrets_file_key(MASTER_KEY, &key, NULL, &err), WEIR_OK);
    assert_string_equal(key.bytes, text);
    buf_fini(&key);
}

static void
the_key_is_in_a_variable_a_file_or_a_credential(void **state)
{
    (void)state;
    char file[128];
    struct weir_error err = { 0 };
    struct buf key;
    buf_init(&key, MASTER_KEY_MAX);
    assert_int_equal(secrets_file_key(MASTER_KEY, &key, NULL, &err), WEIR_NOT_FOUND);
    assert_non_null(strstr(err.text, "set WEIR_MASTER_KEY, or WEIR_MASTER_KEY_FILE"));

    setenv("CREDENTIALS_DIRECTORY", folder, 1);
    assert_int_equal(secrets_file_key(MASTER_KEY, &key, NULL, &err), WEIR_NOT_FOUND);
    (void)snprintf(file, sizeof file, "%s/WEIR_MASTER_KEY", folder);
    FILE *f = fopen(file, "w");
    assert_non_null(f);
    fputs("of the credential\n", f);
    fclose(f);
    assert_key("of the credential");
    (void)snprintf(file, sizeof file, "%s/key", folder);
    setenv("WEIR_MASTER_KEY_FILE", file, 1);
    assert_int_equal(secrets_file_key(MASTER_KEY, &key, NULL, &err), WEIR_NOT_FOUND);
    assert_non_null(strstr(err.text, "WEIR_MASTER_KEY: the key in /tmp/"));
    f = fopen(file, "w");
    assert_non_null(f);
    fputs("of the file\r\n\n", f);
    fclose(f);
    assert_key("of the file");
    setenv("WEIR_MASTER_KEY", "of the variable", 1);
    assert_key("of the variable");
    buf_fini(&key);
}

static void
what_is_no_map_of_secrets_is_refused(void **state)
{
    (void)state;
    struct weir_error err = { 0 };
    const struct weir_value *map = NULL;
    assert_int_equal(secrets_file_map(TEXT("\x81\xa1" "a\xa1" "b"), &map, &err), WEIR_OK);
    value_unref(&map);
    assert_int_equal(secrets_file_map(TEXT("\x90"), &map, &err), WEIR_INVALID);
    assert_string_equal(err.text, "what is in it is no map of secrets");
    assert_int_equal(secrets_file_map(TEXT("\x81\xa1" "a\x01"), &map, &err), WEIR_INVALID);
    assert_string_equal(err.text, "a: a secret is a text of at most 65536 bytes");
    assert_int_equal(secrets_file_map(TEXT("\x81\xa1/\xa1" "b"), &map, &err), WEIR_INVALID);
    assert_string_equal(err.text, "'/' can't be the name of a secret");
    assert_int_equal(secrets_file_map(TEXT("\x81\xa1" "a"), &map, &err), WEIR_INVALID);
    assert_null(map);
}

static void
the_file_is_a_source_between_credentials_and_aws(void **state)
{
    (void)state;
    const struct weir_value *map = two_secrets();
    struct secrets_from from = { .file = path };
    struct diags d;
    diags_init(&d);
    struct secrets *s = secrets_read(&from, &d);
    assert_int_equal(d.n, 0); /* no file: nobody has set any */
    write_map(map);
    assert_true(secrets_stale(s));
    secrets_unref(&s);
    s = secrets_read(&from, &d);
    assert_int_equal(d.errors, 1); /* no key */
    assert_null(secrets_get(s, TEXT("stripe")));
    secrets_unref(&s);

    setenv("WEIR_MASTER_KEY", KEY.bytes, 1);
    setenv("WEIR_SECRET_raw", "stronger", 1);
    s = secrets_read(&from, &d);
    assert_int_equal(d.errors, 1);
    assert_true(text_is(value_as_text(secrets_get(s, TEXT("stripe"))), "sk_live_1"));
    assert_true(value_is_secret(secrets_get(s, TEXT("stripe"))));
    assert_true(text_is(value_as_text(secrets_get(s, TEXT("raw"))), "stronger"));
    struct secret_info info;
    assert_true(secrets_info(s, 0, &info));
    assert_int_equal(info.hides, 1u << SECRET_ENCRYPTED);
    assert_true(secrets_info(s, 1, &info));
    assert_string_equal(info.place, path);
    secrets_unref(&s);
    value_unref(&map);
    diags_fini(&d);
}

static void
a_file_that_cannot_be_looked_at_lacks_no_key(void **state)
{
    (void)state;
    char below[PATH_MAX + 16];
    const struct weir_value *map = two_secrets();
    write_map(map);
    value_unref(&map);
    snprintf(below, sizeof below, "%s/secrets.enc", path); /* root may enter any folder, but this is none */
    struct secrets_from from = { .file = below };
    struct diags d;
    struct buf text;
    diags_init(&d);
    buf_init(&text, 4096);
    struct secrets *s = secrets_read(&from, &d);
    diags_text(&d, false, &text);
    assert_int_equal(d.errors, 1);
    assert_non_null(strstr(text.bytes, "can't be looked at: Not a directory"));
    assert_null(strstr(text.bytes, "no key"));
    secrets_unref(&s);
    buf_fini(&text);
    diags_fini(&d);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_written_is_read_and_is_for_its_owner_alone, clean, sweep),
        cmocka_unit_test_setup_teardown(errors_say_what_is_wrong, clean, sweep),
        cmocka_unit_test_setup_teardown(what_cannot_be_written_leaves_what_was_there, clean, sweep),
        cmocka_unit_test_setup_teardown(only_one_holds_the_lock, clean, sweep),
        cmocka_unit_test_setup_teardown(the_key_is_in_a_variable_a_file_or_a_credential, clean, sweep),
        cmocka_unit_test(what_is_no_map_of_secrets_is_refused),
        cmocka_unit_test_setup_teardown(a_file_that_cannot_be_looked_at_lacks_no_key, clean, sweep),
        cmocka_unit_test_setup_teardown(the_file_is_a_source_between_credentials_and_aws, clean, sweep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* unit/value/json_suite_test.c - JSONTestSuite: what parsers have to accept and to refuse.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <dirent.h>

#include "given.h"

static const char folder[] = WEIR_SHARED_DATA "/json-parsing";

/* Reads a file both ways, with and without an owner, which have to agree; whether it is good.
 */
static bool
accepted(const char *name)
{
    char path[4096];
    size_t len;
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    char *bytes = file_content(path, &len);
    assert_non_null(bytes);
    char *exact = malloc(len + (len == 0)); /* so that reading past the end is seen */
    memcpy(exact, bytes, len);
    free(bytes);

    const struct weir_value *owner = value_take(WEIR_BYTES, exact, len);
    const struct weir_value *copied = NULL;
    const struct weir_value *borrowed = NULL;
    struct weir_error err = { 0 };
    struct weir_error err_borrowed = { 0 };
    enum weir_code code = json_read(value_as_text(owner), NULL, NULL, &copied, &err);
    assert_int_equal(json_read(value_as_text(owner), owner, NULL, &borrowed, &err_borrowed),
                     code);
    assert_string_equal(err.text, err_borrowed.text);
    if (code == WEIR_OK)
        assert_true(value_equal(copied, borrowed));
    else
        assert_int_equal(code, WEIR_INVALID);
    value_unref(&copied);
    value_unref(&borrowed);
    value_unref(&owner);
    return code == WEIR_OK;
}

static void
the_json_test_suite_passes(void **state)
{
    (void)state;
    unsigned good = 0;
    unsigned bad = 0;
    unsigned either = 0;
    DIR *d = opendir(folder);
    if (d == NULL) {
        print_message("skipped: %s is not there\n", folder);
        skip();
    }
    for (const struct dirent *e; (e = readdir(d)) != NULL;) {
        if (strstr(e->d_name, ".json") == NULL)
            continue;
        bool yes = accepted(e->d_name);
        if (e->d_name[0] == (yes ? 'n' : 'y'))
            print_error("%s is %s\n", e->d_name, yes ? "accepted" : "refused");
        good += e->d_name[0] == 'y' && yes;
        bad += e->d_name[0] == 'n' && !yes;
        either += e->d_name[0] == 'i';
    }
    closedir(d);
    assert_int_equal(good, 95);
    assert_int_equal(bad, 188);
    assert_int_equal(either, 35);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_json_test_suite_passes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* unit/value/schema_suite_test.c - the official tests of JSON Schema 2020-12, the required
 * part, which lie beside the project; skipped where they do not.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "value/json.h"
#include "value/schema.h"

#define SUITE WEIR_SHARED_DATA "/json-schema/"
#define REMOTE "http://localhost:1234/"

enum { ALL = 1299, MAX_FILE = 1 << 20, MAX_REMOTES = 200 };

/* Documents that were served, kept until the end. */
struct server {
    const struct weir_value *docs[MAX_REMOTES];
    char *uris[MAX_REMOTES];
    unsigned n;
};

static const struct weir_value *
read_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        return NULL;
    char *text = malloc(MAX_FILE);
    assert_non_null(text);
    size_t len = fread(text, 1, MAX_FILE, f);
    assert_int_equal(fclose(f), 0);
    const struct weir_value *v = NULL;
    struct weir_error err;
    if (json_read((struct weir_text){ text, len }, NULL, NULL, &v, &err) != WEIR_OK)
        fail_msg("%s: %s", path, err.text);
    free(text);
    return v;
}

static const struct weir_value *
serve(void *arg, struct weir_text uri)
{
    struct server *s = arg;
    const size_t prefix = sizeof(REMOTE) - 1;
    if (uri.len <= prefix || memcmp(uri.bytes, REMOTE, prefix) != 0)
        return NULL;
    for (unsigned i = 0; i < s->n; i++)
        if (text_is(uri, s->uris[i]))
            return s->docs[i];

    char path[512];
    snprintf(path, sizeof(path), SUITE "remotes/%.*s", (int)(uri.len - prefix),
             uri.bytes + prefix);
    const struct weir_value *doc = read_file(path);
    if (doc == NULL)
        return NULL;
    assert_true(s->n < MAX_REMOTES);
    s->docs[s->n] = doc;
    s->uris[s->n] = strndup(uri.bytes, uri.len);
    s->n++;
    return doc;
}

static const char *
text_at(const struct weir_value *v, const char *key)
{
    static char text[2][300];
    static unsigned turn;
    struct weir_text t = value_as_text(value_field(v, key));
    turn ^= 1;
    snprintf(text[turn], sizeof(text[turn]), "%.*s", (int)t.len, t.bytes);
    return text[turn];
}

/* Counts what a check tells. */
static void
count(void *arg, const char *pointer, size_t pointer_len, const char *detail)
{
    unsigned *n = arg;
    (*n)++;
    assert_int_equal(strlen(pointer), pointer_len);
    assert_true(*detail != '\0');
}

/* Runs the tests of one schema; returns how many passed. */
static unsigned
run_group(const struct weir_value *group, struct server *server, const char *file)
{
    struct schema *schema;
    struct weir_error err;
    unsigned passed = 0;
    if (schema_new(value_field(group, "schema"), serve, server, &schema, &err) != WEIR_OK) {
        print_error("%s: %s: %s\n", file, text_at(group, "description"), err.text);
        return 0;
    }
    const struct weir_value *tests = value_field(group, "tests");
    for (uint32_t i = 0; i < tests->len; i++) {
        const struct weir_value *test = value_at(tests, i);
        const struct weir_value *data = value_field(test, "data");
        bool expected = value_field(test, "valid")->boolean;
        unsigned told = 0;
        bool quiet = schema_check(schema, data, NULL, NULL);
        bool telling = schema_check(schema, data, count, &told);
        if (quiet == expected && telling == expected && (told > 0) == !expected)
            passed++;
        else
            print_error("%s: %s: %s: got %d, %d with %u told\n", file,
                        text_at(group, "description"), text_at(test, "description"), quiet,
                        telling, told);
    }
    schema_free(&schema);
    return passed;
}

static unsigned
run_file(const char *name, struct server *server)
{
    char path[512];
    snprintf(path, sizeof(path), SUITE "draft2020-12/%s", name);
    const struct weir_value *groups = read_file(path);
    assert_non_null(groups);
    unsigned passed = 0;
    for (uint32_t i = 0; i < groups->len; i++)
        passed += run_group(value_at(groups, i), server, name);
    value_unref(&groups);
    return passed;
}

static void
every_official_test_passes(void **state)
{
    (void)state;
    DIR *dir = opendir(SUITE "draft2020-12");
    if (dir == NULL) {
        print_message("skipped: there is no " SUITE "draft2020-12\n");
        skip();
    }
    struct server server = { .n = 0 };
    unsigned passed = 0;
    for (const struct dirent *e; (e = readdir(dir)) != NULL;)
        if (strstr(e->d_name, ".json") != NULL)
            passed += run_file(e->d_name, &server);
    closedir(dir);
    for (unsigned i = 0; i < server.n; i++) {
        value_unref(&server.docs[i]);
        free(server.uris[i]);
    }
    assert_int_equal(passed, ALL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_official_test_passes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

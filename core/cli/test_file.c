/* cli/test_file.c - reading files of tests. See test.h. SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/test.h"

static const char *const top_keys[] = { "pipeline", "with", "env", "at", "tests" };
static const char *const test_keys[] = { "name", "request", "event", "mock", "expect", "env", "at", "crash" };
static const char *const request_keys[] = { "method", "path", "query", "headers", "json", "text", "client_ip", "id",
                                            "signed", "connection", "auth" };
static const char *const expect_keys[] = { "status", "json", "text", "headers", "steps", "errors", "ran", "calls",
                                           "took", "job" };
static const char *const mock_keys[] = { "error", "message", "status", "json", "text", "headers", "output", "after",
                                         "never" };

static void
complain(const struct test_file *f, const struct yaml_node *n, const char *text)
{
    fprintf(stderr, "%s:%u:%u: error: %s\n", f->path, n->mark.line, n->mark.column, text);
}

/* Whether N is a map with no other keys than those. */
static bool
check_keys(const struct test_file *f, const struct yaml_node *n, const char *what, const char *const *keys, unsigned n_keys)
{
    char text[600];
    bool good = true;
    if (n->kind != YAML_MAP) {
        snprintf(text, sizeof text, "%s must be a map, not %s", what, yaml_kind_name(n));
        complain(f, n, text);
        return false;
    }
    for (unsigned i = 0; i < n->n; i++) {
        unsigned k = 0;
        while (k < n_keys && !text_is(n->keys[i]->text, keys[k]))
            k++;
        if (k < n_keys)
            continue;
        int len = snprintf(text, sizeof text, "%s has no '%.*s'; there are", what, (int)n->keys[i]->text.len,
                           n->keys[i]->text.bytes);
        for (k = 0; k < n_keys && len < 500; k++)
            len += snprintf(text + len, sizeof text - (size_t)len, "%s %s", k > 0 ? "," : "", keys[k]);
        complain(f, n->keys[i], text);
        good = false;
    }
    return good;
}
#define CHECK(f, n, what, keys) check_keys(f, n, what, keys, sizeof(keys) / sizeof *(keys))

static bool
check_mock(const struct test_file *f, const struct yaml_node *n)
{
    if (n->kind != YAML_LIST)
        return CHECK(f, n, "an answer of a mock", mock_keys);
    bool good = true;
    for (unsigned i = 0; i < n->n; i++)
        good &= CHECK(f, n->items[i], "an answer of a mock", mock_keys);
    return good;
}

static bool
check_test(const struct test_file *f, const struct yaml_node *n)
{
    if (!CHECK(f, n, "a test", test_keys))
        return false;
    const struct yaml_node *request = yaml_get(n, "request"), *expect = yaml_get(n, "expect"),
                           *mocks = yaml_get(n, "mock"), *name = yaml_get(n, "name");
    bool good = true;
    if (name == NULL || !yaml_is_string(name)) {
        complain(f, n, "a test needs a 'name': a sentence that says what holds");
        good = false;
    }
    if (request)
        good &= CHECK(f, request, "'request'", request_keys);
    if (request == NULL && yaml_get(n, "event") == NULL) {
        complain(f, n, "a test needs a 'request', or an 'event' for a trigger of another kind");
        good = false;
    }
    if (expect)
        good &= CHECK(f, expect, "'expect'", expect_keys);
    else
        complain(f, n, "a test needs 'expect'");
    for (unsigned i = 0; mocks && mocks->kind == YAML_MAP && i < mocks->n; i++)
        good &= check_mock(f, mocks->items[i]);
    return good && expect;
}

static bool
check(const struct test_file *f)
{
    const struct yaml_node *root = f->yaml->root;
    static const struct yaml_node nothing = { .kind = YAML_SCALAR, .mark = { 1, 1, 0 } };
    if (root == NULL) {
        complain(f, &nothing, "there is nothing in it; a file of tests has 'pipeline' and 'tests'");
        return false;
    }
    if (!CHECK(f, root, "a file of tests", top_keys))
        return false;
    const struct yaml_node *pipeline = yaml_get(root, "pipeline"), *tests = yaml_get(root, "tests");
    if (pipeline == NULL || !yaml_is_string(pipeline)) {
        complain(f, root, "'pipeline' must name the file that is tested, such as orders.yaml");
        return false;
    }
    if (tests == NULL || tests->kind != YAML_LIST) {
        complain(f, root, "'tests' must be a list");
        return false;
    }
    bool good = true;
    for (unsigned i = 0; i < tests->n; i++)
        good &= check_test(f, tests->items[i]);
    return good;
}

bool
test_file_read(struct test_file *f, const char *path)
{
    size_t len;
    *f = (struct test_file){ .path = strdup(path) };
    char *text = read_whole_file(path, YAML_MAX, &len);
    const char *slash = strrchr(path, '/');
    f->folder = strndup(path, slash ? (size_t)(slash - path) + 1 : 0);
    if (f->path == NULL || f->folder == NULL)
        abort();
    if (text == NULL)
        return false;
    struct diags d;
    diags_init(&d);
    f->yaml = yaml_read(path, (struct weir_text){ text, len }, &d);
    if (d.errors > 0)
        print_diags(&d, false);
    diags_fini(&d);
    free(text);
    if (f->yaml == NULL || !check(f))
        return false;
    f->document = yaml_value(f->yaml->root);
    return true;
}

void
test_file_free(struct test_file *f)
{
    value_unref(&f->document);
    yaml_free(&f->yaml);
    free((char *)(uintptr_t)f->path);
    free(f->folder);
}

unsigned
test_file_cases(const struct test_file *f)
{
    return yaml_get(f->yaml->root, "tests")->n;
}

void
test_file_case(const struct test_file *f, unsigned index, struct test_case *ret)
{
    const struct yaml_node *n = yaml_get(f->yaml->root, "tests")->items[index];
    *ret = (struct test_case){ .file = f, .node = n, .value = yaml_value(n), .line = n->mark.line };
    ret->name = yaml_get(n, "name")->text;
}

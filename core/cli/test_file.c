/* cli/test_file.c - reading files of tests. See test.h. SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "cli/test.h"
#include "value/regex.h"

static const char *const top_keys[] = { "pipeline", "with", "env", "at", "tests" };
static const char *const test_keys[] = { "name", "request", "event", "mock", "expect", "env", "at", "crash" };
static const char *const request_keys[] = { "method", "path", "query", "headers", "json", "text", "client_ip", "id",
                                            "signed", "connection", "auth" };
static const char *const expect_keys[] = { "status", "json", "text", "headers", "steps", "errors", "ran", "calls",
                                           "took", "job" };
static const char *const mock_keys[] = { "error", "message", "status", "json", "text", "headers", "output", "after",
                                         "never" };

/* A file that is being checked. */
struct checking {
    const struct test_file *file;
    struct diags *diags;
};

static void complain(struct checking *c, const struct yaml_node *n, const char *hint, const char *fmt, ...) PRINTF(4, 5);

static void
complain(struct checking *c, const struct yaml_node *n, const char *hint, const char *fmt, ...)
{
    char text[600];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    diags_add(c->diags, c->file->path, n->mark, yaml_line(c->file->yaml, n->mark.line), DIAG_TEST_FILE, hint, "%s", text);
}

#define SHOWN(t) (int)((t).len < 100 ? (t).len : 100), (t).bytes

/* Says that N is none of NAMES, with the one that was probably meant. */
static void
complain_unknown(struct checking *c, const struct yaml_node *n, const char *what, const char *const *names, unsigned n_names)
{
    struct weir_text list[32];
    char all[500] = "", hint[160];
    int len = 0;
    for (unsigned i = 0; i < n_names && i < 32; i++) {
        list[i] = text_of(names[i]);
        if (len < 400)
            len += snprintf(all + len, sizeof all - (size_t)len, "%s %s", i > 0 ? "," : "", names[i]);
    }
    int near = nearest(n->text, list, n_names);
    if (near >= 0)
        (void)snprintf(hint, sizeof hint, "did you mean '%s'?", names[near]);
    complain(c, n, near >= 0 ? hint : NULL, "%s '%.*s'; there are%s", what, SHOWN(n->text), all);
}

/* Whether N is a map with no other keys than those. */
static bool
check_keys(struct checking *c, const struct yaml_node *n, const char *what, const char *const *keys, unsigned n_keys)
{
    char text[200];
    bool good = true;
    if (n->kind != YAML_MAP) {
        complain(c, n, NULL, "%s must be a map, not %s", what, yaml_kind_name(n));
        return false;
    }
    (void)snprintf(text, sizeof text, "%s has no", what);
    for (unsigned i = 0; i < n->n; i++) {
        unsigned k = 0;
        while (k < n_keys && !text_is(n->keys[i]->text, keys[k]))
            k++;
        if (k < n_keys)
            continue;
        complain_unknown(c, n->keys[i], text, keys, n_keys);
        good = false;
    }
    return good;
}
#define COUNT(list) (sizeof(list) / sizeof *(list))
#define CHECK(c, n, what, keys) check_keys(c, n, what, keys, COUNT(keys))

/* A duration, if it is there. */
static void
check_duration(struct checking *c, const struct yaml_node *n, const char *what)
{
    uint64_t ms;
    struct weir_error err = { 0 };
    if (n != NULL && (!yaml_is_string(n) || duration_parse(n->text, &ms, &err) != WEIR_OK))
        complain(c, n, "such as 250ms, 5s or 2h", "'%s' is a duration", what);
}

static void
check_answer(struct checking *c, const struct yaml_node *n)
{
    static const char *const codes[] = { "invalid",  "unauthorized", "forbidden", "not_found", "conflict", "too_large", "limited",
                                         "unavailable", "upstream",  "timeout",   "script",    "internal", "cancelled" };
    if (!CHECK(c, n, "an answer of a mock", mock_keys))
        return;
    const struct yaml_node *error = yaml_get(n, "error"), *status = yaml_get(n, "status");
    if (error != NULL && !yaml_is_null(error) && (error->kind != YAML_SCALAR || code_find(error->text.bytes, error->text.len) == 0))
        complain_unknown(c, error, "there is no code of an error", codes, COUNT(codes));
    if (status != NULL && !yaml_is_null(status) && status->value.type != WEIR_INT)
        complain(c, status, NULL, "'status' is a number, not %s", yaml_kind_name(status));
    check_duration(c, yaml_get(n, "after"), "after");
}

static void
check_mocks(struct checking *c, const struct yaml_node *n)
{
    if (n == NULL || yaml_is_null(n))
        return;
    if (n->kind != YAML_MAP) {
        complain(c, n, NULL, "'mock' must be a map from steps to their answers, not %s", yaml_kind_name(n));
        return;
    }
    for (unsigned i = 0; i < n->n; i++) {
        const struct yaml_node *answer = n->items[i];
        if (answer->kind != YAML_LIST)
            check_answer(c, answer);
        for (unsigned k = 0; answer->kind == YAML_LIST && k < answer->n; k++)
            check_answer(c, answer->items[k]);
    }
}

static void
check_crash(struct checking *c, const struct yaml_node *n)
{
    static const char *const keys[] = { "after", "during" };
    if (n == NULL || yaml_is_null(n) || !CHECK(c, n, "'crash'", keys))
        return;
    if (n->n != 1 || !yaml_is_string(n->items[0]))
        complain(c, n, NULL, "'crash' is { after: STEP } or { during: STEP }");
}

/* -- what is expected -- */

static const char *const matchers[] = { "$match", "$type", "$any", "$absent", "$exact" };

/* The matcher KEY with its value N. */
static void
check_matcher(struct checking *c, const struct yaml_node *key, const struct yaml_node *n)
{
    static const char *const types[] = { "string", "number", "boolean", "list", "map", "null" };
    struct regex *r = NULL;
    struct weir_error err = { 0 };
    unsigned i = 0;
    if (text_is(key->text, "$match") && !yaml_is_string(n))
        complain(c, n, NULL, "'$match' takes a regular expression, which is a text");
    else if (text_is(key->text, "$match") && regex_new(n->text, false, &r, &err) != WEIR_OK)
        complain(c, n, NULL, "'$match': %s", err.text);
    regex_free(&r);
    while (i < COUNT(types) && n->kind == YAML_SCALAR && !text_is(n->text, types[i]) &&
           !(strcmp(types[i], "null") == 0 && yaml_is_null(n)))
        i++;
    if (text_is(key->text, "$type") && (i == COUNT(types) || n->kind != YAML_SCALAR))
        complain_unknown(c, n, "there is no type", types, COUNT(types));
    bool yes = n->kind == YAML_SCALAR && n->value.type == WEIR_BOOL && n->value.boolean;
    if ((text_is(key->text, "$any") || text_is(key->text, "$absent")) && !yes)
        complain(c, n, NULL, "'%.*s' is true, or left out", SHOWN(key->text));
}

/* All matchers in N. */
static void
check_expected(struct checking *c, const struct yaml_node *n)
{
    for (unsigned i = 0; n->kind == YAML_LIST && i < n->n; i++)
        check_expected(c, n->items[i]);
    for (unsigned i = 0; n->kind == YAML_MAP && i < n->n; i++) {
        const struct yaml_node *key = n->keys[i];
        bool dollar = key->text.len > 0 && key->text.bytes[0] == '$', known = false;
        for (unsigned k = 0; k < COUNT(matchers); k++)
            known |= text_is(key->text, matchers[k]);
        if (!dollar || (!known && n->n > 1))
            check_expected(c, n->items[i]);
        else if (!known)
            complain_unknown(c, key, "there is no matcher", matchers, COUNT(matchers));
        else if (n->n > 1)
            complain(c, key, "a map with such keys is { $exact: { ... } }", "a matcher stands in a map of its own");
        else
            check_matcher(c, key, n->items[i]);
    }
}

static void
check_expect(struct checking *c, const struct yaml_node *n)
{
    if (!CHECK(c, n, "'expect'", expect_keys))
        return;
    check_duration(c, yaml_get(n, "took"), "took");
    check_expected(c, n);
}

/* -- a test, and all -- */

static void
check_test(struct checking *c, const struct yaml_node *n)
{
    if (!CHECK(c, n, "a test", test_keys) && n->kind != YAML_MAP)
        return;
    const struct yaml_node *request = yaml_get(n, "request"), *expect = yaml_get(n, "expect"), *name = yaml_get(n, "name");
    if (name == NULL || !yaml_is_string(name))
        complain(c, n, NULL, "a test needs a 'name': a sentence that says what holds");
    if (request)
        (void)CHECK(c, request, "'request'", request_keys);
    if (request == NULL && yaml_get(n, "event") == NULL)
        complain(c, n, NULL, "a test needs a 'request', or an 'event' for a trigger of another kind");
    if (expect)
        check_expect(c, expect);
    else
        complain(c, n, NULL, "a test needs 'expect'");
    check_mocks(c, yaml_get(n, "mock"));
    check_crash(c, yaml_get(n, "crash"));
}

static void
check(struct checking *c)
{
    const struct yaml_node *root = c->file->yaml->root;
    static const struct yaml_node nothing = { .kind = YAML_SCALAR, .mark = { 1, 1, 0 } };
    if (root == NULL) {
        complain(c, &nothing, NULL, "there is nothing in it; a file of tests has 'pipeline' and 'tests'");
        return;
    }
    if (!CHECK(c, root, "a file of tests", top_keys))
        return;
    const struct yaml_node *pipeline = yaml_get(root, "pipeline"), *tests = yaml_get(root, "tests");
    if (pipeline == NULL || !yaml_is_string(pipeline))
        complain(c, root, NULL, "'pipeline' must name the file that is tested, such as orders.yaml");
    else if (tests == NULL || tests->kind != YAML_LIST)
        complain(c, tests ? tests : root, NULL, "'tests' must be a list");
    else
        for (unsigned i = 0; i < tests->n; i++)
            check_test(c, tests->items[i]);
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
    if (f->yaml != NULL)
        check(&(struct checking){ f, &d });
    bool good = d.errors == 0;
    if (!good)
        print_diags(&d, false);
    diags_fini(&d);
    free(text);
    if (f->yaml == NULL || !good)
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

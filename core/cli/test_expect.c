/* cli/test_expect.c - what was expected, and what happened. See test.h.
 *
 * Of a map what is named has to be there and to match; what is not named may be there. Lists match item
 * by item, and have the same length. A map with one key that begins with $ is a matcher.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "cli/test.h"
#include "value/json.h"
#include "value/regex.h"

#define SHOWN_MAX 400u

struct comparing {
    struct buf *out;
    unsigned n;
};

static void
put_value(struct buf *out, const struct weir_value *v)
{
    struct buf b;
    struct weir_error err;
    buf_init(&b, 64u << 20);
    if (v == NULL)
        (void)buf_puts(out, "(nothing)");
    else if (json_write(&b, v, &err) == WEIR_OK) {
        size_t len = b.len > SHOWN_MAX ? SHOWN_MAX : b.len;
        (void)buf_add(out, b.bytes, len, NULL);
        (void)buf_puts(out, len < b.len ? "..." : "");
    }
    buf_fini(&b);
}

static void
differ(struct comparing *c, const char *path, const struct weir_value *wanted, const struct weir_value *has)
{
    (void)buf_printf(c->out, "%s\n  - ", path);
    put_value(c->out, wanted);
    (void)buf_puts(c->out, "\n  + ");
    put_value(c->out, has);
    (void)buf_puts(c->out, "\n");
    c->n++;
}

static bool
equal(const struct weir_value *a, const struct weir_value *b)
{
    return b && value_equal(a, b);
}

static const char *
type_name(const struct weir_value *v)
{
    switch (v ? value_type(v) : WEIR_NULL) {
    case WEIR_BOOL: return "boolean";
    case WEIR_INT:
    case WEIR_DOUBLE: return "number";
    case WEIR_STRING: return "string";
    case WEIR_LIST: return "list";
    case WEIR_MAP: return "map";
    default: return v ? "null" : "nothing";
    }
}

/* Whether the matcher KEY takes HAS. *RET_IS: it is one. */
static bool
matches(struct weir_text key, const struct weir_value *with, const struct weir_value *has, bool *ret_is)
{
    *ret_is = true;
    if (text_is(key, "$any"))
        return has != NULL;
    if (text_is(key, "$type"))
        return text_is(value_type(with) == WEIR_NULL ? TEXT("null") : value_as_text(with), type_name(has));
    if (text_is(key, "$exact"))
        return equal(with, has);
    if (text_is(key, "$absent"))
        return has == NULL;
    if (text_is(key, "$match")) {
        struct regex *r = NULL;
        struct weir_error err;
        bool good = has && value_type(has) == WEIR_STRING && value_type(with) == WEIR_STRING &&
                    regex_new(value_as_text(with), false, &r, &err) == WEIR_OK &&
                    regex_match(r, value_as_text(has)) == REGEX_YES;
        regex_free(&r);
        return good;
    }
    *ret_is = false;
    return false;
}

static void compare(struct comparing *c, const char *path, const struct weir_value *wanted, const struct weir_value *has);

static void
compare_map(struct comparing *c, const char *path, const struct weir_value *wanted, const struct weir_value *has)
{
    struct weir_text key;
    const struct weir_value *v;
    bool is = false;
    if (wanted->len == 1 && value_member(wanted, 0, &key, &v) && key.len > 0 && key.bytes[0] == '$') {
        bool good = matches(key, v, has, &is);
        if (is && !good)
            differ(c, path, wanted, has);
        if (is)
            return;
    }
    if (has == NULL || value_type(has) != WEIR_MAP) {
        differ(c, path, wanted, has);
        return;
    }
    for (size_t i = 0; value_member(wanted, i, &key, &v); i++) {
        char below[1024];
        snprintf(below, sizeof below, "%s.%.*s", path, (int)(key.len < 200 ? key.len : 200), key.bytes);
        compare(c, below, v, value_get(has, key.bytes, key.len));
    }
}

static void
compare_list(struct comparing *c, const char *path, const struct weir_value *wanted, const struct weir_value *has)
{
    if (has == NULL || value_type(has) != WEIR_LIST || has->len != wanted->len) {
        differ(c, path, wanted, has);
        return;
    }
    for (size_t i = 0; i < wanted->len; i++) {
        char below[1024];
        snprintf(below, sizeof below, "%s.%zu", path, i);
        compare(c, below, value_at(wanted, i), value_at(has, i));
    }
}

static void
compare(struct comparing *c, const char *path, const struct weir_value *wanted, const struct weir_value *has)
{
    if (value_type(wanted) == WEIR_MAP)
        compare_map(c, path, wanted, has);
    else if (value_type(wanted) == WEIR_LIST)
        compare_list(c, path, wanted, has);
    else if (!equal(wanted, has))
        differ(c, path, wanted, has);
}

bool
test_matches(const struct weir_value *wanted, const struct weir_value *has)
{
    struct buf out;
    struct comparing c = { .out = &out };
    buf_init(&out, 64u << 10);
    compare(&c, "", wanted, has);
    buf_fini(&out);
    return c.n == 0;
}

/* calls: { embed: { count: 3, json: {...} } }: each call matches what is said beside the count; a list says it
 * call by call. */
static void
compare_calls(struct comparing *c, const struct weir_value *wanted, const struct weir_value *calls)
{
    struct weir_text id, key;
    const struct weir_value *v, *one;
    for (size_t i = 0; value_member(wanted, i, &id, &v); i++) {
        char path[300];
        const struct weir_value *list = calls ? value_get(calls, id.bytes, id.len) : NULL;
        snprintf(path, sizeof path, "calls.%.*s", (int)(id.len < 200 ? id.len : 200), id.bytes);
        if (value_type(v) == WEIR_LIST) {
            compare_list(c, path, v, list ? list : &value_empty_list);
            continue;
        }
        if (value_type(v) == WEIR_INT || value_type(v) != WEIR_MAP) {
            const struct weir_value *n = value_int(list ? list->len : 0);
            compare(c, path, v, n);
            value_unref(&n);
            continue;
        }
        for (size_t k = 0; value_member(v, k, &key, &one); k++) {
            char below[600];
            if (text_is(key, "count")) {
                const struct weir_value *n = value_int(list ? list->len : 0);
                snprintf(below, sizeof below, "%s.count", path);
                compare(c, below, one, n);
                value_unref(&n);
                continue;
            }
            for (size_t j = 0; j < (list ? list->len : 0); j++) {
                snprintf(below, sizeof below, "%s.%zu.%.*s", path, j, (int)(key.len < 200 ? key.len : 200), key.bytes);
                compare(c, below, one, value_get(value_at(list, j), key.bytes, key.len));
            }
        }
    }
}

static void
compare_took(struct comparing *c, const struct weir_value *wanted, const struct weir_value *happened)
{
    uint64_t ms;
    struct weir_error err;
    const struct weir_value *took = value_field(happened, "took_ms");
    if (value_type(wanted) == WEIR_STRING && duration_parse(value_as_text(wanted), &ms, &err) == WEIR_OK) {
        const struct weir_value *v = value_int((int64_t)ms);
        if (!equal(v, took)) {
            char text[64];
            snprintf(text, sizeof text, "%lldms", took ? (long long)took->integer : 0);
            const struct weir_value *has = value_text(text);
            differ(c, "took", wanted, has);
            value_unref(&has);
        }
        value_unref(&v);
    } else {
        differ(c, "took", wanted, took);
    }
}

/* job: completed, or a map of what jobs.show tells. */
static void
compare_job(struct comparing *c, const struct weir_value *wanted, const struct weir_value *job)
{
    if (value_type(wanted) == WEIR_STRING)
        compare(c, "job", wanted, value_field(job, "state"));
    else
        compare(c, "job", wanted, job);
}

unsigned
test_compare(const struct weir_value *test, const struct weir_value *happened, struct buf *out)
{
    struct comparing c = { .out = out };
    const struct weir_value *expect = value_field(test, "expect"), *problem = value_field(happened, "problem"), *v;
    struct weir_text key;
    if (problem) {
        struct weir_text t = value_as_text(problem);
        (void)buf_printf(out, "%.*s\n", (int)t.len, t.bytes);
        c.n++;
        if (value_field(happened, "unplayed")) /* there is nothing to compare */
            return c.n;
    }
    for (size_t i = 0; value_member(expect, i, &key, &v); i++) {
        char name[64];
        snprintf(name, sizeof name, "%.*s", (int)(key.len < 60 ? key.len : 60), key.bytes);
        if (text_is(key, "calls"))
            compare_calls(&c, v, value_field(happened, "calls"));
        else if (text_is(key, "took"))
            compare_took(&c, v, happened);
        else if (text_is(key, "job"))
            compare_job(&c, v, value_field(happened, "job"));
        else
            compare(&c, name, v, value_field(happened, name));
    }
    return c.n;
}

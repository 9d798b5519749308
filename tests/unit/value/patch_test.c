/* Parts of documents are changed, and found again as what differs.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above */
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "value/json.h"
#include "value/patch.h"

static struct weir_error err;

static const struct weir_value *
read(const char *json)
{
    const struct weir_value *v = NULL;
    if (json != NULL)
        assert_int_equal(json_read(text_of(json), NULL, NULL, &v, &err), WEIR_OK);
    return v;
}

static void
assert_json(const struct weir_value *v, const char *expected)
{
    struct buf b;
    buf_init(&b, 4096);
    assert_int_equal(json_write(&b, v, &err), WEIR_OK);
    assert_string_equal(b.bytes, expected);
    buf_fini(&b);
}

/* DOCUMENT with NEW (NULL: nothing) at POINTER is EXPECTED. */
static void
becomes(const char *document, const char *pointer, const char *new, const char *expected)
{
    const struct weir_value *v = read(document), *n = read(new), *changed = NULL;
    if (patch_set(v, text_of(pointer), n, &changed, &err) != WEIR_OK)
        fail_msg("%s: %s", pointer, err.text);
    assert_json(changed, expected);
    assert_json(v, document); /* it is not touched */
    value_unref(&changed);
    value_unref(&v);
    value_unref(&n);
}

static void
refused(const char *document, const char *pointer, const char *new, const char *why)
{
    const struct weir_value *v = read(document), *n = read(new), *changed = NULL;
    assert_int_equal(patch_set(v, text_of(pointer), n, &changed, &err), WEIR_INVALID);
    assert_null(changed);
    if (strstr(err.text, why) == NULL)
        fail_msg("%s: %s", pointer, err.text);
    value_unref(&v);
    value_unref(&n);
}

static void
what_is_there_is_replaced(void **state)
{
    (void)state;
    becomes("{\"a\":{\"b\":[1,2,3]},\"c\":4}", "/a/b/1", "\"x\"",
            "{\"a\":{\"b\":[1,\"x\",3]},\"c\":4}");
    becomes("{\"a\":1}", "", "[true]", "[true]");
    becomes("{\"a/b\":1,\"m~n\":2,\"\":3}", "/a~1b", "null", "{\"a/b\":null,\"m~n\":2,\"\":3}");
    becomes("{\"a/b\":1,\"m~n\":2,\"\":3}", "/m~0n", "0", "{\"a/b\":1,\"m~n\":0,\"\":3}");
    becomes("{\"a/b\":1,\"m~n\":2,\"\":3}", "/", "0", "{\"a/b\":1,\"m~n\":2,\"\":0}");
}

static void
what_is_not_there_is_added_one_level_deep(void **state)
{
    (void)state;
    becomes("{\"a\":{}}", "/a/b", "1", "{\"a\":{\"b\":1}}");
    becomes("[1]", "/-", "2", "[1,2]");
    becomes("[1]", "/1", "2", "[1,2]");
    refused("{\"a\":{}}", "/b/c", "1", "there is no '/b/c'");
    refused("[1]", "/2", "2", "there is no '/2'");
    refused("[1]", "/01", "2", "there is no");
    refused("[1]", "/x", "2", "there is no");
    refused("[1]", "/-/a", "2", "there is no");
    refused("{\"a\":1}", "/a/b", "2", "there is no");
    refused("{\"a\":1}", "a", "2", "written as /member/0");
    refused("{\"a\":1}", "/a~2", "2", "~0");
    refused("{\"a\":1}", "/a~", "2", "~0");
    refused("[]", "/99999999999999999999999", "2", "there is no");
}

static void
what_is_there_is_removed(void **state)
{
    (void)state;
    becomes("{\"a\":{\"b\":1,\"c\":2}}", "/a/b", NULL, "{\"a\":{\"c\":2}}");
    becomes("[1,2,3]", "/0", NULL, "[2,3]");
    refused("{\"a\":1}", "/b", NULL, "there is no");
    refused("[1]", "/1", NULL, "there is no");
    refused("[1]", "/-", NULL, "there is no");
    refused("{}", "", NULL, "as a whole");
}

/* -- differences -- */

struct seen {
    const struct weir_value *now; /* what the differences so far have made */
    struct buf told;
};

static void
on_difference(void *arg, struct weir_text pointer, const struct weir_value *before,
              const struct weir_value *after)
{
    struct seen *s = arg;
    const struct weir_value *next = NULL;
    (void)buf_printf(&s->told, "%c%.*s ", before == NULL ? '+' : after == NULL ? '-' : '=',
                     (int)pointer.len, pointer.bytes);
    if (before != NULL)
        assert_true(value_equal(value_pointer(s->now, pointer.bytes, pointer.len), before));
    if (patch_set(s->now, pointer, after, &next, &err) != WEIR_OK)
        fail_msg("%.*s: %s", (int)pointer.len, pointer.bytes, err.text);
    value_unref(&s->now);
    s->now = next;
}

static void
differ(const char *from, const char *to, const char *expected)
{
    const struct weir_value *a = read(from), *b = read(to);
    struct seen s = { .now = value_ref(a) };
    buf_init(&s.told, 4096);
    patch_diff(a, b, on_difference, &s);
    assert_string_equal(s.told.bytes, expected);
    assert_true(value_equal(s.now, b));
    value_unref(&s.now);
    buf_fini(&s.told);
    value_unref(&a);
    value_unref(&b);
}

static void
differences_lead_from_one_to_the_other(void **state)
{
    (void)state;
    differ("{\"a\":1,\"b\":{\"c\":[1,2]}}", "{\"a\":1,\"b\":{\"c\":[1,2]}}", "");
    differ("{\"a\":1,\"b\":{\"c\":[1,2]}}", "{\"a\":2,\"b\":{\"c\":[1,3]}}", "=/a =/b/c/1 ");
    differ("{\"a\":1}", "{\"b\":1}", "-/a +/b ");
    differ("[1,2,3,4]", "[1,9]", "=/1 -/3 -/2 ");
    differ("[1]", "[1,2,3]", "+/1 +/2 ");
    differ("{\"a/b\":{\"~\":1}}", "{\"a/b\":{\"~\":\"1\"}}", "=/a~1b/~0 ");
    differ("{\"a\":[1]}", "{\"a\":{\"0\":1}}", "=/a ");
    differ("1", "2", "= ");
    differ("[[1,2],[3]]", "[[1],[3,4]]", "-/0/1 +/1/1 ");
    differ("{\"n\":1}", "{\"n\":1.0}", "=/n "); /* 1.0 is written otherwise */
    differ("[0,1,2,3,4,5,6,7,8,9,10]", "[0,1,2,3,4,5,6,7,8,9,11]", "=/10 ");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_there_is_replaced),
        cmocka_unit_test(what_is_not_there_is_added_one_level_deep),
        cmocka_unit_test(what_is_there_is_removed),
        cmocka_unit_test(differences_lead_from_one_to_the_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

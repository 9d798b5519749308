/* unit/expr/accesses_test.c - what the checker is told about an expression.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "world.h"

static struct buf told;

/* Writes an access: its parts with their places, and a letter for each of its properties. */
static void
write_access(void *arg, const struct expr_access *a)
{
    const char *text = arg;
    (void)buf_puts(&told, told.len > 0 ? " | " : "");
    for (unsigned i = 0; i < a->n; i++) {
        (void)buf_printf(&told, "%s", i == 0 ? "" : i == a->optional_from ? "?." : ".");
        (void)buf_text(&told, a->path[i]);
        struct weir_text source = { text + a->places[i].offset, a->places[i].len };
        if (!text_equal(source, a->path[i])) /* a key in brackets, with its quotes */
            assert_int_equal(source.len, a->path[i].len + 2);
    }
    (void)buf_printf(&told, "%s%s%s%s%s",
                     a->absent_ok || a->whole || a->washed || a->result ? " " : "",
                     a->absent_ok ? "a" : "", a->whole ? "w" : "", a->washed ? "s" : "",
                     a->result ? "r" : "");
    assert_true(a->optional_from <= a->n);
}

static void
is_told(const char *text, const char *expected)
{
    struct expr *e = NULL;
    struct weir_error err;
    buf_init(&told, 4096);
    if (expr_parse(text_of(text), &e, NULL, &err) != WEIR_OK)
        fail_msg("%s: %s", text, err.text);
    expr_each_access(e, write_access, (void *)text);
    if (strcmp(told.bytes, expected) != 0)
        fail_msg("%s\n  tells    %s\n  expected %s", text, told.bytes, expected);
    expr_free(&e);
    buf_fini(&told);
}

static void
paths_are_told_in_order_of_the_text(void **state)
{
    (void)state;
    is_told("1 + 2", "");
    is_told("a", "a wr");
    is_told("a.b.c", "a.b.c wr");
    is_told("request.headers[\"x-id\"]", "request.headers.x-id wr");
    is_told("a.b + c.d", "a.b w | c.d w");
    is_told("f ? a : b", "f w | a wr | b wr");
    is_told("{'k': a.b, c: [d]}", "a.b w | c w | d w");
    is_told("s.split(c.d)", "s | c.d w");
    is_told("now() > a", "a ws");
    is_told("true || a.b", "a.b w");
}

static void
a_path_ends_before_what_is_not_constant(void **state)
{
    (void)state;
    is_told("a.b[0].c", "a.b");
    is_told("a.b[c.d].e", "a.b | c.d w");
    is_told("a['b'][c].d", "a.b | c w");
    is_told("a.b.trim()", "a.b");
    is_told("a.b.map(x, x + c)", "a.b | c w");
    is_told("json.decode(a.b).c", "a.b w");
    is_told("(a.b).c", "a.b");
    is_told("[a][0]", "a w");
}

static void
variables_of_macros_are_not_told(void **state)
{
    (void)state;
    is_told("a.map(x, x.y)", "a");
    is_told("a.map(x, y.map(y, x + y + z))", "a | y | z w");
    is_told("a.map(a, a.b)", "a");
    is_told("a.map(x, x) + [x]", "a | x w");
}

static void
what_may_be_absent_is_told(void **state)
{
    (void)state;
    is_told("a?.b", "a?.b wr");
    is_told("steps.x?.body.id", "steps.x?.body.id wr");
    is_told("a.b?.c?.d", "a.b?.c.d wr");
    is_told("a.b ?? c.d", "a.b awr | c.d wr");
    is_told("a ?? b ?? c", "a awr | b awr | c wr");
    is_told("(a ?? b) ?? c", "a awr | b awr | c wr");
    is_told("has(a.b)", "a.b aws");
    is_told("has(a[b])", "a as | b ws");
    is_told("a.b[c] ?? d", "a.b a | c w | d wr");
    is_told("a.b?.trim()", "a.b a");
    is_told("a.b.trim() ?? c", "a.b | c wr");
    is_told("(a.b).c ?? d", "a.b a | d wr");
}

static void
what_is_washed_is_told(void **state)
{
    (void)state;
    is_told("hmac('sha256', s.k, b)", "s.k ws | b ws");
    is_told("sha256('x' + s.k.trim())", "s.k s");
    is_told("size(s.k)", "s.k ws");
    is_told("s.k.size()", "s.k s");
    is_told("s.k == a", "s.k ws | a ws");
    is_told("s.k in [a] ? b : c", "s.k ws | a ws | b wr | c wr");
    is_told("s.k ? b : c", "s.k w | b wr | c wr");
    is_told("sha256(a ? b : c)", "a ws | b ws | c ws");
    is_told("s.k.contains(a)", "s.k | a w");
    is_told("sha256(l.map(x, x + s.k).join(''))", "l s | s.k ws");
    is_told("a[s.k == 'x' ? 1 : 0]", "a | s.k ws");
}

static void
templates_tell_places_in_their_text(void **state)
{
    (void)state;
    struct template *t = NULL;
    const char *text = "x ${ a.b } and ${ size(c.d) } $${ e }";
    buf_init(&told, 4096);
    assert_int_equal(template_parse(text_of(text), TEMPLATE_VALUE, &t, NULL, NULL), WEIR_OK);
    template_each_access(t, write_access, (void *)text);
    assert_string_equal(told.bytes, "a.b w | c.d ws");
    template_free(&t);
    buf_reset(&told);

    text = "${ a.b }";
    assert_int_equal(template_parse(text_of(text), TEMPLATE_VALUE, &t, NULL, NULL), WEIR_OK);
    template_each_access(t, write_access, (void *)text);
    assert_string_equal(told.bytes, "a.b wr");
    template_free(&t);
    buf_reset(&told);

    text = "http://${ env.HOST }:80/${ a.b }";
    assert_int_equal(template_parse(text_of(text), TEMPLATE_URL, &t, NULL, NULL), WEIR_OK);
    template_each_authority_access(t, write_access, (void *)text);
    assert_string_equal(told.bytes, "env.HOST w");
    template_free(&t);
    buf_fini(&told);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_are_told_in_order_of_the_text),
        cmocka_unit_test(a_path_ends_before_what_is_not_constant),
        cmocka_unit_test(variables_of_macros_are_not_told),
        cmocka_unit_test(what_may_be_absent_is_told),
        cmocka_unit_test(what_is_washed_is_told),
        cmocka_unit_test(templates_tell_places_in_their_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* unit/expr/url_text_test.c - urls with expressions in them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "world.h"

#define DOTS "invalid: a value would make a segment of the url '.' or '..'"
#define HOST "scheme, host and port of a url have letters, digits and -._~:[] only"

static void
values_behind_the_authority_are_encoded(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "http://h/x", "\"http://h/x\"" },
        { "http://h/${ s }/x?q=${ s }",
          "\"http://h/Hello%2C%20W%C3%B6rld/x?q=Hello%2C%20W%C3%B6rld\"" },
        { "http://h/${ 'a/b?c#d&e=f%2f' }", "\"http://h/a%2Fb%3Fc%23d%26e%3Df%252f\"" },
        { "http://h?${ 'a b' }=${ 'c&d' }#${ 'e f' }", "\"http://h?a%20b=c%26d#e%20f\"" },
        { "http://h/${ a }/${ nul }/${ t }/${ d }/${ l }",
          "\"http://h/1//true/1.5/%5B1%2C2%2C3%5D\"" },
        { "/x/${ 'a/b' }", "\"/x/a%2Fb\"" },
        { "/${ 'a/b' }", "\"/a%2Fb\"" },
        { "x/${ 'a/b' }", "\"x/a%2Fb\"" },
        { "?q=${ 'a b' }", "\"?q=a%20b\"" },
        { "http://h/a-${ 'b' }.c/${ '...' }", "\"http://h/a-b.c/...\"" },
        { "http://h/${ raw }", "script: raw: bytes can't stand in a text; string(x), "
                               "base64.encode(x) and hex.encode(x) make text of them" },
        { "http://h/${ m?.nope }",
          "script: m?.nope: nothing is there; give it a default with ??" },
    };
    check_templates(TEMPLATE_URL, rows, N(rows));
}

static void
what_would_change_the_path_is_refused(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "http://h/a/${ '..' }", DOTS },
        { "http://h/a/${ '.' }", DOTS },
        { "http://h/a/${ '..' }/b", DOTS },
        { "http://h/a/${ '..' }?b", DOTS },
        { "http://h/a/${ '..' }#b", DOTS },
        { "http://h/a/.${ '.' }/b", DOTS },
        { "http://h/a/${ '.' }${ '.' }/b", DOTS },
        { "http://h/a/.${ '' }/b", DOTS },
        { "http://h/a/${ '' }./b", DOTS },
        { "http://h/a/%2e${ '.' }/b", DOTS },
        { "http://h/a/%2E%2e${ '' }/b", DOTS },
        { "/${ '..' }", DOTS },
        { "x/${ '..' }/y", DOTS },
        { "${ 'http://h/base' }/${ '..' }", DOTS },
        { "http://h/a/${ 'x\\r\\ny' }",
          "invalid: 'x\\r\\ny': a line break can't stand in a url" },
        { "http://h/a?b=${ '\\n' }", "invalid: '\\n': a line break can't stand in a url" },
        { "/${ '' }/evil.org", "invalid: '': a value would make the url start with '//'" },
        { "http://h/a/${ '..x' }/..${ 'x' }", "\"http://h/a/..x/..x\"" },
        { "http://h/a?b=${ '..' }&${ '.' }", "\"http://h/a?b=..&.\"" },
        { "http://h/a/../b/${ a }", "\"http://h/a/../b/1\"" },
    };
    check_templates(TEMPLATE_URL, rows, N(rows));
}

static void
raw_values_are_put_in_as_they_are(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "http://h/${ url.raw('a/b?c=%2f') }", "\"http://h/a/b?c=%2f\"" },
        { "http://h/${ url.raw(a) }/x", "\"http://h/1/x\"" },
        { "http://h/${ url.raw('a/../b') }",
          "invalid: url.raw('a/../b'): a value would make a segment of the url '.' or '..'" },
        { "http://h/${ url.raw('a/..') }", DOTS },
        { "http://h/${ url.raw('a?../') }/..", "\"http://h/a?..//..\"" },
        { "http://h/${ url.raw('a\\nb') }",
          "invalid: url.raw('a\\nb'): a line break can't stand in a url" },
        { "http://h/${ url.raw('a b') }",
          "invalid: url.raw('a b'): blanks and control characters "
          "can't stand in a url" },
        { "/${ url.raw('/evil.org') }",
          "invalid: url.raw('/evil.org'): a value would make the url start with '//'" },
        { "http://h/${ t ? url.raw('a') : 'b' }",
          "parse 16+12: url.raw() stands only for the whole of a ${ } in a url" },
        { "http://h/${ url.encode('a/b') }", "\"http://h/a%252Fb\"" },
    };
    check_templates(TEMPLATE_URL, rows, N(rows));
}

static void
an_authority_holds_only_what_cannot_end_it(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "http://${ lent }/x", "\"http://lent/x\"" },
        { "http://${ lent }.example.org:${ 80 }/x", "\"http://lent.example.org:80/x\"" },
        { "http://[${ '::1' }]/x", "\"http://[::1]/x\"" },
        { "${ 'https' }://${ lent }/x/${ 'a b' }", "\"https://lent/x/a%20b\"" },
        { "//${ lent }/${ 'a b' }", "\"//lent/a%20b\"" },
        { "http://u:${ lent }@h/", "\"http://u:lent@h/\"" },
        { "http://${ 'evil.org/' }.example.org/", "invalid: 'evil.org/': " HOST },
        { "http://${ 'a@evil.org' }/", "invalid: 'a@evil.org': " HOST },
        { "http://${ 'a?' }/", "invalid: 'a?': " HOST },
        { "http://${ 'a#' }/", "invalid: 'a#': " HOST },
        { "http://${ 'a\\\\b' }/", "invalid: 'a\\\\b': " HOST },
        { "http://${ 'a\\x00' }/", "invalid: 'a\\x00': " HOST },
        { "http://h${ '/x' }", "invalid: '/x': " HOST },
        { "http:/${ '/x' }", "invalid: '/x': " HOST },
        { "http:${ '//x' }", "invalid: '//x': " HOST },
        { "h${ '/x' }/y", "invalid: '/x': " HOST },
    };
    check_templates(TEMPLATE_URL, rows, N(rows));
}

static void
a_base_is_put_in_as_it_is(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "${ 'http://h:1/api' }", "\"http://h:1/api\"" },
        { "${ 'http://h/api' }/x/${ 'a b' }?q=${ '&' }", "\"http://h/api/x/a%20b?q=%26\"" },
        { "${ 'http://h/api?k=' }${ lent }", "\"http://h/api?k=lent\"" },
        { "${ 'http://h/api?k=' }x&y=${ 'a b' }", "invalid: 'a b': " HOST },
        { "${ 'http://h' }${ '/x' }", "invalid: '/x': " HOST },
        { "${ 'http://h' }:${ 80 }/${ 'a b' }", "\"http://h:80/a%20b\"" },
        { "${ 'http://h/a b' }/x",
          "invalid: 'http://h/a b': blanks and control characters can't "
          "stand in a url" },
        { "${ 'http://h\\r\\nX: y' }/x",
          "invalid: 'http://h\\r\\nX: y': a line break can't stand in a url" },
        { "${ url.raw('http://h') }/x", "\"http://h/x\"" },
        { "${ a }", "\"1\"" },
        { "${ m?.nope }", "absent" },
        { "${ m?.nope }/x", "script: m?.nope: nothing is there; give it a default with ??" },
        { "${ nope ?? 'http://127.0.0.1:9100' }/embed", "\"http://127.0.0.1:9100/embed\"" },
    };
    check_templates(TEMPLATE_URL, rows, N(rows));
}

static void
whether_the_authority_has_an_expression_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool has;
    } rows[] = {
        { "http://h/x", false },
        { "http://h/${ a }", false },
        { "http://h?q=${ a }", false },
        { "/${ a }", false },
        { "/x/${ a }", false },
        { "x/${ a }", false },
        { "${ a }", true },
        { "${ a }/x", true },
        { "http://${ a }/x", true },
        { "http://h:${ a }/x", true },
        { "${ a }://h/x", true },
        { "//${ a }/x", true },
        { "http:/${ a }/x", true },
        { "h${ a }/x", true },
    };
    for (size_t i = 0; i < N(rows); i++) {
        struct template *t = NULL;
        assert_int_equal(template_parse(text_of(rows[i].text), TEMPLATE_URL, &t, NULL, NULL),
                         WEIR_OK);
        if (template_has_authority_expr(t) != rows[i].has)
            fail_msg("%s", rows[i].text);
        template_free(&t);
    }
    struct template *t = NULL;
    assert_int_equal(template_parse(TEXT("${ a }"), TEMPLATE_VALUE, &t, NULL, NULL), WEIR_OK);
    assert_false(template_has_authority_expr(t));
    template_free(&t);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_behind_the_authority_are_encoded),
        cmocka_unit_test(what_would_change_the_path_is_refused),
        cmocka_unit_test(raw_values_are_put_in_as_they_are),
        cmocka_unit_test(an_authority_holds_only_what_cannot_end_it),
        cmocka_unit_test(a_base_is_put_in_as_it_is),
        cmocka_unit_test(whether_the_authority_has_an_expression_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

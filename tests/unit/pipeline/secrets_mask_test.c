/* tests/unit/pipeline/secrets_mask_test.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "expect.h"

#include "base/encode.h"
#include "pipeline/secrets_mask.h"
#include "value/json.h"

static struct masks *
masks_of(const char *const *secrets, unsigned n)
{
    struct masks *m = masks_new();
    for (unsigned i = 0; i < n; i++)
        masks_add(m, text_of(secrets[i]));
    masks_end(m);
    return m;
}

static void
assert_masked(const struct masks *m, struct weir_text text, const char *is)
{
    struct buf b;
    buf_init(&b, 1u << 16);
    assert_true(buf_text(&b, text));
    masks_apply(m, &b, MASK_MIN);
    assert_string_equal(b.bytes, is);
    assert_int_equal(b.len, strlen(is));
    buf_fini(&b);
}

static void
the_longest_one_is_hidden(void **state)
{
    (void)state;
    static const char *const secrets[] = { "hush", "hush-hush", "abc", "hush-hushes" };
    struct masks *m = masks_of(secrets, 4);
    assert_masked(m, TEXT(""), "");
    assert_masked(m, TEXT("hus"), "hus");
    assert_masked(m, TEXT("hush"), "***");
    assert_masked(m, TEXT("hush, hush-hush-hush abc hushhush hus"), "***, ***-*** abc ****** hus");
    assert_masked(m, TEXT("xhush-hushes"), "x***");
    assert_masked(m, TEXT("xhush-hushe"), "x***e");
    masks_free(&m);
    assert_null(m);
    masks_free(&m);
    m = masks_of(secrets, 0);
    assert_masked(m, TEXT("hush"), "hush");
    masks_free(&m);
}

static void
what_others_encode_less_or_as_html_is_hidden(void **state)
{
    (void)state;
    static const char *const secrets[] = { "a b!'(x)/y&z\"", "<x>'" };
    struct masks *m = masks_of(secrets, 2);
    assert_masked(m, TEXT("a%20b%21%27%28x%29%2Fy%26z%22"), "***");
    assert_masked(m, TEXT("a%20b!'(x)%2Fy%26z%22"), "***"); /* encodeURIComponent */
    assert_masked(m, TEXT("a+b!'(x)%2fy%26z%22"), "***");
    assert_masked(m, TEXT("a%20b!'(x)/y&z%22"), "***"); /* encodeURI */
    assert_masked(m, TEXT("a b!&#39;(x)/y&amp;z&quot;"), "***");
    assert_masked(m, TEXT("a b!&#39;(x)/y&amp;z&#34;"), "***");
    assert_masked(m, TEXT("a b!'(x)/y&amp;z&quot;"), "***");
    assert_masked(m, TEXT("&lt;x&gt;&#x27;"), "***");
    masks_free(&m);
}

/* Puts SECRET among other bytes, encodes all of them by FN, and looks for what is left of it. */
static void
assert_hidden_in_base64(const char *secret, bool url)
{
    struct masks *m = masks_of(&secret, 1);
    for (unsigned before = 0; before < 7; before++)
        for (unsigned behind = 0; behind < 4; behind++) {
            struct buf plain, coded, back;
            buf_init(&plain, 1000);
            buf_init(&coded, 1000);
            buf_init(&back, 1000);
            (void)buf_add(&plain, "user:?:", before, NULL);
            (void)buf_puts(&plain, secret);
            (void)buf_add(&plain, "~~~", behind, NULL);
            assert_true(base64_encode(&coded, buf_content(&plain), url));
            size_t len = coded.len;
            masks_apply(m, &coded, MASK_MIN);
            const char *at = strstr(coded.bytes, "***");
            assert_non_null(at);
            /* at most one character on each side knows some bits of the secret */
            assert_true(coded.len - 3 <= len - (strlen(secret) * 8 - 10) / 6);
            buf_fini(&plain);
            buf_fini(&coded);
            buf_fini(&back);
        }
    masks_free(&m);
}

static void
base64_hides_nothing_wherever_the_secret_begins(void **state)
{
    (void)state;
    static const char *const secrets[] = { "hush", "hush?", "hush>>?", "tops3cret-Zq81-value", "\xff\xfe\xfd\xfc\xfb" };
    for (unsigned i = 0; i < 5; i++) {
        assert_hidden_in_base64(secrets[i], false);
        assert_hidden_in_base64(secrets[i], true);
    }
    const char *const one = "swordfish";
    struct masks *m = masks_of(&one, 1);
    assert_masked(m, TEXT("Authorization: Basic YWRhOnN3b3JkZmlzaA=="), "Authorization: Basic YWRhOn***A==");
    masks_free(&m);
}

static void
encodings_are_hidden(void **state)
{
    (void)state;
    const char *const secret = "a/b \"c\"\n\xc3\xa9";
    struct masks *m = masks_of(&secret, 1);
    struct buf b;
    struct weir_error err;
    buf_init(&b, 1000);
    const struct weir_value *v = value_text(secret);
    assert_int_equal(json_write(&b, v, &err), WEIR_OK);
    value_unref(&v);
    assert_masked(m, buf_content(&b), "\"***\"");
    buf_reset(&b);
    assert_true(hex_encode(&b, text_of(secret)));
    assert_masked(m, buf_content(&b), "***");
    buf_fini(&b);
    assert_masked(m, TEXT("{\"a\":\"{\\\"b\\\":\\\"a/b \\\\\\\"c\\\\\\\"\\\\n\xc3\xa9\\\"}\"}"),
                  "{\"a\":\"{\\\"b\\\":\\\"***\\\"}\"}");
    assert_masked(m, TEXT("x=612F6220226322" "0AC3A9"), "x=***");
    assert_masked(m, TEXT("?k=a%2Fb%20%22c%22%0A%C3%A9&x"), "?k=***&x");
    assert_masked(m, TEXT("?k=a%2fb%20%22c%22%0a%c3%a9&x"), "?k=***&x");
    assert_masked(m, TEXT("k=a%2Fb+%22c%22%0A%C3%A9"), "k=***");
    assert_masked(m, TEXT("k=a%2fb+%22c%22%0a%c3%a9"), "k=***");
    masks_free(&m);
}

static void
what_is_shorter_than_asked_for_stays(void **state)
{
    (void)state;
    static const char *const secrets[] = { "hush", "hush-hush-hush", "a<b>&c" };
    struct masks *m = masks_of(secrets, 3);
    struct buf b;
    buf_init(&b, 100);
    (void)buf_puts(&b, "hush and hush-hush-hush");
    masks_apply(m, &b, 12);
    assert_string_equal(b.bytes, "hush and ***");
    buf_fini(&b);
    assert_true(masks_find(m, TEXT("x hush-hush-hush"), 12));
    assert_false(masks_find(m, TEXT("x hush-hush-hus"), 12));
    assert_true(masks_find(m, TEXT("x hush-hush-hus"), 4));
    assert_masked(m, TEXT("\"a\\u003cb\\u003e\\u0026c\""), "\"***\"");
    masks_free(&m);
}

static void
a_long_line_of_a_key_is_hidden_alone(void **state)
{
    (void)state;
    const char *const key = "-----BEGIN X-----\nMIIEvQIBADANBgkq\nhkiG9w0BAQEFAASC\nshort\n";
    struct masks *m = masks_of(&key, 1);
    assert_masked(m, TEXT("at line 'hkiG9w0BAQEFAASC', short"), "at line '***', short");
    masks_free(&m);
}

static void
the_password_of_a_url_is_hidden_alone(void **state)
{
    (void)state;
    static const char *const urls[] = { "postgres://ada:pa%40ss-word@db:5432/x", "redis://:other-one@h", "https://h:80/a@b",
                                        "redis://only-user@h" };
    struct masks *m = masks_of(urls, 4);
    assert_masked(m, TEXT("pa%40ss-word pa@ss-word other-one db:5432 ada 80/a only-user"), "*** *** *** db:5432 ada 80/a only-user");
    masks_free(&m);
}

static void
many_secrets_are_found_in_a_long_text(void **state)
{
    (void)state;
    struct masks *m = masks_new();
    struct buf text, want;
    buf_init(&text, 1u << 20);
    buf_init(&want, 1u << 20);
    for (unsigned i = 0; i < 1000; i++) {
        char secret[32];
        (void)snprintf(secret, sizeof secret, "key-%u-%04x", i * 7919, i);
        masks_add(m, text_of(secret));
        (void)buf_printf(&text, "%s, and ", secret);
        (void)buf_puts(&want, "***, and ");
    }
    masks_end(m);
    masks_apply(m, &text, MASK_MIN);
    assert_string_equal(text.bytes, want.bytes);
    buf_fini(&text);
    buf_fini(&want);
    masks_free(&m);
}

static void
of_forms_that_begin_alike_the_longest_is_found(void **state)
{
    (void)state;
    struct masks *m = masks_new();
    char secret[64];
    for (unsigned i = 4; i < 40; i += 3) { /* aaaa, aaaaaaa, ... and those with a b at their end */
        memset(secret, 'a', i);
        masks_add(m, (struct weir_text){ secret, i });
        secret[i - 1] = 'b';
        masks_add(m, (struct weir_text){ secret, i });
    }
    masks_end(m);
    assert_masked(m, TEXT("aaaaaaaaX"), "***aX");
    assert_masked(m, TEXT("aaabaaaabaaaaaabX"), "******b***X");
    assert_masked(m, TEXT("aaaaaaaaabX"), "***X");
    assert_masked(m, TEXT("aaacaaaac"), "aaac***c");
    masks_free(&m);
}

static void
json_of_other_writers_is_hidden(void **state)
{
    (void)state;
    static const char *const secrets[] = { "Z\xc3\xbcrich/\xf0\x9f\x94\x91", "\xff\xfe-no-text" };
    struct masks *m = masks_of(secrets, 2);
    assert_masked(m, TEXT("Z\\u00fcrich/\\ud83d\\udd11"), "***");
    assert_masked(m, TEXT("Z\\u00FCrich/\\uD83D\\uDD11"), "***");
    assert_masked(m, TEXT("Z\\u00fcrich\\/\\ud83d\\udd11"), "***");
    assert_masked(m, TEXT("Z\xc3\xbcrich\\/\xf0\x9f\x94\x91"), "***");
    assert_masked(m, TEXT("Z\\\\u00fcrich/\\\\ud83d\\\\udd11"), "***");
    masks_free(&m);
}

static void
assert_cut(const struct masks *m, const char *text, const char *is)
{
    struct buf b;
    buf_init(&b, 256);
    (void)buf_puts(&b, text);
    masks_apply_cut(m, &b, MASK_CUT);
    assert_string_equal(b.bytes, is);
    buf_fini(&b);
}

static void
the_begin_of_one_is_hidden_at_the_end_of_a_text_that_was_cut(void **state)
{
    (void)state;
    static const char *const secrets[] = { "hush-hush-hush", "hush-hash-it/all", "12345678" };
    struct masks *m = masks_of(secrets, 3);
    assert_cut(m, "it is hush-hush-hus", "it is ***");
    assert_cut(m, "it is hush-hash-it%2F", "it is ***");
    assert_cut(m, "hush-has", "***");
    assert_cut(m, "it is hush-ha", "it is hush-ha"); /* too short */
    assert_cut(m, "it is hush-hush-hus-", "it is hush-hush-hus-");
    assert_cut(m, "hush-hush-hush is it", "hush-hush-hush is it"); /* not the end */
    assert_cut(m, "", "");
    masks_free(&m);
    m = masks_of(secrets, 0);
    assert_cut(m, "it is hush-hush-hus", "it is hush-hush-hus");
    masks_free(&m);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_longest_one_is_hidden),
        cmocka_unit_test(base64_hides_nothing_wherever_the_secret_begins),
        cmocka_unit_test(encodings_are_hidden),
        cmocka_unit_test(what_is_shorter_than_asked_for_stays),
        cmocka_unit_test(a_long_line_of_a_key_is_hidden_alone),
        cmocka_unit_test(the_password_of_a_url_is_hidden_alone),
        cmocka_unit_test(many_secrets_are_found_in_a_long_text),
        cmocka_unit_test(of_forms_that_begin_alike_the_longest_is_found),
        cmocka_unit_test(json_of_other_writers_is_hidden),
        cmocka_unit_test(what_others_encode_less_or_as_html_is_hidden),
        cmocka_unit_test(the_begin_of_one_is_hidden_at_the_end_of_a_text_that_was_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

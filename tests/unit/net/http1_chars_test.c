/* unit/net/http1_chars_test.c - classes of bytes, names of fields, and numbers that are written.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "net/http1_parse.h"
#include "net/http1_write.h"
#include "net/url.h"

static bool
is_letter(int c)
{
    return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

static bool
is_digit(int c)
{
    return c >= '0' && c <= '9';
}

/* By the grammar of RFC 9110 5.6.2. */
static bool
is_tchar(int c)
{
    return is_letter(c) || is_digit(c) || (c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static void
a_name_in_lower_case_has_the_bytes_of_a_token(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        char byte = (char)c;
        assert_int_equal(http_is(byte, HTTP_TOKEN), is_tchar(c));
        assert_int_equal(http_names[c], is_tchar(c) ? http_lower(byte) : 0);
    }
}

/* With each byte at each place of a name of each length: it stops at the first that is odd, and changes none behind it. */
static void
a_name_is_made_small_up_to_what_is_odd(void **state)
{
    (void)state;
    char text[48], want[48];
    for (size_t len = 0; len <= 40; len++)
        for (size_t place = 0; place < len; place++)
            for (int c = 0; c < 256; c++) {
                memset(text, 'Q', len);
                text[place] = (char)c;
                char *at = http_lower_name(text, text + len);
                bool plain = is_letter(c) || is_digit(c) || c == '-';
                size_t got = (size_t)(at - text);
                assert_true(got <= (plain ? len : place));
                assert_true(len < 16 || got >= (plain || place >= 16 ? 16 : place));
                memset(want, 'q', got);
                memset(want + got, 'Q', len - got);
                want[place] = place < got ? http_lower((char)c) : (char)c;
                assert_memory_equal(text, want, len);
            }
}

static void
a_url_has_what_is_printable_but_no_backslash(void **state)
{
    (void)state;
    for (int c = 0; c < 256; c++) {
        struct url url;
        struct weir_error err;
        char path[] = "http://a/_x";
        char host[] = "http://a_x/";
        path[9] = host[8] = (char)c;
        bool may = c > 0x20 && c < 0x7f && c != '\\';
        assert_int_equal(url_parse((struct weir_text){ path, 11 }, &url, &err) == WEIR_OK, may);
        if (c == 0 || strchr("/?#", c) == NULL) { /* these end it */
            may = is_letter(c) || is_digit(c) || (c != 0 && strchr("-._~", c) != NULL);
            assert_int_equal(url_parse((struct weir_text){ host, 11 }, &url, &err) == WEIR_OK, may);
        }
    }
}

static void
a_bad_byte_is_seen_at_every_place(void **state)
{
    (void)state;
    char text[] = "abcdefghijklmnopqrst";
    for (size_t len = 0; len < sizeof text; len++) {
        assert_true(http_all((struct weir_text){ text, len }, HTTP_TOKEN));
        assert_int_equal(http_is_token((struct weir_text){ text, len }), len > 0);
        for (size_t i = 0; i < len; i++) {
            char was = text[i];
            text[i] = ':';
            assert_false(http_all((struct weir_text){ text, len }, HTTP_TOKEN));
            assert_false(http_is_token((struct weir_text){ text, len }));
            assert_ptr_equal(http_skip(text, text + len, HTTP_TOKEN), text + i);
            text[i] = was;
        }
    }
}

static void
a_token_is_judged_byte_by_byte_whatever_its_length(void **state)
{
    (void)state;
    char text[40];
    for (size_t len = 1; len <= sizeof text; len++) {
        for (size_t i = 0; i < len; i++) {
            memset(text, i % 2 ? '-' : 'Z', sizeof text);
            for (int c = 0; c < 256; c++) {
                text[i] = (char)c;
                bool control = (c < 0x20 && c != '\t') || c == 0x7f;
                assert_int_equal(http_is_token((struct weir_text){ text, len }), is_tchar(c));
                assert_int_equal(http_is_field_value((struct weir_text){ text, len }), !control);
            }
        }
    }
}

static void
control_bytes_are_found_wherever_they_are(void **state)
{
    (void)state;
    char text[48];
    memset(text, 'x', sizeof text);
    for (size_t len = 0; len <= sizeof text; len++) {
        assert_ptr_equal(http_scan_text(text, text + len), text + len);
        for (size_t i = 0; i < len; i++) {
            text[i] = '\n';
            assert_ptr_equal(http_scan_text(text, text + len), text + i);
            assert_false(http_is_field_value((struct weir_text){ text, len }));
            text[i] = 'x';
        }
    }
}

static void
fields_that_frame_are_known_in_any_case(void **state)
{
    (void)state;
    static const char *const framing[] = {
        "connection", "Content-Length", "KEEP-ALIVE",        "proxy-connection", "TE",
        "trailer",    "UpGrade",        "Transfer-Encoding",
    };
    static const char *const others[] = {
        "", "t", "te2", "date", "host", "expect", "upgrades", "ratelimit-limit-", "x-request-id", "connectiom",
    };
    for (size_t i = 0; i < sizeof framing / sizeof *framing; i++)
        assert_true(http_is_framing(text_of(framing[i])));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_false(http_is_framing(text_of(others[i])));
    assert_true(http_name_is(TEXT("X-A"), TEXT("x-a")));
    assert_false(http_name_is(TEXT("X-B"), TEXT("x-a")));
    assert_false(http_name_is(TEXT(""), TEXT("x-a")));
}

static void
numbers_are_written_in_decimal(void **state)
{
    (void)state;
    static const struct {
        uint64_t n;
        const char *text;
    } cases[] = { { 0, "0" }, { 9, "9" }, { 10, "10" }, { 65535, "65535" }, { UINT64_MAX, "18446744073709551615" } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[64];
        char *end = HTTP_PUT(http_put_number(HTTP_PUT(text, "<"), cases[i].n), ">");
        size_t len = strlen(cases[i].text);
        assert_int_equal(end - text, len + 2);
        assert_memory_equal(text + 1, cases[i].text, len);
        assert_ptr_equal(http_put(end, (struct weir_text){ NULL, 0 }), end);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_in_lower_case_has_the_bytes_of_a_token),
        cmocka_unit_test(a_name_is_made_small_up_to_what_is_odd),
        cmocka_unit_test(a_url_has_what_is_printable_but_no_backslash),
        cmocka_unit_test(a_bad_byte_is_seen_at_every_place),
        cmocka_unit_test(a_token_is_judged_byte_by_byte_whatever_its_length),
        cmocka_unit_test(control_bytes_are_found_wherever_they_are),
        cmocka_unit_test(fields_that_frame_are_known_in_any_case),
        cmocka_unit_test(numbers_are_written_in_decimal),
    };
    return cmocka_run_group_tests_name("net/http1_chars", tests, NULL, NULL);
}

/* unit/edge/proxy_protocol_test.c - headers of proxies: whom they name, where they end, and
 * what is none.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "edge/proxy_protocol.h"
#include "net/url.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define TCP4_ADDRESSES "\xc0\0\2\1\xc0\0\2\2\x12\x67\1\xbb"

static struct weir_error error;
static char name[64];

/* Reads BYTES as they come out of a socket, with other bytes behind them; returns how many the
 * header took, 0 if it is bad. NAME is whom it names. */
static size_t
take(const char *bytes, size_t len)
{
    char wire[8192];
    size_t have = 0;
    memcpy(wire, bytes, len);
    memset(wire + len, 'x', sizeof(wire) - len);
    for (;;) {
        struct sockaddr_storage a;
        size_t more = 0;
        enum proxy_progress p = proxy_protocol_read(wire, have, &more, &a, &error);
        strcpy(name, "-");
        if (p == PROXY_BAD)
            return 0;
        if (p == PROXY_DONE && a.ss_family != AF_UNSPEC)
            address_text((struct sockaddr *)&a, name, sizeof(name));
        if (p == PROXY_DONE)
            return have;
        assert_true(more > 0 && have + more <= PROXY_PROTOCOL_MAX);
        have += more;
    }
}

#define TAKE(text) take(text, sizeof(text) - 1)

static void
a_header_names_the_caller_and_nothing_behind_it_is_read(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
        const char *want;
    } cases[] = {
#define CASE(text, want) { text, sizeof(text) - 1, want }
        CASE(SIGNATURE "\x21\x11\0\x0c" TCP4_ADDRESSES, "192.0.2.1"),
        CASE(SIGNATURE "\x21\x11\0\x16" TCP4_ADDRESSES "\x01\0\2h2\x04\0\2..", "192.0.2.1"),
        CASE(SIGNATURE "\x21\x21\0\x24"
                       "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\7"
                       "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1\x12\x67\1\xbb",
             "2001:db8::7"),
        CASE("PROXY TCP4 192.0.2.1 192.0.2.2 4711 443\r\n", "192.0.2.1"),
        CASE("PROXY TCP6 2001:db8::7 ::1 4711 443\r\n", "2001:db8::7"),
        /* what the proxy itself asks, and what no TCP caller stands behind */
        CASE(SIGNATURE "\x20\0\0\0", "-"),
        CASE(SIGNATURE "\x20\x11\0\x0c" TCP4_ADDRESSES, "-"),
        CASE(SIGNATURE "\x20\0\0\3zzz", "-"),
        CASE(SIGNATURE "\x21\0\0\0", "-"),
        CASE(SIGNATURE "\x21\x12\0\x0c" TCP4_ADDRESSES, "-"),
        CASE("PROXY UNKNOWN\r\n", "-"),
        CASE("PROXY UNKNOWN \r\n", "-"),
        CASE("PROXY UNKNOWN anything 1 2 3\r\n", "-"),
#undef CASE
    };
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(take(cases[i].bytes, cases[i].len), cases[i].len);
        assert_string_equal(name, cases[i].want);
    }
}

static void
a_path_as_the_caller_is_the_proxy_itself(void **state)
{
    (void)state;
    char bytes[16 + 216] = SIGNATURE "\x21\x31\0\xd8/run/caller";
    assert_int_equal(take(bytes, sizeof(bytes)), sizeof(bytes));
    assert_string_equal(name, "-");
}

static void
what_is_no_header_is_refused(void **state)
{
    (void)state;
    assert_int_equal(TAKE("GET / HTTP/1.1\r\n"), 0);
    assert_string_equal(error.text, "PROXY header: it does not begin like one");
    assert_int_equal(TAKE("\x16\x03\x01\x02\0"), 0);
    assert_int_equal(TAKE(SIGNATURE "\x11\x11\0\x0c" TCP4_ADDRESSES), 0);
    assert_int_equal(TAKE(SIGNATURE "\x22\x11\0\x0c" TCP4_ADDRESSES), 0);
    assert_int_equal(TAKE(SIGNATURE "\x21\x41\0\x0c" TCP4_ADDRESSES), 0);
    assert_int_equal(TAKE(SIGNATURE "\x21\x13\0\x0c" TCP4_ADDRESSES), 0);
    assert_int_equal(TAKE(SIGNATURE "\x21\x11\0\x0b" TCP4_ADDRESSES), 0);
    assert_string_equal(error.text, "PROXY header: too short for its addresses");
    assert_int_equal(TAKE(SIGNATURE "\x21\x11\xff\xff"), 0);
    assert_string_equal(error.text, "PROXY header: longer than 4096 bytes");
    assert_int_equal(TAKE(SIGNATURE "\x21\x11\0\x10" TCP4_ADDRESSES "\x01\0\2h"), 0);
    assert_int_equal(TAKE(SIGNATURE "\x21\x11\0\x0e" TCP4_ADDRESSES "\x01\0"), 0);
    assert_string_equal(error.text, "PROXY header: an extension is longer than what is there");
}

static void
a_line_that_is_none_is_refused(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "PROXY TCP4 192.0.2.1 192.0.2.2 4711\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 4711 443 \r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 4711 65536\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 04711 443\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 -1 443\r\n",
        "PROXY TCP4  192.0.2.1 192.0.2.2 4711 443\r\n",
        "PROXY TCP4 2001:db8::7 ::1 4711 443\r\n",
        "PROXY TCP6 192.0.2.1 192.0.2.2 4711 443\r\n",
        "PROXY TCP4 192.0.2.256 192.0.2.2 4711 443\r\n",
        "PROXY UDP4 192.0.2.1 192.0.2.2 4711 443\r\n",
        "PROXY  \r\nmore of it",
        "PROXY TCP4 192.0.2.1 192.0.2.2 4711 443\n",
        "PROXY UNKNOWN\n\r\n",
    };
    for (unsigned i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        if (take(lines[i], strlen(lines[i])) != 0)
            fail_msg("taken: %s", lines[i]);
    char endless[200];
    memset(endless, 'a', sizeof(endless));
    memcpy(endless, "PROXY UNKNOWN ", 14);
    assert_int_equal(take(endless, sizeof(endless)), 0);
    assert_string_equal(error.text, "PROXY header: a line that does not end");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_names_the_caller_and_nothing_behind_it_is_read),
        cmocka_unit_test(a_path_as_the_caller_is_the_proxy_itself),
        cmocka_unit_test(what_is_no_header_is_refused),
        cmocka_unit_test(a_line_that_is_none_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* URLs taken apart and resolved; which addresses are public; addresses and ranges as text.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above */
#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "net/url.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct weir_error err;

static void
good_urls_come_apart(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        bool tls;
        const char *host;
        unsigned port;
        const char *path;
        const char *query; /* NULL: none */
    } good[] = {
        { "http://example.com", false, "example.com", 80, "", NULL },
        { "https://example.com", true, "example.com", 443, "", NULL },
        { "HTTPS://Example.com:8443/A/b?c=d", true, "Example.com", 8443, "/A/b", "c=d" },
        { "http://example.com?x", false, "example.com", 80, "", "x" },
        { "http://example.com/?", false, "example.com", 80, "/", "" },
        { "http://example.com/a?b?c/d#e?f", false, "example.com", 80, "/a", "b?c/d" },
        { "http://example.com#e", false, "example.com", 80, "", NULL },
        { "http://[::1]:8080/x", false, "::1", 8080, "/x", NULL },
        { "http://[2001:db8::1]", false, "2001:db8::1", 80, "", NULL },
        { "http://10.0.0.1:1/", false, "10.0.0.1", 1, "/", NULL },
        { "http://h:65535/", false, "h", 65535, "/", NULL },
        { "http://my_service/%20/%zz", false, "my_service", 80, "/%20/%zz", NULL },
        { "http://h//a/../b", false, "h", 80, "//a/../b", NULL },
        { "http://h/a:b@c", false, "h", 80, "/a:b@c", NULL },
    };
    for (size_t i = 0; i < COUNT(good); i++) {
        struct url u;
        print_message("%s\n", good[i].url);
        assert_int_equal(url_parse(text_of(good[i].url), &u, &err), WEIR_OK);
        assert_int_equal(u.tls, good[i].tls);
        assert_true(text_is(u.host, good[i].host));
        assert_int_equal(u.port, good[i].port);
        assert_true(text_is(u.path, good[i].path));
        assert_int_equal(u.query.bytes != NULL, good[i].query != NULL);
        if (good[i].query != NULL)
            assert_true(text_is(u.query, good[i].query));
    }
}

static void
bad_urls_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "http",
        "http:",
        "http:/",
        "http://",
        "http:///x",
        "http:example.com",
        "example.com",
        "//example.com",
        "/x",
        "ftp://example.com",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "httpx://h",
        "http://user@h",
        "http://user:pw@h/",
        "http://h@evil/",
        "http://h:80@evil/",
        "http://h:",
        "http://h:/",
        "http://h:0",
        "http://h:65536",
        "http://h:123456",
        "http://h:+80",
        "http://h:-1",
        "http://h:8o",
        "http://h:80:80",
        "http://[::1",
        "http://[::1]x",
        "http://[::1]:",
        "http://[]",
        "http://[::g]",
        "http://[::1%25eth0]",
        "http://::1/",
        "http://h /",
        " http://h",
        "http://h\t",
        "http://h\n/",
        "http://h\r\nX: y",
        "http://h/a b",
        "http://h/\x7f",
        "http://h/\xc3\xa9",
        "http://h\xe2\x80\xa4"
        "com/",
        "http://h\\@evil/",
        "http://h/a\\b",
        "http://h%00/",
        "http://h%2f/",
        "http://a,b/",
        "http://a;b/",
        "http://a$b/",
        "http://?x",
        "http://#x",
        "http://:80/",
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct url u;
        print_message("%s\n", bad[i]);
        assert_int_equal(url_parse(text_of(bad[i]), &u, &err), WEIR_INVALID);
        assert_true(err.text[0] != '\0');
    }
    struct url u;
    assert_int_equal(url_parse((struct weir_text){ "http://h/\0x", 11 }, &u, &err),
                     WEIR_INVALID);
    char host[300] = "http://";
    memset(host + 7, 'a', 253);
    assert_int_equal(url_parse(text_of(host), &u, &err), WEIR_OK);
    host[7 + 253] = 'a';
    assert_int_equal(url_parse(text_of(host), &u, &err), WEIR_INVALID);
}

/* The examples of RFC 3986, 5.4, and a few that redirects bring. */
static void
references_are_resolved(void **state)
{
    (void)state;
    static const char *const table[][3] = {
        { "http://a/b/c/d;p?q", "g", "http://a/b/c/g" },
        { "http://a/b/c/d;p?q", "./g", "http://a/b/c/g" },
        { "http://a/b/c/d;p?q", "g/", "http://a/b/c/g/" },
        { "http://a/b/c/d;p?q", "/g", "http://a/g" },
        { "http://a/b/c/d;p?q", "//g", "http://g/" },
        { "http://a/b/c/d;p?q", "?y", "http://a/b/c/d;p?y" },
        { "http://a/b/c/d;p?q", "g?y", "http://a/b/c/g?y" },
        { "http://a/b/c/d;p?q", "#s", "http://a/b/c/d;p?q" },
        { "http://a/b/c/d;p?q", "g#s", "http://a/b/c/g" },
        { "http://a/b/c/d;p?q", "g?y#s", "http://a/b/c/g?y" },
        { "http://a/b/c/d;p?q", ";x", "http://a/b/c/;x" },
        { "http://a/b/c/d;p?q", "g;x?y#s", "http://a/b/c/g;x?y" },
        { "http://a/b/c/d;p?q", "", "http://a/b/c/d;p?q" },
        { "http://a/b/c/d;p?q", ".", "http://a/b/c/" },
        { "http://a/b/c/d;p?q", "./", "http://a/b/c/" },
        { "http://a/b/c/d;p?q", "..", "http://a/b/" },
        { "http://a/b/c/d;p?q", "../", "http://a/b/" },
        { "http://a/b/c/d;p?q", "../g", "http://a/b/g" },
        { "http://a/b/c/d;p?q", "../..", "http://a/" },
        { "http://a/b/c/d;p?q", "../../", "http://a/" },
        { "http://a/b/c/d;p?q", "../../g", "http://a/g" },
        { "http://a/b/c/d;p?q", "../../../g", "http://a/g" },
        { "http://a/b/c/d;p?q", "../../../../g", "http://a/g" },
        { "http://a/b/c/d;p?q", "/./g", "http://a/g" },
        { "http://a/b/c/d;p?q", "/../g", "http://a/g" },
        { "http://a/b/c/d;p?q", "g.", "http://a/b/c/g." },
        { "http://a/b/c/d;p?q", ".g", "http://a/b/c/.g" },
        { "http://a/b/c/d;p?q", "g..", "http://a/b/c/g.." },
        { "http://a/b/c/d;p?q", "..g", "http://a/b/c/..g" },
        { "http://a/b/c/d;p?q", "./../g", "http://a/b/g" },
        { "http://a/b/c/d;p?q", "./g/.", "http://a/b/c/g/" },
        { "http://a/b/c/d;p?q", "g/./h", "http://a/b/c/g/h" },
        { "http://a/b/c/d;p?q", "g/../h", "http://a/b/c/h" },
        { "http://a/b/c/d;p?q", "g;x=1/./y", "http://a/b/c/g;x=1/y" },
        { "http://a/b/c/d;p?q", "g;x=1/../y", "http://a/b/c/y" },
        { "http://a/b/c/d;p?q", "g?y/./x", "http://a/b/c/g?y/./x" },
        { "http://a/b/c/d;p?q", "g?y/../x", "http://a/b/c/g?y/../x" },
        { "http://a/b/c/d;p?q", "http://g", "http://g/" },
        { "http://a/b/c/d;p?q", "HTTPS://g:8/x/../y?z", "HTTPS://g:8/y?z" },
        { "http://a/b/c/d;p?q", "ftp://g/x", "ftp://g/x" },
        { "https://a", "g", "https://a/g" },
        { "https://a", "?y", "https://a?y" },
        { "https://a?q", "", "https://a?q" },
        { "https://a", "", "https://a" },
        { "http://a/", "a//../b", "http://a/a/b" },
        { "http://a/", "//g?x", "http://g/?x" },
        { "http://a/", "/a b/\xc3\xa9", "http://a/a%20b/%C3%A9" },
        { "http://[::1]:8/", "/x", "http://[::1]:8/x" },
    };
    for (size_t i = 0; i < COUNT(table); i++) {
        struct buf out;
        buf_init(&out, 4096);
        print_message("%s + %s\n", table[i][0], table[i][1]);
        assert_int_equal(url_resolve(text_of(table[i][0]), text_of(table[i][1]), &out, &err),
                         WEIR_OK);
        assert_string_equal(out.bytes, table[i][2]);
        buf_fini(&out);
    }
}

static void
references_that_lead_nowhere_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = { "http:g", "mailto:x@y", "javascript:x", "/a\r\nb",
                                       "/a\\b",  "\x01",       "a\x7f" };
    struct buf out;
    buf_init(&out, 4096);
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_int_equal(url_resolve(TEXT("http://a/b"), text_of(bad[i]), &out, &err),
                         WEIR_INVALID);
    assert_int_equal(url_resolve(TEXT("a/b"), TEXT("c"), &out, &err), WEIR_INVALID);
    buf_fini(&out);
    buf_init(&out, 10);
    assert_int_equal(url_resolve(TEXT("http://a/b"), TEXT("ccccccc"), &out, &err),
                     WEIR_TOO_LARGE);
    buf_fini(&out);
}

static void
make_address(const char *text, struct sockaddr_storage *ret)
{
    memset(ret, 0, sizeof(*ret));
    struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)ret;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)ret;
    ret->ss_family = strchr(text, ':') ? AF_INET6 : AF_INET;
    void *to = ret->ss_family == AF_INET ? (void *)&v4->sin_addr : (void *)&v6->sin6_addr;
    assert_int_equal(inet_pton(ret->ss_family, text, to), 1);
}

static void
addresses_are_public_or_not(void **state)
{
    (void)state;
    static const char *const public[] = {
        "8.8.8.8",
        "1.1.1.1",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "168.63.129.15",
        "169.253.255.255",
        "169.255.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "192.0.1.0",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "223.255.255.255",
        "2606:4700:4700::1111",
        "2a00:1450:4001:80b::200e",
        "::ffff:8.8.8.8",
        "64:ff9b::8.8.8.8",
        "2002:808:808::1",
        "2001:4860:4860::8888",
        "2001:200::1",
        "2003::1",
        "3ffe::1",
        "2a00::200:5efe:8.8.8.8",
    };
    static const char *const closed[] = {
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.0",
        "10.255.255.255",
        "100.64.0.0",
        "100.100.100.200",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.255",
        "168.63.129.16",
        "169.254.169.254",
        "172.16.0.0",
        "172.31.255.255",
        "192.0.0.192",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.0.0",
        "192.168.255.255",
        "198.18.0.0",
        "198.19.255.255",
        "198.51.100.7",
        "203.0.113.7",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::2",
        "::127.0.0.1",
        "::8.8.8.8",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "::ffff:0:127.0.0.1",
        "64:ff9b::127.0.0.1",
        "64:ff9b::10.1.2.3",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:10::1",
        "2001:20::1",
        "2001:db8::1",
        "2002:7f00:1::1",
        "2002:a00:1::1",
        "2002:c0a8:101::1",
        "3fff::1",
        "4000::1",
        "5f00::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "0.255.255.255",
        "127.1.2.3",
        "169.254.0.0",
        "169.254.255.255",
        "192.0.0.0",
        "192.0.0.255",
        "224.0.0.0",
        "255.255.255.254",
        "::7f00:1",
        "::ffff:0.0.0.0",
        "::ffff:100.64.0.1",
        "::ffff:192.168.1.1",
        "::ffff:224.0.0.1",
        "::ffff:255.255.255.255",
        "64:ff9b::",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b::192.168.0.1",
        "64:ff9b::0.0.0.0",
        "64:ff9b:1:ffff::1",
        "64:ff9b:0:1::1",
        "64:ff9a::8.8.8.8",
        "2001:0:7f00:1::",
        "2001:0:ffff::1",
        "2001:1ff:ffff::1",
        "2002::1",
        "2002:a9fe:a9fe::1",
        "2002:6440:1::1",
        "2002:e000:1::1",
        "2002:ffff:ffff::1",
        "3fff:fff::1",
        "fbff::1",
        "fdff:ffff::1",
        "fe80::ffff:8.8.8.8",
        "febf::1",
        "feff::1",
        "ff00::",
        "ff0e::1",
        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        "2a00::5efe:10.0.0.1",
        "2a00::200:5efe:127.0.0.1",
    };
    struct sockaddr_storage a;
    for (size_t i = 0; i < COUNT(public); i++) {
        print_message("%s\n", public[i]);
        make_address(public[i], &a);
        assert_true(address_is_public((struct sockaddr *)&a));
    }
    for (size_t i = 0; i < COUNT(closed); i++) {
        print_message("%s\n", closed[i]);
        make_address(closed[i], &a);
        assert_false(address_is_public((struct sockaddr *)&a));
    }
    a.ss_family = AF_UNIX;
    assert_false(address_is_public((struct sockaddr *)&a));
}

static void
addresses_are_written(void **state)
{
    (void)state;
    static const char *const table[][2] = { { "127.0.0.1", "127.0.0.1" },
                                            { "::1", "::1" },
                                            { "2001:DB8:0:0::7", "2001:db8::7" },
                                            { "::ffff:10.0.0.1", "10.0.0.1" } };
    char text[INET6_ADDRSTRLEN];
    struct sockaddr_storage a;
    for (size_t i = 0; i < COUNT(table); i++) {
        make_address(table[i][0], &a);
        assert_int_equal(address_text((struct sockaddr *)&a, text, sizeof(text)),
                         strlen(table[i][1]));
        assert_string_equal(text, table[i][1]);
    }
    a.ss_family = AF_UNIX;
    assert_int_equal(address_text((struct sockaddr *)&a, text, sizeof(text)), 0);
    assert_string_equal(text, "");
}

static void
listen_addresses_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *address; /* NULL: all */
        unsigned port;
    } good[] = {
        { "127.0.0.1:8080", "127.0.0.1", 8080 },
        { "0.0.0.0:80", "0.0.0.0", 80 },
        { "[::1]:80", "::1", 80 },
        { "[::]:65535", "::", 65535 },
        { ":8080", NULL, 8080 },
        { "*:8080", NULL, 8080 },
        { "8080", "127.0.0.1", 8080 },
        { "0", "127.0.0.1", 0 },
        { "localhost:0", "127.0.0.1", 0 },
    };
    struct sockaddr_storage a;
    socklen_t len;
    char text[INET6_ADDRSTRLEN];
    for (size_t i = 0; i < COUNT(good); i++) {
        print_message("%s\n", good[i].text);
        assert_int_equal(address_parse(text_of(good[i].text), &a, &len, &err), WEIR_OK);
        unsigned port = a.ss_family == AF_INET ? ((struct sockaddr_in *)(void *)&a)->sin_port
                                               : ((struct sockaddr_in6 *)(void *)&a)->sin6_port;
        assert_int_equal(ntohs((uint16_t)port), good[i].port);
        (void)address_text((struct sockaddr *)&a, text, sizeof(text));
        if (good[i].address != NULL)
            assert_string_equal(text, good[i].address);
        else
            assert_true(strcmp(text, "::") == 0 || strcmp(text, "0.0.0.0") == 0);
        assert_int_equal(len, a.ss_family == AF_INET ? sizeof(struct sockaddr_in)
                                                     : sizeof(struct sockaddr_in6));
    }
    static const char *const bad[] = {
        "",
        ":",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:65536",
        "::1:80",
        "[::1]",
        "[::1]80",
        "[]:80",
        "[::1:80",
        "[::1]:x",
        "example.com:80",
        "127.1:80",
        " 8080",
        "8080 ",
        "+80",
        "[127.0.0.1]:80",
        "[*]:80",
        "1.2.3.4:8:0",
        "99999999999999999999",
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        print_message("%s\n", bad[i]);
        assert_int_equal(address_parse(text_of(bad[i]), &a, &len, &err), WEIR_INVALID);
    }
}

static bool
in_range(const char *address, const char *range)
{
    struct sockaddr_storage a;
    struct address_range r;
    make_address(address, &a);
    assert_int_equal(address_range_parse(text_of(range), &r, &err), WEIR_OK);
    return address_in_range((struct sockaddr *)&a, &r);
}

static void
ranges_hold_their_addresses(void **state)
{
    (void)state;
    assert_true(in_range("10.1.2.3", "10.0.0.0/8"));
    assert_false(in_range("11.1.2.3", "10.0.0.0/8"));
    assert_true(in_range("10.1.2.3", "10.1.2.3"));
    assert_true(in_range("10.1.2.3", "10.1.2.3/32"));
    assert_false(in_range("10.1.2.4", "10.1.2.3/32"));
    assert_true(in_range("10.1.2.5", "10.1.2.4/31"));
    assert_false(in_range("10.1.2.6", "10.1.2.4/31"));
    assert_true(in_range("200.1.2.3", "0.0.0.0/0"));
    assert_true(in_range("::ffff:10.1.2.3", "10.0.0.0/8"));
    assert_false(in_range("::1", "0.0.0.0/0"));
    assert_true(in_range("::1", "::/0"));
    assert_true(in_range("::1", "::1"));
    assert_true(in_range("2001:db8::ffff", "2001:db8::/64"));
    assert_false(in_range("2001:db8:0:1::", "2001:db8::/64"));
    assert_true(in_range("2001:db8:0:1::", "2001:db8::/63"));

    static const char *const bad[] = { "",          "10.0.0.0/33", "::/129",
                                       "10.0.0.0/", "10.0.0.1/8",  "/8",
                                       "10.0.0/8",  "::1/-1",      "2001:db8::1/64",
                                       "x",         "10.0.0.0/8/8" };
    struct address_range r;
    for (size_t i = 0; i < COUNT(bad); i++) {
        print_message("%s\n", bad[i]);
        assert_int_equal(address_range_parse(text_of(bad[i]), &r, &err), WEIR_INVALID);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_urls_come_apart),
        cmocka_unit_test(bad_urls_are_refused),
        cmocka_unit_test(references_are_resolved),
        cmocka_unit_test(references_that_lead_nowhere_are_refused),
        cmocka_unit_test(addresses_are_public_or_not),
        cmocka_unit_test(addresses_are_written),
        cmocka_unit_test(listen_addresses_are_read),
        cmocka_unit_test(ranges_hold_their_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Heads of requests that must be refused, and with which status: whatever two parsers could
 * read differently.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "request.h"

static void
bad_request_lines_are_refused(void **state)
{
    (void)state;
    static const struct message bad[] = {
        M("\r\n\r\n"),
        M("\n"),
        M(" GET / HTTP/1.1\r\n" HOST "\r\n"),
        M("\tGET / HTTP/1.1\r\n" HOST "\r\n"),
        M("GET\r\n\r\n"),
        M("GET \r\n\r\n"),
        M("GET /\r\n\r\n"),
        M("GET /\r\n" HOST "\r\n"),
        M("GET / \r\n" HOST "\r\n"),
        M("GET /  HTTP/1.1\r\n" HOST "\r\n"),
        M("GET  / HTTP/1.1\r\n" HOST "\r\n"),
        M("GET\t/ HTTP/1.1\r\n" HOST "\r\n"),
        M("GET /\tHTTP/1.1\r\n" HOST "\r\n"),
        M("GET /\x0bHTTP/1.1\r\n" HOST "\r\n"),
        M("GET / HTTP/1.1 \r\n" HOST "\r\n"),
        M("GET / HTTP/1.1\t\r\n" HOST "\r\n"),
        M("GET / HTTP/1.1 x\r\n" HOST "\r\n"),
        M("GET / x HTTP/1.1\r\n" HOST "\r\n"),
        M("GET / HTTP/1.1\n" HOST "\r\n"),
        M("GET / HTTP/1.1\r" HOST "\r\n\r\n"),
        M("GET / HTTP/1.1\r\r\n" HOST "\r\n"),
        M("GET / http/1.1\r\n" HOST "\r\n"),
        M("GET / Http/1.1\r\n" HOST "\r\n"),
        M("GET / HTTP/1.\r\n" HOST "\r\n"),
        M("GET / HTTP/.1\r\n" HOST "\r\n"),
        M("GET / HTTP/11\r\n" HOST "\r\n"),
        M("GET / HTTP/1.10\r\n" HOST "\r\n"),
        M("GET / HTTP/01.1\r\n" HOST "\r\n"),
        M("GET / HTTP/1.1a\r\n" HOST "\r\n"),
        M("GET / HTTP/+1.1\r\n" HOST "\r\n"),
        M("GET / HTTP/a.b\r\n" HOST "\r\n"),
        M("GET / HTTP /1.1\r\n" HOST "\r\n"),
        M("GET / HTTP/ 1.1\r\n" HOST "\r\n"),
        M("GET / HTTPS/1.1\r\n" HOST "\r\n"),
        M("GET / ICE/1.0\r\n" HOST "\r\n"),
        M("GET / RTSP/1.0\r\n" HOST "\r\n"),
        M("GET / HTTP\r\n" HOST "\r\n"),
        M("GET / \0HTTP/1.1\r\n" HOST "\r\n"),
        M("G\0T / HTTP/1.1\r\n" HOST "\r\n"),
        M("GE(T / HTTP/1.1\r\n" HOST "\r\n"),
        M("GET: / HTTP/1.1\r\n" HOST "\r\n"),
        M("G\xc3\x89T / HTTP/1.1\r\n" HOST "\r\n"),
        M("\x16\x03\x01\x02"),
        M("\"GET\" / HTTP/1.1\r\n" HOST "\r\n"),
        M("ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG / HTTP/1.1\r\n" HOST "\r\n"),
        M("HTTP/1.1 200 OK\r\n\r\n"),
        M("/ HTTP/1.1\r\n" HOST "\r\n"),
    };
    expect_all(bad, COUNT(bad), 400);
}

static void
bad_targets_are_refused(void **state)
{
    (void)state;
    static const struct message bad[] = {
        M("GET x HTTP/1.1\r\n" HOST "\r\n"),
        M("GET ?x HTTP/1.1\r\n" HOST "\r\n"),
        M("GET * HTTP/1.1\r\n" HOST "\r\n"),
        M("POST * HTTP/1.1\r\n" HOST "\r\n"),
        M("OPTIONS ** HTTP/1.1\r\n" HOST "\r\n"),
        M("OPTIONS *x HTTP/1.1\r\n" HOST "\r\n"),
        M("GET a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n"),
        M("GET /#x HTTP/1.1\r\n" HOST "\r\n"),
        M("GET /x#y HTTP/1.1\r\n" HOST "\r\n"),
        M("GET /\\x HTTP/1.1\r\n" HOST "\r\n"),
        M("GET \\x HTTP/1.1\r\n" HOST "\r\n"),
        M("GET /% HTTP/1.1\r\n" HOST "\r\n"),
        M("GET /%4 HTTP/1.1\r\n" HOST "\r\n"),
        M("GET /%4g HTTP/1.1\r\n" HOST "\r\n"),
        M("GET /%%41 HTTP/1.1\r\n" HOST "\r\n"),
        M("GET /%u0041 HTTP/1.1\r\n" HOST "\r\n"),
        M("GET /x?% HTTP/1.1\r\n" HOST "\r\n"),
        M("GET /\xc3\xa9 HTTP/1.1\r\n" HOST "\r\n"),
        M("GET /\x80 HTTP/1.1\r\n" HOST "\r\n"),
        M("GET /\x7f HTTP/1.1\r\n" HOST "\r\n"),
        M("GET /\x01 HTTP/1.1\r\n" HOST "\r\n"),
        M("GET /\x1b[31m HTTP/1.1\r\n" HOST "\r\n"),
        M("GET /\0 HTTP/1.1\r\n" HOST "\r\n"),
        M("GET /\r HTTP/1.1\r\n" HOST "\r\n"),
        M("GET http:/x HTTP/1.1\r\n" HOST "\r\n"),
        M("GET http:// HTTP/1.1\r\n" HOST "\r\n"),
        M("GET http:///x HTTP/1.1\r\n" HOST "\r\n"),
        M("GET http://b/x HTTP/1.1\r\nHost: a\r\n\r\n"),
        M("GET http://a:80/x HTTP/1.1\r\nHost: a\r\n\r\n"),
        M("GET http://a/x HTTP/1.1\r\nHost: a:80\r\n\r\n"),
        M("GET http://a/x HTTP/1.1\r\n\r\n"),
        M("GET http://u@a/x HTTP/1.1\r\nHost: a\r\n\r\n"),
        M("GET http://u:p@a/x HTTP/1.1\r\nHost: a\r\n\r\n"),
        M("GET http://a:x/ HTTP/1.1\r\nHost: a:x\r\n\r\n"),
        M("GET ftp://a/x HTTP/1.1\r\nHost: a\r\n\r\n"),
        M("GET file:///etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n"),
        M("GET javascript:x HTTP/1.1\r\nHost: a\r\n\r\n"),
    };
    expect_all(bad, COUNT(bad), 400);
}

static void
bad_lines_of_fields_are_refused(void **state)
{
    (void)state;
    static const struct message bad[] = {
        /* lines */
        M(GET "Host: a\n\r\n"),
        M(GET "Host: a\n\n"),
        M(GET HOST "\n"),
        M(GET HOST "X: a\nY: b\r\n\r\n"),
        M(GET HOST "X: a\rY: b\r\n\r\n"),
        M(GET HOST "X: a\r\r\n\r\n"),
        M(GET HOST "X: a\r \r\n\r\n"),
        M(GET HOST "\r\r\n\r\n"),
        M(GET HOST "\rX: a\r\n\r\n"),
        M(GET "\r" HOST "\r\n"),
        /* folding and blanks */
        M(GET " Host: a\r\n\r\n"),
        M(GET HOST " X: a\r\n\r\n"),
        M(GET HOST "\tX: a\r\n\r\n"),
        M(GET HOST "X: a\r\n b\r\n\r\n"),
        M(GET HOST "X: a\r\n\tb\r\n\r\n"),
        M(GET HOST "X: a\r\n \r\n\r\n"),
        M(GET HOST "X:\r\n a\r\n\r\n"),
        M(GET HOST "X : a\r\n\r\n"),
        M(GET HOST "X\t: a\r\n\r\n"),
        M(GET HOST "X Y: a\r\n\r\n"),
        M(GET HOST "Content-Length : 0\r\n\r\n"),
        M(GET HOST "Transfer-Encoding : chunked\r\n\r\n"),
        M(GET "Host : a\r\n\r\n"),
    };
    expect_all(bad, COUNT(bad), 400);
}

static void
bad_names_and_values_of_fields_are_refused(void **state)
{
    (void)state;
    static const struct message bad[] = {
        /* names */
        M(GET HOST ": a\r\n\r\n"),
        M(GET HOST ":\r\n\r\n"),
        M(GET HOST "X\r\n\r\n"),
        M(GET HOST "X a\r\n\r\n"),
        M(GET HOST "X_Y: a\r\n\r\n"),
        M(GET HOST "_: a\r\n\r\n"),
        M(GET HOST "Content_Length: 5\r\n\r\n"),
        M(GET HOST "X(: a\r\n\r\n"),
        M(GET HOST "X,: a\r\n\r\n"),
        M(GET HOST "X/Y: a\r\n\r\n"),
        M(GET HOST "\"X\": a\r\n\r\n"),
        M(GET HOST "X;: a\r\n\r\n"),
        M(GET HOST "X=: a\r\n\r\n"),
        M(GET HOST "X[]: a\r\n\r\n"),
        M(GET HOST "X{}: a\r\n\r\n"),
        M(GET HOST "X@: a\r\n\r\n"),
        M(GET HOST "X\\: a\r\n\r\n"),
        M(GET HOST "X\0Y: a\r\n\r\n"),
        M(GET HOST "X\x7f: a\r\n\r\n"),
        M(GET HOST "X\xc3\xa9: a\r\n\r\n"),
        M(GET HOST "\xef\xbb\xbfX: a\r\n\r\n"),
        M(GET HOST "X\x0b: a\r\n\r\n"),
        /* values */
        M(GET HOST "X: a\0b\r\n\r\n"),
        M(GET HOST "X: \0\r\n\r\n"),
        M(GET HOST "X: a\x01\r\n\r\n"),
        M(GET HOST "X: a\x08\r\n\r\n"),
        M(GET HOST "X: a\x0b\r\n\r\n"),
        M(GET HOST "X: a\x0c\r\n\r\n"),
        M(GET HOST "X: a\x1f\r\n\r\n"),
        M(GET HOST "X: a\x7f\r\n\r\n"),
        M(GET HOST "X: 0123456789abcdefghijklmnopqrstuvwxyz\x7f\r\n\r\n"),
        M(GET HOST "X: 0123456789abcdefghijklmno\x1bqrstuvwxyz\r\n\r\n"),
    };
    expect_all(bad, COUNT(bad), 400);
}

static void
bad_hosts_and_connections_are_refused(void **state)
{
    (void)state;
    static const struct message bad[] = {
        /* Host */
        M(GET "\r\n"),
        M(GET "X: a\r\n\r\n"),
        M(GET "Host:\r\n\r\n"),
        M(GET "Host: \r\n\r\n"),
        M(GET HOST HOST "\r\n"),
        M(GET HOST "X: y\r\nHost: b\r\n\r\n"),
        M("GET / HTTP/1.0\r\n" HOST HOST "\r\n"),
        M("GET / HTTP/1.0\r\nHost:\r\n\r\n"),
        M(GET "Host: a b\r\n\r\n"),
        M(GET "Host: a, b\r\n\r\n"),
        M(GET "Host: a,b\r\n\r\n"),
        M(GET "Host: a/b\r\n\r\n"),
        M(GET "Host: u@a\r\n\r\n"),
        M(GET "Host: a@b:80\r\n\r\n"),
        M(GET "Host: a?b\r\n\r\n"),
        M(GET "Host: a#b\r\n\r\n"),
        M(GET "Host: a\\b\r\n\r\n"),
        M(GET "Host: a%00\r\n\r\n"),
        M(GET "Host: a:\r\n\r\n"),
        M(GET "Host: a:x\r\n\r\n"),
        M(GET "Host: a:80:80\r\n\r\n"),
        M(GET "Host: a:65536\r\n\r\n"),
        M(GET "Host: a:-1\r\n\r\n"),
        M(GET "Host: :80\r\n\r\n"),
        M(GET "Host: [::1\r\n\r\n"),
        M(GET "Host: ::1\r\n\r\n"),
        M(GET "Host: []\r\n\r\n"),
        M(GET "Host: [::1]x\r\n\r\n"),
        M(GET "Host: [::1%25lo]\r\n\r\n"),
        M(GET "Host: http://a\r\n\r\n"),
        M(GET "Host: \xc3\xa9\r\n\r\n"),
        M(GET "Host:\ta\r\n\r\n"),
        M(GET "Host: a\t\r\n\r\n"),
        M(GET "Host: \"a\"\r\n\r\n"),
        /* Connection */
        M(GET HOST "Connection: content-length\r\nContent-Length: 0\r\n\r\n"),
        M(GET HOST "Connection: close, Transfer-Encoding\r\n\r\n"),
        M(GET HOST "Connection: host\r\n\r\n"),
        M(GET HOST "Connection: a b\r\n\r\n"),
        M(GET HOST "Connection: close;x\r\n\r\n"),
        M(GET HOST "Connection: \"close\"\r\n\r\n"),
        M(GET HOST "Connection:\tclose\r\n\r\n"),
    };
    expect_all(bad, COUNT(bad), 400);
}

static void
ambiguous_lengths_are_refused(void **state)
{
    (void)state;
    static const struct message bad[] = {
        M(POST "Content-Length:\r\n\r\n"),
        M(POST "Content-Length: \r\n\r\n"),
        M(POST "Content-Length: +5\r\n\r\n"),
        M(POST "Content-Length: -5\r\n\r\n"),
        M(POST "Content-Length: -0\r\n\r\n"),
        M(POST "Content-Length: 0x5\r\n\r\n"),
        M(POST "Content-Length: 5a\r\n\r\n"),
        M(POST "Content-Length: a\r\n\r\n"),
        M(POST "Content-Length: 5 5\r\n\r\n"),
        M(POST "Content-Length: 5,5\r\n\r\n"),
        M(POST "Content-Length: 5, 5\r\n\r\n"),
        M(POST "Content-Length: 5, 6\r\n\r\n"),
        M(POST "Content-Length: 5,\r\n\r\n"),
        M(POST "Content-Length: 5;\r\n\r\n"),
        M(POST "Content-Length: 5.0\r\n\r\n"),
        M(POST "Content-Length: 5e0\r\n\r\n"),
        M(POST "Content-Length: 1_000\r\n\r\n"),
        M(POST "Content-Length: \"5\"\r\n\r\n"),
        M(POST "Content-Length:\t5\r\n\r\n"),
        M(POST "Content-Length: 5\t\r\n\r\n"),
        M(POST "Content-Length: 5\x0b\r\n\r\n"),
        M(POST "Content-Length: \xd9\xa5\r\n\r\n"),
        M(POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\n"),
        M(POST "Content-Length: 5\r\nContent-Length: 6\r\n\r\n"),
        M(POST "Content-Length: 5\r\nX: y\r\ncontent-length: 5\r\n\r\n"),
        M(POST "Content-Length: 9223372036854775808\r\n\r\n"),
        M(POST "Content-Length: 18446744073709551615\r\n\r\n"),
        M(POST "Content-Length: 18446744073709551616\r\n\r\n"),
        M(POST "Content-Length: 18446744073709551621\r\n\r\n"),
        M(POST "Content-Length: 99999999999999999999999999999999\r\n\r\n"),
        M(POST "Content-Length: 00000000000000000000000000000005\r\n\r\n"),
        M(POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"),
        M(POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"),
        M(POST "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n"),
    };
    expect_all(bad, COUNT(bad), 400);
}

static void
ambiguous_codings_are_refused(void **state)
{
    (void)state;
    static const struct message bad[] = {
        M("POST / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"),
        M(POST "Transfer-Encoding:\r\n\r\n"),
        M(POST "Transfer-Encoding: \r\n\r\n"),
        M(POST "Transfer-Encoding: identity\r\n\r\n"),
        M(POST "Transfer-Encoding: gzip\r\n\r\n"),
        M(POST "Transfer-Encoding: xchunked\r\n\r\n"),
        M(POST "Transfer-Encoding: chunkedx\r\n\r\n"),
        M(POST "Transfer-Encoding: chunke\r\n\r\n"),
        M(POST "Transfer-Encoding: chunked, chunked\r\n\r\n"),
        M(POST "Transfer-Encoding: chunked, gzip\r\n\r\n"),
        M(POST "Transfer-Encoding: chunked, identity\r\n\r\n"),
        M(POST "Transfer-Encoding: chunked,\r\n\r\n"),
        M(POST "Transfer-Encoding: chunked;q=1\r\n\r\n"),
        M(POST "Transfer-Encoding: chunked gzip\r\n\r\n"),
        M(POST "Transfer-Encoding: gzip chunked\r\n\r\n"),
        M(POST "Transfer-Encoding: \"chunked\"\r\n\r\n"),
        M(POST "Transfer-Encoding: 'chunked'\r\n\r\n"),
        M(POST "Transfer-Encoding: chunked\x0b\r\n\r\n"),
        M(POST "Transfer-Encoding: \x0b"
               "chunked\r\n\r\n"),
        M(POST "Transfer-Encoding: chunked\0\r\n\r\n"),
        M(POST "Transfer-Encoding: \0chunked\r\n\r\n"),
        M(POST "Transfer-Encoding:\tchunked\r\n\r\n"),
        M(POST "Transfer-Encoding: chunked\t\r\n\r\n"),
        M(POST "Transfer-Encoding:\r\n chunked\r\n\r\n"),
        M(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"),
        M(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n"),
        M(POST "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n"),
        M(POST "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"),
        M(POST "Transfer-Encoding\0: chunked\r\n\r\n"),
        M(POST "Transfer_Encoding: chunked\r\n\r\n"),
        M(POST "X: y\rTransfer-Encoding: chunked\r\n\r\n"),
        M(POST "X: y\nTransfer-Encoding: chunked\r\n\r\n"),
        M(POST "Transfer-Encoding: \xc0"
               "chunked\r\n\r\n"),
    };
    expect_all(bad, COUNT(bad), 400);
}

static void
what_is_not_implemented_is_named(void **state)
{
    (void)state;
    static const struct message not_implemented[] = {
        M(POST "Transfer-Encoding: gzip, chunked\r\n\r\n"),
        M(POST "Transfer-Encoding: gzip,deflate,chunked\r\n\r\n"),
        M("CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n"),
        M("CONNECT / HTTP/1.1\r\nHost: a\r\n\r\n"),
        M("FOO / HTTP/1.1\r\nHost: a\r\n\r\n"),
        M("get / HTTP/1.1\r\nHost: a\r\n\r\n"),
        M("GETX / HTTP/1.1\r\nHost: a\r\n\r\n"),
        M("G / HTTP/1.1\r\nHost: a\r\n\r\n"),
        M("ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEF / HTTP/1.1\r\nHost: a\r\n\r\n"),
    };
    expect_all(not_implemented, COUNT(not_implemented), 501);
    static const struct message versions[] = {
        M("GET / HTTP/0.9\r\n\r\n"),         M("GET / HTTP/1.2\r\n" HOST "\r\n"),
        M("GET / HTTP/1.9\r\n" HOST "\r\n"), M("GET / HTTP/2.0\r\n" HOST "\r\n"),
        M("GET / HTTP/3.0\r\n" HOST "\r\n"), M("GET / HTTP/9.9\r\n" HOST "\r\n"),
    };
    expect_all(versions, COUNT(versions), 505);
    static const struct message expectations[] = {
        M(POST "Expect: x\r\n\r\n"),
        M(POST "Expect:\r\n\r\n"),
        M(POST "Expect: 100-continue, x\r\n\r\n"),
        M(POST "Expect: 200-ok\r\n\r\n"),
        M(POST "Expect: 100-continue\r\nExpect: x\r\n\r\n"),
    };
    expect_all(expectations, COUNT(expectations), 417);
    /* The preface of HTTP/2 is no request; it ends before the binary part. */
    const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    assert_int_equal(parse(preface, sizeof(preface) - 1), 505);
}

static void
what_cannot_become_a_request_is_not_waited_for(void **state)
{
    (void)state;
    static const struct message bad[] = {
        M("GET /\r\n"),
        M("G\r\n"),
        M("EHLO a\r\n"),
        M("SSH-2.0-OpenSSH_9.2\r\n"),
        M("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n"),
        M(" HTTP/1.1\r\n"),
        M("GET / HTTP/1.1.\r\n"),
        M("GET /HTTP/1.1\r\n"),
        M("GET /\0"),
        M("GET /\r "),
        M("GET / HTTP/1.1\r" HOST),
        M(GET HOST "\r\r"),
        M(GET HOST "\r\r\n"),
        M(GET "X: a\rb"),
        M(GET "X: \x01"),
        M(GET "X: a\r\nY\x7f"),
    };
    expect_all(bad, COUNT(bad), 400);
    static const struct message begun[] = {
        M("GET / HTTP/1.1\r"),
        M("GET / HTTP/2.0\r\n"),
        M(GET "X: a\tb\xff\r"),
        M(GET HOST "\r"),
    };
    expect_all(begun, COUNT(begun), 1);
    size_t len;
    const struct http_limits *limits = &http_request_limits;
    assert_int_equal(http_head_find("GET /\r\n", 7, 6, limits, &len, &err), HTTP_BAD);
    assert_int_equal(http_head_find("GET /\rx", 7, 6, limits, &len, &err), HTTP_BAD);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_request_lines_are_refused),
        cmocka_unit_test(bad_targets_are_refused),
        cmocka_unit_test(bad_lines_of_fields_are_refused),
        cmocka_unit_test(bad_names_and_values_of_fields_are_refused),
        cmocka_unit_test(bad_hosts_and_connections_are_refused),
        cmocka_unit_test(ambiguous_lengths_are_refused),
        cmocka_unit_test(ambiguous_codings_are_refused),
        cmocka_unit_test(what_is_not_implemented_is_named),
        cmocka_unit_test(what_cannot_become_a_request_is_not_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

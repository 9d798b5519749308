/* Heads of requests: what is taken, what is refused, with which status.
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
#include <stdlib.h>
#include <string.h>

#include "net/http1.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct weir_error err;
static struct http_head head;

struct message {
    const char *bytes;
    size_t len;
};
/* A message that may hold NUL. */
#define M(literal)                   \
    {                                \
        literal, sizeof(literal) - 1 \
    }
#define GET "GET / HTTP/1.1\r\n"
#define HOST "Host: a\r\n"

/* Parses a copy of just the right size, so that the sanitizer sees each byte too many. Returns
 * 0, or the status of the refusal. */
static unsigned
parse(const char *bytes, size_t len)
{
    char *copy = malloc(len);
    assert_non_null(copy);
    memcpy(copy, bytes, len);
    size_t head_len = 0;
    memset(&err, 0, sizeof(err));
    enum http_progress p = http_head_find(copy, len, 0, &http_request_limits, &head_len, &err);
    enum weir_code code = WEIR_OK;
    if (p == HTTP_DONE)
        code = http_request_parse(copy, head_len, &http_request_limits, &head, &err);
    free(copy);
    if (p == HTTP_MORE)
        return 1;
    if (p == HTTP_DONE && code == WEIR_OK)
        return 0;
    assert_int_equal(err.code, WEIR_INVALID);
    assert_true(err.text[0] != '\0');
    return err.status;
}

/* The same for a message that lives on, so that the head's texts can be looked at. */
static void
parse_good(char *bytes)
{
    size_t len = 0;
    assert_int_equal(http_head_find(bytes, strlen(bytes), 0, &http_request_limits, &len, &err),
                     HTTP_DONE);
    assert_int_equal(http_request_parse(bytes, len, &http_request_limits, &head, &err),
                     WEIR_OK);
}

static void
expect_all(const struct message *messages, size_t n, unsigned status)
{
    for (size_t i = 0; i < n; i++) {
        unsigned got = parse(messages[i].bytes, messages[i].len);
        if (got != status)
            fail_msg("%.*s: expected %u, got %u (%s)", (int)messages[i].len, messages[i].bytes,
                     status, got, err.text);
    }
}

static void
good_requests_are_taken(void **state)
{
    (void)state;
    static const struct message good[] = {
        M(GET HOST "\r\n"),
        M("GET / HTTP/1.0\r\n\r\n"),
        M("GET / HTTP/1.0\r\n" HOST "\r\n"),
        M("GET /a/b?c=d&e HTTP/1.1\r\n" HOST "\r\n"),
        M("GET /%41%2f%00?%5A%5a=1 HTTP/1.0\r\n\r\n"),
        M("DELETE /x HTTP/1.1\r\n" HOST "\r\n"),
        M("PATCH /x HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n"),
        M("OPTIONS * HTTP/1.1\r\n" HOST "\r\n"),
        M("OPTIONS /x HTTP/1.1\r\n" HOST "\r\n"),
        M("PROPFIND /x HTTP/1.1\r\n" HOST "\r\n"),
        M("GET /?a=\"<b>\"|{c}^`[] HTTP/1.1\r\n" HOST "\r\n"),
        M("GET //a//b/../c HTTP/1.1\r\n" HOST "\r\n"),
        M("GET /:@!$&'()*+,;=~-._ HTTP/1.1\r\n" HOST "\r\n"),
        M("GET http://a/x HTTP/1.1\r\nHost: a\r\n\r\n"),
        M("GET http://a HTTP/1.1\r\nHost: a\r\n\r\n"),
        M("GET HTTP://A:80/x HTTP/1.1\r\nHost: a:80\r\n\r\n"),
        M("GET https://[::1]:8/x HTTP/1.1\r\nHost: [::1]:8\r\n\r\n"),
        M("GET http://a/x HTTP/1.0\r\n\r\n"),
        M(GET "Host:a\r\n\r\n"),
        M(GET "Host: a \r\n\r\n"),
        M(GET "Host:    a   \r\n\r\n"),
        M(GET "host: a\r\n\r\n"),
        M(GET "HOST: a\r\n\r\n"),
        M(GET "Host: a.b-c_d~e:8080\r\n\r\n"),
        M(GET "Host: 127.0.0.1:65535\r\n\r\n"),
        M(GET "Host: [2001:db8::1]\r\n\r\n"),
        M(GET "Host: [::ffff:1.2.3.4]:80\r\n\r\n"),
        M(GET HOST "X:\r\n\r\n"),
        M(GET HOST "X: \r\n\r\n"),
        M(GET HOST "X: a\tb\r\n\r\n"),
        M(GET HOST "X:\ta\t\r\n\r\n"),
        M(GET HOST "X: \x80\xff\xc3\xa9\r\n\r\n"),
        M(GET HOST "X: a:b:c\r\nX: d\r\n\r\n"),
        M(GET HOST "!#$%&'*+-.^`|~09AZaz: x\r\n\r\n"),
        M("POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello"),
        M("POST / HTTP/1.1\r\n" HOST "Content-Length: 007\r\n\r\n"),
        M("POST / HTTP/1.1\r\n" HOST "Content-Length: 9223372036854775807\r\n\r\n"),
        M("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"),
        M("POST / HTTP/1.1\r\n" HOST "transfer-encoding:CHUNKED \r\n\r\n"),
        M("POST / HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n"),
        M("POST / HTTP/1.1\r\n" HOST "Expect: 100-Continue\r\nContent-Length: 3\r\n\r\n"),
        M(GET HOST "Connection: close\r\n\r\n"),
        M(GET HOST "Connection: keep-alive, Upgrade, HTTP2-Settings\r\n"
                   "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n"),
        M(GET HOST "Connection: , close ,, x\r\n\r\n"),
        M(GET HOST "Connection:\r\n\r\n"),
        M(GET HOST "Connection: TE\r\nTE: trailers\r\n\r\n"),
        M(GET HOST "Trailer: x\r\n\r\n"),
        M(GET HOST "\r\nGET /next HTTP/1.1\r\n"),
    };
    expect_all(good, COUNT(good), 0);
}

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
        /* targets */
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
        M("GET http://a?x HTTP/1.1\r\nHost: a\r\n\r\n"),
        M("GET http://a:x/ HTTP/1.1\r\nHost: a:x\r\n\r\n"),
        M("GET ftp://a/x HTTP/1.1\r\nHost: a\r\n\r\n"),
        M("GET file:///etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n"),
        M("GET javascript:x HTTP/1.1\r\nHost: a\r\n\r\n"),
    };
    expect_all(bad, COUNT(bad), 400);
}

static void
bad_fields_are_refused(void **state)
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

#define POST "POST / HTTP/1.1\r\n" HOST

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
the_head_is_taken_apart(void **state)
{
    (void)state;
    char request[] = "POST /a/b?c=d HTTP/1.1\r\nHOST: Example.com:8080\r\nX-One:  1 \r\n"
                     "x-two:\r\nX-ONE: again\r\nContent-Length: 42\r\n"
                     "Connection: Keep-Alive\r\n\r\n";
    parse_good(request);
    assert_true(text_is(head.method, "POST"));
    assert_true(text_is(head.target, "/a/b?c=d"));
    assert_true(text_is(head.origin, "/a/b?c=d"));
    assert_true(text_is(head.authority, "Example.com:8080"));
    assert_int_equal(head.minor, 1);
    assert_int_equal(head.n_fields, 6);
    assert_true(text_is(head.fields[0].name, "host"));
    assert_true(text_is(head.fields[1].name, "x-one"));
    assert_true(text_is(head.fields[1].value, "1"));
    assert_true(text_is(http_field(&head, "x-one"), "1"));
    assert_true(text_is(http_field(&head, "x-two"), ""));
    assert_non_null(http_field(&head, "x-two").bytes);
    assert_null(http_field(&head, "x-three").bytes);
    assert_true(head.has_length && !head.chunked && head.keep_alive);
    assert_false(head.expect_continue || head.upgrade);
    assert_int_equal(head.length, 42);
}

static void
absolute_targets_name_host_and_path(void **state)
{
    (void)state;
    char with_path[] = "GET http://A.com:80/x/y?z HTTP/1.1\r\nHost: a.com:80\r\n\r\n";
    parse_good(with_path);
    assert_true(text_is(head.authority, "A.com:80"));
    assert_true(text_is(head.origin, "/x/y?z"));
    assert_true(text_is(head.target, "http://A.com:80/x/y?z"));
    char without[] = "GET https://a HTTP/1.1\r\nHost: a\r\n\r\n";
    parse_good(without);
    assert_true(text_is(head.origin, "/"));
    char asterisk[] = "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n";
    parse_good(asterisk);
    assert_true(text_is(head.origin, "*"));
}

static bool
keeps_alive(const char *version, const char *connection)
{
    char request[256];
    snprintf(request, sizeof(request), "GET / HTTP/1.%s\r\nHost: a\r\n%s\r\n", version,
             connection);
    parse_good(request);
    return head.keep_alive;
}

static void
the_connection_is_kept_as_version_and_options_say(void **state)
{
    (void)state;
    assert_true(keeps_alive("1", ""));
    assert_false(keeps_alive("0", ""));
    assert_true(keeps_alive("0", "Connection: keep-alive\r\n"));
    assert_true(keeps_alive("0", "Connection: x, Keep-Alive\r\n"));
    assert_false(keeps_alive("1", "Connection: close\r\n"));
    assert_false(keeps_alive("1", "Connection: CLOSE\r\n"));
    assert_false(keeps_alive("1", "Connection: keep-alive,close\r\n"));
    assert_false(keeps_alive("0", "Connection: keep-alive,close\r\n"));
    assert_false(keeps_alive("1", "Connection: x\r\nConnection: close\r\n"));
    assert_true(keeps_alive("1", "Connection: closed\r\n"));
    assert_true(keeps_alive("1", "X-Connection: close\r\n"));
}

static void
expectations_and_upgrades_are_seen(void **state)
{
    (void)state;
    char expect[] = POST "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n";
    parse_good(expect);
    assert_true(head.expect_continue);
    char old[] = "POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n";
    parse_good(old);
    assert_false(head.expect_continue);
    char upgrade[] = GET HOST "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    parse_good(upgrade);
    assert_true(head.upgrade);
    char alone[] = GET HOST "Upgrade: websocket\r\n\r\n";
    parse_good(alone);
    assert_false(head.upgrade);
    char nothing[] = GET HOST "Connection: upgrade\r\n\r\n";
    parse_good(nothing);
    assert_false(head.upgrade);
}

/* What was found in the whole is found at each cut, and never read beyond. */
static void
a_head_is_found_however_it_is_cut(void **state)
{
    (void)state;
    static const char request[] = GET HOST "X: y\r\n\r\nGET /next HTTP/1.1\r\n";
    size_t end = (size_t)(strstr(request, "\r\n\r\n") + 4 - request);
    size_t len = 0;
    for (size_t cut = 0; cut < end; cut++) {
        char *copy = malloc(cut + 1);
        assert_non_null(copy);
        memcpy(copy, request, cut);
        assert_int_equal(http_head_find(copy, cut, 0, &http_request_limits, &len, &err),
                         HTTP_MORE);
        free(copy);
        assert_int_equal(
            http_head_find(request, sizeof(request) - 1, cut, &http_request_limits, &len, &err),
            HTTP_DONE);
        assert_int_equal(len, end);
    }
    for (size_t n = 1; n < end; n++)
        assert_int_equal(http_head_find(request, n, n - 1, &http_request_limits, &len, &err),
                         HTTP_MORE);
}

/* A request with a target and a header line of the given lengths, and fillers. */
static char *
build(size_t target, size_t line, unsigned fields, size_t total, size_t *ret_len)
{
    char *r = malloc(200000);
    assert_non_null(r);
    size_t n = 0;
    memcpy(r, "GET /", 5);
    memset(r + 5, 'a', target - 1);
    n = 4 + target;
    n += (size_t)sprintf(r + n, " HTTP/1.1\r\nHost: a\r\n");
    unsigned have = 1;
    if (line > 0) {
        memcpy(r + n, "X: ", 3);
        memset(r + n + 3, 'b', line - 3);
        memcpy(r + n + line, "\r\n", 2);
        n += line + 2;
        have++;
    }
    for (; have < fields; have++)
        n += (size_t)sprintf(r + n, "Y: c\r\n");
    while (total > 0 && n + 2 < total) {
        size_t take = total - n - 2;
        if (take > 4000)
            take = take - 4000 < 10 ? 3000 : 4000;
        memcpy(r + n, "Z: ", 3);
        memset(r + n + 3, 'd', take - 5);
        memcpy(r + n + take - 2, "\r\n", 2);
        n += take;
    }
    memcpy(r + n, "\r\n", 2);
    *ret_len = n + 2;
    return r;
}

/* Feeds it in one piece and in pieces of N bytes: the outcome must be the same. */
static unsigned
outcome(size_t target, size_t line, unsigned fields, size_t total)
{
    size_t len;
    char *r = build(target, line, fields, total, &len);
    unsigned whole = parse(r, len);
    static const size_t steps[] = { 1, 7, 1000 };
    for (size_t i = 0; i < COUNT(steps); i++) {
        size_t head_len = 0, seen = 0, now = 0;
        enum http_progress p = HTTP_MORE;
        while (p == HTTP_MORE && seen < len) {
            now = seen + steps[i] < len ? seen + steps[i] : len;
            p = http_head_find(r, now, seen, &http_request_limits, &head_len, &err);
            seen = now;
        }
        unsigned pieces = p == HTTP_BAD ? err.status : 0;
        if (p == HTTP_DONE) {
            assert_int_equal(head_len, len);
            char *copy = malloc(len);
            assert_non_null(copy);
            memcpy(copy, r, len);
            if (http_request_parse(copy, len, &http_request_limits, &head, &err) != WEIR_OK)
                pieces = err.status;
            free(copy);
        }
        assert_int_equal(pieces, whole);
    }
    free(r);
    return whole;
}

static void
limits_hold_to_the_byte(void **state)
{
    (void)state;
    assert_int_equal(outcome(8191, 0, 0, 0), 0);
    assert_int_equal(outcome(8192, 0, 0, 0), 0);
    assert_int_equal(outcome(8193, 0, 0, 0), 414);
    assert_int_equal(outcome(9000, 0, 0, 0), 414);
    assert_int_equal(outcome(40000, 0, 0, 0), 414);
    assert_int_equal(outcome(1, 8191, 0, 0), 0);
    assert_int_equal(outcome(1, 8192, 0, 0), 0);
    assert_int_equal(outcome(1, 8193, 0, 0), 431);
    assert_int_equal(outcome(1, 60000, 0, 0), 431);
    assert_int_equal(outcome(1, 0, 99, 0), 0);
    assert_int_equal(outcome(1, 0, 100, 0), 0);
    assert_int_equal(outcome(1, 0, 101, 0), 431);
    assert_int_equal(outcome(1, 0, 129, 0), 431);
    assert_int_equal(outcome(1, 0, 5000, 0), 431);
    assert_int_equal(outcome(1, 0, 0, 32767), 0);
    assert_int_equal(outcome(1, 0, 0, 32768), 0);
    assert_int_equal(outcome(1, 0, 0, 32769), 431);
    assert_int_equal(outcome(1, 0, 0, 100000), 431);
}

static void
a_method_without_end_is_refused_before_its_line_ends(void **state)
{
    (void)state;
    char *long_method = malloc(9000);
    assert_non_null(long_method);
    memset(long_method, 'A', 9000);
    assert_int_equal(parse(long_method, 9000), 400);
    memcpy(long_method, "GET /", 5);
    assert_int_equal(parse(long_method, 9000), 414);
    free(long_method);
}

static void
tokens_and_values_are_told_apart(void **state)
{
    (void)state;
    assert_true(http_is_token(TEXT("abc-DEF_1")));
    assert_false(http_is_token(TEXT("")));
    assert_false(http_is_token(TEXT("a b")));
    assert_false(http_is_token(TEXT("a\0b")));
    assert_true(http_is_field_value(TEXT("")));
    assert_true(http_is_field_value(TEXT("a b\tc \xc3\xa9")));
    assert_false(http_is_field_value(TEXT("a\r\nb")));
    assert_false(http_is_field_value(TEXT("a\nb")));
    assert_false(http_is_field_value(TEXT("a\0b")));
    assert_false(http_is_field_value(TEXT("\x7f")));
    assert_string_equal(http_reason(200), "OK");
    assert_string_equal(http_reason(431), "Request Header Fields Too Large");
    assert_string_equal(http_reason(299), "");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_requests_are_taken),
        cmocka_unit_test(bad_request_lines_are_refused),
        cmocka_unit_test(bad_fields_are_refused),
        cmocka_unit_test(ambiguous_lengths_are_refused),
        cmocka_unit_test(what_is_not_implemented_is_named),
        cmocka_unit_test(the_head_is_taken_apart),
        cmocka_unit_test(absolute_targets_name_host_and_path),
        cmocka_unit_test(the_connection_is_kept_as_version_and_options_say),
        cmocka_unit_test(expectations_and_upgrades_are_seen),
        cmocka_unit_test(a_head_is_found_however_it_is_cut),
        cmocka_unit_test(limits_hold_to_the_byte),
        cmocka_unit_test(a_method_without_end_is_refused_before_its_line_ends),
        cmocka_unit_test(tokens_and_values_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

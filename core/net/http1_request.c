/* net/http1_request.c - heads of requests; see http1.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "net/http1_parse.h"

#define METHOD_MAX 32

/* Whether TEXT is a port: digits, at most 65535. */
static bool
is_port(struct weir_text text)
{
    unsigned port = 0;
    if (text.len == 0 || text.len > 5)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (!http_is(text.bytes[i], HTTP_DIGIT))
            return false;
        port = port * 10 + (unsigned)(text.bytes[i] - '0');
    }
    return port <= 65535;
}

/* The length of the host that TEXT begins with: a name, an address, or an IPv6 address in
 * brackets; 0 if there is none. */
static size_t
host_length(struct weir_text text)
{
    size_t len = 0;
    if (text.len == 0 || text.bytes[0] != '[') {
        while (len < text.len && http_is(text.bytes[len], HTTP_HOST))
            len++;
        return len;
    }
    for (len = 1; len < text.len; len++) {
        char c = text.bytes[len];
        if (c == ']')
            return len > 2 ? len + 1 : 0;
        if (!http_is(c, HTTP_HEX) && c != ':' && c != '.')
            return 0;
    }
    return 0;
}

bool
http_is_authority(struct weir_text text)
{
    size_t host = host_length(text);
    if (host == 0 || host > 255)
        return false;
    if (host == text.len)
        return true;
    return text.bytes[host] == ':' &&
           is_port((struct weir_text){ text.bytes + host + 1, text.len - host - 1 });
}

/* Reads the method and the blank behind it. */
static enum weir_code
read_method(struct http_parse *p)
{
    const char *from = p->at;
    while (p->at < p->end && http_is(*p->at, HTTP_TOKEN))
        p->at++;
    size_t len = (size_t)(p->at - from);
    if (len == 0 || len > METHOD_MAX || p->at == p->end || *p->at != ' ')
        return http_bad(p, 400, "the request line does not begin with a method");
    p->head->method = (struct weir_text){ from, len };
    p->at++;
    return WEIR_OK;
}

/* Reads the target and the blank behind it. */
static enum weir_code
read_target(struct http_parse *p)
{
    const char *from = p->at, *at = http_skip(from, p->end, HTTP_TARGET);
    while (p->end - at >= 3 && *at == '%' && http_is(at[1], HTTP_HEX) && http_is(at[2], HTTP_HEX))
        at = http_skip(at + 3, p->end, HTTP_TARGET);
    p->at += at - from;
    size_t len = (size_t)(p->at - from);
    if (len > p->limits->target)
        return http_bad(p, 414, "the request target is too long");
    if (len == 0 || p->at == p->end || *p->at != ' ')
        return http_bad(p, 400, "the request target is malformed");
    p->head->target = (struct weir_text){ from, len };
    p->at++;
    return WEIR_OK;
}

/* Reads "HTTP/1.x" and the end of the line. */
static enum weir_code
read_version(struct http_parse *p)
{
    const char *at = p->at;
    if (p->end - at < 10 || memcmp(at, "HTTP/", 5) != 0 || !http_is(at[5], HTTP_DIGIT) ||
        at[6] != '.' || !http_is(at[7], HTTP_DIGIT) || at[8] != '\r' || at[9] != '\n')
        return http_bad(p, 400, "the request line does not end in HTTP/1.1");
    if (at[5] != '1' || at[7] > '1')
        return http_bad(p, 505, "the version is not HTTP/1.1 or HTTP/1.0");
    p->head->minor = (unsigned)(at[7] - '0');
    p->at += 10;
    return WEIR_OK;
}

/* Takes an absolute-form target apart: its authority must be the Host field's. */
static enum weir_code
read_absolute(struct http_parse *p)
{
    struct http_head *h = p->head;
    struct weir_text t = h->target;
    size_t scheme = 0;
    if (t.len > 7 && http_text_is((struct weir_text){ t.bytes, 7 }, "http://"))
        scheme = 7;
    else if (t.len > 8 && http_text_is((struct weir_text){ t.bytes, 8 }, "https://"))
        scheme = 8;
    if (scheme == 0)
        return http_bad(p, 400, "the request target is neither a path nor a URL");

    struct weir_text rest = { t.bytes + scheme, t.len - scheme };
    size_t len = 0; /* of the authority: a path or a query follows, or nothing */
    while (len < rest.len && rest.bytes[len] != '/' && rest.bytes[len] != '?')
        len++;
    struct weir_text authority = { rest.bytes, len };
    if (!http_is_authority(authority))
        return http_bad(p, 400, "the host of the request target is malformed");
    bool same = authority.len == h->authority.len;
    for (size_t i = 0; same && i < authority.len; i++)
        same = http_lower(authority.bytes[i]) == http_lower(h->authority.bytes[i]);
    if (p->has_host && !same)
        return http_bad(p, 400, "the request target and Host name different hosts");
    h->authority = authority;
    h->origin = len < rest.len ? (struct weir_text){ rest.bytes + len, rest.len - len } : TEXT("/");
    return WEIR_OK;
}

/* Checks the form of the target, once Host is known. */
static enum weir_code
check_target(struct http_parse *p)
{
    struct http_head *h = p->head;
    if (h->minor > 0 && !p->has_host)
        return http_bad(p, 400, "there is no Host");
    h->origin = h->target;
    if (h->target.bytes[0] == '/')
        return WEIR_OK;
    if (text_is(h->target, "*")) {
        if (text_is(h->method, "OPTIONS"))
            return WEIR_OK;
        return http_bad(p, 400, "the request target * is for OPTIONS only");
    }
    return read_absolute(p);
}

static enum weir_code
read_request_line(struct http_parse *p)
{
    enum weir_code code = read_method(p);
    if (code == WEIR_OK)
        code = read_target(p);
    if (code == WEIR_OK)
        code = read_version(p);
    if (code == WEIR_OK && text_is(p->head->method, "CONNECT"))
        return http_bad(p, 501, "CONNECT is not implemented");
    return code;
}

enum weir_code
http_request_parse(char *bytes, size_t len, const struct http_limits *limits,
                   struct http_head *ret, struct weir_error *err)
{
    memset(ret, 0, offsetof(struct http_head, fields));
    struct http_parse p = {
        .at = bytes, .end = bytes + len, .limits = limits, .head = ret, .err = err
    };
    if (len > limits->head)
        return http_bad(&p, 431, "the header section is too large");
    enum weir_code code = read_request_line(&p);
    if (code == WEIR_OK)
        code = http_fields_parse(&p);
    if (code == WEIR_OK)
        code = check_target(&p);
    if (code != WEIR_OK)
        return code;
    return http_second_opinion(bytes, len, &p);
}

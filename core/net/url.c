/* net/url.c - see url.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/url.h"

#include <arpa/inet.h>
#include <string.h>

#include "net/http1_parse.h"

#define URL_MAX 65536
#define HOST_MAX 253

static const char *
find(struct weir_text text, char c)
{
    return text.len > 0 ? memchr(text.bytes, c, text.len) : NULL;
}

/* What stands from AT to the end of TEXT, or before it. */
static struct weir_text
from(struct weir_text text, const char *at)
{
    return (struct weir_text){ at, text.len - (size_t)(at - text.bytes) };
}

static struct weir_text
before(struct weir_text text, const char *at)
{
    return (struct weir_text){ text.bytes, (size_t)(at - text.bytes) };
}

/* Whether A begins with the scheme B, "://" included, letters in either case. */
static bool
has_scheme(struct weir_text a, const char *b)
{
    size_t i = 0;
    while (b[i] != '\0' && i < a.len && http_lower(a.bytes[i]) == b[i])
        i++;
    return b[i] == '\0';
}

static bool
is_host(struct weir_text host)
{
    return host.len > 0 && host.len <= HOST_MAX && http_all(host, HTTP_HOST);
}

static bool
is_ipv6(struct weir_text host)
{
    char copy[INET6_ADDRSTRLEN];
    struct in6_addr address;
    if (host.len >= sizeof(copy))
        return false;
    memcpy(copy, host.bytes, host.len);
    copy[host.len] = '\0';
    return inet_pton(AF_INET6, copy, &address) == 1;
}

/* Reads a port of 1 to 5 digits; false if it is none. */
static bool
read_port(struct weir_text text, unsigned *ret)
{
    unsigned port = 0;
    if (text.len == 0 || text.len > 5)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.bytes[i] < '0' || text.bytes[i] > '9')
            return false;
        port = port * 10 + (unsigned)(text.bytes[i] - '0');
    }
    *ret = port;
    return port <= 65535;
}

static enum weir_code
read_authority(struct weir_text text, struct url *u, struct weir_error *err)
{
    if (find(text, '@') != NULL)
        return err_set(err, WEIR_INVALID, "a URL must not have user information");
    struct weir_text port = { 0 };
    if (text.len > 0 && text.bytes[0] == '[') {
        const char *end = find(text, ']');
        if (end == NULL)
            return err_set(err, WEIR_INVALID, "the URL's IPv6 address has no ]");
        u->host = before(from(text, text.bytes + 1), end);
        port = from(text, end + 1);
        if (!is_ipv6(u->host))
            return err_set(err, WEIR_INVALID, "the URL's IPv6 address is malformed");
    } else {
        const char *colon = find(text, ':');
        u->host = colon ? before(text, colon) : text;
        port = colon ? from(text, colon) : port;
        if (!is_host(u->host))
            return err_set(err, WEIR_INVALID, "the URL's host is no host name");
    }
    if (port.len == 0)
        return WEIR_OK;
    struct weir_text digits = from(port, port.bytes + 1);
    if (port.bytes[0] != ':' || !read_port(digits, &u->port) || u->port == 0)
        return err_set(err, WEIR_INVALID, "the URL's port must be from 1 to 65535");
    return WEIR_OK;
}

enum weir_code
url_parse(struct weir_text text, struct url *ret, struct weir_error *err)
{
    if (text.len > URL_MAX)
        return err_set(err, WEIR_INVALID, "the URL is longer than %d bytes", URL_MAX);
    if (!http_all(text, HTTP_URL)) /* a backslash is a slash to browsers and none to others */
        return err_set(err, WEIR_INVALID,
                       "a URL must not have blanks, control bytes, backslashes or bytes "
                       "above 0x7e: percent-encode them");
    struct url u = { .port = 80 };
    if (has_scheme(text, "https://"))
        u = (struct url){ .tls = true, .port = 443 };
    else if (!has_scheme(text, "http://"))
        return err_set(err, WEIR_INVALID, "a URL must begin with http:// or https://");
    text = from(text, text.bytes + (u.tls ? 8 : 7));

    const char *hash = find(text, '#');
    if (hash != NULL)
        text = before(text, hash);
    const char *mark = find(text, '?');
    if (mark != NULL) {
        u.query = from(text, mark + 1);
        text = before(text, mark);
    }
    const char *slash = find(text, '/');
    u.path = slash ? from(text, slash) : from(text, text.bytes + text.len);
    if (slash != NULL)
        text = before(text, slash);
    enum weir_code code = read_authority(text, &u, err);
    if (code == WEIR_OK)
        *ret = u;
    return code;
}

/* -- references (RFC 3986, 5.2) -- */

/* A URL in its five parts; what is not there has no bytes. */
struct parts {
    struct weir_text scheme;    /* without the colon */
    struct weir_text authority; /* without the slashes */
    struct weir_text path;      /* always there, may be empty */
    struct weir_text query;     /* without the mark */
};

/* The length of the scheme that TEXT begins with, or 0. */
static size_t
scheme_length(struct weir_text text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.bytes[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (c == ':')
            return i;
        if (!letter && (i == 0 || (!(c >= '0' && c <= '9') && strchr("+-.", c) == NULL)))
            return 0;
    }
    return 0;
}

static struct parts
take_apart(struct weir_text text)
{
    struct parts p = { 0 };
    const char *hash = find(text, '#');
    if (hash != NULL)
        text = before(text, hash);
    size_t scheme = scheme_length(text);
    if (scheme > 0) {
        p.scheme = before(text, text.bytes + scheme);
        text = from(text, text.bytes + scheme + 1);
    }
    const char *mark = find(text, '?');
    if (mark != NULL) {
        p.query = from(text, mark + 1);
        text = before(text, mark);
    }
    if (text.len >= 2 && text.bytes[0] == '/' && text.bytes[1] == '/') {
        text = from(text, text.bytes + 2);
        const char *slash = find(text, '/');
        p.authority = slash ? before(text, slash) : text;
        text = slash ? from(text, slash) : from(text, text.bytes + text.len);
    }
    p.path = text;
    return p;
}

/* Appends the segments of PATH to OUT, whose path begins at START: "." is nothing, ".." takes
 * one away. OUT ends in a slash before each segment. */
static bool
add_segments(struct buf *out, size_t start, struct weir_text path)
{
    while (path.len > 0) {
        const char *slash = find(path, '/');
        struct weir_text segment = slash ? before(path, slash) : path;
        path = slash ? from(path, slash + 1) : from(path, path.bytes + path.len);
        bool up = text_is(segment, "..");
        if (up && out->len > start + 1) {
            out->len--; /* the slash behind the segment that goes */
            while (out->bytes[out->len - 1] != '/')
                out->len--;
            buf_seal(out, 0);
        }
        if (up || text_is(segment, "."))
            continue;
        if (!buf_text(out, segment) || (slash != NULL && !buf_putc(out, '/')))
            return false;
    }
    return true;
}

/* Appends the path that PATH is relative to BASE. */
static bool
add_path(struct buf *out, struct weir_text base, struct weir_text path)
{
    size_t start = out->len;
    if (!buf_putc(out, '/'))
        return false;
    if (path.len > 0 && path.bytes[0] == '/')
        return add_segments(out, start, from(path, path.bytes + 1));
    const char *last = base.len > 0 ? memrchr(base.bytes, '/', base.len) : NULL;
    if (last != NULL && last > base.bytes &&
        !add_segments(out, start, from(before(base, last + 1), base.bytes + 1)))
        return false;
    return add_segments(out, start, path);
}

/* REF, with what servers are known to leave unencoded in Location: blanks and UTF-8. */
static enum weir_code
encode(struct weir_text ref, struct buf *ret, struct weir_error *err)
{
    for (size_t i = 0; i < ref.len; i++) {
        unsigned char c = (unsigned char)ref.bytes[i];
        if (c < ' ' || c == 0x7f || c == '\\')
            return err_set(err, WEIR_INVALID, "the reference has a control byte or backslash");
        bool fits =
            c == ' ' || c >= 0x80 ? buf_printf(ret, "%%%02X", c) : buf_putc(ret, (char)c);
        if (!fits)
            return err_set(err, WEIR_INVALID, "the reference is too long");
    }
    return WEIR_OK;
}

/* Appends what the parts R mean relative to B; false if OUT is full. */
static bool
resolve(const struct parts *b, const struct parts *r, struct buf *out)
{
    bool other = r->scheme.bytes != NULL || r->authority.bytes != NULL;
    bool same_path = !other && r->path.len == 0;
    struct weir_text query = r->query;
    if (same_path && query.bytes == NULL)
        query = b->query;

    bool fits = buf_text(out, r->scheme.bytes ? r->scheme : b->scheme) &&
                buf_puts(out, "://") && buf_text(out, other ? r->authority : b->authority);
    if (same_path)
        fits = fits && buf_text(out, b->path);
    else
        fits = fits && add_path(out, other ? (struct weir_text){ 0 } : b->path, r->path);
    return fits && (query.bytes == NULL || (buf_putc(out, '?') && buf_text(out, query)));
}

enum weir_code
url_resolve(struct weir_text base, struct weir_text ref, struct buf *out,
            struct weir_error *err)
{
    struct buf encoded;
    buf_init(&encoded, URL_MAX);
    enum weir_code code = encode(ref, &encoded, err);
    struct parts b = take_apart(base), r = take_apart(buf_content(&encoded));
    if (code == WEIR_OK && (b.scheme.bytes == NULL || b.authority.bytes == NULL))
        code = err_set(err, WEIR_INVALID, "the base is no URL");
    if (code == WEIR_OK && r.scheme.bytes != NULL && r.authority.bytes == NULL)
        code = err_set(err, WEIR_INVALID, "the reference is no http or https URL");
    if (code == WEIR_OK && !resolve(&b, &r, out))
        code = err_set(err, WEIR_TOO_LARGE, "the URL is too long");
    buf_fini(&encoded);
    return code;
}

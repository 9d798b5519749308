/* value/schema_uri.c - see schema_uri.h. SPDX-License-Identifier: Apache-2.0 */
#include "value/schema_uri.h"

#include <string.h>

/* The parts of a URI; bytes is NULL for one that is not there. */
struct uri {
    struct weir_text scheme;
    struct weir_text authority;
    struct weir_text path; /* always there, may be empty */
    struct weir_text query;
    struct weir_text fragment;
};

/* Cuts off and returns what stands before the first of STOPS. */
static struct weir_text
cut(struct weir_text *rest, const char *stops)
{
    size_t len = 0;
    while (len < rest->len &&
           (rest->bytes[len] == '\0' || strchr(stops, rest->bytes[len]) == NULL))
        len++;
    struct weir_text part = { rest->bytes, len };
    rest->bytes += len;
    rest->len -= len;
    return part;
}

static void
skip(struct weir_text *rest, size_t n)
{
    rest->bytes += n;
    rest->len -= n;
}

/* The length of the scheme without its colon; 0: there is none. */
static size_t
scheme_len(struct weir_text uri)
{
    for (size_t i = 0; i < uri.len; i++) {
        char c = uri.bytes[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (c == ':')
            return i;
        if (!letter &&
            (i == 0 || !((c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.')))
            return 0;
    }
    return 0;
}

static struct uri
split(struct weir_text rest)
{
    struct uri u = { 0 };
    size_t scheme = scheme_len(rest);
    if (scheme > 0) {
        u.scheme = (struct weir_text){ rest.bytes, scheme };
        skip(&rest, scheme + 1);
    }
    if (rest.len >= 2 && rest.bytes[0] == '/' && rest.bytes[1] == '/') {
        skip(&rest, 2);
        u.authority = cut(&rest, "/?#");
    }
    u.path = cut(&rest, "?#");
    if (rest.len > 0 && rest.bytes[0] == '?') {
        skip(&rest, 1);
        u.query = cut(&rest, "#");
    }
    if (rest.len > 0) {
        skip(&rest, 1);
        u.fragment = rest;
    }
    return u;
}

/* Drops the last segment that was written behind FIRST, with its slash. */
static void
drop_segment(struct buf *out, size_t first)
{
    size_t len = out->len;
    while (len > first && out->bytes[len - 1] != '/')
        len--;
    out->len = len > first ? len - 1 : first;
    out->bytes[out->len] = '\0';
}

/* Appends PATH without its "." and ".." segments. */
static bool
put_path(struct buf *out, struct weir_text path, size_t first)
{
    while (path.len > 0) {
        bool slash = path.bytes[0] == '/';
        if (slash)
            skip(&path, 1);
        struct weir_text segment = cut(&path, "/");
        bool last = path.len == 0;
        bool good = true;
        if (text_is(segment, "..")) {
            drop_segment(out, first);
            good = !last || !slash || buf_putc(out, '/');
        } else if (text_is(segment, ".")) {
            good = !last || !slash || buf_putc(out, '/');
        } else {
            good = (!slash || buf_putc(out, '/')) && buf_text(out, segment);
        }
        if (!good)
            return false;
    }
    return true;
}

/* The path of BASE up to its last slash, with that of REF behind it, in dots. */
static bool
merge(struct buf *dots, const struct uri *base, struct weir_text path)
{
    size_t len = base->path.len;
    while (len > 0 && base->path.bytes[len - 1] != '/')
        len--;
    if (len == 0 && base->authority.bytes != NULL && !buf_putc(dots, '/'))
        return false;
    return buf_text(dots, (struct weir_text){ base->path.bytes, len }) && buf_text(dots, path);
}

static bool
put_front(struct buf *out, const struct uri *from)
{
    if (from->scheme.bytes != NULL && !(buf_text(out, from->scheme) && buf_putc(out, ':')))
        return false;
    return from->authority.bytes == NULL ||
           (buf_puts(out, "//") && buf_text(out, from->authority));
}

static bool
put_query(struct buf *out, const struct uri *from)
{
    return from->query.bytes == NULL || (buf_putc(out, '?') && buf_text(out, from->query));
}

bool
uri_resolve(struct buf *out, struct weir_text base, struct weir_text ref,
            struct weir_text *ret_fragment)
{
    struct uri r = split(ref);
    struct uri b = split(base);
    *ret_fragment = r.fragment;
    if (r.scheme.bytes != NULL)
        return put_front(out, &r) && put_path(out, r.path, out->len) && put_query(out, &r);

    if (r.authority.bytes != NULL) {
        r.scheme = b.scheme;
        return put_front(out, &r) && put_path(out, r.path, out->len) && put_query(out, &r);
    }
    if (!put_front(out, &b))
        return false;
    if (r.path.len == 0) /* the base's path is in order */
        return buf_text(out, b.path) && put_query(out, r.query.bytes != NULL ? &r : &b);
    if (r.path.bytes[0] == '/')
        return put_path(out, r.path, out->len) && put_query(out, &r);

    struct buf dots;
    buf_init(&dots, out->max);
    bool good = merge(&dots, &b, r.path) && put_path(out, buf_content(&dots), out->len) &&
                put_query(out, &r);
    buf_fini(&dots);
    return good;
}

bool
uri_is_absolute(struct weir_text uri)
{
    return scheme_len(uri) > 0;
}

/* edge/target.c - see target.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "edge/target.h"

#include <string.h>
#include <strings.h>

#include "base/encode.h"

/* What a byte of a path may be. Zero: a byte that needs a closer look. */
#define P 1 /* stands for itself */
#define U 3 /* and so does its percent-encoded form (RFC 3986 6.2.2.2) */

/* clang-format off */
static const uint8_t kinds[256] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, P, P, 0, P, 0, P, P, P, P, P, P, P, U, 0, P, /*  !"#$%&'()*+,-./ */
    U, U, U, U, U, U, U, U, U, U, P, P, P, P, P, 0, /* 0123456789:;<=>? */
    P, U, U, U, U, U, U, U, U, U, U, U, U, U, U, U, /* @ABCDEFGHIJKLMNO */
    U, U, U, U, U, U, U, U, U, U, U, P, 0, P, P, U, /* PQRSTUVWXYZ[\]^_ */
    P, U, U, U, U, U, U, U, U, U, U, U, U, U, U, U, /* `abcdefghijklmno */
    U, U, U, U, U, U, U, U, U, U, U, P, P, P, U, 0, /* pqrstuvwxyz{|}~  */
};
/* clang-format on */

static enum weir_code
refuse(struct weir_error *err, const char *text)
{
    err_set(err, WEIR_INVALID, "the path of the request %s", text);
    err->status = 400;
    return WEIR_INVALID;
}

static int
hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A path in the course of being rewritten in place. */
struct path {
    char *from; /* what is read next */
    char *end;
    char *to;     /* what is written next */
    bool encoded; /* holds a % */
    bool wide;    /* holds bytes above 0x7f, encoded or not */
    bool slashes; /* an encoded slash may stand in it */
};

/* Rewrites one %XX. Returns what is wrong with it, or NULL. */
static const char *
rewrite_escape(struct path *p)
{
    int high = p->end - p->from > 2 ? hex_digit(p->from[1]) : -1;
    int low = high >= 0 ? hex_digit(p->from[2]) : -1;
    if (low < 0)
        return "has a % without two hexadecimal digits";
    unsigned char byte = (unsigned char)(high * 16 + low);
    if ((byte == '/' && !p->slashes) || byte == '\\')
        return "has an encoded slash";
    if (byte < ' ' || byte == 0x7f)
        return "has an encoded control character";
    p->from += 3;
    if (kinds[byte] == U || byte == '.') {
        *p->to++ = (char)byte;
        return NULL;
    }
    *p->to++ = '%';
    *p->to++ = "0123456789ABCDEF"[high];
    *p->to++ = "0123456789ABCDEF"[low];
    p->encoded = true;
    p->wide |= byte >= 0x80;
    return NULL;
}

static const char *
rewrite(struct path *p)
{
    while (p->from < p->end) {
        unsigned char c = (unsigned char)*p->from;
        if (kinds[c] != 0 || c == '.' || c >= 0x80) {
            p->wide |= c >= 0x80;
            *p->to++ = *p->from++;
            continue;
        }
        if (c != '%')
            return c == '\\' ? "has a backslash" : "has a character that is not allowed";
        const char *wrong = rewrite_escape(p);
        if (wrong != NULL)
            return wrong;
    }
    return NULL;
}

/* Whether a segment, up to a ";", is "." or "..". */
static bool
has_dots(struct weir_text path)
{
    const char *end = path.bytes + path.len;
    for (const char *at = path.bytes; at != NULL && at < end;) {
        at++; /* the slash */
        const char *stop = at;
        while (stop < end && *stop == '.')
            stop++;
        bool ends = stop == end || *stop == '/' || *stop == ';';
        if (ends && (stop - at == 1 || stop - at == 2))
            return true;
        at = memchr(at, '/', (size_t)(end - at));
    }
    return false;
}

/* Decodes a rewritten path, whose escapes are known to be good. */
static enum weir_code
decode(struct weir_text path, struct arena *a, struct weir_text *ret, struct weir_error *err)
{
    char *bytes = arena_take(a, path.len);
    if (bytes == NULL)
        return refuse(err, "is too long");
    size_t len = 0;
    for (size_t i = 0; i < path.len; i++) {
        char c = path.bytes[i];
        if (c == '%') {
            c = (char)(hex_digit(path.bytes[i + 1]) * 16 + hex_digit(path.bytes[i + 2]));
            i += 2;
        }
        bytes[len++] = c;
    }
    *ret = (struct weir_text){ bytes, len };
    return WEIR_OK;
}

/* Brings a path into its form; it begins with a slash. */
static enum weir_code
read_path(struct path p, struct arena *a, struct target *ret, struct weir_error *err)
{
    char *bytes = p.from;
    const char *wrong = rewrite(&p);
    if (wrong != NULL)
        return refuse(err, wrong);
    ret->path = ret->decoded = (struct weir_text){ bytes, (size_t)(p.to - bytes) };
    if (has_dots(ret->path))
        return refuse(err, "has a . or .. segment");
    if (p.encoded) {
        enum weir_code code = decode(ret->path, a, &ret->decoded, err);
        if (code != WEIR_OK)
            return code;
    }
    if (p.wide && !utf8_valid(ret->decoded))
        return refuse(err, "is not UTF-8");
    return WEIR_OK;
}

/* The usual path needs no change: this looks only once at each byte. */
static size_t
plain_length(const char *bytes, size_t len)
{
    size_t n = 0;
    while (n < len && kinds[(unsigned char)bytes[n]] != 0)
        n++;
    return n;
}

/* Bytes of the scheme and the authority of an absolute form; 0 if it is none. */
static size_t
origin_length(const char *bytes, size_t len)
{
    size_t n = 0;
    if (len > 7 && strncasecmp(bytes, "http://", 7) == 0)
        n = 7;
    else if (len > 8 && strncasecmp(bytes, "https://", 8) == 0)
        n = 8;
    if (n == 0)
        return 0;
    while (n < len && bytes[n] != '/' && bytes[n] != '?')
        n++;
    return n;
}

static enum weir_code
read_target(char *bytes, size_t len, bool slashes, struct arena *a, struct target *ret,
            struct weir_error *err)
{
    *ret = (struct target){ .path = TEXT("/"), .decoded = TEXT("/"), .query = { "", 0 } };
    ret->asterisk = len == 1 && bytes[0] == '*';
    if (ret->asterisk) {
        ret->path = ret->decoded = TEXT("*");
        return WEIR_OK;
    }
    size_t origin = len > 0 && bytes[0] != '/' ? origin_length(bytes, len) : 0;
    bytes += origin;
    len -= origin;

    size_t plain = plain_length(bytes, len);
    char *mark = plain < len ? memchr(bytes + plain, '?', len - plain) : NULL;
    size_t path_len = mark != NULL ? (size_t)(mark - bytes) : len;
    if (mark != NULL)
        ret->query = (struct weir_text){ mark + 1, len - path_len - 1 };
    if (path_len == 0 && origin > 0)
        return WEIR_OK;
    if (path_len == 0 || bytes[0] != '/')
        return refuse(err, "has to begin with /");
    struct path path = { .from = bytes, .end = bytes + path_len, .to = bytes, .slashes = slashes };
    if (plain < path_len)
        return read_path(path, a, ret, err);
    ret->path = ret->decoded = (struct weir_text){ bytes, path_len };
    return WEIR_OK;
}

enum weir_code
target_read(char *bytes, size_t len, struct arena *a, struct target *ret,
            struct weir_error *err)
{
    return read_target(bytes, len, false, a, ret, err);
}

enum weir_code
target_read_slashes(char *bytes, size_t len, struct arena *a, struct target *ret,
                    struct weir_error *err)
{
    return read_target(bytes, len, true, a, ret, err);
}

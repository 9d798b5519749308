/* expr/url_text.c - see url_text.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "expr/url_text.h"

#include <string.h>

#include "base/encode.h"

/* Goes on from the scheme, or from what may turn out to be one. */
static bool
read_scheme(struct url_reader *r, char c)
{
    bool first = !r->any;
    bool based = r->based;
    r->any = true;
    r->based = false;
    if (c == '?' || c == '#') {
        r->state = URL_AT_QUERY;
        return false;
    }
    if (c == ':' && !r->colon) {
        r->colon = true;
        return false;
    }
    if (c == '/' && (r->colon || first || r->slashes > 0)) { /* http: / or / of //host */
        r->slashes++;
        if (r->slashes == 2)
            r->state = URL_AT_AUTHORITY;
        return false;
    }
    if (r->slashes > 0 || c == '/') { /* one slash alone: what has come is a path */
        r->state = URL_AT_PATH;
        return true;
    }
    if (r->colon || based)
        r->state = URL_AT_AUTHORITY; /* host:80 */
    return false;
}

bool
url_text_read(struct url_reader *r, char c)
{
    bool ends = c == '?' || c == '#';
    switch (r->state) {
    case URL_AT_SCHEME:
        return read_scheme(r, c);
    case URL_AT_AUTHORITY:
        if (c == '/' || ends)
            r->state = ends ? URL_AT_QUERY : URL_AT_PATH;
        return c == '/';
    case URL_AT_PATH:
        if (ends)
            r->state = URL_AT_QUERY;
        return c == '/' || ends;
    default:
        return false;
    }
}

enum url_place
url_text_place(struct url_reader *r)
{
    if (r->state == URL_AT_PATH || r->state == URL_AT_QUERY)
        return URL_PART;
    if (r->state == URL_AT_AUTHORITY)
        return URL_AUTHORITY;
    if (!r->any) {
        r->any = true;
        r->based = true;
        return URL_BASE;
    }
    if (!r->colon && r->slashes == 1) { /* /${ x }: encoded, it can't make //host of it */
        r->state = URL_AT_PATH;
        return URL_PART;
    }
    if (r->colon) /* host:${ port } */
        r->state = URL_AT_AUTHORITY;
    return URL_AUTHORITY;
}

void
url_text_begin(struct url_writer *w, struct buf *out)
{
    *w = (struct url_writer){ .out = out, .segment = out->len };
}

/* Whether TEXT is "." or "..", with dots that may be encoded. */
static bool
is_dots(struct weir_text text)
{
    unsigned dots = 0;
    size_t i = 0;
    while (i < text.len && dots <= 2) {
        bool encoded = text.len - i >= 3 && text.bytes[i] == '%' && text.bytes[i + 1] == '2' &&
                       (text.bytes[i + 2] | 0x20) == 'e';
        if (!encoded && text.bytes[i] != '.')
            return false;
        i += encoded ? 3 : 1;
        dots++;
    }
    return dots == 1 || (dots == 2 && i == text.len);
}

/* Whether the segment that ends at END of the output is one that no value may make. */
static bool
bad_segment(const struct url_writer *w, size_t end)
{
    struct weir_text segment = { w->out->bytes + w->segment, end - w->segment };
    return w->touched && is_dots(segment);
}

static enum weir_code
dots(struct weir_error *err)
{
    return err_set(err, WEIR_INVALID, "a value would make a segment of the url '.' or '..'");
}

/* The place of the next byte of the output, from I on, that is more to the reader than one more
 * of the same: in authority and path three end something, and a query goes on to the end. */
static size_t
next_turn(const struct url_writer *w, size_t i)
{
    const struct buf *out = w->out;
    if (w->reader.state == URL_AT_QUERY)
        return out->len;
    if (w->reader.state != URL_AT_SCHEME)
        while (i < out->len && out->bytes[i] != '/' && out->bytes[i] != '?' && out->bytes[i] != '#')
            i++;
    return i;
}

/* Follows what was written from START on. */
static enum weir_code
follow(struct url_writer *w, size_t start, bool touches, struct weir_error *err)
{
    w->touched |= touches;
    for (size_t i = start; (i = next_turn(w, i)) < w->out->len; i++) {
        bool in_path = w->reader.state == URL_AT_PATH;
        if (!url_text_read(&w->reader, w->out->bytes[i]))
            continue;
        if (in_path && bad_segment(w, i))
            return dots(err);
        bool slash = w->out->bytes[i] == '/';
        w->segment = slash ? i + 1 : i;
        w->touched = touches;
    }
    return WEIR_OK;
}

static enum weir_code
too_long(const struct url_writer *w, struct weir_error *err)
{
    return err_set(err, WEIR_SCRIPT, "the url has more than %zu bytes", w->out->max);
}

enum weir_code
url_text_literal(struct url_writer *w, struct weir_text text, struct weir_error *err)
{
    size_t start = w->out->len;
    return buf_text(w->out, text) ? follow(w, start, false, err) : too_long(w, err);
}

/* Whether a value may stand as it is in scheme, host or port, or anywhere else in a url. */
static bool
good_bytes(struct weir_text text, enum url_place place)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.bytes[i];
        if ((unsigned char)c <= ' ' || c == 0x7f)
            return false;
        if (place != URL_AUTHORITY)
            continue;
        bool letter = ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c >= '0' && c <= '9');
        if (!letter && strchr("-._~:[]", c) == NULL)
            return false;
    }
    return true;
}

enum weir_code
url_text_value(struct url_writer *w, enum url_place place, struct weir_text text,
               struct weir_error *err)
{
    if (memchr(text.bytes, '\r', text.len) != NULL ||
        memchr(text.bytes, '\n', text.len) != NULL)
        return err_set(err, WEIR_INVALID, "a line break can't stand in a url");
    if (place != URL_PART && !good_bytes(text, place))
        return err_set(
            err, WEIR_INVALID, "%s",
            place == URL_AUTHORITY
                ? "scheme, host and port of a url have letters, digits and -._~:[] only"
                : "blanks and control characters can't stand in a url");
    size_t start = w->out->len;
    if (w->reader.state == URL_AT_SCHEME && place >= URL_PART) { /* behind a lone first / */
        if (text.len == 0 || text.bytes[0] == '/')
            return err_set(err, WEIR_INVALID, "a value would make the url start with '//'");
        w->reader.state = URL_AT_PATH;
        w->segment = start;
    }
    bool good = place == URL_PART ? url_encode(w->out, text) : buf_text(w->out, text);
    if (!good)
        return too_long(w, err);
    return follow(w, start, place == URL_PART || place == URL_RAW, err);
}

enum weir_code
url_text_end(struct url_writer *w, struct weir_error *err)
{
    if (w->reader.state == URL_AT_PATH && bad_segment(w, w->out->len))
        return dots(err);
    return WEIR_OK;
}

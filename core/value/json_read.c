/* value/json_read.c - JSON to values, in one pass and without recursion; see json.h.
 *
 * Without an owner the whole text is copied into the document's block first, which is quicker
 * than copying each string; strings then lie in that copy, and escapes are undone in place.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include "base/encode.h"
#include "value/doc.h"
#include "value/json.h"
#include "value/node.h"
#include "value/number.h"
#include "value/scan.h"

enum { DEPTH_DEFAULT = 64 };

/* A list or map that is open. */
struct frame {
    size_t height; /* of the stack below its children */
    bool map;
};

struct reader {
    const char *start;
    const char *end;
    const char *fault; /* where it went wrong */
    const char *why;   /* NULL: too deep      */
    bool copied; /* the text is the document's own and may be changed */
    bool unique;
    unsigned depth; /* the most levels */
    unsigned level;
    struct frame frames[VALUE_DEPTH];
    struct doc doc;
};

/* Notes what is wrong at P. */
static const char *
fault_at(struct reader *r, const char *p, const char *why)
{
    r->fault = p;
    r->why = why;
    return NULL;
}

static inline const char *
skip_blanks(const char *p, const char *end)
{
    while (p < end && (uint8_t)*p <= ' ' && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
        p++;
    return p;
}

/* The quote that ends the string, some way behind P; NULL if there is none. */
static const char *
closing_quote(const char *p, const char *end)
{
    for (;;) {
        p = scan_unescaped(p, end);
        if (p == end || *p == '"')
            return p == end ? NULL : p;
        p++;
        if (p[-1] != '\\')
            continue;
        if (p == end)
            return NULL;
        p++;
    }
}

/* The four hexadecimal digits at P; UINT32_MAX if they are none. */
static uint32_t
hex_4(const char *p, const char *end)
{
    if (end - p < 4)
        return UINT32_MAX;
    uint32_t u = 0;
    for (int i = 0; i < 4; i++) {
        uint8_t digit = (uint8_t)(p[i] - '0');
        uint8_t letter = (uint8_t)((p[i] | 0x20) - 'a');
        if (digit > 9 && letter > 5)
            return UINT32_MAX;
        u = u << 4 | (digit <= 9 ? digit : letter + 10u);
    }
    return u;
}

/* Undoes the \u at P, which may be half of a pair. */
static const char *
unescape_unicode(struct reader *r, const char *p, const char *stop, char **at)
{
    uint32_t u = hex_4(p + 2, stop);
    const char *next = p + 6;
    if (u == UINT32_MAX)
        return fault_at(r, p, "\\u needs four hexadecimal digits");
    if (u >= 0xdc00 && u <= 0xdfff)
        return fault_at(r, p, "a lone surrogate");
    if (u >= 0xd800 && u <= 0xdbff) {
        uint32_t low = UINT32_MAX;
        if (stop - next >= 6 && next[0] == '\\' && next[1] == 'u')
            low = hex_4(next + 2, stop);
        if (low < 0xdc00 || low > 0xdfff)
            return fault_at(r, p, "a lone surrogate");
        u = 0x10000 + ((u - 0xd800) << 10) + (low - 0xdc00);
        next += 6;
    }
    char text[4];
    size_t len = utf8_write(text, u);
    memcpy(*at, text, len);
    *at += len;
    return next;
}

/* Undoes the escape at P, writes it at *at, and returns what is behind it. */
static const char *
unescape(struct reader *r, const char *p, const char *stop, char **at)
{
    static const char plain[256] = {
        ['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
        ['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t',
    };
    if (p[1] == 'u')
        return unescape_unicode(r, p, stop, at);
    char c = plain[(uint8_t)p[1]];
    if (c == '\0')
        return fault_at(r, p, "no such escape");
    *(*at)++ = c;
    return p + 2;
}

/* Behind what can stand in a string as it is, from P up to STOP, an escape, or a quote. */
static const char *
plain_run(struct reader *r, const char *p, const char *stop)
{
    for (;;) {
        p = scan_plain(p, stop);
        while (p < stop && *p & 0x80) {
            const char *next = scan_character(p, stop);
            if (next == NULL)
                return fault_at(r, p, "malformed UTF-8");
            p = next;
        }
        if (p == stop || *p == '"' || *p == '\\')
            return p;
        if ((uint8_t)*p < 0x20)
            return fault_at(r, p, "a control character has to be escaped");
    }
}

/* Reads the rest of the string that begins at START and has its first escape at P. */
static const char *
read_escaped(struct reader *r, const char *start, const char *p, struct weir_text *ret)
{
    const char *stop = closing_quote(p, r->end);
    if (stop == NULL)
        return fault_at(r, r->end, "a string without its end");

    char *out = (char *)(uintptr_t)start;
    if (!r->copied) {
        out = doc_text(&r->doc, (size_t)(stop - start));
        memcpy(out, start, (size_t)(p - start));
    }
    char *at = out + (p - start);
    while (p < stop) {
        if (*p == '\\') {
            p = unescape(r, p, stop, &at);
            if (p == NULL)
                return NULL;
            continue;
        }
        const char *run = plain_run(r, p, stop);
        if (run == NULL)
            return NULL;
        memmove(at, p, (size_t)(run - p));
        at += run - p;
        p = run;
    }
    *ret = (struct weir_text){ out, (size_t)(at - out) };
    return stop + 1;
}

/* Reads the rest of the string that begins at START and is plain up to P. */
static const char *
read_long_string(struct reader *r, const char *start, const char *p, struct weir_text *ret)
{
    p = plain_run(r, p, r->end);
    if (p == NULL)
        return NULL;
    if (p == r->end)
        return fault_at(r, p, "a string without its end");
    if (*p == '\\')
        return read_escaped(r, start, p, ret);
    *ret = (struct weir_text){ start, (size_t)(p - start) };
    return p + 1;
}

/* Reads the string whose quote is at P and returns what is behind it. */
static inline const char *
read_string(struct reader *r, const char *p, struct weir_text *ret)
{
    const char *start = ++p;
    if (r->end - p >= SCAN_STEP) {
        unsigned n = scan_step(p, true);
        p += n;
        if (n < SCAN_STEP && *p == '"') { /* most are that short */
            *ret = (struct weir_text){ start, n };
            return p + 1;
        }
    }
    return read_long_string(r, start, p, ret);
}

static const char *
read_word(struct reader *r, const char *p)
{
    struct weir_text word = *p == 'n' ? TEXT("null") : *p == 't' ? TEXT("true") : TEXT("false");
    if ((size_t)(r->end - p) < word.len || memcmp(p, word.bytes, word.len) != 0)
        return fault_at(r, p, "expected a value");
    struct weir_value *v = doc_set(&r->doc, *p == 'n' ? WEIR_NULL : WEIR_BOOL, 0);
    v->integer = 0;
    if (*p == 't')
        v->boolean = true;
    return p + word.len;
}

/* Reads the scalar at P into the slot on top. */
static inline const char *
read_scalar(struct reader *r, const char *p)
{
    if (p == r->end)
        return fault_at(r, p, "expected a value");
    if (*p == '"') {
        struct weir_text text;
        p = read_string(r, p, &text);
        if (p != NULL)
            doc_set(&r->doc, WEIR_STRING, (uint32_t)text.len)->bytes = text.bytes;
        return p;
    }
    if (*p == '-' || (*p >= '0' && *p <= '9')) {
        struct weir_value *v = doc_set(&r->doc, WEIR_INT, 0);
        const char *behind = number_read(p, r->end, v, &r->fault, &r->why);
        return behind;
    }
    return read_word(r, p);
}

/* Reads a key and its colon, makes the member's slot, and returns where its value begins. */
static inline const char *
read_key(struct reader *r, const char *p)
{
    if (p == r->end || *p != '"')
        return fault_at(r, p, "expected a key in quotes");
    struct weir_text key;
    p = read_string(r, p, &key);
    if (p == NULL)
        return NULL;
    struct value_member *m = doc_push_member(&r->doc);
    m->key = key.bytes;
    m->key_len = (uint32_t)key.len;
    p = skip_blanks(p, r->end);
    if (p == r->end || *p != ':')
        return fault_at(r, p, "expected ':'");
    return p + 1;
}

/* Ends the innermost list or map; what is behind it is at P. */
static inline const char *
close_container(struct reader *r, const char *p)
{
    struct frame *f = &r->frames[--r->level];
    if (!f->map) {
        doc_close_list(&r->doc, f->height);
        return p;
    }
    const struct value_member *twice = doc_close_map(&r->doc, f->height);
    if (twice == NULL || !r->unique)
        return p;
    bool in_text = twice->key >= r->start && twice->key < r->end;
    return fault_at(r, in_text ? twice->key - 1 : p - 1, "a key that was there before");
}

/* Begins the list or map at P; *ret_open: it has children, whose first begins behind. */
static inline const char *
open_container(struct reader *r, const char *p, bool *ret_open)
{
    bool map = *p == '{';
    if (r->level == r->depth)
        return fault_at(r, p, NULL);
    r->frames[r->level++] = (struct frame){ doc_height(&r->doc), map };
    p = skip_blanks(p + 1, r->end);
    if (p < r->end && *p == (map ? '}' : ']'))
        return close_container(r, p + 1);
    *ret_open = true;
    if (map)
        return read_key(r, p);
    doc_push_item(&r->doc);
    return p;
}

/* Behind a child: goes on to the next one (*ret_open), or closes the list or map. */
static inline const char *
next_child(struct reader *r, const char *p, bool *ret_open)
{
    bool map = r->frames[r->level - 1].map;
    p = skip_blanks(p, r->end);
    char c = p < r->end ? *p : '\0';
    if (c == ',') {
        *ret_open = true;
        if (map)
            return read_key(r, skip_blanks(p + 1, r->end));
        doc_push_item(&r->doc);
        return p + 1;
    }
    if (c == (map ? '}' : ']'))
        return close_container(r, p + 1);
    return fault_at(r, p, map ? "expected ',' or '}'" : "expected ',' or ']'");
}

/* Reads the one value into the one slot; returns what is behind it, NULL at a fault. */
static const char *
read_document(struct reader *r, const char *p)
{
    doc_push_item(&r->doc);
    do {
        bool open = false;
        p = skip_blanks(p, r->end);
        if (p < r->end && (*p == '{' || *p == '['))
            p = open_container(r, p, &open);
        else
            p = read_scalar(r, p);
        while (p != NULL && !open && r->level > 0)
            p = next_child(r, p, &open);
    } while (p != NULL && r->level > 0);
    return p;
}

/* Says what is wrong where; lines and columns count from 1, columns in characters. */
static enum weir_code
report(const struct reader *r, struct weir_text text, struct weir_error *err)
{
    size_t offset = (size_t)(r->fault - r->start);
    size_t line = 1;
    size_t column = 1;
    for (size_t i = 0; i < offset; i++) {
        column += !scan_is_tail(text.bytes[i]);
        if (text.bytes[i] != '\n')
            continue;
        line++;
        column = 1;
    }
    if (r->why == NULL)
        return err_set(err, WEIR_INVALID, "line %zu, column %zu: deeper than %u levels", line,
                       column, r->depth);
    return err_set(err, WEIR_INVALID, "line %zu, column %zu: %s", line, column, r->why);
}

static void
reader_start(struct reader *r, struct weir_text text, const struct weir_value *owner,
             const struct json_limits *limits)
{
    unsigned depth = limits != NULL && limits->depth != 0 ? limits->depth : DEPTH_DEFAULT;
    r->depth = depth < VALUE_DEPTH ? depth : VALUE_DEPTH;
    r->unique = limits != NULL && limits->unique_keys;
    r->level = 0;
    r->copied = owner == NULL;
    char *copy = doc_start(&r->doc, text.len, r->copied ? text.len : 0);
    r->start = text.bytes;
    if (r->copied && text.len > 0)
        r->start = memcpy(copy, text.bytes, text.len);
    r->end = r->start + text.len;
    if (owner == NULL)
        return;
    doc_borrow(&r->doc, owner);
    r->doc.flags |= owner->flags & VALUE_SECRET;
}

enum weir_code
json_read(struct weir_text text, const struct weir_value *owner, const struct json_limits *limits,
          const struct weir_value **ret, struct weir_error *err)
{
    if (text.len > UINT32_MAX)
        return err_set(err, WEIR_TOO_LARGE, "more than 4 GiB of JSON");

    struct reader r;
    reader_start(&r, text, owner, limits);
    const char *p = r.start;
    if (text.len >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
        p = fault_at(&r, p, "a byte order mark is not allowed");
    else
        p = read_document(&r, p);
    p = p != NULL ? skip_blanks(p, r.end) : NULL;
    if (p != NULL && p < r.end)
        p = fault_at(&r, p, "expected the end");
    if (p == NULL) {
        enum weir_code code = report(&r, text, err);
        doc_drop(&r.doc);
        return code;
    }
    *ret = doc_end(&r.doc);
    return WEIR_OK;
}

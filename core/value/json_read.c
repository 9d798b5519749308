/* value/json_read.c - JSON to values, in one pass and without recursion; see json.h.
 *
 * Without an owner the whole text is copied into the document's block first, which is quicker
 * than copying each string; strings then lie in that copy, and escapes are undone in place.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "value/json.h"
#include "value/json_string.h"
#include "value/number.h"
#include "value/scan.h"

enum { DEPTH_DEFAULT = 64 };

/* A list or map that is open. */
struct frame {
    size_t height; /* of the stack below its children */
    bool map;
};

struct reader {
    struct json_text text;
    bool unique;
    unsigned depth; /* the most levels */
    unsigned level;
    struct frame frames[VALUE_DEPTH];
};

static inline const char *
skip_blanks(const char *p, const char *end)
{
    while (p < end && (uint8_t)*p <= ' ' &&
           (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
        p++;
    return p;
}

/* Reads the string whose quote is at P and returns what is behind it. */
static inline const char *
read_string(struct reader *r, const char *p, struct weir_text *ret)
{
    const char *start = ++p;
    if (r->text.end - p >= SCAN_STEP) {
        unsigned n = scan_step(p, true);
        p += n;
        if (n < SCAN_STEP && *p == '"') { /* most are that short */
            *ret = (struct weir_text){ start, n };
            return p + 1;
        }
    }
    return json_string_rest(&r->text, start, p, ret);
}

static const char *
read_word(struct reader *r, const char *p)
{
    struct weir_text word = *p == 'n' ? TEXT("null") : *p == 't' ? TEXT("true") : TEXT("false");
    if ((size_t)(r->text.end - p) < word.len || memcmp(p, word.bytes, word.len) != 0)
        return json_fault(&r->text, p, "expected a value");
    struct weir_value *v = doc_set(&r->text.doc, *p == 'n' ? WEIR_NULL : WEIR_BOOL, 0);
    v->integer = 0;
    if (*p == 't')
        v->boolean = true;
    return p + word.len;
}

/* Reads the scalar at P into the slot on top. */
static inline const char *
read_scalar(struct reader *r, const char *p)
{
    if (p == r->text.end)
        return json_fault(&r->text, p, "expected a value");
    if (*p == '"') {
        struct weir_text text;
        p = read_string(r, p, &text);
        if (p != NULL)
            doc_set(&r->text.doc, WEIR_STRING, (uint32_t)text.len)->bytes = text.bytes;
        return p;
    }
    if (*p == '-' || (*p >= '0' && *p <= '9')) {
        struct weir_value *v = doc_set(&r->text.doc, WEIR_INT, 0);
        const char *behind = number_read(p, r->text.end, v, &r->text.fault, &r->text.why);
        return behind;
    }
    return read_word(r, p);
}

/* Reads a key and its colon, makes the member's slot, and returns where its value begins. */
static inline const char *
read_key(struct reader *r, const char *p)
{
    if (p == r->text.end || *p != '"')
        return json_fault(&r->text, p, "expected a key in quotes");
    struct weir_text key;
    p = read_string(r, p, &key);
    if (p == NULL)
        return NULL;
    struct value_member *m = doc_push_member(&r->text.doc);
    m->key = key.bytes;
    m->key_len = (uint32_t)key.len;
    p = skip_blanks(p, r->text.end);
    if (p == r->text.end || *p != ':')
        return json_fault(&r->text, p, "expected ':'");
    return p + 1;
}

/* Ends the innermost list or map; what is behind it is at P. */
static inline const char *
close_container(struct reader *r, const char *p)
{
    struct frame *f = &r->frames[--r->level];
    if (!f->map) {
        doc_close_list(&r->text.doc, f->height);
        return p;
    }
    const struct value_member *twice = doc_close_map(&r->text.doc, f->height);
    if (twice == NULL || !r->unique)
        return p;
    bool in_text = twice->key >= r->text.start && twice->key < r->text.end;
    return json_fault(&r->text, in_text ? twice->key - 1 : p - 1,
                      "a key that was there before");
}

/* Begins the list or map at P; *ret_open: it has children, whose first begins behind. */
static inline const char *
open_container(struct reader *r, const char *p, bool *ret_open)
{
    bool map = *p == '{';
    if (r->level == r->depth)
        return json_fault(&r->text, p, NULL);
    r->frames[r->level++] = (struct frame){ doc_height(&r->text.doc), map };
    p = skip_blanks(p + 1, r->text.end);
    if (p < r->text.end && *p == (map ? '}' : ']'))
        return close_container(r, p + 1);
    *ret_open = true;
    if (map)
        return read_key(r, p);
    doc_push_item(&r->text.doc);
    return p;
}

/* Behind a child: goes on to the next one (*ret_open), or closes the list or map. */
static inline const char *
next_child(struct reader *r, const char *p, bool *ret_open)
{
    bool map = r->frames[r->level - 1].map;
    p = skip_blanks(p, r->text.end);
    char c = p < r->text.end ? *p : '\0';
    if (c == ',') {
        *ret_open = true;
        if (map)
            return read_key(r, skip_blanks(p + 1, r->text.end));
        doc_push_item(&r->text.doc);
        return p + 1;
    }
    if (c == (map ? '}' : ']'))
        return close_container(r, p + 1);
    return json_fault(&r->text, p, map ? "expected ',' or '}'" : "expected ',' or ']'");
}

/* Reads the one value into the one slot; returns what is behind it, NULL at a fault. */
static const char *
read_document(struct reader *r, const char *p)
{
    doc_push_item(&r->text.doc);
    do {
        bool open = false;
        p = skip_blanks(p, r->text.end);
        if (p < r->text.end && (*p == '{' || *p == '['))
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
    size_t offset = (size_t)(r->text.fault - r->text.start);
    size_t line = 1;
    size_t column = 1;
    for (size_t i = 0; i < offset; i++) {
        column += !scan_is_tail(text.bytes[i]);
        if (text.bytes[i] != '\n')
            continue;
        line++;
        column = 1;
    }
    if (r->text.why == NULL)
        return err_set(err, WEIR_INVALID, "line %zu, column %zu: deeper than %u levels", line,
                       column, r->depth);
    return err_set(err, WEIR_INVALID, "line %zu, column %zu: %s", line, column, r->text.why);
}

static void
reader_start(struct reader *r, struct weir_text text, const struct weir_value *owner,
             const struct json_limits *limits)
{
    unsigned depth = limits != NULL && limits->depth != 0 ? limits->depth : DEPTH_DEFAULT;
    r->depth = depth < VALUE_DEPTH ? depth : VALUE_DEPTH;
    r->unique = limits != NULL && limits->unique_keys;
    r->level = 0;
    r->text.copied = owner == NULL;
    char *copy = doc_start(&r->text.doc, text.len, r->text.copied ? text.len : 0);
    r->text.start = text.bytes;
    if (r->text.copied && text.len > 0)
        r->text.start = memcpy(copy, text.bytes, text.len);
    r->text.end = r->text.start + text.len;
    if (owner == NULL)
        return;
    doc_borrow(&r->text.doc, owner);
    r->text.doc.flags |= owner->flags & VALUE_SECRET;
}

enum weir_code
json_read(struct weir_text text, const struct weir_value *owner,
          const struct json_limits *limits, const struct weir_value **ret,
          struct weir_error *err)
{
    if (text.len > UINT32_MAX)
        return err_set(err, WEIR_TOO_LARGE, "more than 4 GiB of JSON");

    struct reader r;
    reader_start(&r, text, owner, limits);
    const char *p = r.text.start;
    if (text.len >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
        p = json_fault(&r.text, p, "a byte order mark is not allowed");
    else
        p = read_document(&r, p);
    p = p != NULL ? skip_blanks(p, r.text.end) : NULL;
    if (p != NULL && p < r.text.end)
        p = json_fault(&r.text, p, "expected the end");
    if (p == NULL) {
        enum weir_code code = report(&r, text, err);
        doc_drop(&r.text.doc);
        return code;
    }
    *ret = doc_end(&r.text.doc);
    return WEIR_OK;
}

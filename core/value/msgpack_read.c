/* value/msgpack_read.c - MessagePack to values; see msgpack.h.
 *
 * Not by msgpack-c's own reader: that stops at 32 levels, and reserves memory for as many
 * items as the sender claims before it has seen one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <math.h>

#include "base/encode.h"
#include "value/doc.h"
#include "value/msgpack.h"
#include "value/scan.h"

/* A list or map that is open. */
struct frame {
    size_t height; /* of the stack below its children */
    uint32_t left; /* children to come */
    bool map;
};

struct reader {
    const uint8_t *end;
    const char *why;
    unsigned level;
    struct frame frames[VALUE_DEPTH];
    struct doc doc;
};

static const uint8_t *
fault(struct reader *r, const char *why)
{
    r->why = why;
    return NULL;
}

/* The number of SIZE bytes at P, the highest first. */
static uint64_t
big_endian(const uint8_t *p, unsigned size)
{
    uint64_t u = 0;
    for (unsigned i = 0; i < size; i++)
        u = u << 8 | p[i];
    return u;
}

/* What a first byte means. */
struct form {
    uint8_t type; /* enum weir_type; FORM_NONE: not allowed      */
    uint8_t size; /* bytes of the number or the length behind it */
    bool is_signed;
    uint64_t small; /* the number or the length, if SIZE is 0 */
};

enum { FORM_NONE = 0xff };

/* The forms of the bytes from 0xc0 to 0xdf, each of which means something else. */
static const struct form forms_c0[32] = {
    { WEIR_NULL, 0, false, 0 },   { FORM_NONE, 0, false, 0 },   /* nil, never used   */
    { WEIR_BOOL, 0, false, 0 },   { WEIR_BOOL, 0, false, 1 },   /* false, true       */
    { WEIR_BYTES, 1, false, 0 },  { WEIR_BYTES, 2, false, 0 },  /* bin 8, 16         */
    { WEIR_BYTES, 4, false, 0 },  { FORM_NONE, 0, false, 0 },   /* bin 32, ext 8     */
    { FORM_NONE, 0, false, 0 },   { FORM_NONE, 0, false, 0 },   /* ext 16, 32        */
    { WEIR_DOUBLE, 4, false, 0 }, { WEIR_DOUBLE, 8, false, 0 }, /* float 32, 64      */
    { WEIR_INT, 1, false, 0 },    { WEIR_INT, 2, false, 0 },    /* uint 8, 16        */
    { WEIR_INT, 4, false, 0 },    { WEIR_INT, 8, false, 0 },    /* uint 32, 64       */
    { WEIR_INT, 1, true, 0 },     { WEIR_INT, 2, true, 0 },     /* int 8, 16         */
    { WEIR_INT, 4, true, 0 },     { WEIR_INT, 8, true, 0 },     /* int 32, 64        */
    { FORM_NONE, 0, false, 0 },   { FORM_NONE, 0, false, 0 },   /* fixext 1, 2       */
    { FORM_NONE, 0, false, 0 },   { FORM_NONE, 0, false, 0 },   /* fixext 4, 8       */
    { FORM_NONE, 0, false, 0 },   { WEIR_STRING, 1, false, 0 }, /* fixext 16, str 8  */
    { WEIR_STRING, 2, false, 0 }, { WEIR_STRING, 4, false, 0 }, /* str 16, 32        */
    { WEIR_LIST, 2, false, 0 },   { WEIR_LIST, 4, false, 0 },   /* array 16, 32      */
    { WEIR_MAP, 2, false, 0 },    { WEIR_MAP, 4, false, 0 },    /* map 16, 32        */
};

static inline struct form
form_of(uint8_t c)
{
    if (c < 0x80)
        return (struct form){ WEIR_INT, 0, false, c };
    if (c < 0x90)
        return (struct form){ WEIR_MAP, 0, false, c & 0x0f };
    if (c < 0xa0)
        return (struct form){ WEIR_LIST, 0, false, c & 0x0f };
    if (c < 0xc0)
        return (struct form){ WEIR_STRING, 0, false, c & 0x1f };
    if (c < 0xe0)
        return forms_c0[c & 0x1f];
    return (struct form){ WEIR_INT, 0, true, (uint64_t)(int64_t)(int8_t)c };
}

static void
set_int(struct weir_value *v, struct form f, uint64_t u)
{
    unsigned unused = f.is_signed && f.size > 0 ? 64 - 8u * f.size : 0;
    v->integer = (int64_t)(u << unused) >> unused;
    if (f.is_signed || u <= INT64_MAX)
        return;
    v->type = WEIR_DOUBLE;
    v->number = (double)u;
}

/* False: NaN or infinite. */
static bool
set_double(struct weir_value *v, struct form f, uint64_t u)
{
    if (f.size == 8) {
        memcpy(&v->number, &u, sizeof u);
    } else {
        uint32_t half = (uint32_t)u;
        float x;
        memcpy(&x, &half, sizeof x);
        v->number = (double)x;
    }
    return isfinite(v->number);
}

/* Reads what follows the head of a list or map with N children. */
static const uint8_t *
open_container(struct reader *r, const uint8_t *p, bool map, uint64_t n)
{
    if (r->level == VALUE_DEPTH)
        return fault(r, "too many levels");
    if (n > (uint64_t)(r->end - p) / (map ? 2 : 1))
        return fault(r, "more children than bytes");
    r->frames[r->level++] = (struct frame){ doc_height(&r->doc), (uint32_t)n, map };
    return p;
}

/* Reads what is at P into the slot on top; of a list or map only the head. */
static const uint8_t *
read_one(struct reader *r, const uint8_t *p)
{
    if (p == r->end)
        return fault(r, "the end is missing");
    struct form f = form_of(*p++);
    if (f.type == FORM_NONE)
        return fault(r, "an extension or an unused form");
    if ((size_t)(r->end - p) < f.size)
        return fault(r, "the end is missing");
    uint64_t u = f.size > 0 ? big_endian(p, f.size) : f.small;
    p += f.size;
    if (f.type == WEIR_LIST || f.type == WEIR_MAP)
        return open_container(r, p, f.type == WEIR_MAP, u);

    struct weir_value *v = doc_set(&r->doc, f.type, 0);
    v->integer = 0;
    if (f.type == WEIR_BOOL)
        v->boolean = u != 0;
    if (f.type == WEIR_INT)
        set_int(v, f, u);
    if (f.type == WEIR_DOUBLE && !set_double(v, f, u))
        return fault(r, "a double that is not finite");
    if (!type_is_text(f.type))
        return p;

    if (u > (uint64_t)(r->end - p))
        return fault(r, "the end is missing");
    v->len = (uint32_t)u;
    v->bytes = (const char *)p;
    if (f.type == WEIR_STRING && !scan_is_ascii(v->bytes, v->bytes + u) &&
        !utf8_valid(value_as_text(v)))
        return fault(r, "malformed UTF-8");
    return p + u;
}

/* Makes the slot of a map's next member, with the key at P. */
static const uint8_t *
read_key(struct reader *r, const uint8_t *p)
{
    if (p < r->end && form_of(*p).type != WEIR_STRING)
        return fault(r, "a key that is no string");
    struct value_member *m = doc_push_member(&r->doc);
    p = read_one(r, p); /* into the place of the value that it belongs to */
    if (p == NULL)
        return NULL;
    const struct weir_value *key = doc_slot(&r->doc);
    m->key = key->bytes;
    m->key_len = key->len;
    return p;
}

/* Makes the slot of the next value, after closing whatever is complete; with nothing left to
 * read *ret_done is set. */
static const uint8_t *
next_slot(struct reader *r, const uint8_t *p, bool *ret_done)
{
    while (r->level > 0 && r->frames[r->level - 1].left == 0) {
        const struct frame *f = &r->frames[--r->level];
        if (f->map)
            (void)doc_close_map(&r->doc, f->height); /* a key may be there twice */
        else
            doc_close_list(&r->doc, f->height);
    }
    *ret_done = r->level == 0;
    if (*ret_done)
        return p;
    struct frame *f = &r->frames[r->level - 1];
    f->left--;
    if (f->map)
        return read_key(r, p);
    doc_push_item(&r->doc);
    return p;
}

static const uint8_t *
read_document(struct reader *r, const uint8_t *p)
{
    bool done = false;
    doc_push_item(&r->doc);
    while (p != NULL && !done) {
        p = read_one(r, p);
        if (p != NULL)
            p = next_slot(r, p, &done);
    }
    return p;
}

enum weir_code
msgpack_read(struct weir_text bytes, const struct weir_value **ret, struct weir_error *err)
{
    if (bytes.len > UINT32_MAX)
        return err_set(err, WEIR_TOO_LARGE, "more than 4 GiB of msgpack");

    struct reader r;
    char *copy = doc_start(&r.doc, bytes.len, bytes.len);
    if (bytes.len > 0)
        memcpy(copy, bytes.bytes, bytes.len); /* strings lie in it */
    const uint8_t *p = (const uint8_t *)copy;
    r.end = p + bytes.len;
    r.level = 0;
    p = read_document(&r, p);
    if (p != NULL && p < r.end)
        p = fault(&r, "more than one value");
    if (p == NULL) {
        doc_drop(&r.doc);
        return err_set(err, WEIR_INVALID, "not msgpack as it is written here: %s", r.why);
    }
    *ret = doc_end(&r.doc);
    return WEIR_OK;
}

/* value/json_write.c - values to JSON; see json.h. SPDX-License-Identifier: Apache-2.0 */
#include "base/encode.h"
#include "value/json.h"
#include "value/number.h"
#include "value/out.h"
#include "value/scan.h"
#include "value/walk.h"

static bool
write_escape(struct out *o, uint8_t c)
{
    static const char letters[] = "btn\vfr";
    static const char hex[] = "0123456789abcdef";
    if (c == '"' || c == '\\')
        return out_add(o, (char[]){ '\\', (char)c }, 2);
    if (c >= '\b' && c <= '\r' && c != '\v')
        return out_add(o, (char[]){ '\\', letters[c - '\b'] }, 2);
    return out_add(o, (char[]){ '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] }, 6);
}

/* Writes well-formed UTF-8 as a string. */
static inline bool
write_string(struct out *o, const char *p, size_t len)
{
    const char *end = p + len;
    if (!out_char(o, '"'))
        return false;
    for (;;) {
        const char *stop = scan_unescaped(p, end);
        if (!out_add(o, p, (size_t)(stop - p)))
            return false;
        if (stop == end)
            return out_char(o, '"');
        if (!write_escape(o, (uint8_t)*stop))
            return false;
        p = stop + 1;
    }
}

static bool
write_base64(struct out *o, const struct weir_value *v)
{
    out_sync(o);
    bool good = buf_putc(o->buf, '"') && base64_encode(o->buf, value_as_text(v), false) &&
                buf_putc(o->buf, '"');
    out_start(o, o->buf);
    return good;
}

static inline bool
write_number(struct out *o, const struct weir_value *v)
{
    char text[NUMBER_TEXT];
    size_t len;
    if (v->type == WEIR_INT)
        len = number_write_int(text, v->integer);
    else
        len = number_write_double(text, v->number);
    return out_add(o, text, len);
}

/* False if it does not fit. A stream is no JSON: that is seen before. */
static inline bool
write_scalar(struct out *o, const struct weir_value *v)
{
    switch (value_type(v)) {
    case WEIR_NULL:
        return out_add(o, "null", 4);
    case WEIR_BOOL:
        return v->boolean ? out_add(o, "true", 4) : out_add(o, "false", 5);
    case WEIR_STRING:
        return write_string(o, v->bytes, v->len);
    case WEIR_BYTES:
        return write_base64(o, v);
    default:
        return write_number(o, v);
    }
}

/* A line break and two blanks a level. */
static bool
write_break(struct out *o, unsigned level)
{
    if (!out_char(o, '\n'))
        return false;
    for (unsigned i = 0; i < level; i++)
        if (!out_add(o, "  ", 2))
            return false;
    return true;
}

/* What stands before a value or its end: comma, line break, key. */
static inline bool
write_before(struct out *o, const struct walk *w, enum walk_step step, bool pretty)
{
    bool close = step == WALK_CLOSE;
    unsigned level = w->level - (step == WALK_OPEN);
    if (close)
        return !pretty || w->v->len == 0 || write_break(o, level);
    if (level == 0)
        return true;
    if (w->place > 0 && !out_char(o, ','))
        return false;
    if (pretty && !write_break(o, level))
        return false;
    if (w->member == NULL)
        return true;
    return write_string(o, w->member->key, w->member->key_len) &&
           out_add(o, ": ", pretty ? 2 : 1);
}

static inline bool
write_step(struct out *o, const struct walk *w, enum walk_step step, bool pretty)
{
    if (!write_before(o, w, step, pretty))
        return false;
    if (step == WALK_SCALAR)
        return write_scalar(o, w->v);
    bool map = w->v->type == WEIR_MAP;
    if (step == WALK_OPEN)
        return out_char(o, map ? '{' : '[');
    return out_char(o, map ? '}' : ']');
}

static enum weir_code
write_all(struct out *o, struct walk *w, bool pretty, struct weir_error *err)
{
    for (enum walk_step s; (s = walk_next(w)) != WALK_END;) {
        if (w->level > VALUE_DEPTH)
            return err_set(err, WEIR_INVALID, "deeper than %d levels", VALUE_DEPTH);
        if (w->v->type == WEIR_STREAM)
            return err_set(err, WEIR_INVALID, "a stream is no JSON");
        if (!write_step(o, w, s, pretty))
            return err_set(err, WEIR_TOO_LARGE, "more than %zu bytes of JSON", o->buf->max);
    }
    return WEIR_OK;
}

static enum weir_code
write_value(struct buf *buf, const struct weir_value *v, bool pretty, struct weir_error *err)
{
    struct out o;
    struct walk w;
    out_start(&o, buf);
    walk_start(&w, v);
    enum weir_code code = write_all(&o, &w, pretty, err);
    walk_stop(&w);
    out_sync(&o);
    return code;
}

enum weir_code
json_write(struct buf *out, const struct weir_value *v, struct weir_error *err)
{
    return write_value(out, v, false, err);
}

enum weir_code
json_write_pretty(struct buf *out, const struct weir_value *v, struct weir_error *err)
{
    return write_value(out, v, true, err);
}

bool
json_write_string(struct buf *out, struct weir_text text)
{
    struct out o;
    out_start(&o, out);
    const char *p = text.bytes;
    const char *end = p + text.len;
    bool good = out_char(&o, '"');
    while (good && p < end) {
        const char *stop = scan_plain(p, end);
        good = out_add(&o, p, (size_t)(stop - p));
        p = stop;
        if (!good || p == end)
            break;
        const char *next = *p & 0x80 ? scan_character(p, end) : p + 1;
        if (next == NULL)
            good = out_add(&o, "\xef\xbf\xbd", 3);
        else if (*p & 0x80)
            good = out_add(&o, p, (size_t)(next - p));
        else
            good = write_escape(&o, (uint8_t)*p);
        p = next != NULL ? next : p + 1;
    }
    good = good && out_char(&o, '"');
    out_sync(&o);
    return good;
}

bool
json_write_double(struct buf *out, double d)
{
    char text[NUMBER_TEXT];
    return buf_text(out, (struct weir_text){ text, number_write_double(text, d) });
}

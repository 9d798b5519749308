/* value/schema_report.c - what is wrong and where, and how much it weighs.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdarg.h>
#include <stdio.h>

#include "base/encode.h"
#include "value/json.h"
#include "value/schema_eval.h"

enum {
    MAX_POINTER = 8192,
    MAX_DETAIL = 400,
    MAX_SHOWN = 60, /* bytes of a value in a detail */
};

/* Cuts B to at most LEN bytes and puts "..." behind. */
static void
cut(struct buf *b, size_t len)
{
    if (len > b->len)
        len = b->len;
    while (len > 0 && (b->bytes[len] & 0xc0) == 0x80)
        len--; /* the NUL behind the last byte ends it at once */
    b->len = len;
    b->bytes[len] = '\0';
    (void)buf_puts(b, "..."); /* there was room for more */
}

struct schema_quoted
schema_quote(struct weir_text text)
{
    struct schema_quoted q;
    size_t len = text.len;
    bool whole = len <= MAX_SHOWN;
    if (!whole)
        len = MAX_SHOWN;
    while (!whole && len > 0 && (text.bytes[len] & 0xc0) == 0x80)
        len--;
    snprintf(q.text, sizeof(q.text), "'%.*s'%s", (int)len, text.bytes, whole ? "" : "...");
    return q;
}

void
schema_put_value(struct buf *b, const struct weir_value *v)
{
    if (v->type == WEIR_STRING) {
        (void)buf_puts(b, schema_quote(value_as_text(v)).text); /* a detail may be cut off */
        return;
    }
    struct buf json;
    buf_init(&json, MAX_SHOWN + 16);
    if (json_write(&json, v, NULL) != WEIR_OK || json.len > MAX_SHOWN)
        cut(&json, MAX_SHOWN);
    (void)buf_text(b, buf_content(&json));
    buf_fini(&json);
}

/* Appends the JSON pointer of a place, which is at most SCHEMA_DEPTH deep. */
static void
put_pointer(struct buf *b, const struct place *p)
{
    if (p == NULL)
        return;
    put_pointer(b, p->up);
    if (p->key.bytes == NULL) {
        (void)buf_printf(b, "/%u",
                         p->index); /* what does not fit is left out, here and below */
        return;
    }
    (void)buf_putc(b, '/');
    for (size_t i = 0; i < p->key.len; i++) {
        char ch = p->key.bytes[i];
        if (ch == '~' || ch == '/')
            (void)buf_puts(b, ch == '~' ? "~0" : "~1");
        else
            (void)buf_putc(b, ch);
    }
}

void
schema_tell(struct check *c, const char *detail)
{
    struct buf pointer;
    struct buf text;
    buf_init(&pointer, MAX_POINTER);
    buf_init(&text, MAX_DETAIL + 16);
    put_pointer(&pointer, c->place);
    if (pointer.len > MAX_POINTER - 4)
        cut(&pointer, MAX_POINTER - 4);
    if (c->place != NULL && c->place->name)
        (void)buf_puts(&text, "its name "); /* there is room */
    (void)buf_puts(&text, detail);
    c->told++;
    c->report(c->report_arg, pointer.bytes, pointer.len, text.bytes);
    buf_fini(&text);
    buf_fini(&pointer);
}

/* Formats a detail and tells it. */
static void
tell_formatted(struct check *c, const char *fmt, va_list args)
{
    char text[MAX_DETAIL + 4];
    int n = vsnprintf(text, sizeof(text), fmt, args);
    size_t len = n < 0 ? 0 : (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1;
    if (!utf8_valid((struct weir_text){ text, len }))
        while (len > 0 && (text[len - 1] & 0x80) != 0) /* cut inside of a character */
            text[--len] = '\0';
    schema_tell(c, text);
}

bool
schema_stop(struct check *c, const char *fmt, ...)
{
    if (c->stopped)
        return false;
    c->stopped = true;
    if (c->report == NULL || c->told > 0)
        return false;
    va_list args;
    va_start(args, fmt);
    tell_formatted(c, fmt, args);
    va_end(args);
    return false;
}

/* Weighs a violation for the choice of a branch: one that shows that another branch was meant
 * is heavy, one deep inside is light. */
static void
weigh(struct check *c, enum violation kind)
{
    static const unsigned weights[] = {
        [VIOLATION_TYPE] = 16,   [VIOLATION_CHOICE] = 16, [VIOLATION_MISSING] = 8,
        [VIOLATION_UNKNOWN] = 8, [VIOLATION_OTHER] = 16,
    };
    unsigned level = c->level - c->base;
    if (level == 0 && (kind == VIOLATION_TYPE || kind == VIOLATION_CHOICE))
        c->mismatch = true;
    if (level == 1 && kind == VIOLATION_CHOICE)
        c->weight += 100;
    else
        c->weight += weights[kind] >> (level < 4 ? level : 4);
}

bool
schema_fail(struct check *c, enum violation kind, const char *fmt, ...)
{
    if (c->mode == MODE_COUNT)
        weigh(c, kind);
    if (c->mode != MODE_TELL || c->told >= MAX_TOLD || c->stopped)
        return false;
    va_list args;
    va_start(args, fmt);
    tell_formatted(c, fmt, args);
    va_end(args);
    return false;
}

bool
schema_fail_at(struct check *c, struct weir_text key, enum violation kind, const char *fmt, ...)
{
    struct place p = { .up = c->place, .key = key };
    c->place = &p;
    c->level++;
    if (c->mode == MODE_COUNT)
        weigh(c, kind);
    if (c->mode == MODE_TELL && c->told < MAX_TOLD && !c->stopped) {
        va_list args;
        va_start(args, fmt);
        tell_formatted(c, fmt, args);
        va_end(args);
    }
    c->level--;
    c->place = p.up;
    return false;
}

bool
schema_fail_value(struct check *c, enum violation kind, const char *before,
                  const struct weir_value *v)
{
    if (c->mode != MODE_TELL)
        return schema_fail(c, kind, "%s", before);
    struct buf text;
    buf_init(&text, MAX_DETAIL);
    (void)buf_puts(&text, before); /* there is room */
    schema_put_value(&text, v);
    (void)schema_fail(c, kind, "%s", text.bytes); /* false */
    buf_fini(&text);
    return false;
}

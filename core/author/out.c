/* author/out.c - see out.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "author/out.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "value/json.h"

static void *
take(struct arena *a, size_t size)
{
    void *p = arena_alloc(a, size);
    if (p == NULL)
        abort();
    return p;
}

/* Whether YAML lets the code point stand as it is in comments and in lines behind '|'. */
static bool
printable(uint32_t c)
{
    return (c >= ' ' && c < 0x7f) || c == 0x85 || (c >= 0xa0 && c < 0xfffe && c != 0xfeff) ||
           c > 0xffff;
}

/* A copy with '?' for what can't be printed; line feeds stay. */
static struct weir_text
clean(struct arena *a, struct weir_text text)
{
    char *copy = take(a, text.len + 1);
    size_t at = 0, len = 0;
    while (at < text.len) {
        size_t from = at;
        uint32_t c = utf8_next(text, &at);
        if (printable(c) || c == '\n') {
            memcpy(copy + len, text.bytes + from, at - from);
            len += at - from;
        } else if (c == '\t') {
            copy[len++] = ' ';
        } else if (c != '\r') {
            copy[len++] = '?';
        }
    }
    return (struct weir_text){ copy, len };
}

static struct out *
scalar(struct arena *a, enum out_kind kind, struct weir_text text)
{
    struct out *o = take(a, sizeof *o);
    char *copy = take(a, text.len + 1);
    memcpy(copy, text.bytes, text.len);
    o->kind = kind;
    o->text = (struct weir_text){ copy, text.len };
    return o;
}

struct out *
out_text(struct arena *a, struct weir_text text)
{
    return scalar(a, OUT_TEXT, text);
}

struct out *
out_plain(struct arena *a, const char *text)
{
    return scalar(a, OUT_PLAIN, text_of(text));
}

struct out *
out_lines(struct arena *a, struct weir_text text)
{
    return scalar(a, OUT_LINES, clean(a, text));
}

struct out *
out_list(struct arena *a)
{
    struct out *o = take(a, sizeof *o);
    o->kind = OUT_LIST;
    return o;
}

struct out *
out_map(struct arena *a)
{
    struct out *o = take(a, sizeof *o);
    o->kind = OUT_MAP;
    return o;
}

struct out *
out_add(struct out *list, struct out *child)
{
    child->next = NULL;
    if (list->last != NULL)
        list->last->next = child;
    else
        list->first = child;
    list->last = child;
    return child;
}

struct out *
out_set(struct arena *a, struct out *map, struct weir_text key, struct out *child)
{
    for (struct out *o = map->first; o != NULL; o = o->next)
        if (text_equal(o->key, key)) {
            struct out *next = o->next;
            *o = *child;
            o->key = key;
            o->next = next;
            return o;
        }
    char *copy = take(a, key.len + 1);
    memcpy(copy, key.bytes, key.len);
    child->key = (struct weir_text){ copy, key.len };
    return out_add(map, child);
}

struct out *
out_get(const struct out *map, const char *key)
{
    for (struct out *o = map->first; o != NULL; o = o->next)
        if (text_is(o->key, key))
            return o;
    return NULL;
}

void
out_comment(struct arena *a, struct out *o, struct weir_text text)
{
    struct out_line **end = &o->comments;
    while (*end != NULL)
        end = &(*end)->next;
    text = clean(a, text);
    for (;;) {
        const char *stop = memchr(text.bytes, '\n', text.len);
        size_t len = stop != NULL ? (size_t)(stop - text.bytes) : text.len;
        struct out_line *l = take(a, sizeof *l);
        l->text = (struct weir_text){ text.bytes, len };
        while (l->text.len > 0 && text.bytes[l->text.len - 1] == ' ')
            l->text.len--;
        *end = l;
        end = &l->next;
        if (stop == NULL)
            return;
        text = (struct weir_text){ stop + 1, text.len - len - 1 };
    }
}

static struct out *
number(struct arena *a, const struct weir_value *v)
{
    struct buf b;
    struct weir_error err;
    buf_init(&b, 256);
    struct out *o = NULL;
    if (json_write(&b, v, &err) == WEIR_OK)
        o = out_plain(a, b.bytes);
    buf_fini(&b);
    return o != NULL ? o : out_plain(a, "null");
}

struct out *
out_value(struct arena *a, const struct weir_value *v,
          struct out *(*edit)(void *arg, struct weir_text text), void *arg)
{
    struct out *o;
    struct weir_text key;
    const struct weir_value *item;
    switch (value_type(v)) {
    case WEIR_STRING:
        return edit != NULL ? edit(arg, value_as_text(v)) : out_text(a, value_as_text(v));
    case WEIR_LIST:
        o = out_list(a);
        for (size_t i = 0; (item = value_at(v, i)) != NULL; i++)
            out_add(o, out_value(a, item, edit, arg));
        return o;
    case WEIR_MAP:
        o = out_map(a);
        for (size_t i = 0; value_member(v, i, &key, &item); i++)
            out_set(a, o, key, out_value(a, item, edit, arg));
        return o;
    case WEIR_NULL:
    case WEIR_BOOL:
    case WEIR_INT:
    case WEIR_DOUBLE:
        return number(a, v);
    default:
        return out_plain(a, "null");
    }
}

/* Whether TEXT could be read as something else than a string. */
static bool
looks_typed(struct weir_text text)
{
    static const char *const words[] = { "null", "Null",  "NULL",  "true",  "True",
                                         "TRUE", "false", "False", "FALSE", "yes",
                                         "no",   "on",    "off",   "y",     "n" };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (text_is(text, words[i]))
            return true;
    size_t figures = 0;
    while (figures < text.len &&
           strchr("0123456789abcdefABCDEFxXoO_+-.:", text.bytes[figures]) != NULL)
        figures++;
    return strchr("0123456789+-.", text.bytes[0]) != NULL && figures == text.len;
}

/* Whether TEXT may stand without quotes, as a key or in a block. */
static bool
is_bare(struct weir_text text)
{
    if (text.len == 0 || text.len > 200 || looks_typed(text) ||
        strchr(" -?:,[]{}#&*!|>'\"%@`=~<", text.bytes[0]) != NULL)
        return false;
    size_t at = 0;
    for (uint32_t c, last = 0; at < text.len; last = c) {
        c = utf8_next(text, &at);
        bool end = at == text.len;
        if (!printable(c) || c == 0x85 || c == 0x2028 || c == 0x2029)
            return false;
        if ((c == ':' && (end || text.bytes[at] == ' ')) || (c == '#' && last == ' ') ||
            (c == ' ' && end))
            return false;
    }
    return true;
}

static bool
put_quoted(struct buf *b, struct weir_text text)
{
    bool good = buf_putc(b, '"');
    size_t at = 0;
    while (at < text.len) {
        size_t from = at;
        uint32_t c = utf8_next(text, &at);
        if (c == '"' || c == '\\')
            good = buf_printf(b, "\\%c", (int)c);
        else if (c == '\n')
            good = buf_puts(b, "\\n");
        else if (c == '\t')
            good = buf_puts(b, "\\t");
        else if (!printable(c) || c == 0x85 || c == 0x2028 || c == 0x2029)
            good = buf_printf(b, "\\u%04x", (unsigned)c);
        else
            good = buf_text(b, (struct weir_text){ text.bytes + from, at - from });
    }
    return good && buf_putc(b, '"');
}

static bool
put_scalar(struct buf *b, struct weir_text text)
{
    bool single = memchr(text.bytes, '"', text.len) != NULL &&
                  memchr(text.bytes, '\'', text.len) == NULL &&
                  memchr(text.bytes, '\\', text.len) == NULL && text.len < 2000;
    if (is_bare(text))
        return buf_text(b, text);
    size_t at = 0;
    while (single && at < text.len) {
        uint32_t c = utf8_next(text, &at);
        single = printable(c) && c != 0x85 && c != 0x2028 && c != 0x2029;
    }
    return single ? buf_putc(b, '\'') && buf_text(b, text) && buf_putc(b, '\'')
                  : put_quoted(b, text);
}

static bool
put_indent(struct buf *b, unsigned n)
{
    while (n-- > 0)
        if (!buf_puts(b, "  "))
            return false;
    return true;
}

static bool
put_lines(struct buf *b, struct weir_text text, unsigned depth)
{
    bool good = buf_puts(b, " |\n");
    while (text.len > 0 && good) {
        const char *stop = memchr(text.bytes, '\n', text.len);
        size_t len = stop != NULL ? (size_t)(stop - text.bytes) : text.len;
        good = (len == 0 ||
                (put_indent(b, depth) && buf_text(b, (struct weir_text){ text.bytes, len }))) &&
               buf_putc(b, '\n');
        len += stop != NULL;
        text = (struct weir_text){ text.bytes + len, text.len - len };
    }
    return good;
}

static bool put_members(struct buf *b, const struct out *o, unsigned depth, bool continued);

/* What stands behind a key or a dash. */
static bool
put_value(struct buf *b, const struct out *o, unsigned depth, bool in_list)
{
    if (o->kind == OUT_LINES && o->text.len > 0)
        return put_lines(b, o->text, depth + 1);
    if (o->kind == OUT_PLAIN)
        return buf_puts(b, o->text.len > 0 ? " " : "") && buf_text(b, o->text) &&
               buf_putc(b, '\n');
    if (o->kind < OUT_LIST)
        return buf_putc(b, ' ') && put_scalar(b, o->text) && buf_putc(b, '\n');
    if (o->first == NULL)
        return buf_puts(b, o->kind == OUT_MAP ? " {}\n" : " []\n");
    if (in_list && o->first->comments == NULL)
        return buf_putc(b, ' ') && put_members(b, o, depth + 1, true);
    return buf_putc(b, '\n') && put_members(b, o, depth + 1, false);
}

/* A key and its colon; one of more than 1024 characters has to be announced. */
static bool
put_key(struct buf *b, struct weir_text key, unsigned depth)
{
    if (key.len < 1000)
        return put_scalar(b, key) && buf_putc(b, ':');
    return buf_puts(b, "? ") && put_scalar(b, key) && buf_putc(b, '\n') &&
           put_indent(b, depth) && buf_putc(b, ':');
}

static bool
put_members(struct buf *b, const struct out *o, unsigned depth, bool continued)
{
    bool good = true;
    for (const struct out *m = o->first; m != NULL && good; m = m->next, continued = false) {
        for (const struct out_line *l = m->comments; l != NULL && good; l = l->next)
            good = put_indent(b, depth) && buf_putc(b, '#') &&
                   (l->text.len == 0 || buf_putc(b, ' ')) && buf_text(b, l->text) &&
                   buf_putc(b, '\n');
        good = good && (continued || put_indent(b, depth));
        if (o->kind == OUT_MAP)
            good = good && put_key(b, m->key, depth);
        else
            good = good && buf_putc(b, '-');
        good = good && put_value(b, m, depth, o->kind == OUT_LIST);
    }
    return good;
}

bool
out_write(const struct out *o, struct buf *ret)
{
    for (const struct out_line *l = o->comments; l != NULL; l = l->next)
        if (!buf_printf(ret, "#%s%.*s\n", l->text.len ? " " : "", (int)l->text.len,
                        l->text.bytes))
            return false;
    return put_members(ret, o, 0, false);
}

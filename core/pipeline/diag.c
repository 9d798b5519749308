/* pipeline/diag.c - see diag.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "pipeline/diag.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/encode.h"
#include "pipeline/schema_build.h"

#define MAX_DIAGS 1000u
#define MAX_TEXT (8u << 20) /* of all texts together */
#define LINE_BEFORE 72u     /* code points that are kept of a long line before the mark */
#define LINE_WHOLE 160u     /* code points that are kept in all */

enum { ERROR, WARNING };

static const struct {
    const char *name;
    const char *title;
    const char *explanation;
    int severity;
} codes[] = { [DIAG_NONE] = { "W0000", "", "", ERROR },
#define X(name_, number, severity_, title_, explanation_) \
    [DIAG_##name_] = { number, title_, explanation_, severity_ },
              DIAG_CODES(X)
#undef X
};

void
diags_init(struct diags *d)
{
    *d = (struct diags){ 0 };
    arena_init(&d->arena, 0, MAX_TEXT);
}

void
diags_fini(struct diags *d)
{
    free(d->items);
    arena_fini(&d->arena);
    *d = (struct diags){ 0 };
}

/* Puts the source line, or the part of it around the mark, into G. */
static bool
keep_line(struct diags *d, struct diag *g, const char *line)
{
    struct weir_text whole = { line, strcspn(line, "\n") };
    if (!utf8_valid(whole))
        return true;
    size_t from = 0;
    if (utf8_count(whole) > LINE_WHOLE && g->mark.column > LINE_BEFORE)
        g->cut = g->mark.column - LINE_BEFORE;
    from = utf8_prefix(whole, g->cut);
    struct weir_text rest = { whole.bytes + from, whole.len - from };
    g->line = arena_copy(&d->arena, rest.bytes, utf8_prefix(rest, LINE_WHOLE));
    return g->line != NULL;
}

/* A copy of TEXT in which what is no UTF-8 became '?': diagnostics are shown as JSON too. */
static char *
copy_clean(struct diags *d, struct weir_text text)
{
    char *copy = arena_copy(&d->arena, text.bytes, text.len);
    for (size_t at = 0; copy != NULL && at < text.len;) {
        size_t start = at;
        if (utf8_next(text, &at) == UINT32_MAX)
            copy[start] = '?';
    }
    return copy;
}

static bool
keep(struct diags *d, struct diag g, const char *line, const char *hint,
     struct weir_text message)
{
    const struct diag *last = d->n > 0 ? &d->items[d->n - 1] : NULL;
    g.file = last != NULL && strcmp(last->file, g.file) == 0 ? last->file
                                                             : copy_clean(d, text_of(g.file));
    g.message = copy_clean(d, message);
    g.hint = hint != NULL ? copy_clean(d, text_of(hint)) : NULL;
    if (line != NULL && g.mark.line > 0 && !keep_line(d, &g, line))
        return false;
    if (g.file == NULL || g.message == NULL || (hint != NULL && g.hint == NULL))
        return false;

    if (d->n == d->room) {
        d->room = d->room > 0 ? d->room * 2 : 16;
        d->items = realloc(d->items, d->room * sizeof *d->items);
        if (d->items == NULL)
            abort();
    }
    d->items[d->n++] = g;
    return true;
}

void
diags_add(struct diags *d, const char *file, struct mark mark, const char *line,
          enum diag_code code, const char *hint, const char *fmt, ...)
{
    if (diag_is_error(code))
        d->errors++;
    else
        d->warnings++;
    if (d->n >= MAX_DIAGS)
        d->full = true;
    if (d->full)
        return;

    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    int len = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    struct weir_text message = { text, len < 0 ? 0 : (size_t)len };
    if (message.len >= sizeof text) {
        message.len = sizeof text - 1;
        while (message.len > 0 && ((unsigned char)text[message.len] & 0xc0u) == 0x80u)
            message.len--;
    }
    struct diag g = { .file = file, .mark = mark, .code = code };
    if (!keep(d, g, line, hint, message))
        d->full = true;
}

static int
by_place(const void *a_, const void *b_)
{
    const struct diag *a = a_;
    const struct diag *b = b_;
    int order = strcmp(a->file, b->file);
    if (order != 0)
        return order;
    if (a->mark.line != b->mark.line)
        return a->mark.line < b->mark.line ? -1 : 1;
    if (a->mark.column != b->mark.column)
        return a->mark.column < b->mark.column ? -1 : 1;
    if (a->code != b->code)
        return a->code < b->code ? -1 : 1;
    return strcmp(a->message, b->message);
}

void
diags_sort(struct diags *d)
{
    if (d->n < 2)
        return;
    qsort(d->items, d->n, sizeof *d->items, by_place);
    unsigned n = 1;
    for (unsigned i = 1; i < d->n; i++) {
        if (by_place(&d->items[n - 1], &d->items[i]) != 0) {
            d->items[n++] = d->items[i];
            continue;
        }
        if (diag_is_error(d->items[i].code))
            d->errors--;
        else
            d->warnings--;
    }
    d->n = n;
}

/* Blanks up to the mark; tabs stay tabs so that the caret stands right below. */
static void
indent(const struct diag *g, unsigned column, struct buf *out)
{
    struct weir_text line = text_of(g->line);
    size_t at = 0;
    for (unsigned i = 1; i < column; i++) {
        bool tab = at < line.len && line.bytes[at] == '\t';
        if (at < line.len)
            (void)utf8_next(line, &at);
        buf_putc(out, tab ? '\t' : ' ');
    }
}

static void
carets(const struct diag *g, const char *on, const char *off, struct buf *out)
{
    unsigned width = (unsigned)utf8_count(text_of(g->line));
    unsigned column = g->mark.column > g->cut ? g->mark.column - g->cut : 1;
    if (column > width + 1)
        column = width + 1;
    unsigned len = g->mark.len > 0 ? g->mark.len : 1;
    if (len > width + 1 - column)
        len = width + 1 > column ? width + 1 - column : 1;

    buf_puts(out, "      | ");
    indent(g, column, out);
    buf_puts(out, on);
    for (unsigned i = 0; i < len; i++)
        buf_putc(out, '^');
    buf_puts(out, off);
    if (g->hint != NULL)
        buf_printf(out, " %s", g->hint);
    buf_putc(out, '\n');
}

/* Control characters of a terminal do nothing here: the loader refuses them in files, but
 * names of files and diagnostics of other rooms may hold some. */
static void
put_clean(struct buf *out, const char *text)
{
    for (const char *p = text; *p != '\0'; p++)
        buf_putc(out, (unsigned char)*p < 0x20 && *p != '\t' ? ' ' : *p);
}

static void
one_text(const struct diag *g, bool colour, struct buf *out)
{
    bool error = diag_is_error(g->code);
    const char *bold = colour ? "\033[1m" : "";
    const char *tint = !colour ? "" : error ? "\033[1;31m" : "\033[1;33m";
    const char *off = colour ? "\033[0m" : "";

    buf_puts(out, bold);
    put_clean(out, g->file);
    if (g->mark.line > 0)
        buf_printf(out, ":%u:%u", g->mark.line, g->mark.column);
    buf_printf(out, ":%s %s%s[%s]%s: %s", off, tint, error ? "error" : "warning",
               diag_name(g->code), off, bold);
    put_clean(out, g->message);
    buf_printf(out, "%s\n", off);

    if (g->line == NULL) {
        if (g->hint != NULL)
            buf_printf(out, "      | %s\n", g->hint);
        return;
    }
    buf_printf(out, "%5u | ", g->mark.line);
    put_clean(out, g->line);
    buf_putc(out, '\n');
    carets(g, tint, off, out);
}

void
diags_text(const struct diags *d, bool colour, struct buf *out)
{
    for (unsigned i = 0; i < d->n; i++)
        one_text(&d->items[i], colour, out);
    if (d->full)
        buf_puts(out, "too many diagnostics: the rest is not shown\n");
}

static const struct weir_value *
one_value(const struct diag *g)
{
    struct weir_builder *b = builder_map();
    put_text(b, "file", g->file);
    if (g->mark.line > 0) {
        put_int(b, "line", g->mark.line);
        put_int(b, "column", g->mark.column);
        put_int(b, "length", g->mark.len);
    }
    put_text(b, "severity", diag_is_error(g->code) ? "error" : "warning");
    put_text(b, "code", diag_name(g->code));
    put_text(b, "message", g->message);
    if (g->hint != NULL)
        put_text(b, "hint", g->hint);
    return builder_end(&b);
}

const struct weir_value *
diags_value(const struct diags *d)
{
    struct weir_builder *b = builder_list();
    for (unsigned i = 0; i < d->n; i++) {
        const struct weir_value *v = one_value(&d->items[i]);
        builder_add(b, &v);
    }
    return builder_end(&b);
}

const char *
diag_name(enum diag_code code)
{
    return codes[code].name;
}

bool
diag_is_error(enum diag_code code)
{
    return codes[code].severity == ERROR;
}

const char *
diag_title(enum diag_code code)
{
    return codes[code].title;
}

const char *
diag_explanation(enum diag_code code)
{
    return codes[code].explanation;
}

enum diag_code
diag_find(const char *name)
{
    for (unsigned i = DIAG_NONE + 1; i < DIAG_CODE_COUNT; i++)
        if (strcasecmp(codes[i].name, name) == 0)
            return (enum diag_code)i;
    return DIAG_NONE;
}

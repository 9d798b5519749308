/* cli/table.c - see table.h. SPDX-License-Identifier: Apache-2.0 */
#include "cli/table.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"

struct cell {
    char *text; /* owned */
    size_t width;
    const char *paint;
};

void
table_init(struct table *t, unsigned n, bool colour)
{
    assert(n > 0 && n <= TABLE_COLUMNS);
    *t = (struct table){ .n_columns = n, .colour = colour };
}

void
table_headed(struct table *t, const char *headings, bool colour)
{
    unsigned n = 1;
    for (const char *c = headings; *c != '\0'; c++)
        n += *c == '|';
    table_init(t, n, colour);
    for (const char *at = headings; at != NULL;) {
        size_t len = strcspn(at, "|");
        table_add(t, (struct weir_text){ at, len }, NULL);
        at = at[len] == '|' ? at + len + 1 : NULL;
    }
}

void
table_add(struct table *t, struct weir_text text, const char *paint)
{
    if (t->n == t->room) {
        t->room = t->room > 0 ? t->room * 2 : 64;
        t->cells = realloc(t->cells, t->room * sizeof *t->cells);
    }
    char *copy = strndup(text.bytes, text.len);
    if (t->cells == NULL || copy == NULL)
        abort();
    for (char *c = copy; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = '?';
    struct weir_text whole = { copy, strlen(copy) };
    size_t width = utf8_valid(whole) ? utf8_count(whole) : whole.len;
    t->cells[t->n++] = (struct cell){ copy, width, paint };
}

void
table_printf(struct table *t, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    table_add(t, (struct weir_text){ text, strlen(text) }, NULL);
}

static void
print_cell(const struct table *t, const struct cell *c, size_t width)
{
    bool paint = t->colour && c->paint != NULL;
    printf("%s%s%s%s", paint ? "\033[" : "", paint ? c->paint : "", paint ? "m" : "", c->text);
    printf("%s%*s", paint ? "\033[0m" : "", width > c->width ? (int)(width - c->width) : 0, "");
}

void
table_print(struct table *t)
{
    size_t widths[TABLE_COLUMNS] = { 0 };
    assert(t->n % t->n_columns == 0);
    for (unsigned i = 0; i < t->n; i++)
        if (t->cells[i].width > widths[i % t->n_columns])
            widths[i % t->n_columns] = t->cells[i].width;
    for (unsigned i = 0; i < t->n; i++) {
        bool last = i % t->n_columns == t->n_columns - 1;
        print_cell(t, &t->cells[i], last ? 0 : widths[i % t->n_columns] + 2);
        if (last)
            printf("\n");
        free(t->cells[i].text);
    }
    free(t->cells);
    *t = (struct table){ 0 };
}

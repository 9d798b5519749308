/* author/diff.c - see diff.h. The longest row of lines that both have, by dynamic programming.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "author/diff.h"

#include <stdlib.h>
#include <string.h>

#define AROUND 3u
#define MOST_CELLS (16u << 20)

struct lines {
    struct weir_text *items;
    unsigned n;
};

/* One line of the result: ' ', '-' or '+'. */
struct step {
    char sign;
    unsigned a, b; /* lines of both before it */
};

static struct lines
split(struct weir_text text)
{
    struct lines all = { .items = calloc(text.len + 1, sizeof *all.items) };
    if (all.items == NULL)
        abort();
    while (text.len > 0) {
        const char *end = memchr(text.bytes, '\n', text.len);
        size_t len = end != NULL ? (size_t)(end - text.bytes) + 1 : text.len;
        all.items[all.n++] = (struct weir_text){ text.bytes, len };
        text = (struct weir_text){ text.bytes + len, text.len - len };
    }
    return all;
}

static bool
same(const struct lines *a, unsigned i, const struct lines *b, unsigned j)
{
    return i < a->n && j < b->n && text_equal(a->items[i], b->items[j]);
}

/* The lengths of the longest common rows of the ends of A and B, from the lines FROM on and
 * without the last TAIL ones; NULL: there are too many. */
static uint32_t *
common_rows(const struct lines *a, const struct lines *b, unsigned from, unsigned tail)
{
    size_t rows = a->n - from - tail + 1, columns = b->n - from - tail + 1;
    if (rows * columns > MOST_CELLS)
        return NULL;
    uint32_t *cells = calloc(rows * columns, sizeof *cells);
    if (cells == NULL)
        abort();
    for (size_t i = rows - 1; i-- > 0;)
        for (size_t j = columns - 1; j-- > 0;) {
            uint32_t down = cells[(i + 1) * columns + j], right = cells[i * columns + j + 1];
            bool equal = text_equal(a->items[from + i], b->items[from + j]);
            cells[i * columns + j] = equal          ? cells[(i + 1) * columns + j + 1] + 1
                                     : down > right ? down
                                                    : right;
        }
    return cells;
}

/* The steps from A to B; the caller frees them. */
static struct step *
find_steps(const struct lines *a, const struct lines *b, unsigned *ret_n)
{
    unsigned from = 0, tail = 0, n = 0, i = 0, j = 0;
    while (same(a, from, b, from))
        from++;
    while (tail < a->n - from && tail < b->n - from &&
           text_equal(a->items[a->n - 1 - tail], b->items[b->n - 1 - tail]))
        tail++;
    uint32_t *cells = common_rows(a, b, from, tail);
    size_t columns = b->n - from - tail + 1;
    struct step *steps = calloc((size_t)a->n + b->n + 1, sizeof *steps);
    if (steps == NULL)
        abort();
    while (i < a->n || j < b->n) {
        bool inside = i >= from && j >= from && i <= a->n - tail && j <= b->n - tail;
        bool middle = inside && (i < a->n - tail || j < b->n - tail);
        char sign = ' ';
        if (middle && cells == NULL)
            sign = i < a->n - tail ? '-' : '+';
        else if (middle && j == b->n - tail)
            sign = '-';
        else if (middle && i == a->n - tail)
            sign = '+';
        else if (middle && !text_equal(a->items[i], b->items[j]))
            sign = cells[(i + 1 - from) * columns + j - from] >=
                           cells[(i - from) * columns + j + 1 - from]
                       ? '-'
                       : '+';
        steps[n++] = (struct step){ sign, i, j };
        i += sign != '+';
        j += sign != '-';
    }
    free(cells);
    *ret_n = n;
    return steps;
}

static void
put_line(struct buf *out, char sign, struct weir_text line, bool colour)
{
    bool ended = line.len > 0 && line.bytes[line.len - 1] == '\n';
    const char *paint = sign == '-' ? "\033[31m" : "\033[32m";
    if (ended)
        line.len--;
    (void)buf_printf(out, "%s%c%.*s%s\n", colour && sign != ' ' ? paint : "", sign,
                     (int)line.len, line.bytes, colour && sign != ' ' ? "\033[0m" : "");
    if (!ended)
        (void)buf_puts(out, "\\ no line end\n");
}

/* The end of the group of changes that begins at FIRST: those with few lines between them. */
static unsigned
group_end(const struct step *steps, unsigned n, unsigned first)
{
    unsigned last = first;
    for (unsigned i = first; i < n && i <= last + 2 * AROUND + 1; i++)
        if (steps[i].sign != ' ')
            last = i;
    return last + 1;
}

static void
put_group(struct buf *out, const struct step *steps, unsigned from, unsigned to,
          const struct lines *a, const struct lines *b, bool colour)
{
    unsigned in_a = 0, in_b = 0;
    for (unsigned i = from; i < to; i++) {
        in_a += steps[i].sign != '+';
        in_b += steps[i].sign != '-';
    }
    (void)buf_printf(out, "%s@@ -%u,%u +%u,%u @@%s\n", colour ? "\033[36m" : "",
                     steps[from].a + (in_a > 0), in_a, steps[from].b + (in_b > 0), in_b,
                     colour ? "\033[0m" : "");
    for (unsigned i = from; i < to; i++)
        put_line(out, steps[i].sign,
                 steps[i].sign == '+' ? b->items[steps[i].b] : a->items[steps[i].a], colour);
}

void
diff_text(struct weir_text a, struct weir_text b, const char *name, bool colour,
          struct buf *out)
{
    if (text_equal(a, b))
        return;
    struct lines old = split(a), fresh = split(b);
    unsigned n;
    struct step *steps = find_steps(&old, &fresh, &n);
    (void)buf_printf(out, "--- %s\n+++ %s (formatted)\n", name, name);
    for (unsigned i = 0; i < n; i++) {
        if (steps[i].sign == ' ')
            continue;
        unsigned end = group_end(steps, n, i), from = i > AROUND ? i - AROUND : 0;
        unsigned to = end + AROUND < n ? end + AROUND : n;
        put_group(out, steps, from, to, &old, &fresh, colour);
        i = to - 1;
    }
    free(steps);
    free(old.items);
    free(fresh.items);
}

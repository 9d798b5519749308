/* author/graph_svg.c - the drawing as an SVG that needs nothing else: boxes in boxes.
 *
 * Steps stand below each other, the blocks of a step side by side within it. Every text has a
 * width that is known before it is drawn: a character of the fixed font is CHAR wide, text is
 * cut to what a box may hold, and textLength holds viewers with another font to it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "author/picture.h"
#include "base/encode.h"

#define CHAR 7.0    /* the width of a character */
#define LINE 16.0   /* the height of a line */
#define PAD 10.0    /* between a frame and what it holds */
#define GAP 22.0    /* between steps, for the arrow */
#define LINE_MAX 44 /* characters of a line in a box */
#define HEAD_MAX 96 /* characters of the description above all */
#define ROW 1600.0  /* blocks that are wider together stand in several rows */

/* The columns of a character: 2 of those that are drawn wide in East Asia, and of pictographs.
 */
static unsigned
columns_of(uint32_t c)
{
    bool wide = (c >= 0x1100 && c <= 0x115f) || (c >= 0x2e80 && c <= 0xa4cf) ||
                (c >= 0xac00 && c <= 0xd7a3) || (c >= 0xf900 && c <= 0xfaff) ||
                (c >= 0xfe30 && c <= 0xfe6f) || (c >= 0xff00 && c <= 0xff60) ||
                (c >= 0x1f300 && c <= 0x3fffd);
    return wide ? 2 : 1;
}

/* The columns that TEXT takes, at most MAX; *ret_len: its bytes that fit. */
static unsigned
fit(struct weir_text text, unsigned max, size_t *ret_len)
{
    unsigned columns = 0;
    size_t at = 0;
    *ret_len = 0;
    while (at < text.len) {
        unsigned more = columns_of(utf8_next(text, &at));
        if (columns + more > max - (at < text.len))
            break;
        columns += more;
        *ret_len = at;
    }
    return columns + (*ret_len < text.len);
}

static double
width_of(struct weir_text text)
{
    size_t len;
    return fit(text, LINE_MAX, &len) * CHAR;
}

/* TEXT with what XML wants; what XML has no place for is left out. */
static void
put_escaped(struct buf *out, struct weir_text text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.bytes[i];
        if (c == '&')
            (void)buf_puts(out, "&amp;");
        else if (c == '<')
            (void)buf_puts(out, "&lt;");
        else if (c == '>')
            (void)buf_puts(out, "&gt;");
        else if (c == '"')
            (void)buf_puts(out, "&quot;");
        else if ((unsigned char)c >= ' ' && c != 0x7f)
            (void)buf_putc(out, c);
    }
}

static void
put_cut(struct buf *out, const char *class, double x, double y, struct weir_text text,
        unsigned max)
{
    size_t len;
    unsigned columns = fit(text, max, &len);
    if (columns == 0)
        return;
    (void)buf_printf(out,
                     "<text class=\"%s\" x=\"%g\" y=\"%g\" textLength=\"%g\" "
                     "lengthAdjust=\"spacingAndGlyphs\">",
                     class, x, y, columns * CHAR);
    if (len < text.len) {
        (void)buf_puts(out, "<title>");
        put_escaped(out, text);
        (void)buf_puts(out, "</title>");
    }
    put_escaped(out, (struct weir_text){ text.bytes, len });
    (void)buf_printf(out, "%s</text>\n", len < text.len ? "\xe2\x80\xa6" : "");
}

static void
put_text(struct buf *out, const char *class, double x, double y, struct weir_text text)
{
    put_cut(out, class, x, y, text, LINE_MAX);
}

static double
larger(double a, double b)
{
    return a > b ? a : b;
}

/* The lines of a box, in order; RET has room for 4. */
static unsigned
lines_of(const struct box *b, struct weir_text ret[4])
{
    unsigned n = 0;
    if (b->id.len > 0)
        ret[n++] = b->type;
    if (b->detail.len > 0)
        ret[n++] = b->detail;
    if (b->condition.len > 0)
        ret[n++] = b->condition;
    if (b->limits.len > 0)
        ret[n++] = b->limits;
    return n;
}

/* The room for the sign of a job's way. */
static double
sign_width(const struct picture *p)
{
    return p->marked ? 2 * CHAR : 0;
}

static void measure_lane(const struct picture *p, struct lane *l);

/* Gives the lanes of B, whose own lines end at TOP, their places in B, in rows; those of a row
 * are equally high. *ret_width and *ret_height: what B needs for them. */
static void
place_lanes(struct box *b, double top, double *ret_width, double *ret_height)
{
    double y = top, width = 0;
    for (struct lane *first = b->lanes, *end; first != NULL; first = end) {
        double x = PAD, high = 0;
        for (end = first; end != NULL && (end == first || x + end->width < ROW);
             end = end->next) {
            end->x = x;
            end->y = y;
            x += end->width + PAD;
            high = larger(high, end->height);
        }
        for (struct lane *l = first; l != end; l = l->next)
            l->height = high;
        width = larger(width, x);
        y += high + PAD;
    }
    *ret_width = width;
    *ret_height = y;
}

static void
measure_box(const struct picture *p, struct box *b)
{
    struct weir_text lines[4];
    unsigned n = lines_of(b, lines);
    b->width = width_of(b->id.len > 0 ? b->id : b->type) + sign_width(p);
    for (unsigned i = 0; i < n; i++)
        b->width = larger(b->width, width_of(lines[i]) +
                                        (lines[i].bytes == b->condition.bytes ? 3 * CHAR : 0));
    b->width = larger(b->width + 2 * PAD, 90);
    b->height = LINE * (n + 1) + 1.4 * PAD;
    if (b->lanes == NULL)
        return;
    double inner;
    for (struct lane *l = b->lanes; l != NULL; l = l->next)
        measure_lane(p, l);
    place_lanes(b, b->height, &inner, &b->height);
    b->width = larger(b->width, inner);
}

static void
measure_lane(const struct picture *p, struct lane *l)
{
    l->width = width_of(l->label) + (l->many ? 13 * CHAR : 0);
    l->height = LINE + 1.5 * PAD;
    for (struct box *b = l->first; b != NULL; b = b->next) {
        measure_box(p, b);
        l->width = larger(l->width, b->width);
        l->height += b->height + (b->next != NULL ? GAP : 0);
    }
    l->width += 2 * PAD;
    l->height += l->first != NULL ? PAD * 0.5 : 0;
}

static void
put_arrow(struct buf *out, double x, double from, double to)
{
    (void)buf_printf(out, "<path class=\"arrow\" d=\"M%g %gV%g\" marker-end=\"url(#tip)\"/>\n",
                     x, from, to - 2);
}

static void put_lane(struct buf *out, const struct picture *p, const struct lane *l, double x,
                     double y);

static void
put_box(struct buf *out, const struct picture *p, const struct box *b, double x, double y)
{
    static const char *const classes[] = { "none", "done", "failed", "inside", "begun", "waits" };
    struct weir_text lines[4];
    unsigned n = lines_of(b, lines);
    (void)buf_printf(
        out,
        "<g class=\"step%s%s\">\n<rect x=\"%g\" y=\"%g\" width=\"%g\" height=\"%g\" "
        "rx=\"7\"/>\n",
        p->marked ? " " : "", p->marked ? classes[b->mark] : "", x, y, b->width, b->height);
    double at = y + LINE + 2, left = x + PAD;
    if (p->marked) {
        char sign[2] = { mark_sign(b->mark), '\0' };
        put_text(out, "sign", left, at, text_of(sign));
        left += sign_width(p);
    }
    put_text(out, "name", left, at, b->id.len > 0 ? b->id : b->type);
    for (unsigned i = 0; i < n; i++) {
        bool condition = lines[i].bytes == b->condition.bytes;
        at += LINE;
        if (condition)
            put_text(out, "word", x + PAD, at, TEXT("if"));
        put_text(out, condition || lines[i].bytes == b->detail.bytes ? "code" : "word",
                 x + PAD + (condition ? 3 * CHAR : 0), at, lines[i]);
    }
    (void)buf_puts(out, "</g>\n");
    for (const struct lane *l = b->lanes; l != NULL; l = l->next)
        put_lane(out, p, l, x + l->x, y + l->y);
}

static double
put_column(struct buf *out, const struct picture *p, const struct box *first, double x,
           double y, double width)
{
    for (const struct box *b = first; b != NULL; b = b->next) {
        put_box(out, p, b, x + (width - b->width) / 2, y);
        y += b->height;
        if (b->next != NULL)
            put_arrow(out, x + width / 2, y, y + GAP);
        y += b->next != NULL ? GAP : 0;
    }
    return y;
}

static void
put_lane(struct buf *out, const struct picture *p, const struct lane *l, double x, double y)
{
    (void)buf_printf(out,
                     "<g class=\"lane%s\"><rect x=\"%g\" y=\"%g\" width=\"%g\" height=\"%g\" "
                     "rx=\"5\"/></g>\n",
                     l->handler ? " handler" : "", x, y, l->width, l->height);
    put_text(out, "label", x + PAD, y + LINE, l->label);
    if (l->many)
        put_text(out, "word", x + PAD + width_of(l->label) + CHAR, y + LINE,
                 TEXT("many times"));
    put_column(out, p, l->first, x + PAD, y + LINE + PAD, l->width - 2 * PAD);
}

/* Plain rules first: who knows no media queries draws it light. */
static const char style[] =
    "<style>\n"
    "text{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;"
    "font-size:11.6px;fill:#18181b}\n"
    ".back{fill:#ffffff}.title,.name,.sign{font-weight:700}.word,.code{fill:#52525b}\n"
    ".label{fill:#1d4ed8}.arrow{stroke:#a1a1aa;stroke-width:1.5;fill:none}.tip{fill:#a1a1aa}\n"
    ".step rect{fill:#ffffff;stroke:#a1a1aa}\n"
    ".lane rect{fill:#f0f4f8;stroke:#a1a1aa;stroke-dasharray:3 3}.handler rect{fill:#fdf2f2}\n"
    ".none{opacity:.5}.done rect{stroke:#16a34a;stroke-width:2}.done .sign{fill:#16a34a}\n"
    ".failed rect{stroke:#dc2626;stroke-width:2.5}.failed .sign{fill:#dc2626}\n"
    ".inside rect{stroke:#b45309;stroke-width:2}.inside .sign{fill:#b45309}\n"
    ".begun rect{stroke:#c2410c;stroke-width:2;stroke-dasharray:5 3}.begun "
    ".sign{fill:#c2410c}\n"
    ".waits rect{stroke:#0891b2;stroke-width:2}.waits .sign{fill:#0891b2}\n"
    "@media (prefers-color-scheme:dark){\n"
    "text{fill:#f4f4f5}.back{fill:#18181b}.word,.code{fill:#a1a1aa}.label{fill:#93c5fd}\n"
    ".arrow{stroke:#71717a}.tip{fill:#71717a}.step rect{fill:#27272a;stroke:#52525b}\n"
    ".lane rect{fill:#1f2430;stroke:#52525b}.handler rect{fill:#2f1f22}\n"
    ".done rect{stroke:#4ade80}.done .sign{fill:#4ade80}\n"
    ".failed rect{stroke:#f87171}.failed .sign{fill:#f87171}\n"
    ".inside rect{stroke:#fbbf24}.inside .sign{fill:#fbbf24}\n"
    ".begun rect{stroke:#fb923c}.begun .sign{fill:#fb923c}\n"
    ".waits rect{stroke:#22d3ee}.waits .sign{fill:#22d3ee}}\n"
    "</style>\n"
    "<defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"6\" refY=\"4\" markerWidth=\"7\" "
    "markerHeight=\"7\" orient=\"auto\"><path class=\"tip\" d=\"M0 0L8 4L0 "
    "8z\"/></marker></defs>\n";

/* What the signs mean, below all. */
static void
put_legend(struct buf *out, double x, double y)
{
    for (enum step_mark m = STEP_NOT_REACHED; m < STEP_MARKS; m++) {
        char text[64];
        snprintf(text, sizeof text, "%c %s", mark_sign(m), mark_word(m));
        put_text(out, "word", x, y + LINE * (double)m, text_of(text));
    }
}

/* Measures all; the size of the drawing without its head. */
static void
measure_all(struct picture *p, struct lane *const tops[3], double *ret_width,
            double *ret_height)
{
    bool marked = p->marked;
    double width = 0, height = 0;
    p->marked = false; /* a trigger has no sign */
    for (struct box *b = p->triggers; b != NULL; b = b->next) {
        measure_box(p, b);
        width = larger(width, b->width);
        height += b->height + GAP;
    }
    p->marked = marked;
    for (size_t i = 0; i < 3; i++)
        if (tops[i] != NULL) {
            measure_lane(p, tops[i]);
            width = larger(width, tops[i]->width);
            height += tops[i]->height + (i > 0 ? GAP : 0);
        }
    *ret_width = width;
    *ret_height = height;
}

/* The triggers, below each other; where what follows begins. */
static double
put_triggers(struct buf *out, struct picture *p, double middle, double y)
{
    bool marked = p->marked;
    p->marked = false;
    for (struct box *b = p->triggers; b != NULL; b = b->next) {
        put_box(out, p, b, middle - b->width / 2, y);
        y += b->height;
        if (b->next == NULL)
            put_arrow(out, middle, y, y + GAP);
        y += b->next == NULL ? GAP : PAD;
    }
    p->marked = marked;
    return y;
}

void
graph_svg(struct picture *p, struct buf *out)
{
    struct lane *const tops[] = { p->steps, p->catch, p->finally };
    struct weir_text name = text_of(p->pipeline->name);
    const char *said = p->pipeline->description;
    struct weir_text description = said != NULL ? text_of(said) : TEXT("");
    size_t len;
    double described = fit(description, HEAD_MAX, &len) * CHAR;
    double inner, height, head = 2 * LINE + 3 * PAD;
    measure_all(p, tops, &inner, &height);
    double width = larger(larger(width_of(name), described), inner) + 4 * PAD;
    height += head + 2 * PAD + (p->marked ? STEP_MARKS * LINE + PAD : 0);
    (void)buf_printf(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %g %g\" width=\"%g\" "
        "height=\"%g\" role=\"img\" aria-label=\"Pipeline %s\">\n%s"
        "<rect class=\"back\" width=\"%g\" height=\"%g\"/>\n",
        width, height, width, height, p->pipeline->name, style, width, height);
    put_text(out, "title", 2 * PAD, LINE + PAD, name);
    put_cut(out, "word", 2 * PAD, 2 * LINE + PAD, description, HEAD_MAX);
    double y = put_triggers(out, p, width / 2, head);
    for (size_t i = 0; i < sizeof tops / sizeof *tops; i++) {
        if (tops[i] == NULL)
            continue;
        y += i > 0 ? GAP : 0;
        put_lane(out, p, tops[i], (width - tops[i]->width) / 2, y);
        y += tops[i]->height;
    }
    if (p->marked)
        put_legend(out, 2 * PAD, y + 2 * PAD);
    (void)buf_puts(out, "</svg>\n");
}

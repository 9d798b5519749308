/* author/fmt.c - see fmt.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "author/fmt.h"

#include <string.h>

#include "author/layout.h"

#define STEP 2u /* blanks a level */

/* A text that is being laid out. FULL: it did not fit. */
struct writing {
    struct buf *out;
    bool full;
};

static void
put(struct writing *w, struct weir_text text)
{
    w->full |= !buf_text(w->out, text);
}

static void
put_word(struct writing *w, const char *word)
{
    w->full |= !buf_puts(w->out, word);
}

static void
put_indent(struct writing *w, unsigned n)
{
    for (; n > 0 && !w->full; n--)
        w->full |= !buf_putc(w->out, ' ');
}

static void
put_comments(struct writing *w, const struct comments *all, unsigned indent, bool first)
{
    for (const struct comment *c = all->first; c != NULL; c = c->next, first = false) {
        if (c->blank && !first)
            put_word(w, "\n");
        put_indent(w, indent);
        put(w, c->text);
        put_word(w, "\n");
    }
}

static void
put_comment(struct writing *w, const struct comment *c)
{
    if (c == NULL)
        return;
    put_word(w, " ");
    put(w, c->text);
}

/* A line of a scalar of several lines, without the blanks around it; one stays behind a
 * backslash that it belongs to. */
static struct weir_text
trimmed(struct weir_text line, bool first, bool last)
{
    while (!first && line.len > 0 && strchr(" \t", line.bytes[0]) != NULL) {
        line.bytes++;
        line.len--;
    }
    size_t len = line.len;
    while (!last && len > 0 && strchr(" \t", line.bytes[len - 1]) != NULL)
        len--;
    size_t slashes = 0;
    while (slashes < len && line.bytes[len - 1 - slashes] == '\\')
        slashes++;
    if (slashes % 2 == 1 && len < line.len)
        len++;
    line.len = len;
    return line;
}

/* A scalar that may go over several lines, which are indented by INDENT. */
static void
put_scalar(struct writing *w, struct weir_text text, unsigned indent)
{
    for (bool first = true;; first = false) {
        const char *end = text.len > 0 ? memchr(text.bytes, '\n', text.len) : NULL;
        size_t len = end != NULL ? (size_t)(end - text.bytes) : text.len;
        struct weir_text line =
            trimmed((struct weir_text){ text.bytes, len }, first, end == NULL);
        if (!first && line.len > 0)
            put_indent(w, indent);
        put(w, line);
        if (end == NULL)
            return;
        put_word(w, "\n");
        text.bytes = end + 1;
        text.len -= len + 1;
    }
}

/* The blanks of an indicator in the header; 0: it has none. */
static unsigned
given_indent(struct weir_text header)
{
    for (size_t i = 0; i < header.len; i++)
        if (header.bytes[i] >= '1' && header.bytes[i] <= '9')
            return (unsigned)(header.bytes[i] - '0');
    return 0;
}

/* The lines of a block scalar, as far right of OUTER as they have to be. */
static void
put_block_lines(struct writing *w, const struct piece *p, unsigned outer)
{
    unsigned given = given_indent(p->header), indent = outer + (given ? given : STEP);
    struct weir_text rest = p->text;
    while (rest.len > 0) {
        const char *end = memchr(rest.bytes, '\n', rest.len);
        size_t len = end != NULL ? (size_t)(end - rest.bytes) : rest.len, n = 0;
        while (n < len && rest.bytes[n] == ' ')
            n++;
        if (n < len || n > p->indent) {
            size_t drop = n < p->indent ? n : p->indent;
            put_indent(w, indent);
            put(w, (struct weir_text){ rest.bytes + drop, len - drop });
        }
        put_word(w, "\n");
        len += end != NULL;
        rest = (struct weir_text){ rest.bytes + len, rest.len - len };
    }
}

static void put_value(struct writing *w, const struct piece *p, unsigned indent, bool in_list);

/* Whether brackets are written as a block: their author gave them lines of their own. */
static bool
is_block(const struct piece *p)
{
    bool some = p->kind <= PIECE_LIST && p->first != NULL;
    return some && (!p->flow || (p->open && !p->pair));
}

static bool
left_out(const struct piece *p)
{
    return p->kind == PIECE_SCALAR && p->text.len == 0 && p->header.len == 0;
}

static void
put_key(struct writing *w, const struct piece *key)
{
    if (key->anchor.len > 0) {
        put(w, key->anchor);
        put_word(w, " ");
    }
    put(w, key->text);
}

/* The entries of a block at INDENT. CONTINUED: the first begins on the line at hand. */
static void
put_block(struct writing *w, const struct piece *p, unsigned indent, bool continued)
{
    for (const struct entry *e = p->first; e != NULL; e = e->next, continued = false) {
        bool first = e == p->first;
        put_comments(w, &e->before, indent, first);
        if (e->blank && !(first && e->before.first == NULL))
            put_word(w, "\n");
        if (!continued)
            put_indent(w, indent);
        if (e->key != NULL)
            put_key(w, e->key);
        put_word(w, e->key != NULL ? ":" : "-");
        put_value(w, e->value, indent, e->key == NULL);
    }
    put_comments(w, &p->tail, indent, false);
}

static void put_inline(struct writing *w, const struct piece *p, unsigned indent);

/* A member of brackets. */
static void
put_member(struct writing *w, const struct entry *e, unsigned indent)
{
    const struct piece *v = e->value;
    bool nothing = left_out(v) && v->anchor.len == 0;
    if (e->key != NULL)
        put_key(w, e->key);
    if (e->key != NULL && !nothing)
        put_word(w, ":");
    if (v->same != NULL || v->lead.first != NULL) {
        put_comment(w, v->same);
        put_word(w, "\n");
        put_comments(w, &v->lead, indent, true);
        put_indent(w, indent);
    } else if (e->key != NULL && !nothing) {
        put_word(w, " ");
    }
    put_inline(w, v, indent + STEP);
}

/* Ends the line within brackets: a comment on it, lines of comments, and INDENT. */
static void
put_break(struct writing *w, const struct comment *same, const struct comments *own,
          unsigned indent)
{
    put_comment(w, same);
    put_word(w, "\n");
    put_comments(w, own, indent, true);
    put_indent(w, indent);
}

/* The entries of brackets; they begin a line where their author began one. INNER stands within
 * the brackets. */
static void
put_entries(struct writing *w, const struct piece *p, unsigned indent, const char *inner)
{
    const struct comment *same = NULL; /* behind the entry before */
    for (const struct entry *e = p->first; e != NULL; e = e->next) {
        bool first = e == p->first;
        bool breaks = e->before.first != NULL || same != NULL || (e->line && !first);
        put_word(w, first ? "" : ",");
        if (breaks)
            put_break(w, same, &e->before, indent);
        else
            put_word(w, first ? inner : " ");
        put_member(w, e, indent);
        same = p->pair ? NULL : e->value->after;
    }
    if (same != NULL || p->tail.first != NULL)
        put_break(w, same, &p->tail, indent);
    else
        put_word(w, inner);
}

/* A scalar, an alias, or brackets, with lines behind the first at INDENT. */
static void
put_inline(struct writing *w, const struct piece *p, unsigned indent)
{
    if (p->anchor.len > 0) {
        put(w, p->anchor);
        put_word(w, left_out(p) ? "" : " ");
    }
    if (p->kind > PIECE_LIST) {
        put_scalar(w, p->text, indent);
        return;
    }
    bool nothing = p->pair && left_out(p->first->value) && p->first->value->anchor.len == 0;
    const char *marks = p->kind == PIECE_LIST ? "[]" : p->pair && !nothing ? "" : "{}";
    if (*marks)
        w->full |= !buf_putc(w->out, marks[0]);
    put_entries(w, p, indent, *marks == '{' && p->first != NULL ? " " : "");
    if (*marks)
        w->full |= !buf_putc(w->out, marks[1]);
}

/* A list or map in lines of its own, behind a key or a dash. */
static void
put_block_value(struct writing *w, const struct piece *p, unsigned indent, bool in_list)
{
    bool alone = p->anchor.len > 0 || p->same != NULL || p->lead.first != NULL ||
                 p->first->before.first != NULL;
    if (in_list && !alone) {
        put_word(w, " ");
        put_block(w, p, indent + STEP, true);
    } else {
        put_comment(w, p->same);
        put_word(w, "\n");
        put_comments(w, &p->lead, indent + STEP, true);
        put_block(w, p, indent + STEP, false);
    }
    if (p->after != NULL) {
        put_indent(w, indent + STEP);
        put(w, p->after->text);
        put_word(w, "\n");
    }
}

/* What stands behind a key or a dash at INDENT, to the end of its last line. */
static void
put_value(struct writing *w, const struct piece *p, unsigned indent, bool in_list)
{
    bool lines = p->header.len > 0;
    if (is_block(p) || left_out(p) || lines) {
        put_word(w, p->anchor.len > 0 ? " " : "");
        put(w, p->anchor);
    }
    if (is_block(p)) {
        put_block_value(w, p, indent, in_list);
        return;
    }
    if (p->lead.first != NULL || (p->same != NULL && !lines && !left_out(p))) {
        put_comment(w, p->same);
        put_word(w, "\n");
        put_comments(w, &p->lead, indent + STEP, true);
        put_indent(w, indent + STEP);
    } else if (!left_out(p)) {
        put_word(w, " ");
    }
    if (lines) {
        put(w, p->header);
        put_comment(w, p->lead.first == NULL ? p->same : NULL);
        put_word(w, "\n");
        put_block_lines(w, p, indent);
        return;
    }
    if (left_out(p))
        put_comment(w, p->same);
    else
        put_inline(w, p, indent + STEP);
    put_comment(w, p->after);
    put_word(w, "\n");
}

static void
put_root(struct writing *w, const struct piece *p)
{
    if (is_block(p)) {
        put(w, p->anchor);
        put_word(w, p->anchor.len > 0 ? "\n" : "");
        put_comments(w, &p->lead, 0, true);
        put_block(w, p, 0, false);
        if (p->after != NULL) {
            put(w, p->after->text);
            put_word(w, "\n");
        }
        return;
    }
    put_comments(w, &p->lead, 0, true);
    put_inline(w, p, STEP);
    put_comment(w, p->after);
    put_word(w, "\n");
}

static bool
same_tree(const struct yaml_node *a, const struct yaml_node *b)
{
    if (a->kind != b->kind || a->n != b->n)
        return false;
    if (a->kind == YAML_SCALAR)
        return a->value.type == b->value.type && text_equal(a->text, b->text);
    for (unsigned i = 0; i < a->n; i++) {
        if (a->kind == YAML_MAP && !same_tree(a->keys[i], b->keys[i]))
            return false;
        if (!same_tree(a->items[i], b->items[i]))
            return false;
    }
    return true;
}

/* Whether FRESH means what Y means, with as many comments as L has. */
static bool
same_meaning(const struct yaml *y, const struct layout *l, struct weir_text fresh)
{
    struct diags d;
    diags_init(&d);
    struct yaml *again = yaml_read("", fresh, &d);
    struct layout *laid = again != NULL ? layout_read(again) : NULL;
    bool same = laid != NULL && laid->comments == l->comments &&
                (y->root == NULL) == (again->root == NULL) &&
                (y->root == NULL || same_tree(y->root, again->root));
    layout_free(&laid);
    yaml_free(&again);
    diags_fini(&d);
    return same;
}

enum weir_code
fmt_text(const char *file, struct weir_text text, struct buf *out, struct diags *d,
         struct weir_error *err)
{
    struct yaml *y = yaml_read(file, text, d);
    if (y == NULL)
        return err_set(err, WEIR_INVALID, "it is no YAML that weir reads");
    struct layout *l = layout_read(y);
    size_t start = out->len;
    struct writing w = { .out = out };
    bool fine = l != NULL && !(l->root != NULL && l->root->header.len > 0);
    if (fine && l->root != NULL)
        put_root(&w, l->root);
    if (fine)
        put_comments(&w, &l->tail, 0, l->root == NULL);
    struct weir_text fresh = { out->bytes + start, out->len - start };
    fine = fine && !w.full && same_meaning(y, l, fresh);
    layout_free(&l);
    yaml_free(&y);
    if (fine)
        return WEIR_OK;
    out->len = start;
    if (out->room > 0)
        out->bytes[start] = '\0';
    return err_set(
        err, WEIR_INTERNAL,
        "it is written in a way that can't be laid out anew without changing what it "
        "means (a key of several lines?); it stays as it is");
}

/* author/layout.c - see layout.h.
 *
 * POS is always at a byte that is neither blank nor of a comment: what was passed on the way
 * there waits in the gap until a piece that it belongs to takes it. So no comment is lost.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "author/layout.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/yaml_tokens.h"

/* What stands between two pieces. */
struct gap {
    struct comment *same; /* on the line of what was before */
    struct comments own;  /* on lines of their own */
    bool newline;
    bool blank; /* an empty line stands behind all comments */
};

struct reading {
    struct layout *l;
    struct weir_text text;
    const struct yaml_token *tokens;
    size_t n;
    size_t at; /* the next token */
    size_t pos;
    struct gap gap;
    bool bad;
};

static void *
take_memory(struct reading *r, size_t size)
{
    void *p = arena_alloc(&r->l->arena, size);
    if (p == NULL)
        abort();
    return p;
}

static void
push(struct comments *list, struct comment *c)
{
    c->next = NULL;
    if (list->last != NULL)
        list->last->next = c;
    else
        list->first = c;
    list->last = c;
}

static void
push_front(struct comments *list, struct comment *c)
{
    c->next = list->first;
    list->first = c;
    if (list->last == NULL)
        list->last = c;
}

static char
byte_at(const struct reading *r, size_t pos)
{
    return pos < r->text.len ? r->text.bytes[pos] : '\0';
}

static unsigned
column_at(const struct reading *r, size_t pos)
{
    size_t start = pos;
    while (start > 0 && r->text.bytes[start - 1] != '\n')
        start--;
    return (unsigned)(pos - start);
}

/* The comment at POS, which moves behind it. */
static struct comment *
read_comment(struct reading *r, bool blank)
{
    struct comment *c = take_memory(r, sizeof *c);
    const char *from = r->text.bytes + r->pos;
    const char *end = memchr(from, '\n', r->text.len - r->pos);
    size_t len = end != NULL ? (size_t)(end - from) : r->text.len - r->pos;
    c->column = column_at(r, r->pos);
    c->blank = blank;
    r->pos += len;
    while (len > 1 && strchr(" \t", from[len - 1]) != NULL)
        len--;
    c->text = (struct weir_text){ from, len };
    r->l->comments++;
    return c;
}

/* Passes blanks and comments. LINE: POS is at the start of a line. */
static void
read_gap(struct reading *r, bool line)
{
    unsigned breaks = line;
    r->gap.newline = line;
    for (;; r->pos++) {
        char c = byte_at(r, r->pos);
        if (c == '\n') {
            r->gap.newline = true;
            breaks++;
        } else if (c == '#') {
            struct comment *comment = read_comment(r, breaks > 1);
            if (!r->gap.newline && r->gap.same == NULL)
                r->gap.same = comment;
            else
                push(&r->gap.own, comment);
            breaks = 0;
            r->pos--;
        } else if (c != ' ' && c != '\t') {
            break;
        }
    }
    r->gap.blank = breaks > 1;
}

static struct comments
take_own(struct reading *r)
{
    struct comments all = r->gap.own;
    r->gap.own = (struct comments){ 0 };
    return all;
}

/* Takes the comment on the line of what was before into *SLOT; if that is taken, it becomes one
 * on a line of its own. */
static void
take_same(struct reading *r, struct comment **slot)
{
    if (r->gap.same == NULL)
        return;
    if (*slot == NULL)
        *slot = r->gap.same;
    else
        push_front(&r->gap.own, r->gap.same);
    r->gap.same = NULL;
}

/* Passes the indicator C, which must be there. */
static void
expect(struct reading *r, char c)
{
    if (byte_at(r, r->pos) != c) {
        r->bad = true;
        return;
    }
    r->pos++;
    read_gap(r, false);
}

static const struct yaml_token *
next_token(struct reading *r)
{
    static const struct yaml_token none = { .kind = YAML_TOKEN_END };
    if (r->at == r->n) {
        r->bad = true;
        return &none;
    }
    return &r->tokens[r->at++];
}

static bool
at_end(const struct reading *r)
{
    return r->bad || r->at == r->n || r->tokens[r->at].kind == YAML_TOKEN_END;
}

static void
read_anchor(struct reading *r, struct piece *p, const struct yaml_token *t)
{
    if (!t->anchored || byte_at(r, r->pos) != '&')
        return;
    size_t start = r->pos;
    while (r->pos < r->text.len && strchr(" \t\n,[]{}", r->text.bytes[r->pos]) == NULL)
        r->pos++;
    p->anchor = (struct weir_text){ r->text.bytes + start, r->pos - start };
    read_gap(r, false);
    take_same(r, &p->same);
}

/* The first byte of the line behind POS. */
static size_t
line_behind(const struct reading *r, size_t pos)
{
    const char *end = memchr(r->text.bytes + pos, '\n', r->text.len - pos);
    return end != NULL ? (size_t)(end - r->text.bytes) + 1 : r->text.len;
}

/* How many blanks a line has in front; *ret_empty: nothing else is on it. */
static size_t
indent_at(const struct reading *r, size_t pos, bool *ret_empty)
{
    size_t n = 0;
    while (byte_at(r, pos + n) == ' ')
        n++;
    *ret_empty = pos + n >= r->text.len || r->text.bytes[pos + n] == '\n';
    return n;
}

/* The end of the lines of a block scalar that begin at FROM and are indented by INDENT or more.
 * KEEP: empty lines at the end belong to it. */
static size_t
block_end(const struct reading *r, size_t from, size_t indent, bool keep)
{
    size_t end = from;
    for (size_t at = from; at < r->text.len; at = line_behind(r, at)) {
        bool empty;
        size_t n = indent_at(r, at, &empty);
        if (!empty && n < indent)
            break;
        if (!empty || keep || n > indent)
            end = line_behind(r, at);
    }
    return end;
}

/* The indentation of the first line from FROM to END that is not empty; SIZE_MAX: all are. */
static size_t
block_indent(const struct reading *r, size_t from, size_t end)
{
    bool empty = true;
    for (size_t at = from; at < end; at = line_behind(r, at)) {
        size_t n = indent_at(r, at, &empty);
        if (!empty)
            return n;
    }
    return SIZE_MAX;
}

/* A block scalar, of which the header is at POS. OUTER is the column of the list or map around.
 */
static void
read_block_scalar(struct reading *r, struct piece *p, const struct yaml_token *t,
                  unsigned outer)
{
    size_t start = r->pos;
    size_t given = 0;
    bool keep = false;
    for (char c; (c = byte_at(r, r->pos)) != '\0' && strchr("|>+-123456789", c); r->pos++) {
        keep |= c == '+';
        if (c >= '1' && c <= '9')
            given = (size_t)(c - '0');
    }
    p->header = (struct weir_text){ r->text.bytes + start, r->pos - start };
    while (byte_at(r, r->pos) == ' ' || byte_at(r, r->pos) == '\t')
        r->pos++;
    if (byte_at(r, r->pos) == '#') {
        r->gap.same = read_comment(r, false);
        take_same(r, &p->same);
    }
    size_t from = line_behind(r, r->pos);
    size_t first = block_indent(r, from, t->end > from ? t->end : from);
    size_t end = from;
    if (given > 0)
        first = outer + given;
    if (first != SIZE_MAX || keep)
        end = block_end(r, from, first, keep);
    p->text = (struct weir_text){ r->text.bytes + from, end - from };
    p->indent = first;
    r->pos = end;
    read_gap(r, true);
}

/* A scalar or alias. */
static void
read_leaf(struct reading *r, struct piece *p, const struct yaml_token *t, unsigned outer)
{
    p->kind = t->kind == YAML_TOKEN_ALIAS ? PIECE_ALIAS : PIECE_SCALAR;
    p->style = t->style;
    char c = byte_at(r, r->pos);
    bool block = t->style == YAML_LITERAL || t->style == YAML_FOLDED;
    bool left_out = p->kind == PIECE_SCALAR && !block && t->start >= t->end;
    if (left_out) {
        take_same(r, &p->after);
        return;
    }
    p->lead = take_own(r);
    if (block && (c == '|' || c == '>')) {
        read_block_scalar(r, p, t, outer);
        return;
    }
    if (block || t->start != r->pos || t->end <= t->start || t->end > r->text.len) {
        r->bad = true;
        return;
    }
    p->text = (struct weir_text){ r->text.bytes + t->start, t->end - t->start };
    r->pos = t->end;
    read_gap(r, false);
}

/* A key, and the colon behind it. */
static struct piece *
read_key(struct reading *r)
{
    struct piece *p = take_memory(r, sizeof *p);
    bool asked = byte_at(r, r->pos) == '?' && strchr(" \t\n", byte_at(r, r->pos + 1)) != NULL;
    if (asked)
        expect(r, '?');
    const struct yaml_token *t = next_token(r);
    read_anchor(r, p, t);
    bool scalar = t->kind == YAML_TOKEN_SCALAR;
    bool block = t->style == YAML_LITERAL || t->style == YAML_FOLDED;
    if (!scalar || block || t->start >= t->end) {
        r->bad = true;
        return p;
    }
    struct comments waiting = r->gap.own;
    r->gap.own = (struct comments){ 0 };
    read_leaf(r, p, t, 0);
    if (r->bad || memchr(p->text.bytes, '\n', p->text.len) != NULL || waiting.first != NULL)
        r->bad = true; /* a key of several lines, or a comment between '?' and the key */
    if (byte_at(r, r->pos) == ':')
        expect(r, ':');
    return p;
}

static struct piece *read_value(struct reading *r, unsigned outer, bool in_flow);

/* Comments behind the last entry of a block: those that stand as far right as its entries, but
 * not one that stands right above what follows. */
static void
take_tail(struct reading *r, struct piece *p, unsigned column)
{
    bool more = r->pos < r->text.len;
    unsigned behind = column_at(r, r->pos);
    struct comment *c;
    while ((c = r->gap.own.first) != NULL && c->column >= column &&
           !(more && c->column == behind)) {
        r->gap.own.first = c->next;
        if (c->next == NULL)
            r->gap.own.last = NULL;
        push(&p->tail, c);
    }
}

static struct entry *
entry_new(struct reading *r, struct entry ***end)
{
    struct entry *e = take_memory(r, sizeof *e);
    e->before = take_own(r);
    e->blank = r->gap.blank;
    e->line = r->gap.newline;
    **end = e;
    *end = &e->next;
    return e;
}

static void
read_block(struct reading *r, struct piece *p)
{
    unsigned column = column_at(r, r->pos);
    struct entry **end = &p->first;
    while (!at_end(r)) {
        struct entry *e = entry_new(r, &end);
        if (p->kind == PIECE_MAP)
            e->key = read_key(r);
        else
            expect(r, '-');
        e->value = read_value(r, column, false);
    }
    next_token(r);
    take_tail(r, p, column);
}

/* The entry of a list in brackets that is a map of one member without braces. */
static void
read_pair(struct reading *r, struct piece *p)
{
    struct entry **end = &p->first;
    p->kind = PIECE_MAP;
    p->flow = p->pair = true;
    next_token(r);
    struct entry *e = entry_new(r, &end);
    e->key = read_key(r);
    e->value = read_value(r, 0, true);
    if (!at_end(r))
        r->bad = true;
    next_token(r);
}

/* A list or map in brackets, of which the first is at POS. */
static void
read_flow(struct reading *r, struct piece *p)
{
    p->flow = true;
    p->lead = take_own(r);
    expect(r, p->kind == PIECE_MAP ? '{' : '[');
    p->open = r->gap.newline;
    if (r->gap.same != NULL)
        push_front(&r->gap.own, r->gap.same);
    r->gap.same = NULL;
    struct entry **end = &p->first;
    while (!at_end(r)) {
        struct entry *e = entry_new(r, &end);
        if (p->kind == PIECE_MAP)
            e->key = read_key(r);
        e->value = read_value(r, 0, true);
        if (byte_at(r, r->pos) == ',') {
            expect(r, ',');
            take_same(r, &e->value->after);
        }
    }
    next_token(r);
    p->tail = take_own(r);
    expect(r, p->kind == PIECE_MAP ? '}' : ']');
}

/* The value behind a key or dash. OUTER: the column of the block around. */
static struct piece *
read_value(struct reading *r, unsigned outer, bool in_flow)
{
    struct piece *p = take_memory(r, sizeof *p);
    if (r->bad || at_end(r)) {
        r->bad = true;
        return p;
    }
    const struct yaml_token *t = &r->tokens[r->at];
    bool left_out =
        t->kind == YAML_TOKEN_SCALAR && t->style == YAML_PLAIN && t->start >= t->end;
    if (!left_out || t->anchored)
        take_same(r, &p->same);
    read_anchor(r, p, t);
    char c = byte_at(r, r->pos);
    bool leaf = t->kind == YAML_TOKEN_SCALAR || t->kind == YAML_TOKEN_ALIAS;
    p->kind = t->kind == YAML_TOKEN_LIST ? PIECE_LIST : PIECE_MAP;
    if (!leaf && c == (p->kind == PIECE_MAP ? '{' : '[')) {
        r->at++;
        read_flow(r, p);
    } else if (!leaf && in_flow) {
        read_pair(r, p);
    } else if (!leaf) {
        r->at++;
        read_block(r, p);
        return p;
    } else {
        r->at++;
        read_leaf(r, p, t, outer);
    }
    take_same(r, &p->after);
    return p;
}

/* Passes "---" or "..." */
static void
pass_marker(struct reading *r, const char *marker)
{
    bool there = r->text.len - r->pos >= 3 && memcmp(r->text.bytes + r->pos, marker, 3) == 0;
    if (!there || column_at(r, r->pos) != 0 || strchr(" \t\n", byte_at(r, r->pos + 3)) == NULL)
        return;
    r->pos += 3;
    read_gap(r, false);
    if (r->gap.same != NULL)
        push(&r->gap.own, r->gap.same);
    r->gap.same = NULL;
}

struct layout *
layout_read(const struct yaml *y)
{
    struct layout *l = calloc(1, sizeof *l);
    if (l == NULL)
        abort();
    arena_init(&l->arena, 16384, SIZE_MAX);
    struct reading r = { .l = l, .text = y->text };
    struct yaml_token *tokens = yaml_tokens(y, &r.n);
    r.tokens = tokens;
    read_gap(&r, true);
    pass_marker(&r, "---");
    if (r.n > 0)
        l->root = read_value(&r, 0, false);
    pass_marker(&r, "...");
    l->tail = take_own(&r);
    free(tokens);
    if (r.bad || r.pos < r.text.len || r.at != r.n)
        layout_free(&l);
    return l;
}

void
layout_free(struct layout **l)
{
    if (*l == NULL)
        return;
    arena_fini(&(*l)->arena);
    free(*l);
    *l = NULL;
}

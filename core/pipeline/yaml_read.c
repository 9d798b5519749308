/* pipeline/yaml_read.c - events of libfyaml become a tree.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <libfyaml.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/map.h"
#include "pipeline/yaml_impl.h"

/* A member of a list or map that is not ended yet. */
struct cell {
    struct yaml_node *key;
    struct yaml_node *item;
    struct cell *next;
};

/* A list or map that is not ended yet. */
struct level {
    struct yaml_node *node;
    struct yaml_node *key; /* waits for its value */
    struct cell *first;
    struct cell **end;
    const char *anchor;
};

struct reading {
    struct yaml *y;
    struct diags *d;
    struct fy_parser *parser;
    struct level levels[YAML_MAX_DEPTH];
    unsigned depth;
    unsigned nodes;
    unsigned documents;
    struct map anchors; /* to struct yaml_node */
    size_t last;        /* where the last token ended */
    bool bad;           /* an error was added */
    bool over;          /* nothing more can be read */
};

void *
yaml_alloc(struct yaml *y, size_t size)
{
    void *p = arena_alloc(&y->arena, size);
    assert(p != NULL);
    return p;
}

void
yaml_report(struct yaml *y, struct diags *d, size_t start, size_t end, enum diag_code code,
            const char *fmt, ...)
{
    char text[256];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    struct mark mark = yaml_mark(y, start, end);
    diags_add(d, y->file, mark, yaml_line(y, mark.line), code, NULL, "%s", text);
}

static void
refuse(struct reading *r, size_t start, size_t end, enum diag_code code, const char *text)
{
    yaml_report(r->y, r->d, start, end, code, "%s", text);
    r->bad = true;
}

/* Tells the first thing that the parser stumbled on; what follows it is mostly noise. */
static void
syntax_error(struct reading *r, struct fy_diag *diag)
{
    void *at = NULL;
    const struct fy_diag_error *e = fy_diag_errors_iterate(diag, &at);
    struct mark mark = { 1, 1, 1 };
    if (e != NULL && e->line > 0 && e->column > 0)
        mark = (struct mark){ (unsigned)e->line, (unsigned)e->column, 1 };
    yaml_syntax_error(r->y, r->d, mark,
                      e != NULL && e->msg != NULL ? e->msg : "it is not YAML");
    r->bad = r->over = true;
}

/* Whether the blanks from the start of the line to START hold a tab. */
static bool
tab_before(const struct yaml *y, size_t start)
{
    bool tab = false;
    while (start > 0 && y->text.bytes[start - 1] != '\n') {
        char c = y->text.bytes[--start];
        if (c != ' ' && c != '\t' && c != '-' && c != '?')
            return false;
        tab |= c == '\t';
    }
    return tab;
}

static struct yaml_node *
node_new(struct reading *r, enum yaml_kind kind)
{
    struct yaml_node *n = yaml_alloc(r->y, sizeof *n);
    n->kind = kind;
    n->weight = n->height = 1;
    if (++r->nodes > YAML_MAX_NODES && !r->over) {
        refuse(r, r->last, r->last, DIAG_YAML_DEPTH, "more than 100,000 values");
        r->over = true;
    }
    return n;
}

/* Takes KEY as the key whose value comes next. */
static void
take_key(struct reading *r, struct level *l, struct yaml_node *key)
{
    bool empty = key->style == YAML_PLAIN && key->text.len == 0;
    if (key->kind != YAML_SCALAR || empty)
        refuse(r, key->start, key->end, DIAG_YAML_KEY, "a key must be a scalar");
    else if (key->style == YAML_PLAIN && text_is(key->text, "<<"))
        refuse(r, key->start, key->end, DIAG_YAML_MERGE,
               "the merge key '<<' is not part of YAML 1.2");
    l->key = key;
}

/* Puts a finished node where it belongs. */
static void
put(struct reading *r, struct yaml_node *n)
{
    if (r->depth == 0) {
        if (n->mark.line == 0)
            n->mark = yaml_mark(r->y, r->last, r->last);
        r->y->root = n;
        return;
    }
    struct level *l = &r->levels[r->depth - 1];
    if (l->node->kind == YAML_MAP && l->key == NULL) {
        take_key(r, l, n);
        return;
    }
    if (n->mark.line == 0)
        n->mark = l->key != NULL ? l->key->mark : yaml_mark(r->y, r->last, r->last);
    struct cell *c = yaml_alloc(r->y, sizeof *c);
    c->key = l->key;
    c->item = n;
    *l->end = c;
    l->end = &c->next;
    l->key = NULL;
    l->node->n++;
}

static void
anchor(struct reading *r, const char *name, struct yaml_node *n)
{
    if (name != NULL)
        (void)map_set(&r->anchors, name, strlen(name), n);
}

static const char *
anchor_name(struct reading *r, struct fy_event *e)
{
    struct fy_token *t = fy_event_get_anchor_token(e);
    size_t len = 0;
    const char *name = t != NULL ? fy_token_get_text(t, &len) : NULL;
    if (name == NULL)
        return NULL;
    char *copy = yaml_alloc(r->y, len + 1);
    memcpy(copy, name, len);
    return copy;
}

/* Tags, and tabs before the first token of a line. */
static void
check_token(struct reading *r, struct fy_event *e, struct fy_token *t, bool block)
{
    struct fy_token *tag = fy_event_get_tag_token(e);
    const struct fy_mark *from = tag != NULL ? fy_token_start_mark(tag) : NULL;
    if (from != NULL)
        refuse(r, from->input_pos, fy_token_end_mark(tag)->input_pos, DIAG_YAML_TAG,
               "a tag; quote the scalar to make it a string");
    const struct fy_mark *start = t != NULL ? fy_token_start_mark(t) : NULL;
    if (start == NULL)
        return;
    r->last = fy_token_end_mark(t)->input_pos;
    if (!block && tab_before(r->y, start->input_pos))
        refuse(r, start->input_pos, start->input_pos + 1, DIAG_YAML_TAB,
               "a tab in the indentation");
}

static enum yaml_style
style_of(struct fy_token *t)
{
    switch (t != NULL ? fy_token_scalar_style(t) : FYSS_PLAIN) {
    case FYSS_SINGLE_QUOTED:
        return YAML_SINGLE;
    case FYSS_DOUBLE_QUOTED:
        return YAML_DOUBLE;
    case FYSS_LITERAL:
        return YAML_LITERAL;
    case FYSS_FOLDED:
        return YAML_FOLDED;
    default:
        return YAML_PLAIN;
    }
}

/* Where the scalar N of the token T stands. */
static void
place_scalar(struct reading *r, struct yaml_node *n, struct fy_token *t)
{
    const struct fy_mark *start = t != NULL ? fy_token_start_mark(t) : NULL;
    n->start = n->end = r->last;
    if (start == NULL)
        return;
    n->start = start->input_pos;
    n->end = fy_token_end_mark(t)->input_pos;
    unsigned quote = n->style == YAML_SINGLE || n->style == YAML_DOUBLE;
    size_t from = n->start - quote;
    bool block = n->style == YAML_LITERAL || n->style == YAML_FOLDED;
    while (block && from < n->end && strchr(" \n", r->y->text.bytes[from]) != NULL)
        from++;
    n->mark = yaml_mark(r->y, from, n->end + quote);
}

/* The blanks before the list or map that the next node stands in; -1: none. */
static int
outer_indent(struct reading *r)
{
    if (r->depth == 0)
        return -1;
    size_t start = r->levels[r->depth - 1].node->start;
    return (int)yaml_mark(r->y, start, start + 1).column - 1;
}

/* The text of N, decoded. FROM is where the token before it ended. */
static void
decode_scalar(struct reading *r, struct yaml_node *n, struct fy_token *t, size_t from)
{
    if (n->style == YAML_LITERAL || n->style == YAML_FOLDED) {
        struct weir_text shown = { "", 0 };
        shown.bytes = fy_token_get_text(t, &shown.len);
        if (shown.bytes == NULL)
            shown = (struct weir_text){ "", 0 };
        if (!yaml_unblock(r->y, n, from, shown, outer_indent(r)))
            refuse(r, from, n->start - 1, DIAG_YAML_SYNTAX,
                   "the text behind | or > must be indented more than its key");
        return;
    }
    struct weir_text raw = { r->y->text.bytes + n->start, n->end - n->start };
    char *out = yaml_alloc(r->y, raw.len + raw.len / 2 + 1);
    size_t len = 0;
    if (!yaml_decode(raw, n->style, out, &len))
        refuse(r, n->start, n->end, DIAG_YAML_SYNTAX, "an escape that stands for no character");
    n->text = (struct weir_text){ out, len };
}

static void
read_scalar(struct reading *r, struct fy_event *e)
{
    struct fy_token *t = fy_event_get_token(e);
    enum yaml_style style = style_of(t);
    size_t from = r->last;
    check_token(r, e, t, style != YAML_PLAIN);
    struct yaml_node *n = node_new(r, YAML_SCALAR);
    n->style = style;
    place_scalar(r, n, t);
    decode_scalar(r, n, t, from);
    if (!yaml_resolve(n))
        refuse(r, n->start, n->end, DIAG_YAML_NUMBER, "a number that has no value in JSON");
    anchor(r, anchor_name(r, e), n);
    put(r, n);
}

static void
read_start(struct reading *r, struct fy_event *e, enum yaml_kind kind)
{
    struct fy_token *t = fy_event_get_token(e);
    check_token(r, e, t, false);
    const struct fy_mark *start = fy_event_start_mark(e);
    size_t from = start != NULL ? start->input_pos : r->last;
    struct level *outer = r->depth > 0 ? &r->levels[r->depth - 1] : NULL;
    if (outer != NULL && outer->node->kind == YAML_MAP && outer->key == NULL) {
        refuse(r, from, from + 1, DIAG_YAML_KEY, "a list or map can't be a key");
        r->over = true;
        return;
    }
    if (r->depth == YAML_MAX_DEPTH) {
        refuse(r, from, from + 1, DIAG_YAML_DEPTH, "more than 128 levels");
        r->over = true;
        return;
    }
    struct yaml_node *n = node_new(r, kind);
    n->start = n->end = from;
    n->mark = yaml_mark(r->y, from, from + 1);
    struct level *l = &r->levels[r->depth++];
    *l = (struct level){ .node = n, .anchor = anchor_name(r, e) };
    l->end = &l->first;
}

/* Keys that stand twice, whatever their quotes. */
static void
check_twice(struct reading *r, const struct yaml_node *n)
{
    struct map seen;
    map_init(&seen);
    for (unsigned i = 0; i < n->n; i++) {
        struct yaml_node *key = n->keys[i];
        const struct yaml_node *first = map_get(&seen, key->text.bytes, key->text.len);
        if (first == NULL) {
            (void)map_set(&seen, key->text.bytes, key->text.len, key);
            continue;
        }
        yaml_report(r->y, r->d, key->start, key->end, DIAG_YAML_DUPLICATE,
                    "the key '%.*s' stands in line %u already", (int)utf8_prefix(key->text, 60),
                    key->text.bytes, first->mark.line);
        r->bad = true;
    }
    map_fini(&seen);
}

static void
read_end(struct reading *r)
{
    struct level *l = &r->levels[--r->depth];
    struct yaml_node *n = l->node;
    n->items = yaml_alloc(r->y, (n->n + 1) * sizeof *n->items);
    if (n->kind == YAML_MAP)
        n->keys = yaml_alloc(r->y, (n->n + 1) * sizeof *n->keys);
    unsigned i = 0;
    for (struct cell *c = l->first; c != NULL; c = c->next, i++) {
        n->items[i] = c->item;
        n->weight += c->item->weight + (c->key != NULL);
        if (c->item->height >= n->height)
            n->height = c->item->height + 1;
        if (c->key != NULL)
            n->keys[i] = c->key;
    }
    bool flow = r->y->text.len > n->start && strchr("{[", r->y->text.bytes[n->start]) != NULL;
    if (!flow && n->n > 0)
        n->mark = n->kind == YAML_MAP ? n->keys[0]->mark : n->items[0]->mark;
    if (n->kind == YAML_MAP)
        check_twice(r, n);
    anchor(r, l->anchor, n);
    put(r, n);
}

static void
read_alias(struct reading *r, struct fy_event *e)
{
    struct fy_token *t = fy_event_get_token(e);
    check_token(r, e, t, false);
    size_t len = 0;
    const char *name = t != NULL ? fy_token_get_text(t, &len) : NULL;
    const struct fy_mark *start = t != NULL ? fy_token_start_mark(t) : NULL;
    size_t from = start != NULL && start->input_pos > 0 ? start->input_pos - 1 : r->last;
    len += 1; /* the star */
    struct yaml_node *n = name != NULL ? map_get(&r->anchors, name, len - 1) : NULL;
    r->over = true;
    if (n == NULL) {
        yaml_report(r->y, r->d, from, from + len, DIAG_YAML_ALIAS,
                    "there is no anchor '&%.*s' that ends before it",
                    (int)(len < 60 ? len - 1 : 60), name != NULL ? name : "");
        r->bad = true;
        return;
    }
    if (n->weight > YAML_MAX_NODES - r->nodes || n->height + r->depth > YAML_MAX_DEPTH) {
        refuse(r, from, from + len, DIAG_YAML_ALIAS, "the aliases stand for too much");
        return;
    }
    struct level *outer = r->depth > 0 ? &r->levels[r->depth - 1] : NULL;
    if (outer != NULL && outer->node->kind == YAML_MAP && outer->key == NULL) {
        refuse(r, from, from + len, DIAG_YAML_KEY, "an alias can't be a key");
        return;
    }
    r->over = false;
    r->nodes += n->weight;
    put(r, n);
}

static void
read_document(struct reading *r, struct fy_event *e)
{
    if (++r->documents < 2)
        return;
    const struct fy_mark *start = fy_event_start_mark(e);
    size_t from = start != NULL ? start->input_pos : r->last;
    refuse(r, from, from + 3, DIAG_YAML_DOCUMENTS,
           "a second document; a file holds one pipeline");
    r->over = true;
}

static void
read_event(struct reading *r, struct fy_event *e)
{
    switch (e->type) {
    case FYET_DOCUMENT_START:
        read_document(r, e);
        break;
    case FYET_SCALAR:
        read_scalar(r, e);
        break;
    case FYET_SEQUENCE_START:
        read_start(r, e, YAML_LIST);
        break;
    case FYET_MAPPING_START:
        read_start(r, e, YAML_MAP);
        break;
    case FYET_SEQUENCE_END:
    case FYET_MAPPING_END:
        read_end(r);
        break;
    case FYET_ALIAS:
        read_alias(r, e);
        break;
    default:
        break;
    }
}

static void
parse(struct reading *r)
{
    struct fy_diag *diag;
    r->parser = yaml_parser_open(r->y, &diag);
    struct fy_event *e;
    while (!r->over && (e = fy_parser_parse(r->parser)) != NULL) {
        read_event(r, e);
        fy_parser_event_free(r->parser, e);
    }
    if (!r->over && (fy_parser_get_stream_error(r->parser) || fy_diag_got_error(diag)))
        syntax_error(r, diag);
    fy_parser_destroy(r->parser);
    fy_diag_destroy(diag);
}

struct yaml *
yaml_read(const char *file, struct weir_text text, struct diags *d)
{
    struct yaml *y = calloc(1, sizeof *y);
    struct reading *r = calloc(1, sizeof *r);
    if (y == NULL || r == NULL)
        abort();
    arena_init(&y->arena, 16384, SIZE_MAX);
    y->file = file;
    r->y = y;
    r->d = d;
    map_init(&r->anchors);
    if (!yaml_check(y, text, d))
        r->bad = true;
    else if (y->text.len > 0)
        parse(r);
    bool bad = r->bad;
    map_fini(&r->anchors);
    free(r);
    if (bad)
        yaml_free(&y);
    return y;
}

void
yaml_free(struct yaml **y)
{
    if (*y == NULL)
        return;
    arena_fini(&(*y)->arena);
    free(*y);
    *y = NULL;
}

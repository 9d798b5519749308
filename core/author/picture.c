/* author/picture.c - see picture.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "author/picture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/units.h"

#define TEXT_MAX 400u /* bytes of a detail, a condition, a label */

static void *
take(struct picture *p, size_t size)
{
    void *memory = arena_alloc(&p->arena, size);
    if (memory == NULL)
        abort();
    return memory;
}

/* A copy of TEXT on one line, with control characters as blanks, of at most TEXT_MAX bytes. */
static struct weir_text
one_line(struct picture *p, struct weir_text text)
{
    bool cut = text.len > TEXT_MAX;
    if (cut)
        text.len = utf8_prefix(text, TEXT_MAX);
    char *copy = arena_copy(&p->arena, text.bytes, text.len);
    if (copy == NULL)
        abort();
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = copy[i];
        if ((unsigned char)c < ' ' || c == 0x7f)
            c = ' ';
        if (c != ' ' || (len > 0 && copy[len - 1] != ' '))
            copy[len++] = c;
    }
    return (struct weir_text){ copy, len };
}

static struct weir_text
joined(struct picture *p, const char *word, struct weir_text text)
{
    struct weir_text t;
    char *copy = arena_printf(&p->arena, "%s%.*s", word, (int)text.len, text.bytes);
    if (copy == NULL)
        abort();
    t = text_of(copy);
    return t;
}

/* What the short form of a type holds, if it is a text or a number. */
static struct weir_text
short_detail(struct picture *p, const struct weir_value *config, const char *shorthand)
{
    const struct weir_value *v = shorthand ? value_field(config, shorthand) : NULL;
    if (v == NULL && config != NULL && config->type != WEIR_MAP)
        v = config;
    if (v == NULL)
        return TEXT("");
    if (v->type == WEIR_STRING)
        return one_line(p, value_as_text(v));
    if (v->type == WEIR_INT)
        return joined(p, arena_printf(&p->arena, "%lld", (long long)v->integer), TEXT(""));
    return TEXT("");
}

static struct weir_text
limits_of(struct picture *p, const struct node *n)
{
    char text[96] = "", span[32];
    size_t len = 0;
    if (n->timeout_ms > 0) {
        duration_text(n->timeout_ms, span, sizeof span);
        len += (size_t)snprintf(text, sizeof text, "timeout %s", span);
    }
    if (n->retry.attempts > 1)
        snprintf(text + len, sizeof text - len, "%s%u attempts", len > 0 ? ", " : "",
                 n->retry.attempts);
    return one_line(p, text_of(text));
}

/* The text that stands in the file at MARK. */
static struct weir_text
source_at(struct picture *p, struct mark mark)
{
    const char *at = p->pipeline->text;
    for (unsigned line = 1; at != NULL && line < mark.line; line++) {
        at = strchr(at, '\n');
        at = at != NULL ? at + 1 : NULL;
    }
    if (at == NULL || mark.line == 0)
        return TEXT("");
    struct weir_text line = { at, strcspn(at, "\n") };
    size_t from = 0, end;
    for (unsigned i = 1; i < mark.column && from < line.len; i++)
        (void)utf8_next(line, &from);
    end = from;
    for (unsigned i = 0; i < mark.len && end < line.len; i++)
        (void)utf8_next(line, &end);
    bool quoted =
        end - from > 1 && (at[from] == '"' || at[from] == '\'') && at[end - 1] == at[from];
    return one_line(p,
                    (struct weir_text){ at + from + quoted, end - from - 2 * (size_t)quoted });
}

/* How a block is called: by the last part of its path that its author chose. */
static struct weir_text
label_of(struct picture *p, const struct child *c)
{
    struct weir_text when = TEXT("");
    if (c->n_keys > 0 && c->parts[0] != NULL)
        when = source_at(p, c->parts[0]->mark);
    if (when.len > 0)
        return joined(p, arena_printf(&p->arena, "%s ", c->keys[0]), when);
    const char *slash = strchr(c->path, '/');
    if (slash == NULL || c->type == NULL)
        return one_line(p, text_of(c->path));
    return one_line(p, text_of(slash + 1));
}

static struct box *boxes_of(struct picture *p, const struct block *b,
                            const struct graph_marks *marks);

static struct lane *
lane_new(struct picture *p, struct lane ***end, const struct block *b,
         const struct graph_marks *marks)
{
    struct lane *l = take(p, sizeof *l);
    l->first = boxes_of(p, b, marks);
    **end = l;
    *end = &l->next;
    return l;
}

/* Whether a step may go on without one of its blocks: a switch without default, a loop over
 * nothing, an answer that is kept already. */
static bool
may_skip(const struct node *n)
{
    unsigned maybe = 0, many = 0;
    bool whole = false;
    for (unsigned i = 0; i < n->n_children; i++) {
        const struct child *c = &n->children[i];
        if (c->type == NULL)
            continue;
        maybe += c->type->runs == WEIR_MAYBE;
        many += c->type->runs == WEIR_MANY;
        whole |= c->type->runs == WEIR_ONCE || strcmp(c->path, "default") == 0 ||
                 strcmp(c->path, "fallback") == 0;
    }
    bool tries = maybe == 1 && n->catch != NULL;
    return !whole && !tries && maybe + many > 0;
}

static struct box *
box_new(struct picture *p, const struct node *n, const struct graph_marks *marks)
{
    struct box *b = take(p, sizeof *b);
    b->number = p->boxes++;
    b->id = n->id_given ? text_of(n->id) : TEXT("");
    b->type = text_of(n->type->abi.name);
    b->detail = short_detail(p, n->config_value, n->type->shorthand);
    b->condition = n->condition_text ? one_line(p, text_of(n->condition_text)) : TEXT("");
    b->limits = limits_of(p, n);
    b->skippable = may_skip(n);
    b->mark = marks != NULL ? marks->mark(marks->arg, text_of(n->id)) : STEP_NOT_REACHED;
    struct lane **end = &b->lanes;
    for (unsigned i = 0; i < n->n_children; i++) {
        const struct child *c = &n->children[i];
        struct lane *l = lane_new(p, &end, c->block, marks);
        l->label = label_of(p, c);
        l->many = c->type != NULL && c->type->runs == WEIR_MANY;
        l->always = c->type != NULL && c->type->runs == WEIR_ONCE;
    }
    if (n->catch != NULL) {
        struct lane *l = lane_new(p, &end, n->catch, marks);
        l->label = TEXT("catch");
        l->handler = true;
    }
    return b;
}

static struct box *
boxes_of(struct picture *p, const struct block *b, const struct graph_marks *marks)
{
    struct box *first = NULL, **end = &first;
    for (unsigned i = 0; b != NULL && i < b->n; i++) {
        *end = box_new(p, b->nodes[i], marks);
        end = &(*end)->next;
    }
    return first;
}

static struct lane *
top_lane(struct picture *p, const char *label, const struct block *b,
         const struct graph_marks *marks)
{
    struct lane *l = NULL, **end = &l;
    if (b == NULL)
        return NULL;
    lane_new(p, &end, b, marks);
    l->label = text_of(label);
    l->handler = strcmp(label, "catch") == 0;
    return l;
}

struct picture *
picture_new(const struct pipeline *p, const struct graph_marks *marks)
{
    struct picture *all = calloc(1, sizeof *all);
    if (all == NULL)
        abort();
    arena_init(&all->arena, 16384, SIZE_MAX);
    all->pipeline = p;
    all->marked = marks != NULL;
    struct box **end = &all->triggers;
    for (unsigned i = 0; i < p->n_triggers; i++) {
        const struct trigger *t = p->triggers[i];
        struct box *b = take(all, sizeof *b);
        b->number = all->boxes++;
        b->type = text_of(t->type->abi.name);
        b->detail = short_detail(all, t->config_value, t->type->shorthand);
        b->mark = STEP_DONE;
        *end = b;
        end = &b->next;
    }
    all->steps = top_lane(all, "steps", p->steps, marks);
    all->catch = top_lane(all, "catch", p->catch, marks);
    all->finally = top_lane(all, "finally", p->finally, marks);
    return all;
}

void
picture_free(struct picture **p)
{
    if (*p == NULL)
        return;
    arena_fini(&(*p)->arena);
    free(*p);
    *p = NULL;
}

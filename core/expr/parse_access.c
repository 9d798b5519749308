/* expr/parse_access.c - names, literals, and chains of accesses; see parse.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <string.h>

#include "expr/parse.h"

/* A chain in the making: what it starts with, and the parts so far. */
struct growing {
    size_t start;
    struct term *base; /* NULL: it starts with NAME */
    struct token name;
    struct part *parts;
    unsigned n;
    unsigned room;
};

static void
grow(struct parser *p, struct growing *g, struct part part)
{
    if (g->n == g->room) {
        unsigned room = g->room > 0 ? 2 * g->room : 4;
        struct part *parts = parser_alloc(p, room * sizeof(*parts));
        if (g->n > 0)
            memcpy(parts, g->parts, g->n * sizeof(*parts));
        g->parts = parts;
        g->room = room;
    }
    g->parts[g->n++] = part;
}

/* A copy of a name that lives as long as the expression; the source does not. */
static struct weir_text
kept(struct parser *p, struct weir_text name)
{
    char *copy = arena_copy(&p->expr->arena, name.bytes, name.len);
    assert(copy != NULL);
    return (struct weir_text){ copy, name.len };
}

/* Fills in the name and the constant keys behind it, which the environment is asked for. */
static void
fill_path(struct parser *p, const struct growing *g, struct chain *c)
{
    unsigned n = 0;
    while (n < g->n && g->parts[n].index == NULL)
        n++;
    struct weir_text *path = parser_alloc(p, (n + 1) * sizeof(*path));
    struct expr_place *places = parser_alloc(p, (n + 1) * sizeof(*places));
    path[0] = kept(p, g->name.text);
    places[0] = g->name.place;
    for (unsigned i = 0; i < n; i++) {
        path[i + 1] = g->parts[i].key;
        places[i + 1] = g->parts[i].place;
    }
    c->path = (struct expr_path){ .keys = path, .n = n + 1 };
    c->places = places;
    c->optional_from = n + 1;
    for (unsigned i = n; i-- > 0;)
        if (g->parts[i].optional)
            c->optional_from = i + 1;
}

/* The term of what has grown. */
static struct term *
end_chain(struct parser *p, const struct growing *g)
{
    if (g->base != NULL && g->n == 0)
        return g->base;

    struct chain *c = parser_alloc(p, sizeof(*c));
    *c = (struct chain){ .base = g->base, .variable = -1, .n_parts = g->n, .parts = g->parts };
    if (g->base == NULL)
        c->variable = parser_variable(p, g->name.text);
    c->bound = g->base != NULL || c->variable >= 0;
    if (!c->bound)
        fill_path(p, g, c);

    struct terms inside = { 0 }; /* for depth and the like */
    if (g->base != NULL)
        terms_add(p, &inside, g->base);
    for (unsigned i = 0; i < g->n; i++)
        if (g->parts[i].index != NULL)
            terms_add(p, &inside, g->parts[i].index);
    struct term *t = term_new(p, TERM_CHAIN, g->start, inside);
    t->chain = c;
    if (g->n > 0)
        t->flags |= TERM_FIELD;
    return term_done(p, t);
}

/* [index] of what ends at HOLDER_END, with the [ at hand. */
static bool
bracket(struct parser *p, struct growing *g, size_t holder_end, bool optional)
{
    struct token open = p->token;
    struct part part = { .optional = optional, .holder_end = holder_end };
    if (!parser_next(p))
        return false;
    struct term *t = parse_expression(p);
    if (t == NULL || !parser_close(p, TOKEN_CLOSE_LIST, &open))
        return false;

    part.place = t->place;
    part.index = t;
    if (t->kind == TERM_CONST) {
        const struct weir_value *v = t->constant;
        if (v->type == WEIR_STRING) {
            part.key = value_as_text(v);
            part.index = NULL;
        } else if (v->type != WEIR_INT) {
            return lex_fail(&p->lexer, t->place,
                            "an index is an int for a list or a string for a map");
        } else if (v->integer < 0) {
            return lex_fail(&p->lexer, t->place,
                            "an index can't be negative; the last item is x[size(x) - 1]");
        }
    }
    grow(p, g, part);
    return true;
}

/* .name or .name(...), with the dot at hand. */
static bool
dot(struct parser *p, struct growing *g)
{
    bool optional = p->token.kind == TOKEN_OPTIONAL_DOT;
    size_t holder_end = p->end;
    if (!parser_next(p))
        return false;
    if (optional && p->token.kind == TOKEN_OPEN_LIST)
        return bracket(p, g, holder_end, true);
    if (p->token.kind == TOKEN_STRING)
        return parser_expected(p, "a name behind the dot (a key is reached by [\"key\"])");
    if (p->token.kind != TOKEN_NAME)
        return parser_expected(p, "a name behind the dot");

    struct token name = p->token;
    if (!parser_next(p))
        return false;
    if (p->token.kind != TOKEN_OPEN) {
        grow(p, g,
             (struct part){ .key = kept(p, name.text),
                            .place = name.place,
                            .holder_end = holder_end,
                            .optional = optional });
        return true;
    }
    size_t end = p->end;
    p->end = holder_end; /* the name of the method is no part of it */
    struct term *receiver = end_chain(p, g);
    p->end = end;
    if (receiver == NULL)
        return false;
    if (optional)
        term_allow_absent(receiver);
    struct term *call = parse_call(p, g->start, &name, receiver, optional);
    if (call == NULL)
        return false;
    *g = (struct growing){ .start = g->start, .base = call };
    return true;
}

/* [a, b], with the [ at hand. */
static struct term *
list(struct parser *p)
{
    struct token open = p->token;
    struct terms ts = { 0 };
    do {
        if (!parser_next(p))
            return NULL;
        if (p->token.kind == TOKEN_CLOSE_LIST)
            break;
        struct term *t = parse_expression(p);
        if (t == NULL)
            return NULL;
        terms_add(p, &ts, t);
    } while (p->token.kind == TOKEN_COMMA);
    if (!parser_close(p, TOKEN_CLOSE_LIST, &open))
        return NULL;
    return term_done(p, term_new(p, TERM_LIST, open.place.offset, ts));
}

/* Whether KEY may stand behind the others of a map. */
static bool
good_key(struct parser *p, const struct terms *ts, const struct term *key)
{
    if (key->kind != TERM_CONST)
        return true;
    if (key->constant->type != WEIR_STRING)
        return lex_fail(&p->lexer, key->place, "a key must be a string, such as \"key\"");
    for (unsigned i = 0; i < ts->n; i += 2)
        if (ts->at[i]->kind == TERM_CONST &&
            text_equal(value_as_text(ts->at[i]->constant), value_as_text(key->constant)))
            return lex_fail(&p->lexer, key->place, "this key is there twice");
    return true;
}

/* One key: value. */
static bool
entry(struct parser *p, struct terms *ts)
{
    struct term *key = parse_expression(p);
    if (key == NULL || !good_key(p, ts, key))
        return false;
    if (p->token.kind != TOKEN_COLON)
        return parser_expected(p, "':' behind the key");
    if (!parser_next(p))
        return false;
    struct term *value = parse_expression(p);
    if (value == NULL)
        return false;
    terms_add(p, ts, key);
    terms_add(p, ts, value);
    return true;
}

/* {"a": b}, with the { at hand. */
static struct term *
map(struct parser *p)
{
    struct token open = p->token;
    struct terms ts = { 0 };
    do {
        if (!parser_next(p))
            return NULL;
        if (p->token.kind == TOKEN_CLOSE_MAP)
            break;
        if (!entry(p, &ts))
            return NULL;
    } while (p->token.kind == TOKEN_COMMA);
    if (!parser_close(p, TOKEN_CLOSE_MAP, &open))
        return NULL;
    return term_done(p, term_new(p, TERM_MAP, open.place.offset, ts));
}

static struct term *
group(struct parser *p)
{
    struct token open = p->token;
    if (!parser_next(p))
        return NULL;
    struct term *t = parse_expression(p);
    if (t == NULL || !parser_close(p, TOKEN_CLOSE, &open))
        return NULL;
    t->flags |= TERM_GROUPED;
    return t;
}

static struct term *
literal(struct parser *p)
{
    struct token t = p->token;
    if (!parser_next(p))
        return NULL;
    const struct weir_value *v;
    if (t.kind == TOKEN_STRING || t.kind == TOKEN_BYTES)
        v = t.kind == TOKEN_STRING ? value_string(t.text.bytes, t.text.len)
                                   : value_bytes(t.text.bytes, t.text.len);
    else if (t.kind == TOKEN_DOUBLE)
        v = value_double(t.number);
    else if (t.integer <= INT64_MAX)
        v = value_int((int64_t)t.integer);
    else
        return lex_fail(&p->lexer, t.place, "the number is too large for an int of 64 bits"),
               NULL;
    return term_constant(p, t.place.offset, &v);
}

/* true, false, null; NULL for another word. */
static const struct weir_value *
constant_word(struct weir_text word)
{
    return text_is(word, "true")    ? &value_true
           : text_is(word, "false") ? &value_false
           : text_is(word, "null")  ? &value_null
                                    : NULL;
}

/* What starts with the name at hand: a word, a call or a chain. */
static bool
named(struct parser *p, struct growing *g)
{
    g->name = p->token;
    const struct weir_value *word = constant_word(g->name.text);
    if (word == NULL && lex_reserved(g->name.text))
        return lex_fail(&p->lexer, g->name.place,
                        "'%.*s' is a word of the language and no name", (int)g->name.text.len,
                        g->name.text.bytes);
    if (!parser_next(p))
        return false;
    if (word != NULL) {
        g->base = term_constant(p, g->start, &word);
        return g->base != NULL;
    }
    bool call = p->token.kind == TOKEN_OPEN;
    if (!call && !parse_spaced_name(p, &g->name, &call))
        return false;
    if (!call)
        return true;
    g->base = parse_call(p, g->start, &g->name, NULL, false);
    return g->base != NULL;
}

/* What stands before the first dot or bracket. */
static bool
first(struct parser *p, struct growing *g)
{
    switch (p->token.kind) {
    case TOKEN_NAME:
        return named(p, g);
    case TOKEN_INT:
    case TOKEN_DOUBLE:
    case TOKEN_STRING:
    case TOKEN_BYTES:
        g->base = literal(p);
        return g->base != NULL;
    case TOKEN_OPEN:
        g->base = group(p);
        return g->base != NULL;
    case TOKEN_OPEN_LIST:
        g->base = list(p);
        return g->base != NULL;
    case TOKEN_OPEN_MAP:
        g->base = map(p);
        return g->base != NULL;
    default:
        return parser_expected(p, "a value");
    }
}

struct term *
parse_operand(struct parser *p)
{
    struct growing g = { .start = p->token.place.offset };
    bool good = first(p, &g);
    while (good) {
        if (p->token.kind == TOKEN_DOT || p->token.kind == TOKEN_OPTIONAL_DOT)
            good = dot(p, &g);
        else if (p->token.kind == TOKEN_OPEN_LIST)
            good = bracket(p, &g, p->end, false);
        else
            return end_chain(p, &g);
    }
    return NULL;
}

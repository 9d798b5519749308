/* expr/parse.c - tokens and operators, see parse.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "expr/parse.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

void
parser_init(struct parser *p, struct weir_text text, size_t start)
{
    *p = (struct parser){ .lexer = { .text = text, .start = start, .at = start } };
}

bool
parser_next(struct parser *p)
{
    p->end = p->token.place.offset + p->token.place.len;
    return lex(&p->lexer, &p->token);
}

/* What to write instead of a word that other languages have for an operator. */
static const char *
foreign_word(const struct token *t)
{
    static const struct {
        const char *word;
        const char *advice;
    } words[] = {
        { "and", "write '&&'" },
        { "or", "write '||'" },
        { "not", "write '!'" },
        { "is", "write '=='" },
        { "eq", "write '=='" },
        { "ne", "write '!='" },
        { "mod", "write '%'" },
        { "contains", "write x.contains('...')" },
        { "matches", "write x.matches('...')" },
        { "startsWith", "write x.startsWith('...')" },
        { "endsWith", "write x.endsWith('...')" },
        { "if", "write condition ? this : that" },
        { "then", "write condition ? this : that" },
    };
    for (size_t i = 0; t->kind == TOKEN_NAME && i < sizeof(words) / sizeof(words[0]); i++)
        if (text_is(t->text, words[i].word))
            return words[i].advice;
    return NULL;
}

bool
parser_expected(struct parser *p, const char *expected)
{
    const struct token *t = &p->token;
    if (t->kind == TOKEN_END) {
        if (p->closing)
            return lex_fail(&p->lexer, (struct expr_place){ p->lexer.start - 2, 2 },
                            "this '${' is not closed: a '}' is missing");
        return lex_fail(&p->lexer, t->place, "expected %s, but the expression ends", expected);
    }
    struct weir_text found = lex_quote(&p->lexer, t->place);
    const char *advice = foreign_word(t);
    if (t->kind == TOKEN_DOUBLE && found.bytes[0] == '.')
        advice = "an item of a list is reached by [0]";
    return lex_fail(&p->lexer, t->place, "expected %s, found '%.*s'%s%s", expected,
                    (int)found.len, found.bytes, advice != NULL ? "; " : "",
                    advice != NULL ? advice : "");
}

bool
parser_close(struct parser *p, enum token_kind kind, const struct token *open)
{
    if (p->token.kind == kind)
        return parser_next(p);
    char where[LEX_WHERE];
    lex_where(&p->lexer, open->place.offset, where);
    char expected[LEX_WHERE + 40];
    const char *pair = kind == TOKEN_CLOSE ? "()" : kind == TOKEN_CLOSE_LIST ? "[]" : "{}";
    (void)snprintf(expected, sizeof(expected), "'%c' to close '%c' at %s", pair[1], pair[0],
                   where);
    return parser_expected(p, expected);
}

bool
parser_enter(struct parser *p)
{
    if (p->nesting == EXPR_NESTING_MAX)
        return lex_fail(&p->lexer, p->token.place, "nested too deeply: more than %d levels",
                        EXPR_NESTING_MAX);
    p->nesting++;
    return true;
}

void
parser_leave(struct parser *p)
{
    assert(p->nesting > 0);
    p->nesting--;
}

int
parser_variable(const struct parser *p, struct weir_text name)
{
    for (unsigned i = p->n_variables; i-- > 0;)
        if (text_equal(p->variables[i], name))
            return (int)i;
    return -1;
}

/* -- operators -- */

struct operator
{
    enum token_kind token;
    enum term_kind term;
    unsigned strength;
};

static const struct operator operators[] = {
    { TOKEN_OR, TERM_OR, 1 },
    { TOKEN_AND, TERM_AND, 2 },
    { TOKEN_EQ, TERM_EQ, 3 },
    { TOKEN_NE, TERM_NE, 3 },
    { TOKEN_LT, TERM_LT, 3 },
    { TOKEN_LE, TERM_LE, 3 },
    { TOKEN_GT, TERM_GT, 3 },
    { TOKEN_GE, TERM_GE, 3 },
    { TOKEN_PLUS, TERM_ADD, 4 },
    { TOKEN_MINUS, TERM_SUBTRACT, 4 },
    { TOKEN_TIMES, TERM_MULTIPLY, 5 },
    { TOKEN_DIVIDE, TERM_DIVIDE, 5 },
    { TOKEN_REMAINDER, TERM_REMAINDER, 5 },
};

static const struct operator operator_in = { TOKEN_NAME, TERM_IN, 3 };

/* The operator between two operands that the token is; NULL if it is none. */
static const struct operator* operator_of(const struct token *t)
{
    if (t->kind == TOKEN_NAME)
        return text_is(t->text, "in") ? &operator_in : NULL;
    for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++)
        if (operators[i].token == t->kind)
            return &operators[i];
    return NULL;
}

static struct term *
term_of_two(struct parser *p, enum term_kind kind, size_t start, struct term *a, struct term *b)
{
    struct terms ts = { 0 };
    terms_add(p, &ts, a);
    terms_add(p, &ts, b);
    return term_done(p, term_new(p, kind, start, ts));
}

/* -9223372036854775808, whose digits alone are too large for an int. */
static struct term *
smallest_int(struct parser *p, size_t start)
{
    if (!parser_next(p))
        return NULL;
    const struct weir_value *v = value_int(INT64_MIN);
    return term_constant(p, start, &v);
}

static struct term *
unary(struct parser *p)
{
    struct token sign = p->token;
    if (sign.kind != TOKEN_NOT && sign.kind != TOKEN_MINUS)
        return parse_operand(p);
    if (!parser_next(p) || !parser_enter(p))
        return NULL;
    struct term *t;
    if (sign.kind == TOKEN_MINUS && p->token.kind == TOKEN_INT &&
        p->token.integer == (uint64_t)INT64_MAX + 1) {
        t = smallest_int(p, sign.place.offset);
    } else {
        t = unary(p);
        struct terms ts = { 0 };
        if (t != NULL) {
            terms_add(p, &ts, t);
            enum term_kind kind = sign.kind == TOKEN_NOT ? TERM_NOT : TERM_MINUS;
            t = term_done(p, term_new(p, kind, sign.place.offset, ts));
        }
    }
    parser_leave(p);
    return t;
}

/* Operands with operators between them that bind at least as strongly as LEAST. */
static struct term *
binary(struct parser *p, unsigned least)
{
    size_t start = p->token.place.offset;
    struct term *left = unary(p);
    while (left != NULL) {
        const struct operator* o = operator_of(&p->token);
        if (o == NULL || o->strength < least)
            break;
        if (!parser_next(p))
            return NULL;
        struct term *right = binary(p, o->strength + 1);
        left = right != NULL ? term_of_two(p, o->term, start, left, right) : NULL;
    }
    return left;
}

/* Whether T stands well on the left of ??. */
static bool
may_be_absent(struct parser *p, const struct term *t)
{
    if (t->kind == TERM_CHAIN || t->flags & TERM_FIELD || t->kind == TERM_CALL ||
        t->kind == TERM_COALESCE || t->kind == TERM_CHOOSE || t->kind >= TERM_ALL ||
        (t->kind == TERM_CONST && t->constant->type == WEIR_NULL))
        return true;
    struct weir_text text = lex_quote(&p->lexer, t->place);
    bool loose = t->kind >= TERM_ADD && t->kind <= TERM_OR && !(t->flags & TERM_GROUPED);
    return lex_fail(&p->lexer, t->place, "'%.*s' can't be absent or null%s", (int)text.len,
                    text.bytes,
                    loose ? "; ?? binds loosely, so put it in parentheses: x + (a.b ?? c)"
                          : "; ?? needs an access on its left, such as a.b ?? c");
}

static struct term *
coalesce(struct parser *p)
{
    size_t start = p->token.place.offset;
    struct term *left = binary(p, 1);
    if (left == NULL || p->token.kind != TOKEN_COALESCE)
        return left;
    if (!may_be_absent(p, left) || !parser_next(p) || !parser_enter(p))
        return NULL;
    term_allow_absent(left);
    struct term *right = coalesce(p);
    parser_leave(p);
    return right != NULL ? term_of_two(p, TERM_COALESCE, start, left, right) : NULL;
}

static struct term *
choose(struct parser *p)
{
    size_t start = p->token.place.offset;
    struct term *condition = coalesce(p);
    if (condition == NULL || p->token.kind != TOKEN_QUESTION)
        return condition;

    struct token question = p->token;
    if (!parser_next(p))
        return NULL;
    struct term *yes = parse_expression(p);
    if (yes == NULL)
        return NULL;
    if (p->token.kind != TOKEN_COLON) {
        char where[LEX_WHERE];
        char expected[LEX_WHERE + 40];
        lex_where(&p->lexer, question.place.offset, where);
        (void)snprintf(expected, sizeof(expected), "':' for the '?' at %s", where);
        (void)parser_expected(p, expected);
        return NULL;
    }
    if (!parser_next(p))
        return NULL;
    struct term *no = parse_expression(p);
    if (no == NULL)
        return NULL;
    struct terms ts = { 0 };
    terms_add(p, &ts, condition);
    terms_add(p, &ts, yes);
    terms_add(p, &ts, no);
    return term_done(p, term_new(p, TERM_CHOOSE, start, ts));
}

struct term *
parse_expression(struct parser *p)
{
    if (!parser_enter(p))
        return NULL;
    struct term *t = choose(p);
    parser_leave(p);
    return t;
}

/* Reports that there is no expression at all. */
static void
missing(struct parser *p)
{
    struct expr_place place = { p->lexer.start, 0 };
    if (p->closing)
        place = (struct expr_place){ place.offset - 2, p->lexer.at - place.offset + 2 };
    (void)lex_fail(&p->lexer, place, "an expression is missing%s",
                   p->closing ? " between '${' and '}'" : "");
}

/* Parses all of it; the token that ends it is at hand. */
static struct term *
whole(struct parser *p)
{
    if (!parser_next(p))
        return NULL;
    enum token_kind end = p->closing ? TOKEN_CLOSE_MAP : TOKEN_END;
    if (p->token.kind == end) {
        missing(p);
        return NULL;
    }
    struct term *t = parse_expression(p);
    if (t == NULL)
        return NULL;
    if (p->token.kind != end) {
        (void)parser_expected(p, p->closing ? "an operator or '}'" : "an operator or the end");
        return NULL;
    }
    return term_check(p, t) ? t : NULL;
}

static void
keep_source(struct parser *p)
{
    size_t start = p->lexer.start;
    struct expr *e = p->expr;
    size_t len = p->token.place.offset - start;
    e->source =
        (struct weir_text){ arena_copy(&e->arena, p->lexer.text.bytes + start, len), len };
    e->base = start;
    assert(e->source.bytes != NULL);
}

enum weir_code
parser_run(struct parser *p, struct expr **ret, struct expr_place *ret_place,
           struct weir_error *err)
{
    struct expr_place nowhere;
    p->lexer.ret_place = ret_place != NULL ? ret_place : &nowhere;
    p->lexer.err = err;
    *p->lexer.ret_place = (struct expr_place){ p->lexer.start, 0 };

    struct expr *e = calloc(1, sizeof(*e));
    if (e == NULL)
        abort();
    arena_init(&e->arena, 1024, 64 << 20); /* EXPR_TEXT_MAX keeps it far below */
    p->expr = e;
    p->lexer.arena = &e->arena;
    p->token.place.offset = p->lexer.start;
    /* Messages while folding quote the source, which is known in full only at the end. */
    e->source = p->lexer.text;
    e->root = whole(p);
    if (e->root == NULL) {
        expr_free(&e);
        return WEIR_INVALID;
    }
    keep_source(p);
    *ret = e;
    return WEIR_OK;
}

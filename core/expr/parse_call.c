/* expr/parse_call.c - calls of functions and methods, and macros; see parse.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <stdio.h>

#include "expr/parse.h"

bool
parse_spaced_name(struct parser *p, struct token *name, bool *ret_follows)
{
    *ret_follows = false;
    if (p->token.kind != TOKEN_DOT || parser_variable(p, name->text) >= 0 ||
        !function_space(name->text))
        return true;

    struct parser ahead = *p;
    if (!parser_next(&ahead))
        return false;
    struct token second = ahead.token;
    if (second.kind != TOKEN_NAME)
        return true;
    if (!parser_next(&ahead))
        return false;
    if (ahead.token.kind != TOKEN_OPEN)
        return true;

    *p = ahead;
    *ret_follows = true;
    size_t end = second.place.offset + second.place.len;
    name->place.len = end - name->place.offset;
    /* "json . encode" is no name of a function, and is not found: nobody writes it. */
    name->text.len = name->place.len;
    return true;
}

/* A call in the making. */
struct calling {
    struct token name;
    struct token open; /* the ( */
    const struct function *function;
    struct term *receiver; /* NULL: none */
    unsigned flags;        /* enum term_flag */
    size_t start;
};

/* Fails because there is no function (method) of this name. */
static struct term *
unknown(struct parser *p, const struct calling *c)
{
    struct weir_text name = c->name.text;
    bool method = c->receiver != NULL;
    if (c->function != NULL) { /* it is there in the other style */
        (void)lex_fail(&p->lexer, c->name.place, "'%.*s' is a %s; write %s", (int)name.len,
                       name.bytes, method ? "function" : "method", c->function->about.usage);
        return NULL;
    }
    const char *near = function_meant(name, method ? EXPR_METHOD : EXPR_FUNCTION);
    if (near == NULL)
        near = function_meant(name, EXPR_METHOD | EXPR_FUNCTION);
    (void)lex_fail(&p->lexer, c->name.place, "unknown %s '%.*s'%s%s%s",
                   method ? "method" : "function", (int)name.len, name.bytes,
                   near != NULL ? "; did you mean '" : "", near != NULL ? near : "",
                   near != NULL ? "'?" : "");
    return NULL;
}

/* Fails unless the function takes N arguments, the receiver included. */
static bool
good_count(struct parser *p, const struct calling *c, unsigned n)
{
    const struct expr_function *f = &c->function->about;
    if (n >= f->min_args && n <= f->max_args)
        return true;
    unsigned own = c->receiver != NULL ? 1 : 0; /* the receiver is not counted */
    unsigned least = f->min_args - own;
    unsigned most = f->max_args - own;
    char takes[40];
    if (most == 0)
        (void)snprintf(takes, sizeof(takes), "no argument");
    else if (least == most)
        (void)snprintf(takes, sizeof(takes), "%u argument%s", most, most == 1 ? "" : "s");
    else
        (void)snprintf(takes, sizeof(takes), "%u to %u arguments", least, most);
    return lex_fail(&p->lexer, c->name.place, "%s takes %s: %s", f->name, takes, f->usage);
}

/* The arguments, and the ) behind them. */
static bool
arguments(struct parser *p, const struct token *open, struct terms *ts)
{
    while (p->token.kind != TOKEN_CLOSE) {
        struct term *t = parse_expression(p);
        if (t == NULL)
            return false;
        terms_add(p, ts, t);
        if (p->token.kind != TOKEN_COMMA)
            break;
        if (!parser_next(p))
            return false;
    }
    return parser_close(p, TOKEN_CLOSE, open);
}

/* has(a.b): a field, and nothing else. */
static struct term *
has(struct parser *p, const struct calling *c, struct terms ts)
{
    struct term *t = ts.at[0];
    if (!(t->flags & TERM_FIELD)) {
        (void)lex_fail(&p->lexer, t->place, "has() needs a field, such as has(a.b)");
        return NULL;
    }
    term_allow_absent(t);
    return term_done(p, term_new(p, TERM_HAS, c->start, ts));
}

/* The name of a macro's variable, and the comma behind it. */
static bool
variable(struct parser *p, const struct calling *c)
{
    if (p->token.kind != TOKEN_NAME || lex_reserved(p->token.text)) {
        char expected[120];
        (void)snprintf(expected, sizeof(expected), "a name for the items, as in %s",
                       c->function->about.usage);
        return parser_expected(p, expected);
    }
    if (p->n_variables == EXPR_VARIABLES_MAX)
        return lex_fail(&p->lexer, p->token.place, "more than %d macros inside each other",
                        EXPR_VARIABLES_MAX);
    p->variables[p->n_variables] = p->token.text;
    if (!parser_next(p))
        return false;
    if (p->token.kind != TOKEN_COMMA)
        return p->token.kind == TOKEN_CLOSE ? good_count(p, c, 2)
                                            : parser_expected(p, "',' behind the name");
    return parser_next(p);
}

/* list.all(x, p) and its like, with the token behind the ( at hand. */
static struct term *
macro(struct parser *p, const struct calling *c)
{
    struct terms ts = { 0 };
    terms_add(p, &ts, c->receiver);
    if (!variable(p, c))
        return NULL;
    unsigned number = p->n_variables++;
    bool good = arguments(p, &c->open, &ts);
    p->n_variables--;
    if (!good || !good_count(p, c, ts.n + 1))
        return NULL;
    struct term *t = term_new(p, (enum term_kind)c->function->macro, c->start, ts);
    t->variable = number;
    t->flags |= (uint8_t)c->flags;
    return term_done(p, t);
}

/* Compiles a regular expression that is a constant. */
static bool
prepare_regex(struct parser *p, struct term *t)
{
    if (t->function->fn != function_matches || t->operands[1]->kind != TERM_CONST)
        return true;
    const struct term *arg = t->operands[1];
    if (arg->constant->type != WEIR_STRING)
        return lex_fail(&p->lexer, arg->place, "a regular expression is a string");

    struct weir_error err;
    struct regex *re;
    if (regex_new(value_as_text(arg->constant), false, &re, &err) != WEIR_OK)
        return lex_fail(&p->lexer, arg->place, "%s", err.text);
    struct owned *o = parser_alloc(p, sizeof(*o));
    *o = (struct owned){ .next = p->expr->owned, .regex = re };
    p->expr->owned = o;
    t->regex = re;
    return true;
}

static struct term *
call(struct parser *p, const struct calling *c, struct terms ts)
{
    struct term *t = term_new(p, TERM_CALL, c->start, ts);
    t->function = c->function;
    t->flags |= (uint8_t)c->flags;
    struct weir_error err;
    const struct term *wrong = t;
    if (function_check(t, &wrong, &err) != WEIR_OK) {
        (void)lex_fail(&p->lexer, wrong->place, "%s", err.text);
        return NULL;
    }
    return prepare_regex(p, t) ? term_done(p, t) : NULL;
}

struct term *
parse_call(struct parser *p, size_t start, const struct token *name, struct term *receiver,
           bool optional)
{
    struct calling c = { .name = *name,
                         .open = p->token,
                         .function = function_find(name->text),
                         .receiver = receiver,
                         .start = start };
    unsigned style = receiver != NULL ? EXPR_METHOD : EXPR_FUNCTION;
    if (c.function == NULL || !(c.function->about.styles & style))
        return unknown(p, &c);
    if (!parser_next(p))
        return NULL;

    bool is_macro = c.function->fn == NULL;
    c.flags = (receiver != NULL ? TERM_METHOD : 0u) | (optional ? TERM_OPTIONAL : 0u);
    if (is_macro && receiver != NULL)
        return macro(p, &c);

    struct terms ts = { 0 };
    if (receiver != NULL)
        terms_add(p, &ts, receiver);
    if (!arguments(p, &c.open, &ts) || !good_count(p, &c, ts.n))
        return NULL;
    return is_macro ? has(p, &c, ts) : call(p, &c, ts);
}

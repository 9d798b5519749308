/* expr/parse.h - inside the room: from tokens to terms.
 *
 * parse.c has the grammar of operators, parse_access.c that of what they work on, parse_call.c
 * calls and macros, fold.c what is done with terms as they are made.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef EXPR_PARSE_H
#define EXPR_PARSE_H

#include "expr/function.h"
#include "expr/lex.h"
#include "expr/term.h"

struct parser {
    struct lexer lexer;
    bool closing; /* the expression is closed by a }, as in ${ } */

    struct token token; /* the one at hand               */
    size_t end;         /* where the one before it ended */
    struct expr *expr;
    unsigned nesting;
    struct weir_text variables[EXPR_VARIABLES_MAX]; /* of the macros around */
    unsigned n_variables;
};

/* Operands in the making. */
struct terms {
    struct term **at;
    unsigned n;
    unsigned room;
};

/* Makes P ready for the expression that starts at START of TEXT; RET_PLACE and ERR may be NULL.
 */
void parser_init(struct parser *p, struct weir_text text, size_t start);

/* Parses. With CLOSING, P's lexer stands behind the } afterwards. */
enum weir_code parser_run(struct parser *p, struct expr **ret, struct expr_place *ret_place,
                          struct weir_error *err) MUST_USE;

/* -- the grammar; NULL or false: the error is set -- */

/* One whole expression. */
struct term *parse_expression(struct parser *p);
/* What an operator works on: 1, a.b[c], f(x), (x), [x], {k: v}. */
struct term *parse_operand(struct parser *p);
/* The call of NAME, behind which the ( is at hand; it starts at START with the receiver (NULL:
 * a function), which may be absent if OPTIONAL. */
struct term *parse_call(struct parser *p, size_t start, const struct token *name,
                        struct term *receiver, bool optional);
/* Whether a call such as json.encode( follows the name at hand; then NAME is all of it. */
bool parse_spaced_name(struct parser *p, struct token *name, bool *ret_follows);

/* -- tokens -- */

/* Takes the next token. */
bool parser_next(struct parser *p) MUST_USE;
/* Takes the token that closes OPEN, or fails. */
bool parser_close(struct parser *p, enum token_kind kind, const struct token *open) MUST_USE;
/* Fails: EXPECTED should stand where the token at hand does. */
bool parser_expected(struct parser *p, const char *expected);
/* Goes one level down, or fails because there are too many. parser_leave comes up again. */
bool parser_enter(struct parser *p) MUST_USE;
void parser_leave(struct parser *p);
/* The number of the macro's variable of this name; -1 if there is none. */
int parser_variable(const struct parser *p, struct weir_text name);

/* -- terms -- */

/* Memory of the expression. */
void *parser_alloc(struct parser *p, size_t size);
void terms_add(struct parser *p, struct terms *ts, struct term *t);
/* A term from START to the end of the token before the one at hand. */
struct term *term_new(struct parser *p, enum term_kind kind, size_t start, struct terms ts);
/* The same for a constant; takes the reference. */
struct term *term_constant(struct parser *p, size_t start, const struct weir_value **take_v);
/* Ends the making of T: measures it, and evaluates it if that can be done now. NULL: too deep.
 */
struct term *term_done(struct parser *p, struct term *t);
/* Allows the accesses that make the result of T to find nothing. */
void term_allow_absent(struct term *t);
/* Reports the first term that is sure to fail, or stands where it may not. */
bool term_check(struct parser *p, const struct term *root) MUST_USE;

#endif

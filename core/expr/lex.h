/* expr/lex.h - inside the room: from text to tokens, and what goes wrong on the way.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef EXPR_LEX_H
#define EXPR_LEX_H

#include "base/arena.h"
#include "expr/expr.h"

enum token_kind {
    TOKEN_END,
    TOKEN_NAME, /* reserved words too */
    TOKEN_INT,
    TOKEN_DOUBLE,
    TOKEN_STRING,
    TOKEN_BYTES,
    TOKEN_DOT,
    TOKEN_OPTIONAL_DOT,
    TOKEN_OPEN,
    TOKEN_CLOSE,
    TOKEN_OPEN_LIST,
    TOKEN_CLOSE_LIST,
    TOKEN_OPEN_MAP,
    TOKEN_CLOSE_MAP,
    TOKEN_COMMA,
    TOKEN_COLON,
    TOKEN_QUESTION,
    TOKEN_COALESCE,
    TOKEN_NOT,
    TOKEN_MINUS,
    TOKEN_PLUS,
    TOKEN_TIMES,
    TOKEN_DIVIDE,
    TOKEN_REMAINDER,
    TOKEN_LT,
    TOKEN_LE,
    TOKEN_GT,
    TOKEN_GE,
    TOKEN_EQ,
    TOKEN_NE,
    TOKEN_AND,
    TOKEN_OR
};

struct token {
    enum token_kind kind;
    struct expr_place place;
    union {
        uint64_t integer;      /* without a sign              */
        double number;         /* finite                      */
        struct weir_text text; /* decoded; lent by the arena,
                                  a name by the source        */
    };
};

struct lexer {
    struct weir_text text;        /* well-formed UTF-8           */
    size_t start;                 /* where the expression starts */
    size_t at;                    /* behind the last token       */
    struct arena *arena;          /* for decoded strings         */
    struct expr_place *ret_place; /* never NULL */
    struct weir_error *err;
};

/* Reads the next token. False: there is none, and the error is set. */
bool lex(struct lexer *l, struct token *ret) MUST_USE;

/* Sets the error and its place; returns false. */
bool lex_fail(struct lexer *l, struct expr_place place, const char *fmt, ...) PRINTF(3, 4) COLD;

/* Writes "column 7", or "line 2, column 7" if the text has lines, for messages. */
#define LEX_WHERE 64
void lex_where(const struct lexer *l, size_t offset, char ret[LEX_WHERE]);

/* The source text of a place, cut to what fits a message. */
struct weir_text lex_quote(const struct lexer *l, struct expr_place place);

/* Whether the word belongs to the language: true, in, if, ... */
bool lex_reserved(struct weir_text word);

#endif

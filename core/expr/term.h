/* expr/term.h - inside the room: what a parsed expression consists of.
 *
 * Terms lie in the arena of their expression and never change once it is parsed. What they
 * refer to on the heap (constants, regular expressions) is listed in the expression.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef EXPR_TERM_H
#define EXPR_TERM_H

#include "base/arena.h"
#include "expr/expr.h"
#include "value/regex.h"

enum {
    EXPR_TEXT_MAX = 16 * 1024, /* bytes of an expression                            */
    EXPR_NESTING_MAX = 64,     /* levels of brackets, calls, signs, ?: and ??       */
    EXPR_DEPTH_MAX = 256,      /* levels of terms: 1 + 1 + 1 ... is as deep as long */
    EXPR_VARIABLES_MAX = 8,    /* macros inside macros                              */
    EXPR_ARGS_MAX = 8          /* the receiver included                             */
};

/* Kind, and how messages call it. Comparisons stand together, from EQ to IN. */
#define TERMS(X)                                                                             \
    X(CONST, "a constant")                                                                   \
    X(LIST, "a list")                                                                        \
    X(MAP, "a map")                                                                          \
    X(CHAIN, "an access")                                                                    \
    X(CALL, "a call")                                                                        \
    X(NOT, "!")                                                                              \
    X(MINUS, "-")                                                                            \
    X(ADD, "+")                                                                              \
    X(SUBTRACT, "-")                                                                         \
    X(MULTIPLY, "*")                                                                         \
    X(DIVIDE, "/")                                                                           \
    X(REMAINDER, "%")                                                                        \
    X(EQ, "==")                                                                              \
    X(NE, "!=")                                                                              \
    X(LT, "<")                                                                               \
    X(LE, "<=")                                                                              \
    X(GT, ">")                                                                               \
    X(GE, ">=")                                                                              \
    X(IN, "in")                                                                              \
    X(AND, "&&")                                                                             \
    X(OR, "||")                                                                              \
    X(COALESCE, "??")                                                                        \
    X(CHOOSE, "?:")                                                                          \
    X(HAS, "has")                                                                            \
    X(ALL, "all")                                                                            \
    X(EXISTS, "exists")                                                                      \
    X(EXISTS_ONE, "exists_one")                                                              \
    X(EACH, "map")                                                                           \
    X(FILTER, "filter")

enum term_kind {
#define X(name, text) TERM_##name,
    TERMS(X)
#undef X
};

enum term_flag {
    TERM_CLOSED = 1u << 0,   /* reads no name, nor anything that changes from call to call */
    TERM_FAILS = 1u << 1,    /* closed, and its evaluation fails                           */
    TERM_METHOD = 1u << 2,   /* a call of the form x.f(): operand 0 is x                   */
    TERM_OPTIONAL = 1u << 3, /* a call of the form x?.f()                                  */
    TERM_GROUPED = 1u << 4,  /* stands in parentheses                                      */
    TERM_FIELD = 1u << 5     /* an access of the form x.y or x["y"], even if x is constant */
};

/* One step from a value to something inside it. */
struct part {
    struct weir_text key; /* constant: .key or ["key"]; BYTES is NULL if INDEX counts */
    struct term *index;   /* [index]; NULL if KEY counts                              */
    struct expr_place place;
    size_t holder_end; /* where the source of what it is a part of ends */
    bool optional;     /* reached by ?. */
};

/* NAME.part[part]?.part, or the same behind a macro's variable or any other term. */
struct chain {
    struct term *base; /* NULL: it starts with a name                             */
    int variable;      /* the number of the macro's variable; -1: not a variable  */
    bool absent_ok;    /* left of ??, or inside has()                             */
    bool bound;        /* not a name of the environment: a base or a variable     */
    unsigned n_parts;  /* without the name                                        */
    unsigned optional_from; /* as in struct expr_access                           */
    struct expr_path path;  /* n is 0 if bound                                    */
    const struct expr_place *places;
    const struct part *parts;
};

struct function;

struct term {
    uint8_t kind;   /* enum term_kind                                   */
    uint8_t flags;  /* enum term_flag                                   */
    uint16_t depth; /* levels of terms, this one included               */
    uint32_t n;     /* operands                                         */
    struct expr_place place;
    struct term **operands; /* of a map: key, value, key, value ...; of
                               a macro: the list, then its expressions  */
    union {
        const struct weir_value *constant;
        struct chain *chain;
        const struct function *function;
        unsigned variable; /* of a macro */
    };
    const struct regex *regex; /* of matches() with a constant; owned by the expression */
};

/* What an expression has on the heap. */
struct owned {
    struct owned *next;
    const struct weir_value *value;
    struct regex *regex;
};

struct expr {
    struct arena arena;
    struct term *root;
    struct weir_text source; /* a copy of the expression's own text    */
    size_t base;             /* the place that its first byte has      */
    struct owned *owned;
};

/* The part of the source that T was read from, cut to what fits a message. */
struct weir_text term_text(const struct expr *e, const struct term *t);

/* The same from OFFSET to END. */
struct weir_text term_text_between(const struct expr *e, size_t offset, size_t end);

#endif

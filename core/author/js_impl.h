/* author/js_impl.h - what the files of the converter of JavaScript share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AUTHOR_JS_IMPL_H
#define AUTHOR_JS_IMPL_H

#include "author/js.h"

#define JS_MAX 8192u       /* bytes of an expression */
#define JS_WORK (8u << 20) /* bytes that converting one may take */
#define JS_DEPTH 40u       /* brackets, operators and calls in each other */
#define JS_LOCALS 8u
#define JS_ARGS 8u
#define JS_NOTES 8u
#define JS_ZONE "times are in UTC here, and in the time zone of the workflow in n8n"

enum js_kind {
    JS_TERM,    /* a value; its text is an expression */
    JS_JSON,    /* the data of a node: BASE */
    JS_ITEM,    /* an item of a node: .json is its data */
    JS_NODE,    /* what a node gave: items */
    JS_NODES,   /* $node: all nodes by name */
    JS_ENV,     /* $env */
    JS_MOMENT,  /* a time: its text is milliseconds */
    JS_GLOBAL,  /* Math, JSON ...: its text is the name */
    JS_FUNCTION /* a global function, of that name */
};

/* How tightly the outermost operator of a text binds; higher is tighter. */
enum js_level {
    LEVEL_CHOICE = 1,
    LEVEL_DEFAULT,
    LEVEL_OR,
    LEVEL_AND,
    LEVEL_RELATION,
    LEVEL_SUM,
    LEVEL_PRODUCT,
    LEVEL_UNARY,
    LEVEL_PRIMARY
};

/* What is known of a term that is a number. */
enum js_number { NUMBER_NO, NUMBER_WHOLE, NUMBER_REAL };

/* A part of an expression that was read. */
struct js_term {
    enum js_kind kind;
    const char *text;
    enum js_level level;
    bool truth;            /* it is true or false */
    bool string;           /* it is a text */
    bool literal;          /* a constant */
    bool chain;            /* names and members only: what may stand before ?? */
    bool null;             /* null or undefined */
    bool undefined;        /* the latter */
    bool list;             /* a list that is written out */
    bool texts;            /* a map of texts: the headers, query or params of a request */
    bool headers;          /* the first of these */
    bool zone;             /* a time that n8n shows in the time zone of the workflow */
    enum js_number number; /* it is a number */
    const char *when;      /* how it reads where only its truth counts, an expression; NULL: it is
                              asked of the text */
    enum js_level when_level;
    const char *params;    /* of the params of a request, as in js_base */
    bool regex;            /* a regular expression: TEXT is its pattern as a literal */
    struct weir_text name; /* what a string literal says; bytes NULL: it is none */
    struct js_base base;
};

enum js_token_kind {
    JS_END,
    JS_NAME,
    JS_NUMBER,
    JS_STRING,
    JS_PIECES, /* a template literal: its raw text */
    JS_REGEX,
    JS_MARK /* an operator or bracket */
};

struct js_token {
    enum js_token_kind kind;
    struct weir_text raw;  /* as it stands; of JS_PIECES without the quotes */
    struct weir_text text; /* of a string: decoded */
};

/* An expression that is being read. */
struct js {
    struct arena *a;
    const struct js_names *names;
    struct weir_text source;
    size_t at;
    struct js_token token; /* the next one */
    unsigned depth;
    struct weir_text locals[JS_LOCALS]; /* parameters of arrow functions */
    unsigned n_locals;
    const char *notes[JS_NOTES];
    unsigned n_notes;
    const char *why; /* it failed; NULL: not yet */
};

/* Reads the next token. REGEX: a '/' here begins a regular expression. */
void js_next(struct js *j, bool regex);

/* RAW with its escapes as the characters for which they stand. */
struct weir_text js_unescaped(struct js *j, struct weir_text raw);

/* Whether the next token is the operator or word; js_take passes it if so, js_expect fails if
 * not. */
bool js_at(const struct js *j, const char *mark);
bool js_take(struct js *j, const char *mark);
void js_expect(struct js *j, const char *mark);

/* Fails with a reason, unless it failed already. Returns a term that stands for nothing. */
struct js_term js_fail(struct js *j, const char *fmt, ...) PRINTF(2, 3);

/* Notes that something may come out otherwise than in n8n; WHAT is a constant. */
void js_note(struct js *j, const char *what);

/* printf into the arena. */
const char *js_printf(struct js *j, const char *fmt, ...) PRINTF(2, 3);

/* A term of a text whose outermost operator has LEVEL. */
struct js_term js_term(const char *text, enum js_level level);

/* The text of T as a value, in brackets if it binds less tightly than LEVEL. */
const char *js_value(struct js *j, struct js_term t, enum js_level level);

/* T as something true or false, as JavaScript sees it: js_joins.c. */
struct js_term js_truth(struct js *j, struct js_term t);

/* T as a text. */
const char *js_string(struct js *j, struct js_term t, enum js_level level);

/* T as a part of a text: 2.0 as 2. */
const char *js_part(struct js *j, struct js_term t, enum js_level level);

/* The data of a node as a term, which may be absent. */
struct js_term js_data(struct js *j, const struct js_base *b);

/* A and B with the operator OP of JavaScript, which has LEVEL, between them: js_joins.c. */
struct js_term js_join(struct js *j, struct js_term a, struct js_term b, const char *op,
                       enum js_level level);

/* Reads a whole expression: js_parse.c. */
struct js_term js_parse(struct js *j);

/* What NAME stands for, and a member NAME of T (MAYBE: behind ?.): js_names.c. */
struct js_term js_name(struct js *j, struct weir_text name);
struct js_term js_member(struct js *j, struct js_term t, struct weir_text name, bool maybe);
/* The parameter NAME of an arrow function, as it is called here. */
const char *js_local(struct js *j, struct weir_text name);
/* T[KEY]: KEY is a term. */
struct js_term js_index(struct js *j, struct js_term t, struct js_term key);

/* T.NAME(ARGS); of T JS_FUNCTION without NAME: js_methods.c. */
struct js_term js_call(struct js *j, struct js_term t, struct weir_text name,
                       const struct js_term *args, unsigned n);

/* Calls of what stands for times and for global names: js_globals.c. */
struct js_term js_call_global(struct js *j, struct weir_text global, struct weir_text name,
                              const struct js_term *args, unsigned n);
struct js_term js_call_moment(struct js *j, struct js_term t, struct weir_text name,
                              const struct js_term *args, unsigned n);

#endif

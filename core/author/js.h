/* author/js.h - the expressions of n8n, which are JavaScript, as expressions of weir.
 *
 * What has no counterpart fails with a reason; what may come out otherwise is noted. Nothing else
 * is guessed, but for what a person would read past: item lists are one item, and texts are cut
 * by characters. All memory belongs to the arena; one thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AUTHOR_JS_H
#define AUTHOR_JS_H

#include "base/arena.h"
#include "base/err.h"

/* What the data of a step looks like to n8n, and what it is here. */
enum js_shape {
    JS_VALUE,   /* the same */
    JS_REQUEST, /* a webhook's: body, headers, query, params */
    JS_ANSWER,  /* a whole HTTP answer: statusCode, headers, body */
    JS_FAILURE  /* of the error trigger: execution.error.message ... */
};

struct js_base {
    const char *text; /* an expression: "steps.user.body"; NULL: not known */
    enum js_shape shape;
    bool maybe; /* it may be absent: TEXT is a chain whose last part may lack */
    const char *params; /* of a request: those of its path, each between blanks; NULL: not known */
};

/* What an expression may name. */
struct js_names {
    struct js_base json;                                                 /* $json */
    bool (*node)(void *arg, struct weir_text name, struct js_base *ret); /* $('NAME') */
    void (*note)(void *arg, const char *what); /* what is not quite the same, a constant; or NULL */
    void *arg;
};

/* The expression JS as one of weir; NULL and *ret_why (a phrase) if it has none. */
const char *js_expression(struct arena *a, struct weir_text js, const struct js_names *names,
                          const char **ret_why);

/* A text of n8n: constant, or with expressions in {{ }}. */
struct js_text {
    struct weir_text text; /* with ${ }; $ is escaped where it has to be */
    unsigned expressions;
    unsigned failed; /* expressions that have no counterpart: each became one that fails when
                        it is evaluated, and names itself */
    const char *why; /* of the last that failed */
    struct weir_text which; /* that one, as it stood */
};

/* Converts TEXT; a '=' in front, which n8n keeps for itself, is dropped. */
struct js_text js_template(struct arena *a, struct weir_text text,
                           const struct js_names *names);

/* The text as one expression: a whole {{ }} as it is, a constant as a string, a mixture joined.
 * NULL and *ret_why if it has no counterpart. */
const char *js_operand(struct arena *a, struct weir_text text, const struct js_names *names,
                       const char **ret_why);

/* Whether TEXT is an expression of weir; *ret_why if not. */
bool js_is_expression(struct arena *a, const char *text, const char **ret_why);

/* TEXT as a string literal of an expression. */
const char *js_literal(struct arena *a, struct weir_text text);

/* TEXT with "${" written as "$${", so that it stays a text. */
struct weir_text js_escaped(struct arena *a, struct weir_text text);

#endif

/* expr/functions.h - what can be called in an expression: for the reference, help and hints.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef EXPR_FUNCTIONS_H
#define EXPR_FUNCTIONS_H

#include "base/err.h"

enum expr_style {
    EXPR_FUNCTION = 1u << 0, /* f(x)                                                      */
    EXPR_METHOD = 1u << 1,   /* x.f(): the receiver is the first argument                 */
    EXPR_MACRO = 1u << 2,    /* takes an expression; as a function (has) or method (all)  */
    EXPR_CHANGING = 1u << 3, /* differs from call to call: now, uuid                      */
    EXPR_WASHING = 1u << 4   /* what it gives is not secret, even if its arguments are    */
};

struct expr_function {
    const char *name;    /* "size", "json.encode"                          */
    const char *usage;   /* "text.indexOf(part, from?)"                    */
    const char *summary; /* one sentence                                   */
    unsigned min_args;   /* the receiver included                          */
    unsigned max_args;
    unsigned styles; /* enum expr_style */
};

/* Number INDEX of all functions, methods and macros, by groups; NULL past the end. */
const struct expr_function *expr_function_at(unsigned index);

/* The function of a name such as "size" or "json.encode"; NULL if there is none. */
const struct expr_function *expr_function_find(struct weir_text name);

#endif

/* expr/expr.h - expressions: parsed once, checked against the names in scope, evaluated often.
 *
 * The language is the subset of CEL (cel-spec) that docs/language.md describes, with ?? and
 * ?. added. An expression has no loops but the macros, no side effects and a bounded cost. A
 * compiled expression never changes: any thread may evaluate it.
 *
 * Where it departs from CEL on purpose: ints and doubles mix in arithmetic and give a double
 * (JSON does not tell 1 from 1.0 by its author's will); no result is infinite or not a number,
 * division by zero is an error; keys of maps are strings; has() forgives a missing field
 * anywhere in its chain and takes x["key"]; in == and != what is absent by ?. is null; a
 * constant part that is sure to fail is refused by expr_parse.
 *
 * An evaluation takes at most 100,000 steps and makes at most 16 MiB, then it fails as
 * "too costly", which nothing in the expression can catch. An expression has at most 16 KiB,
 * 64 levels of nesting and 256 operators in a row. Errors name parts of the source, types and
 * keys, but never the content of a value.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef EXPR_EXPR_H
#define EXPR_EXPR_H

#include "base/buf.h"
#include "base/id.h"
#include "value/value.h"

struct expr;

/* Where in the source text a fault is: bytes from its start. */
struct expr_place {
    size_t offset;
    size_t len;
};

/* Parses TEXT (without the ${ }). WEIR_INVALID with the place of the fault in *ret_place and a
 * sentence in ERR; regular expressions that are literals are compiled here. */
enum weir_code expr_parse(struct weir_text text, struct expr **ret, struct expr_place *ret_place,
                          struct weir_error *err) MUST_USE;

/* Frees; NULL is accepted and left. */
void expr_free(struct expr **e);

/* Tells the memory that an evaluation reads, for whoever fetches it ahead into the caches. */
void expr_each_memory(const struct expr *e, void (*fn)(void *arg, const void *at, size_t len),
                      void *arg);

/* What is known of a chain before it is evaluated, in numbers that mean something to whoever
 * finds its names (expr_env.find). All 0: nothing. */
struct expr_known {
    uint32_t what;
    uint32_t index;
};

/* One chain of accesses that starts at a name which no macro binds: request.headers["x-id"]. */
struct expr_access {
    const struct weir_text *path;     /* the name, then constant keys; a chain ends before what
                                         is not constant */
    const struct expr_place *places;  /* of each part */
    unsigned n;
    unsigned optional_from; /* index of the first part that is reached by ?.; N if none */
    bool absent_ok;         /* left of ??, or inside has() */
    bool whole;             /* nothing follows: neither a dynamic index nor a call on it */
    bool washed;            /* flows only into hmac, sha256, size or a comparison */
    bool result;            /* whole, and it may be what the expression gives: the expression
                               itself, or a branch of ?: or ?? of it */
    struct expr_known *known; /* of the chain; may be set until it is evaluated */
};

/* Tells every access chain of E to FN, in order of the text. */
void expr_each_access(const struct expr *e, void (*fn)(void *arg, const struct expr_access *), void *arg);

/* What a chain of accesses begins with. */
struct expr_path {
    const struct weir_text *keys; /* the name, then the constant keys behind it */
    unsigned n;
    struct expr_known known;
};

/* What an expression sees while it is evaluated. */
struct expr_env {
    /* Finds the name keys[0] of PATH and follows as many of the n keys as it likes, but not
     * beyond what is no map: how many in *ret_used (at least 1). *ret is lent until the
     * evaluation ends, and may be a scalar or a text on the stack. WEIR_NOT_FOUND if key number
     * *ret_used - 1 is absent; other codes are errors of the expression (ERR is filled). */
    enum weir_code (*find)(struct expr_env *env, const struct expr_path *path,
                           struct weir_value *ret, unsigned *ret_used, struct weir_error *err);
    uint64_t (*now_ms)(struct expr_env *env);               /* wall time, for now() */
    void (*uuid)(struct expr_env *env, char ret[ID_UUID]);  /* for uuid() */
    void *arg;
};

/* The clock and the UUIDs (version 4) of an environment in which nothing is repeated. */
uint64_t expr_now_ms(struct expr_env *env);
void expr_uuid(struct expr_env *env, char ret[ID_UUID]);

/* Evaluates. *ret is owned by the caller. WEIR_NOT_FOUND: the result is absent, by ?. only.
 * WEIR_SCRIPT: an error, such as a missing field ("steps.user.name: there is no 'name'"), a
 * wrong type or an overflow; the text names the part of the expression. Other codes come from
 * the environment (a body that can't be parsed: WEIR_INVALID). */
enum weir_code expr_eval(const struct expr *e, struct expr_env *env, const struct weir_value **ret,
                         struct weir_error *err) MUST_USE;

/* Evaluates to a bool without making a value; WEIR_SCRIPT if it is none. */
enum weir_code expr_eval_bool(const struct expr *e, struct expr_env *env, bool *ret,
                              struct weir_error *err) MUST_USE;

#endif

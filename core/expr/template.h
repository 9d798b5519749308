/* expr/template.h - text with ${ expressions } in it.
 *
 * One whole ${ } keeps the value's type; otherwise the parts are joined as text: null is
 * empty, lists and maps are JSON, bytes an error. $${ is a literal ${. A compiled template
 * never changes: any thread may evaluate it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef EXPR_TEMPLATE_H
#define EXPR_TEMPLATE_H

#include "expr/expr.h"

struct template;

enum template_kind {
    TEMPLATE_VALUE, /* as above */
    TEMPLATE_URL    /* after the authority each ${ } is percent-encoded as one segment or one
                       query value; ".", "..", CR and LF are refused; url.raw() opts out of the
                       encoding, as the whole of a ${ } only. In scheme, host and port a value
                       has letters, digits and -._~:[] only; a ${ } that the text starts with
                       is the base, and put in as it is. WEIR_INVALID for a value that may not
                       stand where it does. The result is always a string. */
};

/* Whether TEXT holds an expression or an escaped one at all. */
bool template_needed(struct weir_text text);

/* Parses TEXT. WEIR_INVALID with the place of the fault within TEXT. */
enum weir_code template_parse(struct weir_text text, enum template_kind kind,
                              struct template **ret, struct expr_place *ret_place,
                              struct weir_error *err) MUST_USE;

/* Frees; NULL is accepted and left. */
void template_free(struct template **t);

/* Whether it is one whole ${ }. */
bool template_is_whole(const struct template *t);

/* The path that T is, if it is one whole ${ } with a name and constant keys behind it, such as
 * ${ request.params.id }, and no URL; else NULL. It lives as long as T. */
const struct expr_path *template_path(const struct template *t);

/* Whether an expression stands in the scheme, host or port of a TEMPLATE_URL. If so its
 * accesses alone are told by template_each_authority_access. */
bool template_has_authority_expr(const struct template *t);
void template_each_authority_access(const struct template *t,
                                    void (*fn)(void *arg, const struct expr_access *),
                                    void *arg);

/* Tells every access chain, with places relative to the template's text. */
void template_each_access(const struct template *t,
                          void (*fn)(void *arg, const struct expr_access *), void *arg);

/* Tells the memory that an evaluation reads, for whoever fetches it ahead into the caches. */
void template_each_memory(const struct template *t,
                          void (*fn)(void *arg, const void *at, size_t len), void *arg);

/* Evaluates, as expr_eval does. In text an absent part is WEIR_SCRIPT. */
enum weir_code template_eval(const struct template *t, struct expr_env *env,
                             const struct weir_value **ret, struct weir_error *err) MUST_USE;

/* Evaluates T, which is one whole ${ } and no URL, and hands its value to USE, lent, without
 * making one that would outlive the evaluation. Returns what USE does; WEIR_NOT_FOUND and other
 * codes as expr_eval. */
typedef enum weir_code template_use_fn(void *arg, const struct weir_value *v,
                                       struct weir_error *err);
enum weir_code template_eval_lent(const struct template *t, struct expr_env *env,
                                  template_use_fn *use, void *arg,
                                  struct weir_error *err) MUST_USE;

/* Evaluates and appends the text of the result to OUT; *ret_secret is set if any of it was
 * made from a secret (may be NULL). WEIR_SCRIPT if OUT is full; after a failure OUT may hold a
 * part. WEIR_NOT_FOUND: one whole ${ } whose value is absent. */
enum weir_code template_eval_text(const struct template *t, struct expr_env *env,
                                  struct buf *out, bool *ret_secret,
                                  struct weir_error *err) MUST_USE;

/* Appends V as text in a template shows it; WEIR_SCRIPT for bytes and streams, or
 * if OUT is full. */
enum weir_code text_of_value(const struct weir_value *v, struct buf *out,
                             struct weir_error *err) MUST_USE;

#endif

/* pipeline/part.h - a piece of configuration, compiled: constants, templates, lists and maps of
 * such.
 *
 * Never changes after the load: any thread may evaluate it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PIPELINE_PART_H
#define PIPELINE_PART_H

#include "expr/template.h"
#include "pipeline/diag.h"
#include "value/schema.h"

enum part_kind { PART_CONSTANT, PART_TEMPLATE, PART_LIST, PART_MAP };

struct part {
    enum part_kind kind;
    bool reads_event;     /* an expression in it reads request, input, steps, item, error ... */
    bool may_be_secret;   /* the schema lets a secret flow in here (writeOnly) */
    bool url;             /* its template is a URL (format uri) */
    bool authority_event; /* the host of the URL is made of event data */
    struct mark mark;
    const struct weir_value
        *constant;             /* PART_CONSTANT; with VALUE_DYNAMIC texts in it for others */
    struct template *template; /* PART_TEMPLATE; owned */
    const struct expr_path *path; /* what the whole template is; NULL: more than a path */
    struct schema *check;      /* what the value must conform to; NULL: anything */
    const char *format;        /* duration, bytes, rate, percent: text becomes number */
    const char *pointer;       /* of this part within the configuration, for errors */
    struct part **items;       /* members of lists and maps, also of constant ones */
    struct weir_text *keys;    /* of a map */
    unsigned n;
};

/* The part at a JSON POINTER ("" is P itself), also within a constant; NULL if there is none,
 * or the schema says nothing of the constant around it. */
const struct part *part_find(const struct part *p, const char *pointer);

/* Whether there is no expression in it. */
bool part_is_constant(const struct part *p);

/* Evaluates; *ret is owned. Checks what the schema says of each evaluated value: WEIR_INVALID
 * with the pointer; a text of a format becomes a number, as in config_value. Absent members
 * are left out of maps; in a list they are WEIR_SCRIPT. WEIR_NOT_FOUND: P itself is absent.
 * WEIR_SCRIPT: a secret came out where the schema wants none. */
enum weir_code part_eval(const struct part *p, struct expr_env *env,
                         const struct weir_value **ret, struct weir_error *err) MUST_USE;

/* Whether V, which is no secret, may stand where P is. */
bool part_takes(const struct part *p, const struct weir_value *v);

/* Evaluates to text, appended to OUT, as part_eval otherwise; absent is WEIR_NOT_FOUND. */
enum weir_code part_eval_text(const struct part *p, struct expr_env *env, struct buf *out,
                              struct weir_error *err) MUST_USE;

#endif

/* pipeline/named.h - parts of a configuration that may stand under a name in weir.yaml: x-weir-named.
 *
 * Where a schema says "x-weir-named": { "kind": "cors" }, an author may write a name instead of the part: what
 * stands under resources.cors.NAME is put in its place before anything is checked. "built_in" has those that are
 * there without being described. Unlike resources.h nothing is shared but the text. Main thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PIPELINE_NAMED_H
#define PIPELINE_NAMED_H

#include "pipeline/config.h"

/* A kind of such parts, in the schema that knows it. */
struct named_kind {
    struct weir_text name;         /* "cors" */
    const struct weir_value *root; /* the schema of a type */
    const struct weir_value *at;   /* what it says of the part */
    const char *type;              /* the type's name */
};

/* N, described by SPEC, with what the names in it stand for; N itself if there are none. A name that
 * nothing has is an error. */
const struct yaml_node *named_filled(struct loading *l, const struct yaml_node *n, struct spec spec);

/* The kind of that name. False if no type knows it. */
bool named_find(const struct registry *r, struct weir_text name, struct named_kind *ret);

/* The kinds that there are, each once; returns how many. */
unsigned named_kinds(const struct registry *r, struct named_kind *ret, unsigned room);

/* The schema of what may stand under a name of that kind. Owned by the caller. */
const struct weir_value *named_doc(const struct named_kind *k);

#endif

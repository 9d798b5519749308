/* pipeline/owned.h - what a pipeline has to free besides its arena. One thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PIPELINE_OWNED_H
#define PIPELINE_OWNED_H

#include "pipeline/model.h"

/* Memory that lives as long as P, zeroed. Never fails: what a file can make grow is bounded
 * by the limits of the YAML reader. */
void *own_alloc(struct pipeline *p, size_t size);

/* A copy of TEXT with a NUL behind it that lives as long as P. */
char *own_text(struct pipeline *p, struct weir_text text);

/* Give a thing to P, which frees it at its end; the caller goes on with the lent pointer. */
const struct weir_value *own_value(struct pipeline *p, const struct weir_value *take_v);
struct template *own_template(struct pipeline *p, struct template *take_t);
struct expr *own_expr(struct pipeline *p, struct expr *take_e);
struct schema *own_schema(struct pipeline *p, struct schema *take_s);

/* Tells the access chains of all templates and expressions that were given to P. */
void owned_each_access(const struct pipeline *p, void (*fn)(void *arg, const struct expr_access *),
                       void *arg);

/* Frees all that was given to P. */
void owned_free(struct pipeline *p);

#endif

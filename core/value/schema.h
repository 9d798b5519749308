/* value/schema.h - JSON Schema 2020-12, compiled once and evaluated without allocation when
 * valid.
 *
 * Values that carry VALUE_DYNAMIC (expressions of a configuration) satisfy any schema but
 * false. Only notes of many thousand items or members take memory. Whatever the value is, a
 * check ends soon: one that would take too many steps or levels is a violation itself. Checks
 * are for any thread; compiling is for one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef VALUE_SCHEMA_H
#define VALUE_SCHEMA_H

#include "value/value.h"

struct schema;

/* Gives the document of an absolute URI without fragment, borrowed; NULL if there is none. */
typedef const struct weir_value *schema_load_fn(void *arg, struct weir_text uri);

/* Compiles a schema. $ref goes to the schema itself, to the 2020-12 meta-schemas (built in),
 * and to what LOAD gives (NULL: nothing). WEIR_INVALID names the place by a JSON pointer:
 * "#/properties/age/minimum: must be a number". Refuses an unknown $schema. The schema keeps
 * its own reference to DOC. */
enum weir_code schema_new(const struct weir_value *doc, schema_load_fn *load, void *arg,
                          struct schema **ret, struct weir_error *err) MUST_USE;

/* Frees; NULL is accepted and left. */
void schema_free(struct schema **s);

/* One violation: where in the value (a JSON pointer) and what, as a sentence. */
typedef void schema_report_fn(void *arg, const char *pointer, size_t pointer_len,
                              const char *detail);

/* Whether V conforms. With REPORT each violation is told (at most 100), deepest places that
 * say most, not every branch of an anyOf. A pattern that takes too many steps is a violation.
 */
bool schema_check(const struct schema *s, const struct weir_value *v, schema_report_fn *report,
                  void *arg);

/* The same with problems as a list [{detail, pointer}] in ERR's detail (owned by ERR) and
 * their number and the first one in ERR's text. WEIR_OK or WEIR_INVALID with status 422. */
enum weir_code schema_verify(const struct schema *s, const struct weir_value *v,
                             struct weir_error *err) MUST_USE;

#endif

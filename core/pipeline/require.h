/* pipeline/require.h - what the environment has to have before anything starts: require: of
 * weir.yaml.
 *
 *   require:
 *     env: { ORDERS_URL: url, PORT: int, REGION: { pattern: "^(eu|us)$" }, NAME: {} }
 *     secrets: [github, stripe]
 *
 * A format is nonempty (what {} means), url, int, duration or bytes; a pattern is a regular
 * expression. Whatever is missing or malformed is said at once, with where it is used. Main thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PIPELINE_REQUIRE_H
#define PIPELINE_REQUIRE_H

#include "pipeline/secrets.h"
#include "pipeline/uses.h"
#include "pipeline/yaml.h"

#define REQUIRE_FORMATS "nonempty url int duration bytes"
#define REQUIRED_MAX 1000 /* names */

struct require; /* what is required; immutable */

/* Reads the map N of the file Y; what is wrong goes to D. Never NULL. */
struct require *require_read(const struct yaml *y, const struct yaml_node *n, struct diags *d);
void require_free(struct require **r);

/* Notes all that is required of secrets in U, as used where it is required. */
void require_note(const struct require *r, struct uses *u);

/* Says what is missing or malformed: of the environment, and of S. U (may be NULL) tells where it
 * is used. No value is shown. */
void require_check(const struct require *r, const struct secrets *s, const struct uses *u, struct diags *d);

/* The JSON Schema of require:; owned by the caller. */
const struct weir_value *require_schema(void);

#endif

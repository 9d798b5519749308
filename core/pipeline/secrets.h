/* pipeline/secrets.h - where secrets.NAME come from: for now the environment, WEIR_SECRET_NAME.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PIPELINE_SECRETS_H
#define PIPELINE_SECRETS_H

#include "base/buf.h"
#include "value/value.h"

struct secrets; /* what was read at one load; immutable */

/* Reads the secrets of the environment. Main thread. */
struct secrets *secrets_new(void);
void secrets_free(struct secrets **s);

/* The secret of that name as a string with VALUE_SECRET, borrowed; NULL if it is not set. Any
 * thread. */
const struct weir_value *secrets_get(const struct secrets *s, struct weir_text name);

/* Replaces every secret that stands in B by "***": a last line of defence for logs and errors.
 * Any thread. */
void secrets_mask(const struct secrets *s, struct buf *b);

#endif

/* pipeline/secrets.h - where secrets.NAME come from: for now the environment, WEIR_SECRET_NAME.
 *
 * secrets.api_key is the variable WEIR_SECRET_api_key or, if that is not set, the one in
 * capitals, WEIR_SECRET_API_KEY. An empty variable counts as not set.
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
 * Secrets of fewer than 4 bytes are left: they stand in too many innocent texts. Any thread. */
void secrets_mask(const struct secrets *s, struct buf *b);

/* Writes the environment's name of a secret, as it is or in CAPITALS; false if it is cut. */
bool secrets_variable(struct weir_text name, bool capitals, char *ret, size_t room);

#endif

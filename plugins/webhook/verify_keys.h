/* webhook/verify_keys.h - the secrets of verify:, from the configuration to bytes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef WEBHOOK_VERIFY_KEYS_H
#define WEBHOOK_VERIFY_KEYS_H

#include "verify.h"

/* Reads the secret or secrets of V's configuration, expressions included. An error names no secret. */
uint32_t keys_take(struct weir_open *open, const struct weir_value *config, struct verify *v, struct weir_error *err);

/* Adds one, which stands at WHERE. */
uint32_t keys_add(struct verify *v, const struct weir_value *value, const char *where, struct weir_error *err);

/* Wipes and frees them. */
void keys_drop(struct verify *v);

#endif

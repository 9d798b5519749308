/* webhook/webhook_open.h - the life of a configured webhook.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef WEBHOOK_WEBHOOK_OPEN_H
#define WEBHOOK_WEBHOOK_OPEN_H

#include "webhook.h"

/* As weir_trigger_type has them. */
uint32_t webhook_open(struct weir_open *open, const struct weir_value *config, void **ret_conf,
                      struct weir_error *err);
void webhook_close(void *conf);

#endif

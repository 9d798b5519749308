/* cli/secrets.h - the parts of weir secrets. SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_SECRETS_H
#define CLI_SECRETS_H

#include "cli/setup.h"

/* weir secrets set, rm, rotate: each changes the encrypted file. S has its settings. Each returns
 * what the command ends with. */
int secrets_set(struct setup *s, const char *name);
int secrets_rm(struct setup *s, const char *name);
int secrets_rotate(struct setup *s);

/* Reads a value from stdin into RET: to its end without one last line end, or, on a terminal, a
 * line without echo, twice. False after saying why not. */
bool secrets_ask(const char *name, struct buf *ret);

#endif

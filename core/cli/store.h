/* cli/store.h - the parts of weir store. SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_STORE_H
#define CLI_STORE_H

#include "cli/args.h"

/* Orders a task of the store by PATH, for FILE or NULL, and waits until it is over. Returns
 * what the command ends with. */
int store_task(const struct args *a, const char *path, const char *file);

/* weir store export. */
int store_export(const struct args *a);

#endif

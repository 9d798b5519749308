/* cli/new_names.h - which names weir new may give, seen from the project that it writes into.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLI_NEW_NAMES_H
#define CLI_NEW_NAMES_H

#include "cli/setup.h"

/* setup_begin with the Lua nodes of the project in FOLDER. False after saying why not. */
bool new_setup(struct setup *s, const struct args *a, const char *folder);

/* Whether NAME is not that of a test in Lua; says what would be right. */
bool new_is_no_test(const char *name);

/* Whether a type may be called NAME; says why not, and what would be right. PLUGIN: its plugin
 * too. */
bool new_type_free(const struct setup *s, const char *folder, const char *name, bool plugin);

/* Whether no pipeline in FOLDER has that NAME, and it makes a file that is read as one; says why
 * not. */
bool new_pipeline_free(const struct setup *s, const char *folder, const char *name);

/* The path of this weir, if the shell would find none or another one; else NULL. */
const char *new_weir_off_path(char *self, size_t room);

#endif

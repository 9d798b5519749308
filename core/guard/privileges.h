/* guard/privileges.h - being nobody special.
 *
 * Main thread, before the first other one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GUARD_PRIVILEGES_H
#define GUARD_PRIVILEGES_H

#include <sys/types.h>

#include "base/err.h"

/* From now on no program that this process becomes or starts has more rights than it has
 * (no_new_privs; prctl(2)). */
void privileges_never_more(void);

/* Finds the user and group that TEXT names, as for privileges_drop. */
enum weir_code privileges_find(const char *text, uid_t *ret_user, gid_t *ret_group, struct weir_error *err) MUST_USE;

/* Becomes the user that TEXT names, "name", "name:group" or numbers for either, for good, with the
 * group's rights and those of no other group but the user's own. WEIR_NOT_FOUND: there is none;
 * WEIR_FORBIDDEN: only root may, or the system kept a way back open. A process that is that user
 * already stays as it is. */
enum weir_code privileges_drop(const char *text, struct weir_error *err) MUST_USE;

/* Whether this is root. */
bool privileges_root(void);

#endif

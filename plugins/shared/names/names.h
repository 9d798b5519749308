/* shared/names.h - names that an author may have meant. All lists end with NULL.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SHARED_NAMES_H
#define SHARED_NAMES_H

#include <weir.h>

/* Whether NAME is one of them. */
bool names_has(const char *const *names, struct weir_text name);

/* ": did you mean 'x'?" in RET, or nothing; and RET. */
const char *names_hint(const char *const *names, struct weir_text name, char *ret, size_t room);

/* "a, b and c" in RET; and RET. */
const char *names_list(const char *const *names, char *ret, size_t room);

#endif

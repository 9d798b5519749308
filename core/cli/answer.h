/* cli/answer.h - answers of a running weir: read, shown as JSON, or complained about.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLI_ANSWER_H
#define CLI_ANSWER_H

#include "cli/args.h"
#include "value/value.h"

/* Asks as api_ask does. With --json the answer is printed as it came, and *ret is NULL; else *ret is
 * the answer, owned by the caller. Of an error the reason is printed. Returns what the command ends
 * with, if *ret is NULL. */
int answer_get(const struct args *a, const char *method, const char *path, const char *body,
               const struct weir_value **ret);

/* The text of a member; empty if it has none. */
struct weir_text answer_member_text(const struct weir_value *v, const char *key);
/* The number of a member; 0 if it has none. */
double answer_member_number(const struct weir_value *v, const char *key);

/* Prints the members of a map, one a line, in line. */
void answer_print_members(const struct weir_value *v);

#endif

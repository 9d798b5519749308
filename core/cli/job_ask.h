/* cli/job_ask.h - what commands about jobs have in common: asking a running weir, and showing.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLI_JOB_ASK_H
#define CLI_JOB_ASK_H

#include "base/buf.h"
#include "cli/args.h"
#include "cli/table.h"
#include "value/value.h"

/* Asks as api_ask does. *ret is the answer, owned by the caller, also with --json. Of an error
 * the reason is printed (with --json the problem document, to stdout), and *ret is NULL.
 * Returns what the command ends with. */
int job_ask(const struct args *a, const char *method, const char *path, const char *body,
            const struct weir_value **ret);

/* The same of one job: /api/v1/jobs/ID, with a VERB that REASON and FORCE go along with, or
 * NULL. */
int job_ask_one(const struct args *a, const char *id, const char *verb, const char *reason,
                bool force, const struct weir_value **ret);

/* Who gives an order, for the audit. */
const char *order_giver(void);

/* Whether each option of NAMES, NULL at the end, is given once at most: of two the first would say nothing. */
bool job_given_once(const struct args *a, const char *const *names);

/* Why an order is given, for the audit: --reason, or what is typed if a terminal is there to be asked and neither
 * --yes nor --json is given. NULL after saying that it is needed; *RET_CODE is what the command ends with then. */
const char *order_reason(const struct args *a, int *ret_code);
/* Whether there will be a reason; says so if not. Before anything is asked of the server. */
bool order_has_reason(const struct args *a);

/* Appends ?NAME=VALUE or &NAME=VALUE; not if VALUE is NULL. */
void job_path_add(struct buf *path, const char *name, const char *value);

/* Asks PATH and its options --limit, --after and those of NAMES ("option=parameter", NULL at
 * the end). As job_ask; with --json the answer is printed, and *ret is NULL. */
int job_ask_list(const struct args *a, const char *path, const char *const *names,
                 const struct weir_value **ret);

/* Whether WORD looks like the id of a job; says so if not. */
bool job_id_looks_good(const struct args *a, const char *word);

/* Says how to get the next page, if V has one: the command as it was given, with its cursor. */
void job_print_next(const struct args *a, const struct weir_value *v);

/* The colour of a state; NULL: none. */
const char *job_state_paint(struct weir_text state);

/* Adds how long ago the moment under KEY was ("5m"), "-" without one. */
void job_add_age(struct table *t, const struct weir_value *v, const char *key);

/* Adds the text under KEY, at most MAX characters of its first line; "-" without one. */
void job_add_text(struct table *t, const struct weir_value *v, const char *key, size_t max);

/* Writes how long MS is in one unit: "5m". */
#define JOB_SPAN 24
void job_span(uint64_t ms, char ret[JOB_SPAN]);

/* The length of the first line of T, at most MAX characters of it. */
size_t job_cut(struct weir_text t, size_t max);

#endif

/* cli/jobs.h - the larger parts of weir jobs, each in a file of its own.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLI_JOBS_H
#define CLI_JOBS_H

#include "cli/args.h"
#include "value/value.h"

/* weir jobs show ID: jobs_show.c. Returns what the command ends with. */
int jobs_show(const struct args *a, const char *id);

/* weir jobs edit ID: jobs_edit.c. Returns what the command ends with. */
int jobs_edit(const struct args *a, const char *id);

/* weir jobs discard without an ID, of those that FILTERS ("option=parameter") take: jobs_discard.c. */
int jobs_discard(const struct args *a, const char *const *filters);

/* Draws how far JOB (an answer to jobs.show) came in its pipeline: jobs_way.c. */
void jobs_way(const struct args *a, const struct weir_value *job, bool colour);

/* weir jobs --group-by fingerprint, with the FILTERS of a list: jobs_group.c. */
int jobs_group(const struct args *a, const char *const *filters);

#endif

/* store/job.h - jobs inside this room: identities as bytes, changes of state, what groups
 * failures.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STORE_JOB_H
#define STORE_JOB_H

#include "store/jobs.h"

#define JOB_ID 16             /* bytes of an identity in the file */
#define JOB_PIPELINE_MAX 1024 /* bytes of a pipeline's name */
#define JOB_FINGERPRINT 17    /* characters of a fingerprint and the NUL */

/* Whether a job in state FROM (0: there was none) may come into state TO. */
bool job_may_become(unsigned from, unsigned to);

/* The bytes of a UUID in text; false if it is none. */
bool job_id_read(struct weir_text text, uint8_t ret[JOB_ID]);

/* The text of 16 bytes; empty for another number of bytes. */
void job_id_write(struct weir_text bytes, char ret[ID_UUID]);

/* The same for all failures that look like one fault: of one pipeline, node and code, with
 * messages that differ in numbers, identities and digests alone. */
void job_fingerprint(struct weir_text pipeline, const struct job_failure *f,
                     char ret[JOB_FINGERPRINT]);

#endif

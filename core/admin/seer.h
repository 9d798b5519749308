/* admin/seer.h - what who asks may not see of jobs: secrets, and what mask: hides of their events.
 *
 * Made when a question is asked, of what is in force then; any thread may look through it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ADMIN_SEER_H
#define ADMIN_SEER_H

#include "engine/generation.h"
#include "pipeline/marks.h"

struct seer {
    struct secrets *secrets;        /* owned; NULL: no pipelines are loaded */
    const struct weir_value *marks; /* { pipeline: [marks] }; owned; NULL: there are none */
};

/* What is hidden under G, which may be NULL. */
struct seer *seer_new(const struct generation *g);

/* Frees; NULL is accepted. */
void seer_free(struct seer **s);

/* All marks for JOB, an answer of the store with its event and pipeline; NULL: none. The caller frees them. */
struct marks *seer_marks(const struct seer *s, const struct weir_value *job);

/* Whether a header or a parameter of that name has a credential. */
bool is_credential(struct weir_text name);

/* Adds the credentials in EVENT, as the store has it, to H. */
void seer_gather(const struct weir_value *event, struct hidden *h);

/* TOLD, a job or a step of one, in which nothing of H stands; owned. Its own words, such as its state, stay. */
const struct weir_value *seer_without(const struct hidden *h, const struct weir_value *told);

#endif

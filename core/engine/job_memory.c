/* engine/job_memory.c - what earlier attempts of a job have left of its steps. See job.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "engine/job.h"
#include "value/msgpack.h"

#define CUT "it was cut in an earlier attempt, and nobody knows whether it acted"

static struct weir_text
keep(struct job_memory *m, struct weir_text t)
{
    char *copy = arena_copy(&m->arena, t.bytes, t.len);
    if (copy == NULL)
        abort();
    return (struct weir_text){ copy, t.len };
}

/* Fills in what a record of a failure means; false: the step is done again. */
static bool
take_failure(struct job_memory *m, struct job_known *k, const struct job_record *r)
{
    if (r->kind == RECORD_BEGUN) {
        k->kind = RECORD_OVER;
        k->code = WEIR_TIMEOUT;
        k->message = TEXT(CUT);
        return true;
    }
    unsigned how = r->output.len == 1 ? (unsigned char)r->output.bytes[0] : JOB_FAILED_UNSENT;
    k->code = r->code;
    k->message = keep(m, r->message);
    return how == JOB_FAILED_SENT || how == JOB_FAILED_CAUGHT;
}

static void
remember(struct job_memory *m, const struct job_record *r)
{
    struct weir_error err;
    struct job_known *k = arena_take(&m->arena, sizeof *k);
    if (k == NULL)
        abort();
    *k = (struct job_known){ .kind = r->kind, .at_ms = r->at_ms, .until_ms = r->until_ms };
    bool failed = r->kind == RECORD_BEGUN || r->code != 0;
    if (failed ? !take_failure(m, k, r)
               : r->kind != RECORD_WAITS && msgpack_read(r->output, &k->output, &err) != WEIR_OK)
        return; /* what is not known is done again */
    k->path = keep(m, r->path);
    if (r->token.len == JOB_TOKEN - 1)
        memcpy(k->token, r->token.bytes, r->token.len);
    k->next = m->known;
    m->known = k;
    (void)map_set(&m->by_path, k->path.bytes, k->path.len, k);
}

void
job_remember(struct job *j, const struct job_record *records)
{
    if (records == NULL)
        return;
    j->memory = malloc(sizeof *j->memory);
    if (j->memory == NULL)
        abort();
    *j->memory = (struct job_memory){ 0 };
    arena_init(&j->memory->arena, 4096, SIZE_MAX);
    map_init(&j->memory->by_path);
    for (const struct job_record *r = records; r; r = r->next)
        remember(j->memory, r);
}

void
job_memory_free(struct job *j)
{
    struct job_memory *m = j->memory;
    if (m == NULL)
        return;
    for (struct job_known *k = m->known; k; k = k->next)
        value_unref(&k->output);
    map_fini(&m->by_path);
    arena_fini(&m->arena);
    free(m);
    j->memory = NULL;
}

const struct job_known *
job_known_find(const struct job *j, struct weir_text path)
{
    return j->memory ? map_get(&j->memory->by_path, path.bytes, path.len) : NULL;
}

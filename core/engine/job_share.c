/* engine/job_share.c - how many claimed jobs of each pipeline are under way on a shard. See job.h.
 *
 * A pipeline whose jobs take long would have all of a shard's jobs by and by, and those of others would wait for
 * it. So it gets no more once it has as many as are left for all others (Choudhury and Hahne 1998, "Dynamic
 * queue length thresholds"): one alone may have half of them, of two each a third, and some are always left.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "engine/job.h"

struct share {
    unsigned n;
    bool skipped; /* by claims, since it has its share: the store is told when that is over */
};

static bool
is_full(const struct jobs *j, const struct share *s)
{
    return s->n >= JOBS_MAX - (j->n < JOBS_MAX ? j->n : JOBS_MAX);
}

void
job_share_add(struct jobs *j, struct weir_text pipeline)
{
    struct share *s = map_get(&j->shares, pipeline.bytes, pipeline.len);
    if (s == NULL) {
        s = calloc(1, sizeof *s);
        if (s == NULL)
            abort();
        (void)map_set(&j->shares, pipeline.bytes, pipeline.len, s);
    }
    s->n++;
    j->n++;
}

void
job_share_less(struct jobs *j, struct weir_text pipeline)
{
    struct share *s = map_get(&j->shares, pipeline.bytes, pipeline.len);
    s->n--;
    j->n--;
    if (s->skipped && !is_full(j, s)) {
        s->skipped = false;
        store_place_free(j->store, pipeline, TEXT(""));
    }
    if (s->n == 0 && !s->skipped)
        free(map_remove(&j->shares, pipeline.bytes, pipeline.len));
}

void
job_share_look(struct jobs *j, struct weir_text pipeline)
{
    struct share *s = map_get(&j->shares, pipeline.bytes, pipeline.len);
    if (s != NULL && s->skipped && is_full(j, s))
        return;
    if (s != NULL)
        s->skipped = false;
    store_place_free(j->store, pipeline, TEXT(""));
}

struct weir_text *
job_share_full(struct jobs *j, unsigned *ret_n)
{
    uint32_t at = 0;
    size_t bytes = 0;
    const struct map_entry *entry;
    *ret_n = 0;
    while ((entry = map_next(&j->shares, &at)) != NULL) {
        struct share *s = entry->value;
        s->skipped = is_full(j, s);
        *ret_n += s->skipped;
        bytes += s->skipped ? entry->len : 0;
    }
    if (*ret_n == 0)
        return NULL;
    struct weir_text *list = malloc(*ret_n * sizeof *list + bytes);
    if (list == NULL)
        abort();
    char *to = (char *)(list + *ret_n);
    unsigned n = 0;
    for (at = 0; (entry = map_next(&j->shares, &at)) != NULL;) {
        if (!((const struct share *)entry->value)->skipped)
            continue;
        memcpy(to, entry->key, entry->len);
        list[n++] = (struct weir_text){ to, entry->len };
        to += entry->len;
    }
    return list;
}

void
job_shares_end(struct jobs *j)
{
    uint32_t at = 0;
    const struct map_entry *entry;
    while ((entry = map_next(&j->shares, &at)) != NULL)
        free(entry->value);
    map_fini(&j->shares);
}

/* engine/metrics_parts.h - what the parts of engine/metrics.h share. Private to metrics*.c.
 *
 * Families and series are only ever added, and published by a release store once they are
 * whole: readers walk them without the lock, which only makers take. A series has consecutive
 * slots, one number each: the value of a counter or gauge; of a histogram the sum, the count of
 * each bucket (not cumulative), and the count above the last one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ENGINE_METRICS_PARTS_H
#define ENGINE_METRICS_PARTS_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/map.h"
#include "engine/metrics.h"

#define METRIC_FAMILIES_MAX 4096u
#define METRIC_SERIES_MAX (1u << 18)
#define METRIC_SLOTS_MAX (1u << 22)
#define METRIC_CHUNK 1024u /* slots that a shard allocates at once; holds any series whole */
#define METRIC_BUCKETS_MAX 64u
#define METRIC_NAME_MAX 200u
#define METRIC_VALUE_MAX 128u /* bytes of a label value */
#define METRIC_KEY_MAX (sizeof(uint32_t) + METRIC_LABELS_MAX * (1 + METRIC_VALUE_MAX))

struct metric_family;

struct metric_series {
    const struct metric_family *family;
    uint32_t number;                      /* index into the table of series */
    uint32_t kind;                        /* enum weir_metric_kind */
    uint32_t slot;                        /* the first */
    _Atomic(struct metric_series *) next; /* of the family, in order of making */
    struct weir_text *values;             /* one per label; well-formed UTF-8; owned */
};

/* Something that tells values when they are read. */
struct metric_collector {
    void (*fn)(void *arg, struct metric_sink *);
    void *arg;
    _Atomic(struct metric_collector *) next;
};

struct metric_family {
    uint32_t number;
    uint32_t kind;   /* enum weir_metric_kind */
    char *name;      /* owned, as all that follows */
    size_t base_len; /* of the name without _total of a counter */
    char *help;
    char *labels; /* the names, separated by single blanks */
    char *label_names[METRIC_LABELS_MAX];
    unsigned n_labels;
    double *buckets;
    unsigned n_buckets;
    bool collected;         /* its values come from collectors, not from series */
    atomic_uint bound;      /* series that it may have; "other" does not count */
    unsigned n_series;      /* under the lock */
    _Atomic uint32_t other; /* number of the series of what passes the bound; 0: none yet */
    _Atomic(struct metric_series *) first;
    struct metric_series *last; /* under the lock */
    _Atomic(struct metric_collector *) collectors;
};

/* Held by whoever makes a family or a series. */
extern pthread_mutex_t metric_lock;

/* The family of that number; asserts that there is one. Any thread. */
struct metric_family *metric_family_at(uint32_t number);

/* How many families there are. Their numbers count from 1. */
unsigned metric_families(void);

/* How many numbers a series of the family keeps. */
static inline unsigned
metric_slots(const struct metric_family *f)
{
    return f->kind == WEIR_HISTOGRAM ? f->n_buckets + 2 : 1;
}

/* Writes label value V to OUT (METRIC_VALUE_MAX bytes): cut at a whole character, with what is
 * not UTF-8 replaced. Returns its length. */
size_t metric_label(struct weir_text v, char *out);

/* Sums the N numbers of a series over all shards into RET. Any thread. */
void metric_sum(const struct metric_series *s, unsigned n, double *ret);

/* How many series there are. */
unsigned metric_series_count(void);

#endif

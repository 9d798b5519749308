/* engine/metrics.c - series and the slots that shards count in: see metrics.h.
 *
 * A shard finds a series in its own table. When a family has reached its bound its set of
 * series is final: each shard then takes the whole set over once, and what is not in its
 * table from then on is "other" without a look at what others share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/metrics.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "engine/metrics_parts.h"

#define CHUNKS (METRIC_SLOTS_MAX / METRIC_CHUNK)
#define LATELY 8u /* a power of two */
/* Kept free, so that every family can have its "other". */
#define RESERVED_SERIES METRIC_FAMILIES_MAX
#define RESERVED_SLOTS (METRIC_FAMILIES_MAX * (METRIC_BUCKETS_MAX + 2))

const double metric_http_buckets[14] = { 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25,
                                         0.5,   0.75, 1,     2.5,  5,     7.5, 10 };

/* The numbers of each shard; a chunk is made by the shard at its first use. */
static _Atomic(_Atomic uint64_t *) chunks[METRICS_SHARDS][CHUNKS];

/* Every series by number; 0 is none. What counting needs of one stands in a word beside it: a
 * series of its own would be one more line of memory to wait for, with ten thousand pipelines. */
static _Atomic(struct metric_series *) table[METRIC_SERIES_MAX];
static _Atomic uint64_t words[METRIC_SERIES_MAX]; /* slot, family and kind; 0: none */
static atomic_uint n_series;
static uint32_t n_slots;      /* under metric_lock */
static struct map all_series; /* by key; under metric_lock */

/* What each shard knows of its own; only its thread comes here. */
static struct {
    struct map series;                     /* by key */
    uint32_t settled[METRIC_FAMILIES_MAX]; /* 1 + the bound at which all of a family was taken
                                              over */
    /* Those that were found lately, by a print of their values: most are counted again soon, and
     * comparing the values takes less than a key and its hash. */
    const struct metric_series *lately[METRIC_FAMILIES_MAX][LATELY];
} own[METRICS_SHARDS];

unsigned
metric_series_count(void)
{
    return atomic_load_explicit(&n_series, memory_order_acquire);
}

static struct metric_series *
series_at(uint32_t number)
{
    assert(number < METRIC_SERIES_MAX);
    return atomic_load_explicit(&table[number], memory_order_acquire);
}

struct word {
    uint32_t slot;
    uint16_t family;
    uint8_t kind;
    uint8_t there;
};

_Static_assert(sizeof(struct word) == sizeof(uint64_t), "a word is read at once");
_Static_assert(METRIC_FAMILIES_MAX <= UINT16_MAX, "a family's number fits a word");

/* What SERIES is; false: there is none of that number. */
static inline bool
word_of(uint32_t series, struct word *ret)
{
    assert(series < METRIC_SERIES_MAX);
    uint64_t bits = atomic_load_explicit(&words[series], memory_order_acquire);
    memcpy(ret, &bits, sizeof bits);
    return bits != 0;
}

static void
word_set(const struct metric_series *s)
{
    struct word w = { s->slot, (uint16_t)s->family->number, (uint8_t)s->kind, 1 };
    uint64_t bits;
    memcpy(&bits, &w, sizeof bits);
    atomic_store_explicit(&words[s->number], bits, memory_order_release);
}

/* -- slots -- */

static _Atomic uint64_t *
chunk_new(unsigned shard, uint32_t chunk)
{
    _Atomic uint64_t *slots = calloc(METRIC_CHUNK, sizeof *slots); /* all bits 0 is 0.0 */
    if (slots == NULL)
        abort();
    atomic_store_explicit(&chunks[shard][chunk], slots, memory_order_release);
    return slots;
}

static inline _Atomic uint64_t *
slot_of(unsigned shard, uint32_t slot)
{
    assert(shard < METRICS_SHARDS);
    _Atomic uint64_t *slots =
        atomic_load_explicit(&chunks[shard][slot / METRIC_CHUNK], memory_order_relaxed);
    if (slots == NULL)
        slots = chunk_new(shard, slot / METRIC_CHUNK);
    return &slots[slot % METRIC_CHUNK];
}

static inline double
slot_read(_Atomic uint64_t *slot)
{
    uint64_t bits = atomic_load_explicit(slot, memory_order_relaxed);
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

static inline void
slot_write(_Atomic uint64_t *slot, double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    atomic_store_explicit(slot, bits, memory_order_relaxed);
}

void
metric_sum(const struct metric_series *s, unsigned n, double *ret)
{
    for (unsigned i = 0; i < n; i++)
        ret[i] = 0;
    for (unsigned shard = 0; shard < METRICS_SHARDS; shard++) {
        _Atomic uint64_t *slots =
            atomic_load_explicit(&chunks[shard][s->slot / METRIC_CHUNK], memory_order_acquire);
        for (unsigned i = 0; slots != NULL && i < n; i++)
            ret[i] += slot_read(&slots[s->slot % METRIC_CHUNK + i]);
    }
}

/* The sum stands before the first bucket, where most of what is observed is counted. */
static void
observe(unsigned shard, struct word w, double v)
{
    const struct metric_family *f = metric_family_at(w.family);
    unsigned i = 0;
    while (i < f->n_buckets && v > f->buckets[i])
        i++;
    _Atomic uint64_t *slots = slot_of(shard, w.slot);
    slot_write(&slots[0], slot_read(&slots[0]) + v);
    slot_write(&slots[1 + i], slot_read(&slots[1 + i]) + 1);
}

void
metric_add(unsigned shard, uint32_t series, double by)
{
    struct word w;
    if (!word_of(series, &w) || !isfinite(by))
        return;
    if (w.kind == WEIR_HISTOGRAM) {
        observe(shard, w, by);
        return;
    }
    if (w.kind == WEIR_COUNTER && by < 0)
        return; /* a counter that goes down looks like a restart to whoever reads it */
    _Atomic uint64_t *slot = slot_of(shard, w.slot);
    slot_write(slot, slot_read(slot) + by);
}

const void *
metric_word(uint32_t series)
{
    return &words[series];
}

uint32_t
metric_slot(uint32_t series)
{
    struct word w;
    return word_of(series, &w) ? w.slot : 0;
}

void
metric_fetch(unsigned shard, uint32_t slot)
{
    const _Atomic uint64_t *slots =
        atomic_load_explicit(&chunks[shard][slot / METRIC_CHUNK], memory_order_relaxed);
    if (slots != NULL)
        __builtin_prefetch(&slots[slot % METRIC_CHUNK]);
}

void
metric_set(unsigned shard, uint32_t series, double v)
{
    struct word w;
    if (!word_of(series, &w) || w.kind != WEIR_GAUGE || !isfinite(v))
        return;
    slot_write(slot_of(shard, w.slot), v);
}

double
metric_read(uint32_t series)
{
    const struct metric_series *s = series_at(series);
    if (s == NULL)
        return 0;
    double v[METRIC_BUCKETS_MAX + 2];
    unsigned n = metric_slots(s->family);
    metric_sum(s, n, v);
    if (s->kind != WEIR_HISTOGRAM)
        return v[0];
    double count = 0;
    for (unsigned i = 1; i < n; i++)
        count += v[i];
    return count;
}

/* -- keys -- */

size_t
metric_label(struct weir_text v, char *out)
{
    if (v.len <= METRIC_VALUE_MAX && utf8_valid(v)) {
        if (v.len > 0)
            memcpy(out, v.bytes, v.len);
        return v.len;
    }
    size_t len = 0;
    for (size_t at = 0; at < v.len;) {
        char c[4];
        uint32_t code_point = utf8_next(v, &at);
        size_t n = utf8_write(c, code_point == UINT32_MAX ? 0xfffd : code_point);
        if (len + n > METRIC_VALUE_MAX)
            break;
        memcpy(out + len, c, n);
        len += n;
    }
    return len;
}

/* What a series is found by: its family's number, then length and bytes of each value. */
struct key {
    size_t len;
    char bytes[METRIC_KEY_MAX];
};

static void
key_make(const struct metric_family *f, const struct weir_text *values, struct key *ret)
{
    memcpy(ret->bytes, &f->number, sizeof f->number);
    ret->len = sizeof f->number;
    for (unsigned i = 0; i < f->n_labels; i++) {
        char *at = ret->bytes + ret->len;
        size_t len = metric_label(values[i], at + 1);
        *at = (char)len;
        ret->len += 1 + len;
    }
}

/* -- making series -- */

/* Copies the label values out of a key. */
static struct weir_text *
values_new(const struct metric_family *f, const struct key *k)
{
    size_t room = f->n_labels * sizeof(struct weir_text);
    struct weir_text *values = malloc(room + k->len);
    if (values == NULL)
        abort();
    char *copy = (char *)values + room;
    memcpy(copy, k->bytes, k->len);
    const char *at = copy + sizeof f->number;
    for (unsigned i = 0; i < f->n_labels; i++) {
        values[i] = (struct weir_text){ at + 1, (unsigned char)*at };
        at += 1 + values[i].len;
    }
    return values;
}

/* Takes N consecutive slots of one chunk. */
static uint32_t
slots_take(unsigned n)
{
    if (n_slots % METRIC_CHUNK + n > METRIC_CHUNK)
        n_slots += METRIC_CHUNK - n_slots % METRIC_CHUNK;
    uint32_t slot = n_slots;
    n_slots += n;
    assert(n_slots <= METRIC_SLOTS_MAX);
    return slot;
}

static struct metric_series *
series_new(struct metric_family *f, const struct key *k)
{
    struct metric_series *s = calloc(1, sizeof *s);
    if (s == NULL)
        abort();
    s->family = f;
    s->kind = f->kind;
    s->number = metric_series_count() + 1;
    s->slot = slots_take(metric_slots(f));
    s->values = values_new(f, k);
    map_set(&all_series, k->bytes, k->len, s);

    word_set(s);
    atomic_store_explicit(&table[s->number], s, memory_order_release);
    atomic_store_explicit(&n_series, s->number, memory_order_release);
    _Atomic(struct metric_series *) *link = f->last ? &f->last->next : &f->first;
    atomic_store_explicit(link, s, memory_order_release);
    f->last = s;
    return s;
}

/* Whether one more series besides every family's "other" has room. */
static bool
have_room(void)
{
    return metric_series_count() + 1 < METRIC_SERIES_MAX - RESERVED_SERIES &&
           n_slots < METRIC_SLOTS_MAX - RESERVED_SLOTS - METRIC_CHUNK;
}

/* The series that counts what passes the bound; the lock is held. */
static uint32_t
other(struct metric_family *f)
{
    uint32_t number = atomic_load_explicit(&f->other, memory_order_relaxed);
    if (number != 0)
        return number;
    struct weir_text values[METRIC_LABELS_MAX];
    for (unsigned i = 0; i < f->n_labels; i++)
        values[i] = TEXT("other");
    struct key k;
    key_make(f, values, &k);
    struct metric_series *s = map_get(&all_series, k.bytes, k.len);
    if (s == NULL)
        s = series_new(f, &k);
    atomic_store_explicit(&f->other, s->number, memory_order_release);
    return s->number;
}

/* Finds or makes a series; the lock is held. */
static uint32_t
series_get(struct metric_family *f, const struct key *k)
{
    const struct metric_series *s = map_get(&all_series, k->bytes, k->len);
    if (s != NULL)
        return s->number;
    if (f->n_series < atomic_load_explicit(&f->bound, memory_order_relaxed) && !have_room())
        atomic_store_explicit(&f->bound, f->n_series, memory_order_relaxed);
    if (f->n_series >= atomic_load_explicit(&f->bound, memory_order_relaxed))
        return other(f);
    f->n_series++;
    return series_new(f, k)->number;
}

uint32_t
metric_series(uint32_t family, const struct weir_text *values)
{
    if (family == 0)
        return 0;
    struct metric_family *f = metric_family_at(family);
    struct key k;
    key_make(f, values, &k);
    pthread_mutex_lock(&metric_lock);
    uint32_t number = series_get(f, &k);
    pthread_mutex_unlock(&metric_lock);
    return number;
}

/* Takes every series of a full family over into the shard's table; the lock is held. */
static void
settle(unsigned shard, struct metric_family *f, unsigned bound)
{
    struct key k;
    for (struct metric_series *s = atomic_load(&f->first); s; s = atomic_load(&s->next)) {
        key_make(f, s->values, &k);
        map_set(&own[shard].series, k.bytes, k.len, s);
    }
    other(f);
    own[shard].settled[f->number] = bound + 1;
}

/* The first sight of a series on this shard. */
static uint32_t
series_learn(unsigned shard, struct metric_family *f, const struct key *k)
{
    pthread_mutex_lock(&metric_lock);
    uint32_t number = series_get(f, k);
    unsigned bound = atomic_load_explicit(&f->bound, memory_order_relaxed);
    if (f->n_series >= bound)
        settle(shard, f, bound);
    else
        map_set(&own[shard].series, k->bytes, k->len, series_at(number));
    pthread_mutex_unlock(&metric_lock);
    return number;
}

/* Whether S, which may be NULL, has these very values: then they need no cleaning, as its have had it. */
static inline bool
has_values(const struct metric_series *s, const struct weir_text *values, unsigned n)
{
    if (s == NULL)
        return false;
    for (unsigned i = 0; i < n; i++)
        if (!text_equal(s->values[i], values[i]))
            return false;
    return true;
}

/* Where a shard keeps the series of these values: a place that tells most of those of a family apart. */
static inline unsigned
lately_place(const struct weir_text *values, unsigned n)
{
    unsigned print = 0;
    for (unsigned i = 0; i < n; i++) {
        size_t len = values[i].len;
        if (len > 0)
            print = print * 7 + (unsigned)len + (unsigned char)values[i].bytes[0] +
                    3u * (unsigned char)values[i].bytes[len - 1];
    }
    return print % LATELY;
}

/* The series of these values that needs no look at what others share; 0: there is none, and K is their key. */
static inline uint32_t
series_known(unsigned shard, const struct metric_family *f, const struct weir_text *values, struct key *k)
{
    const struct metric_series **lately = &own[shard].lately[f->number][lately_place(values, f->n_labels)];
    if (has_values(*lately, values, f->n_labels))
        return (*lately)->number;
    key_make(f, values, k);
    const struct metric_series *s = map_get(&own[shard].series, k->bytes, k->len);
    if (s != NULL) {
        *lately = s;
        return s->number;
    }
    if (own[shard].settled[f->number] == atomic_load_explicit(&f->bound, memory_order_relaxed) + 1)
        return atomic_load_explicit(&f->other, memory_order_acquire);
    return 0;
}

uint32_t
metric_series_known(unsigned shard, uint32_t family, const struct weir_text *values)
{
    struct key k;
    assert(shard < METRICS_SHARDS);
    return family != 0 ? series_known(shard, metric_family_at(family), values, &k) : 0;
}

unsigned
metric_labels(uint32_t family)
{
    return family != 0 ? metric_family_at(family)->n_labels : 0;
}

uint32_t
metric_series_of(unsigned shard, uint32_t family, const struct weir_text *values)
{
    assert(shard < METRICS_SHARDS);
    if (family == 0)
        return 0;
    struct metric_family *f = metric_family_at(family);
    struct key k;
    uint32_t number = series_known(shard, f, values, &k);
    return number != 0 ? number : series_learn(shard, f, &k);
}

/* engine/metrics_family.c - families: names and labels that Prometheus takes, made once.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/metrics_parts.h"

#define BOUND 1000u
#define BOUND_MAX 100000u
#define WORD "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"

pthread_mutex_t metric_lock = PTHREAD_MUTEX_INITIALIZER;

static _Atomic(struct metric_family *) table[METRIC_FAMILIES_MAX];
static atomic_uint n_families;
static struct map by_base; /* name without _total, so that foo and foo_total do clash */

unsigned
metric_families(void)
{
    return atomic_load_explicit(&n_families, memory_order_acquire);
}

struct metric_family *
metric_family_at(uint32_t number)
{
    assert(number > 0 && number < METRIC_FAMILIES_MAX);
    struct metric_family *f = atomic_load_explicit(&table[number], memory_order_acquire);
    assert(f != NULL);
    return f;
}

unsigned
metrics_count(unsigned *ret_series)
{
    if (ret_series != NULL)
        *ret_series = metric_series_count();
    return metric_families();
}

/* -- checking -- */

static bool
ends_in(const char *name, const char *suffix)
{
    size_t len = strlen(name);
    size_t suffix_len = strlen(suffix);
    return len > suffix_len && strcmp(name + len - suffix_len, suffix) == 0;
}

static enum weir_code
check_name(const struct weir_metric *m, struct weir_error *err)
{
    static const char *const reserved[] = { "_bucket", "_sum", "_count", "_created" };
    const char *name = m->name;
    if (name == NULL || name[0] == '\0' || strlen(name) > METRIC_NAME_MAX ||
        strchr("0123456789", name[0]) != NULL || strspn(name, WORD ":") != strlen(name))
        return err_set(err, WEIR_INVALID,
                       "the metric name '%.80s' must be of the form [a-zA-Z_:][a-zA-Z0-9_:]*, "
                       "with at most %u characters",
                       name ? name : "", METRIC_NAME_MAX);
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
        if (ends_in(name, reserved[i]))
            return err_set(err, WEIR_INVALID, "the metric name '%s' must not end in '%s'", name,
                           reserved[i]);
    if (m->kind == WEIR_COUNTER && !ends_in(name, "_total"))
        return err_set(err, WEIR_INVALID, "the counter '%s' must end in '_total'", name);
    if (m->kind != WEIR_COUNTER && ends_in(name, "_total"))
        return err_set(err, WEIR_INVALID,
                       "the metric name '%s' must not end in '_total': it is no counter", name);
    if (m->kind > WEIR_HISTOGRAM)
        return err_set(err, WEIR_INVALID, "the metric '%s' is of no known kind", name);
    if (m->help == NULL || m->help[0] == '\0')
        return err_set(err, WEIR_INVALID, "the metric '%s' needs a help text", name);
    return WEIR_OK;
}

/* Fills the buckets of a histogram. */
static enum weir_code
fill_buckets(struct metric_family *f, const struct weir_metric *m, struct weir_error *err)
{
    if (m->kind != WEIR_HISTOGRAM)
        return WEIR_OK;
    const double *buckets = m->buckets ? m->buckets : metric_http_buckets;
    unsigned n = m->buckets ? m->n_buckets : sizeof metric_http_buckets / sizeof(double);
    if (n > METRIC_BUCKETS_MAX)
        return err_set(err, WEIR_INVALID, "the histogram '%s' has more than %u buckets",
                       m->name, METRIC_BUCKETS_MAX);
    for (unsigned i = 0; i < n; i++)
        if (!isfinite(buckets[i]) || (i > 0 && buckets[i] <= buckets[i - 1]))
            return err_set(err, WEIR_INVALID, "the buckets of '%s' must be numbers that rise",
                           m->name);
    f->buckets = malloc((n + 1) * sizeof *buckets);
    if (f->buckets == NULL)
        abort();
    memcpy(f->buckets, buckets, n * sizeof *buckets);
    f->n_buckets = n;
    return WEIR_OK;
}

/* Whether NAME may be a label; those before it are in F already. */
static enum weir_code
check_label(const struct metric_family *f, const struct weir_metric *m, const char *name,
            struct weir_error *err)
{
    if (strchr("0123456789", name[0]) != NULL || strspn(name, WORD) != strlen(name) ||
        strlen(name) > METRIC_NAME_MAX)
        return err_set(err, WEIR_INVALID,
                       "the label '%.80s' of '%s' must be of the form [a-zA-Z_][a-zA-Z0-9_]*",
                       name, m->name);
    if (strncmp(name, "__", 2) == 0 || (m->kind == WEIR_HISTOGRAM && strcmp(name, "le") == 0))
        return err_set(err, WEIR_INVALID, "the label '%s' of '%s' is reserved", name, m->name);
    if (f->n_labels == METRIC_LABELS_MAX)
        return err_set(err, WEIR_INVALID, "'%s' has more than %u labels", m->name,
                       METRIC_LABELS_MAX);
    for (unsigned i = 0; i < f->n_labels; i++)
        if (strcmp(f->label_names[i], name) == 0)
            return err_set(err, WEIR_INVALID, "'%s' has the label '%s' twice", m->name, name);
    return WEIR_OK;
}

/* Splits the label names, which are separated by blanks. */
static enum weir_code
fill_labels(struct metric_family *f, const struct weir_metric *m, struct weir_error *err)
{
    f->labels = strdup(m->labels ? m->labels : "");
    if (f->labels == NULL)
        abort();
    char *rest;
    for (char *at = strtok_r(f->labels, " ", &rest); at; at = strtok_r(NULL, " ", &rest)) {
        if (check_label(f, m, at, err) != WEIR_OK)
            return (enum weir_code)err->code;
        f->label_names[f->n_labels++] = at;
    }
    return WEIR_OK;
}

static void
family_free(struct metric_family *f)
{
    free(f->name);
    free(f->help);
    free(f->labels);
    free(f->buckets);
    free(f);
}

static enum weir_code
family_new(const struct weir_metric *m, struct metric_family **ret, struct weir_error *err)
{
    if (check_name(m, err) != WEIR_OK)
        return (enum weir_code)err->code;
    struct metric_family *f = calloc(1, sizeof *f);
    if (f == NULL)
        abort();
    f->kind = m->kind;
    f->name = strdup(m->name);
    f->help = strdup(m->help);
    if (f->name == NULL || f->help == NULL)
        abort();
    f->base_len = strlen(m->name) - (m->kind == WEIR_COUNTER ? strlen("_total") : 0);
    if (fill_labels(f, m, err) != WEIR_OK || fill_buckets(f, m, err) != WEIR_OK) {
        family_free(f);
        return (enum weir_code)err->code;
    }
    unsigned bound = m->max_series > 0 ? m->max_series : BOUND;
    atomic_init(&f->bound, f->n_labels == 0 ? 1 : bound < BOUND_MAX ? bound : BOUND_MAX);
    *ret = f;
    return WEIR_OK;
}

/* -- making -- */

static bool
same_labels(const struct metric_family *a, const struct metric_family *b)
{
    if (a->n_labels != b->n_labels)
        return false;
    for (unsigned i = 0; i < a->n_labels; i++)
        if (strcmp(a->label_names[i], b->label_names[i]) != 0)
            return false;
    return true;
}

/* Whether F, which has the name of OLD, describes the same. */
static enum weir_code
check_same(const struct metric_family *old, const struct metric_family *f,
           struct weir_error *err)
{
    if (old->kind != f->kind || old->collected != f->collected)
        return err_set(err, WEIR_CONFLICT,
                       "the metric '%s' clashes with '%s', which is of another kind", f->name,
                       old->name);
    if (!same_labels(old, f))
        return err_set(err, WEIR_CONFLICT,
                       "the metric '%s' is there already, with other labels", f->name);
    if (old->n_buckets != f->n_buckets ||
        (f->n_buckets > 0 &&
         memcmp(old->buckets, f->buckets, f->n_buckets * sizeof *f->buckets) != 0))
        return err_set(err, WEIR_CONFLICT,
                       "the metric '%s' is there already, with other buckets", f->name);
    return WEIR_OK;
}

/* A later maker may raise the bound, never lower it. */
static void
raise_bound(struct metric_family *old, const struct metric_family *f)
{
    unsigned bound = atomic_load_explicit(&f->bound, memory_order_relaxed);
    if (bound > atomic_load_explicit(&old->bound, memory_order_relaxed))
        atomic_store_explicit(&old->bound, bound, memory_order_relaxed);
}

/* Takes F in, or finds the one of its name. F is taken. The lock is held. */
static struct metric_family *
family_enter(struct metric_family *f, struct weir_error *err)
{
    struct metric_family *old = map_get(&by_base, f->name, f->base_len);
    if (old != NULL) {
        if (check_same(old, f, err) == WEIR_OK)
            raise_bound(old, f);
        else
            old = NULL;
        family_free(f);
        return old;
    }
    f->number = metric_families() + 1;
    if (f->number == METRIC_FAMILIES_MAX) {
        err_set(err, WEIR_TOO_LARGE, "there are more than %u metrics", METRIC_FAMILIES_MAX - 1);
        family_free(f);
        return NULL;
    }
    map_set(&by_base, f->name, f->base_len, f);
    atomic_store_explicit(&table[f->number], f, memory_order_release);
    atomic_store_explicit(&n_families, f->number, memory_order_release);
    return f;
}

static struct metric_family *
family_make(const struct weir_metric *m, bool collected, struct weir_error *err)
{
    struct metric_family *f = NULL;
    if (family_new(m, &f, err) != WEIR_OK)
        return NULL;
    f->collected = collected;
    pthread_mutex_lock(&metric_lock);
    f = family_enter(f, err);
    pthread_mutex_unlock(&metric_lock);
    return f;
}

uint32_t
metric_family(const struct weir_metric *m, struct weir_error *err)
{
    const struct metric_family *f = family_make(m, false, err);
    if (f == NULL)
        return 0;
    if (f->n_labels == 0)
        (void)metric_series(f->number, NULL); /* so that it shows as 0 before it counts */
    return f->number;
}

bool
metric_collect(const struct weir_metric *m, void (*fn)(void *arg, struct metric_sink *),
               void *arg, struct weir_error *err)
{
    struct metric_family *f = family_make(m, true, err);
    if (f == NULL)
        return false;
    struct metric_collector *c = calloc(1, sizeof *c);
    if (c == NULL)
        abort();
    c->fn = fn;
    c->arg = arg;
    pthread_mutex_lock(&metric_lock);
    atomic_init(&c->next, atomic_load_explicit(&f->collectors, memory_order_relaxed));
    atomic_store_explicit(&f->collectors, c, memory_order_release);
    pthread_mutex_unlock(&metric_lock);
    return true;
}

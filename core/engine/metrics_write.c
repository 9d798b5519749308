/* engine/metrics_write.c - metrics as text, for Prometheus and OpenMetrics.
 *
 * Walks what is published, without the lock: collectors may count and make series.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/metrics_parts.h"
#include "value/json.h"

struct metric_sink {
    struct buf *out;
    const struct metric_family *family; /* the one at hand */
    bool openmetrics;
    bool headed; /* HELP and TYPE of the family are written: it has a value */
    bool full;   /* OUT did not take all */
};

static void
put(struct metric_sink *s, struct weir_text text)
{
    if (!buf_text(s->out, text))
        s->full = true;
}

static void
put_s(struct metric_sink *s, const char *text)
{
    put(s, text_of(text));
}

static void
put_escaped(struct metric_sink *s, struct weir_text text, bool quote)
{
    size_t from = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.bytes[i];
        if (c != '\\' && c != '\n' && (c != '"' || !quote))
            continue;
        put(s, (struct weir_text){ text.bytes + from, i - from });
        put_s(s, c == '\\' ? "\\\\" : c == '\n' ? "\\n" : "\\\"");
        from = i + 1;
    }
    put(s, (struct weir_text){ text.bytes + from, text.len - from });
}

static void
put_number(struct metric_sink *s, double v)
{
    bool ok;
    if (!isfinite(v))
        ok = buf_puts(s->out, isnan(v) ? "NaN" : v > 0 ? "+Inf" : "-Inf");
    else if (v == trunc(v) && fabs(v) < 1e15)
        ok = buf_printf(s->out, "%lld", (long long)v);
    else
        ok = json_write_double(s->out, v);
    if (!ok)
        s->full = true;
}

/* The upper bound of a bucket; OpenMetrics wants it to look like a float. */
static void
put_bound(struct metric_sink *s, double v)
{
    if (!s->openmetrics || isinf(v))
        put_number(s, v);
    else if (!json_write_double(s->out, v))
        s->full = true;
}

/* HELP and TYPE, before the first value. */
static void
put_head(struct metric_sink *s)
{
    static const char *const kinds[] = { "counter", "gauge", "histogram" };
    const struct metric_family *f = s->family;
    if (s->headed)
        return;
    s->headed = true;
    struct weir_text name = text_of(f->name);
    if (s->openmetrics)
        name.len = f->base_len;
    put_s(s, "# HELP ");
    put(s, name);
    put_s(s, " ");
    put_escaped(s, text_of(f->help), s->openmetrics);
    put_s(s, "\n# TYPE ");
    put(s, name);
    put_s(s, " ");
    put_s(s, kinds[f->kind]);
    put_s(s, "\n");
}

/* The name and labels of one line; BOUND is the bucket's, if not NULL. */
static void
put_series(struct metric_sink *s, const char *suffix, const struct weir_text *values,
           const double *bound)
{
    const struct metric_family *f = s->family;
    put_s(s, f->name);
    put_s(s, suffix);
    const char *between = "{";
    for (unsigned i = 0; i < f->n_labels; i++) {
        put_s(s, between);
        put_s(s, f->label_names[i]);
        put_s(s, "=\"");
        put_escaped(s, values[i], true);
        put_s(s, "\"");
        between = ",";
    }
    if (bound != NULL) {
        put_s(s, between);
        put_s(s, "le=\"");
        put_bound(s, *bound);
        put_s(s, "\"");
        between = ",";
    }
    put_s(s, *between == ',' ? "} " : " ");
}

static void
put_line(struct metric_sink *s, const char *suffix, const struct weir_text *values,
         const double *bound, double v)
{
    put_head(s);
    put_series(s, suffix, values, bound);
    put_number(s, v);
    put_s(s, "\n");
}

/* V has the sum, and of each bucket how many are in it. */
static void
put_histogram(struct metric_sink *s, const struct weir_text *values, const double *v)
{
    const struct metric_family *f = s->family;
    double count = 0;
    for (unsigned i = 0; i <= f->n_buckets; i++) {
        double bound = i < f->n_buckets ? f->buckets[i] : INFINITY;
        count += v[1 + i];
        put_line(s, "_bucket", values, &bound, count);
    }
    put_line(s, "_sum", values, NULL, v[0]);
    put_line(s, "_count", values, NULL, count);
}

static void
put_summed(struct metric_sink *s, const struct metric_series *series)
{
    double v[METRIC_BUCKETS_MAX + 2];
    metric_sum(series, metric_slots(s->family), v);
    put_histogram(s, series->values, v);
}

/* Label values as they are written. */
struct clean {
    char room[METRIC_LABELS_MAX][METRIC_VALUE_MAX];
    struct weir_text values[METRIC_LABELS_MAX];
};

static const struct weir_text *
clean(const struct metric_sink *s, const struct weir_text *values, struct clean *c)
{
    for (unsigned i = 0; i < s->family->n_labels; i++)
        c->values[i] = (struct weir_text){ c->room[i], metric_label(values[i], c->room[i]) };
    return c->values;
}

void
metric_sample(struct metric_sink *s, const struct weir_text *values, double v)
{
    struct clean c;
    assert(s->family->kind != WEIR_HISTOGRAM);
    put_line(s, "", clean(s, values, &c), NULL, v);
}

void
metric_sample_histogram(struct metric_sink *s, const struct weir_text *values, const uint64_t *buckets, double sum)
{
    struct clean c;
    double v[METRIC_BUCKETS_MAX + 2];
    assert(s->family->kind == WEIR_HISTOGRAM);
    v[0] = sum;
    for (unsigned i = 0; i <= s->family->n_buckets; i++)
        v[1 + i] = (double)buckets[i];
    put_histogram(s, clean(s, values, &c), v);
}

static int
by_name(const void *a, const void *b)
{
    const struct metric_family *const *x = a;
    const struct metric_family *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

/* Where a reading stands. */
struct metric_walk {
    const struct metric_family **sorted;
    unsigned n;
    unsigned at;                      /* the family that is written */
    const struct metric_series *next; /* of it; NULL: it is done */
    struct metric_sink sink;
};

/* Begins the next family: what collectors have to tell of it is told at once. */
static void
begin_family(struct metric_walk *w)
{
    const struct metric_family *f = w->sorted[w->at];
    w->sink.family = f;
    w->sink.headed = false;
    for (struct metric_collector *c = atomic_load(&f->collectors); c; c = atomic_load(&c->next))
        c->fn(c->arg, &w->sink);
    w->next = atomic_load(&f->first);
}

struct metric_walk *
metrics_begin(bool openmetrics)
{
    struct metric_walk *w = calloc(1, sizeof *w);
    unsigned n = metric_families();
    const struct metric_family **sorted = calloc(n + 1, sizeof *sorted);
    if (w == NULL || sorted == NULL)
        abort();
    for (unsigned i = 0; i < n; i++)
        sorted[i] = metric_family_at(i + 1);
    qsort(sorted, n, sizeof *sorted, by_name);
    w->sorted = sorted;
    w->n = n;
    w->at = UINT_MAX; /* the first family comes next */
    w->sink.openmetrics = openmetrics;
    return w;
}

bool
metrics_more(struct metric_walk *w, size_t enough, struct buf *out)
{
    struct metric_sink *s = &w->sink;
    s->out = out;
    while (out->len < enough && !s->full) {
        if (w->next == NULL) {
            if (w->at + 1 == w->n)
                break;
            w->at++;
            begin_family(w);
            continue;
        }
        if (w->next->kind == WEIR_HISTOGRAM)
            put_summed(s, w->next);
        else
            put_line(s, "", w->next->values, NULL, metric_read(w->next->number));
        w->next = atomic_load(&w->next->next);
    }
    if (w->next != NULL || w->at + 1 != w->n)
        return !s->full;
    if (s->openmetrics)
        put_s(s, "# EOF\n");
    return false;
}

bool
metrics_end(struct metric_walk **w)
{
    bool whole = !(*w)->sink.full;
    free((*w)->sorted);
    free(*w);
    *w = NULL;
    return whole;
}

enum weir_code
metrics_write(struct buf *out, bool openmetrics, struct weir_error *err)
{
    struct metric_walk *w = metrics_begin(openmetrics);
    while (metrics_more(w, SIZE_MAX, out))
        continue;
    if (!metrics_end(&w))
        return err_set(err, WEIR_TOO_LARGE, "the metrics have more than %zu bytes", out->max);
    return WEIR_OK;
}

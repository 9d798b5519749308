/* metrics/metrics_open.c - from the configuration to a metric: see README.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "metrics.h"

#define BUCKETS_MAX 64
#define HELP "Counted by pipelines."

/* What is told to the host; texts with a NUL behind them. */
struct naming {
    char name[256];
    char help[512];
    char labels[LABELS_MAX * 101];
    double buckets[BUCKETS_MAX];
    struct weir_metric metric;
};

/* Copies TEXT with a NUL; false if it does not fit or holds one. */
static bool
copy(struct weir_text text, char *ret, size_t room)
{
    if (text.len >= room || memchr(text.bytes, '\0', text.len) != NULL)
        return false;
    memcpy(ret, text.bytes, text.len);
    ret[text.len] = '\0';
    return true;
}

/* Finds which of counter, gauge and histogram is there, and its name. */
static uint32_t
take_kind(const struct weir_value *config, struct naming *n, struct weir_error *err)
{
    static const char *const kinds[] = { "counter", "gauge", "histogram" };
    unsigned found = 0;
    struct weir_text name = { "", 0 };
    for (uint32_t i = 0; i < 3; i++) {
        struct weir_text key = { kinds[i], strlen(kinds[i]) };
        if (!host->get_text(host->get(config, key), &name))
            continue;
        found++;
        n->metric.kind = i;
        if (!copy(name, n->name, sizeof n->name))
            return refuse(err, WEIR_INVALID, "the name of the metric is too long");
    }
    if (found != 1)
        return refuse(err, WEIR_INVALID,
                      "one of 'counter', 'gauge' and 'histogram' must name the metric");
    return WEIR_OK;
}

static uint32_t
take_buckets(const struct weir_value *config, struct naming *n, struct weir_error *err)
{
    const struct weir_value *list = host->get(config, WEIR_TEXT("buckets"));
    if (list == NULL)
        return WEIR_OK;
    if (n->metric.kind != WEIR_HISTOGRAM)
        return refuse(err, WEIR_INVALID, "only a histogram has 'buckets'");
    if (host->len(list) > BUCKETS_MAX)
        return refuse(err, WEIR_INVALID, "there are more than %d buckets", BUCKETS_MAX);
    n->metric.buckets = n->buckets;
    n->metric.n_buckets = (uint32_t)host->len(list);
    for (uint32_t i = 0; i < n->metric.n_buckets; i++)
        (void)host->get_double(host->at(list, i), &n->buckets[i]);
    return WEIR_OK;
}

/* The amount: by: of a counter or gauge, value: of a histogram. */
static uint32_t
take_amount(struct weir_open *open, struct metrics_node *m, const struct naming *n,
            struct weir_error *err)
{
    bool histogram = n->metric.kind == WEIR_HISTOGRAM;
    const char *key = histogram ? "value" : "by";
    const char *wrong = histogram ? "by" : "value";
    if (host->get(m->config, (struct weir_text){ wrong, strlen(wrong) }) != NULL)
        return refuse(err, WEIR_INVALID,
                      histogram ? "a histogram has 'value', not 'by'"
                                : "only a histogram has 'value'; this one has 'by'");
    const struct weir_value *amount =
        host->get(m->config, (struct weir_text){ key, strlen(key) });
    if (amount == NULL && histogram)
        return refuse(err, WEIR_INVALID, "a histogram needs a 'value' to observe");
    m->amount = 1;
    m->by = host->slot(open, histogram ? "/value" : "/by");
    if (m->by != 0 && (host->slot_flags(open, m->by) & WEIR_SLOT_CONSTANT) == 0)
        return WEIR_OK;
    m->by = 0;
    if (amount != NULL)
        (void)host->get_double(amount, &m->amount);
    if (m->counter && m->amount < 0)
        return refuse(err, WEIR_INVALID, "'by' of a counter must not be negative");
    return WEIR_OK;
}

/* Sets the constant value of a label: numbers and booleans as JSON writes them. */
static void
take_constant(const struct weir_value *v, struct label *l)
{
    struct weir_error err = { 0 };
    l->constant = WEIR_TEXT("");
    if (host->type(v) == WEIR_STRING)
        l->text = host->ref(v);
    else if (host->type(v) != WEIR_NULL)
        (void)host->json_write(v, &l->text, &err); /* a number or a boolean can be written */
    if (l->text != NULL)
        (void)host->get_text(l->text, &l->constant);
}

/* Sets what a label may be: the texts of LIST. */
static void
take_values(const struct weir_value *list, struct label *l)
{
    size_t n = host->len(list);
    l->bounded = list != NULL;
    l->values = zeroed(n + 1, sizeof *l->values);
    for (size_t i = 0; i < n; i++)
        if (host->get_text(host->at(list, i), &l->values[l->n_values]))
            l->n_values++;
}

/* One label: VALUE, or { value, values, other }. */
static void
take_label(struct weir_open *open, struct metrics_node *m, struct weir_text name,
           const struct weir_value *value)
{
    struct label *l = &m->labels[m->n_labels++];
    char pointer[160];
    const char *tail = "";
    l->other = WEIR_TEXT("other");
    if (host->type(value) == WEIR_MAP) {
        take_values(host->get(value, WEIR_TEXT("values")), l);
        (void)host->get_text(host->get(value, WEIR_TEXT("other")), &l->other);
        value = host->get(value, WEIR_TEXT("value"));
        tail = "/value";
    }
    snprintf(pointer, sizeof pointer, "/labels/%.*s%s", (int)name.len, name.bytes, tail);
    l->slot = host->slot(open, pointer);
    if (l->slot == 0 || host->slot_flags(open, l->slot) & WEIR_SLOT_CONSTANT) {
        l->slot = 0;
        take_constant(value, l);
    }
}

static uint32_t
take_labels(struct weir_open *open, struct metrics_node *m, struct naming *n,
            struct weir_error *err)
{
    const struct weir_value *labels = host->get(m->config, WEIR_TEXT("labels"));
    struct weir_text name;
    const struct weir_value *value;
    size_t used = 0;
    for (size_t i = 0; labels != NULL && host->member(labels, i, &name, &value); i++) {
        if (m->n_labels == LABELS_MAX || name.len > 100)
            return refuse(err, WEIR_INVALID,
                          "there are more than %d labels, or one has a long name", LABELS_MAX);
        memcpy(n->labels + used, name.bytes, name.len);
        used += name.len;
        n->labels[used++] = ' ';
        take_label(open, m, name, value);
    }
    n->labels[used > 0 ? used - 1 : 0] = '\0';
    n->metric.labels = n->labels;
    return WEIR_OK;
}

static uint32_t
take_all(struct weir_open *open, struct metrics_node *m, struct naming *n,
         struct weir_error *err)
{
    struct weir_text help = WEIR_TEXT(HELP);
    int64_t max_series;
    n->metric =
        (struct weir_metric){ .size = sizeof n->metric, .name = n->name, .help = n->help };
    if (take_kind(m->config, n, err) != WEIR_OK || take_buckets(m->config, n, err) != WEIR_OK)
        return err->code;
    m->counter = n->metric.kind == WEIR_COUNTER;
    (void)host->get_text(host->get(m->config, WEIR_TEXT("help")), &help);
    if (!copy(help, n->help, sizeof n->help))
        return refuse(err, WEIR_INVALID, "'help' has more than %zu bytes", sizeof n->help - 1);
    if (host->get_int(host->get(m->config, WEIR_TEXT("max_series")), &max_series))
        n->metric.max_series = (uint32_t)max_series;
    if (take_amount(open, m, n, err) != WEIR_OK || take_labels(open, m, n, err) != WEIR_OK)
        return err->code;
    m->metric = host->metric(open, &n->metric, err);
    return m->metric != 0 ? WEIR_OK : err->code;
}

uint32_t
metrics_open(struct weir_open *open, const struct weir_value *config, void **ret_conf,
             struct weir_error *err)
{
    struct metrics_node *m = zeroed(1, sizeof *m);
    struct naming *n = zeroed(1, sizeof *n);
    m->config = host->ref(config);
    uint32_t code = take_all(open, m, n, err);
    free(n);
    if (code == WEIR_OK)
        *ret_conf = m;
    else
        metrics_close(m);
    return code;
}

void
metrics_close(void *conf)
{
    struct metrics_node *m = conf;
    for (uint32_t i = 0; i < m->n_labels; i++) {
        host->unref(&m->labels[i].text);
        free(m->labels[i].values);
    }
    host->unref(&m->config);
    free(m);
}

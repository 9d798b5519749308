/* metrics/metrics.h - what the files of this plugin share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef METRICS_METRICS_H
#define METRICS_METRICS_H

#include "plugin.h"

#define LABELS_MAX 16

/* One label of the metric. */
struct label {
    uint32_t slot;                   /* 0: CONSTANT is its value */
    struct weir_text constant;       /* in TEXT */
    const struct weir_value *text;   /* owned */
    bool bounded;                    /* it may only be one of VALUES */
    size_t n_values;
    struct weir_text *values;        /* owned */
    struct weir_text other;          /* what anything else becomes */
};

struct metrics_node {
    uint32_t metric;
    bool counter;
    uint32_t by; /* a slot; 0: AMOUNT is it */
    double amount;
    uint32_t n_labels;
    struct label labels[LABELS_MAX];
    const struct weir_value *config; /* owned; VALUES and OTHER of labels are in it */
};

/* metrics_open.c: reads the configuration and makes the metric. */
uint32_t metrics_open(struct weir_open *open, const struct weir_value *config, void **ret_conf,
                      struct weir_error *err);
void metrics_close(void *conf);

#endif

/* engine/host_measure.c - counting what a plugin tells, with labels that hold no secret. See host.h.
 *
 * What is a label may be what an upstream has echoed. A series is made once and looked up ever after, so its
 * labels are looked at when it is made: what has a secret in it is never found by what it was.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/host.h"

#include "engine/metrics.h"

/* Enough of a label for any secret in any encoding that begins where a label is cut. */
#define LOOK_MAX (3u * SECRET_MAX + 1024u)

/* The series of FAMILY with LABELS in which secrets are masked. */
static uint32_t
masked_series(unsigned shard, const struct secrets *secrets, const struct hidden *hidden, uint32_t family,
              const struct weir_text *labels)
{
    struct weir_text shown[METRIC_LABELS_MAX];
    struct buf bufs[METRIC_LABELS_MAX];
    unsigned n = metric_labels(family);
    for (unsigned i = 0; i < n; i++) {
        size_t len = labels[i].len < LOOK_MAX ? labels[i].len : LOOK_MAX;
        buf_init(&bufs[i], 2 * LOOK_MAX);
        (void)buf_text(&bufs[i], (struct weir_text){ labels[i].bytes, len });
        if (secrets)
            secrets_mask(secrets, &bufs[i]);
        if (hidden)
            hidden_mask(hidden, &bufs[i]);
        shown[i] = buf_content(&bufs[i]);
    }
    uint32_t series = metric_series_of(shard, family, shown);
    for (unsigned i = 0; i < n; i++)
        buf_fini(&bufs[i]);
    return series;
}

void
host_measure(unsigned shard, const struct secrets *secrets, const struct hidden *hidden, uint32_t family,
             const struct weir_text *labels, double by)
{
    bool hides = hidden_any(hidden); /* another event may have the same text where it is not hidden */
    uint32_t series = hides ? 0 : metric_series_known(shard, family, labels);
    if (series == 0)
        series = masked_series(shard, secrets, hides ? hidden : NULL, family, labels);
    metric_add(shard, series, by);
}

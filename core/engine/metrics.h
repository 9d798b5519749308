/* engine/metrics.h - metrics: counted without locks on each shard, summed when they are read.
 *
 * A family has a name, a kind and label names; a series is a family with label values. Each
 * shard has its own slots for every series, which only its thread writes (relaxed atomics);
 * readers add them up. Making families and series takes a lock: at load, or at the first
 * sight of a label value. What passes a family's bound is counted under the label value
 * "other", so that a stranger cannot grow it. Series live as long as the process.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ENGINE_METRICS_H
#define ENGINE_METRICS_H

#include "base/buf.h"

#define METRICS_SHARDS 64 /* slots sets: shards and the main thread (METRICS_MAIN) */
#define METRICS_MAIN (METRICS_SHARDS - 1)
#define METRIC_LABELS_MAX 16u

/* The family with this description, made on first use. 0 and WEIR_CONFLICT if the name is
 * taken by another kind, other labels or other buckets; WEIR_INVALID for a name or label that
 * Prometheus would not take, or one that ends in a reserved suffix. Any thread. */
uint32_t metric_family(const struct weir_metric *m, struct weir_error *err);

/* The series of FAMILY with these label values (as many as it has labels; texts are cut at 128
 * bytes, bytes that are not UTF-8 replaced). Never 0 for a valid family. Any thread. */
uint32_t metric_series(uint32_t family, const struct weir_text *values);

/* The same from a shard's own table first, without a lock in the usual case. */
uint32_t metric_series_of(unsigned shard, uint32_t family, const struct weir_text *values);

/* The same if it needs no new series on this shard; else 0. */
uint32_t metric_series_known(unsigned shard, uint32_t family, const struct weir_text *values);

/* How many labels FAMILY has, at most METRIC_LABELS_MAX. */
unsigned metric_labels(uint32_t family);

/* Adds BY to a counter or gauge, observes BY with a histogram. SHARD is the caller's own. */
void metric_add(unsigned shard, uint32_t series, double by);

/* Sets a gauge of this shard to V (gauges are summed over shards). */
void metric_set(unsigned shard, uint32_t series, double v);

/* For whoever fetches ahead into the caches what counting reads: where it is written what SERIES
 * is, the number of its first slot, and that slot on SHARD. Any thread; metric_fetch the shard's. */
const void *metric_word(uint32_t series);
uint32_t metric_slot(uint32_t series);
void metric_fetch(unsigned shard, uint32_t slot);

/* Sums the value of a counter or gauge, or the count of a histogram. Any thread. */
double metric_read(uint32_t series);

/* Values that are worked out when they are read: FN is called at each reading, on the reader's
 * thread, and tells its series by metric_sample, or metric_sample_histogram. False and ERR as metric_family. */
struct metric_sink;
bool metric_collect(const struct weir_metric *m, void (*fn)(void *arg, struct metric_sink *), void *arg,
                    struct weir_error *err);
void metric_sample(struct metric_sink *sink, const struct weir_text *values, double v);

/* The same for a histogram: how many values are in each of its BUCKETS (not cumulative) and, last, above them; and
 * what they are together. */
void metric_sample_histogram(struct metric_sink *sink, const struct weir_text *values, const uint64_t *buckets,
                             double sum);

/* The same text in pieces, so that nobody waits for a large one. Begins a reading; the caller ends
 * it. */
struct metric_walk;
struct metric_walk *metrics_begin(bool openmetrics);

/* Appends until OUT has ENOUGH bytes, and the series at hand is whole; false: that was the end. */
bool metrics_more(struct metric_walk *w, size_t enough, struct buf *out);

/* Frees it; whether OUT took everything. */
bool metrics_end(struct metric_walk **w);

/* Appends all in Prometheus' text format 0.0.4, or as OpenMetrics 1.0.0 (with # EOF). */
enum weir_code metrics_write(struct buf *out, bool openmetrics, struct weir_error *err) MUST_USE;

/* Series and families in all, for tests. */
unsigned metrics_count(unsigned *ret_series);

/* The default buckets of HTTP durations in seconds (OpenTelemetry). */
extern const double metric_http_buckets[14];

#endif

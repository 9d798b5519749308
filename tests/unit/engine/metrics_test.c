/* unit/engine/metrics_test.c - what engine/metrics.h promises.
 *
 * Families live as long as the process: each test has names of its own.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/metrics.h"

#define METRIC(kind_, name_, labels_)                           \
    (&(struct weir_metric){ .size = sizeof(struct weir_metric), \
                            .kind = (kind_),                    \
                            .name = (name_),                    \
                            .help = "What is counted.",         \
                            .labels = (labels_) })

static uint32_t
family(uint32_t kind, const char *name, const char *labels)
{
    struct weir_error err = { 0 };
    uint32_t f = metric_family(METRIC(kind, name, labels), &err);
    assert_int_equal(err.code, WEIR_OK);
    assert_int_not_equal(f, 0);
    return f;
}

static void
refused(const struct weir_metric *m, uint32_t code, const char *text)
{
    struct weir_error err = { 0 };
    assert_int_equal(metric_family(m, &err), 0);
    assert_int_equal(err.code, code);
    if (strstr(err.text, text) == NULL)
        fail_msg("'%s' is not in '%s'", text, err.text);
}

/* The whole exposition, for one test; the caller frees it. */
static char *
written(bool openmetrics)
{
    struct buf out;
    struct weir_error err;
    buf_init(&out, 64u << 20);
    assert_int_equal(metrics_write(&out, openmetrics, &err), WEIR_OK);
    return buf_give(&out, &(size_t){ 0 });
}

static void
shows(bool openmetrics, const char *part)
{
    char *text = written(openmetrics);
    if (strstr(text, part) == NULL)
        fail_msg("not there:\n%s\nin:\n%s", part, text);
    free(text);
}

static void
a_counter_without_labels_shows_as_0_before_it_counts(void **state)
{
    (void)state;
    uint32_t f = family(WEIR_COUNTER, "early_total", NULL);
    shows(false,
          "# HELP early_total What is counted.\n# TYPE early_total counter\nearly_total 0\n");
    shows(true, "# HELP early What is counted.\n# TYPE early counter\nearly_total 0\n");
    metric_add(0, metric_series(f, NULL), 2);
    shows(false, "\nearly_total 2\n");
}

static void
shards_count_apart_and_are_summed(void **state)
{
    (void)state;
    uint32_t s = metric_series(family(WEIR_COUNTER, "summed_total", NULL), NULL);
    metric_add(0, s, 1);
    metric_add(1, s, 2.5);
    metric_add(METRICS_MAIN, s, 4);
    assert_true(metric_read(s) == 7.5);
    shows(false, "\nsummed_total 7.5\n");
}

static void
a_counter_never_goes_down_and_takes_no_nan(void **state)
{
    (void)state;
    uint32_t s = metric_series(family(WEIR_COUNTER, "rising_total", NULL), NULL);
    metric_add(0, s, 3);
    metric_add(0, s, -1);
    metric_add(0, s, (double)NAN);
    metric_add(0, s, (double)INFINITY);
    metric_set(0, s, 1);
    assert_true(metric_read(s) == 3);
}

static void
a_gauge_is_added_to_and_set(void **state)
{
    (void)state;
    uint32_t s = metric_series(family(WEIR_GAUGE, "level", NULL), NULL);
    metric_set(0, s, 5);
    metric_add(0, s, -7);
    metric_set(1, s, 1);
    assert_true(metric_read(s) == -1);
    shows(true, "# TYPE level gauge\nlevel -1\n");
}

static void
series_0_counts_nothing(void **state)
{
    (void)state;
    metric_add(0, 0, 1);
    metric_set(0, 0, 1);
    assert_true(metric_read(0) == 0);
    assert_int_equal(metric_series(0, NULL), 0);
    assert_int_equal(metric_series_of(0, 0, NULL), 0);
}

static void
a_histogram_is_shown_with_cumulative_buckets(void **state)
{
    (void)state;
    static const double buckets[] = { 0.5, 1, 2.5 };
    struct weir_metric m = *METRIC(WEIR_HISTOGRAM, "took_seconds", "way");
    m.buckets = buckets;
    m.n_buckets = 3;
    struct weir_error err = { 0 };
    uint32_t f = metric_family(&m, &err);
    assert_int_not_equal(f, 0);
    uint32_t s = metric_series_of(2, f, &TEXT("in"));
    metric_add(2, s, 0.5); /* a bound belongs to its bucket */
    metric_add(0, s, 0.75);
    metric_add(0, s, 2);
    metric_add(0, s, 9);
    assert_true(metric_read(s) == 4);
    shows(false, "# TYPE took_seconds histogram\n"
                 "took_seconds_bucket{way=\"in\",le=\"0.5\"} 1\n"
                 "took_seconds_bucket{way=\"in\",le=\"1\"} 2\n"
                 "took_seconds_bucket{way=\"in\",le=\"2.5\"} 3\n"
                 "took_seconds_bucket{way=\"in\",le=\"+Inf\"} 4\n"
                 "took_seconds_sum{way=\"in\"} 12.25\n"
                 "took_seconds_count{way=\"in\"} 4\n");
    shows(true, "took_seconds_bucket{way=\"in\",le=\"1.0\"} 2\n");
}

static void
a_histogram_without_buckets_has_those_of_http(void **state)
{
    (void)state;
    uint32_t s = metric_series(family(WEIR_HISTOGRAM, "plain_seconds", NULL), NULL);
    metric_add(0, s, 0.3);
    shows(false, "plain_seconds_bucket{le=\"0.25\"} 0\nplain_seconds_bucket{le=\"0.5\"} 1\n");
    shows(false, "plain_seconds_sum 0.3\nplain_seconds_count 1\n");
}

static void
label_values_and_help_are_escaped(void **state)
{
    (void)state;
    struct weir_metric m = *METRIC(WEIR_GAUGE, "escaped", "a b");
    m.help = "A \\ and a\nbreak and a \" quote.";
    struct weir_error err = { 0 };
    uint32_t f = metric_family(&m, &err);
    struct weir_text values[] = { TEXT("x\\y\"z\n"), TEXT("") };
    metric_add(0, metric_series(f, values), 1);
    shows(false, "# HELP escaped A \\\\ and a\\nbreak and a \" quote.\n");
    shows(true, "# HELP escaped A \\\\ and a\\nbreak and a \\\" quote.\n");
    shows(false, "escaped{a=\"x\\\\y\\\"z\\n\",b=\"\"} 1\n");
}

static void
label_values_are_cut_at_a_whole_character_and_made_utf8(void **state)
{
    (void)state;
    uint32_t f = family(WEIR_GAUGE, "cut", "a");
    char bytes[200];
    memset(bytes, 'x', sizeof bytes);
    memcpy(bytes + 127, "\xc3\xa4", 2);
    struct weir_text value = { bytes, sizeof bytes };
    uint32_t s = metric_series(f, &value);
    assert_int_equal(s, metric_series(f, &(struct weir_text){ bytes, 127 }));
    assert_int_equal(s, metric_series_of(3, f, &value));

    s = metric_series(f, &TEXT("a\xff"));
    assert_int_equal(s, metric_series_of(3, f, &TEXT("a\xef\xbf\xbd")));
}

static void
the_same_values_are_the_same_series_on_every_shard(void **state)
{
    (void)state;
    uint32_t f = family(WEIR_COUNTER, "same_total", "a b");
    struct weir_text ab[] = { TEXT("a"), TEXT("b") };
    struct weir_text shifted[] = { TEXT("ab"), TEXT("") };
    uint32_t s = metric_series(f, ab);
    assert_int_equal(metric_series_of(0, f, ab), s);
    assert_int_equal(metric_series_of(0, f, ab), s);
    assert_int_equal(metric_series_of(1, f, ab), s);
    assert_int_not_equal(metric_series_of(1, f, shifted), s);
}

static void
series_that_take_turns_are_told_apart(void **state)
{
    uint32_t f = family(WEIR_COUNTER, "turns_total", "a b"), first[64];
    char values[64][4], long_value[200];
    (void)state;
    for (unsigned i = 0; i < 64; i++)
        snprintf(values[i], sizeof values[i], "%u", i);
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < 64; i++) {
            const struct weir_text v[] = { text_of(values[i]), text_of(values[63 - i]) };
            uint32_t s = metric_series_of(0, f, v);
            assert_int_equal(s, metric_series(f, v));
            assert_int_equal(s, metric_series_of(0, f, v));
            first[i] = round == 0 ? s : first[i];
            assert_int_equal(s, first[i]);
        }
    }
    memset(long_value, 'x', sizeof long_value);
    for (size_t len = 127; len < 131; len++) { /* what is cut at 128 bytes is one series */
        const struct weir_text v[] = { { long_value, len }, TEXT("") };
        uint32_t s = metric_series_of(0, f, v);
        assert_int_equal(metric_series_of(0, f, v), s);
        assert_int_equal(metric_series(f, v), s);
    }
}

static void
what_passes_the_bound_is_other(void **state)
{
    (void)state;
    struct weir_metric m = *METRIC(WEIR_COUNTER, "bounded_total", "path");
    m.max_series = 10;
    struct weir_error err = { 0 };
    uint32_t f = metric_family(&m, &err);
    unsigned before;
    (void)metrics_count(&before);
    for (unsigned i = 0; i < 10000; i++) {
        char path[16];
        struct weir_text value = { path, (size_t)snprintf(path, sizeof path, "/%u", i) };
        metric_add(i % 3, metric_series_of(i % 3, f, &value), 1);
    }
    unsigned after;
    (void)metrics_count(&after);
    assert_int_equal(after - before, 11);
    shows(false, "\nbounded_total{path=\"/9\"} 1\n");
    shows(false, "\nbounded_total{path=\"other\"} 9990\n");
}

static void
a_later_maker_can_raise_the_bound(void **state)
{
    (void)state;
    struct weir_metric m = *METRIC(WEIR_COUNTER, "raised_total", "a");
    m.max_series = 1;
    struct weir_error err = { 0 };
    uint32_t f = metric_family(&m, &err);
    uint32_t one = metric_series_of(0, f, &TEXT("1"));
    uint32_t other = metric_series_of(0, f, &TEXT("2"));
    assert_int_not_equal(one, other);
    assert_int_equal(metric_series_of(0, f, &TEXT("other")), other);
    m.max_series = 2;
    assert_int_equal(metric_family(&m, &err), f);
    assert_int_not_equal(metric_series_of(0, f, &TEXT("2")), other);
    assert_int_equal(metric_series_of(0, f, &TEXT("3")), other);
    m.max_series = 1;
    assert_int_equal(metric_family(&m, &err), f);
    assert_int_not_equal(metric_series_of(1, f, &TEXT("2")), other);
}

static void
a_family_is_made_once(void **state)
{
    (void)state;
    uint32_t f = family(WEIR_COUNTER, "once_total", "a b");
    assert_int_equal(family(WEIR_COUNTER, "once_total", " a  b "), f);
    refused(METRIC(WEIR_COUNTER, "once_total", "a"), WEIR_CONFLICT, "with other labels");
    refused(METRIC(WEIR_GAUGE, "once", "a b"), WEIR_CONFLICT,
            "'once_total', which is of another");
    (void)family(WEIR_HISTOGRAM, "once_seconds", NULL);
    struct weir_metric m = *METRIC(WEIR_HISTOGRAM, "once_seconds", NULL);
    m.buckets = (const double[]){ 1, 2 };
    m.n_buckets = 2;
    refused(&m, WEIR_CONFLICT, "with other buckets");
}

static void
bad_names_are_refused(void **state)
{
    (void)state;
    refused(METRIC(WEIR_GAUGE, "", NULL), WEIR_INVALID, "must be of the form");
    refused(METRIC(WEIR_GAUGE, NULL, NULL), WEIR_INVALID, "must be of the form");
    refused(METRIC(WEIR_GAUGE, "9lives", NULL), WEIR_INVALID, "must be of the form");
    refused(METRIC(WEIR_GAUGE, "a-b", NULL), WEIR_INVALID, "must be of the form");
    refused(METRIC(WEIR_COUNTER, "orders", NULL), WEIR_INVALID, "must end in '_total'");
    refused(METRIC(WEIR_GAUGE, "orders_total", NULL), WEIR_INVALID, "it is no counter");
    refused(METRIC(WEIR_GAUGE, "orders_count", NULL), WEIR_INVALID, "must not end in '_count'");
    refused(METRIC(WEIR_HISTOGRAM, "x_bucket", NULL), WEIR_INVALID,
            "must not end in '_bucket'");
    refused(METRIC(7, "x", NULL), WEIR_INVALID, "of no known kind");
}

static void
bad_labels_and_buckets_are_refused(void **state)
{
    (void)state;
    refused(METRIC(WEIR_GAUGE, "bad", "a-b"), WEIR_INVALID, "must be of the form");
    refused(METRIC(WEIR_GAUGE, "bad", "__x"), WEIR_INVALID, "is reserved");
    refused(METRIC(WEIR_HISTOGRAM, "bad", "le"), WEIR_INVALID, "is reserved");
    refused(METRIC(WEIR_GAUGE, "bad", "a a"), WEIR_INVALID, "twice");
    refused(METRIC(WEIR_GAUGE, "bad", "a b c d e f g h i j k l m n o p q"), WEIR_INVALID,
            "more than");
    struct weir_metric m = *METRIC(WEIR_HISTOGRAM, "bad", NULL);
    m.buckets = (const double[]){ 2, 2 };
    m.n_buckets = 2;
    refused(&m, WEIR_INVALID, "must be numbers that rise");
    m.n_buckets = 65;
    refused(&m, WEIR_INVALID, "more than 64 buckets");
    m = *METRIC(WEIR_GAUGE, "bad", NULL);
    m.help = "";
    refused(&m, WEIR_INVALID, "needs a help text");
}

static void
tell(void *arg, struct metric_sink *sink)
{
    metric_sample(sink, &TEXT("a\xff"), *(double *)arg);
}

static void
collected_values_are_asked_for_when_they_are_read(void **state)
{
    (void)state;
    static double now = 1;
    static double more = 10;
    shows(false, "");
    metric_collect(METRIC(WEIR_GAUGE, "asked", "x"), tell, &now, &(struct weir_error){ 0 });
    now = 2.5;
    shows(false, "# TYPE asked gauge\nasked{x=\"a\xef\xbf\xbd\"} 2.5\n");
    metric_collect(METRIC(WEIR_GAUGE, "asked", "x"), tell, &more, &(struct weir_error){ 0 });
    shows(false, "} 10\nasked{");
    refused(METRIC(WEIR_GAUGE, "asked", "x"), WEIR_CONFLICT, "of another kind");
}

static void
tell_histogram(void *arg, struct metric_sink *sink)
{
    metric_sample_histogram(sink, &TEXT("a"), arg, 7.5);
}

static void
a_histogram_may_be_collected_too(void **state)
{
    (void)state;
    static uint64_t buckets[3] = { 2, 0, 1 };
    struct weir_metric m = *METRIC(WEIR_HISTOGRAM, "told", "x");
    m.buckets = (const double[]){ 1, 2 };
    m.n_buckets = 2;
    assert_true(metric_collect(&m, tell_histogram, buckets, &(struct weir_error){ 0 }));
    shows(false, "# TYPE told histogram\n"
                 "told_bucket{x=\"a\",le=\"1\"} 2\ntold_bucket{x=\"a\",le=\"2\"} 2\ntold_bucket{x=\"a\",le=\"+Inf\"} 3\n"
                 "told_sum{x=\"a\"} 7.5\ntold_count{x=\"a\"} 3\n");
}

static void
numbers_are_written_as_prometheus_reads_them(void **state)
{
    (void)state;
    uint32_t f = family(WEIR_GAUGE, "number", "n");
    metric_set(0, metric_series(f, &TEXT("whole")), 1e14);
    metric_set(0, metric_series(f, &TEXT("large")), 1e300);
    metric_set(0, metric_series(f, &TEXT("small")), 0.1);
    metric_set(0, metric_series(f, &TEXT("minus")), -0.0);
    shows(false, "number{n=\"whole\"} 100000000000000\n");
    shows(false, "number{n=\"large\"} 1e+300\n");
    shows(false, "number{n=\"small\"} 0.1\n");
    shows(false, "number{n=\"minus\"} 0\n");
}

static void
openmetrics_ends_with_eof_and_families_are_sorted(void **state)
{
    (void)state;
    (void)family(WEIR_COUNTER, "zz_total", NULL);
    (void)family(WEIR_COUNTER, "aa_total", NULL);
    char *text = written(true);
    assert_int_equal(strncmp(text, "# HELP aa ", 10), 0);
    assert_string_equal(text + strlen(text) - strlen("zz_total 0\n# EOF\n"),
                        "zz_total 0\n# EOF\n");
    free(text);
}

static void
a_buffer_that_is_too_small_is_said(void **state)
{
    (void)state;
    struct buf out;
    struct weir_error err;
    buf_init(&out, 10);
    (void)family(WEIR_COUNTER, "aa_total", NULL);
    assert_int_equal(metrics_write(&out, false, &err), WEIR_TOO_LARGE);
    buf_fini(&out);
}

#define SHARDS 4
#define ROUNDS 20000u

static void
pieces_are_together_what_is_written_at_once(void **state)
{
    (void)state;
    struct weir_error err;
    struct buf whole, all, piece;
    buf_init(&whole, 1 << 20);
    buf_init(&all, 1 << 20);
    buf_init(&piece, 1 << 20);
    assert_int_equal(metrics_write(&whole, true, &err), WEIR_OK);
    struct metric_walk *w = metrics_begin(true);
    unsigned pieces = 0;
    for (bool more = true; more; pieces++) {
        more = metrics_more(w, 200, &piece);
        assert_true(!more || piece.len >= 200);
        assert_int_equal(buf_add(&all, piece.bytes, piece.len, &err), WEIR_OK);
        piece.len = 0;
    }
    assert_true(metrics_end(&w));
    assert_null(w);
    assert_true(pieces > 3);
    assert_string_equal(all.bytes, whole.bytes);
    buf_fini(&whole);
    buf_fini(&all);
    buf_fini(&piece);
}

static void *
count_on_a_shard(void *arg)
{
    unsigned shard = *(unsigned *)arg;
    struct weir_error err;
    struct weir_metric m = *METRIC(WEIR_COUNTER, "threads_total", "n");
    m.max_series = 50;
    uint32_t f = metric_family(&m, &err);
    for (unsigned i = 0; i < ROUNDS; i++) {
        char n[16];
        struct weir_text value = { n, (size_t)snprintf(n, sizeof n, "%u", i % 100) };
        metric_add(shard, metric_series_of(shard, f, &value), 1);
        if (i % 5000 == 0)
            free(written(i % 2));
    }
    return NULL;
}

static void
threads_count_together_and_lose_nothing(void **state)
{
    (void)state;
    pthread_t threads[SHARDS];
    unsigned shards[SHARDS];
    for (unsigned i = 0; i < SHARDS; i++) {
        shards[i] = 10 + i;
        assert_int_equal(pthread_create(&threads[i], NULL, count_on_a_shard, &shards[i]), 0);
    }
    for (unsigned i = 0; i < SHARDS; i++)
        pthread_join(threads[i], NULL);
    uint32_t f = family(WEIR_COUNTER, "threads_total", "n");
    double sum = metric_read(metric_series(f, &TEXT("other")));
    for (unsigned i = 0; i < 100; i++) {
        char n[16];
        struct weir_text value = { n, (size_t)snprintf(n, sizeof n, "%u", i) };
        uint32_t s = metric_series(f, &value);
        if (s != metric_series(f, &TEXT("other")))
            sum += metric_read(s);
    }
    assert_true(sum == (double)SHARDS * ROUNDS);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_counter_without_labels_shows_as_0_before_it_counts),
        cmocka_unit_test(shards_count_apart_and_are_summed),
        cmocka_unit_test(a_counter_never_goes_down_and_takes_no_nan),
        cmocka_unit_test(a_gauge_is_added_to_and_set),
        cmocka_unit_test(series_0_counts_nothing),
        cmocka_unit_test(a_histogram_is_shown_with_cumulative_buckets),
        cmocka_unit_test(a_histogram_without_buckets_has_those_of_http),
        cmocka_unit_test(label_values_and_help_are_escaped),
        cmocka_unit_test(label_values_are_cut_at_a_whole_character_and_made_utf8),
        cmocka_unit_test(the_same_values_are_the_same_series_on_every_shard),
        cmocka_unit_test(series_that_take_turns_are_told_apart),
        cmocka_unit_test(what_passes_the_bound_is_other),
        cmocka_unit_test(a_later_maker_can_raise_the_bound),
        cmocka_unit_test(a_family_is_made_once),
        cmocka_unit_test(bad_names_are_refused),
        cmocka_unit_test(bad_labels_and_buckets_are_refused),
        cmocka_unit_test(collected_values_are_asked_for_when_they_are_read),
        cmocka_unit_test(a_histogram_may_be_collected_too),
        cmocka_unit_test(numbers_are_written_as_prometheus_reads_them),
        cmocka_unit_test(openmetrics_ends_with_eof_and_families_are_sorted),
        cmocka_unit_test(a_buffer_that_is_too_small_is_said),
        cmocka_unit_test(pieces_are_together_what_is_written_at_once),
        cmocka_unit_test(threads_count_together_and_lose_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* metrics/tests/metrics_test.c - what metrics/README.md promises.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
load(const char *config)
{
    char yaml[2048];
    snprintf(yaml, sizeof yaml,
             "name: counts\ntrigger: { webhook: /x }\nsteps:\n  - metrics: %s\n", config);
    stage_load(yaml, NULL);
}

static void
play(const char *body, unsigned status)
{
    struct play *p = stage_play("POST /x", body);
    if (p->status != status)
        fail_msg("%s answers %u %s", body, p->status, p->body);
    stage_end(&p);
}

static void
is(const char *series, double v)
{
    double now = stage_metric(series);
    if (now != v)
        fail_msg("%s is %g, not %g", series, now, v);
}

static void
a_counter_counts_by_one_or_by_more(void **state)
{
    (void)state;
    load("{ counter: ones_total }");
    is("ones_total", 0); /* there before it counts */
    play(NULL, 204);
    play(NULL, 204);
    is("ones_total", 2);
    load("{ counter: sums_total, by: \"${ request.body }\" }");
    play("2.5", 204);
    play("4", 204);
    is("sums_total", 6.5);
    play("-1", 400);
    play("\"a\"", 422);
    is("sums_total", 6.5);
}

static void
a_gauge_goes_both_ways(void **state)
{
    (void)state;
    load("{ gauge: open_orders, by: \"${ request.body }\" }");
    play("5", 204);
    play("-2", 204);
    is("open_orders", 3);
}

static void
a_histogram_observes(void **state)
{
    (void)state;
    load("{ histogram: value_euros, value: \"${ request.body }\", buckets: [10, 100] }");
    play("10", 204);
    play("50", 204);
    play("500", 204);
    is("value_euros_bucket{le=\"10\"}", 1);
    is("value_euros_bucket{le=\"100\"}", 2);
    is("value_euros_bucket{le=\"+Inf\"}", 3);
    is("value_euros_sum", 560);
}

static void
labels_are_values_or_bounded_by_a_list(void **state)
{
    (void)state;
    load("\n"
         "      counter: labelled_total\n"
         "      labels:\n"
         "        kind: ${ request.body.kind }\n"
         "        shop: { value: \"${ request.body.shop }\", values: [eu, us] }\n"
         "        size: { value: \"${ request.body.size }\", values: [\"1\"], other: many }\n"
         "        fixed: 7");
    play("{\"kind\":\"a\",\"shop\":\"eu\",\"size\":1}", 204);
    play("{\"kind\":\"b\",\"shop\":\"zz\",\"size\":2}", 204);
    is("labelled_total{kind=\"a\",shop=\"eu\",size=\"1\",fixed=\"7\"}", 1);
    is("labelled_total{kind=\"b\",shop=\"other\",size=\"many\",fixed=\"7\"}", 1);
}

static void
ten_thousand_values_make_at_most_max_series(void **state)
{
    (void)state;
    load("{ counter: flooded_total, max_series: 10, labels: { path: \"${ request.body }\" } }");
    for (unsigned i = 0; i < 1000; i++) {
        char body[16];
        snprintf(body, sizeof body, "%u", i);
        play(body, 204);
    }
    is("flooded_total{path=\"9\"}", 1);
    is("flooded_total{path=\"10\"}", -1);
    is("flooded_total{path=\"other\"}", 990);
}

static void
nodes_of_the_same_name_count_together(void **state)
{
    (void)state;
    stage_load("name: twice\ntrigger: { webhook: /x }\nsteps:\n"
               "  - metrics: { counter: together_total }\n"
               "  - metrics: { counter: together_total, by: 2 }\n",
               NULL);
    play(NULL, 204);
    is("together_total", 3);
}

static void
refused(const char *config, const char *why)
{
    stage_refuses(why, "trigger: { webhook: /x }\nsteps:\n  - metrics: %s\n", config);
}

static void
what_prometheus_would_not_take_is_refused_at_load(void **state)
{
    (void)state;
    refused("{ counter: orders }", "must end in '_total'");
    refused("{ gauge: a-b }", "must be of the form");
    refused("{ gauge: a, counter: b_total }", "one of 'counter', 'gauge' and 'histogram'");
    refused("{ by: 1 }", "one of 'counter', 'gauge' and 'histogram'");
    refused("{ histogram: h_seconds }", "needs a 'value'");
    refused("{ counter: c_total, value: 1 }", "only a histogram has 'value'");
    refused("{ histogram: h_seconds, value: 1, by: 1 }", "not 'by'");
    refused("{ counter: c_total, buckets: [1] }", "only a histogram has 'buckets'");
    refused("{ histogram: h_seconds, value: 1, buckets: [2, 1] }", "rise");
    refused("{ counter: c_total, by: -1 }", "must not be negative");
    refused("{ gauge: g, labels: { \"a-b\": 1 } }", "labels");
    refused("{ gauge: g, labels: { __a: 1 } }", "reserved");
    refused("{ gauge: ones }", "clashes with 'ones_total'");
    refused("{ counter: ones_total, labels: { a: 1 } }", "with other labels");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_counter_counts_by_one_or_by_more),
        cmocka_unit_test(a_gauge_goes_both_ways),
        cmocka_unit_test(a_histogram_observes),
        cmocka_unit_test(labels_are_values_or_bounded_by_a_list),
        cmocka_unit_test(ten_thousand_values_make_at_most_max_series),
        cmocka_unit_test(nodes_of_the_same_name_count_together),
        cmocka_unit_test(what_prometheus_would_not_take_is_refused_at_load),
    };
    return cmocka_run_group_tests(tests, stage_open, stage_close);
}

/* edge/route_name.c - see route_name.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "edge/route_name.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "engine/metrics.h"

/* Statuses and methods of one route that a shard has seen; more are looked up each time. */
#define SEEN_MAX 64

/* The series of a route that a shard has used, so that it need not look them up. */
struct seen {
    unsigned n;
    struct {
        uint16_t status;
        uint16_t method;
        uint32_t series;
    } series[SEEN_MAX];
};

struct route_name {
    char *bytes;
    size_t len;
    struct seen *seen[METRICS_SHARDS]; /* each belongs to its shard */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct map names; /* to struct route_name; guarded by LOCK; zeroed is empty */
static uint32_t family;
static pthread_once_t once = PTHREAD_ONCE_INIT;

struct route_name *
route_name_find(struct weir_text pattern)
{
    pthread_mutex_lock(&lock);
    struct route_name *n = map_get(&names, pattern.bytes, pattern.len);
    if (n == NULL) {
        n = calloc(1, sizeof(*n));
        char *bytes = malloc(pattern.len + 1);
        if (n == NULL || bytes == NULL)
            abort();
        memcpy(bytes, pattern.bytes, pattern.len);
        bytes[pattern.len] = '\0';
        n->bytes = bytes;
        n->len = pattern.len;
        (void)map_set(&names, pattern.bytes, pattern.len, n); /* it was not there */
    }
    pthread_mutex_unlock(&lock);
    return n;
}

struct route_name *
route_name_none(void)
{
    static char empty[1];
    static struct route_name none = { .bytes = empty };
    return &none;
}

struct weir_text
route_name_text(const struct route_name *n)
{
    return (struct weir_text){ n->bytes, n->len };
}

static void
make_family(void)
{
    struct weir_metric m = {
        .size = sizeof(m),
        .kind = WEIR_HISTOGRAM,
        .name = "http_server_request_duration_seconds",
        .help = "Time from the head of a request to the last byte of its answer",
        .labels = "http_request_method http_route http_response_status_code",
        .max_series = 10000,
    };
    struct weir_error err;
    family = metric_family(&m, &err);
}

static uint32_t
find_series(const struct route_name *n, unsigned shard, enum method method, unsigned status)
{
    pthread_once(&once, make_family);
    if (family == 0)
        return 0;
    char code[8];
    snprintf(code, sizeof(code), "%u", status);
    const struct weir_text labels[] = { text_of(method_name(method)), route_name_text(n),
                                        text_of(code) };
    return metric_series_of(shard, family, labels);
}

static uint32_t
series_of(struct route_name *n, unsigned shard, enum method method, unsigned status)
{
    struct seen *seen = n->seen[shard];
    if (seen == NULL) {
        seen = calloc(1, sizeof(*seen));
        if (seen == NULL)
            abort();
        n->seen[shard] = seen;
    }
    for (unsigned i = 0; i < seen->n; i++)
        if (seen->series[i].status == status && seen->series[i].method == method)
            return seen->series[i].series;
    uint32_t series = find_series(n, shard, method, status);
    if (seen->n < SEEN_MAX) {
        seen->series[seen->n].status = (uint16_t)status;
        seen->series[seen->n].method = (uint16_t)method;
        seen->series[seen->n++].series = series;
    }
    return series;
}

void
route_name_observe(struct route_name *n, unsigned shard, enum method method, unsigned status,
                   double seconds)
{
    uint32_t series = series_of(n, shard, method, status);
    if (series != 0)
        metric_add(shard, series, seconds);
}

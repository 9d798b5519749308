/* edge/stats.c - see stats.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "edge/stats.h"

#include <pthread.h>

#include "engine/metrics.h"

static uint32_t refused[REFUSAL_COUNT];
static uint32_t connections;
static uint32_t active;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static uint32_t
gauge(const char *name, const char *help)
{
    struct weir_metric m = {
        .size = sizeof(m), .kind = WEIR_GAUGE, .name = name, .help = help
    };
    struct weir_error err;
    uint32_t family = metric_family(&m, &err);
    return family != 0 ? metric_series(family, NULL) : 0;
}

static void
make(void)
{
    connections = gauge("weir_edge_connections", "Open connections of callers");
    active = gauge("http_server_active_requests", "Requests that are not answered yet");

    struct weir_metric m = {
        .size = sizeof(m),
        .kind = WEIR_COUNTER,
        .name = "weir_edge_refused_total",
        .help = "Requests and connections that a limit of the edge refused",
        .labels = "reason",
    };
    struct weir_error err;
    uint32_t family = metric_family(&m, &err);
    if (family == 0)
        return;
    static const char *const reasons[] = {
#define X(name, text) [REFUSAL_##name] = text,
        REFUSALS(X)
#undef X
    };
    for (unsigned i = 0; i < REFUSAL_COUNT; i++) {
        struct weir_text label = text_of(reasons[i]);
        refused[i] = metric_series(family, &label);
    }
}

void
stats_start(void)
{
    pthread_once(&once, make);
}

static void
add(unsigned shard, uint32_t series, double by)
{
    if (series != 0)
        metric_add(shard, series, by);
}

void
stats_refused(unsigned shard, enum refusal why)
{
    add(shard, refused[why], 1);
}

void
stats_connections(unsigned shard, int by)
{
    add(shard, connections, by);
}

void
stats_active(unsigned shard, int by)
{
    add(shard, active, by);
}

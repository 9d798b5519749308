/* edge/stats.c - see stats.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "edge/stats.h"

#include <pthread.h>
#include <string.h>
#include <stdio.h>

#include "engine/metrics.h"

static uint32_t refused[REFUSAL_COUNT];
static uint32_t connections;
static uint32_t active;
static uint32_t handshakes[2][2]; /* by version 1.2 and 1.3, and by resumed */
static uint32_t sockets;
static uint32_t messages[2]; /* out, in */

/* The codes that are counted by themselves; 0 stands for all others. */
static const unsigned codes[] = { 1000, 1001, 1002, 1003, 1005, 1006, 1007, 1008, 1009, 1011, 0 };
#define CODES (sizeof(codes) / sizeof(codes[0]))
static uint32_t closed[CODES];
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

static uint32_t
counter(const char *name, const char *help, const char *label)
{
    struct weir_metric m = {
        .size = sizeof(m), .kind = WEIR_COUNTER, .name = name, .help = help, .labels = label
    };
    struct weir_error err;
    return metric_family(&m, &err);
}

static uint32_t
series(uint32_t family, const char *value)
{
    struct weir_text label = text_of(value);
    return family != 0 ? metric_series(family, &label) : 0;
}

static void
make_sockets(void)
{
    sockets = gauge("weir_websocket_connections", "Open WebSockets of callers");
    uint32_t family = counter("weir_websocket_messages_total", "Messages of WebSockets", "direction");
    messages[0] = series(family, "out");
    messages[1] = series(family, "in");
    family = counter("weir_websocket_closed_total", "WebSockets that ended, by the code (RFC 6455)", "code");
    for (unsigned i = 0; i < CODES; i++) {
        char name[16];
        snprintf(name, sizeof(name), "%u", codes[i]);
        closed[i] = series(family, codes[i] > 0 ? name : "other");
    }
}

static void
make_handshakes(void)
{
    struct weir_metric m = {
        .size = sizeof(m),
        .kind = WEIR_COUNTER,
        .name = "weir_edge_tls_handshakes_total",
        .help = "TLS handshakes with callers that went well",
        .labels = "version resumed",
    };
    struct weir_error err;
    uint32_t family = metric_family(&m, &err);
    for (unsigned i = 0; family != 0 && i < 4; i++) {
        struct weir_text labels[] = { i < 2 ? TEXT("1.2") : TEXT("1.3"),
                                      i % 2 == 0 ? TEXT("false") : TEXT("true") };
        handshakes[i / 2][i % 2] = metric_series(family, labels);
    }
}

static void
make(void)
{
    make_handshakes();
    make_sockets();
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
add(unsigned shard, uint32_t number, double by)
{
    if (number != 0)
        metric_add(shard, number, by);
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

void
stats_handshake(unsigned shard, const char *version, bool resumed)
{
    add(shard, handshakes[strcmp(version, "1.3") == 0][resumed], 1);
}

void
stats_sockets(unsigned shard, int by)
{
    add(shard, sockets, by);
}

void
stats_messages(unsigned shard, bool in)
{
    add(shard, messages[in], 1);
}

void
stats_socket_closed(unsigned shard, unsigned code)
{
    unsigned i = 0;
    while (i < CODES - 1 && codes[i] != code)
        i++;
    add(shard, closed[i], 1);
}

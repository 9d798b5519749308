/* engine/host_redis.c - the host table for Redis, its metrics and its lines in the log. See host.h
 * and net/redis.h. SPDX-License-Identifier: Apache-2.0 */
#include "engine/host.h"

#include <pthread.h>

#include "base/log.h"
#include "engine/metrics.h"
#include "net/redis.h"

static void
changed(struct weir_text server, const char *reason)
{
    if (reason != NULL)
        log_say(WEIR_WARN, "Redis at %.*s %s", (int)server.len, server.bytes, reason);
    else
        log_say(WEIR_INFO, "Redis at %.*s is there again", (int)server.len, server.bytes);
}

static void
collect_commands(void *arg, struct metric_sink *sink)
{
    (void)arg;
    struct redis_figures f;
    for (unsigned i = 0; redis_figures(i, &f); i++)
        for (unsigned k = 0; k < REDIS_N_OUTCOMES; k++) {
            const struct weir_text labels[] = { f.server,
                                                text_of(redis_outcome_name((enum redis_outcome)k)) };
            metric_sample(sink, labels, (double)f.commands[k]);
        }
}

static void
collect_up(void *arg, struct metric_sink *sink)
{
    (void)arg;
    struct redis_figures f;
    for (unsigned i = 0; redis_figures(i, &f); i++)
        metric_sample(sink, &f.server, f.up);
}

static void
collect_reconnects(void *arg, struct metric_sink *sink)
{
    (void)arg;
    struct redis_figures f;
    for (unsigned i = 0; redis_figures(i, &f); i++)
        metric_sample(sink, &f.server, (double)f.reconnects);
}

static void
family(uint32_t kind, const char *name, const char *help, const char *labels,
       void (*fn)(void *, struct metric_sink *))
{
    const struct weir_metric m = { .size = sizeof m, .kind = kind, .name = name, .help = help,
                                   .labels = labels, .max_series = 10000 };
    struct weir_error err;
    if (!metric_collect(&m, fn, NULL, &err))
        log_say(WEIR_ERROR, "%s", err.text);
}

static void
prepare(void)
{
    redis_on_change(changed);
    family(WEIR_COUNTER, "weir_redis_commands_total", "Commands for Redis, by how they ended.",
           "server outcome", collect_commands);
    family(WEIR_GAUGE, "weir_redis_up", "Connections to Redis that are up, at most one a shard.", "server",
           collect_up);
    family(WEIR_COUNTER, "weir_redis_reconnects_total",
           "Connections to Redis that came up after the first one.", "server", collect_reconnects);
}

struct weir_redis *
host_redis(struct weir_text url, struct weir_error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct weir_redis *r = NULL;
    pthread_once(&once, prepare);
    return redis_server(url, &r, err) == WEIR_OK ? r : NULL;
}

static struct weir_redis *
redis(struct weir_open *o, struct weir_text url, struct weir_error *err)
{
    (void)o;
    return host_redis(url, err);
}

void
host_fill_redis(struct weir_host *h)
{
    h->redis = redis;
    h->redis_send = redis_send;
    h->redis_forget = redis_forget;
    h->redis_listen = redis_listen;
    h->redis_listen_end = redis_listen_end;
}

/* cli/serve.c - see serve.h: starting, waiting, ending. SPDX-License-Identifier: Apache-2.0 */
#include "cli/serve.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/resident.h"
#include "cli/listening.h"
#include "cli/secrets_watch.h"
#include "cli/supervised.h"
#include "engine/blocking.h"
#include "engine/lru.h"
#include "engine/metrics.h"
#include "engine/once.h"
#include "engine/table.h"
#include "guard/notify.h"
#include "guard/worker.h"
#include "net/attempts.h"

#define MAILBOX_MAX 1000u
#define WORKER_QUEUE 10000u

/* All threads inherit the mask, so that signals come to this descriptor alone. That has to be
 * before the first of them: ZeroMQ's block signals only once they run, and one that comes
 * before would end the process. */
static void
take_signals(struct server *s)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    s->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (s->signal_fd < 0)
        abort();
}

static enum weir_code
read_trusted(struct server *s, struct weir_error *err)
{
    const char *at = settings_text(s->setup->settings, "trusted_proxies");
    while (*at) {
        size_t len = strcspn(at, ", ");
        if (len == 4 && strncmp(at, "unix", 4) == 0) {
            s->trusted_unix = true;
        } else if (len > 0) {
            if (s->n_trusted == sizeof s->trusted / sizeof *s->trusted)
                return err_set(err, WEIR_INVALID, "trusted_proxies: more than %u ranges", s->n_trusted);
            enum weir_code code =
                address_range_parse((struct weir_text){ at, len }, &s->trusted[s->n_trusted++], err);
            if (code != WEIR_OK)
                return err_in(err, "trusted_proxies");
        }
        at += len + (at[len] != '\0');
    }
    return WEIR_OK;
}

static enum weir_code
start_shards(struct server *s, struct weir_error *err)
{
    if (read_trusted(s, err) != WEIR_OK ||
        server_tls_open(s, err) != WEIR_OK || server_read_hsts(s, err) != WEIR_OK ||
        server_take_edge_addresses(s, err) != WEIR_OK || server_take_admin_addresses(s, err) != WEIR_OK ||
        server_read_public_url(s, err) != WEIR_OK || server_read_redirect(s, err) != WEIR_OK)
        return (enum weir_code)err->code;
    for (unsigned i = 0; i < s->n_shards; i++)
        if (shard_part_start(s, i, err) != WEIR_OK)
            return (enum weir_code)err->code;
    edge_addresses_close(&s->edge_addresses);
    edge_addresses_close(&s->admin_addresses);
    worker_close_sockets();
    return WEIR_OK;
}

static void
announce(const struct server *s)
{
    const struct settings *t = s->setup->settings;
    struct weir_text edge = text_of(settings_text(t, "edge.listen"));
    struct weir_text admin = text_of(settings_text(t, "admin.listen"));
    struct log_field fields[14] = {
        LOG_S("edge", edge),
        LOG_N("edge_port", edge_addresses_port(&s->edge_addresses, edge_addresses_first(&s->edge_addresses, EDGE_PLAIN))),
        LOG_S("admin", admin),
        LOG_N("admin_port", edge_addresses_port(&s->admin_addresses, edge_addresses_first(&s->admin_addresses, EDGE_PLAIN))),
        LOG_N("shards", s->n_shards),
        LOG_N("pipelines", generation_pipelines(s->current)->n),
        LOG_N("pid", worker_supervised() ? getppid() : getpid()), /* of who takes signals */
        LOG_N("worker", getpid()),
    };
    size_t n = 8;
    unsigned tls = edge_addresses_first(&s->edge_addresses, EDGE_TLS);
    unsigned redirect = edge_addresses_first(&s->edge_addresses, EDGE_REDIRECT);
    if (tls < s->edge_addresses.n) {
        fields[n++] = LOG_S("tls", text_of(settings_text(t, "edge.tls.listen")));
        fields[n++] = LOG_N("tls_port", edge_addresses_port(&s->edge_addresses, tls));
    }
    if (redirect < s->edge_addresses.n)
        fields[n++] = LOG_N("redirect_port", edge_addresses_port(&s->edge_addresses, redirect));
    tls = edge_addresses_first(&s->admin_addresses, EDGE_TLS);
    if (tls < s->admin_addresses.n) {
        fields[n++] = LOG_S("admin_tls", text_of(settings_text(t, "admin.tls.listen")));
        fields[n++] = LOG_N("admin_tls_port", edge_addresses_port(&s->admin_addresses, tls));
    }
    notify_ready(); /* first: who reads the line may count on it */
    log_line(WEIR_INFO, "weir " WEIR_VERSION " is ready", fields, n);
}

/* How late each loop is; another thread's figure, so read as one word. */
static void
loop_lags(void *arg, struct metric_sink *sink)
{
    const struct server *s = arg;
    for (unsigned i = 0; i < s->n_shards; i++) {
        char name[12];
        snprintf(name, sizeof name, "%u", i);
        struct weir_text label = text_of(name);
        const struct weir_shard *shard = __atomic_load_n(&s->shards[i].shard, __ATOMIC_RELAXED);
        if (shard)
            metric_sample(sink, &label, (double)__atomic_load_n(&shard->lag_ms, __ATOMIC_RELAXED) / 1000.0);
    }
}

/* What the supervisor has counted before it started this worker. */
static void
restarts(void *arg, struct metric_sink *sink)
{
    const struct handover *h = arg;
    for (unsigned i = 0; i < DEATH_COUNT; i++) {
        struct weir_text reason = text_of(death_name((enum death)i));
        metric_sample(sink, &reason, (double)h->restarts[i]);
    }
}

static void
make_restarts_metric(void)
{
    struct weir_metric m = { .size = sizeof m,
                             .kind = WEIR_COUNTER,
                             .name = "weir_worker_restarts_total",
                             .help = "How often the process that works was started again, by how it ended.",
                             .labels = "reason" };
    struct weir_error err = { 0 };
    const struct handover *h = worker_handover();
    if (worker_supervised())
        (void)metric_collect(&m, restarts, (void *)h, &err); /* the name is this one's */
}

static void
make_metrics(struct server *s)
{
    struct weir_metric lag = { .size = sizeof lag,
                               .kind = WEIR_GAUGE,
                               .name = "weir_event_loop_lag_seconds",
                               .help = "How late the event loop of a shard is.",
                               .labels = "shard" };
    struct weir_error err = { 0 };
    (void)metric_collect(&lag, loop_lags, s, &err); /* the name is this one's */
    struct weir_metric reloads = { .size = sizeof reloads,
                                   .kind = WEIR_COUNTER,
                                   .name = "weir_config_reloads_total",
                                   .help = "Reloads by their result.",
                                   .labels = "result" };
    struct weir_metric last = { .size = sizeof last,
                                .kind = WEIR_GAUGE,
                                .name = "weir_config_last_reload_success_timestamp_seconds",
                                .help = "When a configuration was last taken into force." };
    make_restarts_metric();
    attempts_configure((unsigned)settings_number(s->setup->settings, "auth.max_failures"));
    once_configure(settings_number(s->setup->settings, "engine.idempotency_memory"));
    s->reload_family = metric_family(&reloads, &err);
    s->reload_time = metric_family(&last, &err);
    metric_set(METRICS_MAIN, metric_series(s->reload_time, NULL), (double)clock_wall_ms() / 1000.0);
}

static struct generation *
make_older(void *arg, const struct older_pipeline *older, struct diags *d)
{
    const struct server *s = arg;
    struct generation_source source = setup_source(s->setup, s->paths, s->n_paths, NULL);
    source.older = older;
    return generation_new(&source, d);
}

static enum weir_code
begin(struct server *s, struct weir_error *err)
{
    s->n_shards = listening_shards(s->setup->settings);
    s->shards = calloc(s->n_shards, sizeof *s->shards);
    if (s->shards == NULL)
        abort();
    take_signals(s);
    mail_begin();
    timer_init(&s->grace, NULL, NULL);
    timer_init(&s->let_go, NULL, NULL);
    enum weir_code code = shard_new(s->n_shards, &s->keeper, err);
    if (code != WEIR_OK)
        return code;
    generation_keeper(s->keeper);
    generation_older_maker(make_older, s);
    code = mailbox_open(s->keeper, "keeper", MAILBOX_MAX, keeper_mail, s, &s->box, err);
    if (code != WEIR_OK)
        return code;
    keeper_listen(s);
    make_metrics(s);
    s->workers = workers_start((unsigned)settings_number(s->setup->settings, "workers"), WORKER_QUEUE);
    blocking_use(s->workers);
    code = server_store_open(s, err);
    if (code == WEIR_OK)
        code = secrets_watch_start(s, err);
    return code == WEIR_OK ? start_shards(s, err) : code;
}

static void
end(struct server *s)
{
    if (s->workers)
        workers_quit(s->workers); /* they answer to shards that are still there */
    for (unsigned i = 0; i < s->n_shards; i++)
        actor_stop(&s->shards[i].actor);
    edge_addresses_close(&s->edge_addresses);
    edge_addresses_close(&s->admin_addresses);
    edge_addresses_remove(&s->edge_addresses);
    edge_addresses_remove(&s->admin_addresses);
    server_tls_close(s);
    store_close(&s->store);
    workers_stop(&s->workers);
    timer_unset(s->keeper, &s->grace);
    timer_unset(s->keeper, &s->let_go);
    secrets_watch_stop(s);
    generation_unref(&s->pending);
    generation_unref(&s->current);
    generation_keeper(NULL);
    watch_free(&s->signals);
    watch_free(&s->channel);
    if (s->signal_fd >= 0)
        close(s->signal_fd);
    mailbox_close(&s->box);
    shard_free(&s->keeper);
    free(s->shards);
    mail_thread_end();
    mail_end();
    tables_free();
    lrus_free();
    once_free();
}

int
serve(struct setup *setup, const char *const *paths, unsigned n_paths, struct generation *first)
{
    struct server s = { .setup = setup, .paths = paths, .n_paths = n_paths, .current = first, .signal_fd = -1 };
    struct weir_error err = { 0 };
    s.started_wall_ms = clock_wall_ms();
    int code = EXIT_GOOD;
    resident_begin();
    if (begin(&s, &err) == WEIR_OK) {
        announce(&s);
        pulse_start(&s);
        settle_start(&s);
        shard_run(s.keeper);
        settle_stop(&s);
        pulse_stop(&s);
        log_say(WEIR_INFO, "weir ends");
    } else {
        log_say(WEIR_ERROR, "weir can't start: %s", err.text);
        code = EXIT_WRONG;
    }
    end(&s);
    return code;
}

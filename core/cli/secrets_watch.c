/* cli/secrets_watch.c - see secrets_watch.h. SPDX-License-Identifier: Apache-2.0 */
#include "cli/secrets_watch.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "engine/metrics.h"
#include "pipeline/secrets_aws.h"

#define FRESH_MS 5000u /* what was fetched so lately is not fetched again for a reload */

enum watched { WATCHED_FILES, WATCHED_AWS, WATCHED_COUNT };
static const char *const watched_names[] = { "files", "aws" };

struct secrets_watch {
    struct server *server;
    struct client *client;   /* on the keeper; NULL: AWS is no source */
    struct aws_fetch *fetch; /* NULL: none under way */
    void (*then)(struct server *s); /* what waits for it; NULL: nothing */
    struct timer look;
    struct timer refresh;
    uint64_t fetched_ms; /* when all of the last fetch was good */
    char failing[WATCHED_COUNT][320]; /* what was said last of a failure; "": it is well */
    _Atomic uint64_t good_ms[WATCHED_COUNT]; /* when it was well the last time; 0: it is no source */
    uint32_t refreshes;
};

static void
count(const struct secrets_watch *w, enum watched which, const char *result)
{
    struct weir_text labels[] = { text_of(watched_names[which]), text_of(result) };
    metric_add(METRICS_MAIN, metric_series(w->refreshes, labels), 1);
}

/* The source is well, or WHY it is not: said once, until it is another reason or well again. */
static void
note(struct secrets_watch *w, enum watched which, const char *why)
{
    char *said = w->failing[which];
    if (why == NULL) {
        if (said[0] != '\0')
            log_say(WEIR_INFO, "secrets: %s can be read again", watched_names[which]);
        said[0] = '\0';
        atomic_store(&w->good_ms[which], clock_mono_ms());
        return;
    }
    count(w, which, "failure");
    if (strncmp(said, why, sizeof w->failing[which] - 1) != 0)
        log_say(WEIR_WARN, "secrets: %s; the values from before stay", why);
    (void)snprintf(said, sizeof w->failing[which], "%s", why);
}

static void
arm(struct secrets_watch *w, struct timer *t, const char *key)
{
    uint64_t ms = settings_number(w->server->setup->settings, key);
    if (ms > 0)
        timer_set(w->server->keeper, t, shard_now(w->server->keeper) + ms);
}

static void
ask_reload(struct secrets_watch *w)
{
    log_say(WEIR_INFO, "secrets: a value has changed: the pipelines are loaded anew");
    keeper_reload(w->server, 0, "");
}

/* The files, from time to time. */
static void
look(void *arg)
{
    struct secrets_watch *w = arg;
    struct setup *setup = w->server->setup;
    arm(w, &w->look, "secrets.look");
    if (w->server->reload != RELOAD_NONE || w->server->draining)
        return;
    if (!secrets_stale(setup->secrets)) {
        note(w, WATCHED_FILES, NULL);
        return;
    }
    struct diags d;
    diags_init(&d);
    struct secrets *fresh = setup_read_secrets(setup, &d);
    if (d.errors > 0) {
        char why[300];
        (void)snprintf(why, sizeof why, "%.80s: %.200s", d.items[0].file, d.items[0].message);
        note(w, WATCHED_FILES, why);
        secrets_unref(&fresh);
    } else {
        bool same = secrets_equal(fresh, setup->secrets);
        note(w, WATCHED_FILES, NULL);
        count(w, WATCHED_FILES, same ? "unchanged" : "changed");
        secrets_unref(&setup->secrets);
        setup->secrets = fresh;
        setup->secrets_good = true;
        if (!same)
            ask_reload(w);
    }
    diags_fini(&d);
}

/* All that was asked for was answered. */
static void
fetched(void *arg, const struct aws_result *r)
{
    struct secrets_watch *w = arg;
    void (*then)(struct server *) = w->then;
    w->fetch = NULL;
    w->then = NULL;
    w->server->setup->cache_changed |= r->changed;
    if (r->failed > 0) {
        note(w, WATCHED_AWS, r->error);
    } else {
        note(w, WATCHED_AWS, NULL);
        count(w, WATCHED_AWS, r->changed ? "changed" : "unchanged");
        w->fetched_ms = clock_mono_ms();
    }
    if (then)
        then(w->server);
    else if (r->changed && !w->server->draining)
        ask_reload(w);
}

/* Starts to fetch what pipelines use. ONLY_NEW: what was never asked for. False: there is nothing
 * to fetch, or AWS can't be asked, which was noted. */
static bool
begin_fetch(struct secrets_watch *w, bool only_new)
{
    struct server *s = w->server;
    struct aws_source from;
    struct weir_error err = { 0 };
    struct weir_text *names;
    struct uses u;
    unsigned kept = 0;
    if (aws_source_read(&from, s->setup->settings, &err) != WEIR_OK) {
        note(w, WATCHED_AWS, err.text);
        return false;
    }
    uses_init(&u);
    unsigned n = setup_far_names(s->setup, s->paths, s->n_paths, &u, &names);
    for (unsigned i = 0; i < n; i++)
        if (!only_new || !secrets_cache_knows(s->setup->cache, names[i]))
            names[kept++] = names[i];
    if (kept > 0)
        w->fetch = aws_fetch_start(s->keeper, w->client, &from, s->setup->cache, names, kept, fetched, w);
    free(names);
    uses_fini(&u);
    return kept > 0;
}

static void
refresh(void *arg)
{
    struct secrets_watch *w = arg;
    arm(w, &w->refresh, "secrets.aws.refresh");
    if (w->fetch == NULL && w->server->reload == RELOAD_NONE && !w->server->draining)
        (void)begin_fetch(w, false);
}

bool
secrets_watch_fetch(struct server *s, void (*then)(struct server *s))
{
    struct secrets_watch *w = s->secrets;
    if (w == NULL || w->client == NULL)
        return false;
    bool fresh = w->fetched_ms > 0 && clock_mono_ms() - w->fetched_ms < FRESH_MS;
    aws_fetch_stop(&w->fetch); /* one that is under way does not ask for what is new */
    if (!begin_fetch(w, fresh))
        return false;
    w->then = then;
    return true;
}

/* How long ago each source was well. */
static void
ages(void *arg, struct metric_sink *sink)
{
    struct secrets_watch *w = arg;
    for (unsigned i = 0; i < WATCHED_COUNT; i++) {
        struct weir_text label = text_of(watched_names[i]);
        uint64_t good = atomic_load(&w->good_ms[i]);
        if (good > 0)
            metric_sample(sink, &label, (double)(clock_mono_ms() - good) / 1000.0);
    }
}

static void
make_metrics(struct secrets_watch *w)
{
    struct weir_error err = { 0 };
    struct weir_metric refreshes = { .size = sizeof refreshes,
                                     .kind = WEIR_COUNTER,
                                     .name = "weir_secrets_refresh_total",
                                     .help = "Secrets read or fetched again, by source and result.",
                                     .labels = "source result" };
    struct weir_metric age = { .size = sizeof age,
                               .kind = WEIR_GAUGE,
                               .name = "weir_secrets_age_seconds",
                               .help = "How long ago a source of secrets was read or fetched without an error.",
                               .labels = "source" };
    w->refreshes = metric_family(&refreshes, &err);
    (void)metric_collect(&age, ages, w, &err); /* the name is this one's */
}

enum weir_code
secrets_watch_start(struct server *s, struct weir_error *err)
{
    struct secrets_watch *w = calloc(1, sizeof *w);
    if (w == NULL)
        abort();
    w->server = s;
    s->secrets = w;
    timer_init(&w->look, look, w);
    timer_init(&w->refresh, refresh, w);
    atomic_init(&w->good_ms[WATCHED_FILES], clock_mono_ms());
    atomic_init(&w->good_ms[WATCHED_AWS], 0);
    make_metrics(w);
    arm(w, &w->look, "secrets.look");
    if (!aws_wanted(s->setup->settings))
        return WEIR_OK;
    if (s->setup->cache == NULL)
        s->setup->cache = secrets_cache_new();
    w->fetched_ms = clock_mono_ms(); /* run.c has waited for it */
    atomic_store(&w->good_ms[WATCHED_AWS], w->fetched_ms);
    arm(w, &w->refresh, "secrets.aws.refresh");
    return client_new(s->keeper, &w->client, err);
}

void
secrets_watch_stop(struct server *s)
{
    struct secrets_watch *w = s->secrets;
    if (w == NULL)
        return;
    timer_unset(s->keeper, &w->look);
    timer_unset(s->keeper, &w->refresh);
    aws_fetch_stop(&w->fetch);
    client_free(&w->client);
    free(w);
    s->secrets = NULL;
}

/* schedule/schedule_run.c - a schedule at work: see schedule.h.
 *
 * It works on shard 0 alone. The mark of a schedule, in the store, is the moment that has fired
 * last. Whoever moves it from one moment to a later one, and is told that it did, fires: so a
 * moment fires once, whatever the clock does and however often the process starts. A run that
 * can't start gives the moment back.
 *
 * A reload stops one of these and starts another one for the same mark. What the former has
 * asked of the store is told to it all the same; then it fires through the latter.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "schedule.h"

#define RETRY_MS 1000u
#define FAR_SECONDS INT64_C(7258118400) /* the year 2200 */

struct clockwork {
    const struct schedule *conf; /* not after it was detached */
    struct weir_shard *shard;
    char *name;             /* owned */
    struct clockwork *next; /* in running */
    struct weir_timer *timer;
    uint64_t mark; /* 0: not known yet */
    bool runs;
    bool detached;
    bool asking; /* the store is moving the mark from FROM to TO */
    bool fires;  /* ... for a run */
    bool missed;
    bool failing; /* it was said that nothing works */
    bool behind;  /* ... that the clock is behind the mark */
    uint64_t from;
    uint64_t to;
};

/* All that was started. Shard 0's thread. */
static struct clockwork *running;
static struct weir_watch *jumps;
static int jumps_fd = -1;
static uint64_t since_ms; /* what was due before it, nobody was there for */

static void look(void *arg);

static void
look_in(struct clockwork *c, uint64_t ms)
{
    host->timer_stop(&c->timer);
    if (c->runs)
        c->timer = host->timer_start(c->shard, ms, look, c);
}

/* -- saying -- */

static void
say(uint32_t level, const char *name, const char *what, const char *why)
{
    char text[900];
    int len =
        snprintf(text, sizeof text, "%s: %s%s%s", name, what, why[0] != '\0' ? ": " : "", why);
    size_t used = (size_t)len < sizeof text ? (size_t)len : sizeof text - 1;
    host->say(level, (struct weir_text){ text, used }, NULL);
}

static void
say_failed(struct clockwork *c, const char *why)
{
    if (!c->failing)
        say(WEIR_WARN, c->name, "it can't fire now and is tried again every second", why);
    c->failing = true;
}

static void
say_behind(struct clockwork *c, uint64_t now)
{
    char text[32];
    bool behind = c->mark > now + SCHEDULE_LATE_MS;
    if (behind && !c->behind) {
        schedule_text(c->mark, text);
        say(WEIR_WARN, c->name,
            "the clock was set back, and nothing fires twice; it goes on after", text);
    }
    c->behind = behind;
}

/* -- the mark -- */

static void told(void *arg, bool did, uint64_t now, const struct weir_error *err);

static void
ask(struct clockwork *c, uint64_t from, uint64_t to, const struct schedule_plan *plan)
{
    c->asking = true;
    c->from = from;
    c->to = to;
    c->fires = plan != NULL && plan->fires;
    c->missed = plan != NULL && plan->missed;
    host->advance(c->shard, (struct weir_text){ c->name, strlen(c->name) }, from, to, told, c);
}

static void
put_text(struct weir_builder *map, struct weir_text key, const char *text)
{
    const struct weir_value *v = host->string((struct weir_text){ text, strlen(text) });
    if (v != NULL)
        host->map_set(map, key, &v);
}

/* Starts the run of a moment through C. */
static uint32_t
emit(struct clockwork *c, uint64_t moment, bool missed, struct weir_error *err)
{
    char at[32];
    schedule_text(moment, at);
    struct weir_builder *map = host->map_new();
    put_text(map, WEIR_TEXT("scheduled_at"), at);
    put_text(map, WEIR_TEXT("schedule"), c->conf->text);
    map_take(map, WEIR_TEXT("missed"), host->boolean(missed));
    const struct weir_value *body = host->build(&map);
    uint32_t code = host->emit(c->shard, c, body, err);
    host->unref(&body);
    return code;
}

/* The one that was started for the mark of C: C, or the one that has come in its place. */
static struct clockwork *
successor(struct clockwork *c)
{
    struct clockwork *r = c->runs ? c : running;
    while (r != NULL && r != c && strcmp(r->name, c->name) != 0)
        r = r->next;
    return r;
}

/* The moment that C has taken fires, or is given back. False: it was given back. */
static bool
fire(struct clockwork *c)
{
    struct weir_error err = { 0 };
    struct clockwork *r = successor(c);
    if (r == NULL) /* the pipeline is not there any more, or has another schedule */
        return true;
    uint32_t code = emit(r, c->to, c->missed, &err);
    host->unref(&err.detail);
    if (code == WEIR_OK)
        return true;
    say_failed(c, err.text);
    ask(c, c->to, c->from, NULL);
    return false;
}

static void
clockwork_free(struct clockwork *c)
{
    free(c->name);
    free(c);
}

/* The answer to ask. */
static void
told(void *arg, bool did, uint64_t now, const struct weir_error *err)
{
    struct clockwork *c = arg;
    bool gave_back = did && c->to < c->from;
    c->asking = false;
    c->mark = err != NULL ? 0 : now; /* 0: it is read again */
    if (err != NULL)
        say_failed(c, err->text);
    if (did && c->fires && !fire(c))
        return; /* it has asked again */
    if (c->detached) {
        clockwork_free(c);
        return;
    }
    if (err == NULL && !gave_back)
        c->failing = false;
    look_in(c, err != NULL || gave_back ? RETRY_MS : 0);
}

/* -- the clock -- */

static void
look(void *arg)
{
    struct clockwork *c = arg;
    host->timer_stop(&c->timer);
    if (!c->runs || c->asking)
        return;
    uint64_t now = host->wall_ms(c->shard);
    if (now < since_ms)
        since_ms = now;
    if (c->mark == 0) {
        ask(c, 0, now, NULL); /* tells what it is, if there is one */
        return;
    }
    say_behind(c, now);
    struct schedule_plan plan = schedule_plan(c->conf, c->mark, now, since_ms);
    if (plan.moment != 0)
        ask(c, c->mark, plan.moment, &plan);
    else
        look_in(c, plan.wait_ms);
}

static void
arm_jumps(void)
{
    struct itimerspec far = { .it_value = { .tv_sec = FAR_SECONDS } };
    /* It fails with ECANCELED if the clock was set in the meantime, and is armed all the same.
     */
    (void)timerfd_settime(jumps_fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &far, NULL);
}

/* The clock was set. */
static void
jumped(void *arg, int fd, uint32_t ready)
{
    uint64_t n;
    (void)arg;
    (void)ready;
    if (read(fd, &n, sizeof n) < 0 && errno == EAGAIN)
        return;
    arm_jumps();
    for (struct clockwork *c = running; c != NULL; c = c->next)
        if (!c->asking)
            look_in(c, 0);
}

/* Without it (no descriptor is left, say) a jump is seen at the next look. */
static void
watch_jumps(struct weir_shard *shard)
{
    jumps_fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    if (jumps_fd < 0)
        return;
    arm_jumps();
    jumps = host->watch_start(shard, jumps_fd, WEIR_READ, jumped, NULL);
}

static void
unwatch_jumps(void)
{
    if (jumps_fd < 0)
        return;
    if (jumps != NULL)
        host->watch_stop(&jumps);
    close(jumps_fd);
    jumps_fd = -1;
}

/* -- the life of one -- */

uint32_t
schedule_attach(struct weir_shard *shard, void *conf, void **ret_state, struct weir_error *err)
{
    (void)err;
    struct clockwork *c = zeroed(1, sizeof *c);
    c->conf = conf;
    c->shard = shard;
    c->name = strdup(c->conf->name);
    if (c->name == NULL)
        abort();
    *ret_state = c;
    return WEIR_OK;
}

void
schedule_start(void *state)
{
    struct clockwork *c = state;
    if (host->shard_index(c->shard) != 0) /* all see the same clock */
        return;
    if (since_ms == 0)
        since_ms = host->wall_ms(c->shard);
    if (running == NULL)
        watch_jumps(c->shard);
    c->runs = true;
    c->next = running;
    running = c;
    look_in(c, 0);
}

void
schedule_stop(void *state)
{
    struct clockwork *c = state;
    if (!c->runs)
        return;
    c->runs = false;
    host->timer_stop(&c->timer);
    struct clockwork **at = &running;
    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
    if (running == NULL)
        unwatch_jumps();
}

void
schedule_detach(void *state)
{
    struct clockwork *c = state;
    c->conf = NULL;
    c->detached = true;
    if (!c->asking) /* else when it is told */
        clockwork_free(c);
}

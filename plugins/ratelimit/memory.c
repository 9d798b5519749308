/* ratelimit/memory.c - see memory.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "memory.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "policy.h"
#include "ratelimit.h"

#define PARTS 256u      /* of a table, as table_sweep_part has them */
#define TICK_MS 100u    /* every so often */
#define TICK_PARTS 4u   /* some parts are swept: all of them in 6.4 s */
#define RESCUE_MS 50u   /* when the table is full, at most every so often */
#define RESCUE_PARTS 8u /* more parts are swept */
#define NUMBERS 256u

static struct weir_table *table;

/* The names of policies by number, and how many entries are theirs. */
static char names[NUMBERS][NAME_MAX_LEN + 1];
static _Atomic uint64_t keys[NUMBERS];

static struct {
    struct weir_shard *shard;
    struct weir_timer *timer;
    unsigned users;
} sweeper; /* of shard 0's thread */

static _Atomic uint32_t next_part;
static _Atomic uint64_t rescued_ms;

uint64_t
memory_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void *
resize(void *arg, void *memory, size_t old_len, size_t new_len)
{
    (void)arg;
    return host->table_realloc(table, memory, old_len, new_len);
}

static const struct memory memory = { resize, NULL };

static uint32_t
drop(void *entry, bool fresh, void *arg)
{
    (void)fresh;
    (void)arg;
    struct entry *e = entry;
    entry_clear(e, &memory);
    atomic_fetch_sub(&keys[e->policy], 1);
    return 1;
}

static uint32_t
drop_over(void *entry, bool fresh, void *arg)
{
    const uint64_t *now = arg;
    return entry_is_over(entry, *now) ? drop(entry, fresh, NULL) : 0;
}

static void
sweep(unsigned n)
{
    uint64_t now = memory_now();
    for (unsigned i = 0; i < n; i++)
        host->table_sweep_part(table, atomic_fetch_add(&next_part, 1) % PARTS, drop_over, &now);
}

static void
collect_keys(void *arg, struct weir_sink *sink)
{
    (void)arg;
    uint64_t n, bytes;
    host->table_usage(table, &n, &bytes);
    host->sample(sink, NULL, (double)n);
}

static void
collect_bytes(void *arg, struct weir_sink *sink)
{
    (void)arg;
    uint64_t n, bytes;
    host->table_usage(table, &n, &bytes);
    host->sample(sink, NULL, (double)bytes);
}

static uint32_t
make_metrics(struct weir_error *err)
{
    static const struct weir_metric of_keys = {
        .size = sizeof of_keys,
        .kind = WEIR_GAUGE,
        .name = "weir_ratelimit_keys",
        .help = "Keys that limits in the process keep something of.",
    };
    static const struct weir_metric of_bytes = {
        .size = sizeof of_bytes,
        .kind = WEIR_GAUGE,
        .name = "weir_ratelimit_bytes",
        .help = "Memory of these keys; at most 64 MiB.",
    };
    static bool made; /* of the main thread */
    if (made)
        return WEIR_OK;
    if (host->metric_collect(&of_keys, collect_keys, NULL, err) == 0 ||
        host->metric_collect(&of_bytes, collect_bytes, NULL, err) == 0)
        return err->code;
    made = true;
    return WEIR_OK;
}

uint32_t
memory_open(struct weir_open *open, struct weir_error *err)
{
    struct weir_table *t =
        host->table(open, "ratelimit", (uint32_t)sizeof(struct entry), MEMORY_MAX);
    if (t == NULL)
        return refuse(err, WEIR_INTERNAL, "the table 'ratelimit' is somebody else's");
    if (table == NULL) { /* shards see it when they attach */
        table = t;
        host->table_dropped(table, drop);
    }
    return make_metrics(err);
}

struct visit {
    const struct ask *ask;
    struct verdict *verdict;
    uint8_t policy;
};

static uint32_t
visit_entry(void *entry, bool fresh, void *arg)
{
    struct entry *e = entry;
    const struct visit *v = arg;
    if (fresh) {
        e->policy = v->policy;
        atomic_fetch_add(&keys[e->policy], 1);
    }
    decide(e, v->ask, &memory, v->verdict);
    return 0;
}

/* Tries once. Only what may be counted makes an entry. */
static void
visit(uint8_t policy, struct weir_text id, const struct ask *ask, struct verdict *ret)
{
    struct visit v = { ask, ret, policy };
    bool counts = ask->cost > 0 && ask->cost <= ask->rate.capacity;
    if (host->table_entry(table, id, counts, visit_entry, &v, NULL))
        return;
    if (!counts) {
        struct entry nothing = { 0 };
        decide(&nothing, ask, &memory, ret);
        return;
    }
    *ret = (struct verdict){ .full = true };
}

/* Sweeps a little for who finds the table full; not again and again, which would be an attack.
 */
static bool
rescue(uint64_t now)
{
    uint64_t last = atomic_load(&rescued_ms);
    if (now - last < RESCUE_MS || !atomic_compare_exchange_strong(&rescued_ms, &last, now))
        return false;
    sweep(RESCUE_PARTS);
    return true;
}

void
memory_decide(uint8_t policy, struct weir_text id, struct ask *ask, struct verdict *ret)
{
    ask->now_ms = memory_now();
    visit(policy, id, ask, ret);
    if (ret->full && rescue(ask->now_ms))
        visit(policy, id, ask, ret);
}

static uint32_t
forget(void *entry, bool fresh, void *arg)
{
    (void)fresh;
    const uint64_t *now = arg;
    bool over = entry_is_over(entry, *now);
    entry_clear(entry, &memory); /* the sweeper takes the rest */
    return !over;
}

bool
memory_reset(struct weir_text id)
{
    uint64_t now = memory_now();
    uint32_t counted = 0;
    return host->table_entry(table, id, false, forget, &now, &counted) && counted;
}

uint8_t
memory_number(const char *name)
{
    uint8_t found = 0;
    for (unsigned i = 1; i < NUMBERS; i++) {
        if (strcmp(names[i], name) == 0)
            return (uint8_t)i;
        if (found == 0 && names[i][0] == '\0' && atomic_load(&keys[i]) == 0)
            found = (uint8_t)i;
    }
    if (found > 0)
        snprintf(names[found], sizeof names[found], "%s", name);
    return found;
}

void
memory_number_free(uint8_t number)
{
    names[number][0] = '\0';
}

uint64_t
memory_keys(uint8_t number)
{
    return atomic_load(&keys[number]);
}

static void
tick(void *arg)
{
    (void)arg;
    sweep(TICK_PARTS);
    host->timer_stop(&sweeper.timer);
    sweeper.timer = host->timer_start(sweeper.shard, TICK_MS, tick, NULL);
}

void
memory_sweep_start(struct weir_shard *shard)
{
    if (sweeper.users++ > 0)
        return;
    sweeper.shard = shard;
    sweeper.timer = host->timer_start(shard, TICK_MS, tick, NULL);
}

void
memory_sweep_stop(void)
{
    if (--sweeper.users == 0)
        host->timer_stop(&sweeper.timer);
}

/* cli/keeper_pulse.c - whether the shards are alive, as the supervisor and systemd are told.
 *
 * The keeper posts a question to each loop and looks later whether it was answered: a loop that
 * stands has not come to it. A shard is asked once, however long it hangs.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include "base/clock.h"
#include "cli/serve.h"
#include "guard/notify.h"
#include "guard/worker.h"

#define PULSES 4 /* in the time that a loop may hang */
#define PULSE_MIN_MS 50u

/* On the shard. */
static void
answer(void *arg)
{
    struct shard_part *p = arg;
    __atomic_add_fetch(&p->answers, 1, __ATOMIC_RELEASE);
}

/* Asks a shard, unless it still owes an answer. Returns for how long it does; LATE: the keeper
 * itself was kept from running, so that this says nothing of others. */
static uint64_t
look_at(struct shard_part *p, uint64_t now_ms, bool late)
{
    bool owes = p->questions != __atomic_load_n(&p->answers, __ATOMIC_ACQUIRE);
    if (owes && !late)
        return now_ms - p->asked_ms;
    p->asked_ms = now_ms;
    if (!owes) {
        p->questions++;
        shard_post(p->shard, answer, p);
    }
    return 0;
}

static void
pulse(void *arg)
{
    struct server *s = arg;
    uint64_t now_ms = clock_mono_ms();
    struct channel_alive worst = { .silent_ms = 0 };
    bool late = now_ms > s->pulse_due_ms + s->pulse_ms;
    for (unsigned i = 0; i < s->n_shards; i++) {
        struct shard_part *p = &s->shards[i];
        uint64_t silent_ms = look_at(p, now_ms, late);
        if (silent_ms <= worst.silent_ms)
            continue;
        worst = (struct channel_alive){ .silent_ms = silent_ms, .tid = p->tid };
        snprintf(worst.name, sizeof worst.name, "%s", p->name);
    }
    worker_alive(&worst);
    if (!worker_supervised() && worst.silent_ms < PULSES * s->pulse_ms)
        notify_watchdog();
    s->pulse_due_ms = now_ms + s->pulse_ms;
    timer_set(s->keeper, &s->pulse, s->pulse_due_ms);
}

void
pulse_start(struct server *s)
{
    uint64_t every_ms = worker_supervised() ? worker_handover()->hang_ms / PULSES : notify_watchdog_ms();
    timer_init(&s->pulse, pulse, s);
    if (every_ms == 0)
        return;
    s->pulse_ms = every_ms > PULSE_MIN_MS ? every_ms : PULSE_MIN_MS;
    s->pulse_due_ms = clock_mono_ms();
    pulse(s);
}

void
pulse_stop(struct server *s)
{
    timer_unset(s->keeper, &s->pulse);
}

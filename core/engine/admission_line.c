/* engine/admission_line.c - those who wait for a place of their pipeline's concurrency. See admission.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "base/clock.h"
#include "engine/admission.h"
#include "engine/gate_pace.h"
#include "engine/job.h"

#define QUEUE_MAX 10000u /* events that wait on one shard */
#define LOOKS_MAX 128u   /* at events that wait, in one turn */

/* The same for one that has just got its place: a job that was to wait for it in memory begins first. */
static void
start_placed_one(struct weir_event *e, struct gate *g, struct weir_text key)
{
    if (e->job && e->job->attempt == 0)
        job_begin(e, g, key);
    else
        admission_start(e, g, key);
}

/* E does not wait any more. */
static void
leave_line(struct engine *en, struct weir_event *e)
{
    gate_wait_end(&e->gate_wait);
    en->n_waiting--;
}

/* How long after it came, or was looked at, whoever waits for so long only is looked at again. Who will have a place
 * soon is not sent away then: to be served a little later than was guessed is better than not to be. */
static uint64_t
patience_ms(const struct engine *en)
{
    return en->limits.max_wait_ms + en->limits.max_wait_ms / 2;
}

/* W is looked at AFTER_MS from now, by TIMER; LIST is of those for whom that is as long. */
static void
look_later(struct engine *en, struct gate_wait *w, struct list *list, struct timer *timer, uint64_t after_ms)
{
    w->look_ms = shard_now(en->shard) + after_ms;
    list_push(list, &w->mine);
    if (!timer_armed(timer))
        timer_set(en->shard, timer, w->look_ms);
}

static void
join(struct engine *en, struct gate_wait *w, bool unsure, uint64_t max_ms)
{
    if (max_ms == 0)
        list_push(&en->waiting, &w->mine);
    else if (unsure)
        look_later(en, w, &en->unsure, &en->first_look, max_ms < GATE_LOOK_MS ? max_ms : GATE_LOOK_MS);
    else
        look_later(en, w, &en->patient, &en->impatience, patience_ms(en));
}

void
admission_wait(struct engine *en, struct weir_event *e, struct gate *g, struct weir_text key)
{
    if (en->n_waiting >= QUEUE_MAX) {
        admission_refuse(e, ADMISSION_LINE);
        return;
    }
    /* A job has been accepted: it waits however long that takes. */
    uint64_t max_ms = e->job ? 0 : en->limits.max_wait_ms;
    struct gate_wait *w = gate_wait_new(e, g, key);
    enum gate_answer answer = gate_enter(g, key, w, max_ms);
    e->gate_wait = w;
    en->n_waiting++;
    if (answer == GATE_WAITS || answer == GATE_WAITS_UNSURE) {
        join(en, w, answer == GATE_WAITS_UNSURE, max_ms);
        return;
    }
    leave_line(en, e);
    if (answer == GATE_PLACED)
        start_placed_one(e, g, key);
    else if (answer == GATE_TOO_LONG)
        admission_refuse(e, ADMISSION_WAIT);
    else
        admission_refuse(e, ADMISSION_KEYS);
}

/* The first of LIST, if it is to be looked at now, for the Nth time in this turn; else TIMER is set for it. */
static struct gate_wait *
next_look(struct engine *en, struct list *list, struct timer *timer, unsigned n)
{
    if (list_empty(list))
        return NULL;
    struct gate_wait *w = list_entry(list->next, struct gate_wait, mine);
    uint64_t now_ms = shard_now(en->shard), at_ms = n < LOOKS_MAX || w->look_ms > now_ms ? w->look_ms : now_ms + 1;
    if (now_ms >= at_ms)
        return w;
    timer_set(en->shard, timer, at_ms);
    return NULL;
}

static void
send_away(struct engine *en, struct gate_wait *w, enum admission_refusal why)
{
    struct weir_event *e = w->event;
    leave_line(en, e);
    admission_refuse(e, why);
}

/* By now there is a pace to judge by, or none for so long that this tells something. */
static void
look_first(void *arg)
{
    struct engine *en = arg;
    struct gate_wait *w;
    for (unsigned n = 0; (w = next_look(en, &en->unsure, &en->first_look, n)) != NULL; n++) {
        list_remove(&w->mine);
        if (gate_is_behind(w, en->limits.max_wait_ms))
            send_away(en, w, ADMISSION_WAIT);
        else
            look_later(en, w, &en->patient, &en->impatience, patience_ms(en));
    }
}

static void
look_again(void *arg)
{
    struct engine *en = arg;
    struct gate_wait *w;
    for (unsigned n = 0; (w = next_look(en, &en->patient, &en->impatience, n)) != NULL; n++) {
        list_remove(&w->mine);
        uint64_t max_ms = en->limits.max_wait_ms;
        if (gate_is_stuck(w, max_ms) || gate_is_behind(w, max_ms))
            send_away(en, w, ADMISSION_LATE);
        else
            look_later(en, w, &en->patient, &en->impatience, patience_ms(en));
    }
}

static void
take_place(struct engine *en, struct gate_wait *w)
{
    struct weir_event *e = w->event;
    if (e) {
        e->gate_wait = NULL;
        list_remove(&w->mine);
        en->n_waiting--;
        start_placed_one(e, w->gate, w->borrowed);
    } else {
        admission_leave(en, w->gate, w->key); /* nobody wants it here any more */
    }
    free(w);
    atomic_fetch_sub(&en->placing, 1);
}

/* W has its place: its event starts, if it is a job for which nobody waits only as far as this millisecond goes. */
static bool
start_one(struct engine *en, struct gate_wait *w)
{
    struct job_pace *pace = en->jobs && w->event && w->event->job && w->event->job->claimed ? &en->jobs->pace : NULL;
    if (pace == NULL) {
        take_place(en, w);
        return true;
    }
    uint64_t now_ms = shard_now(en->shard);
    if (!job_pace_may_begin(pace, now_ms) && en->shard->manual_ms == 0)
        return false;
    uint64_t began_ns = clock_mono_ns();
    take_place(en, w);
    job_pace_began(pace, now_ms, clock_mono_ns() - began_ns);
    return true;
}

/* Those of this shard that have got their places. When jobs of a pipeline end together, and the next
 * ones begin together, they end together again: so they are spread over turns. */
static void
start_placed(void *arg)
{
    struct engine *en = arg;
    struct list placed;
    list_init(&placed);
    for (struct list *link; (link = list_shift(&en->placed)) != NULL;)
        list_push(&placed, link);
    for (struct list *link; (link = list_shift(&placed)) != NULL;) {
        if (start_one(en, list_entry(link, struct gate_wait, link)))
            continue;
        list_push(&en->placed, link);
        timer_set(en->shard, &en->later_placed, shard_now(en->shard) + 1);
    }
}

void
admission_placed(void *arg)
{
    struct gate_wait *w = arg;
    struct engine *en = engine_of(w->shard);
    list_push(&en->placed, &w->link);
    soon_add(en->shard, &en->start_placed);
}

void
admission_begin(struct engine *en)
{
    list_init(&en->waiting);
    list_init(&en->patient);
    list_init(&en->unsure);
    timer_init(&en->first_look, look_first, en);
    timer_init(&en->impatience, look_again, en);
    list_init(&en->placed);
    soon_init(&en->start_placed, start_placed, en);
    timer_init(&en->later_placed, start_placed, en);
    admission_keep_begin(en);
    atomic_init(&en->placing, 0);
}

void
admission_settle(struct engine *en)
{
    admission_keep_end(en);
    while (atomic_load(&en->placing) > 0)
        shard_turn(en->shard, 10);
}

bool
admission_forget(struct weir_event *e)
{
    if (e->gate_wait == NULL)
        return false;
    leave_line(engine_of(e->shard), e);
    return true;
}

void
admission_cancel(struct engine *en, const char *job, const char *why)
{
    list_each(link, next, &en->waiting)
    {
        struct weir_event *e = list_entry(link, struct gate_wait, mine)->event;
        struct generation_part *part = e->part;
        if (e->job == NULL || strcmp(e->job->id, job) != 0)
            continue;
        leave_line(en, e);
        job_cancel_waiting(e, why);
        struct weir_error err = { 0 };
        err_set(&err, WEIR_CANCELLED, "%s", why);
        event_answer_error(e, &err);
        e->ops->release(e);
        part_unpin(part);
        return;
    }
}

static void
refuse_list(struct engine *en, struct list *waiting)
{
    list_each(link, next, waiting)
    {
        struct weir_event *e = list_entry(link, struct gate_wait, mine)->event;
        leave_line(en, e);
        admission_refuse(e, ADMISSION_DRAINING);
    }
}

void
admission_refuse_all(struct engine *en)
{
    refuse_list(en, &en->waiting);
    refuse_list(en, &en->unsure);
    refuse_list(en, &en->patient);
}

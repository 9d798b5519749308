/* schedule/schedule_moments.c - when a schedule fires: see schedule.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "schedule.h"

#define AHEAD 93600 /* seconds; more than any zone is from UTC */

void
schedule_text(uint64_t ms, char ret[32])
{
    struct tm parts;
    time_t seconds = (time_t)(ms / 1000);
    size_t len =
        gmtime_r(&seconds, &parts) ? strftime(ret, 26, "%Y-%m-%dT%H:%M:%S", &parts) : 0;
    snprintf(ret + len, 32 - len, ".%03uZ", (unsigned)(ms % 1000));
}

static uint64_t
next_every(const struct schedule *s, uint64_t after_ms)
{
    if (after_ms < s->start_ms)
        return s->start_ms;
    return s->start_ms + ((after_ms - s->start_ms) / s->every_ms + 1) * s->every_ms;
}

/* When a clock of the zone shows LOCAL or, where it leaps over that, what comes next; the first
 * time, if it shows it twice. */
static int64_t
time_of(const struct zone *z, int64_t local)
{
    int64_t utc = local - AHEAD;
    for (;;) {
        int64_t until;
        int64_t then = local - zone_offset(z, utc, &until);
        if (then < until)
            return then > utc ? then : utc;
        utc = until;
    }
}

/* Goes by what the clock shows, each time once. */
static int64_t
next_by_clock(const struct schedule *s, int64_t after)
{
    int64_t until, local = after + zone_offset(s->zone, after, &until);
    while (cron_next(&s->cron, local, &local)) {
        int64_t then = time_of(s->zone, local);
        if (then > after)
            return then;
        local += 60;
    }
    return INT64_MAX;
}

/* Goes by the hours that pass, all of which it fires in. */
static int64_t
next_by_hours(const struct schedule *s, int64_t after)
{
    int64_t utc = after + 1;
    for (;;) {
        int64_t until, local;
        int32_t offset = zone_offset(s->zone, utc, &until);
        if (!cron_next(&s->cron, utc + offset, &local))
            return INT64_MAX;
        if (local - offset < until)
            return local - offset;
        utc = until;
    }
}

uint64_t
schedule_next(const struct schedule *s, uint64_t after_ms)
{
    if (s->zone == NULL)
        return next_every(s, after_ms);
    int64_t after = (int64_t)(after_ms / 1000);
    int64_t next = cron_is_hourly(&s->cron) ? next_by_hours(s, after) : next_by_clock(s, after);
    return next == INT64_MAX ? UINT64_MAX : (uint64_t)next * 1000;
}

/* When a moment is due: later by a part of the jitter that follows from its name, so that it is
 * the same wherever it is worked out, and before the next moment in any case. */
static uint64_t
due_at(const struct schedule *s, uint64_t moment, uint64_t next)
{
    char text[600];
    uint8_t digest[64];
    uint64_t n = 0, room = next - moment;
    if (s->jitter_ms == 0)
        return moment;
    if (room > s->jitter_ms)
        room = s->jitter_ms + 1;
    int len = snprintf(text, sizeof text, "%s %llu", s->name, (unsigned long long)moment);
    host->digest(WEIR_SHA256, (struct weir_text){ text, (size_t)len }, digest);
    for (unsigned i = 0; i < 8; i++)
        n = n << 8 | digest[i];
    return moment + n % room;
}

/* The moments that are due and have not fired: the newest ones. */
struct backlog {
    uint64_t moments[SCHEDULE_ALL_MAX]; /* by number modulo SCHEDULE_ALL_MAX */
    uint64_t n;
    uint64_t newest_due; /* when the newest one was due */
    uint64_t next_due;
};

static void
find_backlog(const struct schedule *s, uint64_t mark, uint64_t now, struct backlog *ret)
{
    uint64_t from =
        now > SCHEDULE_BACK_MS && mark < now - SCHEDULE_BACK_MS ? now - SCHEDULE_BACK_MS : mark;
    uint64_t span = s->zone == NULL ? s->every_ms * (SCHEDULE_ALL_MAX + 2) : 0;
    if (span > 0 && span < now && from < now - span)
        from = now - span; /* those before it would fall out of MOMENTS */
    *ret = (struct backlog){ .next_due = UINT64_MAX };
    uint64_t moment = schedule_next(s, from);
    while (moment != UINT64_MAX) {
        uint64_t next = schedule_next(s, moment);
        uint64_t due = due_at(s, moment, next);
        if (due > now) {
            ret->next_due = due;
            break;
        }
        ret->moments[ret->n++ % SCHEDULE_ALL_MAX] = moment;
        ret->newest_due = due;
        moment = next;
    }
}

struct schedule_plan
schedule_plan(const struct schedule *s, uint64_t mark_ms, uint64_t now_ms, uint64_t since_ms)
{
    struct backlog b;
    find_backlog(s, mark_ms, now_ms, &b);
    if (b.n == 0) {
        uint64_t wait = b.next_due - now_ms;
        return (struct schedule_plan){ .wait_ms =
                                           wait < SCHEDULE_LOOK_MS ? wait : SCHEDULE_LOOK_MS };
    }
    uint64_t oldest = b.n > SCHEDULE_ALL_MAX ? b.n - SCHEDULE_ALL_MAX : 0;
    uint64_t chosen = s->catch_up == CATCH_UP_ALL ? oldest : b.n - 1;
    bool late = b.newest_due < since_ms || now_ms - b.newest_due > SCHEDULE_LATE_MS;
    return (struct schedule_plan){
        .moment = b.moments[chosen % SCHEDULE_ALL_MAX],
        .fires = s->catch_up != CATCH_UP_NONE || !late,
        .missed = late || chosen != b.n - 1,
    };
}

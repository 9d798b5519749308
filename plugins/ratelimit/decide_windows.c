/* ratelimit/decide_windows.c - the sliding-window counter.
 *
 * Two fixed windows: what was counted in this one, and what was in the one before, by the share
 * of it that a window ending now still covers. Figures are doubles, in the order of script.c,
 * so that both say the same.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <math.h>

#include "parts.h"

struct span {
    double before;  /* counted in the window before */
    double now;     /* counted in this one */
    double elapsed; /* ms of it */
    double window;  /* ms */
    double limit;
};

static double
weighted(double before, double elapsed, double window)
{
    return ceil(before * (window - elapsed) / window);
}

/* The first moment of a window, not before FROM, at which BEFORE weighs at most ROOM. */
static double
fits_at(double before, double from, double room, double window)
{
    double at = before > 0 ? ceil(window - room * window / before) : from;
    if (at < from)
        at = from;
    while (at > from && weighted(before, at - 1, window) <= room)
        at--;
    while (at < window && weighted(before, at, window) > room)
        at++;
    return at;
}

/* From now until NEED more fit, if nothing else comes. */
static uint64_t
until_fits(const struct span *s, double need)
{
    double room = s->limit - need - s->now;
    if (room >= 0)
        return (uint64_t)(fits_at(s->before, s->elapsed, room, s->window) - s->elapsed);
    room = s->limit - need;
    return (uint64_t)(s->window - s->elapsed +
                      fits_at(s->now, 0, room < 0 ? 0 : room, s->window));
}

/* What E says of the window of NOW; a clock that is a moment behind counts as its begin. */
static struct span
span_of(const struct entry *e, const struct ask *a, uint64_t *ret_index)
{
    uint64_t window = a->rate.window_ms;
    uint64_t index = a->now_ms / window;
    struct span s = { .elapsed = (double)(a->now_ms - index * window),
                      .window = (double)window,
                      .limit = a->rate.limit };
    uint16_t steps = (uint16_t)(index - e->more);
    if (e->kind == WINDOWS && steps == UINT16_MAX) {
        index++;
        s.elapsed = 0;
        steps = 0;
    }
    if (e->kind == WINDOWS && steps == 0) {
        s.now = e->u.windows.now;
        s.before = e->u.windows.before;
    } else if (e->kind == WINDOWS && steps == 1) {
        s.before = e->u.windows.now;
    }
    *ret_index = index;
    return s;
}

void
decide_windows(struct entry *e, const struct ask *a, struct verdict *ret)
{
    uint64_t index;
    struct span s = span_of(e, a, &index);
    double used = weighted(s.before, s.elapsed, s.window) + s.now;
    double cost = (double)a->cost;
    ret->allowed = used + cost <= s.limit;
    if (ret->allowed && a->cost > 0) {
        s.now += cost;
        used += cost;
        e->kind = WINDOWS;
        e->more = (uint16_t)index;
        e->u.windows.now = (uint32_t)s.now;
        e->u.windows.before = (uint32_t)s.before;
        expire_at(e, (index + 2) * a->rate.window_ms);
    }
    ret->used = (uint64_t)used;
    ret->remaining = used < s.limit ? (uint64_t)(s.limit - used) : 0;
    if (ret->used > 0)
        ret->reset_ms = until_fits(&s, (double)ret->remaining + 1);
    if (!ret->allowed && cost <= s.limit)
        ret->retry_ms = until_fits(&s, cost);
}

/* store/step.c - the wall clock was put back: jobs that wait for a time by it do not wait longer for that.
 *
 * A job is due at a wall time, since it may wait over restarts. The monotonic clock tells a step of the
 * wall clock from time that passes. A step forward needs nothing: what was to come is there.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/clock.h"
#include "base/log.h"
#include "store/impl.h"

#define SLACK_MS 500 /* steps of less are left to those who set clocks all the time */

void
store_look_clock(struct store *s)
{
    int64_t ahead_ms = (int64_t)(clock_wall_ms() - clock_mono_ms()); /* of the wall clock */
    int64_t back_ms = s->ahead_ms != 0 ? s->ahead_ms - ahead_ms : 0;
    if (back_ms < SLACK_MS) {
        s->ahead_ms = ahead_ms;
        return;
    }
    struct db *db = &s->writes;
    sqlite3_stmt *stmt = db_use(db, SQL_STEP_BACK);
    bind_number(stmt, 1, (uint64_t)back_ms);
    bind_number(stmt, 2, clock_wall_ms());
    int moved = db_run(db, stmt);
    if (db->rc != SQLITE_OK) { /* the next look tries it again */
        db_clear(db);
        return;
    }
    s->ahead_ms = ahead_ms;
    log_say(WEIR_WARN, "the clock was put back by %lld s: %d jobs that wait for a time are due that much earlier",
            (long long)(back_ms / 1000), moved);
}

uint64_t
store_due(const struct writing *w, uint64_t due_ms, uint64_t said_ms)
{
    if (said_ms < w->now_ms + SLACK_MS)
        return due_ms;
    uint64_t back_ms = said_ms - w->now_ms;
    return due_ms > back_ms ? due_ms - back_ms : 0;
}

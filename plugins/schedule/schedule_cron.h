/* schedule/schedule_cron.h - cron's five fields, on local time that knows no zone.
 *
 * Local time is counted in seconds since 1970-01-01 00:00 as if it were UTC; what it means is
 * the zone's business (schedule_zone.h).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SCHEDULE_CRON_H
#define SCHEDULE_CRON_H

#include "plugin.h"

struct cron {
    uint64_t minutes; /* bit N: minute N, and so on */
    uint32_t hours;
    uint32_t days;     /* bits 1 to 31 */
    uint32_t months;   /* bits 1 to 12 */
    uint32_t weekdays; /* bit 0: Sunday */
    bool any_day;      /* the field begins with *: a day has to fit the other one too */
    bool any_weekday;
};

/* Reads "0 9 * * MON-FRI" or "@daily". WEIR_INVALID, and ERR says which field is wrong and what
 * is right, also for days that never come, such as 30 February. */
uint32_t cron_read(struct weir_text text, struct cron *ret, struct weir_error *err);

/* The first minute at or after LOCAL that fits. False: there is none within 41 years. */
bool cron_next(const struct cron *c, int64_t local, int64_t *ret);

/* Whether it runs in every hour of the day. */
bool cron_is_hourly(const struct cron *c);

#endif

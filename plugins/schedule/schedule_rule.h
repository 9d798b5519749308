/* schedule/schedule_rule.h - the rule at the end of a zone's file: what holds from the last
 * change on that the file lists ("CET-1CEST,M3.5.0,M10.5.0/3").
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SCHEDULE_RULE_H
#define SCHEDULE_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A day of each year, and a time of that day. */
struct rule_day {
    char kind; /* 'M': month, week, weekday; 'J': day 1 to 365, never 29 February; 'D': 0 to 365
                */
    int month;
    int week; /* 5: the last one */
    int day;
    int32_t time; /* seconds from midnight, also negative or beyond the day */
};

struct rule {
    int32_t standard; /* seconds east of UTC */
    int32_t summer;
    bool has_summer;
    struct rule_day begin; /* of summer time, on the clock before it */
    struct rule_day end;
};

/* Reads the LEN bytes of TEXT; false for what is none. */
bool rule_read(const char *text, size_t len, struct rule *ret);

/* As zone_offset. */
int32_t rule_offset(const struct rule *r, int64_t utc, int64_t *ret_until);

#endif

/* schedule/schedule_zone.h - time zones from the system's files (TZif, RFC 9636).
 *
 * What such a file says is checked before it is believed: its size, its counts, their sum, the
 * order of its times.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SCHEDULE_ZONE_H
#define SCHEDULE_ZONE_H

#include "plugin.h"

struct zone;

/* The zone NAME ("Europe/Berlin"; UTC needs no file). NULL and ERR if there is none. */
struct zone *zone_open(struct weir_text name, struct weir_error *err);

/* The same from the bytes of a file; NULL for what is none. */
struct zone *zone_read(const uint8_t *bytes, size_t len, struct weir_error *err);

void zone_close(struct zone **z);

/* Seconds east of UTC at the time UTC (seconds since 1970), and when that changes next
 * (INT64_MAX: never). */
int32_t zone_offset(const struct zone *z, int64_t utc, int64_t *ret_until);

#endif

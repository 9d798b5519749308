/* base/clock.h - what time it is.
 *
 * Deadlines and durations use the monotonic clock; only what people read and what peers
 * compare uses the wall clock. Any thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

/* Monotonic time in milliseconds (nanoseconds) since some start. */
uint64_t clock_mono_ms(void);
uint64_t clock_mono_ns(void);

/* Wall time in milliseconds since 1970 (UTC, without leap seconds). */
uint64_t clock_wall_ms(void);

/* The wall clock stands at MS from now on; 0: it is the machine's. For tests of pipelines. */
void clock_wall_hold(uint64_t ms);

/* Writes a wall time as RFC 3339 in UTC with milliseconds: 2026-01-02T03:04:05.678Z. */
#define CLOCK_TEXT 25
void clock_text(uint64_t wall_ms, char ret[CLOCK_TEXT]);

/* Writes a wall time as RFC 9110 IMF-fixdate: Fri, 02 Jan 2026 03:04:05 GMT. */
#define CLOCK_HTTP 30
void clock_http(uint64_t wall_ms, char ret[CLOCK_HTTP]);

#endif

/* guard/notify.h - telling systemd how it stands (sd_notify(3)'s protocol), without its library.
 *
 * A worker tells its supervisor, which tells systemd. Nothing happens where there is neither.
 * Main thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GUARD_NOTIFY_H
#define GUARD_NOTIFY_H

#include <stdint.h>

/* It serves, and a reload that was told before is over. */
void notify_ready(void);

/* A reload begins. */
void notify_reloading(void);

/* The end begins. */
void notify_stopping(void);

/* It is alive. */
void notify_watchdog(void);

/* A line for people who ask systemd; of the supervisor alone. */
void notify_status(const char *text);

/* How often systemd wants to hear of us, in milliseconds (half of WATCHDOG_USEC); 0: never. */
uint64_t notify_watchdog_ms(void);

#endif

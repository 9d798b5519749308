/* cli/notify.h - telling systemd how it stands (sd_notify(3)'s protocol), without its library.
 *
 * Nothing happens where NOTIFY_SOCKET is not set. Main thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLI_NOTIFY_H
#define CLI_NOTIFY_H

#include <stdint.h>

/* It serves, and a reload that was told before is over. */
void notify_ready(void);

/* A reload begins. */
void notify_reloading(void);

/* The end begins. */
void notify_stopping(void);

/* It is alive. */
void notify_watchdog(void);

/* How often systemd wants to hear of us, in milliseconds (half of WATCHDOG_USEC); 0: never. */
uint64_t notify_watchdog_ms(void);

#endif

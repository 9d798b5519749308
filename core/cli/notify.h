/* cli/notify.h - telling systemd how it stands (sd_notify(3)'s protocol), without its library.
 *
 * Nothing happens where NOTIFY_SOCKET is not set. Main thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLI_NOTIFY_H
#define CLI_NOTIFY_H

#include <stdint.h>

void notify_ready(void);
void notify_reloading(void);
void notify_stopping(void);
void notify_watchdog(void);

/* How often systemd wants to hear of us, in milliseconds (half of WATCHDOG_USEC); 0: never. */
uint64_t notify_watchdog_ms(void);

#endif

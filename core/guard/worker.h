/* guard/worker.h - a worker's end of the channel to its supervisor.
 *
 * A process that no supervisor started has none: then each function says so or does nothing.
 * Main thread, but for worker_report.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GUARD_WORKER_H
#define GUARD_WORKER_H

#include "guard/channel.h"

/* Takes what the supervisor left in the environment and in the channel, and what systemd left
 * in the environment goes. To be called before the first thread. False if this process is no
 * worker. */
bool worker_begin(void);

/* Takes H as what was handed over, in a process without a supervisor. */
void worker_take(const struct handover *h);

/* Whether there is a supervisor. */
bool worker_supervised(void);

/* What was handed over; NULL: nothing was. Stays until the end of the process. */
const struct handover *worker_handover(void);

/* Whether, as far as the supervisor saw, no work of a worker ended it before this one began: it or the whole
 * machine was ended from outside, or it is the first one. False without a supervisor. */
bool worker_ended_outside(void);

/* Closes the sockets that were handed over: whoever listens has duplicates by now. */
void worker_close_sockets(void);

/* The channel, to be watched; -1: there is none. */
int worker_channel(void);

/* The next message of the supervisor. */
enum channel_word worker_receive(void);

/* Tells the supervisor a word; false if there is none. */
bool worker_tell(enum channel_word word);

/* Tells it that the keeper is alive, and of the loop that has been silent for longest. */
void worker_alive(const struct channel_alive *alive);

/* Tells it how this process dies. Any thread, async-signal-safe. */
bool worker_report(const struct crash_report *report);

#endif

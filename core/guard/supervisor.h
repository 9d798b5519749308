/* guard/supervisor.h - a small process that starts the worker, and starts it again when it dies.
 *
 * It holds the listening sockets, so that callers wait in the backlog meanwhile, passes signals
 * on, and speaks to systemd. It loads no plugin, opens no store and knows no event loop, so that
 * whatever takes the worker down leaves it standing. Main thread; only the log has another one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GUARD_SUPERVISOR_H
#define GUARD_SUPERVISOR_H

#include "guard/channel.h"

struct supervisor_plan {
    char *const *argv;         /* of the worker */
    int program;               /* a descriptor of its binary; -1: it is that of this process */
    struct handover *handover; /* its descriptors are closed at the end */
    int final_code;            /* a worker that exits with it is never started again */
};

/* Runs until the worker has ended as it was asked to, and returns its exit code; or that of a
 * first worker that ended by itself before it was ready. A death after that, and each death by a
 * signal, is followed by a new worker. */
int supervise(const struct supervisor_plan *plan);

#endif

/* guard/impl.h - inside the room: the supervisor as its files know it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GUARD_IMPL_H
#define GUARD_IMPL_H

#include <signal.h>
#include <sys/types.h>

#include "guard/supervisor.h"

/* Where a worker finds the descriptor of its channel. */
#define HANDOVER_VARIABLE "WEIR_HANDOVER"

struct supervisor {
    const struct supervisor_plan *plan;
    sigset_t before;  /* the signal mask that a worker starts with */
    int signal_fd;
    int channel;      /* -1: no worker */
    pid_t pid;        /* 0: no worker */
    bool ready;       /* this worker has been */
    bool ever_ready;  /* one has been */
    bool stopping;    /* a drain was begun: no restart follows */
    bool over;        /* CODE is what the supervisor ends with */
    int code;
    unsigned asked;   /* how often it was told to end */
    uint64_t now_ms;
    uint64_t began_ms;   /* when this worker was started */
    uint64_t ready_ms;   /* when it was ready first */
    uint64_t start_ms;   /* when the next one is to be; 0: one is there */
    uint64_t pause_ms;   /* before it, after a death soon after the start */
    uint64_t alive_ms;   /* when the keeper last said that it is */
    struct channel_alive alive; /* what it said */
    uint64_t kill_ms;    /* when SIGKILL is due; 0: it is not */
    bool hung;           /* it was ended because it hung */
    bool held;           /* somebody had stopped it when it was last looked at */
    uint64_t feed_ms;    /* when systemd is to be told that all is well */
    uint64_t n_restarts;
    struct crash_report report; /* of this worker; signal 0: none came */
};

/* Starts a worker; false if the system did not let it. */
bool supervisor_spawn(struct supervisor *s);

/* The worker has ended with STATUS (waitpid): decides what follows, and logs it. */
void supervisor_died(struct supervisor *s, int status);

/* Ends a worker that hangs; moves KILL_MS. */
void supervisor_look(struct supervisor *s);

#endif

/* guard/spawn.c - starting a worker: fork, and exec of weir's binary. See impl.h.
 *
 * The worker is a new program, with nothing of the supervisor's memory. A descriptor of the binary
 * (or /proc/self/exe, where it is the supervisor's own) is the one that weir run was, even if a
 * newer one lies at its path by now.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "guard/impl.h"

static void
keep_over_exec(int fd)
{
    (void)fcntl(fd, F_SETFD, 0);
}

/* In the child. It must not outlive the supervisor; who has died before that was asked for is
 * no parent any more. */
static void
become_worker(const struct supervisor *s, pid_t parent, int channel)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
        _exit(EXIT_FAILURE);
    const struct handover *h = s->plan->handover;
    keep_over_exec(channel);
    for (uint32_t i = 0; i < h->n_fds; i++)
        keep_over_exec(h->fds[i]); /* -1 is none, and stays so */
    /* A right to low ports has done its work, unless a socket is still to be opened. */
    if (h->n_fds > 0)
        (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    sigprocmask(SIG_SETMASK, &s->before, NULL);
    if (s->plan->program >= 0) {
        (void)fexecve(s->plan->program, s->plan->argv, environ);
        _exit(EXIT_FAILURE);
    }
    execv("/proc/self/exe", s->plan->argv);
    execvp(s->plan->argv[0], s->plan->argv); /* where there is no /proc */
    _exit(EXIT_FAILURE);
}

static bool
fork_worker(struct supervisor *s, const int ends[2])
{
    char number[12];
    snprintf(number, sizeof(number), "%d", ends[1]);
    setenv(HANDOVER_VARIABLE, number, 1);
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0)
        become_worker(s, parent, ends[1]);
    unsetenv(HANDOVER_VARIABLE);
    close(ends[1]);
    if (pid < 0)
        return false;
    s->pid = pid;
    s->channel = ends[0];
    return true;
}

bool
supervisor_spawn(struct supervisor *s)
{
    int ends[2];
    if (!channel_open(ends)) {
        log_say(WEIR_ERROR, "the worker can't be started: %s", strerrordesc_np(errno));
        return false;
    }
    const struct handover *h = s->plan->handover;
    if (!channel_send(ends[0], CHANNEL_HANDOVER, h, sizeof(*h)) || !fork_worker(s, ends)) {
        log_say(WEIR_ERROR, "the worker can't be started: %s", strerrordesc_np(errno));
        close(ends[0]);
        return false;
    }
    s->ready = false;
    s->hung = s->held = false;
    s->kill_ms = 0;
    s->start_ms = 0;
    s->report.signal = 0;
    s->began_ms = s->alive_ms = clock_mono_ms();
    s->alive = (struct channel_alive){ .silent_ms = 0 };
    return true;
}

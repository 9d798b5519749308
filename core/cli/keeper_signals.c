/* cli/keeper_signals.c - what ends and reloads the process: signals, and the supervisor's words.
 *
 * A terminal and systemd send a signal to both processes, and the supervisor passes its own on.
 * So one wish may come in two ways, and the second wish is the one that comes twice in one way.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cli/serve.h"
#include "guard/worker.h"

enum way { BY_SIGNAL, BY_SUPERVISOR };

static void
told_to_end(struct server *s, enum way way)
{
    if (++s->told[way] > 1)
        shard_stop(s->keeper); /* the second one: at once */
    else
        keeper_drain(s);
}

static void
on_signal(void *arg, int fd, unsigned ready)
{
    struct server *s = arg;
    struct signalfd_siginfo info;
    (void)ready;
    if (read(fd, &info, sizeof info) != (ssize_t)sizeof info)
        return;
    if (info.ssi_signo == SIGHUP)
        keeper_reload(s, 0, "");
    else
        told_to_end(s, BY_SIGNAL);
}

static void
on_channel(void *arg, int fd, unsigned ready)
{
    struct server *s = arg;
    (void)fd;
    (void)ready;
    switch (worker_receive()) {
    case CHANNEL_DRAIN:
        told_to_end(s, BY_SUPERVISOR);
        break;
    case CHANNEL_RELOAD:
        keeper_reload(s, 0, "");
        break;
    case CHANNEL_CLOSED:
        keeper_let_go(s);
        break;
    case CHANNEL_END:
        shard_stop(s->keeper);
        break;
    case CHANNEL_GONE:
        /* The supervisor is dead, and the kernel ends this process any moment. An orderly end
         * would be a race: what it cuts has to be a crash's work every time, or never. */
        _exit(EXIT_FAILURE);
    default:
        break;
    }
}

void
keeper_listen(struct server *s)
{
    s->signals = watch_new(s->keeper, s->signal_fd, WEIR_READ, on_signal, s);
    if (worker_supervised())
        s->channel = watch_new(s->keeper, worker_channel(), WEIR_READ, on_channel, s);
}

/* guard/supervisor.c - see supervisor.h: the loop of the supervisor.
 *
 * It waits for three things: signals, what its worker says, and the time at which something is
 * due (a restart, a look at a worker that is silent, systemd's watchdog).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "guard/supervisor.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/resident.h"
#include "guard/impl.h"
#include "guard/notify.h"

/* A worker that is told to end at once has so long for it. */
#define END_MS 5000

/* After a fork that failed. */
#define RETRY_MS 1000

/* Who wakes so much later than it wanted was stopped itself, or starved: then the worker's
 * silence says nothing. */
#define LATE_MS 1000

/* How often in the time that makes a hang a worker is looked at that somebody has stopped, so that it is
 * not taken for a hanging one just when it goes on. */
#define HELD_LOOKS 8

static void
take_signals(struct supervisor *s)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, &s->before);
    s->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (s->signal_fd < 0)
        abort();
}

static void
tell(struct supervisor *s, enum channel_word word)
{
    if (s->channel >= 0)
        (void)channel_send(s->channel, word, NULL, 0); /* who does not read hangs, and that is seen */
}

static void
asked_to_end(struct supervisor *s, int signal)
{
    s->asked++;
    if (s->pid == 0) {
        log_say(WEIR_INFO, "weir ends");
        s->over = true;
        return;
    }
    tell(s, s->asked == 1 ? CHANNEL_DRAIN : CHANNEL_END);
    if (!s->ready)
        (void)kill(s->pid, signal); /* it does not read yet */
    if (s->asked > 1 && s->kill_ms == 0)
        s->kill_ms = s->now_ms + END_MS;
}

static void
take_word(struct supervisor *s, const struct channel_message *m)
{
    switch (m->word) {
    case CHANNEL_READY:
        if (!s->ready)
            s->ready_ms = s->now_ms;
        s->ready = s->ever_ready = true;
        s->alive_ms = s->now_ms;
        notify_ready();
        resident_release(); /* from now on there is next to nothing to do */
        break;
    case CHANNEL_RELOADING:
        notify_reloading();
        break;
    case CHANNEL_STOPPING:
        s->stopping = true;
        handover_close(s->plan->handover);
        tell(s, CHANNEL_CLOSED);
        notify_stopping();
        break;
    case CHANNEL_ALIVE:
        s->alive = m->alive;
        s->alive_ms = s->now_ms;
        break;
    case CHANNEL_CRASH:
        s->report = m->crash;
        break;
    default:
        break;
    }
}

static void
read_channel(struct supervisor *s)
{
    static struct channel_message m;
    while (s->channel >= 0 && channel_receive(s->channel, &m) != CHANNEL_NONE) {
        if (m.word == CHANNEL_GONE) {
            close(s->channel);
            s->channel = -1; /* its end is seen by its death */
            return;
        }
        take_word(s, &m);
    }
}

/* Takes the worker's last words, then its status. A process that is the first one of a container
 * is also the parent of whom nobody waits for. */
static void
reap(struct supervisor *s)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid != s->pid)
            continue;
        read_channel(s);
        if (s->channel >= 0)
            close(s->channel);
        s->channel = -1;
        supervisor_died(s, status);
    }
}

static void
read_signals(struct supervisor *s)
{
    struct signalfd_siginfo info;
    while (read(s->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        if (info.ssi_signo == SIGCHLD)
            reap(s);
        else if (info.ssi_signo == SIGHUP)
            tell(s, CHANNEL_RELOAD);
        else
            asked_to_end(s, (int)info.ssi_signo);
    }
}

static uint64_t
earlier(uint64_t a, uint64_t b)
{
    return b != 0 && b < a ? b : a;
}

/* When there is something to do though nothing comes. */
static uint64_t
due_ms(const struct supervisor *s)
{
    uint64_t due = earlier(UINT64_MAX, s->start_ms);
    due = earlier(due, s->kill_ms);
    due = earlier(due, s->feed_ms);
    if (s->ready && s->pid != 0 && s->kill_ms == 0 && s->plan->handover->hang_ms != 0)
        due = earlier(due, s->alive_ms + s->plan->handover->hang_ms / (s->held ? HELD_LOOKS : 1));
    return due;
}

static void
wait_for_something(struct supervisor *s)
{
    uint64_t due = due_ms(s);
    uint64_t now = clock_mono_ms();
    int wait = due == UINT64_MAX ? -1 : due <= now ? 0 : due - now > 60000 ? 60000 : (int)(due - now);
    struct pollfd fds[] = { { .fd = s->signal_fd, .events = POLLIN },
                            { .fd = s->channel, .events = POLLIN } };
    (void)poll(fds, 2, wait); /* what an error hides is seen in the next turn */
    s->now_ms = clock_mono_ms();
    if (wait >= 0 && s->now_ms > now + (uint64_t)wait + LATE_MS)
        s->alive_ms = s->now_ms;
    read_channel(s);
    read_signals(s);
}

static void
do_what_is_due(struct supervisor *s)
{
    if (s->start_ms != 0 && s->now_ms >= s->start_ms && !supervisor_spawn(s))
        s->start_ms = s->now_ms + RETRY_MS;
    if (s->pid != 0)
        supervisor_look(s);
    uint64_t every_ms = notify_watchdog_ms();
    if (every_ms != 0 && s->now_ms >= s->feed_ms) {
        notify_watchdog();
        s->feed_ms = s->now_ms + every_ms;
    }
}

int
supervise(const struct supervisor_plan *plan)
{
    struct supervisor s = { .plan = plan, .channel = -1 };
    take_signals(&s);
    s.now_ms = clock_mono_ms();
    s.start_ms = s.now_ms;
    do_what_is_due(&s);
    while (!s.over) {
        wait_for_something(&s);
        if (!s.over)
            do_what_is_due(&s);
    }
    handover_close(plan->handover);
    close(s.signal_fd);
    return s.code;
}

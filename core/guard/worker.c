/* guard/worker.c - see worker.h. SPDX-License-Identifier: Apache-2.0 */
#include "guard/worker.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "guard/impl.h"

static int channel = -1;
static struct channel_message first; /* the handover */

bool
worker_begin(void)
{
    const char *text = getenv(HANDOVER_VARIABLE);
    if (text == NULL)
        return false;
    int fd = (int)strtol(text, NULL, 10);
    unsetenv(HANDOVER_VARIABLE);
    static const char *const others[] = { "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID",
                                          "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES" };
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        unsetenv(others[i]);
    if (channel_receive(fd, &first) != CHANNEL_HANDOVER)
        return false;
    channel = fd;
    (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    for (uint32_t i = 0; i < first.handover.n_fds; i++)
        (void)fcntl(first.handover.fds[i], F_SETFD, FD_CLOEXEC);
    (void)prctl(PR_SET_NAME, "weir-worker"); /* only for people who look */
    return true;
}

void
worker_take(const struct handover *h)
{
    first.handover = *h;
    first.word = CHANNEL_HANDOVER;
}

bool
worker_supervised(void)
{
    return channel >= 0;
}

const struct handover *
worker_handover(void)
{
    return first.word == CHANNEL_HANDOVER ? &first.handover : NULL;
}

bool
worker_ended_outside(void)
{
    const struct handover *h = worker_handover();
    if (h == NULL || !worker_supervised())
        return false;
    uint64_t died = 0;
    for (unsigned i = 0; i < DEATH_COUNT; i++)
        died += h->restarts[i];
    return died == 0 || h->sent;
}

void
worker_close_sockets(void)
{
    handover_close(&first.handover);
}

int
worker_channel(void)
{
    return channel;
}

enum channel_word
worker_receive(void)
{
    static struct channel_message m;
    return channel >= 0 ? channel_receive(channel, &m) : CHANNEL_NONE;
}

bool
worker_tell(enum channel_word word)
{
    return channel >= 0 && channel_send(channel, word, NULL, 0);
}

void
worker_alive(const struct channel_alive *alive)
{
    if (channel >= 0)
        (void)channel_send(channel, CHANNEL_ALIVE, alive, sizeof(*alive)); /* the next one tells */
}

bool
worker_report(const struct crash_report *report)
{
    return channel >= 0 && channel_send(channel, CHANNEL_CRASH, report, sizeof(*report));
}

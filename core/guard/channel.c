/* guard/channel.c - see channel.h. SPDX-License-Identifier: Apache-2.0 */
#include "guard/channel.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

const char *
death_name(enum death d)
{
    static const char *const names[] = {
#define X(name, text) text,
        DEATHS(X)
#undef X
    };
    return names[d];
}

void
handover_close(struct handover *h)
{
    for (uint32_t i = 0; i < h->n_fds; i++)
        if (h->fds[i] >= 0)
            close(h->fds[i]);
    h->n_fds = 0;
    for (unsigned i = 0; i < HANDOVER_SIDES; i++)
        h->listen[i].n = 0;
}

bool
channel_open(int ret[2])
{
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret) == 0;
}

bool
channel_send(int fd, enum channel_word word, const void *what, size_t size)
{
    uint32_t head = (uint32_t)word;
    struct iovec parts[] = { { &head, sizeof(head) }, { (void *)what, size } };
    struct msghdr m = { .msg_iov = parts, .msg_iovlen = size > 0 ? 2 : 1 };
    ssize_t n;
    do
        n = sendmsg(fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)(sizeof(head) + size);
}

/* How many bytes belong to a word. */
static size_t
size_of(uint32_t word)
{
    switch (word) {
    case CHANNEL_HANDOVER:
        return sizeof(struct handover);
    case CHANNEL_ALIVE:
        return sizeof(struct channel_alive);
    case CHANNEL_CRASH:
        return sizeof(struct crash_report);
    default:
        return 0;
    }
}

enum channel_word
channel_receive(int fd, struct channel_message *ret)
{
    uint32_t head = 0;
    struct iovec parts[] = { { &head, sizeof(head) },
                             { &ret->handover, sizeof(*ret) - offsetof(struct channel_message, handover) } };
    struct msghdr m = { .msg_iov = parts, .msg_iovlen = 2 };
    ssize_t n;
    do
        n = recvmsg(fd, &m, MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    ret->word = CHANNEL_GONE;
    if (n < 0 && errno == EAGAIN)
        ret->word = CHANNEL_NONE;
    else if (n >= (ssize_t)sizeof(head) && head >= CHANNEL_HANDOVER && head <= CHANNEL_CRASH &&
             (size_t)n == sizeof(head) + size_of(head))
        ret->word = (enum channel_word)head;
    return ret->word;
}

/* guard/channel.h - what the supervisor and its worker say to each other, over a pair of sockets.
 *
 * Each message is one packet: a word and what belongs to it, as it stands in memory, since both
 * are of one build. The first one goes to the worker and hands over what was made for it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GUARD_CHANNEL_H
#define GUARD_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/crash_report.h"

/* Why a worker has ended, as the metric's label says it. */
#define DEATHS(X)                                                                            \
    X(SEGV, "SIGSEGV")                                                                       \
    X(BUS, "SIGBUS")                                                                         \
    X(ILL, "SIGILL")                                                                         \
    X(FPE, "SIGFPE")                                                                         \
    X(ABRT, "SIGABRT")                                                                       \
    X(KILL, "SIGKILL")                                                                       \
    X(SIGNAL, "signal")                                                                      \
    X(EXIT, "exit")                                                                          \
    X(HANG, "hang")

enum death {
#define X(name, text) DEATH_##name,
    DEATHS(X)
#undef X
    DEATH_COUNT
};

/* The text of a death. */
const char *death_name(enum death d);

/* The two sides that listen: which one a socket belongs to. */
enum handover_side { HANDOVER_EDGE, HANDOVER_ADMIN, HANDOVER_SIDES };

#define HANDOVER_ADDRESSES 16
#define HANDOVER_SHARDS 62
#define HANDOVER_FDS (2 * HANDOVER_ADDRESSES * HANDOVER_SHARDS)
#define HANDOVER_SETTINGS 8
#define HANDOVER_TEXT 2048

/* The sockets of one side: for address number I from FIRST[I] on COUNT[I] of the descriptors. */
struct handover_listen {
    uint32_t n; /* addresses; 0: the worker opens its own */
    uint32_t first[HANDOVER_ADDRESSES];
    uint32_t count[HANDOVER_ADDRESSES]; /* 0: the worker opens its own for this one */
};

/* A setting that the sockets were made from; or, if they came from systemd by name, one that says
 * where they listen, whatever the files say. */
struct handover_setting {
    char key[32];
    char text[HANDOVER_TEXT];
    bool activated;
};

/* What a worker is given. */
struct handover {
    uint32_t n_shards;
    struct handover_setting settings[HANDOVER_SETTINGS];
    uint32_t n_settings;
    struct handover_listen listen[HANDOVER_SIDES];
    uint32_t n_fds;
    int fds[HANDOVER_FDS]; /* -1: none */
    uint64_t hang_ms;               /* how long a loop may hang; 0: nobody looks */
    uint64_t restarts[DEATH_COUNT]; /* since the supervisor's start */
    bool sent;                      /* the last one that died did so of a signal that another process sent it */
};

/* Closes the sockets of H, which has none after it. */
void handover_close(struct handover *h);

enum channel_word {
    CHANNEL_NONE,      /* nothing is there */
    CHANNEL_GONE,      /* the other end is */
    CHANNEL_HANDOVER,  /* to the worker: struct handover */
    CHANNEL_DRAIN,     /* to the worker: end when what runs is done */
    CHANNEL_END,       /* to the worker: end now */
    CHANNEL_RELOAD,    /* to the worker */
    CHANNEL_CLOSED,    /* to the worker: the supervisor has let go of the listening sockets */
    CHANNEL_READY,     /* to the supervisor: it serves; a reload is over */
    CHANNEL_RELOADING, /* to the supervisor */
    CHANNEL_STOPPING,  /* to the supervisor: no new work, no restart; CLOSED is the answer */
    CHANNEL_ALIVE,     /* to the supervisor: struct channel_alive */
    CHANNEL_CRASH      /* to the supervisor: struct crash_report */
};

/* The keeper is alive; the loop that has been silent for longest. */
struct channel_alive {
    uint64_t silent_ms;
    int tid;
    char name[16];
};

/* A message that was read. */
struct channel_message {
    enum channel_word word;
    union {
        struct handover handover;
        struct channel_alive alive;
        struct crash_report crash;
    };
};

/* Makes the pair; both ends are closed by exec. False: errno says why. */
bool channel_open(int ret[2]);

/* Sends WORD with SIZE bytes; false if the other end is gone, or does not read. Never waits.
 * Async-signal-safe. */
bool channel_send(int fd, enum channel_word word, const void *what, size_t size);

/* Reads the next message, if one is there; does not wait. What is none is CHANNEL_GONE. */
enum channel_word channel_receive(int fd, struct channel_message *ret);

#endif

/* engine/job_pace.c - how fast jobs that wait in the store are taken up: no faster than leaves the shard some
 * time idle, so that who calls meanwhile is answered; where nobody calls, as fast as they can.
 *
 * Idle is what is left of the time when the shard's thread neither ran nor waited for a processor. The second
 * is in /proc/thread-self/schedstat (Documentation/scheduler/sched-stats.rst of Linux; without it nothing is
 * waited for); so other threads that take the processors, the store's writer among them, count as well. After each claim the pause before the
 * next one grows while there was too little idle time since the claim before, and shrinks otherwise. It has an
 * end, so that jobs go on however busy the machine is.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "engine/job.h"

enum {
    PAUSE_MAX_MS = 32,
    LOOK_NS = 1000000, /* less is not judged */
    /* How long jobs are begun in a millisecond. */
    PIECE_NS = 500000,
    PIECE_CALLED_NS = 20000,
    CALLED_MS = 100, /* so long after the last caller the next one is expected */
    NOTE_MS = 16     /* a caller so soon after another is not noted: what is only read is read fast */
};

/* How long this thread has run or waited for a processor, in ns. */
static uint64_t
busy_ns(struct job_pace *p)
{
    char text[96] = "";
    struct timespec ran = { 0 };
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ran); /* the file has it as of the kernel's last tick */
    if (!p->opened)
        p->fd = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
    p->opened = true;
    ssize_t n = p->fd >= 0 ? pread(p->fd, text, sizeof text - 1, 0) : 0;
    text[n > 0 ? n : 0] = '\0';
    char *waited;
    (void)strtoull(text, &waited, 10);
    return (uint64_t)ran.tv_sec * 1000000000 + (uint64_t)ran.tv_nsec + strtoull(waited, NULL, 10);
}

uint64_t
job_pace_ms(struct job_pace *p, double idle)
{
    uint64_t now = clock_mono_ns(), busy = idle > 0 ? busy_ns(p) : 0;
    uint64_t wall = now - p->at_ns;
    if (idle <= 0 || p->at_ns == 0) {
        p->at_ns = now;
        p->busy_ns = busy;
        return p->pause_ms = 0;
    }
    if (wall < LOOK_NS)
        return p->pause_ms;
    bool good = (double)(busy - p->busy_ns) <= (1 - idle) * (double)wall;
    unsigned less = 1 + p->pause_ms / 4, more = 1 + p->pause_ms / 2;
    if (good)
        p->pause_ms -= less < p->pause_ms ? less : p->pause_ms;
    else
        p->pause_ms = p->pause_ms + more < PAUSE_MAX_MS ? p->pause_ms + more : PAUSE_MAX_MS;
    p->at_ns = now;
    p->busy_ns = busy;
    return p->pause_ms;
}

/* Of all shards: they share the processors, and the store's writer. */
static _Atomic uint64_t latest_call_ms;

void
job_pace_call(uint64_t now_ms)
{
    if (now_ms >= atomic_load_explicit(&latest_call_ms, memory_order_relaxed) + NOTE_MS) /* shards' clocks differ */
        atomic_store_explicit(&latest_call_ms, now_ms, memory_order_relaxed);
}

bool
job_pace_called(uint64_t now_ms)
{
    uint64_t latest = atomic_load_explicit(&latest_call_ms, memory_order_relaxed);
    return latest != 0 && now_ms < latest + CALLED_MS;
}

bool
job_pace_may_begin(const struct job_pace *p, uint64_t now_ms)
{
    uint64_t most = job_pace_called(now_ms) ? PIECE_CALLED_NS : PIECE_NS;
    return p->piece_ms != now_ms || p->piece_ns < most;
}

void
job_pace_began(struct job_pace *p, uint64_t now_ms, uint64_t took_ns)
{
    p->piece_ns = took_ns + (p->piece_ms == now_ms ? p->piece_ns : 0);
    p->piece_ms = now_ms;
}

void
job_pace_end(struct job_pace *p)
{
    if (p->opened && p->fd >= 0)
        close(p->fd);
    p->opened = false;
}

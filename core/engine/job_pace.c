/* engine/job_pace.c - how fast jobs that wait in the store are taken up: no faster than leaves the shard some
 * time idle, so that who calls meanwhile is answered.
 *
 * Idle is what is left of the time when the shard's thread neither ran nor waited for a processor, which is
 * what /proc/thread-self/schedstat says (Documentation/scheduler/sched-stats.rst of Linux); so other threads
 * that take the processors, the store's writer among them, count as well. After each claim the pause before the
 * next one grows while there was too little idle time since the claim before, and shrinks otherwise. It has an
 * end, so that jobs go on however busy the machine is.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "engine/job.h"

enum { PAUSE_MAX_MS = 32, LOOK_NS = 1000000 /* less is not judged */ };

/* How long this thread has run or waited for a processor, in ns; 0: nobody knows. */
static uint64_t
busy_ns(struct job_pace *p)
{
    char text[96];
    if (!p->opened)
        p->fd = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
    p->opened = true;
    ssize_t n = p->fd >= 0 ? pread(p->fd, text, sizeof text - 1, 0) : -1;
    if (n <= 0)
        return 0;
    text[n] = '\0';
    char *end;
    uint64_t ran = strtoull(text, &end, 10);
    return ran + strtoull(end, NULL, 10);
}

uint64_t
job_pace_ms(struct job_pace *p, double idle)
{
    uint64_t now = clock_mono_ns(), busy = idle > 0 ? busy_ns(p) : 0;
    uint64_t wall = now - p->at_ns;
    if (busy == 0 || p->at_ns == 0) {
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

void
job_pace_end(struct job_pace *p)
{
    if (p->opened && p->fd >= 0)
        close(p->fd);
    p->opened = false;
}

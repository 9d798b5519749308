/* guard/hang.c - seeing that a worker hangs, and ending it. See impl.h.
 *
 * The keeper says again and again that it is alive, and which loop has been silent for how
 * long. Who hangs gets SIGABRT on the very thread, so that its crash report shows where.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "guard/impl.h"

/* What SIGABRT has not ended by then (a core dump may take a while) gets SIGKILL. */
#define ABORT_MS 10000

/* Whether somebody has stopped the process or looks into it with a debugger. */
static bool
is_held(pid_t pid)
{
    char path[40];
    char line[128];
    bool held = false;
    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    FILE *f = fopen(path, "r");
    if (f == NULL)
        return false;
    while (!held && fgets(line, sizeof(line), f) != NULL) {
        int tracer;
        char state;
        if (sscanf(line, "State: %c", &state) == 1)
            held = state == 'T' || state == 't';
        else if (sscanf(line, "TracerPid: %d", &tracer) == 1)
            held = tracer != 0;
    }
    fclose(f);
    return held;
}

/* Looks whether the worker is held. Who is, or was until now, has all of its time again. */
static bool
look_held(struct supervisor *s)
{
    bool was = s->held;
    s->held = is_held(s->pid);
    if (!was && !s->held)
        return false;
    s->alive_ms = s->now_ms;
    s->alive.silent_ms = 0;
    return true;
}

/* Ends thread TID of the worker, which NAME has been silent in for SILENT_MS. */
static void
end_hung(struct supervisor *s, const char *name, int tid, uint64_t silent_ms)
{
    if (look_held(s))
        return;
    struct log_field fields[] = { LOG_N("worker", s->pid), LOG_S("thread", text_of(name)),
                                  LOG_N("silent_ms", silent_ms) };
    log_line(WEIR_ERROR, "the worker hangs: it is ended and started again", fields, 3);
    s->hung = true;
    s->kill_ms = s->now_ms + ABORT_MS;
    if (syscall(SYS_tgkill, s->pid, tid, SIGABRT) != 0)
        (void)kill(s->pid, SIGABRT);
}

void
supervisor_look(struct supervisor *s)
{
    if (s->kill_ms != 0) {
        if (s->now_ms >= s->kill_ms) {
            (void)kill(s->pid, SIGKILL);
            s->kill_ms = s->now_ms + ABORT_MS;
        }
        return;
    }
    uint64_t hang_ms = s->plan->handover->hang_ms;
    if (hang_ms == 0 || !s->ready)
        return;
    if (s->held)
        (void)look_held(s);
    else if (s->now_ms - s->alive_ms >= hang_ms)
        end_hung(s, "keeper", s->pid, s->now_ms - s->alive_ms);
    else if (s->alive.silent_ms >= hang_ms)
        end_hung(s, s->alive.name, s->alive.tid, s->alive.silent_ms);
}

/* guard/death.c - what follows when a worker has died, and what the log says. See impl.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "guard/impl.h"
#include "guard/notify.h"

/* A worker that served for so long did not die of its start. */
#define SERVED_MS 1000

/* The pause after one that did, and to what it grows: one that had been ready is wanted back
 * within a second, whatever takes it down again and again. */
#define PAUSE_FIRST_MS 100
#define PAUSE_READY_MS 500
#define PAUSE_MAX_MS 5000

static enum death
death_of(const struct supervisor *s, int status)
{
    if (s->hung)
        return DEATH_HANG;
    if (WIFEXITED(status))
        return DEATH_EXIT;
    switch (WTERMSIG(status)) {
    case SIGSEGV:
        return DEATH_SEGV;
    case SIGBUS:
        return DEATH_BUS;
    case SIGILL:
        return DEATH_ILL;
    case SIGFPE:
        return DEATH_FPE;
    case SIGABRT:
        return DEATH_ABRT;
    case SIGKILL:
        return DEATH_KILL;
    default:
        return DEATH_SIGNAL;
    }
}

/* "the worker died by SIGSEGV in plugin lua", "the worker ended with 1". */
static void
how_it_died(const struct supervisor *s, int status, char *ret, size_t room)
{
    const struct crash_report *r = &s->report;
    bool named = r->signal != 0 && r->plugin[0] != '\0';
    if (WIFEXITED(status))
        snprintf(ret, room, "the worker ended with %d", WEXITSTATUS(status));
    else
        snprintf(ret, room, "the worker %s by %s%s%.60s", s->hung ? "hung and was ended" : "died",
                 crash_signal_name(WTERMSIG(status)), named ? " in plugin " : "", named ? r->plugin : "");
}

/* The fields of a report that came. Returns how many; FRAMES holds the last one's text. */
static size_t
report_fields(const struct crash_report *r, struct buf *frames, char address[24], struct log_field *ret)
{
    size_t n = 0;
    const struct {
        const char *key;
        const char *text;
    } texts[] = { { "plugin", r->plugin }, { "pipeline", r->pipeline }, { "node", r->node },
                  { "type", r->type },     { "thread", r->thread } };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (texts[i].text[0] != '\0')
            ret[n++] = LOG_S(texts[i].key, text_of(texts[i].text));
    if (r->from != 0)
        ret[n++] = LOG_N("sent_by", r->from);
    if (r->from == 0 && r->signal != SIGABRT) {
        snprintf(address, 24, "0x%" PRIx64, r->address);
        ret[n++] = LOG_S("address", text_of(address));
    }
    crash_frames_json(r, frames);
    ret[n++] = LOG_J("backtrace", buf_content(frames));
    return n;
}

static void
log_death(const struct supervisor *s, int status, const char *and)
{
    char how[120];
    char line[240];
    char address[24];
    struct log_field fields[16];
    struct buf frames;
    size_t n = 0;
    how_it_died(s, status, how, sizeof(how));
    double lived_s = (double)(s->now_ms - s->began_ms) / 1000.0;
    snprintf(line, sizeof(line), "%s after %.1f s%s", how, lived_s, and);
    buf_init(&frames, CRASH_FRAMES * (CRASH_NAME + 32));
    fields[n++] = LOG_S("reason", text_of(death_name(death_of(s, status))));
    fields[n++] = LOG_N("worker", s->pid);
    if (s->start_ms != 0) {
        fields[n++] = LOG_N("restart", s->n_restarts);
        fields[n++] = LOG_N("pause_ms", s->pause_ms);
    }
    if (!WIFEXITED(status) && WCOREDUMP(status))
        fields[n++] = LOG_S("core", TEXT("dumped"));
    if (s->report.signal != 0)
        n += report_fields(&s->report, &frames, address, fields + n);
    fields[n++] = LOG_S("version", TEXT(WEIR_VERSION));
    if (s->report.signal != 0)
        fields[n++] = LOG_S("build", text_of(s->report.build));
    log_line(WEIR_ERROR, line, fields, n);
    buf_fini(&frames);
}

/* The supervisor ends, too, with CODE. */
static void
end_with(struct supervisor *s, int code)
{
    s->over = true;
    s->code = code;
}

/* The pause before the next start: none for one that had served, else it doubles. */
static void
plan_restart(struct supervisor *s)
{
    uint64_t most = s->ready ? PAUSE_READY_MS : PAUSE_MAX_MS;
    uint64_t next = s->pause_ms == 0 ? PAUSE_FIRST_MS : s->pause_ms * 2;
    if (s->ready && s->now_ms - s->ready_ms >= SERVED_MS)
        next = 0;
    s->pause_ms = next < most ? next : most;
    s->start_ms = s->now_ms + s->pause_ms;
    s->n_restarts++;
}

void
supervisor_died(struct supervisor *s, int status)
{
    bool exited = WIFEXITED(status);
    int code = exited ? WEXITSTATUS(status) : 0;
    bool asked = s->asked > 0 || s->stopping;
    s->start_ms = 0;
    if (exited && (code == 0 || code == s->plan->final_code || !s->ever_ready || asked)) {
        end_with(s, code); /* the worker has said why */
    } else if (asked && !s->ready) {
        end_with(s, 0); /* it was told to end before it had begun */
    } else if (asked) {
        log_death(s, status, " while it was to end");
        end_with(s, 1);
    } else {
        plan_restart(s);
        s->plan->handover->restarts[death_of(s, status)]++;
        s->plan->handover->sent = !s->hung && s->report.signal != 0 && s->report.from != 0 && s->report.from != s->pid;
        char and[60];
        snprintf(and, sizeof(and), ": it is started again (restart %" PRIu64 ")", s->n_restarts);
        log_death(s, status, and);
        notify_status("the worker died and is started again");
    }
    s->pid = 0;
}

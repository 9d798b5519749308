/* base/crash_report.c - see crash_report.h. SPDX-License-Identifier: Apache-2.0 */
#include "base/crash_report.h"

#include <inttypes.h>
#include <signal.h>
#include <stddef.h>

const char *
crash_signal_name(int signal)
{
    static const struct {
        int signal;
        const char *name;
    } names[] = {
        { SIGSEGV, "SIGSEGV" }, { SIGBUS, "SIGBUS" },   { SIGILL, "SIGILL" },
        { SIGFPE, "SIGFPE" },   { SIGABRT, "SIGABRT" }, { SIGKILL, "SIGKILL" },
        { SIGTERM, "SIGTERM" }, { SIGSYS, "SIGSYS" },
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (names[i].signal == signal)
            return names[i].name;
    return "signal";
}

void
crash_frames_json(const struct crash_report *r, struct buf *ret)
{
    (void)buf_putc(ret, '[');
    for (uint32_t i = 0; i < r->n_frames && i < CRASH_FRAMES; i++) {
        const struct crash_frame *f = &r->frames[i];
        (void)buf_puts(ret, i > 0 ? ",\"" : "\"");
        /* The name of a file is escaped as far as JSON asks for it. */
        for (const char *at = f->module; *at != '\0' && at < f->module + CRASH_NAME; at++)
            (void)buf_putc(ret, *at == '"' || *at == '\\' || (unsigned char)*at < 0x20 ? '?' : *at);
        (void)buf_printf(ret, "%s0x%" PRIx64 "\"", f->module[0] ? "+" : "", f->offset);
    }
    (void)buf_putc(ret, ']');
}

/* base/crash_text.c - see crash_text.h. SPDX-License-Identifier: Apache-2.0 */
#include "base/crash_text.h"

#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

/* Text that is put together and written; there once, since one thread dies. */
static struct {
    size_t len;
    char bytes[8192];
} out;

static void
put(const char *text)
{
    for (; *text != '\0' && out.len < sizeof(out.bytes); text++)
        out.bytes[out.len++] = *text;
}

/* The same, without what would end a string of JSON or a line. */
static void
put_plain(const char *text)
{
    for (; *text != '\0' && out.len < sizeof(out.bytes); text++) {
        bool plain = (unsigned char)*text >= 0x20 && *text != '"' && *text != '\\';
        out.bytes[out.len++] = plain ? *text : '?';
    }
}

static void
put_number(uint64_t n, unsigned base)
{
    static const char digits[] = "0123456789abcdef";
    char text[24];
    size_t at = sizeof(text) - 1;
    text[at] = '\0';
    do {
        text[--at] = digits[n % base];
        n /= base;
    } while (n > 0);
    put(text + at);
}

static void
write_out(int fd)
{
    for (size_t at = 0; at < out.len;) {
        ssize_t n = write(fd, out.bytes + at, out.len - at);
        if (n <= 0)
            break;
        at += (size_t)n;
    }
    out.len = 0;
}

static void
put_frame(const struct crash_frame *f)
{
    put_plain(f->module);
    put(f->module[0] != '\0' ? "+0x" : "0x");
    put_number(f->offset, 16);
}

static bool
has_address(const struct crash_report *r)
{
    return r->from == 0 && r->signal != SIGABRT;
}

void
crash_write(int fd, const struct crash_report *r)
{
    put("weir dies of ");
    put(crash_signal_name(r->signal));
    if (r->plugin[0] != '\0') {
        put(" in plugin ");
        put_plain(r->plugin);
    }
    if (has_address(r)) {
        put(" at address 0x");
        put_number(r->address, 16);
    } else if (r->from != 0) {
        put(", sent by process ");
        put_number((uint64_t)r->from, 10);
    }
    put(", in thread ");
    put_plain(r->thread);
    put(" (weir " WEIR_VERSION ", build ");
    put_plain(r->build);
    put(")\n");
    for (uint32_t i = 0; i < r->n_frames; i++) {
        put("  #");
        put_number(i, 10);
        put(" ");
        put_frame(&r->frames[i]);
        put("\n");
    }
    write_out(fd);
}

void
crash_write_place(int fd, const struct crash_report *r)
{
    if (r->node[0] == '\0')
        return;
    put("  while it ran node ");
    put_plain(r->node);
    put(" (");
    put_plain(r->type);
    put(") of pipeline ");
    put_plain(r->pipeline);
    put("\n");
    write_out(fd);
}

static void
put_member(const char *key, const char *text)
{
    if (text[0] == '\0')
        return;
    put(",\"");
    put(key);
    put("\":\"");
    put_plain(text);
    put("\"");
}

void
crash_write_json(int fd, const struct crash_report *r)
{
    char time[CLOCK_TEXT];
    clock_text(clock_wall_ms(), time);
    put("{\"time\":\"");
    put(time);
    put("\",\"level\":\"error\",\"msg\":\"weir dies of ");
    put(crash_signal_name(r->signal));
    if (r->plugin[0] != '\0') {
        put(" in plugin ");
        put_plain(r->plugin);
    }
    put("\"");
    put_member("plugin", r->plugin);
    put_member("pipeline", r->pipeline);
    put_member("node", r->node);
    put_member("type", r->type);
    put_member("thread", r->thread);
    if (has_address(r)) {
        put(",\"address\":\"0x");
        put_number(r->address, 16);
        put("\"");
    } else if (r->from != 0) {
        put(",\"sent_by\":");
        put_number((uint64_t)r->from, 10);
    }
    put(",\"backtrace\":[");
    for (uint32_t i = 0; i < r->n_frames; i++) {
        put(i > 0 ? ",\"" : "\"");
        put_frame(&r->frames[i]);
        put("\"");
    }
    put("]");
    put_member("version", WEIR_VERSION);
    put_member("build", r->build);
    put("}\n");
    write_out(fd);
}

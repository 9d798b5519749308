/* base/crash_maps.c - from addresses to files, by /proc/self/maps (proc_pid_maps(5)); see crash.h.
 *
 * dladdr(3) takes locks that the thread which died may hold; reading a file does not.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/crash.h"

void
crash_copy(char *ret, size_t room, const char *text)
{
    size_t i = 0;
    for (; text && text[i] != '\0' && i + 1 < room; i++)
        ret[i] = text[i];
    ret[i] = '\0';
}

/* Lines of a file, read by pieces. One thread dies at a time, so the memory is there once. */
struct lines {
    int fd;
    size_t len;
    size_t at;
    char bytes[4096];
};

/* The next line without its end; what is longer than RET is cut. False at the end. */
static bool
next_line(struct lines *l, char *ret, size_t room)
{
    size_t n = 0;
    for (;;) {
        if (l->at == l->len) {
            ssize_t got = read(l->fd, l->bytes, sizeof(l->bytes));
            if (got <= 0)
                return false;
            l->len = (size_t)got;
            l->at = 0;
        }
        char c = l->bytes[l->at++];
        if (c == '\n')
            break;
        if (n + 1 < room)
            ret[n++] = c;
    }
    ret[n] = '\0';
    return true;
}

static const char *
read_hex(const char *at, uintptr_t *ret)
{
    *ret = 0;
    for (;; at++) {
        unsigned digit;
        if (*at >= '0' && *at <= '9')
            digit = (unsigned)(*at - '0');
        else if (*at >= 'a' && *at <= 'f')
            digit = (unsigned)(*at - 'a') + 10;
        else
            return at;
        *ret = *ret << 4 | digit;
    }
}

struct mapping {
    uintptr_t from;
    uintptr_t to;
    uintptr_t offset; /* in the file */
    const char *path; /* in the line */
};

/* "from-to perms offset device inode   path"; false for one that is of no file. */
static bool
read_mapping(const char *line, struct mapping *ret)
{
    const char *at = read_hex(line, &ret->from);
    if (*at != '-')
        return false;
    at = read_hex(at + 1, &ret->to);
    for (unsigned spaces = 0; *at != '\0' && spaces < 2; at++)
        spaces += *at == ' ';
    (void)read_hex(at, &ret->offset);
    ret->path = strchr(at, '/');
    return ret->path != NULL;
}

static const char *
base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

void
crash_find_modules(const uintptr_t *addresses, unsigned n, const char *(*plugin)(const char *path),
                   struct crash_report *r)
{
    static struct lines l;
    static char line[1024];
    static char last[1024]; /* the path whose first mapping BASE is of */
    uintptr_t base = 0;
    unsigned topmost = n; /* frame of a plugin */
    r->n_frames = n < CRASH_FRAMES ? n : CRASH_FRAMES;
    for (unsigned i = 0; i < r->n_frames; i++)
        r->frames[i] = (struct crash_frame){ .offset = addresses[i] };
    l = (struct lines){ .fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC) };
    if (l.fd < 0)
        return;
    struct mapping m;
    while (next_line(&l, line, sizeof(line))) {
        if (!read_mapping(line, &m))
            continue;
        if (strcmp(last, m.path) != 0) {
            crash_copy(last, sizeof(last), m.path);
            base = m.from - m.offset;
        }
        for (unsigned i = 0; i < n; i++) {
            if (addresses[i] < m.from || addresses[i] >= m.to)
                continue;
            if (i < r->n_frames) {
                crash_copy(r->frames[i].module, CRASH_NAME, base_name(m.path));
                r->frames[i].offset = addresses[i] - base;
            }
            const char *name = plugin(m.path);
            if (name && i < topmost) {
                topmost = i;
                crash_copy(r->plugin, sizeof(r->plugin), name);
            }
        }
    }
    close(l.fd);
    last[0] = '\0';
}

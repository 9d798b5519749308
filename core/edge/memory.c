/* edge/memory.c - see memory.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "edge/memory.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/scarce.h"

/* Reads a small file into TEXT with a NUL; false if there is none. */
static bool
read_small(const char *path, char *text, size_t room)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, text, room - 1);
    close(fd);
    text[n > 0 ? n : 0] = '\0';
    return n > 0;
}

/* The limit in a file of a control group; 0: there is none, or it says "max". */
static uint64_t
read_limit(const char *path)
{
    char text[32];
    if (!read_small(path, text, sizeof(text)))
        return 0;
    uint64_t limit = strtoull(text, NULL, 10);
    return limit < UINT64_MAX / 4 ? limit : 0; /* version 1 writes a huge number for none */
}

/* The limit of the control group (version 2) that the process is in, or of one above it. */
static uint64_t
group_limit(void)
{
    char line[1024];
    if (!read_small("/proc/self/cgroup", line, sizeof(line)))
        return 0;
    char *path = strstr(line, "0::/");
    if (path == NULL)
        return read_limit("/sys/fs/cgroup/memory/memory.limit_in_bytes");
    path += 3;
    path[strcspn(path, "\n")] = '\0';

    uint64_t least = 0;
    for (;;) {
        char file[1200];
        snprintf(file, sizeof(file), "/sys/fs/cgroup%s/memory.max", path);
        uint64_t limit = read_limit(file);
        if (limit != 0 && (least == 0 || limit < least))
            least = limit;
        char *slash = strrchr(path, '/');
        if (slash == NULL)
            return least;
        *slash = '\0';
    }
}

/* What the machine has; 0: nobody knows. */
static uint64_t
machine_limit(void)
{
    long pages = sysconf(_SC_PHYS_PAGES);
    long size = sysconf(_SC_PAGESIZE);
    return pages > 0 && size > 0 ? (uint64_t)pages * (uint64_t)size : 0;
}

void
memory_watch_init(struct memory_watch *w, uint64_t limit)
{
    *w = (struct memory_watch){ .limit = limit };
    if (limit == 0) {
        uint64_t group = group_limit();
        uint64_t machine = machine_limit();
        w->limit = group != 0 && (group < machine || machine == 0) ? group : machine;
    }
    scarce_limit(w->limit);
}

enum memory_step
memory_step_of(uint64_t used, uint64_t limit)
{
    if (limit == 0 || used < limit / 100 * 85)
        return MEMORY_GOOD;
    if (used < limit / 100 * 90)
        return MEMORY_CLOSE_IDLE;
    return used < limit / 100 * 95 ? MEMORY_REFUSE_NEW : MEMORY_REFUSE_ALL;
}

void
memory_watch_look(struct memory_watch *w)
{
    uint64_t used = w->limit != 0 ? scarce_look() : 0;
    if (used == 0)
        return;
    w->used = used;
    w->step = memory_step_of(w->used, w->limit);
}

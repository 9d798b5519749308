/* base/scarce.c - see scarce.h. SPDX-License-Identifier: Apache-2.0 */
#include "base/scarce.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

/* A thread looks again after so much of the limit has come. */
#define LOOK_SHARE 128

static _Atomic uint64_t limit;
static _Atomic bool scarce;

void
scarce_limit(uint64_t bytes)
{
    uint64_t before = atomic_load(&limit);
    if (bytes == 0 || before == 0 || bytes < before)
        atomic_store(&limit, bytes);
}

uint64_t
scarce_look(void)
{
    char text[128];
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t n = read(fd, text, sizeof(text) - 1);
    close(fd);
    text[n > 0 ? n : 0] = '\0';
    char *at;
    (void)strtoull(text, &at, 10); /* the address space */
    uint64_t used = strtoull(at, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE);
    uint64_t most = atomic_load(&limit);
    atomic_store(&scarce, most != 0 && used >= most / 100 * 95);
    return used;
}

bool
scarce_took(size_t len)
{
    static _Thread_local uint64_t taken;
    uint64_t most = atomic_load_explicit(&limit, memory_order_relaxed);
    if (most == 0)
        return false;
    taken += len;
    if (taken >= most / LOOK_SHARE) {
        taken = 0;
        (void)scarce_look();
    }
    return atomic_load_explicit(&scarce, memory_order_relaxed);
}

/* tests/bench/lua_stretch.c - put in front of weir by LD_PRELOAD: the longest that a thread computes between two
 * looks for what its sockets have, in CPU time. See lua_stretch.mjs.
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* In the file WEIR_STRETCH, which the bench reads and sets to zero. */
static volatile uint64_t *longest_ns;
static int (*real)(int, struct epoll_event *, int, int);
static _Thread_local uint64_t since_ns;

static uint64_t
cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void __attribute__((constructor))
begin(void)
{
    const char *path = getenv("WEIR_STRETCH");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    *(void **)&real = dlsym(RTLD_NEXT, "epoll_wait");
    if (fd < 0)
        return;
    void *at = mmap(NULL, sizeof *longest_ns, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    longest_ns = at == MAP_FAILED ? NULL : at;
    close(fd);
}

int
epoll_wait(int fd, struct epoll_event *events, int n, int timeout_ms)
{
    uint64_t took = since_ns == 0 ? 0 : cpu_ns() - since_ns;
    if (longest_ns != NULL && took > *longest_ns)
        *longest_ns = took;
    int found = real(fd, events, n, timeout_ms);
    since_ns = cpu_ns();
    return found;
}

/* guard/activation.c - see activation.h. SPDX-License-Identifier: Apache-2.0 */
#include "guard/activation.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST_FD 3 /* SD_LISTEN_FDS_START */

/* A whole number in the environment; -1: there is none. */
static long
number(const char *name)
{
    const char *text = getenv(name);
    char *end;
    errno = 0;
    if (text == NULL || *text < '0' || *text > '9')
        return -1;
    long n = strtol(text, &end, 10);
    return *end == '\0' && errno == 0 ? n : -1;
}

/* How many there are; 0 also where they are another process's, which this one came from. */
static long
count(void)
{
    long n = number("LISTEN_FDS");
    return number("LISTEN_PID") == getpid() && n > 0 && n < 100000 ? n : 0;
}

bool
activation_there(void)
{
    return count() > 0;
}

/* The next of the names that colons part; NULL stays NULL. */
static const char *
next_name(const char *names, char ret[ACTIVATION_NAME])
{
    static const char none[] = "unknown";
    memcpy(ret, none, sizeof none);
    if (names == NULL)
        return NULL;
    size_t len = strcspn(names, ":");
    if (len > 0 && len < ACTIVATION_NAME) {
        memcpy(ret, names, len);
        ret[len] = '\0';
    }
    return names[len] == ':' ? names + len + 1 : NULL;
}

unsigned
activation_take(struct activation ret[ACTIVATION_MAX])
{
    long n = count();
    const char *names = getenv("LISTEN_FDNAMES");
    unsigned taken = 0;
    for (long i = 0; i < n; i++) {
        int fd = FIRST_FD + (int)i;
        if (taken == ACTIVATION_MAX) {
            close(fd);
            continue;
        }
        names = next_name(names, ret[taken].name);
        if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
            continue; /* it was said to be there, and is not */
        ret[taken++].fd = fd;
    }
    if (n > 0) {
        unsetenv("LISTEN_PID");
        unsetenv("LISTEN_FDS");
        unsetenv("LISTEN_FDNAMES");
    }
    return taken;
}

/* guard/order.c - see order.h. SPDX-License-Identifier: Apache-2.0 */
#include "guard/order.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define ORDER_VARIABLE "WEIR_ORDER"

/* Lets the descriptors of O be there after exec, or not. */
static void
keep_over_exec(const struct order *o, bool keep)
{
    int flags = keep ? 0 : FD_CLOEXEC;
    (void)fcntl(o->program, F_SETFD, flags);
    for (uint32_t i = 0; i < o->handover.n_fds; i++)
        (void)fcntl(o->handover.fds[i], F_SETFD, flags); /* -1 is none, and stays so */
}

/* Writes O to a file without a name, which exec leaves open; -1: it can't be. */
static int
written(const struct order *o)
{
    int fd = memfd_create("weir-order", 0);
    if (fd >= 0 && write(fd, o, sizeof(*o)) != (ssize_t)sizeof(*o)) {
        close(fd);
        fd = -1;
    }
    return fd;
}

void
order_give(struct order *o, const char *path, char *const *argv)
{
    snprintf(o->version, sizeof(o->version), "%s", WEIR_VERSION);
    o->size = sizeof(*o);
    o->message_size = sizeof(struct channel_message);
    o->program = open("/proc/self/exe", O_PATH | O_CLOEXEC);
    int fd = o->program >= 0 ? written(o) : -1;
    if (fd >= 0) {
        char number[12];
        snprintf(number, sizeof(number), "%d", fd);
        setenv(ORDER_VARIABLE, number, 1);
        keep_over_exec(o, true);
        (void)execv(path, argv);
    }
    int why = errno;
    unsetenv(ORDER_VARIABLE);
    keep_over_exec(o, false);
    if (fd >= 0)
        close(fd);
    if (o->program >= 0)
        close(o->program);
    o->program = -1;
    errno = why;
}

/* Reads an order of this very layout, and closes FD. */
static bool
read_order(int fd, struct order *ret)
{
    struct stat st;
    memset(ret, 0, sizeof(*ret));
    bool whole = fstat(fd, &st) == 0 && st.st_size == (off_t)sizeof(*ret) &&
                 pread(fd, ret, sizeof(*ret), 0) == (ssize_t)sizeof(*ret);
    close(fd);
    return whole && ret->size == sizeof(*ret) && ret->message_size == sizeof(struct channel_message) &&
           strcmp(ret->version, WEIR_VERSION) == 0;
}

enum order_found
order_take(struct order *ret)
{
    const char *text = getenv(ORDER_VARIABLE);
    if (text == NULL)
        return ORDER_NONE;
    char *end;
    long fd = strtol(text, &end, 10);
    bool good = end != text && *end == '\0' && read_order((int)fd, ret);
    unsetenv(ORDER_VARIABLE);
    if (!good)
        return ORDER_OTHER_VERSION;
    keep_over_exec(ret, false);
    return ORDER_GOOD;
}

void
order_remove_files(struct order *o)
{
    struct stat st;
    for (uint32_t i = 0; i < o->n_files; i++) {
        const struct order_file *f = &o->files[i];
        if (lstat(f->path, &st) == 0 && st.st_dev == f->device && st.st_ino == f->inode)
            (void)unlink(f->path); /* else the next one finds that nobody listens */
    }
    o->n_files = 0;
}

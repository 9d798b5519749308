/* store/file.c - where the file is, and that one process has it.
 *
 * The lock is flock's on a file beside it: it ends with the process, however that ends, and
 * holds within one process as well. The file tells who has it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "store/impl.h"

/* Who was killed a moment ago may still be on its way out, with its lock. */
#define LOCK_ROUNDS 50u
#define LOCK_NAP_NS 20000000l

/* Makes one folder that may be there, lasting: its entry in the folder around it is synced. */
static bool
make_folder(const char *path)
{
    if (mkdir(path, 0750) != 0)
        return errno == EEXIST;
    char *copy = strdup(path);
    if (copy == NULL)
        abort();
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(copy);
    bool synced = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    return synced;
}

/* Makes FOLDER with those around it. */
static enum weir_code
make_folders(const char *folder, struct weir_error *err)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s", folder);
    for (char *at = path + 1;; at++) {
        if (*at != '/' && *at != '\0')
            continue;
        char kept = *at;
        *at = '\0';
        if (!make_folder(path))
            return err_set(err, WEIR_UNAVAILABLE, "%s can't be made: %s", path,
                           strerror(errno));
        *at = kept;
        if (kept == '\0')
            return WEIR_OK;
    }
}

/* The absolute path of the file that URL names; its folder is there afterwards. */
static enum weir_code
find_path(const char *url, char **ret, struct weir_error *err)
{
    static const char scheme[] = "sqlite:";
    size_t len = sizeof(scheme) - 1;
    const char *name = url + len;
    if (strncmp(url, scheme, len) != 0 || *name == '\0' || name[strlen(name) - 1] == '/' ||
        strlen(name) > PATH_MAX - 16)
        return err_set(err, WEIR_INVALID,
                       "the store's URL is \"%s\"; it must be sqlite:PATH, such as "
                       "sqlite:var/weir.db",
                       url);

    char folder[PATH_MAX], base[PATH_MAX], whole[PATH_MAX];
    snprintf(folder, sizeof(folder), "%s", name);
    snprintf(base, sizeof(base), "%s", name);
    char *in = dirname(folder);
    enum weir_code code = make_folders(in, err);
    if (code != WEIR_OK)
        return code;
    if (realpath(in, whole) == NULL)
        return err_set(err, WEIR_UNAVAILABLE, "%s: %s", in, strerror(errno));
    char *path = NULL;
    if (asprintf(&path, "%s/%s", strcmp(whole, "/") == 0 ? "" : whole, basename(base)) < 0)
        abort();
    *ret = path;
    return WEIR_OK;
}

/* Opens PATH, or makes it, for its owner's eyes alone: events may hold what is nobody else's
 * business. SQLite gives its other files the same rights. */
static int
open_private(const char *path, struct weir_error *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        (void)err_set(err, WEIR_UNAVAILABLE, "%s can't be opened: %s", path, strerror(errno));
    return fd;
}

/* Says which process has the lock FD. */
static enum weir_code
taken(struct store *s, int fd, struct weir_error *err)
{
    char text[32];
    ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
    text[n > 0 ? n : 0] = '\0';
    long pid = strtol(text, NULL, 10);
    if (pid > 0)
        return err_set(err, WEIR_CONFLICT, "another weir (pid %ld) uses %s", pid, s->path);
    return err_set(err, WEIR_CONFLICT, "another weir uses %s", s->path);
}

static enum weir_code
take_lock(struct store *s, const char *path, struct weir_error *err)
{
    int fd = open_private(path, err);
    if (fd < 0)
        return WEIR_UNAVAILABLE;
    int got = flock(fd, LOCK_EX | LOCK_NB);
    for (unsigned i = 0; i < LOCK_ROUNDS && got != 0 && errno == EWOULDBLOCK; i++) {
        (void)nanosleep(&(struct timespec){ .tv_nsec = LOCK_NAP_NS }, NULL);
        got = flock(fd, LOCK_EX | LOCK_NB);
    }
    if (got != 0) {
        enum weir_code code = errno == EWOULDBLOCK
                                  ? taken(s, fd, err)
                                  : err_set(err, WEIR_UNAVAILABLE, "%s can't be locked: %s",
                                            path, strerror(errno));
        close(fd);
        return code;
    }
    /* On a full disk the number stays away, and the lock holds all the same. */
    char text[32];
    int len = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) == 0)
        (void)!pwrite(fd, text, (size_t)len, 0);
    s->lock = fd;
    return WEIR_OK;
}

enum weir_code
store_lock(struct store *s, const char *url, struct weir_error *err)
{
    enum weir_code code = find_path(url, &s->path, err);
    if (code != WEIR_OK)
        return code;
    char *path = NULL;
    if (asprintf(&path, "%s.lock", s->path) < 0)
        abort();
    code = take_lock(s, path, err);
    free(path);
    if (code != WEIR_OK)
        return code;
    int fd = open_private(s->path, err);
    if (fd < 0)
        return WEIR_UNAVAILABLE;
    close(fd);
    return WEIR_OK;
}

void
store_unlock(struct store *s)
{
    /* The file stays: who removed it could remove one that another process has locked by then.
     */
    if (s->lock >= 0)
        close(s->lock);
    s->lock = -1;
}

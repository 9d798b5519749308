/* cli/test_watch.c - weir test --watch. See test.h.
 *
 * The folders with tests are watched, with all below them, and the folders in which these stand: one that
 * was not there at the start may come. SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/test.h"

#define CHANGES (IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE)
#define WATCHES_MAX 4096

static int watch_fd = -1;
static bool inside[WATCHES_MAX]; /* by its number: whatever happens there counts */

static int
watch_folder(const char *path, const struct stat *st, int kind)
{
    (void)st;
    int number = kind == FTW_D ? inotify_add_watch(watch_fd, path, CHANGES) : -1;
    if (number >= 0 && number < WATCHES_MAX)
        inside[number] = true;
    return 0;
}

/* The folder in which PATH stands. */
static void
folder_of(const char *path, char *ret, size_t room)
{
    size_t len = strlen(path);
    while (len > 1 && path[len - 1] == '/')
        len--;
    while (len > 0 && path[len - 1] != '/')
        len--;
    (void)snprintf(ret, room, "%.*s", len > 0 ? (int)len : 1, len > 0 ? path : ".");
}

/* A folder, or the one in which a file is. */
static void
watch_path(const char *path)
{
    char around[4096];
    struct stat st;
    folder_of(path, around, sizeof around);
    if (stat(path, &st) == 0 && !S_ISDIR(st.st_mode)) {
        (void)ftw(around, watch_folder, 16);
        return;
    }
    (void)inotify_add_watch(watch_fd, around, IN_CREATE | IN_MOVED_TO | IN_MASK_ADD);
    (void)ftw(path, watch_folder, 16);
}

/* Whether one of PATHS ends with NAME. */
static bool
is_one(const char *const *paths, unsigned n, const char *name)
{
    for (unsigned i = 0; i < n; i++) {
        size_t len = strlen(paths[i]), name_len = strlen(name);
        while (len > 1 && paths[i][len - 1] == '/')
            len--;
        if (len >= name_len && memcmp(paths[i] + len - name_len, name, name_len) == 0 &&
            (len == name_len || paths[i][len - name_len - 1] == '/'))
            return true;
    }
    return false;
}

/* Waits for a change that counts. False if it was interrupted. */
static bool
wait_for_change(const char *const *paths, unsigned n)
{
    char events[16384] __attribute__((aligned(__alignof__(struct inotify_event))));
    bool counts = false;
    while (!counts) {
        ssize_t len = read(watch_fd, events, sizeof events);
        if (len <= 0)
            return false;
        for (ssize_t at = 0; at < len;) {
            const struct inotify_event *e = (const struct inotify_event *)(const void *)(events + at);
            bool within = e->wd >= 0 && e->wd < WATCHES_MAX && inside[e->wd];
            counts |= within || (e->mask & IN_Q_OVERFLOW) || (e->len > 0 && is_one(paths, n, e->name));
            at += (ssize_t)(sizeof *e + e->len);
        }
    }
    (void)usleep(50000); /* an editor writes more than once */
    return true;
}

int
test_watch(const struct args *a, struct setup *s, int (*play)(const struct args *a, struct setup *s))
{
    const char *const *paths = a->n_words > 0 ? a->words : test_usual;
    unsigned n = a->n_words > 0 ? a->n_words : TEST_USUAL;
    watch_fd = inotify_init1(IN_CLOEXEC);
    if (watch_fd < 0) {
        fprintf(stderr, "weir test: files can't be watched: %s\n", strerror(errno));
        return EXIT_WRONG;
    }
    do {
        for (unsigned i = 0; i < n; i++)
            watch_path(paths[i]); /* what is watched already stays so */
        if (colour_wanted(STDOUT_FILENO))
            printf("\033[2J\033[H");
        (void)play(a, s);
        printf("waiting for a change (Ctrl-C ends it)\n");
        fflush(stdout);
    } while (wait_for_change(paths, n));
    close(watch_fd);
    return EXIT_GOOD;
}

/* store/wal.c - see wal.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/wal.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    HEAD = 24,         /* bytes of the head of a frame; nothing else in a WAL has as many */
    PIECE = 124 << 10, /* SQLite's layer for Unix takes less than 128 KiB at once */
};

/* A WAL that is open. */
struct wal {
    sqlite3_file base; /* SQLite's */
    sqlite3_file *below;
    char *bytes; /* what is not handed on yet: PIECE of room; owned; NULL: there was none */
    int n;
    sqlite3_int64 at;  /* in the file */
    sqlite3_int64 end; /* of the write before */
    bool last;         /* the frame that is being written is the last one of a commit */
};

static sqlite3_vfs layer, *below;

static struct wal *
wal_of(sqlite3_file *file)
{
    return (struct wal *)(void *)file;
}

/* Hands on what is kept. What can't be written is gone: SQLite takes back the commit that it is of. */
static int
hand_on(struct wal *w)
{
    int n = w->n;
    w->n = 0;
    return n > 0 ? w->below->pMethods->xWrite(w->below, w->bytes, n, w->at) : SQLITE_OK;
}

/* Notes what a head says: the size of the database behind a commit, 0 in all frames but its last. */
static void
note_head(struct wal *w, const char *head)
{
    static const char none[4];
    w->last = memcmp(head + 4, none, sizeof(none)) != 0;
}

static int
write_wal(sqlite3_file *file, const void *bytes, int n, sqlite3_int64 at)
{
    struct wal *w = wal_of(file);
    bool goes_on = at == w->end, head = n == HEAD;
    w->end = at + n;
    if (head)
        note_head(w, bytes);
    if (w->bytes == NULL)
        w->bytes = malloc(PIECE);
    bool keeps = goes_on && w->bytes != NULL && n <= PIECE;
    int rc = !keeps || n > PIECE - w->n ? hand_on(w) : SQLITE_OK;
    if (rc != SQLITE_OK || !keeps)
        return rc != SQLITE_OK ? rc : w->below->pMethods->xWrite(w->below, bytes, n, at);
    if (w->n == 0)
        w->at = at;
    memcpy(w->bytes + w->n, bytes, (size_t)n);
    w->n += n;
    return w->last && !head ? hand_on(w) : SQLITE_OK;
}

static int
read_wal(sqlite3_file *file, void *bytes, int n, sqlite3_int64 at)
{
    struct wal *w = wal_of(file);
    int rc = hand_on(w);
    return rc == SQLITE_OK ? w->below->pMethods->xRead(w->below, bytes, n, at) : rc;
}

static int
cut_wal(sqlite3_file *file, sqlite3_int64 size)
{
    struct wal *w = wal_of(file);
    int rc = hand_on(w);
    return rc == SQLITE_OK ? w->below->pMethods->xTruncate(w->below, size) : rc;
}

static int
sync_wal(sqlite3_file *file, int flags)
{
    struct wal *w = wal_of(file);
    int rc = hand_on(w);
    return rc == SQLITE_OK ? w->below->pMethods->xSync(w->below, flags) : rc;
}

static int
size_of_wal(sqlite3_file *file, sqlite3_int64 *ret)
{
    struct wal *w = wal_of(file);
    int rc = hand_on(w);
    return rc == SQLITE_OK ? w->below->pMethods->xFileSize(w->below, ret) : rc;
}

static int
close_wal(sqlite3_file *file)
{
    struct wal *w = wal_of(file);
    (void)hand_on(w); /* it was never synced: nobody relies on it */
    int rc = w->below->pMethods->xClose(w->below);
    free(w->bytes);
    free(w->below);
    return rc;
}

static int
lock_wal(sqlite3_file *file, int level)
{
    return wal_of(file)->below->pMethods->xLock(wal_of(file)->below, level);
}

static int
unlock_wal(sqlite3_file *file, int level)
{
    return wal_of(file)->below->pMethods->xUnlock(wal_of(file)->below, level);
}

static int
check_lock(sqlite3_file *file, int *ret)
{
    return wal_of(file)->below->pMethods->xCheckReservedLock(wal_of(file)->below, ret);
}

static int
control_wal(sqlite3_file *file, int what, void *arg)
{
    return wal_of(file)->below->pMethods->xFileControl(wal_of(file)->below, what, arg);
}

static int
sector_size(sqlite3_file *file)
{
    return wal_of(file)->below->pMethods->xSectorSize(wal_of(file)->below);
}

static int
traits(sqlite3_file *file)
{
    return wal_of(file)->below->pMethods->xDeviceCharacteristics(wal_of(file)->below);
}

static const sqlite3_io_methods methods = {
    .iVersion = 1,
    .xClose = close_wal,
    .xRead = read_wal,
    .xWrite = write_wal,
    .xTruncate = cut_wal,
    .xSync = sync_wal,
    .xFileSize = size_of_wal,
    .xLock = lock_wal,
    .xUnlock = unlock_wal,
    .xCheckReservedLock = check_lock,
    .xFileControl = control_wal,
    .xSectorSize = sector_size,
    .xDeviceCharacteristics = traits,
};

static int
open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *ret_flags)
{
    (void)vfs;
    if (!(flags & SQLITE_OPEN_WAL))
        return below->xOpen(below, name, file, flags, ret_flags);
    struct wal *w = wal_of(file);
    *w = (struct wal){ .below = calloc(1, (size_t)below->szOsFile) };
    if (w->below == NULL)
        return SQLITE_NOMEM;
    int rc = below->xOpen(below, name, w->below, flags, ret_flags);
    if (rc == SQLITE_OK) {
        w->base.pMethods = &methods;
        return SQLITE_OK;
    }
    if (w->below->pMethods != NULL)
        (void)w->below->pMethods->xClose(w->below);
    free(w->below);
    return rc;
}

const char *
wal_layer(void)
{
    sqlite3_vfs *usual = sqlite3_vfs_find(NULL);
    if (usual == NULL || usual == below)
        return usual != NULL ? layer.zName : NULL;
    sqlite3_vfs_unregister(&layer);
    below = usual;
    layer = *usual; /* all but opening is as there: it looks at no file of ours */
    layer.pNext = NULL;
    layer.zName = "weir";
    layer.xOpen = open_file;
    if (layer.szOsFile < (int)sizeof(struct wal))
        layer.szOsFile = (int)sizeof(struct wal);
    return sqlite3_vfs_register(&layer, 0) == SQLITE_OK ? layer.zName : NULL;
}

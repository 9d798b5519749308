/* The power is cut: what was told is there, whatever the disk had not been made to keep.
 *
 * A file system below SQLite notes each write, and forgets them at each sync. A cut makes new files:
 * what was synced, and of each later write all, nothing, or some of its sectors, as chance has it.
 * The store of these files has to have all jobs that were acknowledged before the cut.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stage.h"

#include <pthread.h>

enum { CUTS = 200, CUTS_A_STORE = 10, SECTOR = 512, EVENT = 900 };

/* -- chance -- */

static uint64_t seed;

static uint32_t
chance(uint32_t n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed % n);
}

/* -- the file system -- */

/* A write or (BYTES NULL) a truncation that was not synced. */
struct change {
    struct change *next;
    char *bytes;
    sqlite3_int64 at;
    size_t len;
};

struct image {
    char *bytes;
    size_t len, room;
};

/* A file that is watched. */
struct watched {
    struct watched *next;
    char name[16];
    bool gone;
    struct image image; /* what was synced */
    struct change *first, **last;
};

struct file {
    sqlite3_file base;
    struct watched *watched; /* NULL: it is not */
    sqlite3_file real[];
};

static sqlite3_vfs *below;
static sqlite3_vfs cutting;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct watched *all;
static char watched_folder[80];
static bool lies; /* a sync does nothing */

static struct file *
of(sqlite3_file *f)
{
    return (struct file *)(void *)f;
}

#define REAL(f) (of(f)->real)

static void
note(struct watched *w, const void *bytes, size_t len, sqlite3_int64 at)
{
    struct change *c = calloc(1, sizeof(*c));
    assert_non_null(c);
    c->at = at;
    c->len = len;
    if (bytes != NULL) {
        c->bytes = malloc(len + 1);
        assert_non_null(c->bytes);
        memcpy(c->bytes, bytes, len);
    }
    pthread_mutex_lock(&lock);
    *w->last = c;
    w->last = &c->next;
    pthread_mutex_unlock(&lock);
}

static void
make_room(struct image *i, size_t len)
{
    if (len > i->room) {
        i->room = len * 2;
        i->bytes = realloc(i->bytes, i->room);
        assert_non_null(i->bytes);
    }
    if (len > i->len)
        memset(i->bytes + i->len, 0, len - i->len);
    i->len = len > i->len ? len : i->len;
}

/* Puts a part of C into an image. */
static void
put(struct image *i, const struct change *c, size_t from, size_t n)
{
    if (c->bytes == NULL) {
        i->len = i->len < (size_t)c->at ? i->len : (size_t)c->at;
        return;
    }
    make_room(i, (size_t)c->at + from + n);
    memcpy(i->bytes + (size_t)c->at + from, c->bytes + from, n);
}

static void
keep(struct watched *w)
{
    pthread_mutex_lock(&lock);
    while (w->first != NULL) {
        struct change *c = w->first;
        w->first = c->next;
        put(&w->image, c, 0, c->len);
        free(c->bytes);
        free(c);
    }
    w->last = &w->first;
    pthread_mutex_unlock(&lock);
}

static int
f_close(sqlite3_file *f)
{
    return REAL(f)->pMethods->xClose(REAL(f));
}

static int
f_read(sqlite3_file *f, void *to, int n, sqlite3_int64 at)
{
    return REAL(f)->pMethods->xRead(REAL(f), to, n, at);
}

static int
f_write(sqlite3_file *f, const void *from, int n, sqlite3_int64 at)
{
    int rc = REAL(f)->pMethods->xWrite(REAL(f), from, n, at);
    if (rc == SQLITE_OK && of(f)->watched != NULL)
        note(of(f)->watched, from, (size_t)n, at);
    return rc;
}

static int
f_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    int rc = REAL(f)->pMethods->xTruncate(REAL(f), size);
    if (rc == SQLITE_OK && of(f)->watched != NULL)
        note(of(f)->watched, NULL, 0, size);
    return rc;
}

static int
f_sync(sqlite3_file *f, int flags)
{
    (void)flags; /* no disk is waited for: the image is what a disk would have */
    if (of(f)->watched != NULL && !lies)
        keep(of(f)->watched);
    return SQLITE_OK;
}

static int
f_size(sqlite3_file *f, sqlite3_int64 *ret)
{
    return REAL(f)->pMethods->xFileSize(REAL(f), ret);
}

static int
f_lock(sqlite3_file *f, int level)
{
    return REAL(f)->pMethods->xLock(REAL(f), level);
}

static int
f_unlock(sqlite3_file *f, int level)
{
    return REAL(f)->pMethods->xUnlock(REAL(f), level);
}

static int
f_reserved(sqlite3_file *f, int *ret)
{
    return REAL(f)->pMethods->xCheckReservedLock(REAL(f), ret);
}

static int
f_control(sqlite3_file *f, int op, void *arg)
{
    return REAL(f)->pMethods->xFileControl(REAL(f), op, arg);
}

static int
f_sector(sqlite3_file *f)
{
    return REAL(f)->pMethods->xSectorSize(REAL(f));
}

static int
f_device(sqlite3_file *f)
{
    return REAL(f)->pMethods->xDeviceCharacteristics(REAL(f));
}

static int
f_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **ret)
{
    return REAL(f)->pMethods->xShmMap(REAL(f), page, size, extend, ret);
}

static int
f_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
    return REAL(f)->pMethods->xShmLock(REAL(f), offset, n, flags);
}

static void
f_shm_barrier(sqlite3_file *f)
{
    REAL(f)->pMethods->xShmBarrier(REAL(f));
}

static int
f_shm_unmap(sqlite3_file *f, int remove_it)
{
    return REAL(f)->pMethods->xShmUnmap(REAL(f), remove_it);
}

/* Version 2: without the functions that map a file, so that all goes through the ones above. */
static const sqlite3_io_methods methods = {
    2,          f_close,    f_read,    f_write,   f_truncate, f_sync,
    f_size,     f_lock,     f_unlock,  f_reserved, f_control, f_sector,
    f_device,   f_shm_map,  f_shm_lock, f_shm_barrier, f_shm_unmap, NULL, NULL,
};

static struct watched *
watch_file(const char *at)
{
    const char *name = strrchr(at, '/') + 1;
    struct watched *w = calloc(1, sizeof(*w));
    assert_non_null(w);
    pthread_mutex_lock(&lock);
    for (struct watched *old = all; old != NULL; old = old->next)
        if (strcmp(old->name, name) == 0) {
            old->gone = false;
            pthread_mutex_unlock(&lock);
            free(w);
            return old;
        }
    snprintf(w->name, sizeof(w->name), "%s", name);
    w->last = &w->first;
    w->next = all;
    all = w;
    pthread_mutex_unlock(&lock);
    return w;
}

static bool
is_watched(const char *at)
{
    size_t len = strlen(watched_folder);
    return at != NULL && len > 0 && strncmp(at, watched_folder, len) == 0;
}

static int
open_file(sqlite3_vfs *v, const char *at, sqlite3_file *f, int flags, int *ret_flags)
{
    (void)v;
    bool mine = is_watched(at) &&
                flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL);
    f->pMethods = NULL;
    int rc = below->xOpen(below, at, REAL(f), flags, ret_flags);
    if (rc != SQLITE_OK)
        return rc;
    of(f)->watched = mine ? watch_file(at) : NULL;
    f->pMethods = &methods;
    return SQLITE_OK;
}

/* The journal of the first transactions, before there is a WAL, goes when each is over. */
static int
delete_file(sqlite3_vfs *v, const char *at, int sync)
{
    (void)v;
    int rc = below->xDelete(below, at, sync);
    const char *name = is_watched(at) ? strrchr(at, '/') : NULL;
    pthread_mutex_lock(&lock);
    for (struct watched *w = all; w != NULL && name != NULL; w = w->next)
        w->gone |= strcmp(w->name, name + 1) == 0;
    pthread_mutex_unlock(&lock);
    return rc;
}

static void
forget_files(void)
{
    while (all != NULL) {
        struct watched *w = all;
        all = w->next;
        keep(w);
        free(w->image.bytes);
        free(w);
    }
}

static int
set_up_disk(void **state)
{
    below = sqlite3_vfs_find(NULL);
    cutting = *below;
    cutting.zName = "cutting";
    cutting.szOsFile = (int)sizeof(struct file) + below->szOsFile;
    cutting.xOpen = open_file;
    cutting.xDelete = delete_file;
    cutting.pNext = NULL;
    sqlite3_vfs_register(&cutting, 1);
    seed = clock_wall_ms() * 2654435761u | 1;
    return set_up_empty(state);
}

static int
tear_down_disk(void **state)
{
    int rc = tear_down(state);
    *watched_folder = '\0';
    forget_files();
    sqlite3_vfs_register(below, 1);
    sqlite3_vfs_unregister(&cutting);
    return rc;
}

/* -- a cut -- */

/* Applies C to the image as a disk does that is cut off in the middle of many writes. */
static void
maybe_put(struct image *i, const struct change *c)
{
    uint32_t luck = chance(10);
    if (luck < 4)
        return;
    if (luck < 7 || c->len <= SECTOR) {
        put(i, c, 0, c->len);
        return;
    }
    for (size_t at = 0; at < c->len; at += SECTOR)
        if (chance(2))
            put(i, c, at, c->len - at < SECTOR ? c->len - at : SECTOR);
}

/* Writes the files as they are after a cut now into FOLDER. */
static void
cut(const char *into)
{
    pthread_mutex_lock(&lock);
    for (const struct watched *w = all; w != NULL; w = w->next) {
        char name[128];
        if (w->gone)
            continue;
        struct image image = { 0 };
        make_room(&image, w->image.len);
        if (image.len > 0)
            memcpy(image.bytes, w->image.bytes, image.len);
        for (const struct change *c = w->first; c != NULL; c = c->next)
            maybe_put(&image, c);
        snprintf(name, sizeof(name), "%s/%s", into, w->name);
        FILE *f = fopen(name, "w");
        assert_non_null(f);
        if (image.len > 0)
            assert_int_equal(fwrite(image.bytes, 1, image.len, f), image.len);
        fclose(f);
        free(image.bytes);
    }
    pthread_mutex_unlock(&lock);
}

/* -- the work that is cut -- */

enum { LINES = 16, JOBS_MAX = 100000 };

struct line {
    union {
        struct job_accept accept;
        struct job_finish finish;
    };
    char event[EVENT];
};

static struct line lines[LINES];
static char accepted[JOBS_MAX][ID_UUID], completed[JOBS_MAX][ID_UUID];
static unsigned n_accepted, n_completed;
static bool working;

static void on_accepted(struct store_op *op, const struct weir_error *e);

static void
next_job(struct line *l)
{
    l->accept = new_job(JOB_RUNNING);
    for (size_t i = 0; i < EVENT; i++)
        l->event[i] = (char)('a' + chance(26));
    l->accept.event = (struct weir_text){ l->event, 1 + chance(EVENT) };
    l->accept.op = (struct store_op){ .shard = shard, .done = on_accepted, .kind = STORE_ACCEPT };
    assert_int_equal(store_submit(store, &l->accept.op, &err), WEIR_OK);
}

static void
on_finished(struct store_op *op, const struct weir_error *e)
{
    struct line *l = (struct line *)(void *)op;
    assert_null(e);
    if (l->finish.state == JOB_COMPLETED && n_completed < JOBS_MAX)
        memcpy(completed[n_completed++], l->finish.id, ID_UUID);
    n_told++;
    if (working)
        next_job(l);
}

static void
on_accepted(struct store_op *op, const struct weir_error *e)
{
    struct line *l = (struct line *)(void *)op;
    assert_null(e);
    char id[ID_UUID];
    memcpy(id, l->accept.id, ID_UUID);
    assert_true(n_accepted < JOBS_MAX);
    memcpy(accepted[n_accepted++], id, ID_UUID);
    l->finish = (struct job_finish){ .attempt = 1, .state = chance(4) ? JOB_COMPLETED : JOB_DEAD };
    if (l->finish.state == JOB_DEAD) {
        l->finish.reason = JOB_EXHAUSTED_REASON;
        l->finish.failure = (struct job_failure){ WEIR_UPSTREAM, TEXT("book"), TEXT("503") };
    }
    memcpy(l->finish.id, id, ID_UUID);
    l->finish.op = (struct store_op){ .shard = shard, .done = on_finished, .kind = STORE_FINISH };
    assert_int_equal(store_submit(store, &l->finish.op, &err), WEIR_OK);
}

/* How many of IDS are in the table, in the given state if it is not 0. */
static unsigned
count_there(sqlite3 *db, char (*ids)[ID_UUID], unsigned n, int state)
{
    sqlite3_stmt *s = NULL;
    unsigned there = 0;
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT state FROM jobs WHERE id = ?1", -1, &s, NULL),
                     SQLITE_OK);
    for (unsigned i = 0; i < n; i++) {
        uint8_t id[16];
        unsigned at = 0;
        for (const char *c = ids[i]; *c != '\0'; c += *c == '-' ? 1 : 2)
            if (*c != '-') {
                unsigned byte;
                assert_int_equal(sscanf(c, "%2x", &byte), 1);
                id[at++] = (uint8_t)byte;
            }
        sqlite3_bind_blob(s, 1, id, sizeof(id), SQLITE_STATIC);
        there += sqlite3_step(s) == SQLITE_ROW && (state == 0 || sqlite3_column_int(s, 0) == state);
        sqlite3_reset(s);
    }
    sqlite3_finalize(s);
    return there;
}

/* Opens the files in FOLDER as a process does after a cut. Returns how many of the jobs that had been
 * told are not there as they were told; all, if the files are none any more. */
static unsigned
lost_in(const char *into)
{
    char cut_url[160], cut_path[128];
    struct store_config c = { .url = cut_url };
    struct store *again = NULL;
    struct weir_error why;
    sqlite3 *db = NULL;
    sqlite3_stmt *s = NULL;
    snprintf(cut_path, sizeof(cut_path), "%s/weir.db", into);
    snprintf(cut_url, sizeof(cut_url), "sqlite:%s", cut_path);
    if (store_open(&c, &again, &why) != WEIR_OK) {
        if (!lies)
            fail_msg("the store can't be opened after the cut: %s", why.text);
        return n_accepted;
    }
    store_close(&again);
    assert_int_equal(sqlite3_open_v2(cut_path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &s, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    if (!lies)
        assert_string_equal(sqlite3_column_text(s, 0), "ok");
    sqlite3_finalize(s);
    unsigned lost = n_accepted - count_there(db, accepted, n_accepted, 0) + n_completed -
                    count_there(db, completed, n_completed, JOB_COMPLETED);
    sqlite3_close(db);
    return lost;
}

/* Works for some turns, and cuts. */
static unsigned
work_and_cut(void)
{
    char into[80], command[200];
    for (uint32_t turns = 1 + chance(40); turns > 0; turns--)
        shard_turn(shard, 10000);
    snprintf(into, sizeof(into), "%s-cut", folder);
    snprintf(command, sizeof(command), "rm -rf %s && mkdir %s", into, into);
    assert_int_equal(system(command), 0);
    cut(into);
    unsigned lost = lost_in(into);
    snprintf(command, sizeof(command), "rm -rf %s", into);
    assert_int_equal(system(command), 0);
    return lost;
}

/* CUTS cuts, with a new store after some of them; how many of them have lost something. */
static unsigned
cut_often(unsigned cuts)
{
    unsigned losing = 0;
    for (unsigned i = 0; i < cuts; i++) {
        if (i % CUTS_A_STORE == 0) {
            char command[160];
            store_close(&store);
            forget_files();
            snprintf(command, sizeof(command), "rm -rf %s && mkdir %s", folder, folder);
            assert_int_equal(system(command), 0);
            snprintf(watched_folder, sizeof(watched_folder), "%s/", folder);
            n_accepted = n_completed = 0;
            store_up();
            working = true;
            for (unsigned k = 0; k < LINES; k++)
                next_job(&lines[k]);
        }
        losing += work_and_cut() > 0;
        if (i % CUTS_A_STORE == CUTS_A_STORE - 1) { /* nothing is under way when it closes */
            working = false;
            unsigned owed = LINES;
            for (n_told = 0; n_told < owed;)
                shard_turn(shard, 10000);
        }
    }
    return losing;
}

static void
what_was_told_outlives_each_cut(void **state)
{
    (void)state;
    lies = false;
    assert_int_equal(cut_often(CUTS), 0);
    assert_true(n_accepted > 100);
}

/* Else the test above would prove nothing. */
static void
a_disk_that_lies_loses(void **state)
{
    (void)state;
    lies = true;
    assert_true(cut_often(CUTS_A_STORE) > 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_told_outlives_each_cut, set_up_disk, tear_down_disk),
        cmocka_unit_test_setup_teardown(a_disk_that_lies_loses, set_up_disk, tear_down_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* store/backup.c - a copy of the store as it is at one moment, made while it is at work:
 * store.backup and store.compact of asks.h.
 *
 * A thread and a connection of its own, so that neither commits nor questions wait. The copy is
 * written under another name, synced, and only then gets its own, which must be free: there is
 * a whole copy or none, and nothing is ever overwritten. Who may only use the API can have a
 * file made, and chooses where: so its name has to end in .db, which no program takes for its
 * configuration, and nobody but its owner may read it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/ask.h"
#include "store/task.h"

enum { STEP_PAGES = 128 };

#define PART ".part"

/* -- the thread -- */

static enum weir_code
failed(struct weir_error *err, const char *file, const char *doing)
{
    return err_set(err, WEIR_UNAVAILABLE, "%s can't be %s: %s", file, doing, strerror(errno));
}

/* Lets the processor and the disk to the commits for as long as the step took. */
static void
rest(uint64_t begun_ns)
{
    uint64_t took = clock_mono_ns() - begun_ns;
    struct timespec pause = { (time_t)(took / 1000000000), (long)(took % 1000000000) };
    (void)nanosleep(&pause, NULL);
}

static enum weir_code
copy_pages(struct store *s, struct db *from, sqlite3 *to, struct weir_error *err)
{
    sqlite3_backup *b = sqlite3_backup_init(to, "main", from->handle, "main");
    if (b == NULL)
        return err_set(err, WEIR_UNAVAILABLE, "the copy can't be begun: %s",
                       sqlite3_errmsg(to));
    int rc = SQLITE_OK;
    while (rc == SQLITE_OK && !task_ending(s->task)) {
        uint64_t begun_ns = clock_mono_ns();
        rc = sqlite3_backup_step(b, STEP_PAGES);
        uint64_t all = (uint64_t)sqlite3_backup_pagecount(b);
        uint64_t left = (uint64_t)sqlite3_backup_remaining(b);
        task_at(s->task, (all - left) * 4096, all * 4096);
        if (rc == SQLITE_OK)
            rest(begun_ns);
    }
    (void)sqlite3_backup_finish(b);
    if (rc == SQLITE_OK)
        return err_set(err, WEIR_CANCELLED, "the store was closed before the copy was whole");
    return rc == SQLITE_DONE ? WEIR_OK
                             : err_set(err, WEIR_UNAVAILABLE, "the copy can't be written: %s",
                                       sqlite3_errstr(rc));
}

/* Copies into PART, which is empty. The transaction that reads keeps the moment: without it the
 * copy would begin anew at each commit. */
static enum weir_code
copy_store(struct store *s, const char *part, struct weir_error *err)
{
    struct db from;
    sqlite3 *to = NULL;
    enum weir_code code = db_open(&from, s->path, false, err);
    if (code == WEIR_OK) {
        db_exec(&from, "BEGIN; SELECT n FROM counts LIMIT 1");
        if (from.rc != SQLITE_OK)
            code = db_failed(&from, err);
    }
    if (code == WEIR_OK &&
        sqlite3_open_v2(part, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) !=
            SQLITE_OK)
        code =
            err_set(err, WEIR_UNAVAILABLE, "%s can't be opened: %s", part, sqlite3_errmsg(to));
    if (code == WEIR_OK) { /* it is synced as a whole */
        sqlite3_exec(to, "PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF", NULL, NULL,
                     NULL);
        code = copy_pages(s, &from, to, err);
    }
    sqlite3_close(to);
    db_rollback(&from);
    db_close(&from);
    return code;
}

static bool
sync_path(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC);
    bool good = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    return good;
}

/* Gives the copy its name, lasting. */
static enum weir_code
name_copy(const char *part, const char *file, struct weir_error *err)
{
    char folder[PATH_MAX];
    snprintf(folder, sizeof(folder), "%s", file);
    if (!sync_path(part, O_RDONLY))
        return failed(err, part, "synced");
    if (link(part, file) != 0)
        return failed(err, file, "made");
    (void)unlink(part);
    if (!sync_path(dirname(folder), O_RDONLY | O_DIRECTORY))
        return failed(err, file, "synced");
    return WEIR_OK;
}

static enum weir_code
back_up(struct store *s, const char *file, struct weir_error *err)
{
    char part[PATH_MAX];
    snprintf(part, sizeof(part), "%s" PART, file);
    if (access(file, F_OK) == 0)
        return err_set(err, WEIR_CONFLICT, "%s is there already; nothing is overwritten", file);
    int fd = open(part, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return failed(err, part, "made");
    close(fd);
    enum weir_code code = copy_store(s, part, err);
    if (code == WEIR_OK)
        code = name_copy(part, file, err);
    if (code != WEIR_OK)
        (void)unlink(part);
    return code;
}

static void *
run_backup(void *arg)
{
    struct store *s = arg;
    struct weir_error err = { 0 };
    enum weir_code code = back_up(s, s->task->file, &err);
    if (code != WEIR_OK)
        log_say(WEIR_WARN, "backup of the store: %s", err.text);
    else
        log_say(WEIR_INFO, "backup of the store: %s", s->task->file);
    task_over(s->task, code != WEIR_OK ? &err : NULL);
    return NULL;
}

/* -- orders -- */

/* The path that a copy called NAME gets; RET has PATH_MAX bytes. */
static enum weir_code
find_file(const struct asking *a, struct weir_text name, char *ret, struct weir_error *err)
{
    bool good = name.len > 3 && name.len < PATH_MAX / 2 &&
                memcmp(name.bytes + name.len - 3, ".db", 3) == 0;
    for (size_t i = 0; good && i < name.len; i++)
        good = (unsigned char)name.bytes[i] >= ' ' && name.bytes[i] != 127;
    if (!good)
        return err_set(err, WEIR_INVALID,
                       "%s: file must be the name of a file that ends in .db", a->what);
    char folder[PATH_MAX], whole[PATH_MAX + 1];
    snprintf(folder, sizeof(folder), "%s", a->store->path);
    snprintf(whole, sizeof(whole), "/%.*s/", (int)name.len, name.bytes);
    if (strstr(whole, "/../") != NULL || strstr(whole, "/./") != NULL)
        return err_set(err, WEIR_INVALID, "%s: file must have no \"..\" and no \".\" in it",
                       a->what);
    const char *in = name.bytes[0] == '/' ? "" : dirname(folder);
    int n = snprintf(ret, PATH_MAX, "%s%s%.*s", in, *in != '\0' ? "/" : "", (int)name.len,
                     name.bytes);
    if (n >= PATH_MAX - (int)sizeof(PART))
        return err_set(err, WEIR_INVALID, "%s: file is too long", a->what);
    if (access(ret, F_OK) == 0)
        return err_set(err, WEIR_CONFLICT, "%s is there already; nothing is overwritten", ret);
    return WEIR_OK;
}

struct order {
    struct weir_text who;
    struct weir_text reason;
};

/* An entry in the audit; AFTER is the file, or NULL. */
static void
note(struct asking *a, const struct order *o, const char *after)
{
    audit_add(a->w, &(struct audit){
                        .who = o->who, .what = a->what, .reason = o->reason, .after = after });
}

static void
answer(struct asking *a, uint64_t number, const char *file)
{
    struct weir_builder *b = builder_map();
    put_number(b, "number", number);
    if (file != NULL)
        answer_put_text(b, "file", text_of(file));
    a->answer = builder_end(&b);
}

enum weir_code
ask_store_compact(struct asking *a, struct weir_error *err)
{
    struct order o;
    uint64_t number;
    enum weir_code code = ask_who(a, &o.who, &o.reason, err);
    if (code == WEIR_OK)
        code = task_begin(a->store->task, TASK_COMPACT, NULL, &number, err);
    if (code != WEIR_OK)
        return code;
    note(a, &o, NULL);
    answer(a, number, NULL);
    return WEIR_OK;
}

/* Starts the thread, which leaves signals to the main one. */
static bool
start(struct store *s)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    s->task->threaded = pthread_create(&s->task->thread, NULL, run_backup, s) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (s->task->threaded)
        pthread_setname_np(s->task->thread, "store-backup");
    return s->task->threaded;
}

enum weir_code
ask_store_backup(struct asking *a, struct weir_error *err)
{
    struct order o;
    struct weir_text name;
    char file[PATH_MAX];
    uint64_t number;
    enum weir_code code = ask_who(a, &o.who, &o.reason, err);
    if (code == WEIR_OK)
        code = ask_text(a, "file", &name, err);
    if (code == WEIR_OK)
        code = find_file(a, name, file, err);
    if (code == WEIR_OK)
        code = task_begin(a->store->task, TASK_BACKUP, file, &number, err);
    if (code != WEIR_OK)
        return code;
    if (!start(a->store)) {
        (void)err_set(err, WEIR_UNAVAILABLE, "no thread can be started");
        task_over(a->store->task, err);
        return WEIR_UNAVAILABLE;
    }
    note(a, &o, file);
    answer(a, number, file);
    return WEIR_OK;
}

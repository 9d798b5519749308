/* store/reader.c - the thread that answers what operators ask, and writes nothing.
 *
 * Each question sees the file as of one moment. It is cut off after some seconds, because it
 * keeps the WAL from being shortened.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/clock.h"
#include "base/fault.h"
#include "store/impl.h"

enum { QUESTION_MS = 5000, LOOK_EVERY = 10000 /* steps of SQLite's machine */ };

static int
is_late(void *arg)
{
    const uint64_t *deadline_ms = arg;
    return clock_mono_ms() > *deadline_ms;
}

static void
answer(struct store *s, struct store_ask *ask)
{
    struct db *db = &s->reads;
    uint64_t deadline_ms = clock_mono_ms() + QUESTION_MS;
    sqlite3_progress_handler(db->handle, LOOK_EVERY, is_late, &deadline_ms);

    struct weir_error err;
    db_run(db, db_use(db, SQL_READ));
    enum weir_code code = ask_do(s, db, NULL, ask, &err);
    if (fault(QUESTION_LATE))
        db->rc = SQLITE_INTERRUPT;
    if (db->rc != SQLITE_OK)
        code = db_failed(db, &err);
    sqlite3_progress_handler(db->handle, 0, NULL, NULL);
    db_rollback(db);
    if (code != WEIR_OK)
        value_unref(&ask->answer);
    op_fail(&ask->op, code != WEIR_OK ? &err : NULL);
}

void *
store_reader(void *arg)
{
    struct store *s = arg;
    struct queue *q = &s->to_read;
    struct list ops;
    list_init(&ops);
    for (bool ending = false; !ending;) {
        uint64_t ticket = queue_take(q, &ops, UINT64_MAX);
        ending = queue_ending(q);
        if (ending)
            ticket = queue_take(q, &ops, 0);
        struct list *link;
        while ((link = list_shift(&ops)) != NULL) {
            struct list one;
            list_init(&one);
            list_push(&one, link);
            answer(s, (struct store_ask *)list_entry(link, struct store_op, link));
            store_tell(q, &one);
        }
        queue_settle(q, ticket);
    }
    return NULL;
}

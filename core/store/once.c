/* store/once.c - idempotency keys: an event that comes again gets what the first one got.
 *
 * The key is noted in the commit that stores its first event, so that it holds after a crash as
 * well. Who comes while the first one's attempt runs is parked: the operation is told when that
 * attempt is over, whichever shard runs it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "store/impl.h"
#include "store/job.h"

void
job_accept_free(struct job_accept *a)
{
    free((char *)(uintptr_t)a->first_result.bytes);
    a->first_result = (struct weir_text){ NULL, 0 };
}

/* Whether a job in that state has nothing more to say to who waits for its first attempt. One
 * that is held may be so for days. */
static bool
is_over(unsigned state)
{
    return state != JOB_RUNNING && state != JOB_READY && state != JOB_SCHEDULED;
}

static void
read_result(struct db *db, int64_t seq, struct job_accept *a)
{
    sqlite3_stmt *s = db_use(db, SQL_SHOW_RESULT);
    sqlite3_bind_int64(s, 1, seq);
    if (db_row(db, s)) {
        struct weir_text result = column_text(s, 0);
        char *copy = malloc(result.len + 1);
        if (copy == NULL)
            abort();
        memcpy(copy, result.bytes, result.len);
        job_accept_free(a);
        a->first_result = (struct weir_text){ copy, result.len };
    }
    sqlite3_reset(s);
}

/* What a key stands for. */
struct known {
    bool same;
    uint64_t until_ms;
    int64_t seq; /* 0: its job was removed: it was over, and nobody knows what it answered */
};

static bool
look(struct db *db, struct job_accept *a, struct known *ret)
{
    sqlite3_stmt *s = db_use(db, SQL_ONCE);
    sqlite3_bind_blob(s, 1, a->once, JOB_ONCE, SQLITE_STATIC);
    bool found = db_row(db, s);
    if (found) {
        struct weir_text content = column_text(s, 0);
        ret->same = content.len == JOB_ONCE && memcmp(content.bytes, a->content, JOB_ONCE) == 0;
        ret->until_ms = column_number(s, 1);
        ret->seq = (int64_t)column_number(s, 4);
        job_id_write(column_text(s, 2), a->first);
        a->first_state = ret->seq != 0 ? (enum job_state)column_number(s, 3) : JOB_COMPLETED;
    }
    sqlite3_reset(s);
    return found;
}

enum weir_code
once_find(struct writing *w, struct job_accept *a, bool *ret_found, struct weir_error *err)
{
    struct known k;
    *ret_found = look(w->db, a, &k) && k.until_ms > w->now_ms;
    if (!*ret_found)
        return WEIR_OK;
    a->repeated = true;
    if (!k.same) {
        err->status = 422;
        return err_set(err, WEIR_INVALID, "the idempotency key was used with another content before");
    }
    if (is_over(a->first_state))
        read_result(w->db, k.seq, a);
    if (is_over(a->first_state) || a->once_running == ONCE_TELL)
        return WEIR_OK;
    if (a->once_running == ONCE_REFUSE)
        return err_set(err, WEIR_CONFLICT, "the first event with this idempotency key is still being worked on");
    a->op.parked = !__atomic_load_n(&w->store->unparked, __ATOMIC_RELAXED);
    return a->op.parked ? WEIR_OK : err_set(err, WEIR_UNAVAILABLE, "this server ends");
}

void
once_note(struct writing *w, const struct job_accept *a, const uint8_t *id)
{
    sqlite3_stmt *s = db_use(w->db, SQL_ONCE_NOTE);
    sqlite3_bind_blob(s, 1, a->once, JOB_ONCE, SQLITE_STATIC);
    sqlite3_bind_blob(s, 2, a->content, JOB_ONCE, SQLITE_STATIC);
    sqlite3_bind_blob(s, 3, id, JOB_ID, SQLITE_STATIC);
    sqlite3_bind_int64(s, 4, (int64_t)a->once_until_ms);
    db_run(w->db, s);
    s = db_use(w->db, SQL_ONCE_GONE); /* as many as come go, and more */
    sqlite3_bind_int64(s, 1, (int64_t)w->now_ms);
    db_run(w->db, s);
}

bool
once_over(struct store *s, struct job_accept *a)
{
    struct known k;
    if (!look(&s->writes, a, &k) || k.seq == 0)
        return true; /* it was taken away: what is known of it is told */
    if (!is_over(a->first_state))
        return false;
    read_result(&s->writes, k.seq, a);
    return true;
}

/* store/replay.c - see replay.h.
 *
 * An event may run again only if all that it was replayed as has failed. A job that was
 * replayed twice has two replays, and each may have some of its own: who looks at one of them
 * has to look at those of its ancestors, too.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/replay.h"

#include <string.h>

#include "value/msgpack.h"

enum { CHAIN_MAX = 1000 };

bool
source_find(struct db *db, const uint8_t id[JOB_ID], struct source *ret)
{
    sqlite3_stmt *s = db_use(db, SQL_FIND);
    sqlite3_bind_blob(s, 1, id, JOB_ID, SQLITE_STATIC);
    if (!db_row(db, s))
        return false;
    struct source found = { .seq = (int64_t)column_number(s, 0),
                            .state = (unsigned)column_number(s, 1),
                            .cancelling = column_number(s, 10) != 0 };
    struct weir_text by = column_text(s, 7), of = column_text(s, 8);
    memcpy(found.id, id, JOB_ID);
    job_id_write((struct weir_text){ (const char *)id, JOB_ID }, found.name);
    found.superseded = by.len == JOB_ID;
    if (found.superseded)
        memcpy(found.by, by.bytes, JOB_ID);
    found.replays = of.len == JOB_ID;
    if (found.replays)
        memcpy(found.of, of.bytes, JOB_ID);
    sqlite3_reset(s);
    *ret = found;
    return true;
}

static enum weir_code
check_state(const struct source *src, bool force, struct weir_error *err)
{
    switch (src->state) {
    case JOB_DEAD:
    case JOB_CANCELLED:
    case JOB_DISCARDED:
        return WEIR_OK;
    case JOB_COMPLETED:
        if (force)
            return WEIR_OK;
        return err_set(err, WEIR_CONFLICT, "job %s is completed; with force (--force) it runs once more",
                       src->name);
    default:
        return err_set(err, WEIR_CONFLICT,
                       "job %s is %s; only one that is over can be replayed", src->name,
                       job_state_word(src->state));
    }
}

/* Whether all replays of FROM, and those of them, have failed. */
static enum weir_code
check_down(struct db *db, const struct source *from, struct weir_error *err)
{
    struct source at = *from;
    for (unsigned i = 0; i < CHAIN_MAX && at.superseded; i++) {
        if (!source_find(db, at.by, &at))
            return WEIR_OK; /* it was removed: so it was over, and old */
        if (at.state == JOB_DEAD || at.state == JOB_CANCELLED || at.state == JOB_DISCARDED)
            continue;
        return err_set(err, WEIR_CONFLICT, "job %s was replayed as %s, which is %s", from->name,
                       at.name, job_state_word(at.state));
    }
    return WEIR_OK;
}

/* Whether the jobs that SRC came of were not replayed in another way since. */
static enum weir_code
check_up(struct db *db, const struct source *src, struct weir_error *err)
{
    struct source at = *src, up;
    for (unsigned i = 0; i < CHAIN_MAX && at.replays && source_find(db, at.of, &up); i++) {
        enum weir_code code = WEIR_OK;
        if (up.superseded && memcmp(up.by, at.id, JOB_ID) != 0)
            code = check_down(db, &up, err);
        if (code != WEIR_OK)
            return err_in(err, "job %s has the event of another", src->name);
        at = up;
    }
    return WEIR_OK;
}

enum weir_code
replay_check(struct writing *w, const struct source *src, bool force, struct weir_error *err)
{
    enum weir_code code = check_state(src, force, err);
    if (code == WEIR_OK)
        code = check_down(w->db, src, err);
    if (code == WEIR_OK)
        code = check_up(w->db, src, err);
    if (code != WEIR_OK)
        return code;
    sqlite3_stmt *s = db_use(w->db, SQL_HAS_EVENT);
    sqlite3_bind_int64(s, 1, src->seq);
    bool has_event = db_row(w->db, s);
    sqlite3_reset(s);
    if (!has_event)
        return err_set(err, WEIR_CONFLICT, "the event of job %s is not kept any more",
                       src->name);
    if (w->no_room)
        return err_set(err, WEIR_UNAVAILABLE,
                       "the store has reached its size of %llu bytes (max_size)",
                       (unsigned long long)w->store->max_size);
    return WEIR_OK;
}

/* -- what is known of its steps -- */

/* The id of the step of a record: what stands before the numbers of rounds, and before a choice. */
static struct weir_text
path_id(struct weir_text path)
{
    size_t len = 0;
    while (len < path.len && path.bytes[len] != '/' && path.bytes[len] != '~' && path.bytes[len] != '?')
        len++;
    return (struct weir_text){ path.bytes, len };
}

static bool
has_text(const struct weir_value *list, struct weir_text text)
{
    const struct weir_value *one;
    for (size_t i = 0; (one = value_at(list, i)) != NULL; i++)
        if (text_equal(value_as_text(one), text))
            return true;
    return false;
}

/* FROM: the row of SQL_REPLAY_STEPS that it is a copy of; NULL: none. */
static void
add_record(struct writing *w, int64_t seq, struct weir_text path, unsigned kind, uint64_t at_ms,
           struct weir_text output, sqlite3_stmt *from)
{
    sqlite3_stmt *s = db_use(w->db, SQL_STEP);
    sqlite3_bind_int64(s, 1, seq);
    bind_text(s, 2, path);
    bind_number(s, 3, kind);
    if (kind == RECORD_OVER)
        sqlite3_bind_int(s, 3, RECORD_OVER);
    sqlite3_bind_int64(s, 4, (int64_t)at_ms);
    for (int i = 5; i <= 10; i++)
        sqlite3_bind_null(s, i);
    bind_blob(s, 8, output);
    for (int i = 0; i < 3; i++)
        bind_number(s, 11 + i, from ? column_number(from, 4 + i) : 0);
    db_run(w->db, s);
}

static void
add_output(struct writing *w, int64_t seq, struct weir_text path, const struct weir_value *output)
{
    struct buf b;
    struct weir_error err;
    buf_init(&b, STORE_EVENT_MAX);
    if (msgpack_write(&b, output, &err) == WEIR_OK)
        add_record(w, seq, path, RECORD_OVER, w->now_ms, buf_content(&b), NULL);
    buf_fini(&b);
}

/* Copies the records of SRC that HOW keeps to the job SEQ. */
static void
copy_records(struct writing *w, const struct source *src, int64_t seq, const struct replay_how *how)
{
    sqlite3_stmt *s = db_use(w->db, SQL_REPLAY_STEPS);
    sqlite3_bind_int64(s, 1, src->seq);
    while (db_row(w->db, s)) {
        struct weir_text path = column_text(s, 0), id = path_id(path);
        unsigned kind = (unsigned)column_number(s, 1);
        const struct weir_value *output = how->outputs ? value_get(how->outputs, id.bytes, id.len) : NULL;
        if (kind == RECORD_BEGUN && output) /* the round in which it was cut */
            add_output(w, seq, path, output);
        else if (kind != RECORD_BEGUN && has_text(how->keep, id))
            add_record(w, seq, path, kind, column_number(s, 2), column_text(s, 3), s);
    }
    struct weir_text name;
    const struct weir_value *output;
    for (size_t i = 0; how->outputs && value_member(how->outputs, i, &name, &output); i++)
        add_output(w, seq, name, output);
    s = db_use(w->db, SQL_REPLAY_STEPPED);
    sqlite3_bind_int64(s, 1, seq);
    db_run(w->db, s);
}

void
replay_write(struct writing *w, const struct source *src, const struct replay_how *how, uint8_t ret_id[JOB_ID],
             char ret_name[ID_UUID])
{
    id_uuid7(w->now_ms, ret_name);
    (void)job_id_read(text_of(ret_name), ret_id);
    unsigned state = pause_has_job(w, src->seq) ? JOB_HELD : JOB_READY;
    sqlite3_stmt *s = db_use(w->db, SQL_REPLAY);
    sqlite3_bind_int64(s, 1, src->seq);
    sqlite3_bind_blob(s, 2, ret_id, JOB_ID, SQLITE_STATIC);
    sqlite3_bind_int64(s, 3, (int64_t)w->now_ms);
    bind_number(s, 4, state);
    sqlite3_bind_int(s, 5, how->new_keys);
    bind_text(s, 6, how->revision);
    db_run(w->db, s);
    int64_t seq = sqlite3_last_insert_rowid(w->db->handle);
    state = line_replay(w, src->seq, seq, state);
    if (how->keep || how->outputs)
        copy_records(w, src, seq, how);

    s = db_use(w->db, SQL_REPLAY_EVENT);
    sqlite3_bind_int64(s, 1, src->seq);
    sqlite3_bind_int64(s, 2, seq);
    db_run(w->db, s);
    s = db_use(w->db, SQL_SUPERSEDE);
    sqlite3_bind_int64(s, 1, src->seq);
    sqlite3_bind_blob(s, 2, ret_id, JOB_ID, SQLITE_STATIC);
    db_run(w->db, s);
    job_moved_of(w, seq, 0, state);
    w->replays++;
}

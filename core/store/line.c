/* store/line.c - jobs of one order key run one after another, in the order in which they came.
 *
 * Who stands in line has a place, which is its own number, or that of the job that it replays. The
 * first one is READY, RUNNING or whatever an ordinary job may be; the others are BLOCKED, and are
 * in no index that claims look at: a claim costs the same however many there are. When the first
 * one is over it leaves, and the next one becomes READY in the same commit. One that died and
 * holds its key keeps its place until its replay, which takes the place over, has completed, or
 * until it is discarded.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "store/impl.h"
#include "store/job.h"

enum { KEY_MAX = 4096, CHAIN_MAX = 1000 };

/* A line. */
struct line {
    char pipeline[JOB_PIPELINE_MAX];
    size_t pipeline_len;
    char key[KEY_MAX];
    size_t key_len;
};

static void
bind_line(sqlite3_stmt *s, struct weir_text pipeline, struct weir_text key)
{
    bind_text(s, 1, pipeline);
    bind_text(s, 2, key);
}

bool
line_has(struct writing *w, struct weir_text pipeline, struct weir_text key)
{
    sqlite3_stmt *s = db_use(w->db, SQL_LINE_HEAD);
    bind_line(s, pipeline, key);
    bool has = db_row(w->db, s);
    sqlite3_reset(s);
    return has;
}

void
line_join(struct writing *w, int64_t seq, struct weir_text key, bool hold)
{
    sqlite3_stmt *s = db_use(w->db, SQL_LINE_JOIN);
    sqlite3_bind_int64(s, 1, seq);
    bind_text(s, 2, key);
    sqlite3_bind_int(s, 3, hold);
    db_run(w->db, s);
}

static void
copy(char *to, size_t room, size_t *ret_len, struct weir_text from)
{
    *ret_len = from.len < room ? from.len : 0; /* else it came by another way than ours */
    memcpy(to, from.bytes, *ret_len);
}

/* The job that stands in a line. */
struct standing {
    struct line line;
    int64_t place;
    bool hold;
    uint8_t replay_of[JOB_ID];
    bool replays;
};

/* False: SEQ stands in none. */
static bool
find(struct writing *w, int64_t seq, struct standing *ret)
{
    sqlite3_stmt *s = db_use(w->db, SQL_LINE_OF);
    sqlite3_bind_int64(s, 1, seq);
    bool found = db_row(w->db, s);
    if (found) {
        struct weir_text of = column_text(s, 4);
        copy(ret->line.pipeline, sizeof(ret->line.pipeline), &ret->line.pipeline_len,
             column_text(s, 0));
        copy(ret->line.key, sizeof(ret->line.key), &ret->line.key_len, column_text(s, 1));
        ret->place = (int64_t)column_number(s, 2);
        ret->hold = column_number(s, 3) != 0;
        ret->replays = of.len == JOB_ID;
        if (ret->replays)
            memcpy(ret->replay_of, of.bytes, JOB_ID);
    }
    sqlite3_reset(s);
    return found;
}

/* The job that comes first goes on, if it has waited for that. */
static void
let_go(struct writing *w, const struct line *line)
{
    sqlite3_stmt *s = db_use(w->db, SQL_LINE_HEAD);
    bind_line(s, (struct weir_text){ line->pipeline, line->pipeline_len },
              (struct weir_text){ line->key, line->key_len });
    bool blocked = db_row(w->db, s) && column_number(s, 1) == JOB_BLOCKED;
    int64_t seq = (int64_t)column_number(s, 0);
    uint64_t due_ms = column_number(s, 2);
    sqlite3_reset(s);
    if (!blocked)
        return;
    unsigned state = pause_has_job(w, seq)  ? JOB_HELD
                     : due_ms > w->now_ms   ? JOB_SCHEDULED
                                            : JOB_READY;
    s = db_use(w->db, SQL_LINE_GO);
    sqlite3_bind_int64(s, 1, seq);
    sqlite3_bind_int(s, 2, (int)state);
    sqlite3_bind_int64(s, 3, (int64_t)w->now_ms);
    db_run(w->db, s);
    job_moved(w, (struct weir_text){ line->pipeline, line->pipeline_len }, JOB_BLOCKED, state);
}

/* A replay that was cancelled gives the place back to the dead job that held its key. */
static bool
give_back(struct writing *w, const struct standing *who)
{
    sqlite3_stmt *s = db_use(w->db, SQL_LINE_BACK);
    sqlite3_bind_blob(s, 1, who->replay_of, JOB_ID, SQLITE_STATIC);
    sqlite3_bind_int64(s, 2, who->place);
    return db_run(w->db, s) == 1;
}

void
line_leave(struct writing *w, int64_t seq, unsigned state)
{
    struct standing who;
    if (!find(w, seq, &who) || (state == JOB_DEAD && who.hold))
        return;
    sqlite3_stmt *s = db_use(w->db, SQL_LINE_LEAVE);
    sqlite3_bind_int64(s, 1, seq);
    db_run(w->db, s);
    if (state == JOB_CANCELLED && who.hold && who.replays && give_back(w, &who))
        return;
    let_go(w, &who.line);
}

/* Who has the place of SRC: itself, or another replay of its event that died and holds it. A place is
 * the number of the ancestor that was given it. */
static int64_t
has_place(struct writing *w, int64_t src)
{
    int64_t up = src, holder = 0;
    for (unsigned i = 0; i < CHAIN_MAX && up != 0 && holder == 0; i++) {
        sqlite3_stmt *s = db_use(w->db, SQL_LINE_HOLDER);
        sqlite3_bind_int64(s, 1, up);
        bool found = db_row(w->db, s);
        holder = found ? (int64_t)column_number(s, 0) : 0;
        up = found ? (int64_t)column_number(s, 1) : 0;
        sqlite3_reset(s);
    }
    return holder != 0 ? holder : src;
}

unsigned
line_replay(struct writing *w, int64_t src, int64_t seq, unsigned state)
{
    src = has_place(w, src);
    sqlite3_stmt *s = db_use(w->db, SQL_LINE_REPLAY);
    sqlite3_bind_int64(s, 1, src);
    sqlite3_bind_int64(s, 2, seq);
    if (db_run(w->db, s) == 0)
        return state; /* the job has no order key */
    s = db_use(w->db, SQL_LINE_LEAVE);
    sqlite3_bind_int64(s, 1, src);
    db_run(w->db, s);
    struct standing who;
    if (!find(w, seq, &who))
        return state;
    s = db_use(w->db, SQL_LINE_HEAD);
    bind_line(s, (struct weir_text){ who.line.pipeline, who.line.pipeline_len },
              (struct weir_text){ who.line.key, who.line.key_len });
    bool first = db_row(w->db, s) && (int64_t)column_number(s, 0) == seq;
    sqlite3_reset(s);
    if (first)
        return state;
    s = db_use(w->db, SQL_LINE_GO);
    sqlite3_bind_int64(s, 1, seq);
    sqlite3_bind_int(s, 2, JOB_BLOCKED);
    sqlite3_bind_int64(s, 3, (int64_t)w->now_ms);
    db_run(w->db, s);
    return JOB_BLOCKED;
}

void
lines_settle(struct writing *w)
{
    int64_t over[256];
    unsigned states[256], n;
    do {
        sqlite3_stmt *s = db_use(w->db, SQL_LINE_OVER);
        for (n = 0; n < sizeof(over) / sizeof(over[0]) && db_row(w->db, s); n++) {
            over[n] = (int64_t)column_number(s, 0);
            states[n] = (unsigned)column_number(s, 1);
        }
        sqlite3_reset(s);
        for (unsigned i = 0; i < n; i++)
            line_leave(w, over[i], states[i]);
    } while (n > 0 && w->db->rc == SQLITE_OK);
}

/* store/claim.c - giving out jobs that are due: STORE_CLAIM.
 *
 * The index is by pipeline first, so that pipelines without a free place are stepped over,
 * however many jobs of theirs are waiting.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "store/impl.h"
#include "store/job.h"

enum {
    CLAIM_MAX = 256,        /* jobs of one claim */
    CLAIM_BYTES = 16 << 20, /* of their events and records, but one job at least */
};

struct due {
    uint64_t due_ms;
    int64_t seq;
};

/* The oldest jobs found so far, in order. */
struct oldest {
    struct due jobs[CLAIM_MAX];
    unsigned n;
    unsigned max;
};

/* Puts D in its place; false: it is younger than all, and there is no room. */
static bool
oldest_add(struct oldest *o, struct due d)
{
    unsigned at = o->n;
    while (at > 0 && (o->jobs[at - 1].due_ms > d.due_ms ||
                      (o->jobs[at - 1].due_ms == d.due_ms && o->jobs[at - 1].seq > d.seq)))
        at--;
    if (at == o->max)
        return false;
    if (o->n < o->max)
        o->n++;
    memmove(&o->jobs[at + 1], &o->jobs[at], (o->n - 1 - at) * sizeof(d));
    o->jobs[at] = d;
    return true;
}

/* A pipeline that has jobs which wait, and when its first one is due. */
struct waiting {
    char name[JOB_PIPELINE_MAX];
    size_t len;
    uint64_t due_ms;
};

/* Goes on from the pipeline in P (len 0: from the start) to the next one. */
static bool
next_pipeline(struct db *db, struct waiting *p)
{
    sqlite3_stmt *s = db_use(db, SQL_NEXT_PIPELINE);
    sqlite3_bind_text(s, 1, p->name, (int)p->len, SQLITE_STATIC);
    if (!db_row(db, s))
        return false;
    struct weir_text name = column_text(s, 0);
    bool fits = name.len <= sizeof(p->name); /* else it came by another way than ours */
    p->due_ms = column_number(s, 1);
    p->len = fits ? name.len : 0;
    memcpy(p->name, name.bytes, p->len);
    sqlite3_reset(s);
    return fits;
}

static bool
is_skipped(const struct job_claim *c, const struct waiting *p)
{
    for (unsigned i = 0; i < c->n_skip; i++)
        if (text_equal(c->skip[i], (struct weir_text){ p->name, p->len }))
            return true;
    return false;
}

static void
find_oldest(struct writing *w, const struct job_claim *c, struct oldest *o)
{
    struct waiting p = { .len = 0 };
    while (next_pipeline(w->db, &p)) {
        if (p.due_ms > w->now_ms || is_skipped(c, &p))
            continue;
        sqlite3_stmt *s = db_use(w->db, SQL_DUE);
        bind_text(s, 1, (struct weir_text){ p.name, p.len });
        bind_number(s, 2, w->now_ms);
        while (db_row(w->db, s)) {
            struct due d = { column_number(s, 0), (int64_t)column_number(s, 1) };
            if (!oldest_add(o, d)) {
                sqlite3_reset(s);
                break;
            }
        }
    }
}

/* Copies TEXT to *AT, with a NUL, and moves *AT behind it. */
static struct weir_text
put(char **at, struct weir_text text)
{
    char *bytes = *at;
    memcpy(bytes, text.bytes, text.len);
    bytes[text.len] = '\0';
    *at = bytes + text.len + 1;
    return (struct weir_text){ bytes, text.len };
}

static struct job_record *
read_record(sqlite3_stmt *s)
{
    struct weir_text path = column_text(s, 0), output = column_text(s, 4), token = column_text(s, 6), message = column_text(s, 7);
    struct job_record *r = malloc(sizeof(*r) + path.len + output.len + token.len + message.len + 4);
    if (r == NULL)
        abort();
    char *at = (char *)(r + 1);
    *r = (struct job_record){ .kind = (enum record_kind)column_number(s, 1),
                              .at_ms = column_number(s, 2),
                              .code = (uint32_t)column_number(s, 3),
                              .until_ms = column_number(s, 5) };
    r->path = put(&at, path);
    r->output = put(&at, output);
    r->token = put(&at, token);
    r->message = put(&at, message);
    return r;
}

/* Reads the records of job SEQ; returns their bytes. */
static size_t
read_records(struct db *db, int64_t seq, struct job_claimed *job)
{
    size_t bytes = 0;
    struct job_record **last = &job->records;
    sqlite3_stmt *s = db_use(db, SQL_RECORDS);
    sqlite3_bind_int64(s, 1, seq);
    while (db_row(db, s)) {
        *last = read_record(s);
        bytes += sizeof(**last) + (*last)->path.len + (*last)->output.len;
        last = &(*last)->next;
    }
    return bytes;
}

/* Makes a claimed job of the row of SQL_CLAIMED. */
static struct job_claimed *
read_job(sqlite3_stmt *s)
{
    char replay_of[ID_UUID], root[ID_UUID];
    job_id_write(column_text(s, 7), replay_of);
    job_id_write(column_text(s, 10), root);
    struct weir_text pipeline = column_text(s, 5), revision = column_text(s, 6);
    struct weir_text event = column_text(s, 9);
    struct job_claimed *job =
        malloc(sizeof(*job) + pipeline.len + revision.len + event.len + sizeof(replay_of) +
               sizeof(root) + 5);
    if (job == NULL)
        abort();
    *job = (struct job_claimed){ .attempt = (uint32_t)column_number(s, 2) + 1,
                                 .crashes = (uint32_t)column_number(s, 3),
                                 .created_ms = column_number(s, 4) };
    job_id_write(column_text(s, 0), job->id);
    char *at = (char *)(job + 1);
    job->pipeline = put(&at, pipeline);
    job->revision = put(&at, revision);
    job->event = put(&at, event);
    job->replay_of = put(&at, text_of(replay_of));
    job->root = put(&at, text_of(root));
    return job;
}

/* Takes job SEQ; *BYTES grows by what it holds. NULL after an error. */
static struct job_claimed *
take(struct writing *w, int64_t seq, size_t *bytes)
{
    sqlite3_stmt *s = db_use(w->db, SQL_CLAIMED);
    sqlite3_bind_int64(s, 1, seq);
    if (!db_row(w->db, s))
        return NULL;
    struct job_claimed *job = read_job(s);
    job->seq = seq;
    unsigned state = (unsigned)column_number(s, 1);
    bool stepped = column_number(s, 8) != 0;
    sqlite3_reset(s);
    *bytes += sizeof(*job) + job->event.len;
    if (stepped)
        *bytes += read_records(w->db, seq, job);

    s = db_use(w->db, SQL_CLAIM);
    sqlite3_bind_int64(s, 1, seq);
    sqlite3_bind_int64(s, 2, (int64_t)w->store->owner);
    bind_number(s, 3, w->now_ms);
    db_run(w->db, s);
    job_moved(w, state, JOB_RUNNING);
    return job;
}

enum weir_code
job_claim_write(struct writing *w, struct job_claim *c, struct weir_error *err)
{
    (void)err;
    c->jobs = NULL;
    c->n = 0;
    struct oldest o = { .max = c->max < CLAIM_MAX ? c->max : CLAIM_MAX };
    if (o.max > 0)
        find_oldest(w, c, &o);
    size_t bytes = 0;
    struct job_claimed **last = &c->jobs;
    for (unsigned i = 0; i < o.n && bytes < CLAIM_BYTES; i++) {
        *last = take(w, o.jobs[i].seq, &bytes);
        if (*last == NULL)
            break;
        last = &(*last)->next;
        c->n++;
    }
    return WEIR_OK;
}

uint64_t
job_next_due(struct db *db)
{
    uint64_t due = UINT64_MAX;
    struct waiting p = { .len = 0 };
    while (next_pipeline(db, &p))
        due = p.due_ms < due ? p.due_ms : due;
    return due;
}

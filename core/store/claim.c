/* store/claim.c - giving out jobs that are due: STORE_CLAIM.
 *
 * A job is claimed with its place, and waits in the store until there is one: so it can be paused, what waits
 * takes no room from others, and a crash counts for those only that had begun. The index is by pipeline
 * first, so that pipelines without a free place are stepped over, however many jobs of theirs are waiting;
 * look.h says how keys are.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "store/impl.h"
#include "store/job.h"
#include "store/look.h"

enum {
    CLAIM_MAX = 256,        /* jobs of one claim */
    CLAIM_BYTES = 16 << 20, /* of their events and records, but one job at least */
    SUSPECT = 8,            /* blame of two crashes: a job runs without others of so much (sql.h) */
    SUSPECTS_MAX = 64,      /* of one pipeline that are put off in one claim */
    SUSPECT_MS = 100,       /* for how long */
    ALONE_MS = 2000,        /* after so long a suspect that has not crashed is not waited for */
    CLOSED_LEAST_MS = 10,   /* a pipeline without places is not looked at more often, whatever becomes due */
};

/* A job that may be claimed, with its place. */
struct due {
    uint64_t due_ms;
    int64_t seq;
    char id[ID_UUID];
    bool suspect;
    bool placed;
    struct weir_text pipeline; /* owned if PLACED */
    struct weir_text key;      /* the same */
};

/* The oldest jobs found so far, in order. */
struct oldest {
    struct due jobs[CLAIM_MAX];
    unsigned n;
    unsigned max;
    bool suspect; /* one of them is */
};

/* A pipeline that has jobs which wait, and when its first one is due. */
struct waiting {
    char name[JOB_PIPELINE_MAX];
    size_t len;
    uint64_t due_ms;
};

static struct weir_text
name_of(const struct waiting *p)
{
    return (struct weir_text){ p->name, p->len };
}

static struct weir_text
copy(struct weir_text text)
{
    char *bytes = malloc(text.len + 1);
    if (bytes == NULL)
        abort();
    memcpy(bytes, text.bytes, text.len);
    return (struct weir_text){ bytes, text.len };
}

/* D is not claimed and leaves its place by GATE; NULL: its job has it. */
static void
due_drop(struct store *s, const struct claim_gate *gate, struct due *d)
{
    if (!d->placed)
        return;
    if (gate != NULL) {
        (void)gate->leave(d->pipeline, d->key);
        store_place_free(s, d->pipeline, d->key); /* D itself can have it in the next claim */
    }
    free((char *)d->pipeline.bytes);
    free((char *)d->key.bytes);
    d->placed = false;
}

/* Whether a job that is due then would be among the oldest. */
static bool
oldest_wants(const struct oldest *o, uint64_t due_ms, int64_t seq)
{
    const struct due *last = o->n > 0 ? &o->jobs[o->n - 1] : NULL;
    return o->n < o->max || last->due_ms > due_ms || (last->due_ms == due_ms && last->seq > seq);
}

/* Whether a job is among the oldest: a look comes upon some twice. */
static bool
oldest_has(const struct oldest *o, int64_t seq)
{
    for (unsigned i = 0; i < o->n; i++)
        if (o->jobs[i].seq == seq)
            return true;
    return false;
}

/* Puts D, which is wanted, in its place; the youngest goes if there is no room. */
static void
oldest_add(struct store *s, struct oldest *o, const struct claim_gate *gate, const struct due *d)
{
    if (o->n == o->max) {
        o->suspect = o->suspect && !o->jobs[o->n - 1].suspect;
        due_drop(s, gate, &o->jobs[--o->n]);
    }
    unsigned at = o->n++;
    for (; at > 0 && (o->jobs[at - 1].due_ms > d->due_ms ||
                      (o->jobs[at - 1].due_ms == d->due_ms && o->jobs[at - 1].seq > d->seq));
         at--)
        o->jobs[at] = o->jobs[at - 1];
    o->jobs[at] = *d;
    o->suspect |= d->suspect;
}

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
        if (text_equal(c->skip[i], name_of(p)))
            return true;
    return false;
}

/* Makes D of the row of SQL_DUE, with its place if it needs one. */
static enum enter_answer
admit(const struct job_claim *c, const struct waiting *p, sqlite3_stmt *s, struct due *d)
{
    struct weir_text key = column_text(s, 2);
    *d = (struct due){ .due_ms = column_number(s, 0), .seq = (int64_t)column_number(s, 1),
                       .suspect = column_number(s, 3) >= SUSPECT };
    job_id_write(column_text(s, 4), d->id);
    enum enter_answer answer = c->gate != NULL ? c->gate->enter(name_of(p), key) : ENTER_FREE;
    d->placed = answer == ENTER_PLACED;
    if (d->placed) {
        d->pipeline = copy(name_of(p));
        d->key = copy(key);
    }
    return answer;
}

/* Suspects that wait for the end of another one. */
struct later {
    int64_t jobs[SUSPECTS_MAX];
    unsigned n;
};

static void
put_off(struct writing *w, const struct later *l)
{
    for (unsigned i = 0; i < l->n; i++) {
        sqlite3_stmt *s = db_use(w->db, SQL_CLAIM_LATER);
        sqlite3_bind_int64(s, 1, l->jobs[i]);
        bind_number(s, 2, w->now_ms + (uint64_t)SUSPECT_MS * (i + 1)); /* one after the other */
        db_run(w->db, s);
    }
}

/* Whether a suspect runs that others wait for. */
static bool
is_alone(const struct store *s)
{
    return s->suspect[0] != '\0' && clock_mono_ms() < s->suspect_ms + ALONE_MS;
}

/* A pipeline whose due jobs have no place is not looked at for CLOSED_MS, or until its next job is due, whose key may
 * have one. */
static uint64_t
until_next(struct writing *w, struct weir_text pipeline, uint64_t closed_ms)
{
    sqlite3_stmt *s = db_use(w->db, SQL_DUE_NEXT);
    bind_text(s, 1, pipeline);
    bind_number(s, 2, w->now_ms);
    if (!db_row(w->db, s))
        return closed_ms;
    uint64_t ms = column_number(s, 0) - w->now_ms;
    sqlite3_reset(s);
    ms = ms > CLOSED_LEAST_MS ? ms : CLOSED_LEAST_MS;
    return ms < closed_ms ? ms : closed_ms;
}

/* Adds the jobs of P that are due and may begin. Some that are due may have no place: returns for how many
 * milliseconds nobody need look at them, or 0. */
static uint64_t
find_of(struct writing *w, const struct job_claim *c, const struct waiting *p, struct oldest *o)
{
    struct later later = { .n = 0 };
    struct look look;
    sqlite3_stmt *s;
    look_begin(&look, w, name_of(p));
    while ((s = look_next(&look)) != NULL) {
        struct due d;
        if (look.by != LOOK_BY_DUE && oldest_has(o, (int64_t)column_number(s, 1)))
            continue;
        if (!oldest_wants(o, column_number(s, 0), (int64_t)column_number(s, 1))) {
            look_unwanted(&look);
            continue;
        }
        if (column_number(s, 3) >= SUSPECT && (o->suspect || is_alone(w->store))) {
            later.jobs[later.n++] = (int64_t)column_number(s, 1);
            if (later.n == SUSPECTS_MAX)
                break;
            continue;
        }
        enum enter_answer answer = admit(c, p, s, &d);
        if (answer < ENTER_CLOSED)
            oldest_add(w->store, o, c->gate, &d);
        look_answered(&look, answer);
    }
    uint64_t closed_ms = look_end(&look);
    put_off(w, &later);
    return closed_ms > 0 && !look.full ? until_next(w, name_of(p), closed_ms) : closed_ms;
}

static void
find_oldest(struct writing *w, const struct job_claim *c, struct oldest *o)
{
    struct stuck *stuck = w->store->stuck;
    struct waiting p = { .len = 0 };
    while (next_pipeline(w->db, &p)) {
        if (p.due_ms > w->now_ms)
            continue;
        uint64_t looked = stuck_look(stuck), closed_ms;
        if (is_skipped(c, &p))
            stuck_note(stuck, name_of(&p), looked, 0);
        else if (stuck_for(stuck, name_of(&p), true) == 0 && (closed_ms = find_of(w, c, &p, o)) > 0)
            stuck_note(stuck, name_of(&p), looked, closed_ms);
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
    struct weir_text event = column_text(s, 9), key = column_text(s, 11);
    struct job_claimed *job =
        malloc(sizeof(*job) + pipeline.len + revision.len + event.len + key.len + sizeof(replay_of) +
               sizeof(root) + 6);
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
    job->key = put(&at, key);
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
    job_moved(w, job->pipeline, state, JOB_RUNNING);
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
    unsigned i = 0;
    for (; i < o.n && bytes < CLAIM_BYTES && w->db->rc == SQLITE_OK; i++) {
        struct due *d = &o.jobs[i];
        *last = take(w, d->seq, &bytes);
        if (*last == NULL)
            break;
        (*last)->placed = d->placed;
        due_drop(w->store, NULL, d);
        if (d->suspect) {
            memcpy(w->store->suspect, d->id, sizeof(d->id));
            w->store->suspect_ms = clock_mono_ms();
        }
        last = &(*last)->next;
        c->n++;
    }
    for (; i < o.n; i++)
        due_drop(w->store, c->gate, &o.jobs[i]);
    return WEIR_OK;
}

void
job_suspect_over(struct store *s, const char *id)
{
    if (strcmp(s->suspect, id) == 0)
        s->suspect[0] = '\0';
}

void
job_claim_undo(struct store *s, struct job_claim *c)
{
    for (const struct job_claimed *j = c->jobs; j != NULL; j = j->next) {
        job_suspect_over(s, j->id);
        if (j->placed && c->gate->leave(j->pipeline, j->key))
            store_place_free(s, j->pipeline, j->key);
    }
    job_claim_free(c);
}

uint64_t
job_next_due(struct store *s)
{
    uint64_t due = UINT64_MAX, now = clock_wall_ms();
    struct waiting p = { .len = 0 };
    while (next_pipeline(&s->writes, &p)) {
        uint64_t stuck = p.due_ms <= now ? stuck_for(s->stuck, name_of(&p), false) : 0;
        uint64_t at = stuck > 0 ? now + stuck : p.due_ms;
        due = at < due ? at : due;
    }
    return due;
}

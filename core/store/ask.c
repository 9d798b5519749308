/* store/ask.c - see asks.h and ask.h: which question is answered where, parameters, parts and pages of
 * answers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/ask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "value/msgpack.h"

#define FILTERS "state pipeline code node since_ms key fingerprint"

struct question {
    const char *what;
    ask_fn *fn;
    const char *params; /* names, separated by blanks */
    bool writes;
};

static const struct question questions[] = {
    { "audit.list", ask_audit_list, "limit after", false },
    { "batches.cancel", ask_batches_cancel, "id who reason", true },
    { "batches.list", ask_batches_list, "limit after", false },
    { "batches.make", ask_batches_make,
      FILTERS " where max rate concurrency canary stop_on_failures plan who reason", true },
    { "batches.pause", ask_batches_pause, "id who reason", true },
    { "batches.plan", ask_batches_plan, FILTERS " where max", false },
    { "batches.resume", ask_batches_resume, "id who reason", true },
    { "batches.show", ask_batches_show, "id state limit after", false },
    { "batches.trip", ask_batches_trip, "breaker pipelines", true },
    { "incidents.list", ask_incidents_list, "pipeline limit after", false },
    { "jobs.callback", ask_jobs_callback, "id token output", true },
    { "jobs.callback.check", ask_jobs_callback_check, "id token", false },
    { "jobs.cancel", ask_jobs_cancel, "id who reason", true },
    { "jobs.count", ask_jobs_count, FILTERS " after limit", false },
    { "jobs.discard", ask_jobs_discard, "id who reason", true },
    { "jobs.discard.some", ask_jobs_discard_some, FILTERS " where max after upto dry_run who reason", true },
    { "jobs.edit", ask_jobs_edit, "id who reason force body set remove mask", true },
    { "jobs.edit.plan", ask_jobs_edit_plan, "id body set remove mask", false },
    { "jobs.export", ask_jobs_export, FILTERS " where after limit", false },
    { "jobs.list", ask_jobs_list, FILTERS " where after limit", false },
    { "jobs.replay", ask_jobs_replay, "id who reason force keep outputs revision new_keys", true },
    { "jobs.show", ask_jobs_show, "id known definition", false },
    { "jobs.step", ask_jobs_step, "id step definition", false },
    { "jobs.waited", ask_jobs_waited, "id token", true },
    { "jobs.state", ask_jobs_state, "id", false },
    { "marks.advance", ask_marks_advance, "name from to", true },
    { "pauses.end", ask_pauses_end, "pipeline key who reason", true },
    { "pauses.list", ask_pauses_list, "", false },
    { "pauses.make", ask_pauses_make, "pipeline key who reason", true },
    { "revisions.get", ask_revisions_get, "pipeline revision", false },
    { "revisions.note", ask_revisions_note, "revisions", true },
    { "store.backup", ask_store_backup, "file who reason", true },
    { "store.compact", ask_store_compact, "who reason", true },
    { "store.stats", ask_store_stats, "", false },
};

static const struct question *
find_question(const char *what)
{
    for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++)
        if (strcmp(questions[i].what, what) == 0)
            return &questions[i];
    return NULL;
}

bool
store_ask_writes(const char *what)
{
    const struct question *q = find_question(what);
    return q != NULL && q->writes;
}

/* Whether NAMES, separated by blanks, has NAME. */
static bool
has_name(const char *names, struct weir_text name)
{
    while (*names != '\0') {
        size_t len = strcspn(names, " ");
        if (text_equal((struct weir_text){ names, len }, name))
            return true;
        names += len + (names[len] == ' ');
    }
    return false;
}

/* A name that is written wrong would otherwise be a filter that lets everything through. */
static enum weir_code
check_names(const struct question *q, const struct weir_value *with, struct weir_error *err)
{
    struct weir_text name;
    const struct weir_value *v;
    if (with != NULL && value_type(with) != WEIR_MAP && value_type(with) != WEIR_NULL)
        return err_set(err, WEIR_INVALID, "%s: the parameters must be a map", q->what);
    for (size_t i = 0; with != NULL && value_member(with, i, &name, &v); i++) {
        if (has_name(q->params, name))
            continue;
        return err_set(err, WEIR_INVALID, "%s knows no parameter \"%.*s\"; it takes: %s",
                       q->what, (int)(name.len < 64 ? name.len : 64), name.bytes,
                       *q->params != '\0' ? q->params : "none");
    }
    return WEIR_OK;
}

enum weir_code
ask_do(struct store *s, struct db *db, struct writing *w, struct store_ask *ask,
       struct weir_error *err)
{
    const struct question *q = find_question(ask->what);
    if (q == NULL)
        return err_set(err, WEIR_NOT_FOUND, "the store knows no question \"%.64s\"", ask->what);
    enum weir_code code = check_names(q, ask->with, err);
    if (code != WEIR_OK)
        return code;
    struct asking a = { .store = s, .db = db, .w = w, .what = q->what, .ask = ask, .with = ask->with };
    code = q->fn(&a, err);
    ask->cancels = a.cancels;
    memcpy(ask->cancel, a.cancel, sizeof(ask->cancel));
    ask->batch = code == WEIR_OK ? a.batch : 0;
    ask->op.parked = ask->batch != 0;
    if (code == WEIR_OK)
        ask->answer = a.answer;
    else
        value_unref(&a.answer);
    return code;
}

/* -- parameters -- */

enum weir_code
ask_text(const struct asking *a, const char *name, struct weir_text *ret,
         struct weir_error *err)
{
    const struct weir_value *v = value_field(a->with, name);
    *ret = TEXT("");
    if (v == NULL || value_type(v) == WEIR_NULL)
        return WEIR_OK;
    if (value_type(v) != WEIR_STRING)
        return err_set(err, WEIR_INVALID, "%s: %s must be a string", a->what, name);
    *ret = value_as_text(v);
    return WEIR_OK;
}

/* The number that TEXT is in decimal; UINT64_MAX: it is none, or too large. */
static uint64_t
read_number(struct weir_text text)
{
    uint64_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.bytes[i] < '0' || text.bytes[i] > '9' || n > UINT64_MAX / 20)
            return UINT64_MAX;
        n = n * 10 + (uint64_t)(text.bytes[i] - '0');
    }
    return text.len > 0 ? n : UINT64_MAX;
}

enum weir_code
ask_number(const struct asking *a, const char *name, uint64_t default_, uint64_t max,
           uint64_t *ret, struct weir_error *err)
{
    const struct weir_value *v = value_field(a->with, name);
    uint64_t n = UINT64_MAX;
    if (v == NULL || value_type(v) == WEIR_NULL)
        n = default_;
    else if (value_type(v) == WEIR_INT && v->integer >= 0)
        n = (uint64_t)v->integer;
    else if (value_type(v) == WEIR_STRING)
        n = read_number(value_as_text(v));
    if (n > max)
        return err_set(err, WEIR_INVALID, "%s: %s must be a whole number from 0 to %llu",
                       a->what, name, (unsigned long long)max);
    *ret = n;
    return WEIR_OK;
}

enum weir_code
ask_limit(const struct asking *a, uint64_t *ret, struct weir_error *err)
{
    if (ask_number(a, "limit", 50, 1000, ret, NULL) != WEIR_OK || *ret == 0)
        return err_set(err, WEIR_INVALID, "%s: limit must be a whole number from 1 to 1000",
                       a->what);
    return WEIR_OK;
}

enum weir_code
ask_id(const struct asking *a, uint8_t ret[JOB_ID], struct weir_error *err)
{
    struct weir_text text;
    enum weir_code code = ask_text(a, "id", &text, err);
    if (code == WEIR_OK && !job_id_read(text, ret))
        code = err_set(err, WEIR_INVALID, "%s: id must be a job's UUID", a->what);
    return code;
}

/* -- parts of answers -- */

void
answer_put_text(struct weir_builder *b, const char *key, struct weir_text text)
{
    const struct weir_value *v = utf8_valid(text) ? value_string(text.bytes, text.len)
                                                  : value_bytes(text.bytes, text.len);
    builder_set(b, key, strlen(key), &v);
}

void
put_number(struct weir_builder *b, const char *key, uint64_t n)
{
    const struct weir_value *v = value_int((int64_t)n);
    builder_set(b, key, strlen(key), &v);
}

void
put_column(struct weir_builder *b, const char *key, sqlite3_stmt *s, int at)
{
    if (sqlite3_column_type(s, at) != SQLITE_NULL)
        answer_put_text(b, key, column_text(s, at));
}

void
put_column_number(struct weir_builder *b, const char *key, sqlite3_stmt *s, int at)
{
    if (column_number(s, at) != 0)
        put_number(b, key, column_number(s, at));
}

void
put_column_id(struct weir_builder *b, const char *key, sqlite3_stmt *s, int at)
{
    char id[ID_UUID];
    job_id_write(column_text(s, at), id);
    if (*id != '\0')
        answer_put_text(b, key, text_of(id));
}

void
put_column_code(struct weir_builder *b, const char *key, sqlite3_stmt *s, int at)
{
    if (column_number(s, at) != 0)
        answer_put_text(b, key, text_of(code_name((uint32_t)column_number(s, at))));
}

void
put_column_value(struct weir_builder *b, const char *key, sqlite3_stmt *s, int at)
{
    struct weir_text bytes = column_text(s, at);
    const struct weir_value *v;
    if (bytes.len == 0)
        return;
    /* What can't be read is shown all the same. */
    if (msgpack_read(bytes, &v, NULL) != WEIR_OK)
        v = value_bytes(bytes.bytes, bytes.len);
    builder_set(b, key, strlen(key), &v);
}

void
put_built(struct weir_builder *b, const char *key, struct weir_builder **built)
{
    const struct weir_value *v = builder_end(built);
    builder_set(b, key, strlen(key), &v);
}

/* Whether a job of STATE has a time at which it is due. */
static bool
is_due(unsigned state)
{
    return state == JOB_WAITING || state == JOB_SCHEDULED || state == JOB_READY || state == JOB_RETRYABLE;
}

void
put_job(struct weir_builder *b, sqlite3_stmt *s)
{
    unsigned state = (unsigned)column_number(s, 3);
    put_column_id(b, "id", s, 1);
    put_column(b, "pipeline", s, 2);
    answer_put_text(b, "state", text_of(job_state_word(state)));
    if (column_number(s, 4) != 0)
        answer_put_text(b, "reason", text_of(job_reason_word((unsigned)column_number(s, 4))));
    put_number(b, "attempt", column_number(s, 5));
    put_column_number(b, "crashes", s, 6);
    put_column_code(b, "code", s, 7);
    put_column(b, "node", s, 8);
    put_column(b, "message", s, 9);
    put_column_number(b, "created_ms", s, 10);
    put_column_number(b, "updated_ms", s, 11);
    if (is_due(state))
        put_column_number(b, "due_ms", s, 12);
    put_column(b, "key", s, 13);
    put_column(b, "fingerprint", s, 14);
    put_column_id(b, "replay_of", s, 15);
    put_column_id(b, "superseded_by", s, 16);
    if (state == JOB_RUNNING && column_number(s, 17) != 0)
        builder_put(b, "cancelling", &value_true);
    if (column_number(s, 18) != 0)
        builder_put(b, "edited", &value_true);
    put_column(b, "order_key", s, 19);
    if (state == JOB_DEAD && column_number(s, 20) != 0)
        builder_put(b, "holds", &value_true);
}

enum weir_code
ask_page(struct asking *a, enum sql which, const char *name,
         void (*put)(struct weir_builder *b, sqlite3_stmt *s), struct weir_error *err)
{
    uint64_t limit, after;
    enum weir_code code = ask_limit(a, &limit, err);
    if (code == WEIR_OK &&
        ask_number(a, "after", INT64_MAX, INT64_MAX, &after, NULL) != WEIR_OK)
        code = err_set(err, WEIR_INVALID, "%s: after must be the next of an answer before",
                       a->what);
    if (code != WEIR_OK)
        return code;

    sqlite3_stmt *s = db_use(a->db, which);
    sqlite3_bind_int64(s, 1, (int64_t)after);
    sqlite3_bind_int64(s, 2, (int64_t)limit + 1);
    struct weir_builder *answer = builder_map(), *list = builder_list();
    char next[24] = "";
    uint64_t last = 0;
    for (uint64_t n = 0; db_row(a->db, s); n++) {
        if (n == limit) {
            snprintf(next, sizeof(next), "%llu", (unsigned long long)last);
            sqlite3_reset(s);
            break;
        }
        last = column_number(s, 0);
        struct weir_builder *b = builder_map();
        put(b, s);
        const struct weir_value *v = builder_end(&b);
        builder_add(list, &v);
    }
    put_built(answer, name, &list);
    if (*next != '\0')
        answer_put_text(answer, "next", text_of(next));
    a->answer = builder_end(&answer);
    return WEIR_OK;
}

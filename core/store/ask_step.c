/* store/ask_step.c - jobs.step: one step of a job in whole, and the records of steps as all answers have them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "store/ask.h"

/* How long the step took, if both its ends are known. */
static void
put_took(struct weir_builder *b, sqlite3_stmt *s)
{
    uint64_t at_ms = column_number(s, 2), started_ms = column_number(s, 8);
    if (started_ms != 0 && column_number(s, 1) == RECORD_OVER)
        put_number(b, "took_ms", at_ms > started_ms ? at_ms - started_ms : 0);
}

void
put_steps(struct asking *a, struct weir_builder *job, sqlite3_stmt *s)
{
    static const char *const effects[] = { "none", "idempotent", "unsafe" };
    struct weir_builder *list = builder_list();
    while (db_row(a->db, s)) {
        struct weir_builder *b = builder_map();
        answer_put_text(b, "path", column_text(s, 0));
        unsigned kind = (unsigned)column_number(s, 1);
        builder_put(b, "begun", kind == RECORD_BEGUN ? &value_true : &value_false);
        if (kind == RECORD_WAITS)
            put_column_number(b, "until_ms", s, 7);
        put_column_number(b, "at_ms", s, 2);
        put_column_number(b, "started_ms", s, 8);
        put_took(b, s);
        put_column_number(b, "tries", s, 9);
        if (column_number(s, 9) > 0 && column_number(s, 10) < 3)
            answer_put_text(b, "effect", text_of(effects[column_number(s, 10)]));
        put_column_code(b, "code", s, 3);
        put_column(b, "node", s, 4);
        put_column(b, "message", s, 5);
        if (column_number(s, 3) == 0) /* of a failure it is the engine's */
            put_column_value(b, "output", s, 6);
        const struct weir_value *v = builder_end(&b);
        builder_add(list, &v);
    }
    put_built(job, "steps", &list);
}

/* The id of the step of a path: what stands before the numbers of rounds and attempts. */
static struct weir_text
path_id(struct weir_text path)
{
    size_t len = 0;
    while (len < path.len && path.bytes[len] != '/' && path.bytes[len] != '~')
        len++;
    return (struct weir_text){ path.bytes, len };
}

/* Adds what the trace of the attempt at hand tells of the step ID to LIST. */
static void
add_traced(struct weir_builder *list, uint64_t attempt, const struct weir_value *trace, struct weir_text id)
{
    const struct weir_value *one, *v;
    struct weir_text key;
    for (size_t i = 0; (one = value_at(value_field(trace, "steps"), i)) != NULL; i++) {
        const struct weir_value *name = value_field(one, "id");
        if (name == NULL || !text_equal(value_as_text(name), id))
            continue;
        struct weir_builder *b = builder_map();
        put_number(b, "attempt", attempt);
        for (size_t k = 0; value_member(one, k, &key, &v); k++) {
            const struct weir_value *same = value_ref(v);
            builder_set(b, key.bytes, key.len, &same);
        }
        v = builder_end(&b);
        builder_add(list, &v);
    }
}

static void
put_traced(struct asking *a, struct weir_builder *answer, int64_t seq, struct weir_text id)
{
    struct weir_builder *list = builder_list();
    sqlite3_stmt *s = db_use(a->db, SQL_SHOW_ATTEMPTS);
    sqlite3_bind_int64(s, 1, seq);
    while (db_row(a->db, s)) {
        struct weir_builder *b = builder_map();
        put_column_value(b, "trace", s, 6);
        const struct weir_value *row = builder_end(&b);
        if (value_field(row, "trace") != NULL)
            add_traced(list, column_number(s, 0), value_field(row, "trace"), id);
        value_unref(&row);
    }
    put_built(answer, "attempts", &list);
}

enum weir_code
ask_jobs_step(struct asking *a, struct weir_error *err)
{
    uint8_t id[JOB_ID];
    struct weir_text step;
    enum weir_code code = ask_id(a, id, err);
    if (code == WEIR_OK)
        code = ask_text(a, "step", &step, err);
    if (code != WEIR_OK)
        return code;
    sqlite3_stmt *s = db_use(a->db, SQL_SHOW);
    sqlite3_bind_blob(s, 1, id, JOB_ID, SQLITE_STATIC);
    struct weir_text name = value_as_text(value_field(a->with, "id"));
    if (!db_row(a->db, s))
        return err_set(err, WEIR_NOT_FOUND, "there is no job %.*s", (int)name.len, name.bytes);
    struct weir_builder *b = builder_map();
    int64_t seq = (int64_t)column_number(s, 0);
    put_column_id(b, "job", s, 1);
    put_column(b, "pipeline", s, 2);
    put_column_id(b, "root", s, JOB_COLUMNS_END + 2);
    sqlite3_reset(s);
    answer_put_text(b, "step", step);
    const struct weir_value *definition = value_field(a->with, "definition");
    if (definition && value_type(definition) == WEIR_BOOL && definition->boolean && ask_jobs_show(a, err) == WEIR_OK) {
        builder_set(b, "of", 2, &a->answer);
        a->answer = NULL;
    }
    s = db_use(a->db, SQL_SHOW_STEP);
    sqlite3_bind_int64(s, 1, seq);
    sqlite3_bind_text64(s, 2, step.bytes, step.len, SQLITE_STATIC, SQLITE_UTF8);
    put_steps(a, b, s);
    put_traced(a, b, seq, path_id(step));
    a->answer = builder_end(&b);
    if (value_at(value_field(a->answer, "steps"), 0) || value_at(value_field(a->answer, "attempts"), 0))
        return WEIR_OK;
    return err_set(err, WEIR_NOT_FOUND,
                   "nothing is known of a step '%.*s' of job %.*s: it did not run, has another name, or no record is kept "
                   "of it",
                   (int)(step.len < 200 ? step.len : 200), step.bytes, (int)name.len, name.bytes);
}

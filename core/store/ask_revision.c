/* store/ask_revision.c - the texts of pipelines: revisions.note, revisions.get.
 *
 * A job that has begun goes on with what it began with, and a replay is compared with it. Texts are
 * noted before any job has them, since both go through one queue.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "store/ask.h"

enum { REVISIONS_MAX = 1000 };

static struct weir_text
text_at(const struct weir_value *map, const char *key)
{
    const struct weir_value *v = value_field(map, key);
    return v ? value_as_text(v) : TEXT("");
}

enum weir_code
ask_revisions_note(struct asking *a, struct weir_error *err)
{
    (void)err;
    /* Pages with texts are written once and hardly ever read: without this each reload would
     * leave its own in the cache, up to all texts that are kept. */
    (void)sqlite3_db_release_memory(a->db->handle);
    const struct weir_value *list = value_field(a->with, "revisions"), *one;
    for (size_t i = 0; (one = value_at(list, i)) != NULL; i++) {
        struct weir_text text = text_at(one, "text");
        sqlite3_stmt *s = db_use(a->db, SQL_REVISION_NOTE);
        bind_text(s, 1, text_at(one, "pipeline"));
        bind_text(s, 2, text_at(one, "revision"));
        bind_text(s, 3, text_at(one, "file"));
        bind_blob(s, 4, text);
        sqlite3_bind_int64(s, 5, (int64_t)a->w->now_ms);
        db_run(a->db, s);
    }
    sqlite3_stmt *s = db_use(a->db, SQL_REVISIONS_TRIM);
    bind_number(s, 1, REVISIONS_MAX);
    db_run(a->db, s);
    a->answer = value_ref(&value_empty_map);
    return WEIR_OK;
}

enum weir_code
ask_revisions_get(struct asking *a, struct weir_error *err)
{
    struct weir_text pipeline, revision;
    enum weir_code code = ask_text(a, "pipeline", &pipeline, err);
    if (code == WEIR_OK)
        code = ask_text(a, "revision", &revision, err);
    if (code != WEIR_OK)
        return code;
    sqlite3_stmt *s = db_use(a->db, SQL_REVISION);
    bind_text(s, 1, pipeline);
    bind_text(s, 2, revision);
    if (!db_row(a->db, s))
        return err_set(err, WEIR_NOT_FOUND, "the text of revision %.*s of the pipeline %.*s is not kept",
                       (int)revision.len, revision.bytes, (int)pipeline.len, pipeline.bytes);
    struct weir_builder *b = builder_map();
    answer_put_text(b, "file", column_text(s, 0));
    answer_put_text(b, "text", column_text(s, 1));
    sqlite3_reset(s);
    a->answer = builder_end(&b);
    return WEIR_OK;
}

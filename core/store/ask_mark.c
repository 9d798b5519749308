/* store/ask_mark.c - marks.advance: numbers under names, each changed by who knows what it is.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "store/ask.h"

enum { MARK_NAME_MAX = 512 };

static uint64_t
read_mark(struct asking *a, struct weir_text name)
{
    sqlite3_stmt *s = db_use(a->db, SQL_MARK);
    bind_text(s, 1, name);
    uint64_t n = db_row(a->db, s) ? column_number(s, 0) : 0;
    sqlite3_reset(s);
    return n;
}

static enum weir_code
read_parameters(const struct asking *a, struct weir_text *name, uint64_t *from, uint64_t *to,
                struct weir_error *err)
{
    enum weir_code code = ask_text(a, "name", name, err);
    if (code == WEIR_OK)
        code = ask_number(a, "from", 0, INT64_MAX, from, err);
    if (code == WEIR_OK)
        code = ask_number(a, "to", 0, INT64_MAX, to, err);
    if (code == WEIR_OK && (name->len == 0 || name->len > MARK_NAME_MAX))
        code = err_set(err, WEIR_INVALID, "%s: name must have 1 to %d bytes", a->what,
                       MARK_NAME_MAX);
    if (code == WEIR_OK && *to == 0)
        code = err_set(err, WEIR_INVALID, "%s: to must be at least 1", a->what);
    return code;
}

enum weir_code
ask_marks_advance(struct asking *a, struct weir_error *err)
{
    struct weir_text name;
    uint64_t from, to;
    enum weir_code code = read_parameters(a, &name, &from, &to, err);
    if (code != WEIR_OK)
        return code;
    uint64_t now = read_mark(a, name);
    bool did = now == from;
    if (did) {
        sqlite3_stmt *s = db_use(a->db, SQL_MARK_SET);
        bind_text(s, 1, name);
        sqlite3_bind_int64(s, 2, (int64_t)to);
        sqlite3_bind_int64(s, 3, (int64_t)a->w->now_ms);
        db_run(a->db, s);
        now = to;
    }
    struct weir_builder *answer = builder_map();
    const struct weir_value *v = value_ref(did ? &value_true : &value_false);
    builder_set(answer, "did", 3, &v);
    put_number(answer, "now", now);
    a->answer = builder_end(&answer);
    return WEIR_OK;
}

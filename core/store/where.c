/* store/where.c - see where.h. SPDX-License-Identifier: Apache-2.0 */
#include "store/where.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expr/expr.h"
#include "value/json.h"
#include "value/msgpack.h"

struct where {
    struct expr_env env;
    struct expr *expr;
    /* the job at hand */
    struct db *db;
    const struct weir_value *job;
    int64_t seq;
    const struct weir_value *event; /* owned; NULL: not asked for yet */
    uint64_t left_out;
    struct weir_error first;
};

/* The event as it is seen: with its body parsed, in place of the bytes. */
static const struct weir_value *
event_seen(const struct weir_value *stored)
{
    struct weir_builder *b = builder_map();
    struct weir_text key;
    const struct weir_value *v, *json = NULL;
    struct weir_error err;
    for (size_t i = 0; value_member(stored, i, &key, &v); i++) {
        bool raw = text_is(key, "raw");
        bool parsed = raw && json_read(value_as_text(v), NULL, NULL, &json, &err) == WEIR_OK;
        const struct weir_value *seen = parsed ? json : value_ref(v);
        if (raw)
            builder_set(b, "body", 4, &seen);
        else
            builder_set(b, key.bytes, key.len, &seen);
    }
    return builder_end(&b);
}

static const struct weir_value *
read_event(const struct where *w)
{
    const struct weir_value *stored = NULL, *seen;
    sqlite3_stmt *s = db_use(w->db, SQL_SHOW_EVENT);
    sqlite3_bind_int64(s, 1, w->seq);
    bool there = db_row(w->db, s) && msgpack_read(column_text(s, 0), &stored, NULL) == WEIR_OK;
    sqlite3_reset(s);
    if (!there)
        return value_ref(&value_null);
    seen = event_seen(stored);
    value_unref(&stored);
    return seen;
}

static enum weir_code
find(struct expr_env *env, const struct expr_path *path, struct weir_value *ret, unsigned *ret_used,
     struct weir_error *err)
{
    struct where *w = env->arg;
    struct weir_text name = path->keys[0];
    *ret_used = 1;
    if (text_is(name, "job")) {
        *ret = *w->job;
        return WEIR_OK;
    }
    if (!text_is(name, "event"))
        return err_set(err, WEIR_SCRIPT, "there is no '%.*s'; there are job and event", (int)name.len, name.bytes);
    if (w->event == NULL)
        w->event = read_event(w);
    *ret = *w->event;
    return WEIR_OK;
}

enum weir_code
where_read(const struct asking *a, struct where **ret, struct weir_error *err)
{
    struct weir_text text;
    struct expr_place place;
    *ret = NULL;
    enum weir_code code = ask_text(a, "where", &text, err);
    if (code != WEIR_OK || text.len == 0)
        return code;
    struct where *w = calloc(1, sizeof(*w));
    if (w == NULL)
        abort();
    w->env = (struct expr_env){ .find = find, .now_ms = expr_now_ms, .uuid = expr_uuid, .arg = w };
    code = expr_parse(text, &w->expr, &place, err);
    if (code != WEIR_OK) {
        free(w);
        return err_in(err, "where, at character %zu", place.offset + 1);
    }
    *ret = w;
    return WEIR_OK;
}

void
where_free(struct where **w)
{
    if (*w == NULL)
        return;
    expr_free(&(*w)->expr);
    value_unref(&(*w)->first.detail);
    free(*w);
    *w = NULL;
}

bool
where_holds(struct where *w, struct db *db, const struct weir_value *job, int64_t seq)
{
    struct weir_error err = { 0 };
    bool holds = false;
    w->db = db;
    w->job = job;
    w->seq = seq;
    enum weir_code code = expr_eval_bool(w->expr, &w->env, &holds, &err);
    value_unref(&w->event);
    if (code == WEIR_OK)
        return holds;
    if (w->left_out++ == 0)
        w->first = err;
    else
        value_unref(&err.detail);
    return false;
}

void
where_tell(const struct where *w, struct weir_builder *b)
{
    if (w == NULL || w->left_out == 0)
        return;
    put_number(b, "left_out", w->left_out);
    answer_put_text(b, "because", text_of(w->first.text));
}

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
    const struct weir_value *listed;
    int64_t seq;
    const struct weir_value *job;   /* as it is shown; owned; NULL: not asked for yet */
    const struct weir_value *event; /* the same */
    const struct store_ask *ask;    /* who may see it; NULL: whoever can read the file */
    uint64_t left_out;
    struct weir_error first;
};

/* V, which is taken, as who asks may see it. */
static const struct weir_value *
shown(const struct where *w, const struct weir_value *take_v)
{
    if (w->ask == NULL || w->ask->shown == NULL)
        return take_v;
    const struct weir_value *v = w->ask->shown(w->ask->shown_arg, take_v);
    value_unref(&take_v);
    return v;
}

/* The event with its body parsed, in place of the bytes. */
static const struct weir_value *
with_body(const struct weir_value *event)
{
    struct weir_builder *b = builder_map();
    struct weir_text key;
    const struct weir_value *v, *json = NULL;
    struct weir_error err;
    for (size_t i = 0; value_member(event, i, &key, &v); i++) {
        bool raw = text_is(key, "raw") || text_is(key, "raw_base64");
        bool parsed = raw && json_read(value_as_text(v), NULL, NULL, &json, &err) == WEIR_OK;
        const struct weir_value *seen = parsed ? json : value_ref(v);
        if (raw)
            builder_set(b, "body", 4, &seen);
        else
            builder_set(b, key.bytes, key.len, &seen);
    }
    return builder_end(&b);
}

/* What is hidden of an event is its pipeline's to say. */
static void
put_pipeline(struct weir_builder *b, const struct where *w)
{
    const struct weir_value *name = value_field(w->listed, "pipeline");
    if (name)
        builder_put(b, "pipeline", name);
}

static const struct weir_value *
read_event(const struct where *w)
{
    const struct weir_value *stored = NULL;
    sqlite3_stmt *s = db_use(w->db, SQL_SHOW_EVENT);
    sqlite3_bind_int64(s, 1, w->seq);
    bool there = db_row(w->db, s) && msgpack_read(column_text(s, 0), &stored, NULL) == WEIR_OK;
    sqlite3_reset(s);
    if (!there)
        return value_ref(&value_null);
    struct weir_builder *b = builder_map();
    builder_set(b, "event", 5, &stored);
    put_pipeline(b, w);
    const struct weir_value *hidden = shown(w, builder_end(&b));
    b = builder_map();
    put_pipeline(b, w);
    const struct weir_value *event = with_body(value_field(hidden, "event"));
    value_unref(&hidden);
    builder_set(b, "event", 5, &event);
    /* Once more: in a parsed body a text may stand that was written in another way before. */
    hidden = shown(w, builder_end(&b));
    event = value_ref(value_field(hidden, "event"));
    value_unref(&hidden);
    return event;
}

static enum weir_code
find(struct expr_env *env, const struct expr_path *path, struct weir_value *ret, unsigned *ret_used,
     struct weir_error *err)
{
    struct where *w = env->arg;
    struct weir_text name = path->keys[0];
    *ret_used = 1;
    if (text_is(name, "job")) {
        if (w->job == NULL)
            w->job = shown(w, value_ref(w->listed));
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
    w->ask = a->ask;
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
    w->listed = job;
    w->seq = seq;
    enum weir_code code = expr_eval_bool(w->expr, &w->env, &holds, &err);
    value_unref(&w->job);
    value_unref(&w->event);
    if (code == WEIR_OK)
        return holds;
    if (w->left_out++ == 0)
        w->first = err;
    else
        value_unref(&err.detail);
    return false;
}

uint64_t
where_left_out(const struct where *w)
{
    return w ? w->left_out : 0;
}

struct weir_text
where_because(const struct where *w)
{
    return text_of(w->first.text);
}

void
where_tell(const struct where *w, struct weir_builder *b)
{
    if (w == NULL || w->left_out == 0)
        return;
    put_number(b, "left_out", w->left_out);
    answer_put_text(b, "because", text_of(w->first.text));
}

/* store/edit.c - jobs.edit and jobs.edit.plan: a replay whose event has another body.
 *
 * The event is as the engine has stored it: a map with the body as raw (its bytes, JSON) or body (a
 * value), and its headers as a list of pairs. Nothing else of it can be edited.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "pipeline/marks.h"
#include "store/ask.h"
#include "store/replay.h"
#include "value/json.h"
#include "value/msgpack.h"
#include "value/patch.h"

enum {
    CHANGES_SHOWN = 200,
    CHANGE_SHOWN = 4096, /* bytes of one as JSON */
    AUDIT_MAX = 8192,    /* bytes of all that are noted */
    BODY_MAX = 16 << 20
};

/* An edit in the making. All values are owned. */
struct edit {
    struct source job;
    const struct weir_value *event;
    const struct weir_value *body; /* before */
    const struct weir_value *edited;
    struct weir_builder *changes;
    struct buf before; /* for the audit: { pointer: value ... } */
    struct buf after;
    uint64_t n_changes;
    struct marks *marks;   /* what is hidden of the event; NULL: nothing */
    struct hidden *hidden; /* the texts of it */
    const struct weir_value *set; /* as it was asked for; borrowed; NULL: nothing */
    bool whole;            /* a whole body was given */
    char *stars;           /* a place that *** was put into, which stands for what is hidden; NULL: none */
};

static void
edit_fini(struct edit *e)
{
    value_unref(&e->event);
    value_unref(&e->body);
    value_unref(&e->edited);
    builder_free(&e->changes);
    buf_fini(&e->before);
    buf_fini(&e->after);
    marks_free(&e->marks);
    hidden_free(&e->hidden);
    free(e->stars);
}

/* -- the event of the job -- */

/* Reads the event of job SEQ. */
static enum weir_code
read_event(struct asking *a, struct edit *e, struct weir_error *err)
{
    sqlite3_stmt *s = db_use(a->db, SQL_SHOW_EVENT);
    sqlite3_bind_int64(s, 1, e->job.seq);
    enum weir_code code;
    if (!db_row(a->db, s))
        code = err_set(err, WEIR_CONFLICT, "the event of job %s is not kept any more",
                       e->job.name);
    else if (msgpack_read(column_text(s, 0), &e->event, NULL) != WEIR_OK ||
             value_type(e->event) != WEIR_MAP)
        code = err_set(err, WEIR_INVALID, "the event of job %s can't be edited", e->job.name);
    else
        code = WEIR_OK;
    sqlite3_reset(s);
    return code;
}

static enum weir_code
read_body(struct edit *e, struct weir_error *err)
{
    const struct weir_value *raw = value_field(e->event, "raw"),
                            *body = value_field(e->event, "body");
    struct weir_error why;
    if (raw == NULL) {
        e->body = value_ref(body != NULL ? body : &value_null);
        return WEIR_OK;
    }
    if (json_read(value_as_text(raw), NULL, NULL, &e->body, &why) == WEIR_OK)
        return WEIR_OK;
    return err_set(err, WEIR_INVALID,
                   "the body of job %s is not JSON, and can't be edited: %s", e->job.name,
                   why.text);
}

/* -- what is asked for -- */

/* Puts *TAKE_NEXT in the place of what has been edited so far. */
static void
go_on(struct edit *e, const struct weir_value **take_next)
{
    value_unref(&e->edited);
    e->edited = *take_next;
    *take_next = NULL;
}

static enum weir_code
apply_remove(const struct asking *a, struct edit *e, struct weir_error *err)
{
    const struct weir_value *list = value_field(a->with, "remove"), *one, *next;
    if (list != NULL && value_type(list) != WEIR_LIST)
        return err_set(err, WEIR_INVALID, "%s: remove must be a list of JSON pointers", a->what);
    for (size_t i = 0; (one = value_at(list, i)) != NULL; i++) {
        if (value_type(one) != WEIR_STRING)
            return err_set(err, WEIR_INVALID, "%s: remove must be a list of JSON pointers",
                           a->what);
        if (patch_set(e->edited, value_as_text(one), NULL, &next, err) != WEIR_OK)
            return err_in(err, "remove");
        go_on(e, &next);
    }
    return WEIR_OK;
}

static enum weir_code
apply_set(const struct asking *a, struct edit *e, struct weir_error *err)
{
    const struct weir_value *map = value_field(a->with, "set"), *one, *next;
    struct weir_text pointer;
    if (map != NULL && value_type(map) != WEIR_MAP)
        return err_set(err, WEIR_INVALID,
                       "%s: set must be a map from JSON pointers to values, such as "
                       "{\"/amount\": 7}",
                       a->what);
    for (size_t i = 0; value_member(map, i, &pointer, &one); i++) {
        if (patch_set(e->edited, pointer, one, &next, err) != WEIR_OK)
            return err_in(err, "set");
        go_on(e, &next);
    }
    return WEIR_OK;
}

/* -- what differs -- */

/* Appends "POINTER": V to the note in B; what has no room is left out, and its place says so. */
static void
note(struct buf *b, struct weir_text pointer, const struct weir_value *v)
{
    struct buf one;
    struct weir_error err;
    if (v == NULL)
        return;
    buf_init(&one, CHANGE_SHOWN);
    (void)buf_puts(&one, b->len > 0 ? "," : "");
    (void)json_write_string(&one, pointer);
    (void)buf_puts(&one, ":");
    size_t len = one.len;
    if (json_write(&one, v, &err) != WEIR_OK) {
        one.len = len;
        (void)buf_puts(&one, "\"...\"");
    }
    (void)buf_text(b, buf_content(&one));
    buf_fini(&one);
}

/* V, or what stands for one that is larger than is shown. */
static const struct weir_value *
shown(const struct weir_value *v)
{
    struct buf b;
    struct weir_error err;
    buf_init(&b, CHANGE_SHOWN);
    bool fits = json_write(&b, v, &err) == WEIR_OK;
    buf_fini(&b);
    return fits ? value_ref(v) : value_text("(larger than is shown)");
}

/* V, which stands at POINTER of the body, without what is hidden; owned. NULL for NULL. */
static const struct weir_value *
without_hidden(const struct edit *e, struct weir_text pointer, const struct weir_value *v)
{
    if (v == NULL || e->marks == NULL)
        return v ? value_ref(v) : NULL;
    const struct weir_value *open = marks_hide_at(e->marks, MARK_BODY, pointer, v, NULL);
    const struct weir_value *seen = hidden_masked(e->hidden, open);
    value_unref(&open);
    return seen;
}

/* What is hidden is shown as ***, and must not become that. */
static void
look_for_stars(void *arg, struct weir_text pointer, const struct weir_value *before, const struct weir_value *after)
{
    struct edit *e = arg;
    (void)before;
    if (after == NULL || e->stars)
        return;
    struct hidden *put = hidden_new();
    const struct weir_value *seen = marks_hide_at(e->marks, MARK_BODY, pointer, after, put);
    if (hidden_has_stars(put))
        e->stars = strndup(pointer.bytes, pointer.len);
    value_unref(&seen);
    hidden_free(&put);
}

/* The body before with *** in those hidden places that are given anew: so they count as changed, whatever they are
 * now. Else who asks would find out by trying what they were. Owned. */
static const struct weir_value *
veiled(const struct edit *e)
{
    const struct weir_value *one, *next;
    struct weir_text pointer;
    struct weir_error err;
    if (e->whole)
        return marks_hide(e->marks, MARK_BODY, NULL, 0, e->body, NULL);
    const struct weir_value *v = value_ref(e->body);
    for (size_t i = 0; value_member(e->set, i, &pointer, &one); i++) {
        const struct weir_value *was = value_pointer(e->body, pointer.bytes, pointer.len);
        const struct weir_value *seen = was ? marks_hide_at(e->marks, MARK_BODY, pointer, was, NULL) : NULL;
        if (seen != NULL && patch_set(v, pointer, seen, &next, &err) == WEIR_OK) {
            value_unref(&v);
            v = next;
        }
        value_unref(&seen);
    }
    return v;
}

static void
tell_change(struct edit *e, struct weir_text pointer, const struct weir_value *before,
               const struct weir_value *after)
{
    if (e->n_changes++ >= CHANGES_SHOWN)
        return;
    struct weir_builder *b = builder_map();
    const struct weir_value *v;
    answer_put_text(b, "path", pointer);
    if (before != NULL && (v = shown(before)) != NULL)
        builder_set(b, "before", strlen("before"), &v);
    if (after != NULL && (v = shown(after)) != NULL)
        builder_set(b, "after", strlen("after"), &v);
    v = builder_end(&b);
    builder_add(e->changes, &v);
}

/* Whether what stands at POINTER now was given by who asks. */
static bool
is_given(const struct edit *e, struct weir_text pointer)
{
    struct weir_text given;
    const struct weir_value *one;
    for (size_t i = 0; !e->whole && value_member(e->set, i, &given, &one); i++)
        if (given.len <= pointer.len && memcmp(given.bytes, pointer.bytes, given.len) == 0 &&
            (given.len == pointer.len || pointer.bytes[given.len] == '/'))
            return true;
    return e->whole;
}

/* What is told of AFTER, which stands at POINTER; SEEN is the same without what is hidden. Texts that are given are
 * told as they are, but for hidden places: else who asks would find out by trying which ones are hidden. Owned. */
static const struct weir_value *
told(const struct edit *e, struct weir_text pointer, const struct weir_value *after, const struct weir_value *seen)
{
    if (after == NULL || e->marks == NULL || !is_given(e, pointer))
        return seen ? value_ref(seen) : NULL;
    return marks_hide_at(e->marks, MARK_BODY, pointer, after, NULL);
}

static void
on_change(void *arg, struct weir_text pointer, const struct weir_value *before, const struct weir_value *after)
{
    struct edit *e = arg;
    const struct weir_value *was = without_hidden(e, pointer, before), *is = without_hidden(e, pointer, after);
    const struct weir_value *say = told(e, pointer, after, is);
    note(&e->before, pointer, was);
    note(&e->after, pointer, is);
    tell_change(e, pointer, was, say);
    value_unref(&was);
    value_unref(&is);
    value_unref(&say);
}

/* Works out what is hidden of E: by its event, and by today's pipeline. */
static void
read_marks(const struct asking *a, struct edit *e)
{
    const struct weir_value *then = value_field(e->event, "mask"), *all = value_field(a->with, "mask");
    sqlite3_stmt *s = db_use(a->db, SQL_SHOW);
    sqlite3_bind_blob(s, 1, e->job.id, JOB_ID, SQLITE_STATIC);
    struct weir_text name = db_row(a->db, s) ? column_text(s, 2) : TEXT("");
    const struct weir_value *now = all ? value_get(all, name.bytes, name.len) : NULL;
    sqlite3_reset(s);
    if (then == NULL && now == NULL)
        return;
    e->marks = marks_new();
    e->hidden = hidden_new();
    marks_add_list(e->marks, now);
    marks_add_list(e->marks, then);
    const struct weir_value *const bodies[] = { e->body, e->edited };
    for (unsigned i = 0; i < 2; i++) {
        const struct weir_value *seen = marks_hide(e->marks, MARK_BODY, NULL, 0, bodies[i], e->hidden);
        value_unref(&seen);
    }
    hidden_end(e->hidden);
}

/* All of the above: E is filled, and has to be given back in any case. */
static enum weir_code
work_out(struct asking *a, struct edit *e, struct weir_error *err)
{
    uint8_t id[JOB_ID];
    char name[ID_UUID];
    *e = (struct edit){ .changes = builder_list() };
    buf_init(&e->before, AUDIT_MAX);
    buf_init(&e->after, AUDIT_MAX);
    enum weir_code code = ask_id(a, id, err);
    if (code != WEIR_OK)
        return code;
    job_id_write((struct weir_text){ (const char *)id, JOB_ID }, name);
    if (!source_find(a->db, id, &e->job))
        return err_set(err, WEIR_NOT_FOUND, "there is no job %s", name);
    code = read_event(a, e, err);
    if (code == WEIR_OK)
        code = read_body(e, err);
    if (code != WEIR_OK)
        return code;
    const struct weir_value *body = value_field(a->with, "body");
    e->set = value_field(a->with, "set");
    e->whole = body != NULL;
    e->edited = value_ref(body != NULL ? body : e->body);
    code = apply_remove(a, e, err);
    if (code == WEIR_OK)
        code = apply_set(a, e, err);
    if (code != WEIR_OK)
        return code;
    read_marks(a, e);
    if (e->marks)
        patch_diff(e->body, e->edited, look_for_stars, e);
    if (e->stars)
        return err_set(err, WEIR_INVALID,
                       "'%.200s' would become ***, which only stands for what mask: hides: leave it as it is, or give "
                       "its new value",
                       e->stars);
    const struct weir_value *before = e->marks ? veiled(e) : value_ref(e->body);
    patch_diff(before, e->edited, on_change, e);
    value_unref(&before);
    return WEIR_OK;
}

static void
put_changes(struct weir_builder *answer, struct edit *e)
{
    put_built(answer, "changes", &e->changes);
    if (e->n_changes > CHANGES_SHOWN)
        put_number(answer, "more", e->n_changes - CHANGES_SHOWN);
}

enum weir_code
ask_jobs_edit_plan(struct asking *a, struct weir_error *err)
{
    struct edit e;
    enum weir_code code = work_out(a, &e, err);
    if (code == WEIR_OK) {
        struct weir_builder *answer = builder_map();
        answer_put_text(answer, "job", text_of(e.job.name));
        put_changes(answer, &e);
        a->answer = builder_end(&answer);
    }
    edit_fini(&e);
    return code;
}

/* -- the new event -- */

/* HEADERS with the length of the new body. */
static const struct weir_value *
with_length(const struct weir_value *headers, size_t len)
{
    struct weir_builder *list = builder_list();
    const struct weir_value *pair, *v;
    for (size_t i = 0; (pair = value_at(headers, i)) != NULL; i++) {
        const struct weir_value *name = value_at(pair, 0);
        v = value_ref(pair);
        if (name != NULL && text_is(value_as_text(name), "content-length")) {
            char digits[24];
            struct weir_builder *b = builder_list();
            snprintf(digits, sizeof(digits), "%zu", len);
            value_unref(&v);
            v = value_ref(name);
            builder_add(b, &v);
            v = value_text(digits);
            builder_add(b, &v);
            v = builder_end(&b);
        }
        builder_add(list, &v);
    }
    return builder_end(&list);
}

/* The body as the event has it: JSON in bytes, or the value itself. */
static enum weir_code
write_body(const struct edit *e, struct weir_builder *event, struct weir_error *err)
{
    struct weir_text key;
    const struct weir_value *v;
    struct buf json;
    bool raw = value_field(e->event, "body") == NULL;
    buf_init(&json, BODY_MAX);
    enum weir_code code = json_write(&json, e->edited, err);
    for (size_t i = 0; code == WEIR_OK && value_member(e->event, i, &key, &v); i++) {
        if (text_is(key, "raw") || text_is(key, "body"))
            continue;
        v = raw && text_is(key, "headers") ? with_length(v, json.len) : value_ref(v);
        builder_set(event, key.bytes, key.len, &v);
    }
    v = raw ? value_bytes(json.bytes, json.len) : value_ref(e->edited);
    builder_set(event, raw ? "raw" : "body", raw ? 3 : 4, &v);
    buf_fini(&json);
    return code == WEIR_OK ? WEIR_OK : err_in(err, "the edited body");
}

static enum weir_code
write_event(const struct edit *e, struct buf *out, struct weir_error *err)
{
    struct weir_builder *b = builder_map();
    enum weir_code code = write_body(e, b, err);
    const struct weir_value *event = builder_end(&b);
    if (code == WEIR_OK)
        code = msgpack_write(out, event, err);
    value_unref(&event);
    return code;
}

/* Makes the replay, with the event in BYTES. */
static void
replay(struct asking *a, struct edit *e, struct weir_text bytes, struct audit *entry)
{
    uint8_t id[JOB_ID];
    char name[ID_UUID];
    replay_write(a->w, &e->job, &(struct replay_how){ 0 }, id, name);
    struct source new;
    if (!source_find(a->db, id, &new))
        return; /* the connection has failed */
    sqlite3_stmt *s = db_use(a->db, SQL_EDIT);
    sqlite3_bind_int64(s, 1, new.seq);
    bind_number(s, 2, bytes.len);
    db_run(a->db, s);
    s = db_use(a->db, SQL_EDIT_EVENT);
    sqlite3_bind_int64(s, 1, new.seq);
    bind_blob(s, 2, bytes);
    db_run(a->db, s);

    struct buf before, after;
    buf_init(&before, AUDIT_MAX + 8);
    buf_init(&after, AUDIT_MAX + 8);
    (void)buf_printf(&before, "{%s}", e->before.bytes);
    (void)buf_printf(&after, "{%s}", e->after.bytes);
    entry->what = a->what;
    entry->job = e->job.id;
    entry->replay = id;
    entry->before = before.bytes;
    entry->after = after.bytes;
    audit_add(a->w, entry);
    buf_fini(&before);
    buf_fini(&after);

    struct weir_builder *answer = builder_map();
    answer_put_text(answer, "id", text_of(name));
    answer_put_text(answer, "replay_of", text_of(e->job.name));
    builder_put(answer, "edited", &value_true);
    put_changes(answer, e);
    a->answer = builder_end(&answer);
}

enum weir_code
ask_jobs_edit(struct asking *a, struct weir_error *err)
{
    struct edit e;
    struct buf bytes;
    struct audit entry = { 0 };
    const struct weir_value *force = value_field(a->with, "force");
    buf_init(&bytes, BODY_MAX + (1 << 20));
    enum weir_code code = ask_who(a, &entry.who, &entry.reason, err);
    if (code == WEIR_OK && force != NULL && value_type(force) != WEIR_BOOL)
        code = err_set(err, WEIR_INVALID, "%s: force must be true or false", a->what);
    if (code != WEIR_OK)
        return code;
    code = work_out(a, &e, err);
    if (code == WEIR_OK && e.n_changes == 0)
        code = err_set(err, WEIR_INVALID, "nothing changes in the body of job %s", e.job.name);
    if (code == WEIR_OK)
        code = replay_check(a->w, &e.job, force != NULL && force->boolean, err);
    if (code == WEIR_OK)
        code = write_event(&e, &bytes, err);
    if (code == WEIR_OK)
        replay(a, &e, buf_content(&bytes), &entry);
    edit_fini(&e);
    buf_fini(&bytes);
    return code;
}

/* engine/job_given.c - see job_given.h. SPDX-License-Identifier: Apache-2.0 */
#include "engine/job_given.h"

#include <string.h>

#include "engine/past.h"
#include "value/json.h"

/* What is told in one answer, so that the shard has to go on with others after some milliseconds. */
#define LEFT_SHORT (1u << 20) /* bytes, of all steps of a job */
#define LEFT_LONG (32u << 20) /* of one step with all its rounds */
#define STEPS_MAX 1000u       /* that are worked out */
#define MOVES_MAX 20u         /* from attempt to attempt: all records are looked through for each */

/* An answer in the making. */
struct telling {
    struct past *past;
    size_t limit;   /* bytes of a value */
    size_t left;    /* of all that are still told */
    unsigned steps; /* that are still worked out */
    unsigned moves; /* from attempt to attempt, that are still made */
    bool many;      /* one of the two is used up */
};

static struct weir_text
text_at(const struct weir_value *map, const char *key)
{
    const struct weir_value *v = value_field(map, key);
    return v ? value_as_text(v) : TEXT("");
}

static void
put(struct weir_builder *b, const char *key, const struct weir_value *take_v)
{
    builder_set(b, key, strlen(key), &take_v);
}

/* Puts V, which is taken, or how large it is. */
static void
put_part(struct telling *t, struct weir_builder *b, const char *key, const char *bytes, const struct weir_value *take_v)
{
    struct buf json; /* what it is in the answer */
    struct weir_error err;
    buf_init(&json, t->limit < t->left ? t->limit : t->left);
    bool fits = json_write(&json, take_v, &err) == WEIR_OK;
    t->left -= fits ? json.len : 0;
    buf_fini(&json);
    if (fits) {
        put(b, key, take_v);
        return;
    }
    size_t size = value_weight_all(take_v);
    put(b, bytes, value_int((int64_t)(size < INT64_MAX ? size : INT64_MAX)));
    value_unref(&take_v);
}

/* Works out what N was given. PARTS: "input" alone, if its options are kept. */
static void
work_out(struct telling *t, const struct node *n, struct weir_builder *b, struct weir_builder *unknown, bool options)
{
    const struct weir_value *v = NULL;
    t->past->at = n;
    if (options)
        put_part(t, b, "config", "config_bytes", given_options(n, &t->past->s, unknown));
    const char *why = past_input(t->past, n, &v);
    if (why)
        put(unknown, "input", value_text(why));
    else
        put_part(t, b, "input", "input_bytes", value_masked(v));
    value_unref(&v);
}

/* Why nothing is known of a step that was not found, or is not looked for. */
static const char *
no_step(const struct telling *t)
{
    return t->past->p == NULL ? t->past->why : t->many ? "too much is asked for at once" : "the pipeline has no such step";
}

/* The node of PATH; NULL: there is none, or no more is worked out. */
static const struct node *
find_node(struct telling *t, struct weir_text path)
{
    if (t->past->p == NULL || t->many)
        return NULL;
    t->many = t->steps-- == 1;
    return past_node(t->past, path);
}

/* What was taken down when it failed: what flowed into it may be the output of another step. */
static void
put_kept(struct telling *t, const struct weir_value *step, struct weir_builder *b, struct weir_builder *unknown)
{
    const struct node *n = find_node(t, text_at(step, "id"));
    struct weir_text from = text_at(step, "input_of");
    const struct node *source = from.len > 0 ? find_node(t, from) : NULL;
    put(b, "given", value_text("kept"));
    if (value_field(step, "input") || value_field(step, "input_bytes"))
        return;
    if (source && t->past->run.outputs[source->index])
        put_part(t, b, "input", "input_bytes", value_masked(t->past->run.outputs[source->index]));
    else if (source)
        put(unknown, "input", value_text(past_lost(t->past, source)));
    else if (n == NULL || from.len > 0)
        put(unknown, "input", value_text(no_step(t)));
    else
        work_out(t, n, b, unknown, false);
}

/* STEP, of the records (path) or a trace (id), with what it was given; owned. */
static const struct weir_value *
step_with(struct telling *t, const struct weir_value *step)
{
    struct weir_builder *b = builder_map(), *unknown = builder_map();
    struct weir_text key, path = text_at(step, "path");
    const struct weir_value *v;
    bool kept = value_field(step, "config") || value_field(step, "config_bytes");
    for (size_t i = 0; value_member(step, i, &key, &v); i++) {
        bool inner = text_is(key, "input_of") || text_is(key, "unknown");
        bool part = text_is(key, "config") || text_is(key, "input");
        if (part)
            put_part(t, b, text_is(key, "config") ? "config" : "input",
                     text_is(key, "config") ? "config_bytes" : "input_bytes", value_ref(v));
        else if (!inner)
            builder_set_lent(b, key.bytes, key.len, v);
    }
    for (size_t i = 0; value_member(value_field(step, "unknown"), i, &key, &v); i++)
        builder_set_lent(unknown, key.bytes, key.len, v);
    const struct node *n = find_node(t, path.len > 0 ? path : text_at(step, "id"));
    if (kept) {
        put_kept(t, step, b, unknown);
    } else if (n == NULL) {
        put(unknown, "input", value_text(no_step(t)));
        put(unknown, "", value_text(no_step(t)));
    } else {
        put(b, "given", value_text("worked out"));
        work_out(t, n, b, unknown, true);
    }
    const struct weir_value *not_known = builder_end(&unknown);
    if (not_known->len > 0)
        builder_put(b, "unknown", not_known);
    value_unref(&not_known);
    return builder_end(&b);
}

static const struct weir_value *
steps_with(struct telling *t, const struct weir_value *steps)
{
    struct weir_builder *list = builder_list();
    const struct weir_value *one;
    for (size_t i = 0; (one = value_at(steps, i)) != NULL; i++) {
        const struct weir_value *with = step_with(t, one);
        builder_add(list, &with);
    }
    return builder_end(&list);
}

static void
go_to(struct telling *t, const struct weir_value *of, uint64_t attempt)
{
    if (t->past->p == NULL || t->many)
        return;
    t->many = t->moves-- == 1;
    past_go_to(t->past, of, attempt);
}

/* One of "attempts": with a trace, or a step of one. */
static const struct weir_value *
attempt_with(struct telling *t, const struct weir_value *of, const struct weir_value *attempt)
{
    struct weir_builder *b = builder_map();
    struct weir_text key;
    const struct weir_value *v, *trace = value_field(attempt, "trace");
    const struct weir_value *number = value_field(attempt, "attempt");
    go_to(t, of, number && number->type == WEIR_INT ? (uint64_t)number->integer : 0);
    if (value_field(attempt, "id")) {
        builder_free(&b);
        return step_with(t, attempt);
    }
    for (size_t i = 0; value_member(attempt, i, &key, &v); i++)
        if (v != trace)
            builder_set_lent(b, key.bytes, key.len, v);
    if (trace) {
        struct weir_builder *with = builder_map();
        for (size_t i = 0; value_member(trace, i, &key, &v); i++) {
            v = text_is(key, "steps") ? steps_with(t, v) : value_ref(v);
            builder_set(with, key.bytes, key.len, &v);
        }
        v = builder_end(&with);
        builder_set(b, "trace", 5, &v);
    }
    return builder_end(&b);
}

const struct weir_value *
job_given(struct weir_shard *s, const struct weir_value *told, const struct weir_value *of, size_t limit)
{
    struct telling *t = &(struct telling){ .past = past_new(s, of), .limit = limit, .steps = STEPS_MAX, .moves = MOVES_MAX };
    t->left = limit < LEFT_SHORT ? LEFT_SHORT : LEFT_LONG;
    struct weir_builder *b = builder_map();
    struct weir_text key;
    const struct weir_value *v, *one;
    for (size_t i = 0; value_member(told, i, &key, &v); i++) {
        if (text_is(key, "definition") || text_is(key, "of"))
            continue;
        if (text_is(key, "steps")) {
            go_to(t, of, 0);
            v = steps_with(t, v);
        } else if (text_is(key, "attempts")) {
            struct weir_builder *list = builder_list();
            for (size_t k = 0; (one = value_at(v, k)) != NULL; k++) {
                const struct weir_value *with = attempt_with(t, of, one);
                builder_add(list, &with);
            }
            v = builder_end(&list);
        } else {
            v = value_ref(v);
        }
        builder_set(b, key.bytes, key.len, &v);
    }
    past_free(&t->past);
    return builder_end(&b);
}

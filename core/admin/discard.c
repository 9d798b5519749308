/* admin/discard.c - POST /api/v1/jobs/discard: all dead jobs that a filter takes are given up.
 *
 * The store does it a piece at a time, each in a commit of its own, so that who waits for a commit notices nothing.
 * Jobs that die meanwhile are not among them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "admin/parts.h"
#include "base/encode.h"

#define FILTER "pipeline code node since key fingerprint where"

/* An order on its way. */
struct discarding {
    const struct weir_value *with; /* for the store; owned */
    const struct weir_value *because; /* owned; NULL: where was an error for none */
    bool dry;
    int64_t max;                   /* how many more */
    int64_t discarded;
    int64_t left_out;
};

static void
discarding_free(struct discarding *d)
{
    value_unref(&d->with);
    value_unref(&d->because);
    free(d);
}

static int64_t
number_at(const struct weir_value *map, const char *key)
{
    const struct weir_value *v = value_field(map, key);
    return v && value_type(v) == WEIR_INT ? v->integer : 0;
}

static void
answer(struct admin *a, struct weir_event *e, const struct discarding *d)
{
    struct weir_builder *b = builder_map();
    builder_take(b, "discarded", value_int(d->discarded));
    if (d->dry)
        builder_put(b, "dry_run", &value_true);
    if (d->left_out > 0) {
        builder_take(b, "left_out", value_int(d->left_out));
        builder_put(b, "because", d->because ? d->because : &value_null);
    }
    answer_unmarked(a, e, 200, builder_end(&b));
}

static void take_piece(struct admin *a, struct weir_event *e, void *arg, const struct weir_value *piece,
                       const struct weir_error *err);

/* Asks for the piece behind the one before, which is NULL at first. */
static void
ask_piece(struct admin *a, struct weir_event *e, struct discarding *d, const struct weir_value *before)
{
    struct weir_builder *b = builder_map();
    builder_put_all(b, d->with);
    builder_take(b, "max", value_int(d->max));
    if (before) {
        builder_take(b, "after", value_int(number_at(before, "after")));
        builder_take(b, "upto", value_int(number_at(before, "upto")));
    }
    ask_store_then(a, e, "jobs.discard.some", builder_end(&b), take_piece, d);
}

static void
take_piece(struct admin *a, struct weir_event *e, void *arg, const struct weir_value *piece, const struct weir_error *err)
{
    struct discarding *d = arg;
    if (a == NULL) {
        discarding_free(d);
        return;
    }
    if (err) {
        struct weir_error wrong = { 0 };
        err_set(&wrong, err->code, "%s", err->text);
        wrong.status = err->status;
        if (d->discarded > 0)
            (void)err_in(&wrong, "%lld jobs were discarded, then", (long long)d->discarded);
        event_answer_error(e, &wrong);
        discarding_free(d);
        return;
    }
    const struct weir_value *because = value_field(piece, "because");
    d->discarded += number_at(piece, "discarded");
    d->max -= number_at(piece, "discarded");
    d->left_out += number_at(piece, "left_out");
    if (because && d->because == NULL)
        d->because = value_ref(because);
    if (value_field(piece, "after")) {
        ask_piece(a, e, d, piece);
        return;
    }
    answer(a, e, d);
    discarding_free(d);
}

/* Takes one member of the body. */
static enum weir_code
put_one(struct discarding *d, struct weir_builder *b, struct weir_text key, const struct weir_value *v,
        struct weir_error *err)
{
    if (text_is(key, "dry_run")) {
        d->dry = value_type(v) == WEIR_BOOL && v->boolean;
        if (value_type(v) != WEIR_BOOL)
            return err_set(err, WEIR_INVALID, "'dry_run' is not a boolean");
        builder_put(b, "dry_run", v);
        return WEIR_OK;
    }
    if (text_is(key, "max")) {
        if (value_type(v) != WEIR_INT || v->integer < 1)
            return err_set(err, WEIR_INVALID, "'max' is not a whole number from 1 on");
        d->max = v->integer;
        return WEIR_OK;
    }
    return put_member(b, key, v, FILTER " state reason who", "max dry_run", err);
}

static enum weir_code
read_body(const struct weir_event *e, struct discarding *d, struct weir_error *err)
{
    struct weir_text key;
    const struct weir_value *body = NULL, *v = value_text("api");
    struct weir_builder *b = builder_map();
    bool filtered = false;
    builder_set(b, "who", 3, &v);
    enum weir_code code = body_map(e, &body, err);
    for (size_t i = 0; code == WEIR_OK && body && value_member(body, i, &key, &v); i++) {
        filtered |= has_name(FILTER, key);
        code = put_one(d, b, key, v, err);
    }
    if (code == WEIR_OK && !filtered)
        code = err_set(err, WEIR_INVALID, "which jobs? The body needs one at least of: " FILTER);
    if (code == WEIR_OK && !d->dry)
        code = need_reason(body, err);
    value_unref(&body);
    d->with = builder_end(&b);
    return code;
}

void
discard_jobs(struct admin *a, struct weir_event *e)
{
    struct weir_error err = { 0 };
    struct discarding *d = calloc(1, sizeof *d);
    if (d == NULL)
        abort();
    d->max = INT64_MAX;
    if (read_body(e, d, &err) == WEIR_OK) {
        ask_piece(a, e, d, NULL);
        return;
    }
    event_answer_error(e, &err);
    discarding_free(d);
}

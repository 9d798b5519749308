/* store/batch_show.c - batches.list and batches.show, and what operators tell a batch.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "store/batch.h"

static const char *const states[] = {
#define X(name, number, word) [number] = word,
    BATCH_STATES(X)
#undef X
};

static const char *const item_states[] = {
#define X(name, number, word) [number] = word,
    ITEM_STATES(X)
#undef X
};

static const char *
state_word(unsigned state)
{
    return state > 0 && state < sizeof(states) / sizeof(states[0]) ? states[state] : "?";
}

/* The members of a batch, from a row of BATCH_COLUMNS. */
static void
put_batch(struct weir_builder *b, sqlite3_stmt *s)
{
    struct batch batch;
    struct weir_builder *items = builder_map();
    uint64_t total = 0;
    batch_row(s, &batch);
    for (unsigned i = ITEM_PENDING; i < ITEM_END; i++) {
        put_number(items, item_states[i], batch.items[i]);
        total += batch.items[i];
    }
    put_column_id(b, "id", s, 1);
    answer_put_text(b, "state", text_of(state_word(batch.state)));
    put_column(b, "why", s, 4);
    put_number(b, "total", total);
    put_built(b, "items", &items);
    put_column_number(b, "created_ms", s, 5);
    put_column_number(b, "updated_ms", s, 6);
    put_column_number(b, "ended_ms", s, 7);
    if (batch.rate > 0) {
        char rate[64], per[32];
        duration_text(batch.per_ms, per, sizeof(per));
        snprintf(rate, sizeof(rate), "%llu/%s", (unsigned long long)batch.rate, per);
        answer_put_text(b, "rate", text_of(rate));
    }
    put_number(b, "concurrency", batch.concurrency);
    put_column_number(b, "canary", s, 12);
    put_column_number(b, "stop_on_failures", s, 14);
    put_column(b, "who", s, 22);
    put_column(b, "reason", s, 23);
    put_column(b, "plan", s, 24);
    put_column_value(b, "filter", s, 25);
}

enum weir_code
ask_batches_list(struct asking *a, struct weir_error *err)
{
    return ask_page(a, SQL_BATCHES, "batches", put_batch, err);
}

/* The parameter "id" of a batch. */
static enum weir_code
read_id(const struct asking *a, uint8_t id[JOB_ID], struct weir_error *err)
{
    struct weir_text text;
    enum weir_code code = ask_text(a, "id", &text, err);
    if (code == WEIR_OK && !job_id_read(text, id))
        code = err_set(err, WEIR_INVALID, "%s: id must be a batch's UUID", a->what);
    return code;
}

/* The row of the batch ID, to be reset. */
static enum weir_code
find(struct asking *a, const uint8_t id[JOB_ID], sqlite3_stmt **ret, struct weir_error *err)
{
    char name[ID_UUID];
    sqlite3_stmt *s = db_use(a->db, SQL_BATCH_FIND);
    sqlite3_bind_blob(s, 1, id, JOB_ID, SQLITE_STATIC);
    *ret = s;
    if (db_row(a->db, s))
        return WEIR_OK;
    job_id_write((struct weir_text){ (const char *)id, JOB_ID }, name);
    return err_set(err, WEIR_NOT_FOUND, "there is no batch %s", name);
}

enum weir_code
batch_answer(struct asking *a, const uint8_t id[JOB_ID], struct weir_error *err)
{
    sqlite3_stmt *s;
    enum weir_code code = find(a, id, &s, err);
    if (code != WEIR_OK)
        return code;
    struct weir_builder *b = builder_map();
    put_batch(b, s);
    sqlite3_reset(s);
    a->answer = builder_end(&b);
    return WEIR_OK;
}

/* -- one batch with its items -- */

struct page {
    unsigned state; /* of the items; 0: any */
    uint64_t limit;
    uint64_t after;
};

static enum weir_code
read_page(const struct asking *a, struct page *p, struct weir_error *err)
{
    struct weir_text state;
    enum weir_code code = ask_text(a, "state", &state, err);
    if (code == WEIR_OK)
        code = ask_limit(a, &p->limit, err);
    if (code == WEIR_OK && ask_number(a, "after", 0, INT64_MAX, &p->after, NULL) != WEIR_OK)
        code = err_set(err, WEIR_INVALID, "%s: after must be the next of an answer before",
                       a->what);
    if (code != WEIR_OK)
        return code;
    p->state = 0;
    for (unsigned i = ITEM_PENDING; i < ITEM_END; i++)
        if (text_is(state, item_states[i]))
            p->state = i;
    if (state.len > 0 && p->state == 0)
        return err_set(err, WEIR_INVALID,
                       "%s: state must be pending, made, completed, dead, cancelled or skipped",
                       a->what);
    return WEIR_OK;
}

/* Puts a page of the items of batch N, and the next of it. */
static void
put_items(struct asking *a, struct weir_builder *answer, int64_t n, const struct page *p)
{
    struct weir_builder *list = builder_list();
    sqlite3_stmt *s = db_use(a->db, SQL_ITEMS);
    sqlite3_bind_int64(s, 1, n);
    sqlite3_bind_int64(s, 2, (int64_t)p->after);
    sqlite3_bind_int(s, 3, (int)p->state);
    sqlite3_bind_int64(s, 4, (int64_t)p->limit + 1);
    char next[24] = "";
    uint64_t last = 0;
    for (uint64_t i = 0; db_row(a->db, s); i++) {
        if (i == p->limit) {
            snprintf(next, sizeof(next), "%llu", (unsigned long long)last);
            sqlite3_reset(s);
            break;
        }
        struct weir_builder *b = builder_map();
        unsigned state = (unsigned)column_number(s, 2);
        last = column_number(s, 0);
        put_column_id(b, "job", s, 1);
        answer_put_text(b, "state",
                        text_of(state > 0 && state < ITEM_END ? item_states[state] : "?"));
        put_column_id(b, "replay", s, 3);
        put_column(b, "why", s, 4);
        const struct weir_value *v = builder_end(&b);
        builder_add(list, &v);
    }
    put_built(answer, "jobs", &list);
    if (*next != '\0')
        answer_put_text(answer, "next", text_of(next));
}

enum weir_code
ask_batches_show(struct asking *a, struct weir_error *err)
{
    uint8_t id[JOB_ID];
    struct page p;
    sqlite3_stmt *s;
    enum weir_code code = read_id(a, id, err);
    if (code == WEIR_OK)
        code = read_page(a, &p, err);
    if (code == WEIR_OK)
        code = find(a, id, &s, err);
    if (code != WEIR_OK)
        return code;
    struct weir_builder *b = builder_map();
    int64_t n = (int64_t)column_number(s, 0);
    put_batch(b, s);
    sqlite3_reset(s);
    put_items(a, b, n, &p);
    a->answer = builder_end(&b);
    return WEIR_OK;
}

/* -- orders -- */

struct order {
    struct batch batch;
    struct weir_text who;
    struct weir_text reason;
};

/* Reads an order to a batch whose state has to be one of MAY, a set of bits. */
static enum weir_code
read_order(struct asking *a, struct order *o, unsigned may, struct weir_error *err)
{
    uint8_t id[JOB_ID];
    sqlite3_stmt *s;
    enum weir_code code = read_id(a, id, err);
    if (code == WEIR_OK)
        code = ask_who(a, &o->who, &o->reason, err);
    if (code == WEIR_OK)
        code = find(a, id, &s, err);
    if (code != WEIR_OK)
        return code;
    batch_row(s, &o->batch);
    sqlite3_reset(s);
    if (may & 1u << o->batch.state)
        return WEIR_OK;
    return err_set(err, WEIR_CONFLICT, "the batch %s is %s", o->batch.name,
                   state_word(o->batch.state));
}

/* Stores the batch, which was in state BEFORE, with an entry, and answers. */
static enum weir_code
carry_out(struct asking *a, const struct order *o, unsigned before, struct weir_error *err)
{
    batch_save(a->w, &o->batch);
    audit_add(a->w, &(struct audit){ .who = o->who,
                                     .what = a->what,
                                     .batch = o->batch.id,
                                     .reason = o->reason,
                                     .before = state_word(before),
                                     .after = state_word(o->batch.state) });
    return batch_answer(a, o->batch.id, err);
}

enum weir_code
ask_batches_pause(struct asking *a, struct weir_error *err)
{
    struct order o;
    enum weir_code code = read_order(a, &o, 1u << BATCH_RUNNING, err);
    if (code != WEIR_OK)
        return code;
    batch_pause(&o.batch, "%.*s: %.*s", (int)o.who.len, o.who.bytes,
                (int)(o.reason.len < 128 ? o.reason.len : 128), o.reason.bytes);
    if (o.reason.len == 0)
        batch_pause(&o.batch, "%.*s", (int)o.who.len, o.who.bytes);
    return carry_out(a, &o, BATCH_RUNNING, err);
}

enum weir_code
ask_batches_resume(struct asking *a, struct weir_error *err)
{
    struct order o;
    enum weir_code code = read_order(a, &o, 1u << BATCH_PAUSED, err);
    if (code != WEIR_OK)
        return code;
    struct batch *b = &o.batch;
    b->state = BATCH_RUNNING;
    b->open = true;
    b->why[0] = '\0';
    b->canary_over |= b->items[ITEM_DEAD] + b->items[ITEM_CANCELLED] > 0;
    b->forgiven = b->items[ITEM_DEAD];
    return carry_out(a, &o, BATCH_PAUSED, err);
}

enum weir_code
ask_batches_cancel(struct asking *a, struct weir_error *err)
{
    struct order o;
    enum weir_code code = read_order(a, &o, 1u << BATCH_RUNNING | 1u << BATCH_PAUSED, err);
    if (code != WEIR_OK)
        return code;
    struct batch *b = &o.batch;
    unsigned before = b->state;
    /* Its items are gone over bit by bit; none of them is replayed from now on. */
    batch_count(b, ITEM_PENDING, ITEM_CANCELLED, b->items[ITEM_PENDING]);
    b->state = BATCH_CANCELLED;
    b->why[0] = '\0';
    b->open = true;
    b->ended_ms = a->w->now_ms;
    return carry_out(a, &o, before, err);
}

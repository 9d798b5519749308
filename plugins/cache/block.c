/* cache/block.c - the node type cache: answers what is kept, or runs its block: see README.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "flight.h"
#include "store.h"

#define STALE_FOR                                                                              \
    (1u << WEIR_UPSTREAM | 1u << WEIR_TIMEOUT | 1u << WEIR_UNAVAILABLE | 1u << WEIR_INTERNAL | \
     1u << WEIR_SCRIPT)

static uint64_t
wall(const struct caller *c)
{
    return host->wall_ms(host->shard(c->call));
}

/* -- answers -- */

/* Answers with O. ORIGIN is its error where it was told, if that was this call's block. */
static void
reply(struct weir_call *call, const struct store *s, const struct outcome *o,
      struct weir_text result, const struct weir_error *origin)
{
    count_request(call, s, result);
    if (o->value == NULL) {
        host->fail(call, origin ? origin : &o->err);
        return;
    }
    const struct weir_value *v = host->ref(o->value);
    if (o->answer)
        host->pass_answer(call, v);
    host->done(call, &v);
}

/* The outcome that E is; it borrows from E. */
static struct outcome
outcome_of(const struct entry *e)
{
    struct outcome o = { .value = e->value, .answer = e->answer };
    struct weir_text text = { "", 0 };
    int64_t status = 0;
    o.result = e->negative ? WEIR_TEXT("negative") : WEIR_TEXT("hit");
    if (e->value != NULL)
        return o;
    (void)host->get_int(host->get(e->failure, WEIR_TEXT("status")), &status);
    (void)host->get_text(host->get(e->failure, WEIR_TEXT("text")), &text);
    (void)refuse(&o.err, WEIR_NOT_FOUND, "%.*s", (int)(text.len < 480 ? text.len : 479),
                 text.bytes);
    o.err.status = (uint32_t)(status >= 100 && status <= 999 ? status : 0);
    o.err.detail = host->get(e->failure, WEIR_TEXT("detail"));
    return o;
}

/* The leader's call ends with O, and so does the flight. */
static void
settle(struct caller *c, const struct outcome *o, struct weir_text result,
       const struct weir_error *origin)
{
    const struct store *s = &c->seat->node->store;
    struct entry stale = c->stale;
    c->stale = (struct entry){ 0 };
    flight_end(c, o);
    reply(c->call, s, o, result, origin); /* C is gone after it */
    entry_free(&stale);
}

void
block_told(struct caller *c, const struct outcome *o)
{
    reply(c->call, &c->seat->node->store, o, o->result, NULL);
}

/* -- keeping -- */

static void
set_told(void *arg, const struct weir_value *value, const struct weir_error *err)
{
    (void)value;
    struct sent *s = arg;
    s->command = NULL;
    if (err != NULL)
        count_skipped(place_shard(s->place), s->store, "store");
    sent_free(s);
}

static const char *
keep_in_redis(const struct caller *c, const struct entry *e)
{
    const char *why;
    struct place *place = c->seat->place;
    struct sent *sent = sent_new(place, &c->seat->node->store);
    sent->command = redis_set(place_shard(place), sent->store, c->key.text, e, set_told, sent, &why);
    if (why != NULL)
        sent_free(sent);
    return why;
}

/* Keeps E; the result is why not, or NULL. What was set or dropped while the block ran is newer
 * than what the block saw, and wins. */
static const char *
keep(const struct caller *c, const struct entry *e)
{
    const struct store *s = &c->seat->node->store;
    if (c->store_failed)
        return "store";
    if (store_epoch(s, c->key.id) != c->epoch)
        return "changed";
    if (s->redis)
        return keep_in_redis(c, e);
    const char *why = memory_set(s, c->key.id, e);
    if (why == NULL && store_epoch(s, c->key.id) != c->epoch) {
        (void)memory_drop(s, c->key.id);
        why = "changed";
    }
    return why;
}

static void
keep_or_count(const struct caller *c, const struct entry *e)
{
    const char *why = keep(c, e);
    if (why != NULL)
        count_skipped(host->shard(c->call), &c->seat->node->store, why);
}

/* The status of an output that is the answer of an upstream; else 200. */
static int64_t
status_of(const struct outcome *o)
{
    int64_t status = 200;
    if (o->answer)
        (void)host->get_int(host->get(o->value, WEIR_TEXT("status")), &status);
    return status;
}

static void
keep_output(const struct caller *c, const struct outcome *o)
{
    const struct node *node = c->seat->node;
    uint64_t now = wall(c);
    struct entry e = { .set_ms = now, .value = o->value, .answer = o->answer };
    e.fresh_ms = now + node->ttl_ms;
    e.keep_ms = e.fresh_ms + node->keep_ms;
    int64_t status = status_of(o);
    if (status >= 400) {
        e.negative = node->negative_ms > 0 && (status == 404 || status == 410);
        e.fresh_ms = e.keep_ms = now + node->negative_ms;
    }
    if (status >= 400 && !e.negative)
        count_skipped(host->shard(c->call), &node->store, "status");
    else
        keep_or_count(c, &e);
}

static void
keep_failure(const struct caller *c, const struct weir_error *err)
{
    uint64_t now = wall(c);
    uint64_t until = now + c->seat->node->negative_ms;
    struct entry e = { .set_ms = now, .fresh_ms = until, .keep_ms = until, .negative = true };
    struct weir_builder *b = host->map_new();
    const struct weir_value *v = host->integer(err->status);
    host->map_set(b, WEIR_TEXT("status"), &v);
    v = host->string((struct weir_text){ err->text, strlen(err->text) });
    if (v != NULL)
        host->map_set(b, WEIR_TEXT("text"), &v);
    if (err->detail != NULL) {
        v = host->ref(err->detail);
        host->map_set(b, WEIR_TEXT("detail"), &v);
    }
    e.failure = host->build(&b);
    keep_or_count(c, &e);
    entry_free(&e);
}

/* -- the block -- */

/* Whether it is the call that has ended, and not the block that failed. */
static bool
is_own_end(const struct caller *c, const struct weir_error *err)
{
    if (err->code == WEIR_CANCELLED)
        return true;
    return err->code == WEIR_TIMEOUT &&
           host->now_ms(host->shard(c->call)) >= host->deadline_ms(c->call);
}

static void
block_failed(struct caller *c, const struct weir_error *err)
{
    const struct node *node = c->seat->node;
    const struct entry *old = &c->stale;
    struct weir_text result = c->store_failed ? WEIR_TEXT("error") : WEIR_TEXT("miss");
    if (is_own_end(c, err)) {
        entry_free(&c->stale);
        flight_leave(c);
        host->fail(c->call, err);
        return;
    }
    if (old->value != NULL && err->code < 32 && STALE_FOR & 1u << err->code &&
        wall(c) < old->keep_ms && wall(c) < old->fresh_ms + node->keep_ms) {
        struct outcome o = { .value = old->value, .answer = old->answer };
        o.result = WEIR_TEXT("stale");
        settle(c, &o, o.result, NULL);
        return;
    }
    if (err->code == WEIR_NOT_FOUND && node->negative_ms > 0)
        keep_failure(c, err);
    struct outcome o = { .err = *err, .result = WEIR_TEXT("wait") };
    settle(c, &o, result, err);
}

static void
block_ended(void *arg, const struct weir_value *output, const struct weir_error *err)
{
    struct caller *c = arg;
    if (err != NULL) {
        block_failed(c, err);
        return;
    }
    struct outcome o = { .value = output, .result = WEIR_TEXT("wait") };
    const char *why = entry_hindrance(output, UINT64_MAX, 128);
    o.answer = host->is_answer(c->call, output);
    o.alone = why != NULL && strcmp(why, "stream") == 0; /* that has one consumer */
    if (why != NULL)
        count_skipped(host->shard(c->call), &c->seat->node->store, why);
    else
        keep_output(c, &o);
    settle(c, &o, c->store_failed ? WEIR_TEXT("error") : WEIR_TEXT("miss"), NULL);
}

static void
run_block(struct caller *c)
{
    (void)host->block(c->call, c->seat->node->block, NULL, NULL, UINT64_MAX, block_ended, c);
}

/* -- looking -- */

/* There is an entry: it answers, or may answer yet if the block fails. E is taken. */
static void
found(struct caller *c, struct entry *e)
{
    if (wall(c) >= e->fresh_ms) {
        entry_free(&c->stale);
        c->stale = *e;
        run_block(c);
        return;
    }
    struct outcome o = outcome_of(e);
    settle(c, &o, o.result, NULL);
    entry_free(e);
}

static void
looked(void *arg, const struct weir_value *value, const struct weir_error *err)
{
    struct caller *c = arg;
    struct entry e;
    c->command = NULL;
    c->store_failed = err != NULL;
    if (err == NULL && redis_entry(value, &e))
        found(c, &e);
    else
        run_block(c);
}

void
block_lead(struct caller *c)
{
    const struct store *s = &c->seat->node->store;
    struct entry e;
    c->epoch = store_epoch(s, c->key.id);
    if (s->redis)
        c->command = redis_get(host->shard(c->call), s, c->key.text, looked, c);
    else if (memory_get(s, c->key.id, &e))
        found(c, &e);
    else
        run_block(c);
}

/* Answers from the process's memory, if it can. */
static bool
answer_at_once(struct weir_call *call, const struct store *s, const uint8_t id[ID_LEN])
{
    struct entry e;
    if (s->redis || !memory_get(s, id, &e))
        return false;
    bool fresh = host->wall_ms(host->shard(call)) < e.fresh_ms;
    if (fresh) {
        struct outcome o = outcome_of(&e);
        reply(call, s, &o, o.result, NULL);
    }
    entry_free(&e);
    return fresh;
}

void
block_run(struct weir_call *call, void *state)
{
    const struct seat *seat = state;
    struct weir_error err = { 0 };
    struct key key;
    if (key_read(call, seat->node, &key, &err) != WEIR_OK) {
        fail_with(call, &err);
        return;
    }
    if (answer_at_once(call, &seat->node->store, key.id))
        return;
    struct caller *c = host->alloc(call, sizeof *c);
    c->call = call;
    c->seat = seat;
    c->key = key;
    host->set_data(call, c);
    if (!flight_join(c))
        block_lead(c);
}

void
block_cancel(struct weir_call *call, void *state)
{
    (void)state;
    struct caller *c = host->data(call);
    if (c != NULL) {
        host->redis_forget(&c->command);
        entry_free(&c->stale);
        flight_leave(c);
    }
    cut_short(call, "the cache was not waited for");
}

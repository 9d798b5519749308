/* cache/access.c - cache_get, cache_set and cache_drop: a cache without a block: see README.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "entry.h"
#include "lately.h"
#include "store.h"

#define TTL_MAX_MS (UINT64_C(366) * 24 * 3600 * 1000)

/* A call that waits for Redis. */
struct access {
    struct weir_call *call;
    struct seat *seat;
    struct weir_command *command;
    /* of cache_set with refresh */
    uint64_t mark;
    uint64_t set_ms;
    unsigned epoch;
};

static struct access *
access_new(struct weir_call *call, struct seat *seat)
{
    struct access *a = host->alloc(call, sizeof *a);
    a->call = call;
    a->seat = seat;
    host->set_data(call, a);
    return a;
}

void
access_cancel(struct weir_call *call, void *state)
{
    (void)state;
    struct access *a = host->data(call);
    if (a != NULL)
        host->redis_forget(&a->command);
    cut_short(call, "the cache was not waited for");
}

/* -- cache_get -- */

/* Answers the value of E, or null. */
static void
get_answer(struct weir_call *call, const struct node *node, const struct entry *e)
{
    uint64_t now = host->wall_ms(host->shard(call));
    bool fresh = now < e->fresh_ms;
    struct weir_text result = WEIR_TEXT("miss");
    const struct weir_value *v = NULL;
    if (fresh && e->negative)
        result = WEIR_TEXT("negative");
    else if (fresh)
        result = WEIR_TEXT("hit");
    else if (node->stale && now < e->keep_ms && !e->negative)
        result = WEIR_TEXT("stale");
    else
        e = NULL;
    if (e != NULL && e->value != NULL)
        v = host->ref(e->value);
    count_request(call, &node->store, result);
    host->done(call, &v);
}

static void
get_told(void *arg, const struct weir_value *reply, const struct weir_error *err)
{
    struct access *a = arg;
    struct entry e = { 0 };
    a->command = NULL;
    if (err != NULL) {
        const struct weir_value *none = NULL;
        count_request(a->call, &a->seat->node->store, WEIR_TEXT("error"));
        host->done(a->call, &none);
        return;
    }
    (void)redis_entry(reply, &e);
    get_answer(a->call, a->seat->node, &e);
    entry_free(&e);
}

void
get_run(struct weir_call *call, void *state)
{
    struct seat *seat = state;
    const struct node *node = seat->node;
    struct weir_error err = { 0 };
    struct entry e = { 0 };
    struct key key;
    if (key_read(call, node, &key, &err) != WEIR_OK) {
        fail_with(call, &err);
        return;
    }
    if (node->store.redis) {
        struct access *a = access_new(call, seat);
        a->command = redis_get(host->shard(call), &node->store, key.text, get_told, a);
        return;
    }
    (void)memory_get(&node->store, key.id, &e);
    get_answer(call, node, &e);
    entry_free(&e);
}

/* -- cache_set and cache_drop -- */

/* { kept: true }: NAME is the same for all calls of SEAT. */
static void
answer_flag(struct weir_call *call, struct seat *seat, struct weir_text name, bool flag)
{
    if (seat->answers[flag] == NULL) {
        struct weir_builder *b = host->map_new();
        const struct weir_value *v = host->boolean(flag);
        host->map_set(b, name, &v);
        seat->answers[flag] = host->build(&b);
    }
    const struct weir_value *v = host->ref(seat->answers[flag]);
    host->done(call, &v);
}

/* The store was not to be had, for ERR. */
static void
without_store(struct access *a, struct weir_text name, const struct weir_error *err)
{
    if (a->seat->node->required) {
        struct weir_error own = { .code = WEIR_UNAVAILABLE, .sent = err->sent };
        (void)refuse(&own, WEIR_UNAVAILABLE, "the cache '%s' is not to be had: %.400s",
                     a->seat->node->store.named->name, err->text);
        host->fail(a->call, &own);
        return;
    }
    answer_flag(a->call, a->seat, name, false);
}

static void
set_told(void *arg, const struct weir_value *reply, const struct weir_error *err)
{
    (void)reply;
    struct access *a = arg;
    a->command = NULL;
    if (err == NULL) {
        if (a->seat->lately != NULL)
            lately_note(a->seat->lately, a->mark, a->epoch, a->set_ms);
        answer_flag(a->call, a->seat, WEIR_TEXT("kept"), true);
        return;
    }
    count_skipped(host->shard(a->call), &a->seat->node->store, "store");
    without_store(a, WEIR_TEXT("kept"), err);
}

/* Why an entry can't be kept whatever the store is. */
static void
set_refused(struct weir_call *call, struct seat *seat, const char *why)
{
    const struct node *node = seat->node;
    struct weir_error err = { 0 };
    count_skipped(host->shard(call), &node->store, why);
    if (strcmp(why, "stream") == 0)
        (void)refuse(&err, WEIR_INVALID,
                     "a stream can't be kept: 'value' must be what JSON or bytes can be");
    else if (node->required)
        (void)refuse(&err, WEIR_TOO_LARGE,
                     "the value is too %s for the cache '%s' ('max_entry' is %llu bytes)", why,
                     node->store.named->name, (unsigned long long)node->store.max_entry);
    if (err.code != 0)
        host->fail(call, &err);
    else
        answer_flag(call, seat, WEIR_TEXT("kept"), false);
}

/* A duration of SLOT, or the one that was known at load. */
static uint32_t
duration(struct weir_call *call, uint32_t slot, uint64_t fixed, const char *name,
         uint64_t *ret_ms, struct weir_error *err)
{
    const struct weir_value *v = NULL;
    int64_t ms = -1;
    *ret_ms = fixed;
    if (slot == 0)
        return WEIR_OK;
    if (host->eval(call, slot, &v, err) != WEIR_OK)
        return err->code;
    bool good = host->get_int(v, &ms) && ms >= 0 && (uint64_t)ms <= TTL_MAX_MS;
    host->unref(&v);
    if (!good)
        return refuse(err, WEIR_INVALID, "'%s' must be a duration from 0s to 366d", name);
    *ret_ms = (uint64_t)ms;
    return WEIR_OK;
}

/* Evaluates all that cache_set needs. */
static uint32_t
set_prepare(struct weir_call *call, const struct node *node, struct key *key, struct entry *ret,
            struct weir_error *err)
{
    uint64_t ttl, keep;
    if (key_read(call, node, key, err) != WEIR_OK ||
        duration(call, node->ttl, node->ttl_ms, "ttl", &ttl, err) != WEIR_OK ||
        duration(call, node->keep, node->keep_ms, "keep", &keep, err) != WEIR_OK)
        return err->code;
    if (ttl + keep == 0)
        return refuse(err, WEIR_INVALID, "'ttl' and 'keep' are both 0: nothing would be kept");
    uint32_t code = node->value == 0 ? host->input(call, &ret->value, err)
                                     : host->eval(call, node->value, &ret->value, err);
    ret->set_ms = host->wall_ms(host->shard(call));
    ret->fresh_ms = ret->set_ms + ttl;
    ret->keep_ms = ret->fresh_ms + keep;
    return code;
}

/* Writes E to Redis, unless that was done lately; the result is why it can't be, or NULL. */
static const char *
set_redis(struct weir_call *call, struct seat *seat, const struct key *key, const struct entry *e)
{
    const struct node *node = seat->node;
    const char *why = NULL;
    uint64_t mark = seat->lately != NULL ? lately_mark(seat->lately, key->id, e, host->json_heard(call, e->value)) : 0;
    uint64_t half = (e->keep_ms - e->set_ms) / 2;
    if (lately_written(seat->lately, mark, store_epoch(&node->store, key->id), e->set_ms,
                       node->refresh_ms < half ? node->refresh_ms : half)) {
        answer_flag(call, seat, WEIR_TEXT("kept"), true);
        return NULL;
    }
    store_epoch_next(&node->store, key->id);
    struct access *a = access_new(call, seat);
    a->mark = mark;
    a->set_ms = e->set_ms;
    a->epoch = store_epoch(&node->store, key->id);
    a->command = redis_set(host->shard(call), &node->store, key->text, e, set_told, a, &why);
    return why;
}

void
set_run(struct weir_call *call, void *state)
{
    struct seat *seat = state;
    const struct node *node = seat->node;
    struct weir_error err;
    struct entry e = { 0 };
    const char *why;
    struct key key;
    WEIR_ERROR_CLEAR(&err);
    if (set_prepare(call, node, &key, &e, &err) != WEIR_OK) {
        fail_with(call, &err);
        return;
    }
    if (node->store.redis) {
        why = set_redis(call, seat, &key, &e);
    } else {
        store_epoch_next(&node->store, key.id);
        why = memory_set(&node->store, key.id, &e);
        if (why == NULL)
            answer_flag(call, seat, WEIR_TEXT("kept"), true);
    }
    entry_free(&e);
    if (why != NULL)
        set_refused(call, seat, why);
}

static void
drop_told(void *arg, const struct weir_value *reply, const struct weir_error *err)
{
    struct access *a = arg;
    int64_t n = 0;
    a->command = NULL;
    if (err != NULL) {
        without_store(a, WEIR_TEXT("dropped"), err);
        return;
    }
    (void)host->get_int(reply, &n);
    answer_flag(a->call, a->seat, WEIR_TEXT("dropped"), n > 0);
}

void
drop_run(struct weir_call *call, void *state)
{
    struct seat *seat = state;
    const struct node *node = seat->node;
    struct weir_error err = { 0 };
    struct key key;
    if (key_read(call, node, &key, &err) != WEIR_OK) {
        fail_with(call, &err);
        return;
    }
    store_epoch_next(&node->store, key.id);
    if (node->store.redis) {
        struct access *a = access_new(call, seat);
        a->command = redis_drop(host->shard(call), &node->store, key.text, drop_told, a);
        return;
    }
    answer_flag(call, seat, WEIR_TEXT("dropped"), memory_drop(&node->store, key.id));
}

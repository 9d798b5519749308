/* ratelimit/admin.c - the collection "limits": policies, what is counted under a key, reset.
 *
 * A key comes from the operator, and goes nowhere: not into answers, not into the log.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "ratelimit.h"
#include "redis.h"

#define PATIENCE_MS 1000u

/* A question that is being answered: for each limit of a policy that was meant, a bucket. */
struct inquiry {
    struct weir_question *question;
    struct policy *policy; /* a reference */
    bool resets;
    bool did; /* something was reset */
    unsigned n;
    unsigned pending;
    bool failed;
    struct weir_error err; /* the first one's */
    struct weir_builder *list;
    struct look {
        struct inquiry *inquiry;
        struct bucket bucket;
        struct ask ask;
    } looks[];
};

static void
put_text(struct weir_builder *b, struct weir_text key, const char *text)
{
    map_take(b, key, host->string((struct weir_text){ text, strlen(text) }));
}

static void
fail(struct weir_question *q, uint32_t code, const char *text)
{
    struct weir_error err = { 0 };
    refuse(&err, code, "%s", text);
    host->answer_fail(q, &err);
}

/* -- policies -- */

static const struct weir_value *
show_limits(const struct policy *p)
{
    char text[40];
    struct weir_builder *b = host->map_new();
    for (unsigned i = 0; i < p->n; i++) {
        const struct limit *l = &p->limits[i];
        rate_text(&l->rate, text);
        put_text(b, (struct weir_text){ l->name, strlen(l->name) },
                 l->slot > 0 ? "by expression" : text);
    }
    return host->build(&b);
}

/* { name, store, algorithm, limits, keys, uses } */
static const struct weir_value *
show_policy(const struct policy *p)
{
    struct weir_builder *b = host->map_new();
    put_text(b, WEIR_TEXT("name"), p->name);
    put_text(b, WEIR_TEXT("store"), p->redis ? "redis" : "memory");
    put_text(b, WEIR_TEXT("algorithm"), algorithm_name(p->algorithm));
    map_take(b, WEIR_TEXT("limits"), show_limits(p));
    if (p->capacity > 0)
        map_take(b, WEIR_TEXT("burst"), host->integer(p->capacity));
    if (p->redis == NULL && p->number > 0)
        map_take(b, WEIR_TEXT("keys"), host->integer((int64_t)memory_keys(p->number)));
    map_take(b, WEIR_TEXT("uses"), policy_uses(p->name));
    return host->build(&b);
}

static void
show_all(struct weir_question *q)
{
    struct weir_builder *list = host->list_new();
    struct policy *p;
    for (unsigned i = 0; (p = policy_at(i)) != NULL; i++) {
        const struct weir_value *v = show_policy(p);
        host->list_add(list, &v);
        policy_unref(&p);
    }
    const struct weir_value *all = host->build(&list);
    host->answer(q, &all);
}

/* -- buckets of a key -- */

static void
add_verdict(struct inquiry *in, const struct look *look, const struct verdict *v,
            uint64_t wall_ms)
{
    char text[40];
    struct weir_builder *b = host->map_new();
    rate_text(&look->ask.rate, text);
    put_text(b, WEIR_TEXT("limit"), look->bucket.limit->name);
    put_text(b, WEIR_TEXT("rate"), text);
    map_take(b, WEIR_TEXT("used"), host->integer((int64_t)v->used));
    map_take(b, WEIR_TEXT("remaining"), host->integer((int64_t)v->remaining));
    map_take(b, WEIR_TEXT("reset"), host->integer((int64_t)(wall_ms + v->reset_ms)));
    const struct weir_value *item = host->build(&b);
    host->list_add(in->list, &item);
}

/* Answers when the last bucket has. */
static void
finish_one(struct inquiry *in)
{
    if (--in->pending > 0)
        return;
    const struct weir_value *list = host->build(&in->list);
    struct weir_builder *b = host->map_new();
    put_text(b, WEIR_TEXT("policy"), in->policy->name);
    if (in->resets)
        map_take(b, WEIR_TEXT("reset"), host->boolean(in->did));
    else
        map_take(b, WEIR_TEXT("limits"), host->ref(list));
    const struct weir_value *all = host->build(&b);
    host->unref(&list);
    if (in->failed)
        host->answer_fail(in->question, &in->err);
    else
        host->answer(in->question, &all);
    host->unref(&all);
    host->unref(&in->err.detail);
    policy_unref(&in->policy);
    free(in);
}

static void
redis_said(void *arg, const struct weir_value *reply, const struct weir_error *err)
{
    struct look *look = arg;
    struct inquiry *in = look->inquiry;
    struct verdict v;
    uint64_t wall_ms;
    int64_t n = 0;
    if (err != NULL && !in->failed) {
        in->failed = true;
        in->err = *err;
        in->err.detail = err->detail ? host->ref(err->detail) : NULL;
    }
    if (err == NULL && in->resets)
        in->did |= host->get_int(reply, &n) && n > 0;
    else if (err == NULL && redis_verdict(reply, &v, &wall_ms))
        add_verdict(in, look, &v, wall_ms);
    finish_one(in);
}

static void
start_look(struct inquiry *in, struct look *look)
{
    struct weir_shard *shard = host->question_shard(in->question);
    struct weir_text id = { (const char *)look->bucket.id, ID_LEN };
    struct verdict v;
    if (in->policy->redis && in->resets) {
        (void)redis_reset(shard, &look->bucket, PATIENCE_MS, redis_said, look);
        return;
    }
    if (in->policy->redis) {
        (void)redis_decide(shard, &look->bucket, &look->ask, PATIENCE_MS, redis_said, look);
        return;
    }
    if (in->resets) {
        in->did |= memory_reset(id);
    } else {
        memory_decide(in->policy->number, id, &look->ask, &v);
        add_verdict(in, look, &v, host->wall_ms(shard));
    }
    finish_one(in);
}

/* The rate of L, or, of an expression, the last one that it gave; false if there was none. */
static bool
find_rate(const struct policy *p, const struct limit *l, struct rate *ret)
{
    *ret = l->rate;
    uint64_t window = atomic_load(&l->seen_window);
    if (l->slot == 0)
        return true;
    return window > 0 && rate_make(atomic_load(&l->seen_limit), window, p->capacity, ret);
}

/* Adds the bucket of one limit; none if it was never counted by. */
static void
add_look(struct inquiry *in, const struct limit *l, struct weir_text key)
{
    struct look *look = &in->looks[in->n];
    look->inquiry = in;
    look->bucket.policy = in->policy;
    look->bucket.limit = l;
    look->ask.algorithm = in->policy->algorithm;
    if (!find_rate(in->policy, l, &look->ask.rate))
        return;
    policy_id(in->policy, l, key, look->bucket.id);
    in->n++;
}

/* Takes over the reference P. */
static void
inquire(struct weir_question *q, struct policy *p, struct weir_text key,
        const struct limit *only)
{
    struct inquiry *in = zeroed(1, sizeof *in + p->n * sizeof in->looks[0]);
    in->question = q;
    in->policy = p;
    in->list = host->list_new();
    in->resets = host->question_verb(q).len > 0;
    for (unsigned i = 0; i < p->n; i++)
        if (only == NULL || only == &p->limits[i])
            add_look(in, &p->limits[i], key);
    in->pending = in->n + 1;
    for (unsigned i = 0, n = in->n; i < n; i++)
        start_look(in, &in->looks[i]);
    finish_one(in);
}

/* A parameter of the query, or a member of the body. */
static struct weir_text
parameter(struct weir_question *q, const char *name)
{
    struct weir_text text = host->question_query(q, name);
    if (text.bytes == NULL)
        (void)host->get_text(
            host->get(host->question_body(q), (struct weir_text){ name, strlen(name) }), &text);
    return text;
}

static void
ask_policy(struct weir_question *q, struct policy *p)
{
    bool looks = host->question_verb(q).len == 0;
    struct weir_text key = parameter(q, "key");
    struct weir_text name = parameter(q, "limit");
    const struct limit *only = name.len > 0 ? policy_limit(p, name) : NULL;
    if (key.len == 0 && !looks) {
        fail(q, WEIR_INVALID, "a key is needed: { \"key\": ... } or ?key=...");
        policy_unref(&p);
    } else if (key.len == 0) {
        const struct weir_value *v = show_policy(p);
        host->answer(q, &v);
        policy_unref(&p);
    } else if (name.len > 0 && only == NULL) {
        fail(q, WEIR_NOT_FOUND, "the policy has no limit of that name");
        policy_unref(&p);
    } else {
        inquire(q, p, key, only);
    }
}

void
limits_ask(struct weir_question *q)
{
    struct weir_text item = host->question_item(q);
    if (item.len == 0) {
        show_all(q);
        return;
    }
    struct policy *p = policy_find(item);
    if (p != NULL)
        ask_policy(q, p);
    else
        fail(q, WEIR_NOT_FOUND, "there is no policy of that name");
}

/* engine/once_claim.c - see once_claim.h.
 *
 * A key is "weir:once:" and 32 hex digits. Its value is "1", then
 *
 *   "r", a token of 16 bytes that no other claim has, the content's digest:  somebody works on it
 *   "a", the content's digest, the answer, which may be empty:               it was worked on
 *
 * Every change is one script in one round trip, and one key a script, so that a Redis Cluster can hold them.
 * It is made only if what stands there is what this claim has put there, so that a gateway whose lease ran out
 * can't undo what another one has done since (https://redis.io/docs/latest/develop/use/patterns/distributed-locks/,
 * of a single instance). Where nothing stands any more (Redis was started again) it is put there once more.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/once_claim.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "engine/metrics.h"
#include "engine/once.h"
#include "net/redis.h"

#define CLAIMS_MAX 10000u       /* on one shard */
#define COMMAND_MS 500u         /* within this time it is decided, with Redis or without */
#define LEASE_MS 30000u
#define RENEW_MS (LEASE_MS / 3) /* two attempts may fail */
#define LOOK_MIN_MS 20u         /* for the answer of another gateway, then less and less often */
#define LOOK_MAX_MS 500u
#define ANSWER_MAX (256u << 10) /* a longer one is not kept */
#define KEY_PREFIX "weir:once:"
#define KEY_LEN (sizeof KEY_PREFIX - 1 + 2 * ONCE_BYTES)
#define RUNS_LEN (2 + 2 * ONCE_BYTES)
#define OVER_LEN (2 + ONCE_BYTES)

static const char script[] = "local v = redis.call('GET', KEYS[1])\n"
                             "local what, mine = ARGV[1], ARGV[2]\n"
                             "if what == 'claim' then\n"
                             "  if v and v ~= mine then return {v, redis.call('PTTL', KEYS[1])} end\n"
                             "  redis.call('SET', KEYS[1], mine, 'PX', ARGV[3])\n"
                             "  return 1\n"
                             "end\n"
                             "if v and v ~= mine then return 0 end\n"
                             "if what == 'free' then redis.call('DEL', KEYS[1])\n"
                             "else redis.call('SET', KEYS[1], ARGV[4], 'PX', ARGV[3]) end\n"
                             "return 1\n";

/* ASKING, WAITING for another gateway, OTHERS: it is another one's and nothing is waited for, HELD, ENDING: its
 * event is over, and its last command under way. */
#define CLAIM_STATES(X) X(ASKING) X(WAITING) X(OTHERS) X(HELD) X(ENDING)

enum claim_state {
#define X(name) CLAIM_##name,
    CLAIM_STATES(X)
#undef X
};

struct once_claim {
    struct list link;         /* in engine.claims */
    struct weir_event *event; /* NULL: it is over */
    struct engine *engine;
    struct weir_redis *server;
    struct weir_command *command; /* under way; NULL: none */
    struct timer timer;           /* for the next look, or to renew the lease */
    enum claim_state state;
    bool closed;    /* without Redis the event is refused */
    bool refuses;   /* it does not wait for another gateway */
    bool committed; /* what stands there stays, whatever comes */
    bool keeps;     /* what it puts there is missed if it can't be put there */
    uint64_t ttl_ms;
    uint64_t look_ms; /* until the next look */
    uint32_t lost;    /* series */
    char key[KEY_LEN];
    uint8_t content[ONCE_BYTES];
    struct weir_text mine; /* what this claim has put there; owned */
};

/* Every change of a claim's state, and no other, happens here. */
static void
enter(struct once_claim *c, enum claim_state next)
{
    static const unsigned may[] = {
        [CLAIM_ASKING] = 1u << CLAIM_WAITING | 1u << CLAIM_OTHERS | 1u << CLAIM_HELD | 1u << CLAIM_ENDING,
        [CLAIM_WAITING] = 1u << CLAIM_ASKING,
        [CLAIM_OTHERS] = 0,
        [CLAIM_HELD] = 1u << CLAIM_ENDING,
        [CLAIM_ENDING] = 0,
    };
    assert(may[c->state] & 1u << next);
    c->engine->n_claims_ending += next == CLAIM_ENDING;
    c->state = next;
}

static uint32_t
series(const struct engine *en, const struct weir_event *e, enum claim_verdict v)
{
    static const char *const names[] = {
#define X(name, text) [CLAIM_##name] = text,
        CLAIM_VERDICTS(X)
#undef X
    };
    const struct weir_text labels[] = { text_of(e->trigger->flow->pipeline->name), text_of(names[v]) };
    return metric_series_of(en->shard->index, en->claim_family, labels);
}

/* Takes BYTES (malloc'ed). */
static void
set_mine(struct once_claim *c, char *bytes, size_t len)
{
    free((char *)c->mine.bytes);
    c->mine = (struct weir_text){ bytes, len };
}

static void
claim_free(struct once_claim *c)
{
    redis_forget(&c->command);
    timer_unset(c->engine->shard, &c->timer);
    list_remove(&c->link);
    c->engine->n_claims--;
    c->engine->n_claims_ending -= c->state == CLAIM_ENDING;
    free((char *)c->mine.bytes);
    free(c);
}

/* Sends the script. Where it puts something there, that lasts for TTL_MS; NEXT takes the claim's place. */
static void
tell(struct once_claim *c, struct weir_text what, struct weir_text next, uint64_t ttl_ms, weir_redis_fn *fn)
{
    char ttl[24];
    int len = snprintf(ttl, sizeof ttl, "%llu", (unsigned long long)ttl_ms);
    const struct weir_text args[] = {
        { c->key, KEY_LEN }, what, c->mine, { ttl, (size_t)len }, next,
    };
    const struct weir_redis_request r = { .size = sizeof r,
                                          .timeout_ms = COMMAND_MS,
                                          .args = args,
                                          .n_args = sizeof args / sizeof *args,
                                          .n_keys = 1,
                                          .script = { script, sizeof script - 1 } };
    redis_forget(&c->command);
    c->command = redis_send(c->engine->shard, c->server, &r, fn, c);
}

/* Whether REPLY says that it was done. */
static bool
is_done(const struct weir_value *reply)
{
    return reply && reply->type == WEIR_INT && reply->integer == 1;
}

/* -- while it is held, and at the end -- */

static void
told(void *arg, const struct weir_value *reply, const struct weir_error *err)
{
    struct once_claim *c = arg;
    struct engine *en = c->engine;
    bool over = c->state == CLAIM_ENDING;
    c->command = NULL;
    if (c->keeps && (err ? over : !is_done(reply))) {
        metric_add(en->shard->index, c->lost, 1); /* another gateway works on it by now, or will */
        c->keeps = false;
    }
    if (over) {
        claim_free(c);
        engine_look_idle(en);
    } else if (err || is_done(reply)) {
        timer_set(en->shard, &c->timer, shard_now(en->shard) + RENEW_MS);
    }
}

static void
hold(struct once_claim *c)
{
    enter(c, CLAIM_HELD);
    c->keeps = true;
    timer_set(c->engine->shard, &c->timer, shard_now(c->engine->shard) + RENEW_MS);
}

/* -- asking -- */

static void
decide(struct once_claim *c, enum claim_verdict v, struct weir_text answer, uint64_t left_ms)
{
    struct engine *en = c->engine;
    metric_add(en->shard->index, series(en, c->event, v), 1);
    if (v == CLAIM_FIRST || v == CLAIM_OPEN)
        hold(c);
    else if (v != CLAIM_CLOSED)
        enter(c, CLAIM_OTHERS);
    once_decided(c->event, v, answer, left_ms); /* C may be gone */
}

/* What stands there is another one's. */
static void
decide_other(struct once_claim *c, struct weir_text value, uint64_t left_ms)
{
    bool runs = value.len == RUNS_LEN && value.bytes[1] == 'r';
    const char *content = value.bytes + (runs ? 2 + ONCE_BYTES : 2);
    if (memcmp(content, c->content, ONCE_BYTES) != 0) {
        decide(c, CLAIM_CONTENT, TEXT(""), 0);
    } else if (!runs) {
        struct weir_text answer = { value.bytes + OVER_LEN, value.len - OVER_LEN };
        decide(c, CLAIM_AGAIN, answer, left_ms);
    } else if (c->refuses) {
        decide(c, CLAIM_RUNS, TEXT(""), 0);
    } else {
        enter(c, CLAIM_WAITING);
        timer_set(c->engine->shard, &c->timer, shard_now(c->engine->shard) + c->look_ms);
        c->look_ms = c->look_ms * 2 < LOOK_MAX_MS ? c->look_ms * 2 : LOOK_MAX_MS;
    }
}

/* Whether REPLY is what another claim has put there; *RET lasts as long as REPLY. */
static bool
take_other(const struct weir_value *reply, struct weir_text *ret, uint64_t *ret_left_ms)
{
    const struct weir_value *value = value_at(reply, 0), *left = value_at(reply, 1);
    if (value == NULL || left == NULL || left->type != WEIR_INT)
        return false;
    if (value->type != WEIR_STRING && value->type != WEIR_BYTES)
        return false;
    *ret = value_as_text(value);
    *ret_left_ms = left->integer > 0 ? (uint64_t)left->integer : 1;
    return ret->len >= OVER_LEN && ret->bytes[0] == '1' &&
           (ret->bytes[1] == 'a' || (ret->bytes[1] == 'r' && ret->len == RUNS_LEN));
}

static void
asked(void *arg, const struct weir_value *reply, const struct weir_error *err)
{
    struct once_claim *c = arg;
    struct weir_text value;
    uint64_t left_ms;
    c->command = NULL;
    if (err == NULL && is_done(reply))
        decide(c, CLAIM_FIRST, TEXT(""), 0);
    else if (err == NULL && take_other(reply, &value, &left_ms))
        decide_other(c, value, left_ms);
    else
        decide(c, c->closed ? CLAIM_CLOSED : CLAIM_OPEN, TEXT(""), 0);
}

static void
ask(struct once_claim *c)
{
    if (c->state == CLAIM_WAITING)
        enter(c, CLAIM_ASKING);
    tell(c, TEXT("claim"), TEXT(""), LEASE_MS, asked);
}

static void
on_timer(void *arg)
{
    struct once_claim *c = arg;
    if (c->state == CLAIM_WAITING)
        ask(c);
    else
        tell(c, TEXT("keep"), c->mine, c->committed ? c->ttl_ms : LEASE_MS, told);
}

static void
write_key(char ret[KEY_LEN], const uint8_t *key)
{
    static const char hex[] = "0123456789abcdef";
    memcpy(ret, KEY_PREFIX, sizeof KEY_PREFIX - 1);
    ret += sizeof KEY_PREFIX - 1;
    for (unsigned i = 0; i < ONCE_BYTES; i++) {
        ret[2 * i] = hex[key[i] >> 4];
        ret[2 * i + 1] = hex[key[i] & 15];
    }
}

bool
claim_wanted(const struct weir_event *e)
{
    const struct flow *f = e->trigger->flow;
    return (f->pipeline->idempotency ? f->once_redis : e->once_redis) != NULL &&
           engine_of(e->shard)->stand_in == NULL; /* a test of a pipeline reaches nothing outside */
}

bool
claim_ask(struct weir_event *e, const uint8_t *key, const uint8_t *content)
{
    struct engine *en = engine_of(e->shard);
    const struct flow *f = e->trigger->flow;
    if (en->n_claims >= CLAIMS_MAX)
        return false;
    struct once_claim *c = calloc(1, sizeof *c);
    char *mine = malloc(RUNS_LEN);
    if (c == NULL || mine == NULL)
        abort();
    c->event = e;
    c->engine = en;
    c->server = f->pipeline->idempotency ? f->once_redis : e->once_redis;
    c->closed = f->pipeline->idempotency ? f->pipeline->idempotency_closed : e->once_closed;
    c->refuses = f->pipeline->idempotency_refuse;
    c->ttl_ms = once_ttl(e);
    c->look_ms = LOOK_MIN_MS;
    c->lost = series(en, e, CLAIM_LOST);
    write_key(c->key, key);
    memcpy(c->content, content, ONCE_BYTES);
    memcpy(mine, "1r", 2);
    random_bytes(mine + 2, ONCE_BYTES);
    memcpy(mine + 2 + ONCE_BYTES, content, ONCE_BYTES);
    set_mine(c, mine, RUNS_LEN);
    timer_init(&c->timer, on_timer, c);
    list_push(&en->claims, &c->link);
    en->n_claims++;
    e->once_claim = c;
    ask(c);
    return true;
}

bool
claim_forget(struct weir_event *e)
{
    struct once_claim *c = e->once_claim;
    if (c == NULL || c->state == CLAIM_HELD)
        return false;
    timer_unset(c->engine->shard, &c->timer);
    redis_forget(&c->command);
    return true;
}

/* -- the end -- */

/* What is to stand there from now on; the caller frees the bytes. */
static char *
write_over(const struct once_claim *c, struct weir_text answer, size_t *ret_len)
{
    size_t len = answer.len <= ANSWER_MAX ? answer.len : 0;
    char *bytes = malloc(OVER_LEN + len);
    if (bytes == NULL)
        abort();
    memcpy(bytes, "1a", 2);
    memcpy(bytes + 2, c->content, ONCE_BYTES);
    if (len > 0)
        memcpy(bytes + OVER_LEN, answer.bytes, len);
    *ret_len = OVER_LEN + len;
    return bytes;
}

void
claim_commit(struct weir_event *e, struct weir_text answer)
{
    struct once_claim *c = e->once_claim;
    size_t len;
    if (c == NULL)
        return;
    char *next = write_over(c, answer, &len);
    c->committed = true;
    timer_unset(c->engine->shard, &c->timer);
    tell(c, TEXT("over"), (struct weir_text){ next, len }, c->ttl_ms, told);
    set_mine(c, next, len);
}

void
claim_end(struct weir_event *e, bool good, struct weir_text answer)
{
    struct once_claim *c = e->once_claim;
    if (c == NULL)
        return;
    e->once_claim = NULL;
    c->event = NULL;
    timer_unset(c->engine->shard, &c->timer);
    if (c->state == CLAIM_WAITING || c->state == CLAIM_OTHERS) {
        claim_free(c);
        return;
    }
    enter(c, CLAIM_ENDING);
    c->keeps = c->keeps && (good || c->committed);
    if (c->committed && (!good || answer.len == 0)) {
        if (c->command == NULL)
            claim_free(c);
    } else if (good) {
        size_t len;
        char *next = write_over(c, answer, &len);
        tell(c, TEXT("over"), (struct weir_text){ next, len }, c->ttl_ms, told);
        free(next);
    } else {
        tell(c, TEXT("free"), TEXT(""), LEASE_MS, told);
    }
}

struct weir_event *
claim_waiting(const struct engine *e)
{
    for (struct list *link = e->claims.next; link != &e->claims; link = link->next) {
        struct once_claim *c = list_entry(link, struct once_claim, link);
        if (c->state == CLAIM_ASKING || c->state == CLAIM_WAITING)
            return c->event;
    }
    return NULL;
}

void
claims_free(struct engine *e)
{
    while (!list_empty(&e->claims))
        claim_free(list_entry(e->claims.next, struct once_claim, link));
}

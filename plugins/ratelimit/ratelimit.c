/* ratelimit/ratelimit.c - lets so many requests of a key through: see README.md.
 *
 * What is counted is in the process (memory.c) or in Redis (redis.c); what is allowed is
 * decide.c's to say, and script.c's.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ratelimit.h"

#include <stdlib.h>

#include "memory.h"
#include "redis.h"

/* -- one request -- */

/* Evaluates the text of a slot; absent is empty. */
static uint32_t
text_of(struct weir_call *call, uint32_t slot, struct weir_text *ret, struct weir_error *err)
{
    uint32_t code = host->eval_text(call, slot, ret, err);
    if (code == WEIR_NOT_FOUND)
        *ret = WEIR_TEXT("");
    return code == WEIR_NOT_FOUND ? (uint32_t)WEIR_OK : code;
}

/* The limit that holds: the selected one, or that of all others. */
static uint32_t
find_limit(struct request *r, struct weir_error *err)
{
    struct weir_text name;
    const struct policy *p = r->limiter->policy;
    r->limit = &p->limits[0];
    if (!p->picks)
        return WEIR_OK;
    if (text_of(r->call, r->limiter->select, &name, err) != WEIR_OK)
        return err->code;
    r->limit = policy_limit(p, name);
    if (r->limit == NULL)
        r->limit = policy_limit(p, WEIR_TEXT("default"));
    return WEIR_OK;
}

static uint32_t
find_rate(struct request *r, struct weir_error *err)
{
    struct limit *l =
        (struct limit *)(uintptr_t)r->limit; /* what was seen is no secret of it */
    const struct weir_value *v = NULL;
    r->ask.rate = l->rate;
    if (l->slot == 0)
        return WEIR_OK;
    if (host->eval(r->call, l->slot, &v, err) != WEIR_OK)
        return err->code;
    uint32_t code = rate_read(v, r->limiter->policy, &r->ask.rate, err);
    host->unref(&v);
    if (code == WEIR_OK) {
        atomic_store_explicit(&l->seen_limit, r->ask.rate.limit, memory_order_relaxed);
        atomic_store_explicit(&l->seen_window, r->ask.rate.window_ms, memory_order_relaxed);
    }
    return code;
}

static uint32_t
find_cost(struct request *r, struct weir_error *err)
{
    const struct weir_value *v = NULL;
    int64_t cost = (int64_t)r->limiter->fixed_cost;
    if (r->limiter->cost > 0) {
        if (host->eval(r->call, r->limiter->cost, &v, err) != WEIR_OK)
            return err->code;
        if (!host->get_int(v, &cost))
            cost = -1;
        host->unref(&v);
    }
    if (cost < 0)
        return refuse(err, WEIR_INVALID, "'cost' must be a whole number from 0");
    r->ask.cost = (uint64_t)cost;
    if (r->ask.algorithm == SLIDING_LOG && r->ask.cost > COST_LOG_MAX &&
        r->ask.cost <= r->ask.rate.limit)
        return refuse(err, WEIR_INVALID,
                      "a sliding-log counts a request as %u at most; sliding-window and "
                      "token-bucket take more",
                      COST_LOG_MAX);
    return WEIR_OK;
}

static uint32_t
find_key(struct request *r, uint8_t ret[ID_LEN], struct weir_error *err)
{
    struct weir_text key;
    if (text_of(r->call, r->limiter->key, &key, err) != WEIR_OK)
        return err->code;
    if (key.len == 0)
        return refuse(err, WEIR_INVALID, "the key of the limit is empty");
    policy_id(r->limiter->policy, r->limit, key, ret);
    return WEIR_OK;
}

static void
replied(void *arg, const struct weir_value *reply, const struct weir_error *err)
{
    struct request *r = arg;
    struct verdict v;
    uint64_t wall_ms;
    r->command = NULL;
    if (err != NULL)
        answer_without(r, err->text);
    else if (redis_verdict(reply, &v, &wall_ms))
        answer(r, &v, wall_ms);
    else
        answer_without(r, "Redis answered something else");
}

static void
limiter_run(struct weir_call *call, void *state)
{
    struct limiter_shard *shard = state;
    const struct limiter *l = shard->limiter;
    struct weir_error err;
    struct bucket b = { .policy = l->policy };
    struct request first = { .call = call, .limiter = l, .shard = shard };
    first.ask.algorithm = l->policy->algorithm;
    WEIR_ERROR_CLEAR(&err);
    if (find_limit(&first, &err) != WEIR_OK || find_rate(&first, &err) != WEIR_OK ||
        find_cost(&first, &err) != WEIR_OK || find_key(&first, b.id, &err) != WEIR_OK) {
        fail_with(call, &err);
        return;
    }
    if (l->policy->redis != NULL) {
        struct request *r = host->alloc(call, sizeof *r);
        *r = first;
        host->set_data(call, r);
        b.limit = r->limit;
        r->command =
            redis_decide(host->shard(call), &b, &r->ask, l->policy->timeout_ms, replied, r);
        return;
    }
    struct verdict v;
    memory_decide(l->policy->number, (struct weir_text){ (const char *)b.id, ID_LEN },
                  &first.ask, &v);
    if (v.full)
        answer_without(&first, "the limits' memory is full");
    else
        answer(&first, &v, host->wall_ms(host->shard(call)));
}

static void
limiter_cancel(struct weir_call *call, void *state)
{
    (void)state;
    struct request *r = host->data(call);
    host->redis_forget(&r->command);
    cut_short(call, "the decision was not waited for");
}

/* -- shards -- */

static uint32_t
limiter_attach(struct weir_shard *shard, void *conf, void **ret_state, struct weir_error *err)
{
    (void)err;
    const struct limiter *l = conf;
    struct limiter_shard *s = zeroed(1, sizeof *s);
    const struct weir_value **limits = zeroed(l->policy->n, sizeof *limits);
    s->limiter = l;
    s->limits = limits;
    s->sweeps = l->policy->redis == NULL && host->shard_index(shard) == 0;
    if (s->sweeps)
        memory_sweep_start(shard);
    *ret_state = s;
    return WEIR_OK;
}

static void
limiter_detach(void *state)
{
    struct limiter_shard *s = state;
    if (s->sweeps)
        memory_sweep_stop();
    host->unref(&s->policy);
    for (unsigned i = 0; i < s->limiter->policy->n; i++)
        host->unref(&s->limits[i]);
    free(s->limits);
    free(s);
}

/* -- what it is -- */

/* clang-format off */
static const char schema[] = WEIR_JSON({
    "description": "How many requests of a key are let through.",
    "type": "object",
    "additionalProperties": false,
    "required": ["key"],
    "x-weir-resource": { "kind": "limits", "name": "name", "own": ["key", "cost", "select"] },
    "properties": {
        "name": {
            "description": "The policy: nodes of one name count together. Default: PIPELINE/STEP.",
            "type": "string",
            "pattern": "^[A-Za-z0-9][A-Za-z0-9 ._/-]{0,127}$",
            "x-weir-literal": true,
            "examples": ["gateway"]
        },
        "key": {
            "description": "Whose requests are counted; only a digest of it is kept.",
            "writeOnly": true,
            "examples": ["${ request.headers[\"x-api-key\"] ?? request.client_ip }"]
        },
        "limit": {
            "description": "How many in how long. Either this or 'limits'.",
            "type": "string",
            "format": "rate",
            "examples": ["100/60s", "${ input.plan == 'free' ? '10/60s' : '1000/60s' }"]
        },
        "limits": {
            "description": "Limits by name, each with buckets of its own; 'select' chooses.",
            "type": "object",
            "minProperties": 1,
            "propertyNames": { "pattern": "^[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}$" },
            "additionalProperties": { "type": "string", "format": "rate" },
            "examples": [{ "llama": "10/60s", "default": "100/60s" }]
        },
        "select": {
            "description": "The name of the limit; for any other text 'default' holds, and is shared.",
            "examples": ["${ request.params.service }"]
        },
        "cost": {
            "description": "As how many the request counts; 0 only looks.",
            "type": "integer",
            "minimum": 0,
            "maximum": 1000000000,
            "default": 1,
            "examples": [1, "${ size(request.body.items) }"]
        },
        "algorithm": {
            "description": "How is counted.",
            "enum": ["sliding-log", "sliding-window", "token-bucket"],
            "default": "sliding-log",
            "x-weir-literal": true,
            "examples": ["token-bucket"]
        },
        "burst": {
            "description": "What a token-bucket holds. Default: the limit.",
            "type": "integer",
            "minimum": 1,
            "maximum": 1000000000,
            "x-weir-literal": true,
            "examples": [20]
        },
        "store": {
            "description": "Where is counted: 'memory' (this process, all shards) or the URL of a Redis; read at load.",
            "type": "string",
            "writeOnly": true,
            "default": "memory",
            "examples": ["redis://127.0.0.1:6379", "${ env.REDIS_URL ?? 'memory' }"]
        },
        "headers": {
            "description": "What callers are told: RateLimit (ietf), X-RateLimit (legacy), both or none.",
            "enum": ["ietf", "legacy", "both", "none"],
            "default": "both",
            "x-weir-literal": true,
            "examples": ["legacy"]
        },
        "reset": {
            "description": "X-RateLimit-Reset in unix seconds, or in ISO 8601.",
            "enum": ["seconds", "iso"],
            "default": "seconds",
            "x-weir-literal": true,
            "examples": ["iso"]
        },
        "on_store_error": {
            "description": "Without its store it lets requests through (open) or refuses them (closed).",
            "enum": ["open", "closed"],
            "default": "open",
            "x-weir-literal": true,
            "examples": ["closed"]
        },
        "store_timeout": {
            "description": "Within this time it is decided, with Redis or without: 5ms to 50ms.",
            "type": "string",
            "format": "duration",
            "default": "50ms",
            "x-weir-literal": true,
            "examples": ["20ms"]
        }
    }
});
/* clang-format on */

static const struct weir_node_type nodes[] = {
    {
        .size = sizeof(struct weir_node_type),
        .flags = WEIR_TAP,
        .name = "ratelimit",
        .summary = "Lets so many requests of a key through, and refuses the others with 429.",
        .config_schema = schema,
        .example = "- ratelimit:\n"
                   "    name: gateway\n"
                   "    key: ${ request.headers[\"x-api-key\"] ?? request.client_ip }\n"
                   "    limits: { llama: 10/60s, embeddings: 100/60s, default: 100/60s }\n"
                   "    select: ${ request.params.service }\n"
                   "    store: ${ env.REDIS_URL ?? 'memory' }\n",
        .output = "{ allowed: true, limit, remaining, reset (unix ms), policy, name, "
                  "store_error }; what flows into the node flows on",
        .effect = WEIR_EFFECT_NONE,
        .open = limiter_open,
        .attach = limiter_attach,
        .run = limiter_run,
        .cancel = limiter_cancel,
        .detach = limiter_detach,
        .close = limiter_close,
    },
};

static const struct weir_collection collections[] = {
    {
        .size = sizeof(struct weir_collection),
        .name = "limits",
        .summary = "Policies of rate limits; what is counted under a key, and forgetting it.",
        .verbs = "reset",
        .ask = limits_ask,
    },
};

const struct weir_plugin *
weir_plugin_entry(const struct weir_host *h)
{
    static const struct weir_plugin plugin = {
        PLUGIN_HEAD("ratelimit"),
        PLUGIN_NODES(nodes),
        PLUGIN_COLLECTIONS(collections),
    };
    host = h;
    redis_prepare();
    return &plugin;
}

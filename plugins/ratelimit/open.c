/* ratelimit/open.c - from the configuration to a limiter: see README.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "ratelimit.h"

#define LIMITS_MAX 64u

static bool
is(struct weir_text text, const char *what)
{
    return text.len == strlen(what) && memcmp(text.bytes, what, text.len) == 0;
}

static struct weir_text
text_at(const struct weir_value *config, const char *key)
{
    struct weir_text text = WEIR_TEXT("");
    (void)host->get_text(host->get(config, (struct weir_text){ key, strlen(key) }), &text);
    return text;
}

uint32_t
rate_read(const struct weir_value *v, const struct policy *p, struct rate *ret,
          struct weir_error *err)
{
    int64_t count = -1;
    int64_t per = -1;
    (void)host->get_int(host->get(v, WEIR_TEXT("count")), &count);
    (void)host->get_int(host->get(v, WEIR_TEXT("per_ms")), &per);
    if (count < 0 || per <= 0)
        return refuse(err, WEIR_INVALID, "a limit must be a rate such as 100/60s");
    if (rate_make((uint64_t)count, (uint64_t)per, p->capacity, ret))
        return WEIR_OK;
    return refuse(err, WEIR_INVALID,
                  "a limit may be up to %u, its window up to 31 days, and a bucket must fill "
                  "within these",
                  LIMIT_MAX);
}

/* One limit: NAME, and its rate at POINTER with the value V. */
static uint32_t
take_limit(struct weir_open *open, struct policy *p, struct weir_text name, const char *pointer,
           const struct weir_value *v, struct weir_error *err)
{
    struct limit *l = &p->limits[p->n++];
    char text[sizeof p->name + sizeof l->name];
    uint8_t hash[64];
    snprintf(l->name, sizeof l->name, "%.*s", (int)name.len, name.bytes);
    int len = snprintf(text, sizeof text, "%s:%s", p->name, l->name);
    (void)host->digest(WEIR_SHA256, (struct weir_text){ text, (size_t)len }, hash);
    memcpy(l->salt, hash, sizeof l->salt);
    l->slot = host->slot(open, pointer);
    if ((host->slot_flags(open, l->slot) & WEIR_SLOT_CONSTANT) != 0) {
        l->slot = 0;
        if (rate_read(v, p, &l->rate, err) != WEIR_OK)
            return err->code;
    }
    policy_say(p, l);
    return WEIR_OK;
}

static uint32_t
take_limits(struct weir_open *open, struct policy *p, const struct weir_value *limits,
            struct weir_error *err)
{
    struct weir_text name;
    const struct weir_value *v;
    char pointer[sizeof "/limits/" + LIMIT_NAME_MAX];
    p->picks = true;
    p->n = 0;
    for (size_t i = 0; host->member(limits, i, &name, &v); i++) {
        snprintf(pointer, sizeof pointer, "/limits/%.*s", (int)name.len, name.bytes);
        if (take_limit(open, p, name, pointer, v, err) != WEIR_OK)
            return err->code;
    }
    return WEIR_OK;
}

/* Which of limit, limits and select there may be together. */
static uint32_t
check_limits(const struct weir_value *config, struct weir_error *err)
{
    const struct weir_value *limits = host->get(config, WEIR_TEXT("limits"));
    bool one = host->get(config, WEIR_TEXT("limit")) != NULL;
    bool select = host->get(config, WEIR_TEXT("select")) != NULL;
    if (one == (limits != NULL))
        return refuse(err, WEIR_INVALID,
                      "one of 'limit' and 'limits' must say how much is allowed");
    if (one && select)
        return refuse(err, WEIR_INVALID,
                      "'select' chooses from 'limits'; there is only 'limit'");
    if (limits && !select)
        return refuse(err, WEIR_INVALID, "'limits' needs 'select' to say which of them holds");
    if (limits && host->get(limits, WEIR_TEXT("default")) == NULL)
        return refuse(err, WEIR_INVALID,
                      "'limits' needs a 'default' for what 'select' may give besides");
    return WEIR_OK;
}

/* The policy's name: what the author says, or PIPELINE/STEP. */
static uint32_t
take_name(struct weir_open *open, const struct weir_value *config, char ret[NAME_MAX_LEN + 1],
          struct weir_error *err)
{
    struct weir_text name = text_at(config, "name");
    struct weir_text pipeline = host->pipeline_name(open);
    struct weir_text node = host->node_id(open);
    int len = name.len > 0 ? snprintf(ret, NAME_MAX_LEN + 1, "%.*s", (int)name.len, name.bytes)
                           : snprintf(ret, NAME_MAX_LEN + 1, "%.*s/%.*s", (int)pipeline.len,
                                      pipeline.bytes, (int)node.len, node.bytes);
    if (len <= (int)NAME_MAX_LEN)
        return WEIR_OK;
    return refuse(err, WEIR_INVALID, "the policy needs a 'name': %.*s/%.*s is too long for one",
                  (int)pipeline.len, pipeline.bytes, (int)node.len, node.bytes);
}

static uint32_t
take_store(struct weir_open *open, struct policy *p, struct weir_error *err)
{
    const struct weir_value *v = NULL;
    struct weir_text store = WEIR_TEXT("memory");
    uint32_t slot = host->slot(open, "/store");
    uint32_t code = slot == 0 ? WEIR_OK : host->constant(open, slot, &v, err);
    if (code != WEIR_OK)
        return code;
    (void)host->get_text(v, &store);
    if (store.len == 0 || is(store, "memory"))
        code = memory_open(open, err);
    else if ((p->redis = host->redis(open, store, err)) == NULL)
        code = err->code;
    host->unref(&v);
    return code;
}

static enum algorithm
algorithm_at(const struct weir_value *config)
{
    struct weir_text text = text_at(config, "algorithm");
    if (is(text, "sliding-window"))
        return SLIDING_WINDOW;
    return is(text, "token-bucket") ? TOKEN_BUCKET : SLIDING_LOG;
}

static uint32_t
fill_policy(struct weir_open *open, const struct weir_value *config, struct policy *p,
            struct weir_error *err)
{
    int64_t n = 0;
    const struct weir_value *limits = host->get(config, WEIR_TEXT("limits"));
    const struct weir_value *limit = host->get(config, WEIR_TEXT("limit"));
    p->pipeline = text_copied(host->pipeline_name(open));
    p->node = text_copied(host->node_id(open));
    p->algorithm = algorithm_at(config);
    if (host->get_int(host->get(config, WEIR_TEXT("burst")), &n)) {
        if (p->algorithm != TOKEN_BUCKET)
            return refuse(err, WEIR_INVALID, "only a token-bucket has a 'burst'");
        p->capacity = (uint32_t)n;
    }
    n = 50;
    (void)host->get_int(host->get(config, WEIR_TEXT("store_timeout")), &n);
    if (n < 5 || n > 50)
        return refuse(err, WEIR_INVALID, "'store_timeout' must be from 5ms to 50ms");
    p->timeout_ms = (uint32_t)(n * 3 / 5); /* the rest is for who is late on a busy machine */
    if (take_store(open, p, err) != WEIR_OK)
        return err->code;
    p->n = 0;
    return limits ? take_limits(open, p, limits, err)
                  : take_limit(open, p, WEIR_TEXT("default"), "/limit", limit, err);
}

static uint32_t
make_policy(struct weir_open *open, const struct weir_value *config, struct policy **ret,
            struct weir_error *err)
{
    char name[NAME_MAX_LEN + 1];
    const struct weir_value *limits = host->get(config, WEIR_TEXT("limits"));
    size_t n = limits ? host->len(limits) : 0;
    if (check_limits(config, err) != WEIR_OK || take_name(open, config, name, err) != WEIR_OK)
        return err->code;
    if (n > LIMITS_MAX)
        return refuse(err, WEIR_INVALID, "there are more than %u limits", LIMITS_MAX);
    struct policy *p = policy_new(name, n > 0 ? (unsigned)n : 1);
    if (fill_policy(open, config, p, err) != WEIR_OK)
        policy_unref(&p);
    else
        *ret = p;
    return p ? WEIR_OK : err->code;
}

static uint32_t
make_metric(struct weir_open *open, uint32_t *ret, struct weir_error *err)
{
    static const struct weir_metric decisions = {
        .size = sizeof decisions,
        .kind = WEIR_COUNTER,
        .name = "weir_ratelimit_decisions_total",
        .help = "Decisions of rate limits: allowed, limited, or error (the store was away).",
        .labels = "policy decision",
    };
    *ret = host->metric(open, &decisions, err);
    return *ret > 0 ? WEIR_OK : err->code;
}

static void
fill_limiter(struct weir_open *open, const struct weir_value *config, struct limiter *l)
{
    int64_t cost = 1;
    struct weir_text headers = text_at(config, "headers");
    l->key = host->slot(open, "/key");
    l->select = host->slot(open, "/select");
    l->cost = host->slot(open, "/cost");
    if (l->cost > 0 && host->slot_flags(open, l->cost) & WEIR_SLOT_CONSTANT) {
        l->cost = 0;
        (void)host->get_int(host->get(config, WEIR_TEXT("cost")), &cost);
    }
    l->fixed_cost = (uint64_t)cost;
    l->ietf = is(headers, "ietf") || is(headers, "both");
    l->legacy = is(headers, "legacy") || is(headers, "both");
    l->iso = is(text_at(config, "reset"), "iso");
    l->closed = is(text_at(config, "on_store_error"), "closed");
}

uint32_t
limiter_open(struct weir_open *open, const struct weir_value *config, void **ret_conf,
             struct weir_error *err)
{
    struct limiter *l = zeroed(1, sizeof *l);
    if (make_metric(open, &l->metric, err) != WEIR_OK ||
        make_policy(open, config, &l->policy, err) != WEIR_OK) {
        free(l);
        return err->code;
    }
    fill_limiter(open, config, l);
    policy_enter(l->policy);
    *ret_conf = l;
    return WEIR_OK;
}

void
limiter_close(void *conf)
{
    struct limiter *l = conf;
    policy_leave(l->policy);
    policy_unref(&l->policy);
    free(l);
}

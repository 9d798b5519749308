/* ratelimit/answer.c - what the caller and the pipeline hear of a decision.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "ratelimit.h"

#define AWAY_MS 1000u /* when to come again, if the store is away */

/* Sets a header. */
static void
set(struct weir_call *call, struct weir_text name, const char *value, int len)
{
    host->header_set(call, name, (struct weir_text){ value, (size_t)len });
}

static unsigned long long
seconds(uint64_t ms)
{
    return (ms + 999) / 1000;
}

/* The name in RateLimit: of a limit that was given by name, POLICY/LIMIT. */
static int
write_name(const struct request *r, char *ret, size_t room)
{
    const struct policy *p = r->limiter->policy;
    return snprintf(ret, room, "\"%s%s%s\"", p->name, p->picks ? "/" : "",
                    p->picks ? r->limit->name : "");
}

static void
set_ietf(const struct request *r, const struct verdict *v)
{
    char text[NAME_MAX_LEN + LIMIT_NAME_MAX + 80];
    int name = write_name(r, text, sizeof text);
    size_t room = sizeof text - (size_t)name;
    int len = snprintf(text + name, room, ";q=%u;w=%llu", r->ask.rate.limit,
                       seconds(r->ask.rate.window_ms));
    set(r->call, WEIR_TEXT("RateLimit-Policy"), text, name + len);
    len = snprintf(text + name, room, ";r=%llu;t=%llu", (unsigned long long)v->remaining,
                   seconds(v->reset_ms));
    set(r->call, WEIR_TEXT("RateLimit"), text, name + len);
}

/* MS since 1970 as seconds, rounded up, or as 2026-01-31T12:00:00.123Z. */
static int
write_moment(uint64_t ms, bool iso, char ret[40])
{
    if (!iso)
        return snprintf(ret, 40, "%llu", seconds(ms));
    time_t whole = (time_t)(ms / 1000);
    struct tm t;
    if (gmtime_r(&whole, &t) == NULL)
        return snprintf(ret, 40, "%llu", seconds(ms));
    size_t len = strftime(ret, 40, "%Y-%m-%dT%H:%M:%S", &t);
    return (int)len + snprintf(ret + len, 40 - len, ".%03uZ", (unsigned)(ms % 1000));
}

static void
set_legacy(const struct request *r, const struct verdict *v, uint64_t wall_ms)
{
    char text[40];
    int len = snprintf(text, sizeof text, "%u", r->ask.rate.capacity);
    set(r->call, WEIR_TEXT("X-RateLimit-Limit"), text, len);
    len = snprintf(text, sizeof text, "%llu", (unsigned long long)v->remaining);
    set(r->call, WEIR_TEXT("X-RateLimit-Remaining"), text, len);
    len = write_moment(wall_ms + v->reset_ms, r->limiter->iso, text);
    set(r->call, WEIR_TEXT("X-RateLimit-Reset"), text, len);
}

static void
set_headers(const struct request *r, const struct verdict *v, uint64_t wall_ms)
{
    if (r->limiter->ietf)
        set_ietf(r, v);
    if (r->limiter->legacy)
        set_legacy(r, v, wall_ms);
}

static void
count(const struct request *r, struct weir_text decision)
{
    const char *name = r->limiter->policy->name;
    const struct weir_text labels[] = { { name, strlen(name) }, decision };
    host->measure(r->call, r->limiter->metric, labels, 1);
}

static void
put(struct weir_builder *b, struct weir_text key, const struct weir_value *take_v)
{
    host->map_set(b, key, &take_v);
}

static void
put_text(struct weir_builder *b, struct weir_text key, const char *text)
{
    put(b, key, host->string((struct weir_text){ text, strlen(text) }));
}

/* { allowed, limit, remaining, reset, policy, name, store_error } */
static const struct weir_value *
output(const struct request *r, const struct verdict *v, uint64_t wall_ms, bool store_error)
{
    struct weir_builder *b = host->map_new();
    put(b, WEIR_TEXT("allowed"), host->boolean(v->allowed));
    put(b, WEIR_TEXT("limit"), host->integer(r->ask.rate.capacity));
    put(b, WEIR_TEXT("remaining"), host->integer((int64_t)v->remaining));
    put(b, WEIR_TEXT("reset"), host->integer((int64_t)(wall_ms + v->reset_ms)));
    put_text(b, WEIR_TEXT("policy"), r->limiter->policy->name);
    put_text(b, WEIR_TEXT("name"), r->limit->name);
    put(b, WEIR_TEXT("store_error"), host->boolean(store_error));
    return host->build(&b);
}

static void
fail_limited(const struct request *r, const struct verdict *v, uint64_t wall_ms)
{
    struct weir_error err = { .code = WEIR_LIMITED };
    char rate[40];
    rate_text(&r->ask.rate, rate);
    err.retry_after_ms = v->retry_ms > UINT32_MAX ? UINT32_MAX : (uint32_t)v->retry_ms;
    if (r->ask.cost > r->ask.rate.capacity)
        snprintf(err.text, sizeof err.text,
                 "this request counts as %llu: more than the limit of %s ever allows",
                 (unsigned long long)r->ask.cost, rate);
    else
        snprintf(err.text, sizeof err.text, "the limit of %s is reached; try again in %llus",
                 rate, seconds(v->retry_ms));
    const struct weir_value *detail = output(r, v, wall_ms, false);
    err.detail = detail;
    host->fail(r->call, &err);
    host->unref(&detail);
}

void
answer(struct request *r, const struct verdict *v, uint64_t wall_ms)
{
    set_headers(r, v, wall_ms);
    count(r, v->allowed ? WEIR_TEXT("allowed") : WEIR_TEXT("limited"));
    if (!v->allowed) {
        fail_limited(r, v, wall_ms);
        return;
    }
    const struct weir_value *out = output(r, v, wall_ms, false);
    host->done(r->call, &out);
}

void
answer_without(struct request *r, const char *reason)
{
    uint64_t wall_ms = host->wall_ms(host->shard(r->call));
    struct verdict v = { .allowed = !r->limiter->closed, .reset_ms = r->ask.rate.window_ms };
    v.remaining = v.allowed ? r->ask.rate.capacity : 0;
    count(r, WEIR_TEXT("error"));
    if (v.allowed) {
        set_headers(r, &v, wall_ms);
        const struct weir_value *out = output(r, &v, wall_ms, true);
        host->done(r->call, &out);
        return;
    }
    v.reset_ms = AWAY_MS;
    set_headers(r, &v, wall_ms);
    struct weir_error err = { .code = WEIR_UNAVAILABLE, .retry_after_ms = AWAY_MS };
    snprintf(err.text, sizeof err.text, "what is counted for the limit is not to be had: %s",
             reason);
    host->fail(r->call, &err);
}

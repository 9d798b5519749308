/* ratelimit/answer.c - what the caller and the pipeline hear of a decision.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "line.h"
#include "ratelimit.h"

#define AWAY_MS 1000u /* when to come again, if the store is away */

static uint64_t
seconds(uint64_t ms)
{
    return (ms + 999) / 1000;
}

static void
set_ietf(const struct request *r, const struct verdict *v)
{
    char text[TERMS_MAX];
    struct line l = { .bytes = text, .room = sizeof text };
    host->header_set(r->call, WEIR_TEXT("RateLimit-Policy"), limit_terms(r->limit, &r->ask.rate, text));
    line_text(&l, r->limit->shown);
    line_text(&l, ";r=");
    line_number(&l, v->remaining, 1);
    line_text(&l, ";t=");
    line_number(&l, seconds(v->reset_ms), 1);
    host->header_set(r->call, WEIR_TEXT("RateLimit"), line_done(&l));
}

/* MS since 1970 as 2026-01-31T12:00:00.123Z. The day's date is worked out once: a thread has one day
 * at a time. */
static void
write_iso(struct line *l, uint64_t ms)
{
    static _Thread_local uint64_t known_day = UINT64_MAX;
    static _Thread_local char date[40]; /* "2026-01-31T" */
    uint64_t day = ms / 86400000u, second = ms / 1000 % 86400;
    if (day != known_day) {
        time_t start = (time_t)(day * 86400u);
        struct tm t;
        if (gmtime_r(&start, &t) == NULL || strftime(date, sizeof date, "%Y-%m-%dT", &t) == 0)
            date[0] = '\0';
        known_day = day;
    }
    line_text(l, date);
    line_number(l, second / 3600, 2);
    line_text(l, ":");
    line_number(l, second / 60 % 60, 2);
    line_text(l, ":");
    line_number(l, second % 60, 2);
    line_text(l, ".");
    line_number(l, ms % 1000, 3);
    line_text(l, "Z");
}

static void
set_number(const struct request *r, struct weir_text header, uint64_t n)
{
    char text[20];
    struct line l = { .bytes = text, .room = sizeof text };
    line_number(&l, n, 1);
    host->header_set(r->call, header, line_done(&l));
}

static void
set_legacy(const struct request *r, const struct verdict *v, uint64_t wall_ms)
{
    set_number(r, WEIR_TEXT("X-RateLimit-Limit"), r->ask.rate.capacity);
    set_number(r, WEIR_TEXT("X-RateLimit-Remaining"), v->remaining);
    uint64_t reset_ms = wall_ms + v->reset_ms;
    if (!r->limiter->iso) {
        set_number(r, WEIR_TEXT("X-RateLimit-Reset"), seconds(reset_ms));
        return;
    }
    char text[64];
    struct line l = { .bytes = text, .room = sizeof text };
    write_iso(&l, reset_ms);
    host->header_set(r->call, WEIR_TEXT("X-RateLimit-Reset"), line_done(&l));
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

/* NAME as *KNOWN, which is made at its first use. */
static void
put_name(struct weir_builder *b, struct weir_text key, const struct weir_value **known, const char *name)
{
    if (*known == NULL)
        *known = host->string((struct weir_text){ name, strlen(name) });
    if (*known != NULL)
        map_take(b, key, host->ref(*known));
    else
        map_take(b, key, NULL);
}

/* { allowed, limit, remaining, reset, policy, name, store_error } */
static const struct weir_value *
output(const struct request *r, const struct verdict *v, uint64_t wall_ms, bool store_error)
{
    const struct policy *p = r->limiter->policy;
    struct weir_builder *b = host->map_new();
    map_take(b, WEIR_TEXT("allowed"), host->boolean(v->allowed));
    map_take(b, WEIR_TEXT("limit"), host->integer(r->ask.rate.capacity));
    map_take(b, WEIR_TEXT("remaining"), host->integer((int64_t)v->remaining));
    map_take(b, WEIR_TEXT("reset"), host->integer((int64_t)(wall_ms + v->reset_ms)));
    put_name(b, WEIR_TEXT("policy"), &r->shard->policy, p->name);
    put_name(b, WEIR_TEXT("name"), &r->shard->limits[r->limit - p->limits], r->limit->name);
    map_take(b, WEIR_TEXT("store_error"), host->boolean(store_error));
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
                 rate, (unsigned long long)seconds(v->retry_ms));
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

/* jwks.c - keys that an issuer publishes as a JWK set (RFC 7517); see auth_parts.h.
 *
 * Each shard reads the keys itself, without a lock; what one of them has fetched, the others take from a
 * cache that outlives reloads. Old keys are used while new ones come, and while they can't be had.
 * A token with a key that nobody knows may make a shard fetch the set anew, but not often.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "auth_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CACHE_BYTES (8u << 20) /* for all sets of the process */
#define BODY_MAX (256u << 10)
#define CONNECT_MS 3000
#define WHOLE_MS 5000
#define RENEW_MS 30000 /* between two tries, if there are keys */
#define AGAIN_MS 2000  /* and if there are none */

struct jwks_source {
    char *url; /* owned */
    const struct weir_value *tls; /* owned; or NULL */
    struct weir_lru *cache;
    uint8_t key[64]; /* in the cache: a digest of the URL and of whom is trusted there */
    char *pipeline;    /* owned */
    uint32_t fetches;  /* the metric */
    uint64_t fresh_ms; /* how old keys may become without being fetched again */
    uint64_t keep_ms;  /* and while they can't be fetched */
};

struct jwks {
    struct guard *guard;
    const struct jwks_source *source;
    struct jwt_keys keys;
    uint64_t mark;  /* when they were fetched, since 1970; 0: there are none */
    uint64_t tried_ms; /* on the shard's clock */
    bool tried;
    struct weir_fetch *running; /* NULL: none */
};

/* -- where they are -- */

/* Whether nobody can stand between us and the host of URL: it is this machine. */
static bool
is_loopback(const char *url)
{
    static const char *const hosts[] = { "localhost", "127.0.0.1", "[::1]" };
    url += 7;
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        size_t len = strlen(hosts[i]);
        if (strncasecmp(url, hosts[i], len) == 0 && strchr(":/", url[len]) != NULL)
            return true; /* strchr finds the NUL as well */
    }
    return false;
}

static uint32_t
take_url(struct jwks_source *s, const struct weir_value *config, struct weir_error *err)
{
    struct weir_text url = config_text(config, WEIR_TEXT("jwks_url"));
    bool plain = false;
    (void)host->get_bool(host->get(config, WEIR_TEXT("allow_http")), &plain);
    s->url = text_copied(url);
    if (strlen(s->url) == url.len && strncasecmp(s->url, "https://", 8) == 0)
        return WEIR_OK;
    if (strlen(s->url) == url.len && strncasecmp(s->url, "http://", 7) == 0 &&
        (plain || is_loopback(s->url)))
        return WEIR_OK;
    return refuse(err, WEIR_INVALID,
                  "jwks_url has to begin with https://: who can change keys on their way lets in whom he likes. "
                  "'allow_http: true' takes them all the same");
}

/* Keys that were fetched with other trust, such as another ca, are others. */
static uint32_t
make_key(struct jwks_source *s, struct weir_error *err)
{
    const struct weir_value *json = NULL;
    struct weir_text tls = { "", 0 };
    if (s->tls != NULL && host->json_write(s->tls, &json, err) != WEIR_OK)
        return err->code;
    if (json != NULL)
        (void)host->get_text(json, &tls);
    const struct weir_text parts[] = { text_of(s->url), tls };
    (void)host->hmac_parts(WEIR_SHA256, WEIR_TEXT("auth.jwks"), parts, 1, s->key);
    (void)host->hmac_parts(WEIR_SHA256, (struct weir_text){ (const char *)s->key, 32 }, parts + 1, 1, s->key + 32);
    host->unref(&json);
    return WEIR_OK;
}

static uint32_t
make_metric(struct weir_open *open, struct jwks_source *s, struct weir_error *err)
{
    static const struct weir_metric fetches = {
        .size = sizeof fetches,
        .kind = WEIR_COUNTER,
        .name = "weir_jwks_fetches_total",
        .help = "Fetches of the keys that an issuer of tokens publishes.",
        .labels = "pipeline result",
    };
    struct weir_text name = host->pipeline_name(open);
    s->pipeline = text_copied(name);
    s->fetches = host->metric(open, &fetches, err);
    return s->fetches != 0 ? WEIR_OK : err->code;
}

static uint64_t
duration_of(const struct weir_value *config, struct weir_text key, uint64_t otherwise)
{
    int64_t ms;
    return host->get_int(host->get(config, key), &ms) && ms > 0 ? (uint64_t)ms : otherwise;
}

uint32_t
jwks_source_new(struct weir_open *open, const struct weir_value *config,
                struct jwks_source **ret, struct weir_error *err)
{
    struct jwks_source *s = zeroed(1, sizeof *s);
    const struct weir_value *tls = host->get(config, WEIR_TEXT("tls"));
    s->tls = tls != NULL ? host->ref(tls) : NULL;
    s->fresh_ms = duration_of(config, WEIR_TEXT("cache"), 10u * 60 * 1000);
    s->keep_ms = duration_of(config, WEIR_TEXT("keep"), 24u * 60 * 60 * 1000);
    s->cache = host->lru(open, "auth.jwks", CACHE_BYTES);
    uint32_t code = take_url(s, config, err);
    if (code == WEIR_OK)
        code = make_key(s, err);
    if (code == WEIR_OK)
        code = make_metric(open, s, err);
    if (code == WEIR_OK)
        *ret = s;
    else
        jwks_source_free(&s);
    return code;
}

void
jwks_source_free(struct jwks_source **s)
{
    if (*s == NULL)
        return;
    host->unref(&(*s)->tls);
    free((*s)->url);
    free((*s)->pipeline);
    free(*s);
    *s = NULL;
}

/* -- on a shard -- */

/* What a set is cached under. */
static struct weir_text
cache_key(const struct jwks *s)
{
    return (struct weir_text){ (const char *)s->source->key, sizeof s->source->key };
}

/* Takes over SET, of the time MARK. */
static bool
take_set(struct jwks *s, const struct weir_value *set, uint64_t mark, char why[JWT_WHY_MAX])
{
    struct jwt_keys keys;
    if (!jwt_keys_read(set, &keys, why))
        return false;
    jwt_keys_free(&s->keys);
    s->keys = keys;
    s->mark = mark;
    return true;
}

/* What another shard, or a former generation, has fetched since. */
static void
look_into_cache(struct jwks *s)
{
    const struct weir_value *set = NULL;
    uint64_t mark = 0;
    char why[JWT_WHY_MAX];
    if (!host->lru_get(s->source->cache, cache_key(s), &set, &mark))
        return;
    if (mark > s->mark)
        (void)take_set(s, set, mark, why);
    host->unref(&set);
}

static void
count(const struct jwks *s, struct weir_text result)
{
    const struct weir_text labels[] = { text_of(s->source->pipeline), result };
    host->shard_measure(s->guard->shard, s->source->fetches, labels, 1);
}

static void
say_failed(const struct jwks *s, const char *why)
{
    char text[700];
    snprintf(text, sizeof text, "pipeline %s: the keys at %.200s can't be had, %s: %.300s",
             s->source->pipeline, s->source->url,
             s->keys.n > 0 ? "the old ones are used" : "no token can be checked", why);
    host->say(WEIR_WARN, text_of(text), NULL);
    count(s, WEIR_TEXT("error"));
}

/* Reads an answer; false and WHY if it brings no keys. */
static bool
read_answer(struct jwks *s, const struct weir_http_answer *answer, char why[JWT_WHY_MAX])
{
    struct weir_error err = { 0 };
    struct weir_text body = { "", 0 };
    const struct weir_value *set = NULL;
    if (answer->status != 200) {
        snprintf(why, JWT_WHY_MAX, "it answers %u", (unsigned)answer->status);
        return false;
    }
    (void)host->get_text(answer->body, &body);
    if (host->json_read_unique(body, &set, &err) != WEIR_OK) {
        snprintf(why, JWT_WHY_MAX, "it is no JSON: %.100s", err.text);
        host->unref(&err.detail);
        return false;
    }
    uint64_t mark = host->wall_ms(s->guard->shard);
    bool good = take_set(s, set, mark > s->mark ? mark : s->mark + 1, why);
    if (good)
        (void)host->lru_set(s->source->cache, cache_key(s), set, s->mark);
    host->unref(&set);
    return good;
}

static void
fetched(void *arg, const struct weir_http_answer *answer, const struct weir_error *err)
{
    struct jwks *s = arg;
    char why[JWT_WHY_MAX] = "";
    s->running = NULL;
    if (answer != NULL && read_answer(s, answer, why))
        count(s, WEIR_TEXT("ok"));
    else
        say_failed(s, answer != NULL ? why : err->text);
    guard_resume(s->guard, s, NULL);
}

/* Whether enough time has passed since the last try. */
static bool
may_try(const struct jwks *s)
{
    uint64_t pause = s->keys.n > 0 ? RENEW_MS : AGAIN_MS;
    return !s->tried || host->now_ms(s->guard->shard) - s->tried_ms >= pause;
}

static void
begin(struct jwks *s)
{
    static const struct weir_header headers[] = {
        { { "Accept", 6 }, { "application/jwk-set+json, application/json", 42 } }
    };
    struct weir_http_request r = {
        .size = sizeof r,
        .flags = WEIR_HTTP_REPEATABLE,
        .method = WEIR_TEXT("GET"),
        .url = text_of(s->source->url),
        .headers = headers,
        .n_headers = 1,
        .connect_ms = CONNECT_MS,
        .first_byte_ms = WHOLE_MS,
        .whole_ms = WHOLE_MS,
        .max_body = BODY_MAX,
        .tls = s->source->tls,
    };
    s->tried = true;
    s->tried_ms = host->now_ms(s->guard->shard);
    s->running = host->fetch(s->guard->shard, &r, fetched, s);
}

enum jwks_state
jwks_ask(struct jwks *s, bool renew)
{
    uint64_t wall = host->wall_ms(s->guard->shard);
    uint64_t age = wall > s->mark ? wall - s->mark : 0;
    if (s->keys.n == 0 || renew || age >= s->source->fresh_ms) {
        uint64_t before = s->mark;
        look_into_cache(s);
        age = wall > s->mark ? wall - s->mark : 0;
        renew = renew && s->mark == before;
    }
    if (s->keys.n > 0 && age >= s->source->keep_ms)
        jwt_keys_free(&s->keys);
    bool wanted = s->keys.n == 0 || renew || age >= s->source->fresh_ms;
    if (wanted && s->running == NULL && may_try(s))
        begin(s);
    if (s->keys.n > 0 && !(renew && s->running != NULL))
        return JWKS_HERE;
    return s->running != NULL ? JWKS_COMING : JWKS_AWAY;
}

const struct jwt_keys *
jwks_keys(const struct jwks *s)
{
    return &s->keys;
}

struct jwks *
jwks_new(struct guard *g, const struct jwks_source *source)
{
    struct jwks *s = zeroed(1, sizeof *s);
    s->guard = g;
    s->source = source;
    return s;
}

void
jwks_free(struct jwks **s)
{
    if (*s == NULL)
        return;
    host->fetch_cancel(&(*s)->running);
    jwt_keys_free(&(*s)->keys);
    free(*s);
    *s = NULL;
}

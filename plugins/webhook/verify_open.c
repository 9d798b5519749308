/* webhook/verify_open.c - from the configuration to what a request is checked with. See verify.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "verify.h"

#define TOLERANCE_MIN 1000 /* ms, as all of these */
#define TOLERANCE_MAX (24 * 3600 * 1000)
#define TTL_MIN (60 * 1000)
#define TTL_MAX (INT64_C(365) * 24 * 3600 * 1000)

static uint32_t
take_times(const struct weir_value *config, struct verify *v, struct weir_error *err)
{
    const struct signature *s = &v->signature;
    const struct weir_value *dedupe = host->get(config, WEIR_TEXT("dedupe"));
    int64_t tolerance = 5 * 60 * 1000, ttl = 24 * 3600 * 1000;
    bool timed = signature_timed(s);
    bool has_id = s->id_header != NULL || s->id_body != NULL;
    bool once = has_id;
    if (!timed && host->get(config, WEIR_TEXT("tolerance")) != NULL)
        return refuse(err, WEIR_INVALID, "verify: %s signs no time that a 'tolerance' could be for", s->scheme->name);
    (void)host->get_int(host->get(config, WEIR_TEXT("tolerance")), &tolerance);
    if (tolerance < TOLERANCE_MIN || tolerance > TOLERANCE_MAX)
        return refuse(err, WEIR_INVALID, "verify: the 'tolerance' must be from 1s to 1d");
    if (dedupe != NULL && !host->get_bool(dedupe, &once)) {
        (void)host->get_int(host->get(dedupe, WEIR_TEXT("ttl")), &ttl);
        once = true;
    }
    if (ttl < TTL_MIN || ttl > TTL_MAX)
        return refuse(err, WEIR_INVALID, "verify: the 'ttl' of 'dedupe' must be from 1m to 365d");
    if (once && !has_id)
        return refuse(err, WEIR_INVALID, "verify: 'dedupe' needs to know where an event's id is: 'id_header' or 'id_body'");
    if (once && timed && ttl < 2 * tolerance)
        return refuse(err, WEIR_INVALID, "verify: the 'ttl' of 'dedupe' must be at least twice the 'tolerance': what is "
                      "forgotten earlier could be sent again");
    v->tolerance_ms = timed ? (uint64_t)tolerance : 0;
    v->dedupe_ms = once ? (uint64_t)ttl : 0;
    return WEIR_OK;
}

uint32_t
verify_read(const struct weir_value *config, struct verify *v, struct weir_error *err)
{
    const struct weir_value *challenge = host->get(config, WEIR_TEXT("challenge"));
    if (signature_read(config, "verify", &v->signature, err) != WEIR_OK)
        return err->code;
    const struct scheme *s = v->signature.scheme;
    if (challenge != NULL && !s->challenges)
        return refuse(err, WEIR_INVALID, "verify: %s has no 'challenge'", s->name);
    v->challenge = s->challenges;
    (void)host->get_bool(challenge, &v->challenge);
    return take_times(config, v, err);
}

/* -- secrets -- */

uint32_t
verify_add_key(struct verify *v, const struct weir_value *secret, const char *where, struct weir_error *err)
{
    struct weir_text text = WEIR_TEXT("");
    uint32_t pairs = 0;
    (void)host->get_text(secret, &text);
    if (key_read(&v->signature, text, false, where, &v->keys[v->n_keys], err) != WEIR_OK)
        return err->code;
    v->n_keys++;
    for (uint32_t i = 0; i < v->n_keys; i++)
        pairs += v->keys[i].pair;
    if (pairs > PUBLIC_KEYS_MAX)
        return refuse(err, WEIR_INVALID, "verify.secrets: at most %u public keys can be used at once", PUBLIC_KEYS_MAX);
    return WEIR_OK;
}

/* The value at WHERE below verify; NULL is left for one that is null. */
static uint32_t
constant(struct weir_open *open, const char *where, const char *what, const struct weir_value **ret,
         struct weir_error *err)
{
    char pointer[64], text[sizeof err->text];
    (void)snprintf(pointer, sizeof pointer, "/verify/%s", where);
    uint32_t code = host->constant(open, host->slot(open, pointer), ret, err);
    if (code == WEIR_OK && host->type(*ret) == WEIR_NULL)
        host->unref(ret);
    if (code == WEIR_OK)
        return code;
    if (code == WEIR_NOT_FOUND)
        return refuse(err, WEIR_INVALID, "verify.%s: %s is not set", where, what);
    memcpy(text, err->text, sizeof text);
    const char *why = text; /* behind the pointer, which is said in another way */
    for (size_t len = strlen(pointer); strncmp(why, pointer, len) == 0 && strncmp(why + len, ": ", 2) == 0;)
        why += len + 2;
    return refuse(err, code, "verify.%s: %.400s", where, why);
}

/* Adds the one at WHERE, if it is not null. */
static uint32_t
take_key(struct weir_open *open, struct verify *v, const char *where, struct weir_error *err)
{
    const struct weir_value *value = NULL;
    char place[64];
    (void)snprintf(place, sizeof place, "verify.%s", where);
    uint32_t code = constant(open, where, "the secret", &value, err);
    if (code == WEIR_OK && value != NULL)
        code = verify_add_key(v, value, place, err);
    host->unref(&value);
    return code;
}

static uint32_t
take_keys(struct weir_open *open, const struct weir_value *config, struct verify *v, struct weir_error *err)
{
    const struct weir_value *list = host->get(config, WEIR_TEXT("secrets"));
    bool one = host->get(config, WEIR_TEXT("secret")) != NULL;
    char where[32];
    if (one == (list != NULL))
        return refuse(err, WEIR_INVALID, "verify: %s needs a 'secret', or a list of 'secrets' of which any fits",
                      v->signature.scheme->name);
    if (one && take_key(open, v, "secret", err) != WEIR_OK)
        return err->code;
    if (list != NULL && host->type(list) != WEIR_LIST)
        return refuse(err, WEIR_INVALID, "verify.secrets: each of the list can be an expression, but not all of it");
    for (size_t i = 0; list != NULL && i < host->len(list); i++) {
        (void)snprintf(where, sizeof where, "secrets/%zu", i);
        if (take_key(open, v, where, err) != WEIR_OK)
            return err->code;
    }
    if (v->n_keys == 0)
        return refuse(err, WEIR_INVALID, "verify: no secret is set");
    return WEIR_OK;
}

/* Finds the Redis of dedupe, if there is one. */
static uint32_t
take_store(struct weir_open *open, const struct weir_value *config, struct verify *v, struct weir_error *err)
{
    const struct weir_value *dedupe = host->get(config, WEIR_TEXT("dedupe")), *value = NULL;
    struct weir_text text = WEIR_TEXT("memory"), policy = WEIR_TEXT("open");
    if (v->dedupe_ms == 0 || dedupe == NULL || host->type(dedupe) != WEIR_MAP ||
        host->get(dedupe, WEIR_TEXT("store")) == NULL)
        return WEIR_OK;
    if (constant(open, "dedupe/store", "it", &value, err) != WEIR_OK)
        return err->code;
    (void)host->get_text(value, &text);
    (void)host->get_text(host->get(dedupe, WEIR_TEXT("on_store_error")), &policy);
    v->dedupe_closed = text_same(policy, WEIR_TEXT("closed"));
    if (!text_same(text, WEIR_TEXT("memory")))
        v->dedupe_redis = host->redis(open, text, err);
    host->unref(&value);
    if (v->dedupe_redis != NULL || text_same(text, WEIR_TEXT("memory")))
        return WEIR_OK;
    char why[sizeof err->text];
    memcpy(why, err->text, sizeof why);
    return refuse(err, err->code, "verify.dedupe.store: %.400s", why);
}

/* Refuses an expression at POINTER, which is that of WHAT. */
static uint32_t
check_fixed(struct weir_open *open, const char *pointer, const char *what, struct weir_text key, struct weir_error *err)
{
    uint32_t slot = host->slot(open, pointer);
    if (slot == 0 || (host->slot_flags(open, slot) & WEIR_SLOT_CONSTANT) != 0)
        return WEIR_OK;
    return refuse(err, WEIR_INVALID, "verify: only secrets and the 'store' of 'dedupe' can be expressions, not %s%.*s%s",
                  what, (int)key.len, key.bytes, key.len > 0 ? "'" : "");
}

/* All but the secrets and the store is fixed. */
static uint32_t
check_expressions(struct weir_open *open, const struct weir_value *config, struct weir_error *err)
{
    struct weir_text key;
    const struct weir_value *value, *dedupe = host->get(config, WEIR_TEXT("dedupe"));
    char pointer[80];
    bool parts = dedupe != NULL && host->type(dedupe) == WEIR_MAP;
    if (host->type(config) != WEIR_MAP)
        return check_fixed(open, "/verify", "all of it", WEIR_TEXT(""), err);
    for (size_t i = 0; host->member(config, i, &key, &value); i++) {
        (void)snprintf(pointer, sizeof pointer, "/verify/%.*s", (int)(key.len < 60 ? key.len : 60), key.bytes);
        if (!text_same(key, WEIR_TEXT("secret")) && !text_same(key, WEIR_TEXT("secrets")) &&
            (value != dedupe || !parts) && check_fixed(open, pointer, "'", key, err) != WEIR_OK)
            return err->code;
    }
    for (size_t i = 0; parts && host->member(dedupe, i, &key, &value); i++) {
        (void)snprintf(pointer, sizeof pointer, "/verify/dedupe/%.*s", (int)(key.len < 50 ? key.len : 50), key.bytes);
        if (!text_same(key, WEIR_TEXT("store")) && check_fixed(open, pointer, "'dedupe.", key, err) != WEIR_OK)
            return err->code;
    }
    return WEIR_OK;
}

static char *
prefix_of(const struct verify *v, struct weir_text path)
{
    const char *scheme = v->signature.scheme->name;
    size_t room = strlen(scheme) + path.len + 3;
    char *prefix = malloc(room);
    if (prefix == NULL)
        abort();
    (void)snprintf(prefix, room, "%s %.*s ", scheme, (int)path.len, path.bytes);
    return prefix;
}

uint32_t
verify_new(struct weir_open *open, const struct weir_value *config, struct weir_text path, struct verify **ret,
           struct weir_error *err)
{
    struct verify *v = zeroed(1, sizeof *v);
    if (check_expressions(open, config, err) != WEIR_OK || verify_read(config, v, err) != WEIR_OK ||
        take_keys(open, config, v, err) != WEIR_OK || take_store(open, config, v, err) != WEIR_OK) {
        verify_free(v);
        return err->code;
    }
    v->key_prefix = prefix_of(v, path);
    *ret = v;
    return WEIR_OK;
}

void
verify_free(struct verify *v)
{
    if (v == NULL)
        return;
    for (uint32_t i = 0; i < v->n_keys; i++)
        key_drop(&v->keys[i]);
    signature_fini(&v->signature);
    free(v->key_prefix);
    free(v);
}

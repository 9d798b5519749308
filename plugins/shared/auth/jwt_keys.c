/* jwt_keys.c - the keys that tokens are checked with; see jwt.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "jwt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KID_MAX 512

bool
jwt_keys_add(struct jwt_keys *keys, struct weir_key **key, struct weir_text kid,
             uint32_t algorithms)
{
    if (keys->n == JWT_KEYS_MAX) {
        host->key_free(key);
        return false;
    }
    if (keys->items == NULL)
        keys->items = zeroed(JWT_KEYS_MAX, sizeof *keys->items);
    char *copy = kid.bytes != NULL ? text_copied(kid) : NULL;
    keys->items[keys->n++] = (struct jwt_key){ *key, copy, algorithms };
    *key = NULL;
    return true;
}

void
jwt_keys_free(struct jwt_keys *keys)
{
    for (uint32_t i = 0; i < keys->n; i++) {
        host->key_free(&keys->items[i].key);
        free(keys->items[i].kid);
    }
    free(keys->items);
    *keys = (struct jwt_keys){ 0 };
}

/* Whether a JWK may check signatures (RFC 7517 4.2 and 4.3). */
static bool
is_for_signatures(const struct weir_value *jwk)
{
    const struct weir_value *use = host->get(jwk, WEIR_TEXT("use"));
    const struct weir_value *operations = host->get(jwk, WEIR_TEXT("key_ops"));
    struct weir_text text;
    if (use != NULL && !text_same(jwt_text(jwk, WEIR_TEXT("use")), WEIR_TEXT("sig")))
        return false;
    for (size_t i = 0; operations != NULL; i++) {
        const struct weir_value *one = host->at(operations, i);
        if (one == NULL)
            return false;
        if (host->get_text(one, &text) && text_same(text, WEIR_TEXT("verify")))
            break;
    }
    return true;
}

/* Whether a JWK is more than a public key (RFC 7518 6.2.2, 6.3.2, 6.4; RFC 8037 2). Who publishes such a one
 * has given away what signs. */
static bool
is_private(const struct weir_value *jwk)
{
    static const char *const members[] = { "d", "p", "q", "dp", "dq", "qi", "oth", "k" };
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        if (host->get(jwk, text_of(members[i])) != NULL)
            return true;
    return false;
}

/* What is no public key for signatures is left out: sets hold others, and kinds of tomorrow. */
static void
add_jwk(struct jwt_keys *keys, const struct weir_value *jwk)
{
    struct weir_error err = { 0 };
    struct weir_text kid = jwt_text(jwk, WEIR_TEXT("kid")), alg = jwt_text(jwk, WEIR_TEXT("alg"));
    if (host->type(jwk) != WEIR_MAP || kid.len > KID_MAX || !is_for_signatures(jwk) ||
        is_private(jwk))
        return;
    struct weir_key *key = host->key_new(jwk, &err);
    host->unref(&err.detail);
    if (key == NULL)
        return;
    uint32_t algorithms = host->key_algorithms(key);
    if (alg.bytes != NULL) {
        uint32_t algorithm = host->signature_find(alg);
        algorithms &= algorithm != 0 ? 1u << algorithm : 0;
    }
    if (algorithms != 0)
        (void)jwt_keys_add(keys, &key, kid, algorithms);
    host->key_free(&key);
}

bool
jwt_keys_read(const struct weir_value *set, struct jwt_keys *ret, char why[JWT_WHY_MAX])
{
    const struct weir_value *list = host->get(set, WEIR_TEXT("keys"));
    *ret = (struct jwt_keys){ 0 };
    if (list == NULL || host->type(list) != WEIR_LIST) {
        snprintf(why, JWT_WHY_MAX, "it is no set of keys: a map with a list 'keys'");
        return false;
    }
    if (host->len(list) > JWT_KEYS_MAX) {
        snprintf(why, JWT_WHY_MAX, "it has more than %d keys", JWT_KEYS_MAX);
        return false;
    }
    for (size_t i = 0; host->at(list, i) != NULL; i++)
        add_jwk(ret, host->at(list, i));
    if (ret->n > 0)
        return true;
    snprintf(why, JWT_WHY_MAX, "it has no key that signatures can be checked with");
    jwt_keys_free(ret);
    return false;
}

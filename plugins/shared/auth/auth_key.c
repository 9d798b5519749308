/* auth_key.c - API keys; see auth_parts.h.
 *
 * Known are SHA-256 digests of keys that have 128 bits of chance or more: who learns a digest can't
 * work its key out. A key is found by its digest, in a table whose order is this process's own, so
 * the time that it takes tells nothing of any key.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "auth_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_BYTES_MAX 512

struct api_key {
    uint8_t digest[32];
    const struct weir_value *identity; /* owned; NULL: a free place */
};

struct api_keys {
    const struct weir_value *config; /* owned: texts are in it */
    struct weir_text header;         /* in lower case; bytes NULL: the query has it */
    struct weir_text shown;          /* the same, or the parameter, as it is configured */
    struct weir_text query;
    char *lower; /* owned: bytes of header */
    const struct weir_value *scopes; /* needed; in config; NULL: none */
    bool forward;
    struct api_key *places; /* owned; 2^bits, half of them free at least */
    uint32_t mask;
    uint64_t seed;
};

/* Where a digest belongs first. */
static uint32_t
place_of(const struct api_keys *k, const uint8_t digest[32])
{
    uint64_t mixed;
    memcpy(&mixed, digest, sizeof mixed);
    mixed = (mixed ^ k->seed) * 0x9e3779b97f4a7c15u;
    return (uint32_t)(mixed >> 32) & k->mask;
}

/* The place of a digest, or the free one where it would be. */
static struct api_key *
find(const struct api_keys *k, const uint8_t digest[32])
{
    uint32_t at = place_of(k, digest);
    while (!same_digest(k->places[at].digest, digest) && k->places[at].identity != NULL)
        at = (at + 1) & k->mask;
    return &k->places[at];
}

static uint32_t
add(struct api_keys *k, const struct weir_value *key, struct weir_error *err)
{
    uint8_t digest[32];
    struct weir_text name = { "", 0 }, hash = { "", 0 };
    (void)host->get_text(host->get(key, WEIR_TEXT("name")), &name);
    (void)host->get_text(host->get(key, WEIR_TEXT("hash")), &hash);
    if (!hash_read(hash, digest))
        return refuse(err, WEIR_INVALID,
                      "the hash of the key '%.*s' has to be sha256: and 64 hexadecimal digits; "
                      "'weir keys new %.*s' makes a key with its hash",
                      (int)name.len, name.bytes, (int)name.len, name.bytes);
    struct api_key *place = find(k, digest);
    if (place->identity != NULL)
        return refuse(err, WEIR_INVALID, "the key '%.*s' has the hash of another one",
                      (int)name.len, name.bytes);
    memcpy(place->digest, digest, sizeof digest);
    place->identity =
        identity_new("api_key", name, host->get(key, WEIR_TEXT("scopes")), NULL);
    return WEIR_OK;
}

static uint32_t
add_all(struct api_keys *k, struct weir_error *err)
{
    const struct weir_value *list = host->get(k->config, WEIR_TEXT("keys"));
    uint32_t n = (uint32_t)host->len(list), places = 4;
    while (places < 2 * n)
        places *= 2;
    k->mask = places - 1;
    k->places = zeroed(places, sizeof *k->places);
    host->random(&k->seed, sizeof k->seed);
    for (uint32_t i = 0; i < n; i++)
        if (add(k, host->at(list, i), err) != WEIR_OK)
            return err->code;
    return WEIR_OK;
}

static uint32_t
take_place(struct api_keys *k, struct weir_error *err)
{
    struct weir_text header = { NULL, 0 };
    bool named = host->get_text(host->get(k->config, WEIR_TEXT("header")), &header);
    if (host->get_text(host->get(k->config, WEIR_TEXT("query")), &k->query)) {
        if (named)
            return refuse(err, WEIR_INVALID, "an API key stands in a header or in the query: "
                                             "'header' or 'query', not both");
        k->shown = k->query;
        return WEIR_OK;
    }
    if (!named)
        header = WEIR_TEXT("X-Api-Key");
    k->lower = text_copied(header);
    for (char *c = k->lower; *c != '\0'; c++)
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
    k->header = (struct weir_text){ k->lower, header.len };
    k->shown = header;
    return WEIR_OK;
}

uint32_t
api_keys_new(const struct weir_value *config, struct api_keys **ret, struct weir_error *err)
{
    struct api_keys *k = zeroed(1, sizeof *k);
    k->config = host->ref(config);
    k->scopes = host->get(config, WEIR_TEXT("scopes"));
    (void)host->get_bool(host->get(config, WEIR_TEXT("forward")), &k->forward);
    uint32_t code = take_place(k, err);
    if (code == WEIR_OK)
        code = add_all(k, err);
    if (code == WEIR_OK)
        *ret = k;
    else
        api_keys_free(&k);
    return code;
}

void
api_keys_free(struct api_keys **k)
{
    if (*k == NULL)
        return;
    for (uint32_t i = 0; (*k)->places != NULL && i <= (*k)->mask; i++)
        host->unref(&(*k)->places[i].identity);
    free((*k)->places);
    free((*k)->lower);
    host->unref(&(*k)->config);
    free(*k);
    *k = NULL;
}

/* The key that was sent; bytes NULL if none was. False if there are several. */
static bool
given(const struct api_keys *k, struct weir_event *e, struct weir_text *ret)
{
    if (k->header.bytes != NULL)
        return header_once(e, k->header, ret);
    *ret = host->event_query(e, k->query, 0);
    return host->event_query(e, k->query, 1).bytes == NULL;
}

enum verdict
api_keys_check(const struct api_keys *k, struct inspection *i)
{
    struct weir_text key;
    uint8_t digest[64];
    bool in_header = k->header.bytes != NULL;
    struct weir_text place = k->shown;
    snprintf(i->challenge, sizeof i->challenge, "ApiKey %s=\"%.*s\"",
             in_header ? "header" : "query", (int)place.len, place.bytes);
    if (!given(k, i->event, &key))
        return judge(i, VERDICT_WRONG, "there are several API keys");
    if (key.bytes == NULL || key.len == 0)
        return judge(i, VERDICT_MISSING, "an API key is needed, in the %s %.*s",
                     in_header ? "header" : "query parameter", (int)place.len, place.bytes);
    if (key.len > KEY_BYTES_MAX)
        return judge(i, VERDICT_WRONG, "the API key is not known");
    (void)host->digest(WEIR_SHA256, key, digest);
    const struct api_key *known = find(k, digest);
    if (known->identity == NULL)
        return judge(i, VERDICT_WRONG, "the API key is not known");
    struct weir_text missing =
        scope_missing(k->scopes, host->get(known->identity, WEIR_TEXT("scopes")));
    if (missing.bytes != NULL)
        return judge(i, VERDICT_SCOPE, "the API key lacks the scope %.*s", (int)missing.len,
                     missing.bytes);
    i->found = host->ref(known->identity);
    return VERDICT_IN;
}

void
api_keys_hide(const struct api_keys *k, struct weir_event *e)
{
    if (k->forward)
        return;
    if (k->header.bytes != NULL)
        host->event_header_hide(e, k->header);
    else
        host->event_query_hide(e, k->query);
}

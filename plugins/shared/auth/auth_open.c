/* auth_open.c - auth: as it is configured; see auth.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "auth_parts.h"

#include <stdlib.h>

static uint32_t
take_way(struct weir_open *open, struct auth_way *way, const struct weir_value *config,
         struct weir_error *err)
{
    const struct weir_value *places = host->get(config, WEIR_TEXT("ip"));
    const struct weir_value *keys = host->get(config, WEIR_TEXT("api_key"));
    const struct weir_value *basic = host->get(config, WEIR_TEXT("basic"));
    const struct weir_value *jwt = host->get(config, WEIR_TEXT("jwt"));
    if (host->get(config, WEIR_TEXT("open")) != NULL)
        return refuse(err, WEIR_INVALID, "auth: 'open' lets everybody in, so nothing else can be asked for");
    if ((keys != NULL) + (basic != NULL) + (jwt != NULL) > 1)
        return refuse(err, WEIR_INVALID,
                      "a way in asks for one credential: write - api_key: ... and - jwt: ... as items of a "
                      "list if either will do");
    if (places != NULL && places_new(places, &way->places, err) != WEIR_OK)
        return err->code;
    const struct weir_value *peers = host->get(config, WEIR_TEXT("mtls"));
    if (peers != NULL && peers_new(peers, &way->peers, err) != WEIR_OK)
        return err->code;
    if (keys != NULL)
        return api_keys_new(keys, &way->keys, err);
    if (basic != NULL)
        return basic_new(basic, &way->basic, err);
    return jwt != NULL ? jwt_auth_new(open, jwt, &way->jwt, err) : WEIR_OK;
}

/* A worker looks at one password of a request; and two lists of users would be one list. */
static uint32_t
check_all(const struct auth *a, struct weir_error *err)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < a->n; i++)
        n += a->ways[i].basic != NULL;
    return n < 2 ? WEIR_OK : refuse(err, WEIR_INVALID, "auth has 'basic' twice: put all users into one list");
}

static uint32_t
take_ways(struct weir_open *open, const struct weir_value *config, struct auth **ret, struct weir_error *err)
{
    bool list = host->type(config) == WEIR_LIST;
    struct auth *a = zeroed(1, sizeof *a);
    uint32_t n = list ? (uint32_t)host->len(config) : 1, code = WEIR_OK;
    a->ways = zeroed(n + 1, sizeof *a->ways);
    while (a->n < n && code == WEIR_OK) {
        const struct weir_value *way = list ? host->at(config, a->n) : config;
        code = take_way(open, &a->ways[a->n++], way, err);
    }
    if (code == WEIR_OK)
        code = check_all(a, err);
    if (code == WEIR_OK)
        *ret = a;
    else
        auth_free(&a);
    return code;
}

uint32_t
auth_open(struct weir_open *open, struct auth **ret, struct weir_error *err)
{
    const struct weir_value *config = NULL;
    uint32_t slot = host->slot(open, "/auth");
    if (slot == 0)
        return WEIR_OK;
    uint32_t code = host->constant(open, slot, &config, err);
    bool everybody = code == WEIR_OK && host->get(config, WEIR_TEXT("open")) != NULL;
    if (everybody && host->len(config) > 1)
        code = refuse(err, WEIR_INVALID, "auth: 'open' lets everybody in, so nothing else can be asked for");
    else if (code == WEIR_OK && !everybody)
        code = take_ways(open, config, ret, err);
    host->unref(&config);
    return code;
}

void
auth_free(struct auth **a)
{
    if (*a == NULL)
        return;
    for (uint32_t i = 0; i < (*a)->n; i++) {
        struct auth_way *way = &(*a)->ways[i];
        places_free(&way->places);
        peers_free(&way->peers);
        api_keys_free(&way->keys);
        basic_free(&way->basic);
        jwt_auth_free(&way->jwt);
    }
    free((*a)->ways);
    free(*a);
    *a = NULL;
}

/* webhook/auth_open.c - auth: as it is configured; see auth.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "auth_parts.h"

#include <stdlib.h>

static uint32_t
take_way(struct auth_way *way, const struct weir_value *config, struct weir_error *err)
{
    const struct weir_value *keys = host->get(config, WEIR_TEXT("api_key"));
    if (keys == NULL)
        return refuse(err, WEIR_INVALID, "a way in needs something to be asked for: api_key");
    return api_keys_new(keys, &way->keys, err);
}

uint32_t
auth_new(struct weir_open *open, const struct weir_value *config, struct auth **ret,
         struct weir_error *err)
{
    (void)open;
    bool list = host->type(config) == WEIR_LIST;
    struct auth *a = calloc(1, sizeof *a);
    if (a == NULL)
        abort();
    uint32_t n = list ? (uint32_t)host->len(config) : 1, code = WEIR_OK;
    a->ways = calloc(n + 1, sizeof *a->ways);
    if (a->ways == NULL)
        abort();
    while (a->n < n && code == WEIR_OK) {
        const struct weir_value *way = list ? host->at(config, a->n) : config;
        code = take_way(&a->ways[a->n++], way, err);
    }
    if (code == WEIR_OK)
        *ret = a;
    else
        auth_free(&a);
    return code;
}

void
auth_free(struct auth **a)
{
    if (*a == NULL)
        return;
    for (uint32_t i = 0; i < (*a)->n; i++)
        api_keys_free(&(*a)->ways[i].keys);
    free((*a)->ways);
    free(*a);
    *a = NULL;
}

/* pipeline/secrets_cache.c - what was fetched from afar. See secrets_aws.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "pipeline/secrets_aws.h"

/* One name; without bytes there is no such secret. */
struct cached {
    char *bytes; /* owned; NULL: none */
    size_t len;
    char *place; /* owned */
};

struct secrets_cache {
    struct map by_name; /* to struct cached */
};

struct secrets_cache *
secrets_cache_new(void)
{
    struct secrets_cache *c = calloc(1, sizeof *c);
    if (c == NULL)
        abort();
    map_init(&c->by_name);
    return c;
}

static void
cached_free(struct cached *one)
{
    if (one == NULL)
        return;
    if (one->bytes != NULL)
        explicit_bzero(one->bytes, one->len);
    free(one->bytes);
    free(one->place);
    free(one);
}

void
secrets_cache_free(struct secrets_cache **c)
{
    if (*c == NULL)
        return;
    uint32_t at = 0;
    for (const struct map_entry *e; (e = map_next(&(*c)->by_name, &at)) != NULL;)
        cached_free(e->value);
    map_fini(&(*c)->by_name);
    free(*c);
    *c = NULL;
}

bool
secrets_cache_knows(const struct secrets_cache *c, struct weir_text name)
{
    return map_get(&c->by_name, name.bytes, name.len) != NULL;
}

bool
secrets_cache_at(const struct secrets_cache *c, uint32_t *at, struct weir_text *ret_name, struct weir_text *ret_value,
                 const char **ret_place)
{
    const struct map_entry *e = map_next(&c->by_name, at);
    if (e == NULL)
        return false;
    const struct cached *one = e->value;
    *ret_name = (struct weir_text){ e->key, e->len };
    *ret_value = (struct weir_text){ one->bytes, one->len };
    *ret_place = one->place;
    return true;
}

bool
secrets_cache_put(struct secrets_cache *c, struct weir_text name, struct weir_text value, const char *place)
{
    const struct cached *was = map_get(&c->by_name, name.bytes, name.len);
    bool news = was == NULL ? value.bytes != NULL
                            : (was->bytes == NULL) != (value.bytes == NULL) ||
                                  (was->bytes != NULL && !text_equal((struct weir_text){ was->bytes, was->len }, value));
    struct cached *one = calloc(1, sizeof *one);
    char *copy = strdup(place);
    if (one == NULL || copy == NULL)
        abort();
    one->place = copy;
    if (value.bytes != NULL) {
        one->bytes = malloc(value.len + 1);
        if (one->bytes == NULL)
            abort();
        memcpy(one->bytes, value.bytes, value.len);
        one->len = value.len;
    }
    cached_free(map_set(&c->by_name, name.bytes, name.len, one));
    return news;
}

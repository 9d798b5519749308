/* pipeline/uses.c - see uses.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "pipeline/uses.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLACES_SHOWN 3u
#define KEY_ROOM 300u

void
uses_init(struct uses *u)
{
    map_init(&u->by_name);
}

void
uses_fini(struct uses *u)
{
    uint32_t at = 0;
    for (const struct map_entry *e; (e = map_next(&u->by_name, &at)) != NULL;) {
        struct name_use *one = e->value;
        free(one->place);
        free(one->key);
        free(one);
    }
    map_fini(&u->by_name);
}

/* Writes "env.NAME"; 0 if it is too long. */
static size_t
key_of(enum use_kind kind, struct weir_text name, char ret[KEY_ROOM])
{
    int len = snprintf(ret, KEY_ROOM, "%s%.*s", kind == USE_ENV ? "env." : "secrets.", (int)name.len, name.bytes);
    return len > 0 && (unsigned)len < KEY_ROOM && name.len < KEY_ROOM ? (size_t)len : 0;
}

static void
add_place(struct name_use *one, const char *file, struct mark mark)
{
    char *longer = NULL;
    if (one->n_places++ >= PLACES_SHOWN)
        return;
    int len = one->place != NULL ? asprintf(&longer, "%s, %s:%u", one->place, file, mark.line)
                                 : asprintf(&longer, "%s:%u", file, mark.line);
    if (len < 0)
        abort();
    free(one->place);
    one->place = longer;
}

void
uses_add(struct uses *u, enum use_kind kind, struct weir_text name, const char *file, struct mark mark)
{
    char key[KEY_ROOM];
    size_t len = key_of(kind, name, key), prefix = kind == USE_ENV ? 4 : 8;
    if (len == 0)
        return;
    struct name_use *one = map_get(&u->by_name, key, len);
    if (one == NULL) {
        one = calloc(1, sizeof *one);
        if (one == NULL)
            abort();
        one->kind = kind;
        (void)map_set(&u->by_name, key, len, one);
        one->key = strdup(key);
        if (one->key == NULL)
            abort();
        one->name = (struct weir_text){ one->key + prefix, len - prefix };
    }
    add_place(one, file, mark);
}

const struct name_use *
uses_get(const struct uses *u, enum use_kind kind, struct weir_text name)
{
    char key[KEY_ROOM];
    size_t len = key_of(kind, name, key);
    return len > 0 ? map_get(&u->by_name, key, len) : NULL;
}

const struct name_use *
uses_next(const struct uses *u, uint32_t *at)
{
    const struct map_entry *e = map_next(&u->by_name, at);
    return e != NULL ? e->value : NULL;
}

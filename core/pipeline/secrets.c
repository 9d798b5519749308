/* pipeline/secrets.c - see secrets.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "pipeline/secrets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/map.h"

#define PREFIX "WEIR_SECRET_"
#define MASK "***"
#define MASK_MIN 4

extern char **environ;

struct secrets {
    struct map by_name; /* to counted values */
};

struct secrets *
secrets_new(void)
{
    struct secrets *s = calloc(1, sizeof *s);
    if (s == NULL)
        abort();
    map_init(&s->by_name);
    for (char **e = environ; e != NULL && *e != NULL; e++) {
        const char *equals = strchr(*e, '=');
        if (strncmp(*e, PREFIX, sizeof PREFIX - 1) != 0 || equals == NULL || equals[1] == '\0')
            continue;
        const char *name = *e + sizeof PREFIX - 1;
        struct weir_text text = text_of(equals + 1);
        const struct weir_value *v = utf8_valid(text) ? value_string(text.bytes, text.len)
                                                      : value_bytes(text.bytes, text.len);
        v = value_flagged(&v, VALUE_SECRET);
        const struct weir_value *old =
            map_set(&s->by_name, name, (size_t)(equals - name), (void *)v);
        value_unref(&old);
    }
    return s;
}

void
secrets_free(struct secrets **s)
{
    if (*s == NULL)
        return;
    uint32_t at = 0;
    const struct map_entry *e;
    while ((e = map_next(&(*s)->by_name, &at)) != NULL) {
        const struct weir_value *v = e->value;
        value_unref(&v);
    }
    map_fini(&(*s)->by_name);
    free(*s);
    *s = NULL;
}

bool
secrets_variable(struct weir_text name, bool capitals, char *ret, size_t room)
{
    size_t len = (size_t)snprintf(ret, room, PREFIX "%.*s", (int)name.len, name.bytes);
    for (size_t i = sizeof PREFIX - 1; capitals && i < len && i < room - 1; i++)
        if (ret[i] >= 'a' && ret[i] <= 'z')
            ret[i] = (char)(ret[i] - 'a' + 'A');
    return len < room;
}

const struct weir_value *
secrets_get(const struct secrets *s, struct weir_text name)
{
    const struct weir_value *v = map_get(&s->by_name, name.bytes, name.len);
    char capitals[256];
    if (v != NULL || name.len >= sizeof capitals - sizeof PREFIX ||
        !secrets_variable(name, true, capitals, sizeof capitals))
        return v;
    const char *key = capitals + sizeof PREFIX - 1;
    return map_get(&s->by_name, key, strlen(key));
}

/* The longest secret that B holds at AT; 0: none. */
static size_t
secret_at(const struct secrets *s, const struct buf *b, size_t at)
{
    size_t longest = 0;
    uint32_t i = 0;
    const struct map_entry *e;
    while ((e = map_next(&s->by_name, &i)) != NULL) {
        struct weir_text t = value_as_text(e->value);
        bool here = t.len >= MASK_MIN && t.len <= b->len - at && t.len > longest &&
                    memcmp(b->bytes + at, t.bytes, t.len) == 0;
        if (here)
            longest = t.len;
    }
    return longest;
}

void
secrets_mask(const struct secrets *s, struct buf *b)
{
    if (s->by_name.count == 0 || b->len == 0)
        return;
    size_t out = 0;
    for (size_t at = 0; at < b->len;) {
        size_t len = secret_at(s, b, at);
        if (len == 0) {
            b->bytes[out++] = b->bytes[at++];
            continue;
        }
        memcpy(b->bytes + out, MASK, sizeof MASK - 1);
        out += sizeof MASK - 1;
        at += len;
    }
    b->len = out;
    b->bytes[out] = '\0';
}

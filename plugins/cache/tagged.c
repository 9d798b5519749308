/* cache/tagged.c - see tagged.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tagged.h"

#include <stdlib.h>
#include <string.h>

#include "cache.h"

/* Each level may have a tag; a failure is one map more. */
#define DEPTH_READ (2 * TAGGED_DEPTH + 4)

/* What the only member of V is, if its key is TAG; else NULL. */
static const struct weir_value *
only(const struct weir_value *v, const char *tag)
{
    struct weir_text key;
    const struct weir_value *item;
    if (host->type(v) != WEIR_MAP || host->len(v) != 1 || !host->member(v, 0, &key, &item))
        return NULL;
    return key.len == strlen(tag) && memcmp(key.bytes, tag, key.len) == 0 ? item : NULL;
}

/* Whether anything in V has to be written otherwise. */
static bool
is_plain(const struct weir_value *v)
{
    struct weir_text key;
    const struct weir_value *item;
    uint32_t type = host->type(v);
    bool plain = type != WEIR_BYTES && only(v, "$bytes") == NULL && only(v, "$map") == NULL;
    for (size_t i = 0; type == WEIR_LIST && plain && i < host->len(v); i++)
        plain = is_plain(host->at(v, i));
    for (size_t i = 0; type == WEIR_MAP && plain && host->member(v, i, &key, &item); i++)
        plain = is_plain(item);
    return plain;
}

static const struct weir_value *
wrap(struct weir_text tag, const struct weir_value *take_v)
{
    struct weir_builder *b = host->map_new();
    host->map_set(b, tag, &take_v);
    return host->build(&b);
}

static const struct weir_value *
from(const struct weir_value *v)
{
    struct weir_text key;
    const struct weir_value *item;
    uint32_t type = host->type(v);
    if (type == WEIR_BYTES) /* as JSON it is base64 */
        return wrap(WEIR_TEXT("$bytes"), host->ref(v));
    if (type != WEIR_LIST && type != WEIR_MAP)
        return host->ref(v);
    struct weir_builder *b = type == WEIR_LIST ? host->list_new() : host->map_new();
    for (size_t i = 0; type == WEIR_LIST && i < host->len(v); i++) {
        item = from(host->at(v, i));
        host->list_add(b, &item);
    }
    for (size_t i = 0; type == WEIR_MAP && host->member(v, i, &key, &item); i++) {
        const struct weir_value *copy = from(item);
        host->map_set(b, key, &copy);
    }
    const struct weir_value *made = host->build(&b);
    if (only(v, "$bytes") || only(v, "$map"))
        return wrap(WEIR_TEXT("$map"), made);
    return made;
}

const struct weir_value *
tagged_from(const struct weir_value *v)
{
    return is_plain(v) ? host->ref(v) : from(v);
}

/* The six bits that C stands for; -1: none. */
static int
sextet(char c)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c != '\0' ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

/* Padded base64; NULL if it is none. */
static const struct weir_value *
decode(struct weir_text text)
{
    if (text.len % 4 != 0)
        return NULL;
    while (text.len > 0 && text.bytes[text.len - 1] == '=')
        text.len--;
    char *room = malloc(text.len + 1);
    size_t n = 0;
    unsigned bits = 0;
    bool good = true;
    if (room == NULL)
        abort();
    for (size_t i = 0; good && i < text.len; i++) {
        int six = sextet(text.bytes[i]);
        good = six >= 0;
        bits = bits << 6 | (unsigned)(six & 63);
        if (i % 4 > 0)
            room[n++] = (char)(bits >> (6 - 2 * (i % 4)));
    }
    const struct weir_value *v = good ? host->bytes((struct weir_text){ room, n }) : NULL;
    free(room);
    return v;
}

static const struct weir_value *to(const struct weir_value *v, unsigned depth);

/* The items of a list or a map, each without its tags. */
static const struct weir_value *
items_to(const struct weir_value *v, unsigned depth)
{
    struct weir_text key;
    const struct weir_value *item;
    uint32_t type = host->type(v);
    bool good = true;
    struct weir_builder *b = type == WEIR_LIST ? host->list_new() : host->map_new();
    for (size_t i = 0; type == WEIR_LIST && good && i < host->len(v); i++) {
        const struct weir_value *copy = to(host->at(v, i), depth + 1);
        good = copy != NULL;
        if (good)
            host->list_add(b, &copy);
    }
    for (size_t i = 0; type == WEIR_MAP && good && host->member(v, i, &key, &item); i++) {
        const struct weir_value *copy = to(item, depth + 1);
        good = copy != NULL;
        if (good)
            host->map_set(b, key, &copy);
    }
    if (good)
        return host->build(&b);
    host->builder_free(&b);
    return NULL;
}

static const struct weir_value *
to(const struct weir_value *v, unsigned depth)
{
    struct weir_text text;
    const struct weir_value *inner = only(v, "$bytes");
    if (depth > DEPTH_READ)
        return NULL;
    if (inner != NULL)
        return host->get_text(inner, &text) ? decode(text) : NULL;
    inner = only(v, "$map");
    if (inner != NULL)
        return host->type(inner) == WEIR_MAP ? items_to(inner, depth + 1) : NULL;
    if (host->type(v) == WEIR_LIST || host->type(v) == WEIR_MAP)
        return items_to(v, depth);
    return host->ref(v);
}

const struct weir_value *
tagged_to(const struct weir_value *v)
{
    return is_plain(v) ? host->ref(v) : to(v, 1);
}

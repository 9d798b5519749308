/* cache/entry.c - see entry.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "entry.h"

#include <string.h>

#include "cache.h"
#include "tagged.h"

#define VERSION 1

void
entry_free(struct entry *e)
{
    host->unref(&e->value);
    host->unref(&e->failure);
}

/* Takes what V needs off *LEFT. */
static const char *
weigh(const struct weir_value *v, unsigned levels, uint64_t *left)
{
    uint32_t type = host->type(v);
    struct weir_text text = { "", 0 };
    const struct weir_value *item;
    const char *why = NULL;
    if (type == WEIR_STREAM)
        return "stream";
    if (levels == 0)
        return "deep";
    (void)host->get_text(v, &text);
    if (text.len + 16 > *left)
        return "large";
    *left -= text.len + 16;
    for (size_t i = 0; type == WEIR_LIST && why == NULL && i < host->len(v); i++)
        why = weigh(host->at(v, i), levels - 1, left);
    for (size_t i = 0; type == WEIR_MAP && why == NULL && host->member(v, i, &text, &item);
         i++) {
        if (text.len > *left)
            return "large";
        *left -= text.len;
        why = weigh(item, levels - 1, left);
    }
    return why;
}

const char *
entry_hindrance(const struct weir_value *v, uint64_t max, unsigned depth)
{
    return weigh(v, depth, &max);
}

static void
put(struct weir_builder *b, struct weir_text key, const struct weir_value *take_v)
{
    host->map_set(b, key, &take_v);
}

static const struct weir_value *
pack(const struct entry *e, bool tagged)
{
    struct weir_builder *b = host->map_new();
    if (tagged)
        put(b, WEIR_TEXT("v"), host->integer(VERSION));
    put(b, WEIR_TEXT("s"), host->integer((int64_t)e->set_ms));
    put(b, WEIR_TEXT("e"), host->integer((int64_t)e->fresh_ms));
    put(b, WEIR_TEXT("k"), host->integer((int64_t)e->keep_ms));
    if (e->failure)
        put(b, WEIR_TEXT("n"), tagged ? tagged_from(e->failure) : host->ref(e->failure));
    else if (e->negative)
        put(b, WEIR_TEXT("n"), host->boolean(true));
    if (e->answer)
        put(b, WEIR_TEXT("a"), host->boolean(true));
    if (e->value)
        put(b, WEIR_TEXT("d"), tagged ? tagged_from(e->value) : host->ref(e->value));
    return host->build(&b);
}

const struct weir_value *
entry_pack(const struct entry *e)
{
    return pack(e, false);
}

static bool
take_time(const struct weir_value *v, struct weir_text key, uint64_t *ret)
{
    int64_t ms;
    if (!host->get_int(host->get(v, key), &ms) || ms < 0)
        return false;
    *ret = (uint64_t)ms;
    return true;
}

/* A part of an entry; NULL if it is not there, or not to be read. */
static const struct weir_value *
part(const struct weir_value *v, struct weir_text key, bool tagged)
{
    const struct weir_value *p = host->get(v, key);
    if (p == NULL)
        return NULL;
    return tagged ? tagged_to(p) : host->ref(p);
}

static bool
unpack(const struct weir_value *v, bool tagged, struct entry *ret)
{
    struct entry e = { 0 };
    bool negative = false;
    if (!take_time(v, WEIR_TEXT("s"), &e.set_ms) ||
        !take_time(v, WEIR_TEXT("e"), &e.fresh_ms) || !take_time(v, WEIR_TEXT("k"), &e.keep_ms))
        return false;
    (void)host->get_bool(host->get(v, WEIR_TEXT("a")), &e.answer);
    (void)host->get_bool(host->get(v, WEIR_TEXT("n")), &negative);
    e.value = part(v, WEIR_TEXT("d"), tagged);
    if (e.value == NULL)
        e.failure = part(v, WEIR_TEXT("n"), tagged);
    e.negative = negative || e.failure;
    if (e.value == NULL && (e.failure == NULL || host->type(e.failure) != WEIR_MAP)) {
        entry_free(&e);
        return false;
    }
    *ret = e;
    return true;
}

bool
entry_unpack(const struct weir_value *v, struct entry *ret)
{
    return unpack(v, false, ret);
}

const struct weir_value *
entry_write(const struct entry *e)
{
    struct weir_error err = { 0 };
    const struct weir_value *text = NULL;
    const struct weir_value *map = pack(e, true);
    if (host->json_write(map, &text, &err) != WEIR_OK)
        host->unref(&err.detail);
    host->unref(&map);
    return text;
}

bool
entry_read(struct weir_text json, struct entry *ret)
{
    struct weir_error err = { 0 };
    const struct weir_value *map = NULL;
    int64_t version = 0;
    if (host->json_read(json, &map, &err) != WEIR_OK) {
        host->unref(&err.detail);
        return false;
    }
    bool good = host->get_int(host->get(map, WEIR_TEXT("v")), &version) && version == VERSION &&
                unpack(map, true, ret);
    host->unref(&map);
    return good;
}

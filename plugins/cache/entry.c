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

#define NODE 16u /* bytes that a value takes besides its text */

/* Takes LEN bytes off *LEFT. */
static inline const char *
take(uint64_t len, uint64_t *left)
{
    if (len > *left)
        return "large";
    *left -= len;
    return NULL;
}

static const char *weigh(const struct weir_value *v, unsigned levels, uint64_t *left);

static const char *
weigh_parts(const struct weir_value *v, uint32_t type, unsigned levels, uint64_t *left)
{
    const struct weir_value *item;
    struct weir_text key;
    const char *why = NULL;
    for (size_t i = 0; type == WEIR_LIST && why == NULL && (item = host->at(v, i)) != NULL; i++)
        why = weigh(item, levels, left);
    for (size_t i = 0; type == WEIR_MAP && why == NULL && host->member(v, i, &key, &item); i++) {
        why = take(key.len, left);
        if (why == NULL)
            why = weigh(item, levels, left);
    }
    return why;
}

/* Takes what V needs off *LEFT. */
static const char *
weigh(const struct weir_value *v, unsigned levels, uint64_t *left)
{
    uint32_t type = host->type(v);
    if (type == WEIR_STREAM)
        return "stream";
    if (levels == 0)
        return "deep";
    if (type <= WEIR_DOUBLE)
        return take(NODE, left);
    if (type == WEIR_LIST || type == WEIR_MAP) {
        const char *why = take(NODE, left);
        return why != NULL ? why : weigh_parts(v, type, levels - 1, left);
    }
    struct weir_text text = { "", 0 };
    (void)host->get_text(v, &text);
    return take(text.len + NODE, left);
}

const char *
entry_hindrance(const struct weir_value *v, uint64_t max, unsigned depth)
{
    return weigh(v, depth, &max);
}

static bool
take_time(const struct weir_value *v, uint64_t *ret)
{
    int64_t ms;
    if (!host->get_int(v, &ms) || ms < 0)
        return false;
    *ret = (uint64_t)ms;
    return true;
}

/* Hands E over if it is one: with a value, or with a failure. */
static bool
whole(struct entry *e, struct entry *ret)
{
    if (e->value == NULL && (e->failure == NULL || host->type(e->failure) != WEIR_MAP)) {
        entry_free(e);
        return false;
    }
    e->negative = e->negative || e->failure != NULL;
    *ret = *e;
    return true;
}

/* -- in the process -- */

static void
add(struct weir_builder *b, const struct weir_value *take_v)
{
    host->list_add(b, &take_v);
}

const struct weir_value *
entry_pack(const struct entry *e)
{
    struct weir_builder *b = host->list_new();
    add(b, host->integer((int64_t)e->set_ms));
    add(b, host->integer((int64_t)e->fresh_ms));
    add(b, host->integer((int64_t)e->keep_ms));
    add(b, host->boolean(e->answer));
    add(b, e->failure ? host->ref(e->failure) : host->boolean(e->negative));
    if (e->value)
        add(b, host->ref(e->value));
    return host->build(&b);
}

bool
entry_unpack(const struct weir_value *v, struct entry *ret)
{
    struct entry e = { 0 };
    const struct weir_value *value = host->at(v, 5);
    if (!take_time(host->at(v, 0), &e.set_ms) || !take_time(host->at(v, 1), &e.fresh_ms) ||
        !take_time(host->at(v, 2), &e.keep_ms))
        return false;
    (void)host->get_bool(host->at(v, 3), &e.answer);
    (void)host->get_bool(host->at(v, 4), &e.negative);
    if (value)
        e.value = host->ref(value);
    else
        e.failure = host->ref(host->at(v, 4));
    return whole(&e, ret);
}

/* -- in Redis -- */

static void
put(struct weir_builder *b, struct weir_text key, const struct weir_value *take_v)
{
    host->map_set(b, key, &take_v);
}

static const struct weir_value *
pack(const struct entry *e)
{
    struct weir_builder *b = host->map_new();
    put(b, WEIR_TEXT("v"), host->integer(VERSION));
    put(b, WEIR_TEXT("s"), host->integer((int64_t)e->set_ms));
    put(b, WEIR_TEXT("e"), host->integer((int64_t)e->fresh_ms));
    put(b, WEIR_TEXT("k"), host->integer((int64_t)e->keep_ms));
    if (e->failure)
        put(b, WEIR_TEXT("n"), tagged_from(e->failure));
    else if (e->negative)
        put(b, WEIR_TEXT("n"), host->boolean(true));
    if (e->answer)
        put(b, WEIR_TEXT("a"), host->boolean(true));
    if (e->value)
        put(b, WEIR_TEXT("d"), tagged_from(e->value));
    return host->build(&b);
}

/* A part of an entry; NULL if it is not there, or not to be read. */
static const struct weir_value *
part(const struct weir_value *v, struct weir_text key)
{
    const struct weir_value *p = host->get(v, key);
    return p != NULL ? tagged_to(p) : NULL;
}

static bool
unpack(const struct weir_value *v, struct entry *ret)
{
    struct entry e = { 0 };
    if (!take_time(host->get(v, WEIR_TEXT("s")), &e.set_ms) ||
        !take_time(host->get(v, WEIR_TEXT("e")), &e.fresh_ms) ||
        !take_time(host->get(v, WEIR_TEXT("k")), &e.keep_ms))
        return false;
    (void)host->get_bool(host->get(v, WEIR_TEXT("a")), &e.answer);
    (void)host->get_bool(host->get(v, WEIR_TEXT("n")), &e.negative);
    e.value = part(v, WEIR_TEXT("d"));
    if (e.value == NULL)
        e.failure = part(v, WEIR_TEXT("n"));
    return whole(&e, ret);
}

const struct weir_value *
entry_write(const struct entry *e)
{
    struct weir_error err = { 0 };
    const struct weir_value *text = NULL;
    const struct weir_value *map = pack(e);
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
                unpack(map, ret);
    host->unref(&map);
    return good;
}

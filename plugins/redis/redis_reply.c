/* redis/redis_reply.c - from what Redis replies to the output: see redis.h.
 *
 * How deep a reply may be is bounded by who has read it (8 lists within each other).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "redis.h"

struct weir_text
reply_error(const struct weir_value *v)
{
    struct weir_text text = { NULL, 0 };
    if (host->type(v) == WEIR_MAP)
        (void)host->get_text(host->get(v, WEIR_TEXT("error")), &text);
    return text;
}

struct weir_text
reply_said(struct weir_text text)
{
    static const char quotes[] = ", with args beginning with";
    const char *at = memmem(text.bytes, text.len, quotes, sizeof quotes - 1);
    if (at != NULL)
        text.len = (size_t)(at - text.bytes);
    return text;
}

/* A text that is JSON. The status of SET and the like, which can't be told from a text, stays.
 */
static uint32_t
read_json(const struct weir_value *v, const struct weir_value **ret, struct weir_error *err)
{
    struct weir_text text = WEIR_TEXT("");
    (void)host->get_text(v, &text);
    if (text.len == 2 && memcmp(text.bytes, "OK", 2) == 0) {
        *ret = host->ref(v);
        return WEIR_OK;
    }
    struct weir_error why = { 0 };
    uint32_t code = host->json_read(text, ret, &why);
    host->unref(&why.detail);
    return code == WEIR_OK
               ? code
               : refuse(err, WEIR_UPSTREAM, "what Redis holds is no JSON: %.300s", why.text);
}

static uint32_t
shape_text(const struct weir_value *v, enum parse parse, const struct weir_value **ret,
           struct weir_error *err)
{
    struct weir_text text = WEIR_TEXT("");
    if (parse == PARSE_JSON)
        return read_json(v, ret, err);
    (void)host->get_text(v, &text);
    *ret = parse == PARSE_BYTES ? host->bytes(text) : host->ref(v);
    return WEIR_OK;
}

/* Whether LIST is names, which are texts, and values in turn. */
static bool
is_pairs(const struct weir_value *list)
{
    size_t n = host->len(list);
    for (size_t i = 0; i < n; i += 2)
        if (host->type(host->at(list, i)) != WEIR_STRING)
            return false;
    return n % 2 == 0;
}

static uint32_t
shape_pairs(const struct weir_value *list, enum parse parse, const struct weir_value **ret,
            struct weir_error *err)
{
    struct weir_builder *b = host->map_new();
    for (size_t i = 0, n = host->len(list); i < n; i += 2) {
        const struct weir_value *item = NULL;
        struct weir_text key = WEIR_TEXT("");
        (void)host->get_text(host->at(list, i), &key);
        if (reply_shape(host->at(list, i + 1), parse, false, &item, err) != WEIR_OK) {
            host->builder_free(&b);
            return refuse_in(err, "value %zu of the reply", i / 2);
        }
        host->map_set(b, key, &item);
    }
    *ret = host->build(&b);
    return WEIR_OK;
}

static uint32_t
shape_list(const struct weir_value *list, enum parse parse, const struct weir_value **ret,
           struct weir_error *err)
{
    struct weir_builder *b = host->list_new();
    for (size_t i = 0, n = host->len(list); i < n; i++) {
        const struct weir_value *item = NULL;
        if (reply_shape(host->at(list, i), parse, false, &item, err) != WEIR_OK) {
            host->builder_free(&b);
            return refuse_in(err, "item %zu of the reply", i);
        }
        host->list_add(b, &item);
    }
    *ret = host->build(&b);
    return WEIR_OK;
}

uint32_t
reply_shape(const struct weir_value *v, enum parse parse, bool pairs,
            const struct weir_value **ret, struct weir_error *err)
{
    switch (host->type(v)) {
    case WEIR_LIST:
        if (pairs && is_pairs(v))
            return shape_pairs(v, parse, ret, err);
        if (parse != PARSE_TEXT)
            return shape_list(v, parse, ret, err);
        break;
    case WEIR_STRING:
    case WEIR_BYTES:
        return shape_text(v, parse, ret, err);
    default:
        break;
    }
    *ret = host->ref(v);
    return WEIR_OK;
}

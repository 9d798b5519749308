/* validate/clean.c - all texts in a value, cleaned; what did not change is shared.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include "text.h"

#define DEPTH_MAX 256u /* no value that came from outside is that deep */

/* A step on the way to a value, for the message. */
struct step {
    struct weir_text key; /* of a list: bytes NULL */
    size_t index;
};

struct cleaner {
    const struct sanitize *how;
    struct text_room room;
    struct weir_error *err;
    size_t left; /* bytes that may be looked at closely */
    bool over;   /* there were more; everything ends */
    uint32_t depth;
    struct step way[DEPTH_MAX];
};

static uint32_t clean(struct cleaner *c, const struct weir_value *v,
                      const struct weir_value **ret);

static uint32_t
fail_here(struct cleaner *c, const char *why)
{
    char pointer[160] = "";
    size_t len = 0;
    for (uint32_t i = 0; i < c->depth && len < sizeof pointer - 1; i++) {
        const struct step *s = &c->way[i];
        int n = s->key.bytes ? snprintf(pointer + len, sizeof pointer - len, "/%.*s",
                                        (int)(s->key.len < 60 ? s->key.len : 60), s->key.bytes)
                             : snprintf(pointer + len, sizeof pointer - len, "/%zu", s->index);
        len += n > 0 ? (size_t)n : 0;
    }
    c->err->status = 422;
    return refuse(c->err, WEIR_INVALID, "%s%s%s", pointer, len > 0 ? ": " : "", why);
}

static uint32_t
clean_string(struct cleaner *c, const struct weir_value *v, const struct weir_value **ret)
{
    struct weir_text text = { 0 }, made;
    (void)host->get_text(v, &text);
    bool dear = text_is_dear(c->how, text);
    if (dear && text.len > c->left) {
        c->over = true;
        return WEIR_TOO_LARGE;
    }
    c->left -= dear ? text.len : 0;
    if (!text_clean(&c->room, c->how, text, dear, &made))
        return fail_here(c, "its HTML is too entangled to be cleaned");
    bool same = made.len == text.len && made.bytes == text.bytes;
    *ret = same ? host->ref(v) : host->string(made);
    return *ret ? WEIR_OK : fail_here(c, "it is not UTF-8");
}

/* The member or item I of V, and its key (bytes NULL in a list); NULL behind the last. */
static const struct weir_value *
part(const struct weir_value *v, bool map, size_t i, struct weir_text *ret_key)
{
    const struct weir_value *child = NULL;
    *ret_key = (struct weir_text){ NULL, 0 };
    if (!map)
        return host->at(v, i);
    return host->member(v, i, ret_key, &child) ? child : NULL;
}

static void
put(struct weir_builder *b, bool map, struct weir_text key, const struct weir_value **v)
{
    if (map)
        host->map_set(b, key, v);
    else
        host->list_add(b, v);
}

/* A builder with the first N parts of V. */
static struct weir_builder *
copy_parts(const struct weir_value *v, bool map, size_t n)
{
    struct weir_text key;
    struct weir_builder *b = map ? host->map_new() : host->list_new();
    for (size_t i = 0; i < n; i++) {
        const struct weir_value *child = host->ref(part(v, map, i, &key));
        put(b, map, key, &child);
    }
    return b;
}

static uint32_t
clean_parts(struct cleaner *c, const struct weir_value *v, bool map,
            const struct weir_value **ret)
{
    struct weir_builder *changed = NULL;
    const struct weir_value *child, *made;
    struct weir_text key;
    if (c->depth == DEPTH_MAX)
        return fail_here(c, "it is nested too deep");
    struct step *step = &c->way[c->depth++];
    for (size_t i = 0; (child = part(v, map, i, &key)) != NULL; i++) {
        *step = (struct step){ key, i };
        uint32_t code = clean(c, child, &made);
        if (code != WEIR_OK) {
            host->builder_free(&changed);
            return code;
        }
        if (made != child && changed == NULL)
            changed = copy_parts(v, map, i);
        if (changed)
            put(changed, map, key, &made);
        else
            host->unref(&made);
    }
    c->depth--;
    *ret = changed ? host->build(&changed) : host->ref(v);
    return WEIR_OK;
}

static uint32_t
clean(struct cleaner *c, const struct weir_value *v, const struct weir_value **ret)
{
    switch (host->type(v)) {
    case WEIR_STRING:
        return clean_string(c, v, ret);
    case WEIR_LIST:
        return clean_parts(c, v, false, ret);
    case WEIR_MAP:
        return clean_parts(c, v, true, ret);
    default:
        *ret = host->ref(v);
        return WEIR_OK;
    }
}

uint32_t
clean_value(const struct sanitize *how, const struct weir_value *v, size_t most,
            const struct weir_value **ret, struct weir_error *err)
{
    struct cleaner c; /* its way has 6 KiB, of which little is used */
    c.how = how;
    c.err = err;
    c.left = most;
    c.over = false;
    c.depth = 0;
    *ret = NULL;
    text_room_init(&c.room);
    uint32_t code = clean(&c, v, ret);
    text_room_fini(&c.room);
    return c.over ? (uint32_t)WEIR_OK : code;
}

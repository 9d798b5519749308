/* value/taint.c - what was made from secrets: marking it, and masking it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "value/block.h"
#include "value/node.h"
#include "value/walk.h"

/* The builders of the lists and maps that are open. */
struct copy {
    struct weir_builder **open;
    unsigned n;
    unsigned room;
    const struct weir_value *result;
};

static void
open_container(struct copy *c, const struct weir_value *v)
{
    if (c->n == c->room) {
        c->room = c->room ? 2 * c->room : 16;
        c->open = block_realloc(c->open, c->room * sizeof(struct weir_builder *));
    }
    c->open[c->n++] = v->type == WEIR_LIST ? builder_list() : builder_map();
}

/* Puts a finished value where the walk stands. */
static void
put(struct copy *c, const struct walk *w, const struct weir_value *take_v)
{
    if (c->n == 0)
        c->result = take_v;
    else if (w->member != NULL)
        builder_set(c->open[c->n - 1], w->member->key, w->member->key_len, &take_v);
    else
        builder_add(c->open[c->n - 1], &take_v);
}

/* V alone, with more flags, in a new block. */
static const struct weir_value *
flagged_node(const struct weir_value *v, unsigned flags)
{
    struct weir_value n = *v;
    n.flags = (uint8_t)((n.flags & NODE_TAINTS) | (flags & NODE_TAINTS));
    return value_box(&n);
}

/* A copy of V in which each node is marked as secret. */
static const struct weir_value *
all_secret(const struct weir_value *v)
{
    struct copy c = { 0 };
    struct walk w;
    walk_start(&w, v);
    for (enum walk_step s; (s = walk_next(&w)) != WALK_END;) {
        if (s == WALK_OPEN && w.v->len > 0) {
            open_container(&c, w.v);
            continue;
        }
        if (s == WALK_OPEN)
            walk_skip(&w);
        if (s == WALK_CLOSE) {
            const struct weir_value *closed = builder_end(&c.open[--c.n]);
            put(&c, &w, closed);
            continue;
        }
        put(&c, &w, flagged_node(w.v, VALUE_SECRET));
    }
    walk_stop(&w);
    free(c.open);
    return c.result;
}

const struct weir_value *
value_flagged(const struct weir_value **take_v, unsigned flags)
{
    const struct weir_value *v = *take_v;
    *take_v = NULL;
    const struct weir_value *result;
    if (flags & VALUE_SECRET && (v->type == WEIR_LIST || v->type == WEIR_MAP)) {
        const struct weir_value *secret = all_secret(v);
        result = flagged_node(secret, flags);
        value_unref(&secret);
    } else {
        result = flagged_node(v, flags);
    }
    value_unref(&v);
    return result;
}

const struct weir_value *
value_masked(const struct weir_value *v)
{
    static const struct weir_value mask = {
        .type = WEIR_STRING,
        .flags = VALUE_HOME,
        .len = 3,
        .bytes = "***",
    };
    struct copy c = { 0 };
    struct walk w;
    walk_start(&w, v);
    for (enum walk_step s; (s = walk_next(&w)) != WALK_END;) {
        if (s == WALK_CLOSE) {
            const struct weir_value *closed = builder_end(&c.open[--c.n]);
            put(&c, &w, closed);
        } else if (!value_is_secret(w.v)) {
            if (s == WALK_OPEN)
                walk_skip(&w);
            put(&c, &w, value_box(w.v));
        } else if (s == WALK_OPEN) {
            open_container(&c, w.v);
        } else {
            put(&c, &w, w.v->type == WEIR_NULL ? &value_null : &mask);
        }
    }
    walk_stop(&w);
    free(c.open);
    return c.result;
}

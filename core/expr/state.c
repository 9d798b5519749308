/* expr/state.c - what an evaluation keeps, see eval.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "expr/eval.h"

void
eval_drop(struct eval *ev)
{
    eval_release(ev, (struct eval_mark){ 0 });
    if (ev->kept != ev->first_kept)
        free(ev->kept);
    ev->kept = ev->first_kept;
}

const struct weir_value *
eval_keep(struct eval *ev, const struct weir_value **take_v)
{
    if (ev->n_kept == ev->room_kept) {
        size_t size = 2 * ev->room_kept * sizeof(ev->kept[0]);
        bool first = ev->kept == ev->first_kept;
        const struct weir_value **kept = realloc(first ? NULL : ev->kept, size);
        if (kept == NULL)
            abort();
        if (first)
            memcpy(kept, ev->first_kept, sizeof(ev->first_kept));
        ev->kept = kept;
        ev->room_kept *= 2;
    }
    const struct weir_value *v = *take_v;
    ev->kept[ev->n_kept++] = v;
    *take_v = NULL;
    return v;
}

struct eval_mark
eval_mark(const struct eval *ev)
{
    return (struct eval_mark){ ev->n_kept, ev->n_scratch, ev->n_items };
}

void
eval_release(struct eval *ev, struct eval_mark mark)
{
    assert(mark.n_kept <= ev->n_kept && mark.n_scratch <= ev->n_scratch);
    while (ev->n_kept > mark.n_kept)
        value_unref(&ev->kept[--ev->n_kept]);
    ev->n_scratch = mark.n_scratch;
    ev->n_items = mark.n_items;
}

struct weir_value *
eval_items(struct eval *ev, size_t n)
{
    if (n > EVAL_ITEMS - ev->n_items)
        return NULL;
    struct weir_value *items = ev->items + ev->n_items;
    ev->n_items += (unsigned)n;
    return items;
}

enum weir_code
give_items(struct weir_value *items, size_t n, struct weir_value *room,
           const struct weir_value **ret)
{
    unsigned taint = 0;
    for (size_t i = 0; i < n; i++) {
        items[i].flags &= (uint8_t)~VALUE_HOME; /* it is a copy */
        taint |= items[i].flags & VALUE_SECRET;
    }
    *room = (struct weir_value){
        .type = WEIR_LIST, .flags = (uint8_t)taint, .len = (uint32_t)n, .items = items
    };
    *ret = room;
    return WEIR_OK;
}

char *
eval_new_text(struct eval *ev, const struct term *t, enum weir_type type, size_t len,
              struct weir_value *room, const struct weir_value **ret)
{
    if (eval_spend_bytes(ev, t, len) != WEIR_OK)
        return NULL;
    if (len <= EVAL_SCRATCH / 4 && len <= EVAL_SCRATCH - ev->n_scratch) {
        char *bytes = ev->scratch + ev->n_scratch;
        ev->n_scratch += (unsigned)len;
        *room =
            (struct weir_value){ .type = (uint8_t)type, .len = (uint32_t)len, .bytes = bytes };
        *ret = room;
        return bytes;
    }
    char *bytes = malloc(len);
    if (bytes == NULL)
        abort();
    const struct weir_value *v = value_take(type, bytes, len);
    *ret = eval_keep(ev, &v);
    return bytes;
}

void
eval_buf(const struct eval *ev, struct buf *b)
{
    buf_init(b, ev->bytes);
}

enum weir_code
eval_buf_text(struct eval *ev, const struct term *t, enum weir_type type, struct buf *b,
              bool good, const struct weir_value **ret)
{
    enum weir_code code = eval_spend_bytes(ev, t, good ? b->len : SIZE_MAX);
    if (code == WEIR_OK && b->len > 0) {
        size_t len;
        char *bytes = buf_give(b, &len);
        const struct weir_value *v = value_take(type, bytes, len);
        *ret = eval_keep(ev, &v);
    } else if (code == WEIR_OK) {
        const struct weir_value *v =
            type == WEIR_STRING ? value_string("", 0) : value_bytes("", 0);
        *ret = eval_keep(ev, &v);
    }
    buf_fini(b);
    return code;
}

void
eval_taint(struct eval *ev, unsigned taint, struct weir_value *room,
           const struct weir_value **ret)
{
    const struct weir_value *v = *ret;
    if (!(taint & VALUE_SECRET))
        return;
    if (v->type == WEIR_LIST || v->type == WEIR_MAP) {
        const struct weir_value *marked = value_box(v);
        marked = value_flagged(&marked, VALUE_SECRET);
        *ret = eval_keep(ev, &marked);
    } else if (!value_is_secret(v)) {
        *room = *v;
        room->flags = VALUE_SECRET;
        *ret = room;
    }
}

/* lua/entries.c - see making.h: the members of a map. The keys of a table have no order of their own and
 * are sorted, so that the same script gives the same text every time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "making.h"

static int
by_key(const void *a, const void *b)
{
    const struct weir_text *x = &((const struct entry *)a)->key;
    const struct weir_text *y = &((const struct entry *)b)->key;
    int order = memcmp(x->bytes, y->bytes, x->len < y->len ? x->len : y->len);
    return order != 0 ? order : x->len < y->len ? -1 : x->len > y->len;
}

static void *
more_room(void *old, size_t *room, size_t need, size_t size)
{
    while (*room < need)
        *room = *room ? *room * 2 : 8;
    void *fresh = realloc(old, *room * size);
    if (fresh == NULL)
        abort();
    return fresh;
}

void
entries_add(struct entries *e, struct weir_text key)
{
    if (e->n == e->room)
        e->all = more_room(e->all, &e->room, e->n + 1, sizeof *e->all);
    if (e->len + key.len >= e->text_room)
        e->text = more_room(e->text, &e->text_room, e->len + key.len + 1, 1);
    memcpy(e->text + e->len, key.bytes, key.len);
    e->all[e->n] = (struct entry){ .key.len = key.len, .at = e->len };
    e->len += key.len;
}

static void
sort_entries(struct entries *e)
{
    for (size_t i = 0; i < e->n; i++)
        e->all[i].key.bytes = e->text + e->all[i].at;
    if (e->n > 1)
        qsort(e->all, e->n, sizeof *e->all, by_key);
}

static const struct weir_value **
find_entry(const struct entries *e, struct weir_text key)
{
    struct entry wanted = { .key = key };
    struct entry *found = e->n ? bsearch(&wanted, e->all, e->n, sizeof *e->all, by_key) : NULL;
    return found ? &found->value : NULL;
}

const struct weir_value *
entries_build(struct entries *e, const struct proxy_look *p)
{
    sort_entries(e);
    struct weir_builder *b = host->map_new();
    for (size_t i = 0, n = p->v ? host->len(p->v) : 0; i < n; i++) {
        struct weir_text key;
        const struct weir_value *item;
        (void)host->member(p->v, i, &key, &item);
        const struct weir_value **changed = find_entry(e, key);
        const struct weir_value *same = host->ref(item);
        if (changed != NULL)
            host->map_set(b, key, changed);
        else if (!p->own)
            host->map_set(b, key, &same);
        host->unref(&same);
    }
    for (size_t i = 0; i < e->n; i++)
        if (e->all[i].value != NULL)
            host->map_set(b, e->all[i].key, &e->all[i].value);
    return host->build(&b);
}

void
entries_fini(struct entries *e)
{
    for (size_t i = 0; i < e->n; i++)
        host->unref(&e->all[i].value);
    free(e->all);
    free(e->text);
}

/* value/equal.c - comparing values. Values may be deep: what is still to be compared stands in
 * a list, not on the C stack.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "value/block.h"
#include "value/members.h"

/* Two lists or maps of one length, compared up to NEXT. */
struct pair {
    const struct weir_value *a;
    const struct weir_value *b;
    uint32_t next;
};

enum { FIRST_PAIRS = 16 };

struct pairs {
    struct pair *at;
    size_t n;
    size_t room;
    struct pair first[FIRST_PAIRS];
};

static int
compare_int_double(int64_t i, double d)
{
    if (d >= 0x1p63)
        return -1;
    if (d < -0x1p63)
        return 1;
    int64_t whole = (int64_t)d;
    if (i != whole)
        return i < whole ? -1 : 1;
    double rest = d - (double)whole; /* exact: a double with a fraction is below 2^53 */
    return rest > 0 ? -1 : rest < 0;
}

int
value_compare_numbers(const struct weir_value *a, const struct weir_value *b)
{
    if (a->type == WEIR_INT && b->type == WEIR_INT)
        return a->integer < b->integer ? -1 : a->integer > b->integer;
    if (a->type == WEIR_INT)
        return compare_int_double(a->integer, b->number);
    if (b->type == WEIR_INT)
        return -compare_int_double(b->integer, a->number);
    return a->number < b->number ? -1 : a->number > b->number;
}

static bool
is_number(const struct weir_value *v)
{
    return v->type == WEIR_INT || v->type == WEIR_DOUBLE;
}

static bool
scalar_equal(const struct weir_value *a, const struct weir_value *b)
{
    switch (value_type(a)) {
    case WEIR_NULL:
        return true;
    case WEIR_BOOL:
        return a->boolean == b->boolean;
    case WEIR_STREAM:
        return a->stream == b->stream;
    default:
        return a->len == b->len && (a->len == 0 || memcmp(a->bytes, b->bytes, a->len) == 0);
    }
}

static void
push(struct pairs *p, const struct weir_value *a, const struct weir_value *b)
{
    if (p->n == p->room) {
        struct pair *old = p->at == p->first ? NULL : p->at;
        p->room *= 2;
        p->at = block_realloc(old, p->room * sizeof *p->at);
        if (old == NULL)
            memcpy(p->at, p->first, sizeof p->first);
    }
    p->at[p->n++] = (struct pair){ a, b, 0 };
}

/* Compares A and B, or lays them aside if they hold more. */
static bool
look_at(struct pairs *p, const struct weir_value *a, const struct weir_value *b)
{
    if (is_number(a) && is_number(b))
        return value_compare_numbers(a, b) == 0;
    if (a->type != b->type)
        return false;
    if (a->type != WEIR_LIST && a->type != WEIR_MAP)
        return scalar_equal(a, b);
    if (a->len != b->len)
        return false;
    if (a->items != b->items && a->len > 0)
        push(p, a, b);
    return true;
}

/* Compares the next children of the pair on top. */
static bool
go_on(struct pairs *p)
{
    struct pair *top = &p->at[p->n - 1];
    uint32_t i = top->next++;
    const struct weir_value *a = top->a;
    const struct weir_value *b = top->b;
    if (i == a->len) {
        p->n--;
        return true;
    }
    if (a->type == WEIR_LIST)
        return look_at(p, &a->items[i], &b->items[i]);

    const struct value_member *m = &a->members->at[i];
    const struct value_member *other = &b->members->at[i]; /* most often in the same place */
    if (other->key_len != m->key_len || memcmp(other->key, m->key, m->key_len) != 0)
        other = members_find(b->members, b->len, m->key, m->key_len);
    return other != NULL && look_at(p, &m->value, &other->value);
}

bool
value_equal(const struct weir_value *a, const struct weir_value *b)
{
    struct pairs p;
    p.at = p.first;
    p.n = 0;
    p.room = FIRST_PAIRS;

    bool equal = look_at(&p, a, b);
    while (equal && p.n > 0)
        equal = go_on(&p);
    if (p.at != p.first)
        free(p.at);
    return equal;
}

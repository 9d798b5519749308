/* value/schema_lists.c - rules about lists.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "value/schema_eval.h"

enum { FEW = 8 }; /* items that are compared pair by pair */

static const char *
plural(uint64_t n)
{
    return n == 1 ? "" : "s";
}

bool
schema_rule_min_items(struct check *c, const struct schema_rule *r, const struct weir_value *v,
                      struct seen *seen)
{
    (void)seen;
    return v->len >= r->limit ||
           schema_fail(c, VIOLATION_OTHER, "must have at least %llu item%s",
                       (unsigned long long)r->limit, plural(r->limit));
}

bool
schema_rule_max_items(struct check *c, const struct schema_rule *r, const struct weir_value *v,
                      struct seen *seen)
{
    (void)seen;
    return v->len <= r->limit ||
           schema_fail(c, VIOLATION_OTHER, "must have at most %llu item%s",
                       (unsigned long long)r->limit, plural(r->limit));
}

/* Items A and B are equal: that is a violation unless expressions may tell them apart. */
static bool
fail_equal(struct check *c, const struct weir_value *v, uint32_t a, uint32_t b)
{
    if (value_has_dynamic(&v->items[a], &c->work)) {
        c->maybe++;
        return true;
    }
    return schema_fail(c, VIOLATION_OTHER, "must not have equal items: number %u and %u are", a,
                       b);
}

/* Whether no item is equal to one before it, by a table of INDEX + 1 in SLOTS. */
static bool
unique_by_hash(struct check *c, const struct weir_value *v, uint32_t *slots, uint32_t mask)
{
    for (uint32_t i = 0; i < v->len; i++) {
        uint32_t slot = (uint32_t)value_hash(&v->items[i], &c->work) & mask;
        for (; slots[slot] != 0; slot = (slot + 1) & mask) {
            uint32_t other = slots[slot] - 1;
            if (value_equal(&v->items[other], &v->items[i]) && !fail_equal(c, v, other, i))
                return false;
        }
        slots[slot] = i + 1;
        if (!schema_spend(c, 1))
            return false;
    }
    return true;
}

static bool
unique_by_pairs(struct check *c, const struct weir_value *v)
{
    for (uint32_t i = 1; i < v->len; i++)
        for (uint32_t j = 0; j < i; j++)
            if (value_equal(&v->items[j], &v->items[i]) && !fail_equal(c, v, j, i))
                return false;
    return true;
}

bool
schema_rule_unique_items(struct check *c, const struct schema_rule *r,
                         const struct weir_value *v, struct seen *seen)
{
    (void)r, (void)seen;
    if (v->len <= FEW)
        return unique_by_pairs(c, v);

    size_t n = 2 * FEW;
    while (n < 2 * (size_t)v->len)
        n *= 2;
    uint64_t *words = schema_words(c, n / 2);
    if (words == NULL)
        return false;
    bool ok = unique_by_hash(c, v, (uint32_t *)words, (uint32_t)(n - 1));
    schema_words_give(c, words, n / 2);
    return ok;
}

bool
schema_rule_items(struct check *c, const struct schema_rule *r, const struct weir_value *v,
                  struct seen *seen)
{
    const struct schema_items *items = r->items;
    uint32_t first = items->n_prefix < v->len ? items->n_prefix : v->len;
    uint32_t end = items->rest != NODE_NONE ? v->len : first;
    if (seen != NULL && seen->prefix < end)
        seen->prefix = end;

    bool ok = true;
    for (uint32_t i = 0; i < end; i++) {
        uint32_t node = i < first ? items->prefix[i] : items->rest;
        if (schema_eval_item(c, node, v, i))
            continue;
        ok = false;
        if (!schema_goes_on(c))
            break;
    }
    return ok;
}

bool
schema_rule_contains(struct check *c, const struct schema_rule *r, const struct weir_value *v,
                     struct seen *seen)
{
    const struct schema_contains *contains = r->contains;
    enum check_mode mode = c->mode;
    uint64_t found = 0;
    uint64_t surely = 0;
    c->mode = MODE_QUIET;
    for (uint32_t i = 0; i < v->len && !c->stopped; i++) {
        uint64_t maybe = c->maybe;
        if (!schema_eval_item(c, contains->node, v, i)) {
            c->maybe = maybe;
            continue;
        }
        found++;
        surely += c->maybe == maybe;
        if (seen != NULL)
            seen_add(seen, i);
        else if (found >= contains->min && contains->max == UINT64_MAX)
            break;
    }
    c->mode = mode;
    if (c->stopped)
        return false;
    if (found < contains->min)
        return schema_fail(c, VIOLATION_OTHER,
                           "must have at least %llu item%s of the required form",
                           (unsigned long long)contains->min, plural(contains->min));
    if (surely > contains->max)
        return schema_fail(c, VIOLATION_OTHER,
                           "must have at most %llu item%s of the limited form",
                           (unsigned long long)contains->max, plural(contains->max));
    return true;
}

bool
schema_rule_unevaluated_items(struct check *c, const struct schema_rule *r,
                              const struct weir_value *v, struct seen *seen)
{
    bool ok = true;
    for (uint32_t i = 0; !seen->blurred && i < v->len; i++) {
        if (seen_has(seen, i) || schema_eval_item(c, r->node, v, i))
            continue;
        ok = false;
        if (!schema_goes_on(c))
            break;
    }
    return ok;
}

/* value/schema_seen.c - notes of which members of a value were evaluated.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "value/schema_eval.h"

uint64_t *
schema_words(struct check *c, size_t n)
{
    if (n <= SCRATCH_WORDS - c->scratch_used) {
        uint64_t *words = c->scratch + c->scratch_used;
        c->scratch_used += (uint32_t)n;
        memset(words, 0, n * sizeof(*words));
        return words;
    }
    if (n > HEAP_WORDS - c->heap_used) {
        (void)schema_stop(c, "has too many parts to be checked"); /* said by NULL */
        return NULL;
    }
    uint64_t *words = calloc(n, sizeof(*words));
    if (words == NULL)
        abort();
    c->heap_used += (uint32_t)n;
    return words;
}

void
schema_words_give(struct check *c, uint64_t *words, size_t n)
{
    if (words < c->scratch || words > c->scratch + SCRATCH_WORDS) {
        c->heap_used -= (uint32_t)n;
        free(words);
        return;
    }
    c->scratch_used -= (uint32_t)n;
    assert(words == c->scratch + c->scratch_used);
}

bool
seen_open(struct check *c, struct seen *s, const struct weir_value *v)
{
    *s = (struct seen){ 0 };
    if (v->type != WEIR_MAP && (v->type != WEIR_LIST || !c->schema->contains))
        return true; /* a count is enough */
    s->words = (uint32_t)(((uint64_t)v->len + 63) / 64);
    s->bits = schema_words(c, s->words);
    return s->bits != NULL;
}

void
seen_close(struct check *c, struct seen *s)
{
    if (s->bits != NULL)
        schema_words_give(c, s->bits, s->words);
}

void
seen_merge(struct seen *into, const struct seen *from)
{
    into->all |= from->all;
    into->prefix = from->prefix > into->prefix ? from->prefix : into->prefix;
    for (uint32_t i = 0; i < from->words; i++)
        into->bits[i] |= from->bits[i];
}

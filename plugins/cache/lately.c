/* cache/lately.c - see lately.h.
 *
 * A mark is a polynomial over the prime 2^61 - 1 at a secret random point (universal hashing, Carter
 * and Wegman 1979): who can choose values but not see marks has a chance of about the number of
 * words in 2^61 to make two agree, and would win that a value is written a little later.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lately.h"

#include <stdlib.h>
#include <string.h>

#define PRIME ((UINT64_C(1) << 61) - 1)
#define WORD 7u /* bytes, so that each word is smaller than the prime */
#define PLACES 512u

__extension__ typedef unsigned __int128 product_t;

struct place_of {
    uint64_t mark; /* 0: none */
    uint64_t written_ms;
    unsigned epoch;
};

struct lately {
    uint64_t point;
    struct place_of places[PLACES];
};

struct lately *
lately_new(void)
{
    struct lately *l = zeroed(1, sizeof *l);
    host->random(&l->point, sizeof l->point);
    l->point = l->point % (PRIME - 1) + 1;
    return l;
}

void
lately_free(struct lately **l)
{
    free(*l);
    *l = NULL;
}

static uint64_t
add_word(const struct lately *l, uint64_t sum, uint64_t word)
{
    product_t product = (product_t)sum * l->point + word;
    uint64_t folded = (uint64_t)(product & PRIME) + (uint64_t)(product >> 61);
    return folded >= PRIME ? folded - PRIME : folded;
}

static uint64_t
add_bytes(const struct lately *l, uint64_t sum, struct weir_text text)
{
    sum = add_word(l, sum, text.len % PRIME);
    for (size_t at = 0; at < text.len; at += WORD) {
        uint64_t word = 0;
        memcpy(&word, text.bytes + at, text.len - at < WORD ? text.len - at : WORD);
        sum = add_word(l, sum, word);
    }
    return sum;
}

uint64_t
lately_mark(const struct lately *l, const uint8_t id[ID_LEN], const struct entry *e)
{
    struct weir_error err = { 0 };
    struct weir_text text = { "", 0 };
    const struct weir_value *json = NULL;
    if (!host->get_text(e->value, &text)) {
        if (host->json_write(e->value, &json, &err) != WEIR_OK)
            return 0;
        (void)host->get_text(json, &text);
    }
    uint64_t sum = add_bytes(l, host->type(e->value), (struct weir_text){ (const char *)id, ID_LEN });
    sum = add_word(l, sum, (e->fresh_ms - e->set_ms) % PRIME);
    sum = add_word(l, sum, (e->keep_ms - e->set_ms) % PRIME);
    sum = add_bytes(l, sum, text);
    host->unref(&json);
    return sum > 0 ? sum : 1;
}

bool
lately_written(const struct lately *l, uint64_t mark, unsigned epoch, uint64_t now_ms, uint64_t refresh_ms)
{
    if (mark == 0)
        return false;
    const struct place_of *p = &l->places[mark % PLACES];
    return p->mark == mark && p->epoch == epoch && now_ms >= p->written_ms &&
           now_ms - p->written_ms < refresh_ms;
}

void
lately_note(struct lately *l, uint64_t mark, unsigned epoch, uint64_t now_ms)
{
    if (mark != 0)
        l->places[mark % PLACES] = (struct place_of){ mark, now_ms, epoch };
}

/* cache/lately.c - see lately.h.
 *
 * A mark is a polynomial over the prime 2^61 - 1 at a secret random point (universal hashing, Carter
 * and Wegman 1979): who can choose values but not see marks has a chance of about the number of
 * words in 2^61 to make two agree, and would win that a value is written a little later.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "lately.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#define PRIME ((UINT64_C(1) << 61) - 1)
#define WORD 7u /* bytes, so that each word is smaller than the prime */
#define WORD_BITS ((UINT64_C(1) << 56) - 1)
#define DEPTH_MAX 256u
#define PLACES 512u
#define HEARD ((uint64_t)255 << 32) /* no type has that: what the value was read from follows */

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

/* A mark in the making. */
struct making {
    uint64_t point;
    uint64_t sum;
    bool none; /* there is something that can't be kept anyway */
};

static inline void
add_word(struct making *m, uint64_t word)
{
    product_t product = (product_t)m->sum * m->point + word;
    uint64_t folded = (uint64_t)(product & PRIME) + (uint64_t)(product >> 61);
    m->sum = folded >= PRIME ? folded - PRIME : folded;
}

static void
add_bytes(struct making *m, struct weir_text text)
{
    size_t at = 0;
    uint64_t word;
    add_word(m, text.len % PRIME);
    for (; text.len - at > WORD; at += WORD) { /* one byte more is there to be read with a word */
        memcpy(&word, text.bytes + at, sizeof word);
        add_word(m, le64toh(word) & WORD_BITS);
    }
    word = 0;
    if (text.len > at)
        memcpy(&word, text.bytes + at, text.len - at);
    add_word(m, le64toh(word));
}

static void add_value(struct making *m, const struct weir_value *v, unsigned depth);

static void
add_parts(struct making *m, const struct weir_value *v, bool map, unsigned depth)
{
    const struct weir_value *part;
    struct weir_text key;
    if (depth == DEPTH_MAX) {
        m->none = true;
        return;
    }
    add_word(m, host->len(v));
    for (size_t i = 0; map && host->member(v, i, &key, &part); i++) {
        add_bytes(m, key);
        add_value(m, part, depth + 1);
    }
    for (size_t i = 0; !map && (part = host->at(v, i)) != NULL; i++)
        add_value(m, part, depth + 1);
}

static void
add_text(struct making *m, const struct weir_value *v)
{
    struct weir_text text = { "", 0 };
    m->none |= !host->get_text(v, &text); /* a stream */
    add_bytes(m, text);
}

/* Adds a null, bool or number: its 64 bits may be more than the prime, and go in two halves, with the type beside. */
static inline void
add_scalar(struct making *m, const struct weir_value *v, uint32_t type)
{
    union {
        int64_t integer;
        double number;
        uint64_t bits;
    } is = { .integer = 0 };
    bool truth = false;
    if (type == WEIR_BOOL)
        is.integer = host->get_bool(v, &truth) && truth;
    else if (type == WEIR_INT)
        (void)host->get_int(v, &is.integer);
    else if (type == WEIR_DOUBLE)
        (void)host->get_double(v, &is.number);
    add_word(m, (uint64_t)type << 32 | is.bits >> 32);
    add_word(m, (uint32_t)is.bits);
}

/* Adds what V is, its type and its content: two values that differ have other words. */
static void
add_value(struct making *m, const struct weir_value *v, unsigned depth)
{
    uint32_t type = host->type(v);
    if (type <= WEIR_DOUBLE) {
        add_scalar(m, v, type);
        return;
    }
    add_word(m, (uint64_t)type << 32);
    switch (type) {
    case WEIR_LIST:
    case WEIR_MAP:
        add_parts(m, v, type == WEIR_MAP, depth);
        break;
    default:
        add_text(m, v);
    }
}

uint64_t
lately_mark(const struct lately *l, const uint8_t id[ID_LEN], const struct entry *e, struct weir_text heard)
{
    struct making m = { .point = l->point };
    add_bytes(&m, (struct weir_text){ (const char *)id, ID_LEN });
    add_word(&m, (e->fresh_ms - e->set_ms) % PRIME);
    add_word(&m, (e->keep_ms - e->set_ms) % PRIME);
    if (heard.bytes != NULL) {
        add_word(&m, HEARD);
        add_bytes(&m, heard);
    } else {
        add_value(&m, e->value, 0);
    }
    if (m.none)
        return 0;
    return m.sum > 0 ? m.sum : 1;
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

/* base/nearest.c - which name was meant, see units.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "base/units.h"

#define LONGEST 64 /* nobody means a name that is longer */

static inline char
lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static inline unsigned
least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* How many letters must be added, dropped, changed or swapped with their neighbour to make B
 * of A; upper and lower case are the same. Three rows of the table are enough. */
static unsigned
distance(struct weir_text a, struct weir_text b)
{
    unsigned rows[3][LONGEST + 1];
    for (unsigned j = 0; j <= b.len; j++)
        rows[0][j] = j;
    for (unsigned i = 1; i <= a.len; i++) {
        unsigned *row = rows[i % 3];
        const unsigned *above = rows[(i + 2) % 3];
        const unsigned *top = rows[(i + 1) % 3];
        char c = lower(a.bytes[i - 1]);
        row[0] = i;
        for (unsigned j = 1; j <= b.len; j++) {
            char d = lower(b.bytes[j - 1]);
            unsigned n = least(above[j], row[j - 1]) + 1;
            n = least(n, above[j - 1] + (c != d));
            if (i > 1 && j > 1 && c == lower(b.bytes[j - 2]) && d == lower(a.bytes[i - 2]))
                n = least(n, top[j - 2] + 1);
            row[j] = n;
        }
    }
    return rows[a.len % 3][b.len];
}

int
nearest(struct weir_text text, const struct weir_text *names, size_t n)
{
    if (text.len > LONGEST)
        return -1;
    int best = -1;
    unsigned best_distance = UINT32_MAX;
    for (size_t i = 0; i < n; i++) {
        if (names[i].len > LONGEST)
            continue;
        size_t longer = names[i].len > text.len ? names[i].len : text.len;
        unsigned d = distance(text, names[i]);
        if (d <= longer / 3 && d < best_distance) {
            best = (int)i;
            best_distance = d;
        }
    }
    return best;
}

/* base/utf8_check.h - UTF-8 that comes in pieces, checked as it comes. Any thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_UTF8_CHECK_H
#define BASE_UTF8_CHECK_H

#include "base/err.h"

/* Where a text stands: all zero at its beginning, and wherever a character is over. */
struct utf8_check {
    uint8_t left; /* bytes that the character at hand still needs */
    uint8_t low;  /* the bounds of the next one of them */
    uint8_t high;
};

/* Goes on with TEXT. False at the first byte that no well-formed text (Unicode 15, table 3-7) has
 * at its place; then the check is of no use any more. */
bool utf8_go_on(struct utf8_check *c, struct weir_text text);

/* Whether the text may end here. */
static inline bool
utf8_whole(const struct utf8_check *c)
{
    return c->left == 0;
}

#endif

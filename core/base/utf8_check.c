/* base/utf8_check.c - see utf8_check.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/utf8_check.h"

#include <string.h>

#define CONTINUATION_LOW 0x80
#define CONTINUATION_HIGH 0xbf

/* The first byte of a character of more than one; false: there is none such. */
static bool
begin(struct utf8_check *c, uint8_t byte)
{
    c->low = CONTINUATION_LOW;
    c->high = CONTINUATION_HIGH;
    if (byte >= 0xc2 && byte <= 0xdf) {
        c->left = 1;
        return true;
    }
    if ((byte & 0xf0) == 0xe0) {
        c->left = 2;
        if (byte == 0xe0)
            c->low = 0xa0; /* shorter forms exist */
        else if (byte == 0xed)
            c->high = 0x9f; /* surrogates */
        return true;
    }
    if (byte < 0xf0 || byte > 0xf4)
        return false;
    c->left = 3;
    if (byte == 0xf0)
        c->low = 0x90;
    else if (byte == 0xf4)
        c->high = 0x8f; /* above U+10FFFF */
    return true;
}

/* How many of the first bytes are ASCII, a word at a time. */
static size_t
ascii(const char *bytes, size_t len)
{
    size_t n = 0;
    for (uint64_t word; len - n >= sizeof word; n += sizeof word) {
        memcpy(&word, bytes + n, sizeof word);
        if (word & UINT64_C(0x8080808080808080))
            break;
    }
    return n;
}

bool
utf8_go_on(struct utf8_check *c, struct weir_text text)
{
    for (size_t i = 0; i < text.len;) {
        if (c->left == 0)
            i += ascii(text.bytes + i, text.len - i);
        if (i == text.len)
            break;
        uint8_t byte = (uint8_t)text.bytes[i++];
        if (c->left == 0) {
            if (byte >= 0x80 && !begin(c, byte))
                return false;
            continue;
        }
        if (byte < c->low || byte > c->high)
            return false;
        c->left--;
        c->low = CONTINUATION_LOW;
        c->high = CONTINUATION_HIGH;
    }
    return true;
}

/* validate/hide.c - see hide.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hide.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#define PRIVATE_FIRST 0xE000u
#define PRIVATE_LAST 0xF8FFu
#define PRIVATE_BYTES 3u /* of each in UTF-8 */

/* "control" and "noncharacter" of the HTML standard, without its white space and NUL. */
static bool
is_error(uint32_t c)
{
    return (c >= 1 && c <= 8) || c == 0x0B || (c >= 0x0E && c <= 0x1F) ||
           (c >= 0x7F && c <= 0x9F) || (c >= 0xFDD0 && c <= 0xFDEF) || (c & 0xFFFE) == 0xFFFE;
}

/* The character at AT, and how many bytes it has: TEXT is UTF-8. */
static size_t
next(struct weir_text text, size_t at, uint32_t *ret)
{
    utf8proc_int32_t c = 0;
    utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)text.bytes + at,
                                          (utf8proc_ssize_t)(text.len - at), &c);
    *ret = n > 0 ? (uint32_t)c : 0;
    return n > 0 ? (size_t)n : 1;
}

bool
hide_wanted(struct weir_text text)
{
    uint32_t c;
    for (size_t i = 0; i < text.len;) {
        if (text.bytes[i] >= ' ' && text.bytes[i] < 0x7F) {
            i++;
            continue;
        }
        i += next(text, i, &c);
        if (is_error(c))
            return true;
    }
    return false;
}

/* Marks in USED which private-use characters TEXT has. */
static void
mark_private(struct weir_text text, bool used[])
{
    uint32_t c;
    for (size_t i = 0; i < text.len;) {
        i += next(text, i, &c);
        if (c >= PRIVATE_FIRST && c <= PRIVATE_LAST)
            used[c - PRIVATE_FIRST] = true;
    }
}

/* The place of C in H's list TABLE; H.n if it is not there. */
static unsigned
find(const struct hiding *h, const uint32_t table[], uint32_t c)
{
    unsigned i = 0;
    while (i < h->n && table[i] != c)
        i++;
    return i;
}

/* What C is hidden behind; C itself if there is no room. */
static uint32_t
hide_one(struct hiding *h, uint32_t c, const bool used[])
{
    unsigned i = find(h, h->what, c);
    if (i < h->n)
        return h->behind[i];
    uint32_t p = h->n > 0 ? h->behind[h->n - 1] + 1 : PRIVATE_FIRST;
    while (p <= PRIVATE_LAST && used[p - PRIVATE_FIRST])
        p++;
    if (p > PRIVATE_LAST || h->n == HIDDEN_MAX)
        return c;
    h->what[h->n] = c;
    h->behind[h->n++] = p;
    return p;
}

/* Memory for LEN bytes of text of which any may become a character of three or four bytes. */
static char *
room_for(size_t len)
{
    char *made = malloc(len * PRIVATE_BYTES + 1);
    if (made == NULL)
        abort();
    return made;
}

/* Writes NOW in the place of C, whose N bytes stand at FROM; returns how many bytes it has. */
static size_t
put(char *to, const char *from, size_t n, uint32_t c, uint32_t now)
{
    if (now != c)
        return (size_t)utf8proc_encode_char((utf8proc_int32_t)now, (utf8proc_uint8_t *)to);
    memcpy(to, from, n);
    return n;
}

struct weir_text
hide(struct hiding *h, struct weir_text text)
{
    bool used[PRIVATE_LAST - PRIVATE_FIRST + 1] = { false };
    char *made = room_for(text.len);
    size_t len = 0;
    uint32_t c;
    h->n = 0;
    mark_private(text, used);
    for (size_t i = 0; i < text.len;) {
        size_t n = next(text, i, &c);
        len += put(made + len, text.bytes + i, n, c, is_error(c) ? hide_one(h, c, used) : c);
        i += n;
    }
    return (struct weir_text){ made, len };
}

struct weir_text
unhide(const struct hiding *h, struct weir_text text)
{
    char *made = room_for(text.len);
    size_t len = 0;
    uint32_t c;
    for (size_t i = 0; i < text.len;) {
        size_t n = next(text, i, &c);
        unsigned which = n == PRIVATE_BYTES ? find(h, h->behind, c) : h->n;
        len += put(made + len, text.bytes + i, n, c, which < h->n ? h->what[which] : c);
        i += n;
    }
    return (struct weir_text){ made, len };
}

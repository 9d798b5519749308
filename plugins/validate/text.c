/* validate/text.c - see text.h.
 *
 * The order: HTML, normal form C, blanks at both ends, length, quotes. The normal form comes
 * before the length because it may make a text longer.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "text.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#define NFC_FIRST 0xCCu /* the first byte of U+0300: what lies below never changes */

void
text_room_init(struct text_room *room)
{
    strip_init(&room->strip);
    room->quoted = NULL;
    room->nfc = NULL;
}

void
text_room_fini(struct text_room *room)
{
    strip_fini(&room->strip);
    free(room->quoted);
    free(room->nfc);
}

/* How many bytes at the start of TEXT are ASCII, counted in words of eight. */
static size_t
ascii_length(struct weir_text text)
{
    size_t i = 0;
    for (uint64_t word; text.len - i >= sizeof word; i += sizeof word) {
        memcpy(&word, text.bytes + i, sizeof word);
        if (word & UINT64_C(0x8080808080808080))
            break;
    }
    return i;
}

/* How many bytes at the beginning of TEXT no normal form changes. */
static size_t
plain_len(struct weir_text text)
{
    size_t i = ascii_length(text);
    while (i < text.len && (unsigned char)text.bytes[i] < NFC_FIRST)
        i++;
    return i;
}

/* Unicode normal form C (UAX #15). */
static struct weir_text
normalise(struct text_room *room, struct weir_text text)
{
    utf8proc_uint8_t *made = NULL;
    if (plain_len(text) == text.len)
        return text;
    utf8proc_ssize_t len =
        utf8proc_map((const utf8proc_uint8_t *)text.bytes, (utf8proc_ssize_t)text.len, &made,
                     UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    if (len < 0) /* it is UTF-8 and of a length that fits: there is no memory */
        abort();
    if ((size_t)len == text.len && memcmp(made, text.bytes, text.len) == 0) {
        free(made);
        return text;
    }
    free(room->nfc);
    room->nfc = made;
    return (struct weir_text){ room->nfc, (size_t)len };
}

/* The length of a blank that BYTES begin with, 0 if there is none: those that ECMAScript's trim
 * knows (white space and line ends of ECMA-262). */
static inline size_t
blank_at(const unsigned char *b, size_t len)
{
    if (len > 0 && (b[0] == ' ' || (b[0] >= '\t' && b[0] <= '\r')))
        return 1;
    if (len >= 2 && b[0] == 0xC2 && b[1] == 0xA0)
        return 2;
    if (len < 3)
        return 0;
    uint32_t c = (uint32_t)b[0] << 16 | (uint32_t)b[1] << 8 | b[2];
    return (c >= 0xE28080 && c <= 0xE2808A) || c == 0xE19A80 || c == 0xE280A8 ||
                   c == 0xE280A9 || c == 0xE280AF || c == 0xE2819F || c == 0xE38080 ||
                   c == 0xEFBBBF
               ? 3
               : 0;
}

static struct weir_text
trim(struct weir_text text)
{
    const unsigned char *b = (const unsigned char *)text.bytes;
    size_t from = 0, to = text.len, n;
    while ((n = blank_at(b + from, to - from)) > 0)
        from += n;
    for (bool more = true; more && to > from;) {
        size_t longest = b[to - 1] < 0x80 ? 1 : 3; /* of the blanks that end in this byte */
        more = false;
        for (n = 1; n <= longest && n <= to - from && !more; n++)
            more = blank_at(b + to - n, n) == n;
        to -= more ? n - 1 : 0;
    }
    return (struct weir_text){ text.bytes + from, to - from };
}

/* The length of TEXT without a character reference (&amp; &lt; &gt;) whose end is cut off. */
static size_t
without_cut_reference(struct weir_text text)
{
    for (size_t back = 1; back <= 4 && back <= text.len; back++) {
        char c = text.bytes[text.len - back];
        if (c == ';')
            break;
        if (c == '&')
            return text.len - back;
    }
    return text.len;
}

/* At most MOST code points. A reference that was ESCAPED here is not cut in two. */
static struct weir_text
shorten(struct weir_text text, uint64_t most, bool escaped)
{
    uint64_t n = 0;
    if (text.len <= most)
        return text;
    for (size_t i = 0; i < text.len; i++) {
        if (((unsigned char)text.bytes[i] & 0xC0) == 0x80 || n++ < most)
            continue;
        text.len = i;
        if (escaped)
            text.len = without_cut_reference(text);
        return text;
    }
    return text;
}

static bool
has(struct weir_text text, char c)
{
    return text.len > 0 && memchr(text.bytes, c, text.len) != NULL;
}

static struct weir_text
escape_quotes(struct text_room *room, struct weir_text text)
{
    size_t quotes = 0, len = 0;
    if (!has(text, '"') && !has(text, '\''))
        return text;
    for (size_t i = 0; i < text.len; i++)
        quotes += text.bytes[i] == '"' || text.bytes[i] == '\'';
    free(room->quoted);
    room->quoted = malloc(text.len + quotes * 5);
    if (room->quoted == NULL)
        abort();
    for (size_t i = 0; i < text.len; i++) {
        const char *name = text.bytes[i] == '"'    ? "&quot;"
                           : text.bytes[i] == '\'' ? "&#39;"
                                                   : NULL;
        size_t n = name ? strlen(name) : 1;
        memcpy(room->quoted + len, name ? name : text.bytes + i, n);
        len += n;
    }
    return (struct weir_text){ room->quoted, len };
}

static bool
has_html(const struct sanitize *how, struct weir_text text)
{
    return how->strip_html && has(text, '<');
}

bool
text_is_dear(const struct sanitize *how, struct weir_text text)
{
    return has_html(how, text) || (how->nfc && plain_len(text) < text.len);
}

bool
text_clean(struct text_room *room, const struct sanitize *how, struct weir_text text, bool dear,
           struct weir_text *ret)
{
    bool html = dear && has_html(how, text);
    if (html && !strip_html(&room->strip, text, &text))
        return false;
    if (dear && how->nfc)
        text = normalise(room, text);
    if (how->trim)
        text = trim(text);
    text = shorten(text, how->max_length, html);
    if (how->escape_quotes)
        text = escape_quotes(room, text);
    *ret = text;
    return true;
}

/* pipeline/yaml_decode.c - plain and quoted scalars: escapes decoded, lines folded.
 *
 * Not left to libfyaml 0.7.12, which reads 'x''''y' as x''' and loses memory on the way.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "base/encode.h"
#include "pipeline/yaml_impl.h"

static uint32_t
hex_number(const char *s, size_t len)
{
    uint32_t n = 0;
    for (size_t i = 0; i < len; i++)
        n = n * 16 + (uint32_t)(s[i] <= '9' ? s[i] - '0' : (s[i] | 0x20) - 'a' + 10);
    return n;
}

size_t
yaml_escape(struct weir_text raw, size_t at, uint32_t *ret)
{
    static const char letters[] = "0abtnvfre \"/\\N_LP\t";
    static const uint32_t meanings[] = {
        0, 7, 8, 9, 10, 11, 12, 13, 27, ' ', '"', '/', '\\', 0x85, 0xa0, 0x2028, 0x2029, '\t'
    };
    *ret = UINT32_MAX;
    if (at + 1 >= raw.len)
        return 1;
    char c = raw.bytes[at + 1];
    size_t hex = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    if (hex > 0) {
        if (at + 2 + hex > raw.len)
            return 2;
        *ret = hex_number(raw.bytes + at + 2, hex);
        return 2 + hex;
    }
    const char *letter = c != '\0' ? strchr(letters, c) : NULL;
    if (letter != NULL)
        *ret = meanings[letter - letters];
    return 2;
}

static size_t
skip_blanks(struct weir_text raw, size_t at)
{
    while (at < raw.len && (raw.bytes[at] == ' ' || raw.bytes[at] == '\t'))
        at++;
    return at;
}

/* Line ends from AT on, with the blanks around them; *ret_n how many. */
static size_t
skip_lines(struct weir_text raw, size_t at, size_t *ret_n)
{
    *ret_n = 0;
    while (at < raw.len && raw.bytes[at] == '\n') {
        ++*ret_n;
        at = skip_blanks(raw, at + 1);
    }
    return at;
}

/* What is being decoded. */
struct decoding {
    struct weir_text raw;
    char *out;
    size_t len;
    size_t solid; /* of OUT: blanks behind it fall away at a line end */
};

static void
put(struct decoding *d, const char *bytes, size_t len)
{
    memcpy(d->out + d->len, bytes, len);
    d->len += len;
    d->solid = d->len;
}

static void
put_lines(struct decoding *d, size_t n)
{
    memset(d->out + d->len, '\n', n);
    d->len += n;
    d->solid = d->len;
}

/* A line end is a blank, N of them are N - 1 line ends. */
static size_t
fold(struct decoding *d, size_t at)
{
    size_t n;
    at = skip_lines(d->raw, at, &n);
    d->len = d->solid;
    if (n == 1)
        put(d, " ", 1);
    else
        put_lines(d, n - 1);
    return at;
}

/* An escape; behind an escaped line end blanks fall away, and further line ends stay. Moves
 * *at; false if it stands for no character. */
static bool
unescape(struct decoding *d, size_t *at)
{
    if (*at + 1 < d->raw.len && d->raw.bytes[*at + 1] == '\n') {
        size_t n;
        *at = skip_lines(d->raw, *at + 1, &n);
        put_lines(d, n - 1);
        return true;
    }
    uint32_t c;
    char bytes[4];
    *at += yaml_escape(d->raw, *at, &c);
    size_t len = utf8_write(bytes, c);
    put(d, bytes, len);
    return len > 0;
}

bool
yaml_decode(struct weir_text raw, enum yaml_style style, char *out, size_t *ret_len)
{
    struct decoding d = { raw, out, 0, 0 };
    bool good = true;
    for (size_t at = 0; at < raw.len;) {
        char c = raw.bytes[at];
        if (c == '\n') {
            at = fold(&d, at);
        } else if (style == YAML_DOUBLE && c == '\\') {
            good &= unescape(&d, &at);
        } else if (c == ' ' || c == '\t') {
            out[d.len++] = c;
            at++;
        } else {
            put(&d, &c, 1);
            at += style == YAML_SINGLE && c == '\'' ? 2 : 1;
        }
    }
    *ret_len = d.len;
    return good;
}

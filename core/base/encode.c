/* base/encode.c - hex, base64 and percent-encoding, see encode.h. UTF-8 is in utf8.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/encode.h"

#define ROW(h)                                                                                \
    { h, '0' }, { h, '1' }, { h, '2' }, { h, '3' }, { h, '4' }, { h, '5' }, { h, '6' },       \
        { h, '7' }, { h, '8' }, { h, '9' }, { h, 'a' }, { h, 'b' }, { h, 'c' }, { h, 'd' },   \
        { h, 'e' }, { h, 'f' }
const char hex_pairs[256][2] = { ROW('0'), ROW('1'), ROW('2'), ROW('3'), ROW('4'), ROW('5'),
                                 ROW('6'), ROW('7'), ROW('8'), ROW('9'), ROW('a'), ROW('b'),
                                 ROW('c'), ROW('d'), ROW('e'), ROW('f') };
#undef ROW

bool
hex_encode(struct buf *b, struct weir_text bytes)
{
    char *at = bytes.len <= SIZE_MAX / 2 ? buf_reserve(b, bytes.len * 2) : NULL;
    if (at == NULL)
        return false;
    for (size_t i = 0; i < bytes.len; i++)
        at = hex_put(at, (uint8_t)bytes.bytes[i]);
    buf_seal(b, bytes.len * 2);
    return true;
}

/* The value of a hex digit, or -1. */
static inline int
hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static enum weir_code
too_large(const struct buf *b, struct weir_error *err)
{
    return err_set(err, WEIR_TOO_LARGE, "more than %zu bytes", b->max);
}

enum weir_code
hex_decode(struct buf *b, struct weir_text hex, struct weir_error *err)
{
    if (hex.len % 2 != 0)
        return err_set(err, WEIR_INVALID, "hex must have an even number of digits");
    char *at = buf_reserve(b, hex.len / 2);
    if (at == NULL)
        return too_large(b, err);
    for (size_t i = 0; i < hex.len; i += 2) {
        int high = hex_value(hex.bytes[i]);
        int low = hex_value(hex.bytes[i + 1]);
        if (high < 0 || low < 0) {
            buf_seal(b, 0);
            return err_set(err, WEIR_INVALID, "hex must have digits 0-9, a-f only");
        }
        *at++ = (char)(high << 4 | low);
    }
    buf_seal(b, hex.len / 2);
    return WEIR_OK;
}

static const char base64_plain[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char base64_url[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

bool
base64_encode(struct buf *b, struct weir_text bytes, bool url)
{
    size_t whole = bytes.len / 3;
    size_t rest = bytes.len % 3;
    if (whole >= SIZE_MAX / 4)
        return false;
    size_t len = whole * 4 + (rest == 0 ? 0 : url ? rest + 1 : 4);
    char *at = buf_reserve(b, len);
    if (at == NULL)
        return false;

    const char *digits = url ? base64_url : base64_plain;
    const unsigned char *p = (const unsigned char *)bytes.bytes;
    for (size_t i = 0; i < whole; i++, p += 3, at += 4) {
        uint32_t three = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
        at[0] = digits[three >> 18];
        at[1] = digits[three >> 12 & 63];
        at[2] = digits[three >> 6 & 63];
        at[3] = digits[three & 63];
    }
    if (rest > 0) {
        uint32_t last = (uint32_t)p[0] << 16 | (rest == 2 ? (uint32_t)p[1] << 8 : 0);
        char four[4] = { digits[last >> 18], digits[last >> 12 & 63], '=', '=' };
        if (rest == 2)
            four[2] = digits[last >> 6 & 63];
        for (size_t i = 0; i < len - whole * 4; i++)
            at[i] = four[i];
    }
    buf_seal(b, len);
    return true;
}

/* The value of a digit of either alphabet plus one; 0 for what is none. */
static const uint8_t base64_values[256] = {
#define D(c, v) [c] = (v) + 1
#define ROW(a, v) D(a, v), D(a + 1, v + 1), D(a + 2, v + 2), D(a + 3, v + 3), D(a + 4, v + 4)
    ROW('A', 0),  ROW('F', 5),  ROW('K', 10), ROW('P', 15), ROW('U', 20), D('Z', 25),
    ROW('a', 26), ROW('f', 31), ROW('k', 36), ROW('p', 41), ROW('u', 46), D('z', 51),
    ROW('0', 52), ROW('5', 57), D('+', 62),   D('-', 62),   D('/', 63),   D('_', 63),
#undef ROW
#undef D
};

/* Reads N digits (2 to 4) into N - 1 bytes; false for a bad digit or left-over bits. */
static inline bool
base64_group(const unsigned char *p, size_t n, char *ret)
{
    uint32_t bits = 0;
    for (size_t i = 0; i < 4; i++) {
        unsigned value = i < n ? base64_values[p[i]] : 1;
        if (value == 0)
            return false;
        bits = bits << 6 | (value - 1);
    }
    char bytes[3] = { (char)(bits >> 16), (char)(bits >> 8 & 255), (char)(bits & 255) };
    for (size_t i = 0; i < 3; i++)
        if (i < n - 1)
            ret[i] = bytes[i];
        else if (bytes[i] != 0)
            return false;
    return true;
}

enum weir_code
base64_decode(struct buf *b, struct weir_text text, struct weir_error *err)
{
    size_t len = text.len;
    if (len > 0 && len % 4 == 0 && text.bytes[len - 1] == '=')
        len -= text.bytes[len - 2] == '=' ? 2 : 1;
    size_t rest = len % 4;
    if (rest == 1)
        return err_set(err, WEIR_INVALID, "base64 is cut short");
    size_t size = len / 4 * 3 + (rest > 0 ? rest - 1 : 0);
    char *at = buf_reserve(b, size);
    if (at == NULL)
        return too_large(b, err);

    const unsigned char *p = (const unsigned char *)text.bytes;
    for (size_t i = 0; i < len; i += 4) {
        size_t n = len - i < 4 ? len - i : 4;
        if (!base64_group(p + i, n, at)) {
            buf_seal(b, 0);
            return err_set(err, WEIR_INVALID, "base64 is malformed at byte %zu", i + 1);
        }
        at += n - 1;
    }
    buf_seal(b, size);
    return WEIR_OK;
}

static inline bool
is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '-' || c == '.' || c == '_' || c == '~';
}

bool
url_encode(struct buf *b, struct weir_text text)
{
    size_t len = text.len;
    for (size_t i = 0; i < text.len; i++)
        len += is_unreserved(text.bytes[i]) ? 0 : 2;
    char *at = buf_reserve(b, len);
    if (at == NULL)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.bytes[i];
        if (is_unreserved(c)) {
            *at++ = c;
            continue;
        }
        *at++ = '%';
        *at++ = "0123456789ABCDEF"[(unsigned char)c >> 4];
        *at++ = "0123456789ABCDEF"[c & 15];
    }
    buf_seal(b, len);
    return true;
}

enum weir_code
url_decode(struct buf *b, struct weir_text text, bool plus, struct weir_error *err)
{
    size_t len = text.len;
    for (size_t i = 0; i < text.len; i++) {
        if (text.bytes[i] != '%')
            continue;
        if (text.len - i < 3 || hex_value(text.bytes[i + 1]) < 0 ||
            hex_value(text.bytes[i + 2]) < 0)
            return err_set(err, WEIR_INVALID, "%% must be followed by two hex digits");
        len -= 2;
        i += 2;
    }
    char *at = buf_reserve(b, len);
    if (at == NULL)
        return too_large(b, err);
    for (size_t i = 0; i < text.len; i++) {
        char c = text.bytes[i];
        if (c == '%') {
            c = (char)(hex_value(text.bytes[i + 1]) << 4 | hex_value(text.bytes[i + 2]));
            i += 2;
        } else if (c == '+' && plus) {
            c = ' ';
        }
        *at++ = c;
    }
    buf_seal(b, len);
    return WEIR_OK;
}

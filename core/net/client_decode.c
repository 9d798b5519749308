/* net/client_decode.c - bodies that are compressed, though nobody has asked for it.
 *
 * RFC 9110 8.4.1: gzip (RFC 1952) and deflate, which is zlib's format (RFC 1950) and, from some
 * servers, a bare deflate stream. What comes out is bounded, since a few bytes can hold a lot.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>

#include "net/client_parts.h"

#define RATIO 100u
#define ALWAYS (64u << 10) /* so much may come out of however little */
#define STEP (16u << 10)
#define WINDOW 15

/* The next item of a list that is separated by commas; false at the end. */
static bool
next_item(struct weir_text *list, struct weir_text *ret)
{
    while (list->len > 0 &&
           (*list->bytes == ',' || *list->bytes == ' ' || *list->bytes == '\t')) {
        list->bytes++;
        list->len--;
    }
    const char *comma = list->len > 0 ? memchr(list->bytes, ',', list->len) : NULL;
    size_t len = comma != NULL ? (size_t)(comma - list->bytes) : list->len;
    *ret = (struct weir_text){ list->bytes, len };
    list->bytes += len;
    list->len -= len;
    while (ret->len > 0 &&
           (ret->bytes[ret->len - 1] == ' ' || ret->bytes[ret->len - 1] == '\t'))
        ret->len--;
    return ret->len > 0;
}

static bool
is(struct weir_text text, const char *name)
{
    return text.len == strlen(name) && strncasecmp(text.bytes, name, text.len) == 0;
}

bool
client_codings(struct weir_text field, uint8_t ret[2], uint8_t *ret_n)
{
    uint8_t n = 0;
    bool known = true;
    *ret_n = 0;
    for (struct weir_text item; next_item(&field, &item);) {
        if (is(item, "identity"))
            continue;
        if (n == 2)
            return false;
        bool gzip = is(item, "gzip") || is(item, "x-gzip");
        known = known && (gzip || is(item, "deflate"));
        ret[n++] = gzip ? CODING_GZIP : CODING_DEFLATE;
    }
    *ret_n = known ? n : 0;
    return true;
}

/* What WINDOW zlib is to expect: its own format or gzip, or bare deflate. */
static int
window_of(enum client_coding coding, struct weir_text bytes)
{
    if (coding == CODING_GZIP)
        return WINDOW + 16;
    if (bytes.len < 2)
        return WINDOW;
    unsigned first = (uint8_t)bytes.bytes[0];
    unsigned second = (uint8_t)bytes.bytes[1];
    bool zlib = (first & 0x0f) == Z_DEFLATED && (first << 8 | second) % 31 == 0;
    return zlib ? WINDOW : -WINDOW;
}

static enum weir_code
too_much(const struct buf *out, uint64_t max, struct weir_error *err)
{
    if (out->max == max)
        return err_set(err, WEIR_TOO_LARGE, "the body of the answer is larger than %llu bytes",
                       (unsigned long long)max);
    return err_set(err, WEIR_TOO_LARGE,
                   "the body of the answer decompresses to more than %u times its size", RATIO);
}

/* Inflates to the end of Z's input. A gzip body may have several members. */
static enum weir_code
inflate_all(z_stream *z, bool members, struct buf *out, uint64_t max, struct weir_error *err)
{
    for (;;) {
        size_t room = out->max - out->len < STEP ? out->max - out->len : STEP;
        unsigned char spare;
        char *at = room > 0 ? buf_reserve(out, room) : (char *)&spare;
        z->next_out = (unsigned char *)at;
        z->avail_out = room > 0 ? (unsigned)room : 1;
        int result = inflate(z, Z_NO_FLUSH);
        size_t n = (room > 0 ? room : 1) - z->avail_out;
        if (room == 0 && n > 0)
            return too_much(out, max, err);
        if (room > 0)
            buf_seal(out, n);
        if (result == Z_STREAM_END && z->avail_in == 0)
            return WEIR_OK;
        if (result == Z_STREAM_END && members && inflateReset(z) == Z_OK)
            continue;
        if (result == Z_STREAM_END)
            return err_set(err, WEIR_UPSTREAM,
                           "bytes follow the compressed body of the answer");
        if (result == Z_BUF_ERROR || (result == Z_OK && z->avail_in == 0 && n == 0))
            return err_set(err, WEIR_UPSTREAM,
                           "the compressed body of the answer is cut short");
        if (result != Z_OK)
            return err_set(err, WEIR_UPSTREAM, "the compressed body of the answer is broken");
    }
}

/* Undoes one coding; OUT has its bound. */
static enum weir_code
undo(enum client_coding coding, struct weir_text bytes, struct buf *out, uint64_t max,
     struct weir_error *err)
{
    z_stream z = { .next_in = (unsigned char *)bytes.bytes, .avail_in = (unsigned)bytes.len };
    if (inflateInit2(&z, window_of(coding, bytes)) != Z_OK)
        abort();
    enum weir_code code = inflate_all(&z, coding == CODING_GZIP, out, max, err);
    inflateEnd(&z);
    return code;
}

enum weir_code
client_decode(const uint8_t *codings, unsigned n, struct weir_text bytes, uint64_t max,
              struct buf *ret, struct weir_error *err)
{
    assert(n > 0 && n <= 2 && bytes.len < UINT32_MAX);
    uint64_t bound = (uint64_t)bytes.len * RATIO;
    if (bound < ALWAYS)
        bound = ALWAYS;
    if (bound > max)
        bound = max;
    struct buf out;
    buf_init(ret, (size_t)bound);
    buf_init(&out, (size_t)bound);
    enum weir_code code = WEIR_OK;
    for (unsigned i = n; i > 0 && code == WEIR_OK; i--) {
        code = undo((enum client_coding)codings[i - 1], bytes, &out, max, err);
        struct buf used = *ret;
        *ret = out;
        out = used;
        buf_reset(&out);
        bytes = buf_content(ret);
    }
    buf_fini(&out);
    if (code != WEIR_OK)
        buf_fini(ret);
    return code;
}

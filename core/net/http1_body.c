/* net/http1_body.c - bodies: none, of a length, chunked, up to the end of the connection.
 *
 * The chunked coding is read byte by byte outside of the data, so that it can stop anywhere.
 * Extensions and trailers are held to their grammar, and dropped.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <string.h>

#include "net/http1_parse.h"

#define SIZE_DIGITS_MAX 16
#define TRAILER_NAME_MAX 256

/* What no limits are given for. */
static const struct http_limits usual = { .head = 16384, .line = 16384, .fields = UINT32_MAX };

enum chunk_state {
    SIZE_FIRST, /* the first digit of a chunk's size */
    SIZE,
    EXTENSION, /* behind the semicolon, before the name of an extension */
    EXTENSION_NAME,
    EXTENSION_NAMED, /* in the blanks behind its name */
    EXTENSION_EQUALS,
    EXTENSION_VALUE,
    EXTENSION_VALUED, /* in the blanks behind its value */
    QUOTED,           /* in a quoted string */
    ESCAPED,
    QUOTED_END,
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    LINE_FIRST, /* the first byte of a trailer, or of the empty line */
    NAME,
    VALUE,
    VALUE_LF,
    LAST_LF,
    COMPLETE,
    BROKEN, /* what is no state */
};

void
http_body_of_request(struct http_body *b, const struct http_head *h)
{
    *b = (struct http_body){ .kind = HTTP_BODY_NONE };
    if (h->chunked) {
        b->kind = HTTP_BODY_CHUNKED;
    } else if (h->has_length && h->length > 0) {
        b->kind = HTTP_BODY_LENGTH;
        b->left = h->length;
    }
}

void
http_body_of_answer(struct http_body *b, const struct http_head *h, struct weir_text method)
{
    http_body_of_request(b, h);
    if (text_is(method, "HEAD") || h->status < 200 || h->status == 204 || h->status == 304)
        *b = (struct http_body){ .kind = HTTP_BODY_NONE };
    else if (!h->chunked && !h->has_length)
        b->kind = HTTP_BODY_UNTIL_CLOSE;
}

void
http_body_limit(struct http_body *b, const struct http_limits *limits, size_t head, unsigned fields)
{
    b->limits = limits;
    b->overhead = head;
    b->fields = fields;
}

static const struct http_limits *
limits_of(const struct http_body *b)
{
    return b->limits != NULL ? b->limits : &usual;
}

static enum http_progress
bad_body(struct weir_error *err, const char *text)
{
    (void)err_set(err, WEIR_INVALID, "%s", text);
    if (err != NULL)
        err->status = 400;
    return HTTP_BAD;
}

static enum http_progress
too_large(const struct http_body *b, struct weir_error *err, const char *text)
{
    (void)bad_body(err, text);
    if (err != NULL && b->limits != NULL)
        err->status = 431;
    return HTTP_BAD;
}

/* One byte more of a chunk extension or a trailer. */
static enum http_progress
count_byte(struct http_body *b, char c, struct weir_error *err)
{
    if (++b->overhead > limits_of(b)->head)
        return too_large(b, err, "the chunk extensions and trailers are too large");
    if (++b->line > limits_of(b)->line && c != '\r')
        return too_large(b, err, "the line of a chunk extension or trailer is too long");
    return HTTP_MORE;
}

/* The hash (FNV-1a) of a trailer's name with one byte more. */
static uint64_t
hash_more(uint64_t hash, char c)
{
    return (hash ^ (unsigned char)c) * 0x100000001b3u;
}
#define HASH_START 0xcbf29ce484222325u

/* Whether the name of this hash frames, routes or admits the message: such a field has no
 * place behind the body (RFC 9110 6.5.1). */
static bool
is_forbidden(uint64_t hash)
{
    static const char *const names[] = {
        "transfer-encoding",
        "content-length",
        "host",
        "connection",
        "upgrade",
        "trailer",
        "te",
        "keep-alive",
        "proxy-connection",
        "expect",
        "content-type",
        "content-encoding",
        "content-range",
        "authorization",
        "proxy-authorization",
        "cookie",
        "set-cookie",
        "range",
        "max-forwards",
        "location",
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        uint64_t other = HASH_START;
        for (const char *c = names[i]; *c != '\0'; c++)
            other = hash_more(other, *c);
        if (other == hash)
            return true;
    }
    return false;
}

bool
http_may_trail(struct weir_text name)
{
    uint64_t hash = HASH_START;
    for (size_t i = 0; i < name.len; i++)
        hash = hash_more(hash, name.bytes[i]);
    return !is_forbidden(hash);
}

/* One byte of a chunk's size. */
static enum http_progress
size_byte(struct http_body *b, char c, struct weir_error *err)
{
    if (http_is(c, HTTP_HEX)) {
        if (++b->line > SIZE_DIGITS_MAX || b->left > INT64_MAX >> 4)
            return bad_body(err, "the size of a chunk is too large");
        b->left = b->left << 4 | http_hex(c);
        b->state = SIZE;
        return HTTP_MORE;
    }
    if (b->state == SIZE && (c == '\r' || c == ';')) {
        b->state = c == '\r' ? SIZE_LF : EXTENSION;
        return HTTP_MORE;
    }
    return bad_body(err, "the size of a chunk is not a hexadecimal number");
}

/* The state behind byte C of extensions: *( ";" name [ "=" ( token / quoted-string ) ] ), with
 * blanks around what is no name (RFC 9112 7.1.1); BROKEN if it may not stand there. */
static enum chunk_state
extension_next(enum chunk_state state, char c)
{
    bool token = http_is(c, HTTP_TOKEN);
    bool blank = c == ' ' || c == '\t';
    switch (state) {
    case EXTENSION:
        return token ? EXTENSION_NAME : blank ? EXTENSION : BROKEN;
    case EXTENSION_EQUALS:
        if (c == '"')
            return QUOTED;
        return token ? EXTENSION_VALUE : blank ? EXTENSION_EQUALS : BROKEN;
    case QUOTED:
        if (c == '"' || c == '\\')
            return c == '"' ? QUOTED_END : ESCAPED;
        return http_is(c, HTTP_CONTROL) ? BROKEN : QUOTED;
    case ESCAPED:
        return http_is(c, HTTP_CONTROL) ? BROKEN : QUOTED;
    default:
        break;
    }

    bool named = state == EXTENSION_NAME || state == EXTENSION_NAMED;
    bool within = state == EXTENSION_NAME || state == EXTENSION_VALUE;
    bool blanks = state == EXTENSION_NAMED || state == EXTENSION_VALUED;
    if (token && within)
        return state;
    if (c == '=' && named)
        return EXTENSION_EQUALS;
    if (c == ';')
        return EXTENSION;
    if (blank)
        return named ? EXTENSION_NAMED : EXTENSION_VALUED;
    return c == '\r' && !blanks ? SIZE_LF : BROKEN;
}

/* One byte of a chunk's extensions. */
static enum http_progress
extension_byte(struct http_body *b, char c, struct weir_error *err)
{
    if (count_byte(b, c, err) == HTTP_BAD)
        return HTTP_BAD;
    b->state = extension_next((enum chunk_state)b->state, c);
    if (b->state == BROKEN)
        return bad_body(err, "a chunk extension is malformed");
    return HTTP_MORE;
}

/* One byte of a trailer. Its name is not kept: LEFT holds its hash, LINE its length. */
static enum http_progress
trailer_byte(struct http_body *b, char c, struct weir_error *err)
{
    if (count_byte(b, c, err) == HTTP_BAD)
        return HTTP_BAD;
    if (b->state == VALUE) {
        if (c == '\r')
            b->state = VALUE_LF;
        else if (http_is(c, HTTP_CONTROL))
            return bad_body(err, "a trailer has a control byte");
        return HTTP_MORE;
    }
    if (b->state == LINE_FIRST) {
        if (c == '\r') {
            b->state = LAST_LF;
            return HTTP_MORE;
        }
        if (++b->fields > limits_of(b)->fields)
            return too_large(b, err, "there are too many trailers");
        b->left = HASH_START;
        b->line = 1;
        b->state = NAME;
    }
    if (http_is(c, HTTP_TOKEN) && c != '_' && b->line <= TRAILER_NAME_MAX) {
        b->left = hash_more(b->left, http_lower(c));
        return HTTP_MORE;
    }
    if (c != ':' || b->line == 1)
        return bad_body(err, "a trailer's name is not a token with a colon behind it");
    if (is_forbidden(b->left))
        return bad_body(err, "a trailer has a name that may not stand there");
    b->state = VALUE;
    return HTTP_MORE;
}

/* The next state behind a byte that can only be one. */
static enum http_progress
expect(struct http_body *b, char c, char wanted, enum chunk_state next, struct weir_error *err)
{
    if (c != wanted)
        return bad_body(err, "a line of a chunked body does not end in CR LF");
    b->state = next;
    return HTTP_MORE;
}

/* One byte that is no data. */
static enum http_progress
frame_byte(struct http_body *b, char c, struct weir_error *err)
{
    switch ((enum chunk_state)b->state) {
    case SIZE_FIRST:
    case SIZE:
        return size_byte(b, c, err);
    case EXTENSION:
    case EXTENSION_NAME:
    case EXTENSION_NAMED:
    case EXTENSION_EQUALS:
    case EXTENSION_VALUE:
    case EXTENSION_VALUED:
    case QUOTED:
    case ESCAPED:
    case QUOTED_END:
        return extension_byte(b, c, err);
    case SIZE_LF:
        b->line = 0;
        return expect(b, c, '\n', b->left > 0 ? DATA : LINE_FIRST, err);
    case DATA_CR:
        return expect(b, c, '\r', DATA_LF, err);
    case DATA_LF:
        return expect(b, c, '\n', SIZE_FIRST, err);
    case LINE_FIRST:
    case NAME:
    case VALUE:
        return trailer_byte(b, c, err);
    case VALUE_LF:
        b->line = 0;
        return expect(b, c, '\n', LINE_FIRST, err);
    case LAST_LF:
        return expect(b, c, '\n', COMPLETE, err);
    case DATA:
    case COMPLETE:
    case BROKEN:
        break;
    }
    assert(false); /* no byte of the frame is read in these */
    return HTTP_BAD;
}

/* Takes at most what is left of the length or of the chunk. */
static void
take(struct http_body *b, const char *bytes, size_t len, struct weir_text *ret_piece)
{
    size_t n = len < b->left ? len : (size_t)b->left;
    b->left -= n;
    *ret_piece = (struct weir_text){ bytes, n };
}

static enum http_progress
read_chunked(struct http_body *b, const char *bytes, size_t len, size_t *ret_used,
             struct weir_text *ret_piece, struct weir_error *err)
{
    size_t at = 0;
    while (at < len && b->state != DATA && b->state != COMPLETE) {
        if (frame_byte(b, bytes[at++], err) == HTTP_BAD)
            return HTTP_BAD;
    }
    if (b->state == DATA && at < len) {
        take(b, bytes + at, len - at, ret_piece);
        at += ret_piece->len;
        if (b->left == 0)
            b->state = DATA_CR;
    }
    *ret_used = at;
    return b->state == COMPLETE ? HTTP_DONE : HTTP_MORE;
}

enum http_progress
http_body_read(struct http_body *b, const char *bytes, size_t len, size_t *ret_used,
               struct weir_text *ret_piece, struct weir_error *err)
{
    *ret_used = 0;
    *ret_piece = (struct weir_text){ bytes, 0 };
    switch (b->kind) {
    case HTTP_BODY_NONE:
        return HTTP_DONE;
    case HTTP_BODY_LENGTH:
        take(b, bytes, len, ret_piece);
        *ret_used = ret_piece->len;
        return b->left == 0 ? HTTP_DONE : HTTP_MORE;
    case HTTP_BODY_CHUNKED:
        return read_chunked(b, bytes, len, ret_used, ret_piece, err);
    case HTTP_BODY_UNTIL_CLOSE:
        ret_piece->len = len;
        *ret_used = len;
        return HTTP_MORE;
    }
    assert(false);
    return HTTP_BAD;
}

uint64_t
http_body_ahead(const struct http_body *b)
{
    bool known = b->kind == HTTP_BODY_LENGTH ||
                 (b->kind == HTTP_BODY_CHUNKED && b->state == DATA);
    return known ? b->left : 0;
}

enum http_progress
http_body_end(const struct http_body *b, struct weir_error *err)
{
    bool complete = b->kind == HTTP_BODY_NONE || b->kind == HTTP_BODY_UNTIL_CLOSE ||
                    (b->kind == HTTP_BODY_LENGTH && b->left == 0) ||
                    (b->kind == HTTP_BODY_CHUNKED && b->state == COMPLETE);
    if (complete)
        return HTTP_DONE;
    return bad_body(err, "the connection ended within the body");
}

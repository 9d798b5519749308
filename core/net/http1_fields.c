/* net/http1_fields.c - the lines of a head, and what they say of the message; see http1.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "net/http1_parse.h"

static enum weir_code
read_length(struct http_parse *p, struct weir_text value)
{
    struct http_head *h = p->head;
    if (h->has_length)
        return http_bad(p, 400, "there is more than one Content-Length");
    if (value.len == 0)
        return http_bad(p, 400, "Content-Length is not a number");
    uint64_t length = 0;
    for (size_t i = 0; i < value.len; i++) {
        if (!http_is(value.bytes[i], HTTP_DIGIT))
            return http_bad(p, 400, "Content-Length is not a number");
        length = length * 10 + (uint64_t)(value.bytes[i] - '0');
        if (i >= 19 || length > INT64_MAX)
            return http_bad(p, 400, "Content-Length is too large");
    }
    h->has_length = true;
    h->length = length;
    return WEIR_OK;
}

/* Whether VALUE is a list of codings of which chunked is the last, and only the last. */
static bool
ends_in_chunked(struct weir_text value)
{
    const char *comma = memrchr(value.bytes, ',', value.len);
    if (comma == NULL)
        return false;
    struct weir_text last = { comma + 1, value.len - (size_t)(comma + 1 - value.bytes) };
    while (last.len > 0 && last.bytes[0] == ' ') {
        last.bytes++;
        last.len--;
    }
    if (!http_text_is(last, "chunked"))
        return false;
    const char *before = value.bytes;
    for (; before + 7 <= comma; before++)
        if (http_text_is((struct weir_text){ before, 7 }, "chunked"))
            return false;
    return true;
}

static enum weir_code
read_coding(struct http_parse *p, struct weir_text value)
{
    if (p->has_coding)
        return http_bad(p, 400, "there is more than one Transfer-Encoding");
    p->has_coding = true;
    if (http_text_is(value, "chunked")) {
        p->head->chunked = true;
        return WEIR_OK;
    }
    if (ends_in_chunked(value))
        return http_bad(p, 501, "of transfer codings only chunked is known");
    return http_bad(p, 400, "the transfer coding is not chunked");
}

static enum weir_code
read_host(struct http_parse *p, struct weir_text value)
{
    if (p->answer)
        return WEIR_OK;
    if (p->has_host)
        return http_bad(p, 400, "there is more than one Host");
    if (!http_is_authority(value))
        return http_bad(p, 400, "Host is not a host name with an optional port");
    p->has_host = true;
    p->head->authority = value;
    return WEIR_OK;
}

/* One option of a Connection field. A field that frames the message must not be named here:
 * who removes what is named would then see another message. */
static enum weir_code
read_option(struct http_parse *p, struct weir_text option)
{
    if (http_text_is(option, "close"))
        p->connection_close = true;
    else if (http_text_is(option, "keep-alive"))
        p->connection_keep = true;
    else if (http_text_is(option, "upgrade"))
        p->connection_upgrade = true;
    else if (!http_is_token(option) || http_text_is(option, "content-length") ||
             http_text_is(option, "transfer-encoding") || http_text_is(option, "host"))
        return http_bad(p, 400, "Connection is not a list of options");
    return WEIR_OK;
}

static enum weir_code
read_connection(struct http_parse *p, struct weir_text value)
{
    const char *at = value.bytes, *end = value.bytes + value.len;
    while (at < end) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        const char *stop = comma ? comma : end;
        struct weir_text option = { at, (size_t)(stop - at) };
        while (option.len > 0 && option.bytes[0] == ' ') {
            option.bytes++;
            option.len--;
        }
        while (option.len > 0 && option.bytes[option.len - 1] == ' ')
            option.len--;
        /* Empty elements are legal in lists. */
        enum weir_code code = option.len > 0 ? read_option(p, option) : WEIR_OK;
        if (code != WEIR_OK)
            return code;
        at = stop + 1;
    }
    return WEIR_OK;
}

static enum weir_code
read_expect(struct http_parse *p, struct weir_text value)
{
    if (p->answer)
        return WEIR_OK;
    if (!http_text_is(value, "100-continue"))
        return http_bad(p, 417, "the only expectation that can be met is 100-continue");
    p->head->expect_continue = p->head->minor > 0;
    return WEIR_OK;
}

typedef enum weir_code read_fn(struct http_parse *, struct weir_text value);

/* The reader of a field that the parser itself has to understand, or NULL. */
static read_fn *
reader_of(struct weir_text name)
{
    switch (name.len) {
    case 4:
        return memcmp(name.bytes, "host", 4) == 0 ? read_host : NULL;
    case 6:
        return memcmp(name.bytes, "expect", 6) == 0 ? read_expect : NULL;
    case 10:
        return memcmp(name.bytes, "connection", 10) == 0 ? read_connection : NULL;
    case 14:
        return memcmp(name.bytes, "content-length", 14) == 0 ? read_length : NULL;
    case 17:
        return memcmp(name.bytes, "transfer-encoding", 17) == 0 ? read_coding : NULL;
    default:
        return NULL;
    }
}

/* Reads the name of a field up to the colon, in lower case. */
static enum weir_code
read_name(struct http_parse *p, struct weir_text *ret)
{
    char *at = http_lower_name(p->at, p->end), lower;
    const char *end = p->end;
    while (at < end && (lower = http_names[(unsigned char)*at]) != 0)
        *at++ = lower;
    *ret = (struct weir_text){ p->at, (size_t)(at - p->at) };
    if (at == end || *at != ':' || ret->len == 0) {
        if (ret->len == 0 && at < end && (*at == ' ' || *at == '\t'))
            return http_bad(p, 400, "a header line begins with a blank");
        return http_bad(p, 400, "a header name is not a token with a colon behind it");
    }
    /* Gateways that make variables of names take _ and - for the same. */
    if (!p->answer && memchr(ret->bytes, '_', ret->len) != NULL)
        return http_bad(p, 400, "a header name has an underscore");
    p->at = at + 1;
    return WEIR_OK;
}

/* Reads the value up to the end of the line, trimmed. */
static enum weir_code
read_value(struct http_parse *p, struct weir_text *ret)
{
    char *from = p->at;
    char *to = http_scan_text(from, p->end);
    if (p->end - to < 2 || to[0] != '\r' || to[1] != '\n')
        return http_bad(p, 400, "a header value has a control byte");
    p->at = to + 2;
    while (from < to && (*from == ' ' || *from == '\t'))
        from++;
    while (to > from && (to[-1] == ' ' || to[-1] == '\t'))
        to--;
    *ret = (struct weir_text){ from, (size_t)(to - from) };
    return WEIR_OK;
}

static enum weir_code
read_field(struct http_parse *p)
{
    struct http_head *h = p->head;
    unsigned max = p->limits->fields < HTTP_FIELDS_MAX ? p->limits->fields : HTTP_FIELDS_MAX;
    if (h->n_fields >= max)
        return http_bad(p, 431, "there are too many header fields");
    struct weir_header *field = &h->fields[h->n_fields];
    char *line = p->at;
    enum weir_code code = read_name(p, &field->name);
    if (code == WEIR_OK)
        code = read_value(p, &field->value);
    if (code != WEIR_OK)
        return code;
    size_t len = (size_t)(p->at - line) - 2;
    if (len > p->limits->line)
        return http_bad(p, 431, "a header line is too long");
    h->n_fields++;

    read_fn *read = reader_of(field->name);
    if (read != NULL) {
        /* Not all parsers trim tabs. */
        if (memchr(line, '\t', len) != NULL)
            return http_bad(p, 400, "a field of the message's frame has a tab");
        return read(p, field->value);
    }
    if (field->name.len == 7 && memcmp(field->name.bytes, "upgrade", 7) == 0)
        p->has_upgrade = true;
    return WEIR_OK;
}

/* What the fields say together. */
static enum weir_code
conclude(struct http_parse *p)
{
    struct http_head *h = p->head;
    if (p->has_coding && h->has_length)
        return http_bad(p, 400, "Content-Length and Transfer-Encoding exclude each other");
    if (p->has_coding && h->minor == 0)
        return http_bad(p, 400, "HTTP/1.0 knows no Transfer-Encoding");
    h->upgrade = p->connection_upgrade && p->has_upgrade && h->minor > 0;
    h->keep_alive = !p->connection_close && (h->minor > 0 || p->connection_keep);
    return WEIR_OK;
}

enum weir_code
http_fields_parse(struct http_parse *p)
{
    while (p->end - p->at > 2) {
        enum weir_code code = read_field(p);
        if (code != WEIR_OK)
            return code;
    }
    if (p->end - p->at < 2 || p->at[0] != '\r' || p->at[1] != '\n')
        return http_bad(p, 400, "the header section does not end in an empty line");
    return conclude(p);
}

struct weir_text
http_field(const struct http_head *h, const char *name)
{
    size_t len = strlen(name);
    for (unsigned i = 0; i < h->n_fields; i++) {
        struct weir_text at = h->fields[i].name;
        if (at.len == len && memcmp(at.bytes, name, len) == 0)
            return h->fields[i].value;
    }
    return (struct weir_text){ 0 };
}

bool
http_is_framing(struct weir_text name)
{
    switch (name.len) {
    case 2:
        return http_name_is(name, TEXT("te"));
    case 7:
        return http_name_is(name, TEXT("trailer")) || http_name_is(name, TEXT("upgrade"));
    case 10:
        return http_name_is(name, TEXT("connection")) || http_name_is(name, TEXT("keep-alive"));
    case 14:
        return http_name_is(name, TEXT("content-length"));
    case 16:
        return http_name_is(name, TEXT("proxy-connection"));
    case 17:
        return http_name_is(name, TEXT("transfer-encoding"));
    default:
        return false;
    }
}

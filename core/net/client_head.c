/* net/client_head.c - what the head of an answer says.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>
#include <strings.h>

#include "base/encode.h"
#include "net/client_parts.h"

#define INTERIM_MAX 16u

/* The text of a field value: what is no UTF-8 is read as Latin-1, as browsers do. */
static struct weir_text
as_utf8(struct weir_text value, struct buf *out)
{
    if (utf8_valid(value))
        return value;
    buf_reset(out);
    for (size_t i = 0; i < value.len; i++) {
        char bytes[4];
        (void)buf_add(out, bytes, utf8_write(bytes, (uint8_t)value.bytes[i]), NULL);
    }
    return buf_content(out);
}

/* Whether two fields may have the same name: false is sure, and the usual case. */
static bool
may_repeat(const struct http_head *h)
{
    uint64_t seen[4] = { 0, 0, 0, 0 };
    for (unsigned i = 0; i < h->n_fields; i++) {
        struct weir_text name = h->fields[i].name;
        unsigned print = (unsigned)name.len << 24 ^ (unsigned)(uint8_t)name.bytes[0] << 16 ^
                         (unsigned)(uint8_t)name.bytes[name.len / 2] << 8 ^
                         (unsigned)(uint8_t)name.bytes[name.len - 1];
        print = print * 0x9e3779b1u >> 24;
        uint64_t bit = 1ull << print % 64;
        uint64_t *word = &seen[print / 64];
        if (*word & bit)
            return true;
        *word |= bit;
    }
    return false;
}

/* Whether a field before number I has its name. */
static bool
is_repeat(const struct http_head *h, unsigned i)
{
    for (unsigned k = 0; k < i; k++)
        if (text_equal(h->fields[k].name, h->fields[i].name))
            return true;
    return false;
}

/* The value of field I, with those of the same name behind it. */
static struct weir_text
joined(const struct http_head *h, unsigned i, struct buf *out)
{
    bool first = true;
    for (unsigned k = i + 1; k < h->n_fields; k++) {
        if (!text_equal(h->fields[k].name, h->fields[i].name))
            continue;
        if (first) {
            buf_reset(out);
            (void)buf_text(out, h->fields[i].value);
        }
        first = false;
        (void)buf_puts(out, ", ");
        (void)buf_text(out, h->fields[k].value);
    }
    return first ? h->fields[i].value : buf_content(out);
}

/* Whether the body comes out of the client otherwise than it went in. */
static bool
is_decoded(const struct client_call *call, struct weir_text name)
{
    return call->n_codings > 0 &&
           (text_is(name, "content-encoding") || text_is(name, "content-length"));
}

/* The fields as a map. Names get a NUL behind them, where the colon was. */
static const struct weir_value *
make_headers(const struct client_call *call, const struct http_head *h)
{
    struct buf list;
    struct buf utf8;
    buf_init(&list, 2 * http_answer_limits.head);
    buf_init(&utf8, 4 * http_answer_limits.head);
    struct weir_builder *b = builder_map();
    bool repeats = may_repeat(h);
    for (unsigned i = 0; i < h->n_fields; i++) {
        struct weir_text name = h->fields[i].name;
        if (is_decoded(call, name) || (repeats && is_repeat(h, i)))
            continue;
        struct weir_text text = repeats ? joined(h, i, &list) : h->fields[i].value;
        text = as_utf8(text, &utf8);
        const struct weir_value value = { .type = WEIR_STRING,
                                          .len = (uint32_t)text.len,
                                          .bytes = text.bytes };
        ((char *)name.bytes)[name.len] = '\0';
        builder_put(b, name.bytes, &value);
    }
    buf_fini(&list);
    buf_fini(&utf8);
    return builder_end(&b);
}

/* How long the connection may be idle: what Keep-Alive says but a second, and never long. */
static uint32_t
keep_ms(const struct http_head *h, uint32_t usual_ms)
{
    struct weir_text field = http_field(h, "keep-alive");
    if (field.bytes == NULL)
        return usual_ms;
    for (size_t i = 0; i + 8 < field.len; i++) {
        if (strncasecmp(field.bytes + i, "timeout=", 8) != 0)
            continue;
        uint32_t seconds = 0;
        for (size_t k = i + 8; k < field.len && field.bytes[k] >= '0' && field.bytes[k] <= '9';
             k++)
            seconds =
                seconds < 1000000 ? seconds * 10 + (uint32_t)(field.bytes[k] - '0') : seconds;
        uint32_t ms = seconds > 0 ? (seconds - 1) * 1000 : 0;
        return ms < CLIENT_IDLE_MAX_MS ? ms : CLIENT_IDLE_MAX_MS;
    }
    return usual_ms;
}

static enum weir_code
read_codings(struct client_call *call, const struct http_head *h, struct weir_error *err)
{
    struct weir_text field = http_field(h, "content-encoding");
    if (field.bytes == NULL || call->stream || call->own_decoding ||
        call->incoming.kind == HTTP_BODY_NONE)
        return WEIR_OK;
    if (!client_codings(field, call->codings, &call->n_codings))
        return err_set(err, WEIR_UPSTREAM, "the answer has more than two content encodings");
    return WEIR_OK;
}

enum weir_code
client_head_read(struct client_call *call, char *bytes, size_t len, struct weir_error *err)
{
    struct http_head *h = &call->client->head;
    if (http_answer_parse(bytes, len, &http_answer_limits, h, err) != WEIR_OK)
        return (enum weir_code)err->code;
    if (h->status == 101)
        return err_set(err, WEIR_UPSTREAM,
                       "it changes to another protocol, for which nobody has asked");
    if (h->status < 200) {
        if (++call->interim > INTERIM_MAX)
            return err_set(err, WEIR_UPSTREAM, "more than %u interim answers (1xx)",
                           INTERIM_MAX);
        return WEIR_OK;
    }

    call->has_head = true;
    call->status = h->status;
    http_body_of_answer(&call->incoming, h,
                        (struct weir_text){ call->method, call->method_len });
    call->keep = h->keep_alive && call->incoming.kind != HTTP_BODY_UNTIL_CLOSE;
    call->channel->keep_ms = keep_ms(h, call->client->settings.idle_ms);
    if (read_codings(call, h, err) != WEIR_OK)
        return (enum weir_code)err->code;
    if (client_follows(call, h->status)) {
        struct weir_text location = http_field(h, "location");
        if (location.bytes != NULL && location.len > 0)
            (void)buf_text(&call->location, location);
    }
    call->headers = make_headers(call, h);
    return WEIR_OK;
}

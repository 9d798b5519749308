/* http/http_answer.c - from an upstream's answer to the node's: see http.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http.h"

#define SHOWN 4096u /* bytes of a failed answer's body in the error */

static struct weir_text
header(const struct weir_http_answer *a, struct weir_text name)
{
    struct weir_text text = { "", 0 };
    (void)host->get_text(host->get(a->headers, name), &text);
    return text;
}

/* -- Retry-After (RFC 9110 10.2.3) -- */

/* Days since 1970 of a date (Hinnant, "chrono-compatible low-level date algorithms"). */
static int64_t
days_of(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    int64_t era = year / 400;
    int64_t of_era = year - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* "Sun, 06 Nov 1994 08:49:37 GMT" in seconds since 1970; -1 if it is none. */
static int64_t
date_seconds(const char *text)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    char month[4];
    unsigned day, year, hour, minute, second;
    if (sscanf(text, "%*3[A-Za-z], %2u %3[A-Za-z] %4u %2u:%2u:%2u GMT", &day, month, &year,
               &hour, &minute, &second) != 6)
        return -1;
    const char *at = strstr(months, month);
    if (at == NULL || strlen(month) != 3 || (at - months) % 3 != 0 || year < 1970 || day < 1 ||
        day > 31 || hour > 23 || minute > 59 || second > 60)
        return -1;
    return days_of(year, (at - months) / 3 + 1, day) * 86400 + hour * 3600 + minute * 60 +
           second;
}

uint32_t
retry_after_ms(struct weir_text field, uint64_t wall_ms)
{
    char text[40];
    int64_t ms = 0;
    if (field.len == 0 || field.len >= sizeof text)
        return 0;
    memcpy(text, field.bytes, field.len);
    text[field.len] = '\0';
    size_t digits = strspn(text, "0123456789");
    if (digits == field.len && digits <= 9) {
        ms = (int64_t)strtoul(text, NULL, 10) * 1000;
    } else {
        int64_t at = date_seconds(text);
        ms = at > 0 ? at * 1000 - (int64_t)wall_ms : 0;
    }
    if (ms <= 0)
        return 0;
    return ms < UINT32_MAX ? (uint32_t)ms : UINT32_MAX;
}

/* -- answers that are errors -- */

/* The beginning of a body as a string; NULL if it is no text. */
static const struct weir_value *
shown(const struct weir_value *body)
{
    struct weir_text text;
    if (!host->get_text(body, &text))
        return NULL;
    bool cut = text.len > SHOWN;
    if (cut)
        text.len = SHOWN;
    const struct weir_value *v = host->string(text);
    for (unsigned i = 0; v == NULL && cut && i < 3; i++) { /* cut inside a character */
        text.len--;
        v = host->string(text);
    }
    return v;
}

static void
fail(struct weir_call *call, const struct weir_http_answer *a)
{
    struct weir_error err = { .code = WEIR_UPSTREAM, .status = a->status, .sent = 1 };
    err.retry_after_ms =
        retry_after_ms(header(a, WEIR_TEXT("retry-after")), host->wall_ms(host->shard(call)));
    snprintf(err.text, sizeof err.text, "the upstream answered with status %u", a->status);
    struct weir_builder *map = host->map_new();
    const struct weir_value *v = host->integer(a->status);
    host->map_set(map, WEIR_TEXT("status"), &v);
    v = host->ref(a->headers);
    host->map_set(map, WEIR_TEXT("headers"), &v);
    v = a->body != NULL ? shown(a->body) : NULL;
    host->map_set(map, WEIR_TEXT("body"), &v);
    const struct weir_value *detail = host->build(&map);
    err.detail = detail;
    host->fail(call, &err);
    host->unref(&detail);
}

/* -- bodies -- */

static bool
ends_in(struct weir_text text, const char *end)
{
    size_t len = strlen(end);
    return text.len >= len && strncasecmp(text.bytes + text.len - len, end, len) == 0;
}

static bool
begins_with(struct weir_text text, const char *begin)
{
    size_t len = strlen(begin);
    return text.len >= len && strncasecmp(text.bytes, begin, len) == 0;
}

/* Whether the parameters name another character set than UTF-8 (ASCII is part of it). */
static bool
is_other_charset(struct weir_text parameters)
{
    for (size_t i = 0; i < parameters.len; i++) {
        struct weir_text at = { parameters.bytes + i, parameters.len - i };
        if (!begins_with(at, "charset="))
            continue;
        at = (struct weir_text){ at.bytes + 8, at.len - 8 };
        if (at.len > 0 && at.bytes[0] == '"')
            at = (struct weir_text){ at.bytes + 1, at.len - 1 };
        return !begins_with(at, "utf-8") && !begins_with(at, "utf8") &&
               !begins_with(at, "us-ascii");
    }
    return false;
}

/* How a body of this Content-Type is read by itself. */
static enum parse
guess(struct weir_text field)
{
    const char *end = memchr(field.bytes, ';', field.len);
    struct weir_text type = { field.bytes,
                              end != NULL ? (size_t)(end - field.bytes) : field.len };
    struct weir_text rest = { field.bytes + type.len, field.len - type.len };
    while (type.len > 0 &&
           (type.bytes[type.len - 1] == ' ' || type.bytes[type.len - 1] == '\t'))
        type.len--;
    if ((type.len == 16 && begins_with(type, "application/json")) || ends_in(type, "+json"))
        return PARSE_JSON;
    if (begins_with(type, "text/") && !is_other_charset(rest))
        return PARSE_TEXT;
    return PARSE_BYTES;
}

static uint32_t
bad_body(const struct weir_http_answer *a, const char *what, const char *why,
         struct weir_error *err)
{
    err->status = a->status;
    err->sent = 1;
    return refuse(err, WEIR_UPSTREAM, "the body of the answer is not %s%s%s", what,
                  why[0] ? ": " : "", why);
}

/* The body of the answer as the node's output has it; *ret is owned by the caller. */
static uint32_t
read_body(const struct http_node *n, const struct weir_http_answer *a,
          const struct weir_value **ret, struct weir_error *err)
{
    struct weir_text text;
    enum parse parse = n->parse;
    if (a->body == NULL || !host->get_text(a->body, &text) || parse == PARSE_BYTES) {
        *ret = host->ref(a->body != NULL ? a->body : host->null()); /* a stream too */
        return WEIR_OK;
    }
    if (text.len == 0 && parse != PARSE_TEXT) {
        *ret = host->ref(host->null());
        return WEIR_OK;
    }
    if (parse == PARSE_AUTO) {
        bool encoded = header(a, WEIR_TEXT("content-encoding")).len > 0; /* as the author asked */
        parse = encoded ? PARSE_BYTES : guess(header(a, WEIR_TEXT("content-type")));
    }
    if (parse == PARSE_JSON) {
        struct weir_error why = { 0 };
        if (host->json_read(text, ret, &why) == WEIR_OK)
            return WEIR_OK;
        host->unref(&why.detail);
        return bad_body(a, "JSON", why.text, err);
    }
    *ret = parse == PARSE_TEXT ? host->string(text) : NULL;
    if (*ret == NULL && n->parse == PARSE_TEXT)
        return bad_body(a, "text in UTF-8", "", err);
    if (*ret == NULL)
        *ret = host->ref(a->body);
    return WEIR_OK;
}

void
answer_take(struct weir_call *call, const struct http_node *n, const struct weir_http_answer *a)
{
    bool failed = (a->status >= 500 || statuses_have(&n->fail_on, a->status)) &&
                  !statuses_have(&n->ok, a->status);
    if (failed) {
        fail(call, a);
        return;
    }
    struct weir_error err;
    const struct weir_value *body = NULL;
    err.code = WEIR_OK;
    err.retry_after_ms = 0;
    err.detail = NULL;
    if (read_body(n, a, &body, &err) != WEIR_OK) {
        host->fail(call, &err);
        return;
    }
    struct weir_builder *map = host->map_new();
    const struct weir_value *v = host->integer(a->status);
    host->map_set(map, WEIR_TEXT("status"), &v);
    v = host->ref(a->headers);
    host->map_set(map, WEIR_TEXT("headers"), &v);
    host->map_set(map, WEIR_TEXT("body"), &body);
    const struct weir_value *output = host->build(&map);
    host->done(call, &output);
}

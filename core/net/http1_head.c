/* net/http1_head.c - where a head ends; see http1.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "net/http1_parse.h"

/* The longest method that is looked at, and what a request line has besides it and the target:
 * two blanks and the version. */
#define METHOD_MAX 32
#define REQUEST_LINE_REST (METHOD_MAX + 10)

const struct http_limits http_request_limits = { 32768, 8192, 8192, 100 };
const struct http_limits http_answer_limits = { 65536, 65536, 0, 128 };

enum weir_code
http_bad(const struct http_parse *p, unsigned status, const char *text)
{
    enum weir_code code = p->answer ? WEIR_UPSTREAM : WEIR_INVALID;
    (void)err_set(p->err, code, "%s", text);
    if (!p->answer && p->err != NULL)
        p->err->status = status;
    return code;
}

static enum http_progress
find_failed(const struct http_limits *limits, unsigned status, struct weir_error *err,
            const char *text)
{
    const struct http_parse p = { .answer = limits->target == 0, .err = err };
    (void)http_bad(&p, status, text);
    return HTTP_BAD;
}

/* Checks the length of a line that ends at BYTES + LEN, or has come so far. */
static enum http_progress
check_line(const char *line, size_t len, bool first, const struct http_limits *limits,
           struct weir_error *err)
{
    bool request_line = first && limits->target != 0;
    if (!request_line && len > limits->line)
        return find_failed(limits, 431, err, "a header line is too long");
    if (request_line && len > limits->target + REQUEST_LINE_REST) {
        if (memchr(line, ' ', METHOD_MAX + 1) == NULL)
            return find_failed(limits, 400, err, "the method is too long");
        return find_failed(limits, 414, err, "the request target is too long");
    }
    return HTTP_MORE;
}

/* Whether the first bytes can become a head: what is no HTTP at all is refused before it has
 * sent a line. */
static bool
begins_well(const char *bytes, size_t len, const struct http_limits *limits)
{
    if (limits->target != 0)
        return http_is(bytes[0], HTTP_TOKEN) || bytes[0] == '\r';
    size_t n = len < 7 ? len : 7;
    return memcmp(bytes, "HTTP/1.", n) == 0;
}

/* Whether the first line of a request ends in a blank and a version. */
static bool
ends_in_version(const char *line, size_t len)
{
    if (len < 9)
        return false;
    const char *end = line + len - 9;
    return memcmp(end, " HTTP/", 6) == 0 && http_is(end[6], HTTP_DIGIT) && end[7] == '.' &&
           http_is(end[8], HTTP_DIGIT);
}

/* Whether there is a control byte but in the ends of lines, the last of which may be cut. */
static bool
has_control(const char *bytes, size_t len)
{
    const char *end = bytes + len;
    for (char *at = (char *)(uintptr_t)bytes;; at++) {
        at = http_scan_text(at, end);
        if (at == end)
            return false;
        if (*at != '\n' && (*at != '\r' || (at + 1 < end && at[1] != '\n')))
            return true;
    }
}

enum http_progress
http_head_find(const char *bytes, size_t len, size_t seen, const struct http_limits *limits,
               size_t *ret_len, struct weir_error *err)
{
    if (len == 0)
        return HTTP_MORE;
    if (seen < 7 && !begins_well(bytes, len, limits))
        return find_failed(limits, 400, err, "this is not HTTP/1.1");

    size_t room = len < limits->head ? len : limits->head;
    const char *before = seen > 0 ? memrchr(bytes, '\n', seen < room ? seen : room) : NULL;
    size_t start = before ? (size_t)(before - bytes) + 1 : 0;
    for (size_t from = start > seen ? start : seen; from < room; from = start) {
        const char *feed = memchr(bytes + from, '\n', room - from);
        if (feed == NULL)
            break;
        size_t end = (size_t)(feed - bytes);
        if (end == start || bytes[end - 1] != '\r')
            return find_failed(limits, 400, err, "a line does not end in CR LF");
        if (end - start == 1) {
            *ret_len = end + 1;
            return HTTP_DONE;
        }
        if (check_line(bytes + start, end - 1 - start, start == 0, limits, err) == HTTP_BAD)
            return HTTP_BAD;
        if (start == 0 && limits->target != 0 && !ends_in_version(bytes, end - 1))
            return find_failed(limits, 400, err, "the request line does not end in HTTP/1.1");
        start = end + 1;
    }
    if (start < room &&
        check_line(bytes + start, room - 1 - start, start == 0, limits, err) == HTTP_BAD)
        return HTTP_BAD;
    if (len >= limits->head)
        return find_failed(limits, 431, err, "the header section is too large");
    size_t old = seen > 0 ? seen - 1 : 0;
    if (has_control(bytes + old, len - old))
        return find_failed(limits, 400, err, "a header line has a control byte");
    return HTTP_MORE;
}

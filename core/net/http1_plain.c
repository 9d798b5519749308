/* net/http1_plain.c - a quick second opinion of a plain head; see http1_parse.h.
 *
 * It was written apart from our parser and shares nothing with it: it goes over the bytes by the ends of lines, knows no
 * fields but the few that may frame a message. Where it meets something that is not plain it says no more, and
 * llhttp is asked; fuzzing has llhttp agree with all that it takes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>
#include <strings.h>

#include "net/http1_parse.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define DIGITS_MAX 15 /* of a length that is plain */

/* What is known of a head so far. */
struct scan {
    const char *bytes;
    size_t len;
    size_t start; /* of the line at hand */
    bool answer;
    bool over; /* the empty line was there */
    bool has_length;
    uint64_t length;
    unsigned status;
};

/* Whether the eight bytes at AT are WORD, which is in lower case, letters in either case. (A control byte would be taken for
 * a hyphen, but there is none in a line.) */
static inline bool
is_word(const char *at, const char word[8])
{
    uint64_t here, there;
    memcpy(&here, at, sizeof here);
    memcpy(&there, word, sizeof there);
    return (here | UINT64_C(0x2020202020202020)) == there;
}

/* Takes the one Content-Length that a plain head may have: digits, behind a blank. */
static bool
take_length(struct scan *s, const char *at, const char *end)
{
    if (s->has_length || at == end || *at != ' ')
        return false;
    uint64_t length = 0;
    const char *first = ++at;
    for (; at < end && *at >= '0' && *at <= '9' && at - first < DIGITS_MAX; at++)
        length = length * 10 + (unsigned)(*at - '0');
    s->has_length = true;
    s->length = length;
    return at == end && at > first;
}

/* A Connection that says nothing but that it goes on, or that it ends. */
static bool
is_plain_connection(const char *at, size_t len)
{
    if (len == 11)
        return at[0] == ' ' && is_word(at + 1, "keep-ali") && is_word(at + 3, "ep-alive");
    return len == 6 && strncasecmp(at, " close", 6) == 0;
}

/* A line behind the first one. Whatever begins like a field that may frame a message has to be just that. */
static bool
take_field(struct scan *s, const char *at, size_t len)
{
    if (at[0] <= ' ' || at[0] == ':')
        return false;
    if (len < 8)
        return true; /* no such field is as short, with its colon */
    switch (at[0] | 0x20) {
    case 'c':
        if (is_word(at, "content-") && len >= 15 && is_word(at + 6, "t-length"))
            return at[14] == ':' && take_length(s, at + 15, at + len);
        if (is_word(at, "connecti"))
            return len > 10 && is_word(at + 2, "nnection") && at[10] == ':' && is_plain_connection(at + 11, len - 11);
        return true;
    case 't':
        return !is_word(at, "transfer");
    case 'u':
        return !is_word(at, "upgrade:") && !is_word(at, "upgrade-") && !is_word(at, "upgrade ");
    case 'p':
        return !is_word(at, "proxy-co");
    default:
        return true;
    }
}

/* The line of a request: one of the usual methods, a path, HTTP/1.1, and a blank between them. */
static bool
take_request_line(const char *at, size_t len)
{
    size_t n = 0;
    if (len < sizeof "GET / HTTP/1.1" - 1)
        return false;
    if (memcmp(at, "GET /", 5) == 0 || memcmp(at, "PUT /", 5) == 0)
        n = 5;
    else if (memcmp(at, "POST /", 6) == 0 || memcmp(at, "HEAD /", 6) == 0)
        n = 6;
    else if (memcmp(at, "PATCH /", 7) == 0)
        n = 7;
    else if (memcmp(at, "DELETE /", 8) == 0)
        n = 8;
    else
        return false;
    const char *version = at + len - 9;
    return version >= at + n && memcmp(version, " HTTP/1.1", 9) == 0 &&
           memchr(at + n, ' ', (size_t)(version - at) - n) == NULL;
}

/* The line of an answer: HTTP/1.1 and a status that a body may follow, or none at all. */
static bool
take_status_line(struct scan *s, const char *at, size_t len)
{
    if (len < 12 || memcmp(at, "HTTP/1.1 ", 9) != 0 || at[9] < '2' || at[9] > '5')
        return false;
    for (unsigned i = 9; i < 12; i++) {
        if (at[i] < '0' || at[i] > '9')
            return false;
        s->status = s->status * 10 + (unsigned)(at[i] - '0');
    }
    return len == 12 || at[12] == ' ';
}

/* A byte at AT that is no plain text: it must be the first of the two that end a line. */
static bool
take_line(struct scan *s, size_t at)
{
    if (s->over || at + 1 >= s->len || s->bytes[at] != '\r' || s->bytes[at + 1] != '\n')
        return false;
    const char *line = s->bytes + s->start;
    size_t len = at - s->start;
    bool first = s->start == 0;
    s->start = at + 2;
    if (len == 0) {
        s->over = !first && s->start == s->len;
        return s->over;
    }
    if (!first)
        return take_field(s, line, len);
    return s->answer ? take_status_line(s, line, len) : take_request_line(line, len);
}

#ifdef __SSE2__
/* Which of 16 bytes are not in ' ' to '~', a bit for each. Bytes from 0x80 on are below ' ' in signed comparison. */
static inline unsigned
not_plain(const char *at)
{
    __m128i some = _mm_loadu_si128((const __m128i *)(const void *)at);
    return (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_cmplt_epi8(some, _mm_set1_epi8(' ')),
                                                    _mm_cmpeq_epi8(some, _mm_set1_epi8(0x7f))));
}
#endif

/* Goes from end of line to end of line. */
static bool
take_all(struct scan *s)
{
    size_t at = 0;
#ifdef __SSE2__
    for (; s->len - at >= 16; at += 16)
        for (unsigned found = not_plain(s->bytes + at); found != 0; found &= found - 1) {
            size_t here = at + (unsigned)__builtin_ctz(found);
            if (here >= s->start && !take_line(s, here)) /* else it is the second byte of an end */
                return false;
        }
#endif
    for (; at < s->len; at++)
        if (at >= s->start && ((signed char)s->bytes[at] < ' ' || s->bytes[at] == 0x7f) && !take_line(s, at))
            return false;
    return s->over;
}

bool
http_plain_opinion(const char *bytes, size_t len, const struct http_parse *p)
{
    const struct http_head *h = p->head;
    struct scan s = { .bytes = bytes, .len = len, .answer = p->answer };
    return take_all(&s) && h->minor == 1 && !h->chunked && h->status == s.status && h->has_length == s.has_length &&
           h->length == s.length;
}

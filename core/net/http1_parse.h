/* net/http1_parse.h - what the parts of the HTTP/1.1 parser share; private to the room.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NET_HTTP1_PARSE_H
#define NET_HTTP1_PARSE_H

#include "net/http1.h"

/* Classes of bytes. */
enum http_char {
    HTTP_TOKEN = 1u << 0,  /* tchar of RFC 9110 */
    HTTP_TARGET = 1u << 1, /* may stand in a request target, % apart */
    HTTP_HOST = 1u << 2,   /* may stand in a host name */
    HTTP_DIGIT = 1u << 3,
    HTTP_HEX = 1u << 4,
    HTTP_CONTROL = 1u << 5, /* below 0x20 but HTAB, and 0x7f */
    HTTP_URL = HTTP_TOKEN | HTTP_TARGET, /* may stand in a URL: above 0x20, below 0x7f, no backslash */
};
extern const uint8_t http_chars[256];

/* Each byte of a token in lower case; 0: it may not stand in one. */
extern const char http_names[256];

/* Whether C is of a class. */
static inline bool
http_is(char c, unsigned class)
{
    return http_chars[(unsigned char)c] & class;
}

/* C in lower case. */
static inline char
http_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* The value of a hexadecimal digit (which it must be). */
static inline unsigned
http_hex(char c)
{
    return c <= '9' ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a' + 10);
}

/* One head in the course of being parsed. */
struct http_parse {
    char *at;  /* what is not parsed yet */
    char *end; /* behind the empty line */
    const struct http_limits *limits;
    struct http_head *head;
    struct weir_error *err;
    bool answer;
    bool has_host;
    bool has_coding;       /* a Transfer-Encoding field */
    bool has_upgrade;      /* an Upgrade field */
    bool connection_close; /* options of Connection fields */
    bool connection_keep;
    bool connection_upgrade;
};

/* Fails with TEXT: WEIR_UPSTREAM for answers, else WEIR_INVALID with STATUS. */
enum weir_code http_bad(const struct http_parse *p, unsigned status, const char *text);

/* Finds the first byte from AT that is not of a class; END if there is none. */
static inline const char *
http_skip(const char *at, const char *end, unsigned class)
{
    while (end - at >= 4 && http_is(at[0], class) && http_is(at[1], class) &&
           http_is(at[2], class) && http_is(at[3], class))
        at += 4;
    while (at < end && http_is(*at, class))
        at++;
    return at;
}

/* Whether each byte of TEXT is of a class; an empty one is. */
static inline bool
http_all(struct weir_text text, unsigned class)
{
    const char *end = text.bytes + text.len;
    return http_skip(text.bytes, end, class) == end;
}

/* Makes letters small from AT on, up to a byte that is neither a letter nor a digit nor a hyphen, or sooner; returns
 * how far. */
char *http_lower_name(char *at, const char *end);

/* Finds the first control byte (but HTAB) from AT; END if there is none. */
char *http_scan_text(char *at, const char *end);

/* Reads the lines from p->at to the empty line into the fields of the head, and works out
 * from them what the head says of its connection and body. */
enum weir_code http_fields_parse(struct http_parse *p) MUST_USE;

/* Whether the texts are equal, letters in either case; B in lower case. */
bool http_text_is(struct weir_text a, const char *b);

/* Whether TEXT is host or host:port as a Host field may have it. */
bool http_is_authority(struct weir_text text);

/* Looks over the LEN bytes of a head that was found good, and returns whether it is a plain one (no
 * transfer coding, upgrade or unusual method, HTTP/1.1, ASCII) with the same end, length and status. */
bool http_plain_opinion(const char *bytes, size_t len, const struct http_parse *p);

/* Has llhttp parse the same: it must see the same end, length, coding and version. */
enum weir_code http_llhttp_opinion(const char *bytes, size_t len, const struct http_parse *p) MUST_USE;

/* The second opinion of a head that was found good: the quick one, or, if that says nothing, llhttp's. */
enum weir_code http_second_opinion(const char *bytes, size_t len,
                                   const struct http_parse *p) MUST_USE;

#endif

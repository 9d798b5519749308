/* net/http1.h - HTTP/1.1 messages (RFC 9110, 9112): heads parsed in place, bodies decoded in place.
 *
 * llhttp does the parsing, strictly, behind a check that refuses whatever two parsers could
 * read differently: bare CR or LF, NUL and other control bytes, white space around names,
 * line folding, empty or underscored names, a missing or second Host, Content-Length together
 * with Transfer-Encoding, more than one of either, codings other than a final chunked, lengths
 * with signs, blanks or lists. No memory is allocated here. Any thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NET_HTTP1_H
#define NET_HTTP1_H

#include <strings.h>

#include "base/err.h"

#define HTTP_FIELDS_MAX 128

struct http_limits {
    size_t head;     /* bytes of the whole head, request line included */
    size_t line;     /* bytes of one header line */
    size_t target;   /* bytes of the request target; 0: the head of an answer */
    unsigned fields; /* number of header fields, at most HTTP_FIELDS_MAX */
};

/* Limits of the edge: 32 KiB, 8 KiB, 8 KiB, 100; of answers: 64 KiB, 64 KiB, -, 128. */
extern const struct http_limits http_request_limits;
extern const struct http_limits http_answer_limits;

/* A parsed head; all texts point into the bytes that were parsed. */
struct http_head {
    struct weir_text method;
    struct weir_text target;    /* as sent */
    struct weir_text origin;    /* the target without scheme and authority: a path, or *; ?query if the path
                                 * of a URL is empty */
    struct weir_text authority; /* the Host field, or that of an absolute-form target */
    struct weir_text reason;
    unsigned status; /* answers */
    unsigned minor;  /* HTTP/1.minor */
    bool keep_alive;
    bool chunked;
    bool has_length;
    bool expect_continue;
    bool upgrade;    /* Connection: upgrade with an Upgrade field */
    uint64_t length; /* Content-Length */
    unsigned n_fields;
    struct weir_header fields[HTTP_FIELDS_MAX]; /* names in lower case, values trimmed */
};

enum http_progress { HTTP_MORE, HTTP_DONE, HTTP_BAD };

/* Looks for the end of a head in BYTES, of which the first SEEN were looked at before (0 at
 * first). HTTP_DONE: *ret_len is its length, the empty line included; whether it is a good one
 * is for http_request_parse and http_answer_parse. HTTP_BAD: a limit is passed, or what has
 * come so far cannot become a head; ERR has status 414 or 431, or 400. Leading empty lines are
 * the caller's to skip. */
enum http_progress http_head_find(const char *bytes, size_t len, size_t seen, const struct http_limits *limits,
                                  size_t *ret_len, struct weir_error *err);

/* Parses the head of a request of LEN bytes, changing names to lower case in place.
 * WEIR_INVALID with status 400, 414, 417, 431, 501 or 505 and the reason. */
enum weir_code http_request_parse(char *bytes, size_t len, const struct http_limits *limits,
                                  struct http_head *ret, struct weir_error *err) MUST_USE;

/* Parses the head of an answer. WEIR_UPSTREAM with the reason. */
enum weir_code http_answer_parse(char *bytes, size_t len, const struct http_limits *limits,
                                 struct http_head *ret, struct weir_error *err) MUST_USE;

/* The value of the first field of that name (lower case); bytes NULL if there is none. */
struct weir_text http_field(const struct http_head *h, const char *name);

/* Whether NAME, letters in either case, is LOWER, which is in lower case and not empty. */
static inline bool
http_name_is(struct weir_text name, struct weir_text lower)
{
    return name.len == lower.len && (name.bytes[0] | 0x20) == lower.bytes[0] &&
           strncasecmp(name.bytes, lower.bytes, lower.len) == 0;
}

/* Whether the field NAME, letters in either case, frames the message or is about the connection: whoever writes
 * a head writes it himself, and takes it from nobody. */
bool http_is_framing(struct weir_text name);

/* -- bodies -- */

enum http_body_kind { HTTP_BODY_NONE, HTTP_BODY_LENGTH, HTTP_BODY_CHUNKED, HTTP_BODY_UNTIL_CLOSE };

/* A body in the course of arriving. */
struct http_body {
    enum http_body_kind kind;
    uint64_t left;     /* of the length, or of this chunk */
    uint64_t overhead; /* bytes of chunk extensions and trailers so far, and of the head if LIMITS are set */
    unsigned state;    /* private */
    unsigned line;     /* private */
    unsigned fields;   /* trailers so far, and fields of the head if LIMITS are set */
    const struct http_limits *limits; /* NULL: 16 KiB of extensions and trailers */
};

/* Prepares to read the body of a request, or of an answer to METHOD, with this head. */
void http_body_of_request(struct http_body *b, const struct http_head *h);
void http_body_of_answer(struct http_body *b, const struct http_head *h, struct weir_text method);

/* Chunk extensions and trailers count with the head, of HEAD bytes and FIELDS fields: LIMITS, which has to stay, are
 * of all together. Beyond them http_body_read says HTTP_BAD with status 431. */
void http_body_limit(struct http_body *b, const struct http_limits *limits, size_t head, unsigned fields);

/* Decodes from BYTES: *ret_used of them were used, and the piece of body that they hold (it
 * lies in BYTES) is *ret_piece, which may be empty. Call again with the rest. HTTP_DONE: the body
 * is complete; what follows is the next message. HTTP_BAD: ERR has WEIR_INVALID, status 400 or 431. */
enum http_progress http_body_read(struct http_body *b, const char *bytes, size_t len, size_t *ret_used,
                                  struct weir_text *ret_piece, struct weir_error *err);

/* Whether a field of that name (lower case) may stand behind a body: it neither frames, nor
 * routes, nor admits the message (RFC 9110 6.5.1). */
bool http_may_trail(struct weir_text name);

/* How many bytes of body are announced and not read yet: of the length, or of this chunk. */
uint64_t http_body_ahead(const struct http_body *b);

/* The connection has ended: HTTP_DONE if the body is complete with that, else HTTP_BAD. */
enum http_progress http_body_end(const struct http_body *b, struct weir_error *err);

/* The standard phrase of a status; "" for unknown ones. */
const char *http_reason(unsigned status);

/* Whether TEXT is a token (RFC 9110 5.6.2), or a field value without CR, LF, NUL. */
bool http_is_token(struct weir_text text);
bool http_is_field_value(struct weir_text text);

#endif

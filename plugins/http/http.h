/* http/http.h - what the files of this plugin share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

#include "piece.h"
#include "plugin.h"

/* How the body of the request is written, and how that of the answer is read. */
enum form { NO_BODY, JSON_BODY, FORM_BODY, TEXT_BODY, ANY_BODY };
enum parse { PARSE_AUTO, PARSE_JSON, PARSE_TEXT, PARSE_BYTES };

/* A set of HTTP statuses from 100 to 599. */
struct statuses {
    uint64_t bits[8];
};

struct sign;

/* A header whose name stands in the configuration. */
struct field {
    struct weir_text name; /* the configuration's */
    struct weir_text text; /* of a value that is no expression; bytes NULL: */
    struct piece value;
};

/* One configured node. */
struct http_node {
    struct piece method;
    struct piece url; /* the whole one, or the base of PATH */
    struct piece path;
    struct piece query;
    struct piece headers; /* all of them, unless they are known by name: */
    struct field *fields; /* owned */
    uint32_t n_fields;
    const struct weir_value *names; /* owned: the map of FIELDS; NULL: they are not known */
    struct piece body;
    struct piece tls;
    struct piece allow_hosts;
    struct sign *sign; /* owned; NULL: nothing is signed */
    enum form form;
    enum parse parse;
    bool based;     /* of a base_url, to which a path may come */
    bool lends;     /* lent, it takes what is left out from who asks: no expression of it reads the event */
    bool untrusted; /* the host of the URL is made of event data */
    struct statuses fail_on;
    struct statuses ok;
    struct weir_http_request basis; /* limits and flags */
    /* what was made ready, since no expression is in it */
    const struct weir_value *made_body; /* owned; NULL: made for each call */
};

/* A request in the making: what it holds until it is sent. */
struct request {
    struct weir_http_request http;
    const struct weir_value *headers;     /* owned: a map of the author, or */
    const struct weir_value **values;     /* the call's, with owned values of the node's fields; NULL: a text */
    uint32_t n_values;                    /* so many of them have been evaluated */
    const struct weir_value *body;        /* owned */
    const struct weir_value *tls;         /* owned */
    const struct weir_value *allow_hosts; /* owned */
};

/* One call, and its data. */
struct sent {
    struct weir_call *call;
    const struct http_node *node;
    struct weir_http *http; /* owned; NULL: it is over */
};

/* -- http_open.c -- */

uint32_t http_open(struct weir_open *open, const struct weir_value *config, void **ret_conf,
                   struct weir_error *err);
void http_close(void *conf);

/* What sending a request of this configuration twice means. */
uint32_t http_effect_of(const struct weir_value *config);

/* Whether a method may be repeated by its definition (RFC 9110 9.2.2). */
bool is_repeatable(struct weir_text method);

bool text_same(struct weir_text a, struct weir_text b);

static inline bool
statuses_have(const struct statuses *s, uint32_t status)
{
    return status >= 100 && status < 600 &&
           (s->bits[(status - 100) / 64] >> (status - 100) % 64 & 1);
}

/* -- http_lent.c -- */

/* Whether the method, which is who lends it's to say, is one that takes a body. */
bool may_have_body(struct weir_text method);

/* Whether the node is asked, if it is lent, with what it takes and nothing else. BODY: its method has
 * one. */
uint32_t lent_check(struct weir_call *call, const struct http_node *n, bool body, struct weir_error *err);

/* -- http_request.c -- */

/* Makes the request of CALL; request_drop lets go of what it holds, in any case. */
uint32_t request_make(struct weir_call *call, const struct http_node *n, struct request *ret,
                      struct weir_error *err);
void request_drop(struct request *r);

/* The body of a request from the value V; *ret is owned by the caller, NULL: none. */
uint32_t body_make(enum form form, const struct weir_value *v, const struct weir_value **ret,
                   struct weir_error *err);

/* The value of P, or what who asks a lent node has under KEY, if the node leaves that out; *ret is owned by the
 * caller, and left if there is neither. */
uint32_t evaluate_or_lent(struct weir_call *call, const struct http_node *n, const struct piece *p,
                          struct weir_text key, const struct weir_value **ret, struct weir_error *err);

/* -- http_headers.c -- */

/* Takes the headers of CONFIG into N, by name where they are known before any event. */
void headers_open(struct weir_open *open, const struct weir_value *config, struct http_node *n);
void headers_close(struct http_node *n);

/* Makes the headers of the author, with room for those that are added; headers_drop lets go of what they hold, in
 * any case. */
uint32_t headers_make(struct weir_call *call, const struct http_node *n, struct request *r,
                      struct weir_error *err);
void headers_drop(struct request *r);

/* Whether R has a header of that name, in any case of letters. */
bool has_header(const struct request *r, const char *name);

/* Adds a header whose texts live as long as the call; headers_make has left room. */
void add_header(struct request *r, const char *name, struct weir_text value);

/* -- http_pairs.c -- */

/* The map PAIRS as name=value&name=value, percent-encoded; written to OUT if it isn't NULL.
 * A list repeats a name, null leaves it out. *ret_len is its length. */
uint32_t pairs_write(const struct weir_value *pairs, char *out, size_t *ret_len,
                     struct weir_error *err);

/* A string, number or boolean as text, in ROOM if it is no string. False for others. */
bool scalar_text(const struct weir_value *v, char room[40], struct weir_text *ret);

/* -- http_answer.c -- */

/* Answers the call with what the upstream has answered. */
void answer_take(struct weir_call *call, const struct http_node *n,
                 const struct weir_http_answer *a);

/* How long Retry-After asks to wait; 0 if it can't be read. WALL_MS: since 1970. */
uint32_t retry_after_ms(struct weir_text field, uint64_t wall_ms);

#endif

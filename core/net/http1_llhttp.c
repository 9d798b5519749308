/* net/http1_llhttp.c - the second opinion of a head that ours found good; see http1_parse.h.
 *
 * Ours is the stricter one, and its spans are used. Two parsers that were written apart have to
 * agree on what frames the message: that is what request smuggling lives on. The second one is
 * llhttp, but for the plain heads that nearly all are: of these a scan (http1_plain.c) sees as much
 * for a third of the time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <llhttp.h>
#include <string.h>

#include "net/http1_parse.h"

/* What llhttp had found out when it was through with the fields. */
struct opinion {
    uint64_t length;
    unsigned flags;
    unsigned minor;
    unsigned status;
    bool complete;
};

/* Stops there: bodies are read by http1_body.c. */
static int
on_head(llhttp_t *parser)
{
    struct opinion *o = parser->data;
    *o = (struct opinion){ .length = parser->content_length,
                           .flags = parser->flags,
                           .minor = parser->http_minor,
                           .status = parser->status_code,
                           .complete = true };
    return HPE_PAUSED;
}

static bool
agrees(const struct opinion *o, const struct http_head *h)
{
    return o->complete && o->minor == h->minor && o->status == h->status &&
           ((o->flags & F_CHUNKED) != 0) == h->chunked &&
           ((o->flags & F_CONTENT_LENGTH) != 0) == h->has_length &&
           (!h->has_length || o->length == h->length);
}

enum weir_code
http_llhttp_opinion(const char *bytes, size_t len, const struct http_parse *p)
{
    static const llhttp_settings_t settings = { .on_headers_complete = on_head };
    struct opinion opinion = { 0 };
    llhttp_t parser;
    llhttp_init(&parser, p->answer ? HTTP_RESPONSE : HTTP_REQUEST, &settings);
    parser.data = &opinion;
    llhttp_errno_t code = llhttp_execute(&parser, bytes, len);
    if (code == HPE_PAUSED && agrees(&opinion, p->head) &&
        llhttp_get_error_pos(&parser) == bytes + len)
        return WEIR_OK;
    if (code == HPE_INVALID_METHOD)
        return http_bad(p, 501, "the method is not implemented");
    return http_bad(p, 400, "the message is ambiguous");
}

enum weir_code
http_second_opinion(const char *bytes, size_t len, const struct http_parse *p)
{
    return http_plain_opinion(bytes, len, p) ? WEIR_OK : http_llhttp_opinion(bytes, len, p);
}

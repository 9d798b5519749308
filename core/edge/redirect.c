/* edge/redirect.c - the answer of a listener that sends everybody to https; see request.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "edge/request.h"

#define LOCATION_MAX (16u * 1024u)

/* The host of an authority that was found to be good, without its port. */
static struct weir_text
host_of(struct weir_text authority)
{
    const char *close = memrchr(authority.bytes, ']', authority.len);
    const char *colon = memrchr(authority.bytes, ':', authority.len);
    if (colon != NULL && (close == NULL || colon > close))
        authority.len = (size_t)(colon - authority.bytes);
    return authority;
}

static bool
write_location(const struct request *r, struct weir_text authority, struct buf *out)
{
    const struct edge_config *config = &r->edge->config;
    bool good;
    if (config->redirect_to != NULL) {
        good = buf_puts(out, config->redirect_to);
    } else {
        char port[8] = "";
        if (config->redirect_port != 443)
            (void)snprintf(port, sizeof(port), ":%u", config->redirect_port);
        good = buf_puts(out, "https://") && buf_text(out, host_of(authority)) &&
               buf_puts(out, port);
    }
    good = good && buf_text(out, r->event.path);
    if (good && r->event.query.len > 0)
        good = buf_puts(out, "?") && buf_text(out, r->event.query);
    return good;
}

void
request_redirect(struct request *r, struct weir_text authority)
{
    struct weir_error err;
    struct buf location;
    buf_init(&location, LOCATION_MAX);
    bool named = r->edge->config.redirect_to != NULL || authority.len > 0;
    /* A target such as * is no place that anybody could be sent to. */
    if (!named || r->decoded.bytes[0] != '/' || !write_location(r, authority, &location)) {
        err_set(&err, WEIR_INVALID,
                "this port answers with a redirect to https, and the "
                "request does not say where to");
        r->close = true;
        request_refuse(r, &err, REFUSAL_MALFORMED);
        buf_fini(&location);
        return;
    }
    request_drop_body(r);
    struct weir_header to = { TEXT("Location"), buf_content(&location) };
    struct event_reply reply = { .status = 308, .headers = &to, .n_headers = 1 };
    r->answered = true;
    request_reply(r, &reply);
    buf_fini(&location);
}

/* webhook/headers.c - headers of every answer; see headers.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "headers.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Takes one; a header of that name from before is no more. */
static void
put(struct webhook *w, struct weir_text name, struct weir_text value)
{
    for (uint32_t i = 0; i < w->n_headers; i++) {
        struct weir_text other = w->headers[i].name;
        if (other.len == name.len && strncasecmp(other.bytes, name.bytes, name.len) == 0) {
            w->headers[i] = (struct weir_header){ name, value };
            return;
        }
    }
    w->headers[w->n_headers++] = (struct weir_header){ name, value };
}

static uint32_t
put_all(struct webhook *w, const struct weir_value *map, struct weir_error *err)
{
    struct weir_text name, text;
    const struct weir_value *value;
    for (size_t i = 0; map != NULL && host->member(map, i, &name, &value); i++) {
        if (!host->get_text(value, &text) || memchr(text.bytes, '\n', text.len) ||
            memchr(text.bytes, '\r', text.len) || memchr(text.bytes, '\0', text.len))
            return refuse(err, WEIR_INVALID, "the value of response header '%.*s' has a line break",
                          (int)(name.len < 80 ? name.len : 80), name.bytes);
        put(w, name, text);
    }
    return WEIR_OK;
}

uint32_t
headers_new(struct webhook *w, struct weir_error *err)
{
    const struct weir_value *security = host->get(w->config, WEIR_TEXT("security_headers"));
    const struct weir_value *more = host->get(w->config, WEIR_TEXT("response_headers"));
    if (security == NULL && text_same(host->setting("edge.security_headers"), WEIR_TEXT("strict"))) {
        if (host->json_read(WEIR_TEXT(HEADERS_STRICT), &w->strict, err) != WEIR_OK)
            return err->code;
        security = w->strict;
    }
    size_t n = (security != NULL ? host->len(security) : 0) + (more != NULL ? host->len(more) : 0);
    w->headers = zeroed(n + 1, sizeof *w->headers);
    return put_all(w, security, err) == WEIR_OK ? put_all(w, more, err) : err->code;
}

/* engine/host_auth.c - the host table for who sent an event: where a sender's credentials stand, and what
 * was found out of him. See host.h. SPDX-License-Identifier: Apache-2.0 */
#include "engine/host.h"

#include <string.h>

#include "base/encode.h"
#include "engine/event.h"

#define QUERY_MAX (1u << 20) /* the edge takes less */

static void
event_header_hide(struct weir_event *e, struct weir_text name)
{
    struct weir_header *left = arena_take(e->arena, (e->n_headers + 1) * sizeof *left);
    unsigned n = 0;
    for (unsigned i = 0; left && i < e->n_headers; i++)
        if (!text_equal(e->headers[i].name, name))
            left[n++] = e->headers[i];
    e->headers = left; /* without memory all are hidden: no secret is shown for want of it */
    e->n_headers = n;
}

/* Cuts the next pair of a query; false at the end. */
static bool
next_pair(struct weir_text *query, struct weir_text *ret)
{
    if (query->len == 0)
        return false;
    const char *end = memchr(query->bytes, '&', query->len);
    size_t len = end ? (size_t)(end - query->bytes) : query->len;
    *ret = (struct weir_text){ query->bytes, len };
    len += end != NULL;
    query->bytes += len;
    query->len -= len;
    return true;
}

/* Whether PAIR is one of NAME; *ret is its value, encoded as it is. */
static bool
is_of(struct weir_text pair, struct weir_text name, struct weir_text *ret)
{
    const char *equals = memchr(pair.bytes, '=', pair.len);
    size_t len = equals ? (size_t)(equals - pair.bytes) : pair.len;
    *ret = equals ? (struct weir_text){ equals + 1, pair.len - len - 1 } : TEXT("");
    struct buf decoded;
    struct weir_error err;
    buf_init(&decoded, QUERY_MAX);
    bool is = url_decode(&decoded, (struct weir_text){ pair.bytes, len }, true, &err) == WEIR_OK &&
              text_equal(buf_content(&decoded), name);
    buf_fini(&decoded);
    return is;
}

/* TEXT without its escapes, in the event's memory; bytes NULL if they are bad. */
static struct weir_text
decoded_in(struct arena *a, struct weir_text text)
{
    struct buf out;
    struct weir_error err;
    struct weir_text found = { NULL, 0 };
    buf_init(&out, QUERY_MAX);
    if (url_decode(&out, text, true, &err) == WEIR_OK)
        found = (struct weir_text){ arena_copy(a, out.bytes, out.len), out.len };
    buf_fini(&out);
    return found.bytes ? found : (struct weir_text){ NULL, 0 };
}

static struct weir_text
event_query(struct weir_event *e, struct weir_text name, uint32_t index)
{
    struct weir_text rest = e->query, pair, value;
    while (next_pair(&rest, &pair))
        if (is_of(pair, name, &value) && index-- == 0)
            return decoded_in(e->arena, value);
    return (struct weir_text){ NULL, 0 };
}

static void
event_query_hide(struct weir_event *e, struct weir_text name)
{
    char *left = arena_take(e->arena, e->query.len + 1);
    struct weir_text rest = e->query, pair, value;
    size_t len = 0;
    while (left && next_pair(&rest, &pair)) {
        if (is_of(pair, name, &value))
            continue;
        if (len > 0)
            left[len++] = '&';
        memcpy(left + len, pair.bytes, pair.len);
        len += pair.len;
    }
    e->query = (struct weir_text){ left ? left : "", len };
}

static void
event_auth_set(struct weir_event *e, const struct weir_value **auth)
{
    value_unref(&e->auth);
    e->auth = *auth;
    *auth = NULL;
}

static const struct weir_value *
event_auth(const struct weir_event *e)
{
    return e->auth;
}

static uint64_t
auth_blocked(const struct weir_event *e)
{
    return event_auth_blocked(e, ATTEMPTS_EDGE);
}

static void
auth_failed(const struct weir_event *e)
{
    event_auth_failed(e, ATTEMPTS_EDGE);
}

void
host_fill_auth(struct weir_host *h)
{
    h->event_query = event_query;
    h->event_header_hide = event_header_hide;
    h->event_query_hide = event_query_hide;
    h->event_auth_set = event_auth_set;
    h->event_auth = event_auth;
    h->event_auth_blocked = auth_blocked;
    h->event_auth_failed = auth_failed;
}

/* engine/host_socket.c - the host table for connections that stay. See host.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/host.h"

#include <string.h>

#include "engine/outcome.h"
#include "engine/socket.h"

static struct weir_socket *
socket_offer(struct weir_event *e, const struct weir_socket_config *config,
             const struct weir_socket_owner *owner, void *arg, struct weir_error *err)
{
    struct weir_socket_config whole = { 0 }; /* an older plugin knows less of it */
    memcpy(&whole, config, config->size < sizeof whole ? config->size : sizeof whole);
    if (e->ops->offer_socket == NULL) {
        err_set(err, WEIR_INVALID, "there is no connection behind this event");
        return NULL;
    }
    struct weir_socket *s = e->ops->offer_socket(e, &whole, owner, arg, err);
    if (s == NULL)
        return NULL;
    e->quiet = true;
    if (config->connection)
        e->connection = value_ref(config->connection);
    return s;
}

static bool
socket_send(struct weir_socket *s, const struct weir_value *message)
{
    enum weir_type type = value_type(message);
    if (type == WEIR_STRING || type == WEIR_BYTES || type == WEIR_STREAM)
        return s->ops->send(s, message);
    struct weir_error err;
    const struct weir_value *text = outcome_json(message, &err);
    if (text == NULL)
        return true; /* larger than any message may be: it is lost, the socket is not */
    bool sent = s->ops->send(s, text);
    value_unref(&text);
    return sent;
}

static void
socket_close(struct weir_socket *s, uint32_t code, struct weir_text reason)
{
    s->ops->close(s, code, reason);
}

static void
socket_hold(struct weir_socket *s, bool hold)
{
    s->ops->hold(s, hold);
}

static uint64_t
socket_queued(const struct weir_socket *s)
{
    return s->ops->queued(s);
}

void
host_fill_socket(struct weir_host *h)
{
    h->socket_offer = socket_offer;
    h->socket_send = socket_send;
    h->socket_close = socket_close;
    h->socket_hold = socket_hold;
    h->socket_queued = socket_queued;
}

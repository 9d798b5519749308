/* edge/live.h - inside the room: answers whose bodies go on for as long as their owner has something to
 * say (WEIR_SOCKET_BODY), such as event streams.
 *
 * A trigger offers one for a request; if the request is answered well, its body is a stream whose source
 * is the socket. So it goes over HTTP/1.1, HTTP/2 and TLS as the streams of upstreams do, and a slow
 * reader is felt here as a pull that does not come. What waits for that pull is a queue of references.
 * Nothing is given, and nobody told, while a function of the owner runs.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef EDGE_LIVE_H
#define EDGE_LIVE_H

#include "edge/request.h"
#include "engine/socket.h"

struct live;

/* Makes the socket of an event that asks for one. The request has it until it is answered, or gone. NULL and ERR
 * (405) if it is no GET. */
struct weir_socket *live_offer(struct weir_event *e, const struct weir_socket_config *config,
                               const struct weir_socket_owner *owner, void *arg, struct weir_error *err);

/* Answers R, which has one, with a body that goes on, and the headers of REPLY, whose body is told to the
 * owner. False: the head is too large, or the body is a stream; then the socket is gone, and so is what
 * was to be sent. */
bool live_answer(struct request *r, const struct event_reply *reply);

/* The request goes, or is answered otherwise: there will be no socket. Does nothing to one that is open: its
 * stream ends it. */
void live_lose(struct live *w);

/* The server ends: ends the body as soon as what waits is sent. */
void live_retire(struct live *w);

#endif

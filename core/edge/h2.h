/* edge/h2.h - inside the room: HTTP/2 (RFC 9113, RFC 7541) on a connection, by nghttp2.
 *
 * A session holds the streams of one connection, each with its request until that is answered.
 * A head is written out as an HTTP/1.1 one and read by the same parser, so that what one
 * protocol refuses the other does too. A body's window is opened as its bytes are taken, and an
 * answer's stream is asked for more once what it gave is gone: nobody can make the other side
 * keep more than its windows.
 *
 * What one connection can make the edge hold is bounded:
 *
 *     nghttp2's own memory: tables, queues       H2_MEMORY_MAX            1 MiB
 *     heads of requests                          100 of edge.max_header   3.5 MiB
 *     bodies that come, and what was let in      H2_HELD_MAX, and 100
 *       before that                                windows              8.25 MiB
 *     bodies of requests at work besides         H2_HELD_MAX and the
 *                                                  rest of one            3 MiB
 *     frames that the kernel did not take        H2_GATHER               64 KiB
 *
 * so less than 16 MiB with the settings as they are by default. What comes to that is the
 * answers: whole ones wait by reference, and of a streamed one at most one piece does.
 *
 * What a session that rests holds is folded: see h2_still.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef EDGE_H2_H
#define EDGE_H2_H

#include "edge/connection.h"

/* Bytes of the preface that a caller begins with. */
#define H2_PREFACE 24

struct h2_session;

/* Whether the first LEN bytes of a connection are the preface, or can become it. */
bool h2_begins(const char *bytes, size_t len);

/* C speaks HTTP/2 from now on, its preface included, which may stand in its input already: its
 * caller sent that, or ALPN chose it. No request may have been served. Between connection_enter
 * and connection_leave, behind which C may be closed. */
void h2_start(struct connection *c);

/* Resets the streams that hold memory and stand still: an answer that its caller has given no room
 * for READER_MS (RFC 9113 5.2), a body that hardly comes. */
void h2_drop_slow(struct h2_session *h, uint64_t reader_ms);

/* Nothing is expected of H for a while: makes it as small as can be. Whatever is called next undoes that. */
void h2_fold(struct h2_session *h);

/* Frees a session whose connection is closed; NULL is accepted and left. */
void h2_free(struct h2_session **h);

#endif

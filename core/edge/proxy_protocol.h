/* edge/proxy_protocol.h - what a proxy says in front of a connection about who is behind it.
 *
 * Versions 1 (a line) and 2 (binary) of the PROXY protocol, as HAProxy's
 * doc/proxy-protocol.txt has it. Pure: bytes in, an address out. Any thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef EDGE_PROXY_PROTOCOL_H
#define EDGE_PROXY_PROTOCOL_H

#include <sys/socket.h>

#include "base/err.h"

/* Bytes of a whole header; the specification says that 536 are enough, and certificates among
 * its extensions take some more. */
#define PROXY_PROTOCOL_MAX 4096

enum proxy_progress { PROXY_MORE, PROXY_DONE, PROXY_BAD };

/* Reads the header that BYTES begins with. PROXY_MORE: *ret_more bytes (at least 1) are still
 * to come, and none that stands behind the header is among them, so that what follows can be
 * left in the socket; the header never gets longer than PROXY_PROTOCOL_MAX. PROXY_DONE: it ends
 * with the last of the LEN bytes. *ret is the caller; its family is AF_UNSPEC if the header
 * names none that speaks TCP: then it is the proxy itself. PROXY_BAD: with the reason. */
enum proxy_progress proxy_protocol_read(const char *bytes, size_t len, size_t *ret_more,
                                        struct sockaddr_storage *ret, struct weir_error *err);

#endif

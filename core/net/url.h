/* net/url.h - http and https URLs (RFC 3986), and addresses that may be called. Any thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NET_URL_H
#define NET_URL_H

#include <sys/socket.h>

#include "base/buf.h"

struct url {
    bool tls;
    struct weir_text host; /* lower-case letters are the caller's matter; IPv6 without brackets */
    unsigned port;
    struct weir_text path;  /* starts with /, or empty */
    struct weir_text query; /* without ?; bytes NULL if there is none */
};

/* Takes a URL apart; texts point into TEXT. WEIR_INVALID for other schemes, user information,
 * control bytes, blanks, fragments (dropped), bad ports. */
enum weir_code url_parse(struct weir_text text, struct url *ret, struct weir_error *err) MUST_USE;

/* Appends what REF means relative to BASE (RFC 3986 section 5.2), for redirects. Blanks and
 * UTF-8 in REF are percent-encoded. The result is for url_parse to check. */
enum weir_code url_resolve(struct weir_text base, struct weir_text ref, struct buf *out, struct weir_error *err) MUST_USE;

/* Whether an address is public: not private, loopback, link-local, metadata, multicast,
 * reserved, nor one of these mapped or embedded (::ffff:, 64:ff9b::, 2002::). */
bool address_is_public(const struct sockaddr *a);

/* Writes an address as text without port ("::1"); returns its length. */
size_t address_text(const struct sockaddr *a, char *ret, size_t room);

/* Reads "127.0.0.1:8080", "[::1]:80", ":8080" or "*:8080" (all addresses: IPv6 and through it IPv4
 * where there is IPv6), "localhost:8080" or "8080" (127.0.0.1); the port may be 0. */
enum weir_code address_parse(struct weir_text text, struct sockaddr_storage *ret, socklen_t *ret_len,
                             struct weir_error *err) MUST_USE;

/* A range such as 10.0.0.0/8 or ::1. */
struct address_range {
    int family;
    uint8_t bytes[16];
    unsigned bits;
};
enum weir_code address_range_parse(struct weir_text text, struct address_range *ret, struct weir_error *err) MUST_USE;
bool address_in_range(const struct sockaddr *a, const struct address_range *r);

#endif

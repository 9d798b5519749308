/* edge/client_ip.h - who the caller is when trusted proxies stand in between. Any thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef EDGE_CLIENT_IP_H
#define EDGE_CLIENT_IP_H

#include <netinet/in.h>

#include "net/url.h"

#define CLIENT_IP (INET6_ADDRSTRLEN + 1)

/* The proxies whose word about their callers is taken. */
struct trust {
    const struct address_range *ranges;
    unsigned n;
};

/* An IPv4 address that stands in an IPv6 one (::ffff:1.2.3.4) as IPv4; others are left. */
void client_ip_unmap(struct sockaddr_storage *a);

/* Whether an address is one of the trusted proxies. */
bool client_ip_trusted(const struct trust *t, const struct sockaddr *a);

/* Who was in front of the trusted proxies: the rightmost address of the X-Forwarded-For fields
 * that is no trusted one, else the leftmost. To be asked only if the peer itself is trusted.
 * Writes its text and returns its length; 0: the fields name nobody. */
size_t client_ip_forwarded(const struct trust *t, const struct weir_header *headers, unsigned n,
                           char ret[CLIENT_IP]);

#endif

/* net/dns_channel.h - the c-ares channel of a resolver, with its sockets and time-outs in the
 * loop; private to dns.c.
 *
 * A channel is made when a name is to be looked up, and made anew when it is idle and old, so
 * that changes of resolv.conf are noticed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NET_DNS_CHANNEL_H
#define NET_DNS_CHANNEL_H

#include <ares.h>

#include "base/list.h"
#include "loop/shard.h"

struct dns_channel {
    struct weir_shard *shard;
    ares_channel ares;   /* owned; NULL: none was needed so far */
    char *servers;       /* owned; NULL: those of resolv.conf */
    uint64_t made_ms;    /* shard time */
    unsigned busy;       /* look-ups under way */
    struct list sockets; /* struct dns_socket */
    struct timer timer;  /* c-ares's next time-out */
};

/* Prepares a channel without making it. */
void dns_channel_init(struct dns_channel *c, struct weir_shard *s);

/* Ends it: look-ups under way are answered with ARES_EDESTRUCTION. */
void dns_channel_fini(struct dns_channel *c);

/* Looks NAME up. FN gets the addresses, perhaps inside this call; c->busy is the caller's to
 * count down there. */
void dns_channel_find(struct dns_channel *c, const char *name, ares_addrinfo_callback fn,
                      void *arg);

#endif

/* net/dns.h - host names to addresses without blocking the loop, by c-ares.
 *
 * Answers are kept for their time to live (1 s to 60 s, failures 1 s), at most 256 names;
 * /etc/hosts is honoured, and addresses written as text stand for themselves. One resolver a
 * shard; nothing is opened or read before the first name is looked up.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NET_DNS_H
#define NET_DNS_H

#include <netinet/in.h>

#include "loop/shard.h"

#define DNS_ADDRESSES 8

struct dns;
struct dns_query;

/* The addresses (ports are 0) or, if N is 0, the error: WEIR_UPSTREAM names the host. */
typedef void dns_fn(void *arg, const struct sockaddr_storage *addresses, unsigned n,
                    const struct weir_error *err);

/* Makes and frees the resolver of a shard. Pending queries are cancelled by dns_free. */
enum weir_code dns_new(struct weir_shard *s, struct dns **ret, struct weir_error *err) MUST_USE;
void dns_free(struct dns **d);

/* Takes these name servers ("127.0.0.1:5353,[::1]") in place of those of resolv.conf, from the
 * next look-up on. What is cached is forgotten. */
void dns_use_servers(struct dns *d, const char *servers);

/* Looks HOST up; FN is called once, later (never inside this call), within 5 s; or not at all
 * after dns_cancel. */
struct dns_query *dns_find(struct dns *d, struct weir_text host, dns_fn *fn, void *arg);

/* Ends a query without its callback. NULL is accepted and left. */
void dns_cancel(struct dns_query **q);

#endif

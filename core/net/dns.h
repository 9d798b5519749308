/* net/dns.h - host names to addresses without blocking the loop, by c-ares.
 *
 * Answers are kept for their time to live (at most 60 s, failures 1 s), /etc/hosts and
 * addresses written as text are answered at once. One resolver a shard.
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

/* Looks HOST up; FN is called once, later (never inside this call), within 5 s; or not at all
 * after dns_cancel. */
struct dns_query *dns_find(struct dns *d, struct weir_text host, dns_fn *fn, void *arg);
void dns_cancel(struct dns_query **q);

#endif

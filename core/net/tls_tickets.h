/* net/tls_tickets.h - the keys of session tickets (RFC 5077, RFC 8446 4.6.1): two, one to give
 * out with, and the one before it.
 *
 * A ticket is sealed with AES-256-CBC and HMAC-SHA-256, as OpenSSL lays it out. A key is made
 * by chance, lives for two periods and is wiped then, so what was recorded before that can't
 * be read by who takes the process over. All shards share them. Any thread. Private to
 * net/tls*.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NET_TLS_TICKETS_H
#define NET_TLS_TICKETS_H

#include <openssl/ssl.h>
#include <pthread.h>

#include "base/err.h"

struct tls_ticket_key {
    unsigned char name[16];
    unsigned char cipher[32];
    unsigned char mac[32];
};

struct tls_tickets {
    pthread_mutex_t lock;
    struct tls_ticket_key now;
    struct tls_ticket_key before;
    uint64_t made_ms;
    uint64_t period_ms;
};

/* Makes both keys; NOW_MS is monotonic. */
void tls_tickets_init(struct tls_tickets *t, uint64_t period_ms, uint64_t now_ms);
/* Wipes the keys. */
void tls_tickets_fini(struct tls_tickets *t);

/* Renews the key if its period is over. */
void tls_tickets_look(struct tls_tickets *t, uint64_t now_ms);

/* What OpenSSL asks of a ticket callback, with T: 1 the key is there, 2 it is to be renewed, 0
 * there is none (any more), -1 an error. */
int tls_tickets_use(struct tls_tickets *t, unsigned char name[16], unsigned char *iv,
                    EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, bool seal);

#endif

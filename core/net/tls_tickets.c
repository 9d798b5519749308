/* net/tls_tickets.c - see tls_tickets.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/tls_tickets.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

static void
make(struct tls_ticket_key *k)
{
    if (RAND_bytes((unsigned char *)k, sizeof(*k)) != 1)
        abort();
}

void
tls_tickets_init(struct tls_tickets *t, uint64_t period_ms, uint64_t now_ms)
{
    pthread_mutex_init(&t->lock, NULL);
    make(&t->now);
    make(&t->before);
    t->made_ms = now_ms;
    t->period_ms = period_ms;
}

void
tls_tickets_fini(struct tls_tickets *t)
{
    pthread_mutex_destroy(&t->lock);
    OPENSSL_cleanse(t, sizeof(*t));
}

void
tls_tickets_look(struct tls_tickets *t, uint64_t now_ms)
{
    pthread_mutex_lock(&t->lock);
    if (now_ms - t->made_ms >= t->period_ms) {
        /* After a sleep of more than two periods the older key is too old as well. */
        if (now_ms - t->made_ms >= 2 * t->period_ms)
            make(&t->now);
        t->before = t->now;
        make(&t->now);
        t->made_ms = now_ms;
    }
    pthread_mutex_unlock(&t->lock);
}

/* A copy of the key of that NAME; 0: there is none, 1: it is today's, 2: the one before. */
static int
find(struct tls_tickets *t, const unsigned char name[16], struct tls_ticket_key *ret)
{
    int found = 0;
    pthread_mutex_lock(&t->lock);
    if (memcmp(name, t->now.name, sizeof(t->now.name)) == 0) {
        *ret = t->now;
        found = 1;
    } else if (memcmp(name, t->before.name, sizeof(t->before.name)) == 0) {
        *ret = t->before;
        found = 2;
    }
    pthread_mutex_unlock(&t->lock);
    return found;
}

static bool
ready_mac(EVP_MAC_CTX *mac, struct tls_ticket_key *k)
{
    char digest[] = "SHA256";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, k->mac, sizeof(k->mac)),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    return EVP_MAC_CTX_set_params(mac, params) == 1;
}

int
tls_tickets_use(struct tls_tickets *t, unsigned char name[16], unsigned char *iv,
                EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, bool seal)
{
    struct tls_ticket_key k;
    int answer = 1;
    if (seal) {
        pthread_mutex_lock(&t->lock);
        k = t->now;
        pthread_mutex_unlock(&t->lock);
        memcpy(name, k.name, sizeof(k.name));
        if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1)
            answer = -1;
    } else {
        answer = find(t, name, &k);
        if (answer == 0)
            return 0;
    }
    bool good = answer > 0 &&
                EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, k.cipher, iv, seal) == 1 &&
                ready_mac(mac, &k);
    OPENSSL_cleanse(&k, sizeof(k));
    return good ? answer : -1;
}

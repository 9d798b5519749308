/* net/tls_identity.h - the certificates of a server as they were read at one time. Counted, and
 * not changed any more. Private to net/tls*.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NET_TLS_IDENTITY_H
#define NET_TLS_IDENTITY_H

#include <openssl/ssl.h>
#include <sys/stat.h>

#include "base/map.h"
#include "net/tls_server.h"
#include "net/tls_tickets.h"

/* What tells that a file is another one, or has other bytes. */
struct tls_stamp {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec changed;
};

/* Two files for each certificate, and one of authorities. */
#define TLS_FILES_MAX (2 * TLS_CERTIFICATES_MAX + 1)

struct tls_identities {
    unsigned refs;
    unsigned n;
    SSL_CTX *contexts[TLS_CERTIFICATES_MAX]; /* owned */
    struct tls_about about[TLS_CERTIFICATES_MAX];
    struct map names; /* in lower case, also "*.example.org"; to an SSL_CTX */
};

struct tls_server {
    pthread_mutex_t lock;           /* of IDENTITIES and REFS */
    unsigned refs;                  /* of who has made it, and of its sockets */
    struct tls_identities *current; /* counted */
    struct tls_pair *pairs;         /* owned, with their texts */
    unsigned n_pairs;
    char *client_ca; /* owned; NULL: none */
    enum tls_client_auth client_auth;
    struct tls_tickets tickets;
    struct tls_stamp read[TLS_FILES_MAX]; /* as the files were when they were last read */
    struct tls_stamp seen[TLS_FILES_MAX]; /* ... and at the last look */
};

/* Reads the files of S. WEIR_INVALID with the name of the one that is wrong. */
enum weir_code tls_identities_read(const struct tls_server *s, struct tls_identities **ret,
                                   struct weir_error *err) MUST_USE;
/* One reference less. */
void tls_identities_unref(struct tls_identities **i);

/* The context for a caller that names the server so; NULL: there is none of that name. */
SSL_CTX *tls_identities_find(const struct tls_identities *i, const char *name);

/* References of the server S and of what it has now, for a socket; and back. */
struct tls_identities *tls_server_hold(struct tls_server *s);
/* Gives both back. */
void tls_server_release(struct tls_server *s, struct tls_identities **i);

/* What OpenSSL asks of a socket that stands in its SSL: tls_socket.c. */
int tls_socket_on_name(SSL *ssl, int *alert, void *arg);
/* See above: which protocol of the caller's list is taken. */
int tls_socket_on_alpn(SSL *ssl, const unsigned char **ret, unsigned char *ret_len,
                       const unsigned char *offered, unsigned len, void *arg);
/* See above: seals or opens a ticket. */
int tls_socket_on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv,
                         EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int seal);
/* See above: whether a session that was opened from a ticket may be gone on with. */
SSL_TICKET_RETURN tls_socket_on_session(SSL *ssl, SSL_SESSION *session,
                                        const unsigned char *name, size_t len,
                                        SSL_TICKET_STATUS status, void *arg);

#endif

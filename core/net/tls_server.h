/* net/tls_server.h - TLS of listeners (OpenSSL 3): certificates by name, tickets, certificates
 * of callers.
 *
 * 1.2 and 1.3 with forward secrecy and authenticated encryption only. One server has several
 * certificates, and a caller's name for the server (SNI) chooses; who names none that is known
 * gets the first. All shards share a server: it is locked for a moment at each new connection,
 * and a connection keeps the certificates that it began with, so that they can be replaced
 * while it lives. Any thread, but new, free and look, which are the main thread's.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NET_TLS_SERVER_H
#define NET_TLS_SERVER_H

#include "base/err.h"

#define TLS_CERTIFICATES_MAX 64

/* Whether callers show a certificate. One that is not signed by an authority of ours is
 * refused in any case. */
enum tls_client_auth { TLS_CLIENT_NONE, TLS_CLIENT_OPTIONAL, TLS_CLIENT_REQUIRED };

/* Paths of PEM files; a certificate's has its chain behind it. */
struct tls_pair {
    const char *cert;
    const char *key;
};

struct tls_server_config {
    const struct tls_pair *pairs; /* copied */
    unsigned n_pairs;             /* 1 .. TLS_CERTIFICATES_MAX */
    const char *client_ca;        /* a path; copied; NULL: none */
    enum tls_client_auth client_auth;
    uint64_t ticket_ms; /* how often the key of tickets is renewed */
};

struct tls_server;

/* Reads all files. WEIR_INVALID with the file that is wrong, and how. NOW_MS: monotonic. */
enum weir_code tls_server_new(const struct tls_server_config *config, uint64_t now_ms,
                              struct tls_server **ret, struct weir_error *err) MUST_USE;

/* Connections that live keep what they need. NULL is accepted and left. */
void tls_server_free(struct tls_server **s);

/* Reads all files anew, for connections from now on. WEIR_INVALID: what was there stays. */
enum weir_code tls_server_reload(struct tls_server *s, struct weir_error *err) MUST_USE;

/* To be called a few times a minute: renews the key of tickets when it is due, and reads the
 * files anew if one of them has changed and rests since the look before (so that what is half
 * written is not read). *ret_read: they were read; the code is that of tls_server_reload. */
enum weir_code tls_server_look(struct tls_server *s, uint64_t now_ms, bool *ret_read,
                               struct weir_error *err) MUST_USE;

/* What is known of one certificate of a server. */
struct tls_about {
    char name[256];  /* the first name that it is for */
    int64_t until_s; /* when it expires; seconds since 1970 */
    char file[256];  /* where it stands; cut */
};

/* Certificate number INDEX; false past the end. */
bool tls_server_about(struct tls_server *s, unsigned index, struct tls_about *ret);

#endif

/* net/tls_identity.c - from files to contexts; see tls_identity.h.
 *
 * One context a certificate. All are alike in what callers may do, so that a name chooses a
 * certificate and nothing else. Cipher suites and groups are those of Mozilla's "intermediate"
 * recommendation without finite-field Diffie-Hellman.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/tls_identity.h"

#include <ctype.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "net/tls_names.h"

#define CHAIN_MAX 20
#define AUTHORITIES_MAX 1000
#define CHAIN_DEPTH 8

static const char suites[] = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
                             "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
                             "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
static const char groups[] = "X25519:P-256:P-384";

static enum weir_code
bad(const char *what, const char *path, const char *why, struct weir_error *err)
{
    const char *text = ERR_reason_error_string(ERR_peek_last_error());
    if (why == NULL)
        why = text != NULL ? text : "it can't be used";
    ERR_clear_error();
    return err_set(err, WEIR_INVALID, "%s %s: %s", what, path, why);
}

static BIO *
open_file(const char *what, const char *path, struct weir_error *err)
{
    BIO *bio = BIO_new_file(path, "r");
    if (bio == NULL) {
        int why = errno;
        ERR_clear_error();
        (void)err_set(err, WEIR_INVALID, "%s %s: %s", what, path, strerrordesc_np(why));
    }
    return bio;
}

/* Nobody is there to type a password: an encrypted key is refused. */
static int
no_password(char *ret, int room, int writing, void *arg)
{
    (void)ret;
    (void)room;
    (void)writing;
    *(bool *)arg = true;
    return -1;
}

static enum weir_code
read_key(SSL_CTX *openssl, const char *path, struct weir_error *err)
{
    BIO *bio = open_file("key", path, err);
    if (bio == NULL)
        return WEIR_INVALID;
    bool locked = false;
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, no_password, &locked);
    BIO_free(bio);
    if (locked) {
        EVP_PKEY_free(key);
        return bad("key", path, "it is locked with a password; weir needs it without one", err);
    }
    if (key == NULL)
        return bad("key", path, "there is no private key in PEM in it", err);
    bool good = SSL_CTX_use_PrivateKey(openssl, key) == 1;
    EVP_PKEY_free(key);
    if (good)
        return WEIR_OK;
    bool other = ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_VALUES_MISMATCH ||
                 ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_TYPE_MISMATCH;
    return bad("key", path, other ? "it does not belong to its certificate" : NULL, err);
}

/* The first certificate is the server's own, the others are its chain. */
static enum weir_code
read_chain(SSL_CTX *openssl, const char *path, struct weir_error *err)
{
    BIO *bio = open_file("certificate", path, err);
    if (bio == NULL)
        return WEIR_INVALID;
    unsigned n = 0;
    bool good = true;
    while (good && n <= CHAIN_MAX) {
        X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
        if (x == NULL)
            break;
        good = n++ == 0 ? SSL_CTX_use_certificate(openssl, x) == 1
                        : SSL_CTX_add1_chain_cert(openssl, x) == 1;
        X509_free(x);
    }
    BIO_free(bio);
    if (!good)
        return bad("certificate", path, NULL, err);
    if (n > CHAIN_MAX)
        return bad("certificate", path, "more than 20 certificates", err);
    if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
        return bad("certificate", path, "it is damaged", err);
    ERR_clear_error();
    return n > 0 ? WEIR_OK
                 : bad("certificate", path, "there is no certificate in PEM in it", err);
}

/* Callers' certificates have to be signed by one of those in PATH. What was resumed by a ticket
 * was checked when it began: it counts for the same authorities only. */
static enum weir_code
read_authorities(SSL_CTX *openssl, const char *path, EVP_MD_CTX *digest, struct weir_error *err)
{
    BIO *bio = open_file("client_ca", path, err);
    if (bio == NULL)
        return WEIR_INVALID;
    unsigned n = 0;
    unsigned char one[EVP_MAX_MD_SIZE];
    unsigned len;
    bool good = true;
    while (good && n <= AUTHORITIES_MAX) {
        X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
        if (x == NULL)
            break;
        good = X509_STORE_add_cert(SSL_CTX_get_cert_store(openssl), x) == 1 &&
               SSL_CTX_add_client_CA(openssl, x) == 1 &&
               X509_digest(x, EVP_sha256(), one, &len) == 1 &&
               EVP_DigestUpdate(digest, one, len) == 1;
        X509_free(x);
        n++;
    }
    BIO_free(bio);
    if (!good || n > AUTHORITIES_MAX)
        return bad("client_ca", path, good ? "more than 1,000 certificates" : NULL, err);
    if (n == 0 || ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
        return bad("client_ca", path,
                   n == 0 ? "there is no certificate in PEM in it" : "it is damaged", err);
    ERR_clear_error();
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(openssl), X509_V_FLAG_PARTIAL_CHAIN);
    return WEIR_OK;
}

static enum weir_code
ask_callers(SSL_CTX *openssl, const struct tls_server *s, struct weir_error *err)
{
    unsigned char id[EVP_MAX_MD_SIZE];
    unsigned len;
    unsigned char mode = (unsigned char)s->client_auth;
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    if (digest == NULL || EVP_DigestInit_ex(digest, EVP_sha256(), NULL) != 1)
        abort();
    enum weir_code code = WEIR_OK;
    if (s->client_auth != TLS_CLIENT_NONE) {
        int how = SSL_VERIFY_PEER;
        if (s->client_auth == TLS_CLIENT_REQUIRED)
            how |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
        SSL_CTX_set_verify(openssl, how, NULL);
        SSL_CTX_set_verify_depth(openssl, CHAIN_DEPTH);
        code = read_authorities(openssl, s->client_ca, digest, err);
    }
    EVP_DigestUpdate(digest, &mode, 1);
    EVP_DigestFinal_ex(digest, id, &len);
    EVP_MD_CTX_free(digest);
    SSL_CTX_set_session_id_context(openssl, id, len);
    return code;
}

static SSL_CTX *
context_new(const struct tls_server *s, struct tls_identities *all)
{
    SSL_CTX *openssl = SSL_CTX_new(TLS_server_method());
    if (openssl == NULL)
        abort();
    SSL_CTX_set_min_proto_version(openssl, TLS1_2_VERSION);
    SSL_CTX_set_security_level(openssl, 2);
    if (SSL_CTX_set_cipher_list(openssl, suites) != 1 ||
        SSL_CTX_set1_groups_list(openssl, groups) != 1)
        abort();
    SSL_CTX_set_options(openssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE |
                                     SSL_OP_PRIORITIZE_CHACHA | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(openssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(openssl, 1);
    SSL_CTX_set_session_cache_mode(openssl, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_timeout(openssl, (long)(s->tickets.period_ms / 1000 + 1));
    SSL_CTX_set_tlsext_ticket_key_evp_cb(openssl, tls_socket_on_ticket);
    SSL_CTX_set_session_ticket_cb(openssl, NULL, tls_socket_on_session, NULL);
    SSL_CTX_set_tlsext_servername_callback(openssl, tls_socket_on_name);
    SSL_CTX_set_tlsext_servername_arg(openssl, all);
    SSL_CTX_set_alpn_select_cb(openssl, tls_socket_on_alpn, NULL);
    return openssl;
}

static int64_t
seconds_of(const ASN1_TIME *t)
{
    struct tm tm;
    return ASN1_TIME_to_tm(t, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

/* A name of the certificate: its first owner keeps it. */
static void
add_name(void *arg, struct weir_text name)
{
    struct tls_identities *all = arg;
    char lower[256];
    if (name.len >= sizeof(lower))
        return;
    for (size_t i = 0; i < name.len; i++)
        lower[i] = (char)tolower((unsigned char)name.bytes[i]);
    if (map_get(&all->names, lower, name.len) == NULL)
        (void)map_set(&all->names, lower, name.len, all->contexts[all->n]);
}

static enum weir_code
read_pair(struct tls_identities *all, const struct tls_server *s, const struct tls_pair *pair,
          struct weir_error *err)
{
    SSL_CTX *openssl = context_new(s, all);
    enum weir_code code = read_chain(openssl, pair->cert, err);
    if (code == WEIR_OK)
        code = read_key(openssl, pair->key, err);
    if (code == WEIR_OK)
        code = ask_callers(openssl, s, err);
    if (code != WEIR_OK) {
        SSL_CTX_free(openssl);
        return code;
    }
    const X509 *x = SSL_CTX_get0_certificate(openssl);
    struct tls_about *about = &all->about[all->n];
    tls_name_first(x, about->name, sizeof(about->name));
    about->until_s = seconds_of(X509_get0_notAfter(x));
    (void)snprintf(about->file, sizeof(about->file), "%s", pair->cert);
    all->contexts[all->n] = openssl;
    tls_names_each(x, add_name, all);
    all->n++;
    return WEIR_OK;
}

enum weir_code
tls_identities_read(const struct tls_server *s, struct tls_identities **ret,
                    struct weir_error *err)
{
    struct tls_identities *all = calloc(1, sizeof(*all));
    if (all == NULL)
        abort();
    all->refs = 1;
    map_init(&all->names);
    ERR_clear_error();
    for (unsigned i = 0; i < s->n_pairs; i++) {
        enum weir_code code = read_pair(all, s, &s->pairs[i], err);
        if (code != WEIR_OK) {
            tls_identities_unref(&all);
            return code;
        }
    }
    *ret = all;
    return WEIR_OK;
}

void
tls_identities_unref(struct tls_identities **i)
{
    struct tls_identities *all = *i;
    *i = NULL;
    if (all == NULL || --all->refs > 0)
        return;
    for (unsigned k = 0; k < all->n; k++)
        SSL_CTX_free(all->contexts[k]);
    map_fini(&all->names);
    free(all);
}

SSL_CTX *
tls_identities_find(const struct tls_identities *all, const char *name)
{
    char lower[256] = "*";
    size_t len = strlen(name);
    if (len == 0 || len >= sizeof(lower) - 1)
        return NULL;
    for (size_t i = 0; i < len; i++)
        lower[i + 1] = (char)tolower((unsigned char)name[i]);
    if (lower[len] == '.')
        len--;
    SSL_CTX *found = map_get(&all->names, lower + 1, len);
    const char *point = memchr(lower + 1, '.', len);
    if (found != NULL || point == NULL || point == lower + 1)
        return found;
    /* *.example.org stands for exactly one label (RFC 6125 6.4.3). */
    size_t at = (size_t)(point - lower) - 1;
    lower[at] = '*';
    return map_get(&all->names, lower + at, len + 1 - at);
}

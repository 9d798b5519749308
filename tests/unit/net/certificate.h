/* certificate.h - certificates and TLS servers for tests, made with libcrypto while they run.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_NET_CERTIFICATE_H
#define TESTS_NET_CERTIFICATE_H

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "peer.h"

struct certificate {
    X509 *x509;
    EVP_PKEY *key;
};

/* How a certificate is made. */
struct certificate_plan {
    const char *name;                 /* of its subject */
    const char *names;                /* "DNS:localhost,IP:127.0.0.1"; NULL: none */
    const struct certificate *issuer; /* NULL: signed by itself */
    bool ca;
    long from; /* seconds from now */
    long until;
};

static inline void
certificate_extend(X509 *x, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX how;
    X509V3_set_ctx_nodb(&how);
    X509V3_set_ctx(&how, issuer, x, NULL, NULL, 0);
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &how, nid, value);
    assert_non_null(e);
    X509_add_ext(x, e, -1);
    X509_EXTENSION_free(e);
}

static inline struct certificate
certificate_new(const struct certificate_plan *plan)
{
    static long serial = 1;
    struct certificate c = { X509_new(), EVP_EC_gen("P-256") };
    const struct certificate *issuer = plan->issuer != NULL ? plan->issuer : &c;
    X509_set_version(c.x509, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(c.x509), serial++);
    X509_gmtime_adj(X509_getm_notBefore(c.x509), plan->from);
    X509_gmtime_adj(X509_getm_notAfter(c.x509), plan->until);
    X509_set_pubkey(c.x509, c.key);
    X509_NAME *name = X509_get_subject_name(c.x509);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)plan->name, -1,
                               -1, 0);
    X509_set_issuer_name(c.x509, X509_get_subject_name(issuer->x509));
    certificate_extend(c.x509, issuer->x509, NID_basic_constraints,
                       plan->ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
    if (plan->names != NULL)
        certificate_extend(c.x509, issuer->x509, NID_subject_alt_name, plan->names);
    assert_true(X509_sign(c.x509, issuer->key, EVP_sha256()) > 0);
    return c;
}

static inline void
certificate_free(struct certificate *c)
{
    X509_free(c->x509);
    EVP_PKEY_free(c->key);
}

/* A string value with the PEM of the certificate, or of its key. */
static inline const struct weir_value *
certificate_pem(const struct certificate *c, bool key)
{
    BIO *bio = BIO_new(BIO_s_mem());
    if (key)
        PEM_write_bio_PrivateKey(bio, c->key, NULL, NULL, 0, NULL, NULL);
    else
        PEM_write_bio_X509(bio, c->x509);
    char *bytes;
    long len = BIO_get_mem_data(bio, &bytes);
    const struct weir_value *v = value_string(bytes, (size_t)len);
    BIO_free(bio);
    return v;
}

/* A server's context that shows C, with its issuer behind it if that is no root of the client.
 */
static inline SSL_CTX *
certificate_server(const struct certificate *c, const struct certificate *chain)
{
    SSL_CTX *server = SSL_CTX_new(TLS_server_method());
    assert_int_equal(SSL_CTX_use_certificate(server, c->x509), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(server, c->key), 1);
    if (chain != NULL)
        SSL_CTX_add1_chain_cert(server, chain->x509);
    return server;
}

#endif

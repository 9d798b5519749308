/* base/signature_key.c - keys from their different forms; see signature.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/signature_key.h"

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#define SECRET_MIN 32
#define SECRET_MAX 4096
#define PEM_MAX 65536
#define RSA_BITS_MIN 2048 /* RFC 7518 3.3 */
#define RSA_BITS_MAX 8192 /* a check costs more with each bit */
#define EXPONENT_MAX 8    /* bytes: as above */

static struct signature_key *
make(enum signature_kind kind, size_t room)
{
    struct signature_key *k = calloc(1, sizeof *k + room);
    if (k == NULL)
        abort();
    k->kind = kind;
    return k;
}

struct signature_key *
signature_key_secret(struct weir_text secret, struct weir_error *err)
{
    if (secret.len < SECRET_MIN || secret.len > SECRET_MAX) {
        err_set(err, WEIR_INVALID, "a secret has to have 32 bytes or more (RFC 7518 3.2), and 4096 at most; "
                                   "this one has %zu", secret.len);
        return NULL;
    }
    struct signature_key *k = make(SIGNATURE_SECRET, secret.len);
    memcpy(k->secret, secret.bytes, secret.len);
    k->len = secret.len;
    return k;
}

/* The kind of an elliptic key by the name of its group. */
static enum signature_kind
kind_of_group(const EVP_PKEY *p)
{
    char name[32];
    if (EVP_PKEY_get_group_name(p, name, sizeof name, NULL) != 1)
        return 0;
    if (strcmp(name, "prime256v1") == 0 || strcmp(name, "P-256") == 0)
        return SIGNATURE_P256;
    if (strcmp(name, "secp384r1") == 0 || strcmp(name, "P-384") == 0)
        return SIGNATURE_P384;
    if (strcmp(name, "secp521r1") == 0 || strcmp(name, "P-521") == 0)
        return SIGNATURE_P521;
    return 0;
}

/* A key of P, which is taken; NULL: it is of no kind that is known, or weak. */
static struct signature_key *
take(EVP_PKEY *p, struct weir_error *err)
{
    enum signature_kind kind = 0;
    const char *wrong = "it is of no kind that is known: RSA, P-256, P-384, P-521 or Ed25519";
    if (EVP_PKEY_is_a(p, "RSA")) {
        int bits = EVP_PKEY_get_bits(p);
        wrong = "a key of RSA has to have 2048 to 8192 bits";
        kind = bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX ? SIGNATURE_RSA : 0;
    } else if (EVP_PKEY_is_a(p, "EC")) {
        kind = kind_of_group(p);
    } else if (EVP_PKEY_is_a(p, "ED25519")) {
        kind = SIGNATURE_ED25519;
    }
    ERR_clear_error();
    if (kind == 0) {
        err_set(err, WEIR_INVALID, "%s", wrong);
        EVP_PKEY_free(p);
        return NULL;
    }
    struct signature_key *k = make(kind, 0);
    k->openssl = p;
    return k;
}

/* Nobody is there to be asked for a passphrase. */
static int
no_passphrase(char *buf, int size, int rw, void *arg)
{
    (void)buf;
    (void)size;
    (void)rw;
    (void)arg;
    return -1;
}

struct signature_key *
signature_key_pem(struct weir_text pem, struct weir_error *err)
{
    EVP_PKEY *p = NULL;
    BIO *bio = pem.len <= PEM_MAX ? BIO_new_mem_buf(pem.bytes, (int)pem.len) : NULL;
    if (bio != NULL && memmem(pem.bytes, pem.len, "CERTIFICATE", 11) != NULL) {
        X509 *x = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL);
        p = x != NULL ? X509_get_pubkey(x) : NULL;
        X509_free(x);
    } else if (bio != NULL) {
        p = PEM_read_bio_PUBKEY(bio, NULL, no_passphrase, NULL);
    }
    BIO_free(bio);
    ERR_clear_error();
    if (p != NULL)
        return take(p, err);
    bool private = memmem(pem.bytes, pem.len, "PRIVATE KEY", 11) != NULL;
    err_set(err, WEIR_INVALID, "%s", private ? "it is a private key: only the public one belongs here"
                                             : "it is no public key and no certificate in PEM");
    return NULL;
}

/* A key of TYPE from the parameters of B, which is taken. */
static struct signature_key *
build(const char *type, OSSL_PARAM_BLD *b, struct weir_error *err)
{
    EVP_PKEY *p = NULL;
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(b);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    if (params == NULL || ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &p, EVP_PKEY_PUBLIC_KEY, params) != 1)
        p = NULL;
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(b);
    ERR_clear_error();
    if (p != NULL)
        return take(p, err);
    err_set(err, WEIR_INVALID, "it is no public key");
    return NULL;
}

struct signature_key *
signature_key_rsa(struct weir_text n, struct weir_text e, struct weir_error *err)
{
    if (n.len > RSA_BITS_MAX / 8 + 1 || e.len > EXPONENT_MAX) {
        err_set(err, WEIR_INVALID, "a key of RSA has to have 2048 to 8192 bits");
        return NULL;
    }
    BIGNUM *modulus = BN_bin2bn((const uint8_t *)n.bytes, (int)n.len, NULL);
    BIGNUM *exponent = BN_bin2bn((const uint8_t *)e.bytes, (int)e.len, NULL);
    OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
    if (modulus == NULL || exponent == NULL || b == NULL ||
        OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_N, modulus) != 1 ||
        OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_E, exponent) != 1)
        abort();
    bool sound = BN_is_odd(exponent) && !BN_is_one(exponent);
    struct signature_key *k = sound ? build("RSA", b, err) : NULL;
    if (!sound) {
        OSSL_PARAM_BLD_free(b);
        err_set(err, WEIR_INVALID, "the exponent of a key of RSA has to be odd, and 3 or more");
    }
    BN_free(modulus);
    BN_free(exponent);
    return k;
}

struct signature_key *
signature_key_point(struct weir_text curve, struct weir_text x, struct weir_text y, struct weir_error *err)
{
    size_t len = text_is(curve, "P-256") ? 32 : text_is(curve, "P-384") ? 48 : text_is(curve, "P-521") ? 66 : 0;
    uint8_t point[1 + 2 * 66] = { 4 }; /* not compressed (SEC 1, 2.3.3) */
    char name[8];
    if (len == 0 || x.len != len || y.len != len) {
        err_set(err, WEIR_INVALID, "the curve has to be P-256, P-384 or P-521, and x and y as long as its field");
        return NULL;
    }
    memcpy(point + 1, x.bytes, len);
    memcpy(point + 1 + len, y.bytes, len);
    memcpy(name, curve.bytes, curve.len);
    name[curve.len] = '\0';
    OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
    if (b == NULL || OSSL_PARAM_BLD_push_utf8_string(b, OSSL_PKEY_PARAM_GROUP_NAME, name, 0) != 1 ||
        OSSL_PARAM_BLD_push_octet_string(b, OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * len) != 1)
        abort();
    return build("EC", b, err);
}

struct signature_key *
signature_key_ed25519(struct weir_text x, struct weir_error *err)
{
    EVP_PKEY *p = x.len == 32 ? EVP_PKEY_new_raw_public_key_ex(NULL, "ED25519", NULL, (const uint8_t *)x.bytes, x.len) : NULL;
    ERR_clear_error();
    if (p != NULL)
        return take(p, err);
    err_set(err, WEIR_INVALID, "a key of Ed25519 has to have 32 bytes");
    return NULL;
}

void
signature_key_free(struct signature_key **k)
{
    if (*k == NULL)
        return;
    EVP_PKEY_free((*k)->openssl);
    OPENSSL_cleanse((*k)->secret, (*k)->len);
    free(*k);
    *k = NULL;
}

/* base/signature.c - see signature.h. SPDX-License-Identifier: Apache-2.0 */
#include "base/signature.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <string.h>

#include "base/digest.h"
#include "base/signature_key.h"

#define COORDINATE_MAX 66 /* of P-521 */

static const struct algorithm {
    const char *name;
    enum signature_kind kind;
    uint32_t mac;       /* enum weir_digest, of HMAC */
    const char *digest; /* libcrypto's name; NULL: none of its own */
    size_t coordinate;  /* bytes of R and of S: half of a signature of ECDSA */
    bool pss;
} algorithms[] = {
    [WEIR_HS256] = { "HS256", SIGNATURE_SECRET, WEIR_SHA256, NULL, 0, false },
    [WEIR_HS384] = { "HS384", SIGNATURE_SECRET, WEIR_SHA384, NULL, 0, false },
    [WEIR_HS512] = { "HS512", SIGNATURE_SECRET, WEIR_SHA512, NULL, 0, false },
    [WEIR_RS256] = { "RS256", SIGNATURE_RSA, 0, "SHA2-256", 0, false },
    [WEIR_RS384] = { "RS384", SIGNATURE_RSA, 0, "SHA2-384", 0, false },
    [WEIR_RS512] = { "RS512", SIGNATURE_RSA, 0, "SHA2-512", 0, false },
    [WEIR_PS256] = { "PS256", SIGNATURE_RSA, 0, "SHA2-256", 0, true },
    [WEIR_PS384] = { "PS384", SIGNATURE_RSA, 0, "SHA2-384", 0, true },
    [WEIR_PS512] = { "PS512", SIGNATURE_RSA, 0, "SHA2-512", 0, true },
    [WEIR_ES256] = { "ES256", SIGNATURE_P256, 0, "SHA2-256", 32, false },
    [WEIR_ES384] = { "ES384", SIGNATURE_P384, 0, "SHA2-384", 48, false },
    [WEIR_ES512] = { "ES512", SIGNATURE_P521, 0, "SHA2-512", 66, false },
    [WEIR_EDDSA] = { "EdDSA", SIGNATURE_ED25519, 0, NULL, 0, false },
};

#define N_ALGORITHMS (sizeof algorithms / sizeof *algorithms)

uint32_t
signature_find(struct weir_text name)
{
    for (uint32_t i = 1; i < N_ALGORITHMS; i++)
        if (text_is(name, algorithms[i].name))
            return i;
    return 0;
}

uint32_t
signature_algorithms(const struct signature_key *k)
{
    uint32_t fit = 0;
    for (uint32_t i = 1; i < N_ALGORITHMS; i++) {
        bool is_short = k->kind == SIGNATURE_SECRET && k->len < (i == WEIR_HS256 ? 32u : i == WEIR_HS384 ? 48u : 64u);
        if (algorithms[i].kind == k->kind && !is_short)
            fit |= 1u << i;
    }
    return fit;
}

static bool
check_mac(const struct signature_key *k, const struct algorithm *a, struct weir_text text, struct weir_text given)
{
    uint8_t mac[DIGEST_MAX];
    size_t len = digest_hmac(a->mac, (struct weir_text){ (const char *)k->secret, k->len }, text, mac);
    return digest_equal((struct weir_text){ (const char *)mac, len }, given);
}

/* Writes an INTEGER of DER (X.690 8.3) and returns its length. */
static size_t
put_integer(uint8_t *out, const uint8_t *bytes, size_t len)
{
    while (len > 1 && *bytes == 0) {
        bytes++;
        len--;
    }
    bool pad = *bytes & 0x80;
    out[0] = 2;
    out[1] = (uint8_t)(len + pad);
    out[2] = 0;
    memcpy(out + 2 + pad, bytes, len);
    return 2 + pad + len;
}

/* R and S side by side (RFC 7518 3.4) as libcrypto wants them: Ecdsa-Sig-Value of RFC 3279. */
static size_t
ecdsa_der(const struct algorithm *a, struct weir_text given, uint8_t out[2 * COORDINATE_MAX + 16])
{
    uint8_t both[2 * COORDINATE_MAX + 8];
    const uint8_t *r = (const uint8_t *)given.bytes;
    size_t len = put_integer(both, r, a->coordinate), at = 0;
    len += put_integer(both + len, r + a->coordinate, a->coordinate);
    out[at++] = 0x30;
    if (len > 127)
        out[at++] = 0x81;
    out[at++] = (uint8_t)len;
    memcpy(out + at, both, len);
    return at + len;
}

static bool
use_pss(EVP_PKEY_CTX *c)
{
    return EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(c, RSA_PSS_SALTLEN_DIGEST) == 1; /* RFC 7518 3.5 */
}

static bool
check_public(const struct signature_key *k, const struct algorithm *a, struct weir_text text, struct weir_text given)
{
    uint8_t der[2 * COORDINATE_MAX + 16];
    const uint8_t *bytes = (const uint8_t *)given.bytes;
    size_t len = given.len;
    if (a->coordinate > 0) {
        if (given.len != 2 * a->coordinate)
            return false;
        len = ecdsa_der(a, given, der);
        bytes = der;
    }
    EVP_PKEY_CTX *c = NULL; /* of CTX */
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool good = ctx != NULL && EVP_DigestVerifyInit_ex(ctx, &c, a->digest, NULL, NULL, k->openssl, NULL) == 1 &&
                (!a->pss || use_pss(c)) &&
                EVP_DigestVerify(ctx, bytes, len, (const uint8_t *)text.bytes, text.len) == 1;
    EVP_MD_CTX_free(ctx);
    ERR_clear_error();
    return good;
}

bool
signature_check(const struct signature_key *k, uint32_t algorithm, struct weir_text text, struct weir_text signature)
{
    if (algorithm == 0 || algorithm >= N_ALGORITHMS || (signature_algorithms(k) & 1u << algorithm) == 0 ||
        signature.len == 0 || signature.len > SIGNATURE_MAX)
        return false;
    const struct algorithm *a = &algorithms[algorithm];
    return k->kind == SIGNATURE_SECRET ? check_mac(k, a, text, signature) : check_public(k, a, text, signature);
}

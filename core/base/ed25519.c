/* base/ed25519.c - see ed25519.h. SPDX-License-Identifier: Apache-2.0 */
#include "base/ed25519.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

/* The message in one piece: it is read twice, so that it can't be fed in parts (RFC 8032 8.5). The
 * caller frees *RET_COPY. */
static struct weir_text
joined(const struct weir_text *parts, size_t n, char **ret_copy)
{
    size_t len = 0;
    *ret_copy = NULL;
    if (n == 1)
        return parts[0];
    for (size_t i = 0; i < n; i++)
        len += parts[i].len;
    char *at = *ret_copy = malloc(len + 1);
    if (at == NULL)
        abort();
    for (size_t i = 0; i < n; i++) {
        if (parts[i].len > 0)
            memcpy(at, parts[i].bytes, parts[i].len);
        at += parts[i].len;
    }
    return (struct weir_text){ *ret_copy, len };
}

static const unsigned char *
bytes_of(struct weir_text t)
{
    return (const unsigned char *)(t.len > 0 ? t.bytes : "");
}

bool
ed25519_verify(struct weir_text key, const struct weir_text *parts, size_t n, struct weir_text signature)
{
    char *copy;
    if (key.len != ED25519_KEY || signature.len != ED25519_SIGNATURE)
        return false;
    EVP_PKEY *pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, bytes_of(key), key.len);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (ctx == NULL)
        abort();
    struct weir_text message = joined(parts, n, &copy);
    bool good = pkey != NULL && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pkey) == 1 &&
                EVP_DigestVerify(ctx, bytes_of(signature), signature.len, bytes_of(message), message.len) == 1;
    free(copy);
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(pkey);
    ERR_clear_error(); /* a signature that is none leaves one behind, for whoever asks next */
    return good;
}

/* Whether the public half that stands behind the seed is the one that belongs to it. */
static bool
halves_fit(const EVP_PKEY *pkey, struct weir_text key)
{
    unsigned char public[ED25519_KEY];
    size_t len = sizeof public;
    return key.len == ED25519_KEY || (EVP_PKEY_get_raw_public_key(pkey, public, &len) == 1 &&
                                      memcmp(public, key.bytes + ED25519_KEY, ED25519_KEY) == 0);
}

bool
ed25519_sign(struct weir_text key, const struct weir_text *parts, size_t n, uint8_t ret[ED25519_SIGNATURE])
{
    char *copy;
    size_t len = ED25519_SIGNATURE;
    if (key.len != ED25519_KEY && key.len != 2 * ED25519_KEY)
        return false;
    EVP_PKEY *pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, bytes_of(key), ED25519_KEY);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (ctx == NULL)
        abort();
    struct weir_text message = joined(parts, n, &copy);
    bool good = pkey != NULL && halves_fit(pkey, key) && EVP_DigestSignInit(ctx, NULL, NULL, NULL, pkey) == 1 &&
                EVP_DigestSign(ctx, ret, &len, bytes_of(message), message.len) == 1;
    free(copy);
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(pkey);
    ERR_clear_error();
    return good;
}

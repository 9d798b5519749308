/* engine/host_key.c - the host table for keys and signatures. See host.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/host.h"

#include "base/encode.h"
#include "base/password.h"
#include "base/signature.h"
#include "value/json.h"

#define PART_MAX 1100 /* bytes of one part of a JWK: RSA of 8192 bits, and some */

/* What a plugin sees as struct weir_key is the base's own. */
static const struct signature_key *
own(const struct weir_key *k)
{
    return (const struct signature_key *)(const void *)k;
}

static struct weir_text
text_at(const struct weir_value *jwk, const char *key)
{
    const struct weir_value *v = value_field(jwk, key);
    return v && value_type(v) == WEIR_STRING ? value_as_text(v) : TEXT("");
}

/* The bytes of a member in base64url. False if there is none. */
static bool
bytes_at(const struct weir_value *jwk, const char *key, struct buf *out)
{
    struct weir_error err;
    return text_at(jwk, key).len > 0 && base64_decode(out, text_at(jwk, key), &err) == WEIR_OK;
}

/* A JWK (RFC 7517 section 4, RFC 7518 section 6, RFC 8037 section 2); of those with a private part the public
 * one is taken. */
static struct signature_key *
read_jwk(const struct weir_value *jwk, struct weir_error *err)
{
    struct weir_text type = text_at(jwk, "kty"), curve = text_at(jwk, "crv");
    struct signature_key *k = NULL;
    struct buf a, b;
    buf_init(&a, PART_MAX);
    buf_init(&b, PART_MAX);
    if (text_is(type, "RSA") && bytes_at(jwk, "n", &a) && bytes_at(jwk, "e", &b))
        k = signature_key_rsa(buf_content(&a), buf_content(&b), err);
    else if (text_is(type, "EC") && bytes_at(jwk, "x", &a) && bytes_at(jwk, "y", &b))
        k = signature_key_point(curve, buf_content(&a), buf_content(&b), err);
    else if (text_is(type, "OKP") && text_is(curve, "Ed25519") && bytes_at(jwk, "x", &a))
        k = signature_key_ed25519(buf_content(&a), err);
    else
        err_set(err, WEIR_INVALID, "it is no JWK of a public key: RSA with n and e, EC with crv, x and y, "
                                   "or OKP with crv Ed25519 and x");
    buf_fini(&a);
    buf_fini(&b);
    return k;
}

static struct weir_key *
key_new(const struct weir_value *v, struct weir_error *err)
{
    struct signature_key *k = NULL;
    switch (value_type(v)) {
    case WEIR_STRING:
        k = signature_key_pem(value_as_text(v), err);
        break;
    case WEIR_BYTES:
        k = signature_key_secret(value_as_text(v), err);
        break;
    case WEIR_MAP:
        k = read_jwk(v, err);
        break;
    default:
        err_set(err, WEIR_INVALID, "a key is PEM in a string, a secret in bytes, or a JWK in a map");
    }
    return (struct weir_key *)(void *)k;
}

static void
key_free(struct weir_key **k)
{
    struct signature_key *key = (struct signature_key *)(void *)*k;
    signature_key_free(&key);
    *k = NULL;
}

static uint32_t
key_algorithms(const struct weir_key *k)
{
    return signature_algorithms(own(k));
}

static bool
key_check(const struct weir_key *k, uint32_t algorithm, struct weir_text text, struct weir_text signature)
{
    return signature_check(own(k), algorithm, text, signature);
}

static uint32_t
json_read_unique(struct weir_text text, const struct weir_value **ret, struct weir_error *err)
{
    struct json_limits limits = { .unique_keys = true };
    return json_read(text, NULL, &limits, ret, err);
}

static uint32_t
hash_check(struct weir_text hash, struct weir_error *err)
{
    return password_hash_check(hash, err);
}

void
host_fill_key(struct weir_host *h)
{
    h->key_new = key_new;
    h->key_free = key_free;
    h->key_algorithms = key_algorithms;
    h->key_check = key_check;
    h->signature_find = signature_find;
    h->json_read_unique = json_read_unique;
    h->password_hash_check = hash_check;
    h->password_check = password_check;
}

/* base/password.c - see password.h. SPDX-License-Identifier: Apache-2.0 */
#include "base/password.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/encode.h"
#include "base/random.h"

#define LN_MAX 18
#define R_MAX 32
#define P_MAX 16
#define MEMORY_MAX (64ull << 20)
#define WORK_MAX (4ull << 18) /* N * r * p: four times that of ln=15,r=8,p=1 */
#define SALT_MAX 64
#define HASH_MIN 16
#define HASH_MAX 64

/* A hash, taken apart. */
struct hash {
    unsigned ln, r, p;
    struct weir_text salt; /* in base64 */
    struct weir_text hash;
};

/* Takes PREFIX and a number from the start of *at. False if they are not there. */
static bool
take_number(struct weir_text *at, const char *prefix, unsigned max, unsigned *ret)
{
    size_t len = strlen(prefix);
    unsigned n = 0, digits = 0;
    if (at->len < len || memcmp(at->bytes, prefix, len) != 0)
        return false;
    at->bytes += len;
    at->len -= len;
    while (digits < at->len && at->bytes[digits] >= '0' && at->bytes[digits] <= '9' && digits < 4)
        n = n * 10 + (unsigned)(at->bytes[digits++] - '0');
    at->bytes += digits;
    at->len -= digits;
    *ret = n;
    return digits > 0 && n > 0 && n <= max;
}

static bool
take_apart(struct weir_text text, struct hash *h)
{
    if (!take_number(&text, "$scrypt$ln=", LN_MAX, &h->ln) || !take_number(&text, ",r=", R_MAX, &h->r) ||
        !take_number(&text, ",p=", P_MAX, &h->p) || text.len == 0 || text.bytes[0] != '$')
        return false;
    const char *end = memchr(text.bytes + 1, '$', text.len - 1);
    if (end == NULL)
        return false;
    h->salt = (struct weir_text){ text.bytes + 1, (size_t)(end - text.bytes - 1) };
    h->hash = (struct weir_text){ end + 1, text.len - h->salt.len - 2 };
    return true;
}

/* The salt and the hash as bytes. */
static bool
decode(const struct hash *h, struct buf *salt, struct buf *hash)
{
    struct weir_error err;
    return base64_decode(salt, h->salt, &err) == WEIR_OK && base64_decode(hash, h->hash, &err) == WEIR_OK &&
           salt->len >= 8 && hash->len >= HASH_MIN;
}

static bool
is_cheap(const struct hash *h)
{
    uint64_t n = 1ull << h->ln;
    return 128 * n * h->r <= MEMORY_MAX && n * h->r * h->p <= WORK_MAX;
}

enum weir_code
password_hash_check(struct weir_text text, struct weir_error *err)
{
    struct hash h;
    struct buf salt, hash;
    buf_init(&salt, SALT_MAX);
    buf_init(&hash, HASH_MAX);
    bool good = take_apart(text, &h) && decode(&h, &salt, &hash);
    buf_fini(&salt);
    buf_fini(&hash);
    if (!good)
        return err_set(err, WEIR_INVALID, "a hash of scrypt looks like $scrypt$ln=15,r=8,p=1$SALT$HASH");
    if (!is_cheap(&h))
        return err_set(err, WEIR_INVALID, "a hash of scrypt may cost ln=17,r=4,p=1 or ln=15,r=8,p=4 at most");
    return WEIR_OK;
}

/* scrypt of PASSWORD, LEN bytes of it. */
static bool
derive(const struct hash *h, struct weir_text password, struct weir_text salt, uint8_t *ret, size_t len)
{
    return EVP_PBE_scrypt(password.bytes, password.len, (const uint8_t *)salt.bytes, salt.len, 1ull << h->ln, h->r, h->p,
                          MEMORY_MAX + (1u << 20), ret, len) == 1;
}

bool
password_check(struct weir_text text, struct weir_text password)
{
    struct hash h;
    struct buf salt, hash;
    uint8_t derived[HASH_MAX];
    buf_init(&salt, SALT_MAX);
    buf_init(&hash, HASH_MAX);
    bool good = take_apart(text, &h) && is_cheap(&h) && decode(&h, &salt, &hash) &&
                derive(&h, password, buf_content(&salt), derived, hash.len) &&
                digest_equal((struct weir_text){ (const char *)derived, hash.len }, buf_content(&hash));
    OPENSSL_cleanse(derived, sizeof derived);
    buf_fini(&salt);
    buf_fini(&hash);
    return good;
}

/* Base64 without its padding. */
static void
put_bytes(struct buf *out, const uint8_t *bytes, size_t len)
{
    struct buf text;
    buf_init(&text, 256);
    (void)base64_encode(&text, (struct weir_text){ (const char *)bytes, len }, false);
    while (text.len > 0 && text.bytes[text.len - 1] == '=')
        text.len--;
    (void)buf_text(out, buf_content(&text));
    buf_fini(&text);
}

void
password_hash(struct buf *out, struct weir_text password)
{
    struct hash h = { .ln = 15, .r = 8, .p = 1 };
    uint8_t salt[16], derived[32];
    random_bytes(salt, sizeof salt);
    if (!derive(&h, password, (struct weir_text){ (const char *)salt, sizeof salt }, derived, sizeof derived))
        abort();
    (void)buf_puts(out, "$scrypt$ln=15,r=8,p=1$");
    put_bytes(out, salt, sizeof salt);
    (void)buf_puts(out, "$");
    put_bytes(out, derived, sizeof derived);
    OPENSSL_cleanse(derived, sizeof derived);
}

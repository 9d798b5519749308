/* base/seal.c - see seal.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/seal.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"

#define MAGIC "WEIRSEAL"
#define MAGIC_LEN 8u
#define VERSION 1u
#define KEY_LEN 32u
#define AREA_MAX (1ull << 21) /* r * N */
#define WORK_MAX (1ull << 23) /* r * N * p */

const struct seal_cost seal_cost_usual = { .log_n = 15, .r = 8, .p = 3 };

static bool
cost_is_allowed(const struct seal_cost *c)
{
    if (c->log_n < 10 || c->log_n > 20 || c->r < 1 || c->r > 32 || c->p < 1 || c->p > 16)
        return false;
    uint64_t area = (uint64_t)c->r << c->log_n;
    return area <= AREA_MAX && area * c->p <= WORK_MAX;
}

static void
put_number(uint8_t *to, uint32_t n, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        to[i] = (uint8_t)(n >> 8 * (bytes - 1 - i));
}

static uint32_t
get_number(const uint8_t *from, unsigned bytes)
{
    uint32_t n = 0;
    for (unsigned i = 0; i < bytes; i++)
        n = n << 8 | from[i];
    return n;
}

static void
write_header(const struct seal_header *h, uint8_t ret[SEAL_HEADER])
{
    memset(ret, 0, SEAL_HEADER);
    memcpy(ret, MAGIC, MAGIC_LEN);
    ret[8] = VERSION;
    ret[9] = h->cost.log_n;
    put_number(ret + 10, h->cost.r, 2);
    put_number(ret + 12, h->cost.p, 2);
    put_number(ret + 16, h->len, 4);
    memcpy(ret + 20, h->salt, SEAL_SALT);
    memcpy(ret + 36, h->nonce, SEAL_NONCE);
}

enum weir_code
seal_read_header(struct weir_text sealed, struct seal_header *ret, struct weir_error *err)
{
    const uint8_t *bytes = (const uint8_t *)sealed.bytes;
    size_t seen = sealed.len < MAGIC_LEN ? sealed.len : MAGIC_LEN;
    if (seen > 0 && memcmp(bytes, MAGIC, seen) != 0)
        return err_set(err, WEIR_INVALID, "it is no sealed file: it does not begin with " MAGIC);
    if (sealed.len > MAGIC_LEN && bytes[8] != VERSION)
        return err_set(err, WEIR_INVALID, "it has version %u of the format; this weir knows version %u only",
                       bytes[8], VERSION);
    if (sealed.len < SEAL_HEADER + SEAL_TAG)
        return err_set(err, WEIR_INVALID, "it is cut off: %zu bytes are less than its header and tag", sealed.len);
    struct seal_header h = {
        .cost = { .log_n = bytes[9],
                  .r = (uint16_t)get_number(bytes + 10, 2),
                  .p = (uint16_t)get_number(bytes + 12, 2) },
        .len = get_number(bytes + 16, 4),
    };
    if (!cost_is_allowed(&h.cost) || get_number(bytes + 14, 2) != 0)
        return err_set(err, WEIR_INVALID,
                       "its header is damaged: scrypt with N = 2^%u, r = %u, p = %u is out of bounds", h.cost.log_n,
                       h.cost.r, h.cost.p);
    size_t rest = sealed.len - SEAL_HEADER - SEAL_TAG;
    if (h.len > rest && h.len <= SEAL_TEXT_MAX)
        return err_set(err, WEIR_INVALID, "it is cut off: %zu of %u bytes are there", rest, h.len);
    if (h.len != rest || h.len > SEAL_TEXT_MAX)
        return err_set(err, WEIR_INVALID, "its length is not that of its header: %zu instead of %u", rest, h.len);
    memcpy(h.salt, bytes + 20, SEAL_SALT);
    memcpy(h.nonce, bytes + 36, SEAL_NONCE);
    *ret = h;
    return WEIR_OK;
}

static enum weir_code
make_key(struct weir_text passphrase, const struct seal_header *h, uint8_t ret[KEY_LEN], struct weir_error *err)
{
    uint64_t n = 1ull << h->cost.log_n;
    uint64_t memory = 128ull * h->cost.r * (n + h->cost.p + 2) + (1u << 20);
    if (EVP_PBE_scrypt(passphrase.bytes, passphrase.len, h->salt, SEAL_SALT, n, h->cost.r, h->cost.p, memory, ret,
                       KEY_LEN) != 1)
        return err_set(err, WEIR_UNAVAILABLE, "there is no memory for scrypt: it needs %llu MiB",
                       (unsigned long long)(memory >> 20));
    return WEIR_OK;
}

/* One way or the other: IN to OUT, both of h->len bytes. ENCRYPT: the tag is written, else
 * compared. False: the tag is another one. */
static bool
crypt(bool encrypt, const uint8_t key[KEY_LEN], const struct seal_header *h, const uint8_t *in, uint8_t *out,
      uint8_t *tag)
{
    uint8_t header[SEAL_HEADER];
    int n = 0;
    write_header(h, header);
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    if (c == NULL || EVP_CipherInit_ex(c, EVP_aes_256_gcm(), NULL, key, h->nonce, encrypt) != 1)
        abort();
    bool good = (encrypt || EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, SEAL_TAG, tag) == 1) &&
                EVP_CipherUpdate(c, NULL, &n, header, sizeof header) == 1 &&
                (h->len == 0 || EVP_CipherUpdate(c, out, &n, in, (int)h->len) == 1) &&
                EVP_CipherFinal_ex(c, out + h->len, &n) == 1 &&
                (!encrypt || EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, SEAL_TAG, tag) == 1);
    EVP_CIPHER_CTX_free(c);
    assert(good || !encrypt);
    return good;
}

enum weir_code
seal_close(struct weir_text passphrase, const struct seal_cost *cost, struct weir_text text, struct buf *out,
           struct weir_error *err)
{
    struct seal_header h = { .cost = *cost, .len = (uint32_t)text.len };
    uint8_t key[KEY_LEN];
    if (!cost_is_allowed(cost))
        return err_set(err, WEIR_INVALID, "scrypt with N = 2^%u, r = %u, p = %u is out of bounds", cost->log_n,
                       cost->r, cost->p);
    if (text.len > SEAL_TEXT_MAX)
        return err_set(err, WEIR_TOO_LARGE, "more than %u bytes can't be sealed", SEAL_TEXT_MAX);
    uint8_t *to = (uint8_t *)buf_reserve(out, SEAL_HEADER + text.len + SEAL_TAG);
    if (to == NULL)
        return err_set(err, WEIR_TOO_LARGE, "more than %zu bytes", out->max);
    random_bytes(h.salt, sizeof h.salt);
    random_bytes(h.nonce, sizeof h.nonce);
    enum weir_code code = make_key(passphrase, &h, key, err);
    if (code == WEIR_OK) {
        write_header(&h, to);
        (void)crypt(true, key, &h, (const uint8_t *)text.bytes, to + SEAL_HEADER, to + SEAL_HEADER + text.len);
        buf_seal(out, SEAL_HEADER + text.len + SEAL_TAG);
    }
    OPENSSL_cleanse(key, sizeof key);
    return code;
}

enum weir_code
seal_open(struct weir_text passphrase, struct weir_text sealed, struct buf *out, struct weir_error *err)
{
    struct seal_header h;
    uint8_t key[KEY_LEN], tag[SEAL_TAG];
    enum weir_code code = seal_read_header(sealed, &h, err);
    if (code != WEIR_OK)
        return code;
    uint8_t *to = (uint8_t *)buf_reserve(out, (size_t)h.len + 1);
    if (to == NULL)
        return err_set(err, WEIR_TOO_LARGE, "more than %zu bytes", out->max);
    code = make_key(passphrase, &h, key, err);
    if (code != WEIR_OK)
        return code;
    const uint8_t *from = (const uint8_t *)sealed.bytes + SEAL_HEADER;
    memcpy(tag, from + h.len, SEAL_TAG);
    bool good = crypt(false, key, &h, from, to, tag);
    OPENSSL_cleanse(key, sizeof key);
    if (!good) {
        OPENSSL_cleanse(to, h.len); /* what GCM has given before it saw the tag is nobody's */
        return err_set(err, WEIR_FORBIDDEN, "the master key is not the one it was sealed with, or the file was changed");
    }
    buf_seal(out, h.len);
    return WEIR_OK;
}

/* base/digest.c - see digest.h.
 *
 * Looking an algorithm up and making a context cost libcrypto more than digesting a short
 * text does. So algorithms are fetched once a process and contexts are made once a thread;
 * HMAC is two digests on them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/digest.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_MAX 128

static struct algorithm {
    const char *name;
    const char *fetch; /* libcrypto's name */
    size_t len;
    size_t block;
    EVP_MD *md;
} algorithms[] = {
    [WEIR_SHA1] = { "sha1", "SHA1", 20, 64, NULL },
    [WEIR_SHA256] = { "sha256", "SHA2-256", 32, 64, NULL },
    [WEIR_SHA512] = { "sha512", "SHA2-512", 64, 128, NULL },
    [WEIR_SHA384] = { "sha384", "SHA2-384", 48, 128, NULL },
};

#define N_ALGORITHMS (sizeof(algorithms) / sizeof(algorithms[0]))

struct contexts {
    EVP_MD_CTX *of[N_ALGORITHMS];
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t contexts_key;
static __thread struct contexts *contexts;

static void
free_contexts(void *arg)
{
    struct contexts *c = arg;
    for (size_t i = 1; i < N_ALGORITHMS; i++)
        EVP_MD_CTX_free(c->of[i]);
    free(c);
    contexts = NULL;
}

static void
fetch(void)
{
    for (size_t i = 1; i < N_ALGORITHMS; i++) {
        algorithms[i].md = EVP_MD_fetch(NULL, algorithms[i].fetch, NULL);
        if (algorithms[i].md == NULL)
            abort();
    }
    if (pthread_key_create(&contexts_key, free_contexts) != 0)
        abort();
}

uint32_t
digest_find(struct weir_text name)
{
    for (uint32_t i = 1; i < N_ALGORITHMS; i++)
        if (text_is(name, algorithms[i].name))
            return i;
    return 0;
}

/* This thread's context of an algorithm, made at first use. */
static EVP_MD_CTX *
context(uint32_t algorithm)
{
    pthread_once(&once, fetch);
    if (contexts == NULL) {
        contexts = calloc(1, sizeof(*contexts));
        if (contexts == NULL || pthread_setspecific(contexts_key, contexts) != 0)
            abort();
    }
    EVP_MD_CTX **ctx = &contexts->of[algorithm];
    if (*ctx == NULL && (*ctx = EVP_MD_CTX_new()) == NULL)
        abort();
    return *ctx;
}

/* Digests HEAD (may be empty) and the N PARTS; these calls fail for lack of memory only. */
static void
run(uint32_t algorithm, struct weir_text head, const struct weir_text *parts, size_t n, uint8_t *ret)
{
    EVP_MD_CTX *ctx = context(algorithm);
    unsigned len = 0;
    bool good = EVP_DigestInit_ex2(ctx, algorithms[algorithm].md, NULL) == 1 &&
                (head.len == 0 || EVP_DigestUpdate(ctx, head.bytes, head.len) == 1);
    for (size_t i = 0; i < n && good; i++)
        good = parts[i].len == 0 || EVP_DigestUpdate(ctx, parts[i].bytes, parts[i].len) == 1;
    if (!good || EVP_DigestFinal_ex(ctx, ret, &len) != 1)
        abort();
    assert(len == algorithms[algorithm].len);
}

size_t
digest(uint32_t algorithm, struct weir_text text, uint8_t ret[DIGEST_MAX])
{
    if (algorithm == 0 || algorithm >= N_ALGORITHMS)
        return 0;
    run(algorithm, (struct weir_text){ NULL, 0 }, &text, 1, ret);
    return algorithms[algorithm].len;
}

size_t
digest_hmac(uint32_t algorithm, struct weir_text key, struct weir_text text,
            uint8_t ret[DIGEST_MAX])
{
    return digest_hmac_parts(algorithm, key, &text, 1, ret);
}

size_t
digest_hmac_parts(uint32_t algorithm, struct weir_text key, const struct weir_text *parts, size_t n,
                  uint8_t ret[DIGEST_MAX])
{
    if (algorithm == 0 || algorithm >= N_ALGORITHMS)
        return 0;
    size_t len = algorithms[algorithm].len;
    size_t block = algorithms[algorithm].block;
    uint8_t pad[BLOCK_MAX] = { 0 };
    if (key.len > block)
        run(algorithm, (struct weir_text){ NULL, 0 }, &key, 1, pad);
    else if (key.len > 0)
        memcpy(pad, key.bytes, key.len);

    uint8_t inner[DIGEST_MAX];
    for (size_t i = 0; i < block; i++)
        pad[i] ^= 0x36;
    struct weir_text head = { (const char *)pad, block };
    run(algorithm, head, parts, n, inner);
    for (size_t i = 0; i < block; i++)
        pad[i] ^= 0x36 ^ 0x5c;
    run(algorithm, head, &(struct weir_text){ (const char *)inner, len }, 1, ret);
    OPENSSL_cleanse(pad, sizeof(pad));
    OPENSSL_cleanse(inner, sizeof(inner));
    return len;
}

bool
digest_equal(struct weir_text a, struct weir_text b)
{
    return a.len == b.len && (a.len == 0 || CRYPTO_memcmp(a.bytes, b.bytes, a.len) == 0);
}

/* net/tls_memory.c - see tls_memory.h. SPDX-License-Identifier: Apache-2.0 */
#include "net/tls_memory.h"

#include <assert.h>
#include <stdlib.h>

/* What SSL_new makes first, if it is no smaller, is the SSL itself. */
#define LARGE 4096u

static _Thread_local struct fold *wanted; /* within SSL_new, until something was made */
static _Thread_local const void *ending;  /* within both: the SSL, if it is no block of the heap */

static void *
on_malloc(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    struct fold *f = wanted;
    wanted = NULL;
    if (f == NULL || size < LARGE || !fold_make(f, size))
        return malloc(size);
    ending = f->start; /* should SSL_new fail */
    return f->start;
}

static void *
on_realloc(void *block, size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    assert(block == NULL || block != ending);
    return realloc(block, size);
}

static void
on_free(void *block, const char *file, int line)
{
    (void)file;
    (void)line;
    if (block != NULL && block == ending)
        ending = NULL;
    else
        free(block);
}

void
tls_memory_begin(void)
{
    (void)CRYPTO_set_mem_functions(on_malloc, on_realloc, on_free);
}

SSL *
tls_memory_ssl_new(SSL_CTX *context, struct fold *f)
{
    wanted = f;
    SSL *ssl = SSL_new(context);
    wanted = NULL;
    ending = NULL;
    if (ssl == NULL)
        fold_free(f);
    if (ssl != NULL && f->start != NULL && f->start != (void *)ssl)
        abort(); /* an OpenSSL that is built otherwise: then this room has to know it */
    return ssl;
}

void
tls_memory_ssl_free(SSL **ssl, struct fold *f)
{
    fold_open(f);
    ending = f->start;
    SSL_free(*ssl);
    assert(ending == NULL); /* it has been let go of */
    *ssl = NULL;
    fold_free(f);
}

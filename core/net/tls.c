/* net/tls.c - one TLS connection; see tls.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/tls.h"

#include <arpa/inet.h>
#include <assert.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "net/tls_context.h"
#include "net/tls_reason.h"
#include "net/tls_wire.h"

#define EARLY_MAX (1u << 20)   /* plain bytes kept until the handshake is done */
#define PLAIN_STEP (16u << 10) /* what one record holds */

struct tls {
    SSL *ssl; /* owned; owns its BIO */
    struct tls_wire wire;
    struct buf early; /* plain bytes that wait for the end of the handshake */
    bool ready;
    char name[TLS_NAME_MAX + 1]; /* whom the certificate must name */
};

static bool
is_address(const char *name)
{
    struct in6_addr bytes;
    return inet_pton(AF_INET, name, &bytes) == 1 || inet_pton(AF_INET6, name, &bytes) == 1;
}

/* Says which name the certificate must bear, and tells it to the server. */
static bool
expect(SSL *ssl, const char *name)
{
    if (is_address(name))
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1;
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(ssl, name) == 1 && SSL_set_tlsext_host_name(ssl, name) == 1;
}

enum weir_code
tls_client_new(struct tls_context *c, struct weir_text name, struct tls **ret,
               struct weir_error *err)
{
    if (c->server_name[0] != '\0')
        name = text_of(c->server_name);
    if (name.len > 0 && name.bytes[name.len - 1] == '.')
        name.len--;
    if (name.len == 0 || name.len > TLS_NAME_MAX || memchr(name.bytes, 0, name.len) != NULL)
        return err_set(err, WEIR_INVALID, "TLS: this is no host name");

    struct tls *t = calloc(1, sizeof *t);
    if (t == NULL)
        abort();
    memcpy(t->name, name.bytes, name.len);
    buf_init(&t->early, EARLY_MAX);
    t->ssl = SSL_new(c->openssl);
    BIO *bio = tls_wire_bio(&t->wire);
    if (t->ssl == NULL || bio == NULL)
        abort();
    SSL_set_bio(t->ssl, bio, bio);
    SSL_set_connect_state(t->ssl);
    if (!expect(t->ssl, t->name)) {
        ERR_clear_error();
        tls_free(&t);
        return err_set(err, WEIR_INVALID, "TLS: this is no host name");
    }
    *ret = t;
    return WEIR_OK;
}

void
tls_free(struct tls **t)
{
    if (*t == NULL)
        return;
    SSL_free((*t)->ssl);
    buf_fini(&(*t)->early);
    free(*t);
    *t = NULL;
}

/* Encrypts PLAIN; a wire buffer that is full is the only way to fail after the handshake. */
static enum weir_code
encrypt(struct tls *t, struct weir_text plain, struct weir_error *err)
{
    size_t written;
    if (plain.len == 0)
        return WEIR_OK;
    if (SSL_write_ex(t->ssl, plain.bytes, plain.len, &written) != 1)
        return tls_reason(t->ssl, t->name, err);
    assert(written == plain.len);
    return WEIR_OK;
}

/* Goes on with the handshake; what was written early follows it. */
static enum weir_code
shake_hands(struct tls *t, struct weir_error *err)
{
    int result = SSL_do_handshake(t->ssl);
    if (result != 1 && SSL_get_error(t->ssl, result) == SSL_ERROR_WANT_READ)
        return WEIR_OK;
    if (result != 1)
        return tls_reason(t->ssl, t->name, err);
    t->ready = true;
    enum weir_code code = encrypt(t, buf_content(&t->early), err);
    buf_fini(&t->early);
    return code;
}

static enum weir_code
decrypt(struct tls *t, struct buf *plain, bool *ret_ended, struct weir_error *err)
{
    for (;;) {
        char *room = buf_reserve(plain, PLAIN_STEP);
        if (room == NULL)
            return err_set(err, WEIR_TOO_LARGE, "TLS: more than %zu bytes at once", plain->max);
        size_t len;
        if (SSL_read_ex(t->ssl, room, PLAIN_STEP, &len) == 1) {
            buf_seal(plain, len);
            continue;
        }
        int why = SSL_get_error(t->ssl, 0);
        *ret_ended = why == SSL_ERROR_ZERO_RETURN;
        if (why == SSL_ERROR_WANT_READ || *ret_ended)
            return WEIR_OK;
        return tls_reason(t->ssl, t->name, err);
    }
}

enum weir_code
tls_read(struct tls *t, struct weir_text wire_in, struct buf *plain, struct buf *wire,
         bool *ret_ended, struct weir_error *err)
{
    ERR_clear_error();
    *ret_ended = false;
    t->wire = (struct tls_wire){ .in = wire_in, .out = wire };
    enum weir_code code = t->ready ? WEIR_OK : shake_hands(t, err);
    if (code == WEIR_OK && t->ready)
        code = decrypt(t, plain, ret_ended, err);
    t->wire = (struct tls_wire){ .out = NULL };
    return code;
}

enum weir_code
tls_write(struct tls *t, struct weir_text plain, struct buf *wire, struct weir_error *err)
{
    ERR_clear_error();
    t->wire = (struct tls_wire){ .out = wire };
    enum weir_code code = WEIR_OK;
    if (!t->ready)
        code = buf_add(&t->early, plain.bytes, plain.len, err);
    if (code == WEIR_OK)
        code = t->ready ? encrypt(t, plain, err) : shake_hands(t, err);
    t->wire = (struct tls_wire){ .out = NULL };
    return code;
}

bool
tls_ready(const struct tls *t)
{
    return t->ready;
}

/* net/tls_socket.c - see tls_socket.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/tls_socket.h"

#include <errno.h>
#include <openssl/err.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fault.h"
#include "net/tls_identity.h"
#include "net/tls_memory.h"
#include "net/tls_names.h"

/* Reads of the socket in one call. */
#define READS_MAX 4

/* Records of the protocol itself (updates of keys, wishes to renegotiate) between plain bytes.
 */
#define CHATTER_MAX 32

struct tls_socket {
    struct tls_server *server;         /* held */
    struct tls_identities *identities; /* held */
    SSL *folded;                       /* owned; owns its BIO; touched by way of ssl_of alone */
    struct fold room;                  /* its pages */
    int fd;
    int why;       /* errno of the last call of the kernel that failed */
    unsigned left; /* reads of the socket that this call may still do */
    unsigned chatter;
    bool offers_h2;
    bool h2;
    bool ready;  /* the handshake is over */
    bool failed; /* nothing may be said any more */
    bool heard;  /* a byte came */
    bool plain;  /* it was none of TLS, but like HTTP's */
};

/* The SSL of T, whether it was folded or not. */
static SSL *
ssl_of(struct tls_socket *t)
{
    fold_open(&t->room);
    return t->folded;
}

/* -- the socket as OpenSSL sees it -- */

static int
socket_read(BIO *bio, char *ret, size_t room, size_t *ret_len)
{
    struct tls_socket *t = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (t->left == 0) {
        BIO_set_retry_read(bio);
        return 0;
    }
    t->left--;
    ssize_t n = recv(t->fd, ret, fault(READ_ONE_BYTE) ? 1 : room, 0);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        BIO_set_retry_read(bio);
    if (n < 0)
        t->why = errno;
    if (n == 0)
        BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
    if (n <= 0)
        return 0;
    if (!t->heard) {
        t->heard = true;
        t->plain = ret[0] >= 'A' && ret[0] <= 'Z';
        if (t->plain)
            return 0;
    }
    *ret_len = (size_t)n;
    return 1;
}

static int
socket_write(BIO *bio, const char *bytes, size_t len, size_t *ret_len)
{
    struct tls_socket *t = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    ssize_t n;
    do
        n = send(t->fd, bytes, fault(WRITE_ONE_BYTE) && len > 0 ? 1 : len, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        BIO_set_retry_write(bio);
    if (n < 0) {
        t->why = errno;
        return 0;
    }
    *ret_len = (size_t)n;
    return 1;
}

static long
socket_control(BIO *bio, int command, long number, void *pointer)
{
    (void)number;
    (void)pointer;
    if (command == BIO_CTRL_EOF)
        return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
    return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *method;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void
make_method(void)
{
    method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "weir socket");
    if (method == NULL)
        abort();
    BIO_meth_set_read_ex(method, socket_read);
    BIO_meth_set_write_ex(method, socket_write);
    BIO_meth_set_ctrl(method, socket_control);
}

/* -- what OpenSSL asks while hands are shaken -- */

int
tls_socket_on_name(SSL *ssl, int *alert, void *arg)
{
    (void)alert;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    SSL_CTX *found = name != NULL ? tls_identities_find(arg, name) : NULL;
    if (found != NULL && SSL_set_SSL_CTX(ssl, found) == NULL)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    return found != NULL ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

int
tls_socket_on_alpn(SSL *ssl, const unsigned char **ret, unsigned char *ret_len,
                   const unsigned char *offered, unsigned len, void *arg)
{
    static const unsigned char both[] = "\x02h2\x08http/1.1";
    (void)arg;
    struct tls_socket *t = SSL_get_app_data(ssl);
    const unsigned char *ours = t->offers_h2 ? both : both + 3;
    unsigned n = (unsigned)sizeof(both) - 1 - (t->offers_h2 ? 0 : 3);
    unsigned char *chosen;
    /* Who offers nothing that is spoken here is told so (RFC 7301 3.2). */
    if (SSL_select_next_proto(&chosen, ret_len, ours, n, offered, len) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    t->h2 = *ret_len == 2;
    *ret = chosen;
    return SSL_TLSEXT_ERR_OK;
}

int
tls_socket_on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                     EVP_MAC_CTX *mac, int seal)
{
    struct tls_socket *t = SSL_get_app_data(ssl);
    return tls_tickets_use(&t->server->tickets, name, iv, cipher, mac, seal != 0);
}

/* Tickets lead to new tickets, so a caller's certificate could be gone on with for ever: once
 * it has expired the caller has to show one. */
static bool
is_expired(const SSL_SESSION *session)
{
    const X509 *x = SSL_SESSION_get0_peer((SSL_SESSION *)(uintptr_t)session);
    return x != NULL && X509_cmp_current_time(X509_get0_notAfter(x)) < 0;
}

SSL_TICKET_RETURN
tls_socket_on_session(SSL *ssl, SSL_SESSION *session, const unsigned char *name, size_t len,
                      SSL_TICKET_STATUS status, void *arg)
{
    (void)ssl;
    (void)name;
    (void)len;
    (void)arg;
    bool opened = status == SSL_TICKET_SUCCESS || status == SSL_TICKET_SUCCESS_RENEW;
    if (!opened || is_expired(session))
        return SSL_TICKET_RETURN_IGNORE_RENEW;
    return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW;
}

/* Counts records of the handshake that come after it. */
static void
on_message(int writing, int version, int type, const void *bytes, size_t len, SSL *ssl,
           void *arg)
{
    (void)version;
    (void)ssl;
    struct tls_socket *t = arg;
    bool tells_type = type == SSL3_RT_HEADER || type == SSL3_RT_INNER_CONTENT_TYPE;
    if (!writing && tells_type && len > 0 && *(const unsigned char *)bytes == SSL3_RT_HANDSHAKE)
        t->chatter++;
}

/* -- a connection -- */

struct tls_socket *
tls_socket_new(struct tls_server *s, int fd, bool h2)
{
    pthread_once(&once, make_method);
    struct tls_socket *t = calloc(1, sizeof(*t));
    if (t == NULL)
        abort();
    t->server = s;
    t->fd = fd;
    t->offers_h2 = h2;
    t->identities = tls_server_hold(s);
    SSL *ssl = tls_memory_ssl_new(t->identities->contexts[0], &t->room);
    BIO *bio = BIO_new(method);
    if (ssl == NULL || bio == NULL)
        abort();
    t->folded = ssl;
    BIO_set_data(bio, t);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio);
    SSL_set_app_data(ssl, t);
    SSL_set_accept_state(ssl);
    return t;
}

void
tls_socket_free(struct tls_socket **socket)
{
    struct tls_socket *t = *socket;
    *socket = NULL;
    if (t == NULL)
        return;
    tls_memory_ssl_free(&t->folded, &t->room);
    tls_server_release(t->server, &t->identities);
    free(t);
}

static void
begin(struct tls_socket *t)
{
    ERR_clear_error();
    t->left = READS_MAX;
    t->why = 0;
}

/* What a call of OpenSSL that was not good means. */
static enum tls_step
step_of(struct tls_socket *t, int result)
{
    switch (SSL_get_error(ssl_of(t), result)) {
    case SSL_ERROR_WANT_READ:
        return TLS_WANT_READ;
    case SSL_ERROR_WANT_WRITE:
        return TLS_WANT_WRITE;
    case SSL_ERROR_ZERO_RETURN:
        return TLS_ENDED;
    default:
        t->failed = true;
        errno = t->why != 0 ? t->why : EPROTO;
        return TLS_FAILED;
    }
}

enum tls_step
tls_socket_shake(struct tls_socket *t, struct weir_error *err)
{
    begin(t);
    int result = SSL_accept(ssl_of(t));
    if (result == 1) {
        t->ready = true;
        SSL_set_msg_callback(ssl_of(t), on_message);
        SSL_set_msg_callback_arg(ssl_of(t), t);
        return TLS_DONE;
    }
    enum tls_step step = step_of(t, result);
    if (step == TLS_ENDED) {
        t->failed = true;
        step = TLS_FAILED;
    }
    if (step == TLS_FAILED) {
        const char *text = ERR_reason_error_string(ERR_peek_error());
        if (t->plain)
            text = "this is no TLS";
        else if (text == NULL)
            text = t->why != 0 ? strerrordesc_np(t->why) : "the caller left";
        (void)err_set(err, WEIR_UPSTREAM, "%s", text);
        ERR_clear_error();
    }
    return step;
}

enum tls_step
tls_socket_read(struct tls_socket *t, void *ret, size_t room, size_t *ret_len)
{
    begin(t);
    if (SSL_read_ex(ssl_of(t), ret, room, ret_len) == 1) {
        t->chatter = 0;
        return TLS_DONE;
    }
    enum tls_step step = step_of(t, 0);
    if (t->chatter > CHATTER_MAX) {
        t->failed = true;
        errno = EOVERFLOW;
        step = TLS_FAILED;
    }
    ERR_clear_error();
    return step;
}

bool
tls_socket_pending(struct tls_socket *t)
{
    return SSL_has_pending(ssl_of(t)) == 1;
}

enum tls_step
tls_socket_write(struct tls_socket *t, const void *bytes, size_t len, size_t *ret_len)
{
    begin(t);
    if (SSL_write_ex(ssl_of(t), bytes, len, ret_len) == 1)
        return TLS_DONE;
    enum tls_step step = step_of(t, 0);
    ERR_clear_error();
    return step;
}

void
tls_socket_end(struct tls_socket *t)
{
    if (!t->ready || t->failed)
        return;
    begin(t);
    (void)SSL_shutdown(ssl_of(t)); /* what can't be sent at once is not sent */
    ERR_clear_error();
}

bool
tls_socket_h2(const struct tls_socket *t)
{
    return t->h2;
}

bool
tls_socket_plain(const struct tls_socket *t)
{
    return t->plain;
}

bool
tls_socket_heard(const struct tls_socket *t)
{
    return t->heard;
}

const char *
tls_socket_version(struct tls_socket *t)
{
    return SSL_version(ssl_of(t)) == TLS1_3_VERSION ? "1.3" : "1.2";
}

bool
tls_socket_resumed(struct tls_socket *t)
{
    return SSL_session_reused(ssl_of(t)) == 1;
}

const struct weir_value *
tls_socket_peer(struct tls_socket *t)
{
    X509 *x = SSL_get0_peer_certificate(ssl_of(t));
    bool good = x != NULL && SSL_get_verify_result(ssl_of(t)) == X509_V_OK;
    return good ? tls_names_value(x) : NULL;
}

void
tls_socket_fold(struct tls_socket *t)
{
    if (t->ready)
        fold_away(&t->room);
}

/* net/tls_wire.c - see tls_wire.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/tls_wire.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static BIO_METHOD *method;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static int
wire_read(BIO *bio, char *ret, size_t room, size_t *ret_len)
{
    struct tls_wire *w = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    size_t len = w->in.len < room ? w->in.len : room;
    if (len == 0) {
        BIO_set_retry_read(bio);
        return 0;
    }
    memcpy(ret, w->in.bytes, len);
    w->in.bytes += len;
    w->in.len -= len;
    *ret_len = len;
    return 1;
}

static int
wire_write(BIO *bio, const char *bytes, size_t len, size_t *ret_len)
{
    struct tls_wire *w = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (w->out == NULL || buf_add(w->out, bytes, len, NULL) != WEIR_OK)
        return 0;
    *ret_len = len;
    return 1;
}

static long
wire_control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

static void
make_method(void)
{
    method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "weir wire");
    if (method == NULL)
        abort();
    BIO_meth_set_read_ex(method, wire_read);
    BIO_meth_set_write_ex(method, wire_write);
    BIO_meth_set_ctrl(method, wire_control);
}

BIO *
tls_wire_bio(struct tls_wire *w)
{
    pthread_once(&once, make_method);
    BIO *bio = BIO_new(method);
    if (bio == NULL)
        return NULL;
    BIO_set_data(bio, w);
    BIO_set_init(bio, 1);
    return bio;
}

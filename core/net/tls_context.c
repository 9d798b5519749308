/* net/tls_context.c - contexts for clients: trusted authorities, own certificate and key.
 *
 * The authorities of the system are one store for the whole process. OpenSSL looks them up by
 * hash in a folder, one file when one is needed: reading the bundle would take 20 ms and MiBs.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/tls_context.h"

#include <dirent.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "net/tls_reason.h"

#define CERTIFICATES_MAX 1000
#define PEM_MAX (4u << 20)

static X509_STORE *system_store;
static pthread_once_t system_once = PTHREAD_ONCE_INIT;

/* Whether a folder has certificates under the names that OpenSSL looks for: 8 hex digits, .0 */
static bool
is_hashed(const char *folder)
{
    DIR *d = opendir(folder);
    if (d == NULL)
        return false;
    bool hashed = false;
    for (struct dirent *e; !hashed && (e = readdir(d)) != NULL;)
        hashed = strlen(e->d_name) == 10 && strcmp(e->d_name + 8, ".0") == 0;
    closedir(d);
    return hashed;
}

static void
load_system_store(void)
{
    system_store = X509_STORE_new();
    if (system_store == NULL)
        abort();
    const char *file = getenv(X509_get_default_cert_file_env());
    const char *folder = getenv(X509_get_default_cert_dir_env());
    if (folder == NULL)
        folder = X509_get_default_cert_dir();
    if (file != NULL)
        X509_STORE_load_file(system_store, file);
    if (is_hashed(folder))
        X509_STORE_load_path(system_store, folder);
    else if (file == NULL)
        X509_STORE_set_default_paths(system_store);
    ERR_clear_error();
}

void
tls_prepare(void)
{
    struct tls_context *first = NULL;
    struct weir_error err = { 0 };
    if (tls_client_context(NULL, &first, &err) == WEIR_OK)
        tls_context_free(&first);
    pthread_once(&system_once, load_system_store);
}

/* A text option of OPTIONS; bytes NULL if it is not there or empty. */
static struct weir_text
option(const struct weir_value *options, const char *name)
{
    const struct weir_value *v = value_field(options, name);
    struct weir_text text = { NULL, 0 };
    if (v != NULL && value_as_text(v).len > 0)
        text = value_as_text(v);
    return text;
}

/* Opens a PEM text, or the file of that path; NULL if there is no such file. */
static BIO *
pem_open(struct weir_text text)
{
    if (text.len > PEM_MAX)
        return NULL;
    if (memmem(text.bytes, text.len, "-----BEGIN", 10) != NULL)
        return BIO_new_mem_buf(text.bytes, (int)text.len);
    char *path = strndup(text.bytes, text.len);
    BIO *bio = path != NULL ? BIO_new_file(path, "r") : NULL;
    free(path);
    return bio;
}

/* Nobody is there to type a password: an encrypted key is refused. */
static int
no_password(char *ret, int room, int writing, void *arg)
{
    (void)ret;
    (void)room;
    (void)writing;
    (void)arg;
    return -1;
}

/* Reads the certificates of BIO and gives each to USE, which keeps its own reference. */
static bool
each_certificate(BIO *bio, bool (*use)(SSL_CTX *, X509 *, unsigned index), SSL_CTX *openssl)
{
    unsigned n = 0;
    bool good = true;
    while (good && n < CERTIFICATES_MAX) {
        X509 *x = PEM_read_bio_X509(bio, NULL, no_password, NULL);
        if (x == NULL)
            break;
        good = use(openssl, x, n++);
        X509_free(x);
    }
    bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    if (!good || n == 0 || !at_end)
        return false;
    ERR_clear_error();
    return true;
}

/* What is given is trusted, whether it is a root or not. */
static bool
trust(SSL_CTX *openssl, X509 *x, unsigned index)
{
    (void)index;
    return X509_STORE_add_cert(SSL_CTX_get_cert_store(openssl), x) == 1;
}

/* The first is our own, the others are its chain. */
static bool
show(SSL_CTX *openssl, X509 *x, unsigned index)
{
    return index == 0 ? SSL_CTX_use_certificate(openssl, x) == 1
                      : SSL_CTX_add1_chain_cert(openssl, x) == 1;
}

static enum weir_code
load_ca(SSL_CTX *openssl, struct weir_text ca, struct weir_error *err)
{
    if (ca.bytes == NULL) {
        pthread_once(&system_once, load_system_store);
        SSL_CTX_set1_cert_store(openssl, system_store);
        return WEIR_OK;
    }
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(openssl), X509_V_FLAG_PARTIAL_CHAIN);
    BIO *bio = pem_open(ca);
    bool good = bio != NULL && each_certificate(bio, trust, openssl);
    BIO_free(bio);
    return good ? WEIR_OK : tls_option_reason("ca", err);
}

static enum weir_code
load_identity(SSL_CTX *openssl, struct weir_text cert, struct weir_text key,
              struct weir_error *err)
{
    if (cert.bytes == NULL && key.bytes == NULL)
        return WEIR_OK;
    if (cert.bytes == NULL || key.bytes == NULL)
        return err_set(err, WEIR_INVALID, "tls: \"cert\" and \"key\" go together");

    BIO *bio = pem_open(cert);
    bool good = bio != NULL && each_certificate(bio, show, openssl);
    BIO_free(bio);
    if (!good)
        return tls_option_reason("cert", err);

    bio = pem_open(key);
    EVP_PKEY *private =
        bio != NULL ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;
    BIO_free(bio);
    good = private != NULL && SSL_CTX_use_PrivateKey(openssl, private) == 1;
    EVP_PKEY_free(private);
    return good ? WEIR_OK : tls_option_reason("key", err);
}

static SSL_CTX *
openssl_new(void)
{
    static const unsigned char alpn[] = "\x08http/1.1";
    SSL_CTX *openssl = SSL_CTX_new(TLS_client_method());
    if (openssl == NULL)
        abort();
    SSL_CTX_set_min_proto_version(openssl, TLS1_2_VERSION);
    SSL_CTX_set_options(openssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(openssl, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(openssl, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_verify(openssl, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_alpn_protos(openssl, alpn, sizeof alpn - 1);
    return openssl;
}

enum weir_code
tls_client_context(const struct weir_value *options, struct tls_context **ret,
                   struct weir_error *err)
{
    struct weir_text name = option(options, "server_name");
    if (name.len > TLS_NAME_MAX || (name.len > 0 && memchr(name.bytes, 0, name.len) != NULL))
        return err_set(err, WEIR_INVALID, "tls: \"server_name\" must be a host name");

    ERR_clear_error();
    struct tls_context *c = calloc(1, sizeof *c);
    if (c == NULL)
        abort();
    c->openssl = openssl_new();
    if (name.len > 0)
        memcpy(c->server_name, name.bytes, name.len);
    enum weir_code code = load_ca(c->openssl, option(options, "ca"), err);
    if (code == WEIR_OK)
        code = load_identity(c->openssl, option(options, "cert"), option(options, "key"), err);
    if (code != WEIR_OK) {
        tls_context_free(&c);
        return code;
    }
    *ret = c;
    return WEIR_OK;
}

void
tls_context_free(struct tls_context **c)
{
    if (*c == NULL)
        return;
    SSL_CTX_free((*c)->openssl);
    free(*c);
    *c = NULL;
}

void
tls_context_trust_all(struct tls_context *c)
{
    SSL_CTX_set_verify(c->openssl, SSL_VERIFY_NONE, NULL);
}

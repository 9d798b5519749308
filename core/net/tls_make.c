/* net/tls_make.c - see tls_make.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/tls_make.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "net/tls_names.h"

/* So far back a certificate begins: clocks differ. */
#define BEFORE_S 3600

#define DAY_S 86400L

#define SHOWN_MAX 1000

static bool
is_address(const char *name)
{
    struct in6_addr bytes;
    return inet_pton(AF_INET, name, &bytes) == 1 || inet_pton(AF_INET6, name, &bytes) == 1;
}

/* Letters, digits, '-' and '.', and a star as the first label. */
static bool
is_name(const char *name)
{
    if (strncmp(name, "*.", 2) == 0)
        name += 2;
    size_t len = strlen(name);
    for (size_t i = 0; i < len; i++) {
        char c = name[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        bool inner = c == '-' || (c == '.' && name[i + 1] != '.');
        if (!letter && !(c >= '0' && c <= '9') && !(inner && i > 0 && i + 1 < len))
            return false;
    }
    return len > 0 && len <= 253;
}

/* "DNS:localhost,IP:127.0.0.1" */
static enum weir_code
write_names(const char *const *names, unsigned n, struct buf *out, struct weir_error *err)
{
    for (unsigned i = 0; i < n; i++) {
        bool address = is_address(names[i]);
        if (!address && !is_name(names[i]))
            return err_set(err, WEIR_INVALID, "'%.80s' is no name and no address", names[i]);
        if (!buf_printf(out, "%s%s:%s", i > 0 ? "," : "", address ? "IP" : "DNS", names[i]))
            return err_set(err, WEIR_TOO_LARGE, "the names are longer than %zu bytes",
                           out->max);
    }
    return WEIR_OK;
}

static bool
extend(X509 *x, int nid, const char *value)
{
    X509V3_CTX how;
    X509V3_set_ctx_nodb(&how);
    X509V3_set_ctx(&how, x, x, NULL, NULL, 0);
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &how, nid, value);
    bool good = e != NULL && X509_add_ext(x, e, -1) == 1;
    X509_EXTENSION_free(e);
    return good;
}

static bool
set_serial(X509 *x)
{
    unsigned char bytes[16];
    if (RAND_bytes(bytes, sizeof(bytes)) != 1)
        return false;
    bytes[0] = (unsigned char)((bytes[0] & 0x7f) | 0x40); /* positive, and of full length */
    BIGNUM *n = BN_bin2bn(bytes, sizeof(bytes), NULL);
    bool good = n != NULL && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x)) != NULL;
    BN_free(n);
    return good;
}

static bool
fill(X509 *x, EVP_PKEY *key, const char *name, const char *names, unsigned days)
{
    char common[65];
    (void)snprintf(common, sizeof(common), "%s", name); /* RFC 5280: 64 characters at most */
    X509_NAME *subject = X509_get_subject_name(x);
    return X509_set_version(x, X509_VERSION_3) == 1 && set_serial(x) &&
           X509_gmtime_adj(X509_getm_notBefore(x), -BEFORE_S) != NULL &&
           X509_gmtime_adj(X509_getm_notAfter(x), (long)days * DAY_S) != NULL &&
           X509_set_pubkey(x, key) == 1 &&
           X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                                      (const unsigned char *)common, -1, -1, 0) == 1 &&
           X509_set_issuer_name(x, subject) == 1 &&
           extend(x, NID_basic_constraints, "critical,CA:FALSE") &&
           extend(x, NID_key_usage, "critical,digitalSignature") &&
           extend(x, NID_ext_key_usage, "serverAuth") &&
           extend(x, NID_subject_key_identifier, "hash") &&
           extend(x, NID_subject_alt_name, names) && X509_sign(x, key, EVP_sha256()) > 0;
}

static bool
write_pem(const X509 *x, const EVP_PKEY *key, struct buf *out)
{
    BIO *bio = BIO_new(BIO_s_secmem());
    if (bio == NULL)
        return false;
    char *bytes;
    bool good = x != NULL
                    ? PEM_write_bio_X509(bio, x) == 1
                    : PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1;
    long len = good ? BIO_get_mem_data(bio, &bytes) : 0;
    good = good && len > 0 && buf_text(out, (struct weir_text){ bytes, (size_t)len });
    BIO_free(bio);
    return good;
}

enum weir_code
tls_make(const char *const *names, unsigned n, unsigned days, struct buf *cert, struct buf *key,
         struct weir_error *err)
{
    struct buf alternative;
    buf_init(&alternative, TLS_MAKE_NAMES * 260);
    enum weir_code code = write_names(names, n, &alternative, err);
    if (code == WEIR_OK) {
        EVP_PKEY *pair = EVP_EC_gen("P-256");
        X509 *x = X509_new();
        if (pair == NULL || x == NULL || !fill(x, pair, names[0], alternative.bytes, days) ||
            !write_pem(x, NULL, cert) || !write_pem(NULL, pair, key))
            code = err_set(err, WEIR_INTERNAL, "no certificate could be made: %s",
                           ERR_reason_error_string(ERR_peek_last_error()));
        X509_free(x);
        EVP_PKEY_free(pair);
        ERR_clear_error();
    }
    buf_fini(&alternative);
    return code;
}

/* -- what stands in a file -- */

static int64_t
seconds_of(const ASN1_TIME *t)
{
    struct tm tm;
    return ASN1_TIME_to_tm(t, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

static void
write_name(const X509_NAME *name, char *ret, size_t room)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *bytes = NULL;
    long len = 0;
    if (bio != NULL &&
        X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) >= 0)
        len = BIO_get_mem_data(bio, &bytes);
    (void)snprintf(ret, room, "%.*s", (int)len, bytes != NULL ? bytes : "");
    BIO_free(bio);
}

/* Appends the names of LIST to those that are there. */
static void
join_names(const struct weir_value *list, struct tls_shown *s)
{
    const struct weir_value *name;
    size_t at = strlen(s->names);
    for (size_t i = 0; (name = value_at(list, i)) != NULL && at < sizeof(s->names); i++) {
        struct weir_text t = value_as_text(name);
        int put = snprintf(s->names + at, sizeof(s->names) - at, "%s%.*s", at > 0 ? " " : "",
                           (int)t.len, t.bytes);
        at += put > 0 ? (size_t)put : 0;
    }
}

static void
show(const X509 *x, struct tls_shown *ret)
{
    const struct weir_value *v = tls_names_value(x);
    struct weir_text fingerprint = value_as_text(value_field(v, "fingerprint"));
    write_name(X509_get_subject_name(x), ret->subject, sizeof(ret->subject));
    write_name(X509_get_issuer_name(x), ret->issuer, sizeof(ret->issuer));
    const struct weir_value *addresses = tls_names_addresses(x);
    ret->names[0] = '\0';
    join_names(value_field(v, "dns"), ret);
    join_names(addresses, ret);
    join_names(value_field(v, "uris"), ret);
    join_names(value_field(v, "emails"), ret);
    value_unref(&addresses);
    (void)snprintf(ret->fingerprint, sizeof(ret->fingerprint), "%.*s", (int)fingerprint.len,
                   fingerprint.bytes);
    ret->from_s = seconds_of(X509_get0_notBefore(x));
    ret->until_s = seconds_of(X509_get0_notAfter(x));
    value_unref(&v);
}

enum weir_code
tls_show(const char *path, void (*fn)(void *arg, const struct tls_shown *shown), void *arg,
         struct weir_error *err)
{
    BIO *bio = BIO_new_file(path, "r");
    if (bio == NULL) {
        int why = errno;
        ERR_clear_error();
        return err_set(err, WEIR_INVALID, "%s: %s", path, strerrordesc_np(why));
    }
    unsigned n = 0;
    X509 *x;
    while (n < SHOWN_MAX && (x = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
        struct tls_shown shown;
        show(x, &shown);
        X509_free(x);
        fn(arg, &shown);
        n++;
    }
    BIO_free(bio);
    ERR_clear_error();
    return n > 0 ? WEIR_OK
                 : err_set(err, WEIR_INVALID, "%s: there is no certificate in PEM in it", path);
}

/* net/tls_names.c - see tls_names.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/tls_names.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "base/encode.h"

/* Alternative names of a caller that are looked at; its certificate is 100 KiB at most. */
#define NAMES_MAX 100

/* The text of a name of type DNS, URI or EMAIL. */
static struct weir_text
text_of_name(const GENERAL_NAME *n)
{
    const ASN1_IA5STRING *s = n->d.ia5;
    return (struct weir_text){ (const char *)ASN1_STRING_get0_data(s),
                               (size_t)ASN1_STRING_length(s) };
}

/* A name that holds a NUL is none: it was made to be read in two ways. */
static bool
is_good(struct weir_text t)
{
    return t.len > 0 && memchr(t.bytes, '\0', t.len) == NULL;
}

static bool
common_name(const X509 *x, char *ret, size_t room)
{
    int len =
        X509_NAME_get_text_by_NID(X509_get_subject_name(x), NID_commonName, ret, (int)room);
    return len > 0 && (size_t)len < room && strlen(ret) == (size_t)len;
}

void
tls_names_each(const X509 *x, void (*fn)(void *arg, struct weir_text name), void *arg)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
    char common[256];
    if (names == NULL && common_name(x, common, sizeof(common)))
        fn(arg, text_of(common));
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *n = sk_GENERAL_NAME_value(names, i);
        if (n->type == GEN_DNS && is_good(text_of_name(n)))
            fn(arg, text_of_name(n));
    }
    GENERAL_NAMES_free(names);
    ERR_clear_error();
}

static void
keep_first(void *arg, struct weir_text name)
{
    char *ret = arg;
    if (ret[0] == '\0')
        (void)snprintf(ret, 256, "%.*s", (int)name.len, name.bytes);
}

const struct weir_value *
tls_names_addresses(const X509 *x)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
    struct weir_builder *b = builder_list();
    for (int i = 0; i < sk_GENERAL_NAME_num(names) && i < NAMES_MAX; i++) {
        const GENERAL_NAME *n = sk_GENERAL_NAME_value(names, i);
        char text[INET6_ADDRSTRLEN];
        int len = n->type == GEN_IPADD ? ASN1_STRING_length(n->d.ip) : 0;
        if ((len != 4 && len != 16) ||
            inet_ntop(len == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(n->d.ip), text,
                      sizeof(text)) == NULL)
            continue;
        const struct weir_value *v = value_text(text);
        builder_add(b, &v);
    }
    GENERAL_NAMES_free(names);
    ERR_clear_error();
    return builder_end(&b);
}

/* The first address among the names of a certificate. */
static void
first_address(const X509 *x, char *ret, size_t room)
{
    const struct weir_value *all = tls_names_addresses(x);
    const struct weir_value *first = value_at(all, 0);
    if (first != NULL)
        (void)snprintf(ret, room, "%.*s", (int)value_as_text(first).len,
                       value_as_text(first).bytes);
    value_unref(&all);
}

void
tls_name_first(const X509 *x, char *ret, size_t room)
{
    char first[256] = "";
    tls_names_each(x, keep_first, first);
    if (first[0] == '\0')
        first_address(x, first, sizeof(first));
    if (first[0] == '\0' && !common_name(x, first, sizeof(first)))
        (void)snprintf(first, sizeof(first), "-");
    (void)snprintf(ret, room, "%s", first);
    ERR_clear_error();
}

/* The names of one TYPE as a list. */
static const struct weir_value *
list_of(const GENERAL_NAMES *names, int type)
{
    struct weir_builder *b = builder_list();
    for (int i = 0; i < sk_GENERAL_NAME_num(names) && i < NAMES_MAX; i++) {
        const GENERAL_NAME *n = sk_GENERAL_NAME_value(names, i);
        if (n->type != type || !is_good(text_of_name(n)))
            continue;
        const struct weir_value *v = value_string(text_of_name(n).bytes, text_of_name(n).len);
        builder_add(b, &v);
    }
    return builder_end(&b);
}

static const struct weir_value *
subject_of(const X509 *x)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *bytes = NULL;
    long len = 0;
    if (bio != NULL && X509_NAME_print_ex(bio, X509_get_subject_name(x), 0,
                                          XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) >= 0)
        len = BIO_get_mem_data(bio, &bytes);
    const struct weir_value *v = value_string(len > 0 ? bytes : "", len > 0 ? (size_t)len : 0);
    BIO_free(bio);
    return v;
}

static const struct weir_value *
fingerprint_of(const X509 *x)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    if (X509_digest(x, EVP_sha256(), digest, &len) != 1)
        len = 0;
    char hex[2 * EVP_MAX_MD_SIZE + 1] = "";
    for (unsigned i = 0; i < len; i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    return value_text(hex);
}

const struct weir_value *
tls_names_value(const X509 *x)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
    struct weir_builder *b = builder_map();
    const struct weir_value *v = subject_of(x);
    builder_set(b, "subject", 7, &v);
    v = list_of(names, GEN_DNS);
    builder_set(b, "dns", 3, &v);
    v = list_of(names, GEN_URI);
    builder_set(b, "uris", 4, &v);
    v = list_of(names, GEN_EMAIL);
    builder_set(b, "emails", 6, &v);
    v = fingerprint_of(x);
    builder_set(b, "fingerprint", 11, &v);
    GENERAL_NAMES_free(names);
    ERR_clear_error();
    return builder_end(&b);
}

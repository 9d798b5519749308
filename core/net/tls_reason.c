/* net/tls_reason.c - see tls_reason.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/tls_reason.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <string.h>

static const struct {
    long result;
    const char *text;
} verdicts[] = {
    { X509_V_ERR_CERT_HAS_EXPIRED, "the certificate has expired" },
    { X509_V_ERR_CERT_NOT_YET_VALID, "the certificate is not valid yet" },
    { X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT,
      "the certificate is self-signed and not among the trusted ones" },
    { X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, "the certificate is signed by an unknown authority "
                                            "(its root is not among the trusted ones)" },
    { X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT,
      "the certificate is signed by an unknown authority" },
    { X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
      "the certificate is signed by an unknown authority" },
    { X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE,
      "the certificate is signed by an unknown authority" },
    { X509_V_ERR_CERT_SIGNATURE_FAILURE, "the signature of the certificate is wrong" },
    { X509_V_ERR_CERT_REVOKED, "the certificate is revoked" },
    { X509_V_ERR_INVALID_PURPOSE, "the certificate is not made for servers" },
    { X509_V_ERR_INVALID_CA,
      "a certificate in the chain is signed by one that is no authority" },
    { X509_V_ERR_EE_KEY_TOO_SMALL, "the key of the certificate is too small" },
    { X509_V_ERR_CA_KEY_TOO_SMALL, "the key of an authority in the chain is too small" },
    { X509_V_ERR_CA_MD_TOO_WEAK, "the chain is signed with a digest that is too weak" },
};

static const char *
verdict_text(long result)
{
    for (size_t i = 0; i < sizeof verdicts / sizeof *verdicts; i++)
        if (verdicts[i].result == result)
            return verdicts[i].text;
    return X509_verify_cert_error_string(result);
}

/* The text of what failed outside of the certificate's check. */
static const char *
protocol_text(unsigned long code)
{
    switch (ERR_GET_REASON(code)) {
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_HTTP_REQUEST:
    case SSL_R_BAD_RECORD_TYPE:
        return "the server does not speak TLS";
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
    case SSL_R_VERSION_TOO_LOW:
        return "the server offers neither TLS 1.2 nor TLS 1.3";
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
        return "the server refused the TLS handshake";
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
        return "the server asks for a client certificate";
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
        return "the server refused the client certificate";
    case SSL_R_TLSV1_UNRECOGNIZED_NAME:
        return "the server does not know this host name";
    default: {
        const char *text = ERR_reason_error_string(code);
        return text != NULL ? text : "the TLS connection failed";
    }
    }
}

enum weir_code
tls_reason(const SSL *ssl, const char *name, struct weir_error *err)
{
    unsigned long code = ERR_peek_error();
    long result = SSL_get_verify_result(ssl);
    ERR_clear_error();
    if (ERR_GET_LIB(code) != ERR_LIB_SSL ||
        ERR_GET_REASON(code) != SSL_R_CERTIFICATE_VERIFY_FAILED)
        return err_set(err, WEIR_UPSTREAM, "TLS: %s", protocol_text(code));
    if (result == X509_V_ERR_HOSTNAME_MISMATCH || result == X509_V_ERR_IP_ADDRESS_MISMATCH)
        return err_set(err, WEIR_UPSTREAM, "TLS: the certificate is not for %s", name);
    return err_set(err, WEIR_UPSTREAM, "TLS: %s", verdict_text(result));
}

enum weir_code
tls_option_reason(const char *what, struct weir_error *err)
{
    const char *text = ERR_reason_error_string(ERR_peek_last_error());
    ERR_clear_error();
    return err_set(err, WEIR_INVALID, "tls: \"%s\" cannot be used: %s", what,
                   text != NULL ? text : "it holds nothing of the kind");
}

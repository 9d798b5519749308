/* base/signature_key.h - what the two files of signature.h share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_SIGNATURE_KEY_H
#define BASE_SIGNATURE_KEY_H

#include <openssl/evp.h>

#include "base/signature.h"

/* Which algorithms a key is for. */
enum signature_kind {
    SIGNATURE_SECRET = 1,
    SIGNATURE_RSA,
    SIGNATURE_P256,
    SIGNATURE_P384,
    SIGNATURE_P521,
    SIGNATURE_ED25519
};

struct signature_key {
    enum signature_kind kind;
    EVP_PKEY *openssl; /* owned; NULL: of a secret */
    size_t len;        /* of the secret */
    uint8_t secret[];
};

#endif

/* shared/signature/signature_schema.h - the options of a signature that whoever makes it and whoever checks it have in
 * common: parts of a map of properties, without a comma at either end.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SHARED_SIGNATURE_SIGNATURE_SCHEMA_H
#define SHARED_SIGNATURE_SIGNATURE_SCHEMA_H

/* clang-format off */

/* The scheme, with an example of one. */
#define SIGNATURE_SCHEMA_SCHEME(example) WEIR_JSON( \
    "scheme": { \
        "description": "Whose way of signing it is; with hmac the options below say the rest.", \
        "type": "string", \
        "enum": ["standard-webhooks", "svix", "github", "stripe", "slack", "hmac"], \
        "examples": [) #example WEIR_JSON(] \
    })

/* What is signed, by which digest, and how that is written. */
#define SIGNATURE_SCHEMA_FORM WEIR_JSON( \
    "algorithm": { \
        "description": "hmac: the digest. Left out: sha256.", \
        "type": "string", \
        "enum": ["sha256", "sha1", "sha512"], \
        "examples": ["sha512"] \
    }, \
    "encoding": { \
        "description": "hmac: how the signature is written. Left out: hex.", \
        "type": "string", \
        "enum": ["hex", "hex_upper", "base64", "base64url"], \
        "examples": ["base64"] \
    }, \
    "content": { \
        "description": "hmac: what is signed: text with {body}, {timestamp}, {id}, {method} and {header:NAME}. Left out: {body}.", \
        "type": "string", \
        "minLength": 1, \
        "maxLength": 1000, \
        "examples": ["{timestamp}.{body}"] \
    })

/* How the time of signing is written. */
#define SIGNATURE_SCHEMA_UNIT WEIR_JSON( \
    "timestamp_unit": { \
        "description": "hmac: in what the time is counted, since 1970. Left out: s.", \
        "type": "string", \
        "enum": ["s", "ms"], \
        "examples": ["ms"] \
    })

/* clang-format on */

#endif

/* http/http_sign_schema.h - the schema of sign:, a part of the node's.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HTTP_HTTP_SIGN_SCHEMA_H
#define HTTP_HTTP_SIGN_SCHEMA_H

#include "signature_schema.h"

/* clang-format off */
#define SIGN_SCHEMA WEIR_JSON({ \
    "description": "Signs the request with a secret, so that who gets it knows whose it is.", \
    "type": ["object", "string"], \
    "additionalProperties": false, \
    "required": ["scheme"], \
    "examples": [{ "scheme": "standard-webhooks", "secret": "${ secrets.PARTNER }" }], \
    "properties": { \
        ) SIGNATURE_SCHEMA_SCHEME("standard-webhooks") WEIR_JSON(, \
        "secret": { \
            "description": "The secret that both sides have; of Standard Webhooks also a private key (whsk_).", \
            "type": "string", \
            "minLength": 1, \
            "writeOnly": true, \
            "examples": ["${ secrets.PARTNER }"] \
        }, \
        "id": { \
            "description": "The id of the message, in schemes that send one. Left out: one of the step, the same over its attempts.", \
            "type": ["string", "integer"], \
            "minLength": 1, \
            "maxLength": 256, \
            "examples": ["${ request.body.id }"] \
        }, \
        "header": { \
            "description": "hmac: the header that gets the signature.", \
            "type": "string", \
            "pattern": "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$", \
            "maxLength": 200, \
            "examples": ["X-Signature"] \
        }, \
        "prefix": { \
            "description": "hmac: what stands before the signature in its header.", \
            "type": "string", \
            "pattern": "^[ -~]*$", \
            "maxLength": 100, \
            "examples": ["sha256="] \
        }, \
        ) SIGNATURE_SCHEMA_FORM WEIR_JSON(, \
        "timestamp_header": { \
            "description": "hmac: the header that gets the time of signing.", \
            "type": "string", \
            "pattern": "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$", \
            "maxLength": 200, \
            "examples": ["X-Timestamp"] \
        }, \
        ) SIGNATURE_SCHEMA_UNIT WEIR_JSON(, \
        "id_header": { \
            "description": "hmac: the header that gets the id.", \
            "type": "string", \
            "pattern": "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$", \
            "maxLength": 200, \
            "examples": ["X-Event-ID"] \
        } \
    } \
})
/* clang-format on */

#endif

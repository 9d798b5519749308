/* webhook/verify_schema.h - the schema of verify:, a part of the webhook's.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef WEBHOOK_VERIFY_SCHEMA_H
#define WEBHOOK_VERIFY_SCHEMA_H

#include "signature_schema.h"

/* clang-format off */
#define VERIFY_SCHEMA WEIR_JSON({ \
    "description": "Takes only requests that are signed with a secret: by whom, and how. Others are answered with 401.", \
    "type": ["object", "string"], \
    "additionalProperties": false, \
    "required": ["scheme"], \
    "examples": [{ "scheme": "github", "secret": "${ secrets.GITHUB }" }], \
    "properties": { \
        ) SIGNATURE_SCHEMA_SCHEME("github") WEIR_JSON(, \
        "secret": { \
            "description": "The secret that both sides have; of Standard Webhooks also a public key (whpk_).", \
            "type": "string", \
            "minLength": 1, \
            "writeOnly": true, \
            "examples": ["${ secrets.GITHUB }"] \
        }, \
        "secrets": { \
            "description": "Several secrets of which any fits, while one takes the place of another; null is left out.", \
            "type": "array", \
            "items": { "type": ["string", "null"], "minLength": 1, "writeOnly": true }, \
            "minItems": 1, \
            "maxItems": 8, \
            "writeOnly": true, \
            "examples": [["${ secrets.NEW }", "${ secrets.OLD ?? null }"]] \
        }, \
        "tolerance": { \
            "description": "How far the time that is signed may be from the time here, from 1s to 1d. Left out: 5m.", \
            "type": "string", \
            "format": "duration", \
            "examples": ["1m"] \
        }, \
        "dedupe": { \
            "description": "Whether an event that comes again, by its id, gets the first one's answer and no run. Left out: yes, if its id is known.", \
            "type": ["boolean", "object"], \
            "additionalProperties": false, \
            "examples": [false, { "ttl": "72h" }], \
            "properties": { \
                "ttl": { \
                    "description": "How long an id is remembered, 1m to 365d.", \
                    "type": "string", \
                    "format": "duration", \
                    "default": "24h", \
                    "examples": ["72h"] \
                }, \
                "store": { \
                    "description": "Where ids are remembered: 'memory' (this process; with durable: true its store), or the URL of a Redis that several gateways share; read at load.", \
                    "type": "string", \
                    "writeOnly": true, \
                    "default": "memory", \
                    "examples": ["redis://127.0.0.1:6379", "${ env.REDIS_URL ?? 'memory' }"] \
                }, \
                "on_store_error": { \
                    "description": "Without its Redis an event is worked on (open), or refused with 503 (closed).", \
                    "enum": ["open", "closed"], \
                    "default": "open", \
                    "examples": ["closed"] \
                } \
            } \
        }, \
        "challenge": { \
            "description": "slack: whether its url_verification is answered here. Left out: yes.", \
            "type": "boolean", \
            "examples": [false] \
        }, \
        "header": { \
            "description": "hmac: the header that has the signature.", \
            "type": "string", \
            "pattern": "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$", \
            "maxLength": 200, \
            "examples": ["X-Signature"] \
        }, \
        "prefix": { \
            "description": "hmac: what stands before the signature in its header.", \
            "type": "string", \
            "maxLength": 100, \
            "examples": ["sha256="] \
        }, \
        "separator": { \
            "description": "hmac: what stands between several signatures in the header. Left out: there is one.", \
            "type": "string", \
            "minLength": 1, \
            "maxLength": 1, \
            "pattern": "^[ ,;|]$", \
            "examples": [","] \
        }, \
        ) SIGNATURE_SCHEMA_FORM WEIR_JSON(, \
        "timestamp_header": { \
            "description": "hmac: the header that has the time of signing.", \
            "type": "string", \
            "pattern": "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$", \
            "maxLength": 200, \
            "examples": ["X-Timestamp"] \
        }, \
        ) SIGNATURE_SCHEMA_UNIT WEIR_JSON(, \
        "id_header": { \
            "description": "hmac: the header that has the id of the event.", \
            "type": "string", \
            "pattern": "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$", \
            "maxLength": 200, \
            "examples": ["X-Event-ID"] \
        }, \
        "id_body": { \
            "description": "hmac: where the id of the event is in a JSON body, as a JSON pointer.", \
            "type": "string", \
            "pattern": "^(/[^/~]+)+$", \
            "maxLength": 200, \
            "examples": ["/event/id"] \
        } \
    } \
})
/* clang-format on */

#endif

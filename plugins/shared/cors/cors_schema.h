/* cors_schema.h - the schema of cors:, which stands within that of its trigger.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CORS_SCHEMA_H
#define CORS_SCHEMA_H

/* clang-format off */

/* The property cors. */
#define CORS_SCHEMA WEIR_JSON( \
    "cors": { \
        "x-weir-named": { "kind": "cors" }, \
        "description": "Lets pages of other sites call from a browser. Preflight requests are answered without a run.", \
        "type": "object", \
        "additionalProperties": false, \
        "required": ["origins"], \
        "examples": [{ "origins": ["https://app.example"], "headers": ["Content-Type"] }], \
        "properties": { \
            "origins": { \
                "description": "The sites: https://app.example, https://*.example, or * for all.", \
                "type": "array", \
                "items": { "type": "string", "minLength": 1, "maxLength": 300 }, \
                "minItems": 1, \
                "maxItems": 100, \
                "examples": [["https://app.example", "https://*.app.example"], ["*"]] \
            }, \
            "methods": { \
                "description": "The methods that they may use. Left out: those of the trigger.", \
                "type": "array", \
                "items": { "type": "string", "pattern": "^[A-Z][A-Z-]{0,30}$" }, \
                "maxItems": 16, \
                "examples": [["POST"]] \
            }, \
            "headers": { \
                "description": "The request headers that they may send besides the simple ones; * for all.", \
                "type": "array", \
                "items": { "type": "string", "pattern": "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$" }, \
                "maxItems": 100, \
                "default": ["Content-Type"], \
                "examples": [["Content-Type", "X-Api-Key"]] \
            }, \
            "expose": { \
                "description": "The response headers that their scripts may read.", \
                "type": "array", \
                "items": { "type": "string", "pattern": "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$" }, \
                "maxItems": 100, \
                "examples": [["RateLimit", "X-Request-ID"]] \
            }, \
            "credentials": { \
                "description": "Whether they may send cookies and other credentials. Needs origins by name.", \
                "type": "boolean", \
                "default": false, \
                "examples": [true] \
            }, \
            "max_age": { \
                "description": "How long a browser may remember the answer to a preflight.", \
                "type": "string", \
                "format": "duration", \
                "default": "10m", \
                "examples": ["1h"] \
            } \
        } \
    })

/* clang-format on */

#endif

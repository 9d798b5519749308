/* webhook/auth_schema.h - the schema of auth:, which stands within that of the webhook.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef WEBHOOK_AUTH_SCHEMA_H
#define WEBHOOK_AUTH_SCHEMA_H

/* clang-format off */

/* What a map of auth: may have. */
#define AUTH_WAY WEIR_JSON( \
    "api_key": { "$ref": "#/$defs/api_key" })

/* The property auth. */
#define AUTH_SCHEMA \
    WEIR_JSON("auth": { \
        "description": "Who may enter: all that stands in a map is asked for; of a list any one is enough. Others are answered with 401 or 403. Left out: everybody.", \
        "type": ["object", "array"], \
        "minProperties": 1, \
        "minItems": 1, \
        "maxItems": 16, \
        "examples": [{ "api_key": { "keys": "partners" } }], \
        "additionalProperties": false, \
        "properties": {) AUTH_WAY WEIR_JSON(}, \
        "items": { \
            "type": "object", \
            "minProperties": 1, \
            "additionalProperties": false, \
            "properties": {) AUTH_WAY WEIR_JSON(} \
        } \
    })

/* For $defs. */
#define AUTH_DEFS \
    WEIR_JSON("scopes": { \
        "description": "What a sender needs to be allowed, all of it.", \
        "type": "array", \
        "items": { "type": "string", "pattern": "^[!#-\\[\\]-~]{1,200}$" }, \
        "maxItems": 64, \
        "uniqueItems": true, \
        "examples": [["orders:write"]] \
    }, \
    "api_key": { \
        "description": "A key in a header or in the query, of which only digests are known here.", \
        "type": "object", \
        "additionalProperties": false, \
        "required": ["keys"], \
        "examples": [{ "keys": "partners" }], \
        "properties": { \
            "header": { \
                "description": "The header that the key stands in. Default: X-Api-Key.", \
                "type": "string", \
                "pattern": "^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$", \
                "examples": ["X-Api-Key"] \
            }, \
            "query": { \
                "description": "The parameter of the query that the key stands in, instead of a header. Proxies write queries into their logs: a header is better.", \
                "type": "string", \
                "minLength": 1, \
                "maxLength": 100, \
                "examples": ["key"] \
            }, \
            "keys": { \
                "description": "The keys that are taken.", \
                "type": "array", \
                "maxItems": 10000, \
                "examples": [[{ "name": "acme", "hash": "sha256:2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b" }]], \
                "items": { \
                    "type": "object", \
                    "additionalProperties": false, \
                    "required": ["name", "hash"], \
                    "properties": { \
                        "name": { \
                            "description": "Whose key it is: request.auth.name. Several keys may have one name, so that one can be exchanged for another.", \
                            "type": "string", \
                            "pattern": "^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$", \
                            "examples": ["acme"] \
                        }, \
                        "hash": { \
                            "description": "The SHA-256 of the key: sha256: and 64 hexadecimal digits. 'weir keys new NAME' makes both.", \
                            "type": "string", \
                            "writeOnly": true, \
                            "examples": ["sha256:2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"] \
                        }, \
                        "scopes": { \
                            "description": "What its owner may do: request.auth.scopes.", \
                            "type": "array", \
                            "items": { "type": "string", "pattern": "^[!#-\\[\\]-~]{1,200}$" }, \
                            "maxItems": 64, \
                            "examples": [["orders:write"]] \
                        } \
                    } \
                } \
            }, \
            "scopes": { "$ref": "#/$defs/scopes" }, \
            "forward": { \
                "description": "Whether the run sees the key, in request.headers or request.query. It then stands in the store, too.", \
                "type": "boolean", \
                "default": false \
            } \
        } \
    })

/* clang-format on */

#endif

/* auth_schema.h - the schema of auth:, which stands within that of its trigger.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AUTH_SCHEMA_H
#define AUTH_SCHEMA_H

/* clang-format off */

/* What a map of auth: may have. */
#define AUTH_WAY WEIR_JSON( \
    "open": { \
        "description": "Everybody may enter; 'auth: none' is short for it. Nothing else can stand beside it.", \
        "const": true, \
        "examples": [true] \
    }, \
    "ip": { \
        "description": "The addresses that may enter.", \
        "$ref": "#/$defs/ip", \
        "examples": [["10.0.0.0/8"]] \
    }, \
    "mtls": { \
        "description": "A certificate that the caller has shown.", \
        "$ref": "#/$defs/mtls", \
        "examples": [{ "names": ["acme.example"] }] \
    }, \
    "api_key": { \
        "description": "A key in a header or in the query.", \
        "$ref": "#/$defs/api_key", \
        "examples": [{ "keys": [{ "name": "acme", "hash": "sha256:2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b" }] }] \
    }, \
    "basic": { \
        "description": "A name and a password.", \
        "$ref": "#/$defs/basic", \
        "examples": [{ "users": [{ "name": "billing", "password": "${ secrets.billing }" }] }] \
    }, \
    "jwt": { \
        "description": "A JSON Web Token as a bearer token.", \
        "$ref": "#/$defs/jwt", \
        "examples": [{ "jwks_url": "https://id.example/.well-known/jwks.json", "issuer": "https://id.example/", "audience": "orders" }] \
    })

/* The property auth. */
#define AUTH_SCHEMA \
    WEIR_JSON("auth": { \
        "x-weir-named": { "kind": "auth", "built_in": { "none": { "open": true } } }, \
        "description": "Who may enter: all that stands in a map is asked for; of a list any one is enough. Others are answered with 401 or 403. none, or left out: everybody.", \
        "type": ["object", "array"], \
        "minProperties": 1, \
        "minItems": 1, \
        "maxItems": 16, \
        "examples": [{ "ip": ["10.0.0.0/8"] }], \
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
#define AUTH_DEFS AUTH_DEFS_KEY "," AUTH_DEFS_BASIC "," AUTH_DEFS_IP "," AUTH_DEFS_MTLS "," AUTH_DEFS_TLS "," \
    AUTH_DEFS_JWT

#define AUTH_DEFS_KEY \
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
        "examples": [{ "keys": [{ "name": "acme", "hash": "sha256:2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b" }] }], \
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
                "x-weir-named": { "kind": "keys" }, \
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

#define AUTH_DEFS_BASIC \
    WEIR_JSON("basic": { \
        "description": "A name and a password (RFC 7617).", \
        "type": "object", \
        "additionalProperties": false, \
        "required": ["users"], \
        "examples": [{ "users": [{ "name": "billing", "password": "${ secrets.billing }" }] }], \
        "properties": { \
            "users": { \
                "x-weir-named": { "kind": "users" }, \
                "description": "Who may enter.", \
                "type": "array", \
                "maxItems": 1000, \
                "examples": [[{ "name": "billing", "password": "${ secrets.billing }" }]], \
                "items": { \
                    "type": "object", \
                    "additionalProperties": false, \
                    "required": ["name"], \
                    "properties": { \
                        "name": { \
                            "description": "The name: request.auth.name.", \
                            "type": "string", \
                            "pattern": "^[^:\\x00-\\x1f\\x7f]{1,128}$", \
                            "examples": ["billing"] \
                        }, \
                        "hash": { \
                            "description": "What the password is known by: a hash of scrypt, as 'weir keys hash' makes it, or sha256: and 64 hexadecimal digits, for passwords that a machine has chosen.", \
                            "type": "string", \
                            "maxLength": 300, \
                            "writeOnly": true, \
                            "examples": ["$scrypt$ln=15,r=8,p=1$c2FsdHNhbHRzYWx0c2FsdA$OGmu9cpBWFcdmFGKiMnLmcxx9JBUjmcmvjqEGW2exzk"] \
                        }, \
                        "password": { \
                            "description": "The password itself, from a secret.", \
                            "type": "string", \
                            "writeOnly": true, \
                            "examples": ["${ secrets.billing }"] \
                        }, \
                        "scopes": { \
                            "description": "What the user may do: request.auth.scopes.", \
                            "type": "array", \
                            "items": { "type": "string", "pattern": "^[!#-\\[\\]-~]{1,200}$" }, \
                            "maxItems": 64, \
                            "examples": [["orders:write"]] \
                        } \
                    } \
                } \
            }, \
            "realm": { \
                "description": "What a browser shows when it asks for the password.", \
                "type": "string", \
                "pattern": "^[ !#-\\[\\]-~]{1,100}$", \
                "default": "weir", \
                "examples": ["Orders"] \
            }, \
            "scopes": { "$ref": "#/$defs/scopes" }, \
            "forward": { \
                "description": "Whether the run sees the password, in request.headers. It then stands in the store, too.", \
                "type": "boolean", \
                "default": false \
            } \
        } \
    })

#define AUTH_DEFS_IP \
    WEIR_JSON("ranges": { \
        "type": "array", \
        "items": { "type": "string", "minLength": 1, "maxLength": 64 }, \
        "minItems": 1, \
        "maxItems": 1000, \
        "examples": [["10.0.0.0/8", "2001:db8::/32"]] \
    }, \
    "ip": { \
        "x-weir-named": { "kind": "networks" }, \
        "description": "The addresses that may enter: of the connection, or what trusted_proxies say. A list, or allow and deny.", \
        "type": ["array", "object"], \
        "items": { "type": "string", "minLength": 1, "maxLength": 64 }, \
        "minItems": 1, \
        "maxItems": 1000, \
        "additionalProperties": false, \
        "minProperties": 1, \
        "examples": [["10.0.0.0/8"], { "deny": ["192.0.2.0/24"] }], \
        "properties": { \
            "allow": { "description": "Only from these. Left out: from everywhere.", "$ref": "#/$defs/ranges" }, \
            "deny": { "description": "Not from these, even if they are allowed.", "$ref": "#/$defs/ranges" } \
        } \
    })

#define AUTH_DEFS_MTLS \
    WEIR_JSON("mtls": { \
        "description": "A certificate that the caller has shown, and that edge.tls has verified: one of these, or, if nothing is listed, any.", \
        "type": "object", \
        "additionalProperties": false, \
        "examples": [{ "names": ["acme.example"] }], \
        "properties": { \
            "names": { \
                "description": "Alternative names: hosts, URIs (of SPIFFE, say) or e-mail addresses.", \
                "type": "array", \
                "items": { "type": "string", "minLength": 1, "maxLength": 1000 }, \
                "minItems": 1, \
                "maxItems": 1000, \
                "examples": [["acme.example", "spiffe://example/billing"]] \
            }, \
            "subjects": { \
                "description": "Subjects, as RFC 2253 writes them.", \
                "type": "array", \
                "items": { "type": "string", "minLength": 1, "maxLength": 1000 }, \
                "minItems": 1, \
                "maxItems": 1000, \
                "examples": [["CN=acme,O=Acme Ltd"]] \
            }, \
            "fingerprints": { \
                "description": "SHA-256 digests of certificates, as hexadecimal digits with colons or without.", \
                "type": "array", \
                "items": { "type": "string", "pattern": "^[0-9A-Fa-f:]{64,95}$" }, \
                "minItems": 1, \
                "maxItems": 1000, \
                "examples": [["2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"]] \
            } \
        } \
    })

#define AUTH_DEFS_TLS \
    WEIR_JSON("tls": { \
        "type": "object", \
        "additionalProperties": false, \
        "properties": { \
            "ca": { \
                "description": "Certificates that are trusted instead of the system's: a file or PEM text.", \
                "type": "string", \
                "minLength": 1, \
                "examples": ["/etc/weir/ca.pem"] \
            }, \
            "server_name": { \
                "description": "The name that the certificate must bear, if it isn't the URL's host.", \
                "type": "string", \
                "minLength": 1, \
                "examples": ["id.internal"] \
            }, \
            "cert": { \
                "description": "The certificate that is shown: a file or PEM text.", \
                "type": "string", \
                "minLength": 1, \
                "writeOnly": true, \
                "examples": ["/etc/weir/client.pem"] \
            }, \
            "key": { \
                "description": "Its private key: a file or PEM text.", \
                "type": "string", \
                "minLength": 1, \
                "writeOnly": true, \
                "examples": ["/etc/weir/client.key", "${ secrets.CLIENT_KEY }"] \
            } \
        } \
    })

#define AUTH_DEFS_JWT AUTH_DEFS_JWT_KEYS AUTH_DEFS_JWT_RULES

#define AUTH_DEFS_JWT_KEYS \
    WEIR_JSON("texts": { \
        "type": ["string", "array"], \
        "minLength": 1, \
        "items": { "type": "string", "minLength": 1 }, \
        "minItems": 1, \
        "maxItems": 32 \
    }, \
    "jwt": { \
        "x-weir-named": { "kind": "issuers" }, \
        "description": "A JSON Web Token (RFC 7519) as a bearer token. It needs 'secret', 'public_key' or 'jwks_url'.", \
        "type": "object", \
        "additionalProperties": false, \
        "examples": [{ "jwks_url": "https://id.example/.well-known/jwks.json", "issuer": "https://id.example/", "audience": "orders" }], \
        "properties": { \
            "secret": { \
                "description": "The secret of tokens that are signed with HMAC, 32 bytes or more; or a list of them, while one is exchanged for another.", \
                "writeOnly": true, \
                "examples": ["${ secrets.jwt }"] \
            }, \
            "public_key": { \
                "description": "The public key of who signs the tokens: PEM, or a file with it beside the pipeline; or a list of them.", \
                "$ref": "#/$defs/texts", \
                "examples": ["keys/issuer.pem"] \
            }, \
            "jwks_url": { \
                "description": "Where who signs the tokens publishes the keys (RFC 7517).", \
                "type": "string", \
                "minLength": 1, \
                "maxLength": 2000, \
                "examples": ["https://id.example/.well-known/jwks.json"] \
            }, \
            "allow_http": { \
                "description": "Takes a jwks_url that is not https://, also of another machine: whoever stands between can then let in whom he likes.", \
                "type": "boolean", \
                "default": false \
            }, \
            "tls": { \
                "description": "For https: what is trusted, and who this is, as of an http node.", \
                "$ref": "#/$defs/tls", \
                "examples": [{ "ca": "/etc/weir/ca.pem" }] \
            }, \
            "cache": { \
                "description": "How old published keys may become before they are fetched again.", \
                "type": "string", \
                "format": "duration", \
                "default": "10m", \
                "examples": ["1h"] \
            }, \
            "keep": { \
                "description": "How old they may become while they can't be fetched.", \
                "type": "string", \
                "format": "duration", \
                "default": "1d", \
                "examples": ["1h"] \
            },)

#define AUTH_DEFS_JWT_RULES \
    WEIR_JSON("algorithms": { \
                "description": "The algorithms that are taken. Left out: those that the keys are good for; of published keys never one with HMAC.", \
                "type": "array", \
                "items": { "enum": ["HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"] }, \
                "minItems": 1, \
                "uniqueItems": true, \
                "examples": [["RS256"]] \
            }, \
            "issuer": { \
                "description": "Who may have made the token: its iss.", \
                "$ref": "#/$defs/texts", \
                "examples": ["https://id.example/"] \
            }, \
            "audience": { \
                "description": "Whom the token has to be for: one of its aud. Left out: tokens that have an aud are refused.", \
                "$ref": "#/$defs/texts", \
                "examples": ["orders"] \
            }, \
            "typ": { \
                "description": "What the token's typ has to be.", \
                "type": "string", \
                "maxLength": 100, \
                "examples": ["at+jwt"] \
            }, \
            "required": { \
                "description": "Claims that the token has to have.", \
                "type": "array", \
                "items": { "type": "string", "pattern": "^[!#-\\[\\]-~]{1,100}$" }, \
                "maxItems": 32, \
                "default": ["exp"], \
                "examples": [["exp", "sub"]] \
            }, \
            "leeway": { \
                "description": "By how much the clocks may differ, for exp, nbf and iat.", \
                "type": "string", \
                "format": "duration", \
                "default": "60s", \
                "examples": ["5s"] \
            }, \
            "query": { \
                "description": "A parameter of the query that the token may stand in, too (RFC 6750 2.3): browsers can't send a header with a WebSocket or an EventSource. Proxies write queries into their logs: a header is better.", \
                "type": "string", \
                "minLength": 1, \
                "maxLength": 100, \
                "examples": ["access_token"] \
            }, \
            "name_claim": { \
                "description": "The claim that request.auth.name is.", \
                "type": "string", \
                "minLength": 1, \
                "maxLength": 100, \
                "default": "sub", \
                "examples": ["client_id"] \
            }, \
            "scopes": { "$ref": "#/$defs/scopes" }, \
            "forward": { \
                "description": "Whether the run sees the token, in request.headers. It then stands in the store, too.", \
                "type": "boolean", \
                "default": false \
            } \
        } \
    })

/* clang-format on */

#endif

/* webhook/headers.h - headers of every answer: security_headers and response_headers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef WEBHOOK_HEADERS_H
#define WEBHOOK_HEADERS_H

#include "webhook.h"

/* Fills in the headers of W. */
uint32_t headers_new(struct webhook *w, struct weir_error *err);

/* clang-format off */

/* What an answer for programs should say to a browser that gets it all the same: don't frame it, don't guess what
 * it is, tell nobody where one came from, come by TLS alone, and take nothing in it for a part of a page. */
#define HEADERS_STRICT WEIR_JSON({ \
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains; preload", \
    "X-Frame-Options": "DENY", \
    "X-Content-Type-Options": "nosniff", \
    "Referrer-Policy": "no-referrer", \
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'", \
    "Cross-Origin-Resource-Policy": "same-origin" \
})

/* The property security_headers. */
#define HEADERS_SCHEMA \
    WEIR_JSON("security_headers": { \
        "x-weir-named": { "kind": "headers", "built_in": { "none": {}, "strict":) HEADERS_STRICT WEIR_JSON(} }, \
        "description": "Headers that protect who reads an answer in a browser, on every reply and refusal: strict, none, or a set of weir.yaml. Left out: what edge.security_headers says.", \
        "type": "object", \
        "maxProperties": 50, \
        "propertyNames": { "pattern": "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$" }, \
        "additionalProperties": { "type": "string" }, \
        "examples": [{ "X-Frame-Options": "DENY" }] \
    })

/* clang-format on */

#endif

/* jwt.h - JSON Web Tokens: RFC 7519 as signed tokens of RFC 7515, by the rules of RFC 8725.
 *
 * A token is read in three steps, each of which trusts nothing but those before: its form and its header,
 * its signature, its claims. It says which algorithm it was signed with; whether that may be used
 * is said by the rules and by the key, never by the token.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef JWT_H
#define JWT_H

#include "texts.h"

#define JWT_MAX 8192
#define JWT_SIGNATURE_MAX 1024
#define JWT_WHY_MAX 160
#define JWT_KEYS_MAX 64

/* A key that tokens are checked with. */
struct jwt_key {
    struct weir_key *key; /* owned */
    char *kid;            /* owned; NULL: it has none */
    uint32_t algorithms;  /* a bit for each that it may be used with */
};

struct jwt_keys {
    struct jwt_key *items; /* owned */
    uint32_t n;
};

/* What a token has to be. Texts belong to the configuration. */
struct jwt_rules {
    struct texts issuers;   /* one of them; none: any */
    struct texts audiences; /* one of them; none: the token may have none either */
    struct texts required;  /* claims that have to be there */
    struct weir_text typ;   /* of the header; empty: any */
    uint32_t algorithms;    /* a bit for each that may be used */
    double leeway_s;        /* by which clocks may differ */
};

/* A token whose form is good. */
struct jwt {
    struct weir_text text;    /* that is signed; in the token */
    struct weir_text payload; /* in the token, in base64url */
    uint32_t algorithm;
    const struct weir_value *header; /* owned */
    struct weir_text kid;            /* in header; bytes NULL: none */
    uint8_t signature[JWT_SIGNATURE_MAX];
    size_t signature_len;
};

enum jwt_signed { JWT_GOOD, JWT_BAD, JWT_KEY_UNKNOWN };

/* Reads the form and the header of TOKEN, which has to live as long as *ret. False and WHY if it
 * is not acceptable; then there is nothing to free. */
bool jwt_read(struct weir_text token, const struct jwt_rules *r, struct jwt *ret,
              char why[JWT_WHY_MAX]);
void jwt_free(struct jwt *j);

/* Whether one of KEYS has signed it. JWT_KEY_UNKNOWN: none of them is for such a token. */
enum jwt_signed jwt_check(const struct jwt *j, const struct jwt_keys *keys);

/* Reads the claims of a token whose signature is good, and holds them against the rules at NOW_S since
 * 1970. *ret is owned by the caller; false and WHY if they are not acceptable. */
bool jwt_claims(const struct jwt *j, const struct jwt_rules *r, double now_s,
                const struct weir_value **ret, char why[JWT_WHY_MAX]);

/* The scopes that claims have: scope, a text of words (RFC 8693 4.2), or scp, that or a list. A list,
 * owned by the caller. */
const struct weir_value *jwt_scopes(const struct weir_value *claims);

/* The bytes of base64url without padding (RFC 7515 section 2), as exactly one text stands for them; SIZE_MAX if
 * TEXT is none, or more than ROOM. */
size_t base64url_read(struct weir_text text, uint8_t *ret, size_t room);

/* The keys of a JWK set (RFC 7517 section 5) that signatures can be checked with; others are left out.
 * False and WHY if it is no such set. *ret is freed by jwt_keys_free. */
bool jwt_keys_read(const struct weir_value *set, struct jwt_keys *ret, char why[JWT_WHY_MAX]);

/* Adds KEY, which is taken and set to NULL. False if there are too many. */
bool jwt_keys_add(struct jwt_keys *keys, struct weir_key **key, struct weir_text kid,
                  uint32_t algorithms);
void jwt_keys_free(struct jwt_keys *keys);

/* The string under KEY of a map, lent by it; NULL with length 0: there is none. */
struct weir_text jwt_text(const struct weir_value *map, struct weir_text key);

#endif

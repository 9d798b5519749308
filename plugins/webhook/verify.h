/* webhook/verify.h - signatures of requests: what the files of verify: share.
 *
 * Each vendor's way of signing is a row of one table (verify_schemes.c): which headers there are,
 * how signatures stand in one, what is signed. A signature is checked by making the one that should
 * be there and comparing the texts in constant time, so that no other spelling of it passes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef WEBHOOK_VERIFY_H
#define WEBHOOK_VERIFY_H

#include "webhook.h"

#define KEYS_MAX 8u       /* secrets at once */
#define PUBLIC_KEYS_MAX 4u /* of these: what a forger can make us work on stays small */
#define SIGNATURES_MAX 8u /* in one request */
#define PUBLIC_SIGNATURES_MAX 4u
#define PIECES_MAX 16u /* of what is signed */
#define ID_MAX 256u    /* bytes of an event's id */
#define SIGNATURE_TEXT_MAX 129u /* of SHA-512 in hex, and a NUL */

/* How signatures stand in their header. */
enum form {
    FORM_PLAIN, /* PREFIX SIGNATURE, or several with a separator */
    FORM_LIST,  /* Standard Webhooks: v1,SIGNATURE v1a,SIGNATURE */
    FORM_PAIRS  /* Stripe: t=TIME,v1=SIGNATURE,v1=SIGNATURE */
};

enum encoding { ENCODING_HEX, ENCODING_HEX_UPPER, ENCODING_BASE64, ENCODING_BASE64URL };

/* A vendor's way of signing; names of headers in lower case, NULL: there is none. */
struct scheme {
    const char *name;
    const char *header;
    const char *prefix;
    const char *timestamp_header; /* of FORM_PAIRS it is in HEADER */
    const char *id_header;
    const char *id_body; /* a JSON pointer */
    const char *content; /* a template, see content_read */
    enum form form;
    enum encoding encoding;
    bool timed;
    bool encoded_key; /* base64, maybe behind whsec_; else a secret is used as it is */
    bool challenges;  /* asks for an echo before it sends events */
    bool open;        /* the author says the rest */
};

enum piece_kind { PIECE_TEXT, PIECE_BODY, PIECE_TIMESTAMP, PIECE_ID, PIECE_METHOD, PIECE_HEADER };

/* A part of what is signed. */
struct piece {
    enum piece_kind kind;
    struct weir_text text; /* itself, or the name of the header in lower case, with a NUL behind it; in struct content */
};

struct content {
    char *bytes; /* owned: the template, for the texts of the pieces */
    struct piece pieces[PIECES_MAX];
    uint32_t n;
};

/* A secret, or a public key of Ed25519. */
struct key {
    bool public;
    char *bytes; /* owned, wiped before it is freed */
    size_t len;
};

/* One configured verify:. */
struct verify {
    const struct scheme *scheme;
    char *header; /* owned, as all texts here; names of headers in lower case; NULL: there is none */
    char *timestamp_header;
    char *id_header;
    char *id_body;
    char *prefix;
    char *key_prefix; /* of the idempotency key: which trigger it belongs to */
    char separator;   /* of FORM_PLAIN; 0: one signature */
    uint32_t algorithm;
    enum encoding encoding;
    struct content content;
    struct key keys[KEYS_MAX];
    uint32_t n_keys;
    uint64_t tolerance_ms; /* 0: there is no time */
    uint64_t unit_ms;      /* of the timestamp */
    uint64_t dedupe_ms;    /* 0: an event may come again */
    bool challenge;
};

/* What a request claims; texts are those of the request. */
struct claim {
    struct weir_text timestamp; /* empty: none */
    struct weir_text id;        /* of a header; empty: none */
    struct weir_text signatures[SIGNATURES_MAX];
    bool public[SIGNATURES_MAX]; /* made with a private key */
    uint32_t n;
};

/* Why a request is refused: the label in the metric. */
enum fault { FAULT_NONE, FAULT_MISSING, FAULT_MALFORMED, FAULT_TIME, FAULT_SIGNATURE };

/* -- verify_open.c -- */

/* Reads verify: of the trigger that is opened, whose path is PATH; *ret is owned by the caller. */
uint32_t verify_new(struct weir_open *open, const struct weir_value *config, struct weir_text path,
                    struct verify **ret, struct weir_error *err);
void verify_free(struct verify *v);

/* Fills V with all that the configuration says but the secrets. */
uint32_t verify_read(const struct weir_value *config, struct verify *v, struct weir_error *err);

/* -- verify_schemes.c -- */

/* The scheme of that name; NULL: there is none. */
const struct scheme *scheme_find(struct weir_text name);

/* -- verify_content.c -- */

/* Reads a template of what is signed: {body} {timestamp} {id} {method} {header:NAME}, {{ for a brace. */
uint32_t content_read(const char *template, struct content *ret, struct weir_error *err);
void content_free(struct content *c);

/* Whether a piece of that kind is in C. */
bool content_has(const struct content *c, enum piece_kind kind);

/* What E signs, in PIECES_MAX texts; how many. A header that is missing is empty. */
uint32_t content_of(const struct content *c, const struct weir_event *e, const struct claim *claim,
                    struct weir_text parts[PIECES_MAX]);

/* -- verify_header.c: of what a stranger has sent, without a look at anything else -- */

/* Reads the signatures in HEADER, and the timestamp of FORM_PAIRS. False: it is none, or there are
 * too many. */
bool claim_read(const struct verify *v, struct weir_text header, struct claim *ret);

/* A time as digits, without a sign, blanks or leading zeros, in units of UNIT_MS; false for anything
 * else, and beyond the year 9999. */
bool timestamp_read(struct weir_text text, uint64_t unit_ms, uint64_t *ret_ms);

/* Whether ID is one: not empty, not too long, only visible ASCII and, in what is signed with full
 * stops around it (DOTLESS), none of these. */
bool id_fits(struct weir_text id, bool dotless);

/* Writes DIGEST as a signature is written; its length. */
size_t signature_write(enum encoding encoding, struct weir_text digest, char ret[SIGNATURE_TEXT_MAX]);

/* -- verify.c -- */

/* What is wrong with the signature of E; ERR says it to the sender. *RET is what E claims. */
enum fault verify_check(const struct verify *v, const struct weir_event *e, struct claim *ret,
                        struct weir_error *err);

/* Whether E may start a run. Else it was answered: refused, and counted, or its challenge echoed. */
bool verify_event(const struct webhook *w, struct weir_event *e);

#endif

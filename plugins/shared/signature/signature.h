/* signature.h - how requests are signed: what plugins that check signatures and plugins that make
 * them share. It is linked into each of them, and knows of the world only <weir.h>.
 *
 * Each vendor's way of signing is a row of one table (schemes.c): which headers there are, how
 * signatures stand in one, what is signed. With the scheme "hmac" the author says the rest.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SIGNATURE_H
#define SIGNATURE_H

#include "plugin.h"

#define SIGNATURE_PIECES_MAX 16u /* of what is signed */
#define SIGNATURE_TEXT_MAX 129u  /* of SHA-512 in hex, and a NUL */
#define SIGNATURE_FIELD_MAX 300u

/* How signatures stand in their header. */
enum signature_form {
    FORM_PLAIN, /* PREFIX SIGNATURE, or several with a separator */
    FORM_LIST,  /* Standard Webhooks: v1,SIGNATURE v1a,SIGNATURE */
    FORM_PAIRS  /* Stripe: t=TIME,v1=SIGNATURE,v1=SIGNATURE */
};

enum signature_encoding { ENCODING_HEX, ENCODING_HEX_UPPER, ENCODING_BASE64, ENCODING_BASE64URL };

/* A vendor's way of signing; NULL: there is none. */
struct scheme {
    const char *name;
    const char *header;
    const char *prefix;
    const char *timestamp_header; /* of FORM_PAIRS it is in HEADER */
    const char *id_header;
    const char *id_body; /* a JSON pointer */
    const char *content; /* a template, see content_read */
    enum signature_form form;
    enum signature_encoding encoding;
    bool timed;
    bool encoded_key; /* base64, maybe behind whsec_; else a secret is used as it is */
    bool challenges;  /* asks for an echo before it sends events */
    bool open;        /* the author says the rest */
};

enum piece_kind { PIECE_TEXT, PIECE_BODY, PIECE_TIMESTAMP, PIECE_ID, PIECE_METHOD, PIECE_HEADER };

/* A part of what is signed. */
struct piece_of_content {
    enum piece_kind kind;
    struct weir_text text; /* itself, or the name of the header in lower case, with a NUL behind it */
};

struct content {
    char *bytes; /* owned: the template, for the texts of the pieces */
    struct piece_of_content pieces[SIGNATURE_PIECES_MAX];
    uint32_t n;
};

/* A way of signing, as it is configured. */
struct signature {
    const struct scheme *scheme;
    char *header; /* owned, as all texts here; names of headers in lower case; NULL: there is none */
    char *timestamp_header;
    char *id_header;
    char *id_body;
    char *prefix;
    char separator; /* of FORM_PLAIN; 0: one signature */
    uint32_t algorithm;
    enum signature_encoding encoding;
    uint64_t unit_ms; /* of the timestamp */
    struct content content;
};

/* A secret, or one of a pair of keys of Ed25519. */
struct key {
    bool pair;
    char *bytes; /* owned, wiped before it is freed */
    size_t len;
};

/* What a signature is made of. */
struct message {
    struct weir_text body;
    struct weir_text timestamp;
    struct weir_text id;
    struct weir_text method;
    /* The header of that name; bytes NULL: there is none, and counts as empty. */
    struct weir_text (*header)(const void *of, struct weir_text name);
    const void *of;
};

/* The scheme of that name; NULL: there is none. */
const struct scheme *scheme_find(struct weir_text name);

/* Fills RET from the map CONFIG that stands under OPTION: all but the secrets. RET was zeroed;
 * signature_fini in any case. */
uint32_t signature_read(const struct weir_value *config, const char *option, struct signature *ret,
                        struct weir_error *err);
void signature_fini(struct signature *s);

/* Whether what is signed has a time. */
bool signature_timed(const struct signature *s);

/* Reads a template of what is signed: {body} {timestamp} {id} {method} {header:NAME}, {{ for a brace. */
uint32_t content_read(const char *template, const char *option, struct content *ret, struct weir_error *err);
void content_free(struct content *c);

/* Whether a piece of that kind is in C. */
bool content_has(const struct content *c, enum piece_kind kind);

/* What is signed of M, in SIGNATURE_PIECES_MAX texts; how many. */
uint32_t content_of(const struct content *c, const struct message *m,
                    struct weir_text parts[SIGNATURE_PIECES_MAX]);

/* Reads SECRET, which stands at WHERE; an error names no secret. MAKES: it is for signing, so that of
 * a pair it has to be the private key; else the public one. */
uint32_t key_read(const struct signature *s, struct weir_text secret, bool makes, const char *where,
                  struct key *ret, struct weir_error *err);
/* Wipes and frees. */
void key_drop(struct key *k);

/* Writes DIGEST as a signature is written; its length. */
size_t signature_write(enum signature_encoding encoding, struct weir_text digest, char ret[SIGNATURE_TEXT_MAX]);

/* Writes the signature of the N PARTS that is made with K, a secret or a private key; its length. */
size_t signature_make(const struct signature *s, const struct key *k, const struct weir_text *parts, uint32_t n,
                      char ret[SIGNATURE_TEXT_MAX]);

/* Writes the signature of M as it stands in its header, made with a secret or a private key; its length. */
size_t signature_field(const struct signature *s, const struct key *k, const struct message *m,
                       char ret[SIGNATURE_FIELD_MAX]);

#endif

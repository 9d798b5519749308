/* webhook/verify.h - signatures of requests: what the files of verify: share.
 *
 * How each vendor signs is in shared/signature. A signature is checked by making the one that should
 * be there and comparing the texts in constant time, so that no other spelling of it passes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef WEBHOOK_VERIFY_H
#define WEBHOOK_VERIFY_H

#include "signature.h"
#include "webhook.h"

#define KEYS_MAX 8u        /* secrets at once */
#define PUBLIC_KEYS_MAX 2u /* of these: what a forger can make us work on stays small */
#define SIGNATURES_MAX 8u  /* in one request */
#define PUBLIC_SIGNATURES_MAX 4u
#define ID_MAX 256u /* bytes of an event's id */

/* One configured verify:. */
struct verify {
    struct signature signature;
    char *key_prefix; /* of the idempotency key: which trigger it belongs to; owned */
    struct key keys[KEYS_MAX];
    uint32_t n_keys;
    uint64_t tolerance_ms; /* 0: there is no time */
    uint64_t dedupe_ms;    /* 0: an event may come again */
    struct weir_redis *dedupe_redis; /* which other gateways ask as well; NULL: none */
    bool dedupe_closed;    /* without it an event is refused */
    bool challenge;
};

/* What a request claims; texts are those of the request. */
struct claim {
    struct weir_text timestamp; /* empty: none */
    struct weir_text id;        /* of a header; empty: none */
    struct weir_text signatures[SIGNATURES_MAX];
    bool pair[SIGNATURES_MAX]; /* made with a private key */
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

/* Adds a secret, which stands at WHERE. */
uint32_t verify_add_key(struct verify *v, const struct weir_value *secret, const char *where,
                        struct weir_error *err);

/* -- verify_header.c: of what a stranger has sent, without a look at anything else -- */

/* Reads the signatures in HEADER, and the timestamp of FORM_PAIRS. False: it is none, or there are
 * too many. */
bool claim_read(const struct signature *s, struct weir_text header, struct claim *ret);

/* A time as digits, without a sign, blanks or leading zeros, in units of UNIT_MS; false for anything
 * else, and beyond the year 9999. */
bool timestamp_read(struct weir_text text, uint64_t unit_ms, uint64_t *ret_ms);

/* Whether ID is one: not empty, not too long, only visible ASCII and, in what is signed with full
 * stops around it (DOTLESS), none of these. */
bool id_fits(struct weir_text id, bool dotless);

/* -- verify.c -- */

/* What is wrong with the signature of E; ERR says it to the sender. *RET is what E claims. */
enum fault verify_check(const struct verify *v, const struct weir_event *e, struct claim *ret,
                        struct weir_error *err);

/* The headers with which the sender of E would have signed it, as weir_trigger_type has it: verify_sign.c. */
uint32_t verify_sign(const struct webhook *w, struct weir_event *e, struct weir_header *ret, uint32_t *ret_n,
                     struct weir_error *err);

/* The header of that name of an event, for struct message. */
struct weir_text verify_header(const void *event, struct weir_text name);

/* Whether E may start a run. Else it was answered: refused, and counted, or its challenge echoed. */
bool verify_event(const struct webhook *w, struct weir_event *e);

#endif

/* webhook/auth_parts.h - what the files of auth: share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef WEBHOOK_AUTH_PARTS_H
#define WEBHOOK_AUTH_PARTS_H

#include "auth.h"

#define CHALLENGE_MAX 400

/* What a way says of a request; of several that refuse, the highest one is told. */
enum verdict {
    VERDICT_IN,
    VERDICT_WAIT,    /* not known before something has been fetched or worked out */
    VERDICT_PLACE,   /* not from there: 403 */
    VERDICT_MISSING, /* no credential: 401 */
    VERDICT_WRONG,   /* one that is not good: 401 */
    VERDICT_SCOPE    /* a good one that is not enough: 403 */
};

/* One check of one request. */
struct inspection {
    struct guard *guard;
    struct weir_event *event;
    bool waited;                    /* what was to be waited for has come, or has failed */
    const struct weir_value *found; /* owned; of VERDICT_IN: request.auth */
    char challenge[CHALLENGE_MAX];  /* of a refusal, for WWW-Authenticate (RFC 9110 11.6.1) */
    char text[200];                 /* of a refusal, one sentence */
};

struct api_keys; /* auth_key.c */

/* A way in: all that is set has to hold. */
struct auth_way {
    struct api_keys *keys; /* owned; NULL: none */
};

struct auth {
    struct auth_way *ways; /* owned */
    uint32_t n;
};

/* Says why, and returns VERDICT. */
enum verdict judge(struct inspection *i, enum verdict verdict, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* What request.auth is: { scheme, name, scopes, claims }; NAME without bytes is null, SCOPES and
 * CLAIMS may be NULL. Owned by the caller. */
const struct weir_value *identity_new(const char *scheme, struct weir_text name,
                                      const struct weir_value *scopes,
                                      const struct weir_value *claims);

/* The first scope of NEEDED, a list or NULL, that HAD, a list, lacks; bytes NULL if none. */
struct weir_text scope_missing(const struct weir_value *needed, const struct weir_value *had);

/* The only header of that name (lower case). False if there are several; bytes NULL if there is
 * none. */
bool header_once(const struct weir_event *e, struct weir_text name, struct weir_text *ret);

/* The 32 bytes behind "sha256:" in HASH, 64 hexadecimal digits. False if it is no such hash. */
bool hash_read(struct weir_text hash, uint8_t ret[32]);

/* -- auth_key.c: API keys, of which only digests are known -- */

uint32_t api_keys_new(const struct weir_value *config, struct api_keys **ret,
                      struct weir_error *err);
void api_keys_free(struct api_keys **k);
enum verdict api_keys_check(const struct api_keys *k, struct inspection *i);
/* Takes the key out of what the run sees. */
void api_keys_hide(const struct api_keys *k, struct weir_event *e);

#endif

/* auth_parts.h - what the files of auth: share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AUTH_PARTS_H
#define AUTH_PARTS_H

#include "auth.h"
#include "jwt.h"

#define CHALLENGE_MAX 400
#define AUTHORIZATION WEIR_TEXT("authorization")

/* What a way says of a request; of several that refuse, the highest one is told. */
enum verdict {
    VERDICT_IN,
    VERDICT_WAIT,    /* not known before something has been fetched or worked out */
    VERDICT_PLACE,   /* not from there: 403 */
    VERDICT_MISSING, /* no credential: 401 */
    VERDICT_WRONG,   /* one that is not good: 401 */
    VERDICT_SCOPE,   /* a good one that is not enough: 403 */
    VERDICT_AWAY,    /* nobody can tell now: 503 */
    VERDICT_LIMITED  /* nobody looks: there were too many wrong ones from there, 429 */
};

struct api_keys;   /* auth_key.c */
struct basic;      /* auth_basic.c */
struct basic_work; /* a password that a worker looks at */
struct basic_seen; /* passwords that were good */
struct jwt_auth;   /* auth_jwt.c */
struct places;     /* auth_ip.c */
struct peers;      /* auth_mtls.c */
struct jwks_source; /* jwks.c */
struct jwks;        /* of a shard */

/* A way in: all that is set has to hold. All is owned; NULL: not asked for. */
struct auth_way {
    struct places *places;
    struct peers *peers;
    struct api_keys *keys;
    struct basic *basic;
    struct jwt_auth *jwt;
};

struct auth {
    struct auth_way *ways; /* owned */
    uint32_t n;
};

/* An event that waits; in its own memory. */
struct pending {
    struct guard *guard;
    struct weir_event *event;
    struct pending *next;
    struct pending **at;    /* what points to it */
    const void *waits_for;  /* a set of keys, or the work on a password */
    unsigned rounds;        /* how often it has waited */
};

struct guard {
    struct weir_shard *shard;
    const struct auth *auth;
    const struct auth_door *door;
    void *arg; /* of the door */
    struct jwks **sets;      /* one a way; owned; NULL: that way needs none */
    uint32_t n_ways;
    struct basic_seen *seen; /* owned; NULL: no password is dear to check */
    struct pending *pending; /* the newest */
    uint32_t n_pending;
    uint32_t works; /* of workers, that are under way: the memory stays as long */
    bool left;      /* guard_free was called */
};

/* One look at one request. */
struct inspection {
    struct guard *guard;
    struct weir_event *event;
    bool early;                     /* its body is not here: nothing is begun that takes a worker */
    uint32_t way;                   /* the index of the one that is tried */
    const struct basic_work *work;  /* what a worker has found out; or NULL */
    const void *waited_for;         /* what has come, or has failed to; NULL: this is the first look */
    const void *waits_for;          /* of VERDICT_WAIT */
    uint64_t retry_ms; /* of VERDICT_LIMITED */
    bool known; /* of VERDICT_WRONG: it was made with the right key, so it is no guess */
    const struct weir_value *found; /* owned; of VERDICT_IN: request.auth */
    char challenge[CHALLENGE_MAX];  /* of a refusal, for WWW-Authenticate (RFC 9110 11.6.1) */
    char text[200];                 /* of a refusal, one sentence */
};

/* -- auth.c -- */

/* Says why, and returns VERDICT. */
enum verdict judge(struct inspection *i, enum verdict verdict, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Looks again at all events that wait for WHAT; WORK is what a worker has found out, or NULL. */
void guard_resume(struct guard *g, const void *what, const struct basic_work *work);

/* -- auth_tools.c -- */

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

/* What stands behind SCHEME in the header Authorization; bytes NULL if it has another one, or none.
 * False if there are several such headers. */
bool authorization_of(const struct weir_event *e, struct weir_text scheme,
                      struct weir_text *ret);

/* The 32 bytes behind "sha256:" in HASH, 64 hexadecimal digits. False if it is no such hash. */
bool hash_read(struct weir_text hash, uint8_t ret[32]);

/* Whether two digests are the same, in constant time. */
bool same_digest(const uint8_t a[32], const uint8_t b[32]);

/* The member KEY of CONFIG, a text; empty if it has none. */
struct weir_text config_text(const struct weir_value *config, struct weir_text key);

/* -- auth_key.c: API keys, of which only digests are known -- */

uint32_t api_keys_new(const struct weir_value *config, struct api_keys **ret,
                      struct weir_error *err);
void api_keys_free(struct api_keys **k);
enum verdict api_keys_check(const struct api_keys *k, struct inspection *i);
/* Takes the key out of what the run sees. */
void api_keys_hide(const struct api_keys *k, struct weir_event *e);

/* -- auth_basic.c: names and passwords (RFC 7617) -- */

uint32_t basic_new(const struct weir_value *config, struct basic **ret, struct weir_error *err);
void basic_free(struct basic **b);
enum verdict basic_check(const struct basic *b, struct inspection *i);
void basic_hide(const struct basic *b, struct weir_event *e);
/* Whether passwords of B are dear to check: workers do that. */
bool basic_is_dear(const struct basic *b);

/* -- auth_basic_work.c -- */

/* Passwords that were good a short while ago, so that not every request costs a worker. */
struct basic_seen *basic_seen_new(void);
void basic_seen_free(struct basic_seen **s);
/* The user that USER_PASS was good for; UINT32_MAX: not known. NOW_MS is on the shard's clock. */
uint32_t basic_seen_find(const struct basic_seen *s, struct weir_text user_pass, uint64_t now_ms);

/* Lets a worker hold the password of USER_PASS, that of user number USER, against HASH. VERDICT_WAIT, or
 * VERDICT_AWAY if there is too much to do. */
enum verdict basic_work_begin(struct inspection *i, struct weir_text user_pass, uint32_t user,
                              struct weir_text hash);
/* Whether the password that was looked at is the right one, and whose it is. */
bool basic_work_good(const struct basic_work *w, uint32_t *ret_user);

/* -- auth_jwt.c: bearer tokens (RFC 6750) -- */

uint32_t jwt_auth_new(struct weir_open *open, const struct weir_value *config,
                      struct jwt_auth **ret, struct weir_error *err);
void jwt_auth_free(struct jwt_auth **j);
enum verdict jwt_auth_check(const struct jwt_auth *j, struct inspection *i);
void jwt_auth_hide(const struct jwt_auth *j, struct weir_event *e);
/* Where its keys are fetched from; NULL: they are configured. */
const struct jwks_source *jwt_auth_source(const struct jwt_auth *j);

/* -- jwks.c: keys that an issuer publishes -- */

enum jwks_state { JWKS_HERE, JWKS_COMING, JWKS_AWAY };

/* Reads jwks_url and what belongs to it from CONFIG. */
uint32_t jwks_source_new(struct weir_open *open, const struct weir_value *config,
                         struct jwks_source **ret, struct weir_error *err);
void jwks_source_free(struct jwks_source **s);

/* The keys on the shard of G. The guard is told by guard_resume when they have come, or not. */
struct jwks *jwks_new(struct guard *g, const struct jwks_source *s);
void jwks_free(struct jwks **s);
/* Looks whether there are keys, and fetches them if they are old, or, RENEW, if they lack one; but not
 * too often. */
enum jwks_state jwks_ask(struct jwks *s, bool renew);
const struct jwt_keys *jwks_keys(const struct jwks *s);

/* -- auth_ip.c: addresses -- */

uint32_t places_new(const struct weir_value *config, struct places **ret, struct weir_error *err);
void places_free(struct places **p);
/* Whether requests may come from ADDRESS, a text. */
bool places_allow(const struct places *p, struct weir_text address);

/* -- auth_mtls.c: certificates of callers -- */

uint32_t peers_new(const struct weir_value *config, struct peers **ret, struct weir_error *err);
void peers_free(struct peers **p);
enum verdict peers_check(const struct peers *p, struct inspection *i);

#endif

/* auth_jwt.c - bearer tokens (RFC 6750) that are JSON Web Tokens; see auth_parts.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "auth_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_FILE_MAX 65536
#define NAME_MAX_BYTES 256

struct jwt_auth {
    const struct weir_value *config; /* owned: texts are in it */
    struct jwt_rules rules;
    struct jwt_keys keys;       /* configured */
    struct jwks_source *source; /* owned; NULL: they are configured */
    const struct weir_value *scopes; /* needed; in config; NULL: none */
    struct weir_text name_claim;
    struct weir_text query; /* the parameter that a token may stand in, too; empty: none */
    bool forward;
};

/* -- keys -- */

/* TEXT is PEM, or a file with it. *ret is owned by the caller. */
static uint32_t
read_pem(struct weir_open *open, struct weir_text text, const struct weir_value **ret,
         struct weir_error *err)
{
    const struct weir_value *bytes = NULL;
    struct weir_text content;
    if (memmem(text.bytes, text.len, "-----BEGIN", 10) == NULL) {
        if (host->file(open, text, KEY_FILE_MAX, &bytes, err) != WEIR_OK)
            return err->code;
        (void)host->get_text(bytes, &content);
        text = content;
    }
    *ret = host->string(text);
    host->unref(&bytes);
    return *ret != NULL ? WEIR_OK : refuse(err, WEIR_INVALID, "a public key has to be PEM");
}

static uint32_t
add_key(struct weir_open *open, struct jwt_auth *j, const struct weir_value *v, bool secret,
        struct weir_error *err)
{
    const struct weir_value *as_key = NULL;
    struct weir_text text = { "", 0 };
    struct weir_error why = { 0 };
    (void)host->get_text(v, &text);
    if (secret)
        as_key = host->bytes(text);
    else if (read_pem(open, text, &as_key, err) != WEIR_OK)
        return err->code;
    struct weir_key *key = host->key_new(as_key, &why);
    host->unref(&as_key);
    if (key == NULL)
        return refuse(err, WEIR_INVALID, "jwt.%s: %.400s", secret ? "secret" : "public_key",
                      why.text);
    uint32_t algorithms = host->key_algorithms(key);
    if (!jwt_keys_add(&j->keys, &key, (struct weir_text){ NULL, 0 }, algorithms))
        return refuse(err, WEIR_INVALID, "jwt has more than %d keys", JWT_KEYS_MAX);
    return WEIR_OK;
}

/* One, or a list: keys are exchanged one after another. */
static uint32_t
add_keys(struct weir_open *open, struct jwt_auth *j, const struct weir_value *v, bool secret,
         struct weir_error *err)
{
    if (host->type(v) != WEIR_LIST)
        return add_key(open, j, v, secret, err);
    for (size_t i = 0; host->at(v, i) != NULL; i++)
        if (add_key(open, j, host->at(v, i), secret, err) != WEIR_OK)
            return err->code;
    return WEIR_OK;
}

static uint32_t
take_keys(struct weir_open *open, struct jwt_auth *j, struct weir_error *err)
{
    const struct weir_value *secret = host->get(j->config, WEIR_TEXT("secret"));
    const struct weir_value *public_key = host->get(j->config, WEIR_TEXT("public_key"));
    const struct weir_value *url = host->get(j->config, WEIR_TEXT("jwks_url"));
    if ((secret != NULL) + (public_key != NULL) + (url != NULL) != 1)
        return refuse(err, WEIR_INVALID, "jwt needs 'secret', 'public_key' or 'jwks_url', and one of them alone");
    if (url != NULL)
        return jwks_source_new(open, j->config, &j->source, err);
    return add_keys(open, j, secret != NULL ? secret : public_key, secret != NULL, err);
}

/* -- rules -- */

/* Those that the author lists, and the keys are good for; left out: all of those. */
static uint32_t
take_algorithms(struct jwt_auth *j, struct weir_error *err)
{
    static const uint32_t secrets = 1u << WEIR_HS256 | 1u << WEIR_HS384 | 1u << WEIR_HS512;
    const struct weir_value *list = host->get(j->config, WEIR_TEXT("algorithms"));
    uint32_t good = j->source != NULL ? ~secrets : 0;
    struct weir_text name;
    for (uint32_t i = 0; i < j->keys.n; i++)
        good |= j->keys.items[i].algorithms;
    j->rules.algorithms = list == NULL ? good : 0;
    for (size_t i = 0; list != NULL && host->get_text(host->at(list, i), &name); i++) {
        uint32_t algorithm = host->signature_find(name);
        if (algorithm == 0 || (good & 1u << algorithm) == 0)
            return refuse(err, WEIR_INVALID, "the algorithm %.*s does not go with the %s of this jwt",
                          (int)name.len, name.bytes,
                          j->source != NULL ? "published keys" : "secret or public key");
        j->rules.algorithms |= 1u << algorithm;
    }
    return WEIR_OK;
}

/* A text, or a list of them. */
static struct texts
one_or_more(const struct weir_value *config, struct weir_text key)
{
    const struct weir_value *v = host->get(config, key);
    struct texts t = { 0 };
    struct weir_text text;
    if (v == NULL || host->type(v) == WEIR_LIST)
        return texts_of(v);
    t.items = zeroed(1, sizeof *t.items);
    if (host->get_text(v, &text))
        t.items[t.n++] = text;
    return t;
}

static uint32_t
take_rules(struct jwt_auth *j, struct weir_error *err)
{
    int64_t leeway = 60000;
    (void)host->get_int(host->get(j->config, WEIR_TEXT("leeway")), &leeway);
    j->rules.leeway_s = (double)leeway / 1000;
    j->rules.issuers = one_or_more(j->config, WEIR_TEXT("issuer"));
    j->rules.audiences = one_or_more(j->config, WEIR_TEXT("audience"));
    j->rules.required = one_or_more(j->config, WEIR_TEXT("required"));
    j->rules.typ = config_text(j->config, WEIR_TEXT("typ"));
    j->scopes = host->get(j->config, WEIR_TEXT("scopes"));
    j->name_claim = config_text(j->config, WEIR_TEXT("name_claim"));
    (void)host->get_bool(host->get(j->config, WEIR_TEXT("forward")), &j->forward);
    if (j->source != NULL && j->rules.issuers.n == 0)
        return refuse(err, WEIR_INVALID, "a jwt with a jwks_url needs its 'issuer'");
    return take_algorithms(j, err);
}

uint32_t
jwt_auth_new(struct weir_open *open, const struct weir_value *config, struct jwt_auth **ret,
             struct weir_error *err)
{
    struct jwt_auth *j = zeroed(1, sizeof *j);
    j->config = host->ref(config);
    j->query = config_text(config, WEIR_TEXT("query"));
    uint32_t code = take_keys(open, j, err);
    if (code == WEIR_OK)
        code = take_rules(j, err);
    if (code == WEIR_OK)
        *ret = j;
    else
        jwt_auth_free(&j);
    return code;
}

void
jwt_auth_free(struct jwt_auth **j)
{
    if (*j == NULL)
        return;
    jwt_keys_free(&(*j)->keys);
    jwks_source_free(&(*j)->source);
    free((*j)->rules.issuers.items);
    free((*j)->rules.audiences.items);
    free((*j)->rules.required.items);
    host->unref(&(*j)->config);
    free(*j);
    *j = NULL;
}

const struct jwks_source *
jwt_auth_source(const struct jwt_auth *j)
{
    return j->source;
}

void
jwt_auth_hide(const struct jwt_auth *j, struct weir_event *e)
{
    if (j->forward)
        return;
    host->event_header_hide(e, AUTHORIZATION);
    if (j->query.len > 0)
        host->event_query_hide(e, j->query);
}

/* -- checks -- */

static enum verdict
wrong(struct inspection *i, const char *why)
{
    snprintf(i->challenge, sizeof i->challenge,
             "Bearer error=\"invalid_token\", error_description=\"%s\"", why);
    return judge(i, VERDICT_WRONG, "%s", why);
}

/* Holds the signature against the keys, which may have to be fetched. */
static enum verdict
check_signature(const struct jwt_auth *j, const struct jwt *token, struct inspection *i)
{
    struct jwks *set = i->guard->sets[i->way];
    bool again = set != NULL && i->waited_for == set; /* nobody waits twice for the same */
    enum jwks_state state = JWKS_HERE;
    if (again)
        state = jwks_keys(set)->n > 0 ? JWKS_HERE : JWKS_AWAY;
    else if (set != NULL)
        state = jwks_ask(set, false);
    enum jwt_signed is = JWT_KEY_UNKNOWN;
    if (state == JWKS_HERE)
        is = jwt_check(token, set != NULL ? jwks_keys(set) : &j->keys);
    bool nameless = is == JWT_BAD && token->kid.bytes == NULL;
    if (set != NULL && !again && state == JWKS_HERE && (is == JWT_KEY_UNKNOWN || nameless)) {
        state = jwks_ask(set, true); /* a new key, maybe */
        if (state == JWKS_HERE)
            is = jwt_check(token, jwks_keys(set));
    }
    i->waits_for = set;
    if (state == JWKS_COMING)
        return VERDICT_WAIT;
    if (state == JWKS_AWAY)
        return judge(i, VERDICT_AWAY, "the keys of the tokens' issuer can't be had");
    if (is == JWT_KEY_UNKNOWN)
        return wrong(i, "the token is signed with a key that is not known");
    return is == JWT_GOOD ? VERDICT_IN : wrong(i, "the token's signature is wrong");
}

/* The needed scopes as a header has them. */
static void
say_scopes(const struct jwt_auth *j, struct inspection *i)
{
    size_t used = (size_t)snprintf(i->challenge, sizeof i->challenge,
                                   "Bearer error=\"insufficient_scope\", scope=\"");
    struct weir_text scope;
    for (size_t k = 0; host->get_text(host->at(j->scopes, k), &scope); k++) {
        if (used + scope.len + 3 > sizeof i->challenge)
            break;
        used += (size_t)snprintf(i->challenge + used, sizeof i->challenge - used, "%s%.*s",
                                 k > 0 ? " " : "", (int)scope.len, scope.bytes);
    }
    snprintf(i->challenge + used, sizeof i->challenge - used, "\"");
}

/* What the token says of its owner; no name if that is none, or none for a log. */
static struct weir_text
name_of(const struct jwt_auth *j, const struct weir_value *claims)
{
    struct weir_text none = { NULL, 0 }, name;
    const struct weir_value *v = host->get(claims, j->name_claim);
    if (v == NULL || host->type(v) != WEIR_STRING || !host->get_text(v, &name) ||
        name.len > NAME_MAX_BYTES)
        return none;
    return name;
}

static enum verdict
check_claims(const struct jwt_auth *j, const struct jwt *token, struct inspection *i)
{
    const struct weir_value *claims = NULL;
    char why[JWT_WHY_MAX];
    double now = (double)host->wall_ms(i->guard->shard) / 1000;
    i->known = true;
    if (!jwt_claims(token, &j->rules, now, &claims, why))
        return wrong(i, why);
    const struct weir_value *scopes = jwt_scopes(claims);
    struct weir_text missing = scope_missing(j->scopes, scopes);
    enum verdict verdict = VERDICT_IN;
    if (missing.bytes == NULL) {
        i->found = identity_new("jwt", name_of(j, claims), scopes, claims);
    } else {
        say_scopes(j, i);
        verdict = judge(i, VERDICT_SCOPE, "the token lacks the scope %.*s", (int)missing.len,
                        missing.bytes);
    }
    host->unref(&scopes);
    host->unref(&claims);
    return verdict;
}

/* The token that was sent, once and in one place (RFC 6750 2); bytes NULL if none was. */
static enum verdict
given_token(const struct jwt_auth *j, struct inspection *i, struct weir_text *ret)
{
    if (!authorization_of(i->event, WEIR_TEXT("bearer"), ret))
        return wrong(i, "there are several Authorization headers");
    if (j->query.len == 0)
        return VERDICT_IN;
    struct weir_text asked = host->event_query(i->event, j->query, 0);
    if (asked.bytes == NULL)
        return VERDICT_IN;
    if (ret->bytes != NULL || host->event_query(i->event, j->query, 1).bytes != NULL)
        return wrong(i, "there are several tokens");
    *ret = asked;
    return VERDICT_IN;
}

enum verdict
jwt_auth_check(const struct jwt_auth *j, struct inspection *i)
{
    struct weir_text given;
    struct jwt token;
    char why[JWT_WHY_MAX];
    snprintf(i->challenge, sizeof i->challenge, "Bearer");
    enum verdict verdict = given_token(j, i, &given);
    if (verdict != VERDICT_IN)
        return verdict;
    if (given.bytes == NULL)
        return judge(i, VERDICT_MISSING, "a token is needed: Authorization: Bearer TOKEN");
    if (!jwt_read(given, &j->rules, &token, why))
        return wrong(i, why);
    verdict = check_signature(j, &token, i);
    if (verdict == VERDICT_IN)
        verdict = check_claims(j, &token, i);
    jwt_free(&token);
    return verdict;
}

/* auth_basic.c - names and passwords (RFC 7617); see auth_parts.h.
 *
 * Every request is held against all names, by their digests, so that a name that is there takes as long as
 * one that isn't. Of passwords there are digests; the ones that people have chosen need scrypt, whose
 * cost a worker pays. In a list that has one of those a wrong password costs as much under every name: of
 * users with a digest, and for names that aren't there.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "auth_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define USER_PASS_MAX 1024

struct basic_user {
    uint8_t name[32];     /* its digest */
    uint8_t password[32]; /* its digest, unless there is SCRYPT */
    struct weir_text scrypt; /* in the configuration; bytes NULL: none */
    const struct weir_value *identity; /* owned */
};

struct basic {
    const struct weir_value *config; /* owned */
    struct basic_user *users;        /* owned */
    uint32_t n;
    struct weir_text dear; /* a hash of scrypt, for names that aren't there; bytes NULL: none */
    struct weir_text realm;
    const struct weir_value *scopes; /* needed; in config; NULL: none */
    bool forward;
};

static void
digest_of(struct weir_text text, uint8_t ret[32])
{
    uint8_t all[64];
    (void)host->digest(WEIR_SHA256, text, all);
    memcpy(ret, all, 32);
}

static uint32_t
take_password(struct basic *b, struct basic_user *u, const struct weir_value *config,
              struct weir_error *err)
{
    struct weir_text name = config_text(config, WEIR_TEXT("name"));
    struct weir_text hash = config_text(config, WEIR_TEXT("hash"));
    struct weir_text password = { NULL, 0 };
    (void)host->get_text(host->get(config, WEIR_TEXT("password")), &password);
    if ((hash.len == 0) == (password.bytes == NULL))
        return refuse(err, WEIR_INVALID, "the user '%.*s' needs a hash or a password, and not both",
                      (int)name.len, name.bytes);
    if (password.bytes != NULL) {
        digest_of(password, u->password);
        return password.len > 0 ? WEIR_OK
                                : refuse(err, WEIR_INVALID, "the password of '%.*s' is empty",
                                         (int)name.len, name.bytes);
    }
    if (hash_read(hash, u->password))
        return WEIR_OK;
    if (host->password_hash_check(hash, err) != WEIR_OK)
        return refuse(err, WEIR_INVALID,
                      "the hash of '%.*s' has to be sha256: and 64 hexadecimal digits, or one of "
                      "scrypt that isn't too dear: $scrypt$ln=15,r=8,p=1$SALT$HASH; 'weir keys hash' makes one",
                      (int)name.len, name.bytes);
    u->scrypt = b->dear = hash;
    return WEIR_OK;
}

static uint32_t
take_users(struct basic *b, struct weir_error *err)
{
    const struct weir_value *list = host->get(b->config, WEIR_TEXT("users"));
    b->users = zeroed(host->len(list) + 1, sizeof *b->users);
    for (size_t i = 0; host->at(list, i) != NULL; i++) {
        const struct weir_value *config = host->at(list, i);
        struct basic_user *u = &b->users[b->n++];
        struct weir_text name = config_text(config, WEIR_TEXT("name"));
        digest_of(name, u->name);
        u->identity = identity_new("basic", name, host->get(config, WEIR_TEXT("scopes")), NULL);
        if (take_password(b, u, config, err) != WEIR_OK)
            return err->code;
        for (uint32_t k = 0; k + 1 < b->n; k++)
            if (same_digest(b->users[k].name, u->name))
                return refuse(err, WEIR_INVALID, "the user '%.*s' is there twice", (int)name.len,
                              name.bytes);
    }
    return WEIR_OK;
}

uint32_t
basic_new(const struct weir_value *config, struct basic **ret, struct weir_error *err)
{
    struct basic *b = zeroed(1, sizeof *b);
    b->config = host->ref(config);
    b->scopes = host->get(config, WEIR_TEXT("scopes"));
    b->realm = config_text(config, WEIR_TEXT("realm"));
    (void)host->get_bool(host->get(config, WEIR_TEXT("forward")), &b->forward);
    uint32_t code = take_users(b, err);
    if (code == WEIR_OK)
        *ret = b;
    else
        basic_free(&b);
    return code;
}

void
basic_free(struct basic **b)
{
    if (*b == NULL)
        return;
    for (uint32_t i = 0; i < (*b)->n; i++)
        host->unref(&(*b)->users[i].identity);
    free((*b)->users);
    host->unref(&(*b)->config);
    free(*b);
    *b = NULL;
}

bool
basic_is_dear(const struct basic *b)
{
    return b->dear.bytes != NULL;
}

void
basic_hide(const struct basic *b, struct weir_event *e)
{
    if (!b->forward)
        host->event_header_hide(e, AUTHORIZATION);
}

/* The number of the user of that name; UINT32_MAX if there is none. Looks at all of them. */
static uint32_t
find_user(const struct basic *b, struct weir_text name)
{
    uint8_t digest[32];
    uint32_t found = UINT32_MAX;
    digest_of(name, digest);
    for (uint32_t i = 0; i < b->n; i++) {
        uint32_t mask = (uint32_t)0 - (uint32_t)same_digest(b->users[i].name, digest);
        found = (found & ~mask) | (i & mask);
    }
    return found;
}

static enum verdict
let_in(const struct basic *b, struct inspection *i, uint32_t user)
{
    const struct weir_value *identity = b->users[user].identity;
    struct weir_text missing =
        scope_missing(b->scopes, host->get(identity, WEIR_TEXT("scopes")));
    if (missing.bytes != NULL)
        return judge(i, VERDICT_SCOPE, "the user lacks the scope %.*s", (int)missing.len,
                     missing.bytes);
    i->found = host->ref(identity);
    return VERDICT_IN;
}

static enum verdict
wrong(struct inspection *i)
{
    return judge(i, VERDICT_WRONG, "the name or the password is wrong");
}

/* USER_PASS is "name:password". */
static enum verdict
check_pair(const struct basic *b, struct inspection *i, struct weir_text user_pass)
{
    uint8_t digest[32];
    uint32_t known = UINT32_MAX;
    const char *colon = memchr(user_pass.bytes, ':', user_pass.len);
    if (colon == NULL)
        return wrong(i);
    struct weir_text name = { user_pass.bytes, (size_t)(colon - user_pass.bytes) };
    struct weir_text password = { colon + 1, user_pass.len - name.len - 1 };
    if (i->work != NULL)
        return basic_work_good(i->work, &known) && known < b->n ? let_in(b, i, known) : wrong(i);
    uint32_t user = find_user(b, name);
    digest_of(password, digest);
    /* A name that isn't there is compared as well, and one with scrypt: with a digest that nothing has. */
    static const uint8_t nothing[32];
    bool has_digest = user < b->n && b->users[user].scrypt.bytes == NULL;
    bool good = same_digest(digest, has_digest ? b->users[user].password : nothing);
    if (good && has_digest)
        return let_in(b, i, user);
    if (b->dear.bytes == NULL)
        return wrong(i);
    known = basic_seen_find(i->guard->seen, user_pass, host->now_ms(i->guard->shard));
    if (known < b->n && known == user)
        return let_in(b, i, known);
    if (i->early)
        return VERDICT_WAIT;
    if (user == UINT32_MAX || has_digest) /* it is looked at, and never good */
        return basic_work_begin(i, user_pass, UINT32_MAX, b->dear);
    return basic_work_begin(i, user_pass, user, b->users[user].scrypt);
}

enum verdict
basic_check(const struct basic *b, struct inspection *i)
{
    char pair[USER_PASS_MAX];
    struct weir_text given;
    snprintf(i->challenge, sizeof i->challenge, "Basic realm=\"%.*s\", charset=\"UTF-8\"",
             (int)b->realm.len, b->realm.bytes);
    if (!authorization_of(i->event, WEIR_TEXT("basic"), &given))
        return judge(i, VERDICT_WRONG, "there are several Authorization headers");
    if (given.bytes == NULL)
        return judge(i, VERDICT_MISSING, "a name and a password are needed: Authorization: Basic");
    size_t len = host->base64_read(given, (uint8_t *)pair, sizeof pair);
    if (len == SIZE_MAX)
        return wrong(i);
    return check_pair(b, i, (struct weir_text){ pair, len });
}

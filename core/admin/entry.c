/* admin/entry.c - who may ask the admin, and what: no token is for loopback alone; admin.token is for all,
 * admin.read_token for looking. See parts.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "admin/parts.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"

enum role { ROLE_NONE, ROLE_READ, ROLE_OPERATE };

static bool
is_token(struct weir_text given, const char *token)
{
    return token != NULL && digest_equal(given, text_of(token));
}

static enum role
role_of(const struct admin *a, const struct weir_event *e)
{
    if (a->token == NULL)
        return ROLE_OPERATE;
    struct weir_text given = event_header(e, TEXT("authorization"));
    if (given.len < 7 || strncasecmp(given.bytes, "bearer ", 7) != 0)
        return ROLE_NONE;
    given = (struct weir_text){ given.bytes + 7, given.len - 7 };
    bool operates = is_token(given, a->token), reads = is_token(given, a->read_token);
    return operates ? ROLE_OPERATE : reads ? ROLE_READ : ROLE_NONE;
}

/* A browser sends Origin with what a page of another site makes it send: no page may ask. */
static bool
is_of_a_page(const struct weir_event *e)
{
    struct weir_text site = event_header(e, TEXT("sec-fetch-site"));
    if (site.len > 0)
        return !text_is(site, "same-origin") && !text_is(site, "none");
    return event_header(e, TEXT("origin")).len > 0 && !text_is(e->method, "GET");
}

/* HOST without its port, in RET. False if it is too long for a name. */
static bool
host_name(struct weir_text host, char ret[256])
{
    const char *colon = memrchr(host.bytes, ':', host.len);
    size_t len = colon != NULL ? (size_t)(colon - host.bytes) : host.len;
    if (len >= 256)
        return false;
    memcpy(ret, host.bytes, len);
    ret[len] = '\0';
    return true;
}

/* Who owns a name can let it lead to this machine after a browser has loaded his page from elsewhere; then that
 * page is of the same origin as the admin (DNS rebinding). An address can't be turned so, nor a name that nobody
 * can own: localhost and what is below it, or one without a full stop. */
static bool
is_foreign_name(const struct weir_event *e)
{
    struct weir_text host = event_header(e, TEXT("host"));
    char name[256];
    struct in_addr address;
    if (host.len == 0 || host.bytes[0] == '[' || text_is(e->client_ip, "unix"))
        return false; /* no browser asks on a path */
    if (!host_name(host, name))
        return true;
    size_t len = strlen(name), below = sizeof ".localhost" - 1;
    return strchr(name, '.') != NULL && inet_pton(AF_INET, name, &address) != 1 &&
           (len <= below || strcasecmp(name + len - below, ".localhost") != 0);
}

static bool
only_looks(const struct weir_event *e)
{
    return text_is(e->method, "GET") || text_is(e->method, "HEAD");
}

/* Keeps the role with the event, for the audit. */
static void
note_role(struct weir_event *e, const char *role)
{
    struct weir_builder *b = builder_map();
    builder_take(b, "name", value_text(role));
    value_unref(&e->auth);
    e->auth = builder_end(&b);
}

/* Whether E's address has shown too many tokens that are none: then nobody looks at this one. */
static bool
is_turned_away(const struct admin *a, struct weir_event *e)
{
    uint64_t left_ms = a->token ? event_auth_blocked(e, ATTEMPTS_ADMIN) : 0;
    if (left_ms == 0)
        return false;
    struct weir_error err = { 0 };
    err_set(&err, WEIR_LIMITED, "too many tokens from this address were not good: try again later");
    err.retry_after_ms = (uint32_t)left_ms;
    event_answer_error(e, &err);
    return true;
}

bool
admin_let_in(const struct admin *a, struct weir_event *e, bool open)
{
    if (!open && is_turned_away(a, e))
        return false;
    enum role role = open ? ROLE_READ : role_of(a, e);
    if (role == ROLE_NONE) {
        if (event_header(e, TEXT("authorization")).len > 0)
            event_auth_failed(e, ATTEMPTS_ADMIN);
        event_add_header(e, TEXT("WWW-Authenticate"), TEXT("Bearer"), false);
        answer_problem(e, WEIR_UNAUTHORIZED, "the admin token is needed: Authorization: Bearer TOKEN");
        return false;
    }
    if (role == ROLE_READ && !only_looks(e)) {
        event_add_header(e, TEXT("WWW-Authenticate"), TEXT("Bearer error=\"insufficient_scope\", scope=\"operate\""), false);
        answer_problem(e, WEIR_FORBIDDEN, "this token may only look: what changes something needs admin.token");
        return false;
    }
    if (is_of_a_page(e)) {
        answer_problem(e, WEIR_FORBIDDEN, "a page of another site may not ask this");
        return false;
    }
    if (a->token == NULL && !open && is_foreign_name(e)) {
        answer_problem(e, WEIR_FORBIDDEN, "without admin.token the admin is asked for by its address or as localhost, not "
                                          "by another name, which a page could make lead here");
        return false;
    }
    if (a->token != NULL && !open)
        note_role(e, role == ROLE_OPERATE ? "operate" : "read");
    return true;
}

const struct weir_value *
admin_signed(const struct weir_event *e, const struct weir_value *take_with)
{
    const struct weir_value *role = e->auth ? value_field(e->auth, "name") : NULL;
    const struct weir_value *who = take_with ? value_field(take_with, "who") : NULL;
    if (role == NULL || who == NULL || value_type(who) != WEIR_STRING)
        return take_with;
    struct weir_builder *b = builder_map();
    struct weir_text name = value_as_text(who), of = value_as_text(role);
    builder_put_all(b, take_with);
    struct buf text;
    buf_init(&text, name.len + 64);
    (void)buf_printf(&text, "%.*s (%.*s token)", (int)name.len, name.bytes, (int)of.len, of.bytes);
    builder_take(b, "who", value_string(text.bytes, text.len));
    buf_fini(&text);
    value_unref(&take_with);
    return builder_end(&b);
}

enum weir_code
admin_take_tokens(struct admin *a, const struct admin_config *c, struct weir_error *err)
{
    bool has = c->token && *c->token, reads = c->read_token && *c->read_token;
    if (reads && !has)
        return err_set(err, WEIR_INVALID, "admin.read_token without admin.token: everybody on this machine could "
                                          "do what the token may only look at");
    if (reads && strcmp(c->token, c->read_token) == 0)
        return err_set(err, WEIR_INVALID, "admin.read_token is the same as admin.token: who may only look needs another one");
    a->token = has ? strdup(c->token) : NULL;
    a->read_token = reads ? strdup(c->read_token) : NULL;
    return WEIR_OK;
}

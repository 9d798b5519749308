/* cors.c - see cors.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cors.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REQUEST_METHOD WEIR_TEXT("access-control-request-method")
#define REQUEST_HEADERS WEIR_TEXT("access-control-request-headers")

/* The list under KEY, joined; owned by the caller. */
static char *
joined(const struct weir_value *config, const char *key)
{
    struct texts t = texts_of(host->get(config, text_of(key)));
    char *text = texts_joined(&t);
    free(t.items);
    return text;
}

static bool
has_star(const struct weir_value *list)
{
    struct texts t = texts_of(list);
    bool found = false;
    for (uint32_t i = 0; i < t.n; i++)
        found |= text_same(t.items[i], WEIR_TEXT("*"));
    free(t.items);
    return found;
}

uint32_t
cors_new(const struct weir_value *config, const struct texts *methods, struct cors **ret,
         struct weir_error *err)
{
    if (config == NULL)
        return WEIR_OK;
    struct cors *c = zeroed(1, sizeof *c);
    int64_t ms = 600000;
    (void)host->get_int(host->get(config, WEIR_TEXT("max_age")), &ms);
    snprintf(c->max_age, sizeof c->max_age, "%lld", (long long)ms / 1000);
    (void)host->get_bool(host->get(config, WEIR_TEXT("credentials")), &c->credentials);
    c->origins = texts_of(host->get(config, WEIR_TEXT("origins")));
    c->any = has_star(host->get(config, WEIR_TEXT("origins")));
    c->echo_headers = has_star(host->get(config, WEIR_TEXT("headers")));
    c->methods = joined(config, "methods");
    if (c->methods == NULL)
        c->methods = texts_joined(methods);
    c->headers = joined(config, "headers");
    c->expose = joined(config, "expose");
    if (c->any && c->credentials) {
        cors_free(c);
        return refuse(err, WEIR_INVALID,
                      "cors: with 'credentials' browsers want the origins by name, not '*'");
    }
    *ret = c;
    return WEIR_OK;
}

void
cors_free(struct cors *c)
{
    if (c == NULL)
        return;
    free(c->origins.items);
    free(c->methods);
    free(c->headers);
    free(c->expose);
    free(c);
}

/* Whether TEXT is a site as browsers write it, scheme://host:port (RFC 6454 6.2), and nothing that only ends
 * like one, as https://evil.test/.app.example does. */
static bool
is_site(struct weir_text text)
{
    const char *at = memmem(text.bytes, text.len, "://", 3);
    const char *end = text.bytes + text.len;
    if (at == NULL || at + 3 == end)
        return false;
    at += 3;
    for (char before = '.'; at < end; before = *at++) {
        bool good = isalnum((unsigned char)*at) || memchr(".-_:[]", *at, 6) != NULL;
        if (!good || (*at == '.' && before == '.'))
            return false;
    }
    return true;
}

bool
cors_fits(const struct texts *sites, struct weir_text origin)
{
    bool good = is_site(origin) || text_same(origin, WEIR_TEXT("null"));
    for (uint32_t i = 0; i < sites->n; i++)
        if (text_same(sites->items[i], WEIR_TEXT("*")) || (good && text_fits(origin, sites->items[i])))
            return true;
    return false;
}

bool
cors_allows(const struct cors *c, struct weir_text origin)
{
    return c->any || cors_fits(&c->origins, origin);
}

/* Header fields of one answer. */
struct answer {
    struct weir_header items[8];
    uint32_t n;
};

static void
add(struct answer *a, const char *name, struct weir_text value)
{
    a->items[a->n++] = (struct weir_header){ text_of(name), value };
}

/* Who may read the answer. */
static void
add_origin(const struct cors *c, struct weir_text origin, struct answer *a)
{
    add(a, "Access-Control-Allow-Origin", c->any ? WEIR_TEXT("*") : origin);
    if (c->credentials)
        add(a, "Access-Control-Allow-Credentials", WEIR_TEXT("true"));
}

enum cors_step
cors_preflight(const struct cors *c, struct weir_event *e, struct weir_error *err)
{
    if (!text_same(host->event_method(e), WEIR_TEXT("OPTIONS")) ||
        host->event_header(e, REQUEST_METHOD).bytes == NULL)
        return CORS_GO_ON;
    struct weir_text origin = host->event_header(e, WEIR_TEXT("origin"));
    if (origin.bytes == NULL || !cors_allows(c, origin)) {
        (void)refuse(err, WEIR_FORBIDDEN, "pages of this origin may not call here");
        return CORS_REFUSED;
    }
    struct answer a = { .n = 0 };
    add_origin(c, origin, &a);
    add(&a, "Access-Control-Allow-Methods", text_of(c->methods));
    struct weir_text wanted = host->event_header(e, REQUEST_HEADERS);
    if (c->echo_headers && wanted.bytes != NULL)
        add(&a, "Access-Control-Allow-Headers", wanted);
    else if (c->headers != NULL && !c->echo_headers)
        add(&a, "Access-Control-Allow-Headers", text_of(c->headers));
    add(&a, "Access-Control-Max-Age", text_of(c->max_age));
    add(&a, "Vary",
        WEIR_TEXT("Origin, Access-Control-Request-Method, Access-Control-Request-Headers"));
    struct weir_reply reply = {
        .size = sizeof reply, .status = 204, .headers = a.items, .n_headers = a.n
    };
    host->event_reply(e, &reply);
    return CORS_ANSWERED;
}

static bool
holds(const struct texts *t, struct weir_text want)
{
    for (uint32_t i = 0; i < t->n; i++)
        if (text_same(t->items[i], want))
            return true;
    return false;
}

bool
cors_is_stray(const struct weir_event *e, const struct texts *methods)
{
    struct weir_text method = host->event_method(e);
    return text_same(method, WEIR_TEXT("OPTIONS")) && !holds(methods, method);
}

void
cors_allow(const struct cors *c, struct weir_event *e)
{
    struct weir_text origin = host->event_header(e, WEIR_TEXT("origin"));
    struct answer a = { .n = 0 };
    if (!c->any)
        add(&a, "Vary", WEIR_TEXT("Origin")); /* also without one: what caches keep differs */
    if (origin.bytes != NULL && cors_allows(c, origin)) {
        add_origin(c, origin, &a);
        if (c->expose != NULL)
            add(&a, "Access-Control-Expose-Headers", text_of(c->expose));
    }
    for (uint32_t i = 0; i < a.n; i++)
        host->event_header_set(e, a.items[i].name, a.items[i].value);
}

struct weir_text *
cors_methods(const struct cors *c, const struct texts *methods, uint32_t *ret_n)
{
    struct weir_text *all = zeroed(methods->n + 1, sizeof *all);
    if (methods->n > 0)
        memcpy(all, methods->items, methods->n * sizeof *all);
    *ret_n = methods->n;
    if (c != NULL && !holds(methods, WEIR_TEXT("OPTIONS")))
        all[(*ret_n)++] = WEIR_TEXT("OPTIONS");
    return all;
}

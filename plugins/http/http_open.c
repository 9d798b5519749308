/* http/http_open.c - from the configuration to what a call needs: see README.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "http.h"
#include "http_sign.h"

/* Which key holds the body. */
static const struct {
    const char *key;
    enum form form;
} bodies[] = {
    { "json", JSON_BODY }, { "form", FORM_BODY }, { "text", TEXT_BODY }, { "body", ANY_BODY }
};

#define N_BODIES (sizeof bodies / sizeof *bodies)

static struct weir_text
text_of(const char *s)
{
    return (struct weir_text){ s, strlen(s) };
}

bool
text_same(struct weir_text a, struct weir_text b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.bytes, b.bytes, a.len) == 0);
}

bool
is_repeatable(struct weir_text method)
{
    return text_same(method, WEIR_TEXT("GET")) || text_same(method, WEIR_TEXT("HEAD")) ||
           text_same(method, WEIR_TEXT("OPTIONS")) || text_same(method, WEIR_TEXT("PUT")) ||
           text_same(method, WEIR_TEXT("DELETE"));
}

/* Whether it is the same for all events. */
static bool
is_still(struct weir_open *open, const struct piece *p)
{
    return p->slot == 0 || !(host->slot_flags(open, p->slot) & WEIR_SLOT_READS);
}

static uint32_t
take_body(struct weir_open *open, const struct weir_value *config, struct http_node *n,
          struct weir_error *err)
{
    for (size_t i = 0; i < N_BODIES; i++) {
        struct piece p = piece_under(open, "", config, bodies[i].key);
        if (!piece_is_there(&p))
            continue;
        if (n->form != NO_BODY) {
            piece_drop(&p);
            return refuse(err, WEIR_INVALID,
                          "a request has one of 'json', 'form', 'text' and 'body', not two");
        }
        n->form = bodies[i].form;
        n->body = p;
    }
    if (n->body.constant != NULL)
        return body_make(n->form, n->body.constant, &n->made_body, err);
    return WEIR_OK;
}

static uint32_t
take_url(struct weir_open *open, const struct weir_value *config, struct http_node *n,
         struct weir_error *err)
{
    const struct weir_value *url = host->get(config, WEIR_TEXT("url"));
    const struct weir_value *base = host->get(config, WEIR_TEXT("base_url"));
    if ((url == NULL) == (base == NULL))
        return refuse(err, WEIR_INVALID, "one of 'url' and 'base_url' must say where to send");
    if (url != NULL && host->get(config, WEIR_TEXT("path")) != NULL)
        return refuse(err, WEIR_INVALID, "'path' belongs to 'base_url', not to 'url'");
    n->url = piece_under(open, "", config, url != NULL ? "url" : "base_url");
    n->path = piece_under(open, "", config, "path");
    n->untrusted = n->url.slot != 0 && host->slot_flags(open, n->url.slot) & WEIR_SLOT_EVENT;
    return WEIR_OK;
}

static void
add_range(struct statuses *s, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i <= to; i++)
        s->bits[(i - 100) / 64] |= UINT64_C(1) << (i - 100) % 64;
}

/* Statuses as numbers, "4xx", or "400-404". */
static uint32_t
take_statuses(const struct weir_value *list, struct statuses *ret, struct weir_error *err)
{
    for (size_t i = 0, n = list ? host->len(list) : 0; i < n; i++) {
        const struct weir_value *v = host->at(list, i);
        struct weir_text text;
        int64_t number;
        unsigned from = 0, to = 0;
        char copy[16] = "";
        if (host->get_text(v, &text) && text.len < sizeof copy)
            memcpy(copy, text.bytes, text.len);
        if (host->get_int(v, &number) && number >= 100 && number <= 599)
            from = to = (unsigned)number;
        else if (copy[0] != '\0' && strcmp(copy + 1, "xx") == 0)
            from = (unsigned)(copy[0] - '0') * 100, to = from + 99;
        else if (sscanf(copy, "%3u-%3u", &from, &to) != 2)
            from = 0;
        if (from < 100 || from > to || to > 599)
            return refuse(err, WEIR_INVALID,
                          "a status must be one such as 429, 4xx or 400-404");
        add_range(ret, from, to);
    }
    return WEIR_OK;
}

static uint32_t
number(const struct weir_value *map, const char *key)
{
    int64_t i = 0;
    if (map == NULL || !host->get_int(host->get(map, text_of(key)), &i) || i < 0)
        return 0;
    return i < UINT32_MAX ? (uint32_t)i : UINT32_MAX;
}

static bool
is_set(const struct weir_value *config, const char *key)
{
    bool b = false;
    return host->get_bool(host->get(config, text_of(key)), &b) && b;
}

static void
take_limits(const struct weir_value *config, struct http_node *n)
{
    const struct weir_value *timeouts = host->get(config, WEIR_TEXT("timeouts"));
    int64_t max_body = 0;
    (void)host->get_int(host->get(config, WEIR_TEXT("max_body")), &max_body);
    n->basis = (struct weir_http_request){
        .size = sizeof n->basis,
        .flags = WEIR_HTTP_ANSWER,
        .max_redirects = number(config, "max_redirects"),
        .connect_ms = number(timeouts, "connect"),
        .first_byte_ms = number(timeouts, "first_byte"),
        .whole_ms = number(timeouts, "whole"),
        .pool = number(config, "pool"),
        .max_body = max_body > 0 ? (uint64_t)max_body : 0,
    };
    if (is_set(config, "stream"))
        n->basis.flags |= WEIR_HTTP_STREAM;
    if (is_set(config, "follow"))
        n->basis.flags |= WEIR_HTTP_FOLLOW;
    if (n->untrusted)
        n->basis.flags |= WEIR_HTTP_UNTRUSTED;
}

static enum parse
parse_of(const struct weir_value *config)
{
    static const char *const names[] = { [PARSE_AUTO] = "auto",
                                         [PARSE_JSON] = "json",
                                         [PARSE_TEXT] = "text",
                                         [PARSE_BYTES] = "bytes" };
    struct weir_text text;
    if (host->get_text(host->get(config, WEIR_TEXT("parse")), &text))
        for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
            if (text_same(text, text_of(names[i])))
                return (enum parse)i;
    return PARSE_AUTO;
}

static uint32_t
take_all(struct weir_open *open, const struct weir_value *config, struct http_node *n,
         struct weir_error *err)
{
    if (take_url(open, config, n, err) != WEIR_OK || take_body(open, config, n, err) != WEIR_OK)
        return err->code;
    n->method = piece_under(open, "", config, "method");
    n->query = piece_under(open, "", config, "query");
    headers_open(open, config, n);
    n->tls = piece_under(open, "", config, "tls");
    n->allow_hosts = piece_under(open, "", config, "allow_hosts");
    n->parse = parse_of(config);
    take_limits(config, n);
    n->lends = is_still(open, &n->path) && is_still(open, &n->query) && is_still(open, &n->headers) &&
               is_still(open, &n->body) && is_still(open, &n->method) && is_still(open, &n->url) &&
               (n->url.slot == 0 || host->get(config, WEIR_TEXT("base_url")) != NULL);
    n->based = host->get(config, WEIR_TEXT("base_url")) != NULL;
    const struct weir_value *sign = host->get(config, WEIR_TEXT("sign"));
    if (sign != NULL && sign_new(open, sign, &n->sign, err) != WEIR_OK)
        return err->code;
    if (take_statuses(host->get(config, WEIR_TEXT("fail_on")), &n->fail_on, err) != WEIR_OK)
        return err->code;
    return take_statuses(host->get(config, WEIR_TEXT("ok")), &n->ok, err);
}

uint32_t
http_open(struct weir_open *open, const struct weir_value *config, void **ret_conf,
          struct weir_error *err)
{
    struct http_node *n = zeroed(1, sizeof *n);
    uint32_t code = take_all(open, config, n, err);
    if (code == WEIR_OK)
        *ret_conf = n;
    else
        http_close(n);
    return code;
}

void
http_close(void *conf)
{
    struct http_node *n = conf;
    struct piece *const pieces[] = { &n->method,  &n->url,  &n->path, &n->query,
                                     &n->body,   &n->tls,  &n->allow_hosts };
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++)
        piece_drop(pieces[i]);
    headers_close(n);
    host->unref(&n->made_body);
    sign_free(n->sign);
    free(n);
}

uint32_t
http_effect_of(const struct weir_value *config)
{
    struct weir_text method = WEIR_TEXT("GET");
    for (size_t i = 0; i < N_BODIES; i++)
        if (host->get(config, text_of(bodies[i].key)) != NULL)
            method = WEIR_TEXT("POST");
    (void)host->get_text(host->get(config, WEIR_TEXT("method")), &method);
    if (text_same(method, WEIR_TEXT("PUT")) || text_same(method, WEIR_TEXT("DELETE")))
        return WEIR_EFFECT_IDEMPOTENT;
    return is_repeatable(method) ? WEIR_EFFECT_NONE : WEIR_EFFECT_UNSAFE;
}

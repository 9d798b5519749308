/* net/client_redirect.c - answers that point elsewhere (RFC 9110 15.4).
 *
 * Where a redirect points was chosen by the other side: a server other than the one that was
 * asked for must be among the allowed hosts and have a public address, and is told no secrets.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "net/client_parts.h"

#define URL_MAX (16u << 10)

/* What a redirect needs of the request: copies of all that it points to. */
struct client_again {
    struct weir_http_request http; /* its texts point into MEMORY, or to URL */
    struct weir_header *headers;   /* those of HTTP, in MEMORY */
    struct buf url;
    unsigned left; /* redirects that may be followed */
    unsigned limit;
    char memory[];
};

static struct weir_text
copy(char **at, struct weir_text text)
{
    struct weir_text there = { *at, text.len };
    if (text.len > 0)
        memcpy(*at, text.bytes, text.len);
    *at += text.len;
    return there;
}

struct client_again *
client_again_new(const struct weir_http_request *http)
{
    size_t size = http->n_headers * sizeof(struct weir_header) + http->method.len;
    for (uint32_t i = 0; i < http->n_headers; i++)
        size += http->headers[i].name.len + http->headers[i].value.len;
    struct client_again *a = calloc(1, sizeof *a + size);
    if (a == NULL)
        abort();
    a->http = *http;
    a->headers = (struct weir_header *)(void *)a->memory;
    a->http.headers = a->headers;
    char *at = a->memory + http->n_headers * sizeof(struct weir_header);
    for (uint32_t i = 0; i < http->n_headers; i++) {
        a->headers[i].name = copy(&at, http->headers[i].name);
        a->headers[i].value = copy(&at, http->headers[i].value);
    }
    a->http.method = copy(&at, http->method);
    buf_init(&a->url, URL_MAX);
    (void)buf_text(&a->url, http->url);
    a->http.url = buf_content(&a->url);
    a->limit = a->left = http->max_redirects != 0 ? http->max_redirects : CLIENT_REDIRECTS;
    const struct weir_value *const kept[] = { http->body, http->tls, http->allow_hosts };
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        if (kept[i] != NULL)
            (void)value_ref(kept[i]);
    return a;
}

void
client_again_free(struct client_again **ptr)
{
    struct client_again *a = *ptr;
    if (a == NULL)
        return;
    *ptr = NULL;
    value_unref(&a->http.body);
    value_unref(&a->http.tls);
    value_unref(&a->http.allow_hosts);
    buf_fini(&a->url);
    free(a);
}

bool
client_follows(const struct client_call *call, unsigned status)
{
    return call->again != NULL &&
           (status == 301 || status == 302 || status == 303 || status == 307 || status == 308);
}

static struct weir_text
without_dot(struct weir_text host)
{
    if (host.len > 0 && host.bytes[host.len - 1] == '.')
        host.len--;
    return host;
}

static bool
same_text(struct weir_text a, struct weir_text b)
{
    return a.len == b.len && strncasecmp(a.bytes, b.bytes, a.len) == 0;
}

bool
client_host_allowed(const struct weir_value *allowed, struct weir_text host)
{
    host = without_dot(host);
    const struct weir_value *item;
    for (size_t i = 0; host.len > 0 && (item = value_at(allowed, i)) != NULL; i++) {
        struct weir_text name = without_dot(value_as_text(item));
        bool any = name.len > 2 && name.bytes[0] == '*' && name.bytes[1] == '.';
        if (!any && same_text(name, host))
            return true;
        struct weir_text suffix = { name.bytes + 1, name.len - 1 };
        if (any && host.len > suffix.len &&
            same_text(suffix,
                      (struct weir_text){ host.bytes + host.len - suffix.len, suffix.len }))
            return true;
    }
    return false;
}

/* Whether a header may hold what only the server that was asked may know. */
static bool
is_secret(struct weir_text name)
{
    static const char *const parts[] = { "auth",    "cookie", "token",     "secret",
                                         "api-key", "apikey", "signature", "password" };
    char lower[64];
    size_t len = name.len < sizeof lower - 1 ? name.len : sizeof lower - 1;
    for (size_t i = 0; i < len; i++)
        lower[i] = name.bytes[i] >= 'A' && name.bytes[i] <= 'Z' ? (char)(name.bytes[i] | 0x20)
                                                                : name.bytes[i];
    lower[len] = '\0';
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (strstr(lower, parts[i]) != NULL)
            return true;
    return false;
}

/* Drops the headers of which DROP says so; returns whether there were any. */
static bool
drop_headers(struct client_again *a, bool (*drop)(struct weir_text name))
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < a->http.n_headers; i++)
        if (!drop(a->headers[i].name))
            a->headers[kept++] = a->headers[i];
    bool any = kept < a->http.n_headers;
    a->http.n_headers = kept;
    return any;
}

static bool
is_host(struct weir_text name)
{
    return same_text(name, TEXT("host"));
}

static bool
is_content(struct weir_text name)
{
    return name.len >= 8 && strncasecmp(name.bytes, "content-", 8) == 0;
}

/* A GET, or the HEAD that it was, without a body. */
static void
become_get(struct client_again *a)
{
    if (!text_is(a->http.method, "HEAD"))
        a->http.method = TEXT("GET");
    value_unref(&a->http.body);
    (void)drop_headers(a, is_content);
}

/* What the rules say of a way from FROM to TO. */
static enum weir_code
check_way(struct client_again *a, const struct url *from, const struct url *to,
          struct weir_error *err)
{
    bool same_host = same_text(from->host, to->host);
    bool same = same_host && from->tls == to->tls && from->port == to->port;
    bool upgrade = same_host && !from->tls && from->port == 80 && to->tls && to->port == 443;
    (void)drop_headers(a, is_host);
    if (same)
        return WEIR_OK;
    bool secrets = drop_headers(a, is_secret);
    if (from->tls && !to->tls && secrets)
        return err_set(err, WEIR_FORBIDDEN,
                       "a redirect from https to http is not followed with credentials");
    if (!upgrade)
        a->http.flags |= WEIR_HTTP_UNTRUSTED;
    return WEIR_OK;
}

/* The request that follows the answer of CALL. */
static enum weir_code
next_request(struct client_call *call, struct weir_error *err)
{
    struct client_again *a = call->again;
    if (a->left-- == 0)
        return err_set(err, WEIR_UPSTREAM, "more than %u redirects", a->limit);
    struct buf url;
    buf_init(&url, URL_MAX);
    struct url from;
    struct url to;
    enum weir_code code = url_resolve(a->http.url, buf_content(&call->location), &url, err);
    if (code == WEIR_OK)
        code = url_parse(buf_content(&url), &to, err);
    if (code != WEIR_OK) {
        err_in(err, "it redirects to a bad place");
        err->code = WEIR_UPSTREAM;
    }
    if (code == WEIR_OK)
        code = url_parse(a->http.url, &from, err);
    if (code == WEIR_OK)
        code = check_way(a, &from, &to, err);
    buf_fini(&a->url);
    a->url = url;
    a->http.url = buf_content(&a->url);
    if (code != WEIR_OK)
        return (enum weir_code)err->code;

    bool post = text_is(a->http.method, "POST");
    if (call->status == 303 || ((call->status == 301 || call->status == 302) && post))
        become_get(a);
    if (a->http.body != NULL && a->http.body->type == WEIR_STREAM)
        return err_set(
            err, WEIR_UPSTREAM,
            "it redirects a request whose body is a stream and cannot be sent again");
    return WEIR_OK;
}

void
client_redirect(struct client_call *call)
{
    struct weir_error err;
    if (next_request(call, &err) != WEIR_OK) {
        client_fail_with(call, (enum weir_code)err.code, "%s", err.text);
        return;
    }
    client_upload_close(call);
    client_answer_reset(call);
    value_unref(&call->body);
    struct upstream *from = call->upstream;
    call->upstream = NULL;
    client_enter(call, CALL_NEW);
    call->untrusted = call->again->http.flags & WEIR_HTTP_UNTRUSTED;
    call->repeatable = call->again->http.flags & WEIR_HTTP_REPEATABLE;
    call->retried = call->upload_begun = false;
    bool good = client_start(call, &call->again->http, &err) == WEIR_OK;
    if (call->upstream == NULL)
        call->upstream = from; /* it is the one that is reported */
    else
        upstream_leave(&from);
    if (good)
        upstream_serve(call, false);
    else
        client_fail(call, &err);
}

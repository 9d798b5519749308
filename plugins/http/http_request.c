/* http/http_request.c - from a node to a request: see http.h.
 *
 * What the author's headers say wins over what would be added here.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http.h"
#include "http_sign.h"

static char *
put(char *at, struct weir_text text)
{
    if (text.len > 0)
        memcpy(at, text.bytes, text.len);
    return at + text.len;
}

uint32_t
evaluate_or_lent(struct weir_call *call, const struct http_node *n, const struct piece *p, struct weir_text key,
                 const struct weir_value **ret, struct weir_error *err)
{
    const struct weir_value *lent = NULL;
    if (n->lends && p->slot == 0 && p->constant == NULL)
        lent = host->lent(call, key);
    if (lent == NULL)
        return piece_eval(call, p, ret, err);
    *ret = host->ref(lent);
    return WEIR_OK;
}

/* How many bytes at AT stand for the character C, percent-encoded or not; 0: it is another one. */
static size_t
stands_for(struct weir_text path, size_t at, char c)
{
    if (path.bytes[at] == c)
        return 1;
    char code[4];
    (void)snprintf(code, sizeof code, "%%%02x", (unsigned)c);
    return path.len - at >= 3 && strncasecmp(path.bytes + at, code, 3) == 0 ? 3 : 0;
}

/* Whether PATH, up to its query, has a segment . or .., also for a server that takes %2f or \ as /. */
static bool
has_dots(struct weir_text path)
{
    unsigned dots = 0;  /* in this segment */
    bool other = false; /* something besides is in it */
    for (size_t i = 0, n; i < path.len && path.bytes[i] != '?'; i += n) {
        bool slash = (n = stands_for(path, i, '/')) > 0 || (n = stands_for(path, i, '\\')) > 0;
        if (slash && !other && (dots == 1 || dots == 2))
            return true;
        if (!slash && (n = stands_for(path, i, '.')) == 0)
            n = 1, other = true;
        else if (!slash)
            dots++;
        if (slash)
            dots = 0, other = false;
    }
    return !other && (dots == 1 || dots == 2);
}

/* A path that who asks has given: what it is must not be another server, nor a way up from the base. */
static uint32_t
lent_path(struct weir_call *call, const struct http_node *n, struct weir_text *path, struct weir_error *err)
{
    const struct weir_value *v = NULL;
    struct weir_text text;
    if (!n->based || evaluate_or_lent(call, n, &n->path, WEIR_TEXT("path"), &v, err) != WEIR_OK)
        return err->code;
    bool good = v == NULL || (host->type(v) == WEIR_STRING && host->get_text(v, &text));
    if (good && v != NULL) {
        char *copy = host->alloc(call, text.len + 1);
        put(copy, text);
        *path = (struct weir_text){ copy, text.len };
        good = !has_dots(*path);
        for (size_t i = 0; i < text.len; i++) /* no second line of the request */
            good = good && (unsigned char)text.bytes[i] > 32 && text.bytes[i] != 127 && text.bytes[i] != '\\' && text.bytes[i] != '#';
    }
    host->unref(&v);
    return good ? WEIR_OK : refuse(err, WEIR_INVALID, "'path' must be a text such as /users/7, percent-encoded, without the segments . and ..");
}

/* The same as text, which lives as long as the call or the node. */
static uint32_t
evaluate_text(struct weir_call *call, const struct piece *p, struct weir_text *ret,
              struct weir_error *err)
{
    if (p->slot != 0)
        return host->eval_text(call, p->slot, ret, err);
    if (p->constant != NULL)
        (void)host->get_text(p->constant, ret);
    return WEIR_OK;
}

/* -- the URL -- */

/* Base and path: exactly one / between them. */
static uint32_t
join_path(struct weir_call *call, struct weir_text path, struct weir_text *url,
          struct weir_error *err)
{
    if (path.len == 0)
        return WEIR_OK;
    if (path.bytes[0] != '/')
        return refuse(err, WEIR_INVALID, "'path' must start with /");
    while (url->len > 0 && url->bytes[url->len - 1] == '/')
        url->len--;
    char *bytes = host->alloc(call, url->len + path.len + 1);
    put(put(bytes, *url), path);
    *url = (struct weir_text){ bytes, url->len + path.len };
    return WEIR_OK;
}

/* Adds the pairs of the query behind what the URL has already. */
static uint32_t
join_query(struct weir_call *call, const struct weir_value *query, struct weir_text *url,
           struct weir_error *err)
{
    size_t len;
    if (pairs_write(query, NULL, &len, err) != WEIR_OK)
        return err->code;
    if (len == 0)
        return WEIR_OK;
    char *bytes = host->alloc(call, url->len + len + 2);
    bool has_query = memchr(url->bytes, '?', url->len) != NULL;
    char *at = put(put(bytes, *url), has_query ? WEIR_TEXT("&") : WEIR_TEXT("?"));
    *url = (struct weir_text){ bytes, (size_t)(at - bytes) + len };
    return pairs_write(query, at, &len, err);
}

static uint32_t
make_url(struct weir_call *call, const struct http_node *n, struct request *r,
         struct weir_error *err)
{
    struct weir_text url = { "", 0 };
    struct weir_text path = { "", 0 };
    if (lent_check(call, n, may_have_body(r->http.method), err) != WEIR_OK ||
        evaluate_text(call, &n->url, &url, err) != WEIR_OK ||
        evaluate_text(call, &n->path, &path, err) != WEIR_OK ||
        (n->lends && path.len == 0 && lent_path(call, n, &path, err) != WEIR_OK) ||
        join_path(call, path, &url, err) != WEIR_OK)
        return err->code;
    r->http.url = url;
    const struct weir_value *query = NULL;
    if (evaluate_or_lent(call, n, &n->query, WEIR_TEXT("query"), &query, err) != WEIR_OK)
        return err->code;
    if (query == NULL)
        return WEIR_OK;
    uint32_t code = join_query(call, query, &r->http.url, err);
    host->unref(&query);
    return code;
}

/* -- the key -- */

/* An idempotent request carries its key (draft-ietf-httpapi-idempotency-key-header: a string).
 */
static void
add_key(struct weir_call *call, struct request *r)
{
    struct weir_text key = host->idempotency_key(call);
    if (key.len == 0)
        return;
    r->http.flags |= WEIR_HTTP_REPEATABLE;
    if (has_header(r, "idempotency-key"))
        return;
    char *quoted = host->alloc(call, key.len + 2);
    put(put(put(quoted, WEIR_TEXT("\"")), key), WEIR_TEXT("\""));
    add_header(r, "Idempotency-Key", (struct weir_text){ quoted, key.len + 2 });
}

/* -- the body -- */

static uint32_t
make_form(const struct weir_value *v, const struct weir_value **ret, struct weir_error *err)
{
    size_t len;
    if (pairs_write(v, NULL, &len, err) != WEIR_OK)
        return err->code;
    char *bytes = malloc(len + 1);
    if (bytes == NULL)
        abort();
    (void)pairs_write(v, bytes, &len, err); /* what could be measured can be written */
    *ret = host->string((struct weir_text){ bytes, len });
    free(bytes);
    return WEIR_OK;
}

uint32_t
body_make(enum form form, const struct weir_value *v, const struct weir_value **ret,
          struct weir_error *err)
{
    uint32_t type = host->type(v);
    if (form == JSON_BODY)
        return host->json_write(v, ret, err);
    if (form == FORM_BODY)
        return make_form(v, ret, err);
    if (type == WEIR_NULL)
        return WEIR_OK;
    if (type == WEIR_STRING || type == WEIR_BYTES || type == WEIR_STREAM) {
        *ret = host->ref(v);
        return WEIR_OK;
    }
    if (form == TEXT_BODY)
        return refuse(err, WEIR_INVALID, "'text' must be a text");
    return host->json_write(v, ret, err);
}

/* The media type that is sent if the author's headers name none; empty: none. */
static struct weir_text
media_type(enum form form, const struct weir_value *body)
{
    if (form == JSON_BODY)
        return WEIR_TEXT("application/json");
    if (form == FORM_BODY)
        return WEIR_TEXT("application/x-www-form-urlencoded");
    if (form == TEXT_BODY)
        return WEIR_TEXT("text/plain; charset=utf-8");
    if (host->type(body) == WEIR_LIST || host->type(body) == WEIR_MAP)
        return WEIR_TEXT("application/json");
    return WEIR_TEXT("application/octet-stream");
}

static uint32_t
make_body(struct weir_call *call, const struct http_node *n, struct request *r,
          struct weir_error *err)
{
    const struct weir_value *v = NULL;
    enum form form = n->form;
    if (form == NO_BODY && n->lends && may_have_body(r->http.method) &&
        (v = host->lent(call, WEIR_TEXT("json"))) != NULL) {
        v = host->ref(v);
        form = JSON_BODY;
    }
    if (form == NO_BODY)
        return WEIR_OK;
    if (v == NULL && piece_eval(call, &n->body, &v, err) != WEIR_OK)
        return err->code;
    uint32_t code = WEIR_OK;
    if (n->made_body != NULL)
        r->body = host->ref(n->made_body);
    else
        code = body_make(form, v, &r->body, err);
    r->http.body = r->body;
    if (code == WEIR_OK && r->body != NULL && !has_header(r, "content-type"))
        add_header(r, "Content-Type", media_type(form, v));
    host->unref(&v);
    return code;
}

static uint32_t
make_rest(struct weir_call *call, const struct http_node *n, struct request *r,
          struct weir_error *err)
{
    if (piece_eval(call, &n->tls, &r->tls, err) != WEIR_OK ||
        piece_eval(call, &n->allow_hosts, &r->allow_hosts, err) != WEIR_OK)
        return err->code;
    r->http.tls = r->tls;
    r->http.allow_hosts = r->allow_hosts;
    return WEIR_OK;
}

uint32_t
request_make(struct weir_call *call, const struct http_node *n, struct request *ret,
             struct weir_error *err)
{
    *ret = (struct request){ .http = n->basis };
    ret->http.method = n->form == NO_BODY ? WEIR_TEXT("GET") : WEIR_TEXT("POST");
    if (evaluate_text(call, &n->method, &ret->http.method, err) != WEIR_OK ||
        make_url(call, n, ret, err) != WEIR_OK || headers_make(call, n, ret, err) != WEIR_OK ||
        make_body(call, n, ret, err) != WEIR_OK || make_rest(call, n, ret, err) != WEIR_OK)
        return err->code;
    if (is_repeatable(ret->http.method))
        ret->http.flags |= WEIR_HTTP_REPEATABLE;
    add_key(call, ret);
    return n->sign != NULL ? sign_add(call, n->sign, ret, err) : WEIR_OK;
}

void
request_drop(struct request *r)
{
    headers_drop(r);
    host->unref(&r->body);
    host->unref(&r->tls);
    host->unref(&r->allow_hosts);
}

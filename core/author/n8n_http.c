/* author/n8n_http.c - HTTP requests of n8n, old and new, and its answers to webhooks.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "author/n8n_impl.h"

/* A list of { name, value } as a map; NULL if there is none. */
static struct out *
pairs(struct step *s, const struct weir_value *list)
{
    struct arena *a = &s->w->arena;
    const struct weir_value *one;
    if (list == NULL || list->type != WEIR_LIST || list->len == 0)
        return NULL;
    struct out *map = out_map(a);
    for (size_t i = 0; (one = value_at(list, i)) != NULL; i++) {
        const struct weir_value *name = value_field(one, "name"),
                                *value = value_field(one, "value");
        struct weir_text key = name != NULL ? value_as_text(name) : TEXT("");
        if (key.len > 0)
            out_set(a, map, key, value != NULL ? step_value(s, value) : out_text(a, TEXT("")));
    }
    return map->first != NULL ? map : NULL;
}

/* The first of some parameters that is a list of pairs. */
static struct out *
pairs_of(struct step *s, const char *const *paths)
{
    struct out *map = NULL;
    for (; *paths != NULL && map == NULL; paths++)
        map = pairs(s, param(s->node, *paths));
    return map;
}

static void
put(struct step *s, struct out *map, const char *key, struct out *value)
{
    if (value != NULL)
        out_set(&s->w->arena, map, text_of(key), value);
}

/* JSON that was written as one text, if it is wanted as such. */
static struct out *
json_of(struct step *s, const char *path)
{
    struct weir_text text = param_text(s->node, path);
    return text.len > 0 ? step_json(s, text) : NULL;
}

static struct weir_text
method_of(struct step *s)
{
    struct weir_text method = param_text(s->node, "method");
    if (method.len == 0)
        method = param_text(s->node, "requestMethod");
    char *copy = arena_copy(&s->w->arena, method.bytes, method.len);
    if (copy == NULL)
        abort();
    for (size_t i = 0; i < method.len; i++)
        copy[i] = (char)toupper((unsigned char)copy[i]);
    bool plain = method.len > 0 && method.len < 20 &&
                 strspn(copy, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == method.len;
    return plain ? (struct weir_text){ copy, method.len } : TEXT("GET");
}

static void
put_body(struct step *s, struct out *http)
{
    static const char *const lists[] = { "bodyParameters/parameters",
                                         "bodyParametersUi/parameter", NULL };
    const struct n8n_node *n = s->node;
    if (s->node->version >= 3 && !param_true(n, "sendBody"))
        return;
    struct weir_text type = param_text(n, "contentType");
    if (type.len == 0)
        type = param_text(n, "options/bodyContentType");
    bool form = text_is(type, "form-urlencoded");
    if (param_is(n, "specifyBody", "json", "") || param_true(n, "jsonParameters")) {
        struct out *json = json_of(s, "jsonBody");
        put(s, http, "json", json != NULL ? json : json_of(s, "bodyParametersJson"));
    } else if (text_is(type, "raw")) {
        struct weir_text text = param_text(n, "body");
        struct weir_text media = param_text(n, "rawContentType");
        if (memmem(media.bytes, media.len, "json", 4) != NULL)
            put(s, http, "json", text.len > 0 ? step_json(s, text) : NULL);
        else
            step_set(s, http, "text", param(n, "body"));
    } else if (text_is(type, "multipart-form-data") || text_is(type, "binaryData")) {
        step_note_todo(s, s->map, "its body of files has no counterpart");
    } else {
        put(s, http, form ? "form" : "json", pairs_of(s, lists));
    }
}

/* Credentials become a header that a secret is put into. */
static void
put_credentials(struct step *s, struct out **headers)
{
    struct n8n *w = s->w;
    const struct n8n_node *n = s->node;
    struct weir_text how = param_text(n, "authentication");
    if (how.len == 0 || text_is(how, "none"))
        return;
    struct weir_text kind = param_text(n, "genericAuthType");
    if (kind.len == 0)
        kind = param_text(n, "nodeCredentialType");
    if (kind.len == 0)
        kind = how;
    char secret[40];
    size_t len = 0;
    bool letters = false;
    for (size_t i = 0; i < kind.len && len < sizeof secret - 1; i++)
        if (isalnum((unsigned char)kind.bytes[i]) && (unsigned char)kind.bytes[i] < 0x80) {
            letters |= isalpha((unsigned char)kind.bytes[i]) != 0;
            if (letters)
                secret[len++] = (char)toupper((unsigned char)kind.bytes[i]);
        }
    secret[len] = '\0';
    if (len == 0)
        strcpy(secret, "CREDENTIAL");
    bool basic = text_is(kind, "httpBasicAuth") || text_is(kind, "basicAuth");
    bool query = text_is(kind, "httpQueryAuth");
    if (*headers == NULL)
        *headers = out_map(&w->arena);
    out_set(&w->arena, *headers, TEXT("Authorization"),
            out_text(&w->arena, text_of(n8n_printf(w, "%s${ secrets.%s }",
                                                   basic   ? "Basic "
                                                   : query ? ""
                                                           : "Bearer ",
                                                   secret))));
    n8n_note(w, s->node,
             n8n_printf(w,
                        "its credentials are the secret %s: WEIR_SECRET_%s%s; look at how the "
                        "service wants them",
                        secret, secret, basic ? ", base64 of user:password" : ""));
    n8n_fate(s->node, FATE_PARTLY);
}

static void
put_options(struct step *s, struct out *http)
{
    struct n8n *w = s->w;
    const struct n8n_node *n = s->node;
    const struct weir_value *ms = param(n, "options/timeout");
    if (param(n, "options/redirect") != NULL || param_true(n, "options/followRedirect"))
        out_set(&w->arena, http, TEXT("follow"), out_plain(&w->arena, "true"));
    if (ms != NULL && ms->type == WEIR_INT && ms->integer > 0 && ms->integer < 86400000)
        out_set(&w->arena, s->map, TEXT("timeout"), step_duration(s, ms->integer));
    if (param(n, "options/pagination") != NULL)
        step_note_todo(s, s->map, "its pagination has no counterpart");
    if (param_true(n, "allowUnauthorizedCerts") ||
        param_true(n, "options/allowUnauthorizedCerts"))
        n8n_note(w, s->node, "it takes any certificate; here a certificate is checked");
}

/* The URL; one that is an expression as a whole is taken as it is. */
static struct out *
url_of(struct step *s)
{
    struct n8n *w = s->w;
    struct weir_text text = param_text(s->node, "url");
    if (text.len == 0)
        return out_text(&w->arena, TEXT("http://127.0.0.1/"));
    struct out *url = step_text(s, text);
    bool scheme = memmem(url->text.bytes, url->text.len, "://", 3) != NULL;
    if (url->text.bytes[0] != '$' && !scheme)
        return out_text(&w->arena, text_of(n8n_printf(w, "http://%.*s", (int)url->text.len,
                                                      url->text.bytes)));
    return url;
}

void
n8n_http(struct step *s)
{
    static const char *const queries[] = { "queryParameters/parameters",
                                           "queryParametersUi/parameter", NULL };
    static const char *const heads[] = { "headerParameters/parameters",
                                         "headerParametersUi/parameter", NULL };
    struct n8n *w = s->w;
    struct out *step = step_begin(s), *http = out_map(&w->arena);
    n8n_fate(s->node, FATE_MAPPED);
    out_set(&w->arena, step, TEXT("http"), http);
    out_set(&w->arena, http, TEXT("method"), out_text(&w->arena, method_of(s)));
    out_set(&w->arena, http, TEXT("url"), url_of(s));
    struct out *query = pairs_of(s, queries), *headers = pairs_of(s, heads);
    if (query == NULL && param_true(s->node, "jsonParameters"))
        query = json_of(s, "queryParametersJson");
    if (headers == NULL && (param_true(s->node, "jsonParameters") ||
                            param_is(s->node, "specifyHeaders", "json", "")))
        headers =
            json_of(s, param(s->node, "jsonHeaders") ? "jsonHeaders" : "headerParametersJson");
    put(s, http, "query", query != NULL && query->kind == OUT_MAP ? query : NULL);
    if (headers != NULL && headers->kind != OUT_MAP)
        headers = NULL;
    put_credentials(s, &headers);
    put(s, http, "headers", headers);
    put_body(s, http);
    put_options(s, http);
    bool whole = param_true(s->node, "options/response/response/fullResponse") ||
                 param_true(s->node, "options/fullResponse");
    if (whole)
        s->data.shape = JS_ANSWER;
    else
        s->data.text = n8n_printf(w, "%s.body", s->data.text);
}

/* The headers of an answer: a list of { name, value }. */
static void
put_headers(struct step *s, struct out *reply)
{
    static const char *const heads[] = { "options/responseHeaders/entries", NULL };
    put(s, reply, "headers", pairs_of(s, heads));
}

void
n8n_respond(struct step *s)
{
    struct n8n *w = s->w;
    const struct n8n_node *n = s->node;
    s->map = step_extra(s);
    s->data = s->in;
    struct out *reply = out_set(&w->arena, s->map, TEXT("reply"), out_map(&w->arena));
    const struct weir_value *code = param(n, "options/responseCode");
    struct weir_text body = param_text(n, "responseBody"), url = param_text(n, "redirectURL");
    n8n_fate(s->node, FATE_MAPPED);
    if (code != NULL && code->type == WEIR_INT && code->integer >= 200 && code->integer < 600)
        step_set(s, reply, "status", code);
    else if (code != NULL && code->type == WEIR_STRING)
        out_set(&w->arena, reply, TEXT("status"),
                step_expression(s, n8n_printf(w, "int(%s)", step_operand(s, code, true))));
    put_headers(s, reply);
    if (param_is(n, "respondWith", "json", "firstIncomingItem"))
        put(s, reply, "json", body.len > 0 ? step_json(s, body) : NULL);
    else if (param_is(n, "respondWith", "text", "firstIncomingItem"))
        put(s, reply, "text", step_text(s, body));
    else if (param_is(n, "respondWith", "noData", "firstIncomingItem"))
        put(s, reply, "status", reply->first == NULL ? out_plain(&w->arena, "204") : NULL);
    else if (param_is(n, "respondWith", "redirect", "firstIncomingItem")) {
        if (code == NULL)
            out_set(&w->arena, reply, TEXT("status"), out_plain(&w->arena, "302"));
        struct out *headers = out_get(reply, "headers");
        if (headers == NULL)
            headers = out_set(&w->arena, reply, TEXT("headers"), out_map(&w->arena));
        out_set(&w->arena, headers, TEXT("Location"), step_text(s, url));
    } else if (param_is(n, "respondWith", "binary", "firstIncomingItem") ||
               param_is(n, "respondWith", "jwt", "firstIncomingItem"))
        step_note_todo(s, s->map, "what it answers has no counterpart");
    else
        put(s, reply, "json",
            step_expression(s, s->in.text == NULL          ? "input"
                               : s->in.shape == JS_REQUEST ? "request.body"
                                                           : s->in.text));
}

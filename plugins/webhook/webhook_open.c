/* webhook/webhook_open.c - from the configuration to a route: see README.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth.h"
#include "headers.h"
#include "verify.h"
#include "webhook_open.h"

uint32_t
refuse(struct weir_error *err, uint32_t code, const char *fmt, ...)
{
    va_list args;
    err->code = code;
    va_start(args, fmt);
    vsnprintf(err->text, sizeof err->text, fmt, args);
    va_end(args);
    return code;
}

static bool
holds(const struct texts *t, struct weir_text want)
{
    for (uint32_t i = 0; i < t->n; i++)
        if (text_same(t->items[i], want))
            return true;
    return false;
}

/* Registers the route; for preflights it takes OPTIONS besides. */
static uint32_t
add_route(struct weir_open *open, const struct webhook *w, struct weir_error *err)
{
    struct weir_route route = { .size = sizeof route };
    int64_t max_body;
    (void)host->get_text(host->get(w->config, WEIR_TEXT("path")), &route.path);
    if (host->get_int(host->get(w->config, WEIR_TEXT("max_body")), &max_body) && max_body > 0)
        route.max_body = (uint64_t)max_body;
    struct weir_text *methods = calloc(w->methods.n + 1, sizeof *methods);
    if (methods == NULL)
        abort();
    memcpy(methods, w->methods.items, w->methods.n * sizeof *methods);
    route.methods = methods;
    route.n_methods = w->methods.n;
    route.headers = w->headers;
    route.n_headers = w->n_headers;
    if (w->cors != NULL && !holds(&w->methods, WEIR_TEXT("OPTIONS")))
        methods[route.n_methods++] = WEIR_TEXT("OPTIONS");
    uint32_t code = host->route(open, &route, err);
    free(methods);
    return code;
}

/* The counter of what is refused, one for all webhooks. */
static uint32_t
make_metric(struct weir_open *open, struct webhook *w, struct weir_error *err)
{
    static const struct weir_metric rejected = {
        .size = sizeof rejected,
        .kind = WEIR_COUNTER,
        .name = "weir_webhook_rejected_total",
        .help = "Requests that a webhook refused, by the code of the error.",
        .labels = "pipeline reason",
    };
    struct weir_text name = host->pipeline_name(open);
    w->pipeline = strndup(name.bytes, name.len);
    if (w->pipeline == NULL)
        abort();
    w->rejected = host->metric(open, &rejected, err);
    return w->rejected != 0 ? WEIR_OK : err->code;
}

/* Only what is a secret can be an expression: all else is set up before any event. */
static uint32_t
check_fixed(struct weir_open *open, const struct webhook *w, struct weir_error *err)
{
    struct weir_text key;
    const struct weir_value *value;
    char pointer[80];
    for (size_t i = 0; host->member(w->config, i, &key, &value); i++) {
        (void)snprintf(pointer, sizeof pointer, "/%.*s", (int)(key.len < 60 ? key.len : 60), key.bytes);
        uint32_t slot = host->slot(open, pointer);
        bool own = text_same(key, WEIR_TEXT("verify")) || text_same(key, WEIR_TEXT("auth")); /* look themselves */
        if (!own && slot != 0 && (host->slot_flags(open, slot) & WEIR_SLOT_CONSTANT) == 0)
            return refuse(err, WEIR_INVALID, "no expression can stand in a webhook's '%.*s': it is set up before any "
                          "event", (int)key.len, key.bytes);
    }
    return WEIR_OK;
}

static uint32_t
take_auth(struct weir_open *open, struct webhook *w, struct weir_error *err)
{
    const struct weir_value *config = NULL;
    uint32_t slot = host->slot(open, "/auth");
    if (slot == 0)
        return WEIR_OK;
    uint32_t code = host->constant(open, slot, &config, err);
    bool everybody = code == WEIR_OK && host->get(config, WEIR_TEXT("open")) != NULL;
    if (everybody && host->len(config) > 1)
        code = refuse(err, WEIR_INVALID, "auth: 'open' lets everybody in, so nothing else can be asked for");
    else if (code == WEIR_OK && !everybody)
        code = auth_new(open, config, &w->auth, err);
    host->unref(&config);
    return code;
}

static uint32_t
take_all(struct weir_open *open, struct webhook *w, struct weir_error *err)
{
    if (check_fixed(open, w, err) != WEIR_OK)
        return err->code;
    w->methods = texts_of(host->get(w->config, WEIR_TEXT("methods")));
    w->types = texts_of(host->get(w->config, WEIR_TEXT("content_types")));
    w->allow = texts_joined(&w->methods);
    w->accept = texts_joined(&w->types);
    const struct weir_value *cors = host->get(w->config, WEIR_TEXT("cors"));
    if (cors != NULL && cors_new(cors, w, &w->cors, err) != WEIR_OK)
        return err->code;
    if (take_auth(open, w, err) != WEIR_OK)
        return err->code;
    const struct weir_value *verify = host->get(w->config, WEIR_TEXT("verify"));
    struct weir_text path = WEIR_TEXT("");
    (void)host->get_text(host->get(w->config, WEIR_TEXT("path")), &path);
    if (verify != NULL && verify_new(open, verify, path, &w->verify, err) != WEIR_OK)
        return err->code;
    if (headers_new(w, err) != WEIR_OK || make_metric(open, w, err) != WEIR_OK)
        return err->code;
    return add_route(open, w, err);
}

uint32_t
webhook_open(struct weir_open *open, const struct weir_value *config, void **ret_conf,
             struct weir_error *err)
{
    struct webhook *w = calloc(1, sizeof *w);
    if (w == NULL)
        abort();
    w->config = host->ref(config);
    uint32_t code = take_all(open, w, err);
    if (code == WEIR_OK)
        *ret_conf = w;
    else
        webhook_close(w);
    return code;
}

void
webhook_close(void *conf)
{
    struct webhook *w = conf;
    cors_free(w->cors);
    auth_free(&w->auth);
    verify_free(w->verify);
    free(w->methods.items);
    free(w->types.items);
    free(w->allow);
    free(w->accept);
    free(w->headers);
    host->unref(&w->strict);
    free(w->pipeline);
    host->unref(&w->config);
    free(w);
}

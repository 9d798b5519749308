/* webhook/webhook_open.c - from the configuration to a route: see README.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth.h"
#include "headers.h"
#include "verify.h"
#include "webhook_open.h"

/* Registers the route; for preflights it takes OPTIONS besides. */
static uint32_t
add_route(struct weir_open *open, const struct webhook *w, struct weir_error *err)
{
    struct weir_route route = { .size = sizeof route };
    int64_t max_body;
    (void)host->get_text(host->get(w->config, WEIR_TEXT("path")), &route.path);
    if (host->get_int(host->get(w->config, WEIR_TEXT("max_body")), &max_body) && max_body > 0)
        route.max_body = (uint64_t)max_body;
    struct weir_text *methods = cors_methods(w->cors, &w->methods, &route.n_methods);
    route.methods = methods;
    route.headers = w->headers;
    route.n_headers = w->n_headers;
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
    w->pipeline = text_copied(host->pipeline_name(open));
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
take_all(struct weir_open *open, struct webhook *w, struct weir_error *err)
{
    if (check_fixed(open, w, err) != WEIR_OK)
        return err->code;
    w->methods = texts_of(host->get(w->config, WEIR_TEXT("methods")));
    w->types = texts_of(host->get(w->config, WEIR_TEXT("content_types")));
    w->allow = texts_joined(&w->methods);
    w->accept = texts_joined(&w->types);
    const struct weir_value *cors = host->get(w->config, WEIR_TEXT("cors"));
    if (cors_new(cors, &w->methods, &w->cors, err) != WEIR_OK || auth_open(open, &w->auth, err) != WEIR_OK)
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
    struct webhook *w = zeroed(1, sizeof *w);
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

/* cli/serve_listen.c - where a server listens, and what the edge says of that to others.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "cli/listening.h"
#include "cli/serve.h"

#define PRELOAD_MS (365ull * 24 * 3600 * 1000)

static enum weir_code
take(struct server *s, enum handover_side side, struct edge_addresses *ret, struct weir_error *err)
{
    enum weir_code code = listening_addresses(s->setup->settings, side, ret, err);
    if (code != WEIR_OK)
        return code;
    listening_given(side, ret);
    code = edge_addresses_reserve(ret, err);
    return code == WEIR_OK ? WEIR_OK : err_in(err, side == HANDOVER_EDGE ? "edge" : "admin");
}

enum weir_code
server_take_edge_addresses(struct server *s, struct weir_error *err)
{
    return take(s, HANDOVER_EDGE, &s->edge_addresses, err);
}

enum weir_code
server_take_admin_addresses(struct server *s, struct weir_error *err)
{
    return take(s, HANDOVER_ADMIN, &s->admin_addresses, err);
}

/* Whether a URL of this SCHEME is set, and fits. */
static bool
is_url(struct weir_text url, const char *scheme)
{
    size_t len = strlen(scheme);
    return url.len > len && strncmp(url.bytes, scheme, len) == 0;
}

/* A URL of the address that serves best: over TLS if there is one. */
static void
default_url(struct server *s)
{
    const struct edge_addresses *all = &s->edge_addresses;
    unsigned i = edge_addresses_first(all, EDGE_TLS);
    bool tls = i < all->n;
    if (!tls)
        i = edge_addresses_first(all, EDGE_PLAIN);
    unsigned port = edge_addresses_port(all, i);
    char name[64] = "localhost";
    if (i < all->n)
        (void)address_text((const struct sockaddr *)&all->items[i].address, name, sizeof name);
    bool any = i == all->n || strcmp(name, "0.0.0.0") == 0 || strcmp(name, "::") == 0;
    bool six = !any && strchr(name, ':') != NULL;
    snprintf(s->public_url, sizeof s->public_url, "%s://%s%s%s:%u", tls ? "https" : "http", six ? "[" : "",
             any ? "localhost" : name, six ? "]" : "", port);
}

enum weir_code
server_read_public_url(struct server *s, struct weir_error *err)
{
    struct weir_text url = text_of(settings_text(s->setup->settings, "edge.public_url"));
    while (url.len > 0 && url.bytes[url.len - 1] == '/')
        url.len--;
    if (url.len == 0) {
        default_url(s);
        return WEIR_OK;
    }
    if ((!is_url(url, "http://") && !is_url(url, "https://")) || url.len >= sizeof s->public_url)
        return err_set(err, WEIR_INVALID, "edge.public_url: '%.60s' must be like https://hooks.example.org",
                       url.bytes);
    snprintf(s->public_url, sizeof s->public_url, "%.*s", (int)url.len, url.bytes);
    return WEIR_OK;
}

enum weir_code
server_read_redirect(struct server *s, struct weir_error *err)
{
    const struct settings *t = s->setup->settings;
    struct weir_text first;
    if (!settings_item(settings_text(t, "edge.redirect_listen"), 0, &first))
        return WEIR_OK;
    bool given = *settings_text(t, "edge.public_url") != '\0';
    if (given && !is_url(text_of(s->public_url), "https://"))
        return err_set(err, WEIR_INVALID,
                       "edge.redirect_listen sends everybody to edge.public_url, which must begin with https://");
    s->redirects = given;
    unsigned tls = edge_addresses_first(&s->edge_addresses, EDGE_TLS);
    s->redirect_port = tls < s->edge_addresses.n ? edge_addresses_port(&s->edge_addresses, tls) : 443;
    return WEIR_OK;
}

enum weir_code
server_read_hsts(struct server *s, struct weir_error *err)
{
    const struct settings *t = s->setup->settings;
    uint64_t age_ms = settings_number(t, "edge.hsts");
    bool below = settings_bool(t, "edge.hsts_subdomains");
    bool preload = settings_bool(t, "edge.hsts_preload");
    if (age_ms == 0 && (below || preload))
        return err_set(err, WEIR_INVALID, "edge.hsts is not set, which edge.hsts_%s goes with",
                       below ? "subdomains" : "preload");
    if (preload && (!below || age_ms < PRELOAD_MS))
        return err_set(err, WEIR_INVALID,
                       "edge.hsts_preload needs edge.hsts of at least 365d and edge.hsts_subdomains");
    if (age_ms > 0)
        snprintf(s->hsts, sizeof s->hsts, "max-age=%llu%s%s", (unsigned long long)(age_ms / 1000),
                 below ? "; includeSubDomains" : "", preload ? "; preload" : "");
    return WEIR_OK;
}

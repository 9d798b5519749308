/* cli/serve_tls.c - the certificates of a server: read at the start, at a reload, and when their
 * files change. SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "cli/serve.h"
#include "engine/metrics.h"

/* Between two looks at the files. */
#define LOOK_MS 3000u

/* So long before a certificate expires its name is in the log at each reading. */
#define WARN_DAYS 14

#define DAY_S 86400

/* Item number INDEX of a setting as a string of its own; NULL past the end. */
static char *
item(const struct settings *t, const char *key, unsigned index)
{
    struct weir_text text;
    if (!settings_item(settings_text(t, key), index, &text))
        return NULL;
    char *copy = strndup(text.bytes, text.len);
    if (copy == NULL)
        abort();
    return copy;
}

static void
drop_pairs(struct tls_pair *pairs, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        free((char *)(uintptr_t)pairs[i].cert);
        free((char *)(uintptr_t)pairs[i].key);
    }
}

/* Reads the two lists of files into PAIRS. */
static enum weir_code
read_pairs(const struct settings *t, struct tls_pair *pairs, unsigned *ret_n, struct weir_error *err)
{
    unsigned n = 0;
    for (;; n++) {
        char *cert = item(t, "edge.tls.cert", n);
        char *key = item(t, "edge.tls.key", n);
        if (cert == NULL && key == NULL)
            break;
        if (cert != NULL && key != NULL && n < TLS_CERTIFICATES_MAX) {
            pairs[n] = (struct tls_pair){ cert, key };
            continue;
        }
        bool many = cert != NULL && key != NULL;
        free(cert);
        free(key);
        drop_pairs(pairs, n);
        if (many)
            return err_set(err, WEIR_INVALID, "edge.tls.cert: more than %d certificates", TLS_CERTIFICATES_MAX);
        return err_set(err, WEIR_INVALID, "edge.tls.cert and edge.tls.key must name as many files; %s has one more",
                       cert != NULL ? "edge.tls.cert" : "edge.tls.key");
    }
    *ret_n = n;
    return n > 0 ? WEIR_OK
                 : err_set(err, WEIR_INVALID,
                           "edge.tls.listen needs a certificate: edge.tls.cert and edge.tls.key; for tests "
                           "'weir cert self-signed' makes one");
}

static enum weir_code
read_client_auth(const struct settings *t, struct tls_server_config *c, struct weir_error *err)
{
    const char *how = settings_text(t, "edge.tls.client_auth");
    const char *ca = settings_text(t, "edge.tls.client_ca");
    c->client_ca = *ca != '\0' ? ca : NULL;
    if (strcmp(how, "required") == 0)
        c->client_auth = TLS_CLIENT_REQUIRED;
    else if (strcmp(how, "optional") == 0)
        c->client_auth = TLS_CLIENT_OPTIONAL;
    if (c->client_auth != TLS_CLIENT_NONE && c->client_ca == NULL)
        return err_set(err, WEIR_INVALID, "edge.tls.client_auth: %s needs edge.tls.client_ca", how);
    if (c->client_auth == TLS_CLIENT_NONE && c->client_ca != NULL)
        return err_set(err, WEIR_INVALID, "edge.tls.client_ca: edge.tls.client_auth must be optional or required");
    return WEIR_OK;
}

/* Says which certificates are in use, and warns of those that end soon. */
static void
say_certificates(struct server *s)
{
    struct tls_about about;
    int64_t now_s = (int64_t)(clock_wall_ms() / 1000);
    for (unsigned i = 0; tls_server_about(s->tls, i, &about); i++) {
        int64_t days = (about.until_s - now_s) / DAY_S;
        if (about.until_s <= now_s)
            log_say(WEIR_WARN, "tls: the certificate of %s (%s) has expired", about.name, about.file);
        else
            log_say(days < WARN_DAYS ? WEIR_WARN : WEIR_INFO, "tls: the certificate of %s (%s) expires in %lld day%s",
                    about.name, about.file, (long long)days, days == 1 ? "" : "s");
    }
}

static void
on_look(void *arg)
{
    struct server *s = arg;
    struct weir_error err = { 0 };
    bool read = false;
    timer_set(s->keeper, &s->tls_look, shard_now(s->keeper) + LOOK_MS);
    if (tls_server_look(s->tls, clock_mono_ms(), &read, &err) != WEIR_OK)
        log_say(WEIR_ERROR, "tls: files have changed and can't be used, those before stay in use: %s", err.text);
    else if (read)
        say_certificates(s);
}

static void
expiries(void *arg, struct metric_sink *sink)
{
    const struct server *s = arg;
    struct tls_about about;
    for (unsigned i = 0; tls_server_about(s->tls, i, &about); i++) {
        struct weir_text name = text_of(about.name);
        metric_sample(sink, &name, (double)about.until_s);
    }
}

enum weir_code
server_tls_open(struct server *s, struct weir_error *err)
{
    const struct settings *t = s->setup->settings;
    struct weir_text first;
    if (!settings_item(settings_text(t, "edge.tls.listen"), 0, &first))
        return WEIR_OK;
    struct tls_pair pairs[TLS_CERTIFICATES_MAX];
    struct tls_server_config config = { .pairs = pairs,
                                        .ticket_ms = settings_number(t, "edge.tls.ticket_key_period") };
    if (config.ticket_ms < 1000)
        return err_set(err, WEIR_INVALID, "edge.tls.ticket_key_period: at least 1s");
    enum weir_code code = read_pairs(t, pairs, &config.n_pairs, err);
    if (code != WEIR_OK)
        return code;
    code = read_client_auth(t, &config, err);
    if (code == WEIR_OK && tls_server_new(&config, clock_mono_ms(), &s->tls, err) != WEIR_OK)
        code = err_in(err, "edge.tls");
    drop_pairs(pairs, config.n_pairs);
    if (code != WEIR_OK)
        return code;
    struct weir_metric until = { .size = sizeof until,
                                 .kind = WEIR_GAUGE,
                                 .name = "weir_tls_certificate_expires_timestamp_seconds",
                                 .help = "When a certificate of the edge expires.",
                                 .labels = "name" };
    struct weir_error other = { 0 };
    (void)metric_collect(&until, expiries, s, &other); /* the name is this one's */
    timer_init(&s->tls_look, on_look, s);
    timer_set(s->keeper, &s->tls_look, shard_now(s->keeper) + LOOK_MS);
    say_certificates(s);
    return WEIR_OK;
}

enum weir_code
server_tls_reload(struct server *s, struct weir_error *err)
{
    if (s->tls == NULL)
        return WEIR_OK;
    enum weir_code code = tls_server_reload(s->tls, err);
    if (code == WEIR_OK)
        say_certificates(s);
    return code;
}

void
server_tls_close(struct server *s)
{
    if (s->tls == NULL)
        return;
    timer_unset(s->keeper, &s->tls_look);
    tls_server_free(&s->tls);
}

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

/* Reads the two lists of files of SIDE into PAIRS. */
static enum weir_code
read_pairs(const struct settings *t, const char *side, struct tls_pair *pairs, unsigned *ret_n, struct weir_error *err)
{
    char certs[32], keys[32];
    unsigned n = 0;
    snprintf(certs, sizeof certs, "%s.tls.cert", side);
    snprintf(keys, sizeof keys, "%s.tls.key", side);
    for (;; n++) {
        char *cert = item(t, certs, n);
        char *key = item(t, keys, n);
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
            return err_set(err, WEIR_INVALID, "%s: more than %d certificates", certs, TLS_CERTIFICATES_MAX);
        return err_set(err, WEIR_INVALID, "%s and %s must name as many files; %s has one more", certs, keys,
                       cert != NULL ? certs : keys);
    }
    *ret_n = n;
    return n > 0 ? WEIR_OK
                 : err_set(err, WEIR_INVALID,
                           "%s.tls.listen needs a certificate: %s and %s; for tests 'weir cert self-signed' makes one",
                           side, certs, keys);
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
say_certificates(struct tls_server *tls)
{
    struct tls_about about;
    int64_t now_s = (int64_t)(clock_wall_ms() / 1000);
    for (unsigned i = 0; tls_server_about(tls, i, &about); i++) {
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
    timer_set(s->keeper, &s->tls_look, shard_now(s->keeper) + LOOK_MS);
    for (unsigned side = 0; side < HANDOVER_SIDES; side++) {
        struct weir_error err = { 0 };
        bool read = false;
        if (s->tls[side] == NULL)
            continue;
        if (tls_server_look(s->tls[side], clock_mono_ms(), &read, &err) != WEIR_OK)
            log_say(WEIR_ERROR, "tls: files have changed and can't be used, those before stay in use: %s", err.text);
        else if (read)
            say_certificates(s->tls[side]);
    }
}

static const char *const sides[HANDOVER_SIDES] = { [HANDOVER_EDGE] = "edge", [HANDOVER_ADMIN] = "admin" };

/* Whether an earlier certificate of that side has the same NAME: a series is told once. */
static bool
is_told(struct tls_server *tls, unsigned index, const char *name)
{
    struct tls_about about;
    for (unsigned i = 0; i < index && tls_server_about(tls, i, &about); i++)
        if (strcmp(about.name, name) == 0)
            return true;
    return false;
}

static void
expiries(void *arg, struct metric_sink *sink)
{
    const struct server *s = arg;
    struct tls_about about;
    for (unsigned side = 0; side < HANDOVER_SIDES; side++)
        for (unsigned i = 0; s->tls[side] && tls_server_about(s->tls[side], i, &about); i++) {
            struct weir_text labels[] = { text_of(about.name), text_of(sides[side]) };
            if (!is_told(s->tls[side], i, about.name))
                metric_sample(sink, labels, (double)about.until_s);
        }
}

/* Reads the certificates of SIDE, if it listens for TLS. */
static enum weir_code
open_side(struct server *s, enum handover_side side, struct weir_error *err)
{
    const struct settings *t = s->setup->settings;
    char listen[32];
    struct weir_text first;
    snprintf(listen, sizeof listen, "%s.tls.listen", sides[side]);
    if (!settings_item(settings_text(t, listen), 0, &first))
        return WEIR_OK;
    struct tls_pair pairs[TLS_CERTIFICATES_MAX];
    struct tls_server_config config = { .pairs = pairs,
                                        .ticket_ms = settings_number(t, "edge.tls.ticket_key_period") };
    if (config.ticket_ms < 1000)
        return err_set(err, WEIR_INVALID, "edge.tls.ticket_key_period: at least 1s");
    enum weir_code code = read_pairs(t, sides[side], pairs, &config.n_pairs, err);
    if (code != WEIR_OK)
        return code;
    if (side == HANDOVER_EDGE)
        code = read_client_auth(t, &config, err);
    if (code == WEIR_OK && tls_server_new(&config, clock_mono_ms(), &s->tls[side], err) != WEIR_OK)
        code = err_in(err, "%s.tls", sides[side]);
    drop_pairs(pairs, config.n_pairs);
    if (code == WEIR_OK)
        say_certificates(s->tls[side]);
    return code;
}

enum weir_code
server_tls_open(struct server *s, struct weir_error *err)
{
    if (open_side(s, HANDOVER_EDGE, err) != WEIR_OK || open_side(s, HANDOVER_ADMIN, err) != WEIR_OK)
        return (enum weir_code)err->code;
    if (s->tls[HANDOVER_EDGE] == NULL && s->tls[HANDOVER_ADMIN] == NULL)
        return WEIR_OK;
    struct weir_metric until = { .size = sizeof until,
                                 .kind = WEIR_GAUGE,
                                 .name = "weir_tls_certificate_expires_timestamp_seconds",
                                 .help = "When a certificate of a listener expires.",
                                 .labels = "name at" };
    struct weir_error other = { 0 };
    (void)metric_collect(&until, expiries, s, &other); /* the name is this one's */
    timer_init(&s->tls_look, on_look, s);
    timer_set(s->keeper, &s->tls_look, shard_now(s->keeper) + LOOK_MS);
    return WEIR_OK;
}

enum weir_code
server_tls_reload(struct server *s, struct weir_error *err)
{
    enum weir_code code = WEIR_OK;
    for (unsigned side = 0; side < HANDOVER_SIDES; side++) {
        struct weir_error why = { 0 };
        if (s->tls[side] == NULL)
            continue;
        if (tls_server_reload(s->tls[side], &why) == WEIR_OK)
            say_certificates(s->tls[side]);
        else if (code == WEIR_OK)
            code = err_set(err, WEIR_INVALID, "%s.tls: %.440s", sides[side], why.text);
    }
    return code;
}

void
server_tls_close(struct server *s)
{
    timer_unset(s->keeper, &s->tls_look);
    for (unsigned side = 0; side < HANDOVER_SIDES; side++)
        tls_server_free(&s->tls[side]);
}

/* cli/keeper.c - what concerns the whole process: reload and drain. See serve.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "cli/secrets_watch.h"
#include "cli/serve.h"
#include "engine/metrics.h"
#include "guard/notify.h"
#include "guard/worker.h"

/* A supervisor that does not answer for so long is not waited for. */
#define LET_GO_MS 1000u

/* Sends KIND to every shard. A mailbox that is full is a shard that hangs: that is said. */
static void
tell_shards(struct server *s, const char *kind)
{
    struct weir_error err;
    for (unsigned i = 0; i < s->n_shards; i++)
        if (s->shards[i].actor && mail_send_kind(s->shards[i].name, kind, &err) != WEIR_OK)
            log_say(WEIR_ERROR, "%s does not take the message '%s': %s", s->shards[i].name, kind, err.text);
}

/* Tells who asked for a reload that there is none now. */
static void
refuse_asker(uint64_t token, const char *from, const char *why)
{
    struct weir_builder *b = builder_map();
    builder_take(b, "kind", value_text("admin.answer"));
    builder_take(b, "token", value_int((int64_t)token));
    builder_take(b, "busy", value_text(why));
    const struct weir_value *v = builder_end(&b);
    struct weir_error err;
    if (mail_send(from, v, &err) != WEIR_OK)
        log_say(WEIR_WARN, "who asked for the reload can't be told: %s", err.text);
    value_unref(&v);
}

/* Tells who asked for a reload how it went; D may be NULL. */
static void
answer_asker(struct server *s, bool ok, const char *text, struct diags *d)
{
    if (s->reload_token == 0)
        return;
    struct weir_builder *b = builder_map();
    builder_take(b, "kind", value_text("admin.answer"));
    builder_take(b, "token", value_int((int64_t)s->reload_token));
    builder_put(b, "ok", ok ? &value_true : &value_false);
    builder_take(b, "message", value_text(text));
    builder_take(b, "generation", value_int((int64_t)(s->current ? generation_number(s->current) : 0)));
    if (d) {
        builder_take(b, "diagnostics", diags_value(d));
        struct buf text_buf;
        buf_init(&text_buf, 1u << 20);
        diags_text(d, false, &text_buf);
        builder_take(b, "text", value_string(text_buf.bytes, text_buf.len));
        buf_fini(&text_buf);
    }
    const struct weir_value *v = builder_end(&b);
    struct weir_error err;
    if (mail_send(s->reload_from, v, &err) != WEIR_OK)
        log_say(WEIR_WARN, "who asked for the reload can't be told: %s", err.text);
    value_unref(&v);
    s->reload_token = 0;
}

static void
count_reload(struct server *s, bool ok)
{
    struct weir_text result = ok ? TEXT("success") : TEXT("failure");
    metric_add(METRICS_MAIN, metric_series(s->reload_family, &result), 1);
    if (ok)
        metric_set(METRICS_MAIN, metric_series(s->reload_time, NULL), (double)clock_wall_ms() / 1000.0);
}

/* A reload has come to its end, good or bad; one that was asked for meanwhile follows. */
static void
reload_over(struct server *s, bool ok, const char *text, struct diags *d)
{
    s->reload = RELOAD_NONE;
    count_reload(s, ok);
    log_say(ok ? WEIR_INFO : WEIR_ERROR, "reload: %s", text);
    answer_asker(s, ok, text, d);
    notify_ready();
    settle_soon(s);
    if (s->reload_again) {
        s->reload_again = false;
        keeper_reload(s, 0, "");
    }
}

/* All that is needed from afar is there: loads all files, and offers what they make. */
static void
load_anew(struct server *s)
{
    if (s->draining) {
        reload_over(s, false, "this server is shutting down", NULL);
        return;
    }
    struct diags d;
    diags_init(&d);
    const char *changed = setup_look_again(s->setup, &d);
    if (changed)
        log_say(WEIR_WARN, "the setting %s has changed: it takes effect at the next start", changed);
    struct weir_error tls = { 0 };
    if (server_tls_reload(s, &tls) != WEIR_OK)
        diags_add(&d, "settings", (struct mark){ 0 }, NULL, DIAG_SETTING_VALUE, NULL, "%s", tls.text);
    struct generation_source source = setup_source(s->setup, s->paths, s->n_paths, &edge_routes_port);
    s->pending = generation_new(&source, &d);
    diags_sort(&d);
    if (s->pending == NULL) {
        char text[120];
        snprintf(text, sizeof text, "refused: %u error%s; what was there before stays", d.errors,
                 d.errors == 1 ? "" : "s");
        struct buf b;
        buf_init(&b, 1u << 20);
        diags_text(&d, false, &b);
        log_say(WEIR_ERROR, "%.4000s", b.bytes);
        buf_fini(&b);
        reload_over(s, false, text, &d);
    } else {
        s->reload = RELOAD_PREPARING;
        s->answers = 0;
        s->reload_error[0] = '\0';
        tell_shards(s, "prepare");
    }
    diags_fini(&d);
}

void
keeper_reload(struct server *s, uint64_t token, const char *from)
{
    if (s->draining || s->reload != RELOAD_NONE) {
        if (token)
            refuse_asker(token, from, s->draining ? "this server is shutting down"
                                                  : "another reload is under way; try again");
        else
            s->reload_again = !s->draining;
        return;
    }
    s->reload_token = token;
    snprintf(s->reload_from, sizeof s->reload_from, "%s", from);
    notify_reloading();
    s->reload = RELOAD_FETCHING;
    if (!secrets_watch_fetch(s, load_anew))
        load_anew(s);
}

/* One more shard has prepared, or could not. */
static void
prepared(struct server *s, struct weir_text error)
{
    if (error.len > 0 && s->reload_error[0] == '\0')
        snprintf(s->reload_error, sizeof s->reload_error, "%.*s", (int)error.len, error.bytes);
    if (++s->answers < s->n_shards)
        return;
    s->answers = 0;
    tell_shards(s, s->reload_error[0] ? "abandon" : "commit");
}

static void
committed(struct server *s)
{
    if (++s->answers < s->n_shards)
        return;
    generation_unref(&s->current);
    s->current = s->pending;
    s->pending = NULL;
    char text[120];
    unsigned n = generation_pipelines(s->current)->n;
    snprintf(text, sizeof text, "generation %llu with %u pipeline%s is in force",
             (unsigned long long)generation_number(s->current), n, n == 1 ? "" : "s");
    reload_over(s, true, text, NULL);
}

static void
abandoned(struct server *s)
{
    if (++s->answers < s->n_shards)
        return;
    generation_unref(&s->pending);
    reload_over(s, false, s->reload_error, NULL);
}

static void
grace_over(void *arg)
{
    struct server *s = arg;
    if (s->grace_rounds++ == 0) {
        log_say(WEIR_WARN, "the grace is over: what still runs is cancelled");
        tell_shards(s, "cancel");
        timer_set(s->keeper, &s->grace, shard_now(s->keeper) + 1000);
        return;
    }
    shard_stop(s->keeper);
}

void
keeper_let_go(struct server *s)
{
    if (s->letting_go)
        tell_shards(s, "drain");
    s->letting_go = false;
    timer_unset(s->keeper, &s->let_go);
}

static void
let_go_late(void *arg)
{
    keeper_let_go(arg);
}

void
keeper_drain(struct server *s)
{
    if (s->draining)
        return;
    s->draining = true;
    log_say(WEIR_INFO, "draining: new work is refused, what runs is finished");
    notify_stopping();
    timer_init(&s->grace, grace_over, s);
    timer_set(s->keeper, &s->grace,
              shard_now(s->keeper) + settings_number(s->setup->settings, "drain_timeout"));
    s->letting_go = true;
    if (!worker_supervised()) {
        keeper_let_go(s);
        return;
    }
    /* Shards accept what waits and close; nobody may wait behind them at a socket of the
     * supervisor's. So that one closes first, and says so. */
    timer_init(&s->let_go, let_go_late, s);
    timer_set(s->keeper, &s->let_go, shard_now(s->keeper) + LET_GO_MS);
}

void
keeper_mail(void *arg, const struct weir_value *message)
{
    struct server *s = arg;
    struct weir_text kind = value_as_text(value_field(message, "kind"));
    const struct weir_value *error = value_field(message, "error");
    const struct weir_value *token = value_field(message, "token");
    if (text_is(kind, "prepared")) {
        prepared(s, error ? value_as_text(error) : (struct weir_text){ "", 0 });
    } else if (text_is(kind, "committed")) {
        committed(s);
    } else if (text_is(kind, "abandoned")) {
        abandoned(s);
    } else if (text_is(kind, "idle")) {
        if (++s->idle == s->n_shards)
            shard_stop(s->keeper);
    } else if (text_is(kind, "reload")) {
        const struct weir_value *from = value_field(message, "from");
        char name[16];
        struct weir_text text = from ? value_as_text(from) : (struct weir_text){ "", 0 };
        snprintf(name, sizeof name, "%.*s", (int)text.len, text.bytes);
        keeper_reload(s, token ? (uint64_t)token->integer : 0, name);
    } else if (text_is(kind, "drain")) {
        keeper_drain(s);
    }
}

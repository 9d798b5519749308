/* cli/serve_shard.c - a shard of the server: its rooms put together, and its mail.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/serve.h"

#define MAILBOX_MAX 1000u
#define LOOK_MS 20u

static void
send_keeper(struct shard_part *p, const char *kind, const char *error)
{
    struct weir_builder *b = builder_map();
    builder_take(b, "kind", value_text(kind));
    builder_take(b, "shard", value_int(p->index));
    if (error)
        builder_take(b, "error", value_text(error));
    const struct weir_value *v = builder_end(&b);
    struct weir_error err;
    if (mail_send("keeper", v, &err) != WEIR_OK)
        log_say(WEIR_ERROR, "shard %u can't reach the keeper: %s", p->index, err.text);
    value_unref(&v);
}

/* Idle is a shard without runs and without answers that are still on their way out. */
static void
look_idle(void *arg)
{
    struct shard_part *p = arg;
    if (edge_answers(p->edge) == 0)
        send_keeper(p, "idle", NULL);
    else
        timer_set(p->shard, &p->look, shard_now(p->shard) + LOOK_MS);
}

static void
prepared(void *arg, const struct weir_error *err)
{
    send_keeper(arg, "prepared", err ? err->text : NULL);
}

static void
receive(void *arg, const struct weir_value *message)
{
    struct shard_part *p = arg;
    struct weir_text kind = value_as_text(value_field(message, "kind"));
    if (text_is(kind, "prepare")) {
        engine_prepare_in_turns(p->shard, p->server->pending, prepared, p);
    } else if (text_is(kind, "commit")) {
        engine_commit(p->shard, p->server->pending);
        send_keeper(p, "committed", NULL);
    } else if (text_is(kind, "abandon")) {
        engine_abandon(p->shard, p->server->pending);
        send_keeper(p, "abandoned", NULL);
    } else if (text_is(kind, "drain")) {
        if (p->admin)
            admin_shutting_down(p->admin);
        edge_drain(p->edge);
        engine_drain(p->shard, look_idle, p);
    } else if (text_is(kind, "cancel")) {
        engine_cancel_all(p->shard);
    } else if (text_is(kind, "admin.answer") && p->admin) {
        admin_message(p->admin, message);
    }
}

/* The settings of the edge as it wants them. */
static struct edge_config
edge_settings(const struct server *s)
{
    const struct settings *t = s->setup->settings;
    struct edge_config c = edge_defaults;
    c.addresses = &s->edge_addresses;
    c.tls = s->tls[HANDOVER_EDGE];
    c.handshake_ms = settings_number(t, "edge.tls.handshake_timeout");
    c.proxy_protocol = settings_bool(t, "edge.proxy_protocol");
    c.trusted_unix = s->trusted_unix;
    c.hsts = s->hsts[0] != '\0' ? s->hsts : NULL;
    c.redirect_to = s->redirects ? s->public_url : NULL;
    c.redirect_port = s->redirect_port;
    c.max_connections = (unsigned)settings_number(t, "edge.max_connections");
    if (c.max_connections == 0)
        c.max_connections = edge_connections_max(s->n_shards);
    c.max_requests = (unsigned)settings_number(t, "edge.max_requests");
    c.head.head = settings_number(t, "edge.max_header_bytes");
    c.head.line = settings_number(t, "edge.max_header_line");
    c.head.fields = (unsigned)settings_number(t, "edge.max_headers");
    c.head.target = settings_number(t, "edge.max_target");
    c.max_body = settings_number(t, "edge.max_body");
    c.head_ms = settings_number(t, "edge.header_timeout");
    c.body_ms = settings_number(t, "edge.body_timeout");
    c.body_rate = settings_number(t, "edge.min_body_rate");
    c.idle_ms = settings_number(t, "edge.idle_timeout");
    c.age_ms = settings_number(t, "edge.max_age");
    c.write_ms = settings_number(t, "edge.write_timeout");
    c.memory = settings_number(t, "memory.limit");
    c.trusted = s->trusted;
    c.n_trusted = s->n_trusted;
    c.h2 = settings_bool(t, "edge.h2");
    c.h2c = settings_bool(t, "edge.h2c");
    c.access_log = settings_bool(t, "log.access");
    return c;
}

static enum weir_code
start_admin(struct shard_part *p, struct weir_error *err)
{
    const struct server *s = p->server;
    struct admin_config c = { .addresses = &s->admin_addresses,
                              .tls = s->tls[HANDOVER_ADMIN],
                              .handshake_ms = settings_number(s->setup->settings, "edge.tls.handshake_timeout"),
                              .token = settings_text(s->setup->settings, "admin.token"),
                              .read_token = settings_text(s->setup->settings, "admin.read_token"),
                              .n_shards = s->n_shards,
                              .registry = s->setup->registry,
                              .store = s->store,
                              .keeper = "keeper",
                              .mailbox = p->name,
                              .started_wall_ms = s->started_wall_ms };
    return admin_new(p->shard, &c, &p->admin, err);
}

static void
stop(void *arg, struct weir_shard *shard)
{
    struct shard_part *p = arg;
    timer_unset(shard, &p->look);
    engine_end(shard);
    admin_free(&p->admin);
    edge_free(&p->edge);
    engine_shard_free(shard);
    mailbox_close(&p->box);
    mail_thread_end();
}

static enum weir_code
start(void *arg, struct weir_shard *shard, struct weir_error *err)
{
    struct shard_part *p = arg;
    struct server *s = p->server;
    const struct settings *t = s->setup->settings;
    struct client_settings client = {
        .connect_ms = (uint32_t)settings_number(t, "client.connect_timeout"),
        .first_byte_ms = (uint32_t)settings_number(t, "client.first_byte_timeout"),
        .whole_ms = (uint32_t)settings_number(t, "client.timeout"),
        .idle_ms = (uint32_t)settings_number(t, "client.idle_timeout"),
        .pool = (unsigned)settings_number(t, "client.pool"),
        .max_body = settings_number(t, "client.max_body"),
        .retry_share = settings_fraction(t, "client.retry_budget"),
    };
    struct engine_limits limits = { .max_runs = (unsigned)settings_number(t, "engine.max_runs"),
                                    .max_lag_ms = settings_number(t, "engine.max_lag"),
                                    .max_wait_ms = settings_number(t, "engine.max_wait"),
                                    .jobs_idle = settings_fraction(t, "engine.jobs_idle"),
                                    .client = &client,
                                    .public_url = s->public_url,
                                    .store = s->store };
    p->shard = shard;
    p->tid = gettid();
    timer_init(&p->look, look_idle, p);
    struct edge_config edge = edge_settings(s);
    enum weir_code code = mailbox_open(shard, p->name, MAILBOX_MAX, receive, p, &p->box, err);
    if (code == WEIR_OK)
        code = engine_shard_new(shard, &limits, err);
    if (code == WEIR_OK)
        code = engine_prepare(shard, s->current, err);
    if (code == WEIR_OK) {
        engine_commit(shard, s->current);
        code = edge_new(shard, &edge, &p->edge, err);
    }
    if (code == WEIR_OK && p->index == 0)
        code = start_admin(p, err);
    if (code != WEIR_OK)
        stop(p, shard);
    return code;
}

enum weir_code
shard_part_start(struct server *s, unsigned index, struct weir_error *err)
{
    struct shard_part *p = &s->shards[index];
    p->server = s;
    p->index = index;
    snprintf(p->name, sizeof p->name, "shard-%u", index);
    struct actor_work work = { .start = start, .stop = stop, .arg = p };
    return actor_start(p->name, index, &work, &p->actor, err);
}

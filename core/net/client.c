/* net/client.c - the life of a call: begin, deadlines, end. See client.h and client_parts.h.
 *
 * Timers are moved lazily: a call's timer stands at the earliest deadline that was wanted since
 * it fired last, and stays armed when the call is over, so that an ordinary exchange does not
 * touch the heap.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/client.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/units.h"
#include "net/client_parts.h"

#define SPARE_MAX 256u    /* free calls that are kept */
#define SPARE_HEAD 16384u /* with heads of at most so many bytes */
#define PLAIN_MAX (1u << 20)
#define FRAME_MAX (16u << 20) /* of one piece of an upload */

const struct client_settings client_defaults = { .connect_ms = 5000,
                                                 .first_byte_ms = 30000,
                                                 .whole_ms = 60000,
                                                 .idle_ms = 4000,
                                                 .pool = 32,
                                                 .max_body = 10u << 20,
                                                 .retry_share = 0.2 };

void
client_configure(struct client *c, const struct client_settings *settings)
{
    c->settings = *settings;
}

enum weir_code
client_new(struct weir_shard *s, struct client **ret, struct weir_error *err)
{
    struct client *c = calloc(1, sizeof *c);
    if (c == NULL)
        abort();
    c->shard = s;
    c->settings = client_defaults;
    map_init(&c->upstreams);
    list_init(&c->unused);
    list_init(&c->calls);
    list_init(&c->spare);
    list_init(&c->tls);
    buf_init(&c->plain, PLAIN_MAX);
    if (dns_new(s, &c->dns, err) != WEIR_OK) {
        free(c);
        return (enum weir_code)err->code;
    }
    *ret = c;
    return WEIR_OK;
}

void
client_enter(struct client_call *call, enum call_state next)
{
#define MAY(state) (1u << CALL_##state)
    static const unsigned may[] = {
        [CALL_FREE] = MAY(NEW),
        [CALL_NEW] = MAY(WAITING) | MAY(DIALING) | MAY(EXCHANGING) | MAY(ENDING) | MAY(FREE),
        [CALL_WAITING] = MAY(DIALING) | MAY(EXCHANGING) | MAY(ENDING) | MAY(FREE),
        [CALL_DIALING] = MAY(EXCHANGING) | MAY(ENDING) | MAY(FREE),
        [CALL_EXCHANGING] = MAY(NEW) | MAY(STREAMING) | MAY(ENDING) | MAY(FREE),
        [CALL_STREAMING] = MAY(FREE),
        [CALL_ENDING] = MAY(FREE),
    };
#undef MAY
    assert(may[call->state] & 1u << next);
    call->state = (uint8_t)next;
}

void
client_arm(struct client_call *call)
{
    uint64_t at = call->limit_ms < call->phase_ms ? call->limit_ms : call->phase_ms;
    if (at == UINT64_MAX)
        return;
    if (!timer_armed(&call->timer) || call->timer.link.key > at)
        timer_set(call->client->shard, &call->timer, at);
}

/* A phase has taken too long. */
static void
fail_phase(struct client_call *call)
{
    bool dialing = call->state == CALL_DIALING;
    char time[32];
    duration_text(dialing ? call->connect_ms : call->first_byte_ms, time, sizeof time);
    if (dialing)
        client_fail_with(call, WEIR_TIMEOUT, "no connection within %s", time);
    else if (call->state == CALL_STREAMING)
        client_fail_with(call, WEIR_TIMEOUT, "nothing more of the answer within %s", time);
    else if (client_unsent(call))
        client_fail_with(call, WEIR_TIMEOUT, "took nothing of the request for %s", time);
    else
        client_fail_with(call, WEIR_TIMEOUT, "no answer within %s", time);
}

/* The whole call has taken too long. */
static void
fail_limit(struct client_call *call)
{
    const char *what = "the answer was not complete within the deadline";
    if (call->state == CALL_WAITING)
        what = "no connection was free within the deadline";
    else if (call->state == CALL_DIALING)
        what = "no connection within the deadline";
    else if (!call->begun)
        what = "no answer within the deadline";
    client_fail_with(call, WEIR_TIMEOUT, "%s", what);
}

static void
on_timer(void *arg)
{
    struct client_call *call = arg;
    if (call->state == CALL_FREE || call->state == CALL_ENDING || call->over)
        return;
    uint64_t now_ms = shard_now(call->client->shard);
    if (now_ms >= call->limit_ms)
        fail_limit(call);
    else if (now_ms >= call->phase_ms)
        fail_phase(call);
    else
        client_arm(call);
}

static void
report(struct client_call *call, uint32_t code)
{
    struct client *c = call->client;
    if (c == NULL || c->report == NULL || call->upstream == NULL)
        return;
    struct client_report r = {
        .server = call->upstream->server,
        .method = { call->method, call->method_len },
        .status = call->status,
        .code = code,
        .duration_ns = clock_mono_ns() - call->started_ns,
    };
    c->report(c->report_arg, &r);
}

/* Frees what belongs to the request that CALL was. */
static void
forget(struct client_call *call)
{
    client_upload_close(call);
    client_answer_reset(call);
    client_again_free(&call->again);
    value_unref(&call->body);
    soon_remove(&call->soon);
    buf_reset(&call->head);
    if (call->head.room > SPARE_HEAD)
        buf_fini(&call->head);
    buf_fini(&call->frame);
}

static void
call_free(struct client_call *call)
{
    buf_fini(&call->head);
    buf_fini(&call->frame);
    buf_fini(&call->grown);
    buf_fini(&call->location);
    free(call);
}

void
client_release(struct client_call *call, uint32_t code)
{
    assert(call->channel == NULL);
    struct client *c = call->client;
    report(call, code);
    client_enter(call, CALL_FREE);
    list_remove(&call->waiting);
    list_remove(&call->link);
    forget(call);
    upstream_leave(&call->upstream);
    if (c != NULL && c->n_spare < SPARE_MAX) {
        c->n_spare++;
        list_unshift(&c->spare, &call->link);
        return;
    }
    if (c != NULL)
        timer_unset(c->shard, &call->timer);
    call_free(call);
}

/* The end of a call that has failed. */
static void
on_ending(void *arg)
{
    struct client_call *call = arg;
    weir_http_fn *fn = call->fn;
    void *fn_arg = call->arg;
    struct weir_error err = call->err;
    client_release(call, err.code);
    fn(fn_arg, NULL, &err);
    value_unref(&err.detail);
}

/* Takes CALL away from its channel and from the queue. */
static void
detach(struct client_call *call)
{
    if (call->channel != NULL)
        channel_close(call->channel);
    if (!list_empty(&call->waiting)) {
        list_remove(&call->waiting);
        call->upstream->n_waiting--;
    }
}

void
client_fail(struct client_call *call, const struct weir_error *err)
{
    if (call->state == CALL_STREAMING) {
        client_stream_end(call, err);
        return;
    }
    client_enter(call, CALL_ENDING);
    call->err = *err;
    call->err.sent = call->sent;
    call->status = 0;
    detach(call);
    client_upload_close(call);
    soon_init(&call->soon, on_ending, call);
    soon_add(call->client->shard, &call->soon);
}

void
client_fail_with(struct client_call *call, enum weir_code code, const char *fmt, ...)
{
    char text[400];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    struct weir_error err;
    err_set(&err, code, "%.*s: %s", (int)call->upstream->server.len,
            call->upstream->server.bytes, text);
    client_fail(call, &err);
}

static struct client_call *
call_new(struct client *c)
{
    struct list *link = list_shift(&c->spare);
    if (link != NULL) {
        c->n_spare--;
        return list_entry(link, struct client_call, link);
    }
    struct client_call *call = calloc(1, sizeof *call);
    if (call == NULL)
        abort();
    timer_init(&call->timer, on_timer, call);
    soon_init(&call->soon, on_ending, call);
    list_init(&call->link);
    list_init(&call->waiting);
    buf_init(&call->head, CLIENT_HEAD_MAX);
    buf_init(&call->frame, FRAME_MAX);
    buf_init(&call->grown, 0);
    buf_init(&call->location, CLIENT_HEAD_MAX);
    return call;
}

static uint32_t
or_default(uint32_t given, uint32_t otherwise)
{
    return given != 0 ? given : otherwise;
}

/* Fills in what R says beside the request itself. */
static void
set_limits(struct client_call *call, const struct client_request *r)
{
    const struct weir_http_request *http = r->http;
    const struct client_settings *usual = &call->client->settings;
    uint64_t now_ms = shard_now(call->client->shard);
    call->over_budget = false;
    call->connect_ms = or_default(http->connect_ms, usual->connect_ms);
    call->first_byte_ms = or_default(http->first_byte_ms, usual->first_byte_ms);
    call->pool = or_default(http->pool, usual->pool);
    if (call->pool > CLIENT_POOL_MAX)
        call->pool = CLIENT_POOL_MAX;
    call->max_body = http->max_body != 0 ? http->max_body : usual->max_body;
    if (call->max_body > UINT32_MAX - 1)
        call->max_body = UINT32_MAX - 1; /* what a value can hold */
    call->stream = http->flags & WEIR_HTTP_STREAM;
    call->untrusted = http->flags & WEIR_HTTP_UNTRUSTED;
    call->repeatable = http->flags & WEIR_HTTP_REPEATABLE;
    call->limit_ms = now_ms + or_default(http->whole_ms, usual->whole_ms);
    if (call->limit_ms > r->deadline_ms)
        call->limit_ms = r->deadline_ms;
    call->stream_ms = http->whole_ms != 0 ? now_ms + http->whole_ms : UINT64_MAX;
    call->phase_ms = UINT64_MAX;
    call->again = http->flags & WEIR_HTTP_FOLLOW ? client_again_new(http) : NULL;
    call->sent = call->retried = call->upload_begun = call->closed = call->over = false;
}

static enum weir_code
check_host(const struct weir_http_request *http, const struct url *url, struct weir_error *err)
{
    if (!(http->flags & WEIR_HTTP_UNTRUSTED) ||
        client_host_allowed(http->allow_hosts, url->host))
        return WEIR_OK;
    return err_set(err, WEIR_FORBIDDEN,
                   "the host %.*s comes from outside and is not among those that may be called",
                   (int)(url->host.len < 200 ? url->host.len : 200), url->host.bytes);
}

enum weir_code
client_start(struct client_call *call, const struct weir_http_request *http,
             struct weir_error *err)
{
    struct url url;
    if (url_parse(http->url, &url, err) != WEIR_OK || check_host(http, &url, err) != WEIR_OK)
        return (enum weir_code)err->code;
    if (upstream_join(call->client, &url, http->tls, &call->upstream, err) != WEIR_OK)
        return (enum weir_code)err->code;
    return client_request_write(call, &url, http, err);
}

struct client_call *
client_send(struct client *c, const struct client_request *r, weir_http_fn *fn, void *arg)
{
    struct client_call *call = call_new(c);
    call->client = c;
    call->fn = fn;
    call->arg = arg;
    call->started_ns = clock_mono_ns();
    list_push(&c->calls, &call->link);
    client_enter(call, CALL_NEW);
    set_limits(call, r);
    client_arm(call);

    struct weir_error err;
    if (client_start(call, r->http, &err) != WEIR_OK) {
        client_fail(call, &err);
        return call;
    }
    if (call->limit_ms <= shard_now(c->shard)) {
        client_fail_with(call, WEIR_TIMEOUT, "the deadline has passed before it began");
        return call;
    }
    if (!upstream_budget_draw(&call->upstream->budget, shard_now(c->shard), c->settings.retry_share,
                              r->attempt > 1)) {
        call->over_budget = true;
        client_fail_with(call, WEIR_UNAVAILABLE,
                         "the retry budget is spent (20%% of the requests of the last 10 s)");
        return call;
    }
    upstream_serve(call, false);
    return call;
}

bool
client_is_over_budget(const struct client_call *call)
{
    return call->over_budget;
}

void
client_cancel(struct client_call **ptr)
{
    struct client_call *call = *ptr;
    if (call == NULL)
        return;
    *ptr = NULL;
    detach(call);
    client_release(call, WEIR_CANCELLED);
}

void
client_trim(struct client *c)
{
    uint32_t at = 0;
    for (const struct map_entry *e; (e = map_next(&c->upstreams, &at)) != NULL;)
        upstream_trim(e->value);
}

void
client_counts(const struct client *c, unsigned *ret_busy, unsigned *ret_idle)
{
    *ret_busy = c->n_busy;
    *ret_idle = c->n_idle;
}

void
client_on_report(struct client *c, client_report_fn *on_report, void *arg)
{
    c->report = on_report;
    c->report_arg = arg;
}

/* Ends a call of a client that goes. A stream whose consumer is still there is told, and lives
 * on without a client until it is dropped. */
static void
drop(struct client_call *call)
{
    if (call->state != CALL_STREAMING) {
        client_cancel(&call);
        return;
    }
    struct weir_error err;
    err_set(&err, WEIR_UNAVAILABLE, "the client of this shard has ended");
    struct client *c = call->client;
    list_remove(&call->link);
    list_push(&c->calls, &call->link); /* the next one is first, whatever happens here */
    if (!call->over)
        client_stream_end(call, &err);
    if (c->calls.prev != &call->link)
        return; /* the consumer has dropped it */
    list_remove(&call->link);
    timer_unset(c->shard, &call->timer);
    upstream_leave(&call->upstream);
    call->client = NULL;
}

void
client_free(struct client **ptr)
{
    struct client *c = *ptr;
    if (c == NULL)
        return;
    c->report = NULL;
    while (!list_empty(&c->calls))
        drop(list_entry(c->calls.next, struct client_call, link));
    uint32_t at = 0;
    for (const struct map_entry *e; (e = map_next(&c->upstreams, &at)) != NULL;)
        upstream_free(e->value);
    for (struct list *link; (link = list_shift(&c->spare)) != NULL;) {
        struct client_call *call = list_entry(link, struct client_call, link);
        timer_unset(c->shard, &call->timer);
        call_free(call);
    }
    client_tls_fini(c);
    map_fini(&c->upstreams);
    dns_free(&c->dns);
    buf_fini(&c->plain);
    free(c);
    *ptr = NULL;
}

/* ws/sse.c - event streams from their start to their end; see ws.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ws.h"

#include <stdio.h>

/* What is sent into a silence, for proxies and for finding out that nobody is there. */
#define COMMENT ":\n\n"

/* The same for all triggers. */
static uint32_t streams, messages, closed;

uint32_t
sse_metrics(struct weir_open *open, struct weir_error *err)
{
    static const struct weir_metric all[] = {
        { .size = sizeof(struct weir_metric), .kind = WEIR_GAUGE, .name = "weir_sse_connections",
          .help = "Open event streams of callers." },
        { .size = sizeof(struct weir_metric), .kind = WEIR_COUNTER, .name = "weir_sse_messages_total",
          .help = "Messages for event streams." },
        { .size = sizeof(struct weir_metric), .kind = WEIR_COUNTER, .name = "weir_sse_closed_total",
          .help = "Event streams that ended, by the code.", .labels = "code" },
    };
    streams = host->metric(open, &all[0], err);
    messages = host->metric(open, &all[1], err);
    closed = host->metric(open, &all[2], err);
    return streams != 0 && messages != 0 && closed != 0 ? WEIR_OK : err->code;
}

static bool
say(struct conn *c, const struct weir_value *lines)
{
    c->said_ms = host->now_ms(c->hub->shard);
    return host->socket_send(c->socket, lines);
}

bool
sse_send(struct conn *c, const struct weir_value *lines)
{
    bool sent = say(c, lines);
    if (sent)
        host->shard_measure(c->hub->shard, messages, NULL, 1);
    return sent;
}

static void
say_text(struct conn *c, struct weir_text text)
{
    const struct weir_value *v = host->string(text);
    (void)say(c, v);
    host->unref(&v);
}

/* FN is to look at C when the next thing is due. */
static void
wait_for_silence(struct conn *c, weir_timer_fn *fn)
{
    const struct gate *g = c->line->gate; /* a new generation may have other times */
    uint64_t now_ms = host->now_ms(c->hub->shard), at_ms = UINT64_MAX;
    if (g != NULL && g->conf->keep_alive_ms > 0)
        at_ms = c->said_ms + g->conf->keep_alive_ms;
    if (g != NULL && g->conf->max_age_ms > 0 && c->opened_ms + g->conf->max_age_ms < at_ms)
        at_ms = c->opened_ms + g->conf->max_age_ms;
    if (at_ms != UINT64_MAX)
        c->timer = host->timer_start(c->hub->shard, at_ms > now_ms ? at_ms - now_ms : 1, fn, c);
}

static void
on_timer(void *arg)
{
    struct conn *c = arg;
    const struct gate *g = c->line->gate;
    uint64_t now_ms = host->now_ms(c->hub->shard);
    host->timer_stop(&c->timer);
    if (g != NULL && g->conf->max_age_ms > 0 && now_ms >= c->opened_ms + g->conf->max_age_ms) {
        host->socket_close(c->socket, 1000, WEIR_TEXT("it has been open for as long as it may be"));
        return;
    }
    /* To somebody who does not even read what there is, nothing more need be said. */
    bool silent = g != NULL && g->conf->keep_alive_ms > 0 && now_ms >= c->said_ms + g->conf->keep_alive_ms;
    if (silent && host->socket_queued(c->socket) == 0)
        say_text(c, WEIR_TEXT(COMMENT));
    else if (silent)
        c->said_ms = now_ms;
    wait_for_silence(c, on_timer);
}

void
sse_opened(struct conn *c)
{
    const struct gate *g = c->line->gate;
    char retry[48];
    host->shard_measure(c->hub->shard, streams, NULL, 1);
    c->opened_ms = c->said_ms = host->now_ms(c->hub->shard);
    if (g != NULL && g->conf->retry_ms > 0) {
        snprintf(retry, sizeof retry, "retry: %llu\n\n", (unsigned long long)g->conf->retry_ms);
        say_text(c, text_of(retry));
    }
    wait_for_silence(c, on_timer);
}

void
sse_closed(struct conn *c, uint32_t code)
{
    char number[16];
    snprintf(number, sizeof number, "%u", code);
    const struct weir_text label = text_of(number);
    host->timer_stop(&c->timer);
    if (!c->opened)
        return;
    host->shard_measure(c->hub->shard, streams, NULL, -1);
    host->shard_measure(c->hub->shard, closed, &label, 1);
}

/* ws/sse.c - event streams: WHATWG HTML, "Server-sent events" (9.2); see ws.h.
 *
 * A message is fields of one line each and an empty line. Lines end with LF, CR or CRLF for who reads
 * them, so each of these in a message begins a new data line, and arrives as LF. The fields event and id
 * can have none of them, and no NUL. What goes to many is written once.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ws.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* -- lines -- */

bool
sse_is_word(struct weir_text text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.bytes[i] == '\n' || text.bytes[i] == '\r' || text.bytes[i] == '\0')
            return false;
    return true;
}

/* Where the line that TEXT begins with ends; *RET_BREAK is how many bytes break it, 0 at the end. */
static size_t
line_len(struct weir_text text, size_t *ret_break)
{
    size_t len = 0;
    while (len < text.len && text.bytes[len] != '\n' && text.bytes[len] != '\r')
        len++;
    bool both = text.len - len >= 2 && text.bytes[len] == '\r' && text.bytes[len + 1] == '\n';
    *ret_break = len == text.len ? 0 : both ? 2 : 1;
    return len;
}

static size_t
line_count(struct weir_text text)
{
    size_t n = 1, end;
    for (;; n++) {
        size_t len = line_len(text, &end) + end;
        if (end == 0)
            return n;
        text = (struct weir_text){ text.bytes + len, text.len - len };
    }
}

static char *
put(char *at, const char *name, struct weir_text value)
{
    size_t len = strlen(name);
    memcpy(at, name, len);
    if (value.len > 0)
        memcpy(at + len, value.bytes, value.len);
    at[len + value.len] = '\n';
    return at + len + value.len + 1;
}

/* Writes what is there of M with DATA to AT, which has the room; the end. */
static char *
put_all(char *at, const struct message *m, struct weir_text data)
{
    if (m->event.len > 0)
        at = put(at, "event: ", m->event);
    if (m->id.len > 0)
        at = put(at, "id: ", m->id);
    size_t end;
    do {
        size_t len = line_len(data, &end);
        at = put(at, "data: ", (struct weir_text){ data.bytes, len });
        data = (struct weir_text){ data.bytes + len + end, data.len - len - end };
    } while (end > 0);
    *at++ = '\n';
    return at;
}

static const struct weir_value *
written(const struct message *m, struct weir_text data)
{
    size_t room = m->event.len + m->id.len + data.len + 7 * line_count(data) + 16;
    char *bytes = malloc(room);
    if (bytes == NULL)
        abort();
    struct weir_text all = { bytes, (size_t)(put_all(bytes, m, data) - bytes) };
    const struct weir_value *lines = host->string(all);
    if (lines == NULL) /* the id of an event may be any bytes, and who reads it makes the best of them */
        lines = host->bytes(all);
    free(bytes);
    return lines;
}

/* Bytes are base64, as they are in JSON: an event stream is text. */
static const struct weir_value *
written_bytes(const struct message *m, struct weir_text bytes)
{
    size_t room = bytes.len / 3 * 4 + 4;
    char *text = malloc(room);
    if (text == NULL)
        abort();
    const struct weir_value *lines = written(m, (struct weir_text){ text, host->base64_write(bytes, text, room) });
    free(text);
    return lines;
}

const struct weir_value *
sse_lines(const struct message *m)
{
    struct weir_text text = { "", 0 };
    struct weir_error err = { 0 };
    const struct weir_value *json = NULL;
    uint32_t type = host->type(m->value);
    if (type == WEIR_BYTES && host->get_text(m->value, &text))
        return written_bytes(m, text);
    if (type != WEIR_STRING && host->json_write(m->value, &json, &err) != WEIR_OK)
        host->unref(&err.detail);
    (void)host->get_text(json != NULL ? json : m->value, &text);
    const struct weir_value *lines = written(m, text);
    host->unref(&json);
    return lines;
}

/* -- streams -- */

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
    if (c->opened)
        host->shard_measure(c->hub->shard, streams, NULL, -1);
    host->shard_measure(c->hub->shard, closed, &label, 1);
}

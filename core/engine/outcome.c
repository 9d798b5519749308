/* engine/outcome.c - see outcome.h. SPDX-License-Identifier: Apache-2.0 */
#include "engine/outcome.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/log.h"
#include "engine/metrics.h"
#include "net/problem.h"
#include "value/json.h"

#define JSON_MAX (64u << 20)

/* A value that goes when the run goes. */
struct kept {
    struct kept *next;
    const struct weir_value *value;
};

void
outcome_keep(struct run *r, const struct weir_value *v)
{
    struct kept *k = malloc(sizeof *k); /* the arena may be full, and V is in use all the same */
    if (k == NULL)
        abort();
    k->next = r->kept;
    k->value = v;
    r->kept = k;
}

void
outcome_forget(struct run *r)
{
    for (struct kept *k; (k = r->kept) != NULL;) {
        r->kept = k->next;
        value_unref(&k->value);
        free(k);
    }
    if (r->hidden != NULL)
        hidden_free(&r->hidden);
}

const struct weir_value *
outcome_json(const struct weir_value *v, struct weir_error *err)
{
    struct buf b;
    char room[BUF_USUAL];
    buf_init_in(&b, JSON_MAX, room, sizeof room);
    if (json_write(&b, v, err) != WEIR_OK) {
        buf_fini(&b);
        return NULL;
    }
    return value_take_buf(WEIR_STRING, &b);
}

/* Whether the result of the run is the very answer that an upstream gave. */
static bool
is_answer(const struct run *r)
{
    return r->result && r->result == r->answer && value_type(r->result) == WEIR_MAP;
}

/* What else of an upstream's headers is passed on with its body: a body that is still encoded says
 * so, and whoever stands in between and might keep it, or gather a stream, is told what to do. */
#define PASSED(X) X("content-encoding", "Content-Encoding") X("cache-control", "Cache-Control") \
    X("x-accel-buffering", "X-Accel-Buffering")
#define PASSED_MAX 3u

static unsigned
passed_headers(const struct weir_value *headers, bool streams, struct weir_header out[PASSED_MAX])
{
    static const struct {
        const char *key;
        struct weir_text name;
    } passed[] = {
#define X(key, name) { key, { name, sizeof name - 1 } },
        PASSED(X)
#undef X
    };
    unsigned n = 0;
    for (unsigned i = 0; i < (streams ? PASSED_MAX : 1); i++) {
        const struct weir_value *v = value_field(headers, passed[i].key);
        if (v)
            out[n++] = (struct weir_header){ passed[i].name, value_as_text(v) };
    }
    return n;
}

/* The body goes out as it came: it is what the upstream said, and need not be written anew. */
static void
pass_bytes(const struct weir_value *bytes, struct weir_reply *reply)
{
    enum weir_type type = reply->body ? value_type(reply->body) : WEIR_NULL;
    bool json = type != WEIR_STRING && type != WEIR_BYTES;
    if (bytes->len > 0 && json && reply->content_type.len == 0)
        reply->content_type = TEXT("application/json");
    reply->body = bytes->len > 0 ? bytes : NULL;
}

static void
pass_through(struct run *r)
{
    const struct weir_value *headers = value_field(r->result, "headers");
    const struct weir_value *status = value_field(r->result, "status");
    const struct weir_value *type = value_field(headers, "content-type");
    const struct weir_value *body = value_field(r->result, "body");
    struct weir_header passed[PASSED_MAX];
    struct weir_reply reply = { .size = sizeof reply,
                                .status = status ? (uint32_t)status->integer : 200,
                                .body = body && body->type != WEIR_NULL ? body : NULL };
    if (type)
        reply.content_type = value_as_text(type);
    if (r->heard_of == r->result)
        pass_bytes(r->heard, &reply);
    reply.headers = passed;
    reply.n_headers = passed_headers(headers, body && value_type(body) == WEIR_STREAM, passed);
    run_reply(r, &reply);
}

void
outcome_reply_result(struct run *r)
{
    if (r->event->replied)
        return;
    if (r->depth > 0) { /* who called it gets the result itself */
        r->reply_status = 200;
        r->replied_ns = clock_mono_ns();
        return;
    }
    if (is_answer(r) && !r->event->quiet) {
        pass_through(r);
        return;
    }
    bool empty = r->result == NULL || r->result->type == WEIR_NULL || r->event->quiet;
    struct weir_reply reply = { .size = sizeof reply, .status = empty ? 204 : 200, .body = empty ? NULL : r->result };
    struct weir_text json = TEXT("application/json");
    const struct weir_value *text = NULL;
    if (!empty && r->result->type != WEIR_STREAM && r->result->type != WEIR_BYTES) {
        struct weir_error err = { 0 };
        reply.content_type = json;
        if (r->result->type == WEIR_STRING && (text = outcome_json(r->result, &err)) != NULL)
            reply.body = text; /* a string is JSON too: in quotes */
    }
    run_reply(r, &reply);
    value_unref(&text);
}

void
outcome_reply_error(struct run *r)
{
    if (r->event->replied)
        return;
    const struct weir_error *err = &r->failure->error;
    struct weir_error copy = *err;
    if (copy.code == WEIR_UPSTREAM)
        copy.status = 0; /* the upstream's own status is not the caller's matter */
    r->reply_status = problem_status(&copy);
    r->replied_ns = clock_mono_ns();
    copy.detail = err->detail ? run_hide_value(r, err->detail) : NULL; /* its text is hidden already */
    event_answer_error(r->event, &copy);
    value_unref(&copy.detail);
}

static void
log_failure(const struct run *r)
{
    const struct failure *f = r->failure;
    char attempt[16];
    snprintf(attempt, sizeof attempt, "%u", f->attempt);
    struct log_field fields[] = {
        LOG_S("pipeline", text_of(r->flow->pipeline->name)),
        LOG_S("run", text_of(r->id)),
        LOG_S("request", r->event->id),
        LOG_S("node", text_of(f->node ? f->node : "")),
        LOG_S("code", text_of(code_name(f->error.code))),
        LOG_S("error", text_of(f->error.text)),
    };
    log_line(f->error.code == WEIR_CANCELLED ? WEIR_INFO : WEIR_WARN, "run failed", fields,
             sizeof fields / sizeof *fields);
}

/* When the run ended: with its last step, if that ended after the reply. */
static uint64_t
ended_ns(const struct run *r)
{
    uint64_t lately = r->engine->lately_ns;
    return lately > r->started_ns && lately > r->replied_ns ? lately : clock_mono_ns();
}

void
outcome_count(struct run *r)
{
    unsigned shard = r->engine->shard->index;
    uint32_t series = r->flow->runs_completed;
    const char *outcome = "completed";
    if (r->failure) {
        bool cancelled = r->failure->error.code == WEIR_CANCELLED;
        series = cancelled ? r->flow->runs_cancelled : r->flow->runs_failed;
        outcome = cancelled ? "cancelled" : "failed";
        if (log_wanted(WEIR_WARN))
            log_failure(r);
    }
    metric_add(shard, series, 1);
    metric_add(shard, r->flow->run_duration, (double)(ended_ns(r) - r->started_ns) / 1e9);
    if (tail_wanted())
        tail_run(r, "run.ended", outcome);
}

const struct weir_value *
outcome_error(struct failure *f)
{
    if (f->value)
        return f->value;
    const struct weir_error *e = &f->error;
    struct weir_builder *b = builder_map();
    const struct weir_value *v = value_text(code_name(e->code));
    builder_set(b, "code", 4, &v);
    v = value_text(e->text);
    builder_set(b, "message", 7, &v);
    v = f->node ? value_text(f->node) : value_ref(&value_null);
    builder_set(b, "node", 4, &v);
    v = value_int(e->status ? e->status : code_status(e->code));
    builder_set(b, "status", 6, &v);
    v = value_int(f->attempt);
    builder_set(b, "attempt", 7, &v);
    v = value_ref(e->detail ? e->detail : &value_null);
    builder_set(b, "detail", 6, &v);
    f->value = builder_end(&b);
    return f->value;
}

/* Whether a header of H's name was set or added after H: E's list has the latest first. */
static bool
is_outdone(const struct weir_event *e, const struct reply_header *h)
{
    const struct reply_header *at = e->reply_headers;
    while (at != h && (at->header.name.len != h->header.name.len ||
                       strncasecmp(at->header.name.bytes, h->header.name.bytes, h->header.name.len) != 0))
        at = at->next;
    return at != h;
}

/* The headers that were added to the reply, for finally: of each name the last one. */
static const struct weir_value *
reply_headers(const struct weir_event *e)
{
    struct weir_builder *b = builder_map();
    for (const struct reply_header *h = e->reply_headers; h; h = h->next) {
        char name[128];
        if (is_outdone(e, h))
            continue;
        size_t len = h->header.name.len < sizeof name ? h->header.name.len : sizeof name;
        for (size_t i = 0; i < len; i++) {
            char c = h->header.name.bytes[i];
            name[i] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
        }
        const struct weir_value *v = utf8_valid(h->header.value)
                                         ? value_string(h->header.value.bytes, h->header.value.len)
                                         : value_bytes(h->header.value.bytes, h->header.value.len);
        builder_set(b, name, len, &v);
    }
    return builder_end(&b);
}

double
outcome_seconds(const struct run *r)
{
    uint64_t end = r->replied_ns ? r->replied_ns : clock_mono_ns();
    return (double)(end - r->started_ns) / 1e9;
}

const struct weir_value *
outcome_reply(struct run *r)
{
    struct weir_builder *b = builder_map();
    const struct weir_value *v = value_int(r->reply_status);
    builder_set(b, "status", 6, &v);
    v = reply_headers(r->event);
    builder_set(b, "headers", 7, &v);
    v = value_double(outcome_seconds(r));
    builder_set(b, "duration", 8, &v);
    return builder_end(&b);
}

/* cli/try.c - weir try: one run of a pipeline without listening, every step shown.
 * SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/log.h"
#include "cli/commands.h"
#include "cli/event_file.h"
#include "cli/setup.h"
#include "edge/route_tree.h"
#include "engine/engine.h"
#include "engine/blocking.h"
#include "engine/table.h"
#include "engine/tail.h"
#include "loop/mail.h"
#include "loop/stream.h"
#include "value/json.h"

#define OUTPUT_MAX (64u << 20)

/* One try. */
struct attempt {
    struct weir_event event;
    struct event_file file;
    struct weir_shard *shard;
    const struct secrets *secrets;
    struct weir_header params[ROUTE_PARAMS];
    struct weir_builder *steps;        /* what the tail told, a list */
    unsigned status;
    const struct weir_value *reply;    /* its body; owned */
    char content_type[128];
    bool released;
    bool ended;
    struct timer after;                /* lets the last messages of the tail arrive */
};

static void
told(void *arg, const struct weir_value *message)
{
    struct attempt *t = arg;
    struct weir_error err = { 0 };
    const struct weir_value *v = NULL;
    struct buf json;
    buf_init(&json, OUTPUT_MAX);
    if (json_write(&json, message, &err) == WEIR_OK)
        secrets_mask(t->secrets, &json); /* an upstream may have echoed one, and then it bears no mark */
    if (err.code == WEIR_OK && json_read(buf_content(&json), NULL, NULL, &v, &err) == WEIR_OK)
        builder_add(t->steps, &v);
    buf_fini(&json);
    t->ended = t->ended || text_is(value_as_text(value_field(message, "event")), "run.ended");
    if (t->ended && t->released)
        shard_stop(t->shard);
}

/* A streamed body is read to its end, and shown as what it is. */
static void
drained(void *arg, const char *bytes, size_t len, const struct weir_error *err)
{
    struct attempt *t = arg;
    (void)bytes;
    if (len == 0)
        engine_reply_sent(&t->event, err);
}

static void
replied(struct weir_event *e, const struct event_reply *r)
{
    struct attempt *t = (struct attempt *)(void *)e;
    struct stream *stream;
    t->status = r->status;
    snprintf(t->content_type, sizeof t->content_type, "%.*s", (int)r->content_type.len, r->content_type.bytes);
    if (r->body && value_type(r->body) == WEIR_STREAM) {
        t->reply = value_text("(a stream)");
        if (stream_take(r->body, drained, t, &stream))
            stream_drop(&stream);
        engine_reply_sent(e, NULL);
    } else if (r->body) {
        t->reply = value_ref(r->body);
    }
}

static void
released(struct weir_event *e)
{
    struct attempt *t = (struct attempt *)(void *)e;
    t->released = true;
    value_unref(&e->raw);
    value_unref(&e->auth);
    if (t->ended || t->status >= 400)
        shard_stop(t->shard);
}

static const struct event_ops ops = { .reply = replied, .release = released };

/* Finds the trigger that the event's path belongs to; without a path, the first one there is. */
static struct trigger_unit *
find_trigger(struct attempt *t)
{
    struct route_match match;
    void *routes = engine_routes(t->shard);
    if (route_find(routes, t->event.method, t->event.path, &match) != ROUTE_FOUND)
        return NULL;
    for (unsigned i = 0; i < match.n_params; i++)
        t->params[i] = (struct weir_header){ match.param_names[i], match.params[i] };
    t->event.params = t->params;
    t->event.n_params = match.n_params;
    return match.trigger;
}

/* Prints VALUE under a heading, indented. */
static void
print_under(const char *heading, const struct weir_value *v)
{
    if (v == NULL)
        return;
    struct buf b;
    struct weir_error err;
    buf_init(&b, OUTPUT_MAX);
    if (json_write_pretty(&b, v, &err) == WEIR_OK) {
        printf("    %-7s", heading);
        for (char *line = b.bytes, *next; line; line = next) {
            next = strchr(line, '\n');
            if (next)
                *next++ = '\0';
            printf("%s%s\n", line == b.bytes ? "" : "           ", line);
        }
    }
    buf_fini(&b);
}

static void
print_step(const struct weir_value *m)
{
    if (!text_is(value_as_text(value_field(m, "event")), "node.ended"))
        return;
    struct weir_text node = value_as_text(value_field(m, "node"));
    struct weir_text type = value_as_text(value_field(m, "type"));
    const struct weir_value *code = value_field(m, "code");
    const struct weir_value *attempt = value_field(m, "attempt");
    const struct weir_value *ms = value_field(m, "duration_ms");
    printf("%s %.*s (%.*s) %.3f ms", code ? "x" : "-", (int)node.len, node.bytes, (int)type.len, type.bytes,
           ms ? ms->number : 0);
    if (attempt && attempt->integer > 1)
        printf(", attempt %" PRId64, attempt->integer);
    printf("\n");
    print_under("input", value_field(m, "input"));
    print_under("output", value_field(m, "output"));
    if (code) {
        struct weir_text name = value_as_text(code), text = value_as_text(value_field(m, "error"));
        printf("    error  %.*s: %.*s\n", (int)name.len, name.bytes, (int)text.len, text.bytes);
    }
}

/* The body of the reply as text, without secrets, in OUT; other bytes than text as base64. */
static void
body_text(const struct attempt *t, struct buf *out)
{
    struct weir_error err;
    struct weir_text body = t->reply ? value_as_text(t->reply) : (struct weir_text){ "", 0 };
    const struct weir_value *bytes = utf8_valid(body) ? NULL : value_bytes(body.bytes, body.len);
    if (bytes == NULL || json_write(out, bytes, &err) != WEIR_OK)
        (void)buf_text(out, body);
    value_unref(&bytes);
    secrets_mask(t->secrets, out);
}

static void
print_json(const struct attempt *t, const struct weir_value *steps, const struct buf *body)
{
    struct weir_builder *b = builder_map();
    builder_take(b, "status", value_int(t->status));
    builder_take(b, "content_type", value_text(t->content_type));
    builder_take(b, "body", t->reply ? value_string(body->bytes, body->len) : value_ref(&value_null));
    builder_put(b, "events", steps);
    const struct weir_value *v = builder_end(&b);
    print_value(v);
    value_unref(&v);
}

static void
print_all(struct attempt *t, bool json)
{
    const struct weir_value *steps = builder_end(&t->steps), *m;
    struct buf body;
    buf_init(&body, 2 * OUTPUT_MAX);
    body_text(t, &body);
    if (json) {
        print_json(t, steps, &body);
    } else {
        for (size_t i = 0; (m = value_at(steps, i)) != NULL; i++)
            print_step(m);
        printf("\nreply %u%s%s\n", t->status, *t->content_type ? " " : "", t->content_type);
        fwrite(body.bytes, 1, body.len, stdout);
        printf("\n");
    }
    buf_fini(&body);
    value_unref(&steps);
}

/* Runs the event on a shard of this thread; false if it could not begin. */
static bool
run_once(struct attempt *t, struct generation *g)
{
    struct engine_limits limits = { .max_runs = 1000 };
    struct weir_error err = { 0 };
    struct mailbox *box = NULL;
    bool began = false;
    mail_begin();
    if (shard_new(0, &t->shard, &err) == WEIR_OK &&
        mailbox_open(t->shard, TAIL_MAILBOX, 100000, told, t, &box, &err) == WEIR_OK &&
        engine_shard_new(t->shard, &limits, &err) == WEIR_OK && engine_prepare(t->shard, g, &err) == WEIR_OK) {
        engine_commit(t->shard, g);
        t->event.shard = t->shard;
        struct trigger_unit *trigger = find_trigger(t);
        began = trigger != NULL;
        if (began) {
            tail_begin();
            if (event_file_signed(&t->file) && engine_sign(&t->event, trigger, &err) != WEIR_OK)
                fprintf(stderr, "weir try: the event can't be signed: %s\n", err.text); /* and is refused then */
            engine_offer(&t->event, trigger);
            shard_run(t->shard);
            tail_end();
        } else {
            fprintf(stderr, "weir try: no trigger takes %.*s %.*s; give the event a \"path\" and \"method\"\n",
                    (int)t->event.method.len, t->event.method.bytes, (int)t->event.path.len, t->event.path.bytes);
        }
    } else {
        fprintf(stderr, "weir try: %s\n", err.text);
    }
    if (t->shard)
        engine_shard_free(t->shard);
    mailbox_close(&box);
    shard_free(&t->shard);
    mail_thread_end();
    mail_end();
    return began;
}

static int
try_generation(const struct args *a, struct generation *g)
{
    struct attempt t = { .event = { .ops = &ops }, .secrets = generation_secrets(g) };
    int code = EXIT_USAGE;
    if (event_file_read(&t.file, args_text(a, "event"))) {
        event_file_fill(&t.file, &t.event);
        const struct weir_value *auth = value_field(t.file.document, "auth");
        if (auth && value_type(auth) == WEIR_MAP)
            t.event.auth = value_ref(auth);
        t.steps = builder_list();
        struct workers *workers = workers_start(2, 100);
        blocking_use(workers);
        code = EXIT_WRONG;
        if (run_once(&t, g)) {
            print_all(&t, args_given(a, "json"));
            code = t.status < 400 ? EXIT_GOOD : EXIT_WRONG;
        }
        workers_stop(&workers);
        builder_free(&t.steps);
        value_unref(&t.reply);
    }
    event_file_fini(&t.file);
    return code;
}

static int
run(const struct args *a)
{
    if (a->n_words == 0) {
        fprintf(stderr, "weir try: which pipeline? weir try FILE --event EVENT.json\n");
        return EXIT_USAGE;
    }
    struct setup s;
    int code = EXIT_WRONG;
    if (!setup_begin(&s, a)) {
        code = s.exit;
    } else {
        setup_find_secrets(&s, a->words, a->n_words, &s.diags);
        struct generation_source source = setup_source(&s, a->words, a->n_words, &edge_routes_port);
        struct generation *g = generation_new(&source, &s.diags);
        if (s.diags.errors > 0)
            print_diags(&s.diags, false);
        if (g)
            code = try_generation(a, g);
        generation_unref(&g);
        tables_free();
    }
    setup_end(&s);
    return code;
}

static const struct option options[] = {
    { 'e', "event", "FILE", "a JSON file with the event (-: standard input): { path, method, headers, body }" },
    { 0, "json", NULL, "print all as JSON" },
    SETUP_OPTIONS,
};

const struct command command_try = {
    .name = "try",
    .summary = "run a pipeline once without listening, and show each step",
    .usage = "FILE [--event EVENT.json]",
    .description = "Runs the pipeline for one event, calling upstreams for real, and prints every step with\n"
                   "its input, output or error, and the reply. The event is a JSON object, all of whose\n"
                   "members may be left out:\n\n"
                   "    { \"method\": \"POST\", \"path\": \"/orders/7\", \"query\": \"a=1\", \"client_ip\": \"192.0.2.1\",\n"
                   "      \"headers\": { \"x-api-key\": \"k\" }, \"body\": { \"any\": \"JSON\" } }\n\n"
                   "\"text\" instead of \"body\" is a text body; with \"signed\": true it gets the signature that\n"
                   "the webhook's verify asks for. Of several files the one runs whose trigger takes the\n"
                   "path. Secrets are masked.\n\n"
                   "With --json standard output has { status, content_type, body, events }, the events as\n"
                   "weir tail shows them.\n",
    .examples = "  weir try pipelines/hello.yaml --event event.json\n"
                "  echo '{\"path\":\"/hello\",\"body\":{\"name\":\"Ada\"}}' | weir try pipelines/hello.yaml --event -\n",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .max_words = 1000,
    .exits = "0 the reply is below 400, 1 it is an error or the pipeline is wrong, 2 used wrongly",
    .run = run,
};

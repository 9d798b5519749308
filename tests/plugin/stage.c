/* plugin/stage.c - see stage.h. SPDX-License-Identifier: Apache-2.0 */
#include "stage.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "edge/route_tree.h"
#include "engine/blocking.h"
#include "engine/metrics.h"
#include "engine/table.h"
#include "loop/stream.h"
#include "loop/worker.h"

#define PATIENCE_MS 10000u

static struct {
    struct registry *registry;
    struct weir_shard *shard;
    struct generation *generation;
    char folder[64];
    struct workers *workers;
    int log;
    off_t logged;
    unsigned plays; /* that are not freed */
} stage;

static void
refused(void *arg, const char *path, const struct weir_error *err)
{
    (void)arg;
    fail_msg("%s: %s", path, err->text);
}

int
stage_open(void **state)
{
    (void)state;
    struct weir_error err = { 0 };
    struct engine_limits limits = { .max_runs = 1000 };
    stage.log = memfd_create("log", MFD_CLOEXEC);
    log_start(stage.log, LOG_JSON, WEIR_DEBUG);
    strcpy(stage.folder, "/tmp/weir-stage-XXXXXX");
    assert_non_null(mkdtemp(stage.folder));
    stage.registry = registry_new(host_table());
    assert_int_not_equal(
        registry_load_folder(stage.registry, WEIR_BUILD "/plugins", refused, NULL, &err), 0);
    assert_int_equal(shard_new(0, &stage.shard, &err), WEIR_OK);
    stage.workers = workers_start(2, 100);
    blocking_use(stage.workers);
    assert_int_equal(engine_shard_new(stage.shard, &limits, &err), WEIR_OK);
    return 0;
}

static void
remove_files(void)
{
    char path[128];
    for (unsigned i = 0; i < 10; i++) {
        snprintf(path, sizeof path, "%s/p%u.yaml", stage.folder, i);
        unlink(path);
    }
}

int
stage_close(void **state)
{
    (void)state;
    assert_int_equal(stage.plays, 0);
    assert_int_equal(engine_runs(stage.shard), 0);
    blocking_use(NULL);
    workers_stop(&stage.workers);
    engine_shard_free(stage.shard);
    generation_unref(&stage.generation);
    shard_free(&stage.shard);
    registry_free(&stage.registry);
    remove_files();
    rmdir(stage.folder);
    log_stop();
    close(stage.log);
    return 0;
}

void
stage_add_file(const char *path)
{
    struct weir_error err = { 0 };
    if (registry_load(stage.registry, path, &err) != WEIR_OK)
        fail_msg("%s", err.text);
}

void
stage_add(const struct weir_plugin *p)
{
    struct weir_error err = { 0 };
    if (registry_add(stage.registry, p, &err) != WEIR_OK)
        fail_msg("%s", err.text);
}

const struct registry *
stage_registry(void)
{
    return stage.registry;
}

struct weir_shard *
stage_shard(void)
{
    return stage.shard;
}

/* Loads what stands at PATH; NULL with diagnostics. */
static struct generation *
load(const char *path, struct diags *d)
{
    struct generation_source source = {
        .paths = &path,
        .n_paths = 1,
        .load = { .registry = stage.registry, .have_store = true },
        .routes = &edge_routes_port,
    };
    return generation_new(&source, d);
}

static char *
messages(struct diags *d)
{
    struct buf b;
    buf_init(&b, 1u << 20);
    diags_sort(d);
    diags_text(d, false, &b);
    char *text = strdup(b.bytes);
    buf_fini(&b);
    return text;
}

void
stage_load_file(const char *path)
{
    struct diags d;
    struct weir_error err = { 0 };
    diags_init(&d);
    struct generation *g = load(path, &d);
    if (g == NULL) {
        char *text = messages(&d);
        fail_msg("%s", text);
    }
    diags_fini(&d);
    assert_int_equal(engine_prepare(stage.shard, g, &err), WEIR_OK);
    engine_commit(stage.shard, g);
    generation_unref(&stage.generation);
    stage.generation = g;
}

static void
write_file(unsigned number, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/p%u.yaml", stage.folder, number);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

void
stage_load(const char *yaml, ...)
{
    va_list rest;
    unsigned n = 0;
    remove_files();
    va_start(rest, yaml);
    for (const char *text = yaml; text != NULL; text = va_arg(rest, const char *))
        write_file(n++, text);
    va_end(rest);
    stage_load_file(stage.folder);
}

char *
stage_refused(const char *yaml)
{
    struct diags d;
    remove_files();
    write_file(0, yaml);
    diags_init(&d);
    struct generation *g = load(stage.folder, &d);
    if (g != NULL)
        fail_msg("nothing is wrong with it:\n%s", yaml);
    char *text = messages(&d);
    diags_fini(&d);
    return text;
}

void
stage_refuses(const char *why, const char *fmt, ...)
{
    char yaml[4096];
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(yaml, sizeof yaml, fmt, args);
    va_end(args);
    assert_true((size_t)len < sizeof yaml);
    char *text = stage_refused(yaml);
    if (strstr(text, why) == NULL)
        fail_msg("'%s' is not in what is said of\n%s\n%s", why, yaml, text);
    free(text);
}

/* -- events -- */

static void
note_header(struct buf *b, struct weir_text name, struct weir_text value)
{
    buf_text(b, name);
    buf_puts(b, ": ");
    buf_text(b, value);
    buf_puts(b, "\n");
}

static void
drained(void *arg, const char *bytes, size_t len, const struct weir_error *err)
{
    (void)arg;
    (void)bytes;
    (void)len;
    (void)err;
}

static void
on_reply(struct weir_event *e, const struct event_reply *r)
{
    struct play *p = (struct play *)(void *)e;
    struct buf b;
    struct stream *stream;
    buf_init(&b, 1u << 20);
    p->replies++;
    p->status = r->status;
    if (r->content_type.len > 0)
        note_header(&b, TEXT("Content-Type"), r->content_type);
    for (unsigned i = 0; i < r->n_headers; i++)
        note_header(&b, r->headers[i].name, r->headers[i].value);
    for (const struct reply_header *h = e->reply_headers; h; h = h->next)
        note_header(&b, h->header.name, h->header.value);
    free(p->headers);
    free(p->body);
    p->headers = strdup(b.bytes);
    buf_fini(&b);
    p->streamed = r->body && value_type(r->body) == WEIR_STREAM;
    struct weir_text body = r->body ? value_as_text(r->body) : TEXT("");
    p->body = p->streamed ? strdup("(stream)") : strndup(body.bytes, body.len);
    if (p->streamed && stream_take(r->body, drained, NULL, &stream))
        stream_drop(&stream);
}

static void
on_release(struct weir_event *e)
{
    struct play *p = (struct play *)(void *)e;
    assert_false(p->released);
    p->released = true;
    value_unref(&e->raw);
    value_unref(&e->auth);
}

static const struct event_ops ops = { .reply = on_reply, .release = on_release };

/* Fills in the headers, names in lower case, with a content type for a body. */
static void
fill_headers(struct play *p, const char *body, const char *headers)
{
    struct weir_header *h = arena_alloc(&p->arena, 20 * sizeof *h);
    unsigned n = 0;
    p->event.headers = h;
    for (const char *at = headers; at && *at; at = strchr(at, '\n') + 1) {
        size_t name = strcspn(at, ":");
        char *lower = arena_copy(&p->arena, at, name);
        for (size_t i = 0; i < name; i++)
            lower[i] = (char)(lower[i] | 0x20);
        size_t value = strcspn(at + name + 2, "\n");
        h[n++] = (struct weir_header){ { lower, name },
                                       { arena_copy(&p->arena, at + name + 2, value), value } };
    }
    p->event.n_headers = n;
    if (body && event_header(&p->event, TEXT("content-type")).bytes == NULL)
        h[p->event.n_headers++] =
            (struct weir_header){ TEXT("content-type"), TEXT("application/json") };
}

static struct trigger_unit *
find_trigger(struct play *p)
{
    struct route_match match;
    struct weir_event *e = &p->event;
    if (route_find(engine_routes(stage.shard), e->method, e->path, &match) != ROUTE_FOUND)
        fail_msg("no route of %.*s %.*s", (int)e->method.len, e->method.bytes, (int)e->path.len,
                 e->path.bytes);
    struct weir_header *params = arena_alloc(&p->arena, (match.n_params + 1) * sizeof *params);
    for (unsigned i = 0; i < match.n_params; i++)
        params[i] = (struct weir_header){ match.param_names[i], match.params[i] };
    e->params = params;
    e->n_params = match.n_params;
    return match.trigger;
}

struct play *
stage_begin(const char *line, const char *body, const char *headers)
{
    struct play *p = calloc(1, sizeof *p);
    struct weir_event *e = &p->event;
    stage.plays++;
    arena_init(&p->arena, 0, 1u << 20);
    size_t method = strcspn(line, " ");
    e->ops = &ops;
    e->shard = stage.shard;
    e->arena = &p->arena;
    e->method = (struct weir_text){ line, method };
    size_t path = strcspn(line + method + 1, "?");
    e->path = (struct weir_text){ line + method + 1, path };
    e->query = text_of(line + method + 1 + path + (line[method + 1 + path] == '?'));
    e->client_ip = TEXT("192.0.2.1");
    e->id = TEXT("request-1");
    e->tracestate = TEXT("");
    memset(e->trace_id, 'a', EVENT_TRACE - 1);
    memset(e->span_id, 'b', EVENT_SPAN - 1);
    if (body)
        e->raw = value_bytes(body, strlen(body));
    fill_headers(p, body, headers);
    struct trigger_unit *trigger = find_trigger(p);
    (void)shard_turn(stage.shard, 0);
    engine_offer(e, trigger);
    return p;
}

void
stage_turn(uint64_t ms)
{
    (void)shard_turn(stage.shard, ms);
}

void
stage_finish(struct play *p)
{
    uint64_t end = clock_mono_ms() + PATIENCE_MS;
    while (!p->released && clock_mono_ms() < end) {
        stage_turn(5);
        if (p->streamed) {
            p->streamed = false;
            engine_reply_sent(&p->event, NULL);
        }
    }
    if (!p->released)
        fail_msg("the event was not let go of");
}

void
stage_end(struct play **p)
{
    if ((*p)->released)
        arena_fini(&(*p)->arena);
    free((*p)->body);
    free((*p)->headers);
    free(*p);
    *p = NULL;
    stage.plays--;
}

struct play *
stage_play(const char *line, const char *body)
{
    struct play *p = stage_begin(line, body, NULL);
    stage_finish(p);
    assert_int_equal(p->replies, 1);
    return p;
}

void
stage_expect(const char *line, const char *body, unsigned status, const char *answer)
{
    struct play *p = stage_play(line, body);
    if (p->status != status || (answer && strcmp(p->body, answer) != 0))
        fail_msg("%s %s\n is answered %u %s\n instead of %u %s", line, body ? body : "",
                 p->status, p->body, status, answer ? answer : "");
    stage_end(&p);
}

void
stage_leave(const char *line, const char *body)
{
    struct play *p = stage_begin(line, body, NULL);
    stage_turn(0);
    engine_gone(&p->event);
    stage_finish(p);
    stage_end(&p);
    assert_int_equal(engine_runs(stage_shard()), 0);
}

const char *
stage_header(const struct play *p, const char *name)
{
    static char value[1024];
    size_t len = strlen(name);
    value[0] = '\0';
    for (const char *at = p->headers; *at; at = strchr(at, '\n') + 1)
        if (strncasecmp(at, name, len) == 0 && at[len] == ':') {
            snprintf(value, sizeof value, "%.*s", (int)strcspn(at + len + 2, "\n"),
                     at + len + 2);
            break;
        }
    return value;
}

double
stage_metric(const char *series)
{
    struct buf b;
    struct weir_error err;
    double v = -1;
    size_t len = strlen(series);
    buf_init(&b, 16u << 20);
    assert_int_equal(metrics_write(&b, false, &err), WEIR_OK);
    for (const char *at = b.bytes; *at; at = strchr(at, '\n') + 1)
        if (strncmp(at, series, len) == 0 && at[len] == ' ')
            v = strtod(at + len, NULL);
    buf_fini(&b);
    return v;
}

char *
stage_log(void)
{
    log_stop(); /* writes what is there */
    off_t end = lseek(stage.log, 0, SEEK_END);
    size_t len = (size_t)(end - stage.logged);
    char *text = calloc(1, len + 1);
    assert_non_null(text);
    assert_int_equal(pread(stage.log, text, len, stage.logged), len);
    stage.logged = end;
    log_start(stage.log, LOG_JSON, WEIR_DEBUG);
    return text;
}

/* cli/event_file.c - see event_file.h. SPDX-License-Identifier: Apache-2.0 */
#include "cli/event_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "cli/setup.h"
#include "net/body.h"
#include "value/json.h"

#define EVENT_MAX (64u << 20)

static const char *const known[] = { "method", "path", "headers", "query", "client_ip", "body", "text", "id",
                                     "signed", "connection", "auth" };

static bool
check_keys(const char *file, const struct weir_value *v)
{
    struct weir_text key;
    const struct weir_value *item;
    if (value_type(v) != WEIR_MAP) {
        fprintf(stderr, "weir: %s: an event is a JSON object such as {\"path\": \"/x\", \"body\": {}}\n", file);
        return false;
    }
    for (size_t i = 0; value_member(v, i, &key, &item); i++) {
        bool found = false;
        for (size_t k = 0; k < sizeof known / sizeof *known && !found; k++)
            found = text_is(key, known[k]);
        if (found)
            continue;
        fprintf(stderr, "weir: %s: an event has no '%.*s'; its members are method, path, headers, query, client_ip, "
                        "id, signed, connection, auth, and body or text\n", file, (int)key.len, key.bytes);
        return false;
    }
    return true;
}

bool
event_file_read(struct event_file *f, const char *file)
{
    arena_init(&f->arena, 0, EVENT_MAX);
    f->document = value_ref(&value_empty_map);
    if (file == NULL)
        return true;
    size_t len;
    char *bytes = read_whole_file(file, EVENT_MAX, &len);
    if (bytes == NULL)
        return false;
    struct weir_error err = { 0 };
    enum weir_code code = json_read((struct weir_text){ bytes, len }, NULL, NULL, &f->document, &err);
    free(bytes);
    if (code != WEIR_OK) {
        fprintf(stderr, "weir: %s: %s\n", file, err.text);
        return false;
    }
    return check_keys(file, f->document);
}

void
event_file_fini(struct event_file *f)
{
    value_unref(&f->document);
    arena_fini(&f->arena);
}

static struct weir_text
member_text(const struct event_file *f, const char *key, const char *fallback)
{
    const struct weir_value *v = value_field(f->document, key);
    return v && value_type(v) == WEIR_STRING ? value_as_text(v) : text_of(fallback);
}

/* The header fields, in lower case, with a content type that fits the body. */
static void
fill_headers(struct event_file *f, struct weir_event *e)
{
    const struct weir_value *map = value_field(f->document, "headers");
    size_t n = map && value_type(map) == WEIR_MAP ? map->len : 0;
    struct weir_header *headers = arena_alloc(&f->arena, (n + 1) * sizeof *headers);
    bool typed = false;
    unsigned count = 0;
    struct weir_text key;
    const struct weir_value *v;
    for (size_t i = 0; i < n && value_member(map, i, &key, &v); i++) {
        char *name = arena_copy(&f->arena, key.bytes, key.len);
        for (size_t k = 0; k < key.len; k++)
            name[k] = (char)(name[k] >= 'A' && name[k] <= 'Z' ? name[k] + 32 : name[k]);
        headers[count].name = (struct weir_text){ name, key.len };
        headers[count].value = value_as_text(v);
        typed = typed || text_is(headers[count].name, "content-type");
        count++;
    }
    if (!typed && (value_field(f->document, "body") || value_field(f->document, "text"))) {
        headers[count].name = TEXT("content-type");
        headers[count++].value = value_field(f->document, "body") ? TEXT("application/json") : TEXT("text/plain");
    }
    e->headers = headers;
    e->n_headers = count;
}

void
event_file_fill(struct event_file *f, struct weir_event *e)
{
    const struct weir_value *body = value_field(f->document, "body");
    const struct weir_value *text = value_field(f->document, "text");
    e->arena = &f->arena;
    e->method = member_text(f, "method", "POST");
    e->path = member_text(f, "path", "/");
    e->query = member_text(f, "query", "");
    e->client_ip = member_text(f, "client_ip", "127.0.0.1");
    char *id = arena_alloc(&f->arena, ID_UUID);
    id_uuid7(clock_wall_ms(), id);
    e->id = member_text(f, "id", id);
    fill_headers(f, e);
    id_hex(e->trace_id, 16);
    e->random_trace = true;
    id_hex(e->span_id, 8);
    const struct weir_value *connection = value_field(f->document, "connection");
    if (connection)
        e->connection = value_ref(connection);
    if (text) {
        e->raw = value_bytes(text->bytes, text->len);
    } else if (body) {
        struct buf b;
        struct weir_error err;
        buf_init(&b, EVENT_MAX);
        if (json_write(&b, body, &err) == WEIR_OK)
            e->raw = value_bytes(b.bytes, b.len);
        buf_fini(&b);
    }
}

bool
event_file_signed(const struct event_file *f)
{
    const struct weir_value *v = value_field(f->document, "signed");
    return v && value_type(v) == WEIR_BOOL && v->boolean;
}

static const struct weir_value *
text_value(struct weir_text t)
{
    return value_string(t.bytes, t.len);
}

const struct weir_value *
event_file_request(struct event_file *f)
{
    struct weir_event e = { 0 };
    struct weir_error err = { 0 };
    const struct weir_value *query = NULL, *query_all = NULL;
    event_file_fill(f, &e);
    struct weir_builder *b = builder_map(), *headers = builder_map();
    builder_take(b, "method", text_value(e.method));
    builder_take(b, "path", text_value(e.path));
    builder_put(b, "params", &value_empty_map); /* no route is known here */
    if (query_parse(e.query, &query, &query_all, &err) == WEIR_OK) {
        builder_take(b, "query", query);
        builder_take(b, "query_all", query_all);
    }
    for (unsigned i = 0; i < e.n_headers; i++) {
        const struct weir_value *v = text_value(e.headers[i].value);
        builder_set(headers, e.headers[i].name.bytes, e.headers[i].name.len, &v);
    }
    builder_take(b, "headers", builder_end(&headers));
    const struct weir_value *body = value_field(f->document, "body"), *text = value_field(f->document, "text");
    builder_put(b, "body", text ? text : body ? body : &value_null);
    builder_take(b, "raw", e.raw ? e.raw : value_bytes("", 0));
    builder_take(b, "client_ip", text_value(e.client_ip));
    builder_take(b, "id", text_value(e.id));
    const struct weir_value *auth = value_field(f->document, "auth");
    builder_put(b, "auth", auth ? auth : &value_null);
    builder_take(b, "connection", e.connection ? e.connection : value_ref(&value_null));
    return builder_end(&b);
}

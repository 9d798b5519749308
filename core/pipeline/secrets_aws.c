/* pipeline/secrets_aws.c - fetching from AWS Secrets Manager. See secrets_aws.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "pipeline/secrets_aws.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/encode.h"
#include "net/sigv4.h"
#include "value/json.h"

#define AT_ONCE 8u
#define ANSWER_MAX (256u << 10)
#define TARGET "secretsmanager.GetSecretValue"

/* One name, and the call for it. */
struct asking {
    struct aws_fetch *fetch;
    struct client_call *call; /* NULL: not yet, or no more */
    char *name;               /* owned */
};

struct aws_fetch {
    struct weir_shard *shard;
    struct client *client;
    struct aws_source source;
    struct secrets_cache *cache;
    struct asking *all; /* owned */
    unsigned n;
    unsigned begun;
    unsigned ended;
    struct aws_result result;
    struct soon soon;
    aws_done_fn *done;
    void *arg;
};

static void
failed(struct aws_fetch *f, const struct asking *a, bool later, const char *why)
{
    f->result.failed++;
    f->result.later |= later;
    if (f->result.error[0] == '\0')
        (void)snprintf(f->result.error, sizeof f->result.error, "AWS Secrets Manager: %.60s%.60s: %.100s",
                       f->source.prefix, a->name, why);
}

/* The error's name without what stands before a # in it, as in "com.amazonaws...#AccessDenied". */
static struct weir_text
error_type(const struct weir_value *doc)
{
    const struct weir_value *type = value_field(doc, "__type");
    struct weir_text t = type != NULL ? value_as_text(type) : (struct weir_text){ "", 0 };
    const char *hash = t.len > 0 ? memchr(t.bytes, '#', t.len) : NULL;
    if (hash == NULL)
        return t;
    return (struct weir_text){ hash + 1, t.len - (size_t)(hash + 1 - t.bytes) };
}

static void
refused(struct aws_fetch *f, const struct asking *a, unsigned status, const struct weir_value *doc)
{
    struct weir_text type = error_type(doc);
    char why[160];
    if (text_is(type, "ResourceNotFoundException")) {
        f->result.missing++;
        f->result.changed |= secrets_cache_put(f->cache, text_of(a->name), (struct weir_text){ NULL, 0 }, "");
        return;
    }
    bool later = status >= 500 || status == 429 || text_is(type, "ThrottlingException") ||
                 text_is(type, "InternalServiceError") || text_is(type, "InternalServiceErrorException");
    (void)snprintf(why, sizeof why, "it answered %u%s%.*s", status, type.len > 0 ? " " : "",
                   (int)(type.len < 100 ? type.len : 100), type.bytes);
    failed(f, a, later, why);
}

/* Takes the value out of a good answer. */
static void
taken(struct aws_fetch *f, const struct asking *a, const struct weir_value *doc)
{
    char place[SECRET_NAME_MAX + sizeof f->source.prefix + 8];
    struct buf bytes;
    struct weir_error err = { 0 };
    const struct weir_value *text = value_field(doc, "SecretString"), *binary = value_field(doc, "SecretBinary");
    (void)snprintf(place, sizeof place, "%s%s", f->source.prefix, a->name);
    buf_init(&bytes, SECRET_MAX + 1);
    enum weir_code code = WEIR_OK;
    if (text != NULL && value_type(text) == WEIR_STRING)
        code = buf_add(&bytes, text->bytes, text->len, &err);
    else if (binary != NULL && value_type(binary) == WEIR_STRING)
        code = base64_decode(&bytes, value_as_text(binary), &err);
    else
        code = err_set(&err, WEIR_UPSTREAM, "the answer has neither SecretString nor SecretBinary");
    if (code == WEIR_OK && bytes.len > SECRET_MAX)
        code = err_set(&err, WEIR_TOO_LARGE, "a secret has at most %d bytes", SECRET_MAX);
    if (code == WEIR_OK) {
        f->result.fetched++;
        f->result.changed |= secrets_cache_put(f->cache, text_of(a->name), buf_content(&bytes), place);
    } else {
        failed(f, a, false, err.text);
    }
    if (bytes.len > 0)
        explicit_bzero(bytes.bytes, bytes.len);
    buf_fini(&bytes);
}

static void
answered(void *arg, const struct weir_http_answer *answer, const struct weir_error *err)
{
    struct asking *a = arg;
    struct aws_fetch *f = a->fetch;
    const struct weir_value *doc = NULL;
    struct weir_error wrong = { 0 };
    a->call = NULL;
    f->ended++;
    if (answer == NULL) {
        failed(f, a, code_is_later(err->code), err->text);
    } else {
        struct weir_text body = answer->body != NULL ? value_as_text(answer->body) : (struct weir_text){ "", 0 };
        bool json = json_read(body, NULL, NULL, &doc, &wrong) == WEIR_OK && value_type(doc) == WEIR_MAP;
        if (answer->status == 200 && json)
            taken(f, a, doc);
        else if (answer->status == 200)
            failed(f, a, false, "its answer is no JSON");
        else
            refused(f, a, answer->status, doc);
    }
    value_unref(&doc);
    soon_add(f->shard, &f->soon);
}

/* The body of the question. */
static const struct weir_value *
question(const struct aws_fetch *f, const struct asking *a)
{
    char id[SECRET_NAME_MAX + sizeof f->source.prefix + 8];
    struct buf json;
    struct weir_builder *b = builder_map();
    (void)snprintf(id, sizeof id, "%s%s", f->source.prefix, a->name);
    builder_take(b, "SecretId", value_text(id));
    const struct weir_value *v = builder_end(&b);
    buf_init(&json, 4096);
    bool good = json_write(&json, v, NULL) == WEIR_OK;
    value_unref(&v);
    v = good ? value_string(json.bytes, json.len) : NULL;
    buf_fini(&json);
    return v;
}

static void
ask(struct aws_fetch *f, struct asking *a)
{
    const struct aws_source *from = &f->source;
    char date[SIGV4_DATE], url[sizeof from->endpoint + 2];
    struct buf authorization;
    struct weir_error err = { 0 };
    const struct weir_value *body = question(f, a);
    uint64_t now = clock_wall_ms();
    sigv4_date(now, date);
    (void)snprintf(url, sizeof url, "%s/", from->endpoint);
    struct weir_header headers[7] = {
        { TEXT("Content-Type"), TEXT("application/x-amz-json-1.1") },
        { TEXT("Host"), text_of(from->host) },
        { TEXT("X-Amz-Date"), text_of(date) },
        { TEXT("X-Amz-Target"), TEXT(TARGET) },
    };
    unsigned n = 4;
    if (from->session_token != NULL)
        headers[n++] = (struct weir_header){ TEXT("X-Amz-Security-Token"), text_of(from->session_token) };
    const struct sigv4 who = { text_of(from->access_key), text_of(from->secret_key), text_of(from->region),
                               TEXT("secretsmanager"), now };
    const struct sigv4_request r = { TEXT("POST"), TEXT("/"), { "", 0 }, headers, n, value_as_text(body) };
    buf_init(&authorization, 8192);
    if (sigv4_sign(&who, &r, &authorization, &err) != WEIR_OK) {
        f->ended++;
        failed(f, a, false, err.text);
        soon_add(f->shard, &f->soon);
    } else {
        headers[n++] = (struct weir_header){ TEXT("Authorization"), buf_content(&authorization) };
        const struct weir_http_request http = { .size = sizeof http, .method = TEXT("POST"), .url = text_of(url),
                                                .headers = headers, .n_headers = n, .body = body,
                                                .whole_ms = from->timeout_ms, .connect_ms = from->timeout_ms,
                                                .first_byte_ms = from->timeout_ms, .max_body = ANSWER_MAX };
        const struct client_request request = { &http, UINT64_MAX, 1 };
        a->call = client_send(f->client, &request, answered, a);
    }
    value_unref(&body);
    buf_fini(&authorization);
}

static void
fetch_free(struct aws_fetch *f)
{
    soon_remove(&f->soon);
    for (unsigned i = 0; i < f->n; i++)
        free(f->all[i].name);
    free(f->all);
    free(f);
}

/* Asks for more while few are under way; tells the end. */
static void
go_on(void *arg)
{
    struct aws_fetch *f = arg;
    while (f->begun < f->n && f->begun - f->ended < AT_ONCE) {
        struct asking *a = &f->all[f->begun++];
        ask(f, a);
    }
    if (f->ended < f->n)
        return;
    aws_done_fn *done = f->done;
    void *done_arg = f->arg;
    struct aws_result result = f->result;
    fetch_free(f);
    done(done_arg, &result);
}

struct aws_fetch *
aws_fetch_start(struct weir_shard *s, struct client *client, const struct aws_source *source,
                struct secrets_cache *cache, const struct weir_text *names, unsigned n, aws_done_fn *done, void *arg)
{
    struct aws_fetch *f = calloc(1, sizeof *f);
    if (f == NULL || (f->all = calloc(n + 1, sizeof *f->all)) == NULL)
        abort();
    f->shard = s;
    f->client = client;
    f->source = *source;
    f->cache = cache;
    f->n = n;
    f->done = done;
    f->arg = arg;
    for (unsigned i = 0; i < n; i++) {
        f->all[i].fetch = f;
        f->all[i].name = strndup(names[i].bytes, names[i].len);
        if (f->all[i].name == NULL)
            abort();
    }
    soon_init(&f->soon, go_on, f);
    soon_add(s, &f->soon);
    return f;
}

void
aws_fetch_stop(struct aws_fetch **f)
{
    struct aws_fetch *old = *f;
    *f = NULL;
    if (old == NULL)
        return;
    for (unsigned i = 0; i < old->n; i++)
        client_cancel(&old->all[i].call);
    fetch_free(old);
}

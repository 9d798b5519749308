/* cli/test_record.c - weir test record JOB: a test made of a real job. See test.h.
 *
 * The request is that of the job's event, without what the API masks; the answers of the mocks are the outputs
 * that its steps had, as far as they were kept.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "cli/answer.h"
#include "cli/job_ask.h"
#include "cli/test.h"
#include "value/json.h"

static void
print_json(const struct weir_value *v)
{
    struct buf b;
    struct weir_error err;
    buf_init(&b, 64u << 20);
    if (json_write(&b, v, &err) == WEIR_OK)
        printf("%.*s", (int)b.len, b.bytes);
    buf_fini(&b);
}

static void
print_text(struct weir_text t)
{
    const struct weir_value *v = value_string(t.bytes, t.len);
    print_json(v);
    value_unref(&v);
}

/* Headers that a test needs: not those of the transport, and no masked ones. */
static void
print_headers(const struct weir_value *pairs)
{
    static const char *const left_out[] = { "host", "user-agent", "accept", "accept-encoding", "connection", "content-length",
                                            "content-type", "accept-language", "sec-fetch-mode" };
    const struct weir_value *pair;
    const char *before = "      headers: { ";
    for (size_t i = 0; (pair = value_at(pairs, i)) != NULL; i++) {
        struct weir_text name = value_as_text(value_at(pair, 0)), value = value_as_text(value_at(pair, 1));
        bool skip = text_is(value, "***");
        for (size_t k = 0; k < sizeof left_out / sizeof *left_out; k++)
            skip |= text_is(name, left_out[k]);
        if (skip)
            continue;
        printf("%s", before);
        print_text(name);
        printf(": ");
        print_text(value);
        before = ", ";
    }
    printf("%s", before[0] == ',' ? " }\n" : "");
}

static void
print_request(const struct weir_value *event)
{
    struct weir_text method = answer_member_text(event, "method"), path = answer_member_text(event, "path"),
                     query = answer_member_text(event, "query"), raw = answer_member_text(event, "raw");
    const struct weir_value *json = NULL, *body = value_field(event, "body");
    struct weir_error err;
    if (text_is(method, "EMIT")) {
        printf("    event: ");
        print_json(body ? body : &value_null);
        printf("\n");
        return;
    }
    printf("    request:\n      method: %.*s\n      path: ", (int)method.len, method.bytes);
    print_text(path);
    if (query.len > 0) {
        printf("\n      query: ");
        print_text(query);
    }
    printf("\n");
    print_headers(value_field(event, "headers"));
    const struct weir_value *auth = value_field(event, "auth"); /* its credential is nowhere */
    if (auth && value_type(auth) == WEIR_MAP) {
        printf("      auth: ");
        print_json(auth);
        printf("\n");
    }
    if (raw.len > 0 && json_read(raw, NULL, NULL, &json, &err) == WEIR_OK) {
        printf("      json: ");
        print_json(json);
        printf("\n");
        value_unref(&json);
    } else if (raw.len > 0) {
        printf("      text: ");
        print_text(raw);
        printf("\n");
    }
}

/* The type of the step ID in the pipeline, as the server has it. */
static struct weir_text
type_of(const struct weir_value *pipeline, struct weir_text id)
{
    const struct weir_value *one;
    for (size_t i = 0; (one = value_at(value_field(pipeline, "steps"), i)) != NULL; i++)
        if (text_equal(answer_member_text(one, "id"), id))
            return answer_member_text(one, "type");
    return TEXT("");
}

/* An http step answers with what its upstream said; what it failed with stands for the last attempt. */
static void
print_mock(struct weir_text id, const struct weir_value *output, struct weir_text code)
{
    printf("      %.*s: ", (int)id.len, id.bytes);
    if (code.len > 0) {
        printf("{ error: %.*s }\n", (int)code.len, code.bytes);
        return;
    }
    const struct weir_value *status = value_field(output, "status"), *body = value_field(output, "body");
    printf("{ status: %lld", status ? (long long)status->integer : 200);
    if (body && value_type(body) != WEIR_NULL) {
        printf(value_type(body) == WEIR_STRING ? ", text: " : ", json: ");
        print_json(body);
    }
    printf(" }\n");
}

static void
print_mocks(const struct weir_value *job, const struct weir_value *pipeline)
{
    const struct weir_value *trace = value_field(value_at(value_field(job, "attempts"), 0), "trace"), *one;
    const struct weir_value *lists[] = { value_field(job, "steps"), value_field(trace, "steps") };
    struct weir_text failed = answer_member_text(job, "node");
    bool some = false;
    for (unsigned k = 0; k < 2; k++)
        for (size_t i = 0; (one = value_at(lists[k], i)) != NULL; i++) {
            struct weir_text id = answer_member_text(one, k == 0 ? "path" : "id");
            if (!text_is(type_of(pipeline, id), "http") || value_field(one, "output") == NULL ||
                (k == 1 && value_at(lists[0], 0)))
                continue;
            printf("%s", some ? "" : "    mock:\n");
            print_mock(id, value_field(one, "output"), TEXT(""));
            some = true;
        }
    if (failed.len > 0 && text_is(type_of(pipeline, failed), "http")) {
        printf("%s", some ? "" : "    mock:\n");
        print_mock(failed, NULL, answer_member_text(job, "code"));
    }
}

int
test_record(const struct args *a)
{
    const struct weir_value *job, *pipeline = NULL;
    const char *id = a->n_words > 1 ? a->words[1] : "";
    if (!job_id_looks_good(a, id))
        return EXIT_USAGE;
    int code = job_ask_one(a, id, NULL, NULL, false, &job);
    if (job == NULL)
        return code;
    struct buf path;
    struct weir_text name = answer_member_text(job, "pipeline"), state = answer_member_text(job, "state"), file;
    buf_init(&path, 4096);
    (void)buf_puts(&path, "/api/v1/pipelines/");
    (void)url_encode(&path, name);
    (void)job_ask(a, "GET", path.bytes, NULL, &pipeline);
    buf_fini(&path);
    file = answer_member_text(pipeline, "file");
    const char *slash = file.len > 0 ? memrchr(file.bytes, '/', file.len) : NULL;
    if (slash)
        file = (struct weir_text){ slash + 1, file.len - (size_t)(slash + 1 - file.bytes) };
    printf("# Made of the job %s by weir test record. Look at it: what was masked is missing, and what\n"
           "# the job does not say is not expected.\npipeline: ", id);
    if (file.len > 0)
        print_text(file);
    else
        printf("%.*s.yaml", (int)name.len, name.bytes);
    printf("\ntests:\n  - name: the job %s\n", id);
    print_mocks(job, pipeline);
    print_request(value_field(job, "event"));
    printf("    expect:\n      job: %.*s\n", (int)state.len, state.bytes);
    value_unref(&pipeline);
    value_unref(&job);
    return EXIT_GOOD;
}

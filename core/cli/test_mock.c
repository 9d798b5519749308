/* cli/test_mock.c - who answers in place of upstreams and steps while a test is played. See test.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "cli/test.h"
#include "engine/stand_in.h"
#include "value/json.h"

#define BODY_MAX (64u << 20)

struct test_mocks {
    struct stand_in stand_in;
    const struct weir_value *test;
    struct map used;                 /* step to how many of its answers were given */
    struct map calls;                /* step to a list in the making */
    struct map names;                /* http steps that go by the name of a step around them */
    struct map around;               /* these */
    struct map steps;                /* step to its output: owned values */
    struct map errors;               /* step to the code of its failure */
    struct weir_builder *ran, *ended;
    struct weir_text crash;          /* the step after which, or in which, the process ends; empty: none */
    bool crash_during;
    void (*cut)(void *arg);
    void *arg;
    bool over;
    char problem[400];
};

static const struct weir_value *
member(const struct weir_value *map, const char *key)
{
    const struct weir_value *v = value_field(map, key);
    return v && value_type(v) != WEIR_NULL ? v : NULL;
}

static struct weir_text
text_at(const struct weir_value *map, const char *key)
{
    const struct weir_value *v = value_field(map, key);
    return v && value_type(v) == WEIR_STRING ? value_as_text(v) : TEXT("");
}

static const struct weir_value *
mock_of(const struct test_mocks *m, const char *id)
{
    const struct weir_value *all = member(m->test, "mock");
    return all && value_type(all) == WEIR_MAP ? value_get(all, id, strlen(id)) : NULL;
}

/* The next answer for ID; NULL after noting that there is none. */
static const struct weir_value *
next_answer(struct test_mocks *m, const char *id)
{
    const struct weir_value *mock = mock_of(m, id), *answer;
    size_t n = (size_t)(uintptr_t)map_get(&m->used, id, strlen(id));
    (void)map_set(&m->used, id, strlen(id), (void *)(uintptr_t)(n + 1));
    if (mock == NULL || value_type(mock) != WEIR_LIST)
        return mock;
    answer = value_at(mock, n);
    if (answer == NULL && m->problem[0] == '\0')
        snprintf(m->problem, sizeof m->problem, "mock: '%s' has %zu answers, and one more was asked for", id, (size_t)mock->len);
    return answer;
}

static uint64_t
delay_of(const struct weir_value *answer)
{
    uint64_t ms = 0;
    struct weir_error err;
    struct weir_text after = text_at(answer, "after");
    if (after.len > 0)
        (void)duration_parse(after, &ms, &err);
    return ms;
}

/* Fills in what an answer of both kinds may have; whether it is an error. */
static bool
fill_common(const struct weir_value *answer, struct stand_in_answer *ret)
{
    struct weir_text code = text_at(answer, "error"), message = text_at(answer, "message");
    const struct weir_value *never = member(answer, "never"), *status = member(answer, "status");
    ret->delay_ms = delay_of(answer);
    ret->never = never && value_type(never) == WEIR_BOOL && never->boolean;
    if (code.len == 0)
        return false;
    uint32_t number = code_find(code.bytes, code.len);
    err_set(&ret->error, number ? (enum weir_code)number : WEIR_INTERNAL, "%.*s",
            message.len > 0 ? (int)message.len : 16, message.len > 0 ? message.bytes : "the test says so");
    ret->error.status = status && value_type(status) == WEIR_INT ? (uint32_t)status->integer : 0;
    return true;
}

void
test_mocks_rename(struct test_mocks *m, const char *id, const char *name)
{
    (void)map_set(&m->names, id, strlen(id), (void *)(uintptr_t)name);
    (void)map_set(&m->around, name, strlen(name), m);
}

bool
test_mocks_knows(const struct test_mocks *m, struct weir_text name)
{
    return map_get(&m->around, name.bytes, name.len) != NULL;
}

static const char *
name_of(const struct test_mocks *m, const char *id)
{
    const char *name = map_get(&m->names, id, strlen(id));
    return name ? name : id;
}

static bool
step(void *arg, const struct stand_in_step *s, struct stand_in_answer *ret)
{
    struct test_mocks *m = arg;
    const char *name = name_of(m, s->id);
    const struct weir_value *mock = mock_of(m, name);
    bool output = value_field(value_type(mock ? mock : &value_null) == WEIR_LIST ? value_at(mock, 0) : mock, "output") != NULL;
    bool sends = strcmp(s->type, "http") == 0 || map_get(&m->around, s->id, strlen(s->id)) != NULL;
    if (mock == NULL || (sends && !output))
        return false;
    const struct weir_value *answer = next_answer(m, name);
    if (answer && !fill_common(answer, ret))
        ret->output = value_ref(value_field(answer, "output") ? value_field(answer, "output") : &value_null);
    else if (answer == NULL)
        err_set(&ret->error, WEIR_INTERNAL, "%s", m->problem);
    return true;
}

/* -- requests -- */

static void
note_call(struct test_mocks *m, const char *id, const struct weir_http_request *r)
{
    struct weir_builder *b = builder_map(), *headers = builder_map();
    const struct weir_value *json = NULL;
    struct weir_error err;
    struct weir_text body = r->body && value_type(r->body) != WEIR_STREAM ? value_as_text(r->body) : TEXT("");
    builder_take(b, "method", value_string(r->method.bytes, r->method.len));
    builder_take(b, "url", value_string(r->url.bytes, r->url.len));
    for (uint32_t i = 0; i < r->n_headers; i++) {
        char name[256];
        size_t len = r->headers[i].name.len < sizeof name ? r->headers[i].name.len : sizeof name;
        for (size_t k = 0; k < len; k++)
            name[k] = (char)(r->headers[i].name.bytes[k] >= 'A' && r->headers[i].name.bytes[k] <= 'Z'
                                 ? r->headers[i].name.bytes[k] + 32
                                 : r->headers[i].name.bytes[k]);
        const struct weir_value *v = value_string(r->headers[i].value.bytes, r->headers[i].value.len);
        builder_set(headers, name, len, &v);
    }
    builder_take(b, "headers", builder_end(&headers));
    if (body.len > 0 && json_read(body, NULL, NULL, &json, &err) == WEIR_OK)
        builder_take(b, "json", json);
    else if (body.len > 0)
        builder_take(b, "text", value_string(body.bytes, body.len));
    struct weir_builder *list = map_get(&m->calls, id, strlen(id));
    if (list == NULL) {
        list = builder_list();
        (void)map_set(&m->calls, id, strlen(id), list);
    }
    const struct weir_value *v = builder_end(&b);
    builder_add(list, &v);
}

static const struct weir_value *
body_of(const struct weir_value *answer)
{
    const struct weir_value *json = value_field(answer, "json");
    struct weir_text text = text_at(answer, "text");
    struct buf b;
    struct weir_error err;
    if (json == NULL)
        return value_bytes(text.bytes, text.len);
    buf_init(&b, BODY_MAX);
    if (json_write(&b, json, &err) != WEIR_OK)
        buf_reset(&b);
    const struct weir_value *v = value_bytes(b.bytes, b.len);
    buf_fini(&b);
    return v;
}

static const struct weir_value *
headers_of(const struct weir_value *answer)
{
    struct weir_builder *b = builder_map();
    const struct weir_value *given = member(answer, "headers"), *v;
    struct weir_text key;
    if (value_field(answer, "json"))
        builder_take(b, "content-type", value_text("application/json"));
    else if (text_at(answer, "text").len > 0)
        builder_take(b, "content-type", value_text("text/plain"));
    for (size_t i = 0; given && value_member(given, i, &key, &v); i++) {
        const struct weir_value *same = value_ref(v);
        builder_set(b, key.bytes, key.len, &same);
    }
    return builder_end(&b);
}

static void
http(void *arg, const struct stand_in_step *s, const struct weir_http_request *r, struct stand_in_answer *ret)
{
    struct test_mocks *m = arg;
    const char *name = name_of(m, s->id);
    note_call(m, name, r);
    if (m->crash_during && text_is(m->crash, name))
        m->cut(m->arg);
    const struct weir_value *answer = next_answer(m, name);
    if (answer == NULL) {
        if (m->problem[0] == '\0')
            snprintf(m->problem, sizeof m->problem,
                     "step '%s' sends %.*s %.*s, and no mock answers: a test reaches nothing outside", name,
                     (int)r->method.len, r->method.bytes, (int)r->url.len, r->url.bytes);
        err_set(&ret->error, WEIR_INTERNAL, "%s", m->problem);
        return;
    }
    if (fill_common(answer, ret))
        return;
    const struct weir_value *status = member(answer, "status");
    ret->status = status && value_type(status) == WEIR_INT ? (uint32_t)status->integer : 200;
    ret->body = body_of(answer);
    ret->headers = headers_of(answer);
}

/* -- what is seen -- */

static void
set_value(struct map *map, const char *id, const struct weir_value *take_v)
{
    const struct weir_value *old = take_v ? map_set(map, id, strlen(id), (void *)(uintptr_t)take_v)
                                          : map_remove(map, id, strlen(id));
    value_unref(&old);
}

static void
ended(void *arg, const struct stand_in_step *s, const struct weir_value *output, const struct weir_error *err)
{
    struct test_mocks *m = arg;
    const struct weir_value *v = value_text(s->id);
    if (!s->repeated)
        builder_add(m->ended, &v);
    value_unref(&v);
    v = value_text(s->id);
    if (s->id_given && !s->repeated)
        builder_add(m->ran, &v);
    value_unref(&v);
    if (output) {
        const struct weir_value *shown = value_type(output) == WEIR_STREAM ? value_text("(a stream)") : value_ref(output);
        set_value(&m->steps, s->id, shown);
        set_value(&m->errors, s->id, NULL);
    } else {
        set_value(&m->errors, s->id, value_text(code_name(err->code)));
    }
    if (!m->crash_during && text_is(m->crash, s->id) && output)
        m->cut(m->arg);
}

static void
over(void *arg, const struct weir_error *err)
{
    struct test_mocks *m = arg;
    (void)err;
    m->over = true;
}

/* -- all of it -- */

static void
add_all(struct weir_builder *list, const struct weir_value *before)
{
    const struct weir_value *one;
    for (size_t i = 0; (one = value_at(before, i)) != NULL; i++) {
        const struct weir_value *same = value_ref(one);
        builder_add(list, &same);
    }
}

/* Goes on with what a play that was cut has seen. */
static void
take_over(struct test_mocks *m, const struct weir_value *before)
{
    struct weir_text id;
    const struct weir_value *v;
    add_all(m->ran, value_field(before, "ran"));
    add_all(m->ended, value_field(before, "ended"));
    for (size_t i = 0; value_member(value_field(before, "used"), i, &id, &v); i++)
        (void)map_set(&m->used, id.bytes, id.len, (void *)(uintptr_t)v->integer);
    for (size_t i = 0; value_member(value_field(before, "calls"), i, &id, &v); i++) {
        struct weir_builder *list = builder_list();
        add_all(list, v);
        (void)map_set(&m->calls, id.bytes, id.len, list);
    }
    for (size_t i = 0; value_member(value_field(before, "steps"), i, &id, &v); i++)
        (void)map_set(&m->steps, id.bytes, id.len, (void *)(uintptr_t)value_ref(v));
}

struct test_mocks *
test_mocks_new(const struct weir_value *test, const struct weir_value *before, void (*cut)(void *arg), void *arg)
{
    struct test_mocks *m = calloc(1, sizeof *m);
    if (m == NULL)
        abort();
    m->stand_in = (struct stand_in){ .arg = m, .step = step, .http = http, .ended = ended, .over = over };
    m->test = test;
    m->cut = cut;
    m->arg = arg;
    m->ran = builder_list();
    m->ended = builder_list();
    map_init(&m->used);
    map_init(&m->calls);
    map_init(&m->names);
    map_init(&m->around);
    map_init(&m->steps);
    map_init(&m->errors);
    const struct weir_value *crash = member(test, "crash");
    if (before) {
        take_over(m, before);
    } else if (crash) {
        m->crash_during = text_at(crash, "during").len > 0;
        m->crash = text_at(crash, m->crash_during ? "during" : "after");
    }
    return m;
}

const struct stand_in *
test_mocks_stand_in(const struct test_mocks *m)
{
    return &m->stand_in;
}

void
test_mocks_settle(struct test_mocks *m)
{
    struct weir_text id;
    const struct weir_value *answers, *all = member(m->test, "mock");
    for (size_t i = 0; m->problem[0] == '\0' && value_member(all, i, &id, &answers); i++) {
        size_t used = (size_t)(uintptr_t)map_get(&m->used, id.bytes, id.len);
        if (value_type(answers) == WEIR_LIST && used < answers->len)
            snprintf(m->problem, sizeof m->problem, "mock: '%.*s' has %zu answers, and %zu %s asked for",
                     (int)(id.len < 100 ? id.len : 100), id.bytes, (size_t)answers->len, used, used == 1 ? "was" : "were");
    }
}

bool
test_mocks_over(const struct test_mocks *m)
{
    return m->over;
}

const char *
test_mocks_problem(const struct test_mocks *m)
{
    return m->problem;
}

static void
tell_values(struct weir_builder *b, const char *key, struct map *map)
{
    struct weir_builder *out = builder_map();
    uint32_t at = 0;
    for (const struct map_entry *e; (e = map_next(map, &at)) != NULL;)
        if (e->value) {
            const struct weir_value *v = value_ref(e->value);
            builder_set(out, e->key, e->len, &v);
        }
    builder_take(b, key, builder_end(&out));
}

void
test_mocks_tell(struct test_mocks *m, struct weir_builder *b)
{
    struct weir_builder *calls = builder_map(), *used = builder_map();
    uint32_t at = 0;
    const struct weir_value *v;
    builder_take(b, "ran", builder_end(&m->ran));
    builder_take(b, "ended", builder_end(&m->ended));
    tell_values(b, "steps", &m->steps);
    tell_values(b, "errors", &m->errors);
    for (const struct map_entry *e; (e = map_next(&m->calls, &at)) != NULL;) {
        struct weir_builder *list = e->value;
        v = builder_end(&list);
        builder_set(calls, e->key, e->len, &v);
    }
    at = 0;
    for (const struct map_entry *e; (e = map_next(&m->used, &at)) != NULL;) {
        v = value_int((int64_t)(uintptr_t)e->value);
        builder_set(used, e->key, e->len, &v);
    }
    builder_take(b, "calls", builder_end(&calls));
    builder_take(b, "used", builder_end(&used));
    map_fini(&m->calls);
    map_init(&m->calls);
}

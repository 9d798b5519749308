/* engine/job_event_test.c - an event comes out of the store as it went in.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "engine/flow.h"
#include "engine/job_event.h"
#include "value/msgpack.h"

/* TEXT for what is constant. */
#define T(literal)                      \
    {                                   \
        "" literal, sizeof(literal) - 1 \
    }

static struct trigger_unit triggers[3];
static struct pipeline pipeline;
static struct flow flow = { .triggers = triggers };

static void
fill(struct weir_event *e)
{
    static const struct weir_header headers[] = {
        { T("x-key"), T("a, b") }, { T("x-odd"), T("caf\xe9") }, /* Latin 1: no UTF-8 */
    };
    static const struct weir_header params[] = { { T("id"), T("\xc3\xa9") } };
    flow.pipeline = &pipeline;
    triggers[2].flow = &flow;
    *e = (struct weir_event){ .trigger = &triggers[2],
                              .method = TEXT("POST"),
                              .path = TEXT("/a/%2F"),
                              .query = TEXT("q=1&q=2"),
                              .client_ip = TEXT("192.0.2.7"),
                              .id = TEXT("request-1"),
                              .route = TEXT("/a/{id}"),
                              .headers = headers,
                              .n_headers = 2,
                              .params = params,
                              .n_params = 1,
                              .raw = value_bytes("\0\xff{}", 4) };
    memcpy(e->trace_id, "0123456789abcdef0123456789abcdef", EVENT_TRACE);
}

static void
assert_text(struct weir_text a, struct weir_text b)
{
    assert_int_equal(a.len, b.len);
    assert_memory_equal(a.bytes, b.bytes, b.len);
}

static void
assert_pairs(const struct weir_header *a, unsigned n_a, const struct weir_header *b,
             unsigned n_b)
{
    assert_int_equal(n_a, n_b);
    for (unsigned i = 0; i < n_b; i++) {
        assert_text(a[i].name, b[i].name);
        assert_text(a[i].value, b[i].value);
    }
}

static void
an_event_comes_back_as_it_was(void **state)
{
    (void)state;
    struct weir_event e, *back = NULL;
    struct buf b;
    struct weir_error err;
    unsigned trigger = 0;
    fill(&e);
    e.auth = value_text("who");
    buf_init(&b, 1u << 20);
    assert_int_equal(job_event_write(&b, &e, &err), WEIR_OK);
    assert_int_equal(job_event_read(buf_content(&b), NULL, &back, &trigger, &err), WEIR_OK);
    assert_int_equal(trigger, 2);
    assert_text(back->method, e.method);
    assert_text(back->path, e.path);
    assert_text(back->query, e.query);
    assert_text(back->client_ip, e.client_ip);
    assert_text(back->id, e.id);
    assert_text(back->route, e.route);
    assert_pairs(back->headers, back->n_headers, e.headers, e.n_headers);
    assert_pairs(back->params, back->n_params, e.params, e.n_params);
    assert_true(value_equal(back->raw, e.raw));
    assert_null(back->body);
    assert_true(value_equal(back->auth, e.auth));
    assert_string_equal(back->trace_id, e.trace_id);
    assert_int_equal(strlen(back->span_id), EVENT_SPAN - 1);
    back->ops->release(back);
    value_unref(&e.raw);
    value_unref(&e.auth);
    buf_fini(&b);
}

/* The marks that its pipeline had when it came go along. */
static void
what_is_marked_stands_in_the_event(void **state)
{
    (void)state;
    struct weir_event e;
    const struct weir_value *v = NULL, *list;
    struct weir_builder *marks = builder_list();
    struct buf b;
    struct weir_error err;
    list = value_text("body.card");
    builder_add(marks, &list);
    list = builder_end(&marks);
    fill(&e);
    pipeline.mask = list;
    buf_init(&b, 1u << 20);
    assert_int_equal(job_event_write(&b, &e, &err), WEIR_OK);
    pipeline.mask = NULL;
    assert_int_equal(msgpack_read(buf_content(&b), &v, &err), WEIR_OK);
    assert_true(value_equal(value_field(v, "mask"), list));
    value_unref(&v);
    value_unref(&list);
    value_unref(&e.raw);
    buf_fini(&b);
}

static void
a_part_of_an_event_is_none(void **state)
{
    (void)state;
    struct weir_event e, *back = NULL;
    struct buf b;
    struct weir_error err;
    unsigned trigger;
    fill(&e);
    buf_init(&b, 1u << 20);
    assert_int_equal(job_event_write(&b, &e, &err), WEIR_OK);
    for (size_t len = 0; len < b.len; len++) {
        struct weir_text part = { b.bytes, len };
        assert_int_equal(job_event_read(part, NULL, &back, &trigger, &err), WEIR_INTERNAL);
        assert_null(back);
    }
    static const struct weir_text others[] = { T("\x80"), T("\x81\xa1v\x02"), T("\x90"),
                                               T("\x81\xa1v\x01") };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_int_equal(job_event_read(others[i], NULL, &back, &trigger, &err), WEIR_INTERNAL);
    value_unref(&e.raw);
    buf_fini(&b);
}

static void
strange_parts_are_survived(void **state)
{
    (void)state;
    /* { v: 1, trigger: -7, headers: [1, [], ["a"]], params: "x", trace: 5, method: [] } */
    static const struct weir_text odd =
        T("\x86\xa1v\x01\xa7trigger\xf9\xa7headers\x93\x01\x90\x91\xa1"
          "a\xa6params\xa1x\xa5trace\x05\xa6method\x90");
    struct weir_event *back = NULL;
    struct weir_error err;
    unsigned trigger = 0;
    assert_int_equal(job_event_read(odd, NULL, &back, &trigger, &err), WEIR_OK);
    assert_int_equal(trigger, UINT32_MAX);
    assert_int_equal(back->n_headers, 3);
    assert_int_equal(back->headers[0].name.len, 0);
    assert_text(back->headers[2].name, TEXT("a"));
    assert_int_equal(back->n_params, 0);
    assert_int_equal(strlen(back->trace_id), EVENT_TRACE - 1);
    back->ops->release(back);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_comes_back_as_it_was),
        cmocka_unit_test(what_is_marked_stands_in_the_event),
        cmocka_unit_test(a_part_of_an_event_is_none),
        cmocka_unit_test(strange_parts_are_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

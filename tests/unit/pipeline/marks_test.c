/* unit/pipeline/marks_test.c - marks of an event, and the texts that they hide elsewhere.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/marks.h"
#include "value/json.h"

static const struct weir_value *
json(const char *text)
{
    const struct weir_value *v = NULL;
    struct weir_error err;
    assert_int_equal(json_read(text_of(text), NULL, NULL, &v, &err), WEIR_OK);
    return v;
}

static void
assert_json(const struct weir_value *take_v, const char *text)
{
    struct buf b;
    buf_init(&b, 1u << 20);
    assert_int_equal(json_write(&b, take_v, NULL), WEIR_OK);
    assert_string_equal(b.bytes, text);
    buf_fini(&b);
    value_unref(&take_v);
}

/* The marks of TEXTS, separated by blanks. */
static struct marks *
marks(const char *texts)
{
    struct marks *m = marks_new();
    struct weir_error err;
    size_t at;
    while (*texts) {
        size_t len = strcspn(texts, " ");
        assert_int_equal(marks_add(m, (struct weir_text){ texts, len }, &at, &err), WEIR_OK);
        texts += len + (texts[len] == ' ');
    }
    return m;
}

static void
assert_hides(const char *texts, const char *body, const char *seen)
{
    struct marks *m = marks(texts);
    const struct weir_value *v = json(body);
    assert_json(marks_hide(m, MARK_BODY, NULL, 0, v, NULL), seen);
    value_unref(&v);
    marks_free(&m);
}

static void
a_mark_hides_what_it_leads_to_and_nothing_else(void **state)
{
    (void)state;
    const char *body = "{\"a\":{\"b\":1,\"c\":[{\"d\":\"x\"},{\"d\":null,\"e\":2}]},\"x.y\":true}";
    assert_hides("body.a.b", body, "{\"a\":{\"b\":\"***\",\"c\":[{\"d\":\"x\"},{\"d\":null,\"e\":2}]},\"x.y\":true}");
    assert_hides("body.a.c.*.d", body, "{\"a\":{\"b\":1,\"c\":[{\"d\":\"***\"},{\"d\":null,\"e\":2}]},\"x.y\":true}");
    assert_hides("body.a.c[1]", body, "{\"a\":{\"b\":1,\"c\":[{\"d\":\"x\"},\"***\"]},\"x.y\":true}");
    assert_hides("body[\"x.y\"] body.a.*", body, "{\"a\":{\"b\":\"***\",\"c\":\"***\"},\"x.y\":\"***\"}");
    assert_hides("body", body, "\"***\"");
    assert_hides("body.b body.a.b.c headers.a", body, body);
}

static void
what_is_no_mark_is_told_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t at;
        const char *why;
    } wrong[] = {
        { "", 0, "begins with" },
        { "bodies.a", 0, "begins with" },
        { "request.body.a", 0, "begins behind 'request.'" },
        { "body.", 5, "a key has to stand here" },
        { "body.a b", 6, "a . or a [" },
        { "body.a*", 6, "stands alone" },
        { "body[\"a]", 5, "not closed" },
        { "body[1", 6, "a ] has to stand here" },
        { "query.a.b", 9, "has no parts" },
        { "body.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a", 70, "more than 32 keys" },
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct marks *m = marks_new();
        struct weir_error err;
        size_t at = 99;
        assert_int_equal(marks_add(m, text_of(wrong[i].text), &at, &err), WEIR_INVALID);
        if (strstr(err.text, wrong[i].why) == NULL || at != wrong[i].at)
            fail_msg("%s: %zu: %s", wrong[i].text, at, err.text);
        assert_int_equal(m->n, 0);
        marks_free(&m);
    }
}

static void
no_more_marks_than_there_is_room_for(void **state)
{
    (void)state;
    struct marks *m = marks_new();
    struct weir_error err;
    size_t at;
    for (unsigned i = 0; i < MARKS_MAX; i++)
        assert_int_equal(marks_add(m, TEXT("body.a"), &at, &err), WEIR_OK);
    assert_int_equal(marks_add(m, TEXT("body.a"), &at, &err), WEIR_TOO_LARGE);
    marks_free(&m);
}

/* V without what M hides of the body BODY. */
static const struct weir_value *
without(const char *texts, const char *body, const char *v)
{
    struct marks *m = marks(texts);
    struct hidden *h = hidden_new();
    const struct weir_value *whole = json(body), *told = json(v);
    const struct weir_value *seen = marks_hide(m, MARK_BODY, NULL, 0, whole, h);
    hidden_end(h);
    const struct weir_value *ret = hidden_masked(h, told);
    value_unref(&seen);
    value_unref(&whole);
    value_unref(&told);
    hidden_free(&h);
    marks_free(&m);
    return ret;
}

static void
its_texts_are_hidden_wherever_they_stand(void **state)
{
    (void)state;
    const char *body = "{\"card\":{\"number\":41112222,\"name\":\"Ada B\",\"cvc\":\"123\",\"pin\":77},\"n\":1}";
    assert_json(without("body.card", body, "[\"a 41112222 b\",41112222,41112223,\"Ada%20B\",\"QWRhIEI=\",true,null]"),
                "[\"a *** b\",\"***\",41112223,\"***\",\"***I=\",true,null]");
    assert_json(without("body.card", body, "{\"Ada B\":1,\"cvc\":\"123\",\"x\":\"123\",\"pin\":77,\"y\":77}"),
                "{\"***\":1,\"cvc\":\"***\",\"x\":\"123\",\"pin\":\"***\",\"y\":77}");
    assert_json(without("body.card.cvc", body, "[\"{\\\"cvc\\\":\\\"123\\\"}\",\"cvc=123&n=1\",\"123\"]"), "[\"{***}\",\"***&n=1\",\"123\"]");
    assert_json(without("body.n", body, "{\"n\":1,\"m\":1}"), "{\"n\":\"***\",\"m\":1}");
    assert_json(without("body.t", "{\"t\":true}", "{\"t\":true,\"T\":true,\"m\":true,\"n\":\"{\\\"t\\\":true}\"}"),
                "{\"t\":\"***\",\"T\":\"***\",\"m\":true,\"n\":\"{***}\"}");
    assert_json(without("body.d", "{\"d\":12345.0}", "[12345,12345.0,12345.5,\"of 12345.0\"]"), "[\"***\",\"***\",12345.5,\"of ***.0\"]");
    assert_json(without("body.i", "{\"i\":12345}", "[12345.0]"), "[\"***\"]");
    assert_json(without("body.u", "{\"u\":\"Z\\u00fcrich/8\"}", "[\"\\\\\\\"Z\\\\u00fcrich\\\\/8\"]"), "[\"\\\\\\\"***\"]");
    assert_json(without("body.other", body, "[\"41112222\",1]"), "[\"41112222\",1]");
}

static void
of_more_than_can_be_looked_for_no_text_is_shown(void **state)
{
    (void)state;
    struct hidden *h = hidden_new();
    char text[32];
    for (unsigned i = 0; i <= HIDDEN_MAX; i++) {
        (void)snprintf(text, sizeof text, "secret-%u", i);
        hidden_add_text(h, text_of(text));
    }
    hidden_end(h);
    const struct weir_value *v = json("{\"a\":\"harmless\",\"b\":[5,true]}");
    assert_json(hidden_masked(h, v), "{\"a\":\"***\",\"b\":[\"***\",true]}");
    value_unref(&v);
    hidden_free(&h);
}

/* What is seen of an event with BODY of TYPE. */
static const struct weir_value *
seen_raw(const char *texts, const char *type, const char *body, bool *ret_gathered)
{
    struct marks *m = marks(texts);
    struct hidden *h = hidden_new();
    char text[256];
    (void)snprintf(text, sizeof text, "{\"headers\":[[\"content-type\",\"%s\"]]}", type);
    const struct weir_value *head = json(text), *raw = value_bytes(body, strlen(body));
    struct weir_builder *b = builder_map();
    builder_put(b, "headers", value_field(head, "headers"));
    builder_set(b, "raw", 3, &raw);
    const struct weir_value *event = builder_end(&b), *seen = marks_hide_event(m, event, h);
    hidden_end(h);
    *ret_gathered = hidden_any(h);
    const struct weir_value *ret = value_ref(value_field(seen, "raw"));
    value_unref(&seen);
    value_unref(&event);
    value_unref(&head);
    hidden_free(&h);
    marks_free(&m);
    return ret;
}

static void
assert_raw(const char *texts, const char *type, const char *body, const char *seen)
{
    bool gathered;
    const struct weir_value *v = seen_raw(texts, type, body, &gathered);
    struct weir_text t = value_as_text(v);
    if (t.len != strlen(seen) || memcmp(t.bytes, seen, t.len) != 0)
        fail_msg("%s: %.*s", body, (int)t.len, t.bytes);
    value_unref(&v);
}

static void
a_body_is_read_and_written_anew(void **state)
{
    (void)state;
    assert_raw("body.a", "application/json", "{ \"a\": \"one\", \"b\": 2 }", "{\"a\":\"***\",\"b\":2}");
    assert_raw("body.a", "application/json", "{\"a\":\"hidden\",\"a\":\"seen\",\"b\":1}", "{\"a\":\"***\",\"b\":1}");
    assert_raw("body.a.b", "application/json", "{\"a\":{\"b\":\"hidden\"},\"a\":1}", "{\"a\":1}");
    assert_raw("body.a", "application/json", "{\"a\":", "***");
    assert_raw("body.a", "text/plain", "{\"a\":\"one\"}", "***");
    assert_raw("body.a", "application/x-www-form-urlencoded", "a=one+two&b=3&%61=4", "a=***&b=3&%61=***");
    assert_raw("body.a.*", "application/x-www-form-urlencoded", "a=1&a=2&b=3", "a=***&a=***&b=3");
    assert_raw("body", "application/x-www-form-urlencoded", "a-name=1&b", "***");
    assert_raw("body", "application/json", "{\"a-name\":1}", "***");
    assert_raw("headers.x", "application/json", "{ \"a\": 1 }", "{ \"a\": 1 }");
    assert_raw("body.a", "application/json", "", "");
}

static void
the_parts_of_an_event_are_hidden(void **state)
{
    (void)state;
    struct marks *m = marks("headers.X-Mine params.id query.q auth.sub");
    struct hidden *h = hidden_new();
    const struct weir_value *event =
        json("{\"method\":\"GET\",\"path\":\"/of/abc\",\"route\":\"/of/{id}\",\"query\":\"q=1%20two&r=3&q\",\"headers\":[[\"x-mine\",\"h\"],"
             "[\"x-yours\",\"h\"]],\"params\":[[\"id\",\"abc\"]],\"auth\":{\"sub\":\"ada\",\"iss\":\"x\"}}");
    assert_json(marks_hide_event(m, event, h),
                "{\"method\":\"GET\",\"path\":\"/of/{id}\",\"route\":\"/of/{id}\",\"query\":\"q=***&r=3&q\",\"headers\":[[\"x-mine\",\"***\"],"
                "[\"x-yours\",\"h\"]],\"params\":[[\"id\",\"***\"]],\"auth\":{\"sub\":\"***\",\"iss\":\"x\"}}");
    hidden_end(h);
    const struct weir_value *told = json("[\"1 two\",\"1%20two\",\"abc\"]");
    assert_json(hidden_masked(h, told), "[\"***\",\"***\",\"abc\"]");
    value_unref(&told);
    value_unref(&event);
    hidden_free(&h);
    marks_free(&m);
}

static void
a_part_of_a_body_is_found_by_its_pointer(void **state)
{
    (void)state;
    struct marks *m = marks("body.a.b body[\"x/y~\"].z");
    const struct weir_value *v = json("{\"b\":\"one\",\"z\":\"two\"}"), *text = json("\"one\"");
    assert_json(marks_hide_at(m, MARK_BODY, TEXT("/a"), v, NULL), "{\"b\":\"***\",\"z\":\"two\"}");
    assert_json(marks_hide_at(m, MARK_BODY, TEXT("/x~1y~0"), v, NULL), "{\"b\":\"one\",\"z\":\"***\"}");
    assert_json(marks_hide_at(m, MARK_BODY, TEXT("/a/b"), text, NULL), "\"***\"");
    assert_json(marks_hide_at(m, MARK_BODY, TEXT("/a/b/c"), text, NULL), "\"***\"");
    assert_json(marks_hide_at(m, MARK_BODY, TEXT("/a/c"), text, NULL), "\"one\"");
    value_unref(&text);
    value_unref(&v);
    marks_free(&m);
}

/* What is hidden by TEXTS of the query in TOLD, a document. */
static void
assert_query(const char *texts, const char *query, const char *seen_query, const char *told, const char *seen_told)
{
    struct marks *m = marks(texts);
    struct hidden *h = hidden_new();
    struct weir_builder *b = builder_map();
    const struct weir_value *v = value_text(query), *document = json(told);
    builder_set(b, "query", 5, &v);
    const struct weir_value *event = builder_end(&b), *seen = marks_hide_event(m, event, h);
    hidden_end(h);
    assert_json(value_ref(value_field(seen, "query")), seen_query);
    assert_json(hidden_masked(h, document), seen_told);
    value_unref(&seen);
    value_unref(&event);
    value_unref(&document);
    hidden_free(&h);
    marks_free(&m);
}

static void
short_texts_of_a_query_are_hidden_under_their_names(void **state)
{
    (void)state;
    assert_query("query.pin", "pin=123&n=123", "\"pin=***&n=123\"", "{\"pin\":\"123\",\"n\":\"123\",\"u\":\"/?pin=123\"}",
                 "{\"pin\":\"***\",\"n\":\"123\",\"u\":\"/?***\"}");
    assert_query("query", "a-mere-name", "\"***\"", "[\"a-mere-name\"]", "[\"***\"]");
    assert_query("query", "", "\"\"", "[\"a-mere-name\"]", "[\"a-mere-name\"]");
    assert_query("query.a", "a&bcde", "\"a&bcde\"", "[\"bcde\"]", "[\"bcde\"]");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mark_hides_what_it_leads_to_and_nothing_else),
        cmocka_unit_test(what_is_no_mark_is_told_with_its_place),
        cmocka_unit_test(no_more_marks_than_there_is_room_for),
        cmocka_unit_test(its_texts_are_hidden_wherever_they_stand),
        cmocka_unit_test(of_more_than_can_be_looked_for_no_text_is_shown),
        cmocka_unit_test(a_body_is_read_and_written_anew),
        cmocka_unit_test(the_parts_of_an_event_are_hidden),
        cmocka_unit_test(a_part_of_a_body_is_found_by_its_pointer),
        cmocka_unit_test(short_texts_of_a_query_are_hidden_under_their_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* unit/admin/collections_test.c - questions to collections of plugins: who is asked what, and that
 * each is answered once, whoever goes first.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "admin/parts.h"

static const struct weir_host *host;
static struct weir_question *kept; /* one that is answered later */
static char asked[512];            /* what the plugin saw last */

static void
ask(struct weir_question *q)
{
    struct weir_text item = host->question_item(q), verb = host->question_verb(q);
    struct weir_text key = host->question_query(q, "key");
    const struct weir_value *json = NULL;
    assert_int_equal(host->json_write(host->question_body(q), &json, NULL), WEIR_OK);
    struct weir_text body = value_as_text(json);
    snprintf(asked, sizeof asked, "%.*s|%.*s|%.*s|%.*s", (int)item.len, item.bytes, (int)verb.len, verb.bytes,
             (int)key.len, key.bytes ? key.bytes : "", (int)body.len, body.bytes);
    host->unref(&json);
    if (key.bytes == NULL)
        assert_int_equal(key.len, 0);
    host->question_set_data(q, asked);
    assert_ptr_equal(host->question_data(q), asked);
    assert_ptr_equal(host->question_shard(q), NULL); /* the admin of this test has none */
    if (item.len == 5 && memcmp(item.bytes, "later", 5) == 0) {
        kept = q;
    } else if (item.len == 4 && memcmp(item.bytes, "none", 4) == 0) {
        host->answer_fail(q, &(struct weir_error){ .code = WEIR_NOT_FOUND, .text = "there is none" });
    } else {
        const struct weir_value *v = value_int(42);
        host->answer(q, &v);
        assert_null(v);
    }
}

static void
run(struct weir_call *call, void *state)
{
    (void)call;
    (void)state;
}

static const struct weir_collection collections[] = {
    { .size = sizeof(struct weir_collection), .name = "things", .summary = "Things.", .verbs = "open close", .ask = ask },
    { .size = sizeof(struct weir_collection), .name = "facts", .summary = "Only looked at.", .ask = ask },
};
static const struct weir_node_type nodes[] = {
    { .size = sizeof(struct weir_node_type), .name = "thing", .summary = "Is.", .config_schema = "{}", .run = run },
};
static const struct weir_plugin plugin = {
    .abi_major = WEIR_ABI_MAJOR,
    .abi_minor = WEIR_ABI_MINOR,
    .size = sizeof plugin,
    .name = "things",
    .version = "1",
    .nodes = nodes,
    .n_nodes = 1,
    .collections = collections,
    .n_collections = 2,
};

/* One request, and its answer. */
static unsigned status;
static unsigned replies;
static char body[2048];

static void
reply(struct weir_event *e, const struct event_reply *r)
{
    (void)e;
    struct weir_text text = r->body ? value_as_text(r->body) : (struct weir_text){ "", 0 };
    replies++;
    status = r->status;
    snprintf(body, sizeof body, "%.*s", (int)text.len, text.bytes);
}

static const struct event_ops event_ops = { .reply = reply };
static struct arena arena;
static struct admin admin;
static struct weir_event event;

static void
request(const char *method, const char *path, const char *query, const char *sent)
{
    const struct weir_value *raw = sent ? value_bytes(sent, strlen(sent)) : NULL;
    event = (struct weir_event){ .ops = &event_ops,
                                 .arena = &arena,
                                 .method = text_of(method),
                                 .path = text_of(path),
                                 .query = text_of(query),
                                 .id = TEXT("r1"),
                                 .raw = raw };
    status = replies = 0;
    asked[0] = body[0] = '\0';
    if (is_collection(&admin, &event))
        show_collection(&admin, &event);
    value_unref(&raw);
}

static void
assert_asked(const char *method, const char *path, const char *sent, const char *expected)
{
    request(method, path, "key=k%2F1&x=2", sent);
    assert_string_equal(asked, expected);
    assert_int_equal(status, 200);
    assert_string_equal(body, "42\n");
    assert_int_equal(replies, 1);
}

static void
a_question_carries_what_was_asked(void **state)
{
    (void)state;
    assert_asked("GET", "/api/v1/things", NULL, "||k/1|null");
    assert_asked("HEAD", "/api/v1/things", NULL, "||k/1|null");
    assert_asked("GET", "/api/v1/things/", NULL, "||k/1|null");
    assert_asked("GET", "/api/v1/things/a", NULL, "a||k/1|null");
    assert_asked("GET", "/api/v1/facts/pipeline%2Fstep", NULL, "pipeline/step||k/1|null");
    assert_asked("POST", "/api/v1/things/a%20b/close", "{\"reason\": 1}", "a b|close|k/1|{\"reason\":1}");
    assert_asked("POST", "/api/v1/things/a/open", "", "a|open|k/1|null");
}

static void
assert_refused(const char *method, const char *path, const char *sent, unsigned as, const char *why)
{
    request(method, path, "", sent);
    if (status != as || strstr(body, why) == NULL)
        fail_msg("%s %s: %u %s", method, path, status, body);
    assert_string_equal(asked, "");
    assert_int_equal(replies, 1);
    assert_true(list_empty(&admin.asked));
}

static void
what_does_not_fit_is_refused(void **state)
{
    (void)state;
    assert_refused("GET", "/api/v1/things/a/open", NULL, 405, "without the verb");
    assert_refused("POST", "/api/v1/things/a", NULL, 405, "takes a verb behind it");
    assert_refused("POST", "/api/v1/things", NULL, 405, "takes a verb behind it");
    assert_refused("DELETE", "/api/v1/things/a", NULL, 405, "DELETE");
    assert_refused("POST", "/api/v1/things/a/ope", NULL, 404, "open close");
    assert_refused("POST", "/api/v1/facts/a/open", NULL, 404, "none");
    assert_refused("POST", "/api/v1/things//open", NULL, 404, "a name is missing");
    assert_refused("POST", "/api/v1/things/a/open", "{", 400, "the body is not JSON");
    assert_refused("GET", "/api/v1/things/%FF", NULL, 400, "not UTF-8");
    static char large[70000];
    memset(large, ' ', sizeof large - 1);
    assert_refused("POST", "/api/v1/things/a/open", large, 413, "64 KiB");
}

static void
what_is_no_collection_is_not_taken(void **state)
{
    (void)state;
    static const char *const paths[] = { "/api/v1/thing", "/api/v1/things/a/open/x", "/api/v1/", "/api/v1", "/things", "/" };
    for (unsigned i = 0; i < sizeof paths / sizeof *paths; i++) {
        request("GET", paths[i], "", NULL);
        assert_int_equal(replies, 0);
    }
}

static void
the_plugin_may_refuse(void **state)
{
    (void)state;
    request("GET", "/api/v1/things/none", "", NULL);
    assert_int_equal(status, 404);
    assert_non_null(strstr(body, "there is none"));
}

static void
an_answer_may_come_later(void **state)
{
    (void)state;
    request("GET", "/api/v1/things/later", "", NULL);
    assert_int_equal(replies, 0);
    assert_int_equal(admin.n_asked, 1);
    const struct weir_value *v = value_int(7);
    host->answer(kept, &v);
    assert_string_equal(body, "7\n");
    assert_int_equal(admin.n_asked, 0);
}

static void
at_the_end_who_waits_is_answered_and_the_late_answer_dropped(void **state)
{
    (void)state;
    request("GET", "/api/v1/things/later", "", NULL);
    collections_end(&admin);
    assert_int_equal(status, 503);
    assert_int_equal(replies, 1);
    assert_int_equal(host->question_item(kept).len, 5);
    const struct weir_value *v = value_int(7);
    host->answer(kept, &v);
    assert_null(v);
    assert_int_equal(replies, 1);

    request("GET", "/api/v1/things/later", "", NULL);
    collections_end(&admin);
    host->answer_fail(kept, &(struct weir_error){ .code = WEIR_TIMEOUT, .text = "late" });
    assert_int_equal(replies, 1);
}

static void
secrets_in_an_answer_are_masked(void **state)
{
    (void)state;
    request("GET", "/api/v1/things/later", "", NULL);
    const struct weir_value *v = value_text("hush");
    v = value_flagged(&v, VALUE_SECRET);
    host->answer(kept, &v);
    assert_string_equal(body, "\"***\"\n");
}

static void
collections_are_listed(void **state)
{
    (void)state;
    const struct weir_value *all = collections_value(&admin);
    assert_int_equal(all->len, 2);
    assert_true(text_is(value_as_text(value_field(value_at(all, 0), "name")), "facts"));
    assert_int_equal(value_field(value_at(all, 1), "verbs")->len, 2);
    value_unref(&all);
}

static int
begin(void **state)
{
    (void)state;
    struct weir_error err = { 0 };
    host = host_table();
    struct registry *r = registry_new(host);
    if (registry_add(r, &plugin, &err) != WEIR_OK)
        fail_msg("%s", err.text);
    admin.config.registry = r;
    list_init(&admin.asked);
    arena_init(&arena, 4096, 1 << 20);
    return 0;
}

static int
end(void **state)
{
    (void)state;
    struct registry *r = (struct registry *)(uintptr_t)admin.config.registry;
    registry_free(&r);
    arena_fini(&arena);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_question_carries_what_was_asked),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(what_is_no_collection_is_not_taken),
        cmocka_unit_test(the_plugin_may_refuse),
        cmocka_unit_test(an_answer_may_come_later),
        cmocka_unit_test(at_the_end_who_waits_is_answered_and_the_late_answer_dropped),
        cmocka_unit_test(secrets_in_an_answer_are_masked),
        cmocka_unit_test(collections_are_listed),
    };
    return cmocka_run_group_tests_name("admin/collections", tests, begin, end);
}

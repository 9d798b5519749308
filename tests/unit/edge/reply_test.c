/* unit/edge/reply_test.c - heads of answers: whose headers are sent, and which never are.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "harness.h"

#define GET "GET /get HTTP/1.1\r\nHost: x\r\n\r\n"

static struct weir_header own[8];
static unsigned n_own;
static const char *type = "";
static unsigned status = 200;

static struct {
    const char *name;
    const char *value;
    bool add;
} added[8];

static void
answer_with_headers(struct weir_event *e)
{
    for (unsigned i = 0; i < 8 && added[i].name != NULL; i++)
        event_add_header(e, text_of(added[i].name), text_of(added[i].value), added[i].add);
    const struct weir_value *body = value_text("body");
    struct event_reply r = { .status = status,
                             .content_type = text_of(type),
                             .headers = own,
                             .n_headers = n_own,
                             .body = body };
    (void)event_answer(e, &r);
    value_unref(&body);
    e->ops->release(e);
}

static int
setup_reply(void **state)
{
    setup_started(state);
    n_own = 0;
    type = "";
    status = 200;
    memset(added, 0, sizeof(added));
    h.on_offer = answer_with_headers;
    return 0;
}

static void
add_own(const char *name, const char *value)
{
    own[n_own++] = (struct weir_header){ text_of(name), text_of(value) };
}

static void
the_last_set_wins_and_added_ones_are_appended(void **state)
{
    (void)state;
    added[0].name = "X-A", added[0].value = "old", added[0].add = true;
    added[1].name = "x-a", added[1].value = "one";
    added[2].name = "X-A", added[2].value = "two";
    added[3].name = "X-A", added[3].value = "three", added[3].add = true;
    added[4].name = "X-B", added[4].value = "four", added[4].add = true;
    int fd = dial();
    ask(fd, GET);
    assert_false(has("old"));
    assert_false(has("one"));
    assert_true(has("\r\nX-A: two\r\nX-A: three\r\nX-B: four\r\n"));
    close(fd);
}

static void
the_replys_own_headers_win(void **state)
{
    (void)state;
    added[0].name = "X-A", added[0].value = "added", added[0].add = true;
    added[1].name = "content-TYPE", added[1].value = "text/html";
    added[2].name = "X-B", added[2].value = "kept";
    add_own("x-a", "1");
    add_own("x-a", "2");
    add_own("Content-Type", "text/csv");
    type = "text/plain";
    int fd = dial();
    ask(fd, GET);
    assert_true(has("\r\nx-a: 1\r\nx-a: 2\r\nContent-Type: text/csv\r\n"));
    assert_true(has("\r\nX-B: kept\r\n"));
    assert_false(has("added"));
    assert_false(has("text/html"));
    assert_false(has("text/plain"));
    close(fd);
}

static void
the_type_of_the_body_wins_over_one_that_was_added(void **state)
{
    (void)state;
    added[0].name = "Content-Type", added[0].value = "text/html";
    int fd = dial();
    ask(fd, GET);
    assert_true(has("\r\nContent-Type: text/html\r\n"));
    type = "text/plain";
    ask(fd, GET);
    assert_true(has("\r\nContent-Type: text/plain\r\n"));
    assert_false(has("text/html"));
    close(fd);
}

static void
framing_is_the_edges_matter(void **state)
{
    (void)state;
    add_own("Content-Length", "1");
    add_own("transfer-encoding", "chunked");
    add_own("Connection", "upgrade");
    add_own("Keep-Alive", "timeout=5");
    add_own("Date", "yesterday");
    add_own("X-Request-ID", "mine");
    added[0].name = "Content-Length", added[0].value = "7";
    int fd = dial();
    ask(fd, GET);
    assert_int_equal(times("ontent-"), 1);
    assert_true(has("\r\nContent-Length: 4\r\n"));
    assert_false(has("chunked"));
    assert_false(has("upgrade"));
    assert_false(has("timeout"));
    assert_false(has("yesterday"));
    assert_false(has("mine"));
    assert_string_equal(body_of(h.got), "body");
    close(fd);
}

static void
no_value_breaks_out_of_its_line(void **state)
{
    (void)state;
    add_own("X-A", "a\r\nX-Evil: 1\r\n\r\n<html>");
    add_own("X-B\r\nX-Evil", "1");
    add_own("X C", "1");
    own[n_own++] = (struct weir_header){ TEXT("X-D"), { "a\0b\x7f", 4 } };
    type = "text/plain\r\nX-Evil: 2";
    int fd = dial();
    ask(fd, GET);
    assert_true(has("\r\nX-A: a  X-Evil: 1    <html>\r\n"));
    assert_true(has("\r\nContent-Type: text/plain  X-Evil: 2\r\n"));
    assert_false(has("\r\nX-Evil"));
    assert_false(has("X-B"));
    assert_false(has("X C"));
    assert_true(has("\r\nX-D: a b \r\n"));
    assert_string_equal(body_of(h.got), "body");
    close(fd);
}

static void
statuses_without_a_body_have_none(void **state)
{
    (void)state;
    static const unsigned bare[] = { 204, 304 };
    int fd = dial();
    for (unsigned i = 0; i < 2; i++) {
        status = bare[i];
        assert_int_equal(status_of(ask(fd, GET)), bare[i]);
        assert_string_equal(body_of(h.got), "");
        assert_false(has("Content-Length"));
    }
    close(fd);
}

static void
any_other_status_is_sent_with_its_phrase(void **state)
{
    (void)state;
    int fd = dial();
    status = 418;
    ask(fd, GET);
    assert_int_equal(status_of(h.got), 418);
    status = 599;
    ask(fd, GET);
    assert_memory_equal(h.got, "HTTP/1.1 599 \r\n", 15);
    status = 201;
    ask(fd, GET);
    assert_memory_equal(h.got, "HTTP/1.1 201 Created\r\n", 22);
    close(fd);
}

static void
what_is_no_status_is_500(void **state)
{
    (void)state;
    static const unsigned bad[] = { 0, 100, 199, 600, 1000 };
    int fd = dial();
    for (unsigned i = 0; i < 5; i++) {
        status = bad[i];
        assert_int_equal(status_of(ask(fd, GET)), 500);
        assert_true(has("urn:weir:problem:internal"));
    }
    close(fd);
}

static void
a_head_that_is_too_large_is_500(void **state)
{
    (void)state;
    static char large[70000];
    memset(large, 'x', sizeof(large) - 1);
    add_own("X-A", large);
    int fd = dial();
    assert_int_equal(status_of(ask(fd, GET)), 500);
    n_own = 0;
    added[0].name = "X-A", added[0].value = large;
    assert_int_equal(status_of(ask(fd, GET)), 500);
    added[0].name = NULL;
    assert_int_equal(status_of(ask(fd, GET)), 200);
    close(fd);
}

static void
an_id_is_kept_only_if_it_is_harmless(void **state)
{
    (void)state;
    static const struct {
        const char *id;
        bool kept;
    } cases[] = {
        { "abc", true }, { "A.b-c_9", true },   { "a b", false },      { "a/b", false },
        { "", false },   { "<script>", false }, { "\xc3\xbc", false },
    };
    int fd = dial();
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[200];
        char line[200];
        snprintf(text, sizeof(text), "GET /get HTTP/1.1\r\nHost: x\r\nX-Request-Id: %s\r\n\r\n",
                 cases[i].id);
        snprintf(line, sizeof(line), "\r\nX-Request-ID: %s\r\n", cases[i].id);
        ask(fd, text);
        assert_int_equal(has(line), cases[i].kept);
        assert_int_equal(times("X-Request-ID: "), 1);
    }
    char text[300];
    for (unsigned len = 128; len <= 129; len++) {
        snprintf(text, sizeof(text),
                 "GET /get HTTP/1.1\r\nHost: x\r\nX-Request-Id: %0*u\r\n\r\n", (int)len, 1u);
        ask(fd, text);
        assert_int_equal(has("X-Request-ID: 0000"), len == 128);
    }
    close(fd);
}

static struct weir_event *handled;
static unsigned went;

static void
on_handle(void *arg, struct weir_event *e)
{
    handled = e;
    if (arg == NULL)
        answer_text(e, 200, "handled");
}

static void
on_gone(void *arg, struct weir_event *e)
{
    (void)arg;
    (void)e;
    went++;
}

static void
a_handler_takes_every_request(void **state)
{
    (void)state;
    h.config.handler = (struct edge_handler){ on_handle, on_gone, NULL };
    h.config.max_body = 10;
    start_edge();
    int fd = dial();
    ask(fd, "GET /whatever HTTP/1.1\r\nHost: x\r\n\r\nPUT /x HTTP/1.1\r\nHost: "
            "x\r\nContent-Length: 3\r\n\r\nabc");
    assert_int_equal(times("handled"), 2);
    assert_int_equal(
        status_of(ask(fd, "PUT /x HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n")), 413);
    close(fd);
}

static void
a_handler_may_answer_later_or_too_late(void **state)
{
    (void)state;
    h.config.handler = (struct edge_handler){ on_handle, on_gone, &h };
    start_edge();
    went = 0;
    int fd = dial();
    ask(fd, "GET /1 HTTP/1.1\r\nHost: x\r\n\r\n");
    answer_text(handled, 200, "later");
    assert_int_equal(status_of(take(fd)), 200);
    ask(fd, "GET /2 HTTP/1.1\r\nHost: x\r\n\r\n");
    close(fd);
    turns(3);
    assert_int_equal(went, 1);
    answer_text(handled, 200, "too late");
    fd = dial();
    ask(fd, "GET /3 HTTP/1.1\r\nHost: x\r\n\r\n");
    edge_free(&h.edge);
    assert_int_equal(went, 2);
    answer_text(handled, 200, "too late");
    close(fd);
}

static void
proxies_are_believed_if_they_are_trusted(void **state)
{
    (void)state;
    struct address_range local;
    struct weir_error err;
    assert_int_equal(address_range_parse(TEXT("127.0.0.0/8"), &local, &err), WEIR_OK);
    h.on_offer = hold;
    static const char *const wants[] = { "127.0.0.1", "1.2.3.4" };
    for (unsigned i = 0; i < 2; i++) {
        h.config.trusted = &local;
        h.config.n_trusted = i;
        start_edge();
        int fd = dial();
        ask(fd, "GET /get HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 6.6.6.6, 1.2.3.4\r\n\r\n");
        assert_true(text_is(h.event->client_ip, wants[i]));
        answer_text(h.event, 200, "");
        h.event->ops->release(h.event);
        close(fd);
        edge_free(&h.edge);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup_reply, teardown)
#define T_LATER(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        T(the_last_set_wins_and_added_ones_are_appended),
        T(the_replys_own_headers_win),
        T(the_type_of_the_body_wins_over_one_that_was_added),
        T(framing_is_the_edges_matter),
        T(no_value_breaks_out_of_its_line),
        T(statuses_without_a_body_have_none),
        T(any_other_status_is_sent_with_its_phrase),
        T(what_is_no_status_is_500),
        T(a_head_that_is_too_large_is_500),
        T(an_id_is_kept_only_if_it_is_harmless),
        T_LATER(a_handler_takes_every_request),
        T_LATER(a_handler_may_answer_later_or_too_late),
        T_LATER(proxies_are_believed_if_they_are_trusted),
    };
    return cmocka_run_group_tests_name("edge/reply", tests, NULL, NULL);
}

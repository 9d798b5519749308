/* unit/edge/body_test.c - bodies of requests on the wire, and their limits.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "harness.h"

static char big[1 << 20];

static unsigned
post_length(int fd, size_t len)
{
    char head[128];
    snprintf(head, sizeof(head),
             "POST /post HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n", len);
    put(fd, head);
    put_bytes(fd, big, len);
    return status_of(take(fd));
}

static void
a_body_may_be_as_long_as_its_route_says(void **state)
{
    (void)state;
    int fd = dial();
    assert_int_equal(post_length(fd, 999), 200);
    assert_int_equal(post_length(fd, 1000), 200);
    assert_string_equal(body_of(h.got), "1000 bytes");
    assert_int_equal(post_length(fd, 1001), 413);
    assert_true(has("urn:weir:problem:too_large"));
    assert_false(h.closed); /* so little is read and thrown away */
    assert_int_equal(post_length(fd, 10), 200);
    close(fd);
}

static void
a_body_that_is_too_large_is_refused_before_it_comes(void **state)
{
    (void)state;
    int fd = dial();
    assert_int_equal(
        status_of(ask(fd, "POST /any/ HTTP/1.1\r\nHost: x\r\nContent-Length: 1048577\r\n\r\n")),
        413);
    assert_true(h.closed);
    close(fd);
}

static void
a_body_comes_in_pieces(void **state)
{
    (void)state;
    int fd = dial();
    put(fd, "POST /post HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n");
    put(fd, "hello");
    assert_string_equal(ask(fd, " "), "");
    assert_int_equal(h.offers, 0);
    ask(fd, "worldGET /get HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(has("hello world"));
    assert_true(has("GET /get"));
    close(fd);
}

static void
a_large_body_arrives_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(big); i++)
        big[i] = (char)(i * 7 + i / 251);
    h.on_offer = hold;
    int fd = dial();
    put(fd, "PUT /any/x HTTP/1.1\r\nHost: x\r\nContent-Length: 1048576\r\n\r\n");
    put_bytes(fd, big, sizeof(big));
    turn_until_offered(1);
    struct weir_text raw = value_as_text(h.event->raw);
    assert_int_equal(raw.len, sizeof(big));
    assert_memory_equal(raw.bytes, big, sizeof(big));
    answer_text(h.event, 200, "ok");
    h.event->ops->release(h.event);
    close(fd);
    memset(big, 0, sizeof(big));
}

static void
a_length_of_zero_is_no_body(void **state)
{
    (void)state;
    h.on_offer = hold;
    int fd = dial();
    ask(fd, "POST /post HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
    assert_null(h.event->raw);
    answer_text(h.event, 200, "ok");
    h.event->ops->release(h.event);
    close(fd);
}

static void
chunks_are_joined(void **state)
{
    (void)state;
    int fd = dial();
    const char *text = "POST /post HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                       "5;ext=1\r\nhello\r\n6\r\n world\r\n0\r\nX-Sum: 1\r\n\r\n"
                       "GET /get HTTP/1.1\r\nHost: x\r\n\r\n";
    ask(fd, text);
    assert_true(has("hello world"));
    assert_true(has("GET /get"));
    for (size_t i = 0; i < strlen(text); i++)
        put_bytes(fd, text + i, 1);
    take(fd);
    assert_int_equal(h.offers, 4);
    assert_true(has("hello world"));
    close(fd);
}

static void
chunks_are_counted(void **state)
{
    (void)state;
    int fd = dial();
    put(fd, "POST /post HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n");
    put_bytes(fd, big, 1000);
    assert_int_equal(status_of(ask(fd, "\r\n0\r\n\r\n")), 200);
    put(fd, "POST /post HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n");
    put_bytes(fd, big, 1000);
    assert_int_equal(status_of(ask(fd, "\r\n1\r\nx\r\n0\r\n\r\n")), 413);
    assert_true(h.closed);
    close(fd);
    assert_int_equal(h.offers, 1);
}

static void
a_chunk_that_is_announced_too_large_is_not_waited_for(void **state)
{
    (void)state;
    static const char *const sizes[] = { "3e9\r\n", "1\r\nx\r\n3e8\r\n",
                                         "7fffffffffffffff\r\n" };
    for (unsigned i = 0; i < 3; i++) {
        int fd = dial();
        put(fd, "POST /post HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
        assert_int_equal(status_of(ask(fd, sizes[i])), 413);
        assert_true(h.closed);
        close(fd);
    }
    assert_int_equal(h.offers, 0);
}

static void
a_bad_chunk_is_400(void **state)
{
    (void)state;
    int fd = dial();
    assert_int_equal(
        status_of(ask(
            fd, "POST /post HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")),
        400);
    assert_true(h.closed);
    close(fd);
}

static void
a_large_chunked_body_arrives_whole(void **state)
{
    (void)state;
    h.on_offer = hold;
    int fd = dial();
    put(fd, "PUT /any/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (unsigned i = 0; i < 100; i++) {
        put(fd, "1388\r\n"); /* 5000 */
        memset(big, 'a' + (int)(i % 26), 5000);
        put_bytes(fd, big, 5000);
        put(fd, "\r\n");
    }
    put(fd, "0\r\n\r\n");
    turn_until_offered(1);
    struct weir_text raw = value_as_text(h.event->raw);
    assert_int_equal(raw.len, 500000);
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(raw.bytes[i * 5000 + 4999], 'a' + (int)(i % 26));
    answer_text(h.event, 200, "ok");
    h.event->ops->release(h.event);
    close(fd);
}

static void
continue_is_said_once_the_body_is_welcome(void **state)
{
    (void)state;
    int fd = dial();
    ask(fd,
        "POST /post HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    assert_string_equal(h.got, "HTTP/1.1 100 Continue\r\n\r\n");
    assert_int_equal(status_of(ask(fd, "hello")), 200);
    assert_string_equal(body_of(h.got), "hello");
    ask(fd, "POST /post HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: "
            "5\r\n\r\nhello");
    assert_int_equal(status_of(h.got), 200); /* it did not wait: neither do we */
    close(fd);
}

static void
continue_is_not_said_to_what_is_refused(void **state)
{
    (void)state;
    static const char *const heads[] = {
        "POST /post HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: "
        "1001\r\n\r\n",
        "POST /nope HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n",
        "POST /get HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n",
    };
    static const unsigned statuses[] = { 413, 404, 405 };
    for (unsigned i = 0; i < 3; i++) {
        int fd = dial();
        assert_int_equal(status_of(ask(fd, heads[i])), statuses[i]);
        assert_true(has("\r\nConnection: close\r\n"));
        assert_true(h.closed);
        close(fd);
    }
}

static void
a_caller_that_leaves_within_the_body_leaves_nothing(void **state)
{
    (void)state;
    int fd = dial();
    put(fd, "POST /post HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\nhello");
    turn();
    close(fd);
    turns(3);
    assert_int_equal(edge_connections(h.edge), 0);
    assert_int_equal(h.offers, 0);
    assert_int_equal(h.gone, 0);
}

static void
routes_may_go_while_a_body_comes(void **state)
{
    (void)state;
    int fd = dial();
    put(fd, "POST /post HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\nhello");
    struct engine_route other = { .path = "/other", .max_body = 10 };
    set_routes(&other, 1);
    assert_int_equal(status_of(ask(fd, " world")), 404);
    close(fd);
    assert_int_equal(h.offers, 0);
}

static void
routes_may_change_while_a_body_comes(void **state)
{
    (void)state;
    h.on_offer = hold;
    int fd = dial();
    put(fd, "POST /any/x HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\nhello");
    turn();
    struct engine_route other = { .path = "/any/x", .max_body = 100 };
    set_routes(&other, 1);
    put(fd, " world");
    turn_until_offered(1);
    assert_true(text_is(h.event->route, "/any/x"));
    assert_int_equal(h.event->n_params, 0);
    answer_text(h.event, 200, "ok");
    h.event->ops->release(h.event);
    close(fd);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup_started, teardown)
        T(a_body_may_be_as_long_as_its_route_says),
        T(a_body_that_is_too_large_is_refused_before_it_comes),
        T(a_body_comes_in_pieces),
        T(a_large_body_arrives_whole),
        T(a_length_of_zero_is_no_body),
        T(chunks_are_joined),
        T(chunks_are_counted),
        T(a_chunk_that_is_announced_too_large_is_not_waited_for),
        T(a_bad_chunk_is_400),
        T(a_large_chunked_body_arrives_whole),
        T(continue_is_said_once_the_body_is_welcome),
        T(continue_is_not_said_to_what_is_refused),
        T(a_caller_that_leaves_within_the_body_leaves_nothing),
        T(routes_may_go_while_a_body_comes),
        T(routes_may_change_while_a_body_comes),
    };
    return cmocka_run_group_tests_name("edge/body", tests, NULL, NULL);
}

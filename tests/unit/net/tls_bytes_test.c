/* tls_bytes_test.c - https: handshakes, and what goes over a connection then.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/buf.h"
#include "base/fault.h"
#include "loop/stream.h"
#include "net/tls.h"
#include "tls_stage.h"

static void
large_bodies_go_both_ways(void **state)
{
    struct side *s = *state;
    struct meeting m = meet(&made.good, NULL);
    struct outcome o = { .done = false };
    call(s, https(m.peer, "localhost", "/large"), m.tls, &o);
    assert_int_equal(o.status, 200);
    assert_int_equal(o.body->len, 3u << 20);
    for (size_t i = 0; i < o.body->len; i++)
        assert_true(o.body->bytes[i] == 'L');
    outcome_free(&o);
    size_t len = 5u << 20;
    const struct weir_value *body = value_take(WEIR_BYTES, calloc(1, len), len);
    struct weir_http_request http = side_request("POST", https(m.peer, "localhost", "/"));
    http.tls = m.tls;
    http.body = body;
    side_call(s, &http, &o);
    assert_body(&o, "5242880");
    assert_channels(s, 0, 1);
    outcome_free(&o);
    value_unref(&body);
    part(&m);
}

static void
a_body_until_the_end_needs_a_proper_end(void **state)
{
    struct side *s = *state;
    struct meeting m = meet(&made.good, NULL);
    gets(s, https(m.peer, "localhost", "/until-close"), m.tls, "all");
    fails(s, https(m.peer, "localhost", "/cut"), m.tls, WEIR_UPSTREAM, "in the middle of the body");
    assert_channels(s, 0, 0);
    part(&m);
}

static void
speak_plainly(struct peer *p, int fd, unsigned n)
{
    char bytes[2000];
    (void)n;
    if (recv(fd, bytes, sizeof bytes, 0) <= 0)
        return;
    peer_say(fd, p->arg);
}

static void
what_is_no_tls_is_said_to_be_none(void **state)
{
    struct side *s = *state;
    static const char *const says[] = { "HTTP/1.1 400 Bad Request\r\n\r\n", "" };
    static const char *const texts[] = { "does not speak TLS",
                                         "closed the connection in the TLS handshake" };
    for (unsigned i = 0; i < 2; i++) {
        struct peer *p = peer_start(speak_plainly, says[i]);
        fails_unsent(s, https(p, "localhost", "/"), NULL, WEIR_UPSTREAM, texts[i]);
        peer_stop(p);
    }
}

static void
say_nothing(struct peer *p, int fd, unsigned n)
{
    (void)n;
    (void)fd;
    p->moved = 1;
    peer_wait(p);
}

static void
a_silent_handshake_ends_with_the_connect_deadline(void **state)
{
    struct side *s = *state;
    struct peer *p = peer_start(say_nothing, NULL);
    shard_set_clock(s->shard, 1000);
    struct weir_http_request http = side_request("GET", https(p, "localhost", "/"));
    http.connect_ms = 700;
    struct outcome o = { .done = false };
    side_send(s, &http, &o);
    while (p->moved == 0)
        side_turns(s, 1);
    side_turns(s, 5);
    assert_false(o.done);
    shard_set_clock(s->shard, 1700);
    side_turns(s, 2);
    assert_failed(&o, WEIR_TIMEOUT, "no connection within 700ms");
    assert_int_equal(o.err.sent, 0);
    peer_stop(p);
}

struct reading {
    struct stream *stream;
    size_t total;
    bool done;
    uint32_t code;
};

static void
on_piece(void *arg, const char *bytes, size_t len, const struct weir_error *err)
{
    struct reading *r = arg;
    (void)bytes;
    r->total += len;
    if (len == 0) {
        r->done = true;
        r->code = err != NULL ? err->code : 0;
    } else {
        stream_pull(r->stream);
    }
}

static void
streams_come_through_tls(void **state)
{
    struct side *s = *state;
    struct meeting m = meet(&made.good, NULL);
    static const char *const paths[] = { "/large", "/until-close", "/cut" };
    static const size_t totals[] = { 3u << 20, 3, 3 };
    for (unsigned i = 0; i < 3; i++) {
        struct weir_http_request http = side_request("GET", https(m.peer, "localhost", paths[i]));
        http.tls = m.tls;
        http.flags = WEIR_HTTP_STREAM;
        struct outcome o = { .done = false };
        side_call(s, &http, &o);
        side_turns(s, 5);
        struct reading r = { .done = false };
        assert_int_equal(o.body->type, WEIR_STREAM);
        assert_true(stream_take(o.body, on_piece, &r, &r.stream));
        stream_pull(r.stream);
        side_until(s, &r.done);
        assert_int_equal(r.total, totals[i]);
        assert_int_equal(r.code, i == 2 ? WEIR_UPSTREAM : WEIR_OK);
        stream_drop(&r.stream);
        outcome_free(&o);
    }
    part(&m);
}

static void
names_that_are_none_are_refused(void **state)
{
    (void)state;
    struct tls_context *c;
    struct weir_error err;
    struct tls *t;
    assert_int_equal(tls_client_context(NULL, &c, &err), WEIR_OK);
    assert_int_equal(tls_client_new(c, TEXT(""), &t, &err), WEIR_INVALID);
    assert_int_equal(tls_client_new(c, TEXT("."), &t, &err), WEIR_INVALID);
    assert_int_equal(tls_client_new(c, TEXT("a\0b"), &t, &err), WEIR_INVALID);
    assert_int_equal(tls_client_new(c, TEXT("example.com."), &t, &err), WEIR_OK);
    tls_free(&t);
    tls_free(&t);
    tls_context_free(&c);
    tls_context_free(&c);
}

/* Moves bytes between a client of net/tls.h and a server of OpenSSL, without sockets. */
static void
what_is_written_before_the_handshake_is_kept(void **state)
{
    (void)state;
    SSL_CTX *context = certificate_server(&made.good, NULL);
    SSL *server = SSL_new(context);
    BIO *in = BIO_new(BIO_s_mem());
    BIO *out = BIO_new(BIO_s_mem());
    SSL_set_bio(server, in, out);
    SSL_set_accept_state(server);

    struct weir_error err;
    const struct weir_value *how = options(&made.root, NULL, NULL);
    struct tls_context *c;
    struct tls *t;
    assert_int_equal(tls_client_context(how, &c, &err), WEIR_OK);
    assert_int_equal(tls_client_new(c, TEXT("localhost"), &t, &err), WEIR_OK);
    struct buf wire;
    struct buf plain;
    buf_init(&wire, 1 << 20);
    buf_init(&plain, 1 << 20);
    assert_int_equal(tls_write(t, TEXT("early "), &wire, &err), WEIR_OK);
    assert_int_equal(tls_write(t, TEXT("words"), &wire, &err), WEIR_OK);
    assert_false(tls_ready(t));
    char got[100] = "";
    bool ended = false;
    for (unsigned i = 0; i < 10 && got[0] == '\0'; i++) {
        BIO_write(in, wire.bytes, (int)wire.len);
        buf_reset(&wire);
        SSL_read(server, got, sizeof got - 1);
        char *bytes;
        long len = BIO_get_mem_data(out, &bytes);
        for (long k = 0; k < len; k++) /* a byte at a time */
            assert_int_equal(
                tls_read(t, (struct weir_text){ bytes + k, 1 }, &plain, &wire, &ended, &err),
                WEIR_OK);
        BIO_reset(out);
    }
    assert_true(tls_ready(t));
    assert_string_equal(got, "early words");
    assert_false(ended);
    SSL_write(server, "yes", 3);
    SSL_shutdown(server);
    char *bytes;
    long len = BIO_get_mem_data(out, &bytes);
    assert_int_equal(
        tls_read(t, (struct weir_text){ bytes, (size_t)len }, &plain, &wire, &ended, &err),
        WEIR_OK);
    assert_string_equal(plain.bytes, "yes");
    assert_true(ended);
    buf_fini(&wire);
    buf_fini(&plain);
    tls_free(&t);
    tls_context_free(&c);
    value_unref(&how);
    SSL_free(server);
    SSL_CTX_free(context);
}

#ifdef WEIR_FAULTS
static void
all_works_byte_by_byte(void **state)
{
    struct side *s = *state;
    struct meeting m = meet(&made.good, NULL);
    fault_set("READ_ONE_BYTE", UINT32_MAX);
    fault_set("WRITE_ONE_BYTE", UINT32_MAX);
    for (unsigned i = 0; i < 2; i++)
        gets(s, https(m.peer, "localhost", "/"), m.tls, "0");
    assert_int_equal(m.peer->accepted, 1);
    fault_set("READ_ONE_BYTE", 0);
    fault_set("WRITE_ONE_BYTE", 0);
    part(&m);
}
#endif

int
main(void)
{
    const struct CMUnitTest tests[] = {
        SIDE_TEST(large_bodies_go_both_ways),
        SIDE_TEST(a_body_until_the_end_needs_a_proper_end),
        SIDE_TEST(what_is_no_tls_is_said_to_be_none),
        SIDE_TEST(a_silent_handshake_ends_with_the_connect_deadline),
        SIDE_TEST(streams_come_through_tls),
#ifdef WEIR_FAULTS
        SIDE_TEST(all_works_byte_by_byte),
#endif
        cmocka_unit_test(names_that_are_none_are_refused),
        cmocka_unit_test(what_is_written_before_the_handshake_is_kept),
    };
    return cmocka_run_group_tests(tests, make_all, free_all);
}

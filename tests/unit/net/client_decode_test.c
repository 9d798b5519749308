/* client_decode_test.c - compressed answers: decoded within bounds, or refused.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <zlib.h>

#include "net/client_parts.h"
#include "peer.h"

#define GZIP (15 + 16)
#define ZLIB 15
#define BARE (-15)

/* BYTES compressed in the format of WINDOW, appended to OUT. */
static void
pack(struct buf *out, int window, const char *bytes, size_t len)
{
    z_stream z = { .next_in = (unsigned char *)bytes, .avail_in = (unsigned)len };
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, window, 9, Z_DEFAULT_STRATEGY), Z_OK);
    size_t room = deflateBound(&z, len);
    z.next_out = (unsigned char *)buf_reserve(out, room);
    z.avail_out = (unsigned)room;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    buf_seal(out, z.total_out);
    deflateEnd(&z);
}

static void
answer_with(struct peer *p, int fd, unsigned n)
{
    (void)n;
    const struct buf *answer = p->arg;
    while (peer_read(p, fd))
        peer_say_bytes(fd, answer->bytes, answer->len);
}

/* The answer with that Content-Encoding and body. */
static struct buf
make_answer(const char *encoding, const struct buf *body)
{
    struct buf b;
    buf_init(&b, 64 << 20);
    buf_printf(&b,
               "HTTP/1.1 200 OK\r\ncontent-encoding: %s\r\nx: 1\r\ncontent-length: %zu\r\n\r\n",
               encoding, body->len);
    buf_add(&b, body->bytes, body->len, NULL);
    return b;
}

static void
get(struct side *s, const char *encoding, const struct buf *body,
    struct weir_http_request *http, struct outcome *o)
{
    struct buf answer = make_answer(encoding, body);
    struct peer *p = peer_start(answer_with, &answer);
    http->method = TEXT("GET");
    http->url = text_of(peer_url(p, "/"));
    side_call(s, http, o);
    peer_stop(p);
    side_turns(s, 2);
    client_trim(s->client);
    buf_fini(&answer);
}

static void
what_is_packed_is_unpacked(void **state)
{
    struct side *s = *state;
    static const struct {
        const char *encoding;
        int first;
        int second;
    } cases[] = {
        { "gzip", GZIP, 0 },
        { "x-gzip", GZIP, 0 },
        { "GZIP", GZIP, 0 },
        { "deflate", ZLIB, 0 },
        { "deflate", BARE, 0 },
        { "gzip, gzip", GZIP, GZIP },
        { "deflate,gzip", ZLIB, GZIP },
        { "gzip,  identity", GZIP, 0 },
        { "gzip , deflate", GZIP, BARE },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf once;
        struct buf twice;
        buf_init(&once, 1 << 20);
        buf_init(&twice, 1 << 20);
        pack(&once, cases[i].first, "hello world", 11);
        if (cases[i].second != 0)
            pack(&twice, cases[i].second, once.bytes, once.len);
        struct weir_http_request http = { .size = sizeof http };
        struct outcome o = { .done = false };
        get(s, cases[i].encoding, cases[i].second != 0 ? &twice : &once, &http, &o);
        assert_body(&o, "hello world");
        assert_header(&o, "content-encoding", NULL);
        assert_header(&o, "content-length", NULL);
        assert_header(&o, "x", "1");
        outcome_free(&o);
        buf_fini(&once);
        buf_fini(&twice);
    }
}

static void
gzip_may_have_members(void **state)
{
    struct side *s = *state;
    struct buf body;
    buf_init(&body, 1 << 20);
    pack(&body, GZIP, "hello ", 6);
    pack(&body, GZIP, "world", 5);
    struct weir_http_request http = { .size = sizeof http };
    struct outcome o = { .done = false };
    get(s, "gzip", &body, &http, &o);
    assert_body(&o, "hello world");
    outcome_free(&o);
    buf_fini(&body);
}

static void
who_asks_for_it_gets_it_packed(void **state)
{
    struct side *s = *state;
    struct buf body;
    buf_init(&body, 1 << 20);
    pack(&body, GZIP, "hello", 5);
    const struct weir_header h = { TEXT("Accept-Encoding"), TEXT("gzip") };
    struct weir_http_request http = { .size = sizeof http, .headers = &h, .n_headers = 1 };
    struct outcome o = { .done = false };
    get(s, "gzip", &body, &http, &o);
    assert_header(&o, "content-encoding", "gzip");
    assert_int_equal(o.body->len, body.len);
    assert_memory_equal(o.body->bytes, body.bytes, body.len);
    outcome_free(&o);

    struct weir_http_request unknown = { .size = sizeof unknown };
    get(s, "br", &body, &unknown, &o);
    assert_header(&o, "content-encoding", "br");
    assert_int_equal(o.body->len, body.len);
    outcome_free(&o);
    buf_fini(&body);
}

static void
an_empty_body_is_empty(void **state)
{
    struct side *s = *state;
    struct buf body;
    buf_init(&body, 0);
    struct weir_http_request http = { .size = sizeof http };
    struct outcome o = { .done = false };
    get(s, "gzip", &body, &http, &o);
    assert_body(&o, "");
    outcome_free(&o);
}

static void
bombs_do_not_go_off(void **state)
{
    struct side *s = *state;
    size_t len = 32u << 20;
    char *zeros = calloc(1, len);
    struct buf once;
    struct buf twice;
    buf_init(&once, 64 << 20);
    buf_init(&twice, 64 << 20);
    pack(&once, GZIP, zeros, len);
    pack(&twice, GZIP, once.bytes, once.len);
    free(zeros);
    struct weir_http_request http = { .size = sizeof http };
    struct outcome o = { .done = false };
    get(s, "gzip", &once, &http, &o);
    assert_failed(&o, WEIR_TOO_LARGE, "more than 100 times its size");
    assert_int_equal(o.err.sent, 1);
    outcome_free(&o);
    get(s, "gzip, gzip", &twice, &http, &o);
    assert_failed(&o, WEIR_TOO_LARGE, "more than 100 times its size");
    outcome_free(&o);
    http.max_body = 100000;
    get(s, "gzip", &once, &http, &o);
    assert_failed(&o, WEIR_TOO_LARGE, "larger than 100000 bytes");
    buf_fini(&once);
    buf_fini(&twice);
}

static void
what_is_broken_is_an_upstream_error(void **state)
{
    struct side *s = *state;
    struct buf body;
    buf_init(&body, 1 << 20);
    pack(&body, GZIP, "hello world", 11);
    struct weir_http_request http = { .size = sizeof http };
    struct outcome o = { .done = false };
    get(s, "gzip, gzip, gzip", &body, &http, &o);
    assert_failed(&o, WEIR_UPSTREAM, "more than two content encodings");
    outcome_free(&o);
    get(s, "gzip, gzip", &body, &http, &o);
    assert_failed(&o, WEIR_UPSTREAM, "broken");
    assert_channels(s, 0, 0); /* who sends that is not asked again on this connection */
    outcome_free(&o);
    size_t len = body.len;
    body.len = len - 3;
    get(s, "gzip", &body, &http, &o);
    assert_failed(&o, WEIR_UPSTREAM, "cut short");
    outcome_free(&o);
    body.len = len;
    body.bytes[len - 2] ^= 1;
    get(s, "gzip", &body, &http, &o);
    assert_failed(&o, WEIR_UPSTREAM, "broken");
    outcome_free(&o);
    body.bytes[len - 2] ^= 1;
    buf_puts(&body, "rest");
    get(s, "gzip", &body, &http, &o);
    assert_failed(&o, WEIR_UPSTREAM, "broken");
    outcome_free(&o);
    buf_reset(&body);
    pack(&body, ZLIB, "hello", 5);
    buf_puts(&body, "rest");
    get(s, "deflate", &body, &http, &o);
    assert_failed(&o, WEIR_UPSTREAM, "bytes follow");
    outcome_free(&o);
    buf_fini(&body);
}

static void
lists_of_codings(void **state)
{
    (void)state;
    uint8_t codings[2];
    uint8_t n = 9;
    assert_true(client_codings(TEXT(" , gzip ,, deflate\t,"), codings, &n));
    assert_int_equal(n, 2);
    assert_int_equal(codings[0], CODING_GZIP);
    assert_int_equal(codings[1], CODING_DEFLATE);
    assert_true(client_codings(TEXT(""), codings, &n));
    assert_int_equal(n, 0);
    assert_true(client_codings(TEXT("identity, identity, identity"), codings, &n));
    assert_int_equal(n, 0);
    assert_true(client_codings(TEXT("gzip, br"), codings, &n));
    assert_int_equal(n, 0);
    assert_false(client_codings(TEXT("br, br, br"), codings, &n));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        SIDE_TEST(what_is_packed_is_unpacked),
        SIDE_TEST(gzip_may_have_members),
        SIDE_TEST(who_asks_for_it_gets_it_packed),
        SIDE_TEST(an_empty_body_is_empty),
        SIDE_TEST(bombs_do_not_go_off),
        SIDE_TEST(what_is_broken_is_an_upstream_error),
        cmocka_unit_test(lists_of_codings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

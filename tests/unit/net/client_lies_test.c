/* client_lies_test.c - upstreams that reset, cut, garble, drip, flood and never end: the right
 * error, in time, and the connection is not used again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "peer.h"

/* What a server does with its first connection; it is well-behaved on the others. */
struct lie {
    const char *name;
    const char *says;
    bool resets; /* behind that */
    bool waits;  /* behind that */
    uint32_t code;
    const char *text;
};

static void
tell(struct peer *p, int fd, unsigned n)
{
    const struct lie *lie = p->arg;
    if (!peer_read(p, fd))
        return;
    if (n > 0) {
        peer_say(fd, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
        return;
    }
    peer_say(fd, lie->says);
    if (lie->waits)
        peer_wait(p);
    if (lie->resets)
        peer_reset(fd);
}

#define HEAD "HTTP/1.1 200 OK\r\n"

static const struct lie lies[] = {
    { "closes before it answers", "", 0, 0, WEIR_UPSTREAM,
      "closed the connection before it answered" },
    { "resets before it answers", "", 1, 0, WEIR_UPSTREAM,
      "reset the connection before it answered" },
    { "closes in the head", HEAD "content-le", 0, 0, WEIR_UPSTREAM,
      "closed the connection in the middle of the head" },
    { "closes behind an interim answer", "HTTP/1.1 100 Continue\r\n\r\n", 0, 0, WEIR_UPSTREAM,
      "before it answered" },
    { "cuts a body short", HEAD "content-length: 10\r\n\r\n12345", 0, 0, WEIR_UPSTREAM,
      "closed the connection in the middle of the body" },
    { "cuts a chunked body short", HEAD "transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n", 0,
      0, WEIR_UPSTREAM, "in the middle of the body" },
    { "cuts a chunk short", HEAD "transfer-encoding: chunked\r\n\r\nff\r\nhello", 0, 0,
      WEIR_UPSTREAM, "in the middle of the body" },
    { "has a bad chunk length", HEAD "transfer-encoding: chunked\r\n\r\nxyz\r\n", 0, 1,
      WEIR_UPSTREAM, "the body of the answer: " },
    { "has a huge chunk length", HEAD "transfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
      0, 1, WEIR_UPSTREAM, "the body of the answer: " },
    { "has no line break behind a chunk",
      HEAD "transfer-encoding: chunked\r\n\r\n2\r\nhello\r\n", 0, 1, WEIR_UPSTREAM,
      "the body of the answer: " },
    { "has a signed length", HEAD "content-length: +5\r\n\r\nhello", 0, 1, WEIR_UPSTREAM,
      "Content-Length" },
    { "has a negative length", HEAD "content-length: -5\r\n\r\nhello", 0, 1, WEIR_UPSTREAM,
      "Content-Length" },
    { "has two lengths", HEAD "content-length: 5\r\ncontent-length: 6\r\n\r\nhello", 0, 1,
      WEIR_UPSTREAM, "" },
    { "has a length and chunks",
      HEAD "content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 0, 1,
      WEIR_UPSTREAM, "" },
    { "speaks something else", "220 mail.example.com ESMTP\r\n", 0, 1, WEIR_UPSTREAM,
      "is not HTTP/1.1" },
    { "speaks HTTP/2", "HTTP/2 200\r\n\r\n", 0, 1, WEIR_UPSTREAM, "is not HTTP/1.1" },
    { "speaks TLS", "\x15\x03\x01\x01\x02\x02\x0a", 0, 1, WEIR_UPSTREAM, "is not HTTP/1.1" },
    { "has a bad status", "HTTP/1.1 2x0 OK\r\n\r\n", 0, 1, WEIR_UPSTREAM, "" },
    { "has a bare carriage return", HEAD "a: b\rc: d\r\n\r\n", 0, 1, WEIR_UPSTREAM, "" },
    { "has a blank in a name", HEAD "a b: c\r\n\r\n", 0, 1, WEIR_UPSTREAM, "" },
    { "folds a line", HEAD "a: b\r\n c\r\n\r\n", 0, 1, WEIR_UPSTREAM, "" },
    { "changes the protocol",
      "HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n", 0, 1,
      WEIR_UPSTREAM, "another protocol" },
    { "announces more than is allowed", HEAD "content-length: 10485761\r\n\r\n", 0, 1,
      WEIR_TOO_LARGE, "larger than 10485760 bytes" },
    { "announces a chunk of more than is allowed",
      HEAD "transfer-encoding: chunked\r\n\r\na00001\r\n", 0, 1, WEIR_TOO_LARGE,
      "larger than 10485760 bytes" },
    { "has a malformed chunk extension",
      HEAD "transfer-encoding: chunked\r\n\r\n5;\r\nhello\r\n0\r\n\r\n", 0, 1,
      WEIR_UPSTREAM, "the body of the answer: " },
    { "announces 2^64 bytes", HEAD "content-length: 18446744073709551616\r\n\r\n", 0, 1,
      WEIR_UPSTREAM, "" },
    { "announces 2^64 - 1 bytes", HEAD "content-length: 18446744073709551615\r\n\r\n", 0, 1, 0,
      "" },
};

static void
each_lie_is_the_right_error(void **state)
{
    struct side *s = *state;
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        print_message("an upstream that %s\n", lies[i].name);
        struct peer *p = peer_start(tell, &lies[i]);
        struct outcome o = { .done = false };
        side_get(s, p, &o);
        if (lies[i].code != 0)
            assert_failed(&o, lies[i].code, lies[i].text);
        else
            assert_int_not_equal(o.err.code, 0);
        assert_int_equal(o.err.sent, 1);
        assert_channels(s, 0, 0);
        outcome_free(&o);
        side_get(s, p, &o);
        assert_body(&o, "ok");
        outcome_free(&o);
        client_trim(s->client);
        peer_stop(p);
    }
}

static void
bytes_behind_the_answer_end_the_connection(void **state)
{
    struct side *s = *state;
    const struct lie lie = { "", HEAD "content-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n", 0, 1, 0,
                             "" };
    struct peer *p = peer_start(tell, &lie);
    struct outcome o = { .done = false };
    side_get(s, p, &o);
    assert_body(&o, "ok");
    assert_channels(s, 0, 0);
    outcome_free(&o);
    peer_stop(p);
}

static void
speak_unasked(struct peer *p, int fd, unsigned n)
{
    (void)n;
    if (!peer_read(p, fd))
        return;
    peer_say(fd, HEAD "content-length: 2\r\n\r\nok");
    while (!p->go)
        peer_pause(1);
    peer_say(fd, HEAD "content-length: 4\r\n\r\nevil");
    p->moved = 1;
    peer_read(p, fd);
}

static void
an_answer_that_nobody_asked_for_ends_an_idle_connection(void **state)
{
    struct side *s = *state;
    struct peer *p = peer_start(speak_unasked, NULL);
    struct outcome o = { .done = false };
    side_get(s, p, &o);
    assert_channels(s, 0, 1);
    outcome_free(&o);
    p->go = true;
    while (p->moved == 0)
        peer_pause(1);
    peer_pause(5);
    side_turns(s, 5);
    assert_channels(s, 0, 0);
    peer_stop(p);
}

static void
only_clean_connections_are_kept(void **state)
{
    struct side *s = *state;
    static const struct {
        const char *answer;
        unsigned idle;
    } cases[] = {
        { HEAD "content-length: 2\r\n\r\nok", 1 },
        { HEAD "content-length: 2\r\nconnection: close\r\n\r\nok", 0 },
        { "HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok", 0 },
        { "HTTP/1.0 200 OK\r\ncontent-length: 2\r\nconnection: keep-alive\r\n\r\nok", 1 },
        { HEAD "transfer-encoding: chunked\r\n\r\n2;x=y\r\nok\r\n0\r\nx-trailer: 1\r\n\r\n",
          1 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct peer *p = peer_start(peer_answers, cases[i].answer);
        struct outcome o = { .done = false };
        side_get(s, p, &o);
        assert_body(&o, "ok");
        assert_channels(s, 0, cases[i].idle);
        outcome_free(&o);
        client_trim(s->client);
        peer_stop(p);
    }
}

static void
a_body_may_last_until_the_end_of_the_connection(void **state)
{
    struct side *s = *state;
    const struct lie lie = { "", HEAD "\r\nall of it", 0, 0, 0, "" };
    struct peer *p = peer_start(tell, &lie);
    struct outcome o = { .done = false };
    side_get(s, p, &o);
    assert_body(&o, "all of it");
    assert_channels(s, 0, 0);
    outcome_free(&o);
    peer_stop(p);
}

static void
a_reset_does_not_end_such_a_body_well(void **state)
{
    struct side *s = *state;
    const struct lie lie = { "", HEAD "\r\nall of it", 1, 1, 0, "" };
    struct peer *p = peer_start(tell, &lie);
    struct weir_http_request http = side_request("GET", peer_url(p, "/"));
    struct outcome o = { .done = false };
    side_send(s, &http, &o);
    side_until_count(s, &p->requests, 1);
    side_turns(s, 20);
    p->go = true;
    side_until(s, &o.done);
    assert_failed(&o, WEIR_UPSTREAM, "reset the connection in the middle of the body");
    peer_stop(p);
}

static void
flood(struct peer *p, int fd, unsigned n)
{
    (void)n;
    if (!peer_read(p, fd))
        return;
    const char *const *says = p->arg;
    peer_say(fd, says[0]);
    for (unsigned i = 0; i < 3000000 && !p->go; i++) {
        if (send(fd, says[1], strlen(says[1]), MSG_NOSIGNAL) < 0)
            return;
    }
}

static void
what_never_ends_is_cut(void **state)
{
    struct side *s = *state;
    static const struct {
        const char *says[2];
        uint32_t code;
        const char *text;
    } floods[] = {
        { { HEAD, "x-header: some value that is repeated for ever\r\n" },
          WEIR_UPSTREAM,
          "head" },
        { { HEAD "x: ", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" },
          WEIR_UPSTREAM,
          "head" },
        { { "", "HTTP/1.1 102 Processing\r\n\r\n" }, WEIR_UPSTREAM, "more than 16 interim" },
        { { "", "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" },
          WEIR_UPSTREAM,
          "more than 16 interim" },
        { { HEAD "transfer-encoding: chunked\r\n\r\n", "5\r\nhello\r\n" },
          WEIR_TOO_LARGE,
          "larger than" },
        { { HEAD "\r\n", "hello hello hello hello hello hello hello" },
          WEIR_TOO_LARGE,
          "larger than" },
        { { HEAD "transfer-encoding: chunked\r\n\r\n5;", "extension" }, WEIR_UPSTREAM, "body" },
        { { HEAD "transfer-encoding: chunked\r\n\r\n0\r\n", "a: trailer\r\n" },
          WEIR_UPSTREAM,
          "body" },
    };
    for (size_t i = 0; i < sizeof floods / sizeof *floods; i++) {
        struct peer *p = peer_start(flood, floods[i].says);
        struct weir_http_request http = side_request("GET", peer_url(p, "/"));
        http.max_body = 100000;
        struct outcome o = { .done = false };
        side_call(s, &http, &o);
        assert_failed(&o, floods[i].code, floods[i].text);
        assert_channels(s, 0, 0);
        peer_stop(p);
    }
}

static void
interim_answers_are_skipped(void **state)
{
    struct side *s = *state;
    const struct lie lie = {
        "",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nlink: x\r\n\r\n" HEAD
        "content-length: 2\r\n\r\nok",
        0,
        1,
        0,
        ""
    };
    struct peer *p = peer_start(tell, &lie);
    struct outcome o = { .done = false };
    side_get(s, p, &o);
    assert_body(&o, "ok");
    assert_int_equal(o.status, 200);
    assert_header(&o, "link", NULL);
    assert_channels(s, 0, 1);
    outcome_free(&o);
    peer_stop(p);
}

static void
drip(struct peer *p, int fd, unsigned n)
{
    (void)n;
    if (!peer_read(p, fd))
        return;
    for (const char *at = p->arg; *at != '\0'; at++) {
        peer_say_bytes(fd, at, 1);
        peer_pause(1);
    }
    p->moved = 1;
    peer_wait(p);
}

static void
an_answer_may_come_byte_by_byte(void **state)
{
    struct side *s = *state;
    static const char *const answers[] = {
        "HTTP/1.1 100 Continue\r\n\r\n" HEAD "content-length: 2\r\nx: 1\r\n\r\nok",
        HEAD
        "x: 1\r\ntransfer-encoding: chunked\r\n\r\n1;a=b\r\no\r\n1\r\nk\r\n0\r\nt: 1\r\n\r\n",
    };
    for (size_t i = 0; i < 2; i++) {
        struct peer *p = peer_start(drip, answers[i]);
        struct outcome o = { .done = false };
        side_get(s, p, &o);
        assert_body(&o, "ok");
        assert_header(&o, "x", "1");
        assert_channels(s, 0, 1);
        outcome_free(&o);
        client_trim(s->client);
        peer_stop(p);
    }
}

static void
a_dripping_head_is_cut_by_the_whole_deadline(void **state)
{
    struct side *s = *state;
    struct peer *p = peer_start(drip, HEAD "x: 1");
    shard_set_clock(s->shard, 1000);
    struct weir_http_request http = side_request("GET", peer_url(p, "/"));
    struct outcome o = { .done = false };
    side_send(s, &http, &o);
    while (p->moved == 0)
        side_turns(s, 1);
    side_turns(s, 3);
    shard_set_clock(s->shard, 60999);
    side_turns(s, 2);
    assert_false(o.done);
    shard_set_clock(s->shard, 61000);
    side_turns(s, 2);
    assert_failed(&o, WEIR_TIMEOUT, "the answer was not complete within the deadline");
    peer_stop(p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        SIDE_TEST(each_lie_is_the_right_error),
        SIDE_TEST(bytes_behind_the_answer_end_the_connection),
        SIDE_TEST(an_answer_that_nobody_asked_for_ends_an_idle_connection),
        SIDE_TEST(only_clean_connections_are_kept),
        SIDE_TEST(a_body_may_last_until_the_end_of_the_connection),
        SIDE_TEST(a_reset_does_not_end_such_a_body_well),
        SIDE_TEST(what_never_ends_is_cut),
        SIDE_TEST(interim_answers_are_skipped),
        SIDE_TEST(an_answer_may_come_byte_by_byte),
        SIDE_TEST(a_dripping_head_is_cut_by_the_whole_deadline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

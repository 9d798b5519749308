/* client_chaos_test.c - a few thousand calls to a server that does anything, by users who
 * cancel and drop at any time: each ends once, and nothing is left behind.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/fault.h"
#include "base/random.h"
#include "loop/stream.h"
#include "peer.h"

#define AT_ONCE 40u
#define HEAD "HTTP/1.1 200 OK\r\n"

/* What the server says, whole or cut at any place. */
static const char *const answers[] = {
    HEAD "content-length: 5\r\n\r\nhello",
    HEAD "content-length: 5\r\nkeep-alive: timeout=2\r\n\r\nhello",
    HEAD "transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n",
    HEAD "connection: close\r\n\r\nhello",
    HEAD "content-length: 5\r\n\r\nhello and more",
    "HTTP/1.1 100 Continue\r\n\r\n" HEAD "content-length: 2\r\n\r\nok",
    "HTTP/1.1 302 Found\r\nlocation: /again\r\ncontent-length: 0\r\n\r\n",
    "HTTP/1.1 302 Found\r\nlocation: http://10.0.0.1/\r\ncontent-length: 0\r\n\r\n",
    HEAD "content-encoding: gzip\r\ncontent-length: 5\r\n\r\nhello",
    "HTTP/1.1 204 No Content\r\n\r\n",
    "what?\r\n\r\n",
    "",
};

/* One connection of the server, on its loop of poll. */
static void
serve_one(int fd, bool *ret_close)
{
    char bytes[4096];
    ssize_t n = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
    if (n <= 0) {
        *ret_close = n == 0 || errno != EAGAIN;
        return;
    }
    uint64_t luck = random_below(100);
    if (luck < 5)
        return; /* silence, until more comes or the client gives up */
    const char *says =
        answers[luck < 60 ? random_below(4) : random_below(sizeof answers / sizeof *answers)];
    size_t len = strlen(says);
    if (luck > 90)
        len = random_below(len + 1);
    (void)!send(fd, says, len, MSG_NOSIGNAL | MSG_DONTWAIT);
    *ret_close = luck > 80 || strstr(says, "connection: close") != NULL;
}

static void *
serve(void *arg)
{
    struct peer *p = arg;
    struct pollfd fds[200] = { { .fd = p->listener, .events = POLLIN } };
    unsigned n = 1;
    random_seed(7);
    while (!p->go) {
        poll(fds, n, 5);
        if (fds[0].revents & POLLIN && n < 200) {
            int fd = accept(p->listener, NULL, NULL);
            if (fd >= 0)
                fds[n++] = (struct pollfd){ .fd = fd, .events = POLLIN };
        }
        for (unsigned i = n; i-- > 1;) {
            bool over = false;
            if (fds[i].revents != 0)
                serve_one(fds[i].fd, &over);
            if (!over)
                continue;
            close(fds[i].fd);
            fds[i] = fds[--n];
        }
    }
    for (unsigned i = 1; i < n; i++)
        close(fds[i].fd);
    return NULL;
}

/* A user of one call at a time. */
struct user {
    struct side *side;
    struct client_call *call;
    struct stream *stream;
    unsigned cancel_in; /* turns; 0: never */
    unsigned ends;      /* of the present call */
    bool busy;
};

static unsigned ended;
static unsigned good;

static void
user_end(struct user *u)
{
    assert_int_equal(u->ends, 0);
    u->ends = 1;
    u->call = NULL;
    u->busy = false;
    ended++;
}

static void
on_piece(void *arg, const char *bytes, size_t len, const struct weir_error *err)
{
    struct user *u = arg;
    (void)bytes;
    (void)err;
    if (len > 0 && random_below(8) > 0) {
        stream_pull(u->stream);
        return;
    }
    if (len > 0 && random_below(2) == 0)
        return; /* does not pull, and is cut off later */
    stream_drop(&u->stream);
    user_end(u);
}

static void
on_answer(void *arg, const struct weir_http_answer *answer, const struct weir_error *err)
{
    struct user *u = arg;
    u->call = NULL;
    assert_int_equal(answer == NULL, err != NULL);
    good += answer != NULL;
    if (answer == NULL || answer->body->type != WEIR_STREAM || random_below(10) == 0) {
        user_end(u);
        return;
    }
    assert_true(stream_take(answer->body, on_piece, u, &u->stream));
    u->cancel_in = 1 + (unsigned)random_below(50);
    if (random_below(10) > 0)
        stream_pull(u->stream);
}

static void
user_begin(struct user *u, const char *url, const struct weir_value *body)
{
    static const char *const methods[] = { "GET", "POST", "PUT", "HEAD" };
    struct weir_http_request http = side_request(methods[random_below(4)], url);
    http.flags = (uint32_t)random_below(16) & ~(uint32_t)WEIR_HTTP_UNTRUSTED;
    http.pool = 1 + (uint32_t)random_below(8);
    http.first_byte_ms = 20;
    http.body = random_below(2) == 0 ? body : NULL;
    const struct client_request r = { .http = &http,
                                      .deadline_ms = shard_now(u->side->shard) + 200,
                                      .attempt = 1 + (uint32_t)random_below(2) };
    u->ends = 0;
    u->busy = true;
    u->cancel_in = random_below(4) == 0 ? 1 + (unsigned)random_below(10) : 0;
    u->call = client_send(u->side->client, &r, on_answer, u);
    assert_int_equal(u->ends, 0);
}

static void
user_turn(struct user *u)
{
    if (u->cancel_in == 0 || --u->cancel_in > 0)
        return;
    if (u->call == NULL && u->stream == NULL)
        return;
    client_cancel(&u->call);
    stream_drop(&u->stream);
    user_end(u);
}

/* Makes CALLS calls, and looks at what is left of them. */
static void
play(struct side *s, unsigned calls)
{
    struct peer p = { .go = false };
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof a;
    p.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(p.listener, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(p.listener, 100), 0);
    getsockname(p.listener, (struct sockaddr *)&a, &len);
    p.port = ntohs(a.sin_port);
    pthread_create(&p.thread, NULL, serve, &p);

    random_seed(11);
    const struct weir_value *body = value_take(WEIR_BYTES, calloc(1, 3000), 3000);
    struct user users[AT_ONCE] = { { .busy = false } };
    const char *url = peer_url(&p, "/");
    unsigned begun = 0;
    ended = good = 0;
    while (ended < calls) {
        for (unsigned i = 0; i < AT_ONCE; i++) {
            users[i].side = s;
            user_turn(&users[i]);
            if (!users[i].busy && begun < calls) {
                user_begin(&users[i], url, body);
                begun++;
            }
        }
        if (random_below(200) == 0)
            client_trim(s->client);
        shard_turn(s->shard, 1);
    }
    print_message("%u of %u calls were answered\n", good, calls);
    assert_true(good > calls / 20);
    assert_int_equal(s->reports, calls);
    unsigned busy;
    unsigned idle;
    client_counts(s->client, &busy, &idle);
    assert_int_equal(busy, 0);
    client_trim(s->client);
    assert_channels(s, 0, 0);
    value_unref(&body);
    p.go = true;
    pthread_join(p.thread, NULL);
    close(p.listener);
}

static void
each_call_ends_once_whatever_happens(void **state)
{
    play(*state, 4000);
}

#ifdef WEIR_FAULTS
static void
so_does_each_that_is_read_byte_by_byte(void **state)
{
    fault_set("READ_ONE_BYTE", UINT32_MAX);
    play(*state, 1000);
    fault_set("READ_ONE_BYTE", 0);
}
#endif

int
main(void)
{
    const struct CMUnitTest tests[] = {
        SIDE_TEST(each_call_ends_once_whatever_happens),
#ifdef WEIR_FAULTS
        SIDE_TEST(so_does_each_that_is_read_byte_by_byte),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

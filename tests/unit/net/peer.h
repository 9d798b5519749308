/* peer.h - the other side of the client's tests: a server on a free port whose connections are
 * played by a function on a thread of their own, and one client on a shard.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_NET_PEER_H
#define TESTS_NET_PEER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "net/client.h"

#define PEER_CONNECTIONS 64

struct peer;

/* Plays connection number N (0, 1, ...) of a server; the descriptor is closed behind it. */
typedef void peer_fn(struct peer *p, int fd, unsigned n);

struct peer {
    int listener;
    unsigned port;
    peer_fn *play;
    const void *arg;
    atomic_uint accepted;
    atomic_uint requests;
    atomic_ulong moved; /* bytes that a script counts */
    atomic_bool go;     /* a script may wait for it */
    pthread_t thread;
    pthread_t players[PEER_CONNECTIONS];
    int fds[PEER_CONNECTIONS];
    char last[65536]; /* the last request that was read */
    size_t last_len;
};

struct peer_player {
    struct peer *peer;
    int fd;
    unsigned n;
};

static inline void *
peer_play(void *arg)
{
    struct peer_player p = *(struct peer_player *)arg;
    free(arg);
    p.peer->play(p.peer, p.fd, p.n);
    shutdown(p.fd, SHUT_WR);
    return NULL;
}

static inline void
peer_pause(unsigned ms)
{
    struct timespec t = { ms / 1000, (long)(ms % 1000) * 1000000 };
    nanosleep(&t, NULL);
}

static inline void *
peer_accept(void *arg)
{
    struct peer *p = arg;
    for (;;) {
        int fd = accept(p->listener, NULL, NULL);
        if (fd < 0 && errno == EMFILE) { /* a test has taken all descriptors away for a moment */
            peer_pause(1);
            continue;
        }
        if (fd < 0)
            return NULL;
        unsigned n = p->accepted;
        assert_true(n < PEER_CONNECTIONS);
        struct peer_player *player = malloc(sizeof *player);
        *player = (struct peer_player){ p, fd, n };
        p->fds[n] = fd;
        p->accepted = n + 1;
        pthread_create(&p->players[n], NULL, peer_play, player);
    }
}

static inline struct peer *
peer_start(peer_fn *play, const void *arg)
{
    struct peer *p = calloc(1, sizeof *p);
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof a;
    p->play = play;
    p->arg = arg;
    p->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(p->listener, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(p->listener, 64), 0);
    getsockname(p->listener, (struct sockaddr *)&a, &len);
    p->port = ntohs(a.sin_port);
    pthread_create(&p->thread, NULL, peer_accept, p);
    return p;
}

static inline void
peer_stop(struct peer *p)
{
    p->go = true;
    shutdown(p->listener, SHUT_RDWR);
    pthread_join(p->thread, NULL);
    for (unsigned i = 0; i < p->accepted; i++) {
        shutdown(p->fds[i], SHUT_RDWR);
        pthread_join(p->players[i], NULL);
        close(p->fds[i]);
    }
    close(p->listener);
    free(p);
}

/* Waits for P.go. */
static inline void
peer_wait(struct peer *p)
{
    while (!p->go)
        peer_pause(1);
}

static inline void
peer_say_bytes(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);
        if (n <= 0)
            return;
        bytes += n;
        len -= (size_t)n;
    }
}

static inline void
peer_say(int fd, const char *text)
{
    peer_say_bytes(fd, text, strlen(text));
}

/* Ends the connection by a reset. */
static inline void
peer_reset(int fd)
{
    /* A dup'ed descriptor stays with the harness, so the reset has to be forced: connecting to
     * nowhere dissolves the association. */
    struct sockaddr a = { .sa_family = AF_UNSPEC };
    connect(fd, &a, sizeof a);
}

/* Reads a request with its body (Content-Length or chunked) into P.last. False: the client has
 * ended the connection. */
static inline bool
peer_read(struct peer *p, int fd)
{
    static const char tag[] = "content-length: ";
    char *text = p->last;
    size_t len = 0;
    for (;;) {
        ssize_t n = recv(fd, text + len, sizeof p->last - 1 - len, 0);
        if (n <= 0)
            return false;
        len += (size_t)n;
        text[len] = '\0';
        const char *end = strstr(text, "\r\n\r\n");
        if (end == NULL)
            continue;
        const char *at = strstr(text, tag);
        size_t body = at != NULL && at < end ? strtoul(at + strlen(tag), NULL, 10) : 0;
        bool whole = len >= (size_t)(end + 4 - text) + body;
        if (strstr(text, "transfer-encoding: chunked") != NULL)
            whole = len >= 5 && strcmp(text + len - 5, "0\r\n\r\n") == 0;
        if (!whole)
            continue;
        p->last_len = len;
        p->requests++;
        return true;
    }
}

/* A player that answers each request with ARG; NULL: with 200 and "ok". */
static inline void
peer_answers(struct peer *p, int fd, unsigned n)
{
    (void)n;
    while (peer_read(p, fd))
        peer_say(fd, p->arg != NULL ? p->arg : "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
}

/* A player that takes requests and answers none. */
static inline void
peer_listens(struct peer *p, int fd, unsigned n)
{
    (void)n;
    while (peer_read(p, fd))
        continue;
}

/* -- the client's side -- */

struct outcome {
    bool done;
    unsigned status;
    const struct weir_value *headers; /* owned */
    const struct weir_value *body;    /* owned */
    struct weir_error err;
};

struct side {
    struct weir_shard *shard;
    struct client *client;
    unsigned reports;
    struct client_report report; /* its texts are gone */
    char server[64];
};

static inline void
side_report(void *arg, const struct client_report *r)
{
    struct side *s = arg;
    s->reports++;
    s->report = *r;
    snprintf(s->server, sizeof s->server, "%.*s", (int)r->server.len, r->server.bytes);
}

static inline int
side_open(void **state)
{
    struct side *s = calloc(1, sizeof *s);
    struct weir_error err;
    assert_int_equal(shard_new(0, &s->shard, &err), WEIR_OK);
    assert_int_equal(client_new(s->shard, &s->client, &err), WEIR_OK);
    client_on_report(s->client, side_report, s);
    *state = s;
    return 0;
}

static inline int
side_close(void **state)
{
    struct side *s = *state;
    client_free(&s->client);
    shard_free(&s->shard);
    free(s);
    return 0;
}

#define SIDE_TEST(name) cmocka_unit_test_setup_teardown(name, side_open, side_close)

static inline void
outcome_take(void *arg, const struct weir_http_answer *answer, const struct weir_error *err)
{
    struct outcome *o = arg;
    assert_false(o->done);
    o->done = true;
    if (answer == NULL) {
        o->err = *err;
        return;
    }
    o->status = answer->status;
    o->headers = value_ref(answer->headers);
    o->body = value_ref(answer->body);
}

static inline void
outcome_free(struct outcome *o)
{
    value_unref(&o->headers);
    value_unref(&o->body);
    *o = (struct outcome){ .done = false };
}

/* Turns the loop until *FLAG, for at most 10 s. */
static inline void
side_until(struct side *s, const bool *flag)
{
    struct timespec begin;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    while (!*flag) {
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (now.tv_sec - begin.tv_sec > 10)
            fail_msg("nothing has happened for 10 s");
        shard_turn(s->shard, 5);
    }
}

static inline void
side_turns(struct side *s, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        shard_turn(s->shard, 1);
}

/* Turns the loop until COUNT has reached N. */
static inline void
side_until_count(struct side *s, atomic_uint *count, unsigned n)
{
    for (unsigned i = 0; i < 5000 && *count < n; i++)
        shard_turn(s->shard, 2);
    assert_true(*count >= n);
}

static inline const char *
peer_url(const struct peer *p, const char *path)
{
    static _Thread_local char url[4][512];
    static _Thread_local unsigned n;
    char *at = url[n++ % 4];
    snprintf(at, sizeof url[0], "http://127.0.0.1:%u%s", p->port, path);
    return at;
}

static inline struct weir_http_request
side_request(const char *method, const char *url)
{
    return (struct weir_http_request){
        .size = sizeof(struct weir_http_request),
        .method = text_of(method),
        .url = text_of(url),
    };
}

static inline struct client_call *
side_send(struct side *s, const struct weir_http_request *http, struct outcome *o)
{
    const struct client_request r = { .http = http, .deadline_ms = UINT64_MAX, .attempt = 1 };
    return client_send(s->client, &r, outcome_take, o);
}

/* Sends and waits for the outcome. */
static inline void
side_call(struct side *s, const struct weir_http_request *http, struct outcome *o)
{
    side_send(s, http, o);
    assert_false(o->done);
    side_until(s, &o->done);
}

static inline void
side_get(struct side *s, const struct peer *p, struct outcome *o)
{
    struct weir_http_request http = side_request("GET", peer_url(p, "/"));
    side_call(s, &http, o);
}

static inline void
assert_text(struct weir_text text, const char *expected)
{
    char copy[4096];
    snprintf(copy, sizeof copy, "%.*s", (int)text.len, text.bytes);
    assert_string_equal(copy, expected);
}

static inline void
assert_body(const struct outcome *o, const char *expected)
{
    if (o->err.code != 0)
        print_message("error: %s\n", o->err.text);
    assert_non_null(o->body);
    assert_int_equal(o->body->type, WEIR_BYTES);
    assert_text(value_as_text(o->body), expected);
}

static inline void
assert_header(const struct outcome *o, const char *name, const char *expected)
{
    const struct weir_value *v = value_field(o->headers, name);
    if (expected == NULL) {
        assert_null(v);
        return;
    }
    assert_non_null(v);
    assert_text(value_as_text(v), expected);
}

static inline void
assert_failed(const struct outcome *o, uint32_t code, const char *part)
{
    if (o->err.code != code || strstr(o->err.text, part) == NULL)
        print_message("%u: %s\n", o->err.code, o->err.text);
    assert_int_equal(o->err.code, code);
    assert_non_null(strstr(o->err.text, part));
}

static inline void
assert_channels(const struct side *s, unsigned busy, unsigned idle)
{
    unsigned b;
    unsigned i;
    client_counts(s->client, &b, &i);
    assert_int_equal(b, busy);
    assert_int_equal(i, idle);
}

#endif

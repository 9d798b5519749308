/* client_answer_fuzz.c - whatever an upstream sends, a call ends once, and nothing is left.
 * room: net
 *
 * The first byte chooses how the request is made, the second in how many pieces the rest is
 * sent; the connection ends behind it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop/stream.h"
#include "net/client.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static struct weir_shard *shard;
static struct client *client;
static int listener;
static char url[64];
static struct stream *stream;
static unsigned ends;

static void
on_piece(void *arg, const char *bytes, size_t len, const struct weir_error *err)
{
    (void)arg;
    (void)bytes;
    (void)err;
    if (len > 0)
        stream_pull(stream);
    else
        ends++;
}

static void
on_answer(void *arg, const struct weir_http_answer *answer, const struct weir_error *err)
{
    (void)arg;
    (void)err;
    if (answer != NULL && answer->body->type == WEIR_STREAM) {
        if (!stream_take(answer->body, on_piece, NULL, &stream))
            abort();
        stream_pull(stream);
        return;
    }
    ends++;
}

static void
begin(void)
{
    struct weir_error err;
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof a;
    listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (bind(listener, (struct sockaddr *)&a, sizeof a) != 0 || listen(listener, 16) != 0 ||
        getsockname(listener, (struct sockaddr *)&a, &len) != 0)
        abort();
    snprintf(url, sizeof url, "http://127.0.0.1:%u/0", ntohs(a.sin_port));
    if (shard_new(0, &shard, &err) != WEIR_OK || client_new(shard, &client, &err) != WEIR_OK)
        abort();
}

/* Sends a part and lets the client read it. */
static void
say(int fd, const uint8_t *bytes, size_t len)
{
    while (len > 0 && ends == 0) {
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n > 0) {
            bytes += n;
            len -= (size_t)n;
        } else if (n < 0 && errno != EAGAIN) {
            return;
        }
        shard_turn(shard, 0);
    }
    shard_turn(shard, 0);
}

static void
play(const uint8_t *bytes, size_t len, unsigned pieces)
{
    int fd = -1;
    for (unsigned i = 0; i < 1000 && fd < 0 && ends == 0; i++) {
        shard_turn(shard, 1);
        fd = accept(listener, NULL, NULL);
    }
    if (fd < 0)
        return;
    for (size_t i = 0, at = 0; i < pieces; i++) {
        size_t end = len * (i + 1) / pieces;
        say(fd, bytes + at, end - at);
        at = end;
    }
    close(fd);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static const char *const methods[] = { "GET", "HEAD", "POST", "OPTIONS" };
    if (len < 2)
        return 0;
    if (client == NULL)
        begin();
    struct weir_http_request http = {
        .size = sizeof http,
        .flags = (bytes[0] & 1 ? WEIR_HTTP_STREAM : 0) | (bytes[0] & 2 ? WEIR_HTTP_FOLLOW : 0),
        .method = text_of(methods[bytes[0] >> 2 & 3]),
        .url = text_of(url),
        .max_body = 100000,
        .max_redirects = 2,
    };
    const struct client_request r = { .http = &http, .deadline_ms = UINT64_MAX, .attempt = 1 };
    ends = 0;
    stream = NULL;
    client_send(client, &r, on_answer, NULL);
    /* a redirect to ourselves makes further connections */
    for (unsigned i = 0; i < 4 && ends == 0; i++)
        play(bytes + 2, len - 2, bytes[1] % 8 + 1);
    for (unsigned i = 0; i < 1000 && ends == 0; i++)
        shard_turn(shard, 1);
    if (ends != 1)
        abort();
    stream_drop(&stream);
    client_trim(client);
    unsigned busy;
    unsigned idle;
    client_counts(client, &busy, &idle);
    if (busy != 0 || idle != 0)
        abort();
    return 0;
}

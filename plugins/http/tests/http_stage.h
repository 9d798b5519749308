/* http/tests/http_stage.h - an upstream, and pipelines that ask it: what the tests of http have in common.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HTTP_TESTS_HTTP_STAGE_H
#define HTTP_TESTS_HTTP_STAGE_H

#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "peer.h"

/* The upstream: what it says to each request, one after another (the last answer goes on), and
 * the latest request. Its connections are threads. */
static struct peer *upstream;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *answers[2];
static char last[16384];
static unsigned requests;

/* Reads a request with its body into TEXT (sizeof last); false at the end of the connection. */
static inline bool
read_request(int fd, char *text)
{
    size_t len = 0;
    for (;;) {
        ssize_t n = recv(fd, text + len, sizeof last - 1 - len, 0);
        if (n <= 0)
            return false;
        len += (size_t)n;
        text[len] = '\0';
        const char *end = strstr(text, "\r\n\r\n");
        const char *length = strstr(text, "content-length: ");
        size_t body = length && end && length < end ? strtoul(length + 16, NULL, 10) : 0;
        if (end != NULL && len >= (size_t)(end + 4 - text) + body)
            return true;
    }
}

static inline void
say_answers(struct peer *p, int fd, unsigned n)
{
    (void)p;
    (void)n;
    char text[sizeof last];
    while (read_request(fd, text)) {
        pthread_mutex_lock(&lock);
        strcpy(last, text);
        const char *answer = answers[requests > 0 && answers[1] ? 1 : 0];
        requests++;
        pthread_mutex_unlock(&lock);
        peer_say(fd, answer);
        if (strstr(answer, "Connection: close") != NULL)
            return;
    }
}

/* How many requests there were. */
static inline unsigned
requests_seen(void)
{
    pthread_mutex_lock(&lock);
    unsigned n = requests;
    pthread_mutex_unlock(&lock);
    return n;
}

/* The latest request. */
static inline const char *
latest(void)
{
    static char copy[sizeof last];
    pthread_mutex_lock(&lock);
    strcpy(copy, last);
    pthread_mutex_unlock(&lock);
    return copy;
}

#define ANSWER(head, body) "HTTP/1.1 " head "Connection: close\r\n\r\n" body

static inline void
load(const char *config)
{
    char yaml[4096];
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%u", upstream->port);
    setenv("UP", url, 1);
    snprintf(yaml, sizeof yaml,
             "name: proxies\ntrigger: { webhook: { path: \"/x/{a}\", methods: [GET, POST] } }\n"
             "steps:\n  - id: up\n    http: %s\n",
             config);
    stage_load(yaml, NULL);
}

/* Starts over with these answers. */
static inline void
upstream_says(const char *first, const char *second)
{
    pthread_mutex_lock(&lock);
    answers[0] = first;
    answers[1] = second;
    requests = 0;
    last[0] = '\0';
    pthread_mutex_unlock(&lock);
}

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

/* Whether the latest request holds PART. */
static inline void
sent(const char *part)
{
    if (strstr(latest(), part) == NULL)
        fail_msg("'%s' is not in:\n%s", part, latest());
}

static inline void
not_sent(const char *part)
{
    if (strstr(latest(), part) != NULL)
        fail_msg("'%s' is in:\n%s", part, latest());
}

static inline int
open_all(void **state)
{
    upstream = peer_start(say_answers, NULL);
    return stage_open(state);
}

static inline int
close_all(void **state)
{
    int result = stage_close(state);
    peer_stop(upstream);
    return result;
}

#endif

/* bench/steady.c - requests at a fixed rate, and what each took from when it was due.
 *
 * steady PORT RATE SECONDS CONNECTIONS FILE: the file is one whole request of HTTP/1.1. A request is due every
 * 1/RATE s, whatever the server does (an open loop: who stands still is seen in all requests that it kept waiting);
 * it goes out on a connection that is free, or waits for one. Prints "SENT BAD P50 P99 P99.9 MAX" in microseconds; a
 * second at the begin is not counted. SIGUSR1 has it count from then on, SIGTERM ends it early: who waits for
 * something else measures just as long. One thread, epoll; answers have a Content-Length.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define WARM 1 /* seconds */
#define ROOM 65536

struct connection {
    int fd;
    uint64_t due; /* of the request that is under way; ns */
    size_t len;
    char bytes[ROOM];
};

static char *text;
static size_t text_len;
static struct connection **idle; /* a stack */
static unsigned n_idle, bad;
static uint64_t *took, n_took, begin;
static volatile sig_atomic_t anew, over;

static void
on_signal(int number)
{
    if (number == SIGUSR1)
        anew = 1;
    else
        over = 1;
}

static uint64_t
now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void
fail(const char *what)
{
    perror(what);
    exit(1);
}

static void
ask(struct connection *c, uint64_t due)
{
    c->due = due;
    c->len = 0;
    if (write(c->fd, text, text_len) != (ssize_t)text_len)
        fail("write");
}

/* Whether the answer is whole. */
static int
whole(const struct connection *c)
{
    const char *end = memmem(c->bytes, c->len, "\r\n\r\n", 4);
    const char *field = end ? strcasestr(c->bytes, "\r\ncontent-length:") : NULL;
    size_t body = field && field < end ? strtoul(field + 17, NULL, 10) : 0;
    return end && c->len >= (size_t)(end + 4 - c->bytes) + body;
}

static void
take(struct connection *c)
{
    ssize_t n = read(c->fd, c->bytes + c->len, ROOM - 1 - c->len);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0)
        fail("the server closed");
    c->len += (size_t)n;
    c->bytes[c->len] = '\0';
    if (!whole(c))
        return;
    bad += strncmp(c->bytes, "HTTP/1.1 2", 10) != 0;
    if (c->due >= begin + WARM * 1000000000ull)
        took[n_took++] = now() - c->due;
    idle[n_idle++] = c;
}

static struct connection *
dial(int port, int epoll)
{
    struct connection *c = calloc(1, sizeof *c);
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    int one = 1;
    inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&to, sizeof to) != 0)
        fail("connect");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct epoll_event e = { .events = EPOLLIN, .data.ptr = c };
    epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &e);
    idle[n_idle++] = c;
    return c;
}

static int
by_size(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

int
main(int argc, char **argv)
{
    if (argc != 6)
        return fprintf(stderr, "steady PORT RATE SECONDS CONNECTIONS FILE\n"), 2;
    double rate = atof(argv[2]);
    uint64_t all = (uint64_t)(rate * (atof(argv[3]) + WARM)), sent = 0;
    unsigned n = (unsigned)atoi(argv[4]);
    FILE *f = fopen(argv[5], "r");
    text = malloc(1 << 20);
    if (f == NULL || (text_len = fread(text, 1, 1 << 20, f)) == 0)
        fail(argv[5]);
    int epoll = epoll_create1(0);
    idle = calloc(n, sizeof *idle);
    took = calloc(all + 1, sizeof *took);
    for (unsigned i = 0; i < n; i++)
        dial(atoi(argv[1]), epoll);

    signal(SIGUSR1, on_signal);
    signal(SIGTERM, on_signal);
    begin = now();
    while (sent < all || n_idle < n) {
        if (over)
            all = sent;
        if (anew)
            n_took = anew = 0;
        uint64_t at = now(), due = begin + (uint64_t)((double)sent * 1e9 / rate);
        for (; sent < all && n_idle > 0 && due <= at; due = begin + (uint64_t)((double)sent * 1e9 / rate)) {
            ask(idle[--n_idle], due);
            sent++;
        }
        struct timespec wait = { .tv_sec = 1 };
        if (sent < all && n_idle > 0)
            wait = (struct timespec){ .tv_nsec = due > at ? (long)(due - at) % 1000000000 : 0 };
        struct epoll_event ready[64];
        int k = epoll_pwait2(epoll, ready, 64, &wait, NULL);
        for (int i = 0; i < k; i++)
            take(ready[i].data.ptr);
        if (now() - begin > (uint64_t)(all / rate + 30) * 1000000000ull)
            return fprintf(stderr, "no answer for 30 s\n"), 1;
    }
    qsort(took, n_took, sizeof *took, by_size);
    double us = 1e-3;
    printf("%llu %u %.1f %.1f %.1f %.1f\n", (unsigned long long)n_took, bad, (double)took[n_took / 2] * us,
           (double)took[n_took * 99 / 100] * us, (double)took[n_took * 999 / 1000] * us, (double)took[n_took - 1] * us);
    return 0;
}

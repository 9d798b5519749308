/* bench/upstream.c - an upstream of next to no cost that knows how many asked it at once.
 *
 * Prints its port, and "ANSWERED MOST" whenever a line is written to its input; ends with its input. It reads what
 * there is from all connections, and then answers all, so that who asks at once is seen to do so. One thread,
 * epoll; a request has no body or one that comes with its head.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define READY 256

static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";

static void
fail(const char *what)
{
    perror(what);
    exit(1);
}

static void
watch(int epoll, int fd)
{
    struct epoll_event e = { .events = EPOLLIN, .data.fd = fd };
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e) != 0)
        fail("epoll_ctl");
}

static int
listen_somewhere(void)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, len) != 0 || listen(fd, 1024) != 0 ||
        getsockname(fd, (struct sockaddr *)&at, &len) != 0)
        fail("listen");
    printf("%d\n", ntohs(at.sin_port));
    fflush(stdout);
    return fd;
}

static void
take_in(int epoll, int listener)
{
    int one = 1, fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        watch(epoll, fd);
    }
}

/* Whether a request has come. */
static int
has_asked(int fd)
{
    char bytes[65536];
    ssize_t n = read(fd, bytes, sizeof bytes);
    if (n == 0)
        close(fd);
    return n > 0;
}

int
main(void)
{
    unsigned long answered = 0, most = 0;
    int epoll = epoll_create1(0), listener = listen_somewhere();
    watch(epoll, listener);
    watch(epoll, STDIN_FILENO);
    for (;;) {
        struct epoll_event ready[READY];
        int asked[READY], n = epoll_wait(epoll, ready, READY, -1);
        unsigned n_asked = 0;
        for (int i = 0; i < n; i++) {
            int fd = ready[i].data.fd;
            char line[64];
            if (fd == listener)
                take_in(epoll, listener);
            else if (fd == STDIN_FILENO && read(fd, line, sizeof line) <= 0)
                return 0;
            else if (fd == STDIN_FILENO)
                printf("%lu %lu\n", answered, most), fflush(stdout);
            else if (has_asked(fd))
                asked[n_asked++] = fd;
        }
        most = n_asked > most ? n_asked : most;
        answered += n_asked;
        for (unsigned i = 0; i < n_asked; i++)
            if (write(asked[i], answer, sizeof answer - 1) < 0)
                close(asked[i]);
    }
}

/* net/dns_channel.c - see dns_channel.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/dns_channel.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

/* An attempt takes 1.5 s and is made twice: with the callers' 5 s that leaves room for a
 * second server or search domain. */
#define ATTEMPT_MS 1500
#define ATTEMPTS 2

/* An idle channel of this age is made anew. */
#define OLD_MS 60000

struct dns_socket {
    struct list link;
    int fd; /* c-ares's */
    struct watch *watch;
};

/* Arms the timer for c-ares's next time-out. */
static void
arm(struct dns_channel *c)
{
    struct timeval wait;
    if (c->ares == NULL || ares_timeout(c->ares, NULL, &wait) == NULL) {
        timer_unset(c->shard, &c->timer);
        return;
    }
    uint64_t wait_ms = (uint64_t)wait.tv_sec * 1000 + (uint64_t)wait.tv_usec / 1000 + 1;
    timer_set(c->shard, &c->timer, shard_now(c->shard) + wait_ms);
}

static void
on_timer(void *arg)
{
    struct dns_channel *c = arg;
    ares_process_fd(c->ares, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    arm(c);
}

static void
on_socket(void *arg, int fd, unsigned ready)
{
    struct dns_channel *c = arg;
    ares_process_fd(c->ares, ready & WEIR_READ ? fd : ARES_SOCKET_BAD,
                    ready & WEIR_WRITE ? fd : ARES_SOCKET_BAD);
    arm(c);
}

static struct dns_socket *
socket_find(struct dns_channel *c, int fd)
{
    list_each(at, next, &c->sockets)
    {
        struct dns_socket *s = list_entry(at, struct dns_socket, link);
        if (s->fd == fd)
            return s;
    }
    return NULL;
}

/* c-ares says what it waits for; for nothing when it is about to close the socket. */
static void
on_state(void *arg, ares_socket_t fd, int readable, int writable)
{
    struct dns_channel *c = arg;
    struct dns_socket *s = socket_find(c, fd);
    unsigned want = (readable ? WEIR_READ : 0u) | (writable ? WEIR_WRITE : 0u);
    if (s == NULL && want != 0) {
        s = malloc(sizeof(*s));
        if (s == NULL)
            abort();
        s->fd = fd;
        s->watch = watch_new(c->shard, fd, want, on_socket, c);
        list_push(&c->sockets, &s->link);
    } else if (s != NULL && want != 0) {
        watch_want(s->watch, want);
    } else if (s != NULL) {
        watch_free(&s->watch);
        list_remove(&s->link);
        free(s);
    }
}

void
dns_channel_init(struct dns_channel *c, struct weir_shard *s)
{
    *c = (struct dns_channel){ .shard = s };
    list_init(&c->sockets);
    timer_init(&c->timer, on_timer, c);
}

static void
drop(struct dns_channel *c)
{
    if (c->ares != NULL)
        ares_destroy(c->ares);
    c->ares = NULL;
    timer_unset(c->shard, &c->timer);
}

void
dns_channel_fini(struct dns_channel *c)
{
    drop(c);
    free(c->servers);
    c->servers = NULL;
}

static void
library_init(void)
{
    ares_library_init(ARES_LIB_INIT_ALL);
}

static int
make(struct dns_channel *c)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, library_init);
    static char lookups[] = "fb"; /* /etc/hosts, then the servers */
    struct ares_options options = { .timeout = ATTEMPT_MS,
                                    .tries = ATTEMPTS,
                                    .lookups = lookups,
                                    .sock_state_cb = on_state,
                                    .sock_state_cb_data = c };
    int mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB;
    int status = ares_init_options(&c->ares, &options, mask);
    if (status == ARES_SUCCESS && c->servers != NULL)
        status = ares_set_servers_ports_csv(c->ares, c->servers);
    if (status != ARES_SUCCESS)
        drop(c);
    c->made_ms = shard_now(c->shard);
    return status;
}

void
dns_channel_find(struct dns_channel *c, const char *name, ares_addrinfo_callback fn, void *arg)
{
    if (c->ares != NULL && c->busy == 0 && shard_now(c->shard) - c->made_ms > OLD_MS)
        drop(c);
    int status = c->ares == NULL ? make(c) : ARES_SUCCESS;
    c->busy++;
    if (status != ARES_SUCCESS) {
        fn(arg, status, 0, NULL);
        return;
    }
    struct ares_addrinfo_hints hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
    ares_getaddrinfo(c->ares, name, NULL, &hints, fn, arg);
    arm(c);
}

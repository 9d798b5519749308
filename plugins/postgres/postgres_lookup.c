/* postgres/postgres_lookup.c - host names to addresses; see postgres.h.
 *
 * libpq would look a name up in the middle of its asynchronous connect, and wait. So it is
 * given addresses. getaddrinfo() knows /etc/hosts, search lists and whatever else the system
 * has, but can't be had without waiting and can't be stopped: it runs on a thread of its own
 * that shares a counted struct with who asked, and whoever is last frees it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <arpa/inet.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "postgres.h"

#define MAX_THREADS 16u
#define STACK (256u * 1024)

struct lookup {
    atomic_uint refs;
    struct server *server; /* counted */
    int fd;                /* an eventfd; written when it is done */
    struct address found[MAX_ADDRESSES];
    unsigned n;
    char why[128];
};

static atomic_uint threads;

void
lookup_drop(struct lookup **l)
{
    if (*l != NULL && atomic_fetch_sub(&(*l)->refs, 1) == 1) {
        server_unref(&(*l)->server);
        close((*l)->fd);
        free(*l);
    }
    *l = NULL;
}

static void
add_address(struct lookup *l, const struct place *p, const struct addrinfo *a)
{
    struct address *ret = &l->found[l->n];
    const void *binary =
        a->ai_family == AF_INET
            ? (const void *)&((struct sockaddr_in *)(void *)a->ai_addr)->sin_addr
            : &((struct sockaddr_in6 *)(void *)a->ai_addr)->sin6_addr;
    if (l->n == MAX_ADDRESSES || (a->ai_family != AF_INET && a->ai_family != AF_INET6))
        return;
    ret->place = p;
    if (inet_ntop(a->ai_family, binary, ret->text, sizeof ret->text) != NULL)
        l->n++;
}

/* All addresses of a name, in the order that the system prefers. */
static void
look_up(struct lookup *l, const struct place *p)
{
    const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
    struct addrinfo *list = NULL;
    int failed = getaddrinfo(p->name, NULL, &hints, &list);
    if (failed != 0)
        snprintf(l->why, sizeof l->why, "its name can't be looked up: %s",
                 gai_strerror(failed));
    for (const struct addrinfo *a = list; a != NULL; a = a->ai_next)
        add_address(l, p, a);
    if (list != NULL)
        freeaddrinfo(list);
}

static void *
look_up_all(void *arg)
{
    struct lookup *l = arg;
    const struct server *s = l->server;
    struct address known[MAX_ADDRESSES];
    (void)server_known(s, known);
    for (unsigned i = 0; i < s->n_places; i++)
        if (s->places[i].is_name)
            look_up(l, &s->places[i]);
        else if (l->n < MAX_ADDRESSES)
            l->found[l->n++] = known[i];
    uint64_t one = 1;
    (void)!write(l->fd, &one, sizeof one); /* it can't be full */
    lookup_drop(&l);
    atomic_fetch_sub(&threads, 1);
    return NULL;
}

/* Signals are for the threads that wait for them. */
static bool
start_thread(struct lookup *l)
{
    pthread_t thread;
    pthread_attr_t attr;
    sigset_t all, before;
    sigfillset(&all);
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attr, STACK);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = pthread_create(&thread, &attr, look_up_all, l) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    return started;
}

struct lookup *
lookup_start(struct server *s)
{
    if (atomic_fetch_add(&threads, 1) >= MAX_THREADS) {
        atomic_fetch_sub(&threads, 1);
        return NULL;
    }
    struct lookup *l = zeroed(1, sizeof *l);
    atomic_init(&l->refs, 2); /* the thread's and the asker's */
    l->server = server_ref(s);
    l->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (l->fd >= 0 && start_thread(l))
        return l;
    atomic_fetch_sub(&threads, 1);
    atomic_store(&l->refs, 1);
    lookup_drop(&l);
    return NULL;
}

int
lookup_fd(const struct lookup *l)
{
    return l->fd;
}

unsigned
lookup_result(const struct lookup *l, struct address ret[MAX_ADDRESSES], char *why, size_t size)
{
    /* What the thread wrote before it wrote to the eventfd is seen by who has read that. */
    uint64_t done;
    (void)!read(l->fd, &done, sizeof done);
    memcpy(ret, l->found, l->n * sizeof *ret);
    if (l->n == 0)
        snprintf(why, size, "%s", l->why);
    return l->n;
}

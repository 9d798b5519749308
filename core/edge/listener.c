/* edge/listener.c - see listener.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "edge/listener.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fault.h"
#include "edge/connection.h"

/* Connections that are accepted in one go; then those that are open have their turn. */
#define ACCEPT_MAX 64

/* What the kernel takes of an answer before its reader has made room: else it takes megabytes
 * for each reader that reads nothing. What does not fit waits in the answer's own memory. */
#define UNSENT_MAX (64 * 1024)

/* How often a paused edge looks whether it may accept again. */
#define PAUSE_MS 50

static void
set_on(int fd, int level, int option)
{
    int on = 1;
    /* What can't be set is missed, but nothing depends on it. */
    (void)setsockopt(fd, level, option, &on, sizeof(on));
}

enum weir_code
listener_fail(const struct sockaddr_storage *a, struct weir_error *err)
{
    int why = errno;
    char name[INET6_ADDRSTRLEN + 1];
    (void)address_text((const struct sockaddr *)a, name, sizeof(name));
    unsigned port = ntohs(a->ss_family == AF_INET6 ? ((const struct sockaddr_in6 *)a)->sin6_port
                                                   : ((const struct sockaddr_in *)a)->sin_port);
    enum weir_code code = WEIR_UNAVAILABLE;
    if (why == EADDRINUSE)
        code = WEIR_CONFLICT;
    else if (why == EACCES)
        code = WEIR_FORBIDDEN;
    else if (why == EADDRNOTAVAIL)
        code = WEIR_INVALID;
    return err_set(err, code, "can't listen on %s port %u: %s", name, port,
                   strerrordesc_np(why));
}

enum weir_code
listener_bind(const struct sockaddr_storage *a, socklen_t len, bool shared, int *ret_fd,
              struct weir_error *err)
{
    int fd = socket(a->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return listener_fail(a, err);
    set_on(fd, SOL_SOCKET, SO_REUSEADDR);
    if (shared)
        set_on(fd, SOL_SOCKET, SO_REUSEPORT);
    /* Connections inherit these from the socket that they come from. */
    set_on(fd, SOL_SOCKET, SO_KEEPALIVE);
    set_on(fd, IPPROTO_TCP, TCP_NODELAY);
    int unsent = UNSENT_MAX;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof(unsent));
    if (a->ss_family == AF_INET6) {
        int off = 0;
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)); /* IPv4 as well */
    }
    if (bind(fd, (const struct sockaddr *)a, len) != 0) {
        enum weir_code code = listener_fail(a, err);
        close(fd);
        return code;
    }
    *ret_fd = fd;
    return WEIR_OK;
}

static void
watch_all(struct edge *e, unsigned want)
{
    for (unsigned i = 0; i < e->n_listeners; i++)
        watch_want(e->listeners[i].watch, want);
}

static void
pause_accepting(struct edge *e, enum refusal why)
{
    edge_refused(e, why);
    edge_warn(why == REFUSAL_CONNECTIONS ? "the limit of connections is reached: new ones wait"
                                         : "no file descriptor is left: new connections wait");
    e->paused = true;
    watch_all(e, 0);
    timer_set(e->shard, &e->resume, shard_now(e->shard) + PAUSE_MS);
}

static void
resume_accepting(struct edge *e)
{
    e->paused = false;
    timer_unset(e->shard, &e->resume);
    watch_all(e, WEIR_READ);
}

/* Accepts one connection; false: there is none, or there must be none. */
static bool
accept_one(struct listener *l)
{
    struct edge *e = l->edge;
    if (e->n_connections >= e->config.max_connections) {
        pause_accepting(e, REFUSAL_CONNECTIONS);
        return false;
    }
    struct sockaddr_storage peer;
    socklen_t len = sizeof(peer);
    int fd = -1;
    errno = EMFILE;
    if (!fault(ACCEPT_EMFILE))
        fd = accept4(l->fd, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        connection_open(e, fd, &peer, l->kind);
        return true;
    }
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
        pause_accepting(e, REFUSAL_DESCRIPTORS);
    /* Else it is EAGAIN, or the error of a connection that is gone already. */
    return errno == ECONNABORTED || errno == EINTR;
}

static void
on_ready(void *arg, int fd, unsigned ready)
{
    (void)fd;
    (void)ready;
    for (unsigned i = 0; i < ACCEPT_MAX; i++)
        if (!accept_one(arg))
            return;
}

static bool
somebody_waits(const struct edge *e)
{
    struct pollfd fds[EDGE_ADDRESSES];
    for (unsigned i = 0; i < e->n_listeners; i++)
        fds[i] = (struct pollfd){ .fd = e->listeners[i].fd, .events = POLLIN };
    return poll(fds, e->n_listeners, 0) > 0;
}

static void
on_resume(void *arg)
{
    struct edge *e = arg;
    if (somebody_waits(e))
        edge_make_room(e);
    if (e->n_connections < e->config.max_connections)
        resume_accepting(e);
    else
        timer_set(e->shard, &e->resume, shard_now(e->shard) + PAUSE_MS);
}

void
edge_room(struct edge *e)
{
    if (e->paused && e->n_connections < e->config.max_connections)
        resume_accepting(e);
}

static enum weir_code
start_one(struct edge *e, const struct edge_addresses *all, unsigned index,
          struct weir_error *err)
{
    struct listener *l = &e->listeners[e->n_listeners];
    enum weir_code code = edge_addresses_listen(all, index, e->shard->index, &l->fd, err);
    if (code != WEIR_OK)
        return code;
    l->edge = e;
    l->kind = all->items[index].kind;
    l->watch = watch_new(e->shard, l->fd, WEIR_READ, on_ready, l);
    e->n_listeners++;
    return WEIR_OK;
}

static void
close_all(struct edge *e)
{
    for (unsigned i = 0; i < e->n_listeners; i++) {
        watch_free(&e->listeners[i].watch);
        close(e->listeners[i].fd);
    }
    e->n_listeners = 0;
    free(e->listeners);
    e->listeners = NULL;
    e->paused = false;
    timer_unset(e->shard, &e->resume);
}

enum weir_code
listeners_start(struct edge *e, const struct edge_addresses *addresses, struct weir_error *err)
{
    timer_init(&e->resume, on_resume, e);
    e->listeners = calloc(addresses->n + 1u, sizeof(*e->listeners));
    if (e->listeners == NULL)
        abort();
    for (unsigned i = 0; i < addresses->n; i++) {
        enum weir_code code = start_one(e, addresses, i, err);
        if (code != WEIR_OK) {
            close_all(e);
            return code;
        }
    }
    return WEIR_OK;
}

void
listeners_stop(struct edge *e)
{
    for (unsigned i = 0; i < e->n_listeners && !e->paused; i++)
        while (accept_one(&e->listeners[i]))
            continue;
    close_all(e);
}

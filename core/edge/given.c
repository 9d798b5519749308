/* edge/given.c - sockets that are opened by one process and listened on by another; see edge.h.
 *
 * They are bound, so that the ports are theirs, and whoever serves calls listen: until then
 * callers are refused, and from then on they wait in the backlog while one who serves dies and
 * the next one starts.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "edge/edge.h"
#include "edge/listener.h"

/* The sockets of one address that is reserved; that of a path changes hands. */
static enum weir_code
open_each(struct edge_address *a, unsigned n_shards, int *fds, struct weir_error *err)
{
    enum weir_code code = WEIR_OK;
    if (a->one) {
        fds[0] = a->reserved;
        a->reserved = -1;
        return WEIR_OK;
    }
    for (unsigned s = 0; s < n_shards && code == WEIR_OK; s++)
        code = listener_bind(&a->address, a->len, true, &fds[s], err);
    return code;
}

enum weir_code
edge_addresses_open(struct edge_addresses *a, unsigned n_shards, int *fds,
                    struct weir_error *err)
{
    for (unsigned i = 0; i < a->n * n_shards; i++)
        fds[i] = -1;
    enum weir_code code = edge_addresses_reserve(a, err);
    for (unsigned i = 0; i < a->n && code == WEIR_OK; i++)
        if (a->items[i].n_given == 0)
            code = open_each(&a->items[i], n_shards, fds + (size_t)i * n_shards, err);
    edge_addresses_close(a);
    if (code == WEIR_OK)
        return WEIR_OK;
    for (unsigned i = 0; i < a->n * n_shards; i++) {
        if (fds[i] >= 0)
            close(fds[i]);
        fds[i] = -1;
    }
    edge_addresses_remove(a);
    return code;
}

enum weir_code
listener_take(const struct edge_address *a, unsigned shard, int *ret_fd, struct weir_error *err)
{
    int fd = fcntl(a->given[shard % a->n_given], F_DUPFD_CLOEXEC, 3);
    if (fd < 0)
        return err_set(err, WEIR_UNAVAILABLE, "the socket that was given can't be taken: %s",
                       strerrordesc_np(errno));
    /* Who made it need not have set what a listener of ours has. */
    int on = 1;
    (void)fcntl(fd, F_SETFL, O_NONBLOCK);
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    *ret_fd = fd;
    return WEIR_OK;
}

bool
edge_address_of(int fd, struct edge_address *ret)
{
    int type = 0;
    socklen_t len = sizeof(type);
    *ret = (struct edge_address){ .reserved = -1, .len = sizeof(ret->address) };
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_STREAM &&
           getsockname(fd, (struct sockaddr *)&ret->address, &ret->len) == 0;
}

/* The path of a socket; it ends within the address, which was zero before it was filled. */
static const char *
path_of(const struct edge_address *a)
{
    return ((const struct sockaddr_un *)(const void *)&a->address)->sun_path;
}

bool
edge_address_text(const struct edge_address *a, char *ret, size_t room)
{
    char name[INET6_ADDRSTRLEN + 1];
    bool six = a->address.ss_family == AF_INET6;
    if (a->address.ss_family == AF_UNIX && path_of(a)[0] == '/') {
        int n = snprintf(ret, room, "unix:%s", path_of(a));
        return n > 0 && (size_t)n < room;
    }
    if (!six && a->address.ss_family != AF_INET)
        return false;
    const struct sockaddr_in *a4 = (const void *)&a->address;
    const struct sockaddr_in6 *a6 = (const void *)&a->address;
    const void *bytes = six ? (const void *)&a6->sin6_addr : (const void *)&a4->sin_addr;
    if (inet_ntop(a->address.ss_family, bytes, name, sizeof(name)) == NULL)
        return false;
    unsigned port = ntohs(six ? a6->sin6_port : a4->sin_port);
    int n = snprintf(ret, room, six ? "[%s]:%u" : "%s:%u", name, port);
    return n > 0 && (size_t)n < room;
}

bool
edge_address_same(const struct edge_address *a, const struct edge_address *b)
{
    const struct sockaddr_in *a4 = (const void *)&a->address, *b4 = (const void *)&b->address;
    const struct sockaddr_in6 *a6 = (const void *)&a->address, *b6 = (const void *)&b->address;
    if (a->address.ss_family != b->address.ss_family)
        return false;
    if (a->address.ss_family == AF_INET)
        return a4->sin_port == b4->sin_port && a4->sin_addr.s_addr == b4->sin_addr.s_addr;
    if (a->address.ss_family == AF_INET6)
        return a6->sin6_port == b6->sin6_port &&
               memcmp(&a6->sin6_addr, &b6->sin6_addr, sizeof(a6->sin6_addr)) == 0;
    return a->address.ss_family == AF_UNIX && strcmp(path_of(a), path_of(b)) == 0;
}

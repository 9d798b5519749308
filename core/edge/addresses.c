/* edge/addresses.c - where an edge listens; see edge.h.
 *
 * Sockets that share a port by SO_REUSEPORT would also share it with another process of the
 * same user, which would get a part of the callers. So an address is first taken for this
 * process alone, and a socket that does not listen keeps it meanwhile. A path has one socket,
 * which all shards accept from: all are woken by a caller and one gets it, which is cheap
 * enough for a proxy on the same machine that keeps its connections.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "edge/edge.h"
#include "edge/listener.h"
#include "edge/unix_socket.h"

#define CONNECTIONS_MAX 10000u

static bool
is_separator(char c)
{
    return c == ',' || c == ' ' || c == '\t' || c == '\n';
}

bool
edge_address_is_local(const struct edge_address *a)
{
    const struct sockaddr_storage *s = &a->address;
    if (s->ss_family == AF_INET)
        return ntohl(((const struct sockaddr_in *)(const void *)s)->sin_addr.s_addr) >> 24 == 127;
    if (s->ss_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)s)->sin6_addr);
    return s->ss_family == AF_UNIX;
}

enum weir_code
edge_addresses_parse(struct weir_text text, struct edge_addresses *ret, struct weir_error *err)
{
    *ret = (struct edge_addresses){ .mode = 0600 };
    return edge_addresses_add(text, EDGE_PLAIN, ret, err);
}

enum weir_code
edge_addresses_add(struct weir_text text, enum edge_kind kind, struct edge_addresses *ret,
                   struct weir_error *err)
{
    size_t at = 0;
    while (at < text.len) {
        size_t from = at;
        while (at < text.len && !is_separator(text.bytes[at]))
            at++;
        if (at == from) {
            at++;
            continue;
        }
        if (ret->n == EDGE_ADDRESSES)
            return err_set(err, WEIR_INVALID, "at most %d addresses to listen on",
                           EDGE_ADDRESSES);
        struct edge_address *a = &ret->items[ret->n++];
        a->kind = kind;
        a->reserved = -1;
        struct weir_text one = { text.bytes + from, at - from };
        enum weir_code code = unix_socket_is(one)
                                  ? unix_socket_parse(one, a, err)
                                  : address_parse(one, &a->address, &a->len, err);
        if (code != WEIR_OK)
            return code;
    }
    return WEIR_OK;
}

/* The place of the port in an address. */
static in_port_t *
port_of(struct sockaddr_storage *a)
{
    if (a->ss_family == AF_INET6)
        return &((struct sockaddr_in6 *)a)->sin6_port;
    return &((struct sockaddr_in *)a)->sin_port;
}

/* Takes an address for this process alone, for a moment: that tells whether it is free. */
static enum weir_code
probe(struct edge_address *a, struct weir_error *err)
{
    int fd;
    enum weir_code code = listener_bind(&a->address, a->len, false, &fd, err);
    if (code != WEIR_OK)
        return code;
    socklen_t len = sizeof(a->address);
    if (getsockname(fd, (struct sockaddr *)&a->address, &len) != 0)
        code = err_set(err, WEIR_UNAVAILABLE, "no port was given: %s", strerrordesc_np(errno));
    close(fd);
    return code;
}

enum weir_code
edge_addresses_reserve(struct edge_addresses *a, struct weir_error *err)
{
    for (unsigned i = 0; i < a->n; i++) {
        struct edge_address *at = &a->items[i];
        if (at->n_given > 0)
            continue;
        enum weir_code code = at->one ? unix_socket_reserve(at, a->mode, err) : probe(at, err);
        if (code == WEIR_OK && !at->one)
            code = listener_bind(&at->address, at->len, true, &at->reserved, err);
        if (code != WEIR_OK) {
            edge_addresses_close(a);
            edge_addresses_remove(a);
            return code;
        }
    }
    return WEIR_OK;
}

enum weir_code
edge_addresses_listen(const struct edge_addresses *a, unsigned index, unsigned shard, int *ret_fd,
                      struct weir_error *err)
{
    const struct edge_address *at = &a->items[index];
    if (at->one && at->n_given == 0) {
        int fd = fcntl(at->reserved, F_DUPFD_CLOEXEC, 0);
        if (fd < 0)
            return err_set(err, WEIR_UNAVAILABLE, "no descriptor for a shard: %s",
                           strerrordesc_np(errno));
        *ret_fd = fd;
        return WEIR_OK;
    }
    int fd;
    enum weir_code code = at->n_given > 0
                              ? listener_take(at, shard, &fd, err)
                              : listener_bind(&at->address, at->len, true, &fd, err);
    if (code != WEIR_OK)
        return code;
    if (listen(fd, LISTENER_BACKLOG) != 0) {
        code = listener_fail(&at->address, err);
        close(fd);
        return code;
    }
    *ret_fd = fd;
    return WEIR_OK;
}

void
edge_addresses_remove(struct edge_addresses *a)
{
    for (unsigned i = 0; i < a->n; i++)
        if (a->items[i].address.ss_family == AF_UNIX)
            unix_socket_remove(&a->items[i]);
}

void
edge_addresses_close(struct edge_addresses *a)
{
    for (unsigned i = 0; i < a->n; i++) {
        if (a->items[i].reserved >= 0)
            close(a->items[i].reserved);
        a->items[i].reserved = -1;
    }
}

unsigned
edge_addresses_first(const struct edge_addresses *a, enum edge_kind kind)
{
    unsigned i = 0;
    while (i < a->n && (a->items[i].kind != kind || a->items[i].address.ss_family == AF_UNIX))
        i++;
    return i;
}

unsigned
edge_addresses_port(const struct edge_addresses *a, unsigned index)
{
    if (index >= a->n || a->items[index].address.ss_family == AF_UNIX)
        return 0;
    struct sockaddr_storage address = a->items[index].address;
    return ntohs(*port_of(&address));
}

unsigned
edge_connections_max(unsigned n_shards)
{
    struct rlimit files;
    rlim_t n = CONNECTIONS_MAX;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur / 2 < n)
        n = files.rlim_cur / 2;
    n /= n_shards > 0 ? n_shards : 1;
    return n > 0 ? (unsigned)n : 1;
}

/* edge/client_ip.c - see client_ip.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "edge/client_ip.h"

#include <arpa/inet.h>
#include <string.h>

void
client_ip_unmap(struct sockaddr_storage *a)
{
    if (a->ss_family != AF_INET6)
        return;
    struct sockaddr_in6 six;
    memcpy(&six, a, sizeof(six));
    if (!IN6_IS_ADDR_V4MAPPED(&six.sin6_addr))
        return;
    struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = six.sin6_port };
    memcpy(&four.sin_addr, six.sin6_addr.s6_addr + 12, 4);
    memset(a, 0, sizeof(*a));
    memcpy(a, &four, sizeof(four));
}

bool
client_ip_trusted(const struct trust *t, const struct sockaddr *a)
{
    for (unsigned i = 0; i < t->n; i++)
        if (address_in_range(a, &t->ranges[i]))
            return true;
    return false;
}

/* Takes what proxies write around an address away: a port behind an IPv4 address, brackets
 * (and a port) around an IPv6 one, quotes. */
static struct weir_text
bare(struct weir_text t)
{
    while (t.len > 0 && (*t.bytes == ' ' || *t.bytes == '\t' || *t.bytes == '"')) {
        t.bytes++;
        t.len--;
    }
    while (t.len > 0 && strchr(" \t\"", t.bytes[t.len - 1]) != NULL)
        t.len--;
    if (t.len > 0 && *t.bytes == '[') {
        const char *close = memchr(t.bytes, ']', t.len);
        if (close != NULL)
            return (struct weir_text){ t.bytes + 1, (size_t)(close - t.bytes) - 1 };
    }
    const char *colon = t.len > 0 ? memchr(t.bytes, ':', t.len) : NULL;
    bool one = colon != NULL && memrchr(t.bytes, ':', t.len) == colon;
    if (one)
        t.len = (size_t)(colon - t.bytes);
    return t;
}

static bool
read_address(struct weir_text text, struct sockaddr_storage *ret)
{
    char name[INET6_ADDRSTRLEN];
    text = bare(text);
    if (text.len == 0 || text.len >= sizeof(name))
        return false;
    memcpy(name, text.bytes, text.len);
    name[text.len] = '\0';

    struct sockaddr_in four = { .sin_family = AF_INET };
    struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
    memset(ret, 0, sizeof(*ret));
    if (inet_pton(AF_INET, name, &four.sin_addr) == 1)
        memcpy(ret, &four, sizeof(four));
    else if (inet_pton(AF_INET6, name, &six.sin6_addr) == 1)
        memcpy(ret, &six, sizeof(six));
    else
        return false;
    client_ip_unmap(ret);
    return true;
}

/* Walks over the addresses of one field from the right. True: the walk ends here, since an
 * address is not trusted or can't be read. */
static bool
walk_field(const struct trust *t, struct weir_text field, size_t *len, char ret[CLIENT_IP])
{
    while (field.len > 0) {
        const char *comma = memrchr(field.bytes, ',', field.len);
        size_t before = comma != NULL ? (size_t)(comma - field.bytes) : 0;
        size_t skip = comma != NULL ? before + 1 : 0;
        struct sockaddr_storage a;
        if (!read_address((struct weir_text){ field.bytes + skip, field.len - skip }, &a))
            return true;
        *len = address_text((const struct sockaddr *)&a, ret, CLIENT_IP);
        if (!client_ip_trusted(t, (const struct sockaddr *)&a))
            return true;
        field.len = before;
    }
    return false;
}

size_t
client_ip_forwarded(const struct trust *t, const struct weir_header *headers, unsigned n,
                    char ret[CLIENT_IP])
{
    size_t len = 0;
    for (unsigned i = n; i > 0; i--) {
        const struct weir_header *h = &headers[i - 1];
        if (text_equal(h->name, TEXT("x-forwarded-for")) && walk_field(t, h->value, &len, ret))
            break;
    }
    return len;
}

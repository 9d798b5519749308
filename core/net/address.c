/* net/address.c - addresses: which are public, as text, in ranges; see url.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "net/url.h"

struct prefix {
    uint8_t bytes[16];
    unsigned bits;
};

/* What is not public, by IANA's registries of special addresses (RFC 6890 and later), and
 * the metadata services of clouds that stand elsewhere. */
static const struct prefix special_ipv4[] = {
    { { 0 }, 8 },
    { { 10 }, 8 },
    { { 100, 64 }, 10 }, /* carriers' NAT; metadata of Alibaba */
    { { 127 }, 8 },
    { { 168, 63, 129, 16 }, 32 }, /* metadata of Azure */
    { { 169, 254 }, 16 },         /* link-local; metadata of most */
    { { 172, 16 }, 12 },
    { { 192, 0, 0 }, 24 }, /* protocol assignments; metadata of Oracle */
    { { 192, 0, 2 }, 24 },
    { { 192, 88, 99 }, 24 },
    { { 192, 168 }, 16 },
    { { 198, 18 }, 15 },
    { { 198, 51, 100 }, 24 },
    { { 203, 0, 113 }, 24 },
    { { 224 }, 4 }, /* multicast */
    { { 240 }, 4 }, /* reserved, broadcast */
};

static const struct prefix global_ipv6 = { { 0x20 }, 3 };
static const struct prefix special_ipv6[] = {
    { { 0x20, 0x01, 0x00 }, 23 },       /* protocol assignments, Teredo, ORCHID */
    { { 0x20, 0x01, 0x0d, 0xb8 }, 32 }, /* documentation */
    { { 0x3f, 0xff }, 20 },             /* documentation */
};

/* Addresses that stand for an IPv4 address, and where it is in them. */
static const struct {
    struct prefix prefix;
    unsigned at;
} embedding[] = {
    { { { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff }, 96 }, 12 }, /* mapped */
    { { { 0x00, 0x64, 0xff, 0x9b }, 96 }, 12 },                   /* NAT64 */
    { { { 0x20, 0x02 }, 16 }, 2 },                                /* 6to4 */
};

static bool
has_prefix(const uint8_t *address, const struct prefix *p)
{
    unsigned whole = p->bits / 8, rest = p->bits % 8;
    if (memcmp(address, p->bytes, whole) != 0)
        return false;
    return rest == 0 || (address[whole] ^ p->bytes[whole]) >> (8 - rest) == 0;
}

static bool
is_public_ipv4(const uint8_t address[4])
{
    for (size_t i = 0; i < sizeof(special_ipv4) / sizeof(special_ipv4[0]); i++)
        if (has_prefix(address, &special_ipv4[i]))
            return false;
    return true;
}

static bool
is_public_ipv6(const uint8_t address[16])
{
    for (size_t i = 0; i < sizeof(embedding) / sizeof(embedding[0]); i++)
        if (has_prefix(address, &embedding[i].prefix))
            return is_public_ipv4(address + embedding[i].at);
    if (!has_prefix(address, &global_ipv6))
        return false;
    for (size_t i = 0; i < sizeof(special_ipv6) / sizeof(special_ipv6[0]); i++)
        if (has_prefix(address, &special_ipv6[i]))
            return false;
    /* ISATAP (RFC 5214): an interface identifier that holds an IPv4 address. */
    bool isatap = (address[8] & 0xfd) == 0 && address[9] == 0 && address[10] == 0x5e &&
                  address[11] == 0xfe;
    return !isatap || is_public_ipv4(address + 12);
}

/* The bytes of an address, and its family; an IPv4 address that is mapped into IPv6 is one of
 * IPv4. NULL for other families. */
static const uint8_t *
bytes_of(const struct sockaddr *a, int *ret_family)
{
    *ret_family = a->sa_family;
    if (a->sa_family == AF_INET)
        return (const uint8_t *)&((const struct sockaddr_in *)(const void *)a)->sin_addr;
    if (a->sa_family != AF_INET6)
        return NULL;
    const uint8_t *bytes = ((const struct sockaddr_in6 *)(const void *)a)->sin6_addr.s6_addr;
    if (!has_prefix(bytes, &embedding[0].prefix))
        return bytes;
    *ret_family = AF_INET;
    return bytes + embedding[0].at;
}

bool
address_is_public(const struct sockaddr *a)
{
    int family;
    const uint8_t *bytes = bytes_of(a, &family);
    if (bytes == NULL)
        return false;
    return family == AF_INET ? is_public_ipv4(bytes) : is_public_ipv6(bytes);
}

size_t
address_text(const struct sockaddr *a, char *ret, size_t room)
{
    int family;
    const uint8_t *bytes = bytes_of(a, &family);
    assert(room > 0);
    ret[0] = '\0';
    if (bytes == NULL || inet_ntop(family, bytes, ret, (socklen_t)room) == NULL)
        return 0;
    return strlen(ret);
}

/* Copies TEXT as a C string; false if it does not fit. */
static bool
copy_text(struct weir_text text, char *ret, size_t room)
{
    if (text.len >= room || memchr(text.bytes, '\0', text.len) != NULL)
        return false;
    memcpy(ret, text.bytes, text.len);
    ret[text.len] = '\0';
    return true;
}

/* Whether sockets of IPv6 can be had: in some containers they can't. */
static bool
has_ipv6(void)
{
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    close(fd);
    return true;
}

/* The address of a host part: "" and "*" are all, "localhost" is 127.0.0.1. */
static bool
read_host(struct weir_text host, bool brackets, struct sockaddr_storage *ret,
          socklen_t *ret_len)
{
    char text[INET6_ADDRSTRLEN];
    struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)ret;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)ret;
    memset(ret, 0, sizeof(*ret));
    if (!brackets && (host.len == 0 || text_is(host, "*"))) {
        ret->ss_family = has_ipv6() ? AF_INET6 : AF_INET;
        *ret_len = ret->ss_family == AF_INET6 ? sizeof(*v6) : sizeof(*v4);
        return true;
    }
    if (text_is(host, "localhost"))
        host = TEXT("127.0.0.1");
    if (!copy_text(host, text, sizeof(text)))
        return false;
    ret->ss_family = brackets ? AF_INET6 : AF_INET;
    *ret_len = brackets ? sizeof(*v6) : sizeof(*v4);
    if (brackets)
        return inet_pton(AF_INET6, text, &v6->sin6_addr) == 1;
    return inet_pton(AF_INET, text, &v4->sin_addr) == 1;
}

/* Reads a port, 0 included. */
static bool
read_port(struct weir_text text, in_port_t *ret)
{
    unsigned port = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.bytes[i] < '0' || text.bytes[i] > '9')
            return false;
        port = port * 10 + (unsigned)(text.bytes[i] - '0');
        if (port > 65535)
            return false;
    }
    *ret = htons((uint16_t)port);
    return text.len > 0;
}

enum weir_code
address_parse(struct weir_text text, struct sockaddr_storage *ret, socklen_t *ret_len,
              struct weir_error *err)
{
    struct weir_text host = TEXT("localhost"), port = text;
    const char *colon = text.len > 0 ? memrchr(text.bytes, ':', text.len) : NULL;
    bool brackets = text.len > 0 && text.bytes[0] == '[';
    if (colon != NULL) {
        host = (struct weir_text){ text.bytes, (size_t)(colon - text.bytes) };
        port = (struct weir_text){ colon + 1, text.len - host.len - 1 };
    }
    bool good = true;
    if (brackets) {
        good = colon != NULL && host.len > 2 && host.bytes[host.len - 1] == ']';
        host = good ? (struct weir_text){ host.bytes + 1, host.len - 2 } : host;
    }
    in_port_t number = 0;
    good = good && read_host(host, brackets, ret, ret_len) && read_port(port, &number);
    if (!good)
        return err_set(err, WEIR_INVALID,
                       "'%.*s' is no address such as 127.0.0.1:8080, [::1]:8080 or :8080",
                       (int)(text.len < 80 ? text.len : 80), text.bytes);
    if (ret->ss_family == AF_INET)
        ((struct sockaddr_in *)(void *)ret)->sin_port = number;
    else
        ((struct sockaddr_in6 *)(void *)ret)->sin6_port = number;
    return WEIR_OK;
}

/* Whether no bit of the range's address stands behind its prefix. */
static bool
is_exact(const struct address_range *r)
{
    for (unsigned bit = r->bits; bit < 128; bit++)
        if (r->bytes[bit / 8] & (0x80 >> bit % 8))
            return false;
    return true;
}

enum weir_code
address_range_parse(struct weir_text text, struct address_range *ret, struct weir_error *err)
{
    struct address_range r = { .family = AF_INET };
    const char *slash = text.len > 0 ? memchr(text.bytes, '/', text.len) : NULL;
    struct weir_text host = { text.bytes, slash ? (size_t)(slash - text.bytes) : text.len };
    char address[INET6_ADDRSTRLEN];
    bool good = copy_text(host, address, sizeof(address));
    if (good && strchr(address, ':') != NULL)
        r.family = AF_INET6;
    unsigned most = r.family == AF_INET ? 32 : 128;
    good = good && inet_pton(r.family, address, r.bytes) == 1;
    r.bits = most;
    if (good && slash != NULL) {
        in_port_t bits = 0;
        good = read_port((struct weir_text){ slash + 1, text.len - host.len - 1 }, &bits);
        r.bits = ntohs(bits);
    }
    if (!good || r.bits > most)
        return err_set(err, WEIR_INVALID, "'%.*s' is no range such as 10.0.0.0/8 or ::1",
                       (int)(text.len < 80 ? text.len : 80), text.bytes);
    if (!is_exact(&r))
        return err_set(err, WEIR_INVALID, "'%.*s' has bits set behind its prefix of %u",
                       (int)text.len, text.bytes, r.bits);
    *ret = r;
    return WEIR_OK;
}

bool
address_in_range(const struct sockaddr *a, const struct address_range *r)
{
    int family;
    const uint8_t *bytes = bytes_of(a, &family);
    if (bytes == NULL || family != r->family)
        return false;
    struct prefix p = { .bits = r->bits };
    memcpy(p.bytes, r->bytes, sizeof(p.bytes));
    return has_prefix(bytes, &p);
}

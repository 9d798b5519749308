/* edge/proxy_protocol.c - see proxy_protocol.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "edge/proxy_protocol.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

/* What is read first: both versions are longer. */
#define FIRST 12

/* Of version 2: the signature, version and command, family, length. */
#define FIXED 16
static const char signature[FIRST] = "\r\n\r\n\0\r\nQUIT\n";

/* Version 1: the longest line with its end (2.1), and how it begins. */
#define LINE_MAX_1 107
static const char begin_1[] = "PROXY ";

#define COMMAND_LOCAL 0x20
#define COMMAND_PROXY 0x21

/* Families with their transports, and how long their addresses are. */
#define UNSPEC 0x00
#define TCP4 0x11
#define TCP6 0x21

static enum proxy_progress
bad(const char *text, struct weir_error *err)
{
    (void)err_set(err, WEIR_INVALID, "PROXY header: %s", text);
    return PROXY_BAD;
}

static void
set_address(struct sockaddr_storage *ret, int family, const void *bytes)
{
    memset(ret, 0, sizeof(*ret));
    if (family == AF_INET) {
        struct sockaddr_in four = { .sin_family = AF_INET };
        memcpy(&four.sin_addr, bytes, sizeof(four.sin_addr));
        memcpy(ret, &four, sizeof(four));
    } else {
        struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
        memcpy(&six.sin6_addr, bytes, sizeof(six.sin6_addr));
        memcpy(ret, &six, sizeof(six));
    }
}

/* -- version 2 -- */

/* Length of the addresses of a family; SIZE_MAX: there is no such one. */
static size_t
addresses_of(unsigned family)
{
    switch (family) {
    case UNSPEC:
        return 0;
    case TCP4:
    case TCP4 + 1:
        return 12;
    case TCP6:
    case TCP6 + 1:
        return 36;
    case 0x31:
    case 0x32:
        return 216;
    default:
        return SIZE_MAX;
    }
}

/* Whether what follows the addresses is a row of types, lengths and values (2.2). */
static bool
are_extensions(const unsigned char *at, size_t left)
{
    while (left >= 3) {
        size_t len = (size_t)at[1] << 8 | at[2];
        if (len > left - 3)
            return false;
        at += 3 + len;
        left -= 3 + len;
    }
    return left == 0;
}

static enum proxy_progress
read_2(const unsigned char *bytes, size_t len, size_t *ret_more, struct sockaddr_storage *ret,
       struct weir_error *err)
{
    if (len < FIXED) {
        *ret_more = FIXED - len;
        return PROXY_MORE;
    }
    unsigned command = bytes[12];
    unsigned family = bytes[13];
    size_t rest = (size_t)bytes[14] << 8 | bytes[15];
    size_t addresses = addresses_of(family);
    if (command != COMMAND_LOCAL && command != COMMAND_PROXY)
        return bad("neither LOCAL nor PROXY of version 2", err);
    if (addresses == SIZE_MAX)
        return bad("a family that there is not", err);
    if (rest > PROXY_PROTOCOL_MAX - FIXED)
        return bad("longer than 4096 bytes", err);
    if (len < FIXED + rest) {
        *ret_more = FIXED + rest - len;
        return PROXY_MORE;
    }
    /* Whatever stands there, LOCAL and UNSPEC mean nothing by it (2.2). */
    if (command == COMMAND_LOCAL || family == UNSPEC)
        return PROXY_DONE;
    if (rest < addresses)
        return bad("too short for its addresses", err);
    if (!are_extensions(bytes + FIXED + addresses, rest - addresses))
        return bad("an extension is longer than what is there", err);
    if (family == TCP4 || family == TCP6)
        set_address(ret, family == TCP4 ? AF_INET : AF_INET6, bytes + FIXED);
    return PROXY_DONE;
}

/* -- version 1 -- */

/* Takes the word up to the next blank out of LINE; false: there is none. */
static bool
next_word(struct weir_text *line, char *ret, size_t room)
{
    const char *blank = line->len > 0 ? memchr(line->bytes, ' ', line->len) : NULL;
    size_t len = blank != NULL ? (size_t)(blank - line->bytes) : line->len;
    if (len + 1 == line->len)
        return false; /* a blank with nothing behind it */
    if (len == 0 || len >= room || memchr(line->bytes, '\0', len) != NULL)
        return false;
    memcpy(ret, line->bytes, len);
    ret[len] = '\0';
    size_t skip = blank != NULL ? len + 1 : len;
    line->bytes += skip;
    line->len -= skip;
    return true;
}

static bool
is_port(const char *word)
{
    unsigned port = 0;
    if (word[0] == '0' && word[1] != '\0')
        return false;
    for (; *word >= '0' && *word <= '9' && port <= 65535; word++)
        port = port * 10 + (unsigned)(*word - '0');
    return *word == '\0' && port <= 65535;
}

/* "TCP4 192.0.2.1 192.0.2.2 4711 443" */
static enum proxy_progress
read_line(struct weir_text line, struct sockaddr_storage *ret, struct weir_error *err)
{
    char protocol[8];
    char from[INET6_ADDRSTRLEN];
    char to[INET6_ADDRSTRLEN];
    char ports[2][6];
    unsigned char address[2][16];
    bool unknown = line.len >= 7 && memcmp(line.bytes, "UNKNOWN", 7) == 0;
    if (unknown && (line.len == 7 || line.bytes[7] == ' '))
        return PROXY_DONE; /* whatever follows */
    if (!next_word(&line, protocol, sizeof(protocol)))
        return bad("no protocol in its line", err);
    int family = AF_UNSPEC;
    if (strcmp(protocol, "TCP4") == 0)
        family = AF_INET;
    else if (strcmp(protocol, "TCP6") == 0)
        family = AF_INET6;
    bool good =
        family != AF_UNSPEC && next_word(&line, from, sizeof(from)) &&
        next_word(&line, to, sizeof(to)) && next_word(&line, ports[0], sizeof(ports[0])) &&
        next_word(&line, ports[1], sizeof(ports[1])) && line.len == 0 && is_port(ports[0]) &&
        is_port(ports[1]) && inet_pton(family, from, address[0]) == 1 &&
        inet_pton(family, to, address[1]) == 1;
    if (!good)
        return bad("a line that is none of version 1", err);
    set_address(ret, family, address[0]);
    return PROXY_DONE;
}

static enum proxy_progress
read_1(const char *bytes, size_t len, size_t *ret_more, struct sockaddr_storage *ret,
       struct weir_error *err)
{
    const char *end = memchr(bytes, '\n', len);
    size_t begin = sizeof(begin_1) - 1;
    if (end != NULL && (end + 1 != bytes + len || end[-1] != '\r'))
        return bad("a line without a proper end", err);
    if (end != NULL)
        return read_line((struct weir_text){ bytes + begin, len - begin - 2 }, ret, err);
    if (len >= LINE_MAX_1)
        return bad("a line that does not end", err);
    /* Never more than what the end of the line takes at least. */
    *ret_more = bytes[len - 1] == '\r' || len + 1 == LINE_MAX_1 ? 1 : 2;
    return PROXY_MORE;
}

enum proxy_progress
proxy_protocol_read(const char *bytes, size_t len, size_t *ret_more,
                    struct sockaddr_storage *ret, struct weir_error *err)
{
    memset(ret, 0, sizeof(*ret));
    ret->ss_family = AF_UNSPEC;
    size_t first = len < FIRST ? len : FIRST;
    size_t begin = len < sizeof(begin_1) - 1 ? len : sizeof(begin_1) - 1;
    bool two = memcmp(bytes, signature, first) == 0;
    bool one = memcmp(bytes, begin_1, begin) == 0;
    if (!one && !two)
        return bad("it does not begin like one", err);
    if (len < FIRST) {
        *ret_more = FIRST - len;
        return PROXY_MORE;
    }
    return two ? read_2((const unsigned char *)bytes, len, ret_more, ret, err)
               : read_1(bytes, len, ret_more, ret, err);
}

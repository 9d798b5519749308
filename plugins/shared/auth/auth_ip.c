/* auth_ip.c - addresses that may enter; see auth_parts.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "auth_parts.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

/* A range, as one of IPv6: IPv4 is ::ffff:0:0/96 of it (RFC 4291 2.5.5.2). */
struct range {
    uint8_t bytes[16];
    uint8_t bits;
};

struct ranges {
    struct range *items; /* owned */
    uint32_t n;
};

struct places {
    struct ranges allow; /* none: everybody */
    struct ranges deny;
};

/* TEXT as an address of IPv6; *ret_v4 is whether it is one of IPv4. */
static bool
read_address(struct weir_text text, uint8_t ret[16], bool *ret_v4)
{
    static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
    char copy[64];
    if (text.len >= sizeof copy)
        return false;
    memcpy(copy, text.bytes, text.len);
    copy[text.len] = '\0';
    memcpy(ret, mapped, sizeof mapped);
    *ret_v4 = inet_pton(AF_INET, copy, ret + 12) == 1;
    if (*ret_v4)
        return true;
    return inet_pton(AF_INET6, copy, ret) == 1;
}

/* "10.0.0.0/8", "2001:db8::/32", or one address. */
static bool
read_range(struct weir_text text, struct range *ret)
{
    bool v4;
    unsigned bits = 0;
    const char *slash = memchr(text.bytes, '/', text.len);
    size_t len = slash != NULL ? (size_t)(slash - text.bytes) : text.len;
    if (!read_address((struct weir_text){ text.bytes, len }, ret->bytes, &v4))
        return false;
    unsigned most = v4 ? 32 : 128, digits = 0;
    for (const char *c = slash + 1; slash != NULL && c < text.bytes + text.len; c++, digits++) {
        if (*c < '0' || *c > '9' || digits > 2)
            return false;
        bits = bits * 10 + (unsigned)(*c - '0');
    }
    if (slash == NULL)
        bits = most;
    else if (digits == 0 || bits > most)
        return false;
    ret->bits = (uint8_t)(v4 ? bits + 96 : bits);
    return true;
}

static bool
holds(const struct range *r, const uint8_t address[16])
{
    unsigned whole = r->bits / 8, rest = r->bits % 8;
    if (memcmp(r->bytes, address, whole) != 0)
        return false;
    return rest == 0 || ((r->bytes[whole] ^ address[whole]) & (0xff00u >> rest) & 0xff) == 0;
}

static bool
any_holds(const struct ranges *list, const uint8_t address[16])
{
    for (uint32_t i = 0; i < list->n; i++)
        if (holds(&list->items[i], address))
            return true;
    return false;
}

static uint32_t
take_list(const struct weir_value *list, struct ranges *ret, struct weir_error *err)
{
    struct weir_text text = { "", 0 };
    ret->items = zeroed(host->len(list) + 1, sizeof *ret->items);
    for (size_t i = 0; host->at(list, i) != NULL; i++) {
        (void)host->get_text(host->at(list, i), &text);
        if (!read_range(text, &ret->items[ret->n++]))
            return refuse(err, WEIR_INVALID,
                          "'%.*s' is no range of addresses such as 10.0.0.0/8 or 2001:db8::/32",
                          (int)(text.len < 80 ? text.len : 80), text.bytes);
    }
    return WEIR_OK;
}

uint32_t
places_new(const struct weir_value *config, struct places **ret, struct weir_error *err)
{
    const struct weir_value *allow = config, *deny = NULL;
    uint32_t code = WEIR_OK;
    struct places *p = zeroed(1, sizeof *p);
    if (host->type(config) == WEIR_MAP) {
        allow = host->get(config, WEIR_TEXT("allow"));
        deny = host->get(config, WEIR_TEXT("deny"));
    }
    if (allow != NULL)
        code = take_list(allow, &p->allow, err);
    if (deny != NULL && code == WEIR_OK)
        code = take_list(deny, &p->deny, err);
    if (code == WEIR_OK)
        *ret = p;
    else
        places_free(&p);
    return code;
}

void
places_free(struct places **p)
{
    if (*p == NULL)
        return;
    free((*p)->allow.items);
    free((*p)->deny.items);
    free(*p);
    *p = NULL;
}

bool
places_allow(const struct places *p, struct weir_text address)
{
    uint8_t bytes[16];
    bool v4;
    if (!read_address(address, bytes, &v4) || any_holds(&p->deny, bytes))
        return false;
    return p->allow.items == NULL || any_holds(&p->allow, bytes);
}

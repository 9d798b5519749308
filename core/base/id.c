/* base/id.c - see id.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/id.h"

#include <string.h>

#include "base/encode.h"
#include "base/random.h"

/* Writes N bytes as lower-case hex, without a NUL; returns the end. */
static char *
hex(char *ret, const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ret = hex_put(ret, bytes[i]);
    return ret;
}

/* Writes BYTES as a UUID of VERSION. */
static void
uuid(uint8_t bytes[16], unsigned version, char ret[ID_UUID])
{
    static const uint8_t groups[] = { 4, 2, 2, 2, 6 };
    bytes[6] = (uint8_t)((bytes[6] & 0x0f) | version << 4);
    bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80);
    for (unsigned i = 0; i < sizeof(groups); i++) {
        ret = hex(ret, bytes, groups[i]);
        bytes += groups[i];
        *ret++ = '-';
    }
    ret[-1] = '\0';
}

void
id_uuid7(uint64_t wall_ms, char ret[ID_UUID])
{
    uint8_t bytes[16];
    random_bytes(bytes + 6, 10);
    for (unsigned i = 0; i < 6; i++)
        bytes[i] = (uint8_t)(wall_ms >> (40 - 8 * i));
    uuid(bytes, 7, ret);
}

void
id_uuid4(char ret[ID_UUID])
{
    uint8_t bytes[16];
    random_bytes(bytes, sizeof(bytes));
    uuid(bytes, 4, ret);
}

void
id_uuid8(const uint8_t *bytes, char ret[ID_UUID])
{
    uint8_t own[16];
    memcpy(own, bytes, sizeof(own));
    uuid(own, 8, ret);
}

void
id_hex(char *ret, size_t n)
{
    uint8_t bytes[32];
    while (n > 0) {
        size_t part = n < sizeof(bytes) ? n : sizeof(bytes);
        random_bytes(bytes, part);
        ret = hex(ret, bytes, part);
        n -= part;
    }
    *ret = '\0';
}

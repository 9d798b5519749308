/* base/sip.c - see sip.h. SPDX-License-Identifier: Apache-2.0 */
#include "base/sip.h"

#include "base/random.h"

static uint64_t own[2]; /* the key of this process */

__attribute__((constructor)) static void
make_own(void)
{
    random_bytes(own, sizeof own);
}

static void
digest(uint64_t first, uint64_t second, struct weir_text text, uint8_t ret[SIP_LEN])
{
    struct sip s = sip_begin(first, second);
    s.b ^= 0xee;
    sip_text(&s, 2, text.bytes, text.len);
    s.c ^= 0xee;
    sip_rounds(&s, 4);
    uint64_t half = s.a ^ s.b ^ s.c ^ s.d;
    memcpy(ret, &half, sizeof half);
    s.b ^= 0xdd;
    sip_rounds(&s, 4);
    half = s.a ^ s.b ^ s.c ^ s.d;
    memcpy(ret + sizeof half, &half, sizeof half);
}

void
sip_128(const uint8_t key[SIP_LEN], struct weir_text text, uint8_t ret[SIP_LEN])
{
    uint64_t words[2];
    memcpy(words, key, sizeof words);
    digest(words[0], words[1], text, ret);
}

void
sip_local(struct weir_text text, uint8_t ret[SIP_LEN])
{
    digest(own[0], own[1], text, ret);
}

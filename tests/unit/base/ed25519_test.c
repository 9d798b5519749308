/* unit/base/ed25519_test.c - what base/ed25519.h promises, by the vectors of RFC 8032 7.1.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>

#include <string.h>

#include "base/ed25519.h"
#include "base/encode.h"

static const struct {
    const char *private;
    const char *public;
    const char *message;
    const char *signature;
} vectors[] = {
    { "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
      "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
      "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b" },
    { "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
      "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00" },
    { "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
      "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
      "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a" },
};

#define N_VECTORS (sizeof vectors / sizeof *vectors)

/* The order of the group, the least byte first. */
static const uint8_t order[32] = { 0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7,
                                   0xa2, 0xde, 0xf9, 0xde, 0x14, [31] = 0x10 };

/* The bytes of HEX in B, which is emptied before. */
static struct weir_text
bytes(struct buf *b, const char *hex)
{
    struct weir_error err;
    buf_reset(b);
    assert_int_equal(hex_decode(b, text_of(hex), &err), WEIR_OK);
    return buf_content(b);
}

struct vector {
    struct buf bufs[4];
    struct weir_text private, public, message, signature;
};

static void
take(struct vector *v, size_t i)
{
    for (size_t k = 0; k < 4; k++)
        buf_init(&v->bufs[k], 200);
    v->private = bytes(&v->bufs[0], vectors[i].private);
    v->public = bytes(&v->bufs[1], vectors[i].public);
    v->message = bytes(&v->bufs[2], vectors[i].message);
    v->signature = bytes(&v->bufs[3], vectors[i].signature);
}

static void
drop(struct vector *v)
{
    for (size_t k = 0; k < 4; k++)
        buf_fini(&v->bufs[k]);
}

static void
signatures_are_those_of_the_rfc(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_VECTORS; i++) {
        struct vector v;
        uint8_t ret[ED25519_SIGNATURE];
        take(&v, i);
        assert_true(ed25519_sign(v.private, &v.message, 1, ret));
        assert_memory_equal(ret, v.signature.bytes, sizeof ret);
        assert_true(ed25519_verify(v.public, &v.message, 1, v.signature));
        drop(&v);
    }
}

static void
a_message_in_pieces_is_the_message(void **state)
{
    (void)state;
    struct vector v;
    take(&v, 2);
    struct weir_text parts[] = { { v.message.bytes, 1 }, { NULL, 0 }, { v.message.bytes + 1, 1 } };
    uint8_t ret[ED25519_SIGNATURE];
    assert_true(ed25519_verify(v.public, parts, 3, v.signature));
    assert_false(ed25519_verify(v.public, parts, 2, v.signature));
    assert_true(ed25519_sign(v.private, parts, 3, ret));
    assert_memory_equal(ret, v.signature.bytes, sizeof ret);
    drop(&v);
}

static void
every_flipped_bit_is_refused(void **state)
{
    (void)state;
    struct vector v;
    take(&v, 2);
    struct weir_text *const texts[] = { &v.public, &v.message, &v.signature };
    for (size_t t = 0; t < 3; t++)
        for (size_t bit = 0; bit < texts[t]->len * 8; bit++) {
            char *at = (char *)(uintptr_t)texts[t]->bytes + bit / 8;
            *at = (char)(*at ^ 1 << bit % 8);
            assert_false(ed25519_verify(v.public, &v.message, 1, v.signature));
            *at = (char)(*at ^ 1 << bit % 8);
        }
    assert_true(ed25519_verify(v.public, &v.message, 1, v.signature));
    drop(&v);
}

/* RFC 8032 8.4: without the check of its range there would be a second one. */
static void
a_signature_with_the_order_added_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_VECTORS; i++) {
        struct vector v;
        unsigned carry = 0;
        take(&v, i);
        uint8_t *s = (uint8_t *)(uintptr_t)v.signature.bytes + 32;
        for (size_t k = 0; k < 32; k++) {
            carry += (unsigned)s[k] + order[k];
            s[k] = (uint8_t)carry;
            carry >>= 8;
        }
        assert_int_equal(carry, 0);
        assert_false(ed25519_verify(v.public, &v.message, 1, v.signature));
        drop(&v);
    }
}

static void
keys_and_signatures_have_their_length(void **state)
{
    (void)state;
    struct vector v;
    uint8_t ret[ED25519_SIGNATURE];
    take(&v, 1);
    for (size_t len = 0; len < 64; len++) {
        assert_false(ed25519_verify(v.public, &v.message, 1, (struct weir_text){ v.signature.bytes, len }));
        if (len != ED25519_KEY)
            assert_false(ed25519_verify((struct weir_text){ v.signature.bytes, len }, &v.message, 1, v.signature));
        if (len != ED25519_KEY)
            assert_false(ed25519_sign((struct weir_text){ v.signature.bytes, len }, &v.message, 1, ret));
    }
    drop(&v);
}

static void
a_private_key_may_have_its_public_half_behind_it(void **state)
{
    (void)state;
    struct vector v;
    uint8_t both[2 * ED25519_KEY], ret[ED25519_SIGNATURE];
    take(&v, 1);
    memcpy(both, v.private.bytes, ED25519_KEY);
    memcpy(both + ED25519_KEY, v.public.bytes, ED25519_KEY);
    assert_true(ed25519_sign((struct weir_text){ (const char *)both, sizeof both }, &v.message, 1, ret));
    assert_memory_equal(ret, v.signature.bytes, sizeof ret);
    both[40] ^= 1;
    assert_false(ed25519_sign((struct weir_text){ (const char *)both, sizeof both }, &v.message, 1, ret));
    drop(&v);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signatures_are_those_of_the_rfc),
        cmocka_unit_test(a_message_in_pieces_is_the_message),
        cmocka_unit_test(every_flipped_bit_is_refused),
        cmocka_unit_test(a_signature_with_the_order_added_is_refused),
        cmocka_unit_test(keys_and_signatures_have_their_length),
        cmocka_unit_test(a_private_key_may_have_its_public_half_behind_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

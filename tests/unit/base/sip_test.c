/* unit/base/sip_test.c - what base/sip.h promises; the vectors are those of the reference
 * implementation (SipHash-2-4-128, key 00 01 .. 0f, texts 00 01 ..).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>

#include <stdio.h>

#include "base/sip.h"

static void
texts_have_the_digests_of_the_reference(void **state)
{
    static const struct {
        size_t len;
        const char *hex;
    } cases[] = {
        { 0, "A3817F04BA25A8E66DF67214C7550293" },  { 1, "DA87C1D86B99AF44347659119B22FC45" },
        { 8, "3B62A9BA6258F5610F83E264F31497B4" },  { 15, "5493E99933B0A8117E08EC0F97CFC3D9" },
        { 63, "5150D1772F50834A503E069A973FBD7C" },
    };
    uint8_t key[SIP_LEN], ret[SIP_LEN];
    char text[63];
    (void)state;
    for (unsigned i = 0; i < SIP_LEN; i++)
        key[i] = (uint8_t)i;
    for (unsigned i = 0; i < sizeof text; i++)
        text[i] = (char)i;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char hex[2 * SIP_LEN + 1];
        sip_128(key, (struct weir_text){ text, cases[i].len }, ret);
        for (unsigned k = 0; k < SIP_LEN; k++)
            snprintf(hex + 2 * k, 3, "%02X", ret[k]);
        assert_string_equal(hex, cases[i].hex);
    }
}

static void
every_byte_of_text_and_key_counts(void **state)
{
    uint8_t key[SIP_LEN] = { 0 }, first[SIP_LEN], other[SIP_LEN];
    char text[24] = { 0 };
    (void)state;
    for (size_t len = 1; len <= sizeof text; len++) {
        struct weir_text all = { text, len };
        sip_128(key, all, first);
        for (size_t i = 0; i < len; i++) {
            text[i] = 1;
            sip_128(key, all, other);
            assert_memory_not_equal(first, other, SIP_LEN);
            text[i] = 0;
        }
        sip_128(key, (struct weir_text){ text, len - 1 }, other);
        assert_memory_not_equal(first, other, SIP_LEN);
    }
    sip_128(key, (struct weir_text){ NULL, 0 }, first);
    for (size_t i = 0; i < SIP_LEN; i++) {
        key[i] = 1;
        sip_128(key, (struct weir_text){ NULL, 0 }, other);
        assert_memory_not_equal(first, other, SIP_LEN);
        key[i] = 0;
    }
}

static void
the_key_of_the_process_is_one_and_not_zero(void **state)
{
    static const uint8_t zero[SIP_LEN];
    uint8_t first[SIP_LEN], second[SIP_LEN];
    struct weir_text text = { "key", 3 };
    (void)state;
    sip_local(text, first);
    sip_local(text, second);
    assert_memory_equal(first, second, SIP_LEN);
    sip_128(zero, text, second);
    assert_memory_not_equal(first, second, SIP_LEN);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_have_the_digests_of_the_reference),
        cmocka_unit_test(every_byte_of_text_and_key_counts),
        cmocka_unit_test(the_key_of_the_process_is_one_and_not_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

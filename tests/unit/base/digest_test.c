/* unit/base/digest_test.c - what base/digest.h promises.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/digest.h"

/* The bytes as hex, in memory of this function. */
static const char *
hex(const uint8_t *bytes, size_t len)
{
    static char text[2 * DIGEST_MAX + 1];
    text[0] = '\0';
    for (size_t i = 0; i < len; i++)
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    return text;
}

static void
names_lead_to_algorithms(void **state)
{
    (void)state;
    assert_int_equal(digest_find(TEXT("sha1")), WEIR_SHA1);
    assert_int_equal(digest_find(TEXT("sha256")), WEIR_SHA256);
    assert_int_equal(digest_find(TEXT("sha512")), WEIR_SHA512);
    assert_int_equal(digest_find(TEXT("md5")), 0);
    assert_int_equal(digest_find(TEXT("")), 0);
}

static void
digests_are_those_of_fips_180(void **state)
{
    (void)state;
    uint8_t ret[DIGEST_MAX];
    for (int round = 0; round < 2; round++) {
        assert_int_equal(digest(WEIR_SHA1, TEXT("abc"), ret), 20);
        assert_string_equal(hex(ret, 20), "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert_int_equal(digest(WEIR_SHA256, TEXT("abc"), ret), 32);
        assert_string_equal(hex(ret, 32), "ba7816bf8f01cfea414140de5dae2223"
                                          "b00361a396177a9cb410ff61f20015ad");
        assert_int_equal(digest(WEIR_SHA512, TEXT("abc"), ret), 64);
        assert_string_equal(hex(ret, 64), "ddaf35a193617abacc417349ae204131"
                                          "12e6fa4e89a97ea20a9eeee64b55d39a"
                                          "2192992a274fc1a836ba3c23a3feebbd"
                                          "454d4423643ce80e2a9ac94fa54ca49f");
        assert_int_equal(digest(WEIR_SHA256, (struct weir_text){ NULL, 0 }, ret), 32);
        assert_string_equal(hex(ret, 32), "e3b0c44298fc1c149afbf4c8996fb924"
                                          "27ae41e4649b934ca495991b7852b855");
    }
}

static void
unknown_algorithms_give_nothing(void **state)
{
    (void)state;
    uint8_t ret[DIGEST_MAX];
    assert_int_equal(digest(0, TEXT("abc"), ret), 0);
    assert_int_equal(digest(5, TEXT("abc"), ret), 0);
    assert_int_equal(digest(UINT32_MAX, TEXT("abc"), ret), 0);
    assert_int_equal(digest_hmac(0, TEXT("k"), TEXT("abc"), ret), 0);
    assert_int_equal(digest_hmac(99, TEXT("k"), TEXT("abc"), ret), 0);
}

/* The test cases 1, 2 and 6 of RFC 4231, and case 2 of RFC 2202. */
static void
hmacs_are_those_of_the_rfcs(void **state)
{
    (void)state;
    uint8_t ret[DIGEST_MAX];
    char key[131];
    memset(key, 0x0b, 20);
    digest_hmac(WEIR_SHA256, (struct weir_text){ key, 20 }, TEXT("Hi There"), ret);
    assert_string_equal(hex(ret, 32), "b0344c61d8db38535ca8afceaf0bf12b"
                                      "881dc200c9833da726e9376c2e32cff7");
    digest_hmac(WEIR_SHA512, TEXT("Jefe"), TEXT("what do ya want for nothing?"), ret);
    assert_string_equal(hex(ret, 64), "164b7a7bfcf819e2e395fbe73b56e0a3"
                                      "87bd64222e831fd610270cd7ea250554"
                                      "9758bf75c05a994a6d034f65f8f0e6fd"
                                      "caeab1a34d4a6b4b636e070a38bce737");
    digest_hmac(WEIR_SHA1, TEXT("Jefe"), TEXT("what do ya want for nothing?"), ret);
    assert_string_equal(hex(ret, 20), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    memset(key, 0xaa, sizeof(key));
    digest_hmac(WEIR_SHA256, (struct weir_text){ key, sizeof(key) },
                TEXT("Test Using Larger Than Block-Size Key - Hash Key First"), ret);
    assert_string_equal(hex(ret, 32), "60e431591ee0b67f0d8a26aacbf5b77f"
                                      "8e0bc6213728c5140546040f0ee37f54");
    assert_int_equal(digest_hmac(WEIR_SHA256, (struct weir_text){ NULL, 0 },
                                 (struct weir_text){ NULL, 0 }, ret),
                     32);
    assert_string_equal(hex(ret, 32), "b613679a0814d9ec772f95d778c35fc5"
                                      "ff1697c493715653c6c712144292c5ad");
}

static void
equality_looks_at_length_and_bytes(void **state)
{
    (void)state;
    assert_true(digest_equal(TEXT("abc"), TEXT("abc")));
    assert_false(digest_equal(TEXT("abc"), TEXT("abd")));
    assert_false(digest_equal(TEXT("abc"), TEXT("ab")));
    assert_true(digest_equal((struct weir_text){ NULL, 0 }, TEXT("")));
}

static void *
digest_often(void *arg)
{
    uint8_t ret[DIGEST_MAX];
    for (int i = 0; i < 500; i++)
        digest_hmac(WEIR_SHA256, TEXT("key"), TEXT("text"), ret);
    memcpy(arg, ret, 32);
    return NULL;
}

static void
threads_do_not_disturb_each_other(void **state)
{
    (void)state;
    uint8_t results[4][32];
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, digest_often, results[i]), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    for (int i = 1; i < 4; i++)
        assert_memory_equal(results[0], results[i], 32);
}

/* Wherever the message is cut, and however long the key is. */
static void
an_hmac_of_pieces_is_that_of_the_whole(void **state)
{
    (void)state;
    static const char text[] = "The quick brown fox jumps over the lazy dog, again and again";
    static const char key[] = "a key that is longer than the block of SHA-256, which is one of sixty-four bytes: so it is digested";
    uint8_t whole[DIGEST_MAX], pieces[DIGEST_MAX];
    size_t len = sizeof text - 1;
    for (uint32_t a = WEIR_SHA1; a <= WEIR_SHA512; a++)
        for (size_t cut = 0; cut <= len; cut++)
            for (size_t k = 0; k < sizeof key; k += 33) {
                struct weir_text parts[] = { { text, cut }, { NULL, 0 }, { text + cut, len - cut } };
                size_t n = digest_hmac(a, (struct weir_text){ key, k }, (struct weir_text){ text, len }, whole);
                assert_int_equal(digest_hmac_parts(a, (struct weir_text){ key, k }, parts, 3, pieces), n);
                assert_memory_equal(whole, pieces, n);
            }
    assert_int_equal(digest_hmac_parts(0, TEXT("k"), NULL, 0, whole), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_do_not_disturb_each_other),
        cmocka_unit_test(names_lead_to_algorithms),
        cmocka_unit_test(digests_are_those_of_fips_180),
        cmocka_unit_test(unknown_algorithms_give_nothing),
        cmocka_unit_test(hmacs_are_those_of_the_rfcs),
        cmocka_unit_test(equality_looks_at_length_and_bytes),
        cmocka_unit_test(an_hmac_of_pieces_is_that_of_the_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

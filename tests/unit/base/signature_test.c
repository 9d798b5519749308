/* base/signature: the examples of RFC 7515, RFC 8037, and what must not pass.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>

#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/signature.h"

#define CLAIMS                                                                                   \
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"

/* RFC 7515 A.1 */
#define HS256_TEXT "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." CLAIMS
#define HS256_KEY "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"
#define HS256_SIGNATURE "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"

/* RFC 7515 A.2 */
#define RS256_TEXT "eyJhbGciOiJSUzI1NiJ9." CLAIMS
#define RS256_N                                                                                  \
    "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0"   \
    "Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXnd"   \
    "S5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5Ihl"   \
    "JH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"
#define RS256_SIGNATURE                                                                          \
    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2F"  \
    "p5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQB"  \
    "MHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeY"  \
    "I2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"

/* RFC 7515 A.3 */
#define ES256_TEXT "eyJhbGciOiJFUzI1NiJ9." CLAIMS
#define ES256_X "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
#define ES256_Y "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
#define ES256_SIGNATURE "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"

/* RFC 8037 A.4 */
#define EDDSA_TEXT "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
#define EDDSA_X "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
#define EDDSA_SIGNATURE "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"

static struct buf
decoded(const char *text)
{
    struct buf b;
    struct weir_error err;
    buf_init(&b, 8192);
    assert_int_equal(base64_decode(&b, text_of(text), &err), WEIR_OK);
    return b;
}

static struct signature_key *
key_of(uint32_t algorithm)
{
    struct weir_error err = { 0 };
    struct signature_key *k = NULL;
    struct buf a, b = decoded("AQAB");
    switch (algorithm) {
    case WEIR_HS256:
        a = decoded(HS256_KEY);
        k = signature_key_secret(buf_content(&a), &err);
        break;
    case WEIR_RS256:
        a = decoded(RS256_N);
        k = signature_key_rsa(buf_content(&a), buf_content(&b), &err);
        break;
    case WEIR_ES256:
        buf_fini(&b);
        a = decoded(ES256_X);
        b = decoded(ES256_Y);
        k = signature_key_point(text_of("P-256"), buf_content(&a), buf_content(&b), &err);
        break;
    default:
        a = decoded(EDDSA_X);
        k = signature_key_ed25519(buf_content(&a), &err);
    }
    if (k == NULL)
        fail_msg("%s", err.text);
    buf_fini(&a);
    buf_fini(&b);
    return k;
}

static const struct example {
    uint32_t algorithm;
    const char *text;
    const char *signature;
} examples[] = {
    { WEIR_HS256, HS256_TEXT, HS256_SIGNATURE },
    { WEIR_RS256, RS256_TEXT, RS256_SIGNATURE },
    { WEIR_ES256, ES256_TEXT, ES256_SIGNATURE },
    { WEIR_EDDSA, EDDSA_TEXT, EDDSA_SIGNATURE },
};

#define N_EXAMPLES (sizeof examples / sizeof *examples)

static void
the_examples_of_the_rfcs_are_good(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_EXAMPLES; i++) {
        const struct example *e = &examples[i];
        struct signature_key *k = key_of(e->algorithm);
        struct buf s = decoded(e->signature);
        if (!signature_check(k, e->algorithm, text_of(e->text), buf_content(&s)))
            fail_msg("algorithm %u refuses the example", e->algorithm);
        buf_fini(&s);
        signature_key_free(&k);
        assert_null(k);
    }
}

static void
no_flipped_bit_of_a_signature_or_a_text_passes(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_EXAMPLES; i++) {
        const struct example *e = &examples[i];
        struct signature_key *k = key_of(e->algorithm);
        struct buf s = decoded(e->signature);
        for (size_t bit = 0; bit < 8 * s.len; bit++) {
            s.bytes[bit / 8] = (char)(s.bytes[bit / 8] ^ 1 << bit % 8);
            assert_false(signature_check(k, e->algorithm, text_of(e->text), buf_content(&s)));
            s.bytes[bit / 8] = (char)(s.bytes[bit / 8] ^ 1 << bit % 8);
        }
        char *text = strdup(e->text);
        for (size_t bit = 0; bit < 8 * strlen(e->text); bit += 7) {
            text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
            assert_false(signature_check(k, e->algorithm, (struct weir_text){ text, strlen(e->text) }, buf_content(&s)));
            text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
        }
        free(text);
        buf_fini(&s);
        signature_key_free(&k);
    }
}

static void
a_key_is_good_for_the_algorithms_of_its_kind_alone(void **state)
{
    (void)state;
    static const uint32_t fit[N_EXAMPLES] = {
        1u << WEIR_HS256 | 1u << WEIR_HS384 | 1u << WEIR_HS512,
        1u << WEIR_RS256 | 1u << WEIR_RS384 | 1u << WEIR_RS512 | 1u << WEIR_PS256 | 1u << WEIR_PS384 | 1u << WEIR_PS512,
        1u << WEIR_ES256,
        1u << WEIR_EDDSA,
    };
    for (size_t i = 0; i < N_EXAMPLES; i++) {
        struct signature_key *k = key_of(examples[i].algorithm);
        struct buf s = decoded(examples[i].signature);
        assert_int_equal(signature_algorithms(k), fit[i]);
        for (uint32_t a = 0; a < 40; a++)
            if (a != examples[i].algorithm)
                assert_false(signature_check(k, a, text_of(examples[i].text), buf_content(&s)));
        buf_fini(&s);
        signature_key_free(&k);
    }
}

static void
signatures_of_another_length_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_EXAMPLES; i++) {
        struct signature_key *k = key_of(examples[i].algorithm);
        struct buf s = decoded(examples[i].signature);
        struct weir_text whole = buf_content(&s);
        for (size_t len = 0; len < whole.len; len++)
            assert_false(signature_check(k, examples[i].algorithm, text_of(examples[i].text), (struct weir_text){ whole.bytes, len }));
        char longer[2000] = { 0 };
        memcpy(longer, whole.bytes, whole.len);
        assert_false(signature_check(k, examples[i].algorithm, text_of(examples[i].text), (struct weir_text){ longer, whole.len + 1 }));
        assert_false(signature_check(k, examples[i].algorithm, text_of(examples[i].text), (struct weir_text){ longer, sizeof longer }));
        buf_fini(&s);
        signature_key_free(&k);
    }
}

static void
weak_and_broken_keys_are_refused(void **state)
{
    (void)state;
    struct weir_error err = { 0 };
    char bytes[2000];
    memset(bytes, 0xff, sizeof bytes);
    assert_null(signature_key_secret((struct weir_text){ bytes, 31 }, &err));
    assert_non_null(strstr(err.text, "32 bytes"));
    assert_null(signature_key_rsa((struct weir_text){ bytes, 128 }, text_of("\1"), &err)); /* 1024 bits, e = 1 */
    assert_null(signature_key_rsa((struct weir_text){ bytes, 128 }, text_of("\3"), &err));
    assert_non_null(strstr(err.text, "2048"));
    assert_null(signature_key_rsa((struct weir_text){ bytes, 256 }, text_of("\2"), &err)); /* even */
    assert_null(signature_key_rsa((struct weir_text){ bytes, 2000 }, text_of("\3"), &err));
    assert_null(signature_key_point(text_of("P-256"), (struct weir_text){ bytes, 32 }, (struct weir_text){ bytes, 32 }, &err)); /* not on the curve */
    assert_null(signature_key_point(text_of("P-256"), (struct weir_text){ bytes, 31 }, (struct weir_text){ bytes, 32 }, &err));
    assert_null(signature_key_point(text_of("secp256k1"), (struct weir_text){ bytes, 32 }, (struct weir_text){ bytes, 32 }, &err));
    assert_null(signature_key_ed25519((struct weir_text){ bytes, 33 }, &err));
    assert_null(signature_key_pem(text_of("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"), &err));
    assert_null(signature_key_pem(text_of("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"), &err));
    assert_non_null(strstr(err.text, "private"));
    assert_null(signature_key_pem(text_of(""), &err));
}

/* PEM of the public part of a new key. */
static char *
new_pem(const char *type, size_t bits, const char *curve)
{
    EVP_PKEY *p = curve ? EVP_PKEY_Q_keygen(NULL, NULL, type, curve)
                  : bits ? EVP_PKEY_Q_keygen(NULL, NULL, type, bits)
                         : EVP_PKEY_Q_keygen(NULL, NULL, type);
    BIO *b = BIO_new(BIO_s_mem());
    char *bytes;
    assert_non_null(p);
    assert_int_equal(PEM_write_bio_PUBKEY(b, p), 1);
    long len = BIO_get_mem_data(b, &bytes);
    char *pem = strndup(bytes, (size_t)len);
    BIO_free(b);
    EVP_PKEY_free(p);
    return pem;
}

static void
keys_are_read_from_pem(void **state)
{
    (void)state;
    static const struct {
        const char *type;
        size_t bits;
        const char *curve;
        uint32_t algorithm; /* 0: refused */
    } kinds[] = {
        { "RSA", 2048, NULL, WEIR_PS256 },    { "RSA", 1024, NULL, 0 },
        { "EC", 0, "P-256", WEIR_ES256 },     { "EC", 0, "P-384", WEIR_ES384 },
        { "EC", 0, "P-521", WEIR_ES512 },     { "EC", 0, "secp256k1", 0 },
        { "ED25519", 0, NULL, WEIR_EDDSA },   { "X25519", 0, NULL, 0 },
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct weir_error err = { 0 };
        char *pem = new_pem(kinds[i].type, kinds[i].bits, kinds[i].curve);
        struct signature_key *k = signature_key_pem(text_of(pem), &err);
        assert_int_equal(k != NULL, kinds[i].algorithm != 0);
        if (k != NULL)
            assert_true(signature_algorithms(k) & 1u << kinds[i].algorithm);
        signature_key_free(&k);
        free(pem);
    }
}

static void
algorithms_have_the_names_of_jose(void **state)
{
    (void)state;
    assert_int_equal(signature_find(text_of("HS256")), WEIR_HS256);
    assert_int_equal(signature_find(text_of("ES512")), WEIR_ES512);
    assert_int_equal(signature_find(text_of("EdDSA")), WEIR_EDDSA);
    assert_int_equal(signature_find(text_of("none")), 0);
    assert_int_equal(signature_find(text_of("hs256")), 0);
    assert_int_equal(signature_find(text_of("")), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_examples_of_the_rfcs_are_good),
        cmocka_unit_test(no_flipped_bit_of_a_signature_or_a_text_passes),
        cmocka_unit_test(a_key_is_good_for_the_algorithms_of_its_kind_alone),
        cmocka_unit_test(signatures_of_another_length_are_refused),
        cmocka_unit_test(weak_and_broken_keys_are_refused),
        cmocka_unit_test(keys_are_read_from_pem),
        cmocka_unit_test(algorithms_have_the_names_of_jose),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

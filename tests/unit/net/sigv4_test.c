/* tests/unit/net/sigv4_test.c - the vectors of awslabs/aws-c-auth (tests/aws-signing-test-suite/v4):
 * requests and signatures, all with its key of 2015-08-30, us-east-1, "service".
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

#include "net/sigv4.h"

#define WHEN_MS 1440938160000ull

static const struct vector {
    const char *name;
    const char *method;
    const char *path;
    const char *query;
    const char *headers[6][2];
    const char *body;
    const char *signature;
} vectors[] = {
    { "get-header-key-duplicate", "GET", "/", "",
      { { "Host", "example.amazonaws.com" },
         { "My-Header1", "value2" },
         { "My-Header1", "value2" },
         { "My-Header1", "value1" },
         { "X-Amz-Date", "20150830T123600Z" } },
      "",
      "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea" },
    { "get-header-value-order", "GET", "/", "",
      { { "Host", "example.amazonaws.com" },
         { "My-Header1", "value4" },
         { "My-Header1", "value1" },
         { "My-Header1", "value3" },
         { "My-Header1", "value2" },
         { "X-Amz-Date", "20150830T123600Z" } },
      "",
      "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01" },
    { "get-header-value-trim", "GET", "/", "",
      { { "Host", "example.amazonaws.com" },
         { "My-Header1", " value1" },
         { "My-Header2", " \"a   b   c\"" },
         { "X-Amz-Date", "20150830T123600Z" } },
      "",
      "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736" },
    { "get-space-normalized", "GET", "/example space/", "",
      { { "Host", "example.amazonaws.com" },
         { "X-Amz-Date", "20150830T123600Z" } },
      "",
      "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741" },
    { "get-unreserved", "GET", "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", "",
      { { "Host", "example.amazonaws.com" },
         { "X-Amz-Date", "20150830T123600Z" } },
      "",
      "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f" },
    { "get-utf8", "GET", "/\341\210\264", "",
      { { "Host", "example.amazonaws.com" },
         { "X-Amz-Date", "20150830T123600Z" } },
      "",
      "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85" },
    { "get-vanilla", "GET", "/", "",
      { { "Host", "example.amazonaws.com" },
         { "X-Amz-Date", "20150830T123600Z" } },
      "",
      "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31" },
    { "get-vanilla-empty-query-key", "GET", "/", "Param1=value1",
      { { "Host", "example.amazonaws.com" },
         { "X-Amz-Date", "20150830T123600Z" } },
      "",
      "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb" },
    { "get-vanilla-query", "GET", "/", "",
      { { "Host", "example.amazonaws.com" },
         { "X-Amz-Date", "20150830T123600Z" } },
      "",
      "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31" },
    { "get-vanilla-query-order-encoded", "GET", "/", "Param-3=Value3&Param=Value2&%E1%88%B4=Value1",
      { { "Host", "example.amazonaws.com" },
         { "X-Amz-Date", "20150830T123600Z" } },
      "",
      "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac" },
    { "get-vanilla-query-order-key-case", "GET", "/", "Param2=value2&Param1=value1",
      { { "Host", "example.amazonaws.com" },
         { "X-Amz-Date", "20150830T123600Z" } },
      "",
      "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500" },
    { "get-vanilla-query-unreserved", "GET", "/", "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz=-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
      { { "Host", "example.amazonaws.com" },
         { "X-Amz-Date", "20150830T123600Z" } },
      "",
      "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197" },
    { "get-vanilla-utf8-query", "GET", "/", "\341\210\264=bar",
      { { "Host", "example.amazonaws.com" },
         { "X-Amz-Date", "20150830T123600Z" } },
      "",
      "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04" },
    { "get-vanilla-with-session-token", "GET", "/", "",
      { { "Host", "example.amazonaws.com" },
         { "X-Amz-Security-Token", "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267" },
         { "X-Amz-Date", "20150830T123600Z" } },
      "",
      "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8" },
    { "post-header-key-case", "POST", "/", "",
      { { "Host", "example.amazonaws.com" },
         { "X-Amz-Date", "20150830T123600Z" } },
      "",
      "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b" },
    { "post-header-key-sort", "POST", "/", "",
      { { "Host", "example.amazonaws.com" },
         { "My-Header1", "value1" },
         { "X-Amz-Date", "20150830T123600Z" } },
      "",
      "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c" },
    { "post-header-value-case", "POST", "/", "",
      { { "Host", "example.amazonaws.com" },
         { "My-Header1", "VALUE1" },
         { "X-Amz-Date", "20150830T123600Z" } },
      "",
      "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d" },
    { "post-sts-header-after", "POST", "/", "",
      { { "Host", "example.amazonaws.com" },
         { "X-Amz-Date", "20150830T123600Z" } },
      "",
      "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b" },
    { "post-sts-header-before", "POST", "/", "",
      { { "Host", "example.amazonaws.com" },
         { "X-Amz-Security-Token", "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==" },
         { "X-Amz-Date", "20150830T123600Z" } },
      "",
      "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead" },
    { "post-vanilla", "POST", "/", "",
      { { "Host", "example.amazonaws.com" },
         { "X-Amz-Date", "20150830T123600Z" } },
      "",
      "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b" },
    { "post-vanilla-empty-query-value", "POST", "/", "Param1=value1",
      { { "Host", "example.amazonaws.com" },
         { "X-Amz-Date", "20150830T123600Z" } },
      "",
      "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11" },
    { "post-vanilla-query", "POST", "/", "Param1=value1",
      { { "Host", "example.amazonaws.com" },
         { "X-Amz-Date", "20150830T123600Z" } },
      "",
      "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11" },
    { "post-x-www-form-urlencoded", "POST", "/", "",
      { { "Content-Type", "application/x-www-form-urlencoded" },
         { "Host", "example.amazonaws.com" },
         { "Content-Length", "13" },
         { "X-Amz-Date", "20150830T123600Z" },
         { "x-amz-content-sha256", "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e" } },
      "Param1=value1",
      "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b" },
    { "post-x-www-form-urlencoded-parameters", "POST", "/", "",
      { { "Content-Type", "application/x-www-form-urlencoded; charset=utf-8" },
         { "Host", "example.amazonaws.com" },
         { "Content-Length", "13" },
         { "X-Amz-Date", "20150830T123600Z" },
         { "x-amz-content-sha256", "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e" } },
      "Param1=value1",
      "328d1b9eaadca9f5818ef05e8392801e091653bafec24fcab71e7344e7f51422" },
};

static enum weir_code
sign(const struct vector *v, struct buf *ret)
{
    const struct sigv4 who = {
        .access_key = TEXT("AKIDEXAMPLE"),
        .secret_key = TEXT("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
        .region = TEXT("us-east-1"),
        .service = TEXT("service"),
        .wall_ms = WHEN_MS,
    };
    struct weir_header headers[6];
    struct weir_error err = { 0 };
    unsigned n = 0;
    for (; n < 6 && v->headers[n][0] != NULL; n++)
        headers[n] = (struct weir_header){ text_of(v->headers[n][0]), text_of(v->headers[n][1]) };
    const struct sigv4_request r = {
        .method = text_of(v->method),
        .path = text_of(v->path),
        .query = text_of(v->query),
        .headers = headers,
        .n_headers = n,
        .body = text_of(v->body),
    };
    return sigv4_sign(&who, &r, ret, &err);
}

static void
signatures_are_those_of_the_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        struct buf b;
        buf_init(&b, 4096);
        assert_int_equal(sign(&vectors[i], &b), WEIR_OK);
        const char *at = strstr(b.bytes, "Signature=");
        assert_non_null(at);
        if (strcmp(at + 10, vectors[i].signature) != 0)
            fail_msg("%s: %s", vectors[i].name, b.bytes);
        buf_fini(&b);
    }
}

static void
the_header_says_who_signed_what(void **state)
{
    (void)state;
    struct buf b;
    char date[SIGV4_DATE];
    buf_init(&b, 4096);
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++)
        if (strcmp(vectors[i].name, "get-vanilla") == 0)
            assert_int_equal(sign(&vectors[i], &b), WEIR_OK);
    assert_string_equal(b.bytes, "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
                                 "SignedHeaders=host;x-amz-date, Signature="
                                 "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
    buf_fini(&b);
    sigv4_date(WHEN_MS, date);
    assert_string_equal(date, "20150830T123600Z");
}

static void
what_cannot_be_signed_is_refused(void **state)
{
    (void)state;
    struct buf b;
    struct vector v = { "x", "GET", "/", "", { { NULL, NULL } }, "", "" };
    buf_init(&b, 4096);
    assert_int_equal(sign(&v, &b), WEIR_INVALID);
    v.headers[0][0] = "Host";
    v.headers[0][1] = "a";
    v.query = "a=%zz";
    assert_int_equal(sign(&v, &b), WEIR_INVALID);
    v.query = "a=1&&b";
    assert_int_equal(sign(&v, &b), WEIR_OK);
    buf_fini(&b);
    buf_init(&b, 20);
    assert_int_equal(sign(&v, &b), WEIR_TOO_LARGE);
    buf_fini(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signatures_are_those_of_the_vectors),
        cmocka_unit_test(the_header_says_who_signed_what),
        cmocka_unit_test(what_cannot_be_signed_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

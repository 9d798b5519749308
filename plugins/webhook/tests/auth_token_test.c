/* webhook/tests/auth_token_test.c - auth by a JSON Web Token: which enter, and which never may.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "auth_stage.h"

#include "base/clock.h"
#include "base/digest.h"
#include "base/encode.h"

static void
put_part(struct buf *out, const char *json)
{
    (void)base64_encode(out, text_of(json), true);
}

/* A header with a token of these parts, signed with HMAC; in memory of this function. */
static const char *
token_of(const char *header, const char *claims, uint32_t algorithm, const char *secret)
{
    static char field[16384];
    uint8_t mac[DIGEST_MAX];
    struct buf b;
    buf_init(&b, 12000);
    put_part(&b, header);
    (void)buf_puts(&b, ".");
    put_part(&b, claims);
    size_t len = digest_hmac(algorithm, text_of(secret), buf_content(&b), mac);
    (void)buf_puts(&b, ".");
    (void)base64_encode(&b, (struct weir_text){ (const char *)mac, len }, true);
    snprintf(field, sizeof field, "Authorization: Bearer %s\n", b.bytes);
    buf_fini(&b);
    return field;
}

/* The claims CLAIMS, without the braces, and an exp that is IN seconds away. */
static const char *
claims_in(const char *claims, long in)
{
    static char text[9000];
    snprintf(text, sizeof text, "{%s\"exp\":%ld}", claims, (long)(clock_wall_ms() / 1000) + in);
    return text;
}

#define HS256 "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"

static const char *
good(const char *claims)
{
    return token_of(HS256, claims_in(claims, 300), WEIR_SHA256, SECRET);
}

static void
a_token_enters_with_its_claims(void **state)
{
    (void)state;
    load("{ jwt: { secret: " SECRET ", issuer: me, audience: [a, b], scopes: [w] } }");
    expect(good("\"iss\":\"me\",\"aud\":\"b\",\"sub\":\"ada\",\"scope\":\"r w\","), 200,
           "{\"scheme\":\"jwt\",\"name\":\"ada\",\"scopes\":[\"r\",\"w\"],\"claims\":{\"iss\":\"me\"");
    expect(good("\"iss\":\"me\",\"aud\":[\"x\",\"a\"],\"scp\":[\"w\"],"), 200, "\"name\":null");
    expect(good("\"iss\":\"me\",\"aud\":\"a\",\"scope\":\"ww\","), 403, "lacks the scope w");
    expect_challenge(good("\"iss\":\"me\",\"aud\":\"a\","), 403, "Bearer error=\"insufficient_scope\", scope=\"w\"");
    expect_challenge(NULL, 401, "Bearer");
    expect(good("\"iss\":\"me\",\"aud\":\"a\",\"scope\":\"w\",\"sub\":\"s\","), 200, "\"token\":\"\"");
    load("{ jwt: { secret: " SECRET ", name_claim: client_id, forward: true } }");
    expect(good("\"client_id\":\"app\","), 200, "\"name\":\"app\"");
    expect(good("\"client_id\":\"app\","), 200, "\"token\":\"Bearer ey");
}

static void
a_token_may_stand_in_the_query_where_that_is_said(void **state)
{
    (void)state;
    char line[2048];
    const char *token = strstr(good("\"sub\":\"ada\","), "ey");
    snprintf(line, sizeof line, "POST /in?a=1&access_token=%.*s&b=2", (int)strcspn(token, "\r\n"), token);
    load("{ jwt: { secret: " SECRET " } }");
    expect_on(line, NULL, 401, "a token is needed");
    load("{ jwt: { secret: " SECRET ", query: access_token } }");
    expect_on(line, NULL, 200, "\"query\":{\"a\":\"1\",\"b\":\"2\"}");
    expect_on(line, good("\"sub\":\"ada\","), 401, "several tokens");
    expect_on("POST /in?access_token=a&access_token=b", NULL, 401, "several tokens");
    expect(good("\"sub\":\"ada\","), 200, "\"name\":\"ada\"");
    load("{ jwt: { secret: " SECRET ", query: access_token, forward: true } }");
    expect_on(line, NULL, 200, "\"access_token\":\"ey");
}

static void
claims_that_are_not_for_us_are_refused(void **state)
{
    (void)state;
    load("{ jwt: { secret: " SECRET ", issuer: [me, you], audience: a, required: [exp, sub] } }");
#define SOUND "\"iss\":\"me\",\"aud\":\"a\",\"sub\":\"s\","
    expect(good(SOUND), 200, "");
    expect(good("\"iss\":\"you\",\"aud\":[\"a\"],\"sub\":\"s\","), 200, "");
    static const struct {
        const char *claims, *why;
    } cases[] = {
        { "\"iss\":\"mee\",\"aud\":\"a\",\"sub\":\"s\",", "another issuer" },
        { "\"iss\":[\"me\"],\"aud\":\"a\",\"sub\":\"s\",", "another issuer" },
        { "\"aud\":\"a\",\"sub\":\"s\",", "another issuer" },
        { "\"iss\":\"me\",\"aud\":\"b\",\"sub\":\"s\",", "another audience" },
        { "\"iss\":\"me\",\"aud\":[],\"sub\":\"s\",", "another audience" },
        { "\"iss\":\"me\",\"aud\":[[\"a\"]],\"sub\":\"s\",", "another audience" },
        { "\"iss\":\"me\",\"aud\":{\"a\":1},\"sub\":\"s\",", "another audience" },
        { "\"iss\":\"me\",\"sub\":\"s\",", "another audience" },
        { "\"iss\":\"me\",\"aud\":\"a\",", "lacks the claim sub" },
        { SOUND "\"nbf\":\"1\",", "no number" },
        { SOUND "\"nbf\":99999999999,", "not valid yet" },
        { SOUND "\"iat\":99999999999.5,", "in the future" },
        { SOUND "\"iat\":null,", "no number" },
        { SOUND "\"sub\":\"t\",", "claims are none" }, /* twice */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect(good(cases[i].claims), 401, cases[i].why);
    load("{ jwt: { secret: " SECRET " } }");
    expect(good("\"aud\":\"a\","), 401, "another audience");
    expect(good(""), 200, "");
}

static void
dates_hold_within_the_leeway(void **state)
{
    (void)state;
    load("{ jwt: { secret: " SECRET " } }");
    expect(token_of(HS256, claims_in("", -30), WEIR_SHA256, SECRET), 200, "");
    expect(token_of(HS256, claims_in("", -61), WEIR_SHA256, SECRET), 401, "has expired");
    expect_challenge(token_of(HS256, claims_in("", -61), WEIR_SHA256, SECRET), 401,
                     "Bearer error=\"invalid_token\", error_description=\"the token has expired\"");
    expect(token_of(HS256, "{\"exp\":1e308}", WEIR_SHA256, SECRET), 200, "");
    expect(token_of(HS256, "{\"exp\":-1}", WEIR_SHA256, SECRET), 401, "has expired");
    expect(token_of(HS256, "{\"exp\":\"4102444800\"}", WEIR_SHA256, SECRET), 401, "no number");
    expect(token_of(HS256, "{}", WEIR_SHA256, SECRET), 401, "lacks the claim exp");
    load("{ jwt: { secret: " SECRET ", leeway: 1s, required: [] } }");
    expect(token_of(HS256, claims_in("", -2), WEIR_SHA256, SECRET), 401, "has expired");
    expect(token_of(HS256, "{}", WEIR_SHA256, SECRET), 200, "");
}

static void
the_algorithm_is_ours_to_choose(void **state)
{
    (void)state;
    load("{ jwt: { secret: " SECRET " } }");
    static const char *const headers[] = {
        "{\"alg\":\"none\"}", "{\"alg\":\"None\"}", "{\"alg\":\"hs256\"}", "{\"alg\":\"RS256\"}", "{\"alg\":\"ES256\"}",
        "{\"alg\":\"HS512\"}", "{\"alg\":[\"HS256\"]}", "{\"alg\":null}", "{}", "{\"alg\":\"\"}", "{\"alg\":\"HS256\\u0000\"}",
    };
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
        expect(token_of(headers[i], claims_in("", 300), WEIR_SHA256, SECRET), 401, "algorithm is not taken");
    load("{ jwt: { secret: " SECRET SECRET ", algorithms: [HS384, HS512] } }");
    expect(token_of("{\"alg\":\"HS512\"}", claims_in("", 300), WEIR_SHA512, SECRET SECRET), 200, "");
    expect(token_of("{\"alg\":\"HS384\"}", claims_in("", 300), WEIR_SHA384, SECRET SECRET), 200, "");
    expect(token_of(HS256, claims_in("", 300), WEIR_SHA256, SECRET SECRET), 401, "not taken");
}

static void
headers_that_want_more_than_we_know_are_refused(void **state)
{
    (void)state;
    load("{ jwt: { secret: " SECRET ", typ: at+jwt } }");
    static const struct {
        const char *header, *why;
    } cases[] = {
        { "{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"crit\":[\"b64\"],\"b64\":false}", "extensions" },
        { "{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"crit\":[]}", "extensions" },
        { "{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":7}", "kid" },
        { "{\"alg\":\"HS256\",\"typ\":\"JWT\"}", "type" },
        { "{\"alg\":\"HS256\"}", "type" },
        { "{\"alg\":\"HS256\",\"alg\":\"HS256\",\"typ\":\"at+jwt\"}", "header is none" },
        { "[\"HS256\"]", "header is none" },
        { "{\"alg\":\"HS256\"", "header is none" },
        { "{\"alg\":\"HS256\",\"typ\":\"at+jwt\"} {}", "header is none" },
        { "\xff", "header is none" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect(token_of(cases[i].header, claims_in("", 300), WEIR_SHA256, SECRET), 401, cases[i].why);
    expect(token_of("{\"alg\":\"HS256\",\"typ\":\"application/AT+JWT\"}", claims_in("", 300), WEIR_SHA256, SECRET), 200, "");
    expect(token_of("{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":\"any\"}", claims_in("", 300), WEIR_SHA256, SECRET), 200, "");
}

static void
every_changed_character_of_a_token_is_refused(void **state)
{
    (void)state;
    load("{ jwt: { secret: " SECRET " } }");
    char *header = strdup(good("\"sub\":\"s\","));
    size_t start = strlen("Authorization: Bearer "), end = strlen(header) - 1;
    expect(header, 200, "");
    for (size_t i = start; i < end; i++) {
        char was = header[i];
        header[i] = was == 'A' ? 'B' : 'A';
        expect(header, 401, "");
        header[i] = was;
    }
    /* The last character has two bits that mean nothing: they have to be zero. */
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for (size_t i = 0; i < 64; i++) {
        char was = header[end - 1];
        if (alphabet[i] == was)
            continue;
        header[end - 1] = alphabet[i];
        expect(header, 401, "");
        header[end - 1] = was;
    }
    free(header);
}

static void
what_is_no_token_is_refused(void **state)
{
    (void)state;
    load("{ jwt: { secret: " SECRET " } }");
    char *sound = strdup(good(""));
    sound[strlen(sound) - 1] = '\0';
    static const char *const tails[] = { "=", ".", ".x", " ", " x", "+", "\t" };
    for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
        char header[4096];
        snprintf(header, sizeof header, "%s%s\n", sound, tails[i]);
        if (strcmp(tails[i], " ") != 0 && strcmp(tails[i], "\t") != 0) /* not of the field (RFC 9110 5.5) */
            expect(header, 401, "");
    }
    static const char *const none[] = { ".", "..", "...", "a.b", "a.b.c", "e30.e30.", ".e30.e30", "e30..e30", "e30.e30.e30.e30.e30", "%2e" };
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        char header[200];
        snprintf(header, sizeof header, "Authorization: Bearer %s\n", none[i]);
        expect(header, 401, "");
    }
    char twice[8192];
    snprintf(twice, sizeof twice, "%s\n%s\n", sound, sound);
    expect(twice, 401, "several");
    free(sound);
}

static void
large_and_deep_tokens_are_refused(void **state)
{
    (void)state;
    load("{ jwt: { secret: " SECRET " } }");
    char claims[8000];
    memset(claims, ' ', sizeof claims);
    memcpy(claims, "\"a\":1,", 6);
    claims[7000] = '\0';
    expect(good(claims), 401, "larger than 8 KiB");
    claims[5000] = '\0';
    expect(good(claims), 200, "");
    memcpy(claims, "\"a\":", 4);
    memset(claims + 4, '[', 100);
    memset(claims + 104, ']', 100);
    strcpy(claims + 204, ",");
    expect(good(claims), 401, "claims are none");
}

static void
a_public_key_checks_signatures_and_is_never_a_secret(void **state)
{
    (void)state;
    load("{ jwt: { public_key: \"" ES256_PEM "\", issuer: joe, leeway: 36500d } }");
    expect(ES256_TOKEN, 200, "\"http://example.com/is_root\":true");
    load("{ jwt: { public_key: \"" ES256_PEM "\", issuer: joe } }");
    expect(ES256_TOKEN, 401, "has expired");
    /* Whoever knows the public key signs with it as if it were a secret. */
    static const char pem[] = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV7\n"
                              "6e8Tus9uPHvRVEXH8UTNG72bfocs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==\n-----END PUBLIC KEY-----\n";
    expect(token_of(HS256, claims_in("\"iss\":\"joe\",", 300), WEIR_SHA256, pem), 401, "algorithm is not taken");
}

static void
several_secrets_hold_while_one_is_exchanged_for_another(void **state)
{
    (void)state;
    load("{ jwt: { secret: [" SECRET ", " SECRET "2] } }");
    expect(good(""), 200, "");
    expect(token_of(HS256, claims_in("", 300), WEIR_SHA256, SECRET "2"), 200, "");
    expect(token_of(HS256, claims_in("", 300), WEIR_SHA256, SECRET "3"), 401, "signature is wrong");
}

static void
keys_that_cannot_be_fetched_are_answered_with_503(void **state)
{
    (void)state;
    load("{ jwt: { jwks_url: \"http://127.0.0.1:1/keys\", issuer: me } }"); /* nobody listens there */
    double before = stage_metric("weir_webhook_rejected_total{pipeline=\"entry\",reason=\"unavailable\"}");
    struct play *p = play_on("POST /in", ES256_TOKEN);
    assert_int_equal(p->status, 503);
    assert_string_equal(stage_header(p, "Retry-After"), "2");
    stage_end(&p);
    expect("Authorization: Bearer e30.e30.\n", 401, ""); /* that one needs no key */
    assert_true(stage_metric("weir_webhook_rejected_total{pipeline=\"entry\",reason=\"unavailable\"}") == (before < 0 ? 0 : before) + 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_enters_with_its_claims),
        cmocka_unit_test(a_token_may_stand_in_the_query_where_that_is_said),
        cmocka_unit_test(claims_that_are_not_for_us_are_refused),
        cmocka_unit_test(dates_hold_within_the_leeway),
        cmocka_unit_test(the_algorithm_is_ours_to_choose),
        cmocka_unit_test(headers_that_want_more_than_we_know_are_refused),
        cmocka_unit_test(every_changed_character_of_a_token_is_refused),
        cmocka_unit_test(what_is_no_token_is_refused),
        cmocka_unit_test(large_and_deep_tokens_are_refused),
        cmocka_unit_test(a_public_key_checks_signatures_and_is_never_a_secret),
        cmocka_unit_test(several_secrets_hold_while_one_is_exchanged_for_another),
        cmocka_unit_test(keys_that_cannot_be_fetched_are_answered_with_503),
    };
    return cmocka_run_group_tests(tests, stage_open, stage_close);
}

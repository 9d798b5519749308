/* webhook/tests/auth_test.c - who may enter: what webhook/README.md promises of auth.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/encode.h"
#include "base/password.h"

#define SECRET "0123456789abcdef0123456789abcdef"

/* A webhook with that auth, which answers with request.auth. */
static void
load(const char *auth)
{
    char yaml[8192];
    snprintf(yaml, sizeof yaml,
             "name: entry\ntrigger:\n  webhook:\n    path: /in\n    methods: [POST, GET]\n    auth: %s\nsteps:\n"
             "  - reply: { json: \"${ {'auth': request.auth, 'key': request.headers[\\\"x-api-key\\\"] ?? '', "
             "'token': request.headers.authorization ?? '', 'query': request.query } }\" }\n",
             auth);
    stage_load(yaml, NULL);
}

static struct play *
play_on(const char *line, const char *headers)
{
    struct play *p = stage_begin(line, NULL, headers);
    stage_finish(p);
    assert_int_equal(p->replies, 1);
    return p;
}

/* Fails unless the answer has STATUS and TEXT in its body. */
static void
expect_on(const char *line, const char *headers, unsigned status, const char *text)
{
    struct play *p = play_on(line, headers);
    if (p->status != status || strstr(p->body, text) == NULL)
        fail_msg("%s with %.200s: %u %s", line, headers ? headers : "nothing", p->status, p->body);
    stage_end(&p);
}

static void
expect(const char *headers, unsigned status, const char *text)
{
    expect_on("POST /in", headers, status, text);
}

static void
expect_challenge(const char *headers, unsigned status, const char *challenge)
{
    struct play *p = play_on("POST /in", headers);
    assert_int_equal(p->status, status);
    if (strcmp(stage_header(p, "WWW-Authenticate"), challenge) != 0)
        fail_msg("'%s' is not '%s'", stage_header(p, "WWW-Authenticate"), challenge);
    stage_end(&p);
}

static void
refused(const char *auth, const char *why)
{
    char yaml[4096];
    snprintf(yaml, sizeof yaml, "trigger:\n  webhook: { path: /a, auth: %s }\nsteps:\n  - reply: 204\n", auth);
    char *text = stage_refused(yaml);
    if (strstr(text, why) == NULL)
        fail_msg("'%s' is not in:\n%s", why, text);
    free(text);
}

/* "sha256:..." of TEXT, in memory of this function. */
static const char *
hash_of(const char *text)
{
    static char hex[7 + 64 + 1] = "sha256:";
    uint8_t bytes[DIGEST_MAX];
    digest(WEIR_SHA256, text_of(text), bytes);
    for (size_t i = 0; i < 32; i++)
        snprintf(hex + 7 + 2 * i, 3, "%02x", bytes[i]);
    return hex;
}

/* -- API keys -- */

static void
load_keys(const char *more)
{
    char auth[1024];
    snprintf(auth, sizeof auth, "{ api_key: { %s keys: [{ name: acme, hash: \"%s\", scopes: [read] }, ", more, hash_of("key-of-acme"));
    size_t len = strlen(auth);
    snprintf(auth + len, sizeof auth - len, "{ name: beta, hash: \"%s\" }] } }", hash_of("key-of-beta"));
    load(auth);
}

static void
a_known_key_enters_under_its_name(void **state)
{
    (void)state;
    load_keys("");
    expect("X-Api-Key: key-of-acme\n", 200,
           "{\"auth\":{\"scheme\":\"api_key\",\"name\":\"acme\",\"scopes\":[\"read\"],\"claims\":{}},");
    expect("X-Api-Key: key-of-beta\n", 200, "\"name\":\"beta\",\"scopes\":[]");
}

static void
other_keys_are_answered_with_401_and_counted(void **state)
{
    (void)state;
    load_keys("");
    double before = stage_metric("weir_webhook_rejected_total{pipeline=\"entry\",reason=\"auth\"}");
    expect(NULL, 401, "an API key is needed, in the header X-Api-Key");
    expect("X-Api-Key: key-of-acm\n", 401, "not known");
    expect("X-Api-Key: key-of-acmee\n", 401, "not known");
    expect("X-Api-Key: \n", 401, "needed");
    expect("X-Api-Key: key-of-acme\nX-Api-Key: key-of-acme\n", 401, "several");
    expect_challenge(NULL, 401, "ApiKey header=\"X-Api-Key\"");
    char longer[700] = "X-Api-Key: ";
    memset(longer + 11, 'a', 600);
    strcpy(longer + 611, "\n");
    expect(longer, 401, "not known");
    assert_true(stage_metric("weir_webhook_rejected_total{pipeline=\"entry\",reason=\"auth\"}") == (before < 0 ? 0 : before) + 7);
}

static void
the_key_is_taken_out_of_the_request_unless_it_is_forwarded(void **state)
{
    (void)state;
    load_keys("");
    expect("X-Api-Key: key-of-acme\n", 200, "\"key\":\"\"");
    load_keys("forward: true,");
    expect("X-Api-Key: key-of-acme\n", 200, "\"key\":\"key-of-acme\"");
    load_keys("header: X-Token,");
    expect("X-Token: key-of-acme\nX-Api-Key: key-of-acme\n", 200, "\"key\":\"key-of-acme\"");
    load_keys("query: k,");
    expect_on("POST /in?a=1&k=key-of%2Dacme&b=2", NULL, 200, "\"query\":{\"a\":\"1\",\"b\":\"2\"}");
    expect_on("POST /in?k=key-of-acme&%6b=key-of-acme", NULL, 401, "several");
    expect_on("POST /in?kk=key-of-acme", NULL, 401, "query parameter k");
}

static void
a_key_without_a_needed_scope_is_answered_with_403(void **state)
{
    (void)state;
    load_keys("scopes: [read],");
    expect("X-Api-Key: key-of-acme\n", 200, "acme");
    expect("X-Api-Key: key-of-beta\n", 403, "lacks the scope read");
}

/* -- passwords -- */

static const char *
basic(const char *pair)
{
    static char header[4096];
    struct buf b;
    buf_init(&b, 3000);
    (void)base64_encode(&b, text_of(pair), false);
    snprintf(header, sizeof header, "Authorization: Basic %s\n", b.bytes);
    buf_fini(&b);
    return header;
}

static void
a_name_with_its_password_enters(void **state)
{
    (void)state;
    setenv("AUTH_TEST_PASSWORD", "pass:word", 1);
    char auth[1024];
    snprintf(auth, sizeof auth,
             "{ basic: { realm: Orders, users: [{ name: ada, password: \"${ env.AUTH_TEST_PASSWORD }\" }, "
             "{ name: bob, hash: \"%s\", scopes: [x] }] } }",
             hash_of("hunter2"));
    load(auth);
    expect(basic("ada:pass:word"), 200, "{\"scheme\":\"basic\",\"name\":\"ada\",\"scopes\":[],\"claims\":{}}");
    expect(basic("ada:pass:word"), 200, "\"token\":\"\"");
    expect(basic("bob:hunter2"), 200, "\"name\":\"bob\",\"scopes\":[\"x\"]");
    static const char *const wrong[] = { "ada:hunter2", "bob:pass:word", "ada:", ":pass:word", "eve:hunter2", "ada", "", "Ada:pass:word" };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        expect(basic(wrong[i]), 401, "the name or the password is wrong");
    expect_challenge(NULL, 401, "Basic realm=\"Orders\", charset=\"UTF-8\"");
    expect("Authorization: Basic YWRhOnBhc3M6d29yZA\n", 401, "wrong"); /* without its padding */
    expect("Authorization: Basic YWRhOnBhc3M6d29yZB==\n", 401, "wrong"); /* another text for the same */
    expect("Authorization: Bearer YWRhOnBhc3M6d29yZA==\n", 401, "needed");
    char longer[2100];
    memset(longer, 'a', sizeof longer);
    memcpy(longer, "ada:", 4);
    longer[2099] = '\0';
    expect(basic(longer), 401, "wrong");
}

static void
passwords_under_scrypt_are_checked_and_then_known_for_a_while(void **state)
{
    (void)state;
    struct buf hash;
    buf_init(&hash, 200);
    password_hash(&hash, TEXT("correct horse"));
    char auth[1024];
    snprintf(auth, sizeof auth, "{ basic: { users: [{ name: ada, hash: \"%s\" }, { name: bob, hash: \"%s\" }] } }", hash.bytes, hash_of("b"));
    buf_fini(&hash);
    load(auth);
    expect(basic("ada:correct horse"), 200, "\"name\":\"ada\"");
    expect(basic("ada:correct horse"), 200, "\"name\":\"ada\"");
    expect(basic("ada:correct hors"), 401, "wrong");
    expect(basic("bob:b"), 200, "\"name\":\"bob\"");
    expect(basic("eve:correct horse"), 401, "wrong"); /* pays as much */
}

/* -- addresses -- */

static void
only_allowed_addresses_enter(void **state)
{
    (void)state;
    load("{ ip: [192.0.2.0/24, \"2001:db8::/32\"] }"); /* the stage sends from 192.0.2.1 */
    expect(NULL, 200, "{\"scheme\":\"ip\",\"name\":null,");
    load("{ ip: [10.0.0.0/8] }");
    expect(NULL, 403, "from this address");
    load("{ ip: { deny: [192.0.2.1] } }");
    expect(NULL, 403, "from this address");
    load("{ ip: { allow: [0.0.0.0/0], deny: [192.0.2.0/31] } }");
    expect(NULL, 403, "from this address");
    load("{ ip: { allow: [192.0.2.1/32], deny: [\"::/96\"] } }");
    expect(NULL, 200, "ip");
    load("{ ip: { allow: [\"::ffff:192.0.0.0/104\"] } }");
    expect(NULL, 200, "ip");
    load("{ ip: { allow: [192.0.2.2/31] } }");
    expect(NULL, 403, "from this address");
}

/* -- several ways -- */

static void
all_of_a_map_and_any_of_a_list_is_asked_for(void **state)
{
    (void)state;
    char auth[1024];
    snprintf(auth, sizeof auth, "{ ip: [10.0.0.0/8], api_key: { keys: [{ name: a, hash: \"%s\" }] } }", hash_of("k"));
    load(auth);
    expect("X-Api-Key: k\n", 403, "address");
    snprintf(auth, sizeof auth,
             "[{ ip: [10.0.0.0/8] }, { api_key: { keys: [{ name: a, hash: \"%s\" }] } }, "
             "{ basic: { users: [{ name: b, password: p }] } }]",
             hash_of("k"));
    load(auth);
    expect("X-Api-Key: k\n", 200, "\"name\":\"a\"");
    expect(basic("b:p"), 200, "\"name\":\"b\"");
    expect_challenge(NULL, 401, "ApiKey header=\"X-Api-Key\", Basic realm=\"weir\", charset=\"UTF-8\"");
    char both[200];
    snprintf(both, sizeof both, "X-Api-Key: k\n%s", basic("b:wrong"));
    expect(both, 200, "\"token\":\"\""); /* what was not looked at is not shown either */
}

/* -- tokens -- */

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

/* RFC 7515 A.2 and A.3: an exp of the year 2011. */
#define OLD_CLAIMS "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
#define ES256_PEM                                                                                                      \
    "-----BEGIN PUBLIC KEY-----\\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV7\\n"                 \
    "6e8Tus9uPHvRVEXH8UTNG72bfocs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==\\n-----END PUBLIC KEY-----\\n"
#define ES256_TOKEN                                                                                                    \
    "Authorization: Bearer eyJhbGciOiJFUzI1NiJ9." OLD_CLAIMS ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q\n"

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

/* -- mistakes of authors -- */

static void
what_can_never_work_is_refused_at_load(void **state)
{
    (void)state;
    refused("{}", "auth");
    refused("{ api_keys: {} }", "api_key");
    refused("{ api_key: { keys: [{ name: a, hash: secret }] } }", "weir keys new a");
    refused("{ api_key: { keys: [{ name: \"a b\", hash: x }] } }", "name");
    refused("{ api_key: { header: A, query: b, keys: [] } }", "not both");
    refused("{ api_key: { keys: [] }, basic: { users: [] } }", "one credential");
    refused("{ basic: { users: [{ name: a }] } }", "a hash or a password");
    refused("{ basic: { users: [{ name: a, password: b }, { name: a, password: c }] } }", "twice");
    refused("{ basic: { users: [{ name: a, hash: \"$scrypt$ln=20,r=8,p=1$c2FsdHNhbHRzYWx0$AAAAAAAAAAAAAAAAAAAAAAAAAAAA\" }] } }", "dear");
    refused("{ basic: { users: [{ name: a, password: \"${ secrets.nowhere }\" }] } }", "nowhere");
    refused("{ basic: { users: [{ name: a, password: \"${ request.id }\" }] } }", "request");
    refused("{ ip: [10.0.0.0/33] }", "10.0.0.0/33");
    refused("{ ip: [localhost] }", "localhost");
    refused("{ ip: [\"::1/129\"] }", "::1/129");
    refused("{ jwt: {} }", "'secret', 'public_key' or 'jwks_url'");
    refused("{ jwt: { secret: short } }", "32 bytes");
    refused("{ jwt: { secret: " SECRET ", algorithms: [RS256] } }", "RS256");
    refused("{ jwt: { secret: " SECRET ", algorithms: [HS512] } }", "HS512");
    refused("{ jwt: { secret: " SECRET ", algorithms: [none] } }", "algorithms");
    refused("{ jwt: { public_key: \"" ES256_PEM "\", algorithms: [HS256] } }", "HS256");
    refused("{ jwt: { public_key: nowhere.pem } }", "nowhere.pem");
    refused("{ jwt: { jwks_url: \"http://id.example/keys\", issuer: x } }", "https://");
    refused("{ jwt: { jwks_url: \"ftp://id.example/keys\", issuer: x } }", "https://");
    refused("{ jwt: { jwks_url: \"https://id.example/keys\" } }", "issuer");
    refused("{ jwt: { jwks_url: \"https://id.example/keys\", issuer: x, algorithms: [HS256] } }", "HS256");
}

static void
no_secret_stands_in_the_message_of_a_mistake(void **state)
{
    (void)state;
    setenv("AUTH_TEST_SHORT", "canary-canary", 1);
    char *text = stage_refused("trigger:\n  webhook: { path: /a, auth: { jwt: { secret: \"${ env.AUTH_TEST_SHORT }\" } } }\nsteps:\n  - reply: 204\n");
    assert_null(strstr(text, "canary"));
    free(text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_known_key_enters_under_its_name),
        cmocka_unit_test(other_keys_are_answered_with_401_and_counted),
        cmocka_unit_test(the_key_is_taken_out_of_the_request_unless_it_is_forwarded),
        cmocka_unit_test(a_key_without_a_needed_scope_is_answered_with_403),
        cmocka_unit_test(a_name_with_its_password_enters),
        cmocka_unit_test(passwords_under_scrypt_are_checked_and_then_known_for_a_while),
        cmocka_unit_test(only_allowed_addresses_enter),
        cmocka_unit_test(all_of_a_map_and_any_of_a_list_is_asked_for),
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
        cmocka_unit_test(what_can_never_work_is_refused_at_load),
        cmocka_unit_test(no_secret_stands_in_the_message_of_a_mistake),
    };
    return cmocka_run_group_tests(tests, stage_open, stage_close);
}

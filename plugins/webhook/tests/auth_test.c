/* webhook/tests/auth_test.c - who may enter: what webhook/README.md promises of auth. Tokens: auth_token_test.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "auth_stage.h"

#include "base/digest.h"
#include "base/encode.h"
#include "base/password.h"

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
        cmocka_unit_test(what_can_never_work_is_refused_at_load),
        cmocka_unit_test(no_secret_stands_in_the_message_of_a_mistake),
    };
    return cmocka_run_group_tests(tests, stage_open, stage_close);
}

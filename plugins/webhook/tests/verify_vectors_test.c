/* webhook/tests/verify_vectors_test.c - signatures: the vectors of the vendors, and every flipped bit.
 *
 * The vectors are those of Standard Webhooks' Go library and of GitHub's documentation; those of
 * Stripe and Slack were made with openssl after their documentation, that of v1a with node:crypto.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#include "../verify.c"
#include "../verify_header.c"
#include "../verify_open.c"
#include "../../shared/signature/content.c"
#include "../../shared/signature/keys.c"
#include "../../shared/signature/make.c"
#include "../../shared/signature/options.c"
#include "../../shared/signature/schemes.c"

bool
text_same(struct weir_text a, struct weir_text b)
{
    return text_equal(a, b);
}

/* What is not of verify: the rest of the plugin is played on the stage, by webhook_test.c. */
void
turn_away_for(const struct webhook *w, struct weir_event *e, const struct weir_error *err, const char *reason)
{
    (void)w;
    (void)e;
    (void)err;
    fail_msg("%s", reason);
}

#define NOW UINT64_C(1614265330)
#define WHSEC "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define V1 "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
#define WHPK "whpk_EZgbUjJdONMh4pTGBkvavLW9sGfKf8eu7XKHC75tBOM="
#define V1A "v1a,99WkitgQ0y0pKf4zQbH4pii0l7ZuusnuhBVyE2dadtRUa7P4kvxuIIV0Yn8CvxKAJwqcbMw1QZ0yJAW+6a4WDw=="

/* A signed request; every text is the test's own, so that its bits can be flipped. */
struct signed_request {
    const char *config;  /* JSON, without the secret */
    const char *secret;
    struct {
        const char *name;
        const char *value;
        bool loose; /* it is not signed: a flipped bit changes the id, and nothing else */
    } headers[3];
    const char *body;
};

static const struct signed_request vectors[] = {
    { "{\"scheme\":\"standard-webhooks\"}", WHSEC,
      { { "webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek", false },
        { "webhook-timestamp", "1614265330", false },
        { "webhook-signature", V1, false } },
      "{\"test\": 2432232314}" },
    { "{\"scheme\":\"standard-webhooks\"}", "whsec_" WHSEC,
      { { "webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek", false },
        { "webhook-timestamp", "1614265330", false },
        { "webhook-signature", V1, false } },
      "{\"test\": 2432232314}" },
    { "{\"scheme\":\"standard-webhooks\"}", WHPK,
      { { "webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek", false },
        { "webhook-timestamp", "1614265330", false },
        { "webhook-signature", V1A, false } },
      "{\"test\": 2432232314}" },
    { "{\"scheme\":\"svix\"}", "whsec_" WHSEC,
      { { "svix-id", "msg_p5jXN8AQM9LWM0D4loKWxJek", false },
        { "svix-timestamp", "1614265330", false },
        { "svix-signature", V1, false } },
      "{\"test\": 2432232314}" },
    { "{\"scheme\":\"github\"}", "It's a Secret to Everybody",
      { { "x-hub-signature-256", "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17", false },
        { "x-github-delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958", true } },
      "Hello, World!" },
    { "{\"scheme\":\"stripe\"}", "whsec_test_secret",
      { { "stripe-signature",
          "t=1614265330,v1=e135cdbed3dda004bf8a2fb350f2541d299393c770e0b9e6e319dc595e9072aa", false } },
      "{\"id\":\"evt_1\"}" },
    { "{\"scheme\":\"slack\"}", "8f742231b10e8888abcd99yyyzzz85a5",
      { { "x-slack-signature", "v0=1ec2cb4e52387a8cc98de2770a23026a9e8924733a39c7058601e2384086ca25", false },
        { "x-slack-request-timestamp", "1614265330", false } },
      "token=x&team_id=T1" },
    { "{\"scheme\":\"hmac\",\"header\":\"X-Sig\",\"algorithm\":\"sha1\",\"encoding\":\"base64\"}", "key",
      { { "x-sig", "3nybhbi3iqa8ino29wqQcBydtNk=", false } },
      "The quick brown fox jumps over the lazy dog" },
    { "{\"scheme\":\"hmac\",\"header\":\"X-Sig\",\"algorithm\":\"sha512\",\"prefix\":\"h=\"}", "key",
      { { "x-sig",
          "h=b42af09057bac1e2d41708e48a902e09b5ff7f12ab428a4fe86653c73dd248fb82f948a549f7b791a5b41915ee4d1ec3935357e4e2317250d0372afa2ebeeb3a",
          false } },
      "The quick brown fox jumps over the lazy dog" },
};

#define N_VECTORS (sizeof vectors / sizeof *vectors)

/* The event of a request, without an edge. */
struct made {
    struct weir_event event;
    struct weir_header headers[6];
};

static struct verify *
verify_of(const char *config, const char *secret)
{
    const struct weir_value *v = NULL;
    struct weir_error err = { 0 };
    struct verify *ret = calloc(1, sizeof *ret);
    assert_non_null(ret);
    assert_int_equal(host->json_read(text_of(config), &v, &err), WEIR_OK);
    if (verify_read(v, ret, &err) != WEIR_OK)
        fail_msg("%s: %s", config, err.text);
    host->unref(&v);
    for (const char *at = secret; *at != '\0'; at += strcspn(at, "\n") + (at[strcspn(at, "\n")] != '\0')) {
        v = host->string((struct weir_text){ at, strcspn(at, "\n") });
        if (verify_add_key(ret, v, "secret", &err) != WEIR_OK)
            fail_msg("%s", err.text);
        host->unref(&v);
    }
    return ret;
}

static void
make(struct made *m, const struct signed_request *r)
{
    memset(m, 0, sizeof *m);
    for (unsigned i = 0; i < 3 && r->headers[i].name != NULL; i++)
        m->headers[m->event.n_headers++] =
            (struct weir_header){ text_of(r->headers[i].name), text_of(strdup(r->headers[i].value)) };
    m->event.headers = m->headers;
    m->event.method = TEXT("POST");
    m->event.shard = stage_shard();
    m->event.raw = value_bytes(r->body, strlen(r->body));
}

static void
unmake(struct made *m)
{
    for (unsigned i = 0; i < m->event.n_headers; i++)
        free((char *)(uintptr_t)m->headers[i].value.bytes);
    value_unref(&m->event.raw);
}

static enum fault
fault_of(const struct verify *v, const struct made *m)
{
    struct claim claim;
    struct weir_error err = { 0 };
    enum fault f = verify_check(v, &m->event, &claim, &err);
    if (f != FAULT_NONE) {
        assert_int_equal(err.code, WEIR_UNAUTHORIZED);
        assert_true(strlen(err.text) > 0);
    }
    return f;
}

static void
the_vectors_of_the_vendors_are_taken(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_VECTORS; i++) {
        struct verify *v = verify_of(vectors[i].config, vectors[i].secret);
        struct made m;
        make(&m, &vectors[i]);
        if (fault_of(v, &m) != FAULT_NONE)
            fail_msg("vector %zu, %s", i, vectors[i].config);
        unmake(&m);
        verify_free(v);
    }
}

/* Flips each bit of TEXT, in a copy of just its size, and expects what is true of that. */
static unsigned
flip_all(const struct verify *v, struct made *m, struct weir_text *text, bool loose)
{
    unsigned refused = 0;
    struct weir_text was = *text;
    unsigned char *copy = malloc(was.len);
    assert_non_null(copy);
    for (size_t bit = 0; bit < was.len * 8; bit++) {
        memcpy(copy, was.bytes, was.len);
        copy[bit / 8] ^= (unsigned char)(1u << bit % 8);
        *text = (struct weir_text){ (const char *)copy, was.len };
        if (fault_of(v, m) != FAULT_NONE)
            refused++;
        else if (!loose)
            fail_msg("bit %zu of '%.*s' can be flipped", bit, (int)was.len, was.bytes);
    }
    *text = was;
    free(copy);
    return refused;
}

static void
every_flipped_bit_of_headers_and_body_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_VECTORS; i++) {
        struct verify *v = verify_of(vectors[i].config, vectors[i].secret);
        struct made m;
        make(&m, &vectors[i]);
        for (unsigned k = 0; k < m.event.n_headers; k++)
            (void)flip_all(v, &m, &m.headers[k].value, vectors[i].headers[k].loose);
        size_t len = strlen(vectors[i].body);
        char *body = strdup(vectors[i].body);
        for (size_t bit = 0; bit < len * 8; bit++) {
            body[bit / 8] = (char)(body[bit / 8] ^ 1 << bit % 8);
            value_unref(&m.event.raw);
            m.event.raw = value_bytes(body, len);
            if (fault_of(v, &m) != FAULT_SIGNATURE)
                fail_msg("bit %zu of the body of %s can be flipped", bit, vectors[i].config);
            body[bit / 8] = (char)(body[bit / 8] ^ 1 << bit % 8);
        }
        free(body);
        unmake(&m);
        verify_free(v);
    }
}

static void
a_secret_of_which_a_bit_is_flipped_fits_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_VECTORS; i++) {
        struct verify *v = verify_of(vectors[i].config, vectors[i].secret);
        struct made m;
        make(&m, &vectors[i]);
        for (size_t bit = 0; bit < v->keys[0].len * 8; bit++) {
            v->keys[0].bytes[bit / 8] ^= (char)(1 << bit % 8);
            assert_int_equal(fault_of(v, &m), FAULT_SIGNATURE);
            v->keys[0].bytes[bit / 8] ^= (char)(1 << bit % 8);
        }
        assert_int_equal(fault_of(v, &m), FAULT_NONE);
        unmake(&m);
        verify_free(v);
    }
}

/* Whether the request R is taken when one of its headers has another VALUE (NULL: is not there). */
static enum fault
with(const struct signed_request *r, const char *secrets, const char *name, const char *value)
{
    struct verify *v = verify_of(r->config, secrets ? secrets : r->secret);
    struct made m;
    struct signed_request other = *r;
    unsigned at = 0;
    while (at < 2 && other.headers[at].name != NULL && strcmp(other.headers[at].name, name) != 0)
        at++;
    assert_string_equal(other.headers[at].name, name);
    other.headers[at].value = value ? value : "";
    make(&m, &other);
    if (value == NULL)
        m.headers[at].name = TEXT("x-other");
    enum fault f = fault_of(v, &m);
    unmake(&m);
    verify_free(v);
    return f;
}

#define SIGNATURE(value) with(&vectors[0], NULL, "webhook-signature", value)
#define TIMESTAMP(value) with(&vectors[0], NULL, "webhook-timestamp", value)
#define STRIPE(value) with(&vectors[5], NULL, "stripe-signature", value)
#define STRIPE_V1 "v1=e135cdbed3dda004bf8a2fb350f2541d299393c770e0b9e6e319dc595e9072aa"

static void
one_of_several_signatures_is_enough(void **state)
{
    (void)state;
    assert_int_equal(SIGNATURE("v1,AAAA " V1), FAULT_NONE);
    assert_int_equal(SIGNATURE(V1 " v1,AAAA"), FAULT_NONE);
    assert_int_equal(SIGNATURE("v9,anything v1a,AAAA " V1), FAULT_NONE);
    assert_int_equal(SIGNATURE("v1,AAAA v1,BBBB"), FAULT_SIGNATURE);
    assert_int_equal(SIGNATURE("v9,anything"), FAULT_SIGNATURE);
    assert_int_equal(STRIPE("t=1614265330,v1=00," STRIPE_V1 ",v0=00"), FAULT_NONE);
    assert_int_equal(STRIPE(STRIPE_V1 ",t=1614265330"), FAULT_NONE);
    assert_int_equal(STRIPE("t=1614265330,v0=e135cdbed3dda004bf8a2fb350f2541d299393c770e0b9e6e319dc595e9072aa"),
                     FAULT_SIGNATURE);
}

static void
one_of_several_secrets_is_enough(void **state)
{
    (void)state;
    assert_int_equal(with(&vectors[0], "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n" WHSEC, "webhook-signature", V1), FAULT_NONE);
    assert_int_equal(with(&vectors[0], WHSEC "\n" WHPK, "webhook-signature", V1A " v1,AAAA"), FAULT_NONE);
    assert_int_equal(with(&vectors[0], WHSEC, "webhook-signature", V1A), FAULT_SIGNATURE);
    assert_int_equal(with(&vectors[0], WHPK, "webhook-signature", V1), FAULT_SIGNATURE);
    assert_int_equal(with(&vectors[0], "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "webhook-signature", V1), FAULT_SIGNATURE);
}

static void
no_other_spelling_of_a_signature_is_taken(void **state)
{
    (void)state;
    /* bits behind the last byte, padding, blanks, the other alphabet and case */
    assert_int_equal(SIGNATURE("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OF="), FAULT_SIGNATURE);
    assert_int_equal(SIGNATURE("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE"), FAULT_SIGNATURE);
    assert_int_equal(SIGNATURE("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=="), FAULT_SIGNATURE);
    assert_int_equal(SIGNATURE("v1,g0hM9SsE-OTPJTGt_tmIKtSyZlE3uFJELVlNIOLJ1OE="), FAULT_SIGNATURE);
    assert_int_equal(SIGNATURE("V1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="), FAULT_SIGNATURE);
    assert_int_equal(SIGNATURE("v1,\tg0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="), FAULT_SIGNATURE);
    assert_int_equal(STRIPE("t=1614265330,v1=E135CDBED3DDA004BF8A2FB350F2541D299393C770E0B9E6E319DC595E9072AA"),
                     FAULT_SIGNATURE);
    assert_int_equal(with(&vectors[2], NULL, "webhook-signature",
                          "v1a,99WkitgQ0y0pKf4zQbH4pii0l7ZuusnuhBVyE2dadtRUa7P4kvxuIIV0Yn8CvxKAJwqcbMw1QZ0yJAW+6a4WDx=="),
                     FAULT_SIGNATURE);
    assert_int_equal(with(&vectors[2], NULL, "webhook-signature",
                          "v1a,99WkitgQ0y0pKf4zQbH4pii0l7ZuusnuhBVyE2dadtRUa7P4kvxuIIV0Yn8CvxKAJwqcbMw1QZ0yJAW+6a4WDw"),
                     FAULT_SIGNATURE);
}

static void
malformed_headers_are_refused(void **state)
{
    (void)state;
    static const char *const lists[] = { " " V1, V1 " ", V1 "  v1,AAAA", "v1", ",AAAA", "v1,", "v1 g0hM9S", " ", "v1a, " };
    static const char *const pairs[] = { "t=1614265330",  STRIPE_V1,       "t=1614265330," STRIPE_V1 ",",
                                         "t,v1=00",       "=1614265330",   "t=,v1=00",
                                         "t=1614265330,t=1614265330," STRIPE_V1, ",", "t=1614265330 ," STRIPE_V1,
                                         "t=1614265330;" STRIPE_V1, "t=1614265330, " STRIPE_V1, "t= 1614265330," STRIPE_V1 };
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        if (SIGNATURE(lists[i]) != FAULT_MALFORMED)
            fail_msg("'%s' is taken", lists[i]);
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (STRIPE(pairs[i]) == FAULT_NONE)
            fail_msg("'%s' is taken", pairs[i]);
    assert_int_equal(SIGNATURE(V1 " v1,A v1,A v1,A v1,A v1,A v1,A v1,A"), FAULT_NONE);
    assert_int_equal(SIGNATURE(V1 " v1,A v1,A v1,A v1,A v1,A v1,A v1,A v1,A"), FAULT_MALFORMED);
    assert_int_equal(SIGNATURE(V1 " v1a,A v1a,A v1a,A v1a,A v1a,A"), FAULT_MALFORMED);
    assert_int_equal(SIGNATURE(""), FAULT_MISSING);
    assert_int_equal(SIGNATURE(NULL), FAULT_MISSING);
    assert_int_equal(with(&vectors[4], NULL, "x-hub-signature-256", "sha1=aa"), FAULT_MALFORMED);
    assert_int_equal(with(&vectors[4], NULL, "x-hub-signature-256", "sha256="), FAULT_MALFORMED);
    assert_int_equal(with(&vectors[4], NULL, "x-hub-signature-256", "sha256"), FAULT_MALFORMED);
}

static void
a_header_that_stands_twice_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_VECTORS; i++) {
        struct verify *v = verify_of(vectors[i].config, vectors[i].secret);
        struct made m;
        make(&m, &vectors[i]);
        unsigned n = m.event.n_headers;
        for (unsigned k = 0; k < n; k++) {
            m.headers[n] = m.headers[k]; /* the same, and even that */
            m.event.n_headers = n + 1;
            assert_int_equal(fault_of(v, &m), FAULT_MALFORMED);
            m.event.n_headers = n;
        }
        assert_int_equal(fault_of(v, &m), FAULT_NONE);
        unmake(&m);
        verify_free(v);
    }
}

static void
a_time_outside_of_the_tolerance_is_refused(void **state)
{
    (void)state;
    static const struct {
        int64_t off;
        enum fault fault;
    } times[] = { { -301, FAULT_TIME }, { -300, FAULT_NONE }, { 300, FAULT_NONE }, { 301, FAULT_TIME },
                  { -1600000000, FAULT_TIME }, { 1000000000, FAULT_TIME } };
    for (size_t i = 0; i < N_VECTORS; i++) {
        struct verify *v = verify_of(vectors[i].config, vectors[i].secret);
        struct made m;
        make(&m, &vectors[i]);
        for (size_t k = 0; k < sizeof times / sizeof *times; k++) {
            clock_wall_hold((uint64_t)((int64_t)NOW + times[k].off) * 1000);
            assert_int_equal(fault_of(v, &m), v->tolerance_ms > 0 ? times[k].fault : FAULT_NONE);
        }
        clock_wall_hold(NOW * 1000);
        unmake(&m);
        verify_free(v);
    }
}

static void
a_timestamp_is_digits_and_nothing_else(void **state)
{
    (void)state;
    static const char *const bad[] = { "+1614265330", "-1614265330", " 1614265330", "1614265330 ", "1614265330.0",
                                       "01614265330", "0x60379b72",  "1.614265330e9", "16142653309999999999999999",
                                       "18446744075323816946", "1614265330\n", "161426533a", "", "999999999999999" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (TIMESTAMP(bad[i]) != FAULT_MALFORMED && !(bad[i][0] == '\0' && TIMESTAMP("") == FAULT_MISSING))
            fail_msg("'%s' is taken", bad[i]);
    assert_int_equal(TIMESTAMP("0"), FAULT_TIME);
    assert_int_equal(TIMESTAMP("253402300799"), FAULT_TIME);
    assert_int_equal(TIMESTAMP("253402300800"), FAULT_MALFORMED);
    assert_int_equal(TIMESTAMP("1614265331"), FAULT_SIGNATURE);
}

static void
an_id_with_a_full_stop_or_of_any_length_is_refused(void **state)
{
    (void)state;
    char long_id[ID_MAX + 2];
    memset(long_id, 'a', sizeof long_id - 1);
    long_id[sizeof long_id - 1] = '\0';
    assert_int_equal(with(&vectors[0], NULL, "webhook-id", "msg.1614265330"), FAULT_MALFORMED);
    assert_int_equal(with(&vectors[0], NULL, "webhook-id", "msg 1"), FAULT_MALFORMED);
    assert_int_equal(with(&vectors[0], NULL, "webhook-id", "msg\xc3\xa4"), FAULT_MALFORMED);
    assert_int_equal(with(&vectors[0], NULL, "webhook-id", long_id), FAULT_MALFORMED);
    assert_int_equal(with(&vectors[0], NULL, "webhook-id", ""), FAULT_MISSING);
    assert_int_equal(with(&vectors[4], NULL, "x-github-delivery", long_id), FAULT_MALFORMED);
    assert_int_equal(with(&vectors[4], NULL, "x-github-delivery", NULL), FAULT_NONE); /* it is not signed */
}

static void
an_hmac_signs_what_its_content_says(void **state)
{
    (void)state;
    static const struct signed_request r = {
        "{\"scheme\":\"hmac\",\"header\":\"X-Sig\",\"content\":\"{method}:{id}:{header:X-B}:{timestamp}:{{{body}\","
        "\"timestamp_header\":\"X-T\",\"timestamp_unit\":\"ms\",\"id_header\":\"X-Id\",\"separator\":\",\",\"prefix\":\"s=\"}",
        "k",
        { { "x-sig", "", false }, { "x-t", "1614265330123", false }, { "x-id", "7", false } },
        "{\"a\":1}"
    };
    struct verify *v = verify_of(r.config, r.secret);
    struct made m;
    uint8_t digest[64];
    char text[SIGNATURE_TEXT_MAX], header[400];
    make(&m, &r);
    m.headers[m.event.n_headers++] = (struct weir_header){ TEXT("x-b"), text_of(strdup("B")) };
    struct weir_text content = TEXT("POST:7:B:1614265330123:{{\"a\":1}");
    host->hmac(WEIR_SHA256, TEXT("k"), content, digest);
    text[signature_write(ENCODING_HEX, (struct weir_text){ (const char *)digest, 32 }, text)] = '\0';
    struct weir_text was = m.headers[0].value;
    snprintf(header, sizeof header, "t=1,s=%s", text);
    m.headers[0].value = text_of(header);
    assert_int_equal(fault_of(v, &m), FAULT_NONE);
    m.headers[3].name = TEXT("x-c");
    assert_int_equal(fault_of(v, &m), FAULT_MISSING);
    m.headers[3].name = TEXT("x-t");
    assert_int_equal(fault_of(v, &m), FAULT_MALFORMED);
    m.headers[0].value = was;
    unmake(&m);
    verify_free(v);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vectors_of_the_vendors_are_taken),
        cmocka_unit_test(every_flipped_bit_of_headers_and_body_is_refused),
        cmocka_unit_test(a_secret_of_which_a_bit_is_flipped_fits_nothing),
        cmocka_unit_test(one_of_several_signatures_is_enough),
        cmocka_unit_test(one_of_several_secrets_is_enough),
        cmocka_unit_test(no_other_spelling_of_a_signature_is_taken),
        cmocka_unit_test(malformed_headers_are_refused),
        cmocka_unit_test(a_header_that_stands_twice_is_refused),
        cmocka_unit_test(a_time_outside_of_the_tolerance_is_refused),
        cmocka_unit_test(a_timestamp_is_digits_and_nothing_else),
        cmocka_unit_test(an_id_with_a_full_stop_or_of_any_length_is_refused),
        cmocka_unit_test(an_hmac_signs_what_its_content_says),
    };
    host = host_table();
    clock_wall_hold(NOW * 1000);
    return cmocka_run_group_tests(tests, stage_open, stage_close);
}

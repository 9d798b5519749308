/* webhook/tests/verify_test.c - verify: on the stage: what is turned away, what comes again, what is refused
 * at load. The signatures themselves: verify_vectors_test.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define NOW UINT64_C(1614265330)

#define PIPELINE(verify)                                                                                \
    "name: hooks\ntrigger:\n  webhook: { path: /x, verify: " verify " }\nsteps:\n"                       \
    "  - reply: { json: { run: \"${ run.id }\" } }\n"

/* Plays a request, whose answer the caller frees. */
static char *
answer_of(const char *body, const char *headers, unsigned status)
{
    struct play *p = stage_begin("POST /x", body, headers);
    stage_finish(p);
    if (p->status != status)
        fail_msg("%s is answered %u %s", headers, p->status, p->body);
    char *text = strdup(p->body);
    stage_end(&p);
    return text;
}

/* Whether the second of two requests is answered as the first one, and starts no run. */
static bool
is_repeat(const char *body, const char *headers, const char *other_body, const char *other_headers)
{
    char *first = answer_of(body, headers, 200), *second = answer_of(other_body, other_headers, 200);
    bool same = strcmp(first, second) == 0;
    free(first);
    free(second);
    return same;
}

/* Headers that sign BODY as SCHEME with the secret "k"; valid until the next. */
static const char *
signed_for(const char *header, const char *prefix, const char *before, const char *body)
{
    static char text[1000];
    uint8_t digest[64];
    char hex[2 * sizeof digest + 1];
    struct weir_text parts[] = { text_of(before), text_of(body) };
    size_t len = host_table()->hmac_parts(WEIR_SHA256, TEXT("k"), parts, 2, digest);
    for (size_t i = 0; i < len; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    snprintf(text, sizeof text, "%s: %s%s\n", header, prefix, hex);
    return text;
}

static const char *
github(const char *body, const char *id)
{
    static char text[4][1200];
    static unsigned n;
    char *ret = text[n++ % 4];
    snprintf(ret, sizeof text[0], "%s%s%s%s", signed_for("X-Hub-Signature-256", "sha256=", "", body),
             id ? "X-GitHub-Delivery: " : "", id ? id : "", id ? "\n" : "");
    return ret;
}

static const char *
stripe(const char *body)
{
    static char text[4][1200];
    static unsigned n;
    char *ret = text[n++ % 4];
    snprintf(ret, sizeof text[0], "%s", signed_for("Stripe-Signature", "t=1614265330,v1=", "1614265330.", body));
    return ret;
}

static void
what_is_not_signed_is_answered_401_and_counted(void **state)
{
    (void)state;
    setenv("WEIR_SECRET_HOOK", "k", 1);
    stage_load(PIPELINE("{ scheme: github, secret: \"${ secrets.HOOK }\" }"), NULL);
    free(answer_of("{}", github("{}", "1"), 200));
    free(answer_of("{}", NULL, 401));
    free(answer_of("{ }", github("{}", "2"), 401));
    char *text = answer_of("{}", "X-Hub-Signature-256: sha1=00\n", 401);
    assert_non_null(strstr(text, "urn:weir:problem:unauthorized"));
    assert_non_null(strstr(text, "the header 'x-hub-signature-256' of the request is malformed"));
    free(text);
    assert_true(stage_metric("weir_webhook_rejected_total{pipeline=\"hooks\",reason=\"signature_missing\"}") == 1);
    assert_true(stage_metric("weir_webhook_rejected_total{pipeline=\"hooks\",reason=\"signature_malformed\"}") == 1);
    assert_true(stage_metric("weir_webhook_rejected_total{pipeline=\"hooks\",reason=\"signature\"}") == 1);
    unsetenv("WEIR_SECRET_HOOK");
}

static void
an_event_that_comes_again_gets_the_first_answer_and_no_run(void **state)
{
    (void)state;
    stage_load(PIPELINE("{ scheme: github, secret: k }"), NULL);
    assert_true(is_repeat("{}", github("{}", "a"), "{}", github("{}", "a")));
    assert_true(is_repeat("{}", github("{}", "a"), "[]", github("[]", "a"))); /* the id says which it is */
    assert_false(is_repeat("{}", github("{}", "a"), "{}", github("{}", "b")));
    assert_false(is_repeat("{}", github("{}", NULL), "{}", github("{}", NULL)));
    stage_load(PIPELINE("{ scheme: github, secret: k, dedupe: false }"), NULL);
    assert_false(is_repeat("{}", github("{}", "c"), "{}", github("{}", "c")));
}

static void
an_id_may_stand_in_the_body(void **state)
{
    (void)state;
    stage_load(PIPELINE("{ scheme: stripe, secret: k }"), NULL);
    assert_true(is_repeat("{\"id\":\"evt_1\",\"pending_webhooks\":1}", stripe("{\"id\":\"evt_1\",\"pending_webhooks\":1}"),
                          "{\"id\":\"evt_1\",\"pending_webhooks\":0}", stripe("{\"id\":\"evt_1\",\"pending_webhooks\":0}")));
    assert_false(is_repeat("{\"id\":\"evt_1\"}", stripe("{\"id\":\"evt_1\"}"), "{\"id\":\"evt_2\"}", stripe("{\"id\":\"evt_2\"}")));
    assert_false(is_repeat("{\"a\":1}", stripe("{\"a\":1}"), "{\"a\":1}", stripe("{\"a\":1}")));
    assert_false(is_repeat("no JSON", stripe("no JSON"), "no JSON", stripe("no JSON")));
    stage_load(PIPELINE("{ scheme: hmac, secret: k, header: X-S, id_body: /event/id }"), NULL);
    const char *body = "{\"event\":{\"id\":17}}";
    char headers[300];
    snprintf(headers, sizeof headers, "%s", signed_for("X-S", "", "", body));
    assert_true(is_repeat(body, headers, body, headers));
}

static void
a_pipelines_own_idempotency_counts(void **state)
{
    (void)state;
    stage_load("name: own\nidempotency: \"${ request.headers['x-key'] }\"\ntrigger:\n"
               "  webhook: { path: /x, verify: { scheme: github, secret: k } }\nsteps:\n"
               "  - reply: { json: { run: \"${ run.id }\" } }\n", NULL);
    char one[1300], other[1300];
    snprintf(one, sizeof one, "%sX-Key: 1\n", github("{}", "a"));
    snprintf(other, sizeof other, "%sX-Key: 2\n", github("{}", "a"));
    assert_false(is_repeat("{}", one, "{}", other));
    snprintf(other, sizeof other, "%sX-Key: 1\n", github("{}", "b"));
    assert_true(is_repeat("{}", one, "{}", other));
}

static void
a_challenge_of_slack_is_echoed_only_if_it_is_signed(void **state)
{
    (void)state;
    static const char body[] = "{\"type\":\"url_verification\",\"challenge\":\"3eZbrw1aB1\"}";
    char headers[400];
    stage_load(PIPELINE("{ scheme: slack, secret: k }"), NULL);
    free(answer_of(body, "X-Slack-Signature: v0=00\nX-Slack-Request-Timestamp: 1614265330\n", 401));
    snprintf(headers, sizeof headers, "%sX-Slack-Request-Timestamp: 1614265330\n",
             signed_for("X-Slack-Signature", "v0=", "v0:1614265330:", body));
    char *text = answer_of(body, headers, 200);
    assert_string_equal(text, "3eZbrw1aB1");
    free(text);
    stage_load(PIPELINE("{ scheme: slack, secret: k, challenge: false }"), NULL);
    text = answer_of(body, headers, 200);
    assert_non_null(strstr(text, "\"run\""));
    free(text);
}

static void
expect_refused(const char *verify, const char *why)
{
    stage_refuses(why, "trigger:\n  webhook:\n    path: /x\n    verify: %s\nsteps:\n  - reply: 204\n", verify);
}

static void
what_can_not_be_checked_is_refused_at_load(void **state)
{
    (void)state;
    expect_refused("github", "{ scheme: github, secret:");
    expect_refused("{ scheme: github }", "needs a 'secret'");
    expect_refused("{ scheme: github, secret: a, secrets: [b] }", "needs a 'secret'");
    expect_refused("{ scheme: github, secret: \"${ secrets.NOT_SET }\" }", "verify.secret: secrets has no field 'NOT_SET'");
    expect_refused("{ scheme: github, secrets: [\"${ secrets.NOT_SET ?? null }\"] }", "no secret is set");
    expect_refused("{ scheme: github, secret: \"${ secrets.NOT_SET ?? '' }\" }", "empty");
    expect_refused("{ scheme: github, secret: \"a\\n\" }", "line break");
    expect_refused("{ scheme: github, secret: a, header: X }", "belongs to the scheme hmac");
    expect_refused("{ scheme: github, secret: a, tolerance: 1m }", "signs no time");
    expect_refused("{ scheme: github, secret: a, challenge: true }", "has no 'challenge'");
    expect_refused("\"${ env.A }\"", "only secrets and the 'store' of 'dedupe' can be expressions, not all of it");
    expect_refused("{ scheme: github, secret: a, dedupe: { on_store_error: \"${ env.A }\" } }", "not 'dedupe.on_store_error'");
    expect_refused("{ scheme: github, secret: a, dedupe: { store: \"http://x\" } }", "verify.dedupe.store: a Redis URL begins with");
    expect_refused("{ scheme: github, secret: a, dedupe: { store: \"${ env.WEIR_NO_SUCH }\" } }", "verify.dedupe/store: env has no field 'WEIR_NO_SUCH'");
    expect_refused("{ scheme: \"${ env.A }\", secret: a }", "not 'scheme'");
    expect_refused("{ scheme: gitlab, secret: a }", "webhook.verify.scheme");
    expect_refused("{ scheme: standard-webhooks, secret: whsec_AAAA }", "24 to 64 bytes");
    expect_refused("{ scheme: svix, secret: whpk_AAAA }", "32 bytes");
    expect_refused("{ scheme: svix, secret: whsk_AAAA }", "the private key of a pair");
    expect_refused("{ scheme: stripe, secret: a, tolerance: 1h, dedupe: { ttl: 1h } }", "twice the 'tolerance'");
    expect_refused("{ scheme: stripe, secret: a, tolerance: 0s }", "from 1s to 1d");
    expect_refused("{ scheme: stripe, secret: a, tolerance: 2d }", "from 1s to 1d");
    expect_refused("{ scheme: github, secret: a, dedupe: { ttl: 0s } }", "from 1m to 365d");
    expect_refused("{ scheme: github, secret: a, dedupe: { ttl: 366d } }", "from 1m to 365d");
    expect_refused("{ scheme: hmac, secret: a, header: X, separator: ab }", "webhook.verify.separator");
    expect_refused("true", "webhook.verify");
    expect_refused("{ scheme: hmac, secret: a }", "'header'");
    expect_refused("{ scheme: hmac, secret: a, header: X, content: \"{id}\" }", "no {body}");
    expect_refused("{ scheme: hmac, secret: a, header: X, content: \"{body}{id}\" }", "'id_header'");
    expect_refused("{ scheme: hmac, secret: a, header: X, content: \"{body}{timestamp}\" }", "'timestamp_header'");
    expect_refused("{ scheme: hmac, secret: a, header: X, timestamp_header: Y }", "no {timestamp}");
    expect_refused("{ scheme: hmac, secret: a, header: X, content: \"{body\" }", "not closed");
    expect_refused("{ scheme: hmac, secret: a, header: X, content: \"{body}{nonce}\" }", "{nonce} is unknown");
    expect_refused("{ scheme: hmac, secret: a, header: X, dedupe: true }", "where an event's id is");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_signed_is_answered_401_and_counted),
        cmocka_unit_test(an_event_that_comes_again_gets_the_first_answer_and_no_run),
        cmocka_unit_test(an_id_may_stand_in_the_body),
        cmocka_unit_test(a_pipelines_own_idempotency_counts),
        cmocka_unit_test(a_challenge_of_slack_is_echoed_only_if_it_is_signed),
        cmocka_unit_test(what_can_not_be_checked_is_refused_at_load),
    };
    clock_wall_hold(NOW * 1000);
    return cmocka_run_group_tests(tests, stage_open, stage_close);
}

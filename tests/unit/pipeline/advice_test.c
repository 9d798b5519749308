/* tests/unit/pipeline/advice_test.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "expect.h"

static void
a_webhook_says_who_may_call(void **state)
{
    (void)state;
    assert_said("trigger: { webhook: { path: /a } }\nsteps: []\n",
                "1:12+7 W0801 anybody can call this webhook: it has neither 'auth' nor 'verify'\n");
    assert_fine("trigger: { webhook: { path: /a, auth: none } }\nsteps: []\n");
    assert_fine("trigger: { cron: {} }\nsteps: []\n");
}

static void
a_websocket_says_who_may_open_it_or_asks_in_a_run(void **state)
{
    (void)state;
    assert_said("trigger: { websocket: {} }\nsteps: []\n",
                "1:12+9 W0801 anybody can open this websocket: it has no 'auth', and no run on 'open' that could refuse\n");
    assert_fine("trigger: { websocket: { auth: none } }\nsteps: []\n");
    assert_fine("trigger: { websocket: { on: [ message, open ] } }\nsteps: []\n");
}

static void
who_may_call_is_not_asked_where_nobody_else_can(void **state)
{
    (void)state;
    struct registry *r = fake_registry();
    const struct load_options o = { .registry = r, .env_names = fake_environment };
    struct diags d;
    diags_init(&d);
    struct pipeline *p = pipeline_load_text("p.yaml", TEXT("trigger: { webhook: { path: /a } }\nsteps: []\n"), &o, &d);
    assert_non_null(p);
    assert_int_equal(d.errors + d.warnings, 0);
    pipeline_free(&p);
    diags_fini(&d);
    registry_free(&r);
}

static void
an_unsafe_step_has_no_retry(void **state)
{
    (void)state;
    assert_said("steps:\n  - http: { url: \"http://x\", method: POST }\n    retry: 3\n",
                "3:5+5 W0802 node 'steps_0_http' is unsafe to run twice, and has a retry"
                " | say 'effect: idempotent' if running it twice does no harm\n");
    assert_fine("steps:\n  - http: { url: \"http://x\", method: POST }\n    retry: 3\n    "
                "effect: none\n"
                "  - http: http://x\n    retry: 3\n"
                "  - http: { url: \"http://x\", method: POST }\n    retry: 1\n");
    assert_said("steps:\n  - set: 1\n    effect: unsafe\n    retry: { attempts: 2 }\n",
                "4:5+5 W0802 node 'steps_0_set' is unsafe to run twice, and has a retry"
                " | say 'effect: idempotent' if running it twice does no harm\n");
}

static void
blocks_that_are_better_there(void **state)
{
    (void)state;
    assert_said("steps:\n  - id: route\n    switch: ${ input }\n    cases: { a: [] }\n"
                "  - id: guard\n    breaker:\n    do: []\n",
                "3:5+6 W0803 switch 'route' has no 'default'\n"
                "6:5+7 W0804 breaker 'guard' has no 'fallback'\n");
}

static void
inner_deadlines_are_earlier(void **state)
{
    (void)state;
    assert_said(
        "timeout: 10s\nsteps:\n  - id: a\n    timeout: 20s\n    set: 1\n"
        "  - id: b\n    breaker: { timeout: 5s }\n    do:\n"
        "      - { id: c, http: { url: \"http://x\", timeout: 6s }, timeout: 4s }\n"
        "      - { id: d, set: 1, timeout: 6s, retry: { timeout: 7s } }\n    fallback: []\n"
        "finally:\n  - { id: e, set: 1, timeout: 20s }\n",
        "5:5+3 W0805 the timeout of node 'a' is 20s, what encloses it ends after 10s\n"
        "9:18+4 W0805 the http.timeout of node 'c' is 6s, what encloses it ends after 4s\n"
        "10:18+3 W0805 the retry.timeout of node 'd' is 7s, what encloses it ends after 5s\n"
        "10:18+3 W0805 the timeout of node 'd' is 6s, what encloses it ends after 5s\n");
}

static void
cases_can_be_reached(void **state)
{
    (void)state;
    assert_said(
        "steps:\n  - switch:\n    cases:\n      - { when: \"${ input.a }\", do: [] }\n"
        "      - { when: \"${ input.b }\", do: [] }\n      - { when: \"${ input.a }\", do: [] "
        "}\n"
        "      - { when: \"${ 1 > 2 }\", do: [] }\n      - { when: \"${ true }\", do: [] }\n"
        "      - { when: \"${ input.c }\", do: [] }\n    default: []\n",
        "6:17+14 W0215 this case is never reached: one above has the same 'when'\n"
        "7:17+12 W0215 this case is never reached: its 'when' is always false\n"
        "9:17+14 W0215 this case is never reached: the one in line 8 is always true\n");
    assert_said("steps:\n  - switch: request.body\n    cases: {}\n    default: []\n",
                "2:5+6 W0215 switch 'steps_0_switch' chooses by a fixed text: 'request.body'"
                " | write it in ${ } if it is an expression\n");
}

static void
a_condition_that_is_always_false_is_noticed(void **state)
{
    (void)state;
    assert_said("steps:\n  - set: 1\n    if: ${ false }\n  - set: 1\n    if: ${ 1 == 1 }\n"
                "  - set: 1\n    if: ${ now() < 0 }\n  - set: 1\n    if: ${ input.x }\n",
                "2:5+3 W0808 node 'steps_0_set' never runs: its 'if' is always false\n");
}

static void
a_foreach_over_the_event_has_a_bound(void **state)
{
    (void)state;
    assert_said("steps:\n  - foreach: ${ request.body }\n    do: []\n",
                "2:5+7 W0807 foreach 'steps_0_foreach' has no 'max_items'\n");
    assert_fine("steps:\n  - foreach: [1, 2]\n    do: []\n"
                "  - foreach: { items: \"${ request.body }\", max_items: 5 }\n    do: []\n");
}

static void
finally_cannot_reply_and_streams_are_not_kept(void **state)
{
    (void)state;
    assert_said("steps: []\nfinally:\n  - try:\n    do: [ { reply: {} } ]\n",
                "4:13+5 W0216 finally runs after the reply was sent\n");
    struct registry *r = fake_registry();
    struct pipeline *p = load_said_with(
        r, true, "durable: steps\nsteps:\n  - http: { url: \"http://x\", stream: true }\n",
        "3:5+4 W0217 a stream can't be kept: each step of this pipeline is recorded\n");
    pipeline_free(&p);
    registry_free(&r);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_webhook_says_who_may_call),
        cmocka_unit_test(a_websocket_says_who_may_open_it_or_asks_in_a_run),
        cmocka_unit_test(who_may_call_is_not_asked_where_nobody_else_can),
        cmocka_unit_test(an_unsafe_step_has_no_retry),
        cmocka_unit_test(blocks_that_are_better_there),
        cmocka_unit_test(inner_deadlines_are_earlier),
        cmocka_unit_test(cases_can_be_reached),
        cmocka_unit_test(a_condition_that_is_always_false_is_noticed),
        cmocka_unit_test(a_foreach_over_the_event_has_a_bound),
        cmocka_unit_test(finally_cannot_reply_and_streams_are_not_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

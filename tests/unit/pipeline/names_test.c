/* tests/unit/pipeline/names_test.c
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "expect.h"

static void
names_that_are_always_there(void **state)
{
    (void)state;
    assert_fine(
        "steps:\n  - set: ${ request.body.a + input.b + run.id + env.REGION }\n"
        "  - set: ${ [request.method, request.path, request.query.a, request.query_all.a,\n"
        "             request.headers['x-a'], request.raw, request.client_ip, request.id] }\n"
        "  - set: ${ [run.pipeline, run.attempt, run.started_at, run.replay_of] }\n"
        "  - set: ${ request.body.items.map(x, x.id).filter(y, y > 1) }\n");
}

static void
unknown_names_are_told_with_what_was_meant(void **state)
{
    (void)state;
    assert_said("vars: { limit: 1 }\nsteps:\n  - id: fetch\n    set: ${ reqest.body }\n"
                "  - set: ${ fetch.x + limit }\n  - set: ${ body }\n  - set: ${ zzz }\n",
                "4:13+6 W0303 unknown name 'reqest' | did you mean 'request'?\n"
                "5:13+5 W0303 unknown name 'fetch' | did you mean 'steps.fetch'?\n"
                "5:23+5 W0303 unknown name 'limit' | did you mean 'vars.limit'?\n"
                "6:13+4 W0303 unknown name 'body' | did you mean 'request.body'?\n"
                "7:13+3 W0303 unknown name 'zzz'\n");
    assert_said("steps:\n  - set: \"${ has(nope.x) ? 1 : nope2 ?? 2 }\"\n",
                "2:18+4 W0303 unknown name 'nope'\n2:32+5 W0303 unknown name 'nope2'\n");
}

static void
fields_are_known(void **state)
{
    (void)state;
    assert_said(
        "steps:\n  - set: ${ request.bdy }\n  - set: ${ run.nope }\n"
        "  - set: ${ request.headers[\"X-Api-Key\"] ?? '' }\n",
        "2:21+3 W0305 request has no field 'bdy'; it has method path params query query_all "
        "headers body raw client_ip id auth connection | did you mean 'body'?\n"
        "3:17+4 W0305 run has no field 'nope'; it has id pipeline attempt started_at "
        "replay_of\n"
        "4:29+11 W0305 names of headers are lower case here | write headers[\"x-api-key\"]\n");
}

static void
names_of_places_are_there_only(void **state)
{
    (void)state;
    assert_said("steps:\n  - set: ${ error.code }\n  - set: ${ reply.status }\n  - set: ${ "
                "item + index }\n",
                "2:13+5 W0304 'error' is there inside 'catch' only\n"
                "3:13+5 W0304 'reply' is there inside 'finally' only\n"
                "4:13+4 W0304 'item' is there only in the blocks of 'foreach'\n"
                "4:20+5 W0304 'index' is there only in the blocks of 'foreach'\n");
    assert_fine(
        "steps:\n  - http: http://x\n    catch: [ { set: \"${ error.code }\" } ]\n"
        "catch: [ { log: \"${ error.node }\" } ]\n"
        "finally: [ { log: \"${ reply.status } ${ reply.headers } ${ reply.duration }\" } ]\n");
    assert_said(
        "steps: []\ncatch: [ { log: \"${ reply.status } ${ error.nope }\" } ]\n"
        "finally: [ { log: \"${ error.code }\" } ]\n",
        "2:21+5 W0304 'reply' is there inside 'finally' only\n"
        "2:45+4 W0305 error has no field 'nope'; it has code message node status attempt detail"
        " | did you mean 'node'?\n"
        "3:23+5 W0304 'error' is there inside 'catch' only\n");
    assert_fine("steps:\n  - foreach: { items: [1], max_items: 5 }\n    do:\n"
                "      - try:\n        do: [ { set: \"${ item + index }\" } ]\n"
                "      - lua: x\n        uses: { a: { set: \"${ item }\" } }\n");
}

static void
triggers_and_keys_see_less(void **state)
{
    (void)state;
    assert_said("trigger: { webhook: { path: /a, verify: \"${ secrets.API_KEY + env.REGION + "
                "vars.x }\" } }\n"
                "vars: { x: y }\nsteps: []\n",
                "");
    assert_said(
        "trigger: { webhook: { path: \"/${ request.id }\", auth: none } }\n"
        "concurrency: { limit: 1, key: \"${ request.client_ip + steps.a }\" }\nsteps: []\n",
        "1:34+7 W0304 'request' is not there yet: here are vars, env and secrets only\n"
        "2:55+5 W0304 'steps' is not there yet: here are request, input, run, vars, env and "
        "secrets only\n");
}

static void
what_a_trigger_works_out_for_each_event_sees_that(void **state)
{
    (void)state;
    assert_fine("trigger: { webhook: { path: /a, auth: none, rooms: [ all, \"user/${ request.auth.name }\" ] } }\n"
                "steps: []\n");
    assert_said("trigger: { webhook: { path: /a, auth: none, rooms: [ \"${ steps.a }\" ], methods: [ \"${ request.id }\" ] } }\n"
                "steps: []\n",
                "1:58+5 W0304 'steps' is not there yet: here are request, input, run, vars, env and "
                "secrets only\n"
                "1:87+7 W0304 'request' is not there yet: here are vars, env and secrets only\n");
}

static void
steps_are_seen_by_later_ones(void **state)
{
    (void)state;
    assert_fine("steps:\n  - { id: a, set: 1 }\n  - { id: b, set: \"${ steps.a }\" }\n"
                "  - try:\n    do: [ { set: \"${ steps.b.x }\" } ]\n");
    assert_said("steps:\n  - { id: a, set: \"${ steps.b + steps.a + steps.zz + steps.aa }\" }\n"
                "  - { id: b, set: 1 }\n  - { id: abcd, set: \"${ steps.abce }\" }\n",
                "2:29+1 W0307 step 'b' runs later\n"
                "2:39+1 W0308 step 'a' is the node itself: it has no output yet; 'input' is "
                "what it gets\n"
                "2:49+2 W0306 there is no step 'zz'\n"
                "2:60+2 W0306 there is no step 'aa'\n"
                "4:32+4 W0306 there is no step 'abce' | did you mean 'abcd'?\n");
    assert_said(
        "steps:\n  - id: a\n    try:\n    do:\n      - { id: b, set: \"${ steps.a }\" }\n"
        "    catch: [ { set: \"${ steps.a }\" } ]\n  - set: ${ steps.b }\n",
        "5:33+1 W0307 step 'a' is the node around this one: it has no output yet\n"
        "6:31+1 W0307 step 'a' is the node around this one: it has no output yet\n");
    assert_said(
        "steps:\n  - id: a\n    switch: ${ steps.b }\n    cases: { x: [ { id: b, set: 1 } ] }\n"
        "    default: []\n",
        "3:22+1 W0307 step 'b' runs inside this node, so later\n");
}

static void
steps_that_may_not_have_run_need_a_way_out(void **state)
{
    (void)state;
    const char *said =
        "6:19+1 W0309 step 'b' may have no output because its block may be passed over"
        " | write steps.b?.x, or ?? and what counts instead\n"
        "7:19+1 W0309 step 'b' may have no output because its block may be passed over"
        " | write steps.b ?? and what counts instead\n";
    assert_said("steps:\n  - switch: ${ input }\n    cases:\n      x: [ { id: b, set: 1 } ]\n  "
                "  default: []\n"
                "  - set: ${ steps.b.x }\n  - set: ${ steps.b }\n",
                said);
    assert_fine("steps:\n  - switch: ${ input }\n    cases:\n      x: [ { id: b, set: 1 }, { "
                "set: \"${ steps.b }\" } ]\n"
                "    default: []\n  - set: ${ steps.b?.x }\n  - set: ${ steps.b ?? 1 }\n"
                "  - set: \"${ has(steps.b) ? 1 : 2 }\"\n  - set: ${ steps.b.x ?? 1 }\n"
                "  - set: ${ steps?.b.x }\n");
    assert_said("steps:\n  - id: b\n    if: ${ input.x }\n    set: 1\n  - set: ${ steps.b }\n",
                "5:19+1 W0309 step 'b' may have no output because of its 'if'"
                " | write steps.b ?? and what counts instead\n");
    assert_said("steps:\n  - { id: a, set: 1 }\n  - id: b\n    http: http://x\n    catch:\n"
                "      - { id: c, set: \"${ steps.a }\" }\n      - set: ${ steps.c }\n  - set: "
                "${ steps.c }\n",
                "6:33+1 W0309 step 'a' may have no output after an error"
                " | write steps.a ?? and what counts instead\n"
                "8:19+1 W0309 step 'c' may have no output because its block may be passed over"
                " | write steps.c ?? and what counts instead\n");
    assert_said("steps:\n  - { id: a, set: 1 }\ncatch:\n  - { id: c, set: \"${ steps.a }\" }\n"
                "finally:\n  - log: ${ steps.a?.b } ${ steps.c }\n",
                "4:29+1 W0309 step 'a' may have no output after an error"
                " | write steps.a ?? and what counts instead\n"
                "6:35+1 W0309 step 'c' may have no output when finally runs"
                " | write steps.c ?? and what counts instead\n");
}

static void
steps_can_be_out_of_sight(void **state)
{
    (void)state;
    assert_said(
        "steps:\n  - foreach: { items: [1], max_items: 1 }\n    do:\n      - { id: a, set: 1 "
        "}\n"
        "      - set: ${ steps.a }\n  - set: ${ steps.a ?? 1 }\n",
        "6:19+1 W0310 step 'a' runs many times: use the output of the node around it\n");
    assert_said(
        "steps:\n  - parallel:\n    branches:\n      x: [ { id: a, set: 1 } ]\n"
        "      y: [ { id: b, set: \"${ steps.a ?? 1 }\" } ]\n  - set: ${ steps.a + steps.b }\n",
        "5:36+1 W0310 step 'a' runs in a branch beside this one\n");
    assert_said("steps:\n  - lua: x\n    uses: { crm: { id: a, set: 1 } }\n  - set: ${ steps.a "
                "?? 1 }\n",
                "4:19+1 W0310 step 'a' is lent to another node\n");
    assert_said("steps:\n  - breaker:\n    do: [ { id: a, set: 1 } ]\n    fallback: [ { set: "
                "\"${ steps.a }\" } ]\n",
                "4:34+1 W0309 step 'a' may have no output because its block may be passed over"
                " | write steps.a ?? and what counts instead\n");
    assert_said("steps: []\ncatch:\n  - { id: c, set: 1 }\nfinally:\n  - { id: f, set: 1 }\n"
                "  - set: ${ steps.f }\n",
                "");
    assert_said("steps:\n  - set: ${ steps.c ?? 1 }\ncatch:\n  - { id: c, set: 1 }\n",
                "2:19+1 W0307 step 'c' runs later\n");
}

static void
names_that_must_be_fixed(void **state)
{
    (void)state;
    assert_said("steps:\n  - set: ${ env[input] }\n  - set: ${ steps[input] ?? 1 }\n  - set: "
                "${ size(secrets) }\n",
                "2:13+3 W0316 'env' needs a fixed name, as in env.REGION\n"
                "3:13+5 W0316 'steps' needs a fixed name, as in steps.fetch\n"
                "4:18+7 W0316 'secrets' needs a fixed name, as in secrets.API_KEY\n");
    assert_fine("vars: { a: 1 }\nsteps:\n  - set: ${ vars[input] }\n  - set: ${ vars }\n"
                "  - set: ${ request.headers[input] }\n");
}

static void
vars_are_followed_to_their_end(void **state)
{
    (void)state;
    assert_said(
        "vars: { limit: { per_minute: 1 }, list: [1] }\nsteps:\n"
        "  - set: ${ vars.limt }\n  - set: ${ vars.limit.per_mnute }\n"
        "  - set: ${ vars.limt ?? 1 }\n  - set: ${ vars.list[0] + vars.limit.per_minute }\n",
        "3:18+4 W0311 there is no 'limt' in 'vars' | did you mean 'limit'?\n"
        "4:24+9 W0311 there is no 'per_mnute' in 'vars' | did you mean 'per_minute'?\n");
}

static void
params_come_from_the_path(void **state)
{
    (void)state;
    assert_said("trigger:\n  - webhook: { path: \"/a/{id}/{rest*}\", auth: none }\nsteps:\n"
                "  - set: ${ [request.params.id, request.params.rest, request.params.name] }\n"
                "  - set: ${ request.params.name ?? '' }\n",
                "4:69+4 W0312 no trigger's path has {name}: /a/{id}/{rest*}\n");
    assert_fine("steps:\n  - set: ${ request.params.anything }\n");
    assert_fine("trigger:\n  - webhook: { path: \"/a/{id}\", auth: none }\n"
                "  - webhook: { path: \"/b/{no}\", auth: none }\n"
                "steps:\n  - set: ${ [request.params.id, request.params.no] }\n");
}

static void
unset_variables_are_warned_of_once(void **state)
{
    (void)state;
    assert_said("steps:\n  - set: ${ env.NOPE + env.NOPE + env.REGION + (env.OTHER ?? '') }\n"
                "  - set: ${ hmac('sha256', secrets.NOPE, 'x') }\n"
                "  - set: ${ sha256(secrets.api_key) }\n",
                "2:17+4 W0313 the environment variable NOPE is not set"
                " | set it, or write ?? and what counts instead\n"
                "3:36+4 W0314 the secret is not set: WEIR_SECRET_NOPE is not in the environment"
                " | set it, or write ?? and what counts instead\n");
}

static void
secrets_flow_only_where_the_schema_lets_them(void **state)
{
    (void)state;
    assert_said(
        "steps:\n  - set: ${ secrets.API_KEY }\n  - log: key ${ secrets.API_KEY }\n"
        "  - http: { url: \"http://x\", headers: { a: \"Bearer ${ secrets.API_KEY }\" } }\n"
        "  - set: ${ secrets.API_KEY == input.k }\n  - set: ${ size(secrets.API_KEY) }\n"
        "  - set: 1\n    if: ${ secrets.API_KEY == 'a' }\n"
        "  - set: 1\n    if: ${ secrets.API_KEY.contains('a') }\n",
        "2:13+7 W0315 a secret may not flow in here: the field is not made for secrets"
        " | hmac, sha256, size and comparisons of it may\n"
        "3:17+7 W0315 a secret may not flow in here: the field is not made for secrets"
        " | hmac, sha256, size and comparisons of it may\n"
        "10:12+7 W0315 a secret may not flow in here: the field is not made for secrets"
        " | hmac, sha256, size and comparisons of it may\n");
}

static void
streams_go_into_a_reply_alone(void **state)
{
    (void)state;
    assert_fine("steps:\n  - { id: s, http: { url: \"http://x\", stream: true } }\n"
                "  - log: ${ steps.s.status }\n  - reply: { body: \"${ steps.s.body }\" }\n");
    assert_said("steps:\n  - { id: s, http: { url: \"http://x\", stream: true } }\n"
                "  - set: ${ steps.s.body }\n  - reply: { body: \"x ${ steps.s.body }\" }\n"
                "  - reply: { json: \"${ steps.s }\" }\n",
                "3:19+1 W0217 step 's' streams: its body can only be the 'body' of a reply\n"
                "4:32+1 W0217 step 's' streams: its body can only be the 'body' of a reply\n"
                "5:30+1 W0217 step 's' streams: its body can only be the 'body' of a reply\n");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_that_are_always_there),
        cmocka_unit_test(unknown_names_are_told_with_what_was_meant),
        cmocka_unit_test(fields_are_known),
        cmocka_unit_test(names_of_places_are_there_only),
        cmocka_unit_test(triggers_and_keys_see_less),
        cmocka_unit_test(what_a_trigger_works_out_for_each_event_sees_that),
        cmocka_unit_test(steps_are_seen_by_later_ones),
        cmocka_unit_test(steps_that_may_not_have_run_need_a_way_out),
        cmocka_unit_test(steps_can_be_out_of_sight),
        cmocka_unit_test(names_that_must_be_fixed),
        cmocka_unit_test(vars_are_followed_to_their_end),
        cmocka_unit_test(params_come_from_the_path),
        cmocka_unit_test(unset_variables_are_warned_of_once),
        cmocka_unit_test(secrets_flow_only_where_the_schema_lets_them),
        cmocka_unit_test(streams_go_into_a_reply_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

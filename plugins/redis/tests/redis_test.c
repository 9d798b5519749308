/* redis/tests/redis_test.c - what needs no server: names, effects, how replies are read, what
 * is refused, and what a call hears when nobody is there. tests/e2e/redis.test.mjs has the
 * rest.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/generation.h"

#include "../redis_names.c"
#include "../redis_open.c"
#include "../redis_reply.c"

static int
open_all(void **state)
{
    host = host_table();
    return stage_open(state);
}

static const struct weir_value *
value_of(const char *json)
{
    const struct weir_value *v = NULL;
    struct weir_error err = { 0 };
    if (host->json_read((struct weir_text){ json, strlen(json) }, &v, &err) != WEIR_OK)
        fail_msg("%s: %s", json, err.text);
    return v;
}

/* -- effects -- */

static void
has_effect(const char *config, uint32_t effect)
{
    const struct weir_value *v = value_of(config);
    uint32_t got = node_effect_of(v);
    if (got != effect)
        fail_msg("%s has the effect %u", config, got);
    host->unref(&v);
}

static void
effects_follow_from_the_names(void **state)
{
    (void)state;
    has_effect("{\"command\":[\"GET\",\"x\"]}", WEIR_EFFECT_NONE);
    has_effect("{\"command\":[\"zrangebyscore\",\"x\",1,2]}", WEIR_EFFECT_NONE);
    has_effect("{\"command\":[\"ZRANGESTORE\",\"y\",\"x\",1,2]}", WEIR_EFFECT_UNSAFE);
    has_effect("{\"command\":[\"XREADGROUP\",\"GROUP\"]}", WEIR_EFFECT_UNSAFE);
    has_effect("{\"command\":[\"INCR\",\"x\"]}", WEIR_EFFECT_UNSAFE);
    has_effect("{\"command\":[\"LPUSH\",\"x\",1]}", WEIR_EFFECT_UNSAFE);
    has_effect("{\"command\":[\"NEW.COMMAND\",\"x\"]}", WEIR_EFFECT_UNSAFE);
    has_effect("{\"command\":[\"DEL\",\"x\"]}", WEIR_EFFECT_IDEMPOTENT);
    has_effect("{\"command\":[\"Hset\",\"x\",\"a\",1]}", WEIR_EFFECT_IDEMPOTENT);
    has_effect("{\"command\":[\"EXPIRE\",\"x\",5]}", WEIR_EFFECT_IDEMPOTENT);
    has_effect("{\"command\":[\"EXPIRE\",\"x\",5,\"NX\"]}", WEIR_EFFECT_UNSAFE);
    has_effect("{\"script\":\"return 1\"}", WEIR_EFFECT_UNSAFE);
    has_effect("{\"commands\":\"${ x }\"}", WEIR_EFFECT_UNSAFE);
}

static void
what_asks_for_what_was_there_is_unsafe(void **state)
{
    (void)state;
    has_effect("{\"command\":[\"SET\",\"x\",\"${ input }\"]}", WEIR_EFFECT_IDEMPOTENT);
    has_effect("{\"command\":[\"SET\",\"x\",1,\"EX\",\"${ input }\",\"KEEPTTL\"]}",
               WEIR_EFFECT_IDEMPOTENT);
    has_effect("{\"command\":[\"SET\",\"x\",1,\"EX\",5,\"nx\"]}", WEIR_EFFECT_UNSAFE);
    has_effect("{\"command\":[\"SET\",\"x\",1,\"GET\"]}", WEIR_EFFECT_UNSAFE);
    has_effect("{\"command\":[\"SET\",\"x\",1,\"${ input }\"]}", WEIR_EFFECT_UNSAFE);
    has_effect("{\"command\":[\"SETNX\",\"x\",1]}", WEIR_EFFECT_UNSAFE);
    has_effect("{\"command\":[\"ZADD\",\"x\",1,\"a\"]}", WEIR_EFFECT_IDEMPOTENT);
    has_effect("{\"command\":[\"ZADD\",\"x\",\"CH\",\"INCR\",1,\"a\"]}", WEIR_EFFECT_UNSAFE);
}

static void
of_several_commands_the_worst_effect_counts(void **state)
{
    (void)state;
    has_effect("{\"commands\":[[\"GET\",\"x\"],[\"TTL\",\"x\"]]}", WEIR_EFFECT_NONE);
    has_effect("{\"commands\":[[\"SET\",\"x\",1],[\"GET\",\"x\"]]}", WEIR_EFFECT_IDEMPOTENT);
    has_effect("{\"commands\":[[\"SET\",\"x\",1],[\"INCR\",\"x\"],[\"GET\",\"x\"]]}",
               WEIR_EFFECT_UNSAFE);
}

/* -- replies -- */

static void
is_read_as(const char *reply, enum parse parse, bool pairs, const char *want)
{
    const struct weir_value *v = value_of(reply);
    const struct weir_value *out = NULL;
    const struct weir_value *json = NULL;
    struct weir_error err = { 0 };
    struct weir_text text;
    if (reply_shape(v, parse, pairs, &out, &err) != WEIR_OK) {
        text = (struct weir_text){ err.text, strlen(err.text) };
    } else {
        assert_int_equal(host->json_write(out, &json, &err), WEIR_OK);
        assert_true(host->get_text(json, &text));
    }
    if (text.len != strlen(want) || memcmp(text.bytes, want, text.len) != 0)
        fail_msg("%s becomes %.*s", reply, (int)text.len, text.bytes);
    host->unref(&json);
    host->unref(&out);
    host->unref(&v);
}

static void
replies_are_read_as_parse_says(void **state)
{
    (void)state;
    is_read_as("[\"a\",1,null,[\"b\"]]", PARSE_TEXT, false, "[\"a\",1,null,[\"b\"]]");
    is_read_as("[\"a\",1,null,[\"b\"]]", PARSE_BYTES, false, "[\"YQ==\",1,null,[\"Yg==\"]]");
    is_read_as("[\"{\\\"a\\\":[1]}\",1,null,\"\\\"b\\\"\",\"OK\"]", PARSE_JSON, false,
               "[{\"a\":[1]},1,null,\"b\",\"OK\"]");
    is_read_as("{\"error\":\"ERR\"}", PARSE_JSON, false, "{\"error\":\"ERR\"}");
    const struct weir_value *v = value_of("[\"1\",[\"secret\"]]");
    const struct weir_value *out = NULL;
    struct weir_error err = { 0 };
    assert_int_equal(reply_shape(v, PARSE_JSON, false, &out, &err), WEIR_UPSTREAM);
    assert_non_null(strstr(err.text,
                           "item 1 of the reply: item 0 of the reply: what Redis holds is no "
                           "JSON"));
    assert_null(strstr(err.text, "secret"));
    host->unref(&v);
}

static void
names_and_values_become_a_map(void **state)
{
    (void)state;
    is_read_as("[\"a\",\"1\",\"b\",\"2\"]", PARSE_TEXT, true, "{\"a\":\"1\",\"b\":\"2\"}");
    is_read_as("[\"a\",\"1\",\"b\",\"[2]\"]", PARSE_JSON, true, "{\"a\":1,\"b\":[2]}");
    is_read_as("[]", PARSE_TEXT, true, "{}");
    is_read_as("[\"a\",\"1\",\"b\"]", PARSE_TEXT, true, "[\"a\",\"1\",\"b\"]");
    is_read_as("[1,\"1\"]", PARSE_TEXT, true, "[1,\"1\"]");
}

static void
arguments_that_redis_quotes_are_cut_off(void **state)
{
    (void)state;
    struct weir_text said = reply_said(
        WEIR_TEXT("ERR unknown command 'GETT', with args beginning with: 'geheim' "));
    assert_int_equal(said.len, strlen("ERR unknown command 'GETT'"));
    said = reply_said(WEIR_TEXT("WRONGTYPE Operation"));
    assert_int_equal(said.len, strlen("WRONGTYPE Operation"));
}

/* -- what is refused -- */

#define NODE "trigger: { webhook: /x }\nsteps:\n  - redis:\n"
#define NOBODY "      url: redis://:geheim@127.0.0.1:1\n"

static void
commands_that_others_would_suffer_from_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "BLPOP, a, 0",
        "brpop, a, 0",
        "BLMOVE, a, b, LEFT, LEFT, 0",
        "BZPOPMIN, a, 0",
        "BZMPOP, 0, 1, a",
        "SUBSCRIBE, a",
        "PSUBSCRIBE, a",
        "SSUBSCRIBE, a",
        "MONITOR",
        "WATCH, a",
        "MULTI",
        "EXEC",
        "DISCARD",
        "SELECT, 1",
        "AUTH, geheim",
        "HELLO, 3",
        "QUIT",
        "RESET",
        "CLIENT, LIST",
        "SHUTDOWN",
        "WAIT, 1, 0",
        "SYNC",
        "PSYNC, a, 1",
        "REPLICAOF, \"no\", one",
        "EVAL, x, 0",
        "DEBUG, SLEEP, 9",
        "XREAD, BLOCK, 0, STREAMS, a, 0",
        "XREADGROUP, GROUP, g, c, COUNT, 1, block, 9, STREAMS, a, 0",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char yaml[512];
        snprintf(yaml, sizeof yaml, NODE NOBODY "      command: [ %s ]\n", bad[i]);
        char *text = stage_refused(yaml);
        if (strstr(text, "is refused: ") == NULL)
            fail_msg("%s is refused so: %s", bad[i], text);
        assert_null(strstr(text, "geheim"));
        free(text);
    }
    stage_load(NODE NOBODY "      command: [ XREAD, STREAMS, block, 0 ]\n", NULL);
}

static void
a_bad_configuration_is_refused_at_load(void **state)
{
    (void)state;
    static const char *const bad[][2] = {
        { NODE NOBODY, "one of 'command', 'commands' and 'script'" },
        { NODE NOBODY "      command: [ GET, a ]\n      script: return 1\n",
          "one of 'command', 'commands' and 'script'" },
        { NODE NOBODY "      command: [ \"${ request.path }\", a ]\n",
          "/command must be a list that begins with the name of a command, written out" },
        { NODE NOBODY "      command: ${ request.body }\n", "/command must be a list" },
        { NODE NOBODY "      commands: ${ request.body }\n", "'commands' must be a list" },
        { NODE NOBODY "      commands: [ [ GET, a ], \"${ request.body }\" ]\n",
          "/commands/1 must be a list" },
        { NODE NOBODY "      command: [ GET a ]\n", "/command/0 must be the name" },
        { NODE NOBODY "      command: [ 7 ]\n", "/command/0 must be the name" },
        { NODE NOBODY "      commands: [ [ GET, a ], [ GET, null ] ]\n",
          "/commands/1/1: null is no argument" },
        { NODE NOBODY "      command: [ GET, a ]\n      atomic: true\n",
          "'atomic' and 'on_error' are for 'commands'" },
        { NODE NOBODY "      command: [ GET, a ]\n      keys: [ a ]\n",
          "'keys' and 'args' are those of a 'script'" },
        { NODE NOBODY "      script: return ${ input }\n", "write ARGV[1] there" },
        { NODE "      url: http://geheim@h\n      command: [ GET, a ]\n", "redis://" },
        { NODE "      url: ${ request.path }\n      command: [ GET, a ]\n", "url" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char *text = stage_refused(bad[i][0]);
        if (strstr(text, bad[i][1]) == NULL)
            fail_msg("%s\nis refused so: %s", bad[i][0], text);
        assert_null(strstr(text, "geheim"));
        free(text);
    }
}

/* Fails unless BODY, as the configuration's MORE uses it, is answered with STATUS and a text
 * that has WANT in it. */
static void
answers(const char *more, const char *body, unsigned status, const char *want)
{
    char yaml[512];
    snprintf(yaml, sizeof yaml, NODE NOBODY "      %s\n", more);
    stage_load(yaml, NULL);
    struct play *p = stage_play("POST /x", body);
    if (p->status != status || strstr(p->body, want) == NULL)
        fail_msg("%s answers %u %s", more, p->status, p->body);
    assert_null(strstr(p->body, "geheim"));
    stage_end(&p);
}

static void
arguments_that_cant_be_sent_are_refused_when_they_come(void **state)
{
    (void)state;
    answers("command: [ SET, a, \"${ request.body }\" ]", "null", 422,
            "/command/2: null is no argument");
    answers("commands: [ [ PING ], [ SET, a, \"${ request.body }\" ] ]", "null", 422,
            "/commands/1/2: null is no argument");
    answers("command: [ XREAD, \"${ request.body }\", 0, STREAMS, a, 0 ]", "\"Block\"", 422,
            "/command: XREAD with these arguments is refused");
    answers("commands: [ [ PING ], [ SCRIPT, \"${ request.body }\", \"NO\" ] ]", "\"debug\"",
            422, "/commands/1: SCRIPT with these arguments is refused");
    answers("script: return 1\n      args: [ 1, \"${ request.body }\" ]", "null", 422,
            "/args/1: null is no argument");
    answers("script: return 1\n      keys: ${ request.body }", "\"a\"", 422,
            "/keys: must be an array");
}

static void
who_is_not_there_is_unavailable_at_once(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        answers("command: [ GET, \"${ request.body }\" ]", "1", 503,
                "GET: Redis at 127.0.0.1:1 refused the connection");
        answers("commands: [ [ GET, a ], [ GET, b ] ]\n      atomic: true", "1", 503,
                "MULTI: Redis at 127.0.0.1:1 refused the connection");
        answers("script: return 1", "1", 503,
                "script: Redis at 127.0.0.1:1 refused the connection");
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(effects_follow_from_the_names),
        cmocka_unit_test(what_asks_for_what_was_there_is_unsafe),
        cmocka_unit_test(of_several_commands_the_worst_effect_counts),
        cmocka_unit_test(replies_are_read_as_parse_says),
        cmocka_unit_test(names_and_values_become_a_map),
        cmocka_unit_test(arguments_that_redis_quotes_are_cut_off),
        cmocka_unit_test(commands_that_others_would_suffer_from_are_refused),
        cmocka_unit_test(a_bad_configuration_is_refused_at_load),
        cmocka_unit_test(arguments_that_cant_be_sent_are_refused_when_they_come),
        cmocka_unit_test(who_is_not_there_is_unavailable_at_once),
    };
    return cmocka_run_group_tests(tests, open_all, stage_close);
}

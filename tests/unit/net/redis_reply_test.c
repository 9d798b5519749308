/* redis_reply_test.c - replies as values, and what is refused of them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "redis_side.h"

#include "net/redis_parts.h"

/* Feeds LEN bytes STEP at a time; the first reply as JSON, "error TEXT" or "refused TEXT". */
static void
read_as(const char *bytes, size_t len, size_t step, char ret[512])
{
    struct redis_reader r;
    redis_reader_init(&r);
    snprintf(ret, 512, "more");
    for (size_t at = 0; at < len; at += step) {
        const struct weir_value *v;
        bool error;
        struct weir_error err;
        redis_reader_feed(&r, bytes + at, len - at < step ? len - at : step);
        if (redis_reader_next(&r, &v, &error, &err) != WEIR_OK) {
            snprintf(ret, 512, "refused: %s", err.text);
            break;
        }
        if (v == NULL)
            continue;
        struct buf b;
        buf_init(&b, 1u << 20);
        assert_int_equal(json_write(&b, v, NULL), WEIR_OK);
        snprintf(ret, 512, "%s%s", error ? "error " : "", b.bytes);
        buf_fini(&b);
        value_unref(&v);
        break;
    }
    redis_reader_fini(&r);
}

static void
expect(const char *bytes, const char *expected)
{
    char text[512];
    for (size_t step = 1; step <= strlen(bytes); step = step * 2 + 1) {
        read_as(bytes, strlen(bytes), step, text);
        assert_string_equal(text, expected);
    }
}

static void
expect_refused(const char *bytes, const char *part)
{
    char text[512];
    for (size_t step = 1; step <= strlen(bytes); step = step * 2 + 1) {
        read_as(bytes, strlen(bytes), step, text);
        if (strncmp(text, "refused", 7) != 0 || strstr(text, part) == NULL)
            fail_msg("%s: %s", bytes, text);
    }
}

static void
every_kind_of_reply_becomes_a_value(void **state)
{
    (void)state;
    expect("+OK\r\n", "\"OK\"");
    expect("+\r\n", "\"\"");
    expect("-ERR no\r\n", "error \"ERR no\"");
    expect(":12\r\n", "12");
    expect(":-9223372036854775808\r\n", "-9223372036854775808");
    expect("$3\r\na\r\n\r\n", "\"a\\r\\n\"");
    expect("$0\r\n\r\n", "\"\"");
    expect("$-1\r\n", "null");
    expect("*-1\r\n", "null");
    expect("*0\r\n", "[]");
    expect("$2\r\n\xff\xfe\r\n", "\"//4=\"");
    expect("*2\r\n$1\r\na\r\n:1\r\n", "[\"a\",1]");
    expect("*3\r\n*1\r\n*0\r\n*2\r\n+a\r\n-ERR b\r\n$-1\r\n",
           "[[[]],[\"a\",{\"error\":\"ERR b\"}],null]");
    expect("*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:7\r\n", "[[[[[[[7]]]]]]]");
    expect("$5\r\nab", "more");
    expect("*2\r\n:1\r\n", "more");
}

static void
what_is_no_reply_is_refused(void **state)
{
    (void)state;
    expect_refused("HTTP/1.1 200 OK\r\n\r\n", "no reply of Redis");
    expect_refused("\r\n", "no reply of Redis");
    expect_refused(":x\r\n", "no reply of Redis");
    expect_refused(":99999999999999999999\r\n", "no reply of Redis");
    expect_refused("$-2\r\n", "no reply of Redis");
    expect_refused("*-2\r\n", "no reply of Redis");
    expect_refused("*99999999999\r\n", "");
    expect_refused("*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:7\r\n", "no reply");
}

/* BEFORE and then N times AGAIN. */
static char *
endless(const char *before, const char *again, size_t n, size_t *ret_len)
{
    size_t head = strlen(before), part = strlen(again);
    char *text = malloc(head + n * part + 1);
    memcpy(text, before, head + 1);
    for (size_t i = 0; i < n; i++)
        memcpy(text + head + i * part, again, part);
    *ret_len = head + n * part;
    return text;
}

static void
what_is_too_large_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *before, *again;
        size_t n;
    } cases[] = {
        { "+", "x", 100000 },
        { "-", "x", 100000 },
        { ":", "1", 100000 },
        { "$", "1", 100000 },
        { "$100000000\r\n", "x", 17u << 20 },
        { "*1048577\r\n", ":1\r\n", 1000 },
        { "*1000000\r\n", "$20\r\n01234567890123456789\r\n", 1000000 },
        { "*1000000\r\n", "*2\r\n:1\r\n:1\r\n", 700000 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[512];
        size_t len;
        char *bytes = endless(cases[i].before, cases[i].again, cases[i].n, &len);
        read_as(bytes, len, 65536, text);
        free(bytes);
        if (strstr(text, "refused: sent a reply of more than 16 MiB or 1048576 values") == NULL)
            fail_msg("%zu: %s", i, text);
    }
}

static void
errors_are_divided_by_their_first_word(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum weir_code code;
        const char *expected;
    } cases[] = {
        { "ERR a\x01\xff"
          "b\n",
          WEIR_SCRIPT, "Redis: ERR a??b?" },
        { "WRONGTYPE x", WEIR_SCRIPT, "Redis: WRONGTYPE x" },
        { "LOADINGS x", WEIR_SCRIPT, "Redis: LOADINGS x" },
        { "LOADING x", WEIR_UNAVAILABLE, "Redis: LOADING x" },
        { "OOM", WEIR_UNAVAILABLE, "Redis: OOM" },
        { "NOAUTH x", WEIR_UNAVAILABLE, "Redis: NOAUTH x" },
        { "", WEIR_SCRIPT, "Redis: " },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct weir_error err;
        redis_reply_error(text_of(cases[i].text), &err);
        assert_int_equal(err.code, cases[i].code);
        assert_string_equal(err.text, cases[i].expected);
        assert_int_equal(err.sent, 1);
    }
}

/* The commands that others may not share a connection with, and their neighbours. */
static void
commands_that_others_would_feel_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        enum redis_kind kind;
    } cases[] = {
        { "subscribe x", REDIS_REFUSED },     { "PSUBSCRIBE x", REDIS_REFUSED },
        { "SSubscribe x", REDIS_REFUSED },    { "UNSUBSCRIBE", REDIS_REFUSED },
        { "MONITOR", REDIS_REFUSED },         { "BLPOP x 0", REDIS_REFUSED },
        { "BRPOP x 0", REDIS_REFUSED },       { "BLMOVE a b LEFT LEFT 0", REDIS_REFUSED },
        { "BRPOPLPUSH a b 0", REDIS_REFUSED }, { "BZPOPMIN a 0", REDIS_REFUSED },
        { "BZPOPMAX a 0", REDIS_REFUSED },    { "BZMPOP 0 1 a MIN", REDIS_REFUSED },
        { "BLMPOP 0 1 a LEFT", REDIS_REFUSED }, { "WAIT 1 0", REDIS_REFUSED },
        { "WAITAOF 1 1 0", REDIS_REFUSED },   { "QUIT", REDIS_REFUSED },
        { "RESET", REDIS_REFUSED },           { "SELECT 1", REDIS_REFUSED },
        { "AUTH x", REDIS_REFUSED },          { "HELLO 3", REDIS_REFUSED },
        { "CLIENT reply OFF", REDIS_REFUSED }, { "SYNC", REDIS_REFUSED },
        { "PSYNC ? -1", REDIS_REFUSED },      { "REPLICAOF a 1", REDIS_REFUSED },
        { "SHUTDOWN", REDIS_REFUSED },        { "DEBUG SLEEP 1", REDIS_REFUSED },
        { "WATCH a", REDIS_REFUSED },         { "SCRIPT DEBUG YES", REDIS_REFUSED },
        { "XREAD COUNT 1 BLOCK 0 STREAMS a 0", REDIS_REFUSED },
        { "xreadgroup GROUP g c block 5 streams a 0", REDIS_REFUSED },
        { "XREAD STREAMS block 0", REDIS_PLAIN }, { "CLIENT ID", REDIS_PLAIN },
        { "CLIENT", REDIS_PLAIN },            { "SCRIPT LOAD x", REDIS_PLAIN },
        { "GET a", REDIS_PLAIN },             { "WAI", REDIS_PLAIN },
        { "WAITX", REDIS_PLAIN },             { "UNWATCH", REDIS_PLAIN },
        { "multi", REDIS_MULTI },             { "EXEC", REDIS_EXEC },
        { "Discard", REDIS_DISCARD },         { "", REDIS_REFUSED },
        { "ACOMMANDWITHALONGNAME x", REDIS_PLAIN },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct weir_text args[16];
        const char *why = "";
        struct weir_redis_request r = { .size = sizeof r, .args = args };
        r.n_args = redis_split(cases[i].line, args);
        if (redis_kind_of(&r, &why) != cases[i].kind)
            fail_msg("%s", cases[i].line);
        if (cases[i].kind == REDIS_REFUSED)
            assert_true(strlen(why) > 10);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_reply_becomes_a_value),
        cmocka_unit_test(what_is_no_reply_is_refused),
        cmocka_unit_test(what_is_too_large_is_refused),
        cmocka_unit_test(errors_are_divided_by_their_first_word),
        cmocka_unit_test(commands_that_others_would_feel_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

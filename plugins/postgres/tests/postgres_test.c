/* postgres/tests/postgres_test.c - what needs no server: types, arrays, SQLSTATEs, statements,
 * and what a call hears when nobody is there. tests/e2e/postgres.test.mjs has the rest.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/generation.h"

#include "../postgres_array.c"
#include "../postgres_meaning.c"
#include "../postgres_value.c"

static int
open_all(void **state)
{
    host = host_table();
    return stage_open(state);
}

static void
expect_json(const struct weir_value *v, const char *want)
{
    const struct weir_value *json = NULL;
    struct weir_error err = { 0 };
    struct weir_text text;
    assert_non_null(v);
    assert_int_equal(host->json_write(v, &json, &err), WEIR_OK);
    assert_true(host->get_text(json, &text));
    if (text.len != strlen(want) || memcmp(text.bytes, want, text.len) != 0)
        fail_msg("%.*s instead of %s", (int)text.len, text.bytes, want);
    host->unref(&json);
    host->unref(&v);
}

static void
becomes(uint32_t oid, const char *text, const char *want)
{
    expect_json(pg_value(oid, (struct weir_text){ text, strlen(text) }), want);
}

static void
a_text_becomes_what_its_type_says(void **state)
{
    (void)state;
    becomes(16, "t", "true");
    becomes(16, "f", "false");
    becomes(20, "-9223372036854775808", "-9223372036854775808");
    becomes(21, "7", "7");
    becomes(701, "1e+300", "1e+300");
    becomes(701, "NaN", "\"NaN\"");
    becomes(701, "-Infinity", "\"-Infinity\"");
    becomes(1700, "1.10", "\"1.10\"");
    becomes(114, "{\"a\": [1, 2]}", "{\"a\":[1,2]}");
    becomes(17, "\\x00ff", "\"AP8=\"");
    becomes(17, "\\x", "\"\"");
    becomes(25, "", "\"\"");
    becomes(2278, "", "null");
}

static void
what_is_not_as_its_type_says_stays_text(void **state)
{
    (void)state;
    becomes(20, "9223372036854775808", "\"9223372036854775808\"");
    becomes(23, "", "\"\"");
    becomes(23, "1x", "\"1x\"");
    becomes(16, "true", "\"true\"");
    becomes(17, "\\x0", "\"\\\\x0\"");
    becomes(17, "\\x0g", "\"\\\\x0g\"");
    becomes(114, "{", "\"{\"");
    becomes(701, "1,5", "\"1,5\"");
    becomes(1007, "{1", "\"{1\"");
    becomes(25, "\xff", "\"/w==\""); /* no UTF-8: bytes */
}

static void
an_array_becomes_a_list(void **state)
{
    (void)state;
    becomes(1007, "{}", "[]");
    becomes(1007, "{1,NULL,-3}", "[1,null,-3]");
    becomes(1007, "{{1,2},{3,4}}", "[[1,2],[3,4]]");
    becomes(1007, "[-1:0][2:3]={{1,2},{3,4}}", "[[1,2],[3,4]]");
    becomes(1009, "{a,\"b,\\\"\\\\}\",\"NULL\",\"\",null}",
            "[\"a\",\"b,\\\"\\\\}\",\"NULL\",\"\",null]");
    becomes(1000, "{t,f}", "[true,false]");
    becomes(3807, "{\"{\\\"a\\\": 1}\"}", "[{\"a\":1}]");
    becomes(1001, "{\"\\\\x00\"}", "[\"AA==\"]");
    becomes(1007, "{{{{{{1}}}}}}", "[[[[[[1]]]]]]");
}

static void
what_is_no_array_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = { "",
                                       "{",
                                       "}",
                                       "{1",
                                       "{1,",
                                       "{1,}",
                                       "{,1}",
                                       "{1}}",
                                       "{1}x",
                                       "{\"a}",
                                       "{\"a\\",
                                       "{a\"b}",
                                       "{{1}",
                                       "{1}{2}",
                                       "[1:2]",
                                       "[1:2]=",
                                       "{a{b}}",
                                       "{\"a\"b}",
                                       "{{{{{{{1}}}}}}}" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (pg_array(25, (struct weir_text){ bad[i], strlen(bad[i]) }) != NULL)
            fail_msg("%s is taken for an array", bad[i]);
}

static void
a_sqlstate_means_what_the_table_says(void **state)
{
    (void)state;
    static const struct {
        const char *sqlstate;
        uint32_t code, status;
    } cases[] = {
        { "08006", WEIR_UNAVAILABLE, 0 }, { "53300", WEIR_UNAVAILABLE, 0 },
        { "57P01", WEIR_UNAVAILABLE, 0 }, { "57P03", WEIR_UNAVAILABLE, 0 },
        { "40001", WEIR_UNAVAILABLE, 0 }, { "40P01", WEIR_UNAVAILABLE, 0 },
        { "40002", WEIR_CONFLICT, 0 },    { "25006", WEIR_UNAVAILABLE, 0 },
        { "57014", WEIR_TIMEOUT, 0 },     { "23505", WEIR_CONFLICT, 0 },
        { "22P02", WEIR_INVALID, 422 },   { "42601", WEIR_SCRIPT, 0 },
        { "28P01", WEIR_SCRIPT, 0 },      { "P0001", WEIR_SCRIPT, 0 },
        { "P0002", WEIR_NOT_FOUND, 0 },   { "XX000", WEIR_UPSTREAM, 0 },
        { "25001", WEIR_SCRIPT, 0 },      { "", WEIR_SCRIPT, 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pg_meaning m = pg_meaning(cases[i].sqlstate);
        if (m.code != cases[i].code || m.status != cases[i].status)
            fail_msg("%s is %u %u", cases[i].sqlstate, m.code, m.status);
    }
}

static void
a_message_of_a_data_error_shows_no_value(void **state)
{
    (void)state;
    char text[64];
    pg_message("22P02", "invalid input for integer: \"geheim\"", text, sizeof text);
    assert_string_equal(text, "invalid input for integer: \"...\"");
    pg_message("22003", "value \"9\"9\" is out of range", text, sizeof text);
    assert_string_equal(text, "value \"...\" is out of range");
    pg_message("22003", "value \"9", text, sizeof text);
    assert_string_equal(text, "value \"...");
    pg_message("42703", "column \"x\" does not exist", text, sizeof text);
    assert_string_equal(text, "column \"x\" does not exist");
    char small[9];
    pg_message("42703", "abc\xc3\xa4", small, sizeof small); /* cut before the a umlaut */
    assert_string_equal(small, "abc");
}

static void
only_what_surely_reads_is_taken_for_that(void **state)
{
    (void)state;
    static const char *const reading[] = { "select 1",
                                           " SELECT\n1",
                                           "(select 1) union (select 2)",
                                           "-- insert\nselect 1",
                                           "/* into */ values (1)",
                                           "show all",
                                           "table t",
                                           "select intox from t" };
    static const char *const writing[] = { "insert into t values (1)",
                                           "with a as (delete from t) select 1",
                                           "select 1 into t",
                                           "select * INTO t from u",
                                           "selectx",
                                           "",
                                           "--",
                                           "/*",
                                           "do $$ $$",
                                           "update t set a = 1" };
    for (size_t i = 0; i < sizeof reading / sizeof *reading; i++)
        if (!pg_reads_only((struct weir_text){ reading[i], strlen(reading[i]) }))
            fail_msg("%s writes?", reading[i]);
    for (size_t i = 0; i < sizeof writing / sizeof *writing; i++)
        if (pg_reads_only((struct weir_text){ writing[i], strlen(writing[i]) }))
            fail_msg("%s reads?", writing[i]);
    assert_true(pg_may_commit(WEIR_TEXT(" CALL p()")));
    assert_false(pg_may_commit(WEIR_TEXT("callx")));
}

#define NODE "trigger: { webhook: /x }\nsteps:\n  - postgres:\n"
#define NOBODY "      url: postgresql://a:geheim@127.0.0.1:1/x\n"

static void
who_is_not_there_is_unavailable_at_once(void **state)
{
    (void)state;
    stage_load(NODE NOBODY "      query: select 1\n", NULL);
    for (unsigned i = 0; i < 10; i++) {
        struct play *p = stage_play("POST /x", NULL);
        assert_int_equal(p->status, 503);
        assert_null(strstr(p->body, "geheim"));
        assert_null(strstr(p->body, "127.0.0.1"));
        assert_non_null(strstr(p->body, "the database is away: Connection refused"));
        stage_end(&p);
    }
    assert_true(stage_metric("weir_postgres_connections{server=\"127.0.0.1:1/x\"}") == 0);
}

static void
a_call_that_waits_can_be_cancelled(void **state)
{
    (void)state;
    /* TEST-NET: nobody answers there */
    stage_load(
        NODE
        "      url: postgresql://a@192.0.2.1/x\n      query: select 1\n    timeout: 30ms\n",
        NULL);
    struct play *p = stage_play("POST /x", NULL);
    assert_true(p->status == 504 || p->status == 503); /* 503: there is no route at all */
    stage_end(&p);
}

static void
parameters_that_cant_be_sent_are_refused(void **state)
{
    (void)state;
    stage_load(NODE NOBODY "      query: select $1\n      params: [ \"${ request.body }\" ]\n",
               NULL);
    stage_expect("POST /x", "\"a\\u0000b\"", 422, NULL);
    stage_expect("POST /x", "\"ab\"", 503, NULL);
    stage_load(NODE NOBODY "      query: select $1\n      params: ${ request.body }\n", NULL);
    stage_expect("POST /x", "[1, 2.5, {\"a\": 1}]", 503, NULL);
}

static void
a_bad_configuration_is_refused_at_load(void **state)
{
    (void)state;
    static const char *const bad[][2] = {
        { NODE NOBODY "      query: select ${ input }\n", "write $1 there" },
        { NODE NOBODY, "one of 'query' and 'queries'" },
        { NODE NOBODY "      query: select 1\n      isolation: serializable\n",
          "for a transaction" },
        { NODE "      url: mysql://a:geheim@h/x\n      query: select 1\n",
          "'url' must be like" },
        { NODE "      url: postgresql://a:geheim@h:99999/x\n      query: select 1\n",
          "a port in 'url'" },
        { NODE "      url: ${ request.path }\n      query: select 1\n", "url" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char *text = stage_refused(bad[i][0]);
        if (strstr(text, bad[i][1]) == NULL)
            fail_msg("%s\nis refused so: %s", bad[i][0], text);
        assert_null(strstr(text, "geheim"));
        free(text);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_becomes_what_its_type_says),
        cmocka_unit_test(what_is_not_as_its_type_says_stays_text),
        cmocka_unit_test(an_array_becomes_a_list),
        cmocka_unit_test(what_is_no_array_is_refused),
        cmocka_unit_test(a_sqlstate_means_what_the_table_says),
        cmocka_unit_test(a_message_of_a_data_error_shows_no_value),
        cmocka_unit_test(only_what_surely_reads_is_taken_for_that),
        cmocka_unit_test(who_is_not_there_is_unavailable_at_once),
        cmocka_unit_test(a_call_that_waits_can_be_cancelled),
        cmocka_unit_test(parameters_that_cant_be_sent_are_refused),
        cmocka_unit_test(a_bad_configuration_is_refused_at_load),
    };
    return cmocka_run_group_tests(tests, open_all, stage_close);
}

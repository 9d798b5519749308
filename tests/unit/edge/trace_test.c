/* unit/edge/trace_test.c - W3C Trace Context, by the cases of its test suite.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "edge/trace.h"

#define TRACE "12345678901234567890123456789012"
#define SPAN "1234567890123456"
#define PARENT "00-" TRACE "-" SPAN "-01"

static struct arena arena;
static struct weir_event event;

static void
read_headers(const struct weir_header *headers, unsigned n)
{
    event = (struct weir_event){ .arena = &arena, .headers = headers, .n_headers = n };
    trace_read(&event, false);
}

static bool
is_taken(const char *parent)
{
    struct weir_header header = { TEXT("traceparent"), text_of(parent) };
    read_headers(&header, 1);
    assert_int_equal(strlen(event.trace_id), 32);
    assert_int_equal(strlen(event.span_id), 16);
    bool taken = strcmp(event.trace_id, TRACE) == 0;
    assert_string_equal(event.parent_span, taken ? SPAN : "");
    assert_string_not_equal(event.span_id, SPAN);
    return taken;
}

static void
a_valid_parent_is_taken(void **state)
{
    (void)state;
    static const struct {
        const char *parent;
        bool sampled;
        bool random;
    } cases[] = {
        { PARENT, true, false },
        { "00-" TRACE "-" SPAN "-00", false, false },
        { "00-" TRACE "-" SPAN "-02", false, true },
        { "00-" TRACE "-" SPAN "-03", true, true },
        { "00-" TRACE "-" SPAN "-fe", false, true },
        { "00-" TRACE "-" SPAN "-ff", true, true },
        { "cc-" TRACE "-" SPAN "-01", true, false },
        { "cc-" TRACE "-" SPAN "-01-what-the-future-will-be-like", true, false },
        { "01-" TRACE "-" SPAN "-01-", true, false },
    };
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (!is_taken(cases[i].parent))
            fail_msg("%s", cases[i].parent);
        assert_int_equal(event.sampled, cases[i].sampled);
        assert_int_equal(event.random_trace, cases[i].random);
    }
}

static void
any_other_begins_a_new_trace(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "00",
        "00-" TRACE "-" SPAN,
        "00-" TRACE "-" SPAN "-1",
        "00-" TRACE "-" SPAN "-01-",
        "00-" TRACE "-" SPAN "-01.what",
        "00-" TRACE "-" SPAN "-01-what",
        "cc-" TRACE "-" SPAN "-01.what",
        "cc-" TRACE "-" SPAN "-011",
        "ff-" TRACE "-" SPAN "-01",
        "0-" TRACE "-" SPAN "-01",
        ".0-" TRACE "-" SPAN "-01",
        "0.-" TRACE "-" SPAN "-01",
        "FF-" TRACE "-" SPAN "-01",
        "00-00000000000000000000000000000000-" SPAN "-01",
        "00-1234567890123456789012345678901A-" SPAN "-01",
        "00-.2345678901234567890123456789012-" SPAN "-01",
        "00-1234567890123456789012345678901-" SPAN "-011",
        "00-" TRACE "-0000000000000000-01",
        "00-" TRACE "-123456789012345A-01",
        "00-" TRACE "-.234567890123456-01",
        "00-" TRACE "-" SPAN "-0A",
        "00-" TRACE "-" SPAN "-.1",
        "00_" TRACE "_" SPAN "_01",
        "00-" TRACE "-" SPAN "-01 ",
    };
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (is_taken(bad[i]))
            fail_msg("%s", bad[i]);
}

static void
two_parents_begin_a_new_trace(void **state)
{
    (void)state;
    struct weir_header headers[] = { { TEXT("traceparent"), TEXT(PARENT) },
                                     { TEXT("traceparent"), TEXT(PARENT) },
                                     { TEXT("tracestate"), TEXT("a=1") } };
    read_headers(headers, 3);
    assert_string_not_equal(event.trace_id, TRACE);
    assert_int_equal(event.tracestate.len, 0);
}

static void
new_traces_differ_and_are_sampled_as_asked(void **state)
{
    (void)state;
    read_headers(NULL, 0);
    char first[EVENT_TRACE];
    memcpy(first, event.trace_id, sizeof(first));
    assert_false(event.sampled);
    trace_read(&event, true);
    assert_true(event.sampled);
    assert_string_not_equal(first, event.trace_id);
}

/* The tracestate that comes of one or two fields. */
static struct weir_text
state_of(const char *first, const char *second)
{
    struct weir_header headers[] = { { TEXT("traceparent"), TEXT(PARENT) },
                                     { TEXT("tracestate"), text_of(first) },
                                     { TEXT("tracestate"),
                                       text_of(second != NULL ? second : "") } };
    read_headers(headers, second != NULL ? 3 : 2);
    return event.tracestate;
}

static void
a_valid_state_is_kept(void **state)
{
    (void)state;
    static const char *const good[] = {
        "foo=1",         "foo=1,bar=2",  "foo=1 \t , \t bar=2, \t baz=3",
        "foo=1,",        "foo=1,,bar=2", "foo@bar=1",
        "1a@b=1",        "foo@=1",       "foo@@bar=1",
        "foo@bar@baz=1", "0foo=1",       "a_-*/0=!\"#$%&'()*+-./:;<>?@[\\]^_`{|}~",
        "foo=a b",
    };
    for (unsigned i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        if (!text_is(state_of(good[i], NULL), good[i]))
            fail_msg("%s", good[i]);
    }
    assert_true(text_is(state_of("foo=1", "bar=2"), "foo=1,bar=2"));
    assert_true(text_is(state_of("foo=1", ""), "foo=1"));
    assert_true(text_is(state_of("", "bar=2"), "bar=2"));
    assert_int_equal(state_of("", NULL).len, 0);
}

static void
a_bad_state_is_dropped(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "foo",       "=1",        "foo=",   "foo =1",       "FOO=1",
        "foo.bar=1", "foo,bar=1", "@foo=1", "foo=1,@",      "foo=bar=baz",
        "foo=\x01",  "foo=1,bar", "_foo=1", "foo=\xc3\xbc",
    };
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (state_of(bad[i], NULL).len > 0)
            fail_msg("%s", bad[i]);
    assert_string_equal(event.trace_id, TRACE);
    assert_int_equal(state_of("foo=1", "=").len, 0);
}

static void
a_state_has_at_most_32_members(void **state)
{
    (void)state;
    char text[512] = "";
    for (unsigned i = 0; i < 32; i++)
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "%sbar%02u=1",
                 i > 0 ? "," : "", i);
    assert_true(text_is(state_of(text, NULL), text));
    strcat(text, ",baz=1");
    assert_int_equal(state_of(text, NULL).len, 0);
}

static void
keys_have_their_lengths(void **state)
{
    (void)state;
    char text[600];
    memset(text, 'z', sizeof(text));
    memcpy(text + 256, "=1", 3);
    assert_int_equal(state_of(text, NULL).len, 258);
    memset(text, 'z', sizeof(text));
    memcpy(text + 257, "=1", 3);
    assert_int_equal(state_of(text, NULL).len, 0);
    memset(text, 't', sizeof(text));
    memcpy(text + 241, "@vvvvvvvvvvvvvv=1", 18);
    assert_int_equal(state_of(text, NULL).len, 258);
    memcpy(text + 241, "@vvvvvvvvvvvvvvv=1", 19);
    assert_int_equal(state_of(text, NULL).len, 0);
    memset(text, 't', sizeof(text));
    memcpy(text + 242, "@v=1", 5);
    assert_int_equal(state_of(text, NULL).len, 246);
    memcpy(text, "t@vvvvvvvvvvvvvvv=1", 20);
    assert_int_equal(state_of(text, NULL).len, 19);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_valid_parent_is_taken),
        cmocka_unit_test(any_other_begins_a_new_trace),
        cmocka_unit_test(two_parents_begin_a_new_trace),
        cmocka_unit_test(new_traces_differ_and_are_sampled_as_asked),
        cmocka_unit_test(a_valid_state_is_kept),
        cmocka_unit_test(a_bad_state_is_dropped),
        cmocka_unit_test(a_state_has_at_most_32_members),
        cmocka_unit_test(keys_have_their_lengths),
    };
    arena_init(&arena, 0, 1 << 20);
    int failed = cmocka_run_group_tests_name("edge/trace", tests, NULL, NULL);
    arena_fini(&arena);
    return failed;
}

/* unit/value/regex_test.c - what value/regex.h promises.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "value/regex.h"

struct sample {
    const char *pattern;
    const char *text;
    bool matches;
};

static enum regex_answer
answer(const char *pattern, bool ecma, struct weir_text text)
{
    struct regex *re;
    struct weir_error err;
    if (regex_new(text_of(pattern), ecma, &re, &err) != WEIR_OK)
        fail_msg("%s: %s", pattern, err.text);
    enum regex_answer a = regex_match(re, text);
    regex_free(&re);
    assert_null(re);
    return a;
}

static void
check_samples(const struct sample *samples, size_t n, bool ecma)
{
    for (size_t i = 0; i < n; i++) {
        enum regex_answer a = answer(samples[i].pattern, ecma, text_of(samples[i].text));
        if (a != (samples[i].matches ? REGEX_YES : REGEX_NO))
            fail_msg("%s on %s: %d", samples[i].pattern, samples[i].text, a);
    }
}

#define N(array) (sizeof(array) / sizeof((array)[0]))

static void
patterns_match_anywhere_in_utf8(void **state)
{
    (void)state;
    static const struct sample samples[] = {
        { "b+", "abbc", true },
        { "^b", "ab", false },
        { "^.{2}$", "\xc3\xa9\xc3\xa9", true },
        { "a$", "a\n", false },
        { "(?i)ABC", "xabcx", true },
        { "", "", true },
        { "^$", "", true },
        { "(a)(b)\\2", "abb", true },
        { "(?<=a)b", "ab", true },
    };
    check_samples(samples, N(samples), false);
    assert_int_equal(answer("^$", false, (struct weir_text){ NULL, 0 }), REGEX_YES);
    assert_int_equal(answer("^a.c$", false, (struct weir_text){ "a\0c", 3 }), REGEX_YES);
}

static void
ecma_patterns_mean_what_ecma_says(void **state)
{
    (void)state;
    static const struct sample samples[] = {
        { "^\\d$", "7", true },
        { "^\\d$", "\xd9\xa7", false }, /* ARABIC-INDIC DIGIT SEVEN */
        { "^\\w$", "\xc3\xa9", false },
        { "^\\W$", "\xc3\xa9", true },
        { "^[\\w.-]+$", "a-b.c", true },
        { "^\\s$", "\xc2\xa0", true },
        { "^\\s$", "\xef\xbb\xbf", true }, /* ZERO WIDTH NO-BREAK SPACE */
        { "^\\s$", "\xe2\x80\xa8", true }, /* LINE SEPARATOR */
        { "^\\s$", "\xc2\x85", false },    /* NEXT LINE */
        { "^\\S$", "\xc2\x85", true },
        { "^[\\s]$", "\x0b", true },
        { "^[\\S]$", "\x0b", false },
        { "^[\\S]$", "\xf0\x9f\x98\x80", true },
        { "^[^\\S]$", " ", true },
        { "^[\\s-.]$", "-", true },
        { "a$", "a\n", false },
        { "^.$", "\r", false },
        { "^.$", "\xe2\x80\xa9", false },
        { "^.$", "\xc2\x85", true },
        { "^.$", "\xf0\x9f\x98\x80", true },
        { "^\\p{Letter}+$", "\xcf\x80", true },
        { "^\\p{L}\\p{Lu}$", "aB", true },
        { "^\\P{Letter}$", "1", true },
        { "^[\\p{Decimal_Number}x]+$", "1x\xd9\xa7", true },
        { "^\\p{gc=Uppercase_Letter}$", "A", true },
        { "^\\p{Script=Greek}$", "\xcf\x80", true },
        { "^\\p{sc=Latin}$", "\xcf\x80", false },
        { "^\\p{Script_Extensions=Greek}$", "\xcf\x80", true },
        { "^\\p{Alphabetic}$", "a", true },
        { "^\\p{ASCII}$", "\xc3\xa9", false },
        { "^\\p{Any}$", "\xc3\xa9", true },
        { "^\\p{Assigned}$", "a", true },
        { "^\\P{Assigned}$", "a", false },
        { "^\\p{Cased_Letter}$", "a", true },
        { "^\\cA$", "\x01", true },
        { "^[\\cz]$", "\x1a", true },
        { "^\\u0041\\u{42}\\x43$", "ABC", true },
        { "^\\u{1F600}$", "\xf0\x9f\x98\x80", true },
        { "^\\ud83d\\ude00$", "\xf0\x9f\x98\x80", true },
        { "^[\\ud83d\\ude00]$", "\xf0\x9f\x98\x80", true },
        { "^\\u002e$", "x", false }, /* a number never means anything but itself */
        { "^\\v$", "\x0b", true },
        { "^\\v$", "\n", false },
        { "^\\t\\n\\f\\r$", "\t\n\f\r", true },
        { "^[\\b]$", "\b", true },
        { "\\bfoo\\b", "a foo b", true },
        { "o\\B", "foo", true },
        { "^(a)\\1$", "aa", true },
        { "^(?<x>a)\\k<x>$", "aa", true },
        { "^(?:a|b)(?=c)c(?!d)$", "bc", true },
        { "(?<=a)b(?<!c)", "ab", true },
        { "^(?i:ab)C$", "ABC", true },
        { "^(?i:ab)C$", "ABc", false },
        { "^[[:alpha:]]$", "a]", true }, /* a class of : a l p h, then ] */
        { "^[:a:]$", ":", true },
        { "^[^]$", "\n", true },
        { "[]", "a", false },
        { "^[]*?a[]{0,2}$", "a", true },
        { "^a{2}b{1,}c{0,1}$", "aabb", true },
        { "^a{$", "a{", true },
        { "^{}]$", "{}]", true },
        { "^a{,2}$", "a{,2}", true },
        { "^a+?b*?c??$", "ab", true },
        { "^\\/\\-\\.\\@\\_$", "/-.@_", true },
        { "^\\^\\$\\\\\\.\\*\\+\\?\\(\\)\\[\\]\\{\\}\\|$", "^$\\.*+?()[]{}|", true },
        { "(?:(a)|b)\\1c", "bc", true }, /* a group that did not take part matches empty */
        { "^#a b$", "#a b", true },
        { "^\xc3\xa9[\xc3\xa8-\xc3\xaa]$", "\xc3\xa9\xc3\xa9", true },
        { "^\\\xc3\xa9$", "\xc3\xa9", true },
    };
    check_samples(samples, N(samples), true);
    assert_int_equal(answer("^\\0$", true, (struct weir_text){ "\0", 1 }), REGEX_YES);
}

static void
a_wrong_pattern_is_refused_with_offset_and_reason(void **state)
{
    (void)state;
    static const struct {
        const char *pattern;
        bool ecma;
        const char *text;
    } samples[] = {
        { "a(b", false, "at offset 3: missing closing parenthesis" },
        { "a[b", true, "at offset 3: missing terminating ] for character class" },
        { "\\s\\s(b", true, "at offset 6: missing closing parenthesis" },
        { "a.b)", true, "at offset 3: unmatched closing parenthesis" },
        { "ab\\Z", true, "at offset 2: ECMA-262 has no such escape" },
        { "\\Aab", true, "at offset 0: ECMA-262 has no such escape" },
        { "a\\", true, "at offset 1: nothing follows \\" },
        { "(?>a)", true,
          "at offset 0: ECMA-262 has no such group; flags are written (?i:...)" },
        { "(?i)a", true,
          "at offset 0: ECMA-262 has no such group; flags are written (?i:...)" },
        { "(*UTF)a", true, "at offset 0: nothing to repeat" },
        { "a++", true, "at offset 2: nothing to repeat" },
        { "a{2}{3}", true, "at offset 4: nothing to repeat" },
        { "\\01", true, "at offset 0: there are no octal escapes" },
        { "[\\1]", true, "at offset 1: a reference to a group means nothing in [ ]" },
        { "[\\B]", true, "at offset 1: \\B means nothing in [ ]" },
        { "\\c1", true, "at offset 0: \\c needs a letter" },
        { "\\x4", true, "at offset 0: \\x needs two hexadecimal digits" },
        { "\\u004", true, "at offset 0: \\u needs four hexadecimal digits" },
        { "\\u{}", true, "at offset 0: \\u{ needs hexadecimal digits and }" },
        { "\\u{110000}", true, "at offset 0: there is no such character" },
        { "\\ud83d", true, "at offset 0: half of a surrogate pair matches nothing" },
        { "\\ud83d\\u0041", true, "at offset 0: half of a surrogate pair matches nothing" },
        { "\\pL", true, "at offset 0: \\p needs a property in { }" },
        { "\\p{^L}", true, "at offset 0: \\p{ needs the name of a property and }" },
        { "\\kx", true, "at offset 0: \\k needs the name of a group in < >" },
    };
    for (size_t i = 0; i < N(samples); i++) {
        struct regex *re;
        struct weir_error err;
        assert_int_equal(regex_new(text_of(samples[i].pattern), samples[i].ecma, &re, &err),
                         WEIR_INVALID);
        assert_string_equal(err.text, samples[i].text);
    }
    struct regex *re;
    assert_int_equal(regex_new(TEXT("("), true, &re, NULL), WEIR_INVALID);
    assert_int_equal(regex_new(TEXT("\\p{Nonsense}"), true, &re, NULL), WEIR_INVALID);
    assert_int_equal(regex_new(TEXT("\\C"), false, &re, NULL), WEIR_INVALID);
}

static void
patterns_have_a_greatest_length(void **state)
{
    (void)state;
    struct regex *re;
    struct weir_error err;
    static char long_pattern[70000];
    memset(long_pattern, 's', sizeof(long_pattern));
    for (size_t i = 0; i < 64000; i += 2)
        long_pattern[i] = '\\';
    struct weir_text text = { long_pattern, sizeof(long_pattern) };
    assert_int_equal(regex_new(text, true, &re, &err), WEIR_INVALID);
    assert_string_equal(err.text, "at offset 65536: longer than 64 KiB");
    text.len = 64000;
    assert_int_equal(regex_new(text, true, &re, &err), WEIR_INVALID);
    assert_int_equal(regex_new(TEXT("((a{1000}){1000}){1000}"), false, &re, &err),
                     WEIR_INVALID);
    assert_non_null(strstr(err.text, "too large"));
}

static double
now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* Far above what it takes, also with a sanitizer and on a busy machine; far below endless. */
#define SOON_MS 10000

static void
a_match_without_end_is_cut_off(void **state)
{
    (void)state;
    static char text[1 << 20];
    memset(text, 'a', sizeof(text));
    memcpy(text + sizeof(text) - 5, "!bcx5", 5); /* what PCRE2 looks for in advance is there */
    static const char *const patterns[] = {
        "^(a+)+$x",       "(a|aa)+$b",      "^(a*)*\\1b",          "(?:a?){40}a{40}b",
        "[a-z]+[0-9]",    "a*a*a*a*a*b",    "(.*)(.*)(.*)(.*)\\d", "(?=(a+))a*b\\1",
        "^(?:.*a){9}b",   "([a-z]+)*[0-9]", "(a+){2,}(a+){2,}c",   "[a-z]{1000}[0-9]",
        "(?:(?:a|b)*)*c", "^(?:(?:a+)+)+b",
    };
    double start = now_ms();
    for (size_t i = 0; i < N(patterns); i++)
        for (size_t len = 64; len <= sizeof(text); len *= 128)
            (void)answer(patterns[i], i % 2 == 0,
                         (struct weir_text){ text + sizeof(text) - len, len }); /* ends */
    assert_int_equal(
        answer("^(a+)+$", false, (struct weir_text){ text + sizeof(text) - 64, 64 }),
        REGEX_TOO_COSTLY);
    assert_int_equal(answer("[a-z]+[0-9]", true, (struct weir_text){ text, sizeof(text) }),
                     REGEX_TOO_COSTLY);
    assert_true(now_ms() - start < SOON_MS);
}

static void
a_short_text_never_takes_long(void **state)
{
    (void)state;
    char text[132];
    memset(text, 'a', sizeof(text));
    text[131] = '!';
    struct regex *re;
    struct weir_error err;
    double least[2] = { 1e9, 1e9 }; /* of a match, and of one with 200,000 steps */
    assert_int_equal(regex_new(TEXT("^(a+)+$"), true, &re, &err), WEIR_OK);
    for (unsigned i = 0; i < 40; i++) {
        uint64_t steps = 200 * 1000;
        struct weir_text all = { text, sizeof(text) };
        double start = now_ms();
        assert_int_equal(i % 2 == 0 ? regex_match(re, all) : regex_match_within(re, all, &steps), REGEX_TOO_COSTLY);
        double took = now_ms() - start;
        least[i % 2] = took < least[i % 2] ? took : least[i % 2];
    }
    assert_true(least[0] < least[1] / 4);
    regex_free(&re);
}

static void
a_long_text_is_no_reason_to_give_up(void **state)
{
    (void)state;
    static char text[1 << 20];
    memset(text, 'a', sizeof(text));
    struct weir_text all = { text, sizeof(text) };
    assert_int_equal(answer("^[a-z]*$", true, all), REGEX_YES);
    assert_int_equal(answer("^.*$", true, all), REGEX_YES);
    assert_int_equal(answer("b", true, all), REGEX_NO);
    assert_int_equal(answer("^(?:[a-z]{4})*$", true, (struct weir_text){ text, 8000 }),
                     REGEX_YES);
}

static void
a_budget_goes_over_many_matches(void **state)
{
    (void)state;
    struct regex *re;
    struct weir_error err;
    assert_int_equal(regex_new(TEXT("^(a+)+$"), true, &re, &err), WEIR_OK);
    uint64_t steps = 100000;
    unsigned n = 0;
    while (regex_match_within(re, TEXT("aaaaaaaaaab"), &steps) == REGEX_NO)
        n++;
    assert_int_equal(steps, 0);
    assert_in_range(n, 10, 100);
    assert_int_equal(regex_match_within(re, TEXT("a"), &steps), REGEX_TOO_COSTLY);
    steps = 1000;
    assert_int_equal(regex_match_within(re, TEXT("a"), &steps), REGEX_YES);
    assert_in_range(steps, 900, 999);
    regex_free(&re);
}

struct job {
    const struct regex *re;
    unsigned wrong;
};

static void *
match_often(void *arg)
{
    struct job *job = arg;
    char text[64];
    for (int i = 0; i < 2000; i++) {
        int len = snprintf(text, sizeof(text), "%d-%d", i, i % 3 == 0 ? i : i + 1);
        enum regex_answer a = regex_match(job->re, (struct weir_text){ text, (size_t)len });
        job->wrong += a != (i % 3 == 0 ? REGEX_YES : REGEX_NO);
    }
    return NULL;
}

static void
any_thread_may_match(void **state)
{
    (void)state;
    struct regex *re;
    struct weir_error err;
    assert_int_equal(regex_new(TEXT("^(\\d+)-\\1$"), true, &re, &err), WEIR_OK);
    struct job jobs[4];
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) {
        jobs[i] = (struct job){ re, 0 };
        assert_int_equal(pthread_create(&threads[i], NULL, match_often, &jobs[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(jobs[i].wrong, 0);
    }
    regex_free(&re);
    regex_free(&re);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_match_anywhere_in_utf8),
        cmocka_unit_test(ecma_patterns_mean_what_ecma_says),
        cmocka_unit_test(a_wrong_pattern_is_refused_with_offset_and_reason),
        cmocka_unit_test(patterns_have_a_greatest_length),
        cmocka_unit_test(a_match_without_end_is_cut_off),
        cmocka_unit_test(a_short_text_never_takes_long),
        cmocka_unit_test(a_long_text_is_no_reason_to_give_up),
        cmocka_unit_test(a_budget_goes_over_many_matches),
        cmocka_unit_test(any_thread_may_match),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* unit/value/number_test.c - numbers as text: nearest when read, shortest when written.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "given.h"

#include <math.h>

#include "base/random.h"

static double
read_double(const char *text)
{
    const struct weir_value *v = given(text);
    double d = value_type(v) == WEIR_INT ? (double)v->integer : v->number;
    value_unref(&v);
    return d;
}

static void
assert_shortest(double d, const char *text)
{
    struct buf out;
    buf_init(&out, 100);
    assert_true(json_write_double(&out, d));
    assert_string_equal(out.bytes, text);
    assert_true(read_double(text) == d);
    buf_fini(&out);
}

static void
doubles_are_written_in_the_shortest_form(void **state)
{
    (void)state;
    assert_shortest(0.0, "0.0");
    assert_shortest(1.0, "1.0");
    assert_shortest(-1.5, "-1.5");
    assert_shortest(0.1, "0.1");
    assert_shortest(0.1 + 0.2, "0.30000000000000004");
    assert_shortest(1.0 / 3, "0.3333333333333333");
    assert_shortest(123456.789, "123456.789");
    assert_shortest(0x1p53, "9007199254740992.0");
    assert_shortest(1e15, "1000000000000000.0");
    assert_shortest(1e16, "10000000000000000.0");
    assert_shortest(123456789012345680.0, "123456789012345680.0");
    assert_shortest(1e20, "100000000000000000000.0");
    assert_shortest(1e21, "1e+21");
    assert_shortest(1.5e300, "1.5e+300");
    assert_shortest(0.000001, "0.000001");
    assert_shortest(0.00000015, "1.5e-7");
    assert_shortest(5e-324, "5e-324");
    assert_shortest(2.2250738585072014e-308, "2.2250738585072014e-308");
    assert_shortest(2.225073858507201e-308, "2.225073858507201e-308");
    assert_shortest(1.7976931348623157e308, "1.7976931348623157e+308");
    assert_shortest(5e-11, "5e-11");
    assert_shortest(9.999999999999999e-11, "9.999999999999999e-11");
    assert_shortest(9.5367431640625e-7, "9.5367431640625e-7");       /* 2^-20 */
    assert_shortest(5.684341886080802e-14, "5.684341886080802e-14"); /* 2^-44 */
    assert_shortest(9.313225746154785e-10, "9.313225746154785e-10"); /* 2^-30 */
}

static void
negative_zero_keeps_its_sign(void **state)
{
    (void)state;
    const struct weir_value *v = given("-0");
    assert_int_equal(value_type(v), WEIR_DOUBLE);
    assert_true(signbit(v->number));
    assert_written(v, "-0.0");
    value_unref(&v);
}

/* Fails unless D comes back from its text, which has to be as short as the library finds one.
 */
static void
check_double(double d)
{
    struct buf out;
    buf_init(&out, 100);
    assert_true(json_write_double(&out, d));
    if (!(read_double(out.bytes) == d))
        fail_msg("%a is written as %s", d, out.bytes);

    int digits = 1;
    char shorter[40];
    do
        (void)snprintf(shorter, sizeof shorter, "%.*e", digits - 1, d);
    while (strtod(shorter, NULL) != d && digits++ < 17);
    int ours = 0;
    int zeros = 0;
    for (const char *p = out.bytes; *p != '\0' && *p != 'e'; p++) {
        if (*p < '0' || *p > '9' || (*p == '0' && ours == 0))
            continue;
        ours++;
        zeros = *p == '0' ? zeros + 1 : 0;
    }
    if (ours - zeros > digits)
        fail_msg("%a is written as %s, which is longer than %s", d, out.bytes, shorter);
    buf_fini(&out);
}

static void
any_double_comes_back_and_is_short(void **state)
{
    (void)state;
    random_seed(1);
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = random_below(UINT64_MAX);
        double d;
        memcpy(&d, &bits, sizeof d);
        if (isfinite(d))
            check_double(d);
        check_double((double)(int64_t)random_below(1u << 30) /
                     (double)(1 + random_below(100000)));
        check_double((double)random_below(1000000) / 1000);
        check_double(ldexp(1, (int)(random_below(2000)) - 1000));
        check_double((double)(bits >> 11) * 0x1p-53);
    }
}

static void
assert_nearest(const char *text)
{
    double d = strtod(text, NULL);
    if (isfinite(d) && !(read_double(text) == d))
        fail_msg("%s", text);
}

static void
text_is_read_as_the_nearest_double(void **state)
{
    (void)state;
    random_seed(2);
    for (int i = 0; i < 50000; i++) {
        char text[80];
        unsigned long long digits = 1 + (random_below(UINT64_MAX - 1) >> random_below(64));
        unsigned long long more = random_below(UINT64_MAX) >> random_below(64);
        int power = (int)random_below(700) - 370;
        (void)snprintf(text, sizeof text, "%llue%d", digits, power);
        assert_nearest(text);
        (void)snprintf(text, sizeof text, "%llu%llue%d", digits, more, power);
        assert_nearest(text);
        (void)snprintf(text, sizeof text, "0.%llu", digits);
        assert_nearest(text);
        (void)snprintf(text, sizeof text, "%llu.00%llu", digits, more);
        assert_nearest(text);
    }
}

static void
known_hard_numbers_are_read_as_the_nearest_double(void **state)
{
    (void)state;
    static const char *const hard[] = {
        "2.2250738585072011e-308",
        "2.2250738585072012e-308",
        "6.631236846766476e-316",
        "4.9406564584124654e-324",
        "2.4703282292062327e-324",
        "2.4703282292062328e-324",
        "1.7976931348623158e308",
        "9007199254740991.5",
        "12345678901234567.0",
        "1.00000000000000011102230246251565404236316680908203125",
        "1.00000000000000011102230246251565404236316680908203126",
        "1.00000000000000033306690738754696212708950042724609375",
        "7.8459735791271921e65",
        "3.08984926168550152811e-32",
        "0.000000000000000000000000000000000000000000000000000000000000000000001e69",
        "1000000000000000000000000000000000000000000000000000000000000000000000e-69",
        "5e-324",
        "1e23",
        "8.5e-323",
    };
    for (size_t i = 0; i < sizeof hard / sizeof hard[0]; i++)
        assert_nearest(hard[i]);
}

static void
ties_are_broken_by_digits_far_behind(void **state)
{
    (void)state;
    assert_true(read_double("9007199254740993.0") == 9007199254740992.0);
    assert_true(read_double("9007199254740993.00000000000000000000000000000000001") ==
                9007199254740994.0);
    char text[3000] = "9007199254740993.";
    memset(text + strlen(text), '0', 2000);
    assert_true(read_double(text) == 9007199254740992.0);
    strcat(text, "1");
    assert_true(read_double(text) == 9007199254740994.0);

    char small[3000] = "0.";
    memset(small + 2, '0', 400);
    strcat(small, "123e400");
    assert_true(read_double(small) == 0.123);
    char large[3000] = "123";
    memset(large + 3, '0', 400);
    strcat(large, "e-400");
    assert_true(read_double(large) == 123);
}

static void
short_numbers_are_read_like_long_ones(void **state)
{
    (void)state;
    random_seed(3);
    for (unsigned i = 0; i < 200000; i++) {
        char text[24], longer[32];
        unsigned n = 1 + (unsigned)random_below(17), len = 0;
        unsigned point = (unsigned)random_below(2 * n); /* behind so many digits */
        if (random_below(2))
            text[len++] = '-';
        for (unsigned k = 0; k < n; k++) {
            text[len++] = (char)('0' + (k == 0 && n > 1 && point != 1 ? 1 + random_below(9) : random_below(10)));
            if (k + 1 == point && point < n)
                text[len++] = '.';
        }
        text[len] = '\0';
        snprintf(longer, sizeof longer, "%se0", text);
        assert_true(read_double(text) == strtod(text, NULL));
        assert_true(read_double(text) == read_double(longer));
        bool whole = strchr(text, '.') == NULL && strcmp(text, "-0") != 0;
        const struct weir_value *v = given(text);
        assert_int_equal(value_type(v), whole ? WEIR_INT : WEIR_DOUBLE);
        if (whole)
            assert_int_equal(v->integer, strtoll(text, NULL, 10));
        else
            assert_int_equal(signbit(v->number) != 0, text[0] == '-');
        value_unref(&v);
    }
}

static void
what_looks_like_a_short_number_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = { "-", "01", "-01", "00", "1.", "-1.", ".5", "-.5", "1.5.2", "1..2", "1-2", "1e", "1.e2", "1.5e", "+1", "0x1" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const struct weir_value *v = NULL;
        struct weir_error err = { 0 };
        if (json_read(text_of(bad[i]), NULL, NULL, &v, &err) == WEIR_OK)
            fail_msg("%s was taken", bad[i]);
        value_unref(&err.detail);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(doubles_are_written_in_the_shortest_form),
        cmocka_unit_test(negative_zero_keeps_its_sign),
        cmocka_unit_test(any_double_comes_back_and_is_short),
        cmocka_unit_test(text_is_read_as_the_nearest_double),
        cmocka_unit_test(known_hard_numbers_are_read_as_the_nearest_double),
        cmocka_unit_test(short_numbers_are_read_like_long_ones),
        cmocka_unit_test(what_looks_like_a_short_number_is_refused),
        cmocka_unit_test(ties_are_broken_by_digits_far_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

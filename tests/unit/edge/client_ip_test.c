/* unit/edge/client_ip_test.c - who the caller is behind trusted proxies.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "edge/client_ip.h"

static struct address_range ranges[2];
static const struct trust trust = { ranges, 2 };

static const char *
forwarded(const char *first, const char *second)
{
    static char ret[CLIENT_IP];
    struct weir_header headers[] = { { TEXT("x-forwarded-for"), text_of(first) },
                                     { TEXT("x-other"), TEXT("9.9.9.9") },
                                     { TEXT("x-forwarded-for"), text_of(second) } };
    size_t len = client_ip_forwarded(&trust, headers, second[0] != '\0' ? 3 : 2, ret);
    ret[len] = '\0';
    return ret;
}

static void
the_rightmost_untrusted_address_is_taken(void **state)
{
    (void)state;
    static const struct {
        const char *first;
        const char *second;
        const char *want;
    } cases[] = {
        { "1.2.3.4", "", "1.2.3.4" },
        { "6.6.6.6, 1.2.3.4", "", "1.2.3.4" },
        { "6.6.6.6, 1.2.3.4, 10.0.0.7", "", "1.2.3.4" },
        { "6.6.6.6", "1.2.3.4,10.0.0.7", "1.2.3.4" },
        { "1.2.3.4", "10.0.0.7, 10.0.0.8", "1.2.3.4" },
        { "10.0.0.1, 10.0.0.7", "", "10.0.0.1" },
        { "1.2.3.4:5678, 10.0.0.7:80", "", "1.2.3.4" },
        { "\"[2001:DB8::1]:443\", ::1", "", "2001:db8::1" },
        { "2001:db8::2", "", "2001:db8::2" },
        { "::ffff:1.2.3.4", "", "1.2.3.4" },
        { "1.2.3.4, garbage, 10.0.0.7", "", "10.0.0.7" },
        { "garbage", "", "" },
        { "1.2.3.4, ", "", "" },
        { "", "", "" },
        { "1.2.3.4.5", "", "" },
    };
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_string_equal(forwarded(cases[i].first, cases[i].second), cases[i].want);
}

static void
mapped_addresses_are_ipv4(void **state)
{
    (void)state;
    struct sockaddr_storage a;
    socklen_t len;
    char text[CLIENT_IP];
    struct weir_error err;
    assert_int_equal(address_parse(TEXT("[::ffff:10.1.2.3]:80"), &a, &len, &err), WEIR_OK);
    client_ip_unmap(&a);
    assert_int_equal(a.ss_family, AF_INET);
    text[address_text((struct sockaddr *)&a, text, sizeof(text))] = '\0';
    assert_string_equal(text, "10.1.2.3");
    assert_true(client_ip_trusted(&trust, (struct sockaddr *)&a));
}

int
main(void)
{
    struct weir_error err;
    if (address_range_parse(TEXT("10.0.0.0/8"), &ranges[0], &err) != WEIR_OK ||
        address_range_parse(TEXT("::1"), &ranges[1], &err) != WEIR_OK)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_rightmost_untrusted_address_is_taken),
        cmocka_unit_test(mapped_addresses_are_ipv4),
    };
    return cmocka_run_group_tests_name("edge/client_ip", tests, NULL, NULL);
}

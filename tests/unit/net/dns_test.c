/* Names to addresses: numbers, /etc/hosts, a name server that the test plays itself.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above */
#include <arpa/inet.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/dns.h"
#include "net/url.h"

static struct weir_shard *shard;
static struct dns *dns;
static struct weir_error err;

/* The name server: answers A with 192.0.2.N for N from 1 to ADDRESSES, AAAA with nothing. */
static struct {
    int fd;
    struct watch *watch;
    unsigned asked; /* questions for A */
    unsigned addresses;
    uint32_t ttl;
    bool silent;
    unsigned rcode;
} server;

static size_t
put_answer(uint8_t *at, unsigned n)
{
    uint8_t record[16] = { 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 192, 0, 2, (uint8_t)n };
    uint32_t ttl = htonl(server.ttl);
    memcpy(record + 6, &ttl, 4);
    memcpy(at, record, sizeof(record));
    return sizeof(record);
}

static void
on_question(void *arg, int fd, unsigned ready)
{
    (void)arg;
    (void)ready;
    uint8_t packet[1500];
    struct sockaddr_in from;
    socklen_t from_len = sizeof(from);
    ssize_t got = recvfrom(fd, packet, 512, 0, (struct sockaddr *)&from, &from_len);
    assert_true(got > 12);
    size_t at = 12;
    while (packet[at] != 0)
        at += packet[at] + 1u;
    unsigned type = packet[at + 2];
    at += 5;
    if (type == 1)
        server.asked++;
    if (server.silent)
        return;
    unsigned n = type == 1 && server.rcode == 0 ? server.addresses : 0;
    packet[2] = 0x81;
    packet[3] = (uint8_t)(0x80 | server.rcode);
    packet[6] = 0;
    packet[7] = (uint8_t)n;
    memset(packet + 8, 0, 4);
    for (unsigned i = 1; i <= n; i++)
        at += put_answer(packet + at, i);
    assert_int_equal(sendto(fd, packet, at, 0, (struct sockaddr *)&from, from_len), at);
}

static int
set_up(void **state)
{
    (void)state;
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t len = sizeof(address);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (shard_new(0, &shard, &err) != WEIR_OK || dns_new(shard, &dns, &err) != WEIR_OK)
        return -1;
    server.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (bind(server.fd, (struct sockaddr *)&address, len) != 0 ||
        getsockname(server.fd, (struct sockaddr *)&address, &len) != 0)
        return -1;
    server.watch = watch_new(shard, server.fd, WEIR_READ, on_question, NULL);
    server.asked = 0;
    server.addresses = 1;
    server.ttl = 30;
    server.silent = false;
    server.rcode = 0;
    char text[64];
    snprintf(text, sizeof(text), "127.0.0.1:%u", ntohs(address.sin_port));
    dns_use_servers(dns, text);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    dns_free(&dns);
    dns_free(&dns);
    watch_free(&server.watch);
    close(server.fd);
    shard_free(&shard);
    return 0;
}

struct answer {
    unsigned calls;
    unsigned n;
    char first[64];
    struct weir_error err;
};

static void
on_answer(void *arg, const struct sockaddr_storage *addresses, unsigned n,
          const struct weir_error *e)
{
    struct answer *a = arg;
    a->calls++;
    a->n = n;
    a->first[0] = '\0';
    if (n > 0)
        (void)address_text((const struct sockaddr *)&addresses[0], a->first, sizeof(a->first));
    else
        a->err = *e;
}

static void
find(const char *host, struct answer *a)
{
    *a = (struct answer){ 0 };
    assert_non_null(dns_find(dns, text_of(host), on_answer, a));
    assert_int_equal(a->calls, 0);
    while (a->calls == 0)
        shard_turn(shard, 1000);
    assert_int_equal(a->calls, 1);
}

static void
addresses_stand_for_themselves(void **state)
{
    (void)state;
    struct answer a;
    find("127.0.0.1", &a);
    assert_int_equal(a.n, 1);
    assert_string_equal(a.first, "127.0.0.1");
    find("::1", &a);
    assert_string_equal(a.first, "::1");
    find("2001:DB8::5", &a);
    assert_string_equal(a.first, "2001:db8::5");
    assert_int_equal(server.asked, 0);
}

static void
localhost_is_found_without_a_server(void **state)
{
    (void)state;
    struct answer a;
    find("localhost", &a);
    assert_in_range(a.n, 1, 8);
    assert_true(strcmp(a.first, "127.0.0.1") == 0 || strcmp(a.first, "::1") == 0);
    assert_int_equal(server.asked, 0);
}

static void
a_name_is_asked_for_once_and_kept(void **state)
{
    (void)state;
    struct answer a;
    find("www.example.com", &a);
    assert_string_equal(a.first, "192.0.2.1");
    find("WWW.Example.com", &a);
    assert_string_equal(a.first, "192.0.2.1");
    assert_int_equal(server.asked, 1);
    find("other.example.com", &a);
    assert_int_equal(server.asked, 2);
}

static void
answers_are_kept_for_their_time_to_live(void **state)
{
    (void)state;
    struct answer a;
    uint64_t now = clock_mono_ms();
    shard_set_clock(shard, now);
    find("www.example.com", &a);
    shard_set_clock(shard, now + 29000);
    find("www.example.com", &a);
    assert_int_equal(server.asked, 1);
    shard_set_clock(shard, now + 30001);
    server.ttl = 100000; /* counts as 60 s */
    find("www.example.com", &a);
    assert_int_equal(server.asked, 2);
    shard_set_clock(shard, now + 30001 + 60001);
    find("www.example.com", &a);
    assert_int_equal(server.asked, 3);
}

static void
questions_for_the_same_name_share_one_lookup(void **state)
{
    (void)state;
    struct answer a[20] = { 0 };
    for (int i = 0; i < 20; i++)
        assert_non_null(dns_find(dns, TEXT("www.example.com"), on_answer, &a[i]));
    while (a[19].calls == 0)
        shard_turn(shard, 1000);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(a[i].calls, 1);
        assert_string_equal(a[i].first, "192.0.2.1");
    }
    assert_int_equal(server.asked, 1);
}

static void
more_addresses_than_fit_are_left_out(void **state)
{
    (void)state;
    struct answer a;
    server.addresses = 20;
    find("www.example.com", &a);
    assert_int_equal(a.n, DNS_ADDRESSES);
}

static void
failures_name_the_host_and_are_kept_for_a_second(void **state)
{
    (void)state;
    struct answer a;
    server.rcode = 3;
    find("nowhere.example.com", &a);
    assert_int_equal(a.n, 0);
    assert_int_equal(a.err.code, WEIR_UPSTREAM);
    assert_string_equal(a.err.text, "cannot find nowhere.example.com: there is no such name");
    unsigned asked = server.asked;
    find("nowhere.example.com", &a);
    assert_int_equal(server.asked, asked);
    shard_set_clock(shard, clock_mono_ms() + 1500);
    server.rcode = 0;
    find("nowhere.example.com", &a);
    assert_int_equal(a.n, 1);
}

static void
what_is_no_name_is_refused(void **state)
{
    (void)state;
    struct answer a;
    char longest[300];
    memset(longest, 'a', sizeof(longest));
    longest[299] = '\0';
    find("", &a);
    assert_int_equal(a.err.code, WEIR_UPSTREAM);
    find(longest, &a);
    assert_int_equal(a.n, 0);
    find("a b", &a);
    assert_int_equal(a.n, 0);
    assert_int_equal(server.asked, 0);
}

static void
a_silent_server_ends_in_an_error_within_five_seconds(void **state)
{
    (void)state;
    struct answer a;
    server.silent = true;
    uint64_t began = clock_mono_ms();
    find("www.example.com", &a);
    assert_in_range(clock_mono_ms() - began, 1000, 5500);
    assert_int_equal(a.n, 0);
    assert_string_equal(a.err.text,
                        "cannot find www.example.com: the name servers don't answer");
}

static void
a_cancelled_query_is_not_answered(void **state)
{
    (void)state;
    struct answer a = { 0 }, b = { 0 };
    struct dns_query *q = dns_find(dns, TEXT("www.example.com"), on_answer, &a);
    struct dns_query *numeric = dns_find(dns, TEXT("10.0.0.1"), on_answer, &a);
    assert_non_null(dns_find(dns, TEXT("www.example.com"), on_answer, &b));
    dns_cancel(&q);
    dns_cancel(&q);
    dns_cancel(&numeric);
    while (b.calls == 0)
        shard_turn(shard, 1000);
    shard_turn(shard, 0);
    assert_int_equal(a.calls, 0);
}

static void
freeing_the_resolver_cancels_what_is_pending(void **state)
{
    (void)state;
    struct answer a = { 0 };
    server.silent = true;
    assert_non_null(dns_find(dns, TEXT("www.example.com"), on_answer, &a));
    assert_non_null(dns_find(dns, TEXT("10.0.0.1"), on_answer, &a));
    for (int i = 0; i < 20; i++) {
        char name[32];
        snprintf(name, sizeof(name), "n%d.example.com", i);
        assert_non_null(dns_find(dns, text_of(name), on_answer, &a));
    }
    dns_free(&dns);
    shard_turn(shard, 0);
    assert_int_equal(a.calls, 0);
}

static void
the_cache_is_bounded(void **state)
{
    (void)state;
    struct answer a;
    char name[32];
    for (int i = 0; i < 400; i++) {
        snprintf(name, sizeof(name), "n%d.example.com", i);
        find(name, &a);
        assert_int_equal(a.n, 1);
    }
    assert_int_equal(server.asked, 400);
    find("n399.example.com", &a);
    assert_int_equal(server.asked, 400);
    find("n0.example.com", &a);
    assert_int_equal(server.asked, 401);
}

static void
too_many_pending_names_are_refused(void **state)
{
    (void)state;
    static struct answer a[300];
    memset(a, 0, sizeof(a));
    server.silent = true;
    for (int i = 0; i < 300; i++) {
        char name[32];
        snprintf(name, sizeof(name), "n%d.example.com", i);
        assert_non_null(dns_find(dns, text_of(name), on_answer, &a[i]));
    }
    while (a[299].calls == 0)
        shard_turn(shard, 1000);
    assert_string_equal(a[299].err.text,
                        "cannot find n299.example.com: too many names are being looked up");
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(addresses_stand_for_themselves),
        T(localhost_is_found_without_a_server),
        T(a_name_is_asked_for_once_and_kept),
        T(answers_are_kept_for_their_time_to_live),
        T(questions_for_the_same_name_share_one_lookup),
        T(more_addresses_than_fit_are_left_out),
        T(failures_name_the_host_and_are_kept_for_a_second),
        T(what_is_no_name_is_refused),
        T(a_silent_server_ends_in_an_error_within_five_seconds),
        T(a_cancelled_query_is_not_answered),
        T(freeing_the_resolver_cancels_what_is_pending),
        T(the_cache_is_bounded),
        T(too_many_pending_names_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

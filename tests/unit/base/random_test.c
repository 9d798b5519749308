/* unit/base/random_test.c - what base/random.h promises.
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
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/random.h"

static void
no_two_draws_are_the_same(void **state)
{
    (void)state;
    static unsigned char draws[2000][16];
    for (size_t i = 0; i < 2000; i++)
        random_bytes(draws[i], 16);
    for (size_t i = 0; i < 2000; i++)
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(draws[i], draws[j], 16);
}

static void
exactly_as_many_bytes_are_written_as_asked_for(void **state)
{
    (void)state;
    unsigned char bytes[1002];
    for (size_t len = 0; len <= 1000; len++) {
        bytes[len + 1] = 0x5a;
        random_bytes(bytes + 1, len);
        assert_int_equal(bytes[len + 1], 0x5a);
    }
}

static void
every_bit_is_set_about_half_of_the_time(void **state)
{
    (void)state;
    unsigned set[64] = { 0 };
    for (int i = 0; i < 10000; i++) {
        uint64_t x;
        random_bytes(&x, sizeof(x));
        for (unsigned bit = 0; bit < 64; bit++)
            set[bit] += (unsigned)(x >> bit & 1);
    }
    for (unsigned bit = 0; bit < 64; bit++)
        assert_in_range(set[bit], 4600, 5400);
}

static void
a_child_does_not_repeat_its_parent(void **state)
{
    (void)state;
    struct {
        unsigned char bytes[16];
        uint64_t quick;
    } mine, childs;
    memset(&mine, 0, sizeof(mine));
    memset(&childs, 0, sizeof(childs));
    random_bytes(mine.bytes, 16); /* both generators have been in use before the fork */
    random_below(10);
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        random_bytes(childs.bytes, 16);
        childs.quick = random_below(UINT64_MAX);
        _exit(write(ends[1], &childs, sizeof(childs)) == sizeof(childs) ? 0 : 1);
    }
    random_bytes(mine.bytes, 16);
    mine.quick = random_below(UINT64_MAX);
    assert_int_equal(read(ends[0], &childs, sizeof(childs)), sizeof(childs));
    waitpid(pid, NULL, 0);
    assert_memory_not_equal(mine.bytes, childs.bytes, 16);
    assert_int_not_equal(mine.quick, childs.quick);
    close(ends[0]);
    close(ends[1]);
}

static void *
draw(void *arg)
{
    random_bytes(arg, 16);
    return NULL;
}

static void
threads_do_not_repeat_each_other(void **state)
{
    (void)state;
    unsigned char one[16];
    unsigned char two[16];
    pthread_t thread;
    random_bytes(one, 16);
    assert_int_equal(pthread_create(&thread, NULL, draw, two), 0);
    pthread_join(thread, NULL);
    assert_memory_not_equal(one, two, 16);
}

static void
numbers_stay_below_their_bound_and_reach_it(void **state)
{
    (void)state;
    assert_int_equal(random_below(0), 0);
    assert_int_equal(random_below(1), 0);
    for (uint64_t below = 2; below < 40; below++) {
        uint64_t seen = 0;
        for (int i = 0; i < 2000; i++) {
            uint64_t x = random_below(below);
            assert_true(x < below);
            seen |= 1ull << x;
        }
        assert_int_equal(seen, (1ull << below) - 1);
    }
    assert_true(random_below(1ull << 63) < 1ull << 63);
}

static void
a_seed_makes_a_sequence_repeat(void **state)
{
    (void)state;
    uint64_t first[10];
    random_seed(42);
    for (int i = 0; i < 10; i++)
        first[i] = random_below(1000000);
    random_seed(42);
    for (int i = 0; i < 10; i++)
        assert_int_equal(random_below(1000000), first[i]);
    random_seed(43);
    assert_int_not_equal(random_below(1000000), first[0]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_two_draws_are_the_same),
        cmocka_unit_test(exactly_as_many_bytes_are_written_as_asked_for),
        cmocka_unit_test(every_bit_is_set_about_half_of_the_time),
        cmocka_unit_test(a_child_does_not_repeat_its_parent),
        cmocka_unit_test(threads_do_not_repeat_each_other),
        cmocka_unit_test(numbers_stay_below_their_bound_and_reach_it),
        cmocka_unit_test(a_seed_makes_a_sequence_repeat),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What systemd leaves in the environment, right and wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "guard/activation.h"

static struct activation taken[ACTIVATION_MAX];

/* Descriptors 3 to 5 are there, kept by the test. */
static void
set(const char *fds, const char *names, long pid)
{
    char text[24];
    snprintf(text, sizeof text, "%ld", pid);
    setenv("LISTEN_PID", text, 1);
    setenv("LISTEN_FDS", fds, 1);
    if (names)
        setenv("LISTEN_FDNAMES", names, 1);
    else
        unsetenv("LISTEN_FDNAMES");
}

static void
sockets_come_with_their_names(void **state)
{
    (void)state;
    set("3", "edge:admin:", getpid());
    assert_true(activation_there());
    assert_int_equal(activation_take(taken), 3);
    assert_int_equal(taken[0].fd, 3);
    assert_string_equal(taken[0].name, "edge");
    assert_string_equal(taken[1].name, "admin");
    assert_string_equal(taken[2].name, "unknown");
    assert_int_equal(fcntl(3, F_GETFD), FD_CLOEXEC);
    assert_null(getenv("LISTEN_FDS"));
    assert_null(getenv("LISTEN_PID"));
    assert_null(getenv("LISTEN_FDNAMES"));
    assert_false(activation_there());
}

static void
names_may_be_too_few_or_too_long(void **state)
{
    (void)state;
    char names[ACTIVATION_NAME + 40];
    for (size_t i = 0; i < sizeof names - 1; i++)
        names[i] = 'x';
    names[sizeof names - 1] = '\0';
    set("2", names, getpid());
    assert_int_equal(activation_take(taken), 2);
    assert_string_equal(taken[0].name, "unknown");
    assert_string_equal(taken[1].name, "unknown");
    set("2", NULL, getpid());
    assert_int_equal(activation_take(taken), 2);
    assert_string_equal(taken[1].name, "unknown");
}

static void
what_is_for_others_or_no_number_is_not_taken(void **state)
{
    (void)state;
    set("2", "edge:edge", getpid() + 1);
    assert_false(activation_there());
    assert_int_equal(activation_take(taken), 0);
    assert_non_null(getenv("LISTEN_FDS")); /* it is theirs */
    static const char *const bad[] = { "", "0", "-1", "two", "2x", "99999999999999999999", "1000000" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        set(bad[i], NULL, getpid());
        assert_false(activation_there());
        assert_int_equal(activation_take(taken), 0);
    }
}

static void
what_is_said_to_be_there_and_is_not_is_left_out(void **state)
{
    (void)state;
    close(5);
    set("3", "a:b:c", getpid());
    assert_int_equal(activation_take(taken), 2);
    assert_string_equal(taken[1].name, "b");
}

static int
open_some(void **state)
{
    (void)state;
    for (int fd = 3; fd <= 5; fd++)
        if (dup2(STDERR_FILENO, fd) != fd)
            return -1;
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(sockets_come_with_their_names, open_some),
        cmocka_unit_test_setup(names_may_be_too_few_or_too_long, open_some),
        cmocka_unit_test_setup(what_is_for_others_or_no_number_is_not_taken, open_some),
        cmocka_unit_test_setup(what_is_said_to_be_there_and_is_not_is_left_out, open_some),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "guard/order.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static struct order order;
static struct order got;

static void
without_an_order_there_is_none(void **state)
{
    (void)state;
    unsetenv("WEIR_ORDER");
    assert_int_equal(order_take(&got), ORDER_NONE);
}

/* Leaves SIZE bytes of O for order_take. */
static void
leave(const struct order *o, size_t size)
{
    char number[12];
    int fd = memfd_create("order", 0);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, o, size), (ssize_t)size);
    snprintf(number, sizeof(number), "%d", fd);
    setenv("WEIR_ORDER", number, 1);
}

static void
an_order_is_taken_once(void **state)
{
    (void)state;
    int fd = dup(STDERR_FILENO);
    order = (struct order){ .size = sizeof(order), .message_size = sizeof(struct channel_message), .version = WEIR_VERSION, .program = -1, .final_code = 3 };
    order.handover.n_fds = 2;
    order.handover.fds[0] = fd;
    order.handover.fds[1] = -1;
    leave(&order, sizeof(order));
    assert_int_equal(order_take(&got), ORDER_GOOD);
    assert_int_equal(got.final_code, 3);
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    assert_int_equal(order_take(&got), ORDER_NONE);
    close(fd);
}

static void
an_order_of_another_version_is_refused(void **state)
{
    (void)state;
    order = (struct order){ .size = sizeof(order), .version = "another" };
    leave(&order, sizeof(order));
    assert_int_equal(order_take(&got), ORDER_OTHER_VERSION);
    order = (struct order){ .size = sizeof(order) + 1, .version = WEIR_VERSION };
    leave(&order, sizeof(order));
    assert_int_equal(order_take(&got), ORDER_OTHER_VERSION);
    order = (struct order){ .size = sizeof(order), .message_size = sizeof(struct channel_message) + 8, .version = WEIR_VERSION };
    leave(&order, sizeof(order));
    assert_int_equal(order_take(&got), ORDER_OTHER_VERSION);
    order.message_size = sizeof(struct channel_message);
    leave(&order, sizeof(order) - 1);
    assert_int_equal(order_take(&got), ORDER_OTHER_VERSION);
    setenv("WEIR_ORDER", "nonsense", 1);
    assert_int_equal(order_take(&got), ORDER_OTHER_VERSION);
}

static void
an_order_that_can_not_be_given_changes_nothing(void **state)
{
    (void)state;
    char name[] = "x";
    char *const argv[] = { name, NULL };
    int fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
    order = (struct order){ .program = -1 };
    order.handover.n_fds = 1;
    order.handover.fds[0] = fd;
    order_give(&order, "/nowhere/weir-supervisor", argv);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(order.program, -1);
    assert_null(getenv("WEIR_ORDER"));
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    close(fd);
}

/* Makes a file below the folder of temporary files and notes it. */
static void
make_file(struct order_file *ret)
{
    struct stat st;
    snprintf(ret->path, sizeof(ret->path), "/tmp/weir-order-XXXXXX");
    int fd = mkstemp(ret->path);
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &st), 0);
    ret->device = st.st_dev;
    ret->inode = st.st_ino;
    close(fd);
}

static void
files_of_sockets_are_removed_but_not_another_ones(void **state)
{
    (void)state;
    order = (struct order){ .n_files = 2 };
    make_file(&order.files[0]);
    make_file(&order.files[1]);
    order.files[1].inode++;
    order_remove_files(&order);
    assert_int_not_equal(access(order.files[0].path, F_OK), 0);
    assert_int_equal(unlink(order.files[1].path), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_an_order_there_is_none),
        cmocka_unit_test(an_order_is_taken_once),
        cmocka_unit_test(an_order_of_another_version_is_refused),
        cmocka_unit_test(an_order_that_can_not_be_given_changes_nothing),
        cmocka_unit_test(files_of_sockets_are_removed_but_not_another_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

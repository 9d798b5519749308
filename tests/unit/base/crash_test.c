/* The last words of a process; SIGABRT alone, which no sanitizer takes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/crash.h"
#include "base/crash_text.h"
#include "base/log.h"

static int reports[2];

static bool
send_report(const struct crash_report *r)
{
    return write(reports[1], r, sizeof *r) == (ssize_t)sizeof *r;
}

static void
describe(const void *at, struct crash_report *ret)
{
    crash_copy(ret->node, sizeof ret->node, at);
}

static void *
die_in_a_thread(void *arg)
{
    crash_thread_begin();
    pthread_setname_np(pthread_self(), "the-thread");
    crash_at = arg;
    abort();
}

/* Dies in a child; RET is the last report, ERR the standard error of the child. */
static int
die(bool (*send)(const struct crash_report *), struct crash_report *ret, char *err, size_t room)
{
    int errors[2];
    assert_int_equal(pipe(reports), 0);
    assert_int_equal(pipe(errors), 0);
    pid_t pid = fork();
    if (pid == 0) {
        pthread_t thread;
        dup2(errors[1], STDERR_FILENO);
        log_start(STDERR_FILENO, LOG_JSON, WEIR_INFO);
        crash_catch();
        crash_tell(send);
        crash_describe(describe);
        log_say(WEIR_INFO, "said just before");
        if (pthread_create(&thread, NULL, die_in_a_thread, (void *)"charge") == 0)
            pthread_join(thread, NULL);
        _exit(0);
    }
    close(reports[1]);
    close(errors[1]);
    while (read(reports[0], ret, sizeof *ret) == (ssize_t)sizeof *ret)
        continue;
    size_t n = 0;
    for (ssize_t got; n + 1 < room && (got = read(errors[0], err + n, room - n - 1)) > 0;)
        n += (size_t)got;
    err[n] = '\0';
    close(reports[0]);
    close(errors[0]);
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void
a_report_says_which_signal_where_and_what_was_at_work(void **state)
{
    (void)state;
    static char err[65536];
    struct crash_report r = { 0 };
    int status = die(send_report, &r, err, sizeof err);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
    assert_int_equal(r.signal, SIGABRT);
    assert_string_equal(r.thread, "the-thread");
    assert_string_equal(r.node, "charge");
    assert_string_equal(r.plugin, "");
    assert_int_equal(r.from, 0);
    assert_in_range(r.n_frames, 2, CRASH_FRAMES);
    bool own = false;
    for (unsigned i = 0; i < r.n_frames; i++)
        own = own || strcmp(r.frames[i].module, "base_crash_test") == 0;
    assert_true(own);
    assert_non_null(strstr(err, "weir dies of SIGABRT, in thread the-thread"));
    assert_non_null(strstr(err, "while it ran node charge"));
    assert_non_null(strstr(err, "said just before")); /* lines that waited are not lost */
}

static bool
nobody(const struct crash_report *r)
{
    (void)r;
    return false;
}

static void
a_report_that_nobody_takes_is_a_line_of_the_log(void **state)
{
    (void)state;
    static char err[65536];
    struct crash_report r = { 0 };
    die(nobody, &r, err, sizeof err);
    assert_non_null(strstr(err, "\"msg\":\"weir dies of SIGABRT\",\"node\":\"charge\",\"thread\":\"the-thread\""));
    assert_non_null(strstr(err, "\"backtrace\":[\""));
}

static const char *
no_plugin(const char *path)
{
    (void)path;
    return NULL;
}

static void
addresses_are_found_in_their_files(void **state)
{
    (void)state;
    struct crash_report r = { 0 };
    uintptr_t places[] = { (uintptr_t)addresses_are_found_in_their_files, 0 };
    crash_find_modules(places, 2, no_plugin, &r);
    assert_int_equal(r.n_frames, 2);
    assert_string_equal(r.frames[0].module, "base_crash_test");
    assert_string_equal(r.frames[1].module, "");
    struct buf b;
    buf_init(&b, 4096);
    crash_frames_json(&r, &b);
    assert_memory_equal(b.bytes, "[\"base_crash_test+0x", 20);
    assert_string_equal(b.bytes + b.len - 7, ",\"0x0\"]");
    buf_fini(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_report_says_which_signal_where_and_what_was_at_work),
        cmocka_unit_test(a_report_that_nobody_takes_is_a_line_of_the_log),
        cmocka_unit_test(addresses_are_found_in_their_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* unit/base/log_test.c - what base/log.h promises.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>

#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/log.h"

static char text[4 << 20]; /* what was logged */

/* A file of memory. */
static int
file(void)
{
    int fd = memfd_create("log", MFD_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

/* Stops the log and reads what it wrote to FD, which is closed, into TEXT. */
static size_t
collect(int fd)
{
    log_stop();
    ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
    assert_true(n >= 0);
    text[n] = '\0';
    close(fd);
    return (size_t)n;
}

/* Logs one line and returns what stands behind its time (and "level" in JSON). */
static const char *
logged(enum log_format format, const char *message, const struct log_field *fields, size_t n)
{
    int fd = file();
    log_start(fd, format, WEIR_DEBUG);
    log_line(WEIR_INFO, message, fields, n);
    size_t len = collect(fd);
    assert_true(len > 40);
    assert_int_equal(text[len - 1], '\n');
    text[len - 1] = '\0';
    assert_null(strchr(text, '\n'));
    return text + (format == LOG_JSON ? 34 : 25);
}

static void
a_text_line_has_time_level_message_and_fields(void **state)
{
    (void)state;
    struct log_field fields[] = {
        LOG_S("id", TEXT("abc")),       LOG_N("status", 200),        LOG_N("ms", 1.25),
        LOG_S("ua", TEXT("a \"b\" c")), LOG_J("j", TEXT("[1,\n2]")), LOG_S("e", TEXT("")),
    };
    assert_string_equal(logged(LOG_TEXT, "request done", fields, 6),
                        "info  request done id=abc status=200 ms=1.25 "
                        "ua=\"a \\\"b\\\" c\" j=[1, 2] e=\"\"");
    assert_int_equal(text[4], '-');
    assert_int_equal(text[23], 'Z');
}

static void
a_json_line_is_an_object(void **state)
{
    (void)state;
    struct log_field fields[] = {
        LOG_S("id", TEXT("a\"\\b")),
        LOG_N("n", -3),
        LOG_N("big", 1e300),
        LOG_N("nan", NAN),
        LOG_N("third", 1.0 / 3),
        LOG_J("j", TEXT("{\"a\":\n1}")),
        LOG_N("max", 9007199254740991),
    };
    assert_string_equal(logged(LOG_JSON, "request \"x\" done", fields, 7),
                        ",\"level\":\"info\",\"msg\":\"request \\\"x\\\" done\","
                        "\"id\":\"a\\\"\\\\b\",\"n\":-3,\"big\":1e+300,\"nan\":null,"
                        "\"third\":0.33333333333333331,\"j\":{\"a\": 1},"
                        "\"max\":9007199254740991}");
    assert_memory_equal(text, "{\"time\":\"2", 10);
}

static void
nobody_can_forge_a_line_or_command_a_terminal(void **state)
{
    (void)state;
    struct log_field field = LOG_S("k", TEXT("a\nb\x1b[2J\x7f\xc2\x9b\xff\x00z\xc3\xa4"));
    assert_string_equal(logged(LOG_TEXT, "m\r\nx\ty", &field, 1),
                        "info  m\\r\\nx\\ty "
                        "k=\"a\\nb\\u001b[2J\\u007f\\u009b\\ufffd\\u0000z\xc3\xa4\"");
    assert_string_equal(logged(LOG_JSON, "m\r\nx\ty", &field, 1),
                        ",\"level\":\"info\",\"msg\":\"m\\r\\nx\\ty\","
                        "\"k\":\"a\\nb\\u001b[2J\\u007f\\u009b\\ufffd\\u0000z\xc3\xa4\"}");
}

static void
a_line_is_cut_at_16_kib_and_stays_whole_json(void **state)
{
    (void)state;
    static char bytes[20000];
    struct log_field fields[3] = {
        LOG_N("before", 1),
        LOG_S("k", ((struct weir_text){ bytes, sizeof(bytes) - 1 })),
        LOG_N("after", 2),
    };
    static const char *const fillings[] = { "x", "\n", "\"", "\xe2\x82\xac" };
    for (size_t f = 0; f < 4; f++) {
        size_t n = strlen(fillings[f]);
        for (size_t i = 0; i + n < sizeof(bytes); i += n)
            memcpy(bytes + i, fillings[f], n);
        logged(LOG_JSON, "m", fields, 3);
        size_t len = strlen(text);
        assert_in_range(len, 16300, 16383);
        assert_string_equal(text + len - 13, "\",\"cut\":true}");
        assert_null(strstr(text, "after"));
        logged(LOG_TEXT, "m", fields, 3);
        len = strlen(text);
        assert_in_range(len, 16300, 16383);
        assert_string_equal(text + len - 9, " cut=true");
    }
    fields[1].kind = LOG_RAW;
    assert_string_equal(logged(LOG_JSON, "m", fields, 3),
                        ",\"level\":\"info\",\"msg\":\"m\",\"before\":1,\"cut\":true}");
    bytes[sizeof(bytes) - 1] = '\0';
    logged(LOG_JSON, bytes, fields, 1);
    assert_null(strstr(text, "before"));
    assert_non_null(strstr(text, "\",\"cut\":true}"));
}

static void
the_end_of_a_line_is_right_for_every_length(void **state)
{
    (void)state;
    static char bytes[17000];
    int fd = file();
    memset(bytes, 'x', sizeof(bytes));
    log_start(fd, LOG_JSON, WEIR_DEBUG);
    for (size_t len = 16200; len < 16420; len++) {
        struct log_field fields[] = {
            LOG_S("k", ((struct weir_text){ bytes, len })),
            LOG_S("next", TEXT("y")),
            LOG_N("n", 1),
        };
        log_line(WEIR_INFO, "m", fields, 3);
        if (len % 40 == 0) { /* the ring is smaller than all of them */
            log_stop();
            log_start(fd, LOG_JSON, WEIR_DEBUG);
        }
    }
    collect(fd);
    unsigned n = 0;
    for (char *line = text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1, n++) {
        assert_true(end + 1 - line <= 16384);
        assert_int_equal(end[-1], '}');
        unsigned quotes = 0;
        for (char *c = line; c < end; c++)
            quotes += *c == '"';
        assert_int_equal(quotes % 2, 0);
    }
    assert_int_equal(n, 220);
}

static void
levels_below_the_lowest_are_not_written(void **state)
{
    (void)state;
    int fd = file();
    log_start(fd, LOG_TEXT, WEIR_WARN);
    assert_false(log_wanted(WEIR_DEBUG));
    assert_false(log_wanted(WEIR_INFO));
    assert_true(log_wanted(WEIR_WARN));
    assert_true(log_wanted(WEIR_ERROR));
    log_say(WEIR_INFO, "quiet");
    log_say(WEIR_WARN, "loud %d", 1);
    log_say(WEIR_ERROR, "loud %d", 2);
    collect(fd);
    assert_null(strstr(text, "quiet"));
    assert_non_null(strstr(text, " warn  loud 1\n"));
    assert_non_null(strstr(text, " error loud 2\n"));
}

static void
without_a_writer_lines_are_written_at_once(void **state)
{
    (void)state;
    int fd = file();
    log_start(fd, LOG_TEXT, WEIR_INFO);
    log_stop();
    log_stop();
    log_say(WEIR_INFO, "late");
    collect(fd);
    assert_non_null(strstr(text, "info  late\n"));
}

static void
lines_come_out_while_the_log_runs(void **state)
{
    (void)state;
    int ends[2];
    char line[100] = "";
    assert_int_equal(pipe(ends), 0);
    log_start(ends[1], LOG_TEXT, WEIR_INFO);
    for (int i = 0; i < 3; i++) {
        log_say(WEIR_INFO, "now %d", i);
        ssize_t n = read(ends[0], line, sizeof(line) - 1); /* waits for the writer */
        assert_true(n > 25);
        line[n] = '\0';
        assert_non_null(strstr(line, "now"));
    }
    log_stop();
    close(ends[0]);
    close(ends[1]);
}

#define THREADS 4
#define LINES 2000

static void *
log_many(void *arg)
{
    for (unsigned i = 0; i < LINES; i++)
        log_say(WEIR_INFO, "thread=%u line=%u", *(unsigned *)arg, i);
    return NULL;
}

static void
lines_of_many_threads_stay_whole_and_in_order(void **state)
{
    (void)state;
    int fd = file();
    pthread_t threads[THREADS];
    unsigned numbers[THREADS];
    unsigned next[THREADS] = { 0 };
    uint64_t dropped = log_dropped();
    log_start(fd, LOG_TEXT, WEIR_INFO);
    for (unsigned i = 0; i < THREADS; i++) {
        numbers[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, log_many, &numbers[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    collect(fd);
    assert_int_equal(log_dropped(), dropped);
    for (char *line = text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        unsigned thread, n;
        assert_int_equal(sscanf(line + 25, "info  thread=%u line=%u\n", &thread, &n), 2);
        assert_true(thread < THREADS);
        assert_int_equal(n, next[thread]++);
    }
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(next[i], LINES);
}

/* Reads a pipe to its end and counts lines. */
static void *
drain(void *arg)
{
    static size_t len;
    ssize_t n;
    len = 0;
    while ((n = read(*(int *)arg, text + len, sizeof(text) - 1 - len)) > 0)
        len += (size_t)n;
    text[len] = '\0';
    return NULL;
}

static void
a_reader_that_sleeps_blocks_nobody_and_drops_are_told(void **state)
{
    (void)state;
    enum { SENT = 30000 };
    int ends[2];
    pthread_t reader;
    uint64_t before = log_dropped();
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
    log_start(ends[1], LOG_TEXT, WEIR_INFO);
    for (unsigned i = 0; i < SENT; i++) /* nobody reads: far more than pipe and ring hold */
        log_say(WEIR_INFO, "a line that is longer than the shortest, number %u", i);
    uint64_t dropped = log_dropped() - before;
    assert_in_range(dropped, 1, SENT);

    assert_int_equal(pthread_create(&reader, NULL, drain, &ends[0]), 0);
    log_stop();
    close(ends[1]);
    pthread_join(reader, NULL);
    close(ends[0]);
    unsigned lines = 0;
    for (char *line = text; (line = strstr(line, "longer than")) != NULL; line++)
        lines++;
    assert_int_equal(lines + dropped, SENT);
    assert_non_null(strstr(text, " warn  lines of this log were dropped lines="));
}

static void
a_peer_that_is_gone_costs_lines_only(void **state)
{
    (void)state;
    int ends[2];
    uint64_t before = log_dropped();
    assert_int_equal(pipe(ends), 0);
    close(ends[0]);
    log_start(ends[1], LOG_TEXT, WEIR_INFO);
    log_say(WEIR_INFO, "one"); /* SIGPIPE would end the test */
    log_say(WEIR_INFO, "two");
    log_stop();
    close(ends[1]);
    assert_int_equal(log_dropped() - before, 2);
}

static void
only_a_terminal_gets_colours(void **state)
{
    (void)state;
    int terminal = posix_openpt(O_RDWR | O_NOCTTY);
    char name[100];
    char line[200];
    if (terminal < 0 || grantpt(terminal) != 0 || unlockpt(terminal) != 0 ||
        ptsname_r(terminal, name, sizeof(name)) != 0)
        skip();
    int fd = open(name, O_RDWR | O_NOCTTY);
    assert_true(fd >= 0);
    for (int coloured = 0; coloured < 2; coloured++) {
        if (coloured)
            unsetenv("NO_COLOR");
        else
            setenv("NO_COLOR", "1", 1);
        log_start(fd, LOG_TEXT, WEIR_INFO);
        log_say(WEIR_ERROR, "red");
        log_stop();
        ssize_t n = read(terminal, line, sizeof(line) - 1);
        assert_true(n > 0);
        line[n] = '\0';
        assert_int_equal(strstr(line, "\033[31merror\033[0m red") != NULL, coloured);
        assert_int_equal(strstr(line, " error red") != NULL, !coloured);
    }
    close(fd);
    close(terminal);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_line_has_time_level_message_and_fields),
        cmocka_unit_test(a_json_line_is_an_object),
        cmocka_unit_test(nobody_can_forge_a_line_or_command_a_terminal),
        cmocka_unit_test(a_line_is_cut_at_16_kib_and_stays_whole_json),
        cmocka_unit_test(the_end_of_a_line_is_right_for_every_length),
        cmocka_unit_test(levels_below_the_lowest_are_not_written),
        cmocka_unit_test(without_a_writer_lines_are_written_at_once),
        cmocka_unit_test(lines_come_out_while_the_log_runs),
        cmocka_unit_test(lines_of_many_threads_stay_whole_and_in_order),
        cmocka_unit_test(a_reader_that_sleeps_blocks_nobody_and_drops_are_told),
        cmocka_unit_test(a_peer_that_is_gone_costs_lines_only),
        cmocka_unit_test(only_a_terminal_gets_colours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

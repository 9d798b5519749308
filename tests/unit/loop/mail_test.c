/* Mailboxes: order, bounds, threads, closing and opening again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above */
#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "loop/mail.h"

static struct weir_shard *shard;
static struct weir_error err;
static int64_t got[4096];
static unsigned n_got;
static char kind[32];

static int
begin(void **state)
{
    (void)state;
    signal(SIGINT, SIG_DFL); /* a shell ignores it for what it starts in the background */
    mail_begin();
    return 0;
}

static int
end(void **state)
{
    (void)state;
    mail_end();
    return 0;
}

static int
set_up(void **state)
{
    (void)state;
    n_got = 0;
    kind[0] = '\0';
    return shard_new(0, &shard, &err) == WEIR_OK ? 0 : -1;
}

static int
tear_down(void **state)
{
    (void)state;
    shard_free(&shard);
    return 0;
}

static void
on_message(void *arg, const struct weir_value *message)
{
    (void)arg;
    if (message->type == WEIR_INT && n_got < sizeof(got) / sizeof(got[0]))
        got[n_got] = message->integer;
    n_got++;
    const struct weir_value *k = value_field(message, "kind");
    if (k != NULL)
        snprintf(kind, sizeof(kind), "%.*s", (int)k->len, k->bytes);
}

static enum weir_code
send_number(const char *name, int64_t n)
{
    const struct weir_value *v = value_int(n);
    enum weir_code code = mail_send(name, v, &err);
    value_unref(&v);
    return code;
}

static void
turn(void)
{
    for (int i = 0; i < 3; i++)
        shard_turn(shard, 0);
}

static void
messages_come_in_order(void **state)
{
    (void)state;
    struct mailbox *m = NULL;
    assert_int_equal(mailbox_open(shard, "box", 2000, on_message, NULL, &m, &err), WEIR_OK);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(send_number("box", i), WEIR_OK);
    assert_int_equal(mail_depth("box"), 1000);
    turn();
    assert_int_equal(n_got, 1000);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(got[i], i);
    assert_int_equal(mail_depth("box"), 0);
    mailbox_close(&m);
    mailbox_close(&m);
}

static void
a_message_wakes_a_loop_that_waits(void **state)
{
    (void)state;
    struct mailbox *m = NULL;
    assert_int_equal(mailbox_open(shard, "box", 10, on_message, NULL, &m, &err), WEIR_OK);
    turn();
    for (unsigned i = 1; i < 50; i++) {
        assert_int_equal(mail_send_kind("box", "reload", &err), WEIR_OK);
        shard_turn(shard, 10000);
        assert_int_equal(n_got, i);
        assert_string_equal(kind, "reload");
    }
    mailbox_close(&m);
}

static void
a_full_mailbox_refuses_and_takes_again_when_read(void **state)
{
    (void)state;
    struct mailbox *m = NULL;
    assert_int_equal(mailbox_open(shard, "box", 5, on_message, NULL, &m, &err), WEIR_OK);
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 5; i++)
            assert_int_equal(send_number("box", i), WEIR_OK);
        assert_int_equal(send_number("box", 5), WEIR_UNAVAILABLE);
        assert_string_equal(err.text, "the mailbox box is full");
        assert_int_equal(mail_depth("box"), 5);
        turn();
    }
    assert_int_equal(n_got, 100);
    mailbox_close(&m);
}

static void
an_unknown_name_is_not_found(void **state)
{
    (void)state;
    assert_int_equal(send_number("nobody", 1), WEIR_NOT_FOUND);
    assert_string_equal(err.text, "there is no mailbox nobody");
    assert_int_equal(mail_depth("nobody"), 0);
}

static void
a_name_is_given_once_at_a_time(void **state)
{
    (void)state;
    struct mailbox *m = NULL, *n = NULL;
    assert_int_equal(mailbox_open(shard, "box", 5, on_message, NULL, &m, &err), WEIR_OK);
    assert_int_equal(mailbox_open(shard, "box", 5, on_message, NULL, &n, &err), WEIR_CONFLICT);
    assert_null(n);
    assert_int_equal(send_number("box", 1), WEIR_OK);
    turn();
    assert_int_equal(n_got, 1);
    mailbox_close(&m);
}

static void
a_name_can_be_closed_and_opened_again_and_old_senders_find_it(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 200; i++) {
        struct mailbox *m = NULL;
        assert_int_equal(mailbox_open(shard, "box", 5, on_message, NULL, &m, &err), WEIR_OK);
        assert_int_equal(mail_depth("box"), 0);
        assert_int_equal(send_number("box", 1), WEIR_OK);
        turn();
        assert_int_equal(n_got, i + 1);
        assert_int_equal(send_number("box", 2), WEIR_OK); /* is lost */
        mailbox_close(&m);
        assert_int_equal(send_number("box", 3), WEIR_NOT_FOUND);
        turn();
        assert_int_equal(n_got, i + 1);
    }
}

static struct mailbox *mine;

static void
close_mine(void *arg, const struct weir_value *message)
{
    on_message(arg, message);
    mailbox_close(&mine);
}

static void
a_mailbox_may_be_closed_by_its_own_message(void **state)
{
    (void)state;
    assert_int_equal(mailbox_open(shard, "box", 5, close_mine, NULL, &mine, &err), WEIR_OK);
    assert_int_equal(send_number("box", 1), WEIR_OK);
    assert_int_equal(send_number("box", 2), WEIR_OK);
    turn();
    assert_int_equal(n_got, 1);
    assert_null(mine);
    assert_int_equal(send_number("box", 3), WEIR_NOT_FOUND);
}

static void
echo(void *arg, const struct weir_value *message)
{
    on_message(arg, message);
    if (message->integer > 0)
        assert_int_equal(send_number("box", message->integer - 1), WEIR_OK);
}

static void
a_reader_may_send_to_itself(void **state)
{
    (void)state;
    struct mailbox *m = NULL;
    assert_int_equal(mailbox_open(shard, "box", 5, echo, NULL, &m, &err), WEIR_OK);
    assert_int_equal(send_number("box", 300), WEIR_OK);
    while (n_got < 301)
        shard_turn(shard, 1000);
    mailbox_close(&m);
}

#define SENDERS 4
#define EACH 5000

static void *
send_many(void *arg)
{
    struct weir_error e;
    for (int i = 0; i < EACH; i++) {
        const struct weir_value *v = value_int(i);
        while (mail_send("box", v, &e) == WEIR_UNAVAILABLE)
            sched_yield();
        value_unref(&v);
    }
    mail_thread_end();
    return arg;
}

static void
many_threads_send_and_nothing_is_lost(void **state)
{
    (void)state;
    struct mailbox *m = NULL;
    assert_int_equal(mailbox_open(shard, "box", 100, on_message, NULL, &m, &err), WEIR_OK);
    pthread_t threads[SENDERS];
    for (int i = 0; i < SENDERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, send_many, NULL), 0);
    while (n_got < SENDERS * EACH) {
        assert_in_range(mail_depth("box"), 0, 100 + SENDERS);
        shard_turn(shard, 10000);
    }
    for (int i = 0; i < SENDERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(mail_depth("box"), 0);
    mailbox_close(&m);
}

static void
a_large_message_comes_whole(void **state)
{
    (void)state;
    struct mailbox *m = NULL;
    assert_int_equal(mailbox_open(shard, "box", 5, on_message, NULL, &m, &err), WEIR_OK);
    char *bytes = malloc(1 << 20);
    assert_non_null(bytes);
    memset(bytes, 'x', 1 << 20);
    const struct weir_value *v = value_take(WEIR_BYTES, bytes, 1 << 20);
    assert_int_equal(mail_send("box", v, &err), WEIR_OK);
    value_unref(&v);
    turn();
    assert_int_equal(n_got, 1);
    mailbox_close(&m);
}

static void
zeromq_leaves_signals_alone(void **state)
{
    (void)state;
    struct sigaction term;
    sigaction(SIGTERM, NULL, &term);
    assert_true(term.sa_handler == SIG_DFL);
    sigaction(SIGINT, NULL, &term);
    assert_true(term.sa_handler == SIG_DFL);
}

#ifdef WEIR_FAULTS
static void
the_fault_of_a_full_mailbox_refuses(void **state)
{
    (void)state;
    struct mailbox *m = NULL;
    assert_int_equal(mailbox_open(shard, "box", 5, on_message, NULL, &m, &err), WEIR_OK);
    assert_true(fault_set("MAILBOX_FULL", 1));
    assert_int_equal(send_number("box", 1), WEIR_UNAVAILABLE);
    assert_int_equal(send_number("box", 1), WEIR_OK);
    mailbox_close(&m);
}
#endif

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(messages_come_in_order),
        T(a_message_wakes_a_loop_that_waits),
        T(a_full_mailbox_refuses_and_takes_again_when_read),
        T(an_unknown_name_is_not_found),
        T(a_name_is_given_once_at_a_time),
        T(a_name_can_be_closed_and_opened_again_and_old_senders_find_it),
        T(a_mailbox_may_be_closed_by_its_own_message),
        T(a_reader_may_send_to_itself),
        T(many_threads_send_and_nothing_is_lost),
        T(a_large_message_comes_whole),
        T(zeromq_leaves_signals_alone),
#ifdef WEIR_FAULTS
        T(the_fault_of_a_full_mailbox_refuses),
#endif
    };
    return cmocka_run_group_tests(tests, begin, end);
}

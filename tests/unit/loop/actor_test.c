/* Actors: starting, failing to start, talking, stopping.
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
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "loop/actor.h"
#include "loop/mail.h"
#include "loop/worker.h"

static struct weir_error err;

static int
begin(void **state)
{
    (void)state;
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

/* An actor that answers each message to its box with one to the box of the test. */
struct parrot {
    char name[16];
    struct mailbox *box;
    bool fails;
    bool stopped;
    char thread_name[16];
    bool signals_blocked;
};

static void
on_parrot(void *arg, const struct weir_value *message)
{
    (void)arg;
    struct weir_error e;
    assert_int_equal(mail_send("test", message, &e), WEIR_OK);
}

static enum weir_code
parrot_start(void *arg, struct weir_shard *s, struct weir_error *e)
{
    struct parrot *p = arg;
    pthread_getname_np(pthread_self(), p->thread_name, sizeof(p->thread_name));
    sigset_t now;
    pthread_sigmask(SIG_SETMASK, NULL, &now);
    p->signals_blocked = sigismember(&now, SIGTERM);
    if (p->fails)
        return err_set(e, WEIR_INVALID, "it has no feathers");
    return mailbox_open(s, p->name, 10, on_parrot, p, &p->box, e);
}

static void
parrot_stop(void *arg, struct weir_shard *s)
{
    struct parrot *p = arg;
    (void)s;
    mailbox_close(&p->box);
    p->stopped = true;
}

static unsigned answers;

static void
on_answer(void *arg, const struct weir_value *message)
{
    (void)arg;
    (void)message;
    answers++;
}

static void
actors_start_answer_and_stop(void **state)
{
    (void)state;
    struct weir_shard *s = NULL;
    struct mailbox *box = NULL;
    assert_int_equal(shard_new(0, &s, &err), WEIR_OK);
    assert_int_equal(mailbox_open(s, "test", 100, on_answer, NULL, &box, &err), WEIR_OK);

    struct parrot parrots[3] = { { .name = "p0" }, { .name = "p1" }, { .name = "p2" } };
    struct actor *actors[3] = { NULL };
    for (unsigned i = 0; i < 3; i++) {
        struct actor_work work = { parrot_start, parrot_stop, &parrots[i] };
        assert_int_equal(actor_start("parrot", i + 1, &work, &actors[i], &err), WEIR_OK);
        assert_string_equal(parrots[i].thread_name, "parrot");
        assert_true(parrots[i].signals_blocked);
        assert_int_equal(actor_shard(actors[i])->index, i + 1);
    }
    answers = 0;
    for (unsigned round = 1; round <= 100; round++) {
        for (unsigned i = 0; i < 3; i++)
            assert_int_equal(mail_send_kind(parrots[i].name, "hello", &err), WEIR_OK);
        while (answers < round * 3)
            shard_turn(s, 10000);
    }
    for (unsigned i = 0; i < 3; i++) {
        actor_stop(&actors[i]);
        actor_stop(&actors[i]);
        assert_true(parrots[i].stopped);
        assert_int_equal(mail_send_kind(parrots[i].name, "hello", &err), WEIR_NOT_FOUND);
    }
    mailbox_close(&box);
    shard_free(&s);
}

static void
the_error_of_a_start_is_handed_out(void **state)
{
    (void)state;
    struct parrot p = { .name = "p", .fails = true };
    struct actor_work work = { parrot_start, parrot_stop, &p };
    struct actor *a = NULL;
    assert_int_equal(actor_start("parrot", 1, &work, &a, &err), WEIR_INVALID);
    assert_string_equal(err.text, "parrot: it has no feathers");
    assert_null(a);
    assert_false(p.stopped);
}

static void
an_actor_that_has_stopped_by_itself_can_be_stopped(void **state)
{
    (void)state;
    struct parrot p = { .name = "p" };
    struct actor_work work = { parrot_start, parrot_stop, &p };
    for (int i = 0; i < 20; i++) {
        struct actor *a = NULL;
        p.stopped = false;
        assert_int_equal(actor_start("parrot", 1, &work, &a, &err), WEIR_OK);
        shard_stop(actor_shard(a));
        actor_stop(&a);
        assert_true(p.stopped);
    }
}

static void
posted(void *arg)
{
    (*(unsigned *)arg)++;
}

static void
what_was_posted_before_the_stop_is_run(void **state)
{
    (void)state;
    unsigned n = 0;
    struct actor_work work = { 0 };
    struct actor *a = NULL;
    assert_int_equal(actor_start("idle", 1, &work, &a, &err), WEIR_OK);
    for (int i = 0; i < 1000; i++)
        shard_post(actor_shard(a), posted, &n);
    actor_stop(&a);
    assert_int_equal(n, 1000);
}

/* zactor_new would wait for ever here. Limits on processes don't hold for root. */
static void
without_a_thread_to_be_had_starting_fails(void **state)
{
    (void)state;
    uid_t user = getuid();
    struct rlimit before, none = { 0 };
    getrlimit(RLIMIT_NPROC, &before);
    none.rlim_max = before.rlim_max;
    if (user == 0)
        assert_int_equal(setresuid(65534, 65534, 0), 0);
    setrlimit(RLIMIT_NPROC, &none);
    struct actor_work work = { 0 };
    struct actor *a = NULL;
    enum weir_code code = actor_start("idle", 1, &work, &a, &err);
    setrlimit(RLIMIT_NPROC, &before);
    if (user == 0)
        assert_int_equal(setresuid(0, 0, 0), 0);
    assert_int_equal(code, WEIR_UNAVAILABLE);
    assert_string_equal(err.text, "idle: no thread can be started");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(actors_start_answer_and_stop),
        cmocka_unit_test(the_error_of_a_start_is_handed_out),
        cmocka_unit_test(an_actor_that_has_stopped_by_itself_can_be_stopped),
        cmocka_unit_test(what_was_posted_before_the_stop_is_run),
        cmocka_unit_test(without_a_thread_to_be_had_starting_fails),
    };
    return cmocka_run_group_tests(tests, begin, end);
}

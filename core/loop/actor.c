/* loop/actor.c - see actor.h.
 *
 * Two things of zactor are gone around. It waits for ever for a thread that could not be
 * created: so one is created for trial before. And it names the thread after creating it, and
 * its handshake ends early when a signal comes: so ours happens in semaphores, after its own.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "loop/actor.h"

#include <assert.h>
#include <czmq.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>

#include "base/crash.h"
#include "loop/impl.h"
#include "loop/mail.h"

struct actor {
    char name[16]; /* as long as the kernel's */
    unsigned index;
    struct actor_work work;
    struct weir_shard *shard; /* NULL: it could not start */
    zactor_t *thread;
    sem_t go;    /* the maker is through with zactor_new */
    sem_t ready; /* CODE and ERR are there */
    enum weir_code code;
    struct weir_error err;
    bool ended; /* atomic; the thread has left the shard for good */
};

static void
await(sem_t *s)
{
    while (sem_wait(s) != 0)
        continue; /* a signal */
}

static void
be_shard(struct actor *a)
{
    shard_run(a->shard);
    shard_run_posts(a->shard);
    if (a->work.stop != NULL)
        a->work.stop(a->work.arg, a->shard);
    shard_run_posts(a->shard);
}

/* Makes the shard and what stands on it. */
static enum weir_code
build(struct actor *a)
{
    enum weir_code code = shard_new(a->index, &a->shard, &a->err);
    if (code != WEIR_OK || a->work.start == NULL)
        return code;
    code = a->work.start(a->work.arg, a->shard, &a->err);
    if (code != WEIR_OK)
        shard_free(&a->shard);
    return code;
}

static void
actor_main(zsock_t *pipe, void *arg)
{
    struct actor *a = arg;
    zsock_signal(pipe, 0);
    await(&a->go);
    pthread_setname_np(pthread_self(), a->name);
    crash_thread_begin();

    enum weir_code code = build(a);
    a->code = code;
    sem_post(&a->ready);
    if (code == WEIR_OK)
        be_shard(a);
    mail_thread_end();
    crash_thread_end();
    __atomic_store_n(&a->ended, true, __ATOMIC_RELEASE);
}

static void *
do_nothing(void *arg)
{
    return arg;
}

static bool
thread_possible(void)
{
    pthread_t thread;
    return pthread_create(&thread, NULL, do_nothing, NULL) == 0 &&
           pthread_join(thread, NULL) == 0;
}

static struct actor *
actor_new(const char *name, unsigned index, const struct actor_work *work)
{
    struct actor *a = calloc(1, sizeof(*a));
    if (a == NULL)
        abort();
    snprintf(a->name, sizeof(a->name), "%s", name);
    a->index = index;
    a->work = *work;
    sem_init(&a->go, 0, 0);
    sem_init(&a->ready, 0, 0);
    return a;
}

enum weir_code
actor_start(const char *name, unsigned index, const struct actor_work *work, struct actor **ret,
            struct weir_error *err)
{
    /* The thread inherits the mask: signals are the main thread's. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    struct actor *a = NULL;
    if (thread_possible()) {
        a = actor_new(name, index, work);
        a->thread = zactor_new(actor_main, a);
        sem_post(&a->go);
        await(&a->ready);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);

    if (a == NULL)
        return err_set(err, WEIR_UNAVAILABLE, "%s: no thread can be started", name);
    if (a->code == WEIR_OK) {
        *ret = a;
        return WEIR_OK;
    }
    enum weir_code code = a->code;
    if (err != NULL) {
        *err = a->err;
        (void)err_in(err, "%s", name);
    }
    actor_stop(&a);
    return code;
}

void
actor_stop(struct actor **actor)
{
    struct actor *a = *actor;
    if (a == NULL)
        return;
    if (a->shard != NULL)
        shard_stop(a->shard);
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    zactor_destroy(&a->thread);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    while (!__atomic_load_n(&a->ended, __ATOMIC_ACQUIRE))
        sched_yield();

    shard_free(&a->shard);
    sem_destroy(&a->go);
    sem_destroy(&a->ready);
    free(a);
    *actor = NULL;
}

struct weir_shard *
actor_shard(struct actor *a)
{
    return a->shard;
}

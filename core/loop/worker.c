/* loop/worker.c - see worker.h.
 *
 * One queue under a lock, from which the threads take: jobs that block are not many, and a
 * thread that is free takes the next one, whichever shard it comes from.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "loop/worker.h"

#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/crash.h"
#include "loop/mail.h"

struct job {
    struct list link;
    struct weir_shard *shard;
    void (*work)(void *arg);
    void (*done)(void *arg, bool dropped);
    void *arg;
    bool dropped;
};

struct workers {
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t wake;  /* a job has come, or the end */
    struct list queue;
    unsigned queued;
    unsigned max;
    unsigned idle; /* threads that wait */
    unsigned started;
    unsigned n;
    bool stopping;
    pthread_t threads[]; /* N, of which STARTED live */
};

struct workers *
workers_start(unsigned n, unsigned max)
{
    assert(n > 0 && max > 0);
    struct workers *w = calloc(1, sizeof(*w) + n * sizeof(w->threads[0]));
    if (w == NULL)
        abort();
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->wake, NULL);
    list_init(&w->queue);
    w->n = n;
    w->max = max;
    return w;
}

/* On the shard: hands the job back to who gave it. */
static void
finish(void *arg)
{
    struct job *j = arg;
    j->done(j->arg, j->dropped);
    free(j);
}

/* The next job, awaited; NULL at the end. */
static struct job *
next_job(struct workers *w)
{
    pthread_mutex_lock(&w->lock);
    while (!w->stopping && w->queued == 0) {
        w->idle++;
        pthread_cond_wait(&w->wake, &w->lock);
        w->idle--;
    }
    struct job *j = NULL;
    if (!w->stopping) {
        j = list_entry(list_shift(&w->queue), struct job, link);
        w->queued--;
    }
    pthread_mutex_unlock(&w->lock);
    return j;
}

static void *
worker_main(void *arg)
{
    struct workers *w = arg;
    struct job *j;
    crash_thread_begin();
    while ((j = next_job(w)) != NULL) {
        j->work(j->arg);
        shard_post(j->shard, finish, j);
    }
    mail_thread_end();
    crash_thread_end();
    return NULL;
}

/* Starts one more thread, with signals left to the main thread. With the lock held. */
static void
start_thread(struct workers *w)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_t *thread = &w->threads[w->started];
    if (pthread_create(thread, NULL, worker_main, w) == 0) {
        char name[16];
        snprintf(name, sizeof(name), "worker-%u", w->started);
        pthread_setname_np(*thread, name);
        w->started++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* Queues J; false if there is no room, or no thread to be had. With the lock held. */
static bool
enqueue(struct workers *w, struct job *j)
{
    if (w->stopping || w->queued >= w->max)
        return false;
    if (w->queued >= w->idle && w->started < w->n)
        start_thread(w);
    if (w->started == 0)
        return false;
    list_push(&w->queue, &j->link);
    w->queued++;
    pthread_cond_signal(&w->wake);
    return true;
}

enum weir_code
workers_do(struct workers *w, struct weir_shard *s, void (*work)(void *arg),
           void (*done)(void *arg, bool dropped), void *arg, struct weir_error *err)
{
    struct job *j = malloc(sizeof(*j));
    if (j == NULL)
        abort();
    *j = (struct job){ .shard = s, .work = work, .done = done, .arg = arg };
    list_init(&j->link);

    pthread_mutex_lock(&w->lock);
    bool queued = enqueue(w, j);
    pthread_mutex_unlock(&w->lock);
    if (queued)
        return WEIR_OK;
    free(j);
    return err_set(err, WEIR_UNAVAILABLE, "the workers' queue of %u jobs is full", w->max);
}

void
workers_quit(struct workers *w)
{
    pthread_mutex_lock(&w->lock);
    w->stopping = true;
    pthread_cond_broadcast(&w->wake);
    pthread_mutex_unlock(&w->lock);

    struct list *link;
    while ((link = list_shift(&w->queue)) != NULL) {
        struct job *j = list_entry(link, struct job, link);
        j->dropped = true;
        shard_post(j->shard, finish, j);
    }
    for (unsigned i = 0; i < w->started; i++)
        pthread_join(w->threads[i], NULL);
    w->started = 0;
}

void
workers_stop(struct workers **workers)
{
    struct workers *w = *workers;
    if (w == NULL)
        return;
    workers_quit(w);
    pthread_cond_destroy(&w->wake);
    pthread_mutex_destroy(&w->lock);
    free(w);
    *workers = NULL;
}

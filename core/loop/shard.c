/* loop/shard.c - see shard.h.
 *
 * A turn of the loop: wait for descriptors (not at all if something is queued or due), run
 * their callbacks, then the due timers, then the queue of things to do soon. libevent knows one
 * timeout only, which is moved when the first timer comes to stand before it; when that timer
 * moves back or goes, the timeout stays and wakes the loop once for nothing, which is cheaper
 * than to move it for each request.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "loop/shard.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "loop/impl.h"

/* Rounds of soon in one turn, and how long no further one begins: descriptors and timers have
 * their turn then. What is queued still runs before the next wait. */
#define SOON_ROUNDS 64
#define SOON_MS 4

/* lag_ms is halved for each such time that has passed. */
#define LAG_HALF_MS 100

static bool
is_stopping(struct weir_shard *s)
{
    return __atomic_load_n(&s->stopping, __ATOMIC_ACQUIRE);
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    struct weir_shard *s = arg;
    shard_impl(s)->tick_ms = UINT64_MAX;
}

static void
on_wake(evutil_socket_t fd, short what, void *arg)
{
    (void)what;
    uint64_t count;
    /* Nothing to read means that the wake-up was consumed already: the posts tell. */
    ssize_t got = read(fd, &count, sizeof(count));
    (void)got;
    shard_run_posts(arg);
}

static void
on_libevent_log(int severity, const char *text)
{
    log_say(severity == EVENT_LOG_ERR ? WEIR_ERROR : WEIR_WARN, "event loop: %s", text);
}

static void
set_log(void)
{
    event_set_log_callback(on_libevent_log);
}

/* A base without locks, since only its own thread uses it, and without select or poll. */
static struct event_base *
base_new(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, set_log);
    struct event_config *config = event_config_new();
    if (config == NULL)
        abort();
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_IGNORE_ENV |
                                      EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
    event_config_avoid_method(config, "select");
    event_config_avoid_method(config, "poll");
    struct event_base *base = event_base_new_with_config(config);
    event_config_free(config);
    return base;
}

static void
impl_new(struct weir_shard *s, int wake_fd)
{
    struct shard_impl *impl = calloc(1, sizeof(*impl));
    if (impl == NULL)
        abort();
    impl->wake_fd = wake_fd;
    impl->tick_ms = UINT64_MAX;
    pthread_mutex_init(&impl->lock, NULL);
    pthread_cond_init(&impl->taken, NULL);
    event_assign(&impl->tick, s->base, -1, 0, on_tick, s);
    event_assign(&impl->wake, s->base, wake_fd, EV_READ | EV_PERSIST, on_wake, s);
    s->impl = impl;
}

enum weir_code
shard_new(unsigned index, struct weir_shard **ret, struct weir_error *err)
{
    int wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (wake_fd < 0)
        return err_set(err, WEIR_UNAVAILABLE, "shard %u: no event descriptor: %s", index,
                       strerrordesc_np(errno));
    struct event_base *base = base_new();
    if (base == NULL) {
        close(wake_fd);
        return err_set(err, WEIR_UNAVAILABLE, "shard %u: no event loop: %s", index,
                       strerrordesc_np(errno));
    }

    struct weir_shard *s = calloc(1, sizeof(*s));
    if (s == NULL)
        abort();
    s->index = index;
    s->thread = pthread_self();
    s->base = base;
    heap_init(&s->timers);
    list_init(&s->soon);
    list_init(&s->late);
    impl_new(s, wake_fd);
    if (event_add(&shard_impl(s)->wake, NULL) != 0) {
        shard_free(&s);
        return err_set(err, WEIR_UNAVAILABLE, "shard %u: the event loop takes no descriptor",
                       index);
    }
    *ret = s;
    return WEIR_OK;
}

void
shard_free(struct weir_shard **shard)
{
    struct weir_shard *s = *shard;
    if (s == NULL)
        return;
    struct shard_impl *impl = shard_impl(s);
    while (impl->posted.count > 0)
        shard_run_posts(s);
    assert(s->timers.count == 0);
    assert(impl->n_watches == 0);

    event_del(&impl->wake);
    event_del(&impl->tick);
    event_base_free(s->base);
    close(impl->wake_fd);
    pthread_cond_destroy(&impl->taken);
    pthread_mutex_destroy(&impl->lock);
    free(impl->posted.items);
    free(impl->running.items);
    free(impl);
    heap_fini(&s->timers);
    free(s);
    *shard = NULL;
}

/* Keeps the worst delay of late, halved for each LAG_HALF_MS that has passed since. */
static void
note_lag(struct weir_shard *s, uint64_t now_ms, uint64_t late_ms)
{
    struct shard_impl *impl = shard_impl(s);
    uint64_t lag = s->lag_ms;
    if (lag != 0 && now_ms > impl->lag_since_ms) {
        uint64_t halves = (now_ms - impl->lag_since_ms) / LAG_HALF_MS;
        lag = halves < 64 ? lag >> halves : 0;
        impl->lag_since_ms += halves * LAG_HALF_MS;
    }
    if (late_ms > lag) {
        lag = late_ms;
        impl->lag_since_ms = now_ms;
    }
    if (lag != s->lag_ms)
        __atomic_store_n(&s->lag_ms, lag, __ATOMIC_RELAXED);
}

/* Monotonic time as of the kernel's last tick. */
static uint64_t
coarse_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* The first look at the clock in a turn. */
static __attribute__((noinline)) void
look(struct weir_shard *s)
{
    s->turned = true;
    shard_impl(s)->began_ms = coarse_ms();
    s->now_ms = s->manual_ms ? s->manual_ms : clock_mono_ms();
    note_lag(s, s->now_ms, 0);
}

uint64_t
shard_now(struct weir_shard *s)
{
    if (!s->turned)
        look(s);
    return s->now_ms;
}

void
shard_set_clock(struct weir_shard *s, uint64_t ms)
{
    s->manual_ms = ms;
    s->turned = false;
    (void)shard_now(s);
}

/* A timer's key is when it is due, in ms, and below that from which run of the timers of this ms on: one that
 * a timer arms for now waits for the next turn, so that descriptors get theirs, however many timers stand. */
#define RUN_BITS 24
#define RUN_MAX ((1u << RUN_BITS) - 1)
#define DUE_MAX (UINT64_MAX >> RUN_BITS)

static uint64_t
due_ms(const struct heap_link *timer)
{
    return timer->key >> RUN_BITS;
}

/* Counts the runs of timers within a ms. */
static uint64_t
begin_run(struct weir_shard *s)
{
    struct shard_impl *impl = shard_impl(s);
    uint64_t now_ms = shard_now(s);
    bool again = impl->run_ms == now_ms;
    impl->run = again && impl->run < RUN_MAX ? impl->run + 1 : 0;
    impl->run_ms = now_ms;
    impl->runs = true;
    return now_ms << RUN_BITS | impl->run;
}

/* Runs the timers that are due. */
static void
run_timers(struct weir_shard *s)
{
    uint64_t now_ms = shard_now(s);
    struct heap_link *first = heap_first(&s->timers);
    if (first == NULL || due_ms(first) > now_ms)
        return;
    uint64_t horizon = begin_run(s);
    for (; first != NULL && first->key <= horizon; first = heap_first(&s->timers)) {
        struct timer *t = list_entry(first, struct timer, link);
        if (s->manual_ms == 0 && due_ms(first) != 0)
            note_lag(s, now_ms, now_ms - due_ms(first));
        heap_remove(&s->timers, first);
        t->fn(t->arg);
    }
    shard_impl(s)->runs = false;
}

uint64_t
shard_next_timer(const struct weir_shard *s)
{
    const struct heap_link *first = heap_first(&s->timers);
    return first ? due_ms(first) : UINT64_MAX;
}

/* Runs what LIST holds now, and not what is added meanwhile. */
static void
run_all(struct list *list)
{
    struct list now;
    list_unshift(list, &now); /* NOW becomes the head, and takes all over */
    list_remove(list);
    struct list *link;
    while ((link = list_shift(&now)) != NULL) {
        struct soon *todo = list_entry(link, struct soon, link);
        todo->fn(todo->arg);
    }
}

static void
run_late(struct weir_shard *s)
{
    if (!list_empty(&s->late))
        run_all(&s->late);
}

static bool
is_queued(const struct weir_shard *s)
{
    return !list_empty(&s->soon) || !list_empty(&s->late);
}

/* Runs what is queued; what is queued meanwhile makes up the next round. Rounds are bounded by time,
 * too: some who do as much as they may in one go, and come back at once, would make a turn of
 * seconds, in which nobody else is heard. */
static void
run_soon(struct weir_shard *s)
{
    if (!is_queued(s))
        return;
    uint64_t until_ms = s->manual_ms != 0 ? UINT64_MAX : coarse_ms() + SOON_MS;
    for (unsigned round = 0; round < SOON_ROUNDS && is_queued(s); round++) {
        if (round > 0 && coarse_ms() >= until_ms)
            return;
        run_late(s);
        run_all(&s->soon);
    }
}

/* Whether the loop may wait at all. */
static bool
may_wait(struct weir_shard *s, uint64_t max_ms)
{
    if (max_ms == 0 || is_queued(s) || is_stopping(s))
        return false;
    const struct heap_link *first = heap_first(&s->timers);
    return first == NULL || due_ms(first) > s->now_ms;
}

/* Sees to it that the loop wakes for the first timer, and after MAX_MS. False if it is time
 * already. */
static bool
arm_tick(struct weir_shard *s, uint64_t max_ms)
{
    struct shard_impl *impl = shard_impl(s);
    const struct heap_link *first = heap_first(&s->timers);
    uint64_t until_ms = first != NULL && s->manual_ms == 0 ? due_ms(first) : UINT64_MAX;
    if (until_ms >= impl->tick_ms && max_ms == UINT64_MAX)
        return true;

    uint64_t now_ms = clock_mono_ms();
    if (max_ms < UINT64_MAX - now_ms && now_ms + max_ms < until_ms)
        until_ms = now_ms + max_ms;
    if (until_ms >= impl->tick_ms)
        return true;
    if (until_ms <= now_ms)
        return false;
    uint64_t wait_ms = until_ms - now_ms;
    struct timeval wait = { .tv_sec = (time_t)(wait_ms / 1000),
                            .tv_usec = (suseconds_t)(wait_ms % 1000 * 1000) };
    event_add(&impl->tick, &wait);
    impl->tick_ms = until_ms;
    return true;
}

/* Measures the turn that ends, as what came meanwhile had to wait for it. The coarse clock
 * costs next to nothing; the exact one is read only if that one has moved on. */
static void
end_turn(struct weir_shard *s)
{
    if (!s->turned || s->manual_ms != 0 || coarse_ms() == shard_impl(s)->began_ms)
        return;
    uint64_t now_ms = clock_mono_ms();
    note_lag(s, now_ms, now_ms - s->now_ms);
}

bool
shard_turn(struct weir_shard *s, uint64_t max_ms)
{
    bool wait = may_wait(s, max_ms) && arm_tick(s, max_ms);
    s->turned = false;
    /* One look either way: EVLOOP_NONBLOCK alone looks again and again while there is something
     * ready, and who sends all the time would keep timers and answers from their turn. */
    event_base_loop(s->base, wait ? EVLOOP_ONCE : EVLOOP_ONCE | EVLOOP_NONBLOCK);
    run_late(s);
    run_timers(s);
    run_soon(s);
    end_turn(s);
    return !is_stopping(s);
}

void
shard_run(struct weir_shard *s)
{
    if (!pthread_equal(s->thread, pthread_self()))
        s->thread = pthread_self();
    while (shard_turn(s, UINT64_MAX))
        continue;
}

void
shard_wake(struct weir_shard *s)
{
    uint64_t one = 1;
    ssize_t put;
    do
        put = write(shard_impl(s)->wake_fd, &one, sizeof(one));
    while (put < 0 && errno == EINTR); /* EAGAIN: the counter is full, so it is awake */
}

void
shard_stop(struct weir_shard *s)
{
    __atomic_store_n(&s->stopping, true, __ATOMIC_RELEASE);
    shard_wake(s);
}

void
timer_init(struct timer *t, void (*fn)(void *arg), void *arg)
{
    *t = (struct timer){ .fn = fn, .arg = arg };
}

void
timer_set(struct weir_shard *s, struct timer *t, uint64_t at_ms)
{
    const struct shard_impl *impl = shard_impl(s);
    if (impl->runs && at_ms <= impl->run_ms)
        heap_set(&s->timers, &t->link, impl->run_ms << RUN_BITS | (impl->run + 1));
    else
        heap_set(&s->timers, &t->link, (at_ms < DUE_MAX ? at_ms : DUE_MAX) << RUN_BITS);
}

void
timer_unset(struct weir_shard *s, struct timer *t)
{
    if (timer_armed(t))
        heap_remove(&s->timers, &t->link);
}

void
soon_init(struct soon *s, void (*fn)(void *arg), void *arg)
{
    list_init(&s->link);
    s->fn = fn;
    s->arg = arg;
}

void
soon_add(struct weir_shard *shard, struct soon *s)
{
    if (list_empty(&s->link))
        list_push(&shard->soon, &s->link);
}

void
soon_add_late(struct weir_shard *shard, struct soon *s)
{
    list_remove(&s->link);
    list_push(&shard->late, &s->link);
}

void
soon_remove(struct soon *s)
{
    list_remove(&s->link);
}

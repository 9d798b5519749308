/* breaker/breaker_state.c - see breaker_state.h. SPDX-License-Identifier: Apache-2.0 */
#include "breaker_state.h"

#include <assert.h>
#include <string.h>

static uint64_t
bucket_ms(const struct breaker_settings *s)
{
    return s->window_ms / s->buckets;
}

static void
subtract(struct breaker_bucket *from, const struct breaker_bucket *what)
{
    from->calls -= what->calls;
    for (unsigned i = 0; i < BREAKER_RESULTS; i++)
        from->results[i] -= what->results[i];
}

/* Locks B and brings it to NOW_MS: buckets that have left the window are emptied. */
static void
lock(struct breaker *b, uint64_t now_ms)
{
    pthread_mutex_lock(&b->lock);
    if (now_ms <= b->now_ms)
        return;
    b->now_ms = now_ms;
    uint32_t n = b->settings.buckets;
    uint64_t head = now_ms / bucket_ms(&b->settings);
    for (uint64_t at = head - b->head > n ? head - n : b->head; at < head; at++) {
        struct breaker_bucket *leaving = &b->buckets[(at + 1) % n];
        subtract(&b->sum, leaving);
        *leaving = (struct breaker_bucket){ 0 };
    }
    b->head = head;
}

static void
unlock(struct breaker *b)
{
    pthread_mutex_unlock(&b->lock);
}

static struct breaker_bucket *
newest(struct breaker *b)
{
    return &b->buckets[b->head % b->settings.buckets];
}

static void
count(struct breaker *b, enum breaker_result result)
{
    newest(b)->results[result]++;
    b->sum.results[result]++;
    b->totals[result]++;
}

static void
count_call(struct breaker *b)
{
    newest(b)->calls++;
    b->sum.calls++;
}

/* The bucket that the call of T was counted in; NULL if it has left the window. */
static struct breaker_bucket *
bucket_of(struct breaker *b, const struct breaker_ticket *t)
{
    uint64_t number = t->began_ms / bucket_ms(&b->settings);
    if (number > b->head || b->head - number >= b->settings.buckets)
        return NULL;
    return &b->buckets[number % b->settings.buckets];
}

static uint32_t
failures(const struct breaker_bucket *b)
{
    return b->results[BREAKER_FAILURE] + b->results[BREAKER_TIMEOUT];
}

static void
clear_window(struct breaker *b)
{
    memset(b->buckets, 0, sizeof b->buckets);
    b->sum = (struct breaker_bucket){ 0 };
}

/* Every change of the state, and no other, happens here. */
static void
enter_state(struct breaker *b, enum breaker_state next, struct breaker_change *change)
{
    assert(b->state != next);
    *change = (struct breaker_change){
        .made = true,
        .from = b->state,
        .to = next,
        .forced = b->forced,
        .calls = b->sum.calls,
        .failures = failures(&b->sum),
        .reset_ms = b->settings.reset_ms,
    };
    b->state = next;
    b->since_ms = b->now_ms;
    b->epoch++;
    b->probing = false;
    b->transitions[next]++;
    if (next == BREAKER_CLOSED)
        clear_window(b);
}

void
breaker_init(struct breaker *b, const struct breaker_settings *s, uint64_t now_ms)
{
    memset(b, 0, sizeof *b);
    pthread_mutex_init(&b->lock, NULL);
    b->settings = *s;
    b->now_ms = b->since_ms = now_ms;
    b->head = now_ms / bucket_ms(s);
}

void
breaker_configure(struct breaker *b, const struct breaker_settings *s, uint64_t now_ms)
{
    assert(s->buckets > 0 && s->buckets <= BREAKER_BUCKETS_MAX && s->window_ms >= s->buckets);
    lock(b, now_ms);
    bool reshaped = s->buckets != b->settings.buckets || s->window_ms != b->settings.window_ms;
    b->settings = *s;
    if (reshaped) {
        struct breaker_bucket all = b->sum;
        clear_window(b);
        b->head = b->now_ms / bucket_ms(s);
        *newest(b) = b->sum = all;
    }
    unlock(b);
}

/* How long an open breaker stays so. */
static uint64_t
time_left(const struct breaker *b)
{
    if (b->state != BREAKER_OPEN || b->forced == BREAKER_FORCED_OPEN)
        return 0;
    uint64_t passed = b->now_ms - b->since_ms;
    return passed < b->settings.reset_ms ? b->settings.reset_ms - passed : 0;
}

/* Half-open, if it is open and the reset time has passed. */
static void
reset_if_due(struct breaker *b, struct breaker_change *change)
{
    if (b->state == BREAKER_OPEN && b->forced == BREAKER_AUTO && time_left(b) == 0)
        enter_state(b, BREAKER_HALF_OPEN, change);
}

static enum breaker_answer
decide(const struct breaker *b)
{
    if (b->state == BREAKER_OPEN)
        return BREAKER_IS_OPEN;
    if (b->state == BREAKER_HALF_OPEN && b->probing)
        return BREAKER_IS_PROBING;
    if (b->settings.capacity > 0 && b->in_flight >= b->settings.capacity)
        return BREAKER_IS_FULL;
    return BREAKER_PASS;
}

enum breaker_answer
breaker_enter(struct breaker *b, uint64_t now_ms, struct breaker_ticket *ret,
              uint64_t *ret_wait_ms, struct breaker_change *change)
{
    change->made = false;
    lock(b, now_ms);
    reset_if_due(b, change);
    enum breaker_answer answer = decide(b);
    if (answer == BREAKER_PASS) {
        *ret = (struct breaker_ticket){ .began_ms = b->now_ms,
                                        .epoch = b->epoch,
                                        .probe = b->state == BREAKER_HALF_OPEN };
        b->probing = ret->probe;
        b->in_flight++;
        count_call(b);
    } else {
        *ret_wait_ms = time_left(b);
        count(b, answer == BREAKER_IS_FULL ? BREAKER_FULL : BREAKER_REJECTED);
    }
    unlock(b);
    return answer;
}

/* A call that counts as never begun: the next one may be the probe. */
static void
take_back(struct breaker *b, const struct breaker_ticket *t)
{
    struct breaker_bucket *counted = bucket_of(b, t);
    if (counted && counted->calls > 0) { /* 0: the window has another shape now */
        counted->calls--;
        b->sum.calls--;
    }
    if (t->probe)
        b->probing = false;
}

static bool
is_too_much(const struct breaker *b)
{
    return b->sum.calls >= b->settings.volume &&
           failures(&b->sum) * UINT64_C(1000000) >
               b->sum.calls * (uint64_t)b->settings.threshold;
}

/* The call of T, which began in the present state, ended with RESULT. */
static void
judge(struct breaker *b, const struct breaker_ticket *t, enum breaker_result result,
      struct breaker_change *change)
{
    bool failed = result == BREAKER_FAILURE || result == BREAKER_TIMEOUT;
    if (bucket_of(b, t) ==
        NULL) /* it has outlived the window: so that slow failures count, too */
        count_call(b);
    count(b, result);
    if (t->probe)
        enter_state(b, failed ? BREAKER_OPEN : BREAKER_CLOSED, change);
    else if (failed && b->forced == BREAKER_AUTO && is_too_much(b))
        enter_state(b, BREAKER_OPEN, change);
}

void
breaker_leave(struct breaker *b, const struct breaker_ticket *t, enum breaker_result result,
              uint64_t now_ms, struct breaker_change *change)
{
    change->made = false;
    lock(b, now_ms);
    assert(b->in_flight > 0);
    b->in_flight--;
    bool late = t->epoch != b->epoch;
    if (late && result != BREAKER_NOTHING)
        b->totals[result]++;
    else if (!late && result == BREAKER_NOTHING)
        take_back(b, t);
    else if (!late)
        judge(b, t, result, change);
    unlock(b);
}

uint64_t
breaker_tick(struct breaker *b, uint64_t now_ms, struct breaker_change *change)
{
    change->made = false;
    lock(b, now_ms);
    reset_if_due(b, change);
    uint64_t left = time_left(b);
    unlock(b);
    return left;
}

void
breaker_force(struct breaker *b, enum breaker_forced forced, uint64_t now_ms,
              struct breaker_change *change)
{
    static const enum breaker_state states[] = {
        [BREAKER_FORCED_OPEN] = BREAKER_OPEN,
        [BREAKER_FORCED_CLOSED] = BREAKER_CLOSED,
    };
    change->made = false;
    lock(b, now_ms);
    enum breaker_state next = forced != BREAKER_AUTO             ? states[forced]
                              : b->forced == BREAKER_FORCED_OPEN ? BREAKER_HALF_OPEN
                                                                 : b->state;
    b->forced = forced;
    if (b->state != next)
        enter_state(b, next, change);
    unlock(b);
}

void
breaker_look(struct breaker *b, uint64_t now_ms, struct breaker_view *ret)
{
    lock(b, now_ms);
    uint64_t left = time_left(b);
    bool due = b->state == BREAKER_OPEN && b->forced == BREAKER_AUTO && left == 0;
    *ret = (struct breaker_view){
        .state = due ? BREAKER_HALF_OPEN : b->state,
        .forced = b->forced,
        .settings = b->settings,
        .window = b->sum,
        .in_flight = b->in_flight,
        .since_ms = due ? b->since_ms + b->settings.reset_ms : b->since_ms,
        .retry_in_ms = left,
    };
    memcpy(ret->totals, b->totals, sizeof ret->totals);
    memcpy(ret->transitions, b->transitions, sizeof ret->transitions);
    unlock(b);
}

const char *
breaker_state_name(enum breaker_state s)
{
    static const char *const names[] = { "closed", "half_open", "open" };
    return names[s];
}

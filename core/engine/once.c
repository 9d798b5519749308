/* engine/once.c - see once.h. SPDX-License-Identifier: Apache-2.0 */
#include "engine/once.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/map.h"
#include "engine/admission.h"
#include "engine/job.h"
#include "engine/once_claim.h"
#include "loop/worker.h"

#define NOTICE_MS 1000u /* what another gateway says of a job is believed so long */
#define PARTS 16u
#define ENTRY_BYTES 256u /* what one counts as beside its answer */
#define WAITING_MAX 10000u /* events on one shard */

/* What is known of a key. */
struct once_entry {
    struct list link; /* in its part's ENTRIES */
    struct list waiters;
    uint8_t key[ONCE_BYTES];
    uint8_t content[ONCE_BYTES];
    bool over;
    uint64_t until_ms; /* monotonic; then it is as if it were not there */
    uint64_t ttl_ms;
    const struct weir_value *answer; /* msgpack, as job_answer.c has it; NULL: none, or not kept */
};

/* An event that waits for the first one; in the event's arena. */
struct once_waiter {
    struct list link;
    struct weir_event *event;
    struct once_part *part;
    bool taken; /* its answer is on its way */
};

struct once_part {
    pthread_mutex_t lock;
    struct map by_key;
    struct list entries; /* what was used last comes first */
    uint64_t bytes;
    uint64_t waiting; /* events */
    uint64_t forgotten;
};

static struct once_part parts[PARTS];
static pthread_once_t begun = PTHREAD_ONCE_INIT;
static uint64_t part_max = (64u << 20) / PARTS;

static void
begin(void)
{
    for (unsigned i = 0; i < PARTS; i++) {
        pthread_mutex_init(&parts[i].lock, NULL);
        map_init(&parts[i].by_key);
        list_init(&parts[i].entries);
    }
}

void
once_configure(uint64_t max_bytes)
{
    part_max = max_bytes / PARTS;
}

static struct once_part *
part_of(const uint8_t *key)
{
    pthread_once(&begun, begin);
    return &parts[key[0] % PARTS];
}

static size_t
weight(const struct once_entry *o)
{
    return ENTRY_BYTES + (o->answer ? o->answer->len : 0);
}

/* With the lock of P held, as all that follow up to the next line of this kind. */
static void
drop(struct once_part *p, struct once_entry *o)
{
    p->bytes -= weight(o);
    (void)map_remove(&p->by_key, o->key, ONCE_BYTES);
    list_remove(&o->link);
    value_unref(&o->answer);
    free(o);
}

/* Makes room for NEED bytes more, and forgets what has had its time. False: what runs takes all. */
static bool
make_room(struct once_part *p, size_t need, uint64_t now_ms)
{
    struct list *link = p->entries.prev;
    for (unsigned looked = 0; link != &p->entries && (looked < 2 || p->bytes + need > part_max); looked++) {
        struct once_entry *o = list_entry(link, struct once_entry, link);
        link = link->prev;
        bool late = o->over && o->until_ms <= now_ms;
        if (!late && (!o->over || p->bytes + need <= part_max))
            continue;
        p->forgotten += !late;
        drop(p, o);
    }
    return p->bytes + need <= part_max;
}

static struct once_entry *
find(struct once_part *p, const uint8_t *key, uint64_t now_ms)
{
    struct once_entry *o = map_get(&p->by_key, key, ONCE_BYTES);
    if (o == NULL || !o->over || o->until_ms > now_ms)
        return o;
    drop(p, o);
    return NULL;
}

/* NULL: there is no room. */
static struct once_entry *
add(struct once_part *p, const uint8_t *key, const uint8_t *content, uint64_t now_ms)
{
    if (!make_room(p, ENTRY_BYTES, now_ms))
        return NULL;
    struct once_entry *o = calloc(1, sizeof *o);
    if (o == NULL)
        abort();
    memcpy(o->key, key, ONCE_BYTES);
    memcpy(o->content, content, ONCE_BYTES);
    list_init(&o->waiters);
    list_unshift(&p->entries, &o->link);
    (void)map_set(&p->by_key, key, ONCE_BYTES, o);
    p->bytes += weight(o);
    return o;
}

/* -- without a lock -- */

/* What is to become of an event with a key. */
enum verdict { FIRST, AGAIN, OTHER, RUNS, WAITS, FULL, AWAY };

static bool
wait_for(struct once_entry *o, struct weir_event *e)
{
    struct engine *en = engine_of(e->shard);
    struct once_waiter *w = en->n_once_waiting < WAITING_MAX ? arena_alloc(e->arena, sizeof *w) : NULL;
    if (w == NULL)
        return false;
    w->event = e;
    w->part = part_of(o->key);
    list_push(&o->waiters, &w->link);
    w->part->waiting++;
    e->once_wait = w;
    en->n_once_waiting++;
    return true;
}

/* *RET_ANSWER, of AGAIN, is owned. */
static enum verdict
look(struct weir_event *e, const uint8_t *key, const uint8_t *content, const struct weir_value **ret_answer)
{
    const struct pipeline *pipe = e->trigger->flow->pipeline;
    struct once_part *p = part_of(key);
    uint64_t now_ms = clock_mono_ms();
    pthread_mutex_lock(&p->lock);
    struct once_entry *o = find(p, key, now_ms);
    enum verdict v;
    if (o == NULL) {
        o = add(p, key, content, now_ms);
        v = o ? FIRST : FULL;
        if (o)
            o->ttl_ms = once_ttl(e);
        e->once = o;
    } else if (memcmp(o->content, content, ONCE_BYTES) != 0) {
        v = OTHER;
    } else if (o->over) {
        *ret_answer = o->answer ? value_ref(o->answer) : NULL;
        list_remove(&o->link);
        list_unshift(&p->entries, &o->link);
        v = AGAIN;
    } else if (pipe->idempotency_refuse) {
        v = RUNS;
    } else {
        v = wait_for(o, e) ? WAITS : FULL;
    }
    pthread_mutex_unlock(&p->lock);
    return v;
}

/* Gives E the answer of the first one. */
static void
answer_again(struct weir_event *e, const struct weir_value *answer)
{
    struct weir_error err = { 0 };
    if (answer && job_answer_again(e, value_as_text(answer)))
        return;
    err_set(&err, WEIR_CONFLICT, "an event with this idempotency key was worked on before; its answer is not kept");
    event_answer_error(e, &err);
}

static void
refuse(struct weir_event *e, enum verdict v)
{
    struct weir_error err = { 0 };
    switch (v) {
    case OTHER:
        err_set(&err, WEIR_INVALID, "the idempotency key was used with another content before");
        err.status = 422;
        break;
    case RUNS:
        err_set(&err, WEIR_CONFLICT, "the first event with this idempotency key is still being worked on");
        break;
    case AWAY:
        err_set(&err, WEIR_UNAVAILABLE, "the store of idempotency keys is not to be had");
        err.retry_after_ms = 1000;
        break;
    default:
        err_set(&err, WEIR_UNAVAILABLE, "too many idempotency keys are in use");
        err.retry_after_ms = 1000;
    }
    event_answer_error(e, &err);
}

/* Whether E, the first one here, goes on at once; else other gateways are asked. */
static bool
is_first_of_all(struct weir_event *e, const uint8_t *key, const uint8_t *content, bool *ret_answered)
{
    if (!claim_wanted(e))
        return true;
    *ret_answered = !claim_ask(e, key, content);
    if (*ret_answered) {
        once_end(e, false);
        refuse(e, FULL);
    }
    return false;
}

bool
once_enter(struct weir_event *e, bool *ret_answered)
{
    uint8_t key[DIGEST_MAX], content[DIGEST_MAX];
    struct weir_error err = { 0 };
    const struct weir_value *answer = NULL;
    *ret_answered = true;
    if (!once_key(e, key, content, &err)) {
        if (err.code == WEIR_OK)
            return true;
        event_answer_error(e, &err);
        value_unref(&err.detail);
        return false;
    }
    enum verdict v = look(e, key, content, &answer);
    if (v == FIRST)
        return is_first_of_all(e, key, content, ret_answered);
    if (v == AGAIN)
        answer_again(e, answer);
    else if (v != WAITS)
        refuse(e, v);
    *ret_answered = v != WAITS;
    value_unref(&answer);
    return false;
}

/* What another gateway has answered is known here as well, for LEFT_MS. False: there is no room. */
static bool
learn(struct once_entry *o, const struct weir_value *answer, uint64_t left_ms)
{
    struct once_part *p = part_of(o->key);
    pthread_mutex_lock(&p->lock);
    bool fits = make_room(p, answer ? answer->len : 0, clock_mono_ms());
    if (fits && answer) {
        o->answer = value_ref(answer);
        p->bytes += answer->len;
    }
    o->ttl_ms = left_ms;
    pthread_mutex_unlock(&p->lock);
    return fits;
}

void
once_decided(struct weir_event *e, enum claim_verdict v, struct weir_text answer, uint64_t left_ms)
{
    struct generation_part *part = e->part;
    if (v == CLAIM_FIRST || v == CLAIM_OPEN) {
        admission_enter(e);
        return;
    }
    if (v == CLAIM_AGAIN) {
        /* It may be word of a job that still runs, whose result takes its place: it is asked for again. */
        const struct pipeline *p = e->trigger->flow->pipeline;
        if (p->durable != DURABLE_NO && p->respond != RESPOND_ACCEPTED && left_ms > NOTICE_MS)
            left_ms = NOTICE_MS;
        const struct weir_value *kept = answer.len > 0 ? value_bytes(answer.bytes, answer.len) : NULL;
        once_end(e, learn(e->once, kept, left_ms));
        answer_again(e, kept);
        value_unref(&kept);
    } else {
        once_end(e, false);
        refuse(e, v == CLAIM_CONTENT ? OTHER : v == CLAIM_RUNS ? RUNS : AWAY);
    }
    e->ops->release(e);
    part_unpin(part);
}

void
once_answered(struct weir_event *e, const struct event_reply *r)
{
    struct once_entry *o = e->once;
    size_t len;
    char *bytes = r->status != 499 ? job_answer_pack(r, &len) : NULL; /* nobody is there to hear it */
    if (bytes == NULL)
        return;
    const struct weir_value *answer = value_take(WEIR_BYTES, bytes, len);
    struct once_part *p = part_of(o->key);
    pthread_mutex_lock(&p->lock);
    if (o->answer == NULL && make_room(p, len, clock_mono_ms())) {
        o->answer = value_ref(answer);
        p->bytes += len;
    }
    pthread_mutex_unlock(&p->lock);
    value_unref(&answer);
}

/* An answer on its way to who waited for it. */
struct telling {
    struct weir_event *event;
    const struct weir_value *answer; /* owned; NULL: none was given */
};

/* On the event's shard. */
static void
tell(void *arg)
{
    struct telling *t = arg;
    struct weir_event *e = t->event;
    struct engine *en = engine_of(e->shard);
    struct generation_part *part = e->part;
    en->n_once_waiting--;
    e->once_wait = NULL;
    if (t->answer || e->gone) {
        answer_again(e, t->answer);
        e->ops->release(e);
        part_unpin(part);
    } else {
        admission_offer(e); /* the first one came to nothing: this may be the first one */
    }
    value_unref(&t->answer);
    free(t);
    atomic_fetch_sub(&en->once_posts, 1);
}

void
once_end(struct weir_event *e, bool good)
{
    struct once_entry *o = e->once;
    struct list waiters;
    if (o == NULL)
        return;
    e->once = NULL;
    list_init(&waiters);
    struct once_part *p = part_of(o->key);
    pthread_mutex_lock(&p->lock);
    const struct weir_value *answer = o->answer ? value_ref(o->answer) : NULL;
    for (struct list *link; (link = list_shift(&o->waiters)) != NULL;) {
        struct once_waiter *w = list_entry(link, struct once_waiter, link);
        w->taken = true;
        p->waiting--;
        atomic_fetch_add(&engine_of(w->event->shard)->once_posts, 1);
        list_push(&waiters, link);
    }
    o->over = true;
    o->until_ms = clock_mono_ms() + o->ttl_ms;
    if (!good)
        drop(p, o);
    pthread_mutex_unlock(&p->lock);
    claim_end(e, good, answer ? value_as_text(answer) : TEXT(""));
    for (struct list *link; (link = list_shift(&waiters)) != NULL;) {
        struct telling *t = malloc(sizeof *t);
        if (t == NULL)
            abort();
        t->event = list_entry(link, struct once_waiter, link)->event;
        t->answer = answer ? value_ref(answer) : NULL;
        shard_post(t->event->shard, tell, t);
    }
    value_unref(&answer);
}

bool
once_forget(struct weir_event *e)
{
    struct once_waiter *w = e->once_wait;
    if (w == NULL)
        return claim_forget(e);
    pthread_mutex_lock(&w->part->lock);
    bool found = !w->taken;
    if (found) {
        list_remove(&w->link);
        w->part->waiting--;
    }
    pthread_mutex_unlock(&w->part->lock);
    if (!found)
        return false;
    e->once_wait = NULL;
    engine_of(e->shard)->n_once_waiting--;
    return true;
}

/* Moves those of P that wait on S to OUT. */
static void
take_waiters(struct once_part *p, const struct weir_shard *s, struct list *out)
{
    pthread_mutex_lock(&p->lock);
    list_each(at, next, &p->entries)
    {
        struct once_entry *o = list_entry(at, struct once_entry, link);
        list_each(link, after, &o->waiters)
        {
            if (list_entry(link, struct once_waiter, link)->event->shard != s)
                continue;
            list_remove(link);
            list_push(out, link);
            p->waiting--;
        }
    }
    pthread_mutex_unlock(&p->lock);
}

static void
refuse_at_end(struct weir_event *e)
{
    struct generation_part *part = e->part;
    struct weir_error err = { 0 };
    err_set(&err, WEIR_UNAVAILABLE, "this server is shutting down");
    err.retry_after_ms = 1000;
    event_answer_error(e, &err);
    e->ops->release(e);
    part_unpin(part);
}

void
once_refuse_all(struct engine *e)
{
    struct list out;
    list_init(&out);
    pthread_once(&begun, begin);
    for (struct weir_event *event; (event = claim_waiting(e)) != NULL;) {
        (void)claim_forget(event);
        once_end(event, false);
        refuse_at_end(event);
    }
    for (unsigned i = 0; e->n_once_waiting > 0 && i < PARTS; i++)
        take_waiters(&parts[i], e->shard, &out);
    for (struct list *link; (link = list_shift(&out)) != NULL;) {
        struct weir_event *event = list_entry(link, struct once_waiter, link)->event;
        event->once_wait = NULL;
        e->n_once_waiting--;
        refuse_at_end(event);
    }
}

void
once_settle(struct engine *e)
{
    while (atomic_load(&e->once_posts) > 0)
        shard_turn(e->shard, 10);
}

void
once_usage(struct once_usage *ret)
{
    *ret = (struct once_usage){ 0 };
    pthread_once(&begun, begin);
    for (unsigned i = 0; i < PARTS; i++) {
        pthread_mutex_lock(&parts[i].lock);
        ret->entries += parts[i].by_key.count;
        ret->bytes += parts[i].bytes;
        ret->waiting += parts[i].waiting;
        ret->forgotten += parts[i].forgotten;
        pthread_mutex_unlock(&parts[i].lock);
    }
}

void
once_free(void)
{
    pthread_once(&begun, begin);
    for (unsigned i = 0; i < PARTS; i++) {
        pthread_mutex_lock(&parts[i].lock);
        while (!list_empty(&parts[i].entries))
            drop(&parts[i], list_entry(parts[i].entries.next, struct once_entry, link));
        map_fini(&parts[i].by_key);
        map_init(&parts[i].by_key);
        pthread_mutex_unlock(&parts[i].lock);
    }
}

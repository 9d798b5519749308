/* engine/topic.c - see topic.h. SPDX-License-Identifier: Apache-2.0 */
#include "engine/topic.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "value/value.h"

#define WAITING_MAX 1000u /* events of one turn: what comes on top is a loop, and dropped */

struct weir_subscription {
    struct list link;
    weir_topic_fn *fn;
    void *arg;
    bool prefix; /* TOPIC without its * is how a topic begins */
    size_t len;
    char topic[];
};

struct published {
    struct list link;
    const struct weir_value *event;
    size_t len;
    char topic[];
};

static bool
wants(const struct weir_subscription *s, struct weir_text topic)
{
    if (s->prefix ? topic.len < s->len : topic.len != s->len)
        return false;
    return memcmp(topic.bytes, s->topic, s->len) == 0;
}

void
topic_tell(struct topics *t, struct weir_text topic, const struct weir_value *event)
{
    list_each(at, next, &t->subscriptions)
    {
        struct weir_subscription *s = list_entry(at, struct weir_subscription, link);
        if (wants(s, topic))
            s->fn(s->arg, topic, event);
    }
}

/* Whoever is told may unsubscribe itself, or publish more: that waits for the turn after. */
static void
deliver(void *arg)
{
    struct topics *t = arg;
    unsigned n = t->n_waiting;
    for (struct list *link; n > 0 && (link = list_shift(&t->waiting)) != NULL; n--) {
        struct published *p = list_entry(link, struct published, link);
        t->n_waiting--;
        topic_tell(t, (struct weir_text){ p->topic, p->len }, p->event);
        value_unref(&p->event);
        free(p);
    }
    if (!list_empty(&t->waiting))
        soon_add(t->shard, &t->deliver);
}

void
topics_init(struct topics *t, struct weir_shard *s)
{
    t->shard = s;
    t->n_waiting = 0;
    list_init(&t->subscriptions);
    list_init(&t->waiting);
    soon_init(&t->deliver, deliver, t);
}

void
topics_fini(struct topics *t)
{
    assert(list_empty(&t->subscriptions));
    soon_remove(&t->deliver);
    list_each(link, next, &t->waiting)
    {
        struct published *p = list_entry(link, struct published, link);
        value_unref(&p->event);
        free(p);
    }
    list_init(&t->waiting);
    t->n_waiting = 0;
}

struct weir_subscription *
topic_subscribe(struct topics *t, struct weir_text topic, weir_topic_fn *fn, void *arg)
{
    struct weir_subscription *s = malloc(sizeof *s + topic.len);
    if (s == NULL)
        abort();
    s->fn = fn;
    s->arg = arg;
    s->prefix = topic.len > 0 && topic.bytes[topic.len - 1] == '*';
    s->len = topic.len - s->prefix;
    memcpy(s->topic, topic.bytes, s->len);
    list_push(&t->subscriptions, &s->link);
    return s;
}

void
topic_unsubscribe(struct weir_subscription **s)
{
    if (*s == NULL)
        return;
    list_remove(&(*s)->link);
    free(*s);
    *s = NULL;
}

void
topic_publish(struct topics *t, struct weir_text topic, const struct weir_value *event)
{
    if (list_empty(&t->subscriptions))
        return;
    if (t->n_waiting >= WAITING_MAX) {
        log_say(WEIR_ERROR, "more than %u events wait: '%.*s' is dropped", WAITING_MAX, (int)topic.len, topic.bytes);
        return;
    }
    struct published *p = malloc(sizeof *p + topic.len);
    if (p == NULL)
        abort();
    p->event = value_ref(event);
    p->len = topic.len;
    memcpy(p->topic, topic.bytes, topic.len);
    list_push(&t->waiting, &p->link);
    t->n_waiting++;
    soon_add(t->shard, &t->deliver);
}

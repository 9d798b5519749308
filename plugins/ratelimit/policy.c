/* ratelimit/policy.c - see policy.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "policy.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "ratelimit.h"

#define KEY_SHORT 480u

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct policy *newest;

struct policy *
policy_new(const char *name, unsigned n)
{
    struct policy *p = calloc(1, sizeof *p);
    struct limit *limits = calloc(n, sizeof *limits);
    if (p == NULL || limits == NULL)
        abort();
    p->refs = 1;
    p->n = n;
    p->limits = limits;
    snprintf(p->name, sizeof p->name, "%s", name);
    return p;
}

struct policy *
policy_ref(struct policy *p)
{
    atomic_fetch_add(&p->refs, 1);
    return p;
}

void
policy_unref(struct policy **p)
{
    struct policy *old = *p;
    *p = NULL;
    if (old == NULL || atomic_fetch_sub(&old->refs, 1) > 1)
        return;
    free(old->pipeline);
    free(old->node);
    free(old->limits);
    free(old);
}

void
policy_enter(struct policy *p)
{
    pthread_mutex_lock(&lock);
    p->number = memory_number(p->name);
    p->next = newest;
    if (newest)
        newest->prev = p;
    newest = p;
    pthread_mutex_unlock(&lock);
}

/* Whether a policy of that name is in use. */
static bool
is_used(const char *name)
{
    for (const struct policy *p = newest; p; p = p->next)
        if (strcmp(p->name, name) == 0)
            return true;
    return false;
}

void
policy_leave(struct policy *p)
{
    pthread_mutex_lock(&lock);
    if (p->prev)
        p->prev->next = p->next;
    else if (newest == p)
        newest = p->next;
    if (p->next)
        p->next->prev = p->prev;
    p->next = p->prev = NULL;
    if (p->number > 0 && !is_used(p->name)) /* with thousands of names most have none */
        memory_number_free(p->number);
    pthread_mutex_unlock(&lock);
}

static bool
text_is(struct weir_text text, const char *name)
{
    return text.len == strlen(name) && memcmp(text.bytes, name, text.len) == 0;
}

struct policy *
policy_find(struct weir_text name)
{
    pthread_mutex_lock(&lock);
    struct policy *p = newest;
    while (p && !text_is(name, p->name))
        p = p->next;
    if (p)
        policy_ref(p);
    pthread_mutex_unlock(&lock);
    return p;
}

/* Whether a newer policy has the name of P. */
static bool
is_hidden(const struct policy *p)
{
    const struct policy *other = newest;
    while (other != p && strcmp(other->name, p->name) != 0)
        other = other->next;
    return other != p;
}

struct policy *
policy_at(unsigned index)
{
    pthread_mutex_lock(&lock);
    struct policy *p = newest;
    while (p && (is_hidden(p) || index-- > 0))
        p = p->next;
    if (p)
        policy_ref(p);
    pthread_mutex_unlock(&lock);
    return p;
}

/* Whether a newer node of P's name is the same step of the same pipeline: of an older
 * generation, P still has runs. */
static bool
is_replaced(const struct policy *p)
{
    for (const struct policy *o = newest; o != p; o = o->next)
        if (strcmp(o->name, p->name) == 0 && strcmp(o->pipeline, p->pipeline) == 0 &&
            strcmp(o->node, p->node) == 0)
            return true;
    return false;
}

static void
add_text(struct weir_builder *b, struct weir_text key, const char *text)
{
    const struct weir_value *v = host->string((struct weir_text){ text, strlen(text) });
    host->map_set(b, key, &v);
}

const struct weir_value *
policy_uses(const char *name)
{
    struct weir_builder *list = host->list_new();
    pthread_mutex_lock(&lock);
    for (const struct policy *p = newest; p; p = p->next) {
        if (strcmp(p->name, name) != 0 || is_replaced(p))
            continue;
        struct weir_builder *use = host->map_new();
        add_text(use, WEIR_TEXT("pipeline"), p->pipeline);
        add_text(use, WEIR_TEXT("step"), p->node);
        const struct weir_value *v = host->build(&use);
        host->list_add(list, &v);
    }
    pthread_mutex_unlock(&lock);
    return host->build(&list);
}

struct limit *
policy_limit(const struct policy *p, struct weir_text name)
{
    for (unsigned i = 0; i < p->n; i++)
        if (text_is(name, p->limits[i].name))
            return &p->limits[i];
    return NULL;
}

void
rate_text(const struct rate *r, char ret[40])
{
    unsigned long long ms = r->window_ms;
    if (ms % 1000 == 0)
        snprintf(ret, 40, "%u/%llus", r->limit, ms / 1000);
    else
        snprintf(ret, 40, "%u/%llums", r->limit, ms);
}

const char *
algorithm_name(enum algorithm a)
{
    static const char *const names[] = { "sliding-log", "sliding-window", "token-bucket" };
    return names[a];
}

void
policy_id(const struct limit *l, struct weir_text key, uint8_t ret[ID_LEN])
{
    uint8_t hash[64];
    char text[sizeof l->salt + 1 + KEY_SHORT];
    struct weir_text all = { text, sizeof l->salt + 1 };
    memcpy(text, l->salt, sizeof l->salt);
    text[sizeof l->salt] = key.len > KEY_SHORT ? 'h' : 'k';
    if (key.len > KEY_SHORT) { /* its digest stands for it */
        all.len += host->digest(WEIR_SHA256, key, hash);
        memcpy(text + sizeof l->salt + 1, hash, 32);
    } else {
        memcpy(text + sizeof l->salt + 1, key.bytes, key.len);
        all.len += key.len;
    }
    (void)host->digest(WEIR_SHA256, all, hash);
    memcpy(ret, hash, ID_LEN);
}

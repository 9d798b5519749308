/* ratelimit/policy.c - see policy.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "policy.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "line.h"
#include "memory.h"
#include "ratelimit.h"

#define KEY_SHORT 480u

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct policy *newest;

struct policy *
policy_new(const char *name, unsigned n)
{
    struct policy *p = zeroed(1, sizeof *p);
    struct limit *limits = zeroed(n, sizeof *limits);
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
    for (unsigned i = 0; i < old->n; i++) {
        free(old->limits[i].shown);
        free((char *)(uintptr_t)old->limits[i].terms.bytes);
    }
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
    map_take(b, key, host->string((struct weir_text){ text, strlen(text) }));
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

static struct weir_text
write_terms(const struct limit *l, const struct rate *r, char *room)
{
    struct line line = { .bytes = room, .room = TERMS_MAX };
    line_text(&line, l->shown);
    line_text(&line, ";q=");
    line_number(&line, r->limit, 1);
    line_text(&line, ";w=");
    line_number(&line, (r->window_ms + 999) / 1000, 1);
    return line_done(&line);
}

struct weir_text
limit_terms(const struct limit *l, const struct rate *r, char *room)
{
    return l->slot == 0 ? l->terms : write_terms(l, r, room);
}

void
policy_say(const struct policy *p, struct limit *l)
{
    char shown[SHOWN_MAX + 1], room[TERMS_MAX];
    snprintf(shown, sizeof shown, "\"%s%s%s\"", p->name, p->picks ? "/" : "", p->picks ? l->name : "");
    l->shown = strdup(shown);
    if (l->shown == NULL)
        abort();
    if (l->slot != 0)
        return;
    struct weir_text terms = write_terms(l, &l->rate, room);
    char *copy = text_copied(terms);
    l->terms = (struct weir_text){ copy, terms.len };
}

const char *
algorithm_name(enum algorithm a)
{
    static const char *const names[] = { "sliding-log", "sliding-window", "token-bucket" };
    return names[a];
}

/* The digest of TEXT that P goes by: none that others could reckon, unless they have to. */
static size_t
digest(const struct policy *p, struct weir_text text, uint8_t ret[64])
{
    if (p->redis != NULL)
        return host->digest(WEIR_SHA256, text, ret);
    host->digest_local(text, ret);
    return 16;
}

void
policy_id(const struct policy *p, const struct limit *l, struct weir_text key, uint8_t ret[ID_LEN])
{
    uint8_t hash[64];
    char text[sizeof l->salt + 1 + KEY_SHORT];
    struct weir_text all = { text, sizeof l->salt + 1 };
    memcpy(text, l->salt, sizeof l->salt);
    text[sizeof l->salt] = key.len > KEY_SHORT ? 'h' : 'k';
    if (key.len > KEY_SHORT) { /* its digest stands for it */
        size_t len = digest(p, key, hash);
        memcpy(text + all.len, hash, len);
        all.len += len;
    } else {
        memcpy(text + all.len, key.bytes, key.len);
        all.len += key.len;
    }
    (void)digest(p, all, hash);
    memcpy(ret, hash, ID_LEN);
}

/* breaker/breaker_names.c - the breakers of the process, by name: see breaker.h.
 *
 * Sorted by name. Only loads and operators come here; a call has its breaker's address.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "breaker.h"

#define NAMES_MAX 10000u
#define PIPELINES_MAX 256u /* that are told of in an event */

static pthread_mutex_t names_lock = PTHREAD_MUTEX_INITIALIZER;
static struct named *names[NAMES_MAX];
static unsigned n_names;
static uint64_t serials;

uint64_t
breaker_now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t); /* there is always one */
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static int
compare(struct weir_text name, const struct named *n)
{
    size_t len = strlen(n->name);
    int order = memcmp(name.bytes, n->name, name.len < len ? name.len : len);
    return order != 0 ? order : (name.len > len) - (name.len < len);
}

/* The place of NAME, or the one where it belongs. */
static unsigned
place_of(struct weir_text name, bool *ret_there)
{
    unsigned from = 0, to = n_names;
    *ret_there = false;
    while (from < to && !*ret_there) {
        unsigned middle = (from + to) / 2;
        int order = compare(name, names[middle]);
        *ret_there = order == 0;
        if (order == 0)
            return middle;
        if (order < 0)
            to = middle;
        else
            from = middle + 1;
    }
    return from;
}

/* Drops breakers that no node holds: those of names that no configuration has any more. */
static void
drop_unused(void)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < n_names; i++) {
        if (names[i]->opens > 0)
            names[kept++] = names[i];
        else
            free(names[i]);
    }
    n_names = kept;
}

static struct named *
add(struct weir_text name, unsigned at, const struct breaker_settings *s)
{
    struct named *n = zeroed(1, sizeof *n);
    memcpy(n->name, name.bytes, name.len);
    breaker_init(&n->breaker, s, breaker_now_ms());
    memmove(&names[at + 1], &names[at], (n_names - at) * sizeof *names);
    names[at] = n;
    n_names++;
    return n;
}

struct named *
breaker_name_open(struct weir_text name, const struct breaker_settings *s)
{
    bool there;
    pthread_mutex_lock(&names_lock);
    unsigned at = place_of(name, &there);
    if (!there && n_names == NAMES_MAX) {
        drop_unused();
        at = place_of(name, &there);
    }
    struct named *n = there ? names[at] : n_names < NAMES_MAX ? add(name, at, s) : NULL;
    if (n != NULL)
        n->opens++;
    pthread_mutex_unlock(&names_lock);
    return n;
}

void
breaker_name_close(struct named *n)
{
    pthread_mutex_lock(&names_lock);
    n->opens--;
    pthread_mutex_unlock(&names_lock);
}

/* The settings of the latest node that is attached are those of the breaker. */
static void
use_latest(struct named *n)
{
    const struct node *latest = n->users;
    for (const struct node *at = latest; at != NULL; at = at->next)
        if (at->serial > latest->serial)
            latest = at;
    if (latest != NULL)
        breaker_configure(&n->breaker, &latest->settings, breaker_now_ms());
}

void
breaker_name_attach(struct node *node)
{
    pthread_mutex_lock(&names_lock);
    if (node->attached++ == 0) {
        node->serial = ++serials;
        node->next = node->named->users;
        node->named->users = node;
        use_latest(node->named);
    }
    pthread_mutex_unlock(&names_lock);
}

void
breaker_name_detach(struct node *node)
{
    pthread_mutex_lock(&names_lock);
    if (--node->attached == 0) {
        struct node **at = &node->named->users;
        while (*at != node)
            at = &(*at)->next;
        *at = node->next;
        use_latest(node->named);
    }
    pthread_mutex_unlock(&names_lock);
}

void
breaker_names_each(void (*fn)(struct named *n, void *arg), void *arg)
{
    pthread_mutex_lock(&names_lock);
    for (unsigned i = 0; i < n_names; i++)
        if (names[i]->users != NULL)
            fn(names[i], arg);
    pthread_mutex_unlock(&names_lock);
}

struct named *
breaker_name_find(struct weir_text name)
{
    bool there;
    pthread_mutex_lock(&names_lock);
    unsigned at = place_of(name, &there);
    struct named *n = there && names[at]->users != NULL ? names[at] : NULL;
    if (n != NULL)
        n->opens++;
    pthread_mutex_unlock(&names_lock);
    return n;
}

/* Whether a user before AT has the same pipeline. */
static bool
is_known(const struct named *n, const struct node *at)
{
    for (const struct node *u = n->users; u != at; u = u->next)
        if (strcmp(u->pipeline, at->pipeline) == 0)
            return true;
    return false;
}

const struct weir_value *
breaker_name_pipelines(const struct named *n)
{
    struct weir_builder *list = host->list_new();
    unsigned count = 0;
    pthread_mutex_lock(&names_lock);
    for (const struct node *u = n->users; u != NULL && count < PIPELINES_MAX; u = u->next) {
        if (is_known(n, u))
            continue;
        const struct weir_value *v =
            host->string((struct weir_text){ u->pipeline, strlen(u->pipeline) });
        host->list_add(list, &v);
        count++;
    }
    pthread_mutex_unlock(&names_lock);
    return host->build(&list);
}

/* net/redis_server.c - the servers of the process, and their figures; see redis.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/redis_parts.h"

#define NAME_MAX_LEN 330

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct weir_redis *servers; /* the latest first */
static struct redis_place *places; /* the first first */
static unsigned n_servers;
static _Atomic(redis_change_fn *) on_change;

const char *
redis_outcome_name(enum redis_outcome o)
{
    static const char *const names[] = {
#define X(name, text) [REDIS_DID_##name] = text,
        REDIS_OUTCOMES(X)
#undef X
    };
    return names[o];
}

/* HOST:PORT, or the path of a unix socket. */
static void
write_name(const struct redis_url *u, char ret[NAME_MAX_LEN])
{
    if (u->path.bytes != NULL)
        snprintf(ret, NAME_MAX_LEN, "unix:%s", u->path.bytes);
    else if (memchr(u->host.bytes, ':', u->host.len) != NULL)
        snprintf(ret, NAME_MAX_LEN, "[%s]:%u", u->host.bytes, u->port);
    else
        snprintf(ret, NAME_MAX_LEN, "%s:%u", u->host.bytes, u->port);
}

/* The place of that name, made if it is new. */
static struct redis_place *
place_of(const struct redis_url *u)
{
    char name[NAME_MAX_LEN];
    write_name(u, name);
    struct redis_place **at = &places;
    for (; *at != NULL; at = &(*at)->next)
        if (strcmp((*at)->name, name) == 0)
            return *at;
    size_t size = sizeof(struct redis_place) + strlen(name) + 1;
    struct redis_place *p = aligned_alloc(64, (size + 63) / 64 * 64);
    if (p == NULL)
        abort();
    memset(p, 0, size);
    memcpy(p->name, name, strlen(name) + 1);
    *at = p;
    return p;
}

static struct weir_redis *
find(struct weir_text url)
{
    for (struct weir_redis *r = servers; r != NULL; r = r->next)
        if (r->key_len == url.len && memcmp(r->key, url.bytes, url.len) == 0)
            return r;
    return NULL;
}

static enum weir_code
make(struct weir_text url, struct weir_redis **ret, struct weir_error *err)
{
    struct redis_url parts;
    if (redis_url_parse(url, &parts, err) != WEIR_OK)
        return (enum weir_code)err->code;
    if (n_servers >= REDIS_SERVERS_MAX) {
        redis_url_fini(&parts);
        return err_set(err, WEIR_UNAVAILABLE,
                       "more than %u different Redis URLs were used since this process began",
                       REDIS_SERVERS_MAX);
    }
    struct tls_context *tls = NULL;
    if (parts.tls && tls_client_context(NULL, &tls, err) != WEIR_OK) {
        redis_url_fini(&parts);
        return (enum weir_code)err->code;
    }
    struct weir_redis *r = calloc(1, sizeof *r);
    char *key = malloc(url.len);
    if (r == NULL || key == NULL)
        abort();
    memcpy(key, url.bytes, url.len);
    *r = (struct weir_redis){ .next = servers, .url = parts, .tls = tls, .key = key,
                              .key_len = url.len, .place = place_of(&parts) };
    servers = r;
    n_servers++;
    *ret = r;
    return WEIR_OK;
}

enum weir_code
redis_server(struct weir_text url, struct weir_redis **ret, struct weir_error *err)
{
    struct weir_error own;
    enum weir_code code = WEIR_OK;
    pthread_mutex_lock(&lock);
    struct weir_redis *r = find(url);
    if (r == NULL)
        code = make(url, &r, err != NULL ? err : &own);
    pthread_mutex_unlock(&lock);
    if (code == WEIR_OK)
        *ret = r;
    return code;
}

void
redis_servers_free(void)
{
    pthread_mutex_lock(&lock);
    for (struct weir_redis *r; (r = servers) != NULL;) {
        servers = r->next;
        redis_url_fini(&r->url);
        if (r->tls != NULL)
            tls_context_free(&r->tls);
        explicit_bzero(r->key, r->key_len);
        free(r->key);
        free(r);
    }
    for (struct redis_place *p; (p = places) != NULL;) {
        places = p->next;
        free(p);
    }
    n_servers = 0;
    pthread_mutex_unlock(&lock);
}

bool
redis_figures(unsigned index, struct redis_figures *ret)
{
    pthread_mutex_lock(&lock);
    struct redis_place *p = places;
    while (p != NULL && index-- > 0)
        p = p->next;
    pthread_mutex_unlock(&lock);
    if (p == NULL)
        return false;
    *ret = (struct redis_figures){ .server = text_of(p->name) };
    for (unsigned i = 0; i < REDIS_SHARDS; i++) {
        const struct redis_counts *c = &p->counts[i];
        for (unsigned k = 0; k < REDIS_N_OUTCOMES; k++)
            ret->commands[k] += atomic_load_explicit(&c->commands[k], memory_order_relaxed);
        ret->reconnects += atomic_load_explicit(&c->reconnects, memory_order_relaxed);
        ret->up += (unsigned)atomic_load_explicit(&c->up, memory_order_relaxed);
    }
    return true;
}

void
redis_on_change(redis_change_fn *fn)
{
    atomic_store(&on_change, fn);
}

void
redis_place_away(struct redis_place *place, int n, const char *reason)
{
    int before = atomic_fetch_add(&place->away, n);
    redis_change_fn *fn = atomic_load(&on_change);
    if (fn != NULL && reason != NULL && (n > 0 ? before == 0 : before == 1))
        fn(text_of(place->name), n > 0 ? reason : NULL);
}

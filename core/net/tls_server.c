/* net/tls_server.c - a server's life, and when its files are read anew; see tls_server.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/tls_server.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "net/tls_identity.h"

static void
stamp_of(const char *path, struct tls_stamp *ret)
{
    struct stat st;
    memset(ret, 0, sizeof(*ret));
    if (stat(path, &st) != 0)
        return;
    ret->device = st.st_dev;
    ret->inode = st.st_ino;
    ret->size = st.st_size;
    ret->changed = st.st_mtim;
}

static void
stamp_all(const struct tls_server *s, struct tls_stamp *ret)
{
    memset(ret, 0, TLS_FILES_MAX * sizeof(*ret));
    for (unsigned i = 0; i < s->n_pairs; i++) {
        stamp_of(s->pairs[i].cert, &ret[2 * i]);
        stamp_of(s->pairs[i].key, &ret[2 * i + 1]);
    }
    if (s->client_ca != NULL)
        stamp_of(s->client_ca, &ret[TLS_FILES_MAX - 1]);
}

static char *
copy_of(const char *text)
{
    char *copy = strdup(text);
    if (copy == NULL)
        abort();
    return copy;
}

/* Frees S, whose last reference is gone. */
static void
destroy(struct tls_server *s)
{
    tls_identities_unref(&s->current);
    for (unsigned i = 0; i < s->n_pairs; i++) {
        free((void *)(uintptr_t)s->pairs[i].cert);
        free((void *)(uintptr_t)s->pairs[i].key);
    }
    free(s->pairs);
    free(s->client_ca);
    tls_tickets_fini(&s->tickets);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

enum weir_code
tls_server_new(const struct tls_server_config *config, uint64_t now_ms, struct tls_server **ret,
               struct weir_error *err)
{
    assert(config->n_pairs > 0 && config->n_pairs <= TLS_CERTIFICATES_MAX);
    assert(config->client_auth == TLS_CLIENT_NONE || config->client_ca != NULL);
    struct tls_server *s = calloc(1, sizeof(*s));
    if (s == NULL)
        abort();
    pthread_mutex_init(&s->lock, NULL);
    s->refs = 1;
    s->pairs = calloc(config->n_pairs, sizeof(*s->pairs));
    if (s->pairs == NULL)
        abort();
    for (; s->n_pairs < config->n_pairs; s->n_pairs++) {
        s->pairs[s->n_pairs].cert = copy_of(config->pairs[s->n_pairs].cert);
        s->pairs[s->n_pairs].key = copy_of(config->pairs[s->n_pairs].key);
    }
    if (config->client_ca != NULL)
        s->client_ca = copy_of(config->client_ca);
    s->client_auth = config->client_auth;
    tls_tickets_init(&s->tickets, config->ticket_ms, now_ms);
    enum weir_code code = tls_server_reload(s, err);
    if (code != WEIR_OK) {
        tls_server_free(&s);
        return code;
    }
    *ret = s;
    return WEIR_OK;
}

void
tls_server_free(struct tls_server **server)
{
    struct tls_server *s = *server;
    *server = NULL;
    if (s == NULL)
        return;
    pthread_mutex_lock(&s->lock);
    bool last = --s->refs == 0;
    pthread_mutex_unlock(&s->lock);
    if (last)
        destroy(s);
}

enum weir_code
tls_server_reload(struct tls_server *s, struct weir_error *err)
{
    struct tls_identities *fresh = NULL;
    stamp_all(s, s->read);
    memcpy(s->seen, s->read, sizeof(s->seen));
    enum weir_code code = tls_identities_read(s, &fresh, err);
    if (code != WEIR_OK)
        return code;
    pthread_mutex_lock(&s->lock);
    struct tls_identities *old = s->current;
    s->current = fresh;
    if (old != NULL)
        tls_identities_unref(&old);
    pthread_mutex_unlock(&s->lock);
    return WEIR_OK;
}

enum weir_code
tls_server_look(struct tls_server *s, uint64_t now_ms, bool *ret_read, struct weir_error *err)
{
    struct tls_stamp now[TLS_FILES_MAX];
    tls_tickets_look(&s->tickets, now_ms);
    stamp_all(s, now);
    bool changed = memcmp(now, s->read, sizeof(now)) != 0;
    bool rests = memcmp(now, s->seen, sizeof(now)) == 0;
    memcpy(s->seen, now, sizeof(now));
    *ret_read = changed && rests;
    return *ret_read ? tls_server_reload(s, err) : WEIR_OK;
}

bool
tls_server_about(struct tls_server *s, unsigned index, struct tls_about *ret)
{
    pthread_mutex_lock(&s->lock);
    bool there = index < s->current->n;
    if (there)
        *ret = s->current->about[index];
    pthread_mutex_unlock(&s->lock);
    return there;
}

struct tls_identities *
tls_server_hold(struct tls_server *s)
{
    pthread_mutex_lock(&s->lock);
    s->refs++;
    struct tls_identities *i = s->current;
    i->refs++;
    pthread_mutex_unlock(&s->lock);
    return i;
}

void
tls_server_release(struct tls_server *s, struct tls_identities **i)
{
    pthread_mutex_lock(&s->lock);
    tls_identities_unref(i);
    bool last = --s->refs == 0;
    pthread_mutex_unlock(&s->lock);
    if (last)
        destroy(s);
}

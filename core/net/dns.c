/* net/dns.c - see dns.h.
 *
 * An entry is a name with what is known of it: it is being looked up, or has an answer for a
 * while. Queries for the same name wait at its entry; the answer is copied to each of them and
 * delivered by a soon, so that no callback happens inside a call.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/dns.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "net/dns_channel.h"

#define NAME_MAX_LEN 253
#define ENTRIES_MAX 256
#define TTL_MIN_MS 1000
#define TTL_MAX_MS 60000
#define FAILURE_MS 1000
#define DEADLINE_MS 5000

/* Statuses of ours beside those of c-ares. */
enum { TOO_LATE = 1000, TOO_MANY, NO_NAME };

struct address {
    int family;
    uint8_t bytes[16];
};

struct result {
    int status; /* ARES_SUCCESS, another of c-ares's, or one of ours */
    unsigned n;
    struct address addresses[DNS_ADDRESSES];
};

struct entry {
    struct dns *dns;
    struct list link;    /* in dns->entries, the latest used last */
    struct list waiting; /* struct dns_query */
    bool pending;        /* c-ares owes its answer */
    uint64_t until_ms;   /* the result holds until then */
    struct result result;
    char name[];
};

struct dns_query {
    struct dns *dns;
    struct list link; /* in entry->waiting, or in dns->answered */
    struct soon soon;
    struct timer timer; /* the deadline */
    dns_fn *fn;
    void *arg;
    struct result result;
    char host[];
};

struct dns {
    struct weir_shard *shard;
    struct dns_channel channel;
    struct map names;     /* struct entry */
    struct list entries;  /* the same */
    struct list answered; /* queries that the soon delivers */
};

static struct result
failed(int status)
{
    return (struct result){ .status = status };
}

/* -- queries -- */

static void
query_free(struct dns_query *q)
{
    list_remove(&q->link);
    soon_remove(&q->soon);
    timer_unset(q->dns->shard, &q->timer);
    free(q);
}

static const char *
status_text(int status)
{
    switch (status) {
    case TOO_LATE:
    case ARES_ETIMEOUT:
        return "the name servers don't answer";
    case TOO_MANY:
        return "too many names are being looked up";
    case NO_NAME:
    case ARES_EBADNAME:
        return "it is no host name";
    case ARES_ENOTFOUND:
        return "there is no such name";
    case ARES_ENODATA:
        return "the name has no address";
    case ARES_ECONNREFUSED:
        return "no name server can be reached";
    default:
        return ares_strerror(status);
    }
}

static struct sockaddr_storage
socket_address(const struct address *a)
{
    struct sockaddr_storage s = { .ss_family = (sa_family_t)a->family };
    if (a->family == AF_INET)
        memcpy(&((struct sockaddr_in *)(void *)&s)->sin_addr, a->bytes, 4);
    else
        memcpy(&((struct sockaddr_in6 *)(void *)&s)->sin6_addr, a->bytes, 16);
    return s;
}

/* Delivers the result; the query is gone when its callback runs. */
static void
deliver(void *arg)
{
    struct dns_query *q = arg;
    const struct result r = q->result;
    dns_fn *fn = q->fn;
    void *fn_arg = q->arg;
    struct sockaddr_storage addresses[DNS_ADDRESSES];
    for (unsigned i = 0; i < r.n; i++)
        addresses[i] = socket_address(&r.addresses[i]);
    struct weir_error err = { 0 };
    if (r.n == 0)
        (void)err_set(&err, WEIR_UPSTREAM, "cannot find %s: %s", q->host,
                      status_text(r.status));
    query_free(q);
    fn(fn_arg, addresses, r.n, r.n > 0 ? NULL : &err);
}

/* Gives Q its result, which is delivered soon. */
static void
answer(struct dns_query *q, const struct result *r)
{
    q->result = *r;
    timer_unset(q->dns->shard, &q->timer);
    list_remove(&q->link);
    list_push(&q->dns->answered, &q->link);
    soon_add(q->dns->shard, &q->soon);
}

static void
on_deadline(void *arg)
{
    struct dns_query *q = arg;
    const struct result late = failed(TOO_LATE);
    answer(q, &late);
}

static struct dns_query *
query_new(struct dns *d, struct weir_text host, dns_fn *fn, void *arg)
{
    size_t len = host.len <= NAME_MAX_LEN ? host.len : NAME_MAX_LEN;
    struct dns_query *q = calloc(1, sizeof(*q) + len + 1);
    if (q == NULL)
        abort();
    q->dns = d;
    q->fn = fn;
    q->arg = arg;
    for (size_t i = 0; i < len; i++) {
        char c = host.bytes[i];
        q->host[i] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
    }
    list_init(&q->link);
    soon_init(&q->soon, deliver, q);
    timer_init(&q->timer, on_deadline, q);
    return q;
}

void
dns_cancel(struct dns_query **q)
{
    if (*q != NULL)
        query_free(*q);
    *q = NULL;
}

/* -- entries -- */

static void
entry_free(struct entry *e)
{
    assert(list_empty(&e->waiting) && !e->pending);
    (void)map_remove(&e->dns->names, e->name, strlen(e->name));
    list_remove(&e->link);
    free(e);
}

/* Makes room for one more entry: the one that was used least lately and is not pending goes. */
static bool
make_room(struct dns *d)
{
    if (d->names.count < ENTRIES_MAX)
        return true;
    list_each(at, next, &d->entries)
    {
        struct entry *e = list_entry(at, struct entry, link);
        if (e->pending)
            continue;
        entry_free(e);
        return true;
    }
    return false;
}

/* The entry of NAME, a new one if need be; NULL if there are too many. */
static struct entry *
entry_find(struct dns *d, const char *name)
{
    size_t len = strlen(name);
    struct entry *e = map_get(&d->names, name, len);
    if (e == NULL) {
        if (!make_room(d))
            return NULL;
        e = calloc(1, sizeof(*e) + len + 1);
        if (e == NULL)
            abort();
        e->dns = d;
        memcpy(e->name, name, len);
        list_init(&e->waiting);
        list_init(&e->link);
        (void)map_set(&d->names, name, len, e);
    }
    list_remove(&e->link);
    list_push(&d->entries, &e->link);
    return e;
}

static bool
add_address(struct result *r, const struct sockaddr *from)
{
    struct address *a = &r->addresses[r->n];
    if (from->sa_family == AF_INET)
        memcpy(a->bytes, &((const struct sockaddr_in *)(const void *)from)->sin_addr, 4);
    else if (from->sa_family == AF_INET6)
        memcpy(a->bytes, &((const struct sockaddr_in6 *)(const void *)from)->sin6_addr, 16);
    else
        return false;
    a->family = from->sa_family;
    r->n++;
    return true;
}

/* Keeps what c-ares found, and for how long it holds. */
static void
entry_fill(struct entry *e, int status, const struct ares_addrinfo *found)
{
    e->result = failed(status);
    uint64_t ttl_ms = TTL_MAX_MS;
    const struct ares_addrinfo_node *at = found != NULL ? found->nodes : NULL;
    for (; at != NULL && e->result.n < DNS_ADDRESSES; at = at->ai_next) {
        if (!add_address(&e->result, at->ai_addr))
            continue;
        uint64_t this_ms = at->ai_ttl > 0 ? (uint64_t)at->ai_ttl * 1000 : 0;
        if (this_ms < ttl_ms)
            ttl_ms = this_ms;
    }
    if (e->result.n == 0) {
        e->result.status = status == ARES_SUCCESS ? ARES_ENODATA : status;
        ttl_ms = FAILURE_MS;
    }
    if (ttl_ms < TTL_MIN_MS)
        ttl_ms = TTL_MIN_MS;
    e->until_ms = shard_now(e->dns->shard) + ttl_ms;
}

static void
on_found(void *arg, int status, int timeouts, struct ares_addrinfo *found)
{
    (void)timeouts;
    struct entry *e = arg;
    struct dns *d = e->dns;
    e->pending = false;
    d->channel.busy--;
    entry_fill(e, status, found);
    if (found != NULL)
        ares_freeaddrinfo(found);
    /* The channel goes: what it did not find out is no answer to keep. */
    if (status == ARES_EDESTRUCTION)
        e->until_ms = 0;
    list_each(at, next, &e->waiting) answer(list_entry(at, struct dns_query, link), &e->result);
}

/* -- the resolver -- */

enum weir_code
dns_new(struct weir_shard *s, struct dns **ret, struct weir_error *err)
{
    (void)err; /* what can fail, fails when the first name is looked up */
    struct dns *d = calloc(1, sizeof(*d));
    if (d == NULL)
        abort();
    d->shard = s;
    dns_channel_init(&d->channel, s);
    map_init(&d->names);
    list_init(&d->entries);
    list_init(&d->answered);
    *ret = d;
    return WEIR_OK;
}

static void
forget(struct dns *d)
{
    list_each(at, next, &d->entries) entry_free(list_entry(at, struct entry, link));
}

void
dns_free(struct dns **dns)
{
    struct dns *d = *dns;
    if (d == NULL)
        return;
    dns_channel_fini(&d->channel); /* answers whatever waits */
    list_each(at, next, &d->answered) query_free(list_entry(at, struct dns_query, link));
    forget(d);
    map_fini(&d->names);
    free(d);
    *dns = NULL;
}

void
dns_use_servers(struct dns *d, const char *servers)
{
    dns_channel_fini(&d->channel);
    d->channel.servers = strdup(servers);
    if (d->channel.servers == NULL)
        abort();
    forget(d);
}

/* Whether HOST is an address as text; then *ret has it. */
static bool
is_numeric(const char *host, struct result *ret)
{
    struct address *a = &ret->addresses[0];
    *ret = (struct result){ .status = ARES_SUCCESS, .n = 1 };
    a->family = AF_INET;
    if (inet_pton(AF_INET, host, a->bytes) == 1)
        return true;
    a->family = AF_INET6;
    return inet_pton(AF_INET6, host, a->bytes) == 1;
}

/* Has Q wait for the answer to its name, or gives it the one that is there. */
static void
ask(struct dns_query *q)
{
    struct dns *d = q->dns;
    struct entry *e = entry_find(d, q->host);
    if (e == NULL) {
        const struct result many = failed(TOO_MANY);
        answer(q, &many);
        return;
    }
    if (!e->pending && shard_now(d->shard) < e->until_ms) {
        answer(q, &e->result);
        return;
    }
    list_push(&e->waiting, &q->link);
    timer_set(d->shard, &q->timer, shard_now(d->shard) + DEADLINE_MS);
    if (!e->pending) {
        e->pending = true;
        dns_channel_find(&d->channel, e->name, on_found, e);
    }
}

static bool
is_name(struct weir_text host)
{
    for (size_t i = 0; i < host.len; i++)
        if (host.bytes[i] <= ' ' || host.bytes[i] >= 0x7f)
            return false;
    return host.len > 0 && host.len <= NAME_MAX_LEN;
}

struct dns_query *
dns_find(struct dns *d, struct weir_text host, dns_fn *fn, void *arg)
{
    struct dns_query *q = query_new(d, host, fn, arg);
    struct result at_once;
    if (!is_name(host)) {
        at_once = failed(NO_NAME);
        answer(q, &at_once);
    } else if (is_numeric(q->host, &at_once)) {
        answer(q, &at_once);
    } else {
        ask(q);
    }
    return q;
}

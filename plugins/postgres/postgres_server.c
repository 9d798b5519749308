/* postgres/postgres_server.c - a connection URL, taken apart; see postgres.h.
 *
 * No error here shows any part of the URL: a password may be in it, in whichever place its
 * author mistook for the right one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "postgres.h"

#define MAX_URL 4096u
#define MAX_OPTIONS 64u
#define WANTED "postgresql://[user[:password]@]host[:port]/database[?sslmode=require]"

struct server *
server_ref(struct server *s)
{
    atomic_fetch_add(&s->refs, 1);
    return s;
}

void
server_unref(struct server **s)
{
    if (*s != NULL && atomic_fetch_sub(&(*s)->refs, 1) == 1) {
        for (unsigned i = 0; i < (*s)->n; i++)
            free((*s)->values[i]);
        for (unsigned i = 0; i < (*s)->n_places; i++)
            free((*s)->places[i].name);
        free((*s)->keywords);
        free((*s)->values);
        free((*s)->url);
        free((*s)->label);
        free(*s);
    }
    *s = NULL;
}

static char *
copy_of(const char *text, size_t len)
{
    char *copy = strndup(text, len);
    if (copy == NULL)
        abort();
    return copy;
}

/* KEYWORD is ours or libpq's own: it stays. */
static void
add(struct server *s, const char *keyword, const char *value)
{
    if (s->n == MAX_OPTIONS)
        return; /* libpq has less */
    s->keywords[s->n] = keyword;
    s->values[s->n++] = copy_of(value, strlen(value));
}

/* Where item I of the comma-separated LIST begins, and its length; NULL: there is none. */
static const char *
item_of(const char *list, unsigned i, size_t *ret_len)
{
    for (; i > 0; i--) {
        list = strchr(list, ',');
        if (list == NULL)
            return NULL;
        list++;
    }
    *ret_len = strcspn(list, ",");
    return list;
}

static bool
is_numeric(const char *host_name)
{
    char binary[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, host_name, binary) == 1 ||
           inet_pton(AF_INET6, host_name, binary) == 1;
}

/* Writes a port, 5432 if it is empty; false if it is none. */
static bool
take_port(const char *text, size_t len, char ret[8])
{
    if (len == 0)
        text = "5432", len = 4;
    if (len > 5 || strspn(text, "0123456789") < len)
        return false;
    memcpy(ret, text, len);
    ret[len] = '\0';
    long port = strtol(ret, NULL, 10);
    return port > 0 && port < 65536;
}

/* The hosts of HOSTS, each with its port: one for each, or one for all. */
static uint32_t
take_places(struct server *s, const char *hosts, const char *ports, struct weir_error *err)
{
    size_t len, port_len;
    const char *at;
    for (unsigned i = 0; (at = item_of(hosts, i, &len)) != NULL; i++) {
        const char *port = item_of(ports, i, &port_len);
        if (port == NULL)
            port = item_of(ports, 0, &port_len);
        if (i == MAX_HOSTS || len > 255)
            return refuse(err, WEIR_INVALID,
                          "'url' has more than %u hosts, or one that is too long", MAX_HOSTS);
        struct place *p = &s->places[s->n_places++];
        p->name = copy_of(at, len);
        if (!take_port(port, port_len, p->port))
            return refuse(err, WEIR_INVALID, "a port in 'url' must be from 1 to 65535");
        p->is_name = len > 0 && !strchr("/@", at[0]) && !is_numeric(p->name);
        s->has_names |= p->is_name;
    }
    return WEIR_OK;
}

static void
take_label(struct server *s, const char *database)
{
    const struct place *p = &s->places[0];
    if (asprintf(&s->label, "%s:%s/%s", p->name[0] != '\0' ? p->name : "socket", p->port,
                 database) < 0)
        abort();
}

/* What a URL may say of where the server is; the rest is libpq's. */
struct found {
    const char *host, *port, *database, *user, *timeout;
};

static uint32_t
take_options(struct server *s, const PQconninfoOption *options, struct found *f,
             struct weir_error *err)
{
    bool gss = false;
    for (const PQconninfoOption *o = options; o->keyword != NULL; o++) {
        if (o->val == NULL || o->val[0] == '\0' || strcmp(o->keyword, "client_encoding") == 0)
            continue;
        if (strcmp(o->keyword, "service") == 0)
            return refuse(err, WEIR_INVALID, "'url' can't name a service: say the host");
        if (strcmp(o->keyword, "host") == 0)
            f->host = o->val;
        else if (strcmp(o->keyword, "port") == 0)
            f->port = o->val;
        else
            add(s, o->keyword, o->val);
        s->fixed |= strcmp(o->keyword, "hostaddr") == 0;
        gss |= strcmp(o->keyword, "gssencmode") == 0;
        if (strcmp(o->keyword, "dbname") == 0)
            f->database = o->val;
        if (strcmp(o->keyword, "user") == 0)
            f->user = o->val;
        if (strcmp(o->keyword, "connect_timeout") == 0)
            f->timeout = o->val;
    }
    add(s, "client_encoding", "UTF8");
    add(s, "fallback_application_name", "weir");
    if (!gss) /* a look for tickets may block */
        add(s, "gssencmode", "disable");
    if (s->fixed && f->host != NULL)
        add(s, "host", f->host);
    if (s->fixed && f->port != NULL)
        add(s, "port", f->port);
    return WEIR_OK;
}

static uint32_t
take_apart(struct server *s, const PQconninfoOption *options, struct weir_error *err)
{
    struct found f = { 0 };
    if (take_options(s, options, &f, err) != WEIR_OK)
        return err->code;
    const char *hosts = f.host ? f.host : getenv("PGHOST");
    const char *ports = f.port ? f.port : getenv("PGPORT");
    if (take_places(s, hosts ? hosts : "", ports ? ports : "5432", err) != WEIR_OK)
        return err->code;
    take_label(s, f.database ? f.database : f.user ? f.user : "");
    long seconds = f.timeout ? strtol(f.timeout, NULL, 10) : 0;
    s->dial_ms = seconds > 0 && seconds <= 60 ? (uint32_t)seconds * 1000 : DIAL_MS;
    return WEIR_OK;
}

static struct server *
server_empty(struct weir_text url)
{
    struct server *s = calloc(1, sizeof *s);
    const char **keywords = calloc(MAX_OPTIONS + 1, sizeof *keywords);
    char **values = calloc(MAX_OPTIONS + 1, sizeof *values);
    if (s == NULL || keywords == NULL || values == NULL)
        abort();
    atomic_init(&s->refs, 1);
    s->url = copy_of(url.bytes, url.len);
    s->keywords = keywords;
    s->values = values;
    return s;
}

static bool
is_url(struct weir_text url)
{
    static const char *const schemes[] = { "postgresql://", "postgres://" };
    if (url.len > MAX_URL || memchr(url.bytes, '\0', url.len) != NULL)
        return false;
    for (unsigned i = 0; i < 2; i++) {
        size_t len = strlen(schemes[i]);
        if (url.len >= len && memcmp(url.bytes, schemes[i], len) == 0)
            return true;
    }
    return false;
}

uint32_t
server_new(struct weir_text url, struct server **ret, struct weir_error *err)
{
    char why[128];
    if (!is_url(url))
        return refuse(err, WEIR_INVALID, "'url' must be like " WANTED);
    if (!pq_load(why, sizeof why))
        return refuse(err, WEIR_INVALID, "%s", why);
    struct server *s = server_empty(url);
    char *message = NULL; /* not told: it quotes the URL */
    PQconninfoOption *options = pq.PQconninfoParse(s->url, &message);
    uint32_t code = options == NULL ? refuse(err, WEIR_INVALID, "'url' must be like " WANTED)
                                    : take_apart(s, options, err);
    pq.PQconninfoFree(options);
    if (message != NULL)
        pq.PQfreemem(message);
    if (code == WEIR_OK)
        *ret = s;
    else
        server_unref(&s);
    return code;
}

unsigned
server_known(const struct server *s, struct address ret[MAX_ADDRESSES])
{
    for (unsigned i = 0; i < s->n_places; i++) {
        const struct place *p = &s->places[i];
        ret[i] = (struct address){ .place = p };
        if (p->name[0] != '\0' && !strchr("/@", p->name[0]))
            snprintf(ret[i].text, sizeof ret[i].text, "%s", p->name);
    }
    return s->n_places;
}

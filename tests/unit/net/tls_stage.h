/* tls_stage.h - servers of https with certificates that do and do not hold, and calls to them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_NET_TLS_STAGE_H
#define TESTS_NET_TLS_STAGE_H

#include <signal.h>

#include "certificate.h"

#define DAY 86400L

/* Certificates of all tests. */
static struct {
    struct certificate root;
    struct certificate middle; /* an authority signed by the root */
    struct certificate good;
    struct certificate below; /* signed by the middle */
    struct certificate expired;
    struct certificate early;
    struct certificate other_name;
    struct certificate alone;    /* signed by itself */
    struct certificate stranger; /* another root */
    struct certificate strange;  /* signed by it */
    struct certificate not_ca;   /* signed by one that is no authority */
    struct certificate client;
} made;

static inline struct certificate
make(const char *name, const char *names, const struct certificate *issuer, bool ca, long from,
     long until)
{
    const struct certificate_plan plan = { name, names, issuer, ca, from, until };
    return certificate_new(&plan);
}

#define HERE "DNS:localhost,IP:127.0.0.1"

static inline int
make_all(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN); /* the servers write by OpenSSL's own means */
    made.root = make("root", NULL, NULL, true, -DAY, DAY);
    made.middle = make("middle", NULL, &made.root, true, -DAY, DAY);
    made.good = make("good", HERE, &made.root, false, -DAY, DAY);
    made.below = make("below", HERE, &made.middle, false, -DAY, DAY);
    made.expired = make("expired", HERE, &made.root, false, -2 * DAY, -DAY);
    made.early = make("early", HERE, &made.root, false, DAY, 2 * DAY);
    made.other_name =
        make("localhost", "DNS:other.example,IP:127.0.0.2", &made.root, false, -DAY, DAY);
    made.alone = make("alone", HERE, NULL, false, -DAY, DAY);
    made.stranger = make("stranger", NULL, NULL, true, -DAY, DAY);
    made.strange = make("strange", HERE, &made.stranger, false, -DAY, DAY);
    made.not_ca = make("not ca", HERE, &made.good, false, -DAY, DAY);
    made.client = make("client", NULL, &made.root, false, -DAY, DAY);
    return 0;
}

static inline int
free_all(void **state)
{
    (void)state;
    struct certificate *all = &made.root;
    for (size_t i = 0; i < sizeof made / sizeof *all; i++)
        certificate_free(&all[i]);
    return 0;
}

/* Serves HTTP over TLS: "/large" has 3 MiB, "/until-close" ends with the connection, others
 * echo the length of the request. */
static inline void
serve(struct peer *p, int fd, unsigned n)
{
    (void)n;
    SSL *ssl = SSL_new((SSL_CTX *)p->arg);
    SSL_set_fd(ssl, fd);
    if (SSL_accept(ssl) != 1) {
        SSL_free(ssl);
        return;
    }
    char text[20000];
    size_t len = 0;
    for (;;) {
        int got = SSL_read(ssl, text + len, (int)(sizeof text - 1 - len));
        if (got <= 0)
            break;
        len += (size_t)got;
        text[len] = '\0';
        p->moved += (unsigned long)got;
        const char *end = strstr(text, "\r\n\r\n");
        if (end == NULL)
            continue;
        const char *at = strstr(text, "content-length: ");
        size_t body = at != NULL ? strtoul(at + 16, NULL, 10) : 0;
        size_t have = len - (size_t)(end + 4 - text);
        while (have < body && (got = SSL_read(ssl, text, sizeof text)) > 0)
            have += (size_t)got;
        p->requests++;
        if (strncmp(text, "GET /large", 10) == 0) {
            size_t size = 3u << 20;
            char *bytes = malloc(size);
            memset(bytes, 'L', size);
            SSL_write(ssl, "HTTP/1.1 200 OK\r\ncontent-length: 3145728\r\n\r\n", 44);
            SSL_write(ssl, bytes, (int)size);
            free(bytes);
        } else if (strncmp(text, "GET /until-close", 16) == 0 ||
                   strncmp(text, "GET /cut", 8) == 0) {
            SSL_write(ssl, "HTTP/1.1 200 OK\r\n\r\nall", 22);
            if (strncmp(text, "GET /until-close", 16) == 0)
                SSL_shutdown(ssl);
            break;
        } else {
            char answer[100];
            int room = snprintf(answer, sizeof answer, "%zu", have);
            room = snprintf(answer, sizeof answer,
                            "HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%zu", room, have);
            SSL_write(ssl, answer, room);
        }
        len = 0;
    }
    SSL_free(ssl);
}

static inline const char *
https(const struct peer *p, const char *host, const char *path)
{
    static char url[200];
    snprintf(url, sizeof url, "https://%s:%u%s", host, p->port, path);
    return url;
}

/* { ca: ... } with the root, and further options. */
static inline const struct weir_value *
options(const struct certificate *ca, const char *server_name, const struct certificate *client)
{
    struct weir_builder *b = builder_map();
    if (ca != NULL)
        builder_take(b, "ca", certificate_pem(ca, false));
    if (server_name != NULL)
        builder_take(b, "server_name", value_text(server_name));
    if (client != NULL) {
        builder_take(b, "cert", certificate_pem(client, false));
        builder_take(b, "key", certificate_pem(client, true));
    }
    return builder_end(&b);
}

static inline void
call(struct side *s, const char *url, const struct weir_value *tls, struct outcome *o)
{
    struct weir_http_request http = side_request("GET", url);
    http.tls = tls;
    side_call(s, &http, o);
}

/* The call's body is TEXT. */
static inline void
gets(struct side *s, const char *url, const struct weir_value *tls, const char *text)
{
    struct outcome o = { .done = false };
    call(s, url, tls, &o);
    assert_body(&o, text);
    outcome_free(&o);
}

/* The call fails with CODE and a text that has PART in it. */
static inline void
fails(struct side *s, const char *url, const struct weir_value *tls, uint32_t code, const char *part)
{
    struct outcome o = { .done = false };
    call(s, url, tls, &o);
    assert_failed(&o, code, part);
}

/* The same, and nothing of it was sent. */
static inline void
fails_unsent(struct side *s, const char *url, const struct weir_value *tls, uint32_t code, const char *part)
{
    struct outcome o = { .done = false };
    call(s, url, tls, &o);
    assert_failed(&o, code, part);
    assert_int_equal(o.err.sent, 0);
}

/* A server, and who trusts the root. */
struct meeting {
    SSL_CTX *server;
    struct peer *peer;
    const struct weir_value *tls;
};

/* The server shows SHOWN, and CHAIN behind it (NULL: nothing). */
static inline struct meeting
meet(const struct certificate *shown, const struct certificate *chain)
{
    SSL_CTX *server = certificate_server(shown, chain);
    return (struct meeting){ server, peer_start(serve, server), options(&made.root, NULL, NULL) };
}

static inline void
part(struct meeting *m)
{
    value_unref(&m->tls);
    peer_stop(m->peer);
    SSL_CTX_free(m->server);
}

#endif

/* tls_test.c - https: certificates that do and do not hold, names, handshakes, large bodies.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <signal.h>

#include "base/buf.h"
#include "base/fault.h"
#include "certificate.h"
#include "loop/stream.h"
#include "net/tls.h"

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

static struct certificate
make(const char *name, const char *names, const struct certificate *issuer, bool ca, long from,
     long until)
{
    const struct certificate_plan plan = { name, names, issuer, ca, from, until };
    return certificate_new(&plan);
}

#define HERE "DNS:localhost,IP:127.0.0.1"

static int
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

static int
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
static void
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

static const char *
https(const struct peer *p, const char *host, const char *path)
{
    static char url[200];
    snprintf(url, sizeof url, "https://%s:%u%s", host, p->port, path);
    return url;
}

/* { ca: ... } with the root, and further options. */
static const struct weir_value *
options(const struct certificate *ca, const char *server_name, const struct certificate *client)
{
    struct weir_builder *b = builder_map();
    const struct weir_value *v = ca != NULL ? certificate_pem(ca, false) : NULL;
    if (v != NULL)
        builder_set(b, "ca", 2, &v);
    if (server_name != NULL) {
        v = value_text(server_name);
        builder_set(b, "server_name", 11, &v);
    }
    if (client != NULL) {
        v = certificate_pem(client, false);
        builder_set(b, "cert", 4, &v);
        v = certificate_pem(client, true);
        builder_set(b, "key", 3, &v);
    }
    return builder_end(&b);
}

static void
call(struct side *s, const char *url, const struct weir_value *tls, struct outcome *o)
{
    struct weir_http_request http = side_request("GET", url);
    http.tls = tls;
    side_call(s, &http, o);
}

static void
a_certificate_that_holds_is_accepted_and_the_connection_kept(void **state)
{
    struct side *s = *state;
    SSL_CTX *server = certificate_server(&made.good, NULL);
    struct peer *p = peer_start(serve, server);
    for (unsigned i = 0; i < 5; i++) {
        const struct weir_value *tls =
            options(&made.root, NULL, NULL); /* a new value each time */
        struct outcome o = { .done = false };
        call(s, https(p, "localhost", "/"), tls, &o);
        assert_body(&o, "0");
        outcome_free(&o);
        call(s, https(p, "127.0.0.1", "/"), tls, &o);
        assert_body(&o, "0");
        outcome_free(&o);
        value_unref(&tls);
    }
    assert_channels(s, 0, 2);
    assert_int_equal(p->accepted, 2);
    assert_int_equal(s->reports, 10);
    peer_stop(p);
    SSL_CTX_free(server);
}

static void
tls_1_2_will_do_and_1_1_will_not(void **state)
{
    struct side *s = *state;
    const struct weir_value *tls = options(&made.root, NULL, NULL);
    SSL_CTX *server = certificate_server(&made.good, NULL);
    SSL_CTX_set_max_proto_version(server, TLS1_2_VERSION);
    struct peer *p = peer_start(serve, server);
    struct outcome o = { .done = false };
    call(s, https(p, "localhost", "/"), tls, &o);
    assert_body(&o, "0");
    outcome_free(&o);
    client_trim(s->client);
    peer_stop(p);

    SSL_CTX_set_cipher_list(server, "ALL:@SECLEVEL=0");
    SSL_CTX_set_min_proto_version(server, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(server, TLS1_1_VERSION);
    p = peer_start(serve, server);
    call(s, https(p, "localhost", "/"), tls, &o);
    assert_failed(&o, WEIR_UPSTREAM, "offers neither TLS 1.2 nor TLS 1.3");
    assert_int_equal(o.err.sent, 0);
    value_unref(&tls);
    peer_stop(p);
    SSL_CTX_free(server);
}

static void
each_bad_certificate_is_refused_with_its_reason(void **state)
{
    struct side *s = *state;
    const struct {
        const struct certificate *shown;
        const struct certificate *chain;
        const char *host;
        const char *text;
    } cases[] = {
        { &made.expired, NULL, "localhost", "the certificate has expired" },
        { &made.early, NULL, "localhost", "the certificate is not valid yet" },
        { &made.other_name, NULL, "localhost", "the certificate is not for localhost" },
        { &made.other_name, NULL, "127.0.0.1", "the certificate is not for 127.0.0.1" },
        { &made.alone, NULL, "localhost", "the certificate is self-signed" },
        { &made.strange, NULL, "localhost",
          "the certificate is signed by an unknown authority" },
        { &made.strange, &made.stranger, "localhost",
          "the certificate is signed by an unknown authority" },
        { &made.below, NULL, "localhost", "the certificate is signed by an unknown authority" },
        { &made.not_ca, &made.good, "localhost", "no authority" },
    };
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        SSL_CTX *server = certificate_server(cases[i].shown, cases[i].chain);
        struct peer *p = peer_start(serve, server);
        const struct weir_value *tls = options(&made.root, NULL, NULL);
        struct outcome o = { .done = false };
        call(s, https(p, cases[i].host, "/"), tls, &o);
        assert_failed(&o, WEIR_UPSTREAM, cases[i].text);
        assert_int_equal(o.err.sent, 0);
        assert_int_equal(p->requests, 0);
        assert_channels(s, 0, 0);
        value_unref(&tls);
        peer_stop(p);
        SSL_CTX_free(server);
    }
}

static void
a_chain_that_is_shown_is_followed(void **state)
{
    struct side *s = *state;
    SSL_CTX *server = certificate_server(&made.below, &made.middle);
    struct peer *p = peer_start(serve, server);
    const struct weir_value *tls = options(&made.root, NULL, NULL);
    struct outcome o = { .done = false };
    call(s, https(p, "localhost", "/"), tls, &o);
    assert_body(&o, "0");
    outcome_free(&o);
    value_unref(&tls);
    peer_stop(p);
    SSL_CTX_free(server);
}

static void
what_is_given_is_trusted_though_it_is_no_root(void **state)
{
    struct side *s = *state;
    const struct certificate *const shown[] = { &made.alone, &made.below };
    const struct certificate *const given[] = { &made.alone, &made.middle };
    for (unsigned i = 0; i < 2; i++) {
        SSL_CTX *server = certificate_server(shown[i], NULL);
        struct peer *p = peer_start(serve, server);
        const struct weir_value *tls = options(given[i], NULL, NULL);
        struct outcome o = { .done = false };
        call(s, https(p, "localhost", "/"), tls, &o);
        assert_body(&o, "0");
        outcome_free(&o);
        value_unref(&tls);
        peer_stop(p);
        SSL_CTX_free(server);
    }
}

static void
the_system_does_not_know_our_root(void **state)
{
    struct side *s = *state;
    SSL_CTX *server = certificate_server(&made.good, NULL);
    struct peer *p = peer_start(serve, server);
    struct outcome o = { .done = false };
    call(s, https(p, "localhost", "/"), NULL, &o);
    assert_failed(&o, WEIR_UPSTREAM, "the certificate is signed by an unknown authority");
    peer_stop(p);
    SSL_CTX_free(server);
}

static void
server_name_stands_for_the_host(void **state)
{
    struct side *s = *state;
    SSL_CTX *server = certificate_server(&made.other_name, NULL);
    struct peer *p = peer_start(serve, server);
    const struct weir_value *tls = options(&made.root, "other.example", NULL);
    struct outcome o = { .done = false };
    call(s, https(p, "127.0.0.1", "/"), tls, &o);
    assert_body(&o, "0");
    outcome_free(&o);
    value_unref(&tls);

    /* the same server with other options is another upstream */
    tls = options(&made.root, NULL, NULL);
    call(s, https(p, "127.0.0.1", "/"), tls, &o);
    assert_failed(&o, WEIR_UPSTREAM, "the certificate is not for 127.0.0.1");
    value_unref(&tls);
    peer_stop(p);
    SSL_CTX_free(server);
}

static void
a_server_may_ask_for_our_certificate(void **state)
{
    struct side *s = *state;
    SSL_CTX *server = certificate_server(&made.good, NULL);
    SSL_CTX_set_verify(server, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    X509_STORE_add_cert(SSL_CTX_get_cert_store(server), made.root.x509);
    struct peer *p = peer_start(serve, server);
    const struct weir_value *tls = options(&made.root, NULL, &made.client);
    struct outcome o = { .done = false };
    call(s, https(p, "localhost", "/"), tls, &o);
    assert_body(&o, "0");
    outcome_free(&o);
    value_unref(&tls);

    tls = options(&made.root, NULL, NULL);
    call(s, https(p, "localhost", "/"), tls, &o);
    assert_failed(&o, WEIR_UPSTREAM, "asks for a client certificate");
    value_unref(&tls);
    peer_stop(p);
    SSL_CTX_free(server);
}

static void
options_that_hold_nothing_are_refused(void **state)
{
    struct side *s = *state;
    static const struct {
        const char *key;
        const char *value;
        const char *text;
    } cases[] = {
        { "ca", "/no/such/file.pem", "\"ca\" cannot be used" },
        { "ca", "-----BEGIN CERTIFICATE-----\nbm8=\n-----END CERTIFICATE-----\n",
          "\"ca\" cannot be used" },
        { "cert", "/no/such/file.pem", "go together" },
        { "key", "x", "go together" },
    };
    for (unsigned i = 0; i < 4; i++) {
        struct weir_builder *b = builder_map();
        const struct weir_value *v = value_text(cases[i].value);
        builder_set(b, cases[i].key, strlen(cases[i].key), &v);
        const struct weir_value *tls = builder_end(&b);
        struct outcome o = { .done = false };
        call(s, "https://localhost:1/", tls, &o);
        assert_failed(&o, WEIR_INVALID, cases[i].text);
        value_unref(&tls);
    }
    const struct weir_value *pem = certificate_pem(&made.good, false);
    struct weir_builder *b = builder_map();
    builder_put(b, "cert", pem);
    value_unref(&pem);
    pem = certificate_pem(&made.client, true);
    builder_put(b, "key", pem);
    value_unref(&pem);
    const struct weir_value *tls = builder_end(&b);
    struct outcome o = { .done = false };
    call(s, "https://localhost:1/", tls, &o);
    assert_failed(&o, WEIR_INVALID, "\"key\" cannot be used");
    value_unref(&tls);
}

static void
large_bodies_go_both_ways(void **state)
{
    struct side *s = *state;
    SSL_CTX *server = certificate_server(&made.good, NULL);
    struct peer *p = peer_start(serve, server);
    const struct weir_value *tls = options(&made.root, NULL, NULL);
    struct outcome o = { .done = false };
    call(s, https(p, "localhost", "/large"), tls, &o);
    assert_int_equal(o.status, 200);
    assert_int_equal(o.body->len, 3u << 20);
    for (size_t i = 0; i < o.body->len; i++)
        assert_true(o.body->bytes[i] == 'L');
    outcome_free(&o);
    size_t len = 5u << 20;
    const struct weir_value *body = value_take(WEIR_BYTES, calloc(1, len), len);
    struct weir_http_request http = side_request("POST", https(p, "localhost", "/"));
    http.tls = tls;
    http.body = body;
    side_call(s, &http, &o);
    assert_body(&o, "5242880");
    assert_channels(s, 0, 1);
    outcome_free(&o);
    value_unref(&body);
    value_unref(&tls);
    peer_stop(p);
    SSL_CTX_free(server);
}

static void
a_body_until_the_end_needs_a_proper_end(void **state)
{
    struct side *s = *state;
    SSL_CTX *server = certificate_server(&made.good, NULL);
    struct peer *p = peer_start(serve, server);
    const struct weir_value *tls = options(&made.root, NULL, NULL);
    struct outcome o = { .done = false };
    call(s, https(p, "localhost", "/until-close"), tls, &o);
    assert_body(&o, "all");
    outcome_free(&o);
    call(s, https(p, "localhost", "/cut"), tls, &o);
    assert_failed(&o, WEIR_UPSTREAM, "in the middle of the body");
    assert_channels(s, 0, 0);
    value_unref(&tls);
    peer_stop(p);
    SSL_CTX_free(server);
}

static void
speak_plainly(struct peer *p, int fd, unsigned n)
{
    char bytes[2000];
    (void)n;
    if (recv(fd, bytes, sizeof bytes, 0) <= 0)
        return;
    peer_say(fd, p->arg);
}

static void
what_is_no_tls_is_said_to_be_none(void **state)
{
    struct side *s = *state;
    static const char *const says[] = { "HTTP/1.1 400 Bad Request\r\n\r\n", "" };
    static const char *const texts[] = { "does not speak TLS",
                                         "closed the connection in the TLS handshake" };
    for (unsigned i = 0; i < 2; i++) {
        struct peer *p = peer_start(speak_plainly, says[i]);
        struct outcome o = { .done = false };
        call(s, https(p, "localhost", "/"), NULL, &o);
        assert_failed(&o, WEIR_UPSTREAM, texts[i]);
        assert_int_equal(o.err.sent, 0);
        peer_stop(p);
    }
}

static void
say_nothing(struct peer *p, int fd, unsigned n)
{
    (void)n;
    (void)fd;
    p->moved = 1;
    peer_wait(p);
}

static void
a_silent_handshake_ends_with_the_connect_deadline(void **state)
{
    struct side *s = *state;
    struct peer *p = peer_start(say_nothing, NULL);
    shard_set_clock(s->shard, 1000);
    struct weir_http_request http = side_request("GET", https(p, "localhost", "/"));
    http.connect_ms = 700;
    struct outcome o = { .done = false };
    side_send(s, &http, &o);
    while (p->moved == 0)
        side_turns(s, 1);
    side_turns(s, 5);
    assert_false(o.done);
    shard_set_clock(s->shard, 1700);
    side_turns(s, 2);
    assert_failed(&o, WEIR_TIMEOUT, "no connection within 700ms");
    assert_int_equal(o.err.sent, 0);
    peer_stop(p);
}

struct reading {
    struct stream *stream;
    size_t total;
    bool done;
    uint32_t code;
};

static void
on_piece(void *arg, const char *bytes, size_t len, const struct weir_error *err)
{
    struct reading *r = arg;
    (void)bytes;
    r->total += len;
    if (len == 0) {
        r->done = true;
        r->code = err != NULL ? err->code : 0;
    } else {
        stream_pull(r->stream);
    }
}

static void
streams_come_through_tls(void **state)
{
    struct side *s = *state;
    SSL_CTX *server = certificate_server(&made.good, NULL);
    struct peer *p = peer_start(serve, server);
    const struct weir_value *tls = options(&made.root, NULL, NULL);
    static const char *const paths[] = { "/large", "/until-close", "/cut" };
    static const size_t totals[] = { 3u << 20, 3, 3 };
    for (unsigned i = 0; i < 3; i++) {
        struct weir_http_request http = side_request("GET", https(p, "localhost", paths[i]));
        http.tls = tls;
        http.flags = WEIR_HTTP_STREAM;
        struct outcome o = { .done = false };
        side_call(s, &http, &o);
        side_turns(s, 5);
        struct reading r = { .done = false };
        assert_int_equal(o.body->type, WEIR_STREAM);
        assert_true(stream_take(o.body, on_piece, &r, &r.stream));
        stream_pull(r.stream);
        side_until(s, &r.done);
        assert_int_equal(r.total, totals[i]);
        assert_int_equal(r.code, i == 2 ? WEIR_UPSTREAM : WEIR_OK);
        stream_drop(&r.stream);
        outcome_free(&o);
    }
    value_unref(&tls);
    peer_stop(p);
    SSL_CTX_free(server);
}

static void
names_that_are_none_are_refused(void **state)
{
    (void)state;
    struct tls_context *c;
    struct weir_error err;
    struct tls *t;
    assert_int_equal(tls_client_context(NULL, &c, &err), WEIR_OK);
    assert_int_equal(tls_client_new(c, TEXT(""), &t, &err), WEIR_INVALID);
    assert_int_equal(tls_client_new(c, TEXT("."), &t, &err), WEIR_INVALID);
    assert_int_equal(tls_client_new(c, TEXT("a\0b"), &t, &err), WEIR_INVALID);
    assert_int_equal(tls_client_new(c, TEXT("example.com."), &t, &err), WEIR_OK);
    tls_free(&t);
    tls_free(&t);
    tls_context_free(&c);
    tls_context_free(&c);
}

/* Moves bytes between a client of net/tls.h and a server of OpenSSL, without sockets. */
static void
what_is_written_before_the_handshake_is_kept(void **state)
{
    (void)state;
    SSL_CTX *context = certificate_server(&made.good, NULL);
    SSL *server = SSL_new(context);
    BIO *in = BIO_new(BIO_s_mem());
    BIO *out = BIO_new(BIO_s_mem());
    SSL_set_bio(server, in, out);
    SSL_set_accept_state(server);

    struct weir_error err;
    const struct weir_value *how = options(&made.root, NULL, NULL);
    struct tls_context *c;
    struct tls *t;
    assert_int_equal(tls_client_context(how, &c, &err), WEIR_OK);
    assert_int_equal(tls_client_new(c, TEXT("localhost"), &t, &err), WEIR_OK);
    struct buf wire;
    struct buf plain;
    buf_init(&wire, 1 << 20);
    buf_init(&plain, 1 << 20);
    assert_int_equal(tls_write(t, TEXT("early "), &wire, &err), WEIR_OK);
    assert_int_equal(tls_write(t, TEXT("words"), &wire, &err), WEIR_OK);
    assert_false(tls_ready(t));
    char got[100] = "";
    bool ended = false;
    for (unsigned i = 0; i < 10 && got[0] == '\0'; i++) {
        BIO_write(in, wire.bytes, (int)wire.len);
        buf_reset(&wire);
        SSL_read(server, got, sizeof got - 1);
        char *bytes;
        long len = BIO_get_mem_data(out, &bytes);
        for (long k = 0; k < len; k++) /* a byte at a time */
            assert_int_equal(
                tls_read(t, (struct weir_text){ bytes + k, 1 }, &plain, &wire, &ended, &err),
                WEIR_OK);
        BIO_reset(out);
    }
    assert_true(tls_ready(t));
    assert_string_equal(got, "early words");
    assert_false(ended);
    SSL_write(server, "yes", 3);
    SSL_shutdown(server);
    char *bytes;
    long len = BIO_get_mem_data(out, &bytes);
    assert_int_equal(
        tls_read(t, (struct weir_text){ bytes, (size_t)len }, &plain, &wire, &ended, &err),
        WEIR_OK);
    assert_string_equal(plain.bytes, "yes");
    assert_true(ended);
    buf_fini(&wire);
    buf_fini(&plain);
    tls_free(&t);
    tls_context_free(&c);
    value_unref(&how);
    SSL_free(server);
    SSL_CTX_free(context);
}

#ifdef WEIR_FAULTS
static void
all_works_byte_by_byte(void **state)
{
    struct side *s = *state;
    SSL_CTX *server = certificate_server(&made.good, NULL);
    struct peer *p = peer_start(serve, server);
    const struct weir_value *tls = options(&made.root, NULL, NULL);
    fault_set("READ_ONE_BYTE", UINT32_MAX);
    fault_set("WRITE_ONE_BYTE", UINT32_MAX);
    for (unsigned i = 0; i < 2; i++) {
        struct outcome o = { .done = false };
        call(s, https(p, "localhost", "/"), tls, &o);
        assert_body(&o, "0");
        outcome_free(&o);
    }
    assert_int_equal(p->accepted, 1);
    fault_set("READ_ONE_BYTE", 0);
    fault_set("WRITE_ONE_BYTE", 0);
    value_unref(&tls);
    peer_stop(p);
    SSL_CTX_free(server);
}
#endif

int
main(void)
{
    const struct CMUnitTest tests[] = {
        SIDE_TEST(a_certificate_that_holds_is_accepted_and_the_connection_kept),
        SIDE_TEST(tls_1_2_will_do_and_1_1_will_not),
        SIDE_TEST(each_bad_certificate_is_refused_with_its_reason),
        SIDE_TEST(a_chain_that_is_shown_is_followed),
        SIDE_TEST(what_is_given_is_trusted_though_it_is_no_root),
        SIDE_TEST(the_system_does_not_know_our_root),
        SIDE_TEST(server_name_stands_for_the_host),
        SIDE_TEST(a_server_may_ask_for_our_certificate),
        SIDE_TEST(options_that_hold_nothing_are_refused),
        SIDE_TEST(large_bodies_go_both_ways),
        SIDE_TEST(a_body_until_the_end_needs_a_proper_end),
        SIDE_TEST(what_is_no_tls_is_said_to_be_none),
        SIDE_TEST(a_silent_handshake_ends_with_the_connect_deadline),
        SIDE_TEST(streams_come_through_tls),
#ifdef WEIR_FAULTS
        SIDE_TEST(all_works_byte_by_byte),
#endif
        cmocka_unit_test(names_that_are_none_are_refused),
        cmocka_unit_test(what_is_written_before_the_handshake_is_kept),
    };
    return cmocka_run_group_tests(tests, make_all, free_all);
}

/* unit/net/tls_server_test.c - TLS of listeners: tickets over rotations, protocols, who a
 * caller is by its certificate, files that change. Both ends in one thread, over a pair of
 * sockets.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

#include "base/buf.h"
#include "certificate.h"
#include "net/tls_server.h"
#include "net/tls_socket.h"
#include "value/json.h"

#define DAY 86400L
#define PERIOD_MS 60000u
#define ROUNDS 100

static struct {
    char folder[64];
    struct certificate root;
    struct certificate server;
    struct certificate caller;
    SSL_CTX *client;
} made;

static struct tls_server *server;

/* One connection: both its ends. */
struct pair {
    int fds[2];
    SSL *client;
    struct tls_socket *socket;
};

static const char *
path(const char *name)
{
    static char paths[4][96];
    static unsigned next;
    char *ret = paths[next++ % 4];
    snprintf(ret, sizeof(paths[0]), "%s/%s", made.folder, name);
    return ret;
}

static void
write_pem(const char *name, const struct certificate *c, bool key)
{
    const struct weir_value *pem = certificate_pem(c, key);
    FILE *f = fopen(path(name), "w");
    assert_non_null(f);
    assert_int_equal(fwrite(value_as_text(pem).bytes, 1, pem->len, f), pem->len);
    fclose(f);
    value_unref(&pem);
}

static struct certificate
make(const char *name, const char *names, const struct certificate *issuer)
{
    const struct certificate_plan plan = { name, names, issuer, issuer == NULL, -DAY, DAY };
    return certificate_new(&plan);
}

static int
make_all(void **state)
{
    (void)state;
    strcpy(made.folder, "/tmp/weir-tls-XXXXXX");
    assert_non_null(mkdtemp(made.folder));
    made.root = make("root", NULL, NULL);
    made.server = make("server", "DNS:localhost,DNS:*.weir.test", &made.root);
    made.caller = make("caller, with a comma",
                       "DNS:caller.test,URI:spiffe://weir.test/caller,email:caller@weir.test",
                       &made.root);
    write_pem("root.pem", &made.root, false);
    write_pem("cert.pem", &made.server, false);
    write_pem("key.pem", &made.server, true);
    made.client = SSL_CTX_new(TLS_client_method());
    X509_STORE_add_cert(SSL_CTX_get_cert_store(made.client), made.root.x509);
    SSL_CTX_set_verify(made.client, SSL_VERIFY_PEER, NULL);
    return 0;
}

static int
free_all(void **state)
{
    (void)state;
    SSL_CTX_free(made.client);
    certificate_free(&made.root);
    certificate_free(&made.server);
    certificate_free(&made.caller);
    static const char *const files[] = { "root.pem", "cert.pem", "key.pem" };
    for (unsigned i = 0; i < 3; i++)
        unlink(path(files[i]));
    rmdir(made.folder);
    return 0;
}

static void
start(enum tls_client_auth how)
{
    struct weir_error err = { 0 };
    struct tls_pair files = { path("cert.pem"), path("key.pem") };
    struct tls_server_config config = { .pairs = &files,
                                        .n_pairs = 1,
                                        .client_ca = path("root.pem"),
                                        .client_auth = how,
                                        .ticket_ms = PERIOD_MS };
    if (tls_server_new(&config, 0, &server, &err) != WEIR_OK)
        fail_msg("%s", err.text);
}

static int
stop(void **state)
{
    (void)state;
    tls_server_free(&server);
    return 0;
}

static void
open_pair(struct pair *p, bool h2)
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, p->fds), 0);
    p->client = SSL_new(made.client);
    SSL_set_fd(p->client, p->fds[0]);
    SSL_set_tlsext_host_name(p->client, "localhost");
    p->socket = tls_socket_new(server, p->fds[1], h2);
}

/* Shakes hands; false: the server did not want to. What it sent last is read. */
static bool
shake(struct pair *p)
{
    enum tls_step step = TLS_WANT_READ;
    struct weir_error err;
    char byte;
    for (unsigned i = 0; i < ROUNDS && step == TLS_WANT_READ; i++) {
        (void)SSL_connect(p->client);
        step = tls_socket_shake(p->socket, &err);
    }
    (void)SSL_connect(p->client);
    (void)SSL_read(p->client, &byte, 1);
    return step == TLS_DONE;
}

static void
close_pair(struct pair *p)
{
    SSL_set_shutdown(p->client, SSL_SENT_SHUTDOWN); /* else its session counts as broken */
    SSL_free(p->client);
    tls_socket_free(&p->socket);
    close(p->fds[0]);
    close(p->fds[1]);
}

/* Keeps the newest session of a connection, as a callback of OpenSSL. */
static SSL_SESSION *kept;

static int
keep_session(SSL *ssl, SSL_SESSION *session)
{
    (void)ssl;
    SSL_SESSION_free(kept);
    kept = session;
    return 1;
}

/* Whether a connection that shows SESSION is a resumed one. */
static bool
resumes(SSL_SESSION *session)
{
    struct pair p;
    open_pair(&p, false);
    SSL_SESSION *copy = session != NULL ? SSL_SESSION_dup(session) : NULL;
    if (copy != NULL)
        SSL_set_session(p.client, copy);
    assert_true(shake(&p));
    bool resumed = tls_socket_resumed(p.socket);
    SSL_SESSION_free(copy);
    close_pair(&p);
    return resumed;
}

static void
look(uint64_t now_ms)
{
    bool read;
    struct weir_error err;
    assert_int_equal(tls_server_look(server, now_ms, &read, &err), WEIR_OK);
    assert_false(read);
}

static void
a_ticket_counts_for_the_rotation_after_its_own_and_no_longer(void **state)
{
    (void)state;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        start(TLS_CLIENT_NONE);
        SSL_CTX_set_max_proto_version(made.client, version);
        SSL_CTX_set_session_cache_mode(made.client,
                                       SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_sess_set_new_cb(made.client, keep_session);
        assert_false(resumes(NULL));
        assert_non_null(kept);
        SSL_SESSION *old = kept;
        kept = NULL;
        look(PERIOD_MS - 1);
        assert_true(resumes(old));
        look(PERIOD_MS);
        assert_true(resumes(old));
        look(2 * PERIOD_MS);
        assert_false(resumes(old));
        SSL_SESSION_free(old);
        SSL_SESSION_free(kept);
        kept = NULL;
        tls_server_free(&server);
    }
    SSL_CTX_set_max_proto_version(made.client, 0);
    SSL_CTX_sess_set_new_cb(made.client, NULL);
}

static void
after_a_long_sleep_no_key_of_before_counts(void **state)
{
    (void)state;
    start(TLS_CLIENT_NONE);
    SSL_CTX_sess_set_new_cb(made.client, keep_session);
    assert_false(resumes(NULL));
    SSL_SESSION *old = kept;
    kept = NULL;
    look(3 * PERIOD_MS);
    assert_false(resumes(old));
    SSL_SESSION_free(old);
    SSL_SESSION_free(kept);
    kept = NULL;
    SSL_CTX_sess_set_new_cb(made.client, NULL);
}

static void
http_2_is_agreed_on_where_both_want_it(void **state)
{
    (void)state;
    static const unsigned char both[] = "\x02h2\x08http/1.1";
    start(TLS_CLIENT_NONE);
    for (unsigned offered = 0; offered < 2; offered++) {
        struct pair p;
        open_pair(&p, offered == 1);
        SSL_set_alpn_protos(p.client, both, sizeof(both) - 1);
        assert_true(shake(&p));
        assert_int_equal(tls_socket_h2(p.socket), offered == 1);
        const unsigned char *got;
        unsigned len;
        SSL_get0_alpn_selected(p.client, &got, &len);
        assert_int_equal(len, offered == 1 ? 2 : 8);
        close_pair(&p);
    }
}

static void
who_a_caller_is_stands_in_its_certificate(void **state)
{
    (void)state;
    start(TLS_CLIENT_OPTIONAL);
    struct pair p;
    open_pair(&p, false);
    assert_true(shake(&p));
    assert_null(tls_socket_peer(p.socket));
    close_pair(&p);
    open_pair(&p, false);
    SSL_use_certificate(p.client, made.caller.x509);
    SSL_use_PrivateKey(p.client, made.caller.key);
    assert_true(shake(&p));
    const struct weir_value *v = tls_socket_peer(p.socket);
    assert_non_null(v);
    struct buf text;
    struct weir_error err;
    buf_init(&text, 4096);
    assert_int_equal(json_write(&text, v, &err), WEIR_OK);
    char *print = strstr(text.bytes, "\"fingerprint\":\"");
    assert_non_null(print);
    assert_int_equal(strspn(print + 15, "0123456789abcdef"), 64);
    *print = '\0';
    assert_string_equal(text.bytes, "{\"subject\":\"CN=caller\\\\, with a comma\","
                                    "\"dns\":[\"caller.test\"],"
                                    "\"uris\":[\"spiffe://weir.test/caller\"],"
                                    "\"emails\":[\"caller@weir.test\"],");
    buf_fini(&text);
    value_unref(&v);
    close_pair(&p);
}

/* Whether a connection of the caller that shows SESSION (NULL: none) is a resumed one. */
static bool
caller_resumes(SSL_SESSION *session)
{
    struct pair p;
    open_pair(&p, false);
    SSL_use_certificate(p.client, made.caller.x509);
    SSL_use_PrivateKey(p.client, made.caller.key);
    if (session != NULL)
        SSL_set_session(p.client, session);
    bool good = shake(&p);
    bool resumed = good && tls_socket_resumed(p.socket);
    const struct weir_value *v = good ? tls_socket_peer(p.socket) : NULL;
    assert_true(!good || v != NULL); /* a resumed session knows who it is */
    value_unref(&v);
    close_pair(&p);
    return resumed;
}

static void
a_certificate_that_has_expired_ends_its_sessions(void **state)
{
    (void)state;
    struct certificate whole_life = made.caller;
    const struct certificate_plan plan = { "caller", NULL, &made.root, false, -DAY, 3 };
    time_t end = time(NULL) + 4;
    made.caller = certificate_new(&plan);
    start(TLS_CLIENT_REQUIRED);
    SSL_CTX_sess_set_new_cb(made.client, keep_session);
    (void)caller_resumes(NULL);
    SSL_SESSION *old = kept;
    kept = NULL;
    assert_non_null(old);
    bool in_time = caller_resumes(old);
    assert_true(in_time || time(NULL) >= end - 1);
    while (time(NULL) < end)
        usleep(10000);
    assert_false(caller_resumes(old));
    SSL_SESSION_free(old);
    SSL_SESSION_free(kept);
    kept = NULL;
    SSL_CTX_sess_set_new_cb(made.client, NULL);
    certificate_free(&made.caller);
    made.caller = whole_life;
}

static void
a_session_counts_for_the_authorities_that_it_began_with(void **state)
{
    (void)state;
    struct weir_error err;
    start(TLS_CLIENT_REQUIRED);
    SSL_CTX_sess_set_new_cb(made.client, keep_session);
    assert_false(caller_resumes(NULL));
    SSL_SESSION *old = kept;
    kept = NULL;
    assert_non_null(old);
    assert_int_equal(tls_server_reload(server, &err), WEIR_OK);
    assert_true(caller_resumes(old));
    struct certificate other = make("other root", NULL, NULL);
    write_pem("root.pem", &other, false);
    assert_int_equal(tls_server_reload(server, &err), WEIR_OK);
    assert_false(caller_resumes(old));
    certificate_free(&other);
    write_pem("root.pem", &made.root, false);
    SSL_SESSION_free(old);
    SSL_SESSION_free(kept);
    kept = NULL;
    SSL_CTX_sess_set_new_cb(made.client, NULL);
}

static void
files_are_read_anew_once_they_have_changed_and_rest(void **state)
{
    (void)state;
    start(TLS_CLIENT_NONE);
    bool read;
    struct weir_error err;
    struct certificate next = make("next", "DNS:next.test", &made.root);
    write_pem("cert.pem", &next, false);
    assert_int_equal(tls_server_look(server, 1, &read, &err), WEIR_OK);
    assert_false(read);
    /* The certificate is here and its key is not: what was there stays, and is not asked again.
     */
    assert_int_equal(tls_server_look(server, 2, &read, &err), WEIR_INVALID);
    assert_true(read);
    assert_non_null(strstr(err.text, "it does not belong to its certificate"));
    assert_int_equal(tls_server_look(server, 3, &read, &err), WEIR_OK);
    assert_false(read);
    struct tls_about about;
    assert_true(tls_server_about(server, 0, &about));
    assert_string_equal(about.name, "localhost");
    write_pem("key.pem", &next, true);
    assert_int_equal(tls_server_look(server, 4, &read, &err), WEIR_OK);
    assert_false(read);
    assert_int_equal(tls_server_look(server, 5, &read, &err), WEIR_OK);
    assert_true(read);
    assert_true(tls_server_about(server, 0, &about));
    assert_string_equal(about.name, "next.test");
    assert_false(tls_server_about(server, 1, &about));
    certificate_free(&next);
    write_pem("cert.pem", &made.server, false);
    write_pem("key.pem", &made.server, true);
}

static void
a_connection_outlives_its_server(void **state)
{
    (void)state;
    start(TLS_CLIENT_NONE);
    struct pair p;
    open_pair(&p, false);
    tls_server_free(&server);
    assert_true(shake(&p));
    size_t len = 0;
    char got[8];
    assert_int_equal(SSL_write(p.client, "hello", 5), 5);
    assert_int_equal(tls_socket_read(p.socket, got, sizeof(got), &len), TLS_DONE);
    assert_int_equal(len, 5);
    assert_memory_equal(got, "hello", 5);
    assert_int_equal(tls_socket_read(p.socket, got, sizeof(got), &len), TLS_WANT_READ);
    SSL_shutdown(p.client);
    assert_int_equal(tls_socket_read(p.socket, got, sizeof(got), &len), TLS_ENDED);
    close_pair(&p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_ticket_counts_for_the_rotation_after_its_own_and_no_longer,
                                  stop),
        cmocka_unit_test_teardown(after_a_long_sleep_no_key_of_before_counts, stop),
        cmocka_unit_test_teardown(http_2_is_agreed_on_where_both_want_it, stop),
        cmocka_unit_test_teardown(who_a_caller_is_stands_in_its_certificate, stop),
        cmocka_unit_test_teardown(a_certificate_that_has_expired_ends_its_sessions, stop),
        cmocka_unit_test_teardown(a_session_counts_for_the_authorities_that_it_began_with,
                                  stop),
        cmocka_unit_test_teardown(files_are_read_anew_once_they_have_changed_and_rest, stop),
        cmocka_unit_test_teardown(a_connection_outlives_its_server, stop),
    };
    return cmocka_run_group_tests(tests, make_all, free_all);
}

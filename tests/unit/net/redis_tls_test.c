/* redis_tls_test.c - the Redis client over TLS: a server that is verified, and one that is not.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "redis_side.h"

#include "certificate.h"

static struct certificate root, leaf;
static char root_file[64];

/* Makes an authority that the process trusts as the system's: before the first use of TLS. */
static int
begin(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN); /* the server writes by OpenSSL's own means */
    const struct certificate_plan of_root = { "Root", NULL, NULL, true, -60, 3600 };
    root = certificate_new(&of_root);
    const struct certificate_plan of_leaf = { "redis", "DNS:localhost", &root, false, -60, 3600 };
    leaf = certificate_new(&of_leaf);
    strcpy(root_file, "/tmp/weir-root-XXXXXX");
    FILE *f = fdopen(mkstemp(root_file), "w");
    PEM_write_X509(f, root.x509);
    fclose(f);
    setenv("SSL_CERT_FILE", root_file, 1);
    return 0;
}

static int
end(void **state)
{
    (void)state;
    certificate_free(&leaf);
    certificate_free(&root);
    unlink(root_file);
    return 0;
}

/* Speaks TLS, and answers each read with as many +PONGs as commands came; large ones are echoed by
 * their number of bytes. */
static void
play_tls(struct peer *p, int fd, unsigned n)
{
    (void)n;
    SSL_CTX *context = certificate_server(&leaf, NULL);
    SSL *ssl = SSL_new(context);
    SSL_set_fd(ssl, fd);
    static _Thread_local char bytes[65536];
    if (SSL_accept(ssl) == 1)
        for (int len; (len = SSL_read(ssl, bytes, sizeof bytes)) > 0;) {
            p->moved += (unsigned long)len;
            for (int i = 0; i < len; i++)
                if (bytes[i] == '*')
                    SSL_write(ssl, "+PONG\r\n", 7);
        }
    SSL_shutdown(ssl);
    SSL_free(ssl);
    SSL_CTX_free(context);
}

static void
a_verified_server_is_spoken_to(void **state)
{
    struct redis_side *s = *state;
    struct peer *p = peer_start(play_tls, NULL);
    char url[64];
    snprintf(url, sizeof url, "rediss://localhost:%u", p->port);
    redis_use(s, url);
    for (unsigned i = 0; i < 3; i++)
        redis_ask(s, "GET x", "\"PONG\"");

    char *bytes = malloc(3u << 20);
    memset(bytes, 'x', 3u << 20);
    const struct weir_text args[] = { TEXT("ECHO"), { bytes, 3u << 20 } };
    const struct weir_redis_request r = { .size = sizeof r, .args = args, .n_args = 2, .timeout_ms = 9000 };
    struct redis_outcome_of o = { .done = false };
    redis_send(s->shard, s->server, &r, redis_take, &o);
    redis_expect(s, &o, "\"PONG\"");
    while (p->moved < (3u << 20))
        peer_pause(1);
    free(bytes);
    redis_free(s->shard);
    peer_stop(p);
}

static void
a_server_of_another_name_is_refused(void **state)
{
    struct redis_side *s = *state;
    struct peer *p = peer_start(play_tls, NULL);
    char url[64];
    snprintf(url, sizeof url, "rediss://127.0.0.1:%u", p->port);
    redis_use(s, url);
    struct redis_outcome_of o = { .done = false };
    redis_say(s, "GET x", &o);
    redis_expect_error(s, &o, WEIR_UNAVAILABLE,
                       "cannot be spoken to: TLS: the certificate is not for 127.0.0.1");
    assert_int_equal(p->moved, 0);
    redis_free(s->shard);
    peer_stop(p);
}

static void
say_garbage(struct peer *p, int fd, unsigned n)
{
    (void)p;
    (void)n;
    peer_say(fd, "-ERR plain\r\n");
}

static void
a_server_without_tls_is_named_so(void **state)
{
    struct redis_side *s = *state;
    struct peer *p = peer_start(say_garbage, NULL);
    char url[64];
    snprintf(url, sizeof url, "rediss://localhost:%u", p->port);
    redis_use(s, url);
    struct redis_outcome_of o = { .done = false };
    redis_say(s, "GET x", &o);
    redis_expect_error(s, &o, WEIR_UNAVAILABLE, "cannot be spoken to: TLS: the server does not speak TLS");
    redis_free(s->shard);
    peer_stop(p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        REDIS_TEST(a_verified_server_is_spoken_to),
        REDIS_TEST(a_server_of_another_name_is_refused),
        REDIS_TEST(a_server_without_tls_is_named_so),
    };
    return cmocka_run_group_tests(tests, begin, end);
}

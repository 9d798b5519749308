/* tls_test.c - https: certificates that do and do not hold, and names.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tls_stage.h"

static void
a_certificate_that_holds_is_accepted_and_the_connection_kept(void **state)
{
    struct side *s = *state;
    struct meeting m = meet(&made.good, NULL);
    for (unsigned i = 0; i < 5; i++) {
        const struct weir_value *tls =
            options(&made.root, NULL, NULL); /* a new value each time */
        gets(s, https(m.peer, "localhost", "/"), tls, "0");
        gets(s, https(m.peer, "127.0.0.1", "/"), tls, "0");
        value_unref(&tls);
    }
    assert_channels(s, 0, 2);
    assert_int_equal(m.peer->accepted, 2);
    assert_int_equal(s->reports, 10);
    part(&m);
}

static void
tls_1_2_will_do_and_1_1_will_not(void **state)
{
    struct side *s = *state;
    struct meeting m = meet(&made.good, NULL);
    SSL_CTX_set_max_proto_version(m.server, TLS1_2_VERSION);
    gets(s, https(m.peer, "localhost", "/"), m.tls, "0");
    client_trim(s->client);
    part(&m);

    m = meet(&made.good, NULL);
    SSL_CTX_set_cipher_list(m.server, "ALL:@SECLEVEL=0");
    SSL_CTX_set_min_proto_version(m.server, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(m.server, TLS1_1_VERSION);
    fails_unsent(s, https(m.peer, "localhost", "/"), m.tls, WEIR_UPSTREAM,
                 "offers neither TLS 1.2 nor TLS 1.3");
    part(&m);
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
        struct meeting m = meet(cases[i].shown, cases[i].chain);
        fails_unsent(s, https(m.peer, cases[i].host, "/"), m.tls, WEIR_UPSTREAM, cases[i].text);
        assert_int_equal(m.peer->requests, 0);
        assert_channels(s, 0, 0);
        part(&m);
    }
}

static void
a_chain_that_is_shown_is_followed(void **state)
{
    struct side *s = *state;
    struct meeting m = meet(&made.below, &made.middle);
    gets(s, https(m.peer, "localhost", "/"), m.tls, "0");
    part(&m);
}

static void
what_is_given_is_trusted_though_it_is_no_root(void **state)
{
    struct side *s = *state;
    const struct certificate *const shown[] = { &made.alone, &made.below };
    const struct certificate *const given[] = { &made.alone, &made.middle };
    for (unsigned i = 0; i < 2; i++) {
        struct meeting m = meet(shown[i], NULL);
        const struct weir_value *tls = options(given[i], NULL, NULL);
        gets(s, https(m.peer, "localhost", "/"), tls, "0");
        value_unref(&tls);
        part(&m);
    }
}

static void
the_system_does_not_know_our_root(void **state)
{
    struct side *s = *state;
    struct meeting m = meet(&made.good, NULL);
    fails(s, https(m.peer, "localhost", "/"), NULL, WEIR_UPSTREAM,
          "the certificate is signed by an unknown authority");
    part(&m);
}

static void
server_name_stands_for_the_host(void **state)
{
    struct side *s = *state;
    struct meeting m = meet(&made.other_name, NULL);
    const struct weir_value *tls = options(&made.root, "other.example", NULL);
    gets(s, https(m.peer, "127.0.0.1", "/"), tls, "0");
    value_unref(&tls);

    /* the same server with other options is another upstream */
    fails(s, https(m.peer, "127.0.0.1", "/"), m.tls, WEIR_UPSTREAM, "the certificate is not for 127.0.0.1");
    part(&m);
}

static void
a_server_may_ask_for_our_certificate(void **state)
{
    struct side *s = *state;
    struct meeting m = meet(&made.good, NULL);
    SSL_CTX_set_verify(m.server, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    X509_STORE_add_cert(SSL_CTX_get_cert_store(m.server), made.root.x509);
    const struct weir_value *tls = options(&made.root, NULL, &made.client);
    gets(s, https(m.peer, "localhost", "/"), tls, "0");
    value_unref(&tls);

    fails(s, https(m.peer, "localhost", "/"), m.tls, WEIR_UPSTREAM, "asks for a client certificate");
    part(&m);
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
        builder_take(b, cases[i].key, value_text(cases[i].value));
        const struct weir_value *tls = builder_end(&b);
        fails(s, "https://localhost:1/", tls, WEIR_INVALID, cases[i].text);
        value_unref(&tls);
    }
    struct weir_builder *b = builder_map();
    builder_take(b, "cert", certificate_pem(&made.good, false));
    builder_take(b, "key", certificate_pem(&made.client, true));
    const struct weir_value *tls = builder_end(&b);
    fails(s, "https://localhost:1/", tls, WEIR_INVALID, "\"key\" cannot be used");
    value_unref(&tls);
}

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
    };
    return cmocka_run_group_tests(tests, make_all, free_all);
}

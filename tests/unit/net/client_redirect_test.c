/* client_redirect_test.c - answers that point elsewhere: followed if asked, by the rules.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "net/client_parts.h"
#include "peer.h"

/* "/N" answers by a script: its status and where it points; "/end" is the end. */
struct map_of_ways {
    unsigned status;
    const char *location;
};

static void
point(struct peer *p, int fd, unsigned n)
{
    (void)n;
    const struct map_of_ways *ways = p->arg;
    while (peer_read(p, fd)) {
        const char *target = strchr(p->last, ' ') + 1;
        bool head = strncmp(p->last, "HEAD", 4) == 0;
        if (strncmp(target, "/end", 4) == 0) {
            peer_say(fd, "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n");
            peer_say(fd, head ? "" : "end");
            continue;
        }
        const struct map_of_ways *way = &ways[strtoul(target + 1, NULL, 10)];
        char answer[2000];
        snprintf(answer, sizeof answer,
                 "HTTP/1.1 %u Go\r\nlocation: %s\r\ncontent-length: 5\r\n\r\n%s", way->status,
                 way->location, head ? "" : "there");
        peer_say(fd, answer);
    }
}

static void
redirects_are_not_followed_unless_asked(void **state)
{
    struct side *s = *state;
    const struct map_of_ways ways[] = { { 302, "/end" } };
    struct peer *p = peer_start(point, ways);
    struct outcome o = { .done = false };
    struct weir_http_request http = side_request("GET", peer_url(p, "/0"));
    side_call(s, &http, &o);
    assert_int_equal(o.status, 302);
    assert_body(&o, "there");
    outcome_free(&o);

    http.flags = WEIR_HTTP_FOLLOW;
    side_call(s, &http, &o);
    assert_int_equal(o.status, 200);
    assert_body(&o, "end");
    assert_int_equal(p->accepted, 1);
    assert_int_equal(s->reports, 2);
    outcome_free(&o);
    peer_stop(p);
}

static void
five_redirects_are_followed_and_no_more(void **state)
{
    struct side *s = *state;
    const struct map_of_ways ways[] = {
        { 301, "1" }, { 302, "/2" }, { 303, "3?x" }, { 307, "./4" }, { 308, "/end#part" }
    };
    struct peer *p = peer_start(point, ways);
    struct outcome o = { .done = false };
    struct weir_http_request http = side_request("GET", peer_url(p, "/0"));
    http.flags = WEIR_HTTP_FOLLOW;
    side_call(s, &http, &o);
    assert_body(&o, "end");
    outcome_free(&o);
    http.max_redirects = 4;
    side_call(s, &http, &o);
    assert_failed(&o, WEIR_UPSTREAM, "more than 4 redirects");
    assert_int_equal(o.err.sent, 1);
    assert_channels(s, 0, 1);
    peer_stop(p);
}

static void
loops_end(void **state)
{
    struct side *s = *state;
    const struct map_of_ways ways[] = { { 301, "/1" }, { 301, "/0" } };
    struct peer *p = peer_start(point, ways);
    struct outcome o = { .done = false };
    struct weir_http_request http = side_request("GET", peer_url(p, "/0"));
    http.flags = WEIR_HTTP_FOLLOW;
    side_call(s, &http, &o);
    assert_failed(&o, WEIR_UPSTREAM, "more than 5 redirects");
    assert_int_equal(p->requests, 6);
    peer_stop(p);
}

static void
methods_and_bodies_follow_the_rules(void **state)
{
    struct side *s = *state;
    static const struct {
        unsigned status;
        const char *method;
        const char *then;
        bool body;
    } cases[] = {
        { 301, "POST", "GET /end", false },   { 302, "POST", "GET /end", false },
        { 303, "POST", "GET /end", false },   { 303, "PUT", "GET /end", false },
        { 303, "HEAD", "HEAD /end", false },  { 307, "POST", "POST /end", true },
        { 308, "PATCH", "PATCH /end", true }, { 301, "PUT", "PUT /end", true },
    };
    const struct weir_header headers[] = { { TEXT("Content-Type"), TEXT("text/plain") },
                                           { TEXT("X-Kept"), TEXT("1") },
                                           { TEXT("Authorization"), TEXT("Bearer x") },
                                           { TEXT("Host"), TEXT("virtual") } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct map_of_ways ways[] = { { cases[i].status, "/end" } };
        struct peer *p = peer_start(point, ways);
        const struct weir_value *body = value_text("the body");
        struct weir_http_request http = side_request(cases[i].method, peer_url(p, "/0"));
        http.flags = WEIR_HTTP_FOLLOW;
        http.headers = headers;
        http.n_headers = 4;
        http.body = strcmp(cases[i].method, "HEAD") == 0 ? NULL : body;
        struct outcome o = { .done = false };
        side_send(s, &http, &o);
        value_unref(&body);
        side_until(s, &o.done);
        assert_body(&o, http.body == NULL ? "" : "end");
        assert_int_equal(strncmp(p->last, cases[i].then, strlen(cases[i].then)), 0);
        assert_int_equal(strstr(p->last, "the body") != NULL, cases[i].body);
        assert_int_equal(strstr(p->last, "Content-Type") != NULL, cases[i].body);
        assert_non_null(strstr(p->last, "X-Kept"));
        assert_non_null(strstr(p->last, "Authorization: Bearer x"));
        assert_null(strstr(p->last, "virtual"));
        outcome_free(&o);
        client_trim(s->client);
        peer_stop(p);
    }
}

static void
another_server_must_be_allowed_and_public(void **state)
{
    struct side *s = *state;
    struct peer *other = peer_start(point, NULL);
    char away[64];
    snprintf(away, sizeof away, "http://127.0.0.1:%u/end", other->port);
    const struct map_of_ways ways[] = { { 302, away },
                                        { 302, "http://169.254.169.254/latest/meta-data/" } };
    struct peer *p = peer_start(point, ways);
    struct outcome o = { .done = false };
    struct weir_http_request http = side_request("GET", peer_url(p, "/0"));
    http.flags = WEIR_HTTP_FOLLOW;
    side_call(s, &http, &o);
    assert_failed(&o, WEIR_FORBIDDEN, "not among those that may be called");
    outcome_free(&o);

    http.url = text_of(peer_url(p, "/1"));
    side_call(s, &http, &o);
    assert_failed(&o, WEIR_FORBIDDEN, "not among those that may be called");
    outcome_free(&o);

    struct weir_builder *b = builder_list();
    const struct weir_value *v = value_text("127.0.0.1");
    builder_add(b, &v);
    v = value_text("169.254.169.254");
    builder_add(b, &v);
    const struct weir_value *allowed = builder_end(&b);
    http.allow_hosts = allowed;
    for (unsigned i = 0; i < 2; i++) {
        http.url = text_of(peer_url(p, i == 0 ? "/0" : "/1"));
        side_call(s, &http, &o);
        assert_failed(&o, WEIR_FORBIDDEN, "not a public one");
        outcome_free(&o);
    }
    assert_int_equal(other->requests, 0);
    assert_int_equal(s->reports, 4);
    value_unref(&allowed);
    peer_stop(p);
    peer_stop(other);
}

static void
bad_places_are_upstream_errors(void **state)
{
    struct side *s = *state;
    const struct map_of_ways ways[] = { { 302, "ftp://a/" },
                                        { 302, "http://" },
                                        { 302, "http://u:p@127.0.0.1/" },
                                        { 302, "javascript:alert(1)" },
                                        { 302, "" } };
    struct peer *p = peer_start(point, ways);
    struct outcome o = { .done = false };
    struct weir_http_request http = side_request("GET", "");
    http.flags = WEIR_HTTP_FOLLOW;
    for (unsigned i = 0; i < 5; i++) {
        char path[8];
        snprintf(path, sizeof path, "/%u", i);
        http.url = text_of(peer_url(p, path));
        side_call(s, &http, &o);
        if (i < 4)
            assert_failed(&o, WEIR_UPSTREAM, "it redirects to a bad place");
        else
            assert_int_equal(o.status, 302); /* without a place, it is an answer */
        outcome_free(&o);
    }
    peer_stop(p);
}

static void
names_of_allowed_hosts(void **state)
{
    (void)state;
    struct weir_builder *b = builder_list();
    static const char *const names[] = { "api.example.com", "*.Example.org", "dot.example.",
                                         "*.", "*" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const struct weir_value *v = value_text(names[i]);
        builder_add(b, &v);
    }
    const struct weir_value *list = builder_end(&b);
    assert_true(client_host_allowed(list, TEXT("api.example.com")));
    assert_true(client_host_allowed(list, TEXT("API.example.COM.")));
    assert_true(client_host_allowed(list, TEXT("a.example.org")));
    assert_true(client_host_allowed(list, TEXT("a.b.example.org")));
    assert_true(client_host_allowed(list, TEXT("dot.example")));
    assert_false(client_host_allowed(list, TEXT("example.org")));
    assert_false(client_host_allowed(list, TEXT("evilexample.org")));
    assert_false(client_host_allowed(list, TEXT("xapi.example.com")));
    assert_false(client_host_allowed(list, TEXT("example.com")));
    assert_false(client_host_allowed(list, TEXT("anything")));
    assert_false(client_host_allowed(list, TEXT("")));
    assert_false(client_host_allowed(list, TEXT(".")));
    assert_false(client_host_allowed(NULL, TEXT("a")));
    assert_false(client_host_allowed(&value_empty_map, TEXT("a")));
    value_unref(&list);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        SIDE_TEST(redirects_are_not_followed_unless_asked),
        SIDE_TEST(five_redirects_are_followed_and_no_more),
        SIDE_TEST(loops_end),
        SIDE_TEST(methods_and_bodies_follow_the_rules),
        SIDE_TEST(another_server_must_be_allowed_and_public),
        SIDE_TEST(bad_places_are_upstream_errors),
        cmocka_unit_test(names_of_allowed_hosts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* unit/edge/route_tree_test.c - patterns, clashes, and which route a path belongs to.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "edge/route_name.h"
#include "edge/route_tree.h"

static struct {
    unsigned n;
    const struct engine_route *at;
    const struct engine_route *other;
    char message[512];
} complaint;

static void
on_complaint(void *arg, const struct engine_route *at, const struct engine_route *other,
             const char *message)
{
    (void)arg;
    complaint.n++;
    complaint.at = at;
    complaint.other = other;
    snprintf(complaint.message, sizeof(complaint.message), "%s", message);
}

/* Routes as "GET,POST /path"; without methods every one is meant. The trigger of route I is
 * the address I + 1. */
static void *
make(const char *const *texts, unsigned n)
{
    static struct engine_route routes[64];
    static struct weir_text methods[64][8];
    memset(&complaint, 0, sizeof(complaint));
    memset(routes, 0, sizeof(routes));
    for (unsigned i = 0; i < n; i++) {
        const char *text = texts[i];
        routes[i].trigger = (struct trigger_unit *)(uintptr_t)(i + 1);
        routes[i].max_body = 100 + i;
        routes[i].methods = methods[i];
        while (*text != '/' && *text != '-') {
            size_t len = strcspn(text, ", ");
            methods[i][routes[i].n_methods++] = (struct weir_text){ text, len };
            text += len + 1;
        }
        routes[i].path = *text == '-' ? text + 1 : text;
    }
    return edge_routes_port.make(routes, n, on_complaint, NULL);
}

/* What the request "METHOD PATH" gives: "2 a=1 b=2", "404", "405 GET, HEAD". */
static const char *
find(void *tree, const char *request)
{
    static char ret[512];
    size_t len = strcspn(request, " ");
    struct weir_text path = text_of(request + len + 1);
    struct route_match match;
    enum route_answer answer =
        route_find(tree, (struct weir_text){ request, len }, path, &match);
    if (answer == ROUTE_UNKNOWN)
        return "404";
    if (answer == ROUTE_METHOD) {
        struct buf allow;
        buf_init(&allow, 256);
        route_allow(tree, path, &allow);
        snprintf(ret, sizeof(ret), "405 %s", allow.len > 0 ? allow.bytes : "");
        buf_fini(&allow);
        return ret;
    }
    int at = snprintf(ret, sizeof(ret), "%u", (unsigned)(uintptr_t)match.trigger - 1);
    assert_int_equal(match.max_body, 100 + (uintptr_t)match.trigger - 1);
    for (unsigned i = 0; i < match.n_params; i++)
        at += snprintf(ret + at, sizeof(ret) - (size_t)at, " %.*s=%.*s",
                       (int)match.param_names[i].len, match.param_names[i].bytes,
                       (int)match.params[i].len, match.params[i].bytes);
    return ret;
}

static void
every_path_finds_its_route(void **state)
{
    (void)state;
    static const char *const routes[] = {
        "/",                             /* 0 */
        "GET /orders",                   /* 1 */
        "POST /orders",                  /* 2 */
        "GET /orders/{id}",              /* 3 */
        "GET /orders/new",               /* 4 */
        "DELETE /orders/{order}",        /* 5 */
        "GET /orders/{id}/items/{item}", /* 6 */
        "/files/{rest*}",                /* 7 */
        "GET /files/special/{name}",     /* 8 */
        "GET /orders/{id}/{rest*}",      /* 9 */
        "GET /order",                    /* 10 */
        "GET /gr\xc3\xbc\xc3\x9f"
        "e/{x}",            /* 11 */
        "GET /slash/",      /* 12 */
        "PURGE /cache",     /* 13 */
        "GET /a/{x}/c/d",   /* 14 */
        "GET /a/b/{y}/e",   /* 15 */
        "POST /orders/new", /* 16 */
    };
    static const struct {
        const char *request;
        const char *answer;
    } cases[] = {
        { "GET /", "0" },
        { "PURGE /", "0" },
        { "GET /orders", "1" },
        { "HEAD /orders", "1" },
        { "POST /orders", "2" },
        { "PUT /orders", "405 GET, HEAD, POST" },
        { "get /orders", "405 GET, HEAD, POST" },
        { "GET /orders/", "404" }, /* {id} is not empty */
        { "GET /orders/5", "3 id=5" },
        { "GET /orders/new", "4" },
        { "POST /orders/new", "16" },
        { "DELETE /orders/new", "5 order=new" },
        { "GET /orders/newer", "3 id=newer" },
        { "GET /orders/ne", "3 id=ne" },
        { "PUT /orders/new", "405 DELETE, GET, HEAD, POST" },
        { "GET /orders/5/items/7", "6 id=5 item=7" },
        { "GET /orders/5/items", "9 id=5 rest=items" },
        { "GET /orders/5/items/", "9 id=5 rest=items/" },
        { "GET /orders/5/items/7/8", "9 id=5 rest=items/7/8" },
        { "GET /orders/5/", "9 id=5 rest=" },
        { "GET /files/", "7 rest=" },
        { "GET /files", "404" },
        { "GET /files/a/b//c", "7 rest=a/b//c" },
        { "GET /files/special/x", "8 name=x" },
        { "POST /files/special/x", "7 rest=special/x" },
        { "GET /files/special/", "7 rest=special/" },
        { "GET /order", "10" },
        { "GET /orde", "404" },
        { "GET /ordersx", "404" },
        { "GET /gr\xc3\xbc\xc3\x9f"
          "e/1",
          "11 x=1" },
        { "GET /gr\xc3\xbc/1", "404" },
        { "GET /slash/", "12" },
        { "GET /slash", "404" },
        { "GET //orders", "404" },
        { "GET /orders//", "404" },
        { "PURGE /cache", "13" },
        { "GET /cache", "405 PURGE" },
        { "GET /a/b/c/d", "14 x=b" },
        { "GET /a/b/c/e", "15 y=c" },
        { "GET /a/b/c/f", "404" },
        { "GET /_weir/jobs/1", "404" },
        { "GET ", "404" },
        { "GET *", "404" },
    };
    void *tree = make(routes, sizeof(routes) / sizeof(routes[0]));
    if (complaint.n > 0)
        fail_msg("%s: %s", complaint.at->path, complaint.message);
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *got = find(tree, cases[i].request);
        if (strcmp(got, cases[i].answer) != 0)
            fail_msg("%s: %s instead of %s", cases[i].request, got, cases[i].answer);
    }
    edge_routes_port.drop(tree);
}

static void
a_route_without_methods_takes_every_one(void **state)
{
    (void)state;
    static const char *const routes[] = { "/x" };
    void *tree = make(routes, 1);
    assert_string_equal(find(tree, "OPTIONS /x"), "0");
    assert_string_equal(find(tree, "WHATEVER /x"), "0");
    edge_routes_port.drop(tree);
}

static void
reserved_paths_belong_to_no_route(void **state)
{
    (void)state;
    static const char *const routes[] = { "/{rest*}" };
    void *tree = make(routes, 1);
    assert_string_equal(find(tree, "GET /_weir/jobs/1"), "404");
    assert_string_equal(find(tree, "GET /_weir"), "404");
    assert_string_equal(find(tree, "GET /_weird"), "0 rest=_weird");
    edge_routes_port.drop(tree);
}

static void
routes_that_meet_are_found(void **state)
{
    (void)state;
    static const struct {
        const char *a;
        const char *b;
        const char *message; /* NULL: they get along */
    } cases[] = {
        { "GET /a", "POST /a", NULL },
        { "GET /a", "HEAD /a", NULL },
        { "GET /a/{x}", "GET /a/b", NULL },
        { "GET /a/{x}", "GET /a/{x*}", NULL },
        { "GET /a", "GET /a/", NULL },
        { "GET /a/{x}/b", "GET /a/{y}/c", NULL },
        { "PURGE /a", "LINK /a", NULL },
        { "GET /a", "GET /a", "the route /a is taken, for the same methods" },
        { "GET,POST /a", "PUT,POST /a", "the route /a is taken, for the same methods" },
        { "/a", "GET /a", "the route /a is taken, for the same methods" },
        { "PURGE /a", "PURGE /a", "the route /a is taken, for the same methods" },
        { "GET /a/{x}", "GET /a/{y}",
          "the route /a/{y} matches the same paths as /a/{x}, for the same methods" },
        { "GET /a/{x*}", "/a/{y*}",
          "the route /a/{y*} matches the same paths as /a/{x*}, for the same methods" },
    };
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *const routes[] = { cases[i].a, cases[i].b };
        void *tree = make(routes, 2);
        if (cases[i].message == NULL) {
            assert_int_equal(complaint.n, 0);
            assert_non_null(tree);
            edge_routes_port.drop(tree);
            continue;
        }
        assert_null(tree);
        assert_int_equal(complaint.n, 1);
        assert_non_null(complaint.other);
        assert_string_equal(complaint.message, cases[i].message);
    }
}

static void
a_clash_names_the_file_of_the_other_one(void **state)
{
    (void)state;
    struct pipeline p = { .name = "orders", .file = "pipelines/orders.yaml" };
    struct trigger t = { .pipeline = &p, .mark = { .line = 4 } };
    struct engine_route routes[] = { { .path = "/a", .source = &t },
                                     { .path = "/a", .source = &t } };
    complaint.n = 0;
    assert_null(edge_routes_port.make(routes, 2, on_complaint, NULL));
    assert_ptr_equal(complaint.at, &routes[1]);
    assert_ptr_equal(complaint.other, &routes[0]);
    assert_string_equal(complaint.message,
                        "the route /a is taken by a trigger of pipeline orders "
                        "(pipelines/orders.yaml:4), for the same methods");
}

static void
bad_patterns_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "-",           "-orders",   "/a/{}",    "/a/{x",  "/a/x}",  "/a{x}",
        "/{x}b",       "/a/{x*}/b", "/{x}/{x}", "/a//b",  "//",     "/a b",
        "/a?b",        "/a#b",      "/a/%41",   "/a/..",  "/a/./b", "/a\\b",
        "/_weir/jobs", "/_weir",    "/{1x}",    "/{a-b}", "/a/{*}", "/a\x01",
    };
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        void *tree = make(&bad[i], 1);
        if (tree != NULL || complaint.n != 1)
            fail_msg("%s is taken", bad[i]);
        assert_null(complaint.other);
    }
    static const char *const methods[] = { "GE(T /a" };
    assert_null(make(methods, 1));
    char deep[400] = "";
    for (unsigned i = 0; i < 33; i++)
        strcat(deep, "/a");
    const char *const deeps[] = { deep };
    assert_null(make(deeps, 1));
    assert_string_equal(complaint.message, "a path has at most 32 segments");
    char many[400] = "";
    for (unsigned i = 0; i < 17; i++)
        snprintf(many + strlen(many), sizeof(many) - strlen(many), "/{p%u}", i);
    const char *const manies[] = { many };
    assert_null(make(manies, 1));
    assert_string_equal(complaint.message, "a path has at most 16 parameters");
}

static void
the_largest_pattern_is_found(void **state)
{
    (void)state;
    char pattern[800] = "";
    char path[400] = "GET ";
    for (unsigned i = 0; i < 16; i++) {
        snprintf(pattern + strlen(pattern), sizeof(pattern) - strlen(pattern), "/{p%u}", i);
        strcat(path, "/y");
    }
    for (unsigned i = 0; i < 16; i++) {
        strcat(pattern, "/s");
        strcat(path, "/s");
    }
    const char *const routes[] = { pattern, "/{rest*}", "/y/z/{rest*}", "/{a}/z/{rest*}" };
    void *tree = make(routes, 4);
    assert_non_null(tree);
    assert_memory_equal(find(tree, path), "0 p0=y", 6);
    path[strlen(path) - 1] = 't'; /* the last segment is another one */
    assert_memory_equal(find(tree, path), "1 rest=y/", 9);
    edge_routes_port.drop(tree);
}

static void
a_route_in_thousands_is_found(void **state)
{
    (void)state;
    static struct engine_route routes[5000];
    static char paths[5000][48];
    for (unsigned i = 0; i < 5000; i++) {
        snprintf(paths[i], sizeof(paths[i]), "/t%u/x%u/{id}", i * 7919 % 100, i);
        routes[i].path = paths[i];
        routes[i].trigger = (struct trigger_unit *)(uintptr_t)(i + 1);
    }
    complaint.n = 0;
    void *tree = edge_routes_port.make(routes, 5000, on_complaint, NULL);
    assert_int_equal(complaint.n, 0);
    for (unsigned i = 0; i < 5000; i++) {
        char path[64];
        snprintf(path, sizeof(path), "/t%u/x%u/abc", i * 7919 % 100, i);
        struct route_match match;
        assert_int_equal(route_find(tree, TEXT("GET"), text_of(path), &match), ROUTE_FOUND);
        assert_ptr_equal(match.trigger, routes[i].trigger);
        assert_true(text_is(match.params[0], "abc"));
    }
    edge_routes_port.drop(tree);
}

static void
no_tree_finds_nothing(void **state)
{
    (void)state;
    assert_string_equal(find(NULL, "GET /"), "404");
    edge_routes_port.drop(NULL);
}

static void
names_of_routes_are_kept(void **state)
{
    (void)state;
    struct route_name *a = route_name_find(TEXT("/names/{id}"));
    assert_ptr_equal(a, route_name_find(TEXT("/names/{id}")));
    assert_true(text_is(route_name_text(a), "/names/{id}"));
    assert_true(text_is(route_name_text(route_name_none()), ""));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_path_finds_its_route),
        cmocka_unit_test(a_route_without_methods_takes_every_one),
        cmocka_unit_test(reserved_paths_belong_to_no_route),
        cmocka_unit_test(routes_that_meet_are_found),
        cmocka_unit_test(a_clash_names_the_file_of_the_other_one),
        cmocka_unit_test(bad_patterns_are_refused),
        cmocka_unit_test(the_largest_pattern_is_found),
        cmocka_unit_test(a_route_in_thousands_is_found),
        cmocka_unit_test(no_tree_finds_nothing),
        cmocka_unit_test(names_of_routes_are_kept),
    };
    return cmocka_run_group_tests_name("edge/route_tree", tests, NULL, NULL);
}

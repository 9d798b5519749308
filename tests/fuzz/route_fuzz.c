/* route_fuzz.c - patterns and targets: one form, one route, nothing that points elsewhere.
 * room: edge
 *
 * Each line is a pattern, up to an empty line; the rest is a target.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "edge/route_tree.h"
#include "edge/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#define ROUTES_MAX 64

static void
check(bool holds)
{
    if (!holds)
        abort();
}

static void
on_complaint(void *arg, const struct engine_route *at, const struct engine_route *other,
             const char *message)
{
    (void)other;
    check(at != NULL && message[0] != '\0');
    *(const struct engine_route **)arg = at;
}

/* Makes a tree of the routes that are good: those that are complained about are taken out. */
static void *
make_tree(struct engine_route *routes, unsigned n)
{
    for (;;) {
        const struct engine_route *bad = NULL;
        void *tree = edge_routes_port.make(routes, n, on_complaint, &bad);
        check((tree == NULL) == (bad != NULL));
        if (tree != NULL)
            return tree;
        routes[bad - routes] = routes[--n];
    }
}

static void
check_params(const struct route_match *match, struct weir_text path)
{
    for (unsigned i = 0; i < match->n_params; i++) {
        struct weir_text p = match->params[i];
        check(p.bytes >= path.bytes && p.bytes + p.len <= path.bytes + path.len);
        bool last = i + 1 == match->n_params;
        check(last || (p.len > 0 && memchr(p.bytes, '/', p.len) == NULL));
    }
}

static void
check_path(struct weir_text path)
{
    check(utf8_valid(path));
    for (size_t i = 0; i < path.len; i++)
        check((unsigned char)path.bytes[i] >= ' ' && path.bytes[i] != '\\');
    const char *end = path.bytes + path.len;
    for (const char *at = path.bytes; at != NULL && at < end;
         at = memchr(at, '/', (size_t)(end - at))) {
        size_t left = (size_t)(end - ++at);
        const char *slash = memchr(at, '/', left);
        struct weir_text segment = { at, slash != NULL ? (size_t)(slash - at) : left };
        check(!text_is(segment, ".") && !text_is(segment, ".."));
    }
}

/* A path in its form stays as it is when it is read again. */
static void
check_form(struct weir_text path, struct arena *a)
{
    char *again = malloc(path.len + 1);
    check(again != NULL);
    memcpy(again, path.bytes, path.len);
    struct target target;
    struct weir_error err;
    check(target_read(again, path.len, a, &target, &err) == WEIR_OK);
    check(text_equal(target.path, path));
    free(again);
}

static void
find(void *tree, char *text, size_t len)
{
    struct arena arena;
    struct target target;
    struct weir_error err;
    arena_init(&arena, 0, 1 << 20);
    if (target_read(text, len, &arena, &target, &err) == WEIR_OK && !target.asterisk) {
        check_path(target.decoded);
        check_form(target.path, &arena);
        struct route_match match;
        if (route_find(tree, TEXT("GET"), target.decoded, &match) == ROUTE_FOUND)
            check_params(&match, target.decoded);
        struct buf allow;
        buf_init(&allow, 4096);
        route_allow(tree, target.decoded, &allow);
        buf_fini(&allow);
    }
    arena_fini(&arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    if (len > 8192)
        return 0;
    char *text = malloc(len + 1);
    check(text != NULL);
    memcpy(text, bytes, len);
    text[len] = '\0';
    struct engine_route routes[ROUTES_MAX];
    unsigned n = 0;
    char *at = text;
    char *line;
    while ((line = memchr(at, '\n', (size_t)(text + len - at))) != NULL && line > at) {
        *line = '\0';
        if (n < ROUTES_MAX)
            routes[n++] = (struct engine_route){ .path = at };
        at = line + 1;
    }
    if (line == at)
        at++;
    void *tree = make_tree(routes, n);
    find(tree, at, (size_t)(text + len - at));
    edge_routes_port.drop(tree);
    free(text);
    return 0;
}

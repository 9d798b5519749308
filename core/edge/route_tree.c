/* edge/route_tree.c - the making of a tree of routes; see route_tree.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "edge/route_tree.h"

#include <stdlib.h>
#include <string.h>

#include "edge/route_name.h"
#include "edge/route_parts.h"
#include "net/http1.h"

#define TREE_MAX (256u * 1024u * 1024u)

/* The making of a tree. */
struct maker {
    struct arena arena; /* of the tree as it grows */
    struct place root;
    void (*complain)(void *arg, const struct engine_route *at, const struct engine_route *other,
                     const char *message);
    void *arg;
    unsigned faults;
};

/* Routes come from files that the operator wrote: running out of TREE_MAX is no case to go on.
 */
static void *
take(struct maker *m, size_t size)
{
    void *memory = arena_alloc(&m->arena, size);
    if (memory == NULL)
        abort();
    return memory;
}

static struct weir_text
copy(struct maker *m, struct weir_text text)
{
    char *bytes = take(m, text.len + 1);
    memcpy(bytes, text.bytes, text.len);
    return (struct weir_text){ bytes, text.len };
}

static void
fault(struct maker *m, const struct engine_route *at, const struct engine_route *other,
      const char *message)
{
    m->faults++;
    m->complain(m->arg, at, other, message);
}

/* -- places -- */

static void
add_child(struct maker *m, struct place *at, struct place *child)
{
    struct place **children = take(m, (at->n + 1) * sizeof(struct place *));
    if (at->n > 0)
        memcpy(children, at->children, at->n * sizeof(struct place *));
    children[at->n++] = child;
    at->children = children;
}

static struct place **
find_child(struct place *at, char first)
{
    for (unsigned i = 0; i < at->n; i++)
        if (at->children[i]->text.bytes[0] == first)
            return &at->children[i];
    return NULL;
}

static size_t
common(struct weir_text a, struct weir_text b)
{
    size_t n = 0;
    while (n < a.len && n < b.len && a.bytes[n] == b.bytes[n])
        n++;
    return n;
}

/* Puts a place between *AT and the one above it, behind the first LEN bytes of its text. */
static void
split(struct maker *m, struct place **at, size_t len)
{
    struct place *below = *at;
    struct place *above = take(m, sizeof(*above));
    above->text = (struct weir_text){ below->text.bytes, len };
    below->text.bytes += len;
    below->text.len -= len;
    add_child(m, above, below);
    *at = above;
}

/* The place behind TEXT, made if need be. */
static struct place *
go_text(struct maker *m, struct place *at, struct weir_text text)
{
    while (text.len > 0) {
        struct place **child = find_child(at, text.bytes[0]);
        if (child == NULL) {
            struct place *fresh = take(m, sizeof(*fresh));
            fresh->text = copy(m, text);
            add_child(m, at, fresh);
            return fresh;
        }
        size_t len = common((*child)->text, text);
        if (len < (*child)->text.len)
            split(m, child, len);
        at = *child;
        text.bytes += len;
        text.len -= len;
    }
    return at;
}

static struct place *
go_param(struct maker *m, struct place *at)
{
    if (at->param == NULL)
        at->param = take(m, sizeof(*at->param));
    return at->param;
}

/* -- routes -- */

/* Notes the methods of a route; false if one of them is no method. */
static bool
set_methods(struct maker *m, struct leaf *leaf, const struct engine_route *route)
{
    leaf->every = route->n_methods == 0;
    if (leaf->every) {
        leaf->known = UINT32_MAX;
        return true;
    }
    leaf->others = take(m, route->n_methods * sizeof(struct weir_text));
    for (unsigned i = 0; i < route->n_methods; i++) {
        struct weir_text name = route->methods[i];
        if (!http_is_token(name))
            return false;
        enum method known = method_find(name);
        if (known == METHOD_OTHER)
            leaf->others[leaf->n_others++] = copy(m, name);
        else
            leaf->known |= 1u << known;
    }
    return true;
}

bool
leaf_clash(const struct leaf *a, const struct leaf *b)
{
    if (a->every || b->every || (a->known & b->known) != 0)
        return true;
    for (unsigned i = 0; i < a->n_others; i++)
        for (unsigned k = 0; k < b->n_others; k++)
            if (text_equal(a->others[i], b->others[k]))
                return true;
    return false;
}

static void
tell_clash(struct maker *m, const struct engine_route *at, const struct engine_route *other)
{
    struct buf message;
    buf_init(&message, 4096);
    bool same = strcmp(at->path, other->path) == 0;
    (void)buf_printf(&message, "the route %s %s", at->path,
                     same ? "is taken" : "matches the same paths as ");
    if (!same)
        (void)buf_puts(&message, other->path);
    if (other->source != NULL)
        (void)buf_printf(&message, "%s of pipeline %s (%s:%u)", same ? " by a trigger" : "",
                         other->source->pipeline->name, other->source->pipeline->file,
                         other->source->mark.line);
    (void)buf_puts(&message, ", for the same methods");
    fault(m, at, other, message.bytes);
    buf_fini(&message);
}

/* Hangs a leaf into the list at *AT, unless it clashes with one that is there. */
static void
hang(struct maker *m, struct leaf **at, struct leaf *leaf)
{
    for (const struct leaf *l = *at; l != NULL; l = l->next) {
        if (leaf_clash(l, leaf)) {
            tell_clash(m, leaf->from, l->from);
            return;
        }
    }
    leaf->next = *at;
    *at = leaf;
}

static void
add_route(struct maker *m, const struct engine_route *route)
{
    struct pattern pattern;
    const char *wrong = pattern_parse(text_of(route->path), &pattern);
    struct leaf *leaf = take(m, sizeof(*leaf));
    if (wrong == NULL && !set_methods(m, leaf, route))
        wrong = "a method is made of letters: GET";
    if (wrong != NULL) {
        fault(m, route, NULL, wrong);
        return;
    }
    leaf->from = route;
    leaf->trigger = route->trigger;
    leaf->max_body = route->max_body;
    leaf->headers = route->headers;
    leaf->n_headers = route->n_headers;
    leaf->name = route_name_find(text_of(route->path));
    leaf->pattern = route_name_text(leaf->name);
    leaf->param_names = take(m, (pattern.n_params + 1) * sizeof(struct weir_text));

    struct place *at = &m->root;
    struct leaf **list = NULL;
    for (unsigned i = 0; i < pattern.n; i++) {
        if (pattern.parts[i].kind == SEGMENT_TEXT) {
            at = go_text(m, at, pattern.parts[i].text);
            continue;
        }
        leaf->param_names[leaf->n_params++] = copy(m, pattern.parts[i].text);
        if (pattern.parts[i].kind == SEGMENT_REST)
            list = &at->rest;
        else
            at = go_param(m, at);
    }
    hang(m, list != NULL ? list : &at->leaf, leaf);
}

static void
tree_drop(void *table)
{
    struct route_tree *tree = table;
    if (tree == NULL)
        return;
    arena_fini(&tree->arena);
    free(tree);
}

static struct route_tree *
tree_of(const struct place *root)
{
    struct route_tree *tree = calloc(1, sizeof(*tree));
    if (tree == NULL)
        abort();
    arena_init(&tree->arena, 0, TREE_MAX);
    tree->root = place_pack(&tree->arena, root);
    if (tree->root == NULL)
        abort();
    return tree;
}

static void *
tree_make(const struct engine_route *routes, unsigned n,
          void (*complain)(void *arg, const struct engine_route *at,
                           const struct engine_route *other, const char *message),
          void *arg)
{
    struct maker m = { .complain = complain, .arg = arg };
    arena_init(&m.arena, 0, TREE_MAX);
    for (unsigned i = 0; i < n; i++)
        add_route(&m, &routes[i]);
    struct route_tree *tree = m.faults == 0 ? tree_of(&m.root) : NULL;
    arena_fini(&m.arena);
    return tree;
}

const struct routes_port edge_routes_port = { .make = tree_make, .drop = tree_drop };

/* edge/route_find.c - looking a path up in a tree of routes; see route_tree.h.
 *
 * The walk keeps a stack of what is still to be tried. A place is reached on one way only and
 * behind a fixed part of the path, so no place is tried twice: a look-up costs at most the
 * size of the tree, and usually the length of the path. At most two entries a segment wait,
 * since parameters begin at slashes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <string.h>

#include "edge/route_parts.h"

#define WAITING (2 * ROUTE_SEGMENTS + 4)

enum step { STEP_ENTER, STEP_PARAM, STEP_REST };

struct todo {
    const struct place *place;
    uint32_t at; /* bytes of the path that are matched */
    uint16_t n_params;
    uint16_t step; /* enum step */
};

struct walk {
    struct weir_text path;
    struct weir_text *params;
    struct todo todo[WAITING];
    unsigned n;
    unsigned n_params; /* of the leaves that were found */
};

static void
push(struct walk *w, const struct place *place, size_t at, unsigned n_params, enum step step)
{
    assert(w->n < WAITING);
    w->todo[w->n++] = (struct todo){ place, (uint32_t)at, (uint16_t)n_params, (uint16_t)step };
}

/* Goes on to the child whose text follows in the path, if there is one. */
static void
push_child(struct walk *w, const struct place *place, size_t at, unsigned n_params)
{
    const char *bytes = w->path.bytes + at;
    size_t left = w->path.len - at;
    unsigned i = 0; /* mostly of a few: a call of memchr would cost more */
    while (i < place->n && place->firsts[i] != bytes[0])
        i++;
    if (i == place->n)
        return;
    const struct place *child = place->children[i];
    if (child->text.len <= left && memcmp(child->text.bytes, bytes, child->text.len) == 0)
        push(w, child, at + child->text.len, n_params, STEP_ENTER);
}

/* Enters a place: what wins is pushed last. Returns the leaves of patterns that end here. */
static const struct leaf *
enter(struct walk *w, const struct todo *t)
{
    const struct place *place = t->place;
    bool more = t->at < w->path.len;
    if (place->rest != NULL)
        push(w, place, t->at, t->n_params, STEP_REST);
    if (more && place->param != NULL && w->path.bytes[t->at] != '/')
        push(w, place, t->at, t->n_params, STEP_PARAM);
    if (more) {
        push_child(w, place, t->at, t->n_params);
        return NULL;
    }
    w->n_params = t->n_params;
    return place->leaf;
}

static void
take_param(struct walk *w, const struct todo *t)
{
    const char *from = w->path.bytes + t->at;
    size_t left = w->path.len - t->at;
    const char *slash = memchr(from, '/', left);
    size_t len = slash != NULL ? (size_t)(slash - from) : left;
    w->params[t->n_params] = (struct weir_text){ from, len };
    push(w, t->place->param, t->at + len, t->n_params + 1u, STEP_ENTER);
}

static const struct leaf *
take_rest(struct walk *w, const struct todo *t)
{
    w->params[t->n_params] = (struct weir_text){ w->path.bytes + t->at, w->path.len - t->at };
    w->n_params = t->n_params + 1u;
    return t->place->rest;
}

/* The leaves of the next pattern that matches, the best one first; NULL: there are no more. */
static const struct leaf *
walk_next(struct walk *w)
{
    while (w->n > 0) {
        struct todo t = w->todo[--w->n];
        const struct leaf *found = NULL;
        if (t.step == STEP_ENTER)
            found = enter(w, &t);
        else if (t.step == STEP_PARAM)
            take_param(w, &t);
        else
            found = take_rest(w, &t);
        if (found != NULL)
            return found;
    }
    return NULL;
}

static void
walk_begin(struct walk *w, const struct route_tree *tree, struct weir_text path,
           struct weir_text *params)
{
    w->path = path;
    w->params = params;
    w->n = 0;
    if (tree != NULL && !route_reserved(path))
        push(w, tree->root, 0, 0, STEP_ENTER);
}

static bool
has_other(const struct leaf *l, struct weir_text method)
{
    for (unsigned i = 0; i < l->n_others; i++)
        if (text_equal(l->others[i], method))
            return true;
    return false;
}

/* The leaf of the list that has the method; for HEAD else the one that has GET. */
static const struct leaf *
with_method(const struct leaf *list, enum method known, struct weir_text method)
{
    const struct leaf *instead = NULL;
    for (const struct leaf *l = list; l != NULL; l = l->next) {
        if (l->every || (known != METHOD_OTHER && (l->known & 1u << known) != 0))
            return l;
        if (known == METHOD_OTHER && has_other(l, method))
            return l;
        if (known == METHOD_HEAD && (l->known & 1u << METHOD_GET) != 0)
            instead = l;
    }
    return instead;
}

enum route_answer
route_find(const void *tree, struct weir_text method, struct weir_text path,
           struct route_match *ret)
{
    struct walk w;
    walk_begin(&w, tree, path, ret->params);
    enum method known = method_find(method);
    enum route_answer answer = ROUTE_UNKNOWN;
    const struct leaf *list;
    while ((list = walk_next(&w)) != NULL) {
        const struct leaf *l = with_method(list, known, method);
        if (l == NULL) {
            answer = ROUTE_METHOD;
            continue;
        }
        ret->trigger = l->trigger;
        ret->max_body = l->max_body;
        ret->name = l->name;
        ret->pattern = l->pattern;
        __builtin_prefetch(l->name); /* among thousands of routes they are not in the caches */
        __builtin_prefetch(l->trigger);
        ret->param_names = l->param_names;
        ret->n_params = w.n_params;
        return ROUTE_FOUND;
    }
    return answer;
}

const struct weir_header *
route_headers(const void *tree, struct weir_text method, struct weir_text path, unsigned *ret_n)
{
    struct weir_text params[ROUTE_PARAMS];
    struct walk w;
    walk_begin(&w, tree, path, params);
    const struct leaf *list, *first = NULL, *taker = NULL;
    while (taker == NULL && (list = walk_next(&w)) != NULL) {
        taker = with_method(list, method_find(method), method);
        first = first != NULL ? first : list;
    }
    const struct leaf *l = taker != NULL ? taker : first;
    *ret_n = l != NULL ? l->n_headers : 0;
    return l != NULL ? l->headers : NULL;
}

static void
add_method(struct buf *out, struct weir_text name)
{
    if (out->len > 0)
        (void)buf_puts(out, ", ");
    (void)buf_text(out, name);
}

void
route_allow(const void *tree, struct weir_text path, struct buf *out)
{
    struct weir_text params[ROUTE_PARAMS];
    struct walk w;
    walk_begin(&w, tree, path, params);
    uint32_t known = 0;
    const struct leaf *list;
    while ((list = walk_next(&w)) != NULL) {
        for (const struct leaf *l = list; l != NULL; l = l->next) {
            known |= l->known;
            for (unsigned i = 0; i < l->n_others; i++)
                add_method(out, l->others[i]);
        }
    }
    if (known & 1u << METHOD_GET)
        known |= 1u << METHOD_HEAD;
    for (unsigned m = METHOD_OTHER + 1; m < METHOD_COUNT; m++)
        if (known & 1u << m)
            add_method(out, text_of(method_name((enum method)m)));
}

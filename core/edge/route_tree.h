/* edge/route_tree.h - which route a path belongs to: a radix tree over the bytes of patterns.
 *
 * A pattern is made of segments: text, {name}, which stands for one segment that is not
 * empty, and at the end {name*}, which stands for the rest, also an empty one. At each place
 * text wins over {name}, and that over {name*}; among the patterns that a path matches the
 * first one in this order that has the method is taken. A HEAD request is served by a route
 * of GET if there is none of HEAD. Paths under /_weir/ belong to the edge itself.
 *
 * A tree is made on the main thread and never changed: every shard reads it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef EDGE_ROUTE_TREE_H
#define EDGE_ROUTE_TREE_H

#include "base/buf.h"
#include "edge/method.h"
#include "engine/routes.h"

#define ROUTE_PARAMS 16    /* of one pattern */
#define ROUTE_SEGMENTS 32  /* of one pattern */
#define ROUTE_PATTERN 1024 /* bytes of one pattern */

struct route_name;

/* A route as it was found. What it points to lives as long as the tree, NAME for ever. */
struct route_match {
    struct trigger_unit *trigger;
    uint64_t max_body;
    struct route_name *name; /* the pattern, with its metrics */
    struct weir_text pattern; /* its text */
    const struct weir_text *param_names;
    struct weir_text params[ROUTE_PARAMS]; /* slices of the path */
    unsigned n_params;
};

enum route_answer {
    ROUTE_FOUND,
    ROUTE_UNKNOWN, /* no pattern matches the path */
    ROUTE_METHOD   /* some do, but none has the method */
};

/* Finds the route of a decoded PATH. TREE may be NULL: nothing is found. */
enum route_answer route_find(const void *tree, struct weir_text method, struct weir_text path,
                             struct route_match *ret);

/* Appends the methods that are allowed for PATH, for the Allow field. */
void route_allow(const void *tree, struct weir_text path, struct buf *out);

/* The headers of what the edge answers by itself to METHOD and PATH: those of the route that takes
 * them, else of the first one whose pattern fits; NULL: none. */
const struct weir_header *route_headers(const void *tree, struct weir_text method,
                                        struct weir_text path, unsigned *ret_n);

/* Whether a path or a pattern lies under /_weir/. */
bool route_reserved(struct weir_text path);

/* Makes trees for generations. */
extern const struct routes_port edge_routes_port;

#endif

/* edge/route_parts.h - inside the room: what a tree of routes is made of.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef EDGE_ROUTE_PARTS_H
#define EDGE_ROUTE_PARTS_H

#include "base/arena.h"
#include "edge/route_tree.h"

/* One route at the end of its pattern; first what a look-up reads. */
struct leaf {
    struct leaf *next; /* another one with the same shape and other methods */
    uint32_t known;    /* bits 1 << enum method; all of them: every method */
    bool every;        /* every method, also those that have no number */
    unsigned n_others;
    unsigned n_params;
    struct weir_text *others; /* methods without a number */
    struct trigger_unit *trigger;
    uint64_t max_body;
    struct route_name *name;
    struct weir_text pattern; /* the name's text, so that a look-up need not wait for the name */
    struct weir_text *param_names;
    const struct weir_header *headers; /* the generation's */
    unsigned n_headers;
    const struct engine_route *from; /* valid while the tree is made */
};

/* A place in patterns: behind the bytes TEXT, which follow the place above. Parameters begin
 * and end at a slash, so that a place lies behind a fixed number of segments of any path. */
struct place {
    struct weir_text text;   /* empty: the root, and the place behind a {name} */
    struct place **children; /* each begins with another byte */
    const char *firsts;      /* these bytes, in the order of children; set when it is packed */
    unsigned n;
    struct place *param; /* behind a {name} that begins here */
    struct leaf *leaf;   /* patterns that end here */
    struct leaf *rest;   /* patterns that end in a {name*} here */
};

struct route_tree {
    struct arena arena; /* holds it all */
    struct place *root;
};

/* A pattern taken apart. */
enum segment_kind { SEGMENT_TEXT, SEGMENT_PARAM, SEGMENT_REST };
struct pattern {
    struct {
        enum segment_kind kind;
        struct weir_text text; /* the text with the slashes around it, or the name */
    } parts[2 * ROUTE_SEGMENTS];
    unsigned n;
    unsigned n_params;
};

/* Takes a pattern apart; NULL, or what is wrong with it as a sentence. */
const char *pattern_parse(struct weir_text text, struct pattern *ret);

/* Whether two routes of one shape have a method in common. */
bool leaf_clash(const struct leaf *a, const struct leaf *b);

/* A copy of FROM and all below it in ARENA, in which lies side by side what a look-up reads one
 * after the other. NULL if the arena's maximum would be passed. */
struct place *place_pack(struct arena *arena, const struct place *from);

#endif

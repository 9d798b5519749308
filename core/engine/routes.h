/* engine/routes.h - the port through which the edge is given the routes of a generation.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ENGINE_ROUTES_H
#define ENGINE_ROUTES_H

#include "pipeline/model.h"

struct trigger_unit;

/* One route of one trigger. */
struct engine_route {
    const char *path; /* "/orders/{id}", "/files/{rest*}" */
    const struct weir_text *methods; /* none: every method */
    unsigned n_methods;
    uint64_t max_body; /* bytes; 0: the edge's */
    const struct weir_header *headers; /* of what the edge answers by itself; n_headers */
    unsigned n_headers;
    struct trigger_unit *trigger;
    const struct trigger *source; /* for messages: file and mark */
};

/* Makes the table of a generation. A bad path or a clash is told to COMPLAIN with the route
 * at fault and, for a clash, the other one (else NULL); then the table isn't used. */
struct routes_port {
    void *(*make)(const struct engine_route *routes, unsigned n,
                  void (*complain)(void *arg, const struct engine_route *at,
                                   const struct engine_route *other, const char *message),
                  void *arg);
    void (*drop)(void *table);
};

#endif

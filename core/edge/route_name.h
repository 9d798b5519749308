/* edge/route_name.h - patterns of routes with their metrics: made once, kept for ever.
 *
 * A route comes and goes with its generation, but its pattern is the label of a metric, which
 * lives as long as the process; so patterns are kept here, and events may point at them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef EDGE_ROUTE_NAME_H
#define EDGE_ROUTE_NAME_H

#include "base/err.h"
#include "edge/method.h"

struct route_name;

/* The name of a pattern, made on first use. Any thread; takes a lock: not for each request. */
struct route_name *route_name_find(struct weir_text pattern);

/* The name "" of requests that have no route. Any thread. */
struct route_name *route_name_none(void);

/* The pattern. Any thread. */
struct weir_text route_name_text(const struct route_name *n);

/* Tells http_server_request_duration_seconds of a request of this route. SHARD is the
 * caller's own. */
void route_name_observe(struct route_name *n, unsigned shard, enum method method,
                        unsigned status, double seconds);

#endif

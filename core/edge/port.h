/* edge/port.h - inside the room: the engine as an edge asks it, unless a test brings another.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef EDGE_PORT_H
#define EDGE_PORT_H

#include "edge/edge.h"

/* The functions of engine/engine.h. */
extern const struct edge_port edge_engine_port;

#endif

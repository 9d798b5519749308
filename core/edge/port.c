/* edge/port.c - see port.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "edge/port.h"

#include "engine/engine.h"

const struct edge_port edge_engine_port = {
    .routes = engine_routes,
    .offer = engine_offer,
    .gone = engine_gone,
    .reply_sent = engine_reply_sent,
    .screen = engine_screen,
    .own = engine_own,
};

/* edge/access_log.h - inside the room: a line of the log for each request.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef EDGE_ACCESS_LOG_H
#define EDGE_ACCESS_LOG_H

#include "edge/request.h"

/* Logs how R ended, after DURATION_NS. */
void access_log(const struct request *r, uint64_t duration_ns);

#endif

/* engine/host_http.h - requests to upstreams on behalf of calls.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ENGINE_HOST_HTTP_H
#define ENGINE_HOST_HTTP_H

#include "engine/run.h"

/* Ends every request of C that runs, without telling the plugin. */
void host_http_drop(struct weir_call *c);

/* Ends every request of C that runs; the plugin is told ERR as their answer. */
void host_http_fail(struct weir_call *c, const struct weir_error *err);

#endif

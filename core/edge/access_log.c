/* edge/access_log.c - see access_log.h. The query is left out: it may hold what nobody is to
 * see.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "edge/access_log.h"

#include "base/log.h"

void
access_log(const struct request *r, uint64_t duration_ns)
{
    const struct weir_event *e = &r->event;
    struct log_field fields[16] = { /* 14 at most */
        LOG_S("method", e->method),
        LOG_S("path", e->hides_path ? e->route : e->path),
        LOG_S("route", e->route),
        LOG_N("status", r->status),
        LOG_N("duration_ms", (double)(duration_ns / 1000) / 1000),
        LOG_N("bytes", r->sent),
        LOG_S("protocol", e->protocol),
        LOG_S("client", e->client_ip),
        LOG_S("request_id", e->id),
        LOG_S("trace_id", text_of(e->trace_id)),
    };
    size_t n = 10;
    if (e->pipeline.len > 0) {
        fields[n++] = LOG_S("pipeline", e->pipeline);
        fields[n++] = LOG_S("run", e->run_id);
    }
    const struct weir_value *name = e->auth && !e->hides_auth ? value_field(e->auth, "name") : NULL;
    if (name != NULL && value_type(name) == WEIR_STRING)
        fields[n++] = LOG_S("auth", value_as_text(name));
    if (r->why != NULL)
        fields[n++] = LOG_S("error", text_of(r->why));
    else if (r->fault != NULL)
        fields[n++] = LOG_S("error", text_of(r->fault->text));
    log_line(r->status >= 500 ? WEIR_WARN : WEIR_INFO, "request", fields, n);
}

/* engine/job_event.h - events as the store keeps them.
 *
 * MessagePack of { v: 1, trigger, method, path, query, client_ip, id, route, headers: [[name,
 * value] ...], params: [[name, value] ...], raw or body, trace, auth, mask }: what a run sees as request, and what the
 * pipeline marked as secret in it when it came. TRIGGER is the number of the trigger within its pipeline.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ENGINE_JOB_EVENT_H
#define ENGINE_JOB_EVENT_H

#include "base/buf.h"
#include "engine/event.h"

/* Appends E. WEIR_TOO_LARGE if it does not fit. */
enum weir_code job_event_write(struct buf *out, const struct weir_event *e, struct weir_error *err) MUST_USE;

/* An event made of what was written, for S; nobody hears its answer. *ret_trigger is the number of
 * its trigger. WEIR_INTERNAL for what is none. */
enum weir_code job_event_read(struct weir_text bytes, struct weir_shard *s, struct weir_event **ret,
                              unsigned *ret_trigger, struct weir_error *err) MUST_USE;

/* The same of the value that was written; V is taken. */
enum weir_code job_event_of(const struct weir_value *take_v, struct weir_shard *s, struct weir_event **ret,
                            unsigned *ret_trigger, struct weir_error *err) MUST_USE;

#endif

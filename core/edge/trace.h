/* edge/trace.h - W3C Trace Context: who asked, and which trace a request belongs to. Any
 * thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef EDGE_TRACE_H
#define EDGE_TRACE_H

#include "engine/event.h"

/* Fills in the trace of E from its headers traceparent and tracestate, or begins a new trace,
 * sampled if SAMPLED, when there is no valid one. A tracestate that is not valid is dropped. */
void trace_read(struct weir_event *e, bool sampled);

#endif

/* store/asks.h - what operators ask of the store, and tell it to do: struct store_ask.
 *
 *  what            with                                           answer
 *  jobs.list       state pipeline code node since_ms key after    { jobs: [...], next, total }
 *                  limit (1 to 1000, 50 if it is left out)
 *  jobs.show       id                                             a job with event, steps,
 * attempts jobs.state      id                                             { job, state,
 * attempt, updated_at } jobs.count      as jobs.list                                   { total,
 * by_state: {...} } jobs.replay     id who reason                                  { id: of the
 * new job, replay_of } jobs.cancel     id who reason                                  { id,
 * state } jobs.discard    id who reason                                  { id, state }
 *  incidents.list  pipeline limit after                           { incidents: [...] }
 *  audit.list      limit after                                    { entries: [...] }
 *  store.stats                                                    { file_bytes, jobs: {...},
 * ... }
 *
 * A job in a list is { id, pipeline, state, reason, attempt, code, node, message, created_ms,
 * updated_ms, due_ms, key, fingerprint, replay_of, superseded_by }; absent parts are left out.
 * jobs.show adds revision, event (as it was stored, decoded), result, attempts: [{ attempt,
 * started_ms, ended_ms, code, node, message, trace }] and steps: [{ path, begun, at_ms, code,
 * output }].
 *
 * Lists are newest first; AFTER is the NEXT of the answer before (a keyset page). Errors:
 * WEIR_NOT_FOUND (no such job), WEIR_CONFLICT (its state does not allow that: the text says
 * which state it has, and what can be done), WEIR_INVALID (a parameter, named).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STORE_ASKS_H
#define STORE_ASKS_H

#include "store/store.h"

/* Whether WHAT changes something: then it is carried out by the writer, in a commit. Any
 * thread. */
bool store_ask_writes(const char *what);

#endif

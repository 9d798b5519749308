/* store/asks.h - what operators ask of the store, and tell it to do: struct store_ask.
 *
 * what: with; the answer
 *
 * - jobs.list: state pipeline code node since_ms key fingerprint where after limit (1 to 1000, 50 if it is
 *   left out); { jobs: [...], next, total }. With a where (where.h) a page looks at 20,000 jobs at
 *   most, and for two seconds, has no total, and may tell { left_out, because }
 * - jobs.count: as jobs.list, without after and limit; { total, by_state: {...} }
 * - jobs.show: id known definition; a job with event, steps, attempts. If DEFINITION is true, it has { definition:
 *   { file, text } } besides, of the pipeline that it has run with, if that is kept. If KNOWN is true, it has
 *   { known: { ID: "done" or "begun" } } besides: of each step with records, however many there are, whether all of its rounds that
 *   have begun are done
 * - jobs.step: id step (a step's id, or the path of a record) definition; if that is true, OF is the answer to
 *   jobs.show with it; { job, pipeline, root, step, steps: its records as
 *   jobs.show has them (1000 at most), attempts: [{ attempt, and what the trace has of the step }] }
 * - jobs.state: id; { job, state, attempt }
 * - jobs.replay: id who reason force keep outputs revision new_keys (replay.h); { id: of the new job,
 *   replay_of }
 * - jobs.callback: id token output; { id, state }: the wait of that token is over, with this output
 * - jobs.callback.check: id token; {}: jobs.callback would take an output now. Its
 *   errors are that one's
 * - jobs.waited: id token; { output } of a wait whose callback has come, { late } of one whose time is over
 * - jobs.cancel: id who reason; { id, state }; of one that runs { id, state: running, cancelling:
 *   true }: it ends as cancelled a little later, also if the process ends before
 * - jobs.discard: id who reason; { id, state }
 * - jobs.discard.some: as jobs.list, max dry_run after upto who reason; { discarded: how many, left_out, because }:
 *   of the dead jobs that the filter takes the next ones, the oldest first. Are there more, it tells the AFTER and
 *   UPTO of the next question. With DRY_RUN they are only counted. Each has an entry in the audit
 * - jobs.edit.plan: id body set remove mask; { job, pipeline, changes: [{ path, before, after }], more }:
 *   what would be edited in the body of its event, which is JSON. BODY takes the place of the whole;
 *   then the parts at the JSON pointers of the list REMOVE go, and those of the map SET are
 *   replaced or added. At most 200 changes are told; MORE is how many others there are. MASK: { pipeline:
 *   [marks] }, what is hidden in them beside what the event itself says
 * - jobs.edit: the same, who reason force; { id: of the new job, replay_of, edited: true, changes,
 *   more }: as jobs.replay, with the edited event. WEIR_INVALID if nothing changes. The audit has
 *   what changed as before and after
 * - incidents.list: pipeline limit after; { incidents: [...], next }
 * - audit.list: limit after; { entries: [...], next }
 * - marks.advance: name from to; { did, now }: sets the number under name to TO if it is FROM (0:
 *   there is none yet); now is what it is afterwards
 * - revisions.note: revisions: [{ pipeline, revision, file, text }]; {}. The 1000 that were noted last
 *   are kept, and those of jobs that are not over
 * - revisions.get: pipeline revision; { file, text }
 * - jobs.export: as jobs.list; { jobs: [...], next }, each job as jobs.show gives it
 * - store.compact: who reason; { number: of the task }. It is carried out while the store is at
 *   work: store.stats tells how far it is
 * - store.backup: file who reason; { number, file: its whole path }. FILE ends in .db, is below
 *   the store's own folder unless it begins with a slash, and must not be there
 * - batches.plan: as jobs.list, without after and limit, max; { plan: a hash, total, left_out,
 *   groups: [{ pipeline, node, code, jobs }], more, unclear, because }: the 1000 largest groups; MORE is true
 *   if there are others, else it is left out; UNCLEAR is for how many where is an error
 * - batches.make: as batches.plan, rate ("10/1s") concurrency canary stop_on_failures plan who
 *   reason; a batch
 * - batches.list: limit after; { batches: [...], next }
 * - batches.show: id state limit after; a batch with jobs: [{ job, state, replay, why }], next
 * - batches.pause, batches.resume, batches.cancel: id who reason; a batch
 * - batches.trip: breaker, pipelines: [names]; { paused: how many }: pauses the batches that have
 *   jobs of these pipelines to be replayed, because their peer is away; nobody is told to
 * - pauses.list: nothing; { pauses: [{ pipeline, key, at_ms, who, reason, held }] }
 * - pauses.make, pauses.end: pipeline key who reason; { pipeline, key, paused, held or released:
 *   how many jobs }
 * - store.stats: nothing; { path, schema, file_bytes, jobs: {...}, ... }
 *
 * A job in a list is { id, pipeline, state, reason, attempt, crashes, code, node, message,
 * created_ms, updated_ms, due_ms, key, fingerprint, replay_of, superseded_by, cancelling, edited, order_key, holds };
 * absent parts are left out. jobs.show adds revision, event (as it was stored, decoded), result, attempts
 * (newest first, the 1000 newest): [{ attempt, started_ms, ended_ms, code, node, message, trace
 * }] and steps (oldest first, the first 10000): [{ path, begun, at_ms, until_ms (of
 * a wait that goes on), started_ms (of its latest try), took_ms, tries, effect, code, node, message, output }], and
 * root, the first job with that event, if it is another one. since_ms is compared with created_ms.
 *
 * An incident is { fingerprint, pipeline, node, code, message, first_seen_ms, last_seen_ms,
 * count, sample: the id of the newest job }, of jobs that are dead and were not
 * replayed; the one seen last comes
 * first. An entry of the audit is { at_ms, who, what, job, why, before, after, replay: the new
 * job's id, batch, pipeline, key }.
 *
 * A replay is of a dead, cancelled or discarded job (of a completed one with force: true) that
 * has no replay which is live or completed, nor has a replay of that. who has to be there, and
 * the reason of a discard.
 *
 * A batch replays the jobs that the filter takes when it is made (dead ones, if no state is
 * given), of each event that was replayed the newest job alone, and none that waits in another
 * batch; what is left out so is counted as left_out. It is { id, state, why: it is paused, total,
 * items: { pending, made, completed, dead, cancelled, skipped }, created_ms, updated_ms, ended_ms,
 * rate, concurrency, canary, stop_on_failures, who, reason, plan, filter }. With a PLAN it is made
 * only if the jobs are those of that plan. It is made bit by bit, and batches.make is told when it is:
 * until then it is "making", of the jobs that were there at the beginning. See batch.h.
 *
 * Numbers may be given as text. A parameter that a question does not know is refused: a filter
 * that is written wrong would let everything through. Lists are newest first; AFTER is the NEXT
 * of the answer before (a keyset page). Errors: WEIR_NOT_FOUND (no such job), WEIR_CONFLICT
 * (its state does not allow that: the text says which state it has, and what can be done),
 * WEIR_INVALID (a parameter, named), WEIR_TIMEOUT (more than 5 s of reading).
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

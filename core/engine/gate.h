/* engine/gate.h - how many runs of a pipeline there may be at once, by key, and who waits for that.
 *
 * A gate counts over all shards and outlives generations: its places and the lines before them are
 * in a table of the process (table.h). Whoever leaves a place gives it to the first in line, on
 * whatever shard that is; nobody polls, and nobody overtakes. Jobs that wait in the store have each fourth
 * place, however long the line is.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ENGINE_GATE_H
#define ENGINE_GATE_H

#include "base/list.h"
#include "engine/event.h"
#include "loop/shard.h"
#include "store/jobs.h"

struct gate;

/* One in line. It is made and freed on its shard; the line itself, and GIVEN, belong to the table. */
struct gate_wait {
    struct list link; /* in the line; once it has its place, in the list of those to be told */
    struct list mine; /* its shard's list of all that wait there */
    struct weir_shard *shard;
    struct weir_event *event; /* NULL: it does not want the place any more */
    struct gate *gate;
    uint64_t since_ms;
    uint64_t look_ms; /* when its shard looks whether it waits for too long */
    uint32_t number; /* of who has joined the line of its key: whoever is before it has a smaller one */
    bool given; /* it has its place, and is on its way to hear it */
    struct weir_text key;   /* behind the struct: it outlives the event */
    struct weir_text borrowed; /* the same, in the event's memory */
};

/* The gate of pipeline NAME, which outlives generations; with LIMIT, and KEYED or not, if it is TODAYS, or new. Those in
 * line for whom there is room now get their places. Main thread. */
struct gate *gate_of(const char *name, unsigned limit, bool keyed, bool todays);

/* Pipeline NAME has no limit today. Main thread. */
void gate_lift(const char *name);

enum gate_answer {
    GATE_PLACED,
    GATE_CLOSED,  /* no place, and nobody to wait for one */
    GATE_WAITS,   /* in line now */
    GATE_WAITS_UNSURE, /* the same, and there is no pace to judge by yet how long that takes */
    GATE_TOO_LONG, /* the first in line has waited too long, or who joins it would */
    GATE_NO_ROOM, /* too many keys are in use */
};

/* Takes a place of KEY, if one is free and nobody is in line. Else W, if not NULL, joins the line,
 * unless its first has waited for MAX_MS (0: however long), or W would, at the pace of the line. */
enum gate_answer gate_enter(struct gate *g, struct weir_text key, struct gate_wait *w, uint64_t max_ms);

/* Whether W, which is in line, would wait for another MAX_MS, as it looks by now. */
bool gate_is_behind(struct gate_wait *w, uint64_t max_ms) MUST_USE;

/* Whether nobody has been let in to W's line for MAX_MS. */
bool gate_is_stuck(struct gate_wait *w, uint64_t max_ms) MUST_USE;

/* The key of places that is the same for all. */
#define GATE_ALL TEXT("*")

/* The same for who waits for it elsewhere, and does not overtake jobs that were refused a place before. */
enum gate_answer gate_enter_last(struct gate *g, struct weir_text key);

/* Gives a place back, which is the first one's in line then: he is told. True: it is free, and was refused to a
 * job in the store: whoever leaves tells the store. If RET_KEPT is not NULL the place may be kept for such a job even
 * if somebody is in line, each fourth time: then the caller lets go of it after a while. Any thread. */
bool gate_leave(struct gate *g, struct weir_text key, bool *ret_kept) MUST_USE;

/* A place that was kept need not be kept any more: if it is still free, it is the first one's in line. Any thread. */
void gate_keep_end(struct gate *g, struct weir_text key);

/* The name of its pipeline; lives as long as the process. Any thread. */
const char *gate_name(const struct gate *g);

/* The gates as claims of the store see them: struct claim_gate. Any thread. */
enum enter_answer gate_claim(struct weir_text pipeline, struct weir_text key);
/* The same as gate_leave. */
bool gate_claim_leave(struct weir_text pipeline, struct weir_text key);

/* A ticket for E, which has none yet; KEY lives as long as E. On E's shard. */
struct gate_wait *gate_wait_new(struct weir_event *e, struct gate *g, struct weir_text key);

/* E does not wait any more: W goes now, or passes its place on as soon as it hears of it. */
void gate_wait_end(struct gate_wait **w);

/* How many stand in the lines of all gates. Any thread. */
unsigned gate_waiting(void);

#endif

/* plugin/stage.h - one shard with every plugin that the build made, on which pipelines are
 * played.
 *
 * What an edge would do is done here by hand: an event is offered to the trigger whose route
 * it fits, and what comes back is noted. Nothing listens. All of it is for one thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PLUGIN_STAGE_H
#define PLUGIN_STAGE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first. */
#include <cmocka.h>

#include "engine/engine.h"
#include "plugin/registry.h"

/* A request, and what became of it. */
struct play {
    struct weir_event event;
    struct arena arena;
    unsigned replies; /* how often it was answered */
    unsigned status;
    char *body;    /* with a NUL; "(stream)" for a stream; never NULL after a reply */
    char *headers; /* "Name: value\n" for each, that of the body included */
    bool streamed; /* the end of the stream is still to be told */
    bool released;
    bool settled; /* whoever plays has no more use for it */
};

/* Opens the stage (for a group of tests) and closes it; fails the test if anything is left. */
int stage_open(void **state);
int stage_close(void **state);

/* Adds one more plugin: a shared object, or one that is linked in. Before a stage_load that
 * uses it. */
void stage_add_file(const char *path);
void stage_add(const struct weir_plugin *p);

/* The registry with all plugins. */
const struct registry *stage_registry(void);
/* The shard. */
struct weir_shard *stage_shard(void);

/* Puts pipelines on the stage instead of those before: YAML texts, each of a file of its own,
 * NULL at the end. */
void stage_load(const char *yaml, ...) __attribute__((sentinel));
/* The same for a file. */
void stage_load_file(const char *path);

/* The messages of what is wrong with a pipeline; the caller frees them. Fails if nothing is. */
char *stage_refused(const char *yaml);
/* Fails unless a pipeline, made as by printf, is refused with WHY among what is said. */
void stage_refuses(const char *why, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Offers a request, "POST /path?query": with a JSON body (NULL: none) and headers, "name: value\n"
 * each (NULL: none). The play goes on by stage_turn. */
struct play *stage_begin(const char *line, const char *body, const char *headers);
/* One turn of the loop; waits at most MS. */
void stage_turn(uint64_t ms);
/* Goes on until the event is let go of, at most 10 s. */
void stage_finish(struct play *p);
/* Frees what is over. */
void stage_end(struct play **p);

/* All of it: the request and its end. */
struct play *stage_play(const char *line, const char *body);

/* Fails unless LINE answers BODY with STATUS and the text ANSWER (NULL: any). */
void stage_expect(const char *line, const char *body, unsigned status, const char *answer);

/* A caller that goes away once the run waits for something; nothing of the run is left then. */
void stage_leave(const char *line, const char *body);

/* The value of the first reply header of that name; "" if there is none. Valid until the next.
 */
const char *stage_header(const struct play *p, const char *name);

/* The current value of a series: "name" or "name{labels}", as the exposition has it; -1: none.
 */
double stage_metric(const char *series);

/* What was logged since the last time, as lines of JSON; the caller frees it. */
char *stage_log(void);

#endif

/* engine/generation.h - one whole configuration: pipelines loaded and opened, ready for shards.
 *
 * Made on the main thread; immutable once shards have it, and counted: the main thread frees
 * it when the last shard has let go.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ENGINE_GENERATION_H
#define ENGINE_GENERATION_H

#include "engine/routes.h"
#include "pipeline/load.h"
#include "pipeline/secrets.h"

struct generation;

/* What a generation is made from. */
struct generation_source {
    const char *const *paths; /* files and folders */
    unsigned n_paths;
    struct load_options load;
    const struct routes_port *routes; /* NULL: no routes are made (weir try) */
    const struct older_pipeline *older; /* NULL: all as the files are now */
};

/* A pipeline as it was: it is loaded in place of that of today. */
struct older_pipeline {
    struct weir_text name;
    struct weir_text file;
    struct weir_text text;
};

/* Loads and opens. All that is wrong is in DIAGS; NULL if any of it is an error. Main thread. */
struct generation *generation_new(const struct generation_source *source, struct diags *d);

/* What makes a generation with one pipeline as it was, without routes. Of the others only those are
 * opened that it calls, and what they have of errors by now matters only to whoever calls them. NULL, and why in D. Main thread; set before shards start. */
typedef struct generation *generation_older_fn(void *arg, const struct older_pipeline *older, struct diags *d);
void generation_older_maker(generation_older_fn *make, void *arg);
struct generation *generation_older(const struct older_pipeline *older, struct diags *d);

/* The main thread's shard; NULL: there is none (any more). */
struct weir_shard *generation_keeper_shard(void);

/* Counting, any thread; the last unref closes all nodes and must be on the main thread: others
 * post it there. */
void generation_ref(struct generation *g);
void generation_unref(struct generation **g);

/* The main thread's shard, to which the last unref posts a generation that is to be closed. NULL
 * (the default, and at the end of the process): it is closed where it is let go of. */
void generation_keeper(struct weir_shard *s);

/* Counts from 1 within the process. */
uint64_t generation_number(const struct generation *g);

/* What was loaded; borrowed. */
const struct pipelines *generation_pipelines(const struct generation *g);

/* What it was loaded with, to load another text in the same way; borrowed. Any thread. */
const struct load_options *generation_load(const struct generation *g);

/* The secrets that it was loaded with, to mask them in what is shown; borrowed. */
const struct secrets *generation_secrets(const struct generation *g);

/* The host table that plugins are given. */
const struct weir_host *host_table(void);

/* Where host->setting looks: GET gives the text of KEY, or NULL. Main thread, before plugins are
 * loaded; both arguments have to live as long as they. */
void host_use_settings(const char *(*get)(void *arg, const char *key), void *arg);

#endif

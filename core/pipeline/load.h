/* pipeline/load.h - from YAML files to checked pipelines: the one loader of run, check and
 * reload.
 *
 * Whatever can be found without running is found here, all of it at once; only what a node
 * type's open refuses comes later (engine/generation.h). Main thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PIPELINE_LOAD_H
#define PIPELINE_LOAD_H

#include "pipeline/model.h"
#include "pipeline/require.h"
#include "pipeline/secrets.h"
#include "pipeline/uses.h"

/* What the loader needs besides the files. */
struct load_options {
    const struct registry *registry;
    const struct weir_value *resources; /* the resources: map of weir.yaml; NULL: none */
    const char *const *env_names; /* names that count as set in tests; NULL: the environment */
    struct secrets *secrets;      /* what is set of secrets; NULL: what the environment has */
    const struct require *require; /* what has to be there; looked at by generations alone; NULL: nothing */
    struct uses *uses;            /* what is read is noted there; NULL: nowhere */
    bool have_store;              /* durable pipelines may be loaded */
    bool edge_public;             /* somebody on another machine may reach the edge */
};

/* All pipelines of one load. */
struct pipelines {
    struct pipeline **items; /* in order of file name */
    unsigned n;
    struct map by_name; /* to struct pipeline, borrowed */
};

/* The keys that every node may have, whatever its type. */
extern const struct weir_text common_keys[];
extern const size_t n_common_keys;

/* Finds the pipeline files that PATHS (files and folders) stand for: *.yaml and *.yml, not
 * *.test.yaml, not weir.yaml, folders not descended into hidden ones; sorted, each once. A path
 * that isn't there is a diagnostic. *ret is an array of N malloc'ed names. */
void load_find(const char *const *paths, unsigned n, char ***ret, unsigned *ret_n,
               struct diags *d);
/* The same with tests (*.test.yaml) and settings (weir.yaml): whatever an author writes. */
void load_find_all(const char *const *paths, unsigned n, char ***ret, unsigned *ret_n,
                   struct diags *d);
void load_find_free(char ***files, unsigned n);

/* Loads FILES. Every file that has no error is in the result, also if others have errors;
 * whoever wants all or nothing looks at d->errors. Never fails otherwise. */
void pipelines_load(const char *const *files, unsigned n, const struct load_options *o,
                    struct pipelines *ret, struct diags *d);

/* Loads one pipeline from TEXT that is not in a file of that NAME. NULL if it has errors. Any thread, if O notes no
 * uses. */
struct pipeline *pipeline_load_text(const char *file, struct weir_text text,
                                    const struct load_options *o, struct diags *d);

/* Whether KEY means something in every step, or names a block of some type: then it can't be a
 * type's name. */
bool load_key_taken(const struct registry *r, struct weir_text key);

/* Puts P, which is ALL's then, in the place of the one of its name, if there is one. */
void pipelines_put(struct pipelines *all, struct pipeline *p);

/* Frees all pipelines. */
void pipelines_free(struct pipelines *p);

#endif

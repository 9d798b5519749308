/* pipeline/uses.h - which variables and secrets the pipelines read, and where.
 *
 * Filled while files are loaded (load.h), for what has to be fetched before it can be read, and
 * for telling where a missing one is used. One thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PIPELINE_USES_H
#define PIPELINE_USES_H

#include "base/map.h"
#include "pipeline/diag.h"

enum use_kind { USE_ENV, USE_SECRET };

/* One name. */
struct name_use {
    enum use_kind kind;
    struct weir_text name; /* in KEY */
    char *key;             /* "env.NAME", "secrets.NAME"; owned */
    char *place;           /* "pipelines/a.yaml:3, pipelines/b.yaml:9": three at most; owned */
    unsigned n_places;
};

struct uses {
    struct map by_name; /* "env.NAME", "secrets.NAME" to struct name_use */
};

/* Makes an empty set; frees its content. */
void uses_init(struct uses *u);
void uses_fini(struct uses *u);

/* Notes that NAME is read in FILE at MARK. */
void uses_add(struct uses *u, enum use_kind kind, struct weir_text name, const char *file, struct mark mark);

/* The use of a name; NULL: nobody reads it. Borrowed. */
const struct name_use *uses_get(const struct uses *u, enum use_kind kind, struct weir_text name);

/* Walks over all: *at starts at 0; NULL at the end. */
const struct name_use *uses_next(const struct uses *u, uint32_t *at);

#endif

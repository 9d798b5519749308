/* breaker/breaker.h - the parts of the plugin: see README.md.
 *
 * A breaker is found by its name and lives as long as the process (breaker_names.c); a node is
 * one place in a pipeline that uses it; a seat is a node on one shard.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BREAKER_H
#define BREAKER_H

#include "breaker_state.h"
#include "plugin.h"

#define BREAKER_NAME_MAX 64u
#define BREAKER_STATUSES_MAX 32u

/* A breaker and its name. Until it is handed to breaker_name_close, it stays where it is. */
struct named {
    char name[BREAKER_NAME_MAX + 1];
    struct breaker breaker;
    /* under the lock of the names */
    uint32_t opens;     /* nodes and others that hold it */
    struct node *users; /* nodes that are attached */
};

/* A configured node. */
struct node {
    struct named *named;
    struct breaker_settings settings;
    uint64_t timeout_ms;                     /* 0: none of its own */
    uint32_t block;                          /* do */
    uint32_t fallback;                       /* UINT32_MAX: none */
    uint32_t ignored;                        /* errors that count as success: a bit per code */
    uint16_t statuses[BREAKER_STATUSES_MAX]; /* the same by status */
    uint32_t n_statuses;
    char *pipeline; /* owned, as ID */
    char *id;
    /* under the lock of the names */
    uint64_t serial;   /* of the nodes of a name, the latest one's settings are in force */
    uint32_t attached; /* on how many shards */
    struct node *next; /* user of the name */
};

/* A node on one shard. */
struct seat {
    struct node *node;
    struct weir_shard *shard;
    struct weir_timer
        *timer; /* until it is half-open; NULL: it isn't open, or another seat waits */
};

/* -- breaker_names.c: the breakers of the process -- */

/* Now, on the clock of all breakers: CLOCK_MONOTONIC. [any] */
uint64_t breaker_now_ms(void);

/* The breaker NAME, which is made, with the settings S, if there is none; NULL if there are too
 * many. Main thread. */
struct named *breaker_name_open(struct weir_text name, const struct breaker_settings *s);

/* One less holds it. The breaker stays: a later load finds it as it was. [any] */
void breaker_name_close(struct named *n);

/* A shard has begun, or ceased, to use its breaker by NODE. The settings of the latest node
 * hold. [any] */
void breaker_name_attach(struct node *node);
void breaker_name_detach(struct node *node);

/* Calls FN for each breaker that is used, by name, with the names locked. [any] */
void breaker_names_each(void (*fn)(struct named *n, void *arg), void *arg);

/* The breaker of that name, if it is used; else NULL. Given back by breaker_name_close. [any]
 */
struct named *breaker_name_find(struct weir_text name);

/* The names of the pipelines that use it, 256 at most: a list, owned by the caller. [any] */
const struct weir_value *breaker_name_pipelines(const struct named *n);

/* -- breaker_tell.c: what others hear of it -- */

/* Logs and publishes a change of state that was made on SHARD, if one was; PIPELINE: whose call
 * made it; NULL: an operator. */
void breaker_tell(struct weir_shard *shard, const struct named *n,
                  const struct breaker_change *change, const char *pipeline);

/* Adds to a map. */
void breaker_put_int(struct weir_builder *map, struct weir_text key, uint64_t i);
void breaker_put_text(struct weir_builder *map, struct weir_text key, const char *text);
void breaker_put_double(struct weir_builder *map, struct weir_text key, double d);

/* Adds a time as ISO 8601 in UTC; WALL_MS counts since 1970. */
void breaker_put_time(struct weir_builder *map, struct weir_text key, uint64_t wall_ms);

/* The metrics of all breakers; called once a process. */
void breaker_metrics(void);

/* -- breaker_admin.c: the collection "breakers" -- */

void breaker_ask(struct weir_question *q);

/* -- breaker_open.c: from the configuration to a node -- */

uint32_t breaker_open(struct weir_open *open, const struct weir_value *config, void **ret_conf,
                      struct weir_error *err);
void breaker_close(void *conf);

/* Whether an error of the node's steps counts as success. */
bool breaker_ignores(const struct node *node, const struct weir_error *err);

/* The name of a code as authors write it, in ROOM. */
struct weir_text breaker_code_name(uint32_t code, char room[32]);

/* The HTTP status of an error: its own, or that of its code. */
uint32_t breaker_status_of(const struct weir_error *err);

#endif

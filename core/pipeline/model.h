/* pipeline/model.h - a pipeline after it was read and checked: a tree of blocks and nodes.
 *
 * Made by pipeline/load.h, never changed after that: any thread may read it. All memory
 * belongs to the struct pipeline.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PIPELINE_MODEL_H
#define PIPELINE_MODEL_H

#include "pipeline/marks.h"
#include "pipeline/part.h"
#include "plugin/registry.h"

struct block;
struct pipeline;

/* retry: of a node. */
struct retry_policy {
    unsigned attempts;   /* counts the first; 1: none */
    uint64_t timeout_ms; /* of one attempt; 0: none */
    bool exponential;
    uint64_t initial_ms;
    uint64_t max_ms;
    bool jitter;        /* full jitter: 0 to the pause */
    uint32_t codes;     /* bit 1 << enum weir_code: retried; 0: every code that is marked later;
                           bit 0 alone: none of them, only statuses */
    unsigned *statuses; /* HTTP statuses that are retried besides */
    unsigned n_statuses;
};

/* Attempts of a whole job. */
struct job_retry {
    struct retry_policy policy;
    uint64_t *schedule_ms; /* the pauses one after another; NULL: those of the policy */
    unsigned n_schedule;
};

/* A child block as the author wrote it. */
struct child {
    const char *path;                   /* "cases/llama", "do", "uses/crm" */
    const struct weir_block_type *type; /* NULL for uses */
    struct block *block;
    const char **keys; /* what stands beside it: "when" */
    struct part **parts;
    unsigned n_keys;
};

struct node {
    const char *id;
    bool id_given;  /* by the author; else derived from the place */
    unsigned index; /* within the pipeline, in order of the text */
    const struct node_type *type;
    struct mark mark;       /* of the type key */
    struct expr *condition; /* if: NULL: none */
    const char *condition_text; /* as its author wrote it, in ${ } */
    uint64_t timeout_ms;    /* 0: none */
    struct retry_policy retry;
    bool effect_given;
    uint32_t effect;                       /* enum weir_effect; if it was given */
    struct part *config;                   /* what is evaluated */
    const struct weir_value *config_value; /* with defaults; expressions carry VALUE_DYNAMIC */
    struct block *catch;                   /* NULL: none */
    struct child *children;
    unsigned n_children;
    const struct block *in;
    struct pipeline *pipeline;
};

struct block {
    struct node **nodes;
    unsigned n;
    const struct node *owner;           /* NULL: a top block */
    const struct block *outer;          /* the block of the owner; NULL: a top block */
    const struct weir_block_type *type; /* NULL: top blocks, catch, uses */
    struct weir_text *names;            /* of the variables that it brings into scope */
    unsigned n_names;
    unsigned depth;
};

struct trigger {
    const struct trigger_type *type;
    struct mark mark;
    struct part *config;
    const struct weir_value *config_value;
    struct pipeline *pipeline;
    unsigned index; /* within the pipeline */
};

enum respond { RESPOND_RESULT, RESPOND_ACCEPTED };
enum durable { DURABLE_NO, DURABLE_YES, DURABLE_STEPS };
enum when_full { WHEN_FULL_QUEUE, WHEN_FULL_REJECT };

/* How long jobs of a pipeline are kept, by how they ended; 0: as the store's settings say. */
struct retention_times {
    uint64_t completed_ms;
    uint64_t cancelled_ms;
    uint64_t dead_ms;
    uint64_t payloads_ms; /* what they hold; 0: as long as themselves */
};

struct pipeline {
    struct arena arena; /* holds all of the model but counted values and compiled parts */
    const char *name;
    const char *description;
    const char *file;
    const char *text;  /* of the file, for messages */
    char revision[17]; /* 16 hex digits of the SHA-256 of the file's text */
    struct trigger **triggers;
    unsigned n_triggers;
    enum respond respond;
    enum durable durable;
    bool keep_failed;
    bool waits;                   /* some node of it does: WEIR_WAITS */
    uint64_t timeout_ms;          /* 0: none */
    unsigned concurrency;         /* runs at once in the process; 0: no limit */
    struct part *concurrency_key; /* NULL: one for the pipeline */
    enum when_full when_full;
    struct part *idempotency; /* its key; NULL: none */
    bool idempotency_refuse;  /* while_running: refuse */
    uint64_t idempotency_ttl_ms;
    struct part *idempotency_store; /* memory, or the URL of a Redis; NULL: memory */
    bool idempotency_closed;        /* on_store_error: closed */
    struct part *order_by;              /* NULL: none */
    bool order_hold;                    /* on_dead: hold */
    const struct job_retry *job_retry;  /* NULL: a failed attempt is final */
    struct retention_times retention;
    const struct weir_value *mask;      /* what is marked as secret in its events: a list of texts; NULL: nothing */
    struct marks *marks;                /* the same, read; NULL: nothing */
    const struct weir_value *vars;      /* a map */
    const char **tags;
    unsigned n_tags;
    struct block *steps;
    struct block *catch;   /* NULL: none */
    struct block *finally; /* NULL: none */
    struct node **nodes;   /* by index */
    unsigned n_nodes;
    struct map ids;      /* id to struct node, borrowed */
    struct owned *owned; /* internal: what has to be freed besides the arena */
};

/* What running N twice means: what its author says, else the worst of what its type says and of
 * the steps in its blocks (a handler in catch: does not count: it runs when all attempts are
 * over). Any thread. */
enum weir_effect node_effect(const struct node *n);

/* Whether each step of a durable run of P is recorded. */
static inline bool
pipeline_records(const struct pipeline *p)
{
    return p->durable == DURABLE_STEPS || p->waits;
}

/* The node of that id; NULL if there is none. */
const struct node *pipeline_node(const struct pipeline *p, struct weir_text id);

/* The line number LINE, from 1, of the text whose mark is MARK, if that is a block of lines (|); else
 * MARK. */
struct mark pipeline_line_mark(const struct pipeline *p, struct mark mark, int64_t line);

/* Adds a diagnostic about a place in the pipeline's file, with its source line. HINT may be
 * NULL. */
void pipeline_diag(const struct pipeline *p, struct mark mark, struct diags *d,
                   enum diag_code code, const char *hint, const char *fmt, ...) PRINTF(6, 7);

/* Whether a name may stand for a pipeline: [a-z][a-z0-9_-]{0,63}; for a node's id the same
 * without '-'. */
bool pipeline_name_valid(struct weir_text name);
bool node_id_valid(struct weir_text id);

/* Frees; NULL is accepted and left. */
void pipeline_free(struct pipeline **p);

#endif

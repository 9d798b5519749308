/* pipeline/loading.h - what the files of the loader share: one file while it is being loaded.
 *
 * First the tree of blocks and nodes is made (load_*.c, config_*.c). Every template and
 * expression is noted as a site of its node. Then the names in all sites are checked
 * (names.c), since a step may be used before or behind the place where it stands; at last
 * comes advice (advice.c).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PIPELINE_LOADING_H
#define PIPELINE_LOADING_H

#include "pipeline/load.h"
#include "pipeline/yaml.h"

#define LOAD_MAX_DEPTH 32u
#define LOAD_MAX_NODES 10000u

/* One template, and where its text stands. */
struct site {
    struct site *next;
    const struct yaml_node *yaml;
    const struct part *part;
};

struct sites {
    struct site *first;
    struct site **end; /* NULL: empty */
};

/* A node while it is loaded. */
struct draft {
    struct node *node;
    const struct yaml_node *yaml;
    const struct yaml_node *key; /* its type */
    const struct yaml_node *id;  /* the author's; NULL: none */
    const char *place;           /* "steps_2_cases_llama_0" */
    struct sites sites;
};

struct resource_uses; /* resources.h */

struct loading {
    const struct load_options *options;
    struct resource_uses *uses; /* of all files of the load */
    struct diags *d;
    struct yaml *yaml;
    struct pipeline *p;
    struct draft **drafts; /* by the node's index; the array is malloc'ed */
    unsigned room;
    struct sites *sites;        /* where new ones go */
    struct sites trigger_sites; /* see vars, env and secrets only */
    struct sites run_sites;     /* see the event besides: concurrency, idempotency, order_by, x-weir-event */
    unsigned errors;            /* in D, of other files */
    bool too_many;              /* was said */
};

/* Adds a diagnostic at N's mark, or at MARK. HINT may be NULL. */
void load_say(struct loading *l, const struct yaml_node *n, enum diag_code code,
              const char *hint, const char *fmt, ...) PRINTF(5, 6);
void load_say_at(struct loading *l, struct mark mark, enum diag_code code, const char *hint,
                 const char *fmt, ...) PRINTF(5, 6);

/* A text in a static table: TEXT is no constant there. */
#define WORD(literal)                   \
    {                                   \
        "" literal, sizeof(literal) - 1 \
    }

/* A text of an author in a message, cut to 60 characters: printf's "%.*s" with CLIP(text). */
int clip_len(struct weir_text text);
#define CLIP(text) clip_len(text), (text).bytes

/* Notes a template of the node at hand. */
void load_site(struct loading *l, const struct yaml_node *n, const struct part *part);

/* "; did you mean 'x'?" or the like in RET, which may stay empty: the name nearest to TEXT. */
void hint_nearest(struct weir_text text, const struct weir_text *names, size_t n, char *ret,
                  size_t room);

/* Reads what stands at the top of the file into l->p. */
void load_top(struct loading *l);

/* Loads a list of nodes into B, whose other members are set. PLACE: "steps". KEY is the key
 * that the list stands under. */
void load_nodes(struct loading *l, struct block *b, const struct yaml_node *key,
                const struct yaml_node *list, const char *place);

/* A new, empty block below OWNER (NULL: a top block); NULL and a diagnostic at KEY if it is
 * too deep. */
struct block *load_block(struct loading *l, const struct node *owner,
                         const struct weir_block_type *type, const struct yaml_node *key);

/* Loads one node into the end of B. */
void load_node(struct loading *l, struct block *b, const struct yaml_node *yaml,
               const char *place);

/* Appends "_NAME" to the place IN. */
void load_place(char *ret, size_t room, const char *in, struct weir_text name);

/* Loads the child blocks, lent nodes and catch of D's node, in order of the text. */
void load_children(struct loading *l, struct draft *d);

/* Whether KEY stands for a child block of the type. */
bool is_block_key(const struct node_type *type, struct weir_text key);

/* Loads if, timeout, retry and effect of D's node. */
void load_common(struct loading *l, struct draft *d);

/* Whether KEY is one that every node may have. */
bool is_common_key(struct weir_text key);

/* Gives every node its id: the author's, or one made from its place. */
void load_ids(struct loading *l);

/* Loads trigger:. */
void load_triggers(struct loading *l, const struct yaml_node *key,
                   const struct yaml_node *value);

/* Loads mask:. */
void load_mask(struct loading *l, const struct yaml_node *key, const struct yaml_node *n);

/* Warns of keys that show what mask: hides. */
void mask_advise(struct loading *l);

/* Compiles a text that stands outside of any schema: an expression or a constant. */
struct part *load_expression(struct loading *l, const struct yaml_node *n);

/* Reads scalars; false and a diagnostic if they are none. WHAT names the key. */
bool load_duration(struct loading *l, const struct yaml_node *n, const char *what,
                   uint64_t *ret_ms);
bool load_bool(struct loading *l, const struct yaml_node *n, const char *what, bool *ret);
bool load_count(struct loading *l, const struct yaml_node *n, const char *what, unsigned max,
                unsigned *ret);
bool load_text(struct loading *l, const struct yaml_node *n, const char *what,
               struct weir_text *ret);
/* One of the words of CHOICES, which are separated by '|'; its index. */
bool load_choice(struct loading *l, const struct yaml_node *n, const char *what,
                 const char *choices, unsigned *ret);

/* Checks that N is a map with no other keys than those of KEYS (separated by '|'). */
bool load_map(struct loading *l, const struct yaml_node *n, const char *what, const char *keys);

/* Reads retry: into RET; false and diagnostics if it is wrong. JOB: that of the pipeline,
 * which may have a schedule. */
bool load_retry(struct loading *l, const struct yaml_node *n, bool job,
                struct retry_policy *ret);

/* Checks the names in all expressions. */
void names_check(struct loading *l);

/* Adds advice and checks of single types. */
void advice_check(struct loading *l);

#endif

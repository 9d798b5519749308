/* author/n8n_impl.h - what the files of the importer share: the graph of a workflow, and the
 * pipelines that are made of it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AUTHOR_N8N_IMPL_H
#define AUTHOR_N8N_IMPL_H

#include "author/js.h"
#include "author/n8n.h"
#include "author/out.h"
#include "base/map.h"

#define N8N_NODES 2000u
#define N8N_EDGES 20000u
#define N8N_OUTPUTS 64u
#define N8N_DEPTH 24u /* blocks in each other; the loader of pipelines takes some more */
#define N8N_PIPELINES 20u
#define N8N_STEPS 4000u /* of one pipeline: paths that meet again may be written twice */

struct n8n_edge {
    struct n8n_edge *next;
    struct n8n_node *to;
    unsigned input;
};

/* How a node fared; the worst counts. */
enum n8n_fate { FATE_NONE, FATE_DROPPED, FATE_MAPPED, FATE_PARTLY, FATE_TODO };

/* A node of the workflow. */
struct n8n_node {
    struct n8n_node *next; /* in order of the file */
    struct weir_text name;
    struct weir_text type; /* without "n8n-nodes-base."; whole for other packages */
    struct weir_text full_type;
    double version;
    const struct weir_value *value;  /* all of it; borrowed */
    const struct weir_value *params; /* a map */
    struct n8n_edge *outs[N8N_OUTPUTS];
    unsigned n_outs; /* outputs that may have edges */
    unsigned n_ins;
    bool trigger;
    bool sub; /* a part of another node (a tool, a model): it is no step */
    enum n8n_fate fate;
    /* of the walk */
    unsigned number;
    unsigned color;         /* of the search for loops: 0 new, 1 on the path, 2 done */
    struct n8n_node *after; /* where all ways from it meet again; NULL: nowhere */
    unsigned depth;         /* in the tree of these */
    unsigned open;          /* it is on the way that is being written */
    struct made *made;      /* the last step that was made of it */
};

enum sight_kind { SEEN, SEEN_MAYBE, SEEN_NOT };

/* A step that was written. */
struct made {
    struct made *before; /* of the same node */
    struct n8n_node *node;
    struct js_base base; /* its data, as an expression */
    enum sight_kind sight;
};

struct todo {
    struct todo *next;
    struct weir_text pipeline, step, node, type;
    const char *why;
};

/* The import of a workflow. */
struct n8n {
    struct arena arena;
    const struct weir_value *workflow; /* owned */
    struct weir_text name;
    struct n8n_node *first; /* nodes */
    unsigned n_nodes;
    unsigned n_edges;
    struct map by_name;
    struct map by_id;
    struct map ids;      /* names of steps of the pipeline at hand */
    struct map names;    /* names of pipelines */
    struct made **steps; /* of the pipeline at hand, in order; from the arena, N8N_STEPS */
    unsigned n_steps;
    struct weir_text pipeline; /* its name */
    bool has_trigger;          /* the event of a webhook or the like starts it */
    struct todo *todos, **todos_end;
    struct todo *notes, **notes_end;
    unsigned expressions, expressions_todo;
    unsigned conditions; /* that were missing */
    bool waits;          /* the pipeline at hand has a wait */
    struct js_names js;  /* of the step at hand */
    struct n8n_node *at; /* its node */
    struct map routes;   /* methods and paths of the webhooks that were written */
};

/* A step while it is written. */
struct step {
    struct n8n *w;
    struct n8n_node *node;
    struct out *list;  /* where it goes */
    struct js_base in; /* $json of it */
    struct out *map;   /* made by step_begin */
    struct weir_text id;
    bool skipped;        /* it has no step of its own: its data is that of the one before */
    struct js_base data; /* what it gives */
};

/* -- n8n_read.c -- */

/* Reads the graph of w->workflow. False and ERR if it is none. */
bool n8n_read(struct n8n *w, struct weir_error *err);

/* The node of that name, or id; NULL. */
struct n8n_node *n8n_find(const struct n8n *w, struct weir_text name);

/* A parameter by a path such as "options/response/fullResponse"; NULL if absent. Its text,
 * empty if it is none; whether it is true. */
const struct weir_value *param(const struct n8n_node *n, const char *path);
struct weir_text param_text(const struct n8n_node *n, const char *path);
bool param_true(const struct n8n_node *n, const char *path);
/* Whether a text parameter is VALUE; FALLBACK counts if it is left out. */
bool param_is(const struct n8n_node *n, const char *path, const char *value,
              const char *fallback);

/* A name for a step or pipeline made of TEXT: lower case, digits, '_', and not in TAKEN, to
 * which it is added. */
struct weir_text n8n_name(struct n8n *w, struct map *taken, struct weir_text text,
                          const char *fallback);

/* -- n8n_report.c -- */

/* Notes that something of NODE has to be done by hand (STEP: where), or is not quite the same.
 */
void n8n_todo(struct n8n *w, struct n8n_node *node, struct weir_text step, const char *why);
void n8n_note(struct n8n *w, struct n8n_node *node, const char *why);
void n8n_fate(struct n8n_node *node, enum n8n_fate fate);
/* Notes of an expression of the step at hand that WHAT, a constant, may differ: as js_names has it. ARG is
 * the struct n8n. */
void n8n_differs(void *arg, const char *what);
const struct weir_value *n8n_report(struct n8n *w, const struct weir_value **take_pipelines);

/* -- n8n_joins.c -- */

/* Finds where the ways from each node meet again. */
void n8n_joins(struct n8n *w);

/* Where all of the ways behind EDGES meet; NULL: nowhere. */
struct n8n_node *n8n_join(const struct n8n_edge *edges);

/* Whether N goes through items one by one; its output that goes on when it is over. */
bool n8n_is_loop(const struct n8n_node *n);
unsigned n8n_done_output(const struct n8n_node *n);

/* Whether the flow may end at N although other ways go on. */
bool n8n_may_end(const struct n8n_node *n);

/* Remembers what became of a node, for expressions that name it. */
void n8n_remember(struct n8n *w, struct n8n_node *n, struct js_base data);

/* The steps from number FROM on are seen no better than SIGHT from now on. */
void n8n_hide(struct n8n *w, unsigned from, enum sight_kind sight);

/* The data of a step that was written and can be seen, as js.h wants it. ARG is the struct n8n.
 */
bool n8n_data(void *arg, struct weir_text name, struct js_base *ret);

/* -- n8n_walk.c -- */

/* A row of steps while it is written, and where it ends. */
struct way {
    struct n8n *w;
    const struct way *outer;
    const struct n8n_node *stop; /* NULL: at the end */
    unsigned depth;
};

/* Blocks of a step while they are written. */
struct lanes {
    unsigned n;
    unsigned bodies; /* of them end with the answer of an http step */
};

/* Writes the steps behind EDGES into LIST. IN: what $json of the first is. Returns what that of
 * the next one would be. */
struct js_base n8n_walk(const struct way *way, const struct n8n_edge *edges, struct out *list,
                        struct js_base in);

/* Writes the block behind EDGES, up to JOIN, into LIST; its steps may have been passed over for
 * what follows. */
void n8n_lane(const struct way *way, const struct n8n_edge *edges, const struct n8n_node *join,
              struct out *list, struct js_base in, struct lanes *lanes);

/* What flows on behind blocks: the last output of the one that ran. */
struct js_base n8n_behind(const struct lanes *lanes);

/* An edge to JOIN alone; NULL if JOIN is. */
const struct n8n_edge *n8n_edge_to(struct n8n *w, struct n8n_node *join);

/* -- n8n_blocks.c -- */

/* Each writes its step with its blocks, tells in *EDGES where the flow goes on, and returns
 * what flows there. Of the last one the step was written already. */
struct js_base n8n_if(const struct way *way, struct step *s, const struct n8n_edge **edges);
struct js_base n8n_switch(const struct way *way, struct step *s, const struct n8n_edge **edges);
struct js_base n8n_loop(const struct way *way, struct step *s, const struct n8n_edge **edges);
struct js_base n8n_split(const struct way *way, struct step *s, const struct n8n_edge **edges);
struct js_base n8n_with_errors(const struct way *way, struct step *s,
                               const struct n8n_edge **edges);

/* -- n8n_step.c -- */

/* Begins a step of S->node under a name made of its name; adds it to its list. */
struct out *step_begin(struct step *s);
/* The same of a step that is not the node's own, without an id. */
struct out *step_extra(struct step *s);

/* Sets KEY of MAP to VALUE, a parameter with expressions; nothing if it is NULL. */
void step_set(struct step *s, struct out *map, const char *key, const struct weir_value *value);
/* The scalar of a text with expressions; what fails is noted. */
struct out *step_text(struct step *s, struct weir_text text);
/* A whole parameter with the expressions of its texts. JSON texts of n8n are read as such. */
struct out *step_value(struct step *s, const struct weir_value *value);
struct out *step_json(struct step *s, struct weir_text text);
/* So many milliseconds, as 5s. */
struct out *step_duration(struct step *s, long long ms);
/* An expression in ${ }. */
struct out *step_expression(struct step *s, const char *expression);
/* A parameter, or a text, as an operand of an expression; a failing one, after noting it, if
 * need be. NUMBER: a constant text is a number, if it looks like one. */
const char *step_operand(struct step *s, const struct weir_value *value, bool number);
const char *step_operand_text(struct step *s, struct weir_text text);

/* Marks a step that was written as one with something to be done. */
void step_note_todo(struct step *s, struct out *step, const char *why);

/* Writes a step that fails, with the node's parameters in a comment. */
void step_todo(struct step *s, const char *why);
/* The same for what is not the node's fault: a jump, too many steps. */
void step_jump(struct n8n *w, struct out *list, struct n8n_node *to, const char *why);

/* printf into the arena. */
const char *n8n_printf(struct n8n *w, const char *fmt, ...) PRINTF(2, 3);

/* -- n8n_nodes.c -- */

/* Writes the step of a node without branches. */
void n8n_node_step(struct step *s);

/* Writes a trigger into TRIGGERS, if it has a counterpart, and what it says of answers into
 * PIPELINE, as what is to be done by hand: n8n_trigger.c. Returns its data. */
struct js_base n8n_trigger(struct n8n *w, struct n8n_node *node, struct out *triggers,
                           struct out *pipeline);

/* http and respondToWebhook: n8n_http.c. */
void n8n_http(struct step *s);
void n8n_respond(struct step *s);

/* The condition of the conditions of an if, a filter or a rule of a switch: n8n_if.c. */
const char *n8n_condition(struct step *s, const struct weir_value *conditions,
                          const char *combine);

/* A compared with B as OPERATION of n8n says; TYPE: "string", "number", "boolean", "dateTime",
 * "array", "object" or empty. A or B may be NULL. */
const char *n8n_compare(struct step *s, const struct weir_value *a, const struct weir_value *b,
                        struct weir_text operation, struct weir_text type);

#endif

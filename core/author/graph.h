/* author/graph.h - weir graph: a pipeline as a drawing, and the way that a job took through it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AUTHOR_GRAPH_H
#define AUTHOR_GRAPH_H

#include "pipeline/model.h"

/* What is known of a step of a job. */
enum step_mark {
    STEP_NOT_REACHED,
    STEP_DONE,
    STEP_FAILED,
    STEP_INSIDE, /* it went into one of its blocks */
    STEP_BEGUN,  /* its end is not known */
    STEP_WAITS,  /* for a time or a callback */
    STEP_MARKS
};

/* Tells the mark of a step by its id, which may be one that is derived from its place. */
struct graph_marks {
    enum step_mark (*mark)(void *arg, struct weir_text id);
    void *arg;
};

#define GRAPH_ROOM (64u << 20)

enum graph_format { GRAPH_TEXT, GRAPH_MERMAID, GRAPH_DOT, GRAPH_SVG };

/* Appends the drawing of P to OUT. MARKS: the way of a job; NULL: none. COLOUR: the text has
 * ANSI colours. OUT has to have room for GRAPH_ROOM bytes: more than the largest pipeline
 * takes. Any thread. */
void graph_draw(const struct pipeline *p, enum graph_format format,
                const struct graph_marks *marks, bool colour, struct buf *out);

/* A mark in a word or some, as a sign in texts, and as an ANSI colour such as "31". */
const char *mark_word(enum step_mark mark);
char mark_sign(enum step_mark mark);
const char *mark_paint(enum step_mark mark);

/* The format of a name such as "svg"; -1 if there is none. */
int graph_format_find(const char *name);

#endif

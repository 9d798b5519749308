/* author/picture.h - a pipeline as boxes that hold lanes of boxes: what every drawing starts
 * from.
 *
 * One thread; all memory belongs to the picture, which must not outlive its pipeline.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AUTHOR_PICTURE_H
#define AUTHOR_PICTURE_H

#include "author/graph.h"

/* A row of steps that is run in order: a block of the file. */
struct lane {
    struct lane *next;
    struct weir_text label;     /* "do", "llama", "when ${ ... }" */
    bool handler;               /* a catch */
    bool many;                  /* it may run many times */
    bool always;                /* it runs whenever its step does */
    struct box *first;          /* NULL: it is empty */
    double x, y, width, height; /* where it is drawn */
};

/* A step, or a trigger. */
struct box {
    struct box *next;
    unsigned number;     /* counts from 0, triggers too */
    struct weir_text id; /* the author's; empty: none */
    struct weir_text type;
    struct weir_text detail;    /* what the short form of its type holds; may be empty */
    struct weir_text condition; /* of if:, in ${ }; empty: none */
    struct weir_text limits;    /* "timeout 5s, 3 attempts"; may be empty */
    enum step_mark mark;
    bool skippable; /* it may go on without any of its lanes */
    struct lane *lanes;
    double x, y, width, height;
};

struct picture {
    struct arena arena;
    const struct pipeline *pipeline; /* borrowed */
    struct box *triggers;
    struct lane *steps;
    struct lane *catch;   /* NULL: none */
    struct lane *finally; /* NULL: none */
    unsigned boxes;
    bool marked; /* the way of a job is drawn */
};

/* Makes the picture of P; MARKS as graph_draw. */
struct picture *picture_new(const struct pipeline *p, const struct graph_marks *marks);

/* Frees; NULL is accepted and left. */
void picture_free(struct picture **p);

/* Draw it; see graph.h. */
void graph_text(const struct picture *p, bool colour, struct buf *out);
void graph_mermaid(const struct picture *p, struct buf *out);
void graph_dot(const struct picture *p, struct buf *out);
void graph_svg(struct picture *p, struct buf *out);

#endif

/* author/layout.h - a YAML text with all that its author wrote: comments, blank lines,
 * brackets, anchors, quotes.
 *
 * Made of the tokens and of what stands between them; fmt.c writes it anew. All texts lie in
 * the source; all memory belongs to the layout. One thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AUTHOR_LAYOUT_H
#define AUTHOR_LAYOUT_H

#include "pipeline/yaml.h"

/* A comment from its '#' to the end of its line. */
struct comment {
    struct comment *next;
    struct weir_text text;
    unsigned column; /* from 0 */
    bool blank;      /* an empty line stands before it */
};

struct comments {
    struct comment *first;
    struct comment *last;
};

enum piece_kind { PIECE_MAP, PIECE_LIST, PIECE_SCALAR, PIECE_ALIAS };

/* A scalar, an alias, a list or a map, wherever it stands. */
struct piece {
    enum piece_kind kind;
    enum yaml_style style;   /* of a scalar */
    bool flow;               /* a list or map in brackets */
    bool pair;               /* a map of one member in a list, without its braces */
    bool open;               /* the bracket is the last of its line */
    struct weir_text anchor; /* with its '&'; empty: none */
    struct weir_text text;   /* a scalar with its quotes, an alias with its star; the lines of a
                                block scalar; empty: left out */
    struct weir_text header; /* of a block scalar: "|-" */
    size_t indent;       /* of a block scalar: blanks before its lines; SIZE_MAX: it has none */
    struct entry *first; /* of a list or map */
    struct comment *same;  /* behind the key or the dash, before the value; NULL: none */
    struct comments lead;  /* lines between the key and a value that is no block */
    struct comment *after; /* on the line on which it ends */
    struct comments tail;  /* behind the last entry */
};

/* A member of a map, an item of a list. */
struct entry {
    struct entry *next;
    struct piece *key; /* NULL in lists */
    struct piece *value;
    struct comments before;
    bool blank; /* an empty line stands before it, behind the comments */
    bool line;  /* in brackets: it begins a line */
};

struct layout {
    struct arena arena;
    struct piece *root;   /* NULL: nothing but comments */
    struct comments tail; /* behind the root */
    unsigned comments;    /* in all */
};

/* The layout of what yaml_read accepted; Y must outlive it. NULL if the text has a form that is
 * not known here (a key of several lines). */
struct layout *layout_read(const struct yaml *y);

/* Frees; NULL is accepted and left. */
void layout_free(struct layout **l);

#endif

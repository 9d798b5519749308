/* author/out.h - a YAML text in the making: maps, lists and scalars with comments.
 *
 * Scalars are quoted where they have to be. All memory belongs to the arena; one thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AUTHOR_OUT_H
#define AUTHOR_OUT_H

#include "base/arena.h"
#include "base/buf.h"
#include "value/value.h"

/* A line of comment. */
struct out_line {
    struct out_line *next;
    struct weir_text text; /* without the '#' */
};

enum out_kind { OUT_TEXT, OUT_PLAIN, OUT_LINES, OUT_LIST, OUT_MAP };

/* A value, and its place in the list or map that holds it. */
struct out {
    enum out_kind kind;
    struct weir_text text;     /* of a scalar */
    struct weir_text key;      /* in a map */
    struct out_line *comments; /* above it */
    struct out *first, *last, *next;
};

/* A string; a scalar that is written as it is (a number, true, null); a text in lines of its
 * own behind '|'. What YAML has no place for becomes '?'. TEXT is copied. */
struct out *out_text(struct arena *a, struct weir_text text);
struct out *out_plain(struct arena *a, const char *text);
struct out *out_lines(struct arena *a, struct weir_text text);

/* An empty list or map. */
struct out *out_list(struct arena *a);
struct out *out_map(struct arena *a);

/* Whatever V holds; bytes and streams become null. EDIT, if not NULL, makes the scalar of each
 * string. */
struct out *out_value(struct arena *a, const struct weir_value *v,
                      struct out *(*edit)(void *arg, struct weir_text text), void *arg);

/* Puts CHILD at the end of LIST, or under KEY (copied; one that is there is replaced) of MAP.
 * Both return CHILD. */
struct out *out_add(struct out *list, struct out *child);
struct out *out_set(struct arena *a, struct out *map, struct weir_text key, struct out *child);

/* The child under KEY; NULL if there is none. */
struct out *out_get(const struct out *map, const char *key);

/* Puts a comment above O, below those that it has; line breaks in TEXT begin new lines. */
void out_comment(struct arena *a, struct out *o, struct weir_text text);

/* Appends O, a map, as a file. False if it does not fit. */
bool out_write(const struct out *o, struct buf *ret);

#endif

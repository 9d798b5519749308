/* pipeline/yaml.h - a YAML file as a tree in which every node knows its place in the text.
 *
 * YAML 1.2, core schema, one document. Refused: duplicate keys, tags, <<, keys that are not
 * scalars, directives, .nan, .inf, tabs in the indentation, control characters, what is not
 * UTF-8. At most 1 MiB, 100,000 nodes (aliases count each time they are used), 128 levels.
 * libfyaml parses; size, encoding, control characters and tabs are checked before it sees the
 * text. CR LF ends a line as LF does; a single CR is refused. One thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PIPELINE_YAML_H
#define PIPELINE_YAML_H

#include "pipeline/diag.h"

#define YAML_MAX (1u << 20)
#define YAML_MAX_NODES 100000u
#define YAML_MAX_DEPTH 128u

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };
enum yaml_style { YAML_PLAIN, YAML_SINGLE, YAML_DOUBLE, YAML_LITERAL, YAML_FOLDED, YAML_MADE };

struct yaml_node {
    enum yaml_kind kind;
    enum yaml_style style;   /* of a scalar; YAML_MADE: not from the text (a default) */
    struct mark mark;        /* of the scalar with its quotes; of the first key or item, or of
                                the bracket; of the key if the value is left out */
    struct weir_text text;   /* of a scalar, decoded */
    struct weir_value value; /* of a scalar: what it stands for; lent, see value_box */
    size_t start;            /* of a scalar: its bytes in the source, without quotes */
    size_t end;
    struct yaml_node **keys;  /* of a map: scalars */
    struct yaml_node **items; /* of a list or map */
    unsigned n;
    unsigned weight; /* nodes in it, itself included */
    unsigned height; /* levels, 1 for a scalar */
};

/* A file that was read. */
struct yaml {
    struct arena arena;
    const char *file;
    struct weir_text text; /* the source, LF line ends, without a byte order mark */
    size_t *lines;         /* offset of each line's first byte */
    unsigned n_lines;
    struct yaml_node *root; /* NULL: nothing but comments */
    struct {                /* where the last look-up ended: places come in rising order */
        size_t offset;
        unsigned line, column;
    } seen;
    struct {
        const struct yaml_node *node;
        size_t decoded, raw;
    } walked;
};

/* Reads TEXT, which is copied. NULL if it has errors; they are in D. */
struct yaml *yaml_read(const char *file, struct weir_text text, struct diags *d);

/* Frees; NULL is accepted and left. */
void yaml_free(struct yaml **y);

/* The value of a key of a map, or the key itself; NULL if absent or N is NULL or no map. */
struct yaml_node *yaml_get(const struct yaml_node *n, const char *key);
struct yaml_node *yaml_key(const struct yaml_node *n, const char *key);
/* The value of a key that is no C string. */
struct yaml_node *yaml_find(const struct yaml_node *n, struct weir_text key);

/* Whether N is null: left out, null or ~. */
bool yaml_is_null(const struct yaml_node *n);

/* Whether N is a scalar that stands for a string. */
bool yaml_is_string(const struct yaml_node *n);

/* "a list", "a map", "a string", "a number", "true or false", "nothing": for messages. */
const char *yaml_kind_name(const struct yaml_node *n);

/* N with all in it as a counted value, owned by the caller. */
const struct weir_value *yaml_value(const struct yaml_node *n);

/* Where LEN decoded bytes from OFFSET of the scalar N stand in the source, whatever its
 * quotes, escapes and folds. A node that is not from the text has its mark alone. */
struct mark yaml_place(struct yaml *y, const struct yaml_node *n, size_t offset, size_t len);

/* The mark of source bytes; a range that goes over a line's end is cut there. */
struct mark yaml_mark(struct yaml *y, size_t start, size_t end);

/* The source line of that number (from 1), ended by LF or NUL; NULL if there is none. */
const char *yaml_line(const struct yaml *y, unsigned line);

/* Writes the line with quotes around the bare expressions that YAML would cut or refuse: those
 * that hold ': ' or ' #' or stand inside { } or [ ]. The first such value is told in *ret, of
 * which the line stays as it is. False if LINE has none. */
bool yaml_quoted(const char *line, struct mark *ret, struct buf *out);

#endif

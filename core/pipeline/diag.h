/* pipeline/diag.h - what is wrong with a file: where, how bad, which code, what would be right.
 *
 * One list for all files of a load; sorted before it is shown. The table of codes is in
 * diag_codes.h, from which weir explain and the documentation come. One thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PIPELINE_DIAG_H
#define PIPELINE_DIAG_H

#include "base/arena.h"
#include "base/buf.h"
#include "pipeline/diag_codes.h"
#include "value/value.h"

/* A place in a file; lines and columns count from 1, columns and lengths in code points. */
struct mark {
    unsigned line;
    unsigned column;
    unsigned len;
};

struct diag {
    const char *file;
    struct mark mark; /* line 0: the file as a whole */
    enum diag_code code;
    const char *message;
    const char *hint; /* stands under the caret; NULL: none */
    const char *line; /* the text of the source line; NULL if not at hand */
    unsigned cut;     /* code points that were cut off the front of LINE */
};

struct diags {
    struct arena arena;
    struct diag *items;
    unsigned n;
    unsigned room;
    unsigned errors;
    unsigned warnings;
    bool full; /* more than 1000: the rest was not kept */
};

/* Makes an empty list; frees it. */
void diags_init(struct diags *d);
void diags_fini(struct diags *d);

/* Adds one; texts are copied, FILE by its content. HINT may be NULL; LINE is the source line
 * (it ends at a NUL or a line feed) or NULL; of a long one the part around the mark is kept. */
void diags_add(struct diags *d, const char *file, struct mark mark, const char *line,
               enum diag_code code, const char *hint, const char *fmt, ...) PRINTF(7, 8);

/* Sorts by file, line, column, and drops equal ones. */
void diags_sort(struct diags *d);

/* Appends all as text for people, each with its source line and a caret:
 *   pipelines/orders.yaml:27:5: error[W0204]: unknown key 'timout' in step 'book'
 * COLOUR: with ANSI colours. */
void diags_text(const struct diags *d, bool colour, struct buf *out);

/* All as a value: a list of maps { file, line, column, length, severity, code, message, hint };
 * line, column, length and hint only where they are known. Owned by the caller. */
const struct weir_value *diags_value(const struct diags *d);

/* "W0204" of a code, and whether it is an error (else a warning). */
const char *diag_name(enum diag_code code);
bool diag_is_error(enum diag_code code);
/* The title and the explanation (some lines with an example) of a code. */
const char *diag_title(enum diag_code code);
const char *diag_explanation(enum diag_code code);
/* The code of a name such as "W0204" or "w0204"; DIAG_NONE if there is none. */
enum diag_code diag_find(const char *name);

#endif

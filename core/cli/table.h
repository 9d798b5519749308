/* cli/table.h - rows whose columns stand in line, for people. One thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include "abi/weir.h"

#define TABLE_COLUMNS 12

struct table {
    unsigned n_columns;
    bool colour;
    struct cell *cells; /* owned; row by row */
    unsigned n;
    unsigned room;
};

/* Begins a table of N columns. COLOUR: cells may have one. */
void table_init(struct table *t, unsigned n, bool colour);

/* The same with a row of headings, separated by '|'. */
void table_headed(struct table *t, const char *headings, bool colour);

/* Adds the next cell; control characters become '?'. PAINT is an ANSI colour such as "31", or NULL. */
void table_add(struct table *t, struct weir_text text, const char *paint);
void table_printf(struct table *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Prints all rows to stdout and frees them. */
void table_print(struct table *t);

#endif

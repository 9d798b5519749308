/* postgres/postgres_value.h - what the server says, as values: nothing of libpq in it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef POSTGRES_POSTGRES_VALUE_H
#define POSTGRES_POSTGRES_VALUE_H

#include "plugin.h"

/* The value of a column of type OID from its TEXT, which has a NUL behind it; owned. What can't
 * be read as its type says is the text itself. */
const struct weir_value *pg_value(uint32_t oid, struct weir_text text);

/* The list that an array's text stands for, of elements of type OID; owned. NULL if it is none.
 */
const struct weir_value *pg_array(uint32_t oid, struct weir_text text);

/* The type of the elements of an array type; 0 if OID is none of those that become lists. */
uint32_t pg_element(uint32_t oid);

/* What a SQLSTATE means for a call. */
struct pg_meaning {
    uint32_t code;   /* enum weir_code */
    uint32_t status; /* HTTP status; 0: the code's */
};

struct pg_meaning pg_meaning(const char *sqlstate);

/* Copies a server's MESSAGE without what may be a parameter's value: of a data error (class 22)
 * whatever stands in quotes. What is too long is cut between two characters. */
void pg_message(const char *sqlstate, const char *message, char *ret, size_t size);

/* Whether a statement only reads, as far as its text says. */
bool pg_reads_only(struct weir_text query);

/* Whether a statement may end transactions by itself (CALL, DO). */
bool pg_may_commit(struct weir_text query);

#endif

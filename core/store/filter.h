/* store/filter.h - which jobs a list, a count or a batch is of: ask_list.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STORE_FILTER_H
#define STORE_FILTER_H

#include "base/buf.h"
#include "store/ask.h"

struct filter {
    unsigned state; /* 0: any */
    uint32_t code;  /* 0: any */
    struct weir_text pipeline;
    struct weir_text node;
    struct weir_text key;
    struct weir_text fingerprint;
    uint64_t since_ms;
};

/* Reads the parameters state, code, pipeline, node, key, fingerprint and since_ms. */
enum weir_code filter_read(const struct asking *a, struct filter *ret,
                           struct weir_error *err) MUST_USE;

/* Appends the WHERE with the conditions on the table jobs, which is called j. */
void filter_where(struct buf *sql, const struct filter *f);

/* Prepares SQL, which has that WHERE, and binds ?1 to ?4 and ?7. To be finalized; NULL after an error.
 */
sqlite3_stmt *filter_make(struct db *db, const struct buf *sql, const struct filter *f);

#endif

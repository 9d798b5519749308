/* engine/table.h - shared tables: named, for all shards, outliving generations.
 *
 * 256 stripes, each with its mutex and its part of the memory. Any thread; nothing waits, calls
 * back or does I/O while a stripe is locked.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ENGINE_TABLE_H
#define ENGINE_TABLE_H

#include "base/err.h"

/* The table NAME, made at first use. A later caller with another ENTRY_SIZE gets NULL. */
struct weir_table *table_open(const char *name, uint32_t entry_size, uint64_t max_bytes);

/* See host->table_entry and host->table_sweep. */
bool table_entry(struct weir_table *t, struct weir_text key, bool create, weir_entry_fn *fn, void *arg,
                 uint32_t *ret);
void table_sweep(struct weir_table *t, weir_entry_fn *fn, void *arg);

/* See host->table_sweep_part, host->table_realloc and host->table_dropped. */
void table_sweep_part(struct weir_table *t, uint32_t part, weir_entry_fn *fn, void *arg);
void *table_realloc(struct weir_table *t, void *memory, size_t old_len, size_t new_len);
void table_dropped(struct weir_table *t, weir_entry_fn *fn);

/* Entries and bytes in all. */
void table_usage(struct weir_table *t, uint64_t *ret_entries, uint64_t *ret_bytes);

/* Frees every table, at the end of the process. */
void tables_free(void);

#endif

/* base/units.h - the figures that authors write: 250ms, 64KiB, 100/60s, 50%. Any thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_UNITS_H
#define BASE_UNITS_H

#include "base/err.h"

struct rate {
    uint64_t count;
    uint64_t per_ms;
};

/* "250ms", "5s", "1.5m", "2h", "3d", "0"; whole milliseconds in *ret. */
enum weir_code duration_parse(struct weir_text text, uint64_t *ret_ms, struct weir_error *err);

/* "512", "64KiB", "1.5MiB", "1GiB", also "64KB" of 1000; bytes in *ret. */
enum weir_code bytes_parse(struct weir_text text, uint64_t *ret, struct weir_error *err);

/* "100/60s", "5/s", "10/m". */
enum weir_code rate_parse(struct weir_text text, struct rate *ret, struct weir_error *err);

/* "50%", "0.5%"; a fraction of 1 in *ret. */
enum weir_code percent_parse(struct weir_text text, double *ret, struct weir_error *err);

/* Writes "250ms", "5s", "2m30s", "1.5KiB" as a person reads it, with a NUL. */
void duration_text(uint64_t ms, char *ret, size_t room);
void bytes_text(uint64_t bytes, char *ret, size_t room);

/* The index of the name in NAMES that is near enough to TEXT to be meant (Damerau and
 * Levenshtein's distance, at most a third of the length), or -1. */
int nearest(struct weir_text text, const struct weir_text *names, size_t n);

#endif

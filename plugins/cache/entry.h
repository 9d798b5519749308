/* cache/entry.h - what is kept under a key, and how it is written.
 *
 * An entry is the output of a block, or a failure not_found, with its times. In the process it
 * is a list [s, e, k, a, n, d]; in Redis it is a map { v: 1, s, e, k, n, a, d } as JSON, which has
 * no bytes: they are written { "$bytes": base64 }, and a map that looks like that, or like this,
 * stands inside { "$map": ... }.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CACHE_ENTRY_H
#define CACHE_ENTRY_H

#include <weir.h>

struct entry {
    uint64_t set_ms;                  /* s: since 1970 */
    uint64_t fresh_ms;                /* e: until then it answers */
    uint64_t keep_ms;                 /* k: until then it answers where a stale value will do */
    const struct weir_value *value;   /* d: owned; NULL: a failure */
    const struct weir_value *failure; /* n: owned; { status, text, detail }, or NULL */
    bool negative; /* it says that there is nothing; also an answer with 404 or 410 */
    bool answer;   /* a: it answers the caller as it is */
};

void entry_free(struct entry *e);

/* Why V can't be kept in MAX bytes and DEPTH levels: "stream", "deep" or "large"; NULL: it can.
 */
const char *entry_hindrance(const struct weir_value *v, uint64_t max, unsigned depth);

/* The entry as a list, and back; false: that is none. */
const struct weir_value *entry_pack(const struct entry *e);
bool entry_unpack(const struct weir_value *v, struct entry *ret);

/* The same as a map in JSON: a string value. NULL: it can't be written. */
const struct weir_value *entry_write(const struct entry *e);
bool entry_read(struct weir_text json, struct entry *ret);

#endif

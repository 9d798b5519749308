/* fuzz/pgarray_fuzz.c - any text is read as a column of some type, or stays a text; what quotes
 * a message and what a statement begins with are looked at in any text.
 *
 * room: engine
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <stdlib.h>

#include "engine/generation.h"

#include "../../plugins/postgres/postgres_array.c"
#include "../../plugins/postgres/postgres_meaning.c"
#include "../../plugins/postgres/postgres_value.c"
#include "../../plugins/shared/plugin/plugin.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* of each kind, and of arrays of each */
    static const uint32_t oids[] = { BOOL, BYTEA, INT8, FLOAT8, JSON, VOID, 25,
                                     1000, 1001,  1007, 1009,   1022, 3807 };
    if (size == 0)
        return 0;
    host = host_table();
    uint32_t oid = oids[data[0] % (sizeof oids / sizeof *oids)];
    char *text = malloc(size); /* just the size, and a NUL as libpq has it */
    assert(text != NULL);
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    const struct weir_value *v = pg_value(oid, (struct weir_text){ text, size - 1 });
    assert(v != NULL);
    host->unref(&v);
    v = pg_array(oid, (struct weir_text){ text, size - 1 });
    host->unref(&v);
    char message[40];
    pg_message("22P02", text, message, sizeof message);
    pg_message("42601", text, message, sizeof message);
    char *exact = malloc(size); /* no NUL behind a statement */
    assert(exact != NULL);
    memcpy(exact, data, size);
    (void)pg_reads_only((struct weir_text){ exact, size });
    (void)pg_may_commit((struct weir_text){ exact, size });
    free(exact);
    free(text);
    return 0;
}

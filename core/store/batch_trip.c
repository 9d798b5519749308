/* store/batch_trip.c - batches.trip: a peer is away, so batches that ask it pause themselves.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/log.h"
#include "store/batch.h"

enum { NAME_SHOWN = 100 };

/* Pauses B, because the breaker NAME of PIPELINE is open. */
static void
trip(struct writing *w, struct batch *b, struct weir_text name, struct weir_text pipeline)
{
    batch_pause(b, "the breaker '%.*s' of the pipeline '%.*s' is open",
                (int)(name.len < NAME_SHOWN ? name.len : NAME_SHOWN), name.bytes,
                (int)(pipeline.len < NAME_SHOWN ? pipeline.len : NAME_SHOWN), pipeline.bytes);
    batch_save(w, b);
    batch_paused_itself(w, b);
}

/* Pauses all batches that have jobs of PIPELINE to be replayed; how many there were. */
static uint64_t
trip_all(struct asking *a, struct weir_text name, struct weir_text pipeline)
{
    struct batch b = { .n = 0 };
    uint64_t n = 0;
    for (;; n++) {
        sqlite3_stmt *s = db_use(a->db, SQL_BATCH_TRIP);
        sqlite3_bind_int64(s, 1, b.n);
        bind_text(s, 2, pipeline);
        if (!db_row(a->db, s))
            return n;
        batch_row(s, &b);
        sqlite3_reset(s);
        trip(a->w, &b, name, pipeline);
    }
}

enum weir_code
ask_batches_trip(struct asking *a, struct weir_error *err)
{
    struct weir_text name;
    const struct weir_value *pipelines = value_field(a->with, "pipelines"), *one;
    uint64_t n = 0;
    enum weir_code code = ask_text(a, "breaker", &name, err);
    if (code != WEIR_OK)
        return code;
    if (pipelines == NULL || value_type(pipelines) != WEIR_LIST)
        return err_set(err, WEIR_INVALID, "%s: pipelines must be a list", a->what);
    for (size_t i = 0; (one = value_at(pipelines, i)) != NULL; i++)
        n += trip_all(a, name, value_as_text(one));
    struct weir_builder *answer = builder_map();
    put_number(answer, "paused", n);
    a->answer = builder_end(&answer);
    return WEIR_OK;
}

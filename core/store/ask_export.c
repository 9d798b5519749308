/* store/ask_export.c - jobs.export: a page of a list, each job as jobs.show gives it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "store/ask.h"

enum weir_code
ask_jobs_export(struct asking *a, struct weir_error *err)
{
    enum weir_code code = ask_jobs_list(a, err);
    if (code != WEIR_OK)
        return code;
    const struct weir_value *page = a->answer, *job;
    const struct weir_value *listed = value_field(page, "jobs"),
                            *next = value_field(page, "next");
    struct weir_builder *answer = builder_map(), *jobs = builder_list();
    a->answer = NULL;
    for (size_t i = 0; code == WEIR_OK && (job = value_at(listed, i)) != NULL; i++) {
        struct asking one = { .store = a->store, .db = a->db, .what = a->what, .with = job };
        code = ask_jobs_show(&one, err);
        if (code == WEIR_OK)
            builder_add(jobs, &one.answer);
    }
    put_built(answer, "jobs", &jobs);
    if (next != NULL)
        builder_put(answer, "next", next);
    a->answer = builder_end(&answer);
    value_unref(&page);
    return code;
}

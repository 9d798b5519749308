/* cli/serve_store.c - the store of a server. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/log.h"
#include "cli/serve.h"
#include "guard/worker.h"

static bool
has_durable(const struct pipelines *p)
{
    for (unsigned i = 0; i < p->n; i++)
        if (p->items[i]->durable != DURABLE_NO)
            return true;
    return false;
}

enum weir_code
server_store_open(struct server *s, struct weir_error *err)
{
    const char *url = settings_text(s->setup->settings, "store.url");
    if (!setup_has_store(s->setup))
        return WEIR_OK;
    struct store_keep keep = {
        .completed_ms = settings_number(s->setup->settings, "store.keep.completed"),
        .cancelled_ms = settings_number(s->setup->settings, "store.keep.cancelled"),
        .discarded_ms = settings_number(s->setup->settings, "store.keep.discarded"),
        .dead_ms = settings_number(s->setup->settings, "store.keep.dead"),
        .audit_ms = settings_number(s->setup->settings, "store.keep.audit"),
        .batches_ms = settings_number(s->setup->settings, "store.keep.batches"),
        .jobs = settings_number(s->setup->settings, "store.keep_jobs"),
        .bytes = settings_number(s->setup->settings, "store.keep_bytes"),
    };
    struct store_config config = { .url = url,
                                   .keep = keep,
                                   .max_waiting = settings_number(s->setup->settings, "store.max_waiting"),
                                   .max_size = settings_number(s->setup->settings, "store.max_size"),
                                   .incident_ms = settings_number(s->setup->settings, "store.incident_quiet"),
                                   .crashes_max = (unsigned)settings_number(s->setup->settings, "store.max_crashes"),
                                   .from_outside = worker_ended_outside() };
    if (store_open(&config, &s->store, err) == WEIR_OK)
        return WEIR_OK;
    if (has_durable(generation_pipelines(s->current)))
        return err_in(err, "store.url");
    log_say(WEIR_WARN, "there is no store, so failed runs are not kept: %s", err->text);
    return WEIR_OK;
}

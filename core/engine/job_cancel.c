/* engine/job_cancel.c - jobs that an operator cancels while they run here. See job.h.
 *
 * An unsafe step that was begun is not cut: nobody would know whether it was done. It comes to its
 * end, or its deadline; what would start meanwhile waits, because a step that failed would have its
 * siblings cut. Then the run is cancelled.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "base/log.h"
#include "engine/admission.h"
#include "engine/job.h"
#include "engine/older.h"

#define WHY "an operator has cancelled the job"

void
job_cancel_go_on(struct run *r)
{
    const struct job *j = r->event->job;
    if (j && j->cancelled && j->open_unsafe <= j->cut_unsafe)
        run_cancel(r, WEIR_CANCELLED, WHY);
}

static struct run *
find_run(const struct engine *e, const char *id)
{
    for (struct list *link = e->runs.next; link != &e->runs; link = link->next) {
        struct run *r = list_entry(link, struct run, link);
        if (r->event->job && strcmp(r->event->job->id, id) == 0)
            return r;
    }
    return NULL;
}

static void
cancel(void *arg, const char *id)
{
    struct engine *e = arg;
    job_start_arrived(e, id);
    struct run *r = find_run(e, id);
    if (r == NULL) {
        if (!older_cancel(e, id, WHY))
            admission_cancel(e, id, WHY);
        return;
    }
    log_say(WEIR_INFO, "job %s: an operator cancels it", id);
    r->event->job->cancelled = true;
    job_cancel_go_on(r);
}

void
job_cancel_begin(struct engine *e)
{
    store_listen(e->jobs->store, e->shard, cancel, e);
}

void
job_cancel_end(struct engine *e)
{
    store_listen_end(e->jobs->store, e->shard);
}

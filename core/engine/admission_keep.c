/* engine/admission_keep.c - places that runs leave, and those that are kept then. See admission.h.
 *
 * While there is a line before a place, jobs in the store would never come to it: so each fourth place is kept for
 * them. Their claim takes a commit; whoever kept a place lets go of it if no claim has come by then, since none of
 * them may be left, or no shard have room for it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "engine/admission.h"
#include "engine/job.h"

#define KEEP_MS 200u

struct kept {
    struct list link; /* in engine.kept, in the order of UNTIL_MS */
    struct gate *gate;
    uint64_t until_ms;
    size_t len;
    char key[];
};

static void
keep(struct engine *en, struct gate *gate, struct weir_text key)
{
    struct kept *k = malloc(sizeof *k + key.len);
    if (k == NULL)
        abort();
    k->gate = gate;
    k->until_ms = shard_now(en->shard) + KEEP_MS;
    k->len = key.len;
    memcpy(k->key, key.bytes, key.len);
    list_push(&en->kept, &k->link);
    if (!timer_armed(&en->kept_over))
        timer_set(en->shard, &en->kept_over, k->until_ms);
}

void
admission_leave(struct engine *en, struct gate *gate, struct weir_text key)
{
    bool kept = false, claims_come = en->jobs && !en->draining;
    if (gate_leave(gate, key, claims_come ? &kept : NULL) && en->jobs)
        store_place_free(en->jobs->store, text_of(gate_name(gate)), key);
    if (kept)
        keep(en, gate, key);
}

static void
let_go(struct list *link)
{
    struct kept *k = list_entry(link, struct kept, link);
    gate_keep_end(k->gate, (struct weir_text){ k->key, k->len });
    free(k);
}

static void
let_go_of_old(void *arg)
{
    struct engine *en = arg;
    while (!list_empty(&en->kept)) {
        uint64_t until_ms = list_entry(en->kept.next, struct kept, link)->until_ms;
        if (shard_now(en->shard) < until_ms) {
            timer_set(en->shard, &en->kept_over, until_ms);
            return;
        }
        let_go(list_shift(&en->kept));
    }
}

void
admission_keep_begin(struct engine *en)
{
    list_init(&en->kept);
    timer_init(&en->kept_over, let_go_of_old, en);
}

void
admission_keep_end(struct engine *en)
{
    struct list *link;
    timer_unset(en->shard, &en->kept_over);
    while ((link = list_shift(&en->kept)) != NULL)
        let_go(link);
}

/* engine/job_choice.c - a run that is taken up again goes the way it went before. See job.h.
 *
 * Which block a node runs, and what an if: gives, is noted beside the records of steps: each note
 * goes into the store with the record that comes next, so that it costs no commit of its own, and
 * is known wherever a record depends on it. A run that chooses otherwise is stopped only if
 * something of what it did before would be left out, or would come too late.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/job.h"
#include "value/msgpack.h"

#define PATH_ROOM 544u
#define OUTPUT_ROOM 16u
#define NOTES_MAX 10000u /* between two records; what comes beyond is not noted */

void
job_choices_free(struct job_choice **list)
{
    for (struct job_choice *c; (c = *list) != NULL;) {
        *list = c->next;
        free(c);
    }
}

static bool
is_noted(const struct run *r)
{
    return r->stage == RUN_STEPS && pipeline_records(r->flow->pipeline);
}

/* Notes it for the next record. */
static void
note(struct job *j, struct weir_text path, int64_t what)
{
    if (j->n_choices >= NOTES_MAX)
        return;
    struct buf b;
    struct weir_error err;
    buf_init(&b, OUTPUT_ROOM);
    const struct weir_value *v = value_int(what);
    struct job_choice *c = malloc(sizeof *c + path.len + OUTPUT_ROOM);
    if (c == NULL || msgpack_write(&b, v, &err) != WEIR_OK)
        abort();
    value_unref(&v);
    char *bytes = (char *)(c + 1);
    memcpy(bytes, path.bytes, path.len);
    memcpy(bytes + path.len, b.bytes, b.len);
    *c = (struct job_choice){ .path = { bytes, path.len }, .output = { bytes + path.len, b.len } };
    buf_fini(&b);
    *(j->choices_end ? j->choices_end : &j->choices) = c;
    j->choices_end = &c->next;
    j->n_choices++;
}

/* What stands behind the id in the path of a record: rounds and attempts around it. */
static struct weir_text
rounds_of(struct weir_text path)
{
    size_t len = 0;
    while (len < path.len && path.bytes[len] != '/' && path.bytes[len] != '~' && path.bytes[len] != '?')
        len++;
    return (struct weir_text){ path.bytes + len, path.len - len };
}

/* Whether the record K is of one of the nodes FIRST to LAST of P, in the same rounds as AROUND. */
static bool
is_inside(const struct job_known *k, const struct pipeline *p, unsigned first, unsigned last, struct weir_text around)
{
    struct weir_text rounds = rounds_of(k->path);
    if (k->kind == RECORD_CHOSE || rounds.len < around.len ||
        memcmp(rounds.bytes + rounds.len - around.len, around.bytes, around.len) != 0)
        return false;
    const struct node *n = pipeline_node(p, (struct weir_text){ k->path.bytes, k->path.len - rounds.len });
    return n && n->index >= first && n->index <= last;
}

/* PATH: of the choice. */
static bool
is_known_inside(const struct job *j, const struct pipeline *p, unsigned first, unsigned last, struct weir_text path)
{
    struct weir_text around = rounds_of(path);
    const char *choice = memrchr(around.bytes, '?', around.len);
    around.len = choice ? (size_t)(choice - around.bytes) : around.len;
    for (const struct job_known *k = j->memory ? j->memory->known : NULL; k; k = k->next)
        if (is_inside(k, p, first, last, around))
            return true;
    return false;
}

static bool
diverge(struct run *r, const struct node *n, const char *what)
{
    char *why = arena_printf(r->event->arena, "node %s: %s than in the attempt before, whose steps have records",
                             n->id, what);
    r->event->job->diverged = why ? why : "it went another way than before";
    run_cancel(r, WEIR_CANCELLED, r->event->job->diverged);
    return false;
}

bool
job_choose_if(struct frame *f, const struct unit *u, bool holds)
{
    struct run *r = f->run;
    struct job *j = r->event->job;
    char path[PATH_ROOM];
    if (!is_noted(r))
        return true;
    size_t len = job_record_path(f, u, path, sizeof path - 8);
    len += (size_t)snprintf(path + len, 8, "?if");
    const struct job_known *k = job_known_find(j, (struct weir_text){ path, len });
    if (k == NULL) {
        note(j, (struct weir_text){ path, len }, holds);
        return true;
    }
    bool held = k->output->integer != 0;
    if (held == holds || (held && !is_known_inside(j, r->flow->pipeline, u->node->index, u->last, k->path)))
        return true;
    return diverge(r, u->node, holds ? "its if: holds, other" : "its if: does not hold, other");
}

bool
job_choose_block(struct weir_call *c, uint32_t turn, uint32_t block)
{
    struct run *r = c->run;
    struct job *j = r->event->job;
    const struct node *n = c->unit->node;
    char path[PATH_ROOM];
    if (!is_noted(r) || n->n_children < 2 || n->children[block].block->type == NULL)
        return true;
    size_t len = job_record_path(c->frame, c->unit, path, sizeof path - 16);
    len += (size_t)snprintf(path + len, 16, "?%u", turn);
    const struct job_known *k = job_known_find(j, (struct weir_text){ path, len });
    if (k == NULL) {
        note(j, (struct weir_text){ path, len }, block);
        return true;
    }
    uint32_t before = (uint32_t)k->output->integer;
    if (before == block || before >= n->n_children)
        return true;
    const struct block *b = n->children[before].block;
    if (b->n == 0 || !is_known_inside(j, r->flow->pipeline, b->nodes[0]->index,
                                      r->flow->units[b->nodes[b->n - 1]->index].last, k->path))
        return true;
    return diverge(r, n, "another block runs");
}

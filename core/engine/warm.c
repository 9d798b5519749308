/* engine/warm.c - see warm.h. SPDX-License-Identifier: Apache-2.0 */
#include "engine/warm.h"

#include <stdlib.h>
#include <string.h>

#include "engine/metrics.h"

#define LINE 64u
/* Fewer pipelines than these stay in the caches by themselves. */
#define FLOWS_MIN 500u
#define LINES_MAX 160u
#define SLOTS_MAX 40u
#define NODES_MAX 12u /* steps whose memory is listed */
#define TRIGGERS_MAX 4u
#define CONF 128u     /* bytes of what a plugin made of its configuration */

struct warm {
    unsigned n;
    unsigned unit; /* number of the first one */
    unsigned n_slots;
    uint32_t *slots; /* of metrics, behind the lines */
    const void *lines[];
};

/* The list while it is made. */
struct maker {
    unsigned n;
    unsigned n_slots;
    uint32_t slots[SLOTS_MAX];
    uintptr_t lines[LINES_MAX];
};

/* Adds the lines of LEN bytes at AT, but those that are listed. */
static void
add(void *arg, const void *at, size_t len)
{
    struct maker *m = arg;
    if (at == NULL || len == 0)
        return;
    for (uintptr_t line = (uintptr_t)at / LINE; line <= ((uintptr_t)at + len - 1) / LINE; line++) {
        unsigned i = 0;
        while (i < m->n && m->lines[i] != line)
            i++;
        if (i == m->n && m->n < LINES_MAX)
            m->lines[m->n++] = line;
    }
}

static void
add_series(struct maker *m, uint32_t series)
{
    add(m, metric_word(series), sizeof(uint64_t));
    if (m->n_slots < SLOTS_MAX)
        m->slots[m->n_slots++] = metric_slot(series);
}

static void
add_value(struct maker *m, const struct weir_value *v)
{
    if (v == NULL)
        return;
    add(m, v, sizeof *v);
    add(m, v->block, sizeof(uint64_t)); /* where its references are counted */
}

/* What evaluating P reads. */
static void
add_part(struct maker *m, const struct part *p)
{
    if (p == NULL || m->n == LINES_MAX)
        return;
    add(m, p, sizeof *p);
    add_value(m, p->kind == PART_CONSTANT ? p->constant : NULL);
    if (p->template)
        template_each_memory(p->template, add, m);
    if (p->kind == PART_CONSTANT)
        return;
    add(m, p->items, p->n * sizeof(struct part *));
    add(m, p->keys, p->keys ? p->n * sizeof *p->keys : 0);
    for (unsigned i = 0; i < p->n; i++) {
        if (p->keys)
            add(m, p->keys[i].bytes, p->keys[i].len);
        add_part(m, p->items[i]);
    }
}

static void
add_slots(struct maker *m, const struct slots *s)
{
    add(m, s->parts, s->n * sizeof(struct part *));
    for (unsigned i = 0; i < s->n; i++)
        add_part(m, s->parts[i]);
}

static void
add_unit(struct maker *m, const struct unit *u)
{
    add(m, u, sizeof *u);
    add(m, u->node, sizeof *u->node);
    add(m, u->conf, u->conf ? CONF : 0);
    add_slots(m, &u->slots);
    add_series(m, u->duration_ok);
}

static void
add_pipeline(struct maker *m, const struct pipeline *p)
{
    add(m, p, sizeof *p);
    add(m, p->name, strlen(p->name));
    add(m, p->ids.slots, p->ids.n_slots * sizeof *p->ids.slots);
    add(m, p->ids.entries, p->ids.n_entries * sizeof *p->ids.entries);
    for (unsigned i = 0; i < p->ids.n_entries; i++)
        add(m, p->ids.entries[i].key, p->ids.entries[i].len);
    add(m, p->steps, sizeof *p->steps);
    add(m, p->steps->nodes, p->steps->n * sizeof(struct node *));
}

static void
make_list(struct maker *m, const struct flow *f)
{
    const struct block *steps = f->pipeline->steps;
    add(m, f, sizeof *f);
    add_pipeline(m, f->pipeline);
    for (unsigned i = 0; i < f->pipeline->n_triggers && i < TRIGGERS_MAX; i++) {
        add(m, f->triggers[i].conf, CONF);
        add_slots(m, &f->triggers[i].slots);
    }
    for (unsigned i = 0; i < steps->n && i < NODES_MAX; i++)
        add_unit(m, &f->units[steps->nodes[i]->index]);
    add_series(m, f->runs_completed);
    add_series(m, f->run_duration);
}

void
warm_make(struct flow *f)
{
    const struct pipeline *p = f->pipeline;
    if (f->generation->pipelines.n < FLOWS_MIN)
        return;
    struct maker m = { 0 };
    make_list(&m, f);
    struct warm *w = malloc(sizeof *w + m.n * sizeof *w->lines + m.n_slots * sizeof *w->slots);
    if (w == NULL)
        abort();
    w->n = m.n;
    w->unit = p->n_nodes > 0 ? f->units[0].number : 0;
    w->n_slots = m.n_slots;
    w->slots = (uint32_t *)(void *)(w->lines + m.n);
    for (unsigned i = 0; i < m.n; i++)
        w->lines[i] = (const void *)(m.lines[i] * LINE);
    if (m.n_slots > 0)
        memcpy(w->slots, m.slots, m.n_slots * sizeof *w->slots);
    f->warm = w;
    for (unsigned i = 0; i < p->n_triggers; i++)
        f->triggers[i].warm = w;
}

void
warm_free(struct flow *f)
{
    free(f->warm);
    f->warm = NULL;
}

void
warm_fetch(const struct trigger_unit *t, const struct generation_part *part, unsigned shard)
{
    const struct warm *w = t->warm;
    if (w == NULL)
        return;
    for (unsigned i = 0; i < w->n; i += LINE / sizeof *w->lines)
        __builtin_prefetch(&w->lines[i]);
    for (unsigned i = 0; i < w->n; i++)
        __builtin_prefetch(w->lines[i]);
    for (unsigned i = 0; i < w->n_slots; i++)
        metric_fetch(shard, w->slots[i]);
    __builtin_prefetch(&part->states[w->unit]);
    __builtin_prefetch(part->trigger_states[t->number]);
}

/* engine/flow.c - opening the nodes and triggers of a pipeline. See flow.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/flow.h"

#include <stdlib.h>
#include <string.h>

#include "engine/host.h"
#include "engine/metrics.h"

/* The series of the metrics that a type declares, for one node or trigger. */
static uint32_t *
type_metrics(const struct weir_metric *metrics, uint32_t n, const char *pipeline, const char *node,
             struct weir_error *err)
{
    uint32_t *series = calloc(n + 1, sizeof *series);
    if (series == NULL)
        abort();
    struct weir_text labels[] = { text_of(pipeline), text_of(node) };
    for (uint32_t i = 0; i < n; i++) {
        struct weir_metric m = metrics[i];
        m.labels = "pipeline node";
        uint32_t family = metric_family(&m, err);
        if (family == 0)
            break;
        series[i] = metric_series(family, labels);
    }
    return series;
}

static uint32_t
duration_series(const struct unit *u, const char *outcome)
{
    static const struct weir_metric m = { .size = sizeof m,
                                          .kind = WEIR_HISTOGRAM,
                                          .name = "weir_node_duration_seconds",
                                          .help = "How long one attempt of a node took.",
                                          .labels = "pipeline node type outcome",
                                          .max_series = 100000 };
    struct weir_error err = { 0 };
    struct weir_text labels[] = { text_of(u->flow->pipeline->name), text_of(u->node->id),
                                  text_of(u->type->name), text_of(outcome) };
    return metric_series(metric_family(&m, &err), labels);
}

/* What a type says of a value that it refuses may quote it, and the value may be a secret. */
static void
mask(const struct generation *g, struct weir_error *err)
{
    struct buf b;
    buf_init(&b, sizeof err->text);
    (void)buf_puts(&b, err->text);
    secrets_mask(g->secrets, &b);
    memcpy(err->text, b.bytes, b.len + 1); /* it is not longer than it was */
    buf_fini(&b);
}

static void
open_unit(struct unit *u, struct diags *d)
{
    const struct pipeline *p = u->flow->pipeline;
    struct weir_error err = { 0 };
    u->counts = type_metrics(u->type->metrics, u->type->n_metrics, p->name, u->node->id, &err);
    u->duration_ok = duration_series(u, "ok");
    u->duration_failed = duration_series(u, "failed");
    struct weir_open o = { .generation = u->flow->generation,
                           .flow = u->flow,
                           .unit = u,
                           .config = u->node->config,
                           .slots = &u->slots,
                           .diags = d };
    unsigned errors = d->errors;
    if (err.code == WEIR_OK && u->type->open)
        u->type->open(&o, u->node->config_value, &u->conf, &err);
    u->opened = err.code == WEIR_OK;
    mask(u->flow->generation, &err);
    if (err.code != WEIR_OK && d->errors == errors)
        pipeline_diag(p, u->node->mark, d, DIAG_NODE_REFUSED, NULL, "step '%s': %s", u->node->id,
                  err.text);
    value_unref(&err.detail);
}

static void
open_trigger(struct trigger_unit *t, struct diags *d)
{
    const struct pipeline *p = t->flow->pipeline;
    struct weir_error err = { 0 };
    t->counts = type_metrics(t->type->metrics, t->type->n_metrics, p->name, "trigger", &err);
    struct weir_open o = { .generation = t->flow->generation,
                           .flow = t->flow,
                           .trigger = t,
                           .config = t->trigger->config,
                           .slots = &t->slots,
                           .diags = d };
    unsigned errors = d->errors;
    if (err.code == WEIR_OK)
        t->type->open(&o, t->trigger->config_value, &t->conf, &err);
    t->opened = err.code == WEIR_OK;
    mask(o.generation, &err);
    if (err.code != WEIR_OK && d->errors == errors)
        pipeline_diag(p, t->trigger->mark, d, DIAG_TRIGGER_REFUSED, NULL, "trigger '%s': %s",
                  t->type->name, err.text);
    value_unref(&err.detail);
}

/* The index of the last node inside the blocks of N, or its own. */
static unsigned
last_inside(const struct node *n)
{
    unsigned last = n->index;
    const struct block *blocks[2] = { n->catch, NULL };
    for (unsigned i = 0; i < n->n_children + 1; i++) {
        const struct block *b = i < n->n_children ? n->children[i].block : blocks[0];
        if (b == NULL || b->n == 0)
            continue;
        unsigned inner = last_inside(b->nodes[b->n - 1]);
        if (inner > last)
            last = inner;
    }
    return last;
}

static void
count_runs(struct flow *f)
{
    static const struct weir_metric runs = { .size = sizeof runs,
                                             .kind = WEIR_COUNTER,
                                             .name = "weir_runs_total",
                                             .help = "Runs that have ended.",
                                             .labels = "pipeline outcome",
                                             .max_series = 40000 };
    static const struct weir_metric duration = { .size = sizeof duration,
                                                 .kind = WEIR_HISTOGRAM,
                                                 .name = "weir_run_duration_seconds",
                                                 .help = "How long a run took, from its event to its end.",
                                                 .labels = "pipeline",
                                                 .max_series = 20000 };
    struct weir_error err = { 0 };
    uint32_t family = metric_family(&runs, &err);
    struct weir_text labels[] = { text_of(f->pipeline->name), TEXT("completed") };
    f->runs_completed = metric_series(family, labels);
    labels[1] = TEXT("failed");
    f->runs_failed = metric_series(family, labels);
    labels[1] = TEXT("cancelled");
    f->runs_cancelled = metric_series(family, labels);
    f->run_duration = metric_series(metric_family(&duration, &err), labels);
}

void
flow_open(struct flow *f, struct diags *d)
{
    const struct pipeline *p = f->pipeline;
    f->units = calloc(p->n_nodes + 1, sizeof *f->units);
    f->triggers = calloc(p->n_triggers + 1, sizeof *f->triggers);
    if (f->units == NULL || f->triggers == NULL)
        abort();
    count_runs(f);
    for (unsigned i = 0; i < p->n_nodes; i++) {
        struct unit *u = &f->units[i];
        u->node = p->nodes[i];
        u->effect = node_effect(p->nodes[i]);
        u->type = &u->node->type->abi;
        u->flow = f;
        u->number = f->generation->n_units++;
        u->last = last_inside(u->node);
        open_unit(u, d);
    }
    for (unsigned i = 0; i < p->n_triggers; i++) {
        struct trigger_unit *t = &f->triggers[i];
        t->trigger = p->triggers[i];
        t->type = &t->trigger->type->abi;
        t->flow = f;
        t->number = f->generation->n_triggers++;
        open_trigger(t, d);
    }
}

void
flow_close(struct flow *f)
{
    const struct pipeline *p = f->pipeline;
    for (unsigned i = 0; f->units && i < p->n_nodes; i++) {
        struct unit *u = &f->units[i];
        if (u->opened && u->type->close)
            u->type->close(u->conf);
        free(u->counts);
        free(u->slots.parts);
        free(u->callees);
    }
    for (unsigned i = 0; f->triggers && i < p->n_triggers; i++) {
        struct trigger_unit *t = &f->triggers[i];
        if (t->opened && t->type->close)
            t->type->close(t->conf);
        free(t->counts);
        free(t->slots.parts);
    }
    free(f->units);
    free(f->triggers);
}

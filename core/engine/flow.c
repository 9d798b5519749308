/* engine/flow.c - opening the nodes and triggers of a pipeline. See flow.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/flow.h"

#include <stdlib.h>
#include <string.h>

#include "engine/host.h"
#include "engine/metrics.h"
#include "engine/warm.h"

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

static void
duration_labels(const struct unit *u, const char *outcome, struct weir_text ret[4])
{
    ret[0] = text_of(u->flow->pipeline->name);
    ret[1] = text_of(u->node->id);
    ret[2] = text_of(u->type->name);
    ret[3] = text_of(outcome);
}

static void
time_attempts(struct unit *u)
{
    static const struct weir_metric m = { .size = sizeof m,
                                          .kind = WEIR_HISTOGRAM,
                                          .name = "weir_node_duration_seconds",
                                          .help = "How long one attempt of a node took.",
                                          .labels = "pipeline node type outcome",
                                          .max_series = 100000 };
    struct weir_error err = { 0 };
    struct weir_text labels[4];
    duration_labels(u, "ok", labels);
    u->duration = metric_family(&m, &err);
    u->duration_ok = metric_series(u->duration, labels);
}

uint32_t
unit_failures(const struct unit *u, unsigned shard)
{
    struct weir_text labels[4];
    duration_labels(u, "failed", labels);
    return metric_series_of(shard, u->duration, labels);
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

/* The place in the file that ERR is about: its detail may be { at: a pointer to an option, line: within
 * its text }; else USUAL. */
static struct mark
refused_at(const struct pipeline *p, const struct part *config, struct mark usual, const struct weir_error *err)
{
    char pointer[256];
    const struct weir_value *at = NULL, *line = NULL;
    if (err->detail != NULL && err->detail->type == WEIR_MAP) {
        at = value_field(err->detail, "at");
        line = value_field(err->detail, "line");
    }
    struct weir_text path = at ? value_as_text(at) : (struct weir_text){ "", 0 };
    if (config == NULL || path.len == 0 || path.len >= sizeof pointer || path.bytes[0] != '/')
        return usual;
    memcpy(pointer, path.bytes, path.len);
    pointer[path.len] = '\0';
    const struct part *part;
    while ((part = part_find(config, pointer)) == NULL && pointer[0] != '\0') /* that it stands in */
        *strrchr(pointer, '/') = '\0';
    if (pointer[0] == '\0' || part == NULL || part->mark.line == 0)
        return usual;
    return line && line->type == WEIR_INT ? pipeline_line_mark(p, part->mark, line->integer) : part->mark;
}

static void
open_unit(struct unit *u, struct diags *d)
{
    const struct pipeline *p = u->flow->pipeline;
    struct weir_error err = { 0 };
    u->counts = type_metrics(u->type->metrics, u->type->n_metrics, p->name, u->node->id, &err);
    time_attempts(u);
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
        pipeline_diag(p, refused_at(p, u->node->config, u->node->mark, &err), d, DIAG_NODE_REFUSED, NULL, "step '%s': %s", u->node->id,
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
        pipeline_diag(p, refused_at(p, t->trigger->config, t->trigger->mark, &err), d, DIAG_TRIGGER_REFUSED, NULL, "trigger '%s': %s",
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

/* Finds the Redis that the pipeline's idempotency keys are in, if it names one. */
static void
open_once(struct flow *f, struct diags *d)
{
    const struct pipeline *p = f->pipeline;
    const struct part *store = p->idempotency_store;
    const struct weir_value *v = NULL;
    struct weir_error err = { 0 };
    struct weir_open o = { .generation = f->generation, .flow = f, .diags = d };
    if (store == NULL)
        return;
    enum weir_code code = host_at_load(&o, store, &v, &err);
    if (code == WEIR_OK && value_type(v) != WEIR_STRING)
        code = err_set(&err, WEIR_INVALID, "it has to be memory or the URL of a Redis");
    if (code == WEIR_OK && !text_is(value_as_text(v), "memory") &&
        (f->once_redis = host_redis(value_as_text(v), &err)) == NULL)
        code = (enum weir_code)err.code;
    mask(f->generation, &err);
    if (code != WEIR_OK)
        pipeline_diag(p, store->mark, d, DIAG_BAD_VALUE, NULL, "the 'store' of 'idempotency': %s", err.text);
    value_unref(&err.detail);
    value_unref(&v);
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
    open_once(f, d);
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
        t->hides_path = marks_below(p->marks, MARK_PARAMS);
        t->hides_auth = marks_touch(p->marks, MARK_AUTH, &(struct weir_text){ "name", 4 }, 1);
        t->type = &t->trigger->type->abi;
        t->flow = f;
        t->number = f->generation->n_triggers++;
        open_trigger(t, d);
    }
    warm_make(f);
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
    warm_free(f);
}

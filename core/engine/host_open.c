/* engine/host_open.c - the host table inside open: slots, blocks, metrics, routes. See host.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/host.h"

#include <stdlib.h>
#include <string.h>

#include "engine/metrics.h"
#include "engine/table.h"

/* A handle for PART: its place in the list + 1. */
static uint32_t
add_slot(struct slots *s, const struct part *part)
{
    if (part == NULL)
        return 0;
    for (unsigned i = 0; i < s->n; i++)
        if (s->parts[i] == part)
            return i + 1;
    s->parts = realloc(s->parts, (s->n + 1) * sizeof *s->parts);
    if (s->parts == NULL)
        abort();
    s->parts[s->n++] = part;
    return s->n;
}

static uint32_t
slot(struct weir_open *o, const char *pointer)
{
    return add_slot(o->slots, part_find(o->config, pointer));
}

static uint32_t
slot_flags(struct weir_open *o, uint32_t handle)
{
    if (handle == 0 || handle > o->slots->n)
        return WEIR_SLOT_CONSTANT;
    const struct part *p = o->slots->parts[handle - 1];
    uint32_t flags = part_is_constant(p) ? WEIR_SLOT_CONSTANT : 0;
    bool event = p->url ? p->authority_event : p->reads_event;
    return flags | (event ? WEIR_SLOT_EVENT : 0) | (p->reads_event ? WEIR_SLOT_READS : 0);
}

static uint32_t
blocks(struct weir_open *o)
{
    return o->unit ? o->unit->node->n_children : 0;
}

static struct weir_text
block_path(struct weir_open *o, uint32_t block)
{
    return text_of(block < blocks(o) ? o->unit->node->children[block].path : "");
}

static uint32_t
block_find(struct weir_open *o, const char *path)
{
    for (uint32_t i = 0; i < blocks(o); i++)
        if (strcmp(o->unit->node->children[i].path, path) == 0)
            return i;
    return UINT32_MAX;
}

static uint32_t
block_slot(struct weir_open *o, uint32_t block, const char *key)
{
    if (block >= blocks(o))
        return 0;
    const struct child *c = &o->unit->node->children[block];
    for (unsigned i = 0; i < c->n_keys; i++)
        if (strcmp(c->keys[i], key) == 0)
            return add_slot(o->slots, c->parts[i]);
    return 0;
}

static uint32_t
pipeline_find(struct weir_open *o, struct weir_text name)
{
    struct flow *f = map_get(&o->generation->by_name, name.bytes, name.len);
    if (f == NULL || o->unit == NULL) {
        struct mark mark = o->unit ? o->unit->node->mark : o->trigger->trigger->mark;
        pipeline_diag(o->flow->pipeline, mark, o->diags, DIAG_PIPELINE_UNKNOWN, NULL,
                  "there is no pipeline '%.*s'", (int)name.len, name.bytes);
        return UINT32_MAX;
    }
    struct unit *u = o->unit;
    u->callees = realloc(u->callees, (u->n_callees + 1) * sizeof *u->callees);
    if (u->callees == NULL)
        abort();
    u->callees[u->n_callees] = f;
    return u->n_callees++;
}

static uint32_t
metric(struct weir_open *o, const struct weir_metric *m, struct weir_error *err)
{
    (void)o;
    return metric_family(m, err);
}

/* The headers of R in the generation's memory; plugins built for 1.0 have none. */
static enum weir_code
copy_headers(struct arena *a, const struct weir_route *r, struct engine_route *to, struct weir_error *err)
{
    if (r->size < offsetof(struct weir_route, pad2) || r->n_headers == 0)
        return WEIR_OK;
    struct weir_header *all = arena_alloc(a, r->n_headers * sizeof *all);
    for (unsigned i = 0; all && i < r->n_headers; i++) {
        const struct weir_header *h = &r->headers[i];
        all[i].name = (struct weir_text){ arena_copy(a, h->name.bytes, h->name.len), h->name.len };
        all[i].value = (struct weir_text){ arena_copy(a, h->value.bytes, h->value.len), h->value.len };
        if (all[i].name.bytes == NULL || all[i].value.bytes == NULL)
            all = NULL;
    }
    to->headers = all;
    to->n_headers = all ? r->n_headers : 0;
    return all ? WEIR_OK : err_set(err, WEIR_TOO_LARGE, "there are too many headers");
}

static uint32_t
route(struct weir_open *o, const struct weir_route *r, struct weir_error *err)
{
    if (o->trigger == NULL)
        return err_set(err, WEIR_INTERNAL, "only a trigger registers routes");
    struct generation *g = o->generation;
    g->route_list = realloc(g->route_list, (g->n_routes + 1) * sizeof *g->route_list);
    struct engine_route *copy = g->route_list ? &g->route_list[g->n_routes++] : NULL;
    if (copy == NULL)
        abort();
    struct arena *a = &g->arena;
    struct weir_text *methods = arena_alloc(a, (r->n_methods + 1) * sizeof *methods);
    const char *path = arena_copy(a, r->path.bytes, r->path.len);
    *copy = (struct engine_route){ .path = path,
                                   .methods = methods,
                                   .n_methods = methods ? r->n_methods : 0,
                                   .max_body = r->max_body,
                                   .trigger = o->trigger,
                                   .source = o->trigger->trigger };
    for (unsigned i = 0; i < copy->n_methods; i++)
        methods[i] = (struct weir_text){ arena_copy(a, r->methods[i].bytes, r->methods[i].len),
                                         r->methods[i].len };
    if (path == NULL || methods == NULL)
        return err_set(err, WEIR_TOO_LARGE, "there are too many routes");
    return copy_headers(a, r, copy, err);
}

static struct weir_table *
table(struct weir_open *o, const char *name, uint32_t entry_size, uint64_t max_bytes)
{
    (void)o;
    return table_open(name, entry_size, max_bytes);
}

void
host_fill_open(struct weir_host *h)
{
    h->slot = slot;
    h->slot_flags = slot_flags;
    h->blocks = blocks;
    h->block_path = block_path;
    h->block_find = block_find;
    h->block_slot = block_slot;
    h->pipeline_find = pipeline_find;
    h->metric = metric;
    h->route = route;
    h->table = table;
}

/* engine/generation.c - see generation.h. SPDX-License-Identifier: Apache-2.0 */
#include "engine/generation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "engine/admission.h"
#include "engine/flow.h"
#include "loop/worker.h"
#include "net/tls.h"

#define ROUTES_MAX (64u << 20)

extern char **environ;

static struct weir_shard *keeper;
static uint64_t last_number;

void
generation_keeper(struct weir_shard *s)
{
    keeper = s;
}

static struct {
    generation_older_fn *make;
    void *arg;
} older_maker;

void
generation_older_maker(generation_older_fn *make, void *arg)
{
    older_maker.make = make;
    older_maker.arg = arg;
}

struct generation *
generation_older(const struct older_pipeline *older, struct diags *d)
{
    return older_maker.make ? older_maker.make(older_maker.arg, older, d) : NULL;
}

struct weir_shard *
generation_keeper_shard(void)
{
    return keeper;
}

/* The environment as it is now, so that one generation sees one environment. */
static void
read_environment(struct map *m)
{
    map_init(m);
    for (char **e = environ; *e; e++) {
        const char *equals = strchr(*e, '=');
        struct weir_text text = equals ? text_of(equals + 1) : (struct weir_text){ NULL, 0 };
        if (equals == NULL || !utf8_valid(text) ||
            secrets_own_variable((struct weir_text){ *e, (size_t)(equals - *e) }))
            continue;
        const struct weir_value *v = value_string(text.bytes, text.len);
        const struct weir_value *old = map_set(m, *e, (size_t)(equals - *e), (void *)(uintptr_t)v);
        value_unref(&old);
    }
}

static void
free_environment(struct map *m)
{
    uint32_t at = 0;
    for (const struct map_entry *e; (e = map_next(m, &at)) != NULL;) {
        const struct weir_value *v = e->value;
        value_unref(&v);
    }
    map_fini(m);
}

/* A route is told as a diagnostic at its trigger. */
static void
complain(void *arg, const struct engine_route *at, const struct engine_route *other, const char *message)
{
    struct diags *d = arg;
    const struct pipeline *p = at->source->pipeline;
    if (other == NULL) {
        pipeline_diag(p, at->source->mark, d, DIAG_ROUTE_FORM, NULL, "path '%s': %s", at->path, message);
        return;
    }
    pipeline_diag(p, at->source->mark, d, DIAG_ROUTE_CLASH, NULL, "path '%s' clashes with '%s' of %s:%u: %s",
              at->path, other->path, other->source->pipeline->file, other->source->mark.line, message);
}

/* Whether some pipeline writes of an https URL. */
static bool
wants_tls(const struct pipelines *all)
{
    for (unsigned i = 0; i < all->n; i++)
        if (strstr(all->items[i]->text, "https://"))
            return true;
    return false;
}

/* Opens F, if it is not open yet. */
static void
open_one(struct generation *g, struct flow *f, struct diags *d)
{
    if (f->units)
        return;
    unsigned errors = d->errors;
    flow_open(f, d);
    f->broken = d->errors > errors;
    g->opened[g->n_opened++] = f;
}

/* Opens the flow of OLDER and those that it reaches through calls: others are neither needed nor
 * touched. Only its own errors are in D: another that has some is refused when it is called. */
static void
open_reached(struct generation *g, const struct older_pipeline *older, struct diags *d)
{
    struct diags ignored;
    struct flow *first = map_get(&g->by_name, older->name.bytes, older->name.len);
    if (first == NULL)
        return;
    diags_init(&ignored);
    open_one(g, first, d);
    for (unsigned i = 0; i < g->n_opened; i++) {
        struct flow *f = g->opened[i];
        for (unsigned k = 0; k < f->pipeline->n_nodes; k++)
            for (unsigned n = 0; n < f->units[k].n_callees; n++)
                open_one(g, f->units[k].callees[n], &ignored);
    }
    diags_fini(&ignored);
}

/* OLDER: only its errors are in D. */
static void
open_flows(struct generation *g, const struct older_pipeline *older, struct diags *d)
{
    g->flows = calloc(g->pipelines.n + 1, sizeof *g->flows);
    g->opened = calloc(g->pipelines.n + 1, sizeof *g->opened);
    if (g->flows == NULL || g->opened == NULL)
        abort();
    for (unsigned i = 0; i < g->pipelines.n; i++) {
        struct flow *f = &g->flows[i];
        f->pipeline = g->pipelines.items[i];
        f->generation = g;
        if (f->pipeline->concurrency)
            f->gate = gate_of(f->pipeline->name, f->pipeline->concurrency,
                              f->pipeline->concurrency_key != NULL, older == NULL);
        else if (older == NULL)
            gate_lift(f->pipeline->name);
        map_set(&g->by_name, f->pipeline->name, strlen(f->pipeline->name), f);
    }
    if (older)
        open_reached(g, older, d);
    for (unsigned i = 0; older == NULL && i < g->pipelines.n; i++)
        open_one(g, &g->flows[i], d);
}

/* Loads today's files, with whatever is wrong with them, but for one pipeline that is as it was. */
static void
load_older(const struct generation_source *source, struct pipelines *ret, struct diags *d)
{
    struct diags ignored;
    char file[4096], **files;
    unsigned n;
    diags_init(&ignored);
    load_find(source->paths, source->n_paths, &files, &n, &ignored);
    pipelines_load((const char *const *)files, n, &source->load, ret, &ignored);
    load_find_free(&files, n);
    diags_fini(&ignored);
    snprintf(file, sizeof file, "%.*s", (int)source->older->file.len, source->older->file.bytes);
    struct pipeline *p = pipeline_load_text(file, source->older->text, &source->load, d);
    if (p)
        pipelines_put(ret, p);
}

struct generation *
generation_new(const struct generation_source *source, struct diags *d)
{
    struct generation *g = calloc(1, sizeof *g);
    if (g == NULL)
        abort();
    atomic_init(&g->refs, 1);
    arena_init(&g->arena, 0, ROUTES_MAX);
    map_init(&g->by_name);
    read_environment(&g->env);
    g->secrets = source->load.secrets ? secrets_ref(source->load.secrets) : secrets_read(NULL, NULL);
    g->load = source->load;
    g->load.secrets = g->secrets;
    if (g->load.resources)
        (void)value_ref(g->load.resources);
    g->port = source->routes;

    char **files;
    unsigned n;
    struct uses uses;
    uses_init(&uses);
    g->load.uses = &uses;
    if (source->older) {
        load_older(source, &g->pipelines, d);
    } else {
        load_find(source->paths, source->n_paths, &files, &n, d);
        pipelines_load((const char *const *)files, n, &g->load, &g->pipelines, d);
        load_find_free(&files, n);
        require_check(g->load.require, g->secrets, &uses, d);
    }
    g->load.uses = NULL; /* of here alone, as the settings' require is */
    g->load.require = NULL;
    uses_fini(&uses);
    if (wants_tls(&g->pipelines))
        tls_prepare();
    open_flows(g, source->older, d);
    if (g->port)
        g->routes = g->port->make(g->route_list, g->n_routes, complain, d);
    if (d->errors > 0) {
        generation_unref(&g);
        return NULL;
    }
    g->number = ++last_number;
    return g;
}

void
generation_ref(struct generation *g)
{
    atomic_fetch_add(&g->refs, 1);
}

static void
free_generation(void *arg)
{
    struct generation *g = arg;
    if (g->port && g->routes)
        g->port->drop(g->routes);
    for (unsigned i = 0; i < g->pipelines.n; i++)
        flow_close(&g->flows[i]);
    free(g->flows);
    free(g->opened);
    free(g->route_list);
    map_fini(&g->by_name);
    pipelines_free(&g->pipelines);
    free_environment(&g->env);
    secrets_unref(&g->secrets);
    value_unref(&g->load.resources);
    arena_fini(&g->arena);
    free(g);
}

void
generation_unref(struct generation **g)
{
    struct generation *old = *g;
    *g = NULL;
    if (old == NULL || atomic_fetch_sub(&old->refs, 1) != 1)
        return;
    if (keeper == NULL || pthread_equal(keeper->thread, pthread_self()))
        free_generation(old);
    else
        shard_post(keeper, free_generation, old);
}

uint64_t
generation_number(const struct generation *g)
{
    return g->number;
}

const struct secrets *
generation_secrets(const struct generation *g)
{
    return g->secrets;
}

const struct load_options *
generation_load(const struct generation *g)
{
    return &g->load;
}

const struct pipelines *
generation_pipelines(const struct generation *g)
{
    return &g->pipelines;
}

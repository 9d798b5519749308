/* admin/show.c - what is loaded: info, pipelines, nodes. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "admin/parts.h"
#include "base/clock.h"
#include "pipeline/model.h"
#include "pipeline/spec.h"

void
show_info(struct admin *a, struct weir_event *e)
{
    char started[CLOCK_TEXT];
    const struct generation *g = engine_generation(a->shard);
    clock_text(a->config.started_wall_ms, started);
    struct weir_builder *b = builder_map();
    builder_take(b, "version", value_text(WEIR_VERSION));
    builder_take(b, "abi", value_text(ABI_TEXT));
    builder_take(b, "started_at", value_text(started));
    builder_take(b, "uptime_seconds", value_int((int64_t)((clock_wall_ms() - a->config.started_wall_ms) / 1000)));
    builder_take(b, "shards", value_int(a->config.n_shards));
    builder_take(b, "generation", value_int(g ? (int64_t)generation_number(g) : 0));
    builder_take(b, "pipelines", value_int(g ? generation_pipelines(g)->n : 0));
    builder_take(b, "state", value_text(a->shutting_down ? "draining" : "running"));
    struct weir_builder *list = builder_list();
    const struct plugin *const *plugins;
    unsigned n = registry_plugins(a->config.registry, &plugins);
    for (unsigned i = 0; i < n; i++) {
        struct weir_builder *p = builder_map();
        builder_take(p, "name", value_text(plugins[i]->name));
        builder_take(p, "version", value_text(plugins[i]->version));
        const struct weir_value *v = builder_end(&p);
        builder_add(list, &v);
    }
    builder_take(b, "plugins", builder_end(&list));
    builder_take(b, "collections", collections_value(a));
    answer_json(e, 200, builder_end(&b));
}

static const struct weir_value *
trigger_value(const struct trigger *t)
{
    struct weir_builder *b = builder_map();
    builder_take(b, "type", value_text(t->type->abi.name));
    const struct weir_value *shown = spec_masked(spec_of(t->type->schema_doc), t->config_value);
    builder_take(b, "config", value_masked(shown));
    value_unref(&shown);
    return builder_end(&b);
}

static const char *const effects[] = { "none", "idempotent", "unsafe" };

static const struct weir_value *
node_value(const struct node *n)
{
    struct weir_builder *b = builder_map();
    builder_take(b, "id", value_text(n->id));
    builder_take(b, "type", value_text(n->type->abi.name));
    builder_take(b, "line", value_int(n->mark.line));
    builder_take(b, "effect", value_text(effects[node_effect(n)]));
    if (n->in && n->in->owner)
        builder_take(b, "in", value_text(n->in->owner->id));
    return builder_end(&b);
}

static const struct weir_value *
pipeline_value(const struct pipeline *p, bool whole)
{
    struct weir_builder *b = builder_map(), *list = builder_list();
    builder_take(b, "name", value_text(p->name));
    builder_take(b, "description", value_text(p->description ? p->description : ""));
    builder_take(b, "file", value_text(p->file));
    builder_take(b, "revision", value_text(p->revision));
    builder_take(b, "nodes", value_int(p->n_nodes));
    for (unsigned i = 0; i < p->n_triggers; i++) {
        const struct weir_value *v = trigger_value(p->triggers[i]);
        builder_add(list, &v);
    }
    builder_take(b, "triggers", builder_end(&list));
    if (whole) {
        list = builder_list();
        for (unsigned i = 0; i < p->n_nodes; i++) {
            const struct weir_value *v = node_value(p->nodes[i]);
            builder_add(list, &v);
        }
        builder_take(b, "steps", builder_end(&list));
    }
    return builder_end(&b);
}

/* The last segment of a path behind PREFIX, or empty. */
static struct weir_text
behind(struct weir_text path, const char *prefix)
{
    size_t len = strlen(prefix);
    if (path.len <= len + 1)
        return (struct weir_text){ "", 0 };
    return (struct weir_text){ path.bytes + len + 1, path.len - len - 1 };
}

void
show_pipelines(struct admin *a, struct weir_event *e)
{
    const struct generation *g = engine_generation(a->shard);
    const struct pipelines *all = g ? generation_pipelines(g) : NULL;
    struct weir_text name = behind(e->path, "/api/v1/pipelines");
    if (name.len > 0) {
        const struct pipeline *p = all ? map_get(&all->by_name, name.bytes, name.len) : NULL;
        if (p)
            answer_json(e, 200, pipeline_value(p, true));
        else
            answer_problem(e, WEIR_NOT_FOUND, "there is no pipeline '%.*s'", (int)name.len, name.bytes);
        return;
    }
    struct weir_builder *list = builder_list(), *b = builder_map();
    for (unsigned i = 0; all && i < all->n; i++) {
        const struct weir_value *v = pipeline_value(all->items[i], false);
        builder_add(list, &v);
    }
    builder_take(b, "pipelines", builder_end(&list));
    answer_json(e, 200, builder_end(&b));
}

static const struct weir_value *
type_value(const char *kind, const char *name, const char *summary, const struct plugin *plugin,
           const struct weir_value *schema)
{
    struct weir_builder *b = builder_map();
    builder_take(b, "kind", value_text(kind));
    builder_take(b, "name", value_text(name));
    builder_take(b, "summary", value_text(summary));
    builder_take(b, "plugin", value_text(plugin->name));
    if (schema)
        builder_put(b, "schema", schema);
    return builder_end(&b);
}

void
show_nodes(struct admin *a, struct weir_event *e)
{
    const struct node_type *const *nodes;
    const struct trigger_type *const *triggers;
    const struct registry *r = a->config.registry;
    unsigned n_nodes = registry_nodes(r, &nodes), n_triggers = registry_triggers(r, &triggers);
    struct weir_text name = behind(e->path, "/api/v1/nodes");
    struct weir_builder *list = builder_list(), *b = builder_map();
    for (unsigned i = 0; i < n_nodes + n_triggers; i++) {
        bool node = i < n_nodes;
        const struct weir_value *v;
        if (node)
            v = type_value("node", nodes[i]->abi.name, nodes[i]->abi.summary, nodes[i]->plugin,
                           name.len ? nodes[i]->schema_doc : NULL);
        else
            v = type_value("trigger", triggers[i - n_nodes]->abi.name, triggers[i - n_nodes]->abi.summary,
                           triggers[i - n_nodes]->plugin, name.len ? triggers[i - n_nodes]->schema_doc : NULL);
        if (name.len && text_equal(value_as_text(value_field(v, "name")), name)) {
            builder_free(&list);
            builder_free(&b);
            answer_json(e, 200, v);
            return;
        }
        builder_add(list, &v);
    }
    builder_take(b, "nodes", builder_end(&list));
    const struct weir_value *all = builder_end(&b);
    if (name.len == 0) {
        answer_json(e, 200, all);
        return;
    }
    value_unref(&all);
    answer_problem(e, WEIR_NOT_FOUND, "there is no node type '%.*s'", (int)name.len, name.bytes);
}

/* pipeline/load_trigger.c - trigger: one, or a list of them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include "pipeline/config.h"
#include "pipeline/owned.h"

static void
refuse_type(struct loading *l, const struct yaml_node *key)
{
    char hint[128] = "";
    if (registry_node(l->options->registry, key->text) != NULL)
        (void)snprintf(hint, sizeof hint, "'%.*s' is a node: it belongs under 'steps:'",
                       CLIP(key->text));
    struct weir_text names[64];
    const struct trigger_type *const *types;
    unsigned n = registry_triggers(l->options->registry, &types);
    for (unsigned i = 0; i < n && i < 64; i++)
        names[i] = text_of(types[i]->abi.name);
    if (hint[0] == '\0')
        hint_nearest(key->text, names, n < 64 ? n : 64, hint, sizeof hint);
    load_say(l, key, DIAG_TRIGGER_TYPE_UNKNOWN, hint[0] != '\0' ? hint : NULL,
             "unknown trigger type '%.*s'", CLIP(key->text));
}

static void
load_one(struct loading *l, const struct yaml_node *key, const struct yaml_node *n)
{
    if (n->kind != YAML_MAP || n->n == 0) {
        load_say(l, n->kind == YAML_MAP ? key : n, DIAG_WRONG_TYPE, NULL,
                 "a trigger must be a map with its type, such as webhook: { path: /orders }");
        return;
    }
    unsigned at = 0;
    for (unsigned i = 0; i < n->n; i++)
        if (registry_trigger(l->options->registry, n->keys[i]->text) != NULL) {
            at = i;
            break;
        }
    for (unsigned i = 0; i < n->n; i++)
        if (i != at)
            load_say(l, n->keys[i], DIAG_TRIGGER_TWO_TYPES, NULL,
                     "'%.*s' can't stand beside the trigger's type", CLIP(n->keys[i]->text));
    const struct trigger_type *type = registry_trigger(l->options->registry, n->keys[at]->text);
    if (type == NULL) {
        refuse_type(l, n->keys[at]);
        return;
    }
    struct trigger *t = own_alloc(l->p, sizeof *t);
    t->type = type;
    t->mark = n->keys[at]->mark;
    t->pipeline = l->p;
    t->index = l->p->n_triggers;
    l->p->triggers[l->p->n_triggers++] = t;
    const struct config_type how = { type->abi.name, type->schema_doc, type->schema,
                                     type->shorthand, NULL };
    config_load(l, &how, n->keys[at], n->items[at], &t->config, &t->config_value);
}

void
load_triggers(struct loading *l, const struct yaml_node *key, const struct yaml_node *value)
{
    l->sites = &l->trigger_sites;
    bool list = value->kind == YAML_LIST;
    l->p->triggers = own_alloc(l->p, ((list ? value->n : 0) + 1) * sizeof *l->p->triggers);
    if (!list) {
        load_one(l, key, value);
        return;
    }
    for (unsigned i = 0; i < value->n; i++)
        load_one(l, key, value->items[i]);
}

/* pipeline/load_node.c - one node: which type it is, and what its keys mean.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "pipeline/config.h"
#include "pipeline/owned.h"

static void
hint_type(struct loading *l, struct weir_text name, char *ret, size_t room)
{
    const struct node_type *const *types;
    unsigned n = registry_nodes(l->options->registry, &types);
    struct weir_text names[256];
    for (unsigned i = 0; i < n && i < 256; i++)
        names[i] = text_of(types[i]->abi.name);
    hint_nearest(name, names, n < 256 ? n : 256, ret, room);
}

/* Whether any node type has a child block under KEY. */
static bool
is_any_block_key(const struct registry *r, struct weir_text key)
{
    const struct node_type *const *types;
    unsigned n = registry_nodes(r, &types);
    for (unsigned i = 0; i < n; i++)
        if (is_block_key(types[i], key))
            return true;
    return false;
}

/* Says so if a key is the name of a type of which it is known why it is not there. */
static bool
refuse_missing(struct loading *l, const struct yaml_node *n)
{
    char why[640];
    for (unsigned i = 0; i < n->n; i++) {
        struct weir_text key = n->keys[i]->text;
        if (is_common_key(key) || !registry_missing(l->options->registry, key, why, sizeof why))
            continue;
        load_say(l, n->keys[i], DIAG_NODE_TYPE_UNKNOWN, NULL, "unknown node type '%.*s': %s",
                 CLIP(key), why);
        return true;
    }
    return false;
}

/* No key of the node is a type: says so at the key that was probably meant as one. */
static void
refuse_type(struct loading *l, const struct yaml_node *n)
{
    if (refuse_missing(l, n))
        return;
    const struct yaml_node *meant = NULL;
    char hint[128] = "";
    for (unsigned i = 0; i < n->n && hint[0] == '\0'; i++) {
        struct weir_text key = n->keys[i]->text;
        if (is_common_key(key) || is_any_block_key(l->options->registry, key))
            continue;
        hint_type(l, key, hint, sizeof hint);
        if (meant == NULL || hint[0] != '\0')
            meant = n->keys[i];
    }
    if (meant == NULL) {
        load_say(l, n, DIAG_NODE_WITHOUT_TYPE, NULL,
                 "a node needs a type, such as http or set");
        return;
    }
    bool trigger = registry_trigger(l->options->registry, meant->text) != NULL;
    if (trigger)
        load_say(l, meant, DIAG_NODE_TYPE_UNKNOWN,
                 "it belongs under 'trigger:' at the top of the file",
                 "'%.*s' is a trigger, not a node", CLIP(meant->text));
    else
        load_say(l, meant, DIAG_NODE_TYPE_UNKNOWN, hint[0] != '\0' ? hint : NULL,
                 "unknown node type '%.*s'", CLIP(meant->text));
}

/* The number of the key that is the node's type, or -1 and diagnostics. */
static int
find_type(struct loading *l, const struct yaml_node *n)
{
    int found = -1;
    for (unsigned i = 0; i < n->n; i++) {
        const struct node_type *t = registry_node(l->options->registry, n->keys[i]->text);
        if (t == NULL || is_common_key(n->keys[i]->text))
            continue;
        if (found < 0) {
            found = (int)i;
            continue;
        }
        const struct node_type *first =
            registry_node(l->options->registry, n->keys[found]->text);
        if (is_block_key(first, n->keys[i]->text))
            continue;
        if (is_block_key(t, n->keys[found]->text)) {
            found = (int)i;
            continue;
        }
        load_say(l, n->keys[i], DIAG_NODE_TWO_TYPES,
                 "two nodes are two items of the list, each with its '-'",
                 "a node has one type; this has '%s' and '%s'", first->abi.name, t->abi.name);
        return -1;
    }
    if (found < 0)
        refuse_type(l, n);
    return found;
}

/* Where an unknown key of a node belongs. */
static void
hint_key(struct loading *l, const struct node_type *t, struct weir_text key, char *ret,
         size_t room)
{
    static const char *const top[] = { "name",    "description", "trigger",     "respond",
                                       "durable", "concurrency", "vars",        "steps",
                                       "finally", "tags",        "idempotency", "order_by" };
    const struct weir_value *properties = spec_properties(spec_of(t->schema_doc));
    if (value_get(properties, key.bytes, key.len) != NULL) {
        (void)snprintf(ret, room, "'%.*s' belongs under '%s:'", CLIP(key), t->abi.name);
        return;
    }
    struct weir_text names[32];
    size_t n = 0;
    for (; n < n_common_keys; n++)
        names[n] = common_keys[n];
    for (unsigned i = 0; i < t->abi.n_blocks && n < 32; i++, n++) {
        const char *path = t->abi.blocks[i].path;
        names[n] = (struct weir_text){ path, strcspn(path, "/") };
    }
    hint_nearest(key, names, n, ret, room);
    if (ret[0] != '\0')
        return;
    for (unsigned i = 0; i < sizeof top / sizeof *top; i++)
        if (text_is(key, top[i]))
            (void)snprintf(ret, room, "'%s' belongs at the top of the file", top[i]);
    if (ret[0] == '\0' && is_any_block_key(l->options->registry, key))
        (void)snprintf(ret, room, "'%s' has no such block", t->abi.name);
    struct weir_text inner[64];
    const struct weir_value *at;
    n = 0;
    while (n < 64 && properties != NULL && value_member(properties, n, &inner[n], &at))
        n++;
    int i = ret[0] == '\0' ? nearest(key, inner, n) : -1;
    if (i >= 0)
        (void)snprintf(ret, room, "did you mean '%.*s' under '%s:'?", CLIP(inner[i]),
                       t->abi.name);
}

static void
check_keys(struct loading *l, const struct node_type *t, const struct yaml_node *n,
           unsigned type_key)
{
    const struct yaml_node *id = yaml_get(n, "id");
    bool named = id != NULL && yaml_is_string(id);
    for (unsigned i = 0; i < n->n; i++) {
        struct weir_text key = n->keys[i]->text;
        if (i == type_key || is_common_key(key) || is_block_key(t, key))
            continue;
        char hint[192] = "";
        hint_key(l, t, key, hint, sizeof hint);
        const char *shown = hint[0] != '\0' ? hint : NULL;
        if (named)
            load_say(l, n->keys[i], DIAG_KEY_UNKNOWN, shown,
                     "unknown key '%.*s' in step '%.*s'", CLIP(key), CLIP(id->text));
        else
            load_say(l, n->keys[i], DIAG_KEY_UNKNOWN, shown,
                     "unknown key '%.*s' in a node of type '%s'", CLIP(key), t->abi.name);
    }
}

static struct draft *
draft_new(struct loading *l, struct node *node)
{
    unsigned n = l->p->n_nodes++;
    if (n == l->room) {
        l->room = l->room > 0 ? l->room * 2 : 32;
        l->drafts = realloc(l->drafts, l->room * sizeof(struct draft *));
        if (l->drafts == NULL)
            abort();
    }
    struct draft *d = own_alloc(l->p, sizeof *d);
    d->node = node;
    node->index = n;
    return l->drafts[n] = d;
}

static void
load_config(struct loading *l, struct draft *d, const struct yaml_node *given)
{
    const struct node_type *t = d->node->type;
    const struct config_type type = { t->abi.name, t->schema_doc, t->schema, t->shorthand, t };
    config_load(l, &type, d->key, given, &d->node->config, &d->node->config_value);
}

void
load_node(struct loading *l, struct block *b, const struct yaml_node *n, const char *place)
{
    if (n->kind != YAML_MAP) {
        char hint[128] = "";
        if (n->kind == YAML_SCALAR && registry_node(l->options->registry, n->text) != NULL)
            (void)snprintf(hint, sizeof hint, "write '%.*s: {}'", CLIP(n->text));
        load_say(l, n, DIAG_WRONG_TYPE, hint[0] != '\0' ? hint : NULL,
                 "a node must be a map, not %s", yaml_kind_name(n));
        return;
    }
    int type_key = find_type(l, n);
    if (type_key < 0)
        return;
    if (l->p->n_nodes == LOAD_MAX_NODES) {
        if (!l->too_many)
            load_say(l, n, DIAG_TOO_MANY, NULL, "more than 10,000 nodes");
        l->too_many = true;
        return;
    }
    struct node *node = own_alloc(l->p, sizeof *node);
    node->type = registry_node(l->options->registry, n->keys[type_key]->text);
    node->mark = n->keys[type_key]->mark;
    node->in = b;
    node->pipeline = l->p;
    b->nodes[b->n++] = node;

    struct draft *d = draft_new(l, node);
    d->yaml = n;
    d->key = n->keys[type_key];
    d->id = yaml_get(n, "id");
    d->place = own_text(l->p, text_of(place));
    l->sites = &d->sites;
    check_keys(l, node->type, n, (unsigned)type_key);
    load_common(l, d);
    load_config(l, d, n->items[type_key]);
    load_children(l, d);
}

bool
load_key_taken(const struct registry *r, struct weir_text key)
{
    return is_common_key(key) || is_any_block_key(r, key);
}

/* pipeline/load_children.c - blocks of nodes: top ones, those of node types, catch, and lent
 * nodes.
 *
 * A type names its blocks by paths. Under KEY may stand: a list of nodes ("KEY"), a map from
 * name to list ("KEY/" "*"), a list whose items are lists or single nodes ("KEY/" "*" too), or
 * a list of maps that hold the block beside other keys ("KEY/" "*" "/do").
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "pipeline/loading.h"
#include "pipeline/owned.h"

#define PLACE_MAX 256

void
load_place(char *ret, size_t room, const char *in, struct weir_text name)
{
    (void)snprintf(ret, room, "%s_%.*s", in, CLIP(name));
}

/* Splits "item index" into texts. */
static struct weir_text *
split_names(struct pipeline *p, const char *names, unsigned *ret_n)
{
    *ret_n = 0;
    if (names == NULL)
        return NULL;
    struct weir_text *texts = own_alloc(p, (strlen(names) + 1) * sizeof *texts);
    for (const char *at = names + strspn(names, " "); *at != '\0'; at += strspn(at, " ")) {
        size_t len = strcspn(at, " ");
        texts[(*ret_n)++] = (struct weir_text){ at, len };
        at += len;
    }
    return texts;
}

struct block *
load_block(struct loading *l, const struct node *owner, const struct weir_block_type *type,
           const struct yaml_node *key)
{
    unsigned depth = owner != NULL ? owner->in->depth + 1 : 1;
    if (depth > LOAD_MAX_DEPTH) {
        load_say(l, key, DIAG_TOO_MANY,
                 "move the inner part into a pipeline of its own and use call",
                 "blocks more than %u deep in each other", LOAD_MAX_DEPTH);
        return NULL;
    }
    struct block *b = own_alloc(l->p, sizeof *b);
    b->owner = owner;
    b->outer = owner != NULL ? owner->in : NULL;
    b->type = type;
    b->depth = depth;
    if (type != NULL)
        b->names = split_names(l->p, type->names, &b->n_names);
    return b;
}

void
load_nodes(struct loading *l, struct block *b, const struct yaml_node *key,
           const struct yaml_node *list, const char *place)
{
    if (list->kind != YAML_LIST) {
        const char *hint = list->kind == YAML_MAP ? "begin each node with '- '"
                           : yaml_is_null(list)   ? "an empty block is written []"
                                                  : NULL;
        load_say(l, list->kind == YAML_MAP ? key : list, DIAG_WRONG_TYPE, hint,
                 "'%.*s' must be a list of nodes, not %s", CLIP(key->text),
                 yaml_kind_name(list));
        return;
    }
    b->nodes = own_alloc(l->p, (list->n + 1) * sizeof *b->nodes);
    for (unsigned i = 0; i < list->n; i++) {
        char index[16];
        char inner[PLACE_MAX];
        (void)snprintf(index, sizeof index, "%u", i);
        load_place(inner, sizeof inner, place, text_of(index));
        load_node(l, b, list->items[i], inner);
    }
}

bool
is_block_key(const struct node_type *t, struct weir_text key)
{
    for (unsigned i = 0; i < t->abi.n_blocks; i++) {
        const char *path = t->abi.blocks[i].path;
        if (text_equal((struct weir_text){ path, strcspn(path, "/") }, key))
            return true;
    }
    return false;
}

/* The block type whose path is KEY and what follows it in TAIL; NULL if there is none. */
static const struct weir_block_type *
find_block(const struct node_type *t, struct weir_text key, const char *tail)
{
    for (unsigned i = 0; i < t->abi.n_blocks; i++) {
        const char *path = t->abi.blocks[i].path;
        bool same = strlen(path) >= key.len && memcmp(path, key.bytes, key.len) == 0;
        if (same && strcmp(path + key.len, tail) == 0)
            return &t->abi.blocks[i];
    }
    return NULL;
}

/* The block type "KEY/" "*" "/NAME" whose list stands in a map with other keys. */
static const struct weir_block_type *
find_inner(const struct node_type *t, struct weir_text key)
{
    for (unsigned i = 0; i < t->abi.n_blocks; i++) {
        const char *path = t->abi.blocks[i].path;
        bool same = strlen(path) > key.len && memcmp(path, key.bytes, key.len) == 0;
        if (same && strncmp(path + key.len, "/*/", 3) == 0)
            return &t->abi.blocks[i];
    }
    return NULL;
}

/* One more child of D's node under PATH; NULL if it is too deep. */
static struct child *
child_new(struct loading *l, struct draft *d, const struct weir_block_type *type,
          const char *path, const struct yaml_node *key)
{
    struct block *b = load_block(l, d->node, type, key);
    if (b == NULL)
        return NULL;
    struct child *c = &d->node->children[d->node->n_children++];
    c->path = own_text(l->p, text_of(path));
    c->type = type;
    c->block = b;
    return c;
}

/* The block LIST under PATH of the node; KEY is what its text stands under. */
static struct child *
load_child(struct loading *l, struct draft *d, const struct weir_block_type *type,
           const char *path, const struct yaml_node *key, const struct yaml_node *list)
{
    struct child *c = child_new(l, d, type, path, key);
    if (c == NULL)
        return NULL;
    char place[PLACE_MAX];
    load_place(place, sizeof place, d->place, text_of(path));
    load_nodes(l, c->block, key, list, place);
    l->sites = &d->sites;
    return c;
}

/* A path that an author's name is part of; only so much of a long one as a file may hold. */
static const char *
path_of(struct loading *l, struct weir_text key, struct weir_text name, const char *tail)
{
    size_t room = key.len + name.len + strlen(tail) + 2;
    char *path = own_alloc(l->p, room);
    (void)snprintf(path, room, "%.*s/%.*s%s", (int)key.len, key.bytes, (int)name.len,
                   name.bytes, tail);
    return path;
}

/* cases: as a map from name to list. */
static void
load_named(struct loading *l, struct draft *d, const struct weir_block_type *type,
           const struct yaml_node *key, const struct yaml_node *map)
{
    for (unsigned i = 0; i < map->n; i++)
        (void)load_child(l, d, type, path_of(l, key->text, map->keys[i]->text, ""),
                         map->keys[i], map->items[i]);
}

/* branches: as a list of blocks; a single node stands for a block of one. */
static void
load_listed(struct loading *l, struct draft *d, const struct weir_block_type *type,
            const struct yaml_node *key, const struct yaml_node *list)
{
    for (unsigned i = 0; i < list->n; i++) {
        char index[16];
        (void)snprintf(index, sizeof index, "%u", i);
        const struct yaml_node *item = list->items[i];
        struct yaml_node *alone = own_alloc(l->p, sizeof *alone);
        struct yaml_node **items = own_alloc(l->p, sizeof(struct yaml_node *));
        items[0] = list->items[i];
        *alone =
            (struct yaml_node){ .kind = YAML_LIST, .mark = item->mark, .items = items, .n = 1 };
        (void)load_child(l, d, type, path_of(l, key->text, text_of(index), ""), key,
                         item->kind == YAML_MAP ? alone : item);
    }
}

/* The keys of TYPE that stand beside the block in ITEM. */
static void
load_beside(struct loading *l, struct child *c, const struct yaml_node *item)
{
    unsigned n = 0;
    struct weir_text *names = split_names(l->p, c->type->keys, &n);
    c->keys = own_alloc(l->p, (n + 1) * sizeof *c->keys);
    c->parts = own_alloc(l->p, (n + 1) * sizeof *c->parts);
    for (unsigned i = 0; i < n; i++) {
        const struct yaml_node *at = yaml_find(item, names[i]);
        if (at == NULL) {
            load_say(l, item, DIAG_KEY_MISSING, NULL, "'%.*s' is missing", CLIP(names[i]));
            continue;
        }
        bool bare = yaml_is_string(at) && !template_needed(at->text);
        if (bare)
            load_say(l, at, DIAG_EXPR_NEEDED, "write it in ${ }",
                     "'%.*s' must be an expression in ${ }", CLIP(names[i]));
        c->keys[c->n_keys] = own_text(l->p, names[i]);
        c->parts[c->n_keys++] = load_expression(l, at);
    }
}

/* Refuses the keys of ITEM that are neither INNER nor one of KEYS. */
static void
check_item(struct loading *l, const struct yaml_node *item, const char *inner, const char *keys)
{
    char allowed[256];
    int len = snprintf(allowed, sizeof allowed, "%s%s%s", inner, keys != NULL ? "|" : "",
                       keys != NULL ? keys : "");
    for (int i = 0; i < len && i < (int)sizeof allowed; i++)
        if (allowed[i] == ' ')
            allowed[i] = '|';
    (void)load_map(l, item, "the item", allowed);
}

/* cases: as a list of maps { when, do }. */
static void
load_items(struct loading *l, struct draft *d, const struct weir_block_type *type,
           const struct yaml_node *key, const struct yaml_node *list)
{
    const char *inner = strrchr(type->path, '/') + 1;
    for (unsigned i = 0; i < list->n; i++) {
        const struct yaml_node *item = list->items[i];
        check_item(l, item, inner, type->keys);
        const struct yaml_node *block = yaml_get(item, inner);
        if (item->kind == YAML_MAP && block == NULL)
            load_say(l, item, DIAG_KEY_MISSING, NULL, "'%s' is missing", inner);
        if (block == NULL)
            continue;
        char index[16];
        char tail[64];
        (void)snprintf(index, sizeof index, "%u", i);
        (void)snprintf(tail, sizeof tail, "/%s", inner);
        struct child *c = load_child(l, d, type, path_of(l, key->text, text_of(index), tail),
                                     yaml_key(item, inner), block);
        if (c != NULL)
            load_beside(l, c, item);
    }
}

static void
load_block_key(struct loading *l, struct draft *d, const struct yaml_node *key,
               const struct yaml_node *n)
{
    const struct node_type *t = d->node->type;
    const struct weir_block_type *plain = find_block(t, key->text, "");
    const struct weir_block_type *named = find_block(t, key->text, "/*");
    const struct weir_block_type *items = find_inner(t, key->text);
    if (n->kind == YAML_MAP && named != NULL)
        load_named(l, d, named, key, n);
    else if (n->kind == YAML_LIST && items != NULL)
        load_items(l, d, items, key, n);
    else if (n->kind == YAML_LIST && named != NULL && plain == NULL)
        load_listed(l, d, named, key, n);
    else if (plain != NULL)
        (void)load_child(l, d, plain, plain->path, key, n);
    else
        load_say(l, n->kind == YAML_SCALAR ? n : key, DIAG_WRONG_TYPE, NULL,
                 "'%.*s' must be %s, not %s", CLIP(key->text),
                 named == NULL   ? "a list of maps"
                 : items == NULL ? "a map from names to lists of nodes"
                                 : "a map from values to lists of nodes, or a list of maps",
                 yaml_kind_name(n));
}

/* uses: a map from name to one node. */
static void
load_uses(struct loading *l, struct draft *d, const struct yaml_node *key,
          const struct yaml_node *n)
{
    if (!(d->node->type->abi.flags & WEIR_USES)) {
        load_say(l, key, DIAG_KEY_UNKNOWN, NULL, "'%s' takes no lent nodes",
                 d->node->type->abi.name);
        return;
    }
    if (n->kind != YAML_MAP) {
        load_say(l, n, DIAG_WRONG_TYPE, NULL,
                 "'uses' must be a map from names to nodes, not %s", yaml_kind_name(n));
        return;
    }
    for (unsigned i = 0; i < n->n; i++) {
        if (!node_id_valid(n->keys[i]->text))
            load_say(l, n->keys[i], DIAG_ID_FORM, NULL,
                     "a lent node's name is a lower-case letter, then letters, digits and _");
        struct child *c =
            child_new(l, d, NULL, path_of(l, TEXT("uses"), n->keys[i]->text, ""), n->keys[i]);
        if (c == NULL)
            continue;
        char place[PLACE_MAX];
        load_place(place, sizeof place, d->place, text_of(c->path));
        c->block->nodes = own_alloc(l->p, sizeof *c->block->nodes);
        load_node(l, c->block, n->items[i], place);
        l->sites = &d->sites;
    }
}

static void
load_catch(struct loading *l, struct draft *d, const struct yaml_node *key,
           const struct yaml_node *list)
{
    struct block *b = load_block(l, d->node, NULL, key);
    if (b == NULL)
        return;
    char place[PLACE_MAX];
    d->node->catch = b;
    load_place(place, sizeof place, d->place, TEXT("catch"));
    load_nodes(l, b, key, list, place);
    l->sites = &d->sites;
}

/* Whether the node has a block of the same first key as TYPE. */
static bool
has_block(const struct draft *d, const struct weir_block_type *type)
{
    struct weir_text key = { type->path, strcspn(type->path, "/") };
    return yaml_find(d->yaml, key) != NULL;
}

void
load_children(struct loading *l, struct draft *d)
{
    struct node *node = d->node;
    unsigned most = 0;
    for (unsigned i = 0; i < d->yaml->n; i++)
        most += d->yaml->items[i]->kind == YAML_SCALAR ? 1 : d->yaml->items[i]->n + 1;
    node->children = own_alloc(l->p, most * sizeof *node->children);

    for (unsigned i = 0; i < d->yaml->n; i++) {
        const struct yaml_node *key = d->yaml->keys[i];
        const struct yaml_node *n = d->yaml->items[i];
        if (key == d->key)
            continue;
        if (text_is(key->text, "catch"))
            load_catch(l, d, key, n);
        else if (text_is(key->text, "uses"))
            load_uses(l, d, key, n);
        else if (is_block_key(node->type, key->text))
            load_block_key(l, d, key, n);
    }
    for (unsigned i = 0; i < node->type->abi.n_blocks; i++) {
        const struct weir_block_type *t = &node->type->abi.blocks[i];
        if (t->required && !has_block(d, t))
            load_say(l, d->key, DIAG_BLOCK_MISSING, NULL, "'%s' needs a block '%.*s'",
                     node->type->abi.name, (int)strcspn(t->path, "/"), t->path);
    }
}

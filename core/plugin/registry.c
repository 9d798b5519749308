/* plugin/registry.c - see registry.h. SPDX-License-Identifier: Apache-2.0 */
#include "plugin/registry.h"

#include <assert.h>
#include <dirent.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/inside.h"
#include "plugin/types.h"

struct registry *
registry_new(const struct weir_host *host)
{
    struct registry *r = calloc(1, sizeof *r);
    if (r == NULL)
        abort();
    r->host = host;
    map_init(&r->nodes);
    map_init(&r->triggers);
    map_init(&r->collections);
    return r;
}

static void
plugin_free(const struct plugin *p)
{
    free((char *)(uintptr_t)p->path);
    free((struct plugin *)(uintptr_t)p);
}

void
registry_free(struct registry **r)
{
    if (*r == NULL)
        return;
    uint32_t at = 0;
    for (const struct map_entry *e; (e = map_next(&(*r)->nodes, &at)) != NULL;)
        node_type_free(e->value);
    at = 0;
    for (const struct map_entry *e; (e = map_next(&(*r)->triggers, &at)) != NULL;)
        trigger_type_free(e->value);
    at = 0;
    for (const struct map_entry *e; (e = map_next(&(*r)->collections, &at)) != NULL;)
        free(e->value);
    map_fini(&(*r)->nodes);
    map_fini(&(*r)->triggers);
    map_fini(&(*r)->collections);
    for (unsigned i = 0; i < (*r)->n_plugins; i++)
        plugin_free((*r)->plugins[i]);
    for (unsigned i = 0; i < (*r)->n_testers; i++)
        free((struct tester *)(uintptr_t)(*r)->testers[i]);
    registry_free_left_out(*r);
    free((*r)->descriptors);
    free((*r)->testers);
    free((*r)->plugins);
    free((*r)->sorted_nodes);
    free((*r)->sorted_triggers);
    free((*r)->sorted_collections);
    free(*r);
    *r = NULL;
}

static int
by_node_name(const void *a, const void *b)
{
    return strcmp((*(const struct node_type *const *)a)->abi.name,
                  (*(const struct node_type *const *)b)->abi.name);
}

static int
by_trigger_name(const void *a, const void *b)
{
    return strcmp((*(const struct trigger_type *const *)a)->abi.name,
                  (*(const struct trigger_type *const *)b)->abi.name);
}

static int
by_collection_name(const void *a, const void *b)
{
    return strcmp((*(const struct collection *const *)a)->abi.name,
                  (*(const struct collection *const *)b)->abi.name);
}

/* The values of M as a sorted array, in place of OLD. */
static void *
sorted(const struct map *m, void *old, int (*order)(const void *, const void *))
{
    free(old);
    void **all = calloc(m->count + 1, sizeof *all);
    if (all == NULL)
        abort();
    unsigned n = 0;
    uint32_t at = 0;
    for (const struct map_entry *e; (e = map_next(m, &at)) != NULL;)
        all[n++] = e->value;
    qsort(all, n, sizeof *all, order);
    return all;
}

void
registry_sort(struct registry *r)
{
    r->sorted_nodes = sorted(&r->nodes, r->sorted_nodes, by_node_name);
    r->sorted_triggers = sorted(&r->triggers, r->sorted_triggers, by_trigger_name);
    r->sorted_collections = sorted(&r->collections, r->sorted_collections, by_collection_name);
}

/* What was made for one plugin and is not yet in the registry: all or none goes in. */
struct harvest {
    struct node_type **nodes;
    struct trigger_type **triggers;
    struct collection **collections;
    unsigned n_nodes;
    unsigned n_triggers;
    unsigned n_collections;
};

static void
harvest_fini(struct harvest *h)
{
    for (unsigned i = 0; i < h->n_nodes; i++)
        node_type_free(h->nodes[i]);
    for (unsigned i = 0; i < h->n_triggers; i++)
        trigger_type_free(h->triggers[i]);
    for (unsigned i = 0; i < h->n_collections; i++)
        free(h->collections[i]);
    free(h->nodes);
    free(h->triggers);
    free(h->collections);
}

/* Whether NAME is free, in the registry and among what the plugin itself brought before. */
static enum weir_code
name_is_free(const struct registry *r, const struct harvest *h, const char *name, struct weir_error *err)
{
    const struct node_type *n = map_get(&r->nodes, name, strlen(name));
    const struct trigger_type *t = map_get(&r->triggers, name, strlen(name));
    const char *owner = n ? n->plugin->name : t ? t->plugin->name : NULL;
    for (unsigned i = 0; i < h->n_nodes && owner == NULL; i++)
        owner = strcmp(h->nodes[i]->abi.name, name) == 0 ? "this plugin itself" : NULL;
    for (unsigned i = 0; i < h->n_triggers && owner == NULL; i++)
        owner = strcmp(h->triggers[i]->abi.name, name) == 0 ? "this plugin itself" : NULL;
    if (owner)
        return err_set(err, WEIR_CONFLICT, "the type name '%s' is taken by %s", name, owner);
    return WEIR_OK;
}

static enum weir_code
harvest_types(const struct registry *r, const struct weir_plugin *p, const struct plugin *plugin,
              struct harvest *h, struct weir_error *err)
{
    h->nodes = calloc(p->n_nodes + 1, sizeof *h->nodes);
    h->triggers = calloc(p->n_triggers + 1, sizeof *h->triggers);
    if (h->nodes == NULL || h->triggers == NULL)
        abort();
    for (unsigned i = 0; i < p->n_nodes; i++) {
        struct node_type *t;
        struct weir_node_type abi;
        if (node_type_copy(p->nodes, i, &abi) && abi.file != NULL)
            continue; /* see registry_settle */
        if (node_type_new(p->nodes, i, plugin, &t, err) != WEIR_OK)
            return (enum weir_code)err->code;
        enum weir_code code = name_is_free(r, h, t->abi.name, err);
        h->nodes[h->n_nodes++] = t;
        if (code != WEIR_OK)
            return code;
    }
    for (unsigned i = 0; i < p->n_triggers; i++) {
        struct trigger_type *t;
        if (trigger_type_new(p->triggers, i, plugin, &t, err) != WEIR_OK)
            return (enum weir_code)err->code;
        enum weir_code code = name_is_free(r, h, t->abi.name, err);
        h->triggers[h->n_triggers++] = t;
        if (code != WEIR_OK)
            return code;
    }
    return WEIR_OK;
}

static enum weir_code
harvest_collections(const struct registry *r, const struct weir_plugin *p, const struct plugin *plugin,
                    struct harvest *h, struct weir_error *err)
{
    uint32_t n;
    const struct weir_collection *array = plugin_collections(p, &n);
    h->collections = calloc(n + 1, sizeof *h->collections);
    if (h->collections == NULL)
        abort();
    for (unsigned i = 0; i < n; i++) {
        struct collection *c;
        if (collection_new(array, i, plugin, &c, err) != WEIR_OK)
            return (enum weir_code)err->code;
        h->collections[h->n_collections++] = c;
        const struct collection *other = registry_collection(r, text_of(c->abi.name));
        const char *owner = other ? other->plugin->name : NULL;
        for (unsigned k = 0; k + 1 < h->n_collections && owner == NULL; k++)
            owner = strcmp(h->collections[k]->abi.name, c->abi.name) == 0 ? "this plugin itself" : NULL;
        if (owner)
            return err_set(err, WEIR_CONFLICT, "the collection name '%s' is taken by %s", c->abi.name, owner);
    }
    return WEIR_OK;
}

void
registry_take_node(struct registry *r, struct node_type *t)
{
    t->index = r->nodes.count;
    map_set(&r->nodes, t->abi.name, strlen(t->abi.name), t);
}

static void
take_in(struct registry *r, struct harvest *h, const struct weir_plugin *p, const struct plugin *plugin)
{
    for (unsigned i = 0; i < h->n_nodes; i++)
        registry_take_node(r, h->nodes[i]);
    for (unsigned i = 0; i < h->n_triggers; i++) {
        h->triggers[i]->index = r->triggers.count;
        map_set(&r->triggers, h->triggers[i]->abi.name, strlen(h->triggers[i]->abi.name),
                h->triggers[i]);
    }
    for (unsigned i = 0; i < h->n_collections; i++)
        map_set(&r->collections, h->collections[i]->abi.name, strlen(h->collections[i]->abi.name),
                h->collections[i]);
    h->n_nodes = h->n_triggers = h->n_collections = 0;
    r->plugins = realloc(r->plugins, (r->n_plugins + 1) * sizeof *r->plugins);
    r->descriptors = realloc(r->descriptors, (r->n_plugins + 1) * sizeof *r->descriptors);
    if (r->plugins == NULL || r->descriptors == NULL)
        abort();
    r->descriptors[r->n_plugins] = p;
    r->plugins[r->n_plugins++] = plugin;
    registry_sort(r);
}

/* Takes in what carries tests out; that has been checked. */
static void
take_testers(struct registry *r, const struct weir_plugin *p, const struct plugin *plugin)
{
    uint32_t n;
    const struct weir_tester *array = plugin_testers(p, &n);
    for (uint32_t i = 0; i < n; i++) {
        struct tester *t = calloc(1, sizeof *t);
        r->testers = realloc(r->testers, (r->n_testers + 1) * sizeof *r->testers);
        if (t == NULL || r->testers == NULL)
            abort();
        *t = (struct tester){ .abi = array[i], .plugin = plugin };
        r->testers[r->n_testers++] = t;
    }
}

/* Checks a descriptor and takes in what it brings, all or none. */
static enum weir_code
add_plugin(struct registry *r, const struct weir_plugin *p, const char *path, struct weir_error *err)
{
    if (plugin_check(p, err) != WEIR_OK)
        return (enum weir_code)err->code;

    struct plugin *plugin = calloc(1, sizeof *plugin);
    if (plugin == NULL)
        abort();
    *plugin = (struct plugin){ .name = p->name, .version = p->version, .path = strdup(path) };
    struct harvest h = { 0 };
    enum weir_code code = harvest_types(r, p, plugin, &h, err);
    if (code == WEIR_OK)
        code = harvest_collections(r, p, plugin, &h, err);
    if (code == WEIR_OK) {
        take_in(r, &h, p, plugin);
        take_testers(r, p, plugin);
    } else {
        plugin_free(plugin);
    }
    harvest_fini(&h);
    return code;
}

enum weir_code
registry_add(struct registry *r, const struct weir_plugin *p, struct weir_error *err)
{
    enum weir_code code = add_plugin(r, p, "(built in)", err);
    registry_settle(r);
    return code;
}

/* Loads one shared object, but for its files. */
static enum weir_code
load(struct registry *r, const char *path, struct weir_error *err)
{
    /* NODELETE: code of a plugin may be on some stack or in some table for ever; it stays. */
    void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (object == NULL) {
        const char *why = dlerror();
        return err_set(err, WEIR_INVALID, "it can't be loaded: %s", why ? why : "unknown reason");
    }
    const struct weir_plugin *(*entry)(const struct weir_host *);
    *(void **)&entry = dlsym(object, "weir_plugin_entry");
    enum weir_code code;
    if (entry == NULL)
        code = err_set(err, WEIR_INVALID,
                       "it has no symbol weir_plugin_entry; a plugin exports it with WEIR_EXPORT");
    else
        code = add_plugin(r, entry(r->host), path, err);
    if (code != WEIR_OK)
        err_in(err, "plugin %s", path);
    dlclose(object); /* the handle only */
    return code;
}

enum weir_code
registry_load(struct registry *r, const char *path, struct weir_error *err)
{
    enum weir_code code = load(r, path, err);
    registry_settle(r);
    return code;
}

static int
is_shared_object(const struct dirent *d)
{
    size_t len = strlen(d->d_name);
    return len > 3 && d->d_name[0] != '.' && strcmp(d->d_name + len - 3, ".so") == 0;
}

unsigned
registry_load_folder(struct registry *r, const char *folder,
                     void (*refused)(void *arg, const char *path, const struct weir_error *), void *arg,
                     struct weir_error *err)
{
    struct dirent **found;
    int n = scandir(folder, &found, is_shared_object, alphasort);
    if (n < 0) {
        err_set(err, WEIR_NOT_FOUND, "there is no plugin folder %s", folder);
        return 0;
    }
    unsigned loaded = 0;
    for (int i = 0; i < n; i++) {
        char path[4096];
        int len = snprintf(path, sizeof path, "%s/%s", folder, found[i]->d_name);
        struct weir_error why = { 0 };
        if (len < 0 || (size_t)len >= sizeof path)
            err_set(&why, WEIR_INVALID, "plugin %s: its path is too long", found[i]->d_name);
        else if (load(r, path, &why) == WEIR_OK)
            loaded++;
        if (why.code != WEIR_OK)
            refused(arg, path, &why);
        free(found[i]);
    }
    free(found);
    registry_settle(r);
    return loaded;
}

const struct node_type *
registry_node(const struct registry *r, struct weir_text name)
{
    return map_get(&r->nodes, name.bytes, name.len);
}

const struct trigger_type *
registry_trigger(const struct registry *r, struct weir_text name)
{
    return map_get(&r->triggers, name.bytes, name.len);
}

unsigned
registry_nodes(const struct registry *r, const struct node_type *const **ret)
{
    *ret = r->sorted_nodes;
    return r->nodes.count;
}

unsigned
registry_triggers(const struct registry *r, const struct trigger_type *const **ret)
{
    *ret = r->sorted_triggers;
    return r->triggers.count;
}

const struct collection *
registry_collection(const struct registry *r, struct weir_text name)
{
    return map_get(&r->collections, name.bytes, name.len);
}

unsigned
registry_collections(const struct registry *r, const struct collection *const **ret)
{
    *ret = r->sorted_collections;
    return r->collections.count;
}

unsigned
registry_plugins(const struct registry *r, const struct plugin *const **ret)
{
    *ret = r->plugins;
    return r->n_plugins;
}

unsigned
registry_testers(const struct registry *r, const struct tester *const **ret)
{
    *ret = r->testers;
    return r->n_testers;
}

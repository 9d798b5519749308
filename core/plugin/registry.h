/* plugin/registry.h - the node and trigger types and the collections that the loaded plugins bring.
 *
 * A registry is filled at the start, on the main thread, and never changes after that; then
 * any thread may read it. Plugins are never unloaded.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PLUGIN_REGISTRY_H
#define PLUGIN_REGISTRY_H

#include "base/map.h"
#include "value/schema.h"

struct registry;

/* Which plugin a type came from. */
struct plugin {
    const char *name;
    const char *version;
    const char *path; /* of the shared object; "(built in)" for registry_add */
};

/* What nodes of a type share by name (the schema's x-weir-resource): { kind, name, own, shared,
 * defined }. All is borrowed from the schema. */
struct type_resource {
    struct weir_text kind;        /* the map under resources:, such as "breakers"; bytes NULL: none */
    struct weir_text name;        /* the property that names it */
    const struct weir_value *own; /* a list: properties that each use may set; NULL: none */
    bool shared;  /* one thing for all who name it, so that all must describe it alike (the usual) */
    bool defined; /* it has to stand under resources: */
};

/* A node type as the core uses it. */
struct node_type {
    struct weir_node_type abi;  /* a copy; what a shorter, older one lacks is zero */
    const struct plugin *plugin;
    const struct weir_value *schema_doc; /* its configuration's JSON Schema */
    const struct schema *schema;         /* compiled */
    const char *shorthand;               /* the schema's x-weir-shorthand; NULL: none */
    struct type_resource resource;
    unsigned index;                      /* counts from 0 over all node types */
};

/* A trigger type. */
struct trigger_type {
    struct weir_trigger_type abi;
    const struct plugin *plugin;
    const struct weir_value *schema_doc;
    const struct schema *schema;
    const char *shorthand;
    unsigned index;
};

/* Things that operators look at and act on. */
struct collection {
    struct weir_collection abi; /* a copy */
    const struct plugin *plugin;
};

/* Carries out tests that are written in a language of a plugin's own. */
struct tester {
    struct weir_tester abi; /* a copy */
    const struct plugin *plugin;
};

/* A file that is no node type although it stands where files are (weir_node_type.file). */
struct left_out {
    const char *name; /* of the type that it would be */
    const char *file;
    const char *why;
    bool aside; /* only whoever uses the type is told */
};

/* An empty registry whose plugins are given HOST. */
struct registry *registry_new(const struct weir_host *host);

/* Frees; the plugins stay in the process. NULL is accepted and left. */
void registry_free(struct registry **r);

/* No file is a type of these names, which all nodes have as keys. NAMES are borrowed. */
void registry_reserve(struct registry *r, const struct weir_text *names, size_t n);

/* Loads one shared object. An error names the file and why it is refused: it can't be loaded,
 * has no weir_plugin_entry, another ABI, a type or collection that is taken or not sane, a schema
 * that is none. */
enum weir_code registry_load(struct registry *r, const char *path, struct weir_error *err) MUST_USE;

/* Loads every *.so of a folder in order of name, and tells each refusal to REFUSED; files are types
 * only when all of them are loaded, so that no name depends on the order. Returns how many were
 * loaded. WEIR_NOT_FOUND in ERR's code if there is no such folder. */
unsigned registry_load_folder(struct registry *r, const char *folder,
                              void (*refused)(void *arg, const char *path, const struct weir_error *),
                              void *arg, struct weir_error *err);

/* Adds a plugin that is linked in (tests). */
enum weir_code registry_add(struct registry *r, const struct weir_plugin *p, struct weir_error *err) MUST_USE;

/* The type of that name; NULL if there is none. */
const struct node_type *registry_node(const struct registry *r, struct weir_text name);
const struct trigger_type *registry_trigger(const struct registry *r, struct weir_text name);

/* Why there is no node type NAME, if that is known: "lua/nodes/x.lua is no node type: ..." in RET. */
bool registry_missing(const struct registry *r, struct weir_text name, char *ret, size_t room);

/* The files that were left out; *ret is borrowed. */
unsigned registry_left_out(const struct registry *r, const struct left_out **ret);

/* All types in order of name. */
unsigned registry_nodes(const struct registry *r, const struct node_type *const **ret);
unsigned registry_triggers(const struct registry *r, const struct trigger_type *const **ret);

/* The collection of that name; NULL if there is none. */
const struct collection *registry_collection(const struct registry *r, struct weir_text name);

/* All of them in order of name. */
unsigned registry_collections(const struct registry *r, const struct collection *const **ret);

/* All plugins in order of loading. */
unsigned registry_plugins(const struct registry *r, const struct plugin *const **ret);

/* All testers; returns how many, *ret is borrowed. */
unsigned registry_testers(const struct registry *r, const struct tester *const **ret);

#endif

/* plugin/types.c - see types.h. SPDX-License-Identifier: Apache-2.0 */
#include "plugin/types.h"

#include <stdlib.h>
#include <string.h>

#include "value/json.h"

#define TYPES_MAX 1000u
#define BLOCKS_MAX 32u
#define METRICS_MAX 100u
#define TESTERS_MAX 10u

const struct weir_tester *
plugin_testers(const struct weir_plugin *p, uint32_t *ret_n)
{
    bool has = p->size >= offsetof(struct weir_plugin, n_testers) + sizeof p->n_testers;
    *ret_n = has ? p->n_testers : 0;
    return has ? p->testers : NULL;
}

static enum weir_code
check_testers(const struct weir_plugin *p, struct weir_error *err)
{
    uint32_t n;
    const struct weir_tester *all = plugin_testers(p, &n);
    bool sane = n <= TESTERS_MAX && (n == 0 || all != NULL);
    for (uint32_t i = 0; sane && i < n; i++)
        sane = all[i].size == sizeof *all && all[i].suffix != NULL && all[i].summary != NULL &&
               all[i].run != NULL;
    return sane ? WEIR_OK : err_set(err, WEIR_INVALID, "its list of testers is not sane");
}

enum weir_code
plugin_check(const struct weir_plugin *p, struct weir_error *err)
{
    if (p == NULL)
        return err_set(err, WEIR_INVALID, "weir_plugin_entry returned NULL");
    if (p->abi_major != WEIR_ABI_MAJOR)
        return err_set(err, WEIR_INVALID, "it was built for ABI %u.%u, this is %u.%u: build it anew",
                       p->abi_major, p->abi_minor, WEIR_ABI_MAJOR, WEIR_ABI_MINOR);
    if (p->abi_minor > WEIR_ABI_MINOR)
        return err_set(err, WEIR_INVALID, "it needs ABI %u.%u, this is %u.%u: use a newer weir",
                       p->abi_major, p->abi_minor, WEIR_ABI_MAJOR, WEIR_ABI_MINOR);
    if (p->size > sizeof *p || p->size < offsetof(struct weir_plugin, triggers))
        return err_set(err, WEIR_INVALID, "its descriptor has %u bytes, not %zu", p->size, sizeof *p);
    if (p->name == NULL || p->name[0] == '\0' || p->version == NULL)
        return err_set(err, WEIR_INVALID, "its descriptor lacks a name or a version");
    if (p->n_nodes > TYPES_MAX || p->n_triggers > TYPES_MAX || (p->n_nodes && p->nodes == NULL) ||
        (p->n_triggers && p->triggers == NULL))
        return err_set(err, WEIR_INVALID, "its list of types is not sane");
    if (p->n_nodes + p->n_triggers == 0)
        return err_set(err, WEIR_INVALID, "it brings no type");
    if (check_testers(p, err) != WEIR_OK)
        return (enum weir_code)err->code;
    return plugin_check_collections(p, err);
}

/* Type names are [a-z][a-z0-9_.]*, so that they can stand as keys and in metrics. */
static bool
name_is_sane(const char *name)
{
    if (name == NULL || name[0] < 'a' || name[0] > 'z' || strlen(name) > 64)
        return false;
    return strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_.") == strlen(name);
}

/* Reads and compiles a type's schema, and finds its shorthand. */
static enum weir_code
load_schema(const char *text, const struct weir_value **ret_doc, const struct schema **ret_schema,
            const char **ret_shorthand, struct weir_error *err)
{
    if (text == NULL)
        return err_set(err, WEIR_INVALID, "it has no configuration schema");
    if (json_read(text_of(text), NULL, NULL, ret_doc, err) != WEIR_OK)
        return err_in(err, "its configuration schema is not JSON");
    struct schema *schema = NULL;
    if (schema_new(*ret_doc, NULL, NULL, &schema, err) != WEIR_OK)
        return err_in(err, "its configuration schema");
    *ret_schema = schema;

    const struct weir_value *shorthand = value_field(*ret_doc, "x-weir-shorthand");
    if (shorthand == NULL)
        return WEIR_OK;
    struct weir_text name = value_as_text(shorthand);
    const struct weir_value *properties = value_field(*ret_doc, "properties");
    if (value_get(properties, name.bytes, name.len) == NULL)
        return err_set(err, WEIR_INVALID, "its x-weir-shorthand names no property");
    *ret_shorthand = strndup(name.bytes, name.len);
    return WEIR_OK;
}

static bool
flag_of(const struct weir_value *said, const char *key, bool fallback)
{
    const struct weir_value *v = value_field(said, key);
    return v != NULL && v->type == WEIR_BOOL ? v->boolean : fallback;
}

/* Reads the schema's x-weir-resource, if it has one. */
static enum weir_code
load_resource(const struct weir_value *doc, struct type_resource *ret, struct weir_error *err)
{
    const struct weir_value *said = value_field(doc, "x-weir-resource");
    if (said == NULL)
        return WEIR_OK;
    const struct weir_value *kind = value_field(said, "kind"), *name = value_field(said, "name");
    const struct weir_value *properties = value_field(doc, "properties");
    if (kind == NULL || name == NULL || value_as_text(kind).len == 0 ||
        value_get(properties, value_as_text(name).bytes, value_as_text(name).len) == NULL)
        return err_set(err, WEIR_INVALID, "its x-weir-resource lacks a kind, or a name that is a property");
    *ret = (struct type_resource){ .kind = value_as_text(kind),
                                   .name = value_as_text(name),
                                   .own = value_field(said, "own"),
                                   .shared = flag_of(said, "shared", true),
                                   .defined = flag_of(said, "defined", false) };
    for (size_t i = 0; value_at(ret->own, i) != NULL; i++) {
        struct weir_text own = value_as_text(value_at(ret->own, i));
        if (value_get(properties, own.bytes, own.len) == NULL)
            return err_set(err, WEIR_INVALID, "its x-weir-resource has an own that is no property");
    }
    return WEIR_OK;
}

static enum weir_code
check_blocks(const struct weir_node_type *t, struct weir_error *err)
{
    if (t->n_blocks > BLOCKS_MAX || (t->n_blocks && t->blocks == NULL))
        return err_set(err, WEIR_INVALID, "its list of blocks is not sane");
    for (uint32_t i = 0; i < t->n_blocks; i++) {
        const struct weir_block_type *b = &t->blocks[i];
        if (b->size != sizeof *b || b->path == NULL || b->path[0] == '\0' || b->runs > WEIR_MANY)
            return err_set(err, WEIR_INVALID, "its block number %u is not sane", i);
    }
    return WEIR_OK;
}

static enum weir_code
check_metrics(const struct weir_metric *metrics, uint32_t n, struct weir_error *err)
{
    if (n > METRICS_MAX || (n && metrics == NULL))
        return err_set(err, WEIR_INVALID, "its list of metrics is not sane");
    for (uint32_t i = 0; i < n; i++)
        if (metrics[i].size != sizeof metrics[i] || metrics[i].name == NULL ||
            metrics[i].help == NULL || metrics[i].kind > WEIR_HISTOGRAM)
            return err_set(err, WEIR_INVALID, "its metric number %u is not sane", i);
    return WEIR_OK;
}

static enum weir_code
fill_node_type(struct node_type *t, struct weir_error *err)
{
    if (!name_is_sane(t->abi.name))
        return err_set(err, WEIR_INVALID, "its name is not of the form [a-z][a-z0-9_.]*");
    if (t->abi.run == NULL || t->abi.summary == NULL)
        return err_set(err, WEIR_INVALID, "it has no run, or no summary");
    if (t->abi.effect > WEIR_EFFECT_UNSAFE)
        return err_set(err, WEIR_INVALID, "its effect is not known");
    if (check_blocks(&t->abi, err) != WEIR_OK ||
        check_metrics(t->abi.metrics, t->abi.n_metrics, err) != WEIR_OK ||
        load_schema(t->abi.config_schema, &t->schema_doc, &t->schema, &t->shorthand, err) != WEIR_OK)
        return (enum weir_code)err->code;
    return load_resource(t->schema_doc, &t->resource, err);
}

/* The element number INDEX of an array whose first member of each is its size. */
static const void *
element(const void *array, uint32_t size, unsigned index)
{
    return (const char *)array + (size_t)size * index;
}

bool
node_type_copy(const struct weir_node_type *array, unsigned index, struct weir_node_type *ret)
{
    memset(ret, 0, sizeof *ret);
    if (array->size > sizeof *array || array->size < offsetof(struct weir_node_type, cancel))
        return false;
    memcpy(ret, element(array, array->size, index), array->size);
    return true;
}

bool (*plugin_missing(const struct weir_plugin *p))(struct weir_text, char *, size_t)
{
    bool has = p->size >= offsetof(struct weir_plugin, missing) + sizeof p->missing;
    return has ? p->missing : NULL;
}

enum weir_code
node_type_new(const struct weir_node_type *array, unsigned index, const struct plugin *plugin,
              struct node_type **ret, struct weir_error *err)
{
    struct weir_node_type abi;
    if (!node_type_copy(array, index, &abi))
        return err_set(err, WEIR_INVALID, "its node types have %u bytes, not %zu", array->size,
                       sizeof *array);
    struct node_type *t = calloc(1, sizeof *t);
    if (t == NULL)
        abort();
    t->abi = abi;
    t->plugin = plugin;
    if (fill_node_type(t, err) != WEIR_OK) {
        err_in(err, "node type %s", t->abi.name ? t->abi.name : "without a name");
        node_type_free(t);
        return (enum weir_code)err->code;
    }
    *ret = t;
    return WEIR_OK;
}

static enum weir_code
fill_trigger_type(struct trigger_type *t, struct weir_error *err)
{
    if (!name_is_sane(t->abi.name))
        return err_set(err, WEIR_INVALID, "its name is not of the form [a-z][a-z0-9_.]*");
    if (t->abi.open == NULL || t->abi.summary == NULL)
        return err_set(err, WEIR_INVALID, "it has no open, or no summary");
    if (check_metrics(t->abi.metrics, t->abi.n_metrics, err) != WEIR_OK)
        return (enum weir_code)err->code;
    return load_schema(t->abi.config_schema, &t->schema_doc, &t->schema, &t->shorthand, err);
}

enum weir_code
trigger_type_new(const struct weir_trigger_type *array, unsigned index, const struct plugin *plugin,
                 struct trigger_type **ret, struct weir_error *err)
{
    if (array->size > sizeof *array || array->size < offsetof(struct weir_trigger_type, detach))
        return err_set(err, WEIR_INVALID, "its trigger types have %u bytes, not %zu", array->size,
                       sizeof *array);
    struct trigger_type *t = calloc(1, sizeof *t);
    if (t == NULL)
        abort();
    memcpy(&t->abi, element(array, array->size, index), array->size);
    t->plugin = plugin;
    if (fill_trigger_type(t, err) != WEIR_OK) {
        err_in(err, "trigger type %s", t->abi.name ? t->abi.name : "without a name");
        trigger_type_free(t);
        return (enum weir_code)err->code;
    }
    *ret = t;
    return WEIR_OK;
}

/* Both kinds of type own the same three things. */
static void
free_schema(const struct weir_value **doc, const struct schema *compiled, const char *shorthand)
{
    struct schema *schema = (struct schema *)(uintptr_t)compiled;
    schema_free(&schema);
    value_unref(doc);
    free((char *)(uintptr_t)shorthand);
}

void
node_type_free(struct node_type *t)
{
    if (t == NULL)
        return;
    free_schema(&t->schema_doc, t->schema, t->shorthand);
    free(t);
}

void
trigger_type_free(struct trigger_type *t)
{
    if (t == NULL)
        return;
    free_schema(&t->schema_doc, t->schema, t->shorthand);
    free(t);
}

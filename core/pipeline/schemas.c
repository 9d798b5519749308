/* pipeline/schemas.c - see schemas.h.
 *
 * The schema of a type moves to #/$defs/config.NAME, so its own $refs get that in front.
 * Wherever it asks for something that a text with ${ } is not, the expression becomes a second
 * choice.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "pipeline/schemas.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "pipeline/loading.h"
#include "pipeline/named.h"
#include "pipeline/resources.h"
#include "pipeline/schema_build.h"
#include "pipeline/schemas_fixed.h"
#include "pipeline/spec.h"
#include "value/json.h"

static const struct weir_value *
fixed(const char *json)
{
    const struct weir_value *v = NULL;
    struct weir_error err;
    enum weir_code code = json_read(text_of(json), NULL, NULL, &v, &err);
    assert(code == WEIR_OK);
    return v;
}

static const struct weir_value *
ref_to(const char *kind, const char *name)
{
    char ref[160];
    (void)snprintf(ref, sizeof ref, "#/$defs/%s%s%s", kind, name[0] != '\0' ? "." : "", name);
    return map_of("$ref", ref);
}

/* Where a schema moves to. */
struct move {
    const char *to; /* "#/$defs/config.http" */
};

enum kind { KIND_SCHEMA, KIND_MAP_OF_SCHEMAS, KIND_LIST_OF_SCHEMAS, KIND_OTHER };

static enum kind
kind_of(struct weir_text word)
{
    static const struct {
        const char *word;
        enum kind kind;
    } words[] = {
        { "properties", KIND_MAP_OF_SCHEMAS },   { "patternProperties", KIND_MAP_OF_SCHEMAS },
        { "$defs", KIND_MAP_OF_SCHEMAS },        { "dependentSchemas", KIND_MAP_OF_SCHEMAS },
        { "additionalProperties", KIND_SCHEMA }, { "items", KIND_SCHEMA },
        { "prefixItems", KIND_LIST_OF_SCHEMAS }, { "anyOf", KIND_LIST_OF_SCHEMAS },
        { "oneOf", KIND_LIST_OF_SCHEMAS },       { "allOf", KIND_LIST_OF_SCHEMAS },
    };
    for (unsigned i = 0; i < sizeof words / sizeof *words; i++)
        if (text_is(word, words[i].word))
            return words[i].kind;
    return KIND_OTHER;
}

/* Whether a subschema stands where a value of its own is (and not a choice of one). */
static bool
is_value_place(struct weir_text word)
{
    return text_is(word, "properties") || text_is(word, "patternProperties") ||
           text_is(word, "additionalProperties") || text_is(word, "items") ||
           text_is(word, "prefixItems");
}

/* S or an expression; what describes S stands outside, where editors look for it. */
static const struct weir_value *
or_expression(const struct weir_value *original, const struct weir_value *take_s)
{
    struct weir_builder *b = builder_map();
    static const char *const words[] = { "description", "default", "examples" };
    for (unsigned i = 0; i < sizeof words / sizeof *words; i++) {
        const struct weir_value *v = value_field(original, words[i]);
        if (v != NULL)
            builder_put(b, words[i], v);
    }
    struct weir_builder *choices = builder_list();
    builder_add(choices, &take_s);
    const struct weir_value *ref = ref_to("expression", "");
    builder_add(choices, &ref);
    put_value(b, "anyOf", builder_end(&choices));
    return builder_end(&b);
}

/* S, or the name of a part that stands in weir.yaml (named.h). */
static const struct weir_value *
or_name(const struct weir_value *said, const struct weir_value *take_s)
{
    char text[160];
    struct weir_builder *b = builder_map(), *choices = builder_list(), *name = builder_map();
    (void)snprintf(text, sizeof text, "A name under resources.%.*s in weir.yaml.", CLIP(value_as_text(value_field(said, "kind"))));
    put_text(name, "description", text);
    put_text(name, "type", "string");
    put_text(name, "pattern", "^[a-z][a-z0-9_-]{0,63}$");
    const struct weir_value *v = builder_end(&name);
    builder_add(choices, &take_s);
    builder_add(choices, &v);
    put_value(b, "anyOf", builder_end(&choices));
    return builder_end(&b);
}

static const struct weir_value *moved(const struct weir_value *s, const struct move *m,
                                      bool place);

/* The subschemas in a list or map, moved. */
static const struct weir_value *
moved_members(const struct weir_value *members, const struct move *m, bool place)
{
    bool map = value_type(members) == WEIR_MAP;
    struct weir_builder *b = map ? builder_map() : builder_list();
    for (size_t i = 0; i < members->len; i++) {
        struct weir_text key;
        const struct weir_value *s = value_at(members, i);
        if (map)
            (void)value_member(members, i, &key, &s);
        const struct weir_value *v = moved(s, m, place);
        if (map)
            builder_set(b, key.bytes, key.len, &v);
        else
            builder_add(b, &v);
    }
    return builder_end(&b);
}

static const struct weir_value *
moved_word(struct weir_text word, const struct weir_value *v, const struct move *m)
{
    enum kind kind = kind_of(word);
    enum weir_type type = value_type(v);
    bool place = is_value_place(word);
    if (kind == KIND_SCHEMA && type == WEIR_MAP)
        return moved(v, m, place);
    if ((kind == KIND_MAP_OF_SCHEMAS && type == WEIR_MAP) ||
        (kind == KIND_LIST_OF_SCHEMAS && type == WEIR_LIST))
        return moved_members(v, m, place);
    struct weir_text t = value_as_text(v);
    if (!text_is(word, "$ref") || t.len == 0 || t.bytes[0] != '#')
        return value_ref(v);
    char ref[512];
    (void)snprintf(ref, sizeof ref, "%s%.*s", m->to, (int)(t.len - 1), t.bytes + 1);
    return value_text(ref);
}

/* A copy of the subschema S for its new home; PLACE: an expression may stand there too. */
static const struct weir_value *
moved(const struct weir_value *s, const struct move *m, bool place)
{
    if (value_type(s) != WEIR_MAP)
        return value_ref(s);
    struct weir_builder *b = builder_map();
    struct weir_text word;
    const struct weir_value *v;
    for (size_t i = 0; value_member(s, i, &word, &v); i++) {
        if (text_is(word, "$id") || text_is(word, "$schema") || text_is(word, "x-weir-named"))
            continue;
        const struct weir_value *copy = moved_word(word, v, m);
        builder_set(b, word.bytes, word.len, &copy);
    }
    const struct weir_value *copy = builder_end(&b), *named = value_field(s, "x-weir-named");
    if (named != NULL)
        copy = or_name(named, copy);
    const struct weir_value *literal = value_field(s, "x-weir-literal");
    struct schema *check = place && literal == NULL ? spec_compile(spec_of(s), true) : NULL;
    bool more = check != NULL || (place && literal == NULL && value_field(s, "$ref") != NULL);
    schema_free(&check);
    return more ? or_expression(s, copy) : copy;
}

/* The configuration of a type: its schema, the shorthand, or nothing. */
static const struct weir_value *
config_schema(const struct weir_value *doc, const char *name, const char *summary,
              const char *shorthand)
{
    char to[160];
    (void)snprintf(to, sizeof to, "#/$defs/config.%s", name);
    struct move m = { to };
    struct weir_builder *b = builder_map();
    put_text(b, "description", summary);
    struct weir_builder *choices = builder_list();
    const struct weir_value *v = map_of("$ref", to);
    builder_add(choices, &v);
    const struct weir_value *property =
        shorthand != NULL ? value_field(spec_properties(spec_of(doc)), shorthand) : NULL;
    if (property != NULL) {
        v = moved(property, &m, true);
        builder_add(choices, &v);
    }
    v = map_of("type", "null");
    builder_add(choices, &v);
    put_value(b, "anyOf", builder_end(&choices));
    return builder_end(&b);
}

/* A list of maps with TYPE's keys and its block. */
static const struct weir_value *
items_schema(const struct weir_block_type *t)
{
    struct weir_builder *properties = builder_map();
    for (const char *at = t->keys; at != NULL && *at != '\0';) {
        char key[64];
        size_t len = strcspn(at, " ");
        (void)snprintf(key, sizeof key, "%.*s", (int)len, at);
        if (len > 0)
            put_value(properties, key, ref_to("expression", ""));
        at += len + strspn(at + len, " ");
    }
    put_value(properties, strrchr(t->path, '/') + 1, ref_to("block", ""));
    struct weir_builder *item = builder_map();
    put_text(item, "type", "object");
    builder_put(item, "additionalProperties", &value_false);
    put_value(item, "properties", builder_end(&properties));
    struct weir_builder *list = builder_map();
    put_text(list, "type", "array");
    put_value(list, "items", builder_end(&item));
    return builder_end(&list);
}

static const struct weir_value *
block_schema(const struct weir_block_type *t)
{
    const char *star = strchr(t->path, '*');
    if (star == NULL)
        return ref_to("block", "");
    if (star[1] == '/')
        return items_schema(t);
    struct weir_builder *b = builder_map();
    put_text(b, "type", "object");
    put_value(b, "additionalProperties", ref_to("block", ""));
    return builder_end(&b);
}

/* Adds the block keys of a type; those that have two forms get a choice. */
static void
put_blocks(struct weir_builder *properties, const struct node_type *t)
{
    for (unsigned i = 0; i < t->abi.n_blocks; i++) {
        const char *path = t->abi.blocks[i].path;
        char key[64];
        (void)snprintf(key, sizeof key, "%.*s", (int)strcspn(path, "/"), path);
        struct weir_builder *choices = builder_list();
        for (unsigned k = 0; k < t->abi.n_blocks; k++) {
            const char *other = t->abi.blocks[k].path;
            if (strcspn(other, "/") != strlen(key) || strncmp(other, key, strlen(key)) != 0)
                continue;
            const struct weir_value *v = block_schema(&t->abi.blocks[k]);
            builder_add(choices, &v);
        }
        struct weir_builder *b = builder_map();
        if (t->abi.blocks[i].summary != NULL)
            put_text(b, "description", t->abi.blocks[i].summary);
        put_value(b, "anyOf", builder_end(&choices));
        put_value(properties, key, builder_end(&b));
    }
}

static const struct weir_value *
node_schema(const struct node_type *t)
{
    const struct weir_value *common = fixed(node_properties);
    struct weir_builder *properties = builder_map();
    put_value(properties, t->abi.name,
              config_schema(t->schema_doc, t->abi.name, t->abi.summary, t->shorthand));
    builder_put_all(properties, common);
    value_unref(&common);
    put_blocks(properties, t);
    if (t->abi.flags & WEIR_USES) {
        struct weir_builder *uses = builder_map();
        put_text(uses, "description", "Nodes that are lent to this one, by name.");
        put_text(uses, "type", "object");
        put_value(uses, "additionalProperties", ref_to("node", ""));
        put_value(properties, "uses", builder_end(&uses));
    }
    struct weir_builder *b = builder_map();
    put_text(b, "title", t->abi.name);
    put_text(b, "type", "object");
    put_value(b, "required", list_of(t->abi.name, NULL));
    builder_put(b, "additionalProperties", &value_false);
    put_value(b, "properties", builder_end(&properties));
    return builder_end(&b);
}

static const struct weir_value *
trigger_schema(const struct trigger_type *t)
{
    struct weir_builder *properties = builder_map();
    put_value(properties, t->abi.name,
              config_schema(t->schema_doc, t->abi.name, t->abi.summary, t->shorthand));
    struct weir_builder *b = builder_map();
    put_text(b, "title", t->abi.name);
    put_text(b, "type", "object");
    put_value(b, "required", list_of(t->abi.name, NULL));
    builder_put(b, "additionalProperties", &value_false);
    put_value(b, "properties", builder_end(&properties));
    return builder_end(&b);
}

/* #/$defs/KIND.NAME and, under CONFIG, the type's own schema; the choice gets a $ref. */
static void
put_def(struct weir_builder *defs, struct weir_builder *choice, const char *kind,
        const char *name, const struct weir_value *take_schema)
{
    char key[160];
    (void)snprintf(key, sizeof key, "%s.%s", kind, name);
    put_value(defs, key, take_schema);
    if (choice == NULL)
        return;
    const struct weir_value *ref = ref_to(kind, name);
    builder_add(choice, &ref);
}

/* TAKE_SCHEMA with SUMMARY in front of its description: an editor shows the description of the
 * innermost schema that fits. */
static const struct weir_value *
summarised(const struct weir_value *take_schema, const char *summary)
{
    const struct weir_value *v, *about = value_field(take_schema, "description");
    struct weir_builder *b = builder_map();
    struct weir_text key;
    struct buf text;
    buf_init(&text, 1u << 20);
    (void)buf_puts(&text, summary);
    if (about != NULL && buf_putc(&text, ' '))
        (void)buf_text(&text, value_as_text(about));
    put_text(b, "description", text.bytes);
    buf_fini(&text);
    for (size_t i = 0; value_member(take_schema, i, &key, &v); i++) {
        const struct weir_value *copy = value_ref(v);
        if (!text_is(key, "description"))
            builder_set(b, key.bytes, key.len, &copy);
        value_unref(&copy);
    }
    value_unref(&take_schema);
    return builder_end(&b);
}

static void
put_config(struct weir_builder *defs, const char *name, const char *summary,
           const struct weir_value *doc)
{
    char to[160];
    (void)snprintf(to, sizeof to, "#/$defs/config.%s", name);
    struct move m = { to };
    put_def(defs, NULL, "config", name, summarised(moved(doc, &m, false), summary));
}

static void
put_types(struct weir_builder *defs, const struct registry *r)
{
    const struct node_type *const *nodes;
    const struct trigger_type *const *triggers;
    unsigned n_nodes = registry_nodes(r, &nodes);
    unsigned n_triggers = registry_triggers(r, &triggers);
    struct weir_builder *node = builder_list();
    struct weir_builder *trigger = builder_list();
    for (unsigned i = 0; i < n_nodes; i++) {
        put_def(defs, node, "node", nodes[i]->abi.name, node_schema(nodes[i]));
        put_config(defs, nodes[i]->abi.name, nodes[i]->abi.summary, nodes[i]->schema_doc);
    }
    for (unsigned i = 0; i < n_triggers; i++) {
        put_def(defs, trigger, "trigger", triggers[i]->abi.name, trigger_schema(triggers[i]));
        put_config(defs, triggers[i]->abi.name, triggers[i]->abi.summary, triggers[i]->schema_doc);
    }
    struct weir_builder *b = builder_map();
    put_value(b, "anyOf", builder_end(&node));
    put_value(defs, "node", builder_end(&b));
    b = builder_map();
    put_value(b, "anyOf", builder_end(&trigger));
    put_value(defs, "trigger", builder_end(&b));
}

const struct weir_value *
pipeline_schema(const struct registry *r)
{
    const struct weir_value *shared = fixed(shared_defs);
    struct weir_builder *defs = builder_map();
    builder_put_all(defs, shared);
    value_unref(&shared);
    put_types(defs, r);

    struct weir_builder *b = builder_map();
    put_text(b, "$schema", "https://json-schema.org/draft/2020-12/schema");
    put_text(b, "title", "weir pipeline");
    put_text(b, "description", "A pipeline of weir: what starts it and the nodes that run.");
    put_text(b, "type", "object");
    put_value(b, "required", list_of("steps", NULL));
    builder_put(b, "additionalProperties", &value_false);
    put_value(b, "properties", fixed(top_properties));
    put_value(b, "$defs", builder_end(&defs));
    return builder_end(&b);
}

/* A $ref to the schema TAKE_DOC of a kind of resources, in DEFS. */
static const struct weir_value *
kind_schema(struct weir_text kind, const struct weir_value *take_doc, struct weir_builder *defs)
{
    char key[128], to[160];
    (void)snprintf(key, sizeof key, "resource.%.*s", CLIP(kind));
    (void)snprintf(to, sizeof to, "#/$defs/%s", key);
    struct move m = { to };
    put_value(defs, key, moved(take_doc, &m, false));
    value_unref(&take_doc);
    const struct weir_value *shared = fixed(shared_defs);
    builder_put(defs, "expression", value_field(shared, "expression"));
    value_unref(&shared);
    return map_of("$ref", to);
}

const struct weir_value *
resource_schema(const struct node_type *t, struct weir_builder *defs)
{
    return kind_schema(t->resource.kind, resource_doc(t), defs);
}

const struct weir_value *
named_schema(const struct named_kind *k, struct weir_builder *defs)
{
    return kind_schema(k->name, named_doc(k), defs);
}

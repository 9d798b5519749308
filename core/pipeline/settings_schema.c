/* pipeline/settings_schema.c - the JSON Schema of weir.yaml, from the table of settings.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/named.h"
#include "pipeline/resources.h"
#include "pipeline/schema_build.h"
#include "pipeline/schemas.h"
#include "pipeline/settings_impl.h"

static const struct weir_value *
words(const char *range)
{
    struct weir_builder *b = builder_list();
    while (*range != '\0') {
        size_t len = strcspn(range, "|");
        const struct weir_value *v = value_string(range, len);
        builder_add(b, &v);
        range += len + (range[len] == '|');
    }
    return builder_end(&b);
}

static void
put_type(struct weir_builder *b, const struct setting *t)
{
    switch (t->type) {
    case SETTING_COUNT:
        put_text(b, "type", "integer");
        put_int(b, "minimum", strtoll(t->range, NULL, 10));
        put_int(b, "maximum", strtoll(strstr(t->range, "..") + 2, NULL, 10));
        put_int(b, "default", strtoll(t->fallback, NULL, 10));
        return;
    case SETTING_BOOL:
        put_text(b, "type", "boolean");
        builder_put(b, "default",
                    strcmp(t->fallback, "true") == 0 ? &value_true : &value_false);
        return;
    case SETTING_BYTES:
        put_value(b, "type", list_of("string", "integer"));
        put_text(b, "format", "bytes");
        break;
    case SETTING_ADDRESSES:
    case SETTING_RANGES:
    case SETTING_FILES:
        put_value(b, "type", list_of("string", "array"));
        put_value(b, "items", map_of("type", "string"));
        break;
    case SETTING_CHOICE:
        put_value(b, "enum", words(t->range));
        break;
    case SETTING_DURATION:
    case SETTING_PERCENT:
        put_text(b, "format", t->type == SETTING_DURATION ? "duration" : "percent");
        put_text(b, "type", "string");
        break;
    case SETTING_TEXT:
    case SETTING_SECRET:
        put_text(b, "type", "string");
        break;
    }
    if (t->fallback[0] != '\0')
        put_text(b, "default", t->fallback);
}

static const struct weir_value *
one(const struct setting *t)
{
    struct weir_builder *b = builder_map();
    put_text(b, "description", t->summary);
    put_type(b, t);
    if (t->type == SETTING_SECRET)
        builder_put(b, "writeOnly", &value_true);
    return builder_end(&b);
}

/* The settings whose keys start with the LEN bytes of NAME and a point; groups in it are such, too. */
static const struct weir_value *
group(const char *name, size_t len)
{
    struct weir_builder *members = builder_map();
    size_t done = 0; /* the length of the group in it that was the last one */
    const char *last = "";
    for (unsigned i = 0; i < n_settings; i++) {
        const char *key = setting_table[i].key;
        if (strncmp(key, name, len) != 0 || key[len] != '.')
            continue;
        size_t whole = len + 1 + strcspn(key + len + 1, ".");
        const struct weir_value *v;
        if (key[whole] == '\0')
            v = one(&setting_table[i]);
        else if (whole == done && strncmp(last, key, whole) == 0)
            continue;
        else
            v = group(key, whole);
        done = whole;
        last = key;
        builder_set(members, key + len + 1, whole - len - 1, &v);
    }
    struct weir_builder *b = builder_map();
    put_text(b, "type", "object");
    builder_put(b, "additionalProperties", &value_false);
    put_value(b, "properties", builder_end(&members));
    return builder_end(&b);
}

static void
put_kind(struct weir_builder *members, struct weir_text name, const char *text, const struct weir_value *take_schema)
{
    struct weir_builder *kind = builder_map();
    put_text(kind, "description", text);
    put_text(kind, "type", "object");
    put_value(kind, "propertyNames", map_of("pattern", "^[a-z][a-z0-9_-]{0,63}$"));
    put_value(kind, "additionalProperties", take_schema);
    const struct weir_value *v = builder_end(&kind);
    builder_set(members, name.bytes, name.len, &v);
}

/* resources:, with the schema of each kind in DEFS. */
static const struct weir_value *
resources(const struct registry *r, struct weir_builder *defs)
{
    struct weir_text kinds[64];
    unsigned n = r != NULL ? resource_kinds(r, kinds, 64) : 0;
    struct weir_builder *members = builder_map();
    for (unsigned i = 0; i < n; i++) {
        const struct node_type *t = resource_type(r, kinds[i]);
        char text[160];
        (void)snprintf(text, sizeof text, "Settings that nodes of type %s use by name.", t->abi.name);
        put_kind(members, kinds[i], text, resource_schema(t, defs));
    }
    struct named_kind named[64];
    n = r != NULL ? named_kinds(r, named, 64) : 0;
    for (unsigned i = 0; i < n; i++) {
        char text[160];
        (void)snprintf(text, sizeof text, "What may stand under a name in %s.", named[i].type);
        put_kind(members, named[i].name, text, named_schema(&named[i], defs));
    }
    struct weir_builder *b = builder_map();
    put_text(b, "description", "Shared things that pipelines use by name.");
    put_text(b, "type", "object");
    if (r != NULL)
        builder_put(b, "additionalProperties", &value_false);
    put_value(b, "properties", builder_end(&members));
    return builder_end(&b);
}

const struct weir_value *
settings_schema(const struct registry *r)
{
    struct weir_builder *members = builder_map();
    for (unsigned i = 0; i < n_settings; i++) {
        const struct setting *t = &setting_table[i];
        size_t len = strcspn(t->key, ".");
        bool grouped = t->key[len] == '.';
        bool known = i > 0 && strncmp(setting_table[i - 1].key, t->key, len + 1) == 0;
        if (!grouped) {
            put_value(members, t->key, one(t));
        } else if (!known) {
            const struct weir_value *v = group(t->key, len);
            builder_set(members, t->key, len, &v);
        }
    }
    struct weir_builder *defs = builder_map();
    put_value(members, "resources", resources(r, defs));
    put_value(members, "require", require_schema());
    struct weir_builder *b = builder_map();
    put_text(b, "$schema", "https://json-schema.org/draft/2020-12/schema");
    put_text(b, "title", "weir.yaml");
    put_text(b, "description", "The settings of weir.");
    put_text(b, "type", "object");
    builder_put(b, "additionalProperties", &value_false);
    put_value(b, "properties", builder_end(&members));
    put_value(b, "$defs", builder_end(&defs));
    return builder_end(&b);
}

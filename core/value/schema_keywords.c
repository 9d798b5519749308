/* value/schema_keywords.c - the keywords of JSON Schema 2020-12, and those of them that assert
 * nothing: they are only held to their form.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "value/schema_make.h"

static enum weir_code
read_text(struct schema_maker *m, struct draft *d, const struct keyword *k,
          const struct weir_value *v)
{
    return v->type == WEIR_STRING
               ? WEIR_OK
               : schema_refuse(m, SPOT(d->node, k->name), "must be a string");
}

static enum weir_code
read_flag(struct schema_maker *m, struct draft *d, const struct keyword *k,
          const struct weir_value *v)
{
    return v->type == WEIR_BOOL
               ? WEIR_OK
               : schema_refuse(m, SPOT(d->node, k->name), "must be true or false");
}

static enum weir_code
read_list(struct schema_maker *m, struct draft *d, const struct keyword *k,
          const struct weir_value *v)
{
    return v->type == WEIR_LIST ? WEIR_OK
                                : schema_refuse(m, SPOT(d->node, k->name), "must be an array");
}

static enum weir_code
read_any(struct schema_maker *m, struct draft *d, const struct keyword *k,
         const struct weir_value *v)
{
    (void)m, (void)d, (void)k, (void)v;
    return WEIR_OK;
}

/* A name: [A-Za-z_][-A-Za-z0-9._]* */
static enum weir_code
read_anchor(struct schema_maker *m, struct draft *d, const struct keyword *k,
            const struct weir_value *v)
{
    struct weir_text name = value_as_text(v);
    bool good = v->type == WEIR_STRING && name.len > 0;
    for (size_t i = 0; good && i < name.len; i++) {
        char c = name.bytes[i];
        bool first = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        good = first || (i > 0 && ((c >= '0' && c <= '9') || c == '-' || c == '.'));
    }
    return good ? WEIR_OK
                : schema_refuse(m, SPOT(d->node, k->name),
                                "must be a name of letters, digits and . - _");
}

static enum weir_code
read_vocabulary(struct schema_maker *m, struct draft *d, const struct keyword *k,
                const struct weir_value *v)
{
    struct weir_text uri;
    const struct weir_value *required;
    if (v->type != WEIR_MAP)
        return schema_refuse(m, SPOT(d->node, k->name), "must be an object");
    for (size_t i = 0; value_member(v, i, &uri, &required); i++)
        if (required->type != WEIR_BOOL)
            return schema_refuse(m, SPOT_KEY(d->node, k->name, uri), "must be true or false");
    return WEIR_OK;
}

/* Sorted by name. */
#define ROW(name, vocabulary, shape, op, read)                      \
    {                                                               \
        name, VOCABULARY_##vocabulary, SHAPE_##shape, OP_##op, read \
    }
#define OP_NONE OP_COUNT

static const struct keyword keywords[] = {
    ROW("$anchor", CORE, OTHER, NONE, read_anchor),
    ROW("$comment", CORE, OTHER, NONE, read_text),
    ROW("$defs", CORE, MAP, NONE, schema_read_defs),
    ROW("$dynamicAnchor", CORE, OTHER, NONE, read_anchor),
    ROW("$dynamicRef", CORE, OTHER, DYNAMIC_REF, schema_read_ref),
    ROW("$id", CORE, OTHER, NONE, read_text),
    ROW("$ref", CORE, OTHER, REF, schema_read_ref),
    ROW("$schema", CORE, OTHER, NONE, read_text),
    ROW("$vocabulary", CORE, OTHER, NONE, read_vocabulary),
    ROW("additionalProperties", APPLICATOR, SCHEMA, PROPERTIES, schema_read_rest),
    ROW("allOf", APPLICATOR, LIST, ALL_OF, schema_read_nodes),
    ROW("anyOf", APPLICATOR, LIST, ANY_OF, schema_read_nodes),
    ROW("const", VALIDATION, OTHER, CONST, schema_read_const),
    ROW("contains", APPLICATOR, SCHEMA, CONTAINS, schema_read_contains),
    ROW("contentEncoding", CONTENT, OTHER, NONE, read_text),
    ROW("contentMediaType", CONTENT, OTHER, NONE, read_text),
    ROW("contentSchema", CONTENT, SCHEMA, NONE, read_any),
    ROW("default", META, OTHER, NONE, read_any),
    ROW("dependentRequired", VALIDATION, OTHER, DEPENDENT_REQUIRED, schema_read_dependent),
    ROW("dependentSchemas", APPLICATOR, MAP, DEPENDENT_SCHEMAS, schema_read_dependent_schemas),
    ROW("deprecated", META, OTHER, NONE, read_flag),
    ROW("description", META, OTHER, NONE, read_text),
    ROW("else", APPLICATOR, SCHEMA, IF, schema_read_if),
    ROW("enum", VALIDATION, OTHER, ENUM, schema_read_enum),
    ROW("examples", META, OTHER, NONE, read_list),
    ROW("exclusiveMaximum", VALIDATION, OTHER, EXCLUSIVE_MAXIMUM, schema_read_number),
    ROW("exclusiveMinimum", VALIDATION, OTHER, EXCLUSIVE_MINIMUM, schema_read_number),
    ROW("format", FORMAT, OTHER, NONE, read_text),
    ROW("if", APPLICATOR, SCHEMA, IF, schema_read_if),
    ROW("items", APPLICATOR, SCHEMA, ITEMS, schema_read_items),
    ROW("maxContains", VALIDATION, OTHER, CONTAINS, schema_read_contains_limit),
    ROW("maxItems", VALIDATION, OTHER, MAX_ITEMS, schema_read_limit),
    ROW("maxLength", VALIDATION, OTHER, MAX_LENGTH, schema_read_limit),
    ROW("maxProperties", VALIDATION, OTHER, MAX_PROPERTIES, schema_read_limit),
    ROW("maximum", VALIDATION, OTHER, MAXIMUM, schema_read_number),
    ROW("minContains", VALIDATION, OTHER, CONTAINS, schema_read_contains_limit),
    ROW("minItems", VALIDATION, OTHER, MIN_ITEMS, schema_read_limit),
    ROW("minLength", VALIDATION, OTHER, MIN_LENGTH, schema_read_limit),
    ROW("minProperties", VALIDATION, OTHER, MIN_PROPERTIES, schema_read_limit),
    ROW("minimum", VALIDATION, OTHER, MINIMUM, schema_read_number),
    ROW("multipleOf", VALIDATION, OTHER, MULTIPLE_OF, schema_read_multiple),
    ROW("not", APPLICATOR, SCHEMA, NOT, schema_read_node),
    ROW("oneOf", APPLICATOR, LIST, ONE_OF, schema_read_nodes),
    ROW("pattern", VALIDATION, OTHER, PATTERN, schema_read_pattern),
    ROW("patternProperties", APPLICATOR, MAP, PROPERTIES, schema_read_patterns),
    ROW("prefixItems", APPLICATOR, LIST, ITEMS, schema_read_prefix),
    ROW("properties", APPLICATOR, MAP, PROPERTIES, schema_read_properties),
    ROW("propertyNames", APPLICATOR, SCHEMA, PROPERTY_NAMES, schema_read_node),
    ROW("readOnly", META, OTHER, NONE, read_flag),
    ROW("required", VALIDATION, OTHER, REQUIRED, schema_read_required),
    ROW("then", APPLICATOR, SCHEMA, IF, schema_read_if),
    ROW("title", META, OTHER, NONE, read_text),
    ROW("type", VALIDATION, OTHER, TYPE, schema_read_type),
    ROW("unevaluatedItems", UNEVALUATED, SCHEMA, UNEVALUATED_ITEMS, schema_read_node),
    ROW("unevaluatedProperties", UNEVALUATED, SCHEMA, UNEVALUATED_PROPERTIES, schema_read_node),
    ROW("uniqueItems", VALIDATION, OTHER, UNIQUE_ITEMS, schema_read_unique),
    ROW("writeOnly", META, OTHER, NONE, read_flag),
};

static int
by_name(const void *key, const void *row)
{
    const struct weir_text *name = key;
    const struct keyword *k = row;
    size_t len = strlen(k->name);
    int order = memcmp(name->bytes, k->name, name->len < len ? name->len : len);
    return order != 0 ? order : (name->len > len) - (name->len < len);
}

const struct keyword *
schema_keyword(struct weir_text name)
{
    return bsearch(&name, keywords, sizeof(keywords) / sizeof(keywords[0]), sizeof(keywords[0]),
                   by_name);
}

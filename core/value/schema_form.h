/* value/schema_form.h - inside the room: what a schema is compiled to.
 *
 * Each place of a schema becomes a node: a row of rules in the order in which they are best
 * evaluated, cheap ones first, those that need the others' results last. Nodes name each other
 * by number. All memory is the schema's arena; texts, constants and limits lie in the
 * documents, of which a reference is kept.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef VALUE_SCHEMA_FORM_H
#define VALUE_SCHEMA_FORM_H

#include "base/arena.h"
#include "value/regex.h"
#include "value/schema.h"

#define TYPE_BIT(type) (1u << (type))
#define ON_ANY 0x1ffu
#define ON_NUMBER (TYPE_BIT(WEIR_INT) | TYPE_BIT(WEIR_DOUBLE))
#define ON_STRING TYPE_BIT(WEIR_STRING)
#define ON_LIST TYPE_BIT(WEIR_LIST)
#define ON_MAP TYPE_BIT(WEIR_MAP)

/* Every rule: name, function (schema_rule_NAME), the types of values that it looks at. The
 * order is that of evaluation. */
#define SCHEMA_RULES(X)                                \
    X(TYPE, type, ON_ANY)                              \
    X(CONST, const, ON_ANY)                            \
    X(ENUM, enum, ON_ANY)                              \
    X(MINIMUM, minimum, ON_NUMBER)                     \
    X(MAXIMUM, maximum, ON_NUMBER)                     \
    X(EXCLUSIVE_MINIMUM, exclusive_minimum, ON_NUMBER) \
    X(EXCLUSIVE_MAXIMUM, exclusive_maximum, ON_NUMBER) \
    X(MULTIPLE_OF, multiple_of, ON_NUMBER)             \
    X(MIN_LENGTH, min_length, ON_STRING)               \
    X(MAX_LENGTH, max_length, ON_STRING)               \
    X(PATTERN, pattern, ON_STRING)                     \
    X(MIN_ITEMS, min_items, ON_LIST)                   \
    X(MAX_ITEMS, max_items, ON_LIST)                   \
    X(UNIQUE_ITEMS, unique_items, ON_LIST)             \
    X(ITEMS, items, ON_LIST)                           \
    X(CONTAINS, contains, ON_LIST)                     \
    X(MIN_PROPERTIES, min_properties, ON_MAP)          \
    X(MAX_PROPERTIES, max_properties, ON_MAP)          \
    X(REQUIRED, required, ON_MAP)                      \
    X(DEPENDENT_REQUIRED, dependent_required, ON_MAP)  \
    X(PROPERTY_NAMES, property_names, ON_MAP)          \
    X(PROPERTIES, properties, ON_MAP)                  \
    X(REF, ref, ON_ANY)                                \
    X(DYNAMIC_REF, dynamic_ref, ON_ANY)                \
    X(ALL_OF, all_of, ON_ANY)                          \
    X(ANY_OF, any_of, ON_ANY)                          \
    X(ONE_OF, one_of, ON_ANY)                          \
    X(NOT, not, ON_ANY)                                \
    X(IF, if, ON_ANY)                                  \
    X(DEPENDENT_SCHEMAS, dependent_schemas, ON_MAP)    \
    X(UNEVALUATED_ITEMS, unevaluated_items, ON_LIST)   \
    X(UNEVALUATED_PROPERTIES, unevaluated_properties, ON_MAP)

enum schema_op {
#define X(name, function, types) OP_##name,
    SCHEMA_RULES(X)
#undef X
        OP_COUNT
};

/* JSON Schema's types, as bits. */
enum schema_type {
    JSON_NULL = 1u << 0,
    JSON_BOOLEAN = 1u << 1,
    JSON_INTEGER = 1u << 2,
    JSON_NUMBER = 1u << 3,
    JSON_STRING = 1u << 4,
    JSON_ARRAY = 1u << 5,
    JSON_OBJECT = 1u << 6,
};

#define NODE_NONE UINT32_MAX

enum { SCHEMA_DEPTH = 1000 }; /* nodes that are evaluated inside each other */

/* A number as digits times a power of ten. */
struct decimal {
    uint64_t digits; /* without trailing zeros */
    int exponent;
};

struct schema_multiple {
    const struct weir_value *value;
    struct decimal by;
};

struct schema_enum {
    const struct weir_value *list;
    uint32_t mask;   /* slots - 1 */
    uint32_t *slots; /* index + 1 by value_hash; NULL: they are few */
};

struct schema_pattern {
    const struct regex *re; /* the schema's */
    struct weir_text text;
    uint32_t node; /* of patternProperties */
};

/* Names of properties, each with the node of its value. */
struct schema_names {
    uint32_t n;
    uint32_t mask;         /* slots - 1 */
    const uint32_t *slots; /* index + 1 by the print of members.h */
    const uint32_t *prints;
    const struct weir_text *texts;
    const uint32_t *nodes;
};

struct schema_properties {
    struct schema_names names;
    const struct schema_pattern *patterns;
    uint32_t n_patterns;
    uint32_t rest; /* of additionalProperties; NODE_NONE: there is none */
};

struct schema_items {
    const uint32_t *prefix;
    uint32_t n_prefix;
    uint32_t rest; /* of items */
};

struct schema_contains {
    uint64_t min;
    uint64_t max;
    uint32_t node;
};

/* The nodes of OP_IF; NODE_NONE: there is none. */
enum { IF_TEST, IF_THEN, IF_ELSE, IF_COUNT };

/* The properties that the presence of one asks for. */
struct schema_dependency {
    struct weir_text name;
    const struct weir_text *required;
    uint32_t n_required;
};

struct schema_rule {
    uint8_t op;
    uint16_t types; /* bits of the enum weir_type that it looks at */
    uint32_t n;     /* of what the union points at; the JSON types of OP_TYPE; the name
                       of the anchor of OP_DYNAMIC_REF, UINT32_MAX: the node itself */
    union {
        uint64_t limit;
        uint32_t node;
        const uint32_t *nodes;
        const struct weir_value *value;
        const struct weir_text *texts;
        const struct schema_multiple *multiple;
        const struct schema_enum *list;
        const struct schema_pattern *pattern;
        const struct schema_properties *properties;
        const struct schema_items *items;
        const struct schema_contains *contains;
        const struct schema_names *names;
        const struct schema_dependency *dependencies;
    };
};

enum schema_kind { NODE_RULES, NODE_TRUE, NODE_FALSE };

struct schema_node {
    const struct schema_rule *rules;
    uint16_t n_rules;
    uint16_t tracks; /* bits of the types whose members it must know to be evaluated */
    uint32_t kind;
    uint32_t resource;
};

/* A $dynamicAnchor: the number of its name, and the node. */
struct schema_anchor {
    uint32_t name;
    uint32_t node;
};

/* What stands under one $id. */
struct schema_resource {
    struct schema_anchor *anchors; /* dynamic ones */
    uint32_t n_anchors;
};

struct schema {
    struct arena arena;
    struct schema_node *nodes;
    struct schema_resource *resources;
    const struct weir_value **docs; /* N_DOCS references */
    struct regex **patterns;        /* N_PATTERNS, owned */
    uint32_t n_nodes;
    uint32_t n_resources;
    uint32_t n_docs;
    uint32_t n_patterns;
    uint32_t root;
    uint16_t plain; /* bits of the types without parts of which every value conforms */
    bool tracks;   /* some node has unevaluated... */
    bool contains; /* some node has contains */
};

/* The JSON types that V has; 0 for bytes and streams. */
static inline unsigned
schema_types_of(const struct weir_value *v)
{
    static const uint8_t types[] = {
        [WEIR_NULL] = JSON_NULL,
        [WEIR_BOOL] = JSON_BOOLEAN,
        [WEIR_INT] = JSON_INTEGER | JSON_NUMBER,
        [WEIR_DOUBLE] = JSON_NUMBER,
        [WEIR_STRING] = JSON_STRING,
        [WEIR_LIST] = JSON_ARRAY,
        [WEIR_MAP] = JSON_OBJECT,
        [WEIR_STREAM] = 0,
    };
    if (v->type == WEIR_DOUBLE && __builtin_trunc(v->number) == v->number)
        return JSON_INTEGER | JSON_NUMBER;
    return types[v->type];
}

/* -- schema_loop.c -- */

/* The nodes that a rule applies to the same value, whatever that is (not those of a
 * $dynamicRef to an anchor); NODE_NONE may be among them. Returns their number. */
uint32_t schema_in_place(const struct schema_rule *r, const uint32_t **ret);

/* -- schema_equal.c -- */

/* A keyed hash that is the same for equal values. COST is lowered by the work. */
uint64_t value_hash(const struct weir_value *v, uint64_t *cost);

/* Whether V is, or holds, an expression of a configuration. */
bool value_has_dynamic(const struct weir_value *v, uint64_t *cost);

/* Fills in E's table if its list is long; memory from A. */
void schema_enum_index(struct schema_enum *e, struct arena *a);

/* Whether E has a value equal to V. */
bool schema_enum_has(const struct schema_enum *e, const struct weir_value *v, uint64_t *cost);

/* Makes the table over N->texts; memory from A. */
void schema_names_index(struct schema_names *n, struct arena *a);

/* The index of a name, or UINT32_MAX. */
uint32_t schema_names_find(const struct schema_names *n, const char *key, size_t len,
                           uint32_t print);

/* -- schema_number.c -- */

/* The shortest decimal that reads as the finite number V. */
struct decimal decimal_of(const struct weir_value *v);

/* Whether A is a multiple of B, whose digits are not 0. */
bool decimal_is_multiple(struct decimal a, struct decimal b);

#endif

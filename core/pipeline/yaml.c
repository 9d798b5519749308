/* pipeline/yaml.c - reading the tree of a YAML file.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "pipeline/yaml.h"

#include <string.h>

static int
find(const struct yaml_node *n, struct weir_text key)
{
    if (n == NULL || n->kind != YAML_MAP)
        return -1;
    for (unsigned i = 0; i < n->n; i++)
        if (text_equal(n->keys[i]->text, key))
            return (int)i;
    return -1;
}

struct yaml_node *
yaml_get(const struct yaml_node *n, const char *key)
{
    int i = find(n, text_of(key));
    return i < 0 ? NULL : n->items[i];
}

struct yaml_node *
yaml_key(const struct yaml_node *n, const char *key)
{
    int i = find(n, text_of(key));
    return i < 0 ? NULL : n->keys[i];
}

struct yaml_node *
yaml_find(const struct yaml_node *n, struct weir_text key)
{
    int i = find(n, key);
    return i < 0 ? NULL : n->items[i];
}

bool
yaml_is_null(const struct yaml_node *n)
{
    return n->kind == YAML_SCALAR && n->value.type == WEIR_NULL;
}

bool
yaml_is_string(const struct yaml_node *n)
{
    return n->kind == YAML_SCALAR && n->value.type == WEIR_STRING;
}

const char *
yaml_kind_name(const struct yaml_node *n)
{
    if (n->kind == YAML_LIST)
        return "a list";
    if (n->kind == YAML_MAP)
        return "a map";
    switch (n->value.type) {
    case WEIR_NULL:
        return "nothing";
    case WEIR_BOOL:
        return "true or false";
    case WEIR_STRING:
        return "a string";
    default:
        return "a number";
    }
}

const struct weir_value *
yaml_value(const struct yaml_node *n)
{
    if (n->kind == YAML_SCALAR)
        return value_box(&n->value);
    struct weir_builder *b = n->kind == YAML_MAP ? builder_map() : builder_list();
    for (unsigned i = 0; i < n->n; i++) {
        const struct weir_value *v = yaml_value(n->items[i]);
        if (n->kind == YAML_MAP)
            builder_set(b, n->keys[i]->text.bytes, n->keys[i]->text.len, &v);
        else
            builder_add(b, &v);
    }
    return builder_end(&b);
}

/* cli/type_about.c - see type_about.h. SPDX-License-Identifier: Apache-2.0 */
#include "cli/type_about.h"

#include <stdio.h>
#include <string.h>

#include "value/json.h"

static const char *const runs[] = { "always", "maybe", "many" };

bool
type_about_at(const struct registry *r, unsigned index, struct type_about *ret)
{
    static const char *const effects[] = { "none", "idempotent", "unsafe" };
    const struct node_type *const *nodes;
    const struct trigger_type *const *triggers;
    unsigned n_nodes = registry_nodes(r, &nodes), n_triggers = registry_triggers(r, &triggers);
    if (index < n_triggers) {
        const struct trigger_type *t = triggers[index];
        *ret = (struct type_about){ .name = t->abi.name, .summary = t->abi.summary, .example = t->abi.example,
                                    .shorthand = t->shorthand, .schema = t->schema_doc, .plugin = t->plugin };
        return true;
    }
    if (index - n_triggers >= n_nodes)
        return false;
    const struct node_type *n = nodes[index - n_triggers];
    *ret = (struct type_about){ .node = true,
                                .name = n->abi.name,
                                .summary = n->abi.summary,
                                .example = n->abi.example,
                                .output = n->abi.output,
                                .shorthand = n->shorthand,
                                .effect = n->abi.effect_of ? "depends" : effects[n->abi.effect % 3],
                                .tap = n->abi.flags & WEIR_TAP,
                                .blocks = n->abi.blocks,
                                .n_blocks = n->abi.n_blocks,
                                .schema = n->schema_doc,
                                .plugin = n->plugin };
    return true;
}

/* Sets KEY to a text, if there is one. */
static void
put(struct weir_builder *b, const char *key, const char *text)
{
    if (text == NULL)
        return;
    builder_take(b, key, value_text(text));
}

static const struct weir_value *
blocks_value(const struct type_about *t)
{
    struct weir_builder *list = builder_list();
    for (unsigned i = 0; i < t->n_blocks; i++) {
        const struct weir_block_type *k = &t->blocks[i];
        struct weir_builder *b = builder_map();
        put(b, "path", k->path);
        put(b, "summary", k->summary);
        put(b, "runs", runs[k->runs % 3]);
        put(b, "names", k->names);
        builder_put(b, "required", k->required ? &value_true : &value_false);
        const struct weir_value *v = builder_end(&b);
        builder_add(list, &v);
    }
    return builder_end(&list);
}

const struct weir_value *
type_about_value(const struct type_about *t)
{
    struct weir_builder *b = builder_map();
    put(b, "kind", t->node ? "node" : "trigger");
    put(b, "name", t->name);
    put(b, "summary", t->summary);
    put(b, "short_form", t->shorthand);
    put(b, "output", t->output);
    put(b, "effect", t->effect);
    if (t->node) {
        builder_put(b, "tap", t->tap ? &value_true : &value_false);
        builder_take(b, "blocks", blocks_value(t));
    }
    put(b, "example", t->example);
    put(b, "plugin", t->plugin->name);
    builder_put(b, "schema", t->schema);
    return builder_end(&b);
}

static void
print_json_text(const struct weir_value *v)
{
    struct buf b;
    struct weir_error err;
    buf_init(&b, 1u << 20);
    if (json_write(&b, v, &err) == WEIR_OK)
        printf("%s", b.bytes);
    buf_fini(&b);
}

static void
print_type_of(const struct weir_value *property)
{
    const struct weir_value *format = value_field(property, "format"), *item;
    const struct weir_value *type = value_field(property, "type");
    const struct weir_value *names = value_field(property, "enum");
    struct weir_text text = { "any", 3 };
    if (names) {
        print_json_text(names);
        return;
    }
    if (type && value_type(type) == WEIR_LIST && format == NULL) {
        for (size_t i = 0; (item = value_at(type, i)) != NULL; i++) {
            text = value_as_text(item);
            printf("%s%.*s", i ? " or " : "", (int)text.len, text.bytes);
        }
        return;
    }
    if (format || type)
        text = value_as_text(format ? format : type);
    printf("%.*s", (int)text.len, text.bytes);
}

static bool
is_required(const struct weir_value *schema, struct weir_text key)
{
    const struct weir_value *required = value_field(schema, "required"), *item;
    for (size_t i = 0; (item = value_at(required, i)) != NULL; i++)
        if (text_equal(value_as_text(item), key))
            return true;
    return false;
}

/* The options that a schema describes, with those inside indented. */
static void
print_options(const struct weir_value *schema, int depth)
{
    struct weir_text key;
    const struct weir_value *p;
    const struct weir_value *properties = value_field(schema, "properties");
    for (size_t i = 0; value_member(properties, i, &key, &p); i++) {
        printf("%*s%.*s: ", 2 + depth * 2, "", (int)key.len, key.bytes);
        print_type_of(p);
        const struct weir_value *fallback = value_field(p, "default");
        if (fallback) {
            printf(", default ");
            print_json_text(fallback);
        }
        printf("%s\n", is_required(schema, key) ? ", required" : "");
        const struct weir_value *text = value_field(p, "description");
        if (text && value_type(text) == WEIR_STRING)
            printf("%*s%.*s\n", 6 + depth * 2, "", (int)text->len, value_as_text(text).bytes);
        if (depth < 3)
            print_options(p, depth + 1);
    }
}

static void
print_blocks(const struct type_about *t)
{
    static const char *const words[] = { "always runs", "may run", "runs many times" };
    if (t->n_blocks)
        printf("\nBlocks:\n");
    for (unsigned i = 0; i < t->n_blocks; i++) {
        const struct weir_block_type *b = &t->blocks[i];
        printf("  %s: %s%s\n", b->path, words[b->runs % 3], b->required ? ", required" : "");
        if (b->summary)
            printf("      %s\n", b->summary);
        if (b->names)
            printf("      Brings into scope: %s\n", b->names);
    }
}

void
type_about_print(const struct type_about *t)
{
    printf("%s - %s\n", t->name, t->summary);
    if (!t->node)
        printf("\nA trigger: it stands under 'trigger'.\n");
    if (t->shorthand)
        printf("\nShort form: %s: %s\n", t->name, t->shorthand);
    struct weir_text key;
    const struct weir_value *p;
    if (value_member(value_field(t->schema, "properties"), 0, &key, &p))
        printf("\nOptions:\n");
    print_options(t->schema, 0);
    print_blocks(t);
    if (t->output)
        printf("\nOutput: %s%s\n", t->output, t->tap ? " (input stays as it is)" : "");
    if (t->effect)
        printf("%sEffect: %s\n", t->output ? "" : "\n",
               strcmp(t->effect, "depends") == 0 ? "depends on the configuration" : t->effect);
    if (t->example) {
        size_t len = strlen(t->example);
        printf("\nExample:\n%s%s", t->example, len && t->example[len - 1] == '\n' ? "" : "\n");
    }
    printf("\nPlugin: %s %s\n", t->plugin->name, t->plugin->version);
}

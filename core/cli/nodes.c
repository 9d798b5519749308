/* cli/nodes.c - weir nodes: the types of nodes and triggers, and one of them with its options.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/setup.h"
#include "pipeline/schemas.h"
#include "value/json.h"

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
    const struct weir_value *format = value_field(property, "format");
    const struct weir_value *type = value_field(property, "type");
    const struct weir_value *names = value_field(property, "enum");
    if (names) {
        print_json_text(names);
    } else if (format && value_type(format) == WEIR_STRING) {
        struct weir_text text = value_as_text(format);
        printf("%.*s", (int)text.len, text.bytes);
    } else if (type && value_type(type) == WEIR_STRING) {
        printf("%.*s", (int)type->len, type->bytes);
    } else {
        printf("any");
    }
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
        struct weir_text text = value_as_text(value_field(p, "description") ? value_field(p, "description")
                                                                            : &value_empty_string);
        if (text.len)
            printf("%*s%.*s\n", 6 + depth * 2, "", (int)text.len, text.bytes);
        if (depth < 3)
            print_options(p, depth + 1);
    }
}

static void
print_blocks(const struct weir_node_type *t)
{
    static const char *const runs[] = { "always runs", "may run", "runs many times" };
    if (t->n_blocks)
        printf("\nBlocks:\n");
    for (uint32_t i = 0; i < t->n_blocks; i++) {
        const struct weir_block_type *b = &t->blocks[i];
        printf("  %s: %s; %s%s%s%s\n", b->path, b->summary ? b->summary : "", runs[b->runs],
               b->names ? ", brings " : "", b->names ? b->names : "", b->required ? ", required" : "");
    }
}

static void
print_node(const struct node_type *t)
{
    static const char *const effects[] = { "none", "idempotent", "unsafe" };
    printf("%s - %s\n", t->abi.name, t->abi.summary);
    if (t->shorthand)
        printf("\nShort form: %s: <%s>\n", t->abi.name, t->shorthand);
    printf("\nOptions:\n");
    print_options(t->schema_doc, 0);
    print_blocks(&t->abi);
    if (t->abi.output)
        printf("\nOutput: %s\n", t->abi.output);
    printf("Effect: %s\n", t->abi.effect_of ? "depends on the configuration" : effects[t->abi.effect]);
    if (t->abi.example)
        printf("\nExample:\n%s\n", t->abi.example);
    printf("Plugin: %s %s\n", t->plugin->name, t->plugin->version);
}

static void
print_trigger(const struct trigger_type *t)
{
    printf("%s - %s (a trigger)\n\nOptions:\n", t->abi.name, t->abi.summary);
    print_options(t->schema_doc, 0);
    if (t->abi.example)
        printf("\nExample:\n%s\n", t->abi.example);
    printf("Plugin: %s %s\n", t->plugin->name, t->plugin->version);
}

static const struct weir_value *
type_value(const char *kind, const char *name, const char *summary, const struct weir_value *schema,
           const char *example)
{
    struct weir_builder *b = builder_map();
    const struct weir_value *v = value_text(kind);
    builder_set(b, "kind", 4, &v);
    v = value_text(name);
    builder_set(b, "name", 4, &v);
    v = value_text(summary);
    builder_set(b, "summary", 7, &v);
    v = value_text(example ? example : "");
    builder_set(b, "example", 7, &v);
    builder_put(b, "schema", schema);
    return builder_end(&b);
}

static void
list_all(const struct registry *r, bool json)
{
    const struct node_type *const *nodes;
    const struct trigger_type *const *triggers;
    unsigned n_nodes = registry_nodes(r, &nodes), n_triggers = registry_triggers(r, &triggers);
    struct weir_builder *list = builder_list();
    if (!json)
        printf("Triggers:\n");
    for (unsigned i = 0; i < n_triggers; i++) {
        const struct weir_trigger_type *t = &triggers[i]->abi;
        const struct weir_value *v = type_value("trigger", t->name, t->summary, triggers[i]->schema_doc, t->example);
        builder_add(list, &v);
        if (!json)
            printf("  %-12s %s\n", t->name, t->summary);
    }
    if (!json)
        printf("Nodes:\n");
    for (unsigned i = 0; i < n_nodes; i++) {
        const struct weir_node_type *t = &nodes[i]->abi;
        const struct weir_value *v = type_value("node", t->name, t->summary, nodes[i]->schema_doc, t->example);
        builder_add(list, &v);
        if (!json)
            printf("  %-12s %s\n", t->name, t->summary);
    }
    const struct weir_value *all = builder_end(&list);
    if (json)
        print_value(all);
    else
        printf("\nweir nodes TYPE shows one with its options and an example.\n");
    value_unref(&all);
}

static int
show_one(const struct registry *r, const char *name, bool json)
{
    const struct node_type *n = registry_node(r, text_of(name));
    const struct trigger_type *t = registry_trigger(r, text_of(name));
    if (n == NULL && t == NULL) {
        fprintf(stderr, "weir nodes: there is no type '%s'; weir nodes lists them\n", name);
        return EXIT_WRONG;
    }
    if (json) {
        const struct weir_value *v =
            n ? type_value("node", n->abi.name, n->abi.summary, n->schema_doc, n->abi.example)
              : type_value("trigger", t->abi.name, t->abi.summary, t->schema_doc, t->abi.example);
        print_value(v);
        value_unref(&v);
    } else if (n) {
        print_node(n);
    } else {
        print_trigger(t);
    }
    return EXIT_GOOD;
}

static int
run(const struct args *a)
{
    struct setup s;
    int code = EXIT_WRONG;
    bool json = args_given(a, "json");
    if (setup_begin(&s, a)) {
        code = EXIT_GOOD;
        if (args_given(a, "schema")) {
            const struct weir_value *v = pipeline_schema(s.registry);
            print_value(v);
            value_unref(&v);
        } else if (a->n_words) {
            code = show_one(s.registry, a->words[0], json);
        } else {
            list_all(s.registry, json);
        }
    }
    setup_end(&s);
    return code;
}

static const struct option options[] = {
    { 0, "json", NULL, "as JSON, with the whole schema" },
    { 0, "schema", NULL, "print the JSON Schema of pipeline files, for editors" },
    SETUP_OPTIONS,
};

const struct command command_nodes = {
    .name = "nodes",
    .summary = "list the types of nodes and triggers, or show one",
    .usage = "[TYPE]",
    .examples = "  weir nodes\n  weir nodes http\n  weir nodes --schema > schemas/pipeline.schema.json\n",
    .options = options,
    .n_options = sizeof options / sizeof *options,
    .max_words = 1,
    .run = run,
};

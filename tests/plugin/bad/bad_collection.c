/* plugin/bad/bad_collection.c - its collection has the name of a resource of the admin.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <weir.h>

static void
run(struct weir_call *call, void *state)
{
    (void)call;
    (void)state;
}

static const struct weir_node_type nodes[] = {
    {
        .size = sizeof(struct weir_node_type),
        .name = "bad_collection",
        .summary = "Does nothing.",
        .config_schema = "{\"type\":\"object\",\"additionalProperties\":false}",
        .run = run,
    },
};

static void
ask(struct weir_question *question)
{
    (void)question;
}

static const struct weir_collection collections[] = {
    {
        .size = sizeof(struct weir_collection),
        .name = "pipelines",
        .summary = "Hides the admin's own.",
        .ask = ask,
    },
};

const struct weir_plugin *
weir_plugin_entry(const struct weir_host *host)
{
    static const struct weir_plugin plugin = {
        .abi_major = WEIR_ABI_MAJOR,
        .abi_minor = WEIR_ABI_MINOR,
        .size = sizeof plugin,
        .n_nodes = 1,
        .name = "bad_collection",
        .version = "1.0.0",
        .nodes = nodes,
        .n_collections = 1,
        .collections = collections,
    };
    (void)host;
    return &plugin;
}

/* plugin/bad/no_json.c - its schema is not JSON.
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
        .name = "nothing",
        .summary = "Does nothing.",
        .config_schema = "{\"type\":",
        .run = run,
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
        .name = "no_json",
        .version = "1.0.0",
        .nodes = nodes,
    };
    (void)host;
    return &plugin;
}

/* lua/lua.c - the node type lua: see README.md. SPDX-License-Identifier: Apache-2.0 */
#include "tester.h"

#define MIB (1024u * 1024u)

const struct limits script_default_limits = {
    .instructions = 10000000,
    .memory = 16 * MIB,
    .time_ms = 50,
    .steps = 1000000,
    .keys = 4096,
    .items = 16384,
    .log_lines = 100,
};

/* The ranges of limits are those of open.c, too. Less memory than the least would not do for
 * the libraries alone. */
/* clang-format off */
static const char schema[] = WEIR_JSON({
    "description": "What to run: the body of a function, or a file.",
    "type": "object",
    "additionalProperties": false,
    "x-weir-shorthand": "script",
    "properties": {
        "script": {
            "description": "The body of run(ctx, input, config) in Lua 5.4; what it returns is the output.",
            "type": "string",
            "minLength": 1,
            "maxLength": 262144,
            "x-weir-literal": true,
            "examples": ["return { total = input.price * input.count }"]
        },
        "file": {
            "description": "A file that returns a node, { run = function(ctx, input, config) ... end }, looked for in nodes/ of the Lua folder, then beside the pipeline; never above these.",
            "type": "string",
            "minLength": 1,
            "maxLength": 1024,
            "x-weir-literal": true,
            "examples": ["enrich_order.lua"]
        },
        "config": {
            "description": "What the script gets as config; a file's own schema checks it and fills in defaults.",
            "type": "object",
            "additionalProperties": true,
            "examples": [{"currency": "EUR"}]
        },
        "max_instructions": {
            "description": "Instructions that one call may run, work inside library functions included.",
            "type": "integer",
            "minimum": 1000,
            "maximum": 100000000000,
            "default": 10000000,
            "x-weir-literal": true,
            "examples": [50000000]
        },
        "max_memory": {
            "description": "Memory of one state, that is of one script on one shard; a string may have an eighth of it, the stack of a recursion a sixteenth.",
            "type": "string",
            "format": "bytes",
            "minimum": 262144,
            "maximum": 4294967296,
            "default": "16MiB",
            "x-weir-literal": true,
            "examples": ["64MiB"]
        },
        "max_time": {
            "description": "How long one call may compute, waiting for its turn on the shard included; waiting for lent nodes and sleeping do not count.",
            "type": "string",
            "format": "duration",
            "minimum": 1,
            "maximum": 3600000,
            "default": "50ms",
            "x-weir-literal": true,
            "examples": ["200ms"]
        },
        "max_steps": {
            "description": "Steps that the patterns of one call may take.",
            "type": "integer",
            "minimum": 1000,
            "maximum": 1000000000,
            "default": 1000000,
            "x-weir-literal": true,
            "examples": [10000000]
        },
        "max_keys": {
            "description": "Keys of one table that are not 1 to n.",
            "type": "integer",
            "minimum": 64,
            "maximum": 1048576,
            "default": 4096,
            "x-weir-literal": true,
            "examples": [65536]
        },
        "max_items": {
            "description": "Items of one table, that is of a list; a larger one makes the collector stop for longer.",
            "type": "integer",
            "minimum": 1024,
            "maximum": 16777216,
            "default": 16384,
            "x-weir-literal": true,
            "examples": [131072]
        },
        "max_log_lines": {
            "description": "Lines that one call may log; more are dropped.",
            "type": "integer",
            "minimum": 1,
            "maximum": 100000,
            "default": 100,
            "x-weir-literal": true,
            "examples": [10]
        }
    }
});
/* clang-format on */

static const struct weir_node_type inline_type = {
    .size = sizeof(struct weir_node_type),
    .flags = WEIR_USES,
    .name = "lua",
    .summary = "Runs a script in Lua 5.4, in a sandbox with hard limits.",
    .config_schema = schema,
    .example = "- id: total\n"
               "  lua: |\n"
               "    local sum = 0\n"
               "    for _, item in ipairs(input.items) do sum = sum + item.price end\n"
               "    return { sum = sum }\n",
    .output = "what the script returns; null if it returns nothing",
    .effect = WEIR_EFFECT_NONE, /* that of what it is lent counts */
    .open = script_open,
    .attach = engine_attach,
    .run = engine_run,
    .cancel = engine_cancel,
    .detach = engine_detach,
    .close = script_close,
};

const struct weir_plugin *
weir_plugin_entry(const struct weir_host *h)
{
    static const struct weir_tester testers[] = {
        { .size = sizeof *testers,
          .suffix = "_test.lua",
          .summary = "Tests of scripts in Lua.",
          .run = tester_run },
    };
    static struct weir_plugin plugin = {
        PLUGIN_HEAD("lua"),
        .testers = testers,
        .n_testers = sizeof testers / sizeof *testers,
        .missing = types_missing,
    };
    host = h;
    plugin.n_nodes = types_make(&inline_type, &plugin.nodes);
    return &plugin;
}

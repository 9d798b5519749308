/* try/try.c - a block whose errors are handled in one place: see README.md.
 *
 * The catch is the engine's, as every node may have one: all that is left is to run the block.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "plugin.h"

struct try_node {
    uint32_t block;
};

static uint32_t
try_open(struct weir_open *open, const struct weir_value *config, void **ret_conf,
         struct weir_error *err)
{
    (void)config;
    (void)err; /* "do" is required: the loader has made sure of it */
    struct try_node *t = zeroed(1, sizeof *t);
    t->block = host->block_find(open, "do");
    *ret_conf = t;
    return WEIR_OK;
}

static void
try_run(struct weir_call *call, void *state)
{
    const struct try_node *t = state;
    (void)host->block(call, t->block, NULL, NULL, UINT64_MAX, pass_on, call);
}

static void
try_cancel(struct weir_call *call, void *state)
{
    (void)state; /* the block ends with its call */
    cut_short(call, "the block was cut short");
}

/* clang-format off */
static const char schema[] = WEIR_JSON({
    "description": "Has no options: its steps stand under 'do', beside the key.",
    "type": "object",
    "additionalProperties": false,
    "properties": {}
});
/* clang-format on */

static const struct weir_block_type blocks[] = {
    {
        .size = sizeof(struct weir_block_type),
        .path = "do",
        .runs = WEIR_MAYBE, /* if it fails, the steps behind the one that failed did not run */
        .required = 1,
        .summary = "The steps; an error of one of them ends the block and goes to catch.",
    },
};

static const struct weir_node_type nodes[] = {
    {
        .size = sizeof(struct weir_node_type),
        .name = "try",
        .summary =
            "Runs a block, so that one catch, timeout or retry holds for all of its steps.",
        .config_schema = schema,
        .example = "- id: guarded\n"
                   "  try:\n"
                   "  do:\n"
                   "    - id: user\n"
                   "      http: { url: \"https://crm.example/users/1\" }\n"
                   "  catch:\n"
                   "    - set: { body: unknown }\n",
        .output = "the last output of 'do', or of 'catch' if there was an error",
        PLUGIN_BLOCKS(blocks),
        .effect = WEIR_EFFECT_NONE, /* that of its steps counts */
        .open = try_open,
        .run = try_run,
        .cancel = try_cancel,
        .close = free,
    },
};

PLUGIN("try", PLUGIN_NODES(nodes));

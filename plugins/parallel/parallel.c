/* parallel/parallel.c - runs blocks side by side: see README.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "plugin.h"

/* The names of the branches; the blocks of the node are the branches, in the same order. */
struct parallel {
    uint32_t n;
    struct weir_text *names; /* owned */
};

struct branch {
    struct together *all;
    const struct weir_value *output; /* owned; NULL: not yet */
};

/* One call, and its data. */
struct together {
    struct weir_call *call;
    const struct parallel *conf;
    uint32_t left; /* branches that run */
    bool answered;
    struct branch branches[];
};

static void
parallel_close(void *conf)
{
    struct parallel *p = conf;
    for (uint32_t i = 0; i < p->n; i++)
        free((char *)(uintptr_t)p->names[i].bytes);
    free(p->names);
    free(p);
}

static uint32_t
parallel_open(struct weir_open *open, const struct weir_value *config, void **ret_conf,
              struct weir_error *err)
{
    (void)config;
    (void)err;
    struct parallel *p = zeroed(1, sizeof *p);
    p->n = host->blocks(open);
    p->names = zeroed(p->n + 1, sizeof *p->names);
    for (uint32_t i = 0; i < p->n; i++) {
        struct weir_text path = host->block_path(open, i);
        size_t skip = sizeof "branches/" - 1;
        p->names[i] = (struct weir_text){ path.bytes + skip, path.len - skip };
        p->names[i].bytes = text_copied(p->names[i]);
    }
    *ret_conf = p;
    return WEIR_OK;
}

static void
drop(struct together *all)
{
    all->answered = true;
    for (uint32_t i = 0; i < all->conf->n; i++)
        host->unref(&all->branches[i].output);
}

static void
finish(struct together *all)
{
    struct weir_builder *map = host->map_new();
    for (uint32_t i = 0; i < all->conf->n; i++)
        host->map_set(map, all->conf->names[i], &all->branches[i].output);
    const struct weir_value *output = host->build(&map);
    all->answered = true;
    host->done(all->call, &output);
}

static void
branch_ended(void *arg, const struct weir_value *output, const struct weir_error *err)
{
    struct branch *b = arg;
    struct together *all = b->all;
    if (all->answered)
        return;
    if (err != NULL) {
        drop(all);
        host->fail(all->call, err); /* ends the others */
        return;
    }
    b->output = host->ref(output);
    if (--all->left == 0)
        finish(all);
}

static void
parallel_run(struct weir_call *call, void *state)
{
    const struct parallel *p = state;
    struct together *all = host->alloc(call, sizeof *all + p->n * sizeof *all->branches);
    host->set_data(call, all);
    *all = (struct together){ .call = call, .conf = p, .left = p->n };
    if (p->n == 0) {
        finish(all);
        return;
    }
    for (uint32_t i = 0; i < p->n && !all->answered; i++) {
        all->branches[i].all = all;
        (void)host->block(call, i, NULL, NULL, UINT64_MAX, branch_ended, &all->branches[i]);
    }
}

static void
parallel_cancel(struct weir_call *call, void *state)
{
    (void)state;
    drop(host->data(call));
    cut_short(call, "the branches were cut short");
}

/* clang-format off */
static const char schema[] = WEIR_JSON({
    "description": "Has no options: what runs stands under 'branches', beside the key.",
    "type": "object",
    "additionalProperties": false,
    "properties": {}
});
/* clang-format on */

static const struct weir_block_type blocks[] = {
    {
        .size = sizeof(struct weir_block_type),
        .path = "branches/*",
        .runs = WEIR_ONCE,
        .required = 1,
        .apart = 1,
        .summary = "Runs beside the others; its last output stands under its name.",
    },
};

static const struct weir_node_type nodes[] = {
    {
        .size = sizeof(struct weir_node_type),
        .name = "parallel",
        .summary = "Runs several blocks side by side and waits for all; an error of one ends "
                   "the others.",
        .config_schema = schema,
        .example =
            "- id: both\n"
            "  parallel:\n"
            "  branches:\n"
            "    user:\n"
            "      - http: { url: \"https://crm.example/users/${ request.body.user }\" }\n"
            "    stock:\n"
            "      - http: { url: \"https://stock.example/items/${ request.body.item }\" }\n",
        .output = "a map from branch to the last output of it",
        PLUGIN_BLOCKS(blocks),
        .effect = WEIR_EFFECT_NONE, /* that of its steps counts */
        .open = parallel_open,
        .run = parallel_run,
        .cancel = parallel_cancel,
        .close = parallel_close,
    },
};

PLUGIN("parallel", PLUGIN_NODES(nodes));

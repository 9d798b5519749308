/* set/set.c - a value of the author's making flows on: see README.md.
 *
 * A configuration without expressions is handed out as it was loaded, the same value each time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "plugin.h"

struct set {
    uint32_t slot;
    const struct weir_value *constant; /* NULL: the slot is evaluated */
};

static uint32_t
set_open(struct weir_open *open, const struct weir_value *config, void **ret_conf,
         struct weir_error *err)
{
    (void)err;
    struct set *s = zeroed(1, sizeof *s);
    s->slot = host->slot(open, "");
    if (s->slot == 0 || host->slot_flags(open, s->slot) & WEIR_SLOT_CONSTANT)
        s->constant = host->ref(config);
    *ret_conf = s;
    return WEIR_OK;
}

static void
evaluate(struct weir_call *call, const struct set *s)
{
    struct weir_error err;
    const struct weir_value *v = NULL;
    WEIR_ERROR_CLEAR(&err);
    if (host->eval(call, s->slot, &v, &err) == WEIR_OK) {
        host->done(call, &v);
        return;
    }
    fail_with(call, &err);
}

static void
set_run(struct weir_call *call, void *state)
{
    const struct set *s = state;
    if (s->constant == NULL) {
        evaluate(call, s);
        return;
    }
    const struct weir_value *v = host->ref(s->constant);
    host->done(call, &v);
}

static void
set_close(void *conf)
{
    struct set *s = conf;
    host->unref(&s->constant);
    free(s);
}

/* clang-format off */
static const char schema[] = WEIR_JSON({
    "description": "The value that flows on: anything, with expressions wherever they are wanted.",
    "examples": [
        { "id": "${ request.body.id }", "source": "shop" },
        "${ input.items }"
    ]
});
/* clang-format on */

static const struct weir_node_type nodes[] = {
    {
        .size = sizeof(struct weir_node_type),
        .name = "set",
        .summary = "Makes a value from constants and expressions, and lets it flow on.",
        .config_schema = schema,
        .example = "- id: order\n"
                   "  set:\n"
                   "    id: ${ request.body.id }\n"
                   "    total: ${ request.body.price * request.body.count }\n"
                   "    source: shop\n",
        .output = "the value",
        .effect = WEIR_EFFECT_NONE,
        .open = set_open,
        .run = set_run,
        .close = set_close,
    },
};

PLUGIN("set", PLUGIN_NODES(nodes));

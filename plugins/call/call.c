/* call/call.c - runs another pipeline inside this run: see README.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "piece.h"
#include "plugin.h"

struct call_node {
    uint32_t pipeline;
    struct piece with;
};

static uint32_t
call_open(struct weir_open *open, const struct weir_value *config, void **ret_conf,
          struct weir_error *err)
{
    (void)err;
    struct weir_text name = { "", 0 };
    (void)host->get_text(host->get(config, WEIR_TEXT("pipeline")), &name);
    struct call_node *c = zeroed(1, sizeof *c);
    /* An unknown name is told by the host, at the node. */
    c->pipeline = host->pipeline_find(open, name);
    c->with = piece_under(open, "", config, "with");
    *ret_conf = c;
    return WEIR_OK;
}

static void
call_run(struct weir_call *call, void *state)
{
    const struct call_node *c = state;
    struct weir_error err = { 0 };
    const struct weir_value *body = NULL; /* what flows in, if 'with' is left out */
    if (piece_eval(call, &c->with, &body, &err) != WEIR_OK) {
        fail_with(call, &err);
        return;
    }
    host->pipeline(call, c->pipeline, body, pass_on, call);
    host->unref(&body);
}

static void
call_cancel(struct weir_call *call, void *state)
{
    (void)state; /* the other pipeline ends with its call */
    cut_short(call, "the other pipeline was cut short");
}

static void
call_close(void *conf)
{
    struct call_node *c = conf;
    piece_drop(&c->with);
    free(c);
}

/* clang-format off */
static const char schema[] = WEIR_JSON({
    "description": "Which pipeline to run, and with what.",
    "type": "object",
    "additionalProperties": false,
    "required": ["pipeline"],
    "x-weir-shorthand": "pipeline",
    "properties": {
        "pipeline": {
            "description": "The name of the pipeline.",
            "type": "string",
            "minLength": 1,
            "x-weir-literal": true,
            "examples": ["notify", "orders"]
        },
        "with": {
            "description": "What the other pipeline sees as request.body. Left out: what flows into this node.",
            "examples": [{ "order": "${ steps.order.id }" }, "${ request.body }"]
        }
    }
});
/* clang-format on */

static const struct weir_node_type nodes[] = {
    {
        .size = sizeof(struct weir_node_type),
        .name = "call",
        .summary = "Runs another pipeline inside this run and its deadline, at most 8 deep.",
        .config_schema = schema,
        .example = "- id: told\n"
                   "  call:\n"
                   "    pipeline: notify\n"
                   "    with: { text: \"${ request.body.text }\" }\n",
        .output = "the body of the other pipeline's reply, else its last output",
        .effect = WEIR_EFFECT_UNSAFE, /* the other pipeline may do anything */
        .open = call_open,
        .run = call_run,
        .cancel = call_cancel,
        .close = call_close,
    },
};

PLUGIN("call", PLUGIN_NODES(nodes));

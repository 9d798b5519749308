/* call/call.c - runs another pipeline inside this run: see README.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <weir.h>

static const struct weir_host *host;

struct call_node {
    uint32_t pipeline;
    uint32_t with;                     /* a slot; 0: none */
    const struct weir_value *constant; /* of with, if no expression is in it; else NULL */
};

static uint32_t
call_open(struct weir_open *open, const struct weir_value *config, void **ret_conf,
          struct weir_error *err)
{
    (void)err;
    struct weir_text name = { "", 0 };
    (void)host->get_text(host->get(config, WEIR_TEXT("pipeline")), &name);
    struct call_node *c = calloc(1, sizeof *c);
    if (c == NULL)
        abort();
    /* An unknown name is told by the host, at the node. */
    c->pipeline = host->pipeline_find(open, name);
    c->with = host->slot(open, "/with");
    const struct weir_value *with = host->get(config, WEIR_TEXT("with"));
    if (with != NULL && (c->with == 0 || host->slot_flags(open, c->with) & WEIR_SLOT_CONSTANT))
        c->constant = host->ref(with);
    *ret_conf = c;
    return WEIR_OK;
}

static void
answered(void *arg, const struct weir_value *output, const struct weir_error *err)
{
    struct weir_call *call = arg;
    if (err != NULL) {
        host->fail(call, err);
        return;
    }
    const struct weir_value *v = host->ref(output);
    host->done(call, &v);
}

/* Evaluates with:, and runs the pipeline with it. */
static void
run_with(struct weir_call *call, const struct call_node *c)
{
    struct weir_error err = { 0 };
    const struct weir_value *body = NULL;
    if (host->eval(call, c->with, &body, &err) == WEIR_OK) {
        host->pipeline(call, c->pipeline, body, answered, call);
        host->unref(&body);
        return;
    }
    const struct weir_value *detail = err.detail;
    host->fail(call, &err);
    host->unref(&detail);
}

static void
call_run(struct weir_call *call, void *state)
{
    const struct call_node *c = state;
    if (c->with != 0 && c->constant == NULL)
        run_with(call, c);
    else
        host->pipeline(call, c->pipeline, c->constant, answered, call);
}

static void
call_cancel(struct weir_call *call, void *state)
{
    (void)state; /* the other pipeline ends with its call */
    host->fail(call, &(struct weir_error){ .code = WEIR_CANCELLED,
                                           .text = "the other pipeline was cut short" });
}

static void
call_close(void *conf)
{
    struct call_node *c = conf;
    host->unref(&c->constant);
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

const struct weir_plugin *
weir_plugin_entry(const struct weir_host *h)
{
    static const struct weir_plugin plugin = {
        .abi_major = WEIR_ABI_MAJOR,
        .abi_minor = WEIR_ABI_MINOR,
        .size = sizeof plugin,
        .n_nodes = sizeof nodes / sizeof *nodes,
        .name = "call",
        .version = "1.0.0",
        .nodes = nodes,
    };
    host = h;
    return &plugin;
}

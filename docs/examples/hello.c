/* hello.c - a node type that greets: the whole of a plugin, to begin one of your own with. */
#include <stdlib.h>
#include <weir.h>

static const struct weir_host *host;

/* One configured node: made once by open, read by every call. */
struct hello {
    uint32_t name; /* the slot of an option that may hold an expression */
};

static uint32_t
hello_open(struct weir_open *open, const struct weir_value *config, void **ret_conf,
           struct weir_error *err)
{
    (void)config; /* what the schema allows, with its defaults */
    (void)err;
    struct hello *h = calloc(1, sizeof *h);
    if (h == NULL)
        abort();
    h->name = host->slot(open, "/name");
    *ret_conf = h;
    return WEIR_OK;
}

/* One call of it. It is owed exactly one done or fail, now or later. */
static void
hello_run(struct weir_call *call, void *state)
{
    const struct hello *h = state;
    struct weir_error err = { 0 };
    const struct weir_value *name = NULL;
    if (host->eval(call, h->name, &name, &err) != WEIR_OK) {
        host->fail(call, &err);
        host->unref(&err.detail);
        return;
    }
    struct weir_builder *map = host->map_new();
    host->map_set(map, WEIR_TEXT("hello"), &name); /* takes the value */
    const struct weir_value *output = host->build(&map);
    host->done(call, &output); /* takes the output */
}

static const char schema[] = WEIR_JSON({
    "description": "Whom to greet.",
    "type": "object",
    "additionalProperties": false,
    "required": ["name"],
    "x-weir-shorthand": "name",
    "properties": {
        "name": {
            "description": "Who is greeted.",
            "type": "string",
            "minLength": 1,
            "examples": ["Ada", "${ request.body.name }"]
        }
    }
});

static const struct weir_node_type nodes[] = {
    {
        .size = sizeof(struct weir_node_type),
        .name = "hello",
        .summary = "Greets somebody.",
        .config_schema = schema,
        .example = "- hello: ${ request.body.name }\n",
        .output = "{ hello: NAME }",
        .effect = WEIR_EFFECT_NONE, /* running it twice does no harm */
        .open = hello_open,
        .run = hello_run,
        .close = free,
    },
};

/* The one symbol that a plugin exports. */
const struct weir_plugin *
weir_plugin_entry(const struct weir_host *h)
{
    static const struct weir_plugin plugin = {
        .abi_major = WEIR_ABI_MAJOR,
        .abi_minor = WEIR_ABI_MINOR,
        .size = sizeof plugin,
        .n_nodes = 1,
        .name = "hello",
        .version = "1.0.0",
        .nodes = nodes,
    };
    host = h;
    return &plugin;
}

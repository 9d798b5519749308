/* foreach/foreach.c - runs a block for each item of a list: see README.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "piece.h"
#include "plugin.h"

struct foreach {
    uint32_t block;
    struct piece items;
    uint32_t concurrency;
    uint32_t max_items;
    bool collect;
};

struct turn {
    struct loop *loop;
    const struct weir_value *output; /* owned; NULL: not yet */
};

/* One call, and its data. */
struct loop {
    struct weir_call *call;
    const struct foreach *conf;
    const struct weir_value *items; /* owned */
    struct turn *turns;             /* one per item */
    uint32_t n;
    uint32_t begun;
    uint32_t running;
    bool starting; /* start_turns is on the stack */
    bool answered;
};

static uint32_t
small(const struct weir_value *config, struct weir_text key, uint32_t otherwise)
{
    int64_t i;
    return host->get_int(host->get(config, key), &i) ? (uint32_t)i : otherwise;
}

static uint32_t
foreach_open(struct weir_open *open, const struct weir_value *config, void **ret_conf,
             struct weir_error *err)
{
    (void)err; /* the schema has made sure of all */
    struct foreach *f = zeroed(1, sizeof *f);
    f->block = host->block_find(open, "do");
    f->items = piece_under(open, "", config, "items");
    f->concurrency = small(config, WEIR_TEXT("concurrency"), 1);
    f->max_items = small(config, WEIR_TEXT("max_items"), 10000);
    struct weir_text on_error;
    f->collect = host->get_text(host->get(config, WEIR_TEXT("on_error")), &on_error) &&
                 on_error.len > 0 && on_error.bytes[0] == 'c';
    *ret_conf = f;
    return WEIR_OK;
}

static void
foreach_close(void *conf)
{
    struct foreach *f = conf;
    piece_drop(&f->items);
    free(f);
}

/* The name of a code as authors write it. */
static struct weir_text
code_name(uint32_t code, char room[32])
{
    static const char *const names[] = {
#define X(name, number, retry, http, text) [number] = #name,
        WEIR_CODES(X)
#undef X
    };
    bool known = code < sizeof names / sizeof *names && names[code] != NULL;
    const char *name = known ? names[code] : "INTERNAL";
    size_t len = strlen(name);
    for (size_t i = 0; i < len; i++)
        room[i] = (char)tolower((unsigned char)name[i]);
    return (struct weir_text){ room, len };
}

/* What stands in the list for an item whose block failed: { error: { code, message } }. */
static const struct weir_value *
error_value(const struct weir_error *err)
{
    char room[32];
    struct weir_builder *inner = host->map_new();
    map_take(inner, WEIR_TEXT("code"), host->string(code_name(err->code, room)));
    map_take(inner, WEIR_TEXT("message"),
             host->string((struct weir_text){ err->text, strnlen(err->text, sizeof err->text) }));
    if (err->status != 0)
        map_take(inner, WEIR_TEXT("status"), host->integer(err->status));
    struct weir_builder *outer = host->map_new();
    map_take(outer, WEIR_TEXT("error"), host->build(&inner));
    return host->build(&outer);
}

/* Lets go of all that the loop holds; it is about to be answered. */
static void
drop(struct loop *l)
{
    l->answered = true;
    for (uint32_t i = 0; i < l->begun; i++)
        host->unref(&l->turns[i].output);
    host->unref(&l->items);
}

static void
finish(struct loop *l)
{
    struct weir_builder *list = host->list_new();
    for (uint32_t i = 0; i < l->n; i++)
        host->list_add(list, &l->turns[i].output);
    const struct weir_value *output = host->build(&list);
    drop(l);
    host->done(l->call, &output);
}

static void turn_ended(void *arg, const struct weir_value *output,
                       const struct weir_error *err);

static void
start_turn(struct loop *l)
{
    uint32_t i = l->begun++;
    const struct weir_value *item = host->at(l->items, i);
    const struct weir_value *index = host->integer(i);
    const struct weir_value *const vars[] = { item, index };
    l->running++;
    l->turns[i].loop = l;
    (void)host->block(l->call, l->conf->block, item, vars, UINT64_MAX, turn_ended,
                      &l->turns[i]);
    host->unref(&index);
}

/* Starts as many turns as may run at once; answers when the last one has ended. */
static void
go_on(struct loop *l)
{
    if (l->starting || l->answered)
        return;
    l->starting = true;
    while (!l->answered && l->begun < l->n && l->running < l->conf->concurrency)
        start_turn(l);
    l->starting = false;
    if (!l->answered && l->running == 0)
        finish(l);
}

static void
turn_ended(void *arg, const struct weir_value *output, const struct weir_error *err)
{
    struct turn *t = arg;
    struct loop *l = t->loop;
    if (l->answered)
        return;
    l->running--;
    if (err != NULL && !l->conf->collect) {
        drop(l);
        host->fail(l->call, err); /* ends the others */
        return;
    }
    t->output = err != NULL ? error_value(err) : host->ref(output);
    go_on(l);
}

/* The list to go through; owned by the caller. */
static uint32_t
find_items(struct weir_call *call, const struct foreach *f, const struct weir_value **ret,
           struct weir_error *err)
{
    const struct weir_value *v = NULL;
    uint32_t code = piece_eval(call, &f->items, &v, err);
    if (code == WEIR_OK && host->type(v) != WEIR_LIST)
        code = refuse(err, WEIR_INVALID, "'items' must be a list");
    else if (code == WEIR_OK && host->len(v) > f->max_items)
        code = refuse(err, WEIR_TOO_LARGE, "'items' has %zu items, more than max_items, %u",
                      host->len(v), f->max_items);
    if (code == WEIR_OK)
        *ret = v;
    else
        host->unref(&v);
    return code;
}

static void
foreach_run(struct weir_call *call, void *state)
{
    const struct foreach *f = state;
    struct weir_error err = { 0 };
    const struct weir_value *items = NULL;
    if (find_items(call, f, &items, &err) != WEIR_OK) {
        fail_with(call, &err);
        return;
    }
    struct loop *l = host->alloc(call, sizeof *l);
    host->set_data(call, l);
    *l = (struct loop){
        .call = call, .conf = f, .items = items, .n = (uint32_t)host->len(items)
    };
    l->turns = host->alloc(call, (l->n + 1) * sizeof *l->turns);
    go_on(l);
}

static void
foreach_cancel(struct weir_call *call, void *state)
{
    (void)state;
    drop(host->data(call));
    cut_short(call, "the loop was cut short");
}

/* clang-format off */
static const char schema[] = WEIR_JSON({
    "description": "What to go through, and how.",
    "type": "object",
    "additionalProperties": false,
    "required": ["items"],
    "x-weir-shorthand": "items",
    "properties": {
        "items": {
            "description": "The list to go through.",
            "type": "array",
            "examples": ["${ request.body.orders }", ["eu", "us"]]
        },
        "concurrency": {
            "description": "How many items are worked on at once.",
            "type": "integer",
            "minimum": 1,
            "maximum": 1000,
            "default": 1,
            "x-weir-literal": true,
            "examples": [8]
        },
        "on_error": {
            "description": "stop: the first error ends the loop and is the node's. collect: the item's output is { error: { code, message } } and the loop goes on.",
            "type": "string",
            "enum": ["stop", "collect"],
            "default": "stop",
            "x-weir-literal": true,
            "examples": ["collect"]
        },
        "max_items": {
            "description": "A longer list is refused with too_large.",
            "type": "integer",
            "minimum": 1,
            "maximum": 1000000,
            "default": 10000,
            "x-weir-literal": true,
            "examples": [500]
        }
    }
});
/* clang-format on */

static const struct weir_block_type blocks[] = {
    {
        .size = sizeof(struct weir_block_type),
        .path = "do",
        .runs = WEIR_MANY,
        .names = "item index",
        .required = 1,
        .summary = "Runs once for each item, with the item as its input.",
    },
};

static const struct weir_node_type nodes[] = {
    {
        .size = sizeof(struct weir_node_type),
        .name = "foreach",
        .summary =
            "Runs a block for each item of a list, one after another or several at once.",
        .config_schema = schema,
        .example = "- id: booked\n"
                   "  foreach: { items: \"${ request.body.orders }\", concurrency: 4 }\n"
                   "  do:\n"
                   "    - http: { method: PUT, url: \"https://erp.example/orders/${ item.id "
                   "}\", json: \"${ item }\" }\n",
        .output = "a list of the last output of each turn, in the order of the items",
        PLUGIN_BLOCKS(blocks),
        .effect = WEIR_EFFECT_NONE, /* that of its steps counts */
        .open = foreach_open,
        .run = foreach_run,
        .cancel = foreach_cancel,
        .close = foreach_close,
    },
};

PLUGIN("foreach", PLUGIN_NODES(nodes));

/* log/log.c - writes a line of the log: see README.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "plugin.h"

struct log_node {
    uint32_t level; /* enum weir_level */
    uint32_t message;
    uint32_t fields;
    struct weir_text text;             /* the message, if no expression is in it; in CONFIG */
    const struct weir_value *constant; /* the fields, if no expression is in them; in CONFIG */
    const struct weir_value *config;   /* owned */
};

static uint32_t
level_of(const struct weir_value *config)
{
    static const char *const names[] = { [WEIR_DEBUG] = "debug",
                                         [WEIR_INFO] = "info",
                                         [WEIR_WARN] = "warn",
                                         [WEIR_ERROR] = "error" };
    struct weir_text level;
    if (host->get_text(host->get(config, WEIR_TEXT("level")), &level))
        for (uint32_t i = 0; i < sizeof names / sizeof *names; i++)
            if (strlen(names[i]) == level.len && memcmp(names[i], level.bytes, level.len) == 0)
                return i;
    return WEIR_INFO;
}

/* The slot at POINTER; 0 if no expression is in it. */
static uint32_t
dynamic_slot(struct weir_open *open, const char *pointer)
{
    uint32_t slot = host->slot(open, pointer);
    return slot != 0 && host->slot_flags(open, slot) & WEIR_SLOT_CONSTANT ? 0 : slot;
}

static uint32_t
log_open(struct weir_open *open, const struct weir_value *config, void **ret_conf,
         struct weir_error *err)
{
    (void)err;
    struct log_node *l = zeroed(1, sizeof *l);
    l->config = host->ref(config);
    l->level = level_of(config);
    l->message = dynamic_slot(open, "/message");
    l->fields = dynamic_slot(open, "/fields");
    if (l->message == 0)
        (void)host->get_text(host->get(config, WEIR_TEXT("message")), &l->text);
    if (l->fields == 0)
        l->constant = host->get(config, WEIR_TEXT("fields"));
    *ret_conf = l;
    return WEIR_OK;
}

static uint32_t
write_line(struct weir_call *call, const struct log_node *l, struct weir_error *err)
{
    struct weir_text text = l->text;
    const struct weir_value *fields = NULL;
    if (l->message != 0 && host->eval_text(call, l->message, &text, err) != WEIR_OK)
        return err->code;
    if (l->fields != 0 && host->eval(call, l->fields, &fields, err) != WEIR_OK)
        return err->code;
    host->log_fields(call, l->level, text, fields != NULL ? fields : l->constant);
    host->unref(&fields);
    return WEIR_OK;
}

static void
log_run(struct weir_call *call, void *state)
{
    struct weir_error err = { 0 };
    if (write_line(call, state, &err) == WEIR_OK) {
        host->done(call, NULL);
        return;
    }
    fail_with(call, &err);
}

static void
log_close(void *conf)
{
    struct log_node *l = conf;
    host->unref(&l->config);
    free(l);
}

/* clang-format off */
static const char schema[] = WEIR_JSON({
    "description": "What to write. Pipeline, node, run and request are added by the engine; secrets are masked.",
    "type": "object",
    "additionalProperties": false,
    "required": ["message"],
    "x-weir-shorthand": "message",
    "properties": {
        "message": {
            "description": "One sentence for a person.",
            "type": "string",
            "examples": ["order taken", "${ error.node }: ${ error.message }"]
        },
        "level": {
            "description": "How much it matters. Lines below the level of the log are not written.",
            "type": "string",
            "enum": ["debug", "info", "warn", "error"],
            "default": "info",
            "x-weir-literal": true,
            "examples": ["warn"]
        },
        "fields": {
            "description": "Values for machines, by name.",
            "type": "object",
            "additionalProperties": true,
            "examples": [{ "order": "${ request.body.id }", "attempt": "${ run.attempt }" }]
        }
    }
});
/* clang-format on */

static const struct weir_node_type nodes[] = {
    {
        .size = sizeof(struct weir_node_type),
        .flags = WEIR_TAP,
        .name = "log",
        .summary = "Writes a line of the log.",
        .config_schema = schema,
        .example = "- log:\n"
                   "    level: warn\n"
                   "    message: \"an order without a customer: ${ request.body.id }\"\n"
                   "    fields: { client: \"${ request.client_ip }\" }\n",
        .output = "null; what flows into the node flows on",
        .effect = WEIR_EFFECT_NONE,
        .open = log_open,
        .run = log_run,
        .close = log_close,
    },
};

PLUGIN("log", PLUGIN_NODES(nodes));

/* metrics/metrics.c - counts, under a name that the author chose: see README.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "metrics.h"

#include <string.h>

static bool
equal(struct weir_text a, struct weir_text b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.bytes, b.bytes, a.len) == 0);
}

/* Whether L may have the value TEXT. */
static bool
is_allowed(const struct label *l, struct weir_text text)
{
    for (size_t i = 0; i < l->n_values; i++)
        if (equal(l->values[i], text))
            return true;
    return !l->bounded;
}

static uint32_t
find_amount(struct weir_call *call, const struct metrics_node *m, double *ret,
            struct weir_error *err)
{
    *ret = m->amount;
    if (m->by == 0)
        return WEIR_OK;
    const struct weir_value *v = NULL;
    if (host->eval(call, m->by, &v, err) != WEIR_OK)
        return err->code;
    bool ok = host->get_double(v, ret);
    host->unref(&v);
    if (!ok)
        return refuse(err, WEIR_INVALID, "what is counted must be a number");
    if (m->counter && *ret < 0)
        return refuse(err, WEIR_INVALID, "'by' of a counter must not be negative");
    return WEIR_OK;
}

static uint32_t
measure(struct weir_call *call, const struct metrics_node *m, struct weir_error *err)
{
    struct weir_text labels[LABELS_MAX];
    double amount;
    if (find_amount(call, m, &amount, err) != WEIR_OK)
        return err->code;
    for (uint32_t i = 0; i < m->n_labels; i++) {
        const struct label *l = &m->labels[i];
        labels[i] = l->constant;
        if (l->slot != 0 && host->eval_text(call, l->slot, &labels[i], err) != WEIR_OK)
            return err->code;
        if (!is_allowed(l, labels[i]))
            labels[i] = l->other;
    }
    host->measure(call, m->metric, labels, amount);
    return WEIR_OK;
}

static void
metrics_run(struct weir_call *call, void *state)
{
    struct weir_error err;
    WEIR_ERROR_CLEAR(&err);
    if (measure(call, state, &err) == WEIR_OK) {
        host->done(call, NULL);
        return;
    }
    fail_with(call, &err);
}

/* clang-format off */
static const char schema[] = WEIR_JSON({
    "description": "One of counter, gauge and histogram, and what to count.",
    "type": "object",
    "additionalProperties": false,
    "properties": {
        "counter": {
            "description": "The name of a counter: it only grows. It must end in _total.",
            "type": "string",
            "minLength": 1,
            "maxLength": 200,
            "x-weir-literal": true,
            "examples": ["orders_total", "gateway_requests_total"]
        },
        "gauge": {
            "description": "The name of a gauge: it is added to, also a negative amount.",
            "type": "string",
            "minLength": 1,
            "maxLength": 200,
            "x-weir-literal": true,
            "examples": ["orders_open"]
        },
        "histogram": {
            "description": "The name of a histogram, with its unit: it counts values by size.",
            "type": "string",
            "minLength": 1,
            "maxLength": 200,
            "x-weir-literal": true,
            "examples": ["order_value_euros", "reply_duration_seconds"]
        },
        "help": {
            "description": "One sentence that says what is counted. The first one of a name is kept.",
            "type": "string",
            "minLength": 1,
            "maxLength": 500,
            "default": "Counted by pipelines.",
            "x-weir-literal": true,
            "examples": ["Orders taken."]
        },
        "by": {
            "description": "What is added to a counter or gauge; 1 if it is left out.",
            "type": "number",
            "examples": [1, "${ size(request.body.items) }"]
        },
        "value": {
            "description": "What a histogram observes.",
            "type": "number",
            "examples": ["${ request.body.total }", "${ reply.duration }"]
        },
        "buckets": {
            "description": "The upper bounds of a histogram's buckets, rising. Left out: those for the duration of requests in seconds.",
            "type": "array",
            "items": { "type": "number" },
            "minItems": 1,
            "maxItems": 64,
            "x-weir-literal": true,
            "examples": [[1, 10, 100, 1000]]
        },
        "labels": {
            "description": "Label values by name: a value, or one that is bounded by a list.",
            "type": "object",
            "maxProperties": 16,
            "propertyNames": { "pattern": "^[a-zA-Z_][a-zA-Z0-9_]*$" },
            "examples": [{ "service": { "value": "${ request.params.service }", "values": ["orders"] } }],
            "additionalProperties": {
                "anyOf": [
                    { "type": ["string", "number", "boolean", "null"] },
                    {
                        "type": "object",
                        "additionalProperties": false,
                        "required": ["value", "values"],
                        "properties": {
                            "value": {
                                "description": "The value of the label.",
                                "type": ["string", "number", "boolean", "null"],
                                "examples": ["${ request.params.service }"]
                            },
                            "values": {
                                "description": "What it may be.",
                                "type": "array",
                                "items": { "type": "string" },
                                "maxItems": 1000,
                                "x-weir-literal": true,
                                "examples": [["orders", "returns"]]
                            },
                            "other": {
                                "description": "What any other value becomes.",
                                "type": "string",
                                "default": "other",
                                "x-weir-literal": true,
                                "examples": ["unknown"]
                            }
                        }
                    }
                ]
            }
        },
        "max_series": {
            "description": "How many combinations of label values are kept apart; later ones count together under the label value other.",
            "type": "integer",
            "minimum": 1,
            "maximum": 100000,
            "default": 1000,
            "x-weir-literal": true,
            "examples": [100]
        }
    }
});
/* clang-format on */

static const struct weir_node_type nodes[] = {
    {
        .size = sizeof(struct weir_node_type),
        .flags = WEIR_TAP,
        .name = "metrics",
        .summary = "Counts, adds up or observes under a name of your own, for Prometheus.",
        .config_schema = schema,
        .example = "- metrics:\n"
                   "    counter: orders_total\n"
                   "    help: Orders taken.\n"
                   "    labels:\n"
                   "      shop: { value: \"${ request.params?.shop ?? 'none' }\", values: [eu, "
                   "us] }\n",
        .output = "null; what flows into the node flows on",
        .effect = WEIR_EFFECT_NONE,
        .open = metrics_open,
        .run = metrics_run,
        .close = metrics_close,
    },
};

PLUGIN("metrics", PLUGIN_NODES(nodes));

/* pipeline/schemas_fixed.h - the parts of the pipeline schema that no plugin changes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PIPELINE_SCHEMAS_FIXED_H
#define PIPELINE_SCHEMAS_FIXED_H

#include "abi/weir.h"

/* The keys at the top of a file. */
static const char top_properties[] = WEIR_JSON({
    "name" : {
        "description" : "The pipeline's name; left out, the file's without its ending.",
        "type" : "string",
        "pattern" : "^[a-z][a-z0-9_-]{0,63}$"
    },
    "description" : { "description" : "One sentence for people.", "type" : "string" },
    "trigger" : {
        "description" : "What starts a run: one trigger or a list of them.",
        "anyOf" : [
            { "$ref" : "#/$defs/trigger" },
            { "type" : "array", "items" : { "$ref" : "#/$defs/trigger" } }
        ]
    },
    "respond" : {
        "description" : "result: the first reply. accepted: 202 once the event is stored.",
        "enum" : [ "result", "accepted" ],
        "default" : "result"
    },
    "durable" : {
        "description" : "true: the event is stored first. steps: so is each step's output.",
        "enum" : [ false, true, "steps" ],
        "default" : false
    },
    "keep_failed" : {
        "description" : "Keep failed runs of a pipeline that is not durable as dead jobs.",
        "type" : "boolean",
        "default" : true
    },
    "concurrency" : {
        "description" : "How many runs at once.",
        "anyOf" : [
            { "type" : "integer", "minimum" : 1 }, {
                "type" : "object",
                "additionalProperties" : false,
                "required" : ["limit"],
                "properties" : {
                    "limit" : {
                        "description" : "Runs at once, for each key.",
                        "type" : "integer",
                        "minimum" : 1
                    },
                    "key" : {
                        "description" : "Runs with the same key count together.",
                        "$ref" : "#/$defs/expression"
                    },
                    "when_full" : {
                        "description" : "What happens with one more.",
                        "enum" : [ "queue", "reject" ],
                        "default" : "queue"
                    }
                }
            }
        ]
    },
    "order_by" : {
        "description" : "Jobs of one key run one after another.",
        "anyOf" : [
            { "$ref" : "#/$defs/expression" }, {
                "type" : "object",
                "additionalProperties" : false,
                "required" : ["key"],
                "properties" : {
                    "key" : { "$ref" : "#/$defs/expression" },
                    "on_dead" : {
                        "description" : "What a dead job means for those behind it.",
                        "enum" : [ "next", "hold" ],
                        "default" : "next"
                    }
                }
            }
        ]
    },
    "timeout" : {
        "description" : "A deadline for one attempt of the whole run.",
        "$ref" : "#/$defs/duration"
    },
    "idempotency" : {
        "description" : "A repeated event gets the first one's answer.",
        "anyOf" : [
            { "$ref" : "#/$defs/expression" }, {
                "type" : "object",
                "additionalProperties" : false,
                "required" : ["key"],
                "properties" : {
                    "key" : { "$ref" : "#/$defs/expression" },
                    "while_running" : {
                        "description" : "What a repetition does while the first still runs.",
                        "enum" : [ "wait", "refuse" ],
                        "default" : "wait"
                    },
                    "ttl" : {
                        "description" : "How long a key is remembered.",
                        "$ref" : "#/$defs/duration",
                        "default" : "24h"
                    },
                    "store" : {
                        "description" : "memory, or the URL of a Redis that several gateways share.",
                        "type" : "string",
                        "default" : "memory"
                    },
                    "on_store_error" : {
                        "description" : "Without its Redis an event is worked on (open) or refused (closed).",
                        "enum" : [ "open", "closed" ],
                        "default" : "open"
                    }
                }
            }
        ]
    },
    "retry" : { "description" : "Attempts of the whole job.", "$ref" : "#/$defs/job_retry" },
    "retention" : {
        "description" : "How long jobs are kept that are over, where it differs from the settings.",
        "type" : "object",
        "additionalProperties" : false,
        "properties" : {
            "completed" : { "$ref" : "#/$defs/duration" },
            "cancelled" : { "$ref" : "#/$defs/duration" },
            "dead" : { "$ref" : "#/$defs/duration" },
            "payloads" : {
                "description" : "What a job holds: event, result, steps, traces.",
                "$ref" : "#/$defs/duration"
            }
        }
    },
    "mask" : {
        "description" : "Places of the event that are shown as ***: body.card.number, headers.x-my-token, * for any.",
        "anyOf" : [
            { "$ref" : "#/$defs/event_place" },
            { "type" : "array", "items" : { "$ref" : "#/$defs/event_place" }, "maxItems" : 64 }
        ]
    },
    "vars" : { "description" : "Constants: vars.NAME in expressions.", "type" : "object" },
    "steps" : { "description" : "The nodes, run in order.", "$ref" : "#/$defs/block" },
    "catch" : {
        "description" : "Runs when the run fails: it may reply, the outcome stays failed.",
        "$ref" : "#/$defs/block"
    },
    "finally" : {
        "description" :
            "Runs at the end of each attempt, also of a failed one; it can't reply.",
        "$ref" : "#/$defs/block"
    },
    "tags" : {
        "description" : "Words for finding pipelines.",
        "type" : "array",
        "items" : { "type" : "string" }
    }
});

/* The keys that every node may have. */
static const char node_properties[] = WEIR_JSON({
    "id" : {
        "description" : "The output's name in expressions, logs, metrics.",
        "type" : "string",
        "pattern" : "^[a-z][a-z0-9_]{0,63}$"
    },
    "if" : {
        "description" : "An expression; false skips the node.",
        "$ref" : "#/$defs/expression"
    },
    "timeout" : {
        "description" :
            "A deadline for the node, all its attempts and pauses, and all that it encloses.",
        "$ref" : "#/$defs/duration"
    },
    "retry" : { "description" : "Try again when it fails.", "$ref" : "#/$defs/retry" },
    "effect" : {
        "description" : "What running it twice means.",
        "enum" : [ "none", "idempotent", "unsafe" ]
    },
    "catch" : {
        "description" : "Nodes that handle the node's error; [] means go on.",
        "$ref" : "#/$defs/block"
    }
});

/* Shapes that several keys share. */
static const char shared_defs[] = WEIR_JSON({
    "expression" :
        { "type" : "string", "pattern" : "\\$\\{" },
    "event_place" : {
        "description" : "A place in the event, such as body.users.*.password.",
        "type" : "string",
        "pattern" : "^(body|headers|query|params|auth)([.[].+)?$"
    },
    "duration" : {
        "description" : "A duration: 250ms, 5s, 5m, 2h, 3d.",
        "type" : "string",
        "pattern" : "^[0-9]+(\\.[0-9]+)?(ms|s|m|h|d)$"
    },
    "block" : {
        "description" : "Nodes, run in order.",
        "type" : "array",
        "items" : { "$ref" : "#/$defs/node" }
    },
    "causes" : {
        "description" : "Error codes and HTTP statuses.",
        "type" : [ "array", "string", "integer" ],
        "items" : { "type" : [ "string", "integer" ] }
    },
    "attempts" : { "type" : "integer", "minimum" : 1, "maximum" : 100 },
    "retry" : {
        "anyOf" : [
            {
                "description" : "How many attempts, the first counted.",
                "$ref" : "#/$defs/attempts"
            },
            {
                "type" : "object",
                "additionalProperties" : false,
                "properties" : {
                    "attempts" : {
                        "description" : "How many attempts, the first counted.",
                        "$ref" : "#/$defs/attempts",
                        "default" : 3
                    },
                    "timeout" : {
                        "description" : "A deadline for one attempt.",
                        "$ref" : "#/$defs/duration"
                    },
                    "backoff" : {
                        "description" : "How the pauses grow.",
                        "enum" : [ "constant", "exponential" ],
                        "default" : "exponential"
                    },
                    "initial" : {
                        "description" : "The first pause.",
                        "$ref" : "#/$defs/duration",
                        "default" : "200ms"
                    },
                    "max" : {
                        "description" : "The longest pause.",
                        "$ref" : "#/$defs/duration",
                        "default" : "30s"
                    },
                    "jitter" : {
                        "description" : "Pauses are random, from nothing to their length.",
                        "type" : "boolean",
                        "default" : true
                    },
                    "on" : { "description" : "What is tried again.", "$ref" : "#/$defs/causes" }
                }
            }
        ]
    },
    "job_retry" : {
        "anyOf" : [
            { "$ref" : "#/$defs/retry" }, {
                "type" : "object",
                "additionalProperties" : false,
                "required" : ["schedule"],
                "properties" : {
                    "schedule" : {
                        "description" : "The pauses before each further attempt.",
                        "type" : "array",
                        "items" : { "$ref" : "#/$defs/duration" }
                    }
                }
            }
        ]
    }
});

#endif

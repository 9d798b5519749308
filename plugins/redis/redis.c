/* redis/redis.c - commands and scripts for a Redis server: see README.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "redis.h"

/* The schema of a node with so many options is longer than C99 promises to hold. */
#pragma GCC diagnostic ignored "-Woverlength-strings"

/* clang-format off */
static const char schema[] = WEIR_JSON({
    "description": "What is sent to the server: one of command, commands and script.",
    "type": "object",
    "additionalProperties": false,
    "x-weir-shorthand": "command",
    "properties": {
        "url": {
            "description": "The server: redis://, rediss:// (TLS) or unix://. It is evaluated at load: env, vars and secrets only.",
            "type": "string",
            "minLength": 1,
            "writeOnly": true,
            "default": "${ env.REDIS_URL ?? 'redis://127.0.0.1:6379' }",
            "examples": ["${ secrets.REDIS_URL }", "redis://127.0.0.1:6379/1"]
        },
        "command": {
            "description": "A command, then its arguments, an item each. The name is written out; arguments may be any values.",
            "type": "array",
            "minItems": 1,
            "maxItems": 10000,
            "writeOnly": true,
            "x-weir-shown": true,
            "examples": [["GET", "user:${ request.params.id }"], ["SET", "last", "${ input }", "EX", 60]]
        },
        "commands": {
            "description": "Several commands, sent together. The output is the list of their replies.",
            "type": "array",
            "minItems": 1,
            "maxItems": 1000,
            "writeOnly": true,
            "x-weir-shown": true,
            "examples": [[["INCR", "hits"], ["EXPIRE", "hits", 60]]],
            "items": { "type": "array", "minItems": 1, "maxItems": 10000 }
        },
        "atomic": {
            "description": "The commands are a transaction (MULTI, EXEC): nobody's commands come between them.",
            "type": "boolean",
            "x-weir-literal": true,
            "examples": [true]
        },
        "on_error": {
            "description": "What an error of one of the commands does. fail (the default): the step fails; keep: { error } stands in place of the reply.",
            "type": "string",
            "enum": ["fail", "keep"],
            "x-weir-literal": true,
            "examples": ["keep"]
        },
        "script": {
            "description": "A Lua script, with KEYS and ARGV. Nothing is ever put into it.",
            "type": "string",
            "minLength": 1,
            "maxLength": 1048576,
            "x-weir-literal": true,
            "examples": ["return redis.call('INCRBY', KEYS[1], ARGV[1])"]
        },
        "keys": {
            "description": "The keys of the script.",
            "type": "array",
            "maxItems": 10000,
            "writeOnly": true,
            "x-weir-shown": true,
            "examples": [["stock:${ input.item }"]]
        },
        "args": {
            "description": "The arguments of the script: any values.",
            "type": "array",
            "maxItems": 10000,
            "writeOnly": true,
            "x-weir-shown": true,
            "examples": [["${ input.count }"]]
        },
        "parse": {
            "description": "How texts in the reply are read. text: as a string, or as bytes if they are not UTF-8; json: as JSON; bytes: as bytes.",
            "type": "string",
            "enum": ["text", "json", "bytes"],
            "default": "text",
            "x-weir-literal": true,
            "examples": ["json"]
        },
        "timeout": {
            "description": "How long a reply is waited for. The deadlines around the node hold besides.",
            "type": ["string", "integer"],
            "format": "duration",
            "minimum": 1,
            "maximum": 600000,
            "default": "1s",
            "x-weir-literal": true,
            "examples": ["250ms"]
        }
    }
});
/* clang-format on */

static const struct weir_node_type nodes[] = {
    {
        .size = sizeof(struct weir_node_type),
        .name = "redis",
        .summary = "Sends commands or a script to a Redis server.",
        .config_schema = schema,
        .example = "- id: user\n"
                   "  redis:\n"
                   "    url: ${ env.REDIS_URL ?? 'redis://127.0.0.1:6379' }\n"
                   "    command: [ GET, \"user:${ request.params.id }\" ]\n"
                   "    parse: json\n",
        .output = "the reply; of commands the list of them",
        .effect = WEIR_EFFECT_UNSAFE,
        .open = node_open,
        .run = node_run,
        .cancel = node_cancel,
        .close = node_close,
        .effect_of = node_effect_of,
    },
};

PLUGIN("redis", PLUGIN_NODES(nodes));

/* cache/cache.c - answers that are kept for a while: see README.md.
 *
 * block.c is the node type cache, with flight.h for those who want the same key at once;
 * access.c is cache_get, cache_set and cache_drop; store.c is where entries are.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cache.h"

#include <stdlib.h>

#include "flight.h"
#include "lately.h"

uint32_t
seat_attach(struct weir_shard *shard, void *conf, void **ret_state, struct weir_error *err)
{
    (void)err;
    const struct node *n = conf;
    struct seat *seat = zeroed(1, sizeof *seat);
    seat->node = n;
    seat->place = place_enter(shard, n->store.named);
    if (n->refresh_ms > 0 && n->store.redis != NULL)
        seat->lately = lately_new();
    *ret_state = seat;
    return WEIR_OK;
}

void
seat_detach(void *state)
{
    struct seat *seat = state;
    place_leave(seat->place);
    lately_free(&seat->lately);
    host->unref(&seat->answers[0]);
    host->unref(&seat->answers[1]);
    free(seat);
}

/* clang-format off */
static const char cache_schema[] = WEIR_JSON({
    "description": "What is kept, for how long, and where.",
    "type": "object",
    "additionalProperties": false,
    "required": ["key"],
    "x-weir-resource": { "kind": "caches", "name": "name", "own": ["key", "ttl", "stale_if_error", "negative_ttl"] },
    "properties": {
        "key": {
            "description": "What the output depends on, as text; all that the block reads has to be in it. Only a digest of it is kept.",
            "writeOnly": true,
            "examples": ["${ request.params.id }"]
        },
        "ttl": {
            "description": "How long an output answers: 1ms to 366d.",
            "type": "string",
            "format": "duration",
            "default": "60s",
            "x-weir-literal": true,
            "examples": ["5m"]
        },
        "stale_if_error": {
            "description": "How long after its ttl an output still answers if the block fails.",
            "type": "string",
            "format": "duration",
            "default": "0s",
            "x-weir-literal": true,
            "examples": ["10m"]
        },
        "negative_ttl": {
            "description": "How long it is remembered that there is nothing: the error not_found, or an answer with 404 or 410.",
            "type": "string",
            "format": "duration",
            "default": "0s",
            "x-weir-literal": true,
            "examples": ["10s"]
        },
        "name": {
            "description": "The cache: nodes of one name share entries. Default: PIPELINE/STEP.",
            "type": "string",
            "pattern": "^[A-Za-z0-9][A-Za-z0-9 ._/-]{0,127}$",
            "x-weir-literal": true,
            "examples": ["products"]
        },
        "store": {
            "description": "Where entries are: 'memory' (this process, all shards) or the URL of a Redis; read at load.",
            "type": "string",
            "writeOnly": true,
            "default": "memory",
            "examples": ["${ env.REDIS_URL ?? 'memory' }"]
        },
        "max_bytes": {
            "description": "What the entries of the name take in this process at most; those used longest ago make room. Redis has a limit of its own.",
            "type": ["string", "integer"],
            "format": "bytes",
            "minimum": 1024,
            "maximum": 1099511627776,
            "default": "64MiB",
            "x-weir-literal": true,
            "examples": ["256MiB"]
        },
        "max_entry": {
            "description": "The largest output that is kept; 16MiB is the most that Redis takes.",
            "type": ["string", "integer"],
            "format": "bytes",
            "minimum": 1,
            "maximum": 1073741824,
            "default": "1MiB",
            "x-weir-literal": true,
            "examples": ["64KiB"]
        }
    }
});

/* What cache_get, cache_set and cache_drop have in common. */
#define KEY_SCHEMA WEIR_JSON( \
    "key": { \
        "description": "The key, as text.", \
        "writeOnly": true, \
        "examples": ["${ request.params.id }"] \
    })

#define NAME_SCHEMA WEIR_JSON( \
    "name": { \
        "description": "The cache.", \
        "type": "string", \
        "pattern": "^[A-Za-z0-9][A-Za-z0-9 ._/-]{0,127}$", \
        "x-weir-literal": true, \
        "examples": ["products"] \
    })

#define STORE_SCHEMA WEIR_JSON( \
    "store": { \
        "description": "Where its entries are, as with cache.", \
        "type": "string", \
        "writeOnly": true, \
        "default": "memory", \
        "examples": ["${ env.REDIS_URL ?? 'memory' }"] \
    })

static const char get_schema[] = WEIR_JSON({
    "description": "What is read.",
    "type": "object",
    "additionalProperties": false,
    "required": ["key", "name"],
    "x-weir-resource": { "kind": "caches", "name": "name", "own": ["key", "stale"] },
    "properties": {
        ) KEY_SCHEMA WEIR_JSON(,
        "stale": {
            "description": "Whether a value past its ttl will do, as long as it is kept.",
            "type": "boolean",
            "default": false,
            "x-weir-literal": true,
            "examples": [true]
        },
        ) NAME_SCHEMA WEIR_JSON(,
        ) STORE_SCHEMA WEIR_JSON(
    }
});

static const char set_schema[] = WEIR_JSON({
    "description": "What is kept.",
    "type": "object",
    "additionalProperties": false,
    "required": ["key", "name"],
    "x-weir-resource": { "kind": "caches", "name": "name", "own": ["key", "value", "ttl", "keep", "refresh", "required"] },
    "properties": {
        ) KEY_SCHEMA WEIR_JSON(,
        "value": {
            "description": "The value. Default: what flows in.",
            "examples": ["${ steps.token.body.access_token }"]
        },
        "ttl": {
            "description": "How long the value answers: up to 366d.",
            "type": "string",
            "format": "duration",
            "default": "60s",
            "examples": ["5m", "${ steps.token.body.expires_in }s"]
        },
        "keep": {
            "description": "How long after its ttl the value is kept for who takes stale ones.",
            "type": "string",
            "format": "duration",
            "default": "0s",
            "examples": ["1h"]
        },
        "refresh": {
            "description": "A value that this process has written to Redis under its key is not written again for so long, if it is the same: half of ttl and keep at most. In memory, and with 0s, it always is.",
            "type": "string",
            "format": "duration",
            "default": "0s",
            "x-weir-literal": true,
            "examples": ["10s"]
        },
        "required": {
            "description": "Whether the step fails if the value could not be kept.",
            "type": "boolean",
            "default": false,
            "x-weir-literal": true,
            "examples": [true]
        },
        ) NAME_SCHEMA WEIR_JSON(,
        ) STORE_SCHEMA WEIR_JSON(,
        "max_bytes": {
            "description": "As with cache. Default: what other nodes of the name say, else 64MiB.",
            "type": ["string", "integer"],
            "format": "bytes",
            "minimum": 1024,
            "maximum": 1099511627776,
            "x-weir-literal": true,
            "examples": ["256MiB"]
        },
        "max_entry": {
            "description": "As with cache.",
            "type": ["string", "integer"],
            "format": "bytes",
            "minimum": 1,
            "maximum": 1073741824,
            "default": "1MiB",
            "x-weir-literal": true,
            "examples": ["64KiB"]
        }
    }
});

static const char drop_schema[] = WEIR_JSON({
    "description": "What is forgotten.",
    "type": "object",
    "additionalProperties": false,
    "required": ["key", "name"],
    "x-weir-resource": { "kind": "caches", "name": "name", "own": ["key", "required"] },
    "properties": {
        ) KEY_SCHEMA WEIR_JSON(,
        "required": {
            "description": "Whether the step fails if the store is away.",
            "type": "boolean",
            "default": false,
            "x-weir-literal": true,
            "examples": [true]
        },
        ) NAME_SCHEMA WEIR_JSON(,
        ) STORE_SCHEMA WEIR_JSON(
    }
});
/* clang-format on */

static const struct weir_block_type blocks[] = {
    {
        .size = sizeof(struct weir_block_type),
        .path = "do",
        .runs = WEIR_MAYBE,
        .required = 1,
        .summary = "Makes the output that is kept; runs if none is.",
    },
};

#define ACCESS                                                                         \
    .size = sizeof(struct weir_node_type), .open = access_open, .attach = seat_attach, \
    .cancel = access_cancel, .detach = seat_detach, .close = node_close

static const struct weir_node_type nodes[] = {
    {
        .size = sizeof(struct weir_node_type),
        .name = "cache",
        .summary = "Keeps the output of its steps for a while, and runs them once for all who "
                   "want the same at once.",
        .config_schema = cache_schema,
        .example = "- cache:\n"
                   "    key: ${ request.params.id }\n"
                   "    ttl: 30s\n"
                   "    stale_if_error: 10m\n"
                   "    store: ${ env.REDIS_URL ?? 'memory' }\n"
                   "  do:\n"
                   "    - http: { base_url: http://127.0.0.1:9100, path: \"/stock/${ "
                   "request.params.id }\" }\n",
        .output = "the last output of the block, now or when it ran",
        PLUGIN_BLOCKS(blocks),
        .effect = WEIR_EFFECT_NONE, /* that of its steps counts */
        .open = cache_open,
        .attach = seat_attach,
        .run = block_run,
        .cancel = block_cancel,
        .detach = seat_detach,
        .close = node_close,
    },
    {
        ACCESS,
        .name = "cache_get",
        .summary = "Reads a value from a cache.",
        .config_schema = get_schema,
        .example = "- cache_get: { name: products, key: \"${ request.params.id }\" }\n",
        .output = "the value; null if there is none",
        .effect = WEIR_EFFECT_NONE,
        .run = get_run,
    },
    {
        ACCESS,
        .flags = WEIR_TAP,
        .name = "cache_set",
        .summary = "Puts a value into a cache.",
        .config_schema = set_schema,
        .example =
            "- cache_set: { name: products, key: \"${ request.params.id }\", ttl: 5m }\n",
        .output = "{ kept: true or false }; what flows into the node flows on",
        .effect = WEIR_EFFECT_IDEMPOTENT,
        .run = set_run,
    },
    {
        ACCESS,
        .flags = WEIR_TAP,
        .name = "cache_drop",
        .summary = "Takes a value out of a cache.",
        .config_schema = drop_schema,
        .example = "- cache_drop: { name: products, key: \"${ request.params.id }\" }\n",
        .output = "{ dropped: true or false }; what flows into the node flows on",
        .effect = WEIR_EFFECT_IDEMPOTENT,
        .run = drop_run,
    },
};

PLUGIN("cache", PLUGIN_NODES(nodes));

/* ws/ws.c - WebSockets and event streams: what this plugin brings; see README.md and sse.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ws.h"

#include <stdlib.h>

#include "auth_schema.h"
#include "cors_schema.h"
#include "path_schema.h"

/* The schema of a trigger with so many options is longer than C99 promises to hold. */
#pragma GCC diagnostic ignored "-Woverlength-strings"

static uint32_t
gate_attach(struct weir_shard *shard, void *conf, void **ret_state, struct weir_error *err)
{
    (void)err;
    struct gate *g = zeroed(1, sizeof *g);
    g->conf = conf;
    g->hub = hub_get(shard, g->conf->seats);
    g->guard = guard_new(shard, g->conf->auth, &gate_door, g);
    *ret_state = g;
    return WEIR_OK;
}

/* From now on this gate takes the messages of all connections of its line, also of those that a
 * former generation has let in. */
static void
gate_start(void *state)
{
    struct gate *g = state;
    g->line = line_get(g->hub, g->conf->line);
    g->line->gate = g;
}

static void
gate_stop(void *state)
{
    struct gate *g = state;
    if (g->line == NULL)
        return;
    if (g->line->gate == g) {
        g->line->gate = NULL;
        line_look(g->hub);
    }
    line_leave(g->hub, &g->line);
}

static void
gate_detach(void *state)
{
    struct gate *g = state;
    gate_stop(g);
    guard_free(&g->guard);
    hub_leave(g->hub);
    free(g);
}

/* clang-format off */

/* The property rooms. */
#define ROOMS_SCHEMA WEIR_JSON( \
    "rooms": { \
        "x-weir-event": true, \
        "description": "Rooms that every connection is in from the start; {name} stands for a parameter of the path. An expression sees request, with request.auth.", \
        "type": "array", \
        "items": { "type": "string", "minLength": 1, "maxLength": 200 }, \
        "maxItems": 32, \
        "examples": [["everybody", "chat/{room}", "user/${ request.auth.name }"]] \
    })

static const char schema[] = WEIR_JSON({
    "description": "Where WebSockets come in, and what they may do.",
    "type": "object",
    "additionalProperties": false,
    "required": ["path"],
    "x-weir-shorthand": "path",
    "properties": {
        ) PATH_SCHEMA(["/live", "/chat/{room}"]) WEIR_JSON(,
        ) AUTH_SCHEMA WEIR_JSON(,
        "on": {
            "description": "What starts a run: the request that opens a connection (it may be refused by a reply), each message, the end.",
            "type": "array",
            "items": { "enum": ["open", "message", "close"] },
            "minItems": 1,
            "uniqueItems": true,
            "default": ["message"],
            "examples": [["open", "message", "close"]]
        },
        "json": {
            "description": "Text messages are JSON: request.body is the value, and a message that is none gets a problem document back instead of a run.",
            "type": "boolean",
            "default": false,
            "examples": [true]
        },
        "origins": {
            "description": "The sites whose pages may connect: https://app.example, https://*.example, or * for all. Left out: pages of the host that is called. Callers that are no browsers send no Origin and are not asked.",
            "type": "array",
            "items": { "type": "string", "minLength": 1, "maxLength": 300 },
            "minItems": 1,
            "maxItems": 100,
            "examples": [["https://app.example", "https://*.app.example"], ["*"]]
        },
        "subprotocols": {
            "description": "The subprotocols that are spoken; of those that a caller names, the first that is here is chosen.",
            "type": "array",
            "items": { "type": "string", "pattern": "^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$" },
            "minItems": 1,
            "maxItems": 32,
            "examples": [["chat.v2", "chat.v1"]]
        },
        ) ROOMS_SCHEMA WEIR_JSON(,
        "max_rooms": {
            "description": "In how many rooms one connection may be at once.",
            "type": "integer",
            "minimum": 1,
            "maximum": 10000,
            "default": 100,
            "examples": [10]
        },
        "max_connections": {
            "description": "How many may be open here at once, on all shards of the process; others are answered with 503. Left out: as many as the edge takes.",
            "type": "integer",
            "minimum": 1,
            "maximum": 10000000,
            "examples": [1000]
        },
        "max_message": {
            "description": "The largest message that is taken; a larger one ends the connection (1009).",
            "type": ["string", "integer"],
            "format": "bytes",
            "minimum": 1,
            "default": "1MiB",
            "examples": ["64KiB", "16MiB"]
        },
        "max_queue": {
            "description": "How much may wait for a slow reader; if more waits when one more message is to be sent, the connection is dropped.",
            "type": ["string", "integer"],
            "format": "bytes",
            "minimum": 1,
            "default": "1MiB",
            "examples": ["256KiB"]
        },
        "rate": {
            "description": "How many messages a connection may send; a faster one is closed (1008). Left out: any number, one after the other.",
            "type": "string",
            "format": "rate",
            "examples": ["20/1s", "100/60s"]
        },
        "ping": {
            "description": "After so long a silence of the caller a ping is sent, and for so long its pong is waited for.",
            "type": "string",
            "format": "duration",
            "default": "30s",
            "examples": ["10s"]
        },
        "idle_timeout": {
            "description": "A connection without a message in either direction for so long is closed (1001).",
            "type": "string",
            "format": "duration",
            "default": "1h",
            "examples": ["10m"]
        }
    },
    "$defs": {) AUTH_DEFS WEIR_JSON(}
});

static const char events_schema[] = WEIR_JSON({
    "description": "Where event streams are asked for, and what they are sent.",
    "type": "object",
    "additionalProperties": false,
    "required": ["path"],
    "x-weir-shorthand": "path",
    "properties": {
        ) PATH_SCHEMA(["/events", "/prices/{symbol}"]) WEIR_JSON(,
        ) AUTH_SCHEMA WEIR_JSON(,
        ) CORS_SCHEMA WEIR_JSON(,
        "on": {
            "description": "What starts a run: the request that opens a stream (it may be refused by a reply), the end. Left out: nothing, the rooms are all that it hears.",
            "type": "array",
            "items": { "enum": ["open", "close"] },
            "uniqueItems": true,
            "default": [],
            "examples": [["open"], ["open", "close"]]
        },
        ) ROOMS_SCHEMA WEIR_JSON(,
        "max_rooms": {
            "description": "In how many rooms one stream may be at once.",
            "type": "integer",
            "minimum": 1,
            "maximum": 10000,
            "default": 100,
            "examples": [10]
        },
        "max_connections": {
            "description": "How many may be open here at once, on all shards of the process; others are answered with 503.",
            "type": "integer",
            "minimum": 1,
            "maximum": 10000000,
            "default": 10000,
            "examples": [1000]
        },
        "max_queue": {
            "description": "How much may wait for a slow reader; if more waits when one more message is to be sent, the stream is cut.",
            "type": ["string", "integer"],
            "format": "bytes",
            "minimum": 1,
            "default": "1MiB",
            "examples": ["256KiB"]
        },
        "retry": {
            "description": "How long a browser is to wait before it comes again. Left out: as long as it likes, some seconds.",
            "type": "string",
            "format": "duration",
            "examples": ["2s"]
        },
        "keep_alive": {
            "description": "After so long a silence a comment is sent, which nobody sees but proxies.",
            "type": "string",
            "format": "duration",
            "default": "15s",
            "examples": ["30s"]
        },
        "max_age": {
            "description": "How long a stream may be open; browsers come again. Left out: for ever.",
            "type": "string",
            "format": "duration",
            "examples": ["1h"]
        }
    },
    "$defs": {) AUTH_DEFS WEIR_JSON(}
});
/* clang-format on */

#define GATE                                                                                          \
    .size = sizeof(struct weir_trigger_type), .attach = gate_attach, .start = gate_start,             \
    .stop = gate_stop, .accept = gate_accept, .detach = gate_detach, .close = trigger_close

static const struct weir_trigger_type triggers[] = {
    {
        GATE,
        .name = "websocket",
        .summary = "Starts a run for each message of a WebSocket.",
        .config_schema = schema,
        .example = "websocket: { path: \"/chat/{room}\", rooms: [\"chat/{room}\"], on: [open, message, close] }\n",
        .open = socket_open,
    },
    {
        GATE,
        .name = "sse",
        .summary = "Opens event streams (Server-Sent Events), which hear what is said in their rooms.",
        .config_schema = events_schema,
        .example = "sse: { path: \"/prices/{symbol}\", rooms: [\"prices/{symbol}\"], retry: 2s }\n",
        .open = events_open,
    },
};

const struct weir_plugin *
weir_plugin_entry(const struct weir_host *h)
{
    static struct weir_plugin plugin = {
        PLUGIN_HEAD("ws"),
        .nodes = ws_nodes,
        PLUGIN_TRIGGERS(triggers),
    };
    host = h;
    plugin.n_nodes = ws_n_nodes;
    names_begin();
    far_begin();
    return &plugin;
}

/* ws/nodes.c - ws.send, ws.broadcast, ws.join, ws.leave, ws.close: see README.md.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ws.h"

#include <stdlib.h>
#include <string.h>

#define WORD_MAX 200u /* bytes of the name or id of an event */

/* A configured node: the slots of its options, 0 where it has none. */
struct node {
    uint32_t to;
    uint32_t room;
    uint32_t message;
    uint32_t event;
    uint32_t id;
    uint32_t except;
    uint32_t code;
    uint32_t reason;
    struct weir_table *seats;
};

/* A node on one shard. */
struct seated {
    const struct node *conf;
    struct hub *hub;
};

static uint32_t
node_open(struct weir_open *open, const struct weir_value *config, void **ret_conf, struct weir_error *err)
{
    (void)config;
    struct node *n = zeroed(1, sizeof *n);
    n->to = host->slot(open, "/to");
    n->room = host->slot(open, "/room");
    n->message = host->slot(open, "/message");
    n->event = host->slot(open, "/event");
    n->id = host->slot(open, "/id");
    n->except = host->slot(open, "/except");
    n->code = host->slot(open, "/code");
    n->reason = host->slot(open, "/reason");
    n->seats = hub_seats(open, err);
    if (n->seats == NULL) {
        free(n);
        return err->code;
    }
    *ret_conf = n;
    return WEIR_OK;
}

static uint32_t
node_attach(struct weir_shard *shard, void *conf, void **ret_state, struct weir_error *err)
{
    (void)err;
    struct seated *s = zeroed(1, sizeof *s);
    s->conf = conf;
    s->hub = hub_get(shard, s->conf->seats);
    *ret_state = s;
    return WEIR_OK;
}

static void
node_detach(void *state)
{
    struct seated *s = state;
    hub_leave(s->hub);
    free(s);
}

/* The text of a slot; empty where there is none. */
static bool
text_at(struct weir_call *call, uint32_t slot, struct weir_text *ret)
{
    struct weir_error err = { 0 };
    *ret = (struct weir_text){ "", 0 };
    if (slot == 0 || host->eval_text(call, slot, ret, &err) == WEIR_OK)
        return true;
    fail_with(call, &err);
    return false;
}

static void
fail(struct weir_call *call, uint32_t code, const char *text)
{
    struct weir_error err = { 0 };
    (void)refuse(&err, code, "%s", text);
    host->fail(call, &err);
}

/* The connection that the node is about: its own option, or the one that the run is for. False: the
 * call has failed. */
static bool
connection_at(struct weir_call *call, uint32_t slot, struct weir_text *ret)
{
    static const struct weir_text path[] = { { "request", 7 }, { "connection", 10 }, { "id", 2 } };
    if (!text_at(call, slot, ret))
        return false;
    if (ret->len > 0)
        return true;
    const struct weir_value *id = NULL;
    struct weir_error err = { 0 };
    struct weir_text text;
    if (host->lookup(call, path, 3, &id, &err) == WEIR_OK && host->get_text(id, &text) && text.len > 0) {
        char *copy = host->alloc(call, text.len);
        memcpy(copy, text.bytes, text.len);
        *ret = (struct weir_text){ copy, text.len };
    }
    host->unref(&id);
    host->unref(&err.detail);
    if (ret->len > 0)
        return true;
    fail(call, WEIR_INVALID, "this run is for no connection: say which one it is");
    return false;
}

/* What a message is made of, as it is sent, owned by the caller: a string or bytes in a block of its own,
 * since it may wait for slow readers long after the run. False: the call has failed. */
static bool
value_at(struct weir_call *call, uint32_t slot, const struct weir_value **ret)
{
    struct weir_error err = { 0 };
    struct weir_text text;
    const struct weir_value *v = NULL;
    if (host->eval(call, slot, &v, &err) != WEIR_OK)
        goto failed;
    switch (host->type(v)) {
    case WEIR_STREAM:
        (void)refuse(&err, WEIR_INVALID, "a stream can only be sent by a reply");
        goto failed;
    case WEIR_STRING:
        (void)host->get_text(v, &text);
        *ret = host->string(text);
        break;
    case WEIR_BYTES:
        (void)host->get_text(v, &text);
        *ret = host->bytes(text);
        break;
    default:
        if (host->json_write(v, ret, &err) != WEIR_OK)
            goto failed;
    }
    host->unref(&v);
    return true;
failed:
    host->unref(&v);
    fail_with(call, &err);
    return false;
}

/* The text of an option that becomes a field of an event stream. False: the call has failed. */
static bool
word_at(struct weir_call *call, uint32_t slot, const char *what, struct weir_text *ret)
{
    struct weir_error err = { 0 };
    if (!text_at(call, slot, ret))
        return false;
    if (ret->len <= WORD_MAX && lines_is_word(*ret))
        return true;
    (void)refuse(&err, WEIR_INVALID, "'%s' has to be one line of at most %u bytes, without NUL", what, WORD_MAX);
    host->fail(call, &err);
    return false;
}

/* The message of a node; message_drop in any case. False: the call has failed. */
static bool
message_at(struct weir_call *call, const struct node *n, struct message *ret)
{
    *ret = (struct message){ 0 };
    return word_at(call, n->event, "event", &ret->event) && word_at(call, n->id, "id", &ret->id) &&
           value_at(call, n->message, &ret->value);
}

static void
message_drop(struct message *m)
{
    host->unref(&m->value);
    host->unref(&m->lines);
}

/* Answers { sent: BOOL }. */
static void
done(struct weir_call *call, const char *key, bool did)
{
    struct weir_builder *map = host->map_new();
    map_take(map, text_of(key), host->boolean(did));
    const struct weir_value *v = host->build(&map);
    host->done(call, &v);
}

static void
send_run(struct weir_call *call, void *state)
{
    const struct seated *s = state;
    struct weir_text to;
    struct message m;
    if (!connection_at(call, s->conf->to, &to) || !message_at(call, s->conf, &m))
        return;
    bool sent = order_do(s->hub, ORDER_SEND, to, &m, 0);
    message_drop(&m);
    done(call, "sent", sent);
}

/* The name of the room; false: the call has failed. */
static bool
room_at(struct weir_call *call, uint32_t slot, struct weir_text *ret)
{
    if (!text_at(call, slot, ret))
        return false;
    if (ret->len > 0 && ret->len <= ROOM_NAME)
        return true;
    struct weir_error err = { 0 };
    (void)refuse(&err, WEIR_INVALID, "the name of a room has to have 1 to %u bytes", ROOM_NAME);
    host->fail(call, &err);
    return false;
}

static void
broadcast_run(struct weir_call *call, void *state)
{
    const struct seated *s = state;
    struct weir_text room;
    struct weir_text except;
    struct message m;
    if (!room_at(call, s->conf->room, &room) || !text_at(call, s->conf->except, &except) ||
        !message_at(call, s->conf, &m))
        return;
    order_room(s->hub, room, except, &m);
    message_drop(&m);
    host->done(call, NULL);
}

static void
move(struct weir_call *call, const struct seated *s, enum order what)
{
    struct weir_text to;
    struct weir_text room;
    if (!connection_at(call, s->conf->to, &to) || !room_at(call, s->conf->room, &room))
        return;
    struct message m = { .value = host->bytes(room) };
    bool did = order_do(s->hub, what, to, &m, 0);
    message_drop(&m);
    done(call, what == ORDER_JOIN ? "joined" : "left", did);
}

static void
join_run(struct weir_call *call, void *state)
{
    move(call, state, ORDER_JOIN);
}

static void
leave_run(struct weir_call *call, void *state)
{
    move(call, state, ORDER_LEAVE);
}

static void
close_run(struct weir_call *call, void *state)
{
    const struct seated *s = state;
    struct weir_text to;
    struct weir_text reason;
    const struct weir_value *code = NULL;
    struct weir_error err = { 0 };
    int64_t number = 1000;
    if (!connection_at(call, s->conf->to, &to) || !text_at(call, s->conf->reason, &reason))
        return;
    if (host->eval(call, s->conf->code, &code, &err) != WEIR_OK) {
        fail_with(call, &err);
        return;
    }
    (void)host->get_int(code, &number);
    host->unref(&code);
    struct message m = { .value = host->bytes(reason) };
    bool did = order_do(s->hub, ORDER_CLOSE, to, &m, (uint32_t)number);
    message_drop(&m);
    done(call, "closed", did);
}

/* clang-format off */

/* Options that several types have. */
#define MESSAGE_SCHEMA WEIR_JSON( \
    "message": { \
        "description": "What is sent: a string as text, bytes as binary (to event streams as base64), all else as JSON text.", \
        "examples": ["${ input }", { "text": "${ input.text }" }] \
    })

#define EVENT_SCHEMA WEIR_JSON( \
    "event": { \
        "description": "The name of the event, for event streams: one line of at most 200 bytes. WebSockets don't get it.", \
        "type": "string", \
        "maxLength": 200, \
        "examples": ["price"] \
    })

#define ID_SCHEMA WEIR_JSON( \
    "id": { \
        "description": "Its id, for event streams: what a browser sends as Last-Event-ID when it comes again. WebSockets don't get it.", \
        "type": ["string", "integer"], \
        "maxLength": 200, \
        "examples": ["${ steps.stored.id }"] \
    })

#define ROOM_SCHEMA WEIR_JSON( \
    "room": { \
        "description": "The name of the room, 1 to 200 bytes. A room is there as long as somebody is in it.", \
        "type": "string", \
        "minLength": 1, \
        "maxLength": 200, \
        "examples": ["lobby", "${ request.params.room }"] \
    })

#define TO_SCHEMA WEIR_JSON( \
    "to": { \
        "description": "The connection: request.connection.id of its runs. Left out: the one that this run is for.", \
        "type": "string", \
        "minLength": 1, \
        "maxLength": 64, \
        "examples": ["${ request.body.connection }"] \
    })

static const char send_schema[] = WEIR_JSON({
    "description": "What is sent to which connection.",
    "type": "object",
    "additionalProperties": false,
    "required": ["message"],
    "x-weir-shorthand": "message",
    "properties": {
        ) MESSAGE_SCHEMA WEIR_JSON(,
        ) EVENT_SCHEMA WEIR_JSON(,
        ) ID_SCHEMA WEIR_JSON(,
        ) TO_SCHEMA WEIR_JSON(
    }
});

static const char broadcast_schema[] = WEIR_JSON({
    "description": "What is sent to which room.",
    "type": "object",
    "additionalProperties": false,
    "required": ["room", "message"],
    "properties": {
        ) ROOM_SCHEMA WEIR_JSON(,
        ) MESSAGE_SCHEMA WEIR_JSON(,
        ) EVENT_SCHEMA WEIR_JSON(,
        ) ID_SCHEMA WEIR_JSON(,
        "except": {
            "description": "A connection that does not get it: request.connection.id for the sender.",
            "type": "string",
            "maxLength": 64,
            "examples": ["${ request.connection.id }"]
        }
    }
});

static const char join_schema[] = WEIR_JSON({
    "description": "Which connection enters which room.",
    "type": "object",
    "additionalProperties": false,
    "required": ["room"],
    "x-weir-shorthand": "room",
    "properties": {
        ) ROOM_SCHEMA WEIR_JSON(,
        ) TO_SCHEMA WEIR_JSON(
    }
});

static const char leave_schema[] = WEIR_JSON({
    "description": "Which connection leaves which room.",
    "type": "object",
    "additionalProperties": false,
    "required": ["room"],
    "x-weir-shorthand": "room",
    "properties": {
        ) ROOM_SCHEMA WEIR_JSON(,
        ) TO_SCHEMA WEIR_JSON(
    }
});

static const char close_schema[] = WEIR_JSON({
    "description": "Which connection is closed, and why.",
    "type": "object",
    "additionalProperties": false,
    "x-weir-shorthand": "reason",
    "properties": {
        "code": {
            "description": "The status code (RFC 6455 7.4): 1000, 1001, 1008, 1011 to 1014, or 3000 to 4999.",
            "type": "integer",
            "minimum": 1000,
            "maximum": 4999,
            "default": 1000,
            "examples": [1008, 4001]
        },
        "reason": {
            "description": "Why, for the caller; 123 bytes are sent.",
            "type": "string",
            "examples": ["your session is over"]
        },
        ) TO_SCHEMA WEIR_JSON(
    }
});
/* clang-format on */

#define COMMON                                                                                   \
    .size = sizeof(struct weir_node_type), .flags = WEIR_TAP, .open = node_open, .attach = node_attach, \
    .detach = node_detach, .close = free

const struct weir_node_type ws_nodes[] = {
    {
        COMMON,
        .name = "ws.send",
        .summary = "Sends a message to one WebSocket or event stream.",
        .config_schema = send_schema,
        .example = "- ws.send: { message: \"${ input }\" }\n",
        .output = "{ sent }: whether the connection is there, as far as is known here",
        .effect = WEIR_EFFECT_UNSAFE,
        .run = send_run,
    },
    {
        COMMON,
        .name = "ws.broadcast",
        .summary = "Sends a message to all WebSockets and event streams in a room.",
        .config_schema = broadcast_schema,
        .example = "- ws.broadcast: { room: lobby, message: \"${ input }\" }\n",
        .output = "null",
        .effect = WEIR_EFFECT_UNSAFE,
        .run = broadcast_run,
    },
    {
        COMMON,
        .name = "ws.join",
        .summary = "Puts a WebSocket or an event stream into a room.",
        .config_schema = join_schema,
        .example = "- ws.join: lobby\n",
        .output = "{ joined }: false if the connection is gone, or in as many rooms as it may be",
        .effect = WEIR_EFFECT_NONE,
        .run = join_run,
    },
    {
        COMMON,
        .name = "ws.leave",
        .summary = "Takes a WebSocket or an event stream out of a room.",
        .config_schema = leave_schema,
        .example = "- ws.leave: lobby\n",
        .output = "{ left }: false if the connection is gone",
        .effect = WEIR_EFFECT_NONE,
        .run = leave_run,
    },
    {
        COMMON,
        .name = "ws.close",
        .summary = "Closes a WebSocket or an event stream.",
        .config_schema = close_schema,
        .example = "- ws.close: { code: 4001, reason: your session is over }\n",
        .output = "{ closed }: false if the connection is gone",
        .effect = WEIR_EFFECT_IDEMPOTENT,
        .run = close_run,
    },
};

const uint32_t ws_n_nodes = sizeof ws_nodes / sizeof *ws_nodes;

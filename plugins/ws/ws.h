/* ws/ws.h - what the files of this plugin share: hubs, connections, rooms.
 *
 * A connection is a WebSocket or an event stream, in which nothing comes in; all else is the same.
 * A hub has all that belongs to one shard: its connections, the rooms that they are in, and which
 * configured trigger takes the messages of which of them. It outlives generations, as connections
 * do. All of it belongs to the shard's thread. What is for another shard goes there as an order
 * (order.c); which shards have somebody in a room stands in a table of the process.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef WS_WS_H
#define WS_WS_H

#include "auth.h"
#include "cors.h"
#include "lines.h"
#include "names.h"
#include "texts.h"

#define ID_BYTES 16u
#define ID_TEXT (2 * ID_BYTES)
#define FAR_TAG 5u /* bytes of an id, behind that of the shard, that say which process it is of */

#define ROOM_NAME 200u /* bytes of a room's name */

enum on { ON_OPEN = 1u << 0, ON_MESSAGE = 1u << 1, ON_CLOSE = 1u << 2 };

/* A room that every connection of a trigger is in. */
struct room_rule {
    struct weir_text pattern; /* {name} is a parameter of the path */
    uint32_t slot;            /* of an expression; 0: PATTERN it is */
};

/* A configured trigger: what is the same on all shards. */
struct trigger {
    const struct weir_value *config; /* owned; all texts are in it */
    bool events;           /* it opens event streams, else WebSockets */
    char *line;            /* which connections are its: pipeline and path; owned */
    char *pipeline;        /* owned */
    struct auth *auth;     /* owned; NULL: everybody may enter */
    struct texts origins;  /* none: the same host */
    struct texts protocols;
    struct room_rule *rooms; /* owned */
    uint32_t n_rooms;
    uint32_t on;           /* enum on */
    bool json;             /* messages are JSON */
    uint64_t max_message;
    uint64_t max_queue;
    uint64_t ping_ms;
    uint64_t idle_ms;
    uint64_t rate;         /* messages in RATE_MS; 0: any number */
    double per_ms;         /* so many messages a millisecond */
    uint32_t max_rooms;
    uint64_t max_connections; /* at once, on all shards; 0: any number */
    uint32_t refused;      /* the metric */
    struct weir_table *seats;
    struct weir_table *places; /* how many connections a line has on all shards: uint64_t */

    /* of event streams: */
    struct cors *cors;      /* owned; NULL: none */
    struct texts methods;   /* GET */
    uint64_t retry_ms;      /* what browsers are told; 0: nothing */
    uint64_t keep_alive_ms; /* silence after which a comment is sent; 0: never */
    uint64_t max_age_ms;    /* after which a stream ends; 0: never */
};

/* A trigger on one shard. */
struct gate {
    const struct trigger *conf;
    struct hub *hub;
    struct guard *guard; /* owned; NULL: everybody may enter */
    struct line *line; /* NULL: it does not run */
};

/* The connections of one pipeline and path, and who takes their messages now. */
struct line {
    struct gate *gate; /* NULL: nobody */
    uint32_t n;        /* connections, and gates */
    char *name;        /* owned */
};

/* All of one shard. */
struct hub {
    struct weir_shard *shard;
    uint32_t index;
    uint32_t users; /* gates, nodes and connections */
    struct names conns;
    struct names rooms;
    struct names lines;
    struct weir_subscription *orders; /* what other shards ask for */
    struct weir_table *seats;         /* which shards have somebody in a room */
    struct redis_listener *ear;       /* what other gateways ask for; NULL: there are none */
    struct weir_timer *timer;         /* looks for lines that nobody takes any more; or NULL */
};

/* A connection is in a room. */
struct seat {
    struct link in_room;
    struct link in_conn;
    struct room *room;
    struct conn *conn;
};

struct room {
    struct link seats;
    uint32_t n;
    size_t len;
    char name[ROOM_NAME];
};

/* A message that waits for its run. */
struct mail {
    struct mail *next;
    const struct weir_value *message; /* owned */
};

/* A connection. It goes when its socket is gone and no run of it is under way. */
struct conn {
    char id[ID_TEXT];
    struct hub *hub;
    struct line *line;
    struct weir_socket *socket; /* NULL: it is gone */
    bool events; /* it is an event stream */
    struct weir_table *places; /* where it is counted; NULL: it is not */
    struct link seats;
    uint32_t n_seats;
    uint32_t max_rooms;
    uint64_t max_queue; /* that of its socket */
    uint32_t on;       /* as its trigger had it */
    bool opened;
    bool working;      /* conn_work is on the stack */
    bool running;      /* a run of it is under way */
    bool held;         /* nothing more is read */
    bool farewell;     /* its run for the end is still to come */
    uint32_t code;     /* how it ended */
    char reason[128];

    struct mail *first; /* messages that wait */
    struct mail **end;
    uint32_t n_mail;
    uint64_t mail_bytes;
    double tokens;      /* messages that may come at once */
    uint64_t tokens_ms; /* as of then */

    /* of an event stream: */
    struct weir_timer *timer; /* NULL: there is nothing to wait for */
    uint64_t said_ms;         /* when something was last sent */
    uint64_t opened_ms;

    const struct weir_value *about; /* owned: request.connection of a message */
    const struct weir_value *auth;  /* owned: request.auth of all runs; NULL: null */
    char *protocol;                 /* owned; NULL: none */
    /* the handshake; all owned by TEXTS */
    char *texts;
    struct weir_text path;
    struct weir_text query;
    struct weir_text client_ip;
    struct weir_header *headers;
    struct weir_header *params;
    uint32_t n_headers;
    uint32_t n_params;
};

/* -- hub.c -- */

/* The hub of S, made if there is none; one user more. SEATS is the table of rooms. */
struct hub *hub_get(struct weir_shard *s, struct weir_table *seats);

/* One user less: the last one frees it. */
void hub_leave(struct hub *h);

/* What all hubs share: the table of rooms (key is the name, entry a uint64_t with a bit for each shard),
 * and the Redis server of the gateways (far.c). NULL and ERR if that is none. */
struct weir_table *hub_seats(struct weir_open *open, struct weir_error *err);

/* The line of that name, made if there is none; one user more. */
struct line *line_get(struct hub *h, const char *name);
void line_leave(struct hub *h, struct line **l);

/* In the next turn of the loop, closes the connections of lines that nobody takes any more. */
void line_look(struct hub *h);

/* -- conn.c -- */

/* A connection for the request E, which its trigger has accepted; it is in the hub. */
struct conn *conn_new(struct gate *g, struct weir_event *e);

/* Sends M, as C is one for. False: it is being closed, also since too much waits. */
bool conn_send(struct conn *c, struct message *m);

/* Who is told of its socket. */
extern const struct weir_socket_owner conn_owner;

/* Starts the runs that are due, one after the other; C may be gone when this returns. */
void conn_work(struct conn *c);

/* The socket was never made. */
void conn_drop(struct conn *c);

/* request.connection of C for EVENT ("open", "message", "close"); owned by the caller. */
const struct weir_value *conn_about(const struct conn *c, const char *event);

/* -- room.c -- */

/* Puts C into a room. False: it is in as many as it may be. */
bool room_join(struct conn *c, struct weir_text name);

/* Takes C out of a room; does nothing if it is not in it. */
void room_leave(struct conn *c, struct weir_text name);

/* Takes C out of all rooms. */
void room_leave_all(struct conn *c);

/* Sends M to all of this shard that are in the room, but to the connection EXCEPT (an id, or
 * empty). Returns how many. */
uint32_t room_send(struct hub *h, struct weir_text name, struct weir_text except, struct message *m);

/* The shards, but for that of H, that have somebody in the room. */
uint64_t room_shards(const struct hub *h, struct weir_text name);

/* -- order.c: what one shard asks of another -- */

enum order { ORDER_SEND, ORDER_JOIN, ORDER_LEAVE, ORDER_CLOSE };

/* Carries an order for the connection ID out, here or, later, on the shard where it lives. The value of M is
 * what is sent, the room, or the reason; CODE is that of a close. False: there is no such connection as far as is
 * known. */
bool order_do(struct hub *h, enum order what, struct weir_text id, struct message *m, uint32_t code);

/* Sends M to all that are in the room, on all shards. */
void order_room(struct hub *h, struct weir_text name, struct weir_text except, struct message *m);

/* Listens to what other shards ask for. */
void order_listen(struct hub *h);

/* -- far.c: other gateways, through Redis -- */

/* Which Redis server it is, by the setting ws.redis. Main thread. WEIR_INVALID for what is none. */
uint32_t far_open(struct weir_open *open, struct weir_error *err);

/* Whether an id is one of this process. */
bool far_is_ours(struct weir_text id);

/* Writes what makes an id one of this process: FAR_TAG bytes. */
void far_tag(uint8_t *ret);

/* Sends ORDER, as order.c makes it, to all other gateways, if there are any. */
void far_send(struct hub *h, const struct weir_value *order);

/* Listens to what other gateways ask for. */
void far_listen(struct hub *h);

/* Carries an order out that came from elsewhere, on this shard (order.c). */
void order_take(struct hub *h, const struct weir_value *order);

/* Once a process. */
void far_begin(void);

/* -- ws_open.c: from the configuration to a trigger -- */

/* As weir_trigger_type has them: of WebSockets, of event streams, and of both. */
uint32_t socket_open(struct weir_open *open, const struct weir_value *config, void **ret_conf,
                     struct weir_error *err);
uint32_t events_open(struct weir_open *open, const struct weir_value *config, void **ret_conf,
                     struct weir_error *err);
void trigger_close(void *conf);

/* -- gate.c: who may open one -- */

/* Accepts or refuses the request. */
void gate_accept(struct weir_event *e, void *state);

/* Whom auth: tells; its argument is a gate. */
extern const struct auth_door gate_door;

/* -- gate_rooms.c: where a connection is from its start -- */

/* Puts C into the rooms that the trigger of E has for all. False and ERR: there is no name, or no good one. */
bool gate_join(struct conn *c, const struct trigger *t, struct weir_event *e, struct weir_error *err);

/* Takes one of the places of T, which C gives back when it is gone. False: all are taken. */
bool place_take(struct conn *c, const struct trigger *t);
void place_give(struct conn *c);

/* -- sse.c: event streams -- */

/* Makes the metrics; in open. */
uint32_t sse_metrics(struct weir_open *open, struct weir_error *err);

/* Sends lines that lines_of has made. */
bool sse_send(struct conn *c, const struct weir_value *lines);

/* The stream is open; it is over, with CODE. */
void sse_opened(struct conn *c);
void sse_closed(struct conn *c, uint32_t code);

/* -- nodes.c -- */

extern const struct weir_node_type ws_nodes[];
extern const uint32_t ws_n_nodes;

/* -- names.c -- */

/* Makes the key of all tables; once a process. */
void names_begin(void);

#endif

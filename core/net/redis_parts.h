/* net/redis_parts.h - what the parts of net/redis.h share. Private to net/redis*.c.
 *
 * All of it belongs to the shard's thread, but for the servers, which do not change, and their
 * figures, which are atomic.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef NET_REDIS_PARTS_H
#define NET_REDIS_PARTS_H

#include <stdatomic.h>

#include "base/buf.h"
#include "base/heap.h"
#include "net/dns.h"
#include "net/redis.h"
#include "net/tls.h"

#define REDIS_READ (64u << 10) /* bytes of one read */
#define REDIS_SHARDS 64u       /* sets of figures */
#define REDIS_DEPTH 8u         /* of arrays in a reply; hiredis takes 7 */
#define REDIS_SCRIPTS_MAX 64u  /* that a connection remembers */
#define REDIS_REASON 240u

/* -- URLs: redis_url.c -- */

/* A URL in its parts; the texts are owned, have a NUL behind them, and their bytes are NULL
 * where there is none. */
struct redis_url {
    bool tls;
    struct weir_text path; /* of a unix socket; else HOST and PORT */
    struct weir_text host; /* lower case; IPv6 without brackets */
    struct weir_text user;
    struct weir_text password;
    unsigned port;
    unsigned db;
};

/* Takes a URL apart. WEIR_INVALID says what is wrong, without the password. */
enum weir_code redis_url_parse(struct weir_text text, struct redis_url *ret,
                               struct weir_error *err) MUST_USE;

/* Frees the texts. */
void redis_url_fini(struct redis_url *u);

/* -- servers: redis_server.c -- */

/* The figures of one shard; written by its thread alone. */
struct redis_counts {
    _Alignas(64) atomic_uint_fast64_t commands[REDIS_N_OUTCOMES];
    atomic_uint_fast64_t reconnects;
    atomic_int up;
};

/* What is at HOST:PORT; shared by the servers whose URLs differ in other things. */
struct redis_place {
    struct redis_place *next;
    atomic_int away; /* connections that know it to be away */
    struct redis_counts counts[REDIS_SHARDS];
    char name[];
};

struct weir_redis {
    struct weir_redis *next;
    struct redis_url url;        /* owned */
    struct tls_context *tls;     /* owned; NULL: plain */
    struct redis_place *place;
    char *key; /* owned; the URL as it was given */
    size_t key_len;
};

/* One more connection (N 1) or one less (N -1) knows PLACE to be away. REASON is told to who wants
 * to know; of N -1 any text means that it is up again; NULL: nobody is told. */
void redis_place_away(struct redis_place *place, int n, const char *reason);

/* -- replies: redis_reply.c -- */

struct redisReader;

/* Bytes to values. */
struct redis_reader {
    struct redisReader *hiredis; /* owned; NULL: nothing was read yet */
    struct {
        struct weir_builder *builder; /* owned */
        unsigned left;                /* items to come */
    } levels[REDIS_DEPTH];
    unsigned depth;
    const struct weir_value *value; /* owned; the whole reply; of an error its text */
    bool error;                     /* the reply is an error */
    bool too_large;
    size_t items; /* of the reply at hand */
    size_t bytes; /* that came since the reply at hand was begun, those behind it included */
};

/* Prepares, and frees all. */
void redis_reader_init(struct redis_reader *r);
void redis_reader_fini(struct redis_reader *r);

/* Takes LEN bytes. */
void redis_reader_feed(struct redis_reader *r, const char *bytes, size_t len);

/* The next reply, owned by the caller; *ret is NULL if more bytes are needed. *ret_error: it is an
 * error, *ret its text. WEIR_UPSTREAM if this is no reply of Redis, or it is too large; then the
 * reader is of no use any more. */
enum weir_code redis_reader_next(struct redis_reader *r, const struct weir_value **ret,
                                 bool *ret_error, struct weir_error *err) MUST_USE;

/* Fills ERR for an error reply of that text. */
void redis_reply_error(struct weir_text text, struct weir_error *err);

/* Copies TEXT without control bytes and what is not UTF-8, cut at ROOM - 1 bytes. */
void redis_clean(struct weir_text text, char *ret, size_t room);

/* -- which commands: redis_refuse.c -- */

enum redis_kind { REDIS_PLAIN, REDIS_MULTI, REDIS_EXEC, REDIS_DISCARD, REDIS_REFUSED };

/* What kind of command R is; *ret_why says why it is refused. */
enum redis_kind redis_kind_of(const struct weir_redis_request *r, const char **ret_why);

/* -- scripts: redis_script.c -- */

/* A script that the connection knows the digest of. */
struct redis_script {
    struct list link; /* in redis_conn.scripts, the latest used first */
    unsigned users;   /* commands that refer to it */
    uint32_t loaded;  /* the connection (its generation) that has sent it whole; 0: none */
    char sha[40];
    size_t len;
    char text[];
};

struct redis_conn;

/* The script of that text, with one more user; NULL if all places are in use. */
struct redis_script *redis_script_use(struct redis_conn *c, struct weir_text text);

/* One user less; leaves NULL. NULL is accepted. */
void redis_script_leave(struct redis_script **s);

/* Frees all scripts of C; none may be in use. */
void redis_scripts_free(struct redis_conn *c);

/* -- commands: redis_command.c, redis_encode.c -- */

/* A command on its way. It is waiting (for the connection), sent (in the order of the replies), or
 * ended. One whose FN is NULL only holds its place in the order. */
struct weir_command {
    struct list link;              /* in redis_conn.waiting, sent or ended */
    struct heap_link deadline;     /* in redis_conn.deadlines; not if it is ended or FN is NULL */
    struct redis_conn *conn;
    weir_redis_fn *fn;
    void *arg;
    struct weir_error *err;        /* owned; how it ended */
    struct redis_script *script;   /* used; NULL: a plain command, or a script sent whole */
    uint64_t start;                /* where it begins in what the connection sends */
    uint64_t reads;                /* reads of the connection before it was sent */
    size_t size;                   /* bytes that are counted for it */
    uint32_t parts;                /* of a script with its arguments */
    uint32_t timeout_ms;
    bool counted;                  /* in the connection's N and BYTES */
    bool sent;                     /* it is in the list of those */
    bool whole;                    /* the script was sent whole */
    size_t room;                   /* bytes of this, its tail included */
    size_t tail_len;
    char tail[]; /* all of it, as it is sent; of a script what stands behind its text or digest */
};

/* Bytes that R takes at most, its script included; more than REDIS_BYTES_MAX if it is too large. */
size_t redis_encode_size(const struct weir_redis_request *r);

/* Writes R as Redis reads it and returns the end; SCRIPT: with its text, as EVAL, else without what
 * stands before the number of keys. AT has room for redis_encode_size. */
char *redis_encode(char *at, const struct weir_redis_request *r, bool script);

/* Writes the beginning of a command of N_PARTS that runs a script, by its text (WHOLE) or digest. */
void redis_encode_script(struct buf *out, const struct redis_script *s, uint32_t n_parts, bool whole);

/* Takes R as a command of C: it is sent or waits. FN is NULL: nobody is told of its end. */
struct weir_command *redis_command_add(struct redis_conn *c, const struct weir_redis_request *r, weir_redis_fn *fn,
                                       void *arg);

/* A command that ends soon with CODE and the text. */
struct weir_command *redis_command_refuse(struct redis_conn *c, weir_redis_fn *fn, void *arg, enum weir_code code,
                                          const char *fmt, ...) PRINTF(5, 6) COLD;

/* Its FN is not called any more. */
void redis_command_forget(struct weir_command *cmd);

/* Writes all that waits: the connection is up. */
void redis_commands_send(struct redis_conn *c);

/* Hands over a reply, which is taken, to the command whose turn it is. False: nobody waits for one. */
bool redis_command_reply(struct redis_conn *c, const struct weir_value **take_reply, bool error);

/* Ends those whose time is over. */
void redis_commands_time(struct redis_conn *c, uint64_t now_ms);

/* Ends all that are sent, soon, with WEIR_UNAVAILABLE; and, if WAITING, all that wait. */
void redis_commands_fail(struct redis_conn *c, bool waiting, const char *reason);

/* Tells those that have ended. */
void redis_commands_tell(void *conn);

/* Drops all, silently. */
void redis_commands_drop(struct redis_conn *c);

/* -- connections: redis_conn.c, redis_dial.c -- */

#define REDIS_STATES(X) X(IDLE) X(DIALING) X(GREETING) X(UP) X(PAUSING)

enum redis_state {
#define X(name) REDIS_##name,
    REDIS_STATES(X)
#undef X
};

/* What is asked of a fresh connection, in this order. */
enum redis_greeting { GREET_AUTH, GREET_SELECT, GREET_NAME, GREET_PING, GREET_MAX };

struct redis_conn {
    struct list link; /* in redis_shard.conns */
    struct redis_shard *owner;
    struct weir_redis *server;
    enum redis_state state;
    bool away;    /* commands fail at once */
    bool stalled; /* up, but it does not answer: they fail as well */
    bool mute;    /* writing has failed: only what was received is still to be read */
    bool been_up;
    char reason[REDIS_REASON]; /* why it is away */

    /* the socket */
    int fd; /* -1: none */
    struct watch *watch;
    struct tls *tls; /* owned; NULL: plain */
    struct dns_query *query;
    struct sockaddr_storage addresses[DNS_ADDRESSES];
    unsigned n_addresses;
    unsigned next_address;
    struct timer share; /* gives the present address up, if there are more */

    /* bytes */
    struct buf out; /* what is to be sent, in the clear */
    size_t out_sent;
    struct buf wire; /* TLS: encrypted bytes for the socket */
    size_t wire_sent;
    uint64_t appended; /* bytes that went to OUT on this connection */
    uint64_t written;  /* of which so many went on */
    uint64_t reads;
    struct redis_reader reader;

    /* time */
    struct timer timer; /* armed lazily, for PHASE_MS and the first deadline */
    uint64_t phase_ms;  /* the end of dialling, greeting, pausing or of a stall; UINT64_MAX: none */
    uint64_t up_ms;     /* when it came up */
    uint64_t used_ms;   /* when the latest command came */
    unsigned tries;     /* dials that failed, one after another */
    uint32_t generation;

    /* greeting */
    uint8_t greetings[GREET_MAX];
    unsigned n_greetings;
    unsigned greeted;

    /* commands */
    struct list waiting;
    struct list sent;
    struct list ended;
    struct heap deadlines;
    unsigned n;   /* waiting and sent */
    size_t bytes; /* of them */
    bool multi;   /* a transaction is open */
    bool broken;  /* a command of it was refused: it must not be carried out */
    struct soon flush;
    struct soon tell;
    struct list scripts;
    unsigned n_scripts;

    struct redis_listener *listener; /* it does nothing but listen for that one; NULL: it takes commands */
};

/* The connections of a shard. */
struct redis_shard {
    struct weir_shard *shard;
    struct dns *dns;   /* owned; made at the first name */
    struct list conns; /* the latest used first */
    struct list listening; /* connections that take no commands */
    bool stopped;
    struct buf plain; /* what one tls_read brings */
    char scratch[REDIS_READ];
};

/* What S has of this, made if it has nothing. */
struct redis_shard *redis_shard_of(struct weir_shard *s);

/* Whether nothing outside is to be reached. */
bool redis_is_offline(void);

/* The connection of a listener is up: subscribes. */
void redis_listener_up(struct redis_conn *c);

/* Takes REPLY if it is something that was published; false: it is the reply to a command. */
bool redis_listener_takes(struct redis_conn *c, const struct weir_value *reply);

/* Makes and frees a connection, which is idle. */
struct redis_conn *redis_conn_new(struct redis_shard *owner, struct weir_redis *server);
void redis_conn_free(struct redis_conn *c);

/* Gives up the transaction that is open, if one is: a DISCARD is queued for it. */
void redis_discard(struct redis_conn *c);

/* Every change of a connection's state, and no other, happens here. */
void redis_enter(struct redis_conn *c, enum redis_state next);

/* Makes the timer fire at the phase's end and the first deadline. */
void redis_arm(struct redis_conn *c);

/* Prepares what dialling needs. */
void redis_dial_init(struct redis_conn *c);

/* Begins to dial. */
void redis_dial(struct redis_conn *c);

/* The socket of a connection that is being dialled is connected, or has failed. */
void redis_dial_connected(struct redis_conn *c);

/* The connection stands: introduces itself. */
void redis_greet(struct redis_conn *c);

/* A reply of the greeting. False: the connection is gone. */
bool redis_greeting_reply(struct redis_conn *c, struct weir_text text, bool error);

/* Stops what belongs to dialling. */
void redis_dial_stop(struct redis_conn *c);

/* The connection could not be made: it is away, and tried again later. */
void redis_dial_failed(struct redis_conn *c, const char *reason);

/* Closes the socket and forgets what was on the way; those that were sent fail. */
void redis_close(struct redis_conn *c, const char *reason);

/* Writes what is there, as far as the socket takes it. */
void redis_put(struct redis_conn *c);

/* Changes what the descriptor is watched for. */
void redis_want(struct redis_conn *c);

/* What the watch of a connection calls. */
void redis_on_ready(void *arg, int fd, unsigned ready);

/* Knows the server to be away, or not any more: it is UP, or nobody asks. */
void redis_set_away(struct redis_conn *c, const char *reason);
void redis_unset_away(struct redis_conn *c, bool up);

/* The figures of C. */
static inline struct redis_counts *
redis_counts(const struct redis_conn *c)
{
    return &c->server->place->counts[c->owner->shard->index % REDIS_SHARDS];
}

#endif

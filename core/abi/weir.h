/* weir.h - all that a plugin may know about the engine.
 *
 * The only header that plugins include; it needs nothing but the C library and compiles as
 * C11 and C++. WEIR_ABI_MINOR grows when something is appended, WEIR_ABI_MAJOR when anything
 * else changes. docs/abi.md lists every change.
 *
 * Strings that cross this boundary carry their length and may hold NUL bytes, except names
 * that are fixed in a plugin's source. [any] marks what any thread may call; all else belongs
 * to the thread that the object lives on (docs/plugins.md has the table).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef WEIR_H
#define WEIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WEIR_ABI_MAJOR 1u
#define WEIR_ABI_MINOR 1u

/* Every way to fail: name, number, retry, HTTP status, text. The numbers are ABI: append only. */
#define WEIR_CODES(X)                                                                        \
    X(INVALID, 1, NEVER, 400, "the input is not acceptable")                                 \
    X(UNAUTHORIZED, 2, NEVER, 401, "who is there is not known")                              \
    X(FORBIDDEN, 3, NEVER, 403, "not allowed")                                               \
    X(NOT_FOUND, 4, NEVER, 404, "no such thing")                                             \
    X(CONFLICT, 5, NEVER, 409, "it changed in the meantime")                                 \
    X(TOO_LARGE, 6, NEVER, 413, "more than is allowed")                                      \
    X(LIMITED, 7, LATER, 429, "a limit is reached")                                          \
    X(UNAVAILABLE, 8, LATER, 503, "not to be had now")                                       \
    X(UPSTREAM, 9, LATER, 502, "a peer answered badly or not at all")                        \
    X(TIMEOUT, 10, LATER, 504, "the deadline has passed")                                    \
    X(SCRIPT, 11, NEVER, 500, "a script or an expression failed")                            \
    X(INTERNAL, 12, NEVER, 500, "a fault of the engine or a plugin")                         \
    X(CANCELLED, 13, NEVER, 499, "nobody waits for the answer")

enum weir_code {
    WEIR_OK = 0,
#define X(name, number, retry, http, text) WEIR_##name = number,
    WEIR_CODES(X)
#undef X
};

/* Some bytes that somebody else owns. */
struct weir_text {
    const char *bytes;
    size_t len;
};

struct weir_value; /* an immutable value; counted, safe to share between threads  */
struct weir_shard; /* one thread with one event loop                              */
struct weir_open;  /* the making of one configured node or trigger; inside open   */
struct weir_call;  /* one execution of one node                                   */
struct weir_event; /* what a trigger has to decide about                          */
struct weir_timer; /* one pending timer                                           */
struct weir_watch; /* one file descriptor that is waited for                      */
struct weir_fetch; /* one running HTTP request of a shard: see host->fetch       */
struct weir_http;  /* one running HTTP request to an upstream                     */
struct weir_table; /* a shared table: see host->table                             */
struct weir_builder; /* a list or map in the making                               */
struct weir_lru;   /* a shared cache of values: see host->lru                     */
struct weir_redis; /* one Redis server: see host->redis                           */
struct redis_listener; /* who hears what is published on a channel of Redis       */
struct weir_command; /* one command that a Redis server owes a reply for          */
struct weir_subscription; /* who is told of what is published                     */
struct weir_question; /* what an operator asks of a collection                    */
struct weir_key;   /* what signatures are checked with                             */
struct weir_sink;  /* takes the samples of a metric that is worked out when read  */
struct weir_socket; /* a connection of a caller that stays: see host->socket_offer */

/* What went wrong. The caller owns it; the callee fills it. */
struct weir_error {
    uint32_t code;           /* enum weir_code                                    */
    uint32_t status;         /* HTTP status; 0: the code's                        */
    uint32_t retry_after_ms; /* 0: no advice                                      */
    uint32_t sent;           /* 1: the request may have reached the other side    */
    const struct weir_value *detail; /* more for machines, or NULL; owned by the error */
    char text[480];          /* one sentence for a person                         */
};

/* Makes *ERR (evaluated more than once) one of none. All of it need not be cleared for that, for each
 * call anew. */
#define WEIR_ERROR_CLEAR(err)                                                                 \
    ((void)((err)->code = (err)->status = (err)->retry_after_ms = (err)->sent = 0,            \
            (err)->detail = NULL, (err)->text[0] = '\0'))

enum weir_type {
    WEIR_NULL,
    WEIR_BOOL,
    WEIR_INT,    /* 64 bits, signed                                               */
    WEIR_DOUBLE, /* finite                                                        */
    WEIR_STRING, /* UTF-8                                                         */
    WEIR_BYTES,
    WEIR_LIST,
    WEIR_MAP,   /* keeps the order of its keys                                    */
    WEIR_STREAM /* bytes that arrive as they are read; one consumer               */
};

enum weir_level { WEIR_DEBUG, WEIR_INFO, WEIR_WARN, WEIR_ERROR };

/* What running a node twice means (docs/language.md, Effects). */
enum weir_effect { WEIR_EFFECT_NONE, WEIR_EFFECT_IDEMPOTENT, WEIR_EFFECT_UNSAFE };

enum weir_metric_kind { WEIR_COUNTER, WEIR_GAUGE, WEIR_HISTOGRAM };

/* A metric. What belongs to a plugin is declared in its type; what an author names is made
 * in open by host->metric. The host copies it. */
struct weir_metric {
    uint32_t size;          /* sizeof(struct weir_metric)                         */
    uint32_t kind;          /* enum weir_metric_kind                              */
    const char *name;       /* "smtp_bytes_total"                                 */
    const char *help;       /* one sentence                                       */
    const char *labels;     /* names, separated by blanks; NULL: none             */
    const double *buckets;  /* of a histogram, rising; NULL: those of HTTP durations */
    uint32_t n_buckets;
    uint32_t max_series;    /* 0: 1000; what comes later counts as label value "other" */
};

/* How often a child block runs for one call of its node: the checker's scopes follow from it. */
enum weir_runs { WEIR_ONCE, WEIR_MAYBE, WEIR_MANY };

/* A child block of a node type, beside the type's key. */
struct weir_block_type {
    uint32_t size;     /* sizeof(struct weir_block_type)                          */
    uint32_t runs;     /* enum weir_runs                                          */
    const char *path;  /* "do", "cases/" "*", "cases/" "*" "/do": * is a key or an index */
    const char *names; /* what it brings into scope: "item index"; NULL: nothing  */
    const char *keys;  /* keys that stand beside the block's list in its map,
                          each an expression: "when"; NULL: none                  */
    const char *summary; /* one sentence for the reference                        */
    uint32_t required; /* 1: a node without it is refused                         */
    uint32_t apart;    /* 1: its steps don't see those of its siblings, and all of
                          them are visible behind the node (branches of parallel) */
};

enum weir_node_flag {
    WEIR_TAP = 1u << 0,      /* sets steps.ID, and leaves input alone             */
    WEIR_BLOCKING = 1u << 1, /* run may block: it is given a worker thread        */
    WEIR_USES = 1u << 2,     /* takes lent nodes: blocks "uses/NAME"              */
    WEIR_ANSWER = 1u << 3,   /* its output { status, headers, body } answers the caller as it
                                is, if it is the last one                         */
    WEIR_WAITS = 1u << 4,    /* calls wait_open: its pipeline has to be durable, and all its steps
                                are recorded. 1.1                                 */
    WEIR_ASIDE = 1u << 5     /* a FAULT that only whoever uses the type is told of: its file is
                                there for something else. 1.1                     */
};

/* A type of node. Only run is obligatory.
 *
 *          how often                  on which thread       may it do I/O
 *  open    once per configured node   main                  no        (1)
 *  attach  once per node and shard    the shard's           start it
 *  run     once per call              the shard's           start it
 *  cancel  at most once per call      the shard's           stop it
 *  detach  after its last call        the shard's           stop it
 *  close   after its last detach      main                  no
 *
 * run takes a call and owes it exactly one host->done or host->fail, inside run or later.
 * cancel asks for that answer now; it is owed all the same. A node of flag WEIR_BLOCKING runs
 * on a worker thread, where of the host only what is marked [any] may be called besides input,
 * eval, eval_text, alloc, attempt and deadline_ms, until it answers; it has no cancel. STATE is
 * what attach gave, or what open gave if there is no attach.
 *
 * (1) The detail of its error may say where the author finds what is wrong: { at, line }, a JSON pointer
 * to an option and, if that is a text of several lines, the number of one. 1.1
 */
struct weir_node_type {
    uint32_t size;  /* sizeof(struct weir_node_type)                              */
    uint32_t flags; /* enum weir_node_flag                                        */
    const char *name;
    const char *summary;       /* one sentence                                    */
    const char *config_schema; /* JSON Schema; the host checks, fills in defaults and
                                  compiles expressions before open                */
    const char *example;       /* YAML: one node as an author would write it      */
    const char *output;        /* what steps.ID becomes; a phrase                 */
    const struct weir_block_type *blocks;
    const struct weir_metric *metrics;
    uint32_t n_blocks;
    uint32_t n_metrics;
    uint32_t effect; /* enum weir_effect; if there is no effect_of                */
    uint32_t pad;

    uint32_t (*open)(struct weir_open *, const struct weir_value *config, void **ret_conf,
                     struct weir_error *err);
    uint32_t (*attach)(struct weir_shard *, void *conf, void **ret_state,
                       struct weir_error *err);
    void (*run)(struct weir_call *, void *state);
    void (*cancel)(struct weir_call *, void *state);
    void (*detach)(void *state);
    void (*close)(void *conf);
    uint32_t (*effect_of)(const struct weir_value *config);
    /* 1.1: the file that the type was read from; NULL: it is part of the plugin. It is left out by
     * itself, and those who need not care are not harmed, if its name is that of a type of any
     * plugin or of a key that all nodes have, or something of it is not sane. */
    const char *file;
    /* 1.1: why that file is no type, in words that follow its name; NULL: it is one. Then only
     * flags, name and file count besides. */
    const char *fault;
};

struct weir_header;

/* A type of trigger. open and close are on the main thread, the others on the shard's.
 * accept owes the event exactly one host->start_run, host->refuse or host->event_reply, now
 * or later. */
struct weir_trigger_type {
    uint32_t size; /* sizeof(struct weir_trigger_type)                            */
    uint32_t flags;
    const char *name;
    const char *summary;
    const char *config_schema;
    const char *example;
    const struct weir_metric *metrics;
    uint32_t n_metrics;
    uint32_t pad;

    uint32_t (*open)(struct weir_open *, const struct weir_value *config, void **ret_conf,
                     struct weir_error *err);
    uint32_t (*attach)(struct weir_shard *, void *conf, void **ret_state,
                       struct weir_error *err);
    void (*start)(void *state);
    void (*stop)(void *state);
    void (*accept)(struct weir_event *, void *state);
    void (*detach)(void *state);
    void (*close)(void *conf);
    /* 1.1: the headers with which the sender of an event would have signed it, in RET, at most
     * WEIR_SIGNED_MAX: for events that somebody has made up (weir test, weir try). Their texts are the
     * event's own (event_alloc). WEIR_INVALID: nothing is signed here, or it can't be. */
    uint32_t (*sign)(struct weir_event *, void *state, struct weir_header *ret, uint32_t *ret_n,
                     struct weir_error *err);
    /* 1.1: looks at an event whose body is still to come. True: it has refused it or replied, so that nobody
     * reads the body; false: accept has to see it, once the body is here. What it has found out by
     * event_auth_set stays, headers that it has set do not. Not asked if the body came with the head. */
    bool (*screen)(struct weir_event *, void *state);
};

#define WEIR_SIGNED_MAX 4u

/* Things of a plugin that operators look at and act on, for the admin API: GET /api/v1/NAME is
 * all of them, GET /api/v1/NAME/ITEM one, POST /api/v1/NAME/ITEM/VERB does something to it. */
struct weir_collection {
    uint32_t size; /* sizeof(struct weir_collection)                              */
    uint32_t pad;
    const char *name;    /* "breakers"                                            */
    const char *summary; /* one sentence                                          */
    const char *verbs;   /* "open close auto"; others are refused by the host     */
    /* Owes the question one host->answer or host->answer_fail, now or later; on the thread of
     * the shard that question_shard gives. */
    void (*ask)(struct weir_question *);
};

/* One test was carried out; FAILURE is NULL, or what is wrong, of one or more lines. All is lent. */
typedef void weir_tested_fn(void *arg, const char *name, const char *failure);

/* Carries tests out that are written in a language of the plugin's own, for weir test. */
struct weir_tester {
    uint32_t size; /* sizeof(struct weir_tester)                                  */
    uint32_t pad;
    const char *suffix;  /* of its files: "_test.lua"                             */
    const char *summary; /* one sentence                                          */
    /* Runs the tests of one file, in a process that serves nothing, and tells each. An error is one of
     * the file itself. Main thread. */
    uint32_t (*run)(const char *path, weir_tested_fn *fn, void *arg, struct weir_error *err);
};

/* What a plugin is. The first three fields guard the others. */
struct weir_plugin {
    uint32_t abi_major;
    uint32_t abi_minor;
    uint32_t size; /* sizeof(struct weir_plugin)                                  */
    uint32_t n_nodes;
    const char *name;
    const char *version;
    const struct weir_node_type *nodes;
    const struct weir_trigger_type *triggers;
    uint32_t n_triggers;
    uint32_t n_collections; /* 1.1 */
    const struct weir_collection *collections;
    const struct weir_tester *testers; /* 1.1 */
    uint32_t n_testers;
    uint32_t pad;
    /* 1.1: says in RET why there is no type NAME, if the plugin knows; else it returns false. Main
     * thread. */
    bool (*missing)(struct weir_text name, char *ret, size_t room);
};

/* A route of the edge, for a trigger. */
struct weir_header;
struct weir_route {
    uint32_t size;
    uint32_t flags;      /* 0                                                     */
    struct weir_text path; /* "/orders/{id}", "/files/{rest*}"                    */
    const struct weir_text *methods; /* n_methods; none: every method             */
    uint32_t n_methods;
    uint32_t pad;
    uint64_t max_body;   /* bytes; 0: the edge's limit                            */
    /* 1.1: headers of what the edge answers here by itself (405, 413 ...): n_headers    */
    const struct weir_header *headers;
    uint32_t n_headers;
    uint32_t pad2;
};

struct weir_header {
    struct weir_text name;
    struct weir_text value;
};

/* An answer for the caller. */
struct weir_reply {
    uint32_t size;
    uint32_t status;
    const struct weir_header *headers;
    uint32_t n_headers;
    uint32_t pad;
    struct weir_text content_type; /* empty: the body's own                       */
    const struct weir_value *body; /* string, bytes and streams as they are, others
                                      as JSON; NULL: no body                      */
    const struct weir_value *value; /* what BODY was written from, for a pipeline that
                                       called this one; NULL: BODY                */
};

enum weir_http_flag {
    WEIR_HTTP_STREAM = 1u << 0,    /* the body is a stream                        */
    WEIR_HTTP_FOLLOW = 1u << 1,    /* follow up to max_redirects                  */
    WEIR_HTTP_UNTRUSTED = 1u << 2, /* the host came from outside: allow_hosts and public
                                      addresses only                              */
    WEIR_HTTP_REPEATABLE = 1u << 3, /* may be sent again on a stale connection    */
    WEIR_HTTP_ANSWER = 1u << 4     /* of a node of flag WEIR_ANSWER: what it answers when it is told is the
                                      answer that came. If that becomes the reply, the body goes out
                                      byte by byte. 1.1                           */
};

/* A request to an upstream. The host copies what it needs before it returns. */
struct weir_http_request {
    uint32_t size;
    uint32_t flags; /* enum weir_http_flag                                        */
    struct weir_text method;
    struct weir_text url;
    const struct weir_header *headers;
    uint32_t n_headers;
    uint32_t max_redirects;
    const struct weir_value *body; /* string, bytes or stream; NULL: none         */
    uint32_t connect_ms;    /* 0: the default                                     */
    uint32_t first_byte_ms; /* 0: the default                                     */
    uint32_t whole_ms;      /* 0: the default                                     */
    uint32_t pool;          /* connections an upstream and shard; 0: the default  */
    uint64_t max_body;      /* bytes of the answer; 0: the default                */
    const struct weir_value *tls; /* { ca, server_name, cert, key }; NULL: defaults */
    const struct weir_value *allow_hosts; /* list of strings; NULL: none          */
};

struct weir_http_answer {
    uint32_t size;
    uint32_t status;
    const struct weir_value *headers; /* map, names in lower case, repeats joined by ", " */
    const struct weir_value *body;    /* bytes, or a stream                       */
};

/* One command for a Redis server. The host copies what it needs before it returns. */
struct weir_redis_request {
    uint32_t size;
    uint32_t timeout_ms; /* how long the reply is waited for; 0: 1000             */
    const struct weir_text *args; /* n_args: the command with its arguments; of a script: its
                                     keys, then its arguments                     */
    uint32_t n_args;
    uint32_t n_keys;         /* of a script                                       */
    struct weir_text script; /* Lua, run by its SHA-1 and sent whole only to a server that does
                                not know it; empty: a plain command               */
};

typedef void weir_timer_fn(void *arg);
typedef void weir_watch_fn(void *arg, int fd, uint32_t ready);

/* The answer of a child block or pipeline: OUTPUT, or ERR if OUTPUT is NULL. Both are lent. */
typedef void weir_answer_fn(void *arg, const struct weir_value *output,
                            const struct weir_error *err);

/* The answer of an upstream, or ERR if ANSWER is NULL. Both are lent. */
typedef void weir_http_fn(void *arg, const struct weir_http_answer *answer,
                          const struct weir_error *err);

/* The reply of Redis, or ERR if REPLY is NULL; both are lent. A status is a string, a bulk string
 * that is not UTF-8 bytes, an array a list, nil null; an error inside an array is a map
 * { error }. */
typedef void weir_redis_fn(void *arg, const struct weir_value *reply,
                           const struct weir_error *err);

/* Something was published on a channel of Redis; MESSAGE is lent. */
typedef void weir_heard_fn(void *arg, struct weir_text message);

/* Something was published under TOPIC; EVENT is lent. */
typedef void weir_topic_fn(void *arg, struct weir_text topic, const struct weir_value *event);

enum weir_socket_kind {
    WEIR_SOCKET_WEBSOCKET, /* RFC 6455                                            */
    WEIR_SOCKET_BODY       /* an answer of status 200 whose body goes on: what is sent is its next bytes,
                              and nothing comes in. Over HTTP/1.1 and HTTP/2      */
};

/* What a socket may do. All is copied. */
struct weir_socket_config {
    uint32_t size; /* sizeof(struct weir_socket_config)                           */
    uint32_t ping_ms; /* silence after which a ping is sent, and for which its pong is waited */
    uint64_t idle_ms; /* without a message in either direction; 0: for ever       */
    uint64_t max_message; /* bytes of one that comes in                           */
    uint64_t max_queue;   /* bytes that may wait to be sent when one more is      */
    struct weir_text protocol; /* the subprotocol that was chosen; empty: none    */
    const struct weir_value *connection; /* request.connection of the event's run; NULL: null */
    /* 1.1: */
    uint32_t kind; /* enum weir_socket_kind; of a body ping_ms, idle_ms, max_message and protocol
                      mean nothing                                                */
    uint32_t pad;
    struct weir_text content_type; /* of a body                                   */
};

/* Who is told of a socket; all on the shard's thread, and none inside of a host function. */
struct weir_socket_owner {
    uint32_t size; /* sizeof(struct weir_socket_owner)                            */
    uint32_t pad;
    /* The caller has its 101, or the head of the answer. BODY is that of the reply to the event, or
     * NULL; lent. */
    void (*opened)(void *arg, const struct weir_value *body);
    /* A whole message: a string (text) or bytes; lent. */
    void (*message)(void *arg, const struct weir_value *message);
    /* It is over: with the code and reason of the caller (RFC 6455 7.4), or ours if it was us; 1005:
     * none was given; 1006: it broke off, or was never opened. A body ends with the same codes. Called once, and
     * the last that is heard of it. */
    void (*closed)(void *arg, uint32_t code, struct weir_text reason);
    /* More than max_queue waited to be sent, and does no longer. */
    void (*drained)(void *arg);
};

/* An event that a trigger makes by itself. The host copies what it needs before it returns. */
struct weir_emit {
    uint32_t size; /* sizeof(struct weir_emit)                                    */
    uint32_t n_headers;
    uint32_t n_params;
    uint32_t pad;
    struct weir_text method;
    struct weir_text path;  /* percent-encoded, as the two are in a request       */
    struct weir_text query;
    struct weir_text client_ip;
    const struct weir_header *headers; /* names in lower case                     */
    const struct weir_header *params;  /* of a path                               */
    const struct weir_value *body;       /* request.body; NULL: null              */
    const struct weir_value *connection; /* request.connection; NULL: null        */
    const struct weir_value *auth;       /* 1.1: request.auth; NULL: null         */
};

/* How an emitted event fares, on the shard's thread, and maybe before emit_request returns. REPLY is
 * what its run replies; lent, and a body of type stream has to be sent (socket_send) or is given
 * up when this returns. NULL: the run is over, and this is called no more. */
typedef void weir_emitted_fn(void *arg, const struct weir_reply *reply);

enum weir_wait_flag {
    WEIR_WAIT_CALLBACK = 1u << 0 /* for a request of somebody outside           */
};

/* DID: the mark had the number it had to have, and has the new one. NOW: what it has. ERR (else
 * NULL, lent): nothing is known; DID is false and NOW 0. */
typedef void weir_advanced_fn(void *arg, bool did, uint64_t now, const struct weir_error *err);

/* What host->work does, and what is told of it: DROPPED is true if it was not done, since the process ends. */
typedef void weir_work_fn(void *arg);
typedef void weir_worked_fn(void *arg, bool dropped);

/* Tells the samples of a metric by host->sample; on any thread, and quickly. */
typedef void weir_collect_fn(void *arg, struct weir_sink *sink);

/* Works on one entry of a shared table while its stripe is locked: no wait, I/O, callback or
 * host function but table_realloc in here. FRESH: the entry was made just now and is zeroed.
 * What it returns is handed on. */
typedef uint32_t weir_entry_fn(void *entry, bool fresh, void *arg);

enum weir_ready { WEIR_READ = 1u << 0, WEIR_WRITE = 1u << 1 };

enum weir_slot_flag {
    WEIR_SLOT_CONSTANT = 1u << 0, /* no expression in it                          */
    WEIR_SLOT_EVENT = 1u << 1,    /* reads the event or the output of a step; of a URL: for the
                                     server that it leads to                      */
    WEIR_SLOT_READS = 1u << 2     /* reads them anywhere in it. 1.1               */
};

enum weir_digest { WEIR_SHA1 = 1, WEIR_SHA256 = 2, WEIR_SHA512 = 3, WEIR_SHA384 = 4 };

/* Algorithms of signatures, by their names in JOSE (RFC 7518, RFC 8037). 1.1 */
enum weir_signature {
    WEIR_HS256 = 1, WEIR_HS384, WEIR_HS512, WEIR_RS256, WEIR_RS384, WEIR_RS512, WEIR_PS256,
    WEIR_PS384, WEIR_PS512, WEIR_ES256, WEIR_ES384, WEIR_ES512, WEIR_EDDSA
};

/* What the engine offers. A later minor version appends; check SIZE before what is newer than
 * the header you were built with. */
struct weir_host {
    uint32_t size; /* how much of this struct the engine filled                   */
    uint32_t abi_minor;

    /* -- inside open -- */

    /* Names the part of the configuration at the JSON POINTER ("" is all of it), to be
     * evaluated by eval; 0 if there is no such part. */
    uint32_t (*slot)(struct weir_open *, const char *pointer);
    /* enum weir_slot_flag of a slot. */
    uint32_t (*slot_flags)(struct weir_open *, uint32_t slot);
    /* How many child blocks the node was given, and the path of one: "cases/llama". */
    uint32_t (*blocks)(struct weir_open *);
    struct weir_text (*block_path)(struct weir_open *, uint32_t block);
    /* The index of the child block at PATH, or UINT32_MAX. */
    uint32_t (*block_find)(struct weir_open *, const char *path);
    /* The slot of KEY, which stands beside the list of child BLOCK ("when"); 0: absent. */
    uint32_t (*block_slot)(struct weir_open *, uint32_t block, const char *key);
    /* The other pipeline of this NAME, for host->pipeline. An unknown name fails the load
     * with an error at the node; then the result is UINT32_MAX. */
    uint32_t (*pipeline_find)(struct weir_open *, struct weir_text name);
    /* Makes a metric that the author named; 0 and ERR if the name is taken by another kind,
     * other labels or other buckets. */
    uint32_t (*metric)(struct weir_open *, const struct weir_metric *, struct weir_error *err);
    /* Registers a route; only for triggers. */
    uint32_t (*route)(struct weir_open *, const struct weir_route *, struct weir_error *err);
    /* The shared table NAME with entries of ENTRY_SIZE bytes; it outlives generations and
     * holds at most MAX_BYTES (the first caller's figure), keys and overhead included. */
    struct weir_table *(*table)(struct weir_open *, const char *name, uint32_t entry_size,
                                uint64_t max_bytes);

    /* -- a call, until it is answered -- */

    /* Answers: *output is taken and set to NULL; without one (NULL) the answer is null. */
    void (*done)(struct weir_call *, const struct weir_value **output);     /* [any] */
    void (*fail)(struct weir_call *, const struct weir_error *);            /* [any] */
    void *(*alloc)(struct weir_call *, size_t size); /* zeroed; dies with the call */
    void (*set_data)(struct weir_call *, void *);
    void *(*data)(const struct weir_call *);
    struct weir_shard *(*shard)(const struct weir_call *);
    uint64_t (*deadline_ms)(const struct weir_call *); /* on the shard's clock; UINT64_MAX: none */
    uint32_t (*attempt)(const struct weir_call *);     /* counts from 1            */
    /* What flows into the node; *ret is owned by the caller. It is worked out at the first
     * asking (the event's body may have to be parsed), so this can fail. */
    uint32_t (*input)(struct weir_call *, const struct weir_value **ret, struct weir_error *err);
    /* The key for an idempotent request: the same over attempts. Empty: the effect needs none. */
    struct weir_text (*idempotency_key)(struct weir_call *);
    /* Evaluates a slot; *ret is owned by the caller. Slot 0 gives null. */
    uint32_t (*eval)(struct weir_call *, uint32_t slot, const struct weir_value **ret,
                     struct weir_error *err);
    /* Evaluates a slot to text in the call's memory. */
    uint32_t (*eval_text)(struct weir_call *, uint32_t slot, struct weir_text *ret,
                          struct weir_error *err);
    /* Looks up a name as an expression would: {"steps", "clean"}; *ret is owned by the
     * caller. WEIR_NOT_FOUND if it is absent. */
    uint32_t (*lookup)(struct weir_call *, const struct weir_text *path, uint32_t n,
                       const struct weir_value **ret, struct weir_error *err);
    /* Runs child BLOCK with INPUT (NULL: the call's own); VARS are the values of the names that
     * the block brings into scope, in order. FN is called later, once, unless the call is
     * answered before.
     * DEADLINE_MS is on the shard's clock; UINT64_MAX: the call's own. Returns a number for
     * block_cancel. */
    uint32_t (*block)(struct weir_call *, uint32_t block, const struct weir_value *input,
                      const struct weir_value *const *vars, uint64_t deadline_ms,
                      weir_answer_fn *fn, void *arg);
    /* Asks a running block for an early answer, which is still owed. */
    void (*block_cancel)(struct weir_call *, uint32_t running);
    /* Runs another pipeline inside this run and deadline; BODY is its request.body. FN gets
     * the body of its reply, else its last output. It ends with the call. */
    void (*pipeline)(struct weir_call *, uint32_t pipeline, const struct weir_value *body,
                     weir_answer_fn *fn, void *arg);
    /* Sends the reply if none was sent before; false if one was. */
    bool (*reply)(struct weir_call *, const struct weir_reply *);
    /* Headers of whatever reply comes: the last set wins, added ones are appended. */
    void (*header_set)(struct weir_call *, struct weir_text name, struct weir_text value);
    void (*header_add)(struct weir_call *, struct weir_text name, struct weir_text value);
    void (*log)(struct weir_call *, uint32_t level, const char *fmt, ...)    /* [any] */
#ifdef __GNUC__
        __attribute__((format(printf, 3, 4)))
#endif
        ;
    /* Logs TEXT with FIELDS, a map or NULL. */
    void (*log_fields)(struct weir_call *, uint32_t level, struct weir_text text,
                       const struct weir_value *fields);
    /* Starts a request to an upstream; FN is called once, later, unless http_cancel comes
     * first. It is cancelled when the call is answered. */
    struct weir_http *(*http)(struct weir_call *, const struct weir_http_request *,
                              weir_http_fn *fn, void *arg);
    void (*http_cancel)(struct weir_http **);

    /* -- metrics -- */

    /* Adds BY to a counter or gauge, or observes it with a histogram. METRIC is the index of
     * one that the type declares; its labels are pipeline and node. */
    void (*count)(struct weir_call *, uint32_t metric, double by);
    /* The same for one that host->metric made, with a value per label. */
    void (*measure)(struct weir_call *, uint32_t metric, const struct weir_text *labels,
                    double by);

    /* -- events, for triggers -- */

    struct weir_text (*event_method)(const struct weir_event *);
    struct weir_text (*event_path)(const struct weir_event *);
    struct weir_text (*event_client_ip)(const struct weir_event *);
    /* The first header of that name (lower case); bytes NULL if there is none. */
    struct weir_text (*event_header)(const struct weir_event *, struct weir_text name);
    struct weir_text (*event_body)(const struct weir_event *); /* raw bytes       */
    void *(*event_alloc)(struct weir_event *, size_t size);
    /* Headers of whatever answer the event gets. */
    void (*event_header_set)(struct weir_event *, struct weir_text name, struct weir_text value);
    void (*start_run)(struct weir_event *);
    void (*refuse)(struct weir_event *, const struct weir_error *);
    /* Answers without a run (CORS preflight, challenges). */
    void (*event_reply)(struct weir_event *, const struct weir_reply *);
    /* Starts a run of the trigger's pipeline with this event, from a shard's thread.
     * WEIR_UNAVAILABLE: it takes no more runs now. */
    uint32_t (*emit)(struct weir_shard *, void *state, const struct weir_value *event,
                     struct weir_error *err);

    /* -- the shard's clock, timers and descriptors -- */

    uint64_t (*now_ms)(struct weir_shard *);  /* monotonic                        */
    uint64_t (*wall_ms)(struct weir_shard *); /* since 1970                       */
    /* A timer that fires once; timer_stop frees it, fired or not, and leaves NULL. */
    struct weir_timer *(*timer_start)(struct weir_shard *, uint64_t ms, weir_timer_fn *,
                                      void *arg);
    void (*timer_stop)(struct weir_timer **);
    struct weir_watch *(*watch_start)(struct weir_shard *, int fd, uint32_t want,
                                      weir_watch_fn *, void *arg);
    void (*watch_stop)(struct weir_watch **);

    /* -- shared tables -- */

    /* Calls FN on the entry of KEY with its stripe locked; makes the entry if CREATE. False
     * if there is none, or the table is full (then *ret is untouched); else *ret is what FN
     * returned. */
    bool (*table_entry)(struct weir_table *, struct weir_text key, bool create,
                        weir_entry_fn *fn, void *arg, uint32_t *ret);            /* [any] */
    /* Drops the entries of which FN returns other than 0, a stripe at a time. */
    void (*table_sweep)(struct weir_table *, weir_entry_fn *fn, void *arg);      /* [any] */

    /* -- values [any] -- */

    const struct weir_value *(*ref)(const struct weir_value *);
    void (*unref)(const struct weir_value **); /* accepts NULL, leaves NULL       */
    uint32_t (*type)(const struct weir_value *);
    /* Bytes of a string, items of a list, members of a map; else 0. */
    size_t (*len)(const struct weir_value *);
    bool (*get_bool)(const struct weir_value *, bool *ret);
    bool (*get_int)(const struct weir_value *, int64_t *ret);     /* also a whole double */
    bool (*get_double)(const struct weir_value *, double *ret);   /* also an int   */
    bool (*get_text)(const struct weir_value *, struct weir_text *ret); /* string, bytes */
    /* Borrowed; NULL if absent or not a map (a list). */
    const struct weir_value *(*get)(const struct weir_value *, struct weir_text key);
    const struct weir_value *(*at)(const struct weir_value *, size_t index);
    bool (*member)(const struct weir_value *, size_t index, struct weir_text *ret_key,
                   const struct weir_value **ret_value);
    const struct weir_value *(*null)(void);
    const struct weir_value *(*boolean)(bool);
    const struct weir_value *(*integer)(int64_t);
    const struct weir_value *(*number)(double); /* a NaN or an infinity becomes null */
    const struct weir_value *(*string)(struct weir_text); /* NULL if not UTF-8    */
    const struct weir_value *(*bytes)(struct weir_text);
    struct weir_builder *(*list_new)(void);
    struct weir_builder *(*map_new)(void);
    /* Takes *value and sets it to NULL. A key that is there already gets the new value. */
    void (*list_add)(struct weir_builder *, const struct weir_value **value);
    void (*map_set)(struct weir_builder *, struct weir_text key, const struct weir_value **value);
    const struct weir_value *(*build)(struct weir_builder **);
    void (*builder_free)(struct weir_builder **);
    bool (*equal)(const struct weir_value *, const struct weir_value *);
    uint32_t (*json_read)(struct weir_text, const struct weir_value **ret, struct weir_error *err);
    /* A string value that holds JSON. */
    uint32_t (*json_write)(const struct weir_value *, const struct weir_value **ret,
                           struct weir_error *err);

    /* -- schemas and regular expressions: made in open, freed in close; checks are [any] -- */

    void *(*schema_new)(const struct weir_value *schema, struct weir_error *err);
    void (*schema_free)(void **schema);
    /* WEIR_INVALID with ERR's detail [{detail, pointer}] if VALUE does not conform. */
    uint32_t (*schema_check)(const void *schema, const struct weir_value *value,
                             struct weir_error *err);
    void *(*regex_new)(struct weir_text pattern, struct weir_error *err);
    void (*regex_free)(void **regex);
    /* False also when the pattern takes too many steps. */
    bool (*regex_match)(const void *regex, struct weir_text text);

    /* -- digests and random [any] -- */

    /* Writes the digest (20, 32, 48, 64 bytes) and returns its length; 0: unknown algorithm. */
    size_t (*digest)(uint32_t algorithm, struct weir_text text, uint8_t ret[64]);
    size_t (*hmac)(uint32_t algorithm, struct weir_text key, struct weir_text text,
                   uint8_t ret[64]);
    bool (*equal_secret)(struct weir_text a, struct weir_text b); /* in constant time */
    void (*random)(void *ret, size_t len);

    /* ---- 1.1 ---- */

    /* -- inside open -- */

    /* Evaluates at load a slot that reads nothing but env, vars and secrets; *ret is owned by
     * the caller. WEIR_INVALID if it reads more, WEIR_NOT_FOUND if it is absent. */
    uint32_t (*constant)(struct weir_open *, uint32_t slot, const struct weir_value **ret,
                         struct weir_error *err);
    /* The bytes of a file beside the pipeline (PATH is relative to its folder), at most
     * MAX_BYTES; *ret is owned by the caller. */
    uint32_t (*file)(struct weir_open *, struct weir_text path, uint64_t max_bytes,
                     const struct weir_value **ret, struct weir_error *err);
    struct weir_text (*pipeline_name)(struct weir_open *);
    struct weir_text (*node_id)(struct weir_open *); /* of a trigger: empty       */
    /* The server at URL (redis://[[user]:password@]host[:port][/db], rediss:// over TLS,
     * unix:///path[?db=N]); it lives as long as the process, and every shard has one connection
     * to it, made at first use. NULL and ERR for what is no such URL. */
    struct weir_redis *(*redis)(struct weir_open *, struct weir_text url, struct weir_error *err);
    /* The cache NAME; it outlives generations and holds at most MAX_BYTES (the latest caller's
     * figure), keys and overhead included. */
    struct weir_lru *(*lru)(struct weir_open *, const char *name, uint64_t max_bytes);

    /* -- Redis, on the shard's thread -- */

    /* Sends a command on the shard's connection, together with all others of this turn of the
     * loop. FN is called once, later, unless redis_forget comes first: WEIR_TIMEOUT if there is
     * no reply in time, WEIR_UNAVAILABLE at once while the server is known to be away,
     * WEIR_SCRIPT for an error reply. The command may have been carried out all the same
     * (err->sent). */
    struct weir_command *(*redis_send)(struct weir_shard *, struct weir_redis *,
                                       const struct weir_redis_request *, weir_redis_fn *fn,
                                       void *arg);
    /* FN is not called any more; what was sent stays sent. NULL is accepted and left. */
    void (*redis_forget)(struct weir_command **);

    /* -- shared caches [any] -- */

    /* The value of KEY, owned by the caller, and the mark that it was set with; false: none. */
    bool (*lru_get)(struct weir_lru *, struct weir_text key, const struct weir_value **ret,
                    uint64_t *ret_mark);
    /* Sets KEY; MARK is the caller's (a time, say). What was used longest ago makes room. False
     * if it is too large for the cache. */
    bool (*lru_set)(struct weir_lru *, struct weir_text key, const struct weir_value *value,
                    uint64_t mark);
    bool (*lru_drop)(struct weir_lru *, struct weir_text key); /* false: it was not there */

    /* -- shared tables -- */

    /* Memory that belongs to the entry at hand and is counted with the table's: only inside an
     * entry function. NULL if there is no room (then MEMORY stays), or NEW_LEN is 0 (then it is
     * freed). An entry function that has its entry dropped frees it first; so does the
     * table_dropped function at the end of the process. */
    void *(*table_realloc)(struct weir_table *, void *memory, size_t old_len, size_t new_len);
    /* Sweeps one of 256 parts: what a timer does bit by bit. */
    void (*table_sweep_part)(struct weir_table *, uint32_t part, weir_entry_fn *fn,
                             void *arg);                                          /* [any] */
    void (*table_usage)(struct weir_table *, uint64_t *ret_entries,
                        uint64_t *ret_bytes);                                     /* [any] */
    /* FN is called for each entry that is left at the end of the process. */
    void (*table_dropped)(struct weir_table *, weir_entry_fn *fn);                /* [any] */

    /* -- events between plugins, on one shard -- */

    /* FN is told, on this shard, of what is published on it under TOPIC ("breaker.open"; a last
     * * stands for anything). unsubscribe leaves NULL. */
    struct weir_subscription *(*subscribe)(struct weir_shard *, struct weir_text topic,
                                           weir_topic_fn *fn, void *arg);
    void (*unsubscribe)(struct weir_subscription **);
    /* Tells all who subscribed on this shard, in the next turn of its loop. */
    void (*publish)(struct weir_shard *, struct weir_text topic, const struct weir_value *event);

    /* -- without a call -- */

    struct weir_shard *(*event_shard)(const struct weir_event *);
    uint32_t (*shard_index)(const struct weir_shard *); /* counts from 0          */
    /* measure, for what happens outside of a call, on the shard's thread. */
    void (*shard_measure)(struct weir_shard *, uint32_t metric, const struct weir_text *labels,
                          double by);
    /* A line of the log; FIELDS is a map or NULL. */
    void (*say)(uint32_t level, struct weir_text text, const struct weir_value *fields); /* [any] */
    /* A gauge (or counter) whose samples FN works out when metrics are read. Main thread, once
     * a process: in weir_plugin_entry, or guarded. 0 and ERR as host->metric. */
    uint32_t (*metric_collect)(const struct weir_metric *, weir_collect_fn *fn, void *arg,
                               struct weir_error *err);
    void (*sample)(struct weir_sink *, const struct weir_text *labels, double v);

    /* -- questions of operators, on the thread of question_shard -- */

    struct weir_shard *(*question_shard)(const struct weir_question *);
    struct weir_text (*question_item)(const struct weir_question *); /* empty: all */
    struct weir_text (*question_verb)(const struct weir_question *); /* empty: to look */
    /* A parameter of the query; bytes NULL if it is absent. */
    struct weir_text (*question_query)(struct weir_question *, const char *name);
    /* The body as JSON, lent; null if there is none. */
    const struct weir_value *(*question_body)(const struct weir_question *);
    void (*question_set_data)(struct weir_question *, void *);
    void *(*question_data)(const struct weir_question *);
    /* Answers; *value is taken and set to NULL. */
    void (*answer)(struct weir_question *, const struct weir_value **value);
    void (*answer_fail)(struct weir_question *, const struct weir_error *);

    /* -- a call, until it is answered -- */

    /* Whether OUTPUT is the latest output of a node of flag WEIR_ANSWER in this run: it answers the
     * caller as it is, if it is the last one. */
    bool (*is_answer)(const struct weir_call *, const struct weir_value *output);
    /* Makes OUTPUT one, for a node that hands on what another run was answered: before done. */
    void (*pass_answer)(struct weir_call *, const struct weir_value *output);
    /* Stands for the run: the same for all its calls, and for those of the pipelines that it
     * calls. To be compared, and nothing else. */
    const void *(*whole_run)(const struct weir_call *);

    /* -- marks: numbers that outlive the process -- */

    /* Sets the number under NAME (at most 512 bytes) from FROM to TO, if it is FROM (0: there is
     * none yet), and tells FN: once it is in the store and on the disk, or, where there is no
     * store, at once from the memory of the process. FN is called once, maybe before this
     * returns, and also after the trigger was detached: ARG has to live until then. Numbers are
     * below 2^63. While the process ends no number grows any more: WEIR_UNAVAILABLE. */
    void (*advance)(struct weir_shard *, struct weir_text name, uint64_t from, uint64_t to,
                    weir_advanced_fn *fn, void *arg);

    /* -- waits of durable runs: a call of a node of flag WEIR_WAITS -- */

    /* Opens the wait of CALL in the store: until UNTIL_MS (wall), or until somebody answers it
     * (FLAGS: enum weir_wait_flag), but no longer than that. FN is told once it is on the disk:
     * OUTPUT is a map { until, url, token } (the latter two of a callback). A wait that an earlier
     * attempt has opened stays as it was. WEIR_INVALID: the run is not durable, or its steps are
     * over. */
    void (*wait_open)(struct weir_call *, uint64_t until_ms, uint32_t flags, weir_answer_fn *fn,
                      void *arg);
    /* From now on CALL does nothing but wait. FN is told null when the time has come, what a
     * callback has brought, or WEIR_TIMEOUT if none came in time. If nothing else goes on in the
     * run, it is let go of before that: CALL is cancelled, and when its wait is over its node is
     * run anew, opens the same wait, and is told. */
    void (*wait)(struct weir_call *, weir_answer_fn *fn, void *arg);

    /* -- what several types share -- */

    /* The name of the type that is opened, for an open that is that of several. */
    struct weir_text (*type_name)(struct weir_open *);
    /* The value of a setting as text, and under "pipelines" the first path that pipelines are
     * read from; empty if it is unset or unknown. Main thread: in weir_plugin_entry and open. */
    struct weir_text (*setting)(const char *key);

    /* -- lent nodes, in a call -- */

    /* A node that is lent (uses:) may take from who asks it what its own configuration leaves out:
     * the member KEY of the map that it was asked with; lent. NULL: it has none, or is not lent. What
     * leads to another server, or has a secret, is never taken. An empty KEY: all that it was asked
     * with, whatever that is. */
    const struct weir_value *(*lent)(struct weir_call *, struct weir_text key);

    /* -- signatures [any]; a message is N texts, one behind the other -- */

    size_t (*hmac_parts)(uint32_t algorithm, struct weir_text key, const struct weir_text *parts, uint32_t n,
                         uint8_t ret[64]); /* as hmac */
    /* Ed25519 (RFC 8032): whether SIGNATURE (64 bytes) belongs to the public KEY (32 bytes). */
    bool (*ed25519_verify)(struct weir_text key, const struct weir_text *parts, uint32_t n,
                           struct weir_text signature);
    /* Signs with the private KEY: 32 bytes, or 64 of which the others are the public one. False: it is none. */
    bool (*ed25519_sign)(struct weir_text key, const struct weir_text *parts, uint32_t n, uint8_t ret[64]);
    /* Base64 (RFC 4648 section 4), always padded: how many bytes it has written. SIZE_MAX: more than
     * ROOM, or, of base64_read, anything that base64_write would not have written. */
    size_t (*base64_write)(struct weir_text bytes, char *ret, size_t room);
    size_t (*base64_read)(struct weir_text text, uint8_t *ret, size_t room);

    /* -- events, for triggers, before they are decided -- */

    /* The header of that name (lower case) that is the INDEXth, from 0; bytes NULL if there are fewer. */
    struct weir_text (*event_header_at)(const struct weir_event *, struct weir_text name, uint32_t index);
    /* KEY stands for the event: for TTL_MS another one with it gets the first one's answer, and starts
     * no run. A pipeline that has an idempotency of its own goes by that. */
    void (*event_key)(struct weir_event *, struct weir_text key, uint64_t ttl_ms);

    /* -- a call, until it is answered -- */

    /* What idempotency_key gives, whatever the effect. Empty: the call was cancelled. */
    struct weir_text (*step_key)(struct weir_call *);

    /* -- who sent an event, for triggers: until it is decided -- */

    /* The value at INDEX of those that the query has of NAME, decoded, in the event's memory;
     * bytes NULL if there is none. */
    struct weir_text (*event_query)(struct weir_event *, struct weir_text name, uint32_t index);
    /* Takes a header, or a parameter of the query, out of the event: neither the run nor the store sees it. */
    void (*event_header_hide)(struct weir_event *, struct weir_text name);
    void (*event_query_hide)(struct weir_event *, struct weir_text name);
    /* What request.auth is in the run: a map, taken and set to NULL. Its member "name" stands in the
     * access log. */
    void (*event_auth_set)(struct weir_event *, const struct weir_value **auth);

    /* -- keys, for checking signatures [any] -- */

    /* The key that V is: a string is a public key or a certificate in PEM, bytes are a secret of HMAC, and a
     * map is a JWK (RFC 7517). NULL and ERR if it is none, or too weak to be relied on. */
    struct weir_key *(*key_new)(const struct weir_value *, struct weir_error *err);
    void (*key_free)(struct weir_key **); /* accepts NULL, leaves NULL            */
    /* A bit (1 << enum weir_signature) for each algorithm that the key is good for; a public key is never
     * good for HMAC. */
    uint32_t (*key_algorithms)(const struct weir_key *);
    /* Whether SIGNATURE, of ALGORITHM as JOSE has it, belongs to TEXT. */
    bool (*key_check)(const struct weir_key *, uint32_t algorithm, struct weir_text text,
                      struct weir_text signature);

    /* -- requests and work of a shard, outside of calls -- */

    /* As http, for what a trigger has to know before there is a call. fetch_cancel ends it, before FN and before
     * detach returns. NULL: there is no network (a test of pipelines), or the process ends; FN isn't called. */
    struct weir_fetch *(*fetch)(struct weir_shard *, const struct weir_http_request *, weir_http_fn *fn,
                                void *arg);
    void (*fetch_cancel)(struct weir_fetch **); /* accepts NULL, leaves NULL       */
    /* Runs WORK(ARG) on a worker's thread, where it may block, and DONE(ARG) on the shard's thread then, in any
     * case, maybe after detach. WEIR_UNAVAILABLE if too much waits for a worker. */
    uint32_t (*work)(struct weir_shard *, weir_work_fn *work, weir_worked_fn *done, void *arg,
                     struct weir_error *err);

    /* -- passwords [any] -- */

    /* Whether HASH is one of scrypt, $scrypt$ln=15,r=8,p=1$SALT$HASH, whose cost is bearable. */
    uint32_t (*password_hash_check)(struct weir_text hash, struct weir_error *err);
    /* Whether PASSWORD is that of HASH: takes some hundredths of a second, so only in WORK. */
    bool (*password_check)(struct weir_text hash, struct weir_text password);

    /* -- more [any] -- */

    /* The algorithm of a name in JOSE, "RS256"; 0 if there is none. */
    uint32_t (*signature_find)(struct weir_text name);
    /* As json_read, but a key that stands twice in one map is refused. */
    uint32_t (*json_read_unique)(struct weir_text, const struct weir_value **ret, struct weir_error *err);

    /* -- who sent an event, by its certificate -- */

    /* What the caller's certificate says, which was verified when TLS began: a map { subject (as
     * RFC 2253 writes it), dns, uris, emails (lists of its alternative names), fingerprint (SHA-256
     * in hex) }; lent. NULL: it showed none. */
    const struct weir_value *(*event_peer)(const struct weir_event *);

    /* -- sockets: WebSockets (RFC 6455) and bodies that go on; for triggers, on the shard's thread -- */

    /* Makes a socket of the connection of EVENT, which is a request for one: if its answer has a
     * status below 300, 101 is sent instead, and the connection is a WebSocket from then on; any other
     * answer is sent as it is. Of a body 200 is sent instead, with the headers that the answer has. The event
     * is not decided by this. OWNER is copied and is told how it goes on. NULL and ERR, with status 400, 405
     * or 426, for an event that asks for none. */
    struct weir_socket *(*socket_offer)(struct weir_event *, const struct weir_socket_config *,
                                        const struct weir_socket_owner *owner, void *arg,
                                        struct weir_error *err);
    /* Queues a message: a string goes as text, bytes as binary, a stream piece by piece, each a
     * message, others as JSON text. A body takes strings and bytes. Before the socket is open it waits. False: it
     * is being closed, also since too much waits. */
    bool (*socket_send)(struct weir_socket *, const struct weir_value *message);
    /* Closes with CODE (1000, 1001, 1008, 1011 to 1014, 3000 to 4999; others become 1011) and REASON
     * (123 bytes are sent), behind all that was queued. A body just ends. */
    void (*socket_close)(struct weir_socket *, uint32_t code, struct weir_text reason);
    /* Reads no more messages until it is called with false. */
    void (*socket_hold)(struct weir_socket *, bool hold);
    /* Bytes that wait to be sent. */
    uint64_t (*socket_queued)(const struct weir_socket *);
    /* The query of an event as it was sent, its headers and path parameters; lent, for the later events
     * of its socket. */
    struct weir_text (*event_query_text)(const struct weir_event *);
    const struct weir_header *(*event_headers)(const struct weir_event *, uint32_t *ret_n);
    const struct weir_header *(*event_params)(const struct weir_event *, uint32_t *ret_n);
    /* emit, with all that a request has; FN is told of the reply and of the end. Only a node that
     * replies, or a failure, makes a reply. */
    uint32_t (*emit_request)(struct weir_shard *, void *state, const struct weir_emit *,
                             weir_emitted_fn *fn, void *arg, struct weir_error *err);

    /* publish, on all shards of the process; on others a little later, and never in the way of
     * this one: false if some shard has too much to do and was left out. SHARDS has a bit for each
     * index that is told. */
    bool (*publish_to)(struct weir_shard *, uint64_t shards, struct weir_text topic,
                       const struct weir_value *event);
    /* Tells FN what is published on CHANNEL of a Redis server from soon on, until redis_listen_end,
     * which comes before detach returns and leaves NULL. On a connection of its own, which is made
     * again whenever it is lost; meanwhile nothing is heard. */
    struct redis_listener *(*redis_listen)(struct weir_shard *, struct weir_redis *, struct weir_text channel,
                                           weir_heard_fn *fn, void *arg);
    void (*redis_listen_end)(struct redis_listener **);

    /* -- who sent an event, for triggers -- */

    /* What event_auth_set has set, or a test of the pipeline says in its place: then the trigger has nobody to
     * ask. Lent; NULL: neither. */
    const struct weir_value *(*event_auth)(const struct weir_event *);

    /* -- events, for triggers, before they are decided -- */

    /* Evaluates a slot of the trigger's configuration, whose schema has to allow it (x-weir-event), with
     * what is known of the event; *ret is owned by the caller. WEIR_NOT_FOUND: it is absent. */
    uint32_t (*event_eval)(struct weir_event *, uint32_t slot, const struct weir_value **ret,
                           struct weir_error *err);

    /* -- events, for triggers, after event_key -- */

    /* The key holds in all gateways that have the same SERVER: an event that came to another one gets that
     * one's answer. CLOSED: without the server the event is refused; else it is worked on. */
    void (*event_key_share)(struct weir_event *, struct weir_redis *server, bool closed);

    /* -- who sent an event, for triggers: until it is decided -- */

    /* For how many ms its address is turned away, having failed too often; 0: it is not. */
    uint64_t (*event_auth_blocked)(const struct weir_event *);
    /* It came with a credential that is not good, which may have been a guess. */
    void (*event_auth_failed)(const struct weir_event *);

    /* -- a call, until it is answered -- */

    /* A UUID with a NUL behind it, as uuid() of expressions gives it: random, but in a durable run the same
     * ones, one after another, whenever the step is tried again. */
    void (*uuid)(struct weir_call *, char ret[37]);

    /* -- digests [any] -- */

    /* 16 bytes that stand for TEXT in this process alone, under a key that it has made for itself:
     * nobody can foresee them, or find two texts that have the same ones. For keys in memory: it
     * takes a tenth of what digest takes. */
    void (*digest_local)(struct weir_text text, uint8_t ret[16]);

    /* -- a call, until it is answered -- */

    /* The JSON that V was read from, if it is the list or map that the last answer of an upstream to this run
     * was; lent, until the call goes on. NULL bytes: it is something else. */
    struct weir_text (*json_heard)(struct weir_call *, const struct weir_value *v);
};

#ifdef __GNUC__
#define WEIR_EXPORT __attribute__((visibility("default")))
#else
#define WEIR_EXPORT
#endif

/* JSON, written in C as it is, as a string: for schemas. */
#define WEIR_JSON(...) #__VA_ARGS__

#ifndef __cplusplus
/* The text of a string literal. */
#define WEIR_TEXT(literal) ((struct weir_text){ "" literal, sizeof(literal) - 1 })
#endif

/* The one symbol that a plugin exports. */
WEIR_EXPORT const struct weir_plugin *weir_plugin_entry(const struct weir_host *);

#ifdef __cplusplus
}
#endif

#endif
